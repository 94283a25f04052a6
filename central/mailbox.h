/* A queue of tasks for one thread, fed by any thread. Layer: central.
 * The receiver waits on the waker (alone, or in its event loop through the handle). */
#ifndef CANDOR_CENTRAL_MAILBOX_H
#define CANDOR_CENTRAL_MAILBOX_H

#include "plat/plat.h"

/* Embedded in whatever travels. Whoever posts it lends it until run is called. */
typedef struct candor_task {
    struct candor_task *next; /* private to the mailbox */
    void (*run)(struct candor_task *t);
} candor_task;

typedef struct candor_mailbox candor_mailbox;

CANDOR_CHECK candor_status candor_mailbox_new(candor_mailbox **out, candor_err *err);
void candor_mailbox_free(candor_mailbox *m); /* tasks still inside are not run; accepts NULL */
void candor_mailbox_post(candor_mailbox *m, candor_task *t);
/* Everything posted so far, oldest first, linked by next; NULL when empty. */
candor_task *candor_mailbox_take(candor_mailbox *m);
/* take, and run each. */
void candor_mailbox_run(candor_mailbox *m);
candor_waker *candor_mailbox_waker(candor_mailbox *m);

#endif
