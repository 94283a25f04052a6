/* The dashboard's files, compressed inside the binary. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_DASHBOARD_H
#define CANDOR_CENTRAL_DASHBOARD_H

#include "central/conn.h"

#define CANDOR_DASHBOARD_PATH "/dashboard"

typedef struct candor_asset {
    const char *name, *type;
    bool hashed;             /* the name says what is in it, so it never changes */
    const unsigned char *gz; /* gzip */
    size_t n;
} candor_asset;

/* Made by scripts/dashboard.js; without it, none (central/no_dashboard.c.in). */
const candor_asset *candor_dashboard_assets(size_t *n);

/* Route handler: index.html at the path itself, the others behind it. */
void candor_dashboard_run(candor_conn *c);

#endif
