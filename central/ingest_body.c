#include "central/ingest_body.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/chart.h"
#include "central/respond.h"

#define DAY_MS INT64_C(86400000)

candor_parse_rules candor_ingest_rules(const candor_config *cfg, int64_t now_ms)
{
    uint64_t age_days =
        cfg->max_age_days < cfg->retention_days ? cfg->max_age_days : cfg->retention_days;
    return (candor_parse_rules){now_ms, (int64_t)age_days * DAY_MS,
                                (int64_t)cfg->max_ahead_days * DAY_MS};
}

/* --- events --------------------------------------------------------------------------------- */

static void add_tally(candor_tally *sum, const candor_tally *t)
{
    int i;
    for (i = 0; i < CANDOR_ADJUST_COUNT; i++)
        sum->n[i] += t->n[i];
}

static bool note_status(candor_ingest_request *r, unsigned status)
{
    if (r->n == r->cap) {
        size_t cap = r->cap != 0 ? r->cap * 2 : 128;
        unsigned char *p = realloc(r->status, cap);
        if (p == NULL) return false;
        r->status = p;
        r->cap = cap;
    }
    r->status[r->n++] = (unsigned char)status;
    return true;
}

bool candor_ingest_reject(candor_ingest_request *r, unsigned reason)
{
    return note_status(r, reason);
}

/* What the schema's chart of this event type groups by and measures. */
static bool read_chart(candor_batch *b, candor_row *row)
{
    const candor_event_def *def = row->def;
    candor_bytes value = candor_chart_find(def, candor_batch_text(b, row->payload), &row->bucket);
    if (value.n == 0) return true;
    if (memchr(value.p, '\\', value.n) == NULL) {
        row->dim = (candor_span){(uint32_t)(value.p - b->text.p), (uint32_t)value.n};
        return true;
    }
    if (!candor_buf_reserve(&b->text, value.n)) return false; /* text may move: look again */
    value = candor_chart_find(def, candor_batch_text(b, row->payload), &row->bucket);
    row->dim.at = (uint32_t)b->text.n;
    row->dim.n = (uint32_t)candor_json_unescape(value, b->text.p + b->text.n, value.n);
    b->text.n += row->dim.n;
    return true;
}

static bool keep_event(candor_ingest *g, candor_ingest_request *r, const candor_parsed *p)
{
    candor_batch *b = &r->batch;
    candor_row *row;
    uint32_t context = 0;
    if (candor_context_cache_find(g->contexts, b, g->serial, &p->event.context, &context) !=
        CANDOR_OK)
        return false;
    row = candor_batch_add_row(b);
    if (row == NULL) return false;
    memcpy(row->id, p->event.id, sizeof row->id);
    row->ts_ms = p->event.ts_ms;
    row->def = p->event.def;
    row->context = context;
    row->index = (uint32_t)r->n;
    row->payload = (candor_span){(uint32_t)p->payload_at, (uint32_t)p->payload_len};
    if (!candor_batch_put(b, p->event.correlation_id, &row->correlation)) return false;
    return read_chart(b, row);
}

static bool may_send(const candor_conn *c, const candor_parsed *p)
{
    return *c->principal.app == '\0' ||
           candor_bytes_eq(p->event.context.app, candor_bytes_str(c->principal.app));
}

/* Some categories are kept for less time than the longest, which candor_ingest_rules knows. */
static bool is_over(const candor_server *s, const candor_ingest_request *r, const candor_event *e)
{
    const uint64_t days = candor_retention_of(&s->retention, e->def->category);
    return s->retention.n != 0 &&
           (int64_t)candor_uuid7_ms(e->id) < r->batch.received_ms - (int64_t)days * DAY_MS;
}

typedef enum outcome { OUTCOME_OK, OUTCOME_SYNTAX, OUTCOME_NOMEM } outcome;

static outcome take_event(candor_conn *c, candor_ingest_request *r, candor_json *j,
                          const candor_json_token *t)
{
    candor_ingest *g = r->tools;
    const candor_parse_rules rules = candor_ingest_rules(&g->server->config, r->batch.received_ms);
    candor_parsed p;
    size_t before = r->batch.text.n;
    unsigned reason;
    memset(&p, 0, sizeof p);
    reason = candor_event_parse(&g->sanitiser, j, t, &rules, &r->batch.text, &p);
    if (reason == CANDOR_REJECT_BAD_JSON) return OUTCOME_SYNTAX;
    /* Nothing of the batch is stored and 503 is answered: had the rest been noted under its batch
     * id, the client's next try would be taken for a duplicate, and this event would be lost. */
    if (reason == CANDOR_REJECT_FAILED) return OUTCOME_NOMEM;
    if (reason == CANDOR_REJECT_NONE && is_over(g->server, r, &p.event))
        reason = CANDOR_REJECT_CLOCK_SKEW;
    if (reason == CANDOR_REJECT_NONE && !may_send(c, &p)) reason = CANDOR_REFUSE_WRONG_APP;
    if (reason == CANDOR_REJECT_NONE) {
        add_tally(&r->tally, &p.tally);
        if (!keep_event(g, r, &p)) return OUTCOME_NOMEM;
    } else {
        r->batch.text.n = before;
    }
    if (r->batch.text.failed || !note_status(r, reason)) return OUTCOME_NOMEM;
    return OUTCOME_OK;
}

/* --- bodies --------------------------------------------------------------------------------- */

bool candor_ingest_too_many(candor_conn *c)
{
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_TOO_MANY_EVENTS,
                        "more than %llu events in one request; send smaller batches",
                        (unsigned long long)c->loop->server->config.max_events);
    return false;
}

bool candor_ingest_no_memory(candor_conn *c)
{
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_NO_MEMORY, "out of memory; try again");
    c->reply.retry_after_s = 1;
    return false;
}

static bool bad_json(candor_conn *c, const candor_json *j, const char *why)
{
    unsigned line, column;
    candor_json_where(j, &line, &column);
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_JSON,
                        "malformed JSON at line %u, column %u: %s; nothing of this "
                        "request was stored",
                        line, column, j->error != NULL ? j->error : why);
    return false;
}

static bool parse_json(candor_conn *c, candor_ingest_request *r, candor_bytes text)
{
    candor_json j;
    candor_json_token t;
    outcome o = OUTCOME_OK;
    bool array;
    candor_json_init(&j, text, CANDOR_JSON_EVENT_DEPTH);
    candor_json_next(&j, &t);
    array = t.type == CANDOR_JSON_ARRAY;
    if (t.type == CANDOR_JSON_ERROR) return bad_json(c, &j, "not JSON");
    if (!array && t.type != CANDOR_JSON_OBJECT)
        return bad_json(c, &j, "neither an array nor an object");
    if (array) candor_json_next(&j, &t);
    while (o == OUTCOME_OK && t.type != CANDOR_JSON_ARRAY_END && t.type != CANDOR_JSON_ERROR) {
        if (r->n == c->loop->server->config.max_events) return candor_ingest_too_many(c);
        o = take_event(c, r, &j, &t);
        if (!array) break;
        if (o == OUTCOME_OK) candor_json_next(&j, &t);
    }
    if (o == OUTCOME_NOMEM) return candor_ingest_no_memory(c);
    if (o == OUTCOME_SYNTAX || candor_json_next(&j, &t) != CANDOR_JSON_END)
        return bad_json(c, &j, "unexpected end of the event");
    return true;
}

static bool blank(candor_bytes line)
{
    size_t i;
    for (i = 0; i < line.n; i++)
        if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r') return false;
    return true;
}

bool candor_ingest_take_line(candor_ingest_request *r, candor_bytes line)
{
    candor_conn *c = r->conn;
    candor_batch *b = &r->batch;
    size_t rows = b->n_rows, text = b->text.n, n = r->n;
    candor_tally tally = r->tally;
    candor_json j;
    candor_json_token t;
    outcome o = OUTCOME_SYNTAX;
    candor_json_init(&j, line, CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &t) != CANDOR_JSON_ERROR) o = take_event(c, r, &j, &t);
    if (o == OUTCOME_OK && candor_json_next(&j, &t) != CANDOR_JSON_END) o = OUTCOME_SYNTAX;
    if (o != OUTCOME_SYNTAX) return o == OUTCOME_OK;
    /* Contexts stay: one without a row is harmless, and the cache knows its index. */
    b->n_rows = rows;
    if (b->n_contexts == 0) b->text.n = text;
    r->n = n;
    r->tally = tally;
    return note_status(r, CANDOR_REJECT_BAD_JSON);
}

static bool parse_ndjson(candor_conn *c, candor_ingest_request *r, candor_bytes text)
{
    while (text.n > 0) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t n = lf != NULL ? (size_t)(lf - text.p) : text.n;
        candor_bytes line = candor_bytes_of(text.p, n);
        if (!blank(line)) {
            if (r->n == c->loop->server->config.max_events) return candor_ingest_too_many(c);
            if (!candor_ingest_take_line(r, line)) return candor_ingest_no_memory(c);
        }
        if (lf == NULL) break;
        text = candor_bytes_of(lf + 1, text.n - n - 1);
    }
    return true;
}

bool candor_ingest_inflate(candor_ingest_request *r, bool gzip, size_t max, candor_bytes *text)
{
    candor_conn *c = r->conn;
    candor_ingest *g = r->tools;
    candor_err err = {0};
    candor_status st;
    *text = candor_buf_bytes(&c->body);
    if (!gzip) {
        st = text->n <= max ? CANDOR_OK : CANDOR_LIMIT;
    } else {
        candor_buf_clear(&g->inflated);
        st = candor_inflater_run(g->inflater, *text, max, &g->inflated, &err);
        *text = candor_buf_bytes(&g->inflated);
    }
    if (st == CANDOR_OK) candor_count(&g->server->metrics.inflated_bytes, text->n);
    if (st == CANDOR_OK) return true;
    if (st == CANDOR_LIMIT)
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_TOO_LARGE,
                            "the body inflates to more than %zu bytes; %s", max, c->body_advice);
    else if (st == CANDOR_NOMEM)
        candor_ingest_no_memory(c);
    else
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_GZIP,
                            "the gzip body is damaged or cut short; nothing of this "
                            "request was stored");
    return false;
}

bool candor_ingest_parse(candor_ingest_request *r, bool gzip, bool ndjson)
{
    candor_conn *c = r->conn;
    candor_bytes text;
    size_t max = (size_t)c->loop->server->config.max_inflated_bytes;
    if (!candor_ingest_inflate(r, gzip, max, &text)) return false;
    return ndjson ? parse_ndjson(c, r, text) : parse_json(c, r, text);
}
