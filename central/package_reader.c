#include "central/package_reader.h"

#include <stdlib.h>

struct candor_package_reader {
    candor_ingest *tools; /* its own: a loop's are in use */
    candor_mailbox *mail;
    candor_thread *thread;
    atomic_bool closing;
};

/* --- on the connection's loop ----------------------------------------------------------------- */

static void take_back(candor_task *t)
{
    candor_ingest_request *r = (candor_ingest_request *)(void *)t; /* as in ingest.c */
    candor_uncount(&r->conn->loop->server->metrics.packages_waiting, 1);
    candor_ingest_pass(r);
}

/* --- on the reader's thread ------------------------------------------------------------------- */

static void read_one(candor_task *t)
{
    candor_ingest_request *r = (candor_ingest_request *)(void *)t;
    candor_loop *home = r->conn->loop;
    candor_ingest_read(r, home->server->packages->tools);
    t->run = take_back;
    candor_mailbox_post(home->mail, t);
}

static void run(void *ctx)
{
    candor_package_reader *p = ctx;
    while (!atomic_load(&p->closing)) {
        candor_waker_sleep(candor_mailbox_waker(p->mail), -1);
        candor_mailbox_run(p->mail);
    }
}

/* --- from outside ----------------------------------------------------------------------------- */

void candor_package_reader_submit(candor_conn *c, candor_ingest_reader *read)
{
    candor_server *s = c->loop->server;
    candor_ingest_request *r = candor_ingest_request_new(c, read);
    if (r == NULL) return;
    candor_count(&s->metrics.packages_waiting, 1);
    r->batch.task.run = read_one;
    candor_mailbox_post(s->packages->mail, &r->batch.task);
}

candor_status candor_package_reader_start(candor_server *s, candor_package_reader **out,
                                          candor_err *err)
{
    candor_package_reader *p = calloc(1, sizeof *p);
    candor_status st;
    *out = NULL;
    if (p == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "package reader", NULL);
    st = candor_ingest_new(s, &p->tools, err);
    if (st == CANDOR_OK) st = candor_mailbox_new(&p->mail, err);
    if (st == CANDOR_OK) st = candor_thread_start("packages", run, p, &p->thread, err);
    if (st == CANDOR_OK)
        *out = p;
    else
        candor_package_reader_stop(p);
    return st;
}

void candor_package_reader_stop(candor_package_reader *p)
{
    if (p == NULL) return;
    atomic_store(&p->closing, true);
    if (p->thread != NULL) {
        candor_waker_wake(candor_mailbox_waker(p->mail));
        candor_thread_join(&p->thread);
    }
    candor_mailbox_free(p->mail);
    candor_ingest_free(p->tools);
    free(p);
}
