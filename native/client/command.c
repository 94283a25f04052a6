#include "client/command.h"

#include <stdatomic.h>
#include <stdlib.h>

struct candor_waiter {
    candor_latch *latch;
    _Atomic int refs;
    candor_status status;
    candor_buf result;
    candor_err err;
};

static void release(candor_waiter *w)
{
    if (atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1) return;
    candor_latch_free(w->latch);
    candor_buf_free(&w->result);
    free(w);
}

candor_status candor_waiter_new(candor_waiter **out)
{
    *out = NULL;
    candor_waiter *w = calloc(1, sizeof *w);
    if (w == NULL) return CANDOR_NOMEM;
    candor_status st = candor_latch_new(&w->latch);
    if (st != CANDOR_OK) {
        free(w);
        return st;
    }
    atomic_init(&w->refs, 2);
    *out = w;
    return CANDOR_OK;
}

void candor_waiter_drop(candor_waiter *w)
{
    release(w);
    release(w);
}

candor_status candor_waiter_wait(candor_waiter *w, int timeout_ms, candor_buf *out, candor_err *err)
{
    candor_status st = CANDOR_TIMEOUT;
    if (candor_latch_wait(w->latch, timeout_ms)) {
        st = w->status;
        if (st == CANDOR_OK && out != NULL) candor_buf_put_bytes(out, candor_buf_bytes(&w->result));
        if (st == CANDOR_OK && out != NULL && out->failed) st = CANDOR_NOMEM;
        if (st != CANDOR_OK && err != NULL) *err = w->err;
    } else {
        (void)candor_fail(err, st, 0, "worker", "the worker is busy; try again");
    }
    release(w);
    return st;
}

static void answer_waiter(candor_waiter *w, candor_status st, candor_bytes result,
                          const candor_err *err)
{
    w->status = st;
    candor_buf_put_bytes(&w->result, result);
    if (w->result.failed) w->status = CANDOR_NOMEM;
    if (err != NULL) w->err = *err;
    if (w->status != CANDOR_OK && w->err.code == CANDOR_OK)
        (void)candor_fail(&w->err, w->status, 0, "worker", "%s", candor_status_text(w->status));
    candor_latch_open(w->latch);
    release(w);
}

candor_status candor_command_push(candor_command_list *l, const candor_command *command)
{
    candor_command *copy = malloc(sizeof *copy);
    if (copy == NULL) return CANDOR_NOMEM;
    *copy = *command;
    copy->next = NULL;
    candor_mutex_lock(l->mutex);
    bool closed = l->closed;
    if (!closed) {
        if (l->tail != NULL)
            l->tail->next = copy;
        else
            l->head = copy;
        l->tail = copy;
    }
    candor_mutex_unlock(l->mutex);
    if (closed) free(copy);
    return closed ? CANDOR_CANCELLED : CANDOR_OK;
}

static candor_command *take(candor_command_list *l, bool close)
{
    candor_mutex_lock(l->mutex);
    candor_command *head = l->head;
    l->head = l->tail = NULL;
    l->closed = l->closed || close;
    candor_mutex_unlock(l->mutex);
    return head;
}

candor_command *candor_command_take(candor_command_list *l)
{
    return take(l, false);
}

candor_command *candor_command_close(candor_command_list *l)
{
    return take(l, true);
}

void candor_command_finish(candor_command *c, candor_status st, candor_bytes result,
                           const candor_err *err)
{
    if (c->waiter != NULL) answer_waiter(c->waiter, st, result, err);
    if (c->done != NULL) c->done(c->ctx, st, result);
    if (c->settings != NULL) candor_settings_free(c->settings);
    free(c->settings);
    free(c);
}
