/* What is read again while the collector serves: certificate, key and token file, on SIGHUP and
 * when they change. Layer: central. Threads: the main thread's. */
#ifndef CANDOR_CENTRAL_RELOAD_H
#define CANDOR_CENTRAL_RELOAD_H

#include <sys/stat.h>

#include "central/server.h"

enum { CANDOR_RELOAD_TLS, CANDOR_RELOAD_TOKENS, CANDOR_RELOAD_COUNT };

typedef struct candor_watched {
    struct stat tried[2], seen[2]; /* as it was last read, as it was last looked at */
} candor_watched;

typedef struct candor_reload {
    candor_server *server;
    candor_watched watched[CANDOR_RELOAD_COUNT];
} candor_reload;

void candor_reload_init(candor_reload *r, candor_server *s); /* once everything is loaded */
/* Called each second: reads what changed and has been still since the last look, so that a
 * certificate is not read before its key has come too. */
void candor_reload_look(candor_reload *r);
void candor_reload_now(candor_reload *r);

#endif
