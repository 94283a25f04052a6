/* Sessions of the dashboard: a read token traded for a cookie that reads, of the same app. They
 * live in memory and end with their token, their time or the process. Layer: central. Threads: any.
 */
#ifndef CANDOR_CENTRAL_SESSION_H
#define CANDOR_CENTRAL_SESSION_H

#include "central/conn.h"

#define CANDOR_SESSION_S    43200 /* a session lasts this long */
#define CANDOR_SESSIONS_MAX 1024  /* one more takes the place of the one that ends first */
#define CANDOR_SESSION_PATH "/api/v1/session"

typedef struct candor_sessions candor_sessions;
CANDOR_CHECK candor_status candor_sessions_new(candor_sessions **out);
void candor_sessions_free(candor_sessions *s); /* accepts NULL */

#define CANDOR_SESSION_SECRET 64 /* hex digits */
/* A new session of p; text gets its secret, terminated, this once. now_s: of a clock that only goes
 * forward. *displaced: it took the place of one that had time left. */
CANDOR_CHECK candor_status candor_sessions_add(candor_sessions *s, const candor_principal *p,
                                               uint64_t now_s, char text[CANDOR_SESSION_SECRET + 1],
                                               bool *displaced);
/* False: no session has that secret now. */
bool candor_sessions_get(candor_sessions *s, candor_bytes secret, uint64_t now_s,
                         candor_principal *out, uint64_t *left_s);
void candor_sessions_end(candor_sessions *s, candor_bytes secret);

/* The session that the request's cookie names, as a principal that may read. *left_s: how long it
 * lasts. False: there is none, or its token was revoked. */
bool candor_session_find(candor_conn *c, candor_principal *out, uint64_t *left_s);

/* Route handlers. */
bool candor_session_try(candor_conn *c);   /* a login may be tried; else c->reply says why not */
bool candor_session_begin(candor_conn *c); /* the request is not another site's */
void candor_session_create(candor_conn *c);
void candor_session_show(candor_conn *c);
void candor_session_end(candor_conn *c);

#endif
