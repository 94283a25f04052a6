#include "central/attach_check.h"

#include "base/json.h"
#include "base/uuid.h"
#include "central/attach.h"
#include "central/ingest.h"
#include "central/ingest_body.h"
#include "central/media.h"
#include "central/respond.h"

#define DAY_MS INT64_C(86400000)

/* --- small parts ---------------------------------------------------------------------------- */

size_t candor_attach_field_max(const candor_schema *s, candor_bytes name, candor_bytes *canonical)
{
    size_t max = 0;
    unsigned i, n = candor_schema_count(s);
    for (i = 0; i < n; i++) {
        const candor_field *f = candor_event_field(candor_schema_at(s, i), name);
        if (f == NULL || f->kind != CANDOR_KIND_CONTENT || f->max_length <= max) continue;
        max = f->max_length;
        *canonical = f->name;
    }
    return max;
}

bool candor_attach_refused(candor_conn *c, candor_attach_refuse why)
{
    candor_count(&c->loop->server->metrics.attachments_refused[why], 1);
    return false;
}

/* --- target --------------------------------------------------------------------------------- */

bool candor_attach_event_id(candor_conn *c, unsigned char id[16])
{
    static const char part[] = CANDOR_UPLOAD_PATH;
    const candor_bytes path = c->head.path;
    bool is_part = path.n >= sizeof part && memcmp(path.p, part, sizeof part - 1) == 0;
    const size_t n = is_part ? sizeof part - 1 : sizeof CANDOR_ATTACH_PATH - 1;
    candor_bytes text = candor_bytes_of(c->head.path.p + n, c->head.path.n - n);
    if (candor_uuid_parse(text, id) && candor_uuid_is_v7(id)) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_EVENT_ID,
                        "what follows %.*s is not an event id, a UUID version 7", (int)n,
                        c->head.path.p);
    return false;
}

bool candor_attach_field(candor_conn *c, char name[CANDOR_NAME_MAX + 1], bool *given)
{
    candor_bytes raw;
    size_t n;
    *given = candor_query_find(c->head.query, "field", &raw) && raw.n != 0;
    if (!*given || candor_query_decode(raw, name, CANDOR_NAME_MAX + 1, &n)) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_PARAMETER,
                        "field is malformed or longer than %d bytes", CANDOR_NAME_MAX);
    return false;
}

/* The bounds of events: past the first the event would not be taken, and retention would delete the
 * text at once. */
static bool near_now(candor_conn *c, const unsigned char id[16])
{
    const candor_config *cfg = &c->loop->server->config;
    int64_t now = candor_clock_unix_ms(), ms = (int64_t)candor_uuid7_ms(id);
    uint64_t past = cfg->max_age_days, keep = cfg->attachments_retention_days;
    if (cfg->retention_days < past) past = cfg->retention_days;
    if (keep < past) past = keep;
    if (ms >= now - (int64_t)past * DAY_MS && ms <= now + (int64_t)cfg->max_ahead_days * DAY_MS)
        return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_EVENT_ID,
                        "the time inside the event id is more than %llu days ago, or more than "
                        "%llu days ahead of the collector's clock",
                        (unsigned long long)past, (unsigned long long)cfg->max_ahead_days);
    return false;
}

static bool schema_field(candor_conn *c, candor_attach_target *t)
{
    const candor_server *s = c->loop->server;
    char name[CANDOR_NAME_MAX + 1];
    bool given;
    if (!candor_attach_field(c, name, &given)) return false;
    if (!given) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_PARAMETER,
                            "say which field the text belongs to: ?field=NAME");
        return false;
    }
    t->max = candor_attach_field_max(s->schema, candor_bytes_str(name), &t->field);
    if (t->max == 0) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_UNKNOWN_FIELD,
                            "no event type of the schema has a content field \"%s\"", name);
        return false;
    }
    if (t->max > s->config.max_attachment_bytes) t->max = (size_t)s->config.max_attachment_bytes;
    t->room = t->max;
    return true;
}

bool candor_attach_target_read(candor_conn *c, candor_attach_target *t)
{
    if (!candor_attach_event_id(c, t->event_id) || !near_now(c, t->event_id))
        return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_EVENT_ID);
    return schema_field(c, t) || candor_attach_refused(c, CANDOR_ATTACH_REFUSE_FIELD);
}

/* --- head ----------------------------------------------------------------------------------- */

bool candor_attach_consent(candor_conn *c)
{
    if (candor_consent_covers_content(c->head.consent)) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_CONSENT_MISSING,
                        "Candor-Consent does not say content=1: full content is taken only while "
                        "the user has it turned on; do not send this text again");
    return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_CONSENT);
}

static bool type_ok(candor_conn *c)
{
    candor_bytes type = c->head.content_type;
    if (!candor_media_is(type, "text/plain") || !candor_media_has_charset(type, "utf-8")) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_CONTENT_TYPE,
                            "Content-Type is not text/plain; charset=utf-8");
        return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_TYPE);
    }
    return candor_ingest_encoding_ok(c) || candor_attach_refused(c, CANDOR_ATTACH_REFUSE_TYPE);
}

static bool digest_header_ok(candor_conn *c)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_bytes hex = c->head.content_sha256;
    if (hex.p == NULL || candor_hex_decode(hex, digest, sizeof digest)) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_HEADER,
                        "Candor-Content-SHA256 is not 64 hex digits");
    return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_DIGEST);
}

bool candor_attach_kept(candor_conn *c)
{
    if (!c->loop->server->config.stateless) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_NOT_KEPT,
                        "this collector is one of several and keeps no texts of full content; send "
                        "them to one without --stateless");
    return false;
}

void candor_attach_bound(candor_conn *c)
{
    candor_server *s = c->loop->server;
    c->body_max = s->config.max_attachment_bytes;
    c->body_advice = "cut the text, and say so in the event";
    c->body_over = &s->metrics.attachments_refused[CANDOR_ATTACH_REFUSE_TOO_LARGE];
}

bool candor_attach_begin(candor_conn *c)
{
    candor_server *s = c->loop->server;
    candor_attach_target t;
    if (!candor_attach_kept(c)) return false;
    candor_attach_bound(c);
    return candor_attach_consent(c) && type_ok(c) && digest_header_ok(c) &&
           candor_attach_target_read(c, &t) &&
           candor_ingest_admit(c, s->attachment_limit, s->attachment_peer_limit);
}

/* --- text ----------------------------------------------------------------------------------- */

bool candor_attach_too_large(candor_conn *c, const candor_attach_target *t)
{
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_TOO_LARGE,
                        "the text is larger than %zu bytes, which is what \"%.*s\" "
                        "takes; cut it, and say so in the event",
                        t->max, (int)t->field.n, t->field.p);
    return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_TOO_LARGE);
}

bool candor_attach_take(candor_conn *c, const candor_attach_target *t, candor_buf *out)
{
    candor_err err = {0};
    candor_status st;
    if (!candor_word_is(c->head.content_encoding, "gzip")) {
        if (c->body.n > t->room) return candor_attach_too_large(c, t);
        *out = c->body;
        c->body = (candor_buf){0};
        return true;
    }
    st = candor_inflater_run(c->loop->ingest->inflater, candor_buf_bytes(&c->body), t->room, out,
                             &err);
    if (st == CANDOR_LIMIT) return candor_attach_too_large(c, t);
    if (st == CANDOR_NOMEM) return candor_ingest_no_memory(c);
    if (st == CANDOR_OK) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_GZIP,
                        "the gzip body is damaged or cut short; send it again");
    return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_GZIP);
}

static bool text_ok(candor_conn *c, candor_attachment_job *j)
{
    unsigned char said[CANDOR_SHA256_SIZE];
    if (!candor_utf8_ok(candor_buf_bytes(&j->text))) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_TEXT, "the text is not valid UTF-8");
        return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_UTF8);
    }
    if (candor_sha256(candor_buf_bytes(&j->text), j->sha256) != CANDOR_OK)
        return candor_ingest_no_memory(c);
    if (!candor_hex_decode(c->head.content_sha256, said, sizeof said) ||
        memcmp(said, j->sha256, sizeof said) == 0)
        return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_DIGEST_MISMATCH,
                        "the text is not the one that Candor-Content-SHA256 names; send it again");
    return candor_attach_refused(c, CANDOR_ATTACH_REFUSE_DIGEST);
}

bool candor_attach_fill(candor_conn *c, candor_attachment_job *j)
{
    candor_attach_target t;
    if (!candor_attach_target_read(c, &t) || !candor_attach_take(c, &t, &j->text) || !text_ok(c, j))
        return false;
    memcpy(j->event_id, t.event_id, sizeof j->event_id);
    memcpy(j->field, t.field.p, t.field.n); /* a schema's names are no longer than that */
    j->received_ms = candor_clock_unix_ms();
    return true;
}
