/* From a request to the code that answers it. Layer: central. Threads: the connection's loop. */
#ifndef CANDOR_CENTRAL_ROUTE_H
#define CANDOR_CENTRAL_ROUTE_H

#include "central/conn.h"

/* The head is complete: find the route, check method, token, scope and what the route wants of the
 * head. False: c->reply holds the refusal. */
bool candor_route_begin(candor_conn *c);
/* The body is complete: answer, now or later, by candor_conn_send. */
void candor_route_run(candor_conn *c);
/* The connection breaks while the body arrives: what came may be worth keeping. */
void candor_route_cut(candor_conn *c);
/* The table of routes as JSON, for `candor-central routes` and the test of docs/openapi.json. */
void candor_route_list(candor_buf *out);

#endif
