#include "central/mailbox.h"

#include <stdlib.h>

struct candor_mailbox {
    candor_mutex *lock;
    candor_waker *waker;
    candor_task *first, *last;
};

candor_status candor_mailbox_new(candor_mailbox **out, candor_err *err)
{
    candor_mailbox *m = calloc(1, sizeof *m);
    candor_status st;
    *out = NULL;
    if (m == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "mailbox", NULL);
    st = candor_mutex_new(&m->lock);
    if (st != CANDOR_OK) candor_fail(err, st, 0, "mailbox", NULL);
    if (st == CANDOR_OK) st = candor_waker_new(&m->waker, err);
    if (st != CANDOR_OK) {
        candor_mailbox_free(m);
        return st;
    }
    *out = m;
    return CANDOR_OK;
}

void candor_mailbox_free(candor_mailbox *m)
{
    if (m == NULL) return;
    if (m->waker != NULL) candor_waker_free(m->waker);
    candor_mutex_free(m->lock);
    free(m);
}

void candor_mailbox_post(candor_mailbox *m, candor_task *t)
{
    bool was_empty;
    t->next = NULL;
    candor_mutex_lock(m->lock);
    was_empty = m->first == NULL;
    if (was_empty)
        m->first = t;
    else
        m->last->next = t;
    m->last = t;
    candor_mutex_unlock(m->lock);
    if (was_empty) candor_waker_wake(m->waker); /* else a wake is already on its way */
}

candor_task *candor_mailbox_take(candor_mailbox *m)
{
    candor_task *t;
    candor_mutex_lock(m->lock);
    t = m->first;
    m->first = m->last = NULL;
    candor_mutex_unlock(m->lock);
    return t;
}

void candor_mailbox_run(candor_mailbox *m)
{
    candor_task *t = candor_mailbox_take(m);
    while (t != NULL) {
        candor_task *next = t->next; /* run may free t */
        t->run(t);
        t = next;
    }
}

candor_waker *candor_mailbox_waker(candor_mailbox *m)
{
    return m->waker;
}
