/* One HTTP/1.1 connection: bytes in, requests to the routes, responses out, every wait bounded.
 * We parse requests ourselves on libevent's bufferevents: the strict checks read every head and
 * every chunk anyway, and a second parser behind them could disagree with the first. Layer:
 * central. Threads: its loop's. */
#ifndef CANDOR_CENTRAL_CONN_H
#define CANDOR_CENTRAL_CONN_H

#include <event2/bufferevent.h>

#include "central/auth.h"
#include "central/loop.h"
#include "central/strict_http.h"

typedef enum candor_conn_state {
    CANDOR_CONN_HEAD,    /* waiting for, or reading, a request head */
    CANDOR_CONN_BODY,    /* reading a body */
    CANDOR_CONN_BUSY,    /* a handler has it; candor_conn_send ends this */
    CANDOR_CONN_WRITING, /* the response drains */
    CANDOR_CONN_LINGER   /* response sent, reading what the client still sends, then close */
} candor_conn_state;

#define CANDOR_ETAG_TEXT   34 /* 32 hex digits in quotes */
#define CANDOR_COOKIE_TEXT 192
#define CANDOR_FIELDS_TEXT 160

typedef struct candor_reply {
    int code;
    const char *type;    /* static */
    const char *problem; /* static: the code of a problem; NULL: it is none */
    const char *allow;   /* static; for 405 */
    unsigned retry_after_s;
    bool download; /* a browser saves it instead of showing it */
    bool validate; /* gets an ETag, and 304 when the client has it already */
    char etag[CANDOR_ETAG_TEXT + 1];
    char cookie[CANDOR_COOKIE_TEXT]; /* value of Set-Cookie; empty: none */
    /* Static; NULL: what the API's answers have. */
    const char *cache, *policy, *encoding;
    char fields[CANDOR_FIELDS_TEXT]; /* more header fields, each with its CRLF; empty: none */
    candor_buf body;
} candor_reply;

typedef struct candor_conn {
    struct candor_conn *prev, *next; /* of its place */
    candor_place place;
    candor_loop *loop;
    struct bufferevent *bev;
    struct event *timer;
    evutil_socket_t fd;
    uint64_t peer;
    candor_conn_state state;
    bool gone;       /* the peer is lost while a handler works: freed when it is done */
    bool eof;        /* the peer will send nothing more */
    bool close_next; /* after this response */
    bool discard;    /* read the body, keep nothing, then send reply */
    bool known;      /* its latest token was valid */
    bool served;     /* at least one request was answered */
    bool counted;    /* in the in_flight gauge */
    uint64_t started_ns, body_seen; /* of this request */
    uint64_t body_max;              /* the route's, set by candor_route_begin, as are these two */
    const char *body_advice;        /* static: what to do about a body that is larger */
    candor_counter *body_over;      /* counts those; may be NULL */
    size_t scanned;
    candor_chunks chunks;
    candor_buf head_text, body;
    size_t body_charged;  /* what of body counts in buffered_bytes */
    size_t reply_charged; /* what of the response counts in response_bytes */
    candor_head head;
    candor_principal principal;
    unsigned route; /* private to route.c */
    candor_reply reply;
} candor_conn;

/* conn_places.c. settle: its state or its token may have changed the place; where it did, the
 * connection is the newest there. */
void candor_conn_enter(candor_conn *c);
void candor_conn_leave(candor_conn *c);
void candor_conn_settle(candor_conn *c);

/* fd is owned from here on, also on failure. */
void candor_conn_open(candor_loop *l, evutil_socket_t fd, uint64_t peer);
/* conn_problem.c: a reply that is a problem gets the id of this occurrence, in its body and in the
 * log. */
void candor_conn_name_problem(candor_conn *c);
/* Send c->reply; the handler's last act. c may be freed. */
void candor_conn_send(candor_conn *c);
/* Close the connection of l that has waited longest for a request; strangers: only one that has
 * shown no valid token, which may be in the middle of a request. False: there is none. */
bool candor_conn_evict(candor_loop *l, bool strangers);
/* The server stops: idle connections close, others after their response. force: all but busy ones.
 */
void candor_conn_stop(candor_conn *c, bool force);

#endif
