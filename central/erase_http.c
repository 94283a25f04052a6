/* POST /api/v1/erasures. The answer waits until everything is gone. */
#include "central/erase.h"
#include "central/ingest.h"
#include "central/media.h"
#include "central/respond.h"

bool candor_erase_begin(candor_conn *c)
{
    c->body_max = CANDOR_ERASE_BODY_MAX;
    c->body_advice = "it takes one id";
    if (*c->principal.app != '\0') {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_WRONG_APP,
                            "the token is bound to the app \"%s\"; erasing takes an admin token "
                            "that is bound to no app",
                            c->principal.app);
        return false;
    }
    if (candor_media_is(c->head.content_type, "application/json") &&
        c->head.content_encoding.n == 0)
        return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_CONTENT_TYPE,
                        "Content-Type is not application/json, or there is a Content-Encoding");
    return false;
}

static void reply_done(candor_conn *c, const candor_erase_job *j)
{
    candor_err err = {0};
    candor_buf *b;
    candor_status st = j->erasure.status;
    if (st == CANDOR_OK) {
        b = candor_reply_begin(&c->reply, 200, candor_type_json);
        st = candor_receipt_write(&j->receipt, j->server->receipt_seed, b, &err);
        if (st == CANDOR_OK) return;
    }
    candor_reply_refuse(
        &c->reply, st == CANDOR_CANCELLED ? CANDOR_PROBLEM_STOPPING : CANDOR_PROBLEM_STORE_FAILED,
        "not everything is erased yet (%s); ask again", candor_status_text(st));
    c->reply.retry_after_s = 5;
}

static void back_on_loop(candor_task *t)
{
    candor_erase_job *j = (candor_erase_job *)(void *)t; /* erasure.task is its first member */
    candor_conn *c = j->owner;
    reply_done(c, j);
    candor_erase_free(j);
    candor_conn_send(c);
}

static void on_done(candor_erase_job *j)
{
    j->erasure.task.run = back_on_loop;
    candor_mailbox_post(((candor_conn *)j->owner)->loop->mail, &j->erasure.task);
}

void candor_erase_run(candor_conn *c)
{
    candor_erase_job *j = NULL;
    candor_err err = {0};
    candor_status st = candor_erase_parse(c->loop->server, candor_buf_bytes(&c->body), &j, &err);
    if (st == CANDOR_OK) {
        j->owner = c;
        j->done = on_done;
        st = candor_erase_start(j);
        if (st == CANDOR_OK) return; /* on_done goes on */
        candor_erase_free(j);
    }
    if (st == CANDOR_INVALID) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_JSON, "%s", err.text);
    } else {
        candor_count(&c->loop->server->metrics.shed[CANDOR_SHED_ERASURES], 1);
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BUSY,
                            "too many erasures wait, or the collector stops; try again");
        c->reply.retry_after_s = 5;
    }
    candor_conn_send(c);
}
