/* A text of full content in parts, so that a broken connection costs a part of it at most. Methods
 * and header fields are those of "Resumable Uploads for HTTP"
 * (draft-ietf-httpbis-resumable-upload), less what the digest makes superfluous: it names the
 * upload, so none has to be created, and it says when the text is whole and right. */
#include <stdio.h>

#include "base/uuid.h"
#include "central/attach.h"
#include "central/attach_check.h"
#include "central/ingest.h"
#include "central/ingest_body.h"
#include "central/media.h"
#include "central/respond.h"

#define OFFSET_DIGITS 15 /* RFC 9651 3.3.1 */

/* --- head ----------------------------------------------------------------------------------- */

/* An Integer and a Boolean of RFC 9651, without parameters. */
static bool read_place(candor_conn *c, uint64_t *offset, bool *last)
{
    const candor_bytes at = c->head.upload_offset, end = c->head.upload_complete;
    bool ok = at.n != 0 && at.n <= OFFSET_DIGITS;
    size_t i;
    *offset = 0;
    for (i = 0; ok && i < at.n; i++) {
        ok = at.p[i] >= '0' && at.p[i] <= '9';
        *offset = *offset * 10 + (uint64_t)(at.p[i] - '0');
    }
    *last = candor_bytes_eq(end, CANDOR_LIT("?1"));
    if (ok && (*last || candor_bytes_eq(end, CANDOR_LIT("?0")))) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_HEADER,
                        "a part needs Upload-Offset, the bytes of the text before it, and "
                        "Upload-Complete, ?1 for the last part and ?0 for others");
    return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_PART);
}

static bool read_digest(candor_conn *c, unsigned char out[CANDOR_SHA256_SIZE])
{
    if (candor_hex_decode(c->head.content_sha256, out, CANDOR_SHA256_SIZE)) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_HEADER,
                        "Candor-Content-SHA256 is not the 64 hex digits of the whole text, by "
                        "which its parts are known");
    return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_DIGEST);
}

static bool type_ok(candor_conn *c)
{
    if (candor_media_is(c->head.content_type, "application/partial-upload"))
        return candor_ingest_encoding_ok(c) || candor_attach_refused(c, CANDOR_ATTACH_REFUSE_TYPE);
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_CONTENT_TYPE,
                        "Content-Type is not application/partial-upload");
    return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_TYPE);
}

/* Which text, into j. */
static bool read_text(candor_conn *c, candor_attachment_job *j, candor_attach_target *t)
{
    if (!candor_attach_target_read(c, t) || !read_digest(c, j->sha256)) return false;
    memcpy(j->event_id, t->event_id, sizeof j->event_id);
    memcpy(j->field, t->field.p, t->field.n); /* a schema's names are no longer than that */
    j->field[t->field.n] = '\0';
    j->received_ms = candor_clock_unix_ms();
    return true;
}

/* Which part of it; t->room is what may come from there on. */
static bool read_part(candor_conn *c, candor_attachment_job *j, candor_attach_target *t)
{
    if (!read_text(c, j, t) || !read_place(c, &j->offset, &j->last)) return false;
    if (j->offset > t->max) return candor_attach_too_large(c, t);
    t->room = t->max - (size_t)j->offset;
    return true;
}

bool candor_part_begin(candor_conn *c)
{
    candor_server *s = c->loop->server;
    candor_attachment_job j = {.op = CANDOR_ATTACHMENT_APPEND};
    candor_attach_target t;
    if (!candor_attach_kept(c)) return false;
    candor_attach_bound(c);
    return candor_attach_consent(c) && type_ok(c) && read_part(c, &j, &t) &&
           candor_ingest_admit(c, s->attachment_limit, s->attachment_peer_limit);
}

/* --- answers -------------------------------------------------------------------------------- */

static void put_place(candor_conn *c, uint64_t offset, bool whole)
{
    (void)snprintf(c->reply.fields, sizeof c->reply.fields,
                   "Upload-Offset: %llu\r\nUpload-Complete: ?%d\r\n", (unsigned long long)offset,
                   whole);
}

static void reply_refused(candor_conn *c, const candor_attachment_job *j)
{
    bool digest = j->result == CANDOR_ATTACHMENT_BAD_DIGEST;
    if (digest)
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_DIGEST_MISMATCH,
                            "with this part the text is not the one that Candor-Content-SHA256 "
                            "names; its parts are dropped, begin again at 0");
    else
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_TEXT,
                            "the text is whole and not valid UTF-8; its parts are dropped");
    put_place(c, 0, false);
    candor_attach_refused(c, digest ? CANDOR_ATTACH_REFUSE_DIGEST : CANDOR_ATTACH_REFUSE_UTF8);
}

static void reply_part(candor_conn *c, const candor_attachment_job *j)
{
    if (j->status != CANDOR_OK) {
        candor_attach_reply(c, j);
    } else if (j->result == CANDOR_ATTACHMENT_PARTIAL) {
        candor_reply_begin(&c->reply, 204, candor_type_json);
        put_place(c, j->offset, false);
    } else if (j->result == CANDOR_ATTACHMENT_MISPLACED) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_OFFSET_MISMATCH,
                            "%llu bytes of this text are here; go on with that Upload-Offset",
                            (unsigned long long)j->offset);
        put_place(c, j->offset, false);
    } else if (j->result == CANDOR_ATTACHMENT_BAD_DIGEST ||
               j->result == CANDOR_ATTACHMENT_BAD_TEXT) {
        reply_refused(c, j);
    } else {
        bool whole = j->result == CANDOR_ATTACHMENT_DONE || j->result == CANDOR_ATTACHMENT_KNOWN;
        candor_attach_reply(c, j);
        if (whole) put_place(c, j->offset, true);
    }
}

static void part_done(candor_task *t)
{
    candor_attachment_job *j = (candor_attachment_job *)(void *)t;
    candor_conn *c = j->owner;
    reply_part(c, j);
    candor_attach_job_free(j);
    candor_conn_send(c);
}

static void on_part(candor_attachment_job *j)
{
    j->task.run = part_done;
    candor_mailbox_post(((candor_conn *)j->owner)->loop->mail, &j->task);
}

/* --- PATCH ---------------------------------------------------------------------------------- */

/* Small ones would cost more room than they say, and the store a look at each. */
static bool size_ok(candor_conn *c, const candor_attachment_job *j)
{
    if (j->last || j->text.n >= CANDOR_PART_MIN) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_REQUEST,
                        "a part that is not the last has %d bytes at least", CANDOR_PART_MIN);
    return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_PART);
}

void candor_part_run(candor_conn *c)
{
    candor_attach_target t;
    candor_attachment_job *j = candor_attach_job(c, CANDOR_ATTACHMENT_APPEND, on_part);
    candor_attach_go(c, j,
                     j != NULL && read_part(c, j, &t) && candor_attach_take(c, &t, &j->text) &&
                         size_ok(c, j));
}

/* A compressed part is all or nothing; of another, what came is as good as any. */
void candor_part_cut(candor_conn *c)
{
    candor_attach_target t;
    candor_attachment_job *j;
    if (c->body.n < CANDOR_PART_MIN || candor_word_is(c->head.content_encoding, "gzip")) return;
    j = candor_attach_job(c, CANDOR_ATTACHMENT_APPEND, candor_attach_job_free);
    if (j == NULL) return;
    j->owner = NULL;
    if (read_part(c, j, &t) && candor_attach_take(c, &t, &j->text)) {
        j->last = false;
        if (candor_attachments_submit(c->loop->server->attachments, j) == CANDOR_OK) return;
    }
    candor_attach_job_free(j);
}

/* --- HEAD ----------------------------------------------------------------------------------- */

static void reply_place(candor_conn *c, const candor_attachment_job *j)
{
    const candor_config *cfg = &c->loop->server->config;
    bool whole = j->result == CANDOR_ATTACHMENT_KNOWN;
    candor_bytes name;
    uint64_t max;
    size_t n;
    if (j->status != CANDOR_OK || (!whole && j->result != CANDOR_ATTACHMENT_PARTIAL)) {
        candor_attach_reply(c, j);
        return;
    }
    candor_reply_begin(&c->reply, 204, candor_type_json);
    put_place(c, j->offset, whole);
    max = candor_attach_field_max(c->loop->server->schema, candor_bytes_str(j->field), &name);
    if (max > cfg->max_attachment_bytes) max = cfg->max_attachment_bytes;
    n = strlen(c->reply.fields);
    (void)snprintf(c->reply.fields + n, sizeof c->reply.fields - n,
                   "Upload-Limit: max-size=%llu, min-append-size=%d, max-age=%llu\r\n",
                   (unsigned long long)max, CANDOR_PART_MIN,
                   (unsigned long long)cfg->partial_age_s);
}

static void place_done(candor_task *t)
{
    candor_attachment_job *j = (candor_attachment_job *)(void *)t;
    candor_conn *c = j->owner;
    reply_place(c, j);
    candor_attach_job_free(j);
    candor_conn_send(c);
}

static void on_place(candor_attachment_job *j)
{
    j->task.run = place_done;
    candor_mailbox_post(((candor_conn *)j->owner)->loop->mail, &j->task);
}

void candor_part_ask(candor_conn *c)
{
    candor_attach_target t;
    candor_attachment_job *j = candor_attach_job(c, CANDOR_ATTACHMENT_OFFSET, on_place);
    candor_attach_go(c, j, j != NULL && candor_attach_kept(c) && read_text(c, j, &t));
}
