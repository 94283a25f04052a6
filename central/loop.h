/* One event loop in its own thread, with its connections and its scratch memory.
 * Layer: central. Threads: start, stop and join from the main thread; the rest on the loop's own.
 */
#ifndef CANDOR_CENTRAL_LOOP_H
#define CANDOR_CENTRAL_LOOP_H

#include <event2/event.h>

#include "central/mailbox.h"
#include "central/server.h"

struct candor_conn;
struct candor_ingest;

/* Connections that one more may replace, and those that it may not. */
typedef enum candor_place {
    CANDOR_PLACE_STRANGER, /* showed no valid token, and no request is at work */
    CANDOR_PLACE_IDLE,     /* between two requests of a sender */
    CANDOR_PLACE_WORK,
    CANDOR_PLACE_COUNT
} candor_place;

typedef struct candor_conn_list {
    struct candor_conn *first, *last; /* last: the longest there */
} candor_conn_list;

typedef struct candor_loop {
    candor_server *server;
    struct event_base *base;
    candor_mailbox *mail; /* work that comes back from the store, and new sockets */
    struct event *mail_event, *stop_timer;
    candor_parting *parting;
    unsigned index; /* in server->loops */
    candor_thread *thread;
    candor_latch *ended;
    candor_conn_list places[CANDOR_PLACE_COUNT];
    size_t n_conns;
    struct candor_ingest *ingest;
    bool stopping;
    candor_task stop_task;
    unsigned char problem_seed[6]; /* of the ids of problems, with their number */
    uint32_t problems;
} candor_loop;

CANDOR_CHECK candor_status candor_loop_start(candor_server *s, candor_loop **out, candor_err *err);
/* Hand over a connected socket. peer: a fingerprint of its address under a key of this run, kept in
 * memory for rate limits and nothing else. full: it takes the place of an idle connection, of this
 * loop or another, or is refused. */
void candor_loop_adopt(candor_loop *l, evutil_socket_t fd, uint64_t peer, bool full);
void candor_loop_stop(candor_loop *l); /* finish what is in flight, then end */
/* False: still running after timeout_ms. */
bool candor_loop_join(candor_loop *l, int timeout_ms);
void candor_loop_free(candor_loop *l); /* once every loop of the server is joined */

#endif
