/* Requests for the store of attachments, and its answers back on the loop. */
#include "central/attach.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/attach_check.h"
#include "central/ingest_body.h"
#include "central/respond.h"

/* --- jobs ----------------------------------------------------------------------------------- */

void candor_attach_job_free(candor_attachment_job *j)
{
    candor_buf_free(&j->text);
    free(j);
}

candor_attachment_job *candor_attach_job(candor_conn *c, candor_attachment_op op,
                                         void (*done)(candor_attachment_job *))
{
    candor_attachment_job *j = calloc(1, sizeof *j);
    if (j == NULL) return NULL;
    j->op = op;
    j->owner = c;
    j->done = done;
    memcpy(j->app, c->principal.app, sizeof j->app);
    return j;
}

static void submit(candor_conn *c, candor_attachment_job *j)
{
    if (candor_attachments_submit(c->loop->server->attachments, j) == CANDOR_OK) return;
    candor_count(&c->loop->server->metrics.shed[CANDOR_SHED_TEXTS], 1);
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BUSY,
                        "the store cannot keep up; keep the text and try again");
    c->reply.retry_after_s = 1;
    candor_attach_job_free(j);
    candor_conn_send(c);
}

void candor_attach_go(candor_conn *c, candor_attachment_job *j, bool ready)
{
    if (ready) {
        submit(c, j);
        return;
    }
    if (j == NULL)
        candor_ingest_no_memory(c);
    else
        candor_attach_job_free(j);
    candor_conn_send(c);
}

static void store_failed(candor_conn *c, const candor_attachment_job *j)
{
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_STORE_FAILED,
                        "the store failed (%s), the log says why; try again",
                        candor_status_text(j->status));
    c->reply.retry_after_s = 5;
}

/* --- POST ----------------------------------------------------------------------------------- */

static void reply_stored(candor_conn *c, const candor_attachment_job *j)
{
    candor_metrics *m = &c->loop->server->metrics;
    bool known = j->result == CANDOR_ATTACHMENT_KNOWN;
    candor_buf *b = candor_reply_begin(&c->reply, known ? 200 : 201, candor_type_json);
    char hex[2 * CANDOR_SHA256_SIZE];
    size_t size = known ? (size_t)j->offset : j->text.n; /* text may be a part */
    candor_hex_encode(j->sha256, sizeof j->sha256, hex);
    candor_count(known ? &m->attachments_known : &m->attachments_stored, 1);
    if (!known) candor_count(&m->attachment_bytes, size);
    candor_buf_putf(b, "{\"stored\":%s,\"duplicate\":%s,\"size\":%zu,\"sha256\":\"%.*s\"}\n",
                    known ? "false" : "true", known ? "true" : "false", size, (int)sizeof hex, hex);
}

void candor_attach_reply(candor_conn *c, const candor_attachment_job *j)
{
    if (j->status != CANDOR_OK) {
        store_failed(c, j);
    } else if (j->result == CANDOR_ATTACHMENT_CONFLICT) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_CONFLICT,
                            "another text of this event and field is stored, and stays");
        candor_attach_refused(c, CANDOR_ATTACH_REFUSE_CONFLICT);
    } else if (j->result == CANDOR_ATTACHMENT_OTHER_APP) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_WRONG_APP,
                            "the token is bound to the app \"%s\", the event is "
                            "another app's",
                            j->app);
        candor_attach_refused(c, CANDOR_ATTACH_REFUSE_WRONG_APP);
    } else {
        reply_stored(c, j);
    }
}

static void put_done(candor_task *t)
{
    candor_attachment_job *j = (candor_attachment_job *)(void *)t;
    candor_conn *c = j->owner;
    candor_attach_reply(c, j);
    candor_attach_job_free(j);
    candor_conn_send(c);
}

static void on_put(candor_attachment_job *j)
{
    j->task.run = put_done;
    candor_mailbox_post(((candor_conn *)j->owner)->loop->mail, &j->task);
}

void candor_attach_run(candor_conn *c)
{
    candor_attachment_job *j = candor_attach_job(c, CANDOR_ATTACHMENT_PUT, on_put);
    candor_attach_go(c, j, j != NULL && candor_attach_fill(c, j));
}

/* --- GET ------------------------------------------------------------------------------------ */

/* On the store's thread: nothing of the connection may be touched here. */
static bool put_item(void *ctx, const candor_attachment *a)
{
    candor_buf *b = ctx;
    char hex[2 * CANDOR_SHA256_SIZE], received[CANDOR_TIME_TEXT];
    candor_hex_encode(a->sha256.p, CANDOR_SHA256_SIZE, hex);
    candor_time_format(a->received_ms, received);
    candor_buf_put_bytes(b, b->n == 0 ? CANDOR_LIT("{\"attachments\":[") : CANDOR_LIT(","));
    candor_buf_put_bytes(b, CANDOR_LIT("{\"field\":"));
    candor_json_put_string(b, a->field);
    candor_buf_putf(b, ",\"size\":%lld,\"sha256\":\"%.*s\",\"received\":\"%.*s\"}",
                    (long long)a->size, (int)sizeof hex, hex, (int)sizeof received, received);
    return !b->failed;
}

static void reply_got(candor_conn *c, candor_attachment_job *j)
{
    if (j->status != CANDOR_OK) {
        store_failed(c, j);
    } else if (j->result == CANDOR_ATTACHMENT_NONE) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_NO_SUCH_TEXT,
                            "there is no such text; without ?field= this path lists what there is");
    } else {
        bool list = j->op == CANDOR_ATTACHMENT_LIST;
        candor_buf *b =
            candor_reply_begin(&c->reply, 200, list ? candor_type_json : candor_type_text);
        if (list && j->text.n == 0)
            candor_buf_put_bytes(&j->text, CANDOR_LIT("{\"attachments\":["));
        if (list) candor_buf_put_bytes(&j->text, CANDOR_LIT("]}\n"));
        c->reply.download = !list;
        c->reply.validate = true;
        candor_buf_free(b);
        *b = j->text;
        j->text = (candor_buf){0};
    }
}

static void get_done(candor_task *t)
{
    candor_attachment_job *j = (candor_attachment_job *)(void *)t;
    candor_conn *c = j->owner;
    reply_got(c, j);
    candor_attach_job_free(j);
    candor_conn_send(c);
}

static void on_got(candor_attachment_job *j)
{
    j->task.run = get_done;
    candor_mailbox_post(((candor_conn *)j->owner)->loop->mail, &j->task);
}

/* A field that the schema has lost may still have texts: it goes by the name that was given. */
static void name_field(const candor_conn *c, candor_attachment_job *j)
{
    candor_bytes name = candor_bytes_str(j->field), canonical;
    if (candor_attach_field_max(c->loop->server->schema, name, &canonical) == 0) return;
    memcpy(j->field, canonical.p, canonical.n);
    j->field[canonical.n] = '\0';
}

static bool read_request(candor_conn *c, candor_attachment_job *j)
{
    bool one = false;
    if (!candor_attach_kept(c) || !candor_attach_event_id(c, j->event_id) ||
        !candor_attach_field(c, j->field, &one))
        return false;
    if (one) j->op = CANDOR_ATTACHMENT_GET;
    if (one) name_field(c, j);
    j->visit = put_item;
    j->ctx = &j->text;
    return true;
}

void candor_attach_read(candor_conn *c)
{
    candor_attachment_job *j = candor_attach_job(c, CANDOR_ATTACHMENT_LIST, on_got);
    candor_attach_go(c, j, j != NULL && read_request(c, j));
}
