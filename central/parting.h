/* Sockets on their way out. Closing one with unread input makes the kernel send a reset, which can
 * overtake what was said before: here such a socket is half-closed, read empty and closed when the
 * peer closes too, or after a moment. Layer: central. Threads: those of its event base. */
#ifndef CANDOR_CENTRAL_PARTING_H
#define CANDOR_CENTRAL_PARTING_H

#include <event2/event.h>
#include <event2/util.h>

#include "plat/plat.h"

#define CANDOR_PARTING_MAX 512 /* sockets of one; one more closes the oldest */

typedef struct candor_parting candor_parting;

CANDOR_CHECK candor_status candor_parting_new(struct event_base *base, candor_parting **out);
void candor_parting_free(candor_parting *p); /* closes those that are left; accepts NULL */
/* fd is owned from here on. Nothing is sent but the end. */
void candor_parting_take(candor_parting *p, evutil_socket_t fd);
/* The same after an answer: 503 with Retry-After. */
void candor_parting_refuse(candor_parting *p, evutil_socket_t fd);

#endif
