/* Where a server is: scheme://user:password@host:port/database?key=value. Layer: central. */
#ifndef CANDOR_CENTRAL_SINK_URL_H
#define CANDOR_CENTRAL_SINK_URL_H

#include "base/bytes.h"

#define CANDOR_SINK_URL_MAX 1024

typedef struct candor_sink_url {
    char scheme[16], user[128], password[256], host[256], database[64];
    unsigned port; /* 0: none was given */
    char query[256];
} candor_sink_url;

/* Percent-encoding is decoded. The sentence of a failure never quotes the URL. */
CANDOR_CHECK candor_status candor_sink_url_parse(const char *text, candor_sink_url *out,
                                                 candor_err *err);
/* The value of a key of the query, or NULL; out holds it. */
const char *candor_sink_url_option(const candor_sink_url *u, const char *key, char *out,
                                   size_t cap);

#endif
