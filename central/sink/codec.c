#include "central/sink/codec.h"

#include "central/store/histogram.h"

#define SPANS 6

static void put_u32(candor_buf *b, size_t v)
{
    unsigned char out[4];
    candor_put_u32(out, (uint32_t)v);
    candor_buf_put(b, out, sizeof out);
}

static void put_i64(candor_buf *b, int64_t v)
{
    unsigned char out[8];
    candor_put_u64(out, (uint64_t)v);
    candor_buf_put(b, out, sizeof out);
}

static void put_span(candor_buf *b, candor_span s)
{
    put_u32(b, s.at);
    put_u32(b, s.n);
}

static void put_context(candor_buf *b, const candor_row_context *c)
{
    candor_buf_put(b, c->key, sizeof c->key);
    candor_buf_put(b, c->user, sizeof c->user);
    put_span(b, c->session_id);
    put_span(b, c->user_id);
    put_span(b, c->machine_id);
    put_span(b, c->app);
    put_span(b, c->app_version);
    put_span(b, c->platform);
}

static void put_row(candor_buf *b, const candor_row *r)
{
    candor_buf_put(b, r->id, sizeof r->id);
    put_i64(b, r->ts_ms);
    put_u32(b, r->context);
    put_span(b, r->correlation);
    put_span(b, r->payload);
    put_span(b, r->dim);
    put_u32(b, r->bucket);
    put_u32(b, r->def->name.n);
    candor_buf_put_bytes(b, r->def->name);
}

candor_status candor_batch_encode(const candor_batch *b, candor_buf *out)
{
    size_t i;
    put_i64(out, b->received_ms);
    put_i64(out, b->sent_ms);
    put_u32(out, b->n_contexts);
    for (i = 0; i < b->n_contexts; i++)
        put_context(out, &b->contexts[i]);
    put_u32(out, b->n_rows);
    for (i = 0; i < b->n_rows; i++)
        put_row(out, &b->rows[i]);
    candor_buf_put(out, b->text.p, b->text.n);
    return out->failed ? CANDOR_NOMEM : CANDOR_OK;
}

/* --- and back ------------------------------------------------------------------------------- */

typedef struct source {
    candor_bytes in;
    bool failed; /* it ended too early */
} source;

static const char *take(source *s, size_t n)
{
    const char *p = s->in.p;
    if (s->failed || s->in.n < n) {
        s->failed = true;
        return NULL;
    }
    s->in = candor_bytes_of(p + n, s->in.n - n);
    return p;
}

static uint32_t take_u32(source *s)
{
    const char *p = take(s, 4);
    return p != NULL ? candor_get_u32(p) : 0;
}

static int64_t take_i64(source *s)
{
    const char *p = take(s, 8);
    return p != NULL ? (int64_t)candor_get_u64(p) : 0;
}

static candor_span take_span(source *s)
{
    candor_span span = {0};
    span.at = take_u32(s);
    span.n = take_u32(s);
    return span;
}

static void take_bytes(source *s, void *out, size_t n)
{
    const char *p = take(s, n);
    if (p != NULL) memcpy(out, p, n);
}

static candor_status take_context(source *s, candor_batch *b)
{
    candor_row_context *c = candor_batch_add_context(b);
    if (c == NULL) return CANDOR_NOMEM;
    take_bytes(s, c->key, sizeof c->key);
    take_bytes(s, c->user, sizeof c->user);
    c->session_id = take_span(s);
    c->user_id = take_span(s);
    c->machine_id = take_span(s);
    c->app = take_span(s);
    c->app_version = take_span(s);
    c->platform = take_span(s);
    return s->failed ? CANDOR_CORRUPT : CANDOR_OK;
}

static candor_status take_row(source *s, const candor_schema *schema, candor_batch *b,
                              size_t *unknown)
{
    candor_row row = {0}, *to;
    uint32_t n;
    const char *name;
    take_bytes(s, row.id, sizeof row.id);
    row.ts_ms = take_i64(s);
    row.context = take_u32(s);
    row.correlation = take_span(s);
    row.payload = take_span(s);
    row.dim = take_span(s);
    row.bucket = take_u32(s);
    n = take_u32(s);
    name = take(s, n);
    if (name == NULL || row.context >= b->n_contexts) return CANDOR_CORRUPT;
    row.def = candor_schema_event(schema, candor_bytes_of(name, n));
    if (row.def == NULL) {
        ++*unknown;
        return CANDOR_OK;
    }
    row.index = (uint32_t)b->n_rows;
    to = candor_batch_add_row(b);
    if (to == NULL) return CANDOR_NOMEM;
    *to = row;
    return CANDOR_OK;
}

static bool inside(const candor_batch *b, candor_span s)
{
    return s.at <= b->text.n && s.n <= b->text.n - s.at;
}

static bool all_inside(const candor_batch *b)
{
    size_t i, k;
    for (i = 0; i < b->n_contexts; i++) {
        const candor_row_context *c = &b->contexts[i];
        const candor_span spans[SPANS] = {c->session_id, c->user_id,     c->machine_id,
                                          c->app,        c->app_version, c->platform};
        for (k = 0; k < SPANS; k++)
            if (!inside(b, spans[k])) return false;
    }
    for (i = 0; i < b->n_rows; i++) {
        const candor_row *r = &b->rows[i];
        if (!inside(b, r->correlation) || !inside(b, r->payload) || !inside(b, r->dim) ||
            (r->bucket != CANDOR_NO_BUCKET && r->bucket >= CANDOR_HIST_BUCKETS))
            return false;
    }
    return true;
}

candor_status candor_batch_decode(candor_bytes in, const candor_schema *schema, candor_batch *out,
                                  size_t *unknown)
{
    source s = {in, false};
    candor_status st = CANDOR_OK;
    uint32_t n, i;
    out->received_ms = take_i64(&s);
    out->sent_ms = take_i64(&s);
    n = take_u32(&s);
    for (i = 0; i < n && st == CANDOR_OK; i++)
        st = take_context(&s, out);
    n = st == CANDOR_OK ? take_u32(&s) : 0;
    for (i = 0; i < n && st == CANDOR_OK; i++)
        st = take_row(&s, schema, out, unknown);
    if (st != CANDOR_OK) return st;
    if (s.failed) return CANDOR_CORRUPT;
    candor_buf_put_bytes(&out->text, s.in);
    if (out->text.failed) return CANDOR_NOMEM;
    return all_inside(out) ? CANDOR_OK : CANDOR_CORRUPT;
}
