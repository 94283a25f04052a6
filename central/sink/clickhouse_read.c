/* Queries of the ClickHouse sink: a client a reader, bounded in time. */
#include <stdlib.h>

#include "central/sink/clickhouse_internal.h"

#define QUERY_S 5

typedef struct ch_reader {
    candor_ch ch;
} ch_reader;

candor_status candor_ch_reader_open(const candor_sink_url *url, candor_reader **out,
                                    candor_err *err)
{
    ch_reader *r = calloc(1, sizeof *r);
    candor_status st;
    *out = NULL;
    if (r == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    st = candor_ch_init(&r->ch, url, QUERY_S, err);
    if (st != CANDOR_OK)
        free(r);
    else
        *out = (candor_reader *)(void *)r;
    return st;
}

void candor_ch_reader_close(candor_reader *base)
{
    ch_reader *r = (ch_reader *)(void *)base;
    candor_ch_deinit(&r->ch);
    free(r);
}

/* What was inserted by two collectors at once counts once, also before a merge. */
candor_status candor_ch_reader_count(candor_reader *base, uint64_t *out, candor_err *err)
{
    ch_reader *r = (ch_reader *)(void *)base;
    candor_bytes answer = {NULL, 0};
    candor_status st =
        candor_ch_run(&r->ch, "SELECT uniqExact(event_id) FROM candor_events", &answer, err);
    if (st == CANDOR_OK) *out = candor_ch_number(answer);
    return st;
}

/* Ends and frees sql. */
static candor_status ask(ch_reader *r, candor_buf *sql, candor_bytes *out, candor_err *err)
{
    candor_status st;
    candor_buf_put_c(sql, '\0');
    st = sql->failed ? candor_fail(err, CANDOR_NOMEM, 0, "query", NULL)
                     : candor_ch_run(&r->ch, sql->p, out, err);
    candor_buf_free(sql);
    return st;
}

/* --- pages ---------------------------------------------------------------------------------- */

static candor_status window(void *ctx, const candor_page_range *range, unsigned rows,
                            unsigned char id[16], bool *has, candor_err *err)
{
    candor_buf sql = {0};
    candor_bytes answer = {NULL, 0};
    candor_status st;
    candor_buf_put_bytes(&sql, CANDOR_LIT("SELECT event_id FROM candor_events"));
    candor_ch_put_range(&sql, range);
    candor_buf_putf(&sql, " ORDER BY event_id DESC LIMIT %u,1 FORMAT RowBinary", rows - 1);
    st = ask(ctx, &sql, &answer, err);
    *has = st == CANDOR_OK && answer.n == 16;
    if (*has) memcpy(id, answer.p, 16);
    return st;
}

static bool take(candor_bytes *in, void *out, size_t n)
{
    if (in->n < n) return false;
    memcpy(out, in->p, n);
    *in = candor_bytes_of(in->p + n, in->n - n);
    return true;
}

static bool take_text(candor_bytes *in, candor_bytes *out)
{
    size_t n = 0, shift = 0;
    unsigned char c = 0x80;
    while (c & 0x80) {
        if (shift > 28 || !take(in, &c, 1)) return false;
        n |= (size_t)(c & 0x7f) << shift;
        shift += 7;
    }
    if (in->n < n) return false;
    *out = candor_bytes_of(in->p, n);
    *in = candor_bytes_of(in->p + n, in->n - n);
    return true;
}

static bool take_event(candor_bytes *in, candor_stored_event *e)
{
    unsigned char raw[8];
    bool ok = take(in, e->id, sizeof e->id) && take_text(in, &e->type) &&
              take_text(in, &e->category) && take(in, raw, sizeof raw);
    if (ok) e->ts_ms = (int64_t)candor_get_u64(raw);
    return ok && take_text(in, &e->context.session_id) && take_text(in, &e->context.user_id) &&
           take_text(in, &e->context.machine_id) && take_text(in, &e->context.app) &&
           take_text(in, &e->context.app_version) && take_text(in, &e->context.platform) &&
           take_text(in, &e->correlation_id) && take_text(in, &e->payload);
}

static void put_only(candor_buf *sql, const candor_event_filter *f)
{
    size_t i;
    if (f->only == NULL) return;
    candor_buf_put_bytes(sql, CANDOR_LIT(" AND event_type IN (''"));
    for (i = 0; i < f->n_only; i++) {
        candor_buf_put_c(sql, ',');
        candor_ch_put_text(sql, f->only[i]);
    }
    candor_buf_put_c(sql, ')');
}

/* The ids first: their columns are narrow, and all columns are read for a page alone. */
static void put_select(candor_buf *sql, const candor_page_range *range,
                       const candor_event_filter *f, unsigned limit)
{
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_buf_put_bytes(sql, CANDOR_LIT("SELECT " CANDOR_CH_COLUMNS " FROM candor_events"));
    candor_ch_put_range(sql, range);
    candor_buf_put_bytes(sql, CANDOR_LIT(" AND event_id IN (SELECT event_id FROM candor_events"));
    candor_ch_put_range(sql, range);
    candor_ch_put_columns(sql, columns, candor_filter_columns(f, columns));
    put_only(sql, f);
    candor_buf_putf(sql,
                    " ORDER BY event_id DESC LIMIT 1 BY event_id LIMIT %u) ORDER BY event_id DESC "
                    "LIMIT 1 BY event_id FORMAT RowBinary",
                    limit);
}

static candor_status select_events(void *ctx, const candor_page_range *range,
                                   const candor_event_filter *f, unsigned limit,
                                   candor_event_visit *visit, void *visit_ctx, candor_err *err)
{
    candor_buf sql = {0};
    candor_bytes answer = {NULL, 0};
    candor_status st;
    put_select(&sql, range, f, limit);
    st = ask(ctx, &sql, &answer, err);
    while (st == CANDOR_OK && answer.n != 0) {
        candor_stored_event e = {0};
        if (!take_event(&answer, &e))
            st = candor_fail(err, CANDOR_CORRUPT, 0, "query", "ClickHouse's answer ends too early");
        else if (!visit(visit_ctx, &e))
            st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    }
    return st;
}

candor_status candor_ch_reader_events(candor_reader *base, const candor_event_filter *f,
                                      candor_event_visit *visit, void *ctx, candor_event_page *out,
                                      candor_err *err)
{
    const candor_page_source src = {window, select_events, base};
    return candor_sink_page(&src, f, visit, ctx, out, err);
}
