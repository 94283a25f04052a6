/* What one running collector holds together, and its life: start, accept, stop.
 * Layer: central. Threads: the main thread accepts and keeps time, each loop thread serves its
 * connections from request to response, the store has threads of its own. */
#ifndef CANDOR_CENTRAL_SERVER_H
#define CANDOR_CENTRAL_SERVER_H

#include <event2/util.h>

#include "central/auth.h"
#include "central/config.h"
#include "central/log.h"
#include "central/metrics.h"
#include "central/parting.h"
#include "central/ratelimit.h"
#include "central/retention.h"
#include "central/store/attachments.h"
#include "central/store/store.h"

#define CANDOR_LOOPS_MAX 16

struct candor_loop;
struct candor_alerts;

typedef struct candor_server {
    candor_config config;
    candor_log log;
    candor_metrics metrics;
    candor_schema *schema;
    candor_retention retention;
    candor_store *store;
    candor_attachments *attachments;
    struct candor_package_reader *packages;
    struct candor_alerts *alerts; /* NULL: none */
    candor_auth *auth;
    candor_tokens *tokens;
    candor_budget *budget;
    candor_ratelimit *limit;
    candor_ratelimit *peer_limit; /* the client chooses its machine, not its address */
    candor_ratelimit *attachment_limit, *attachment_peer_limit;
    candor_ratelimit *login_limit;
    struct candor_sessions *sessions;
    struct candor_quality *quality;
    struct candor_tls *tls; /* NULL: plain HTTP */
    unsigned char pepper[32], receipt_seed[32];
    candor_db_key db_key;
    uint64_t started_ns;
    _Atomic bool stopping, disk_low;
    _Atomic uint64_t full_until_ns; /* the store was full; what comes before then is not read */
    struct candor_loop *loops[CANDOR_LOOPS_MAX];
    unsigned n_loops, next_loop;
} candor_server;

/* No room for a connection: say so where that takes no handshake, and close. */
void candor_server_refuse(candor_server *s, candor_parting *p, evutil_socket_t fd);
/* Serve until SIGTERM or SIGINT; returns when everything acknowledged is stored and closed. */
CANDOR_CHECK candor_status candor_server_run(candor_server *s, candor_err *err);
/* The default schema, built in. */
candor_bytes candor_builtin_schema(void);
/* docs/openapi.json, built in. */
candor_bytes candor_builtin_openapi(void);

#endif
