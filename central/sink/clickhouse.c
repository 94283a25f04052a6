/* ClickHouse over HTTP: what is there is looked up, the rest goes in one insert. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/clickhouse_internal.h"

#define DAY_MS      INT64_C(86400000)
#define DAYS_MAX    65535 /* of its type Date */
#define MUTATION_MS 50
#define MUTATION_NS UINT64_C(60000000000) /* an erasure is waited for this long */

typedef struct clickhouse_sink {
    candor_sink base;
    candor_sink_url url;
    candor_ch ch; /* the writer's */
    candor_sink_rows rows;
    candor_buf ids, body;
} clickhouse_sink;

/* --- rows in RowBinary: clickhouse.com/docs/en/interfaces/formats#rowbinary ----------------------
 */

static void put_text(candor_buf *b, candor_bytes s)
{
    size_t n = s.n;
    while (n >= 0x80) {
        candor_buf_put_c(b, (char)(n | 0x80));
        n >>= 7;
    }
    candor_buf_put_c(b, (char)n);
    candor_buf_put_bytes(b, s);
}

static void put_row(candor_buf *b, const candor_sink_row *row)
{
    candor_stored_event e;
    unsigned char raw[8];
    int64_t day;
    candor_sink_row_event(row, &e);
    day = candor_sink_id_day(e.id);
    if (day > DAYS_MAX) day = DAYS_MAX;
    raw[0] = (unsigned char)day;
    raw[1] = (unsigned char)(day >> 8);
    candor_buf_put(b, raw, 2);
    candor_buf_put(b, e.id, sizeof e.id);
    put_text(b, e.type);
    put_text(b, e.category);
    candor_put_u64(raw, (uint64_t)e.ts_ms);
    candor_buf_put(b, raw, sizeof raw);
    put_text(b, e.context.session_id);
    put_text(b, e.context.user_id);
    put_text(b, e.context.machine_id);
    put_text(b, e.context.app);
    put_text(b, e.context.app_version);
    put_text(b, e.context.platform);
    put_text(b, e.correlation_id);
    put_text(b, e.payload);
}

/* --- a group -------------------------------------------------------------------------------- */

/* All rows are new until one is found. */
static candor_status look_up(clickhouse_sink *s, candor_err *err)
{
    const size_t n = s->rows.n;
    candor_page_range range;
    candor_buf sql = {0};
    candor_bytes known = {NULL, 0};
    candor_status st;
    size_t i;
    candor_buf_clear(&s->ids);
    for (i = 0; i < n; i++) {
        candor_buf_put(&s->ids, s->rows.items[i].row->id, 16);
        candor_sink_rows_new(&s->rows.items[i]);
    }
    memcpy(range.low, s->rows.items[0].row->id, 16);
    candor_sink_id_floor((candor_sink_id_day(s->rows.items[n - 1].row->id) + 1) * DAY_MS,
                         range.high);
    candor_buf_put_bytes(&sql, CANDOR_LIT("SELECT event_id FROM candor_events"));
    candor_ch_put_range(&sql, &range);
    candor_buf_put_bytes(&sql, CANDOR_LIT(" AND event_id IN ids FORMAT RowBinary"));
    candor_buf_put_c(&sql, '\0');
    st = sql.failed || s->ids.failed
             ? candor_fail(err, CANDOR_NOMEM, 0, "store", NULL)
             : candor_ch_with_ids(&s->ch, sql.p, candor_buf_bytes(&s->ids), &known, err);
    for (i = 0; st == CANDOR_OK && i + 16 <= known.n; i += 16) {
        candor_sink_row *row = candor_sink_rows_find(&s->rows, (const unsigned char *)known.p + i);
        if (row != NULL) row->row->duplicate = true;
    }
    candor_buf_free(&sql);
    return st;
}

static candor_status insert(clickhouse_sink *s, candor_err *err)
{
    size_t i;
    candor_buf_clear(&s->body);
    for (i = 0; i < s->rows.n; i++)
        if (!s->rows.items[i].row->duplicate) put_row(&s->body, &s->rows.items[i]);
    if (s->body.failed) return candor_fail(err, CANDOR_NOMEM, 0, "store", NULL);
    if (s->body.n == 0) return CANDOR_OK;
    return candor_ch_insert(&s->ch,
                            "INSERT INTO candor_events(day," CANDOR_CH_COLUMNS ") FORMAT RowBinary",
                            candor_buf_bytes(&s->body), err);
}

static candor_status clickhouse_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                      candor_err *err)
{
    clickhouse_sink *s = (clickhouse_sink *)(void *)base;
    candor_status st = candor_sink_rows_collect(&s->rows, batches, n, err);
    if (st == CANDOR_OK && s->rows.n != 0) {
        st = look_up(s, err);
        if (st == CANDOR_OK) st = insert(s, err);
    }
    if (st == CANDOR_OK) candor_sink_rows_finish(&s->rows);
    return st;
}

/* --- care ----------------------------------------------------------------------------------- */

static candor_status ask_number(clickhouse_sink *s, candor_buf *sql, uint64_t *out, candor_err *err)
{
    candor_bytes answer = {NULL, 0};
    candor_status st;
    candor_buf_put_c(sql, '\0');
    st = sql->failed ? candor_fail(err, CANDOR_NOMEM, 0, "store", NULL)
                     : candor_ch_run(&s->ch, sql->p, &answer, err);
    if (st == CANDOR_OK) *out = candor_ch_number(answer);
    candor_buf_clear(sql);
    return st;
}

/* ALTER .. DELETE works on behind the answer: an erasure is done when its parts are rewritten. */
static candor_status wait_for_mutations(clickhouse_sink *s, candor_buf *sql, candor_err *err)
{
    const uint64_t until = candor_clock_mono_ns() + MUTATION_NS;
    uint64_t open = 1;
    candor_status st = CANDOR_OK;
    for (;;) {
        candor_buf_put_bytes(
            sql, CANDOR_LIT("SELECT count() FROM system.mutations WHERE "
                            "database=currentDatabase() AND table='candor_events' AND is_done=0"));
        st = ask_number(s, sql, &open, err);
        if (st != CANDOR_OK || open == 0) return st;
        if (candor_clock_mono_ns() > until)
            return candor_fail(err, CANDOR_TIMEOUT, 0, "erase",
                               "ClickHouse still rewrites its parts; system.mutations shows when "
                               "it is done");
        candor_waker_sleep(s->ch.waker, MUTATION_MS);
    }
}

static candor_status tell_theirs(clickhouse_sink *s, const candor_buf *where, candor_erasure *e,
                                 uint64_t *n, candor_err *err)
{
    candor_buf sql = {0};
    candor_bytes ids = {NULL, 0};
    candor_status st;
    candor_buf_put_bytes(&sql, CANDOR_LIT("SELECT DISTINCT event_id FROM candor_events WHERE 1"));
    candor_buf_put_bytes(&sql, candor_buf_bytes(where));
    candor_buf_put_bytes(&sql, CANDOR_LIT(" FORMAT RowBinary"));
    candor_buf_put_c(&sql, '\0');
    st = sql.failed ? candor_fail(err, CANDOR_NOMEM, 0, "erase", NULL)
                    : candor_ch_run(&s->ch, sql.p, &ids, err);
    *n = ids.n / 16;
    if (st == CANDOR_OK) st = candor_erasure_tell(e, ids.p, ids.n / 16, err);
    candor_buf_free(&sql);
    return st;
}

static candor_status clickhouse_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    clickhouse_sink *s = (clickhouse_sink *)(void *)base;
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_buf where = {0}, sql = {0};
    uint64_t n = 0, ignored;
    candor_status st;
    candor_ch_put_columns(&where, columns, candor_erasure_columns(e, columns));
    st = tell_theirs(s, &where, e, &n, err);
    if (st == CANDOR_OK && n != 0) {
        candor_buf_put_bytes(&sql, CANDOR_LIT("ALTER TABLE candor_events DELETE WHERE 1"));
        candor_buf_put_bytes(&sql, candor_buf_bytes(&where));
        st = ask_number(s, &sql, &ignored, err);
        if (st == CANDOR_OK) st = wait_for_mutations(s, &sql, err);
    }
    if (st == CANDOR_OK) e->events += n;
    candor_buf_free(&where);
    candor_buf_free(&sql);
    return st;
}

/* The number that toYYYYMMDD gives a day. */
static unsigned long number_of(int64_t day)
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(day * DAY_MS, text);
    return strtoul(text, NULL, 10) * 10000 + strtoul(text + 5, NULL, 10) * 100 +
           strtoul(text + 8, NULL, 10);
}

/* where: of days and categories; "category TAB count" lines. Clears nothing of where. */
static candor_status tally(clickhouse_sink *s, const candor_buf *where, candor_deleted *deleted,
                           uint64_t *n, candor_err *err)
{
    candor_buf sql = {0};
    candor_bytes answer = {NULL, 0};
    candor_status st;
    *n = 0;
    candor_buf_put_bytes(
        &sql, CANDOR_LIT("SELECT category,uniqExact(event_id) FROM candor_events WHERE "));
    candor_buf_put_bytes(&sql, candor_buf_bytes(where));
    candor_buf_put_bytes(&sql, CANDOR_LIT(" GROUP BY category FORMAT TabSeparated"));
    candor_buf_put_c(&sql, '\0');
    st = sql.failed ? candor_fail(err, CANDOR_NOMEM, 0, "delete what is old", NULL)
                    : candor_ch_run(&s->ch, sql.p, &answer, err);
    while (st == CANDOR_OK && answer.n != 0) {
        const char *tab = memchr(answer.p, '\t', answer.n), *end = memchr(answer.p, '\n', answer.n);
        candor_bytes count;
        if (tab == NULL || end == NULL || end < tab) break;
        count = candor_bytes_of(tab + 1, (size_t)(end - tab - 1));
        candor_deleted_add(deleted, candor_bytes_of(answer.p, (size_t)(tab - answer.p)),
                           candor_ch_number(count));
        *n += candor_ch_number(count);
        answer = candor_bytes_of(end + 1, answer.n - (size_t)(end + 1 - answer.p));
    }
    candor_buf_free(&sql);
    return st;
}

/* A mutation rewrites the parts of that day alone; there is one a day and class at most. */
static candor_status clickhouse_sweep(candor_sink *base, const candor_sweep *w, candor_err *err)
{
    clickhouse_sink *s = (clickhouse_sink *)(void *)base;
    candor_buf where = {0}, sql = {0};
    uint64_t n = 0, ignored;
    candor_status st;
    size_t i;
    candor_buf_putf(&where, "day=toDate(%lld) AND category IN (", (long long)(w->from_ms / DAY_MS));
    for (i = 0; i < w->n; i++) {
        if (i != 0) candor_buf_put_c(&where, ',');
        candor_ch_put_text(&where, w->categories[i]);
    }
    candor_buf_put_c(&where, ')');
    st = tally(s, &where, w->deleted, &n, err);
    if (st == CANDOR_OK && n != 0) {
        candor_buf_put_bytes(&sql, CANDOR_LIT("ALTER TABLE candor_events DELETE WHERE "));
        candor_buf_put_bytes(&sql, candor_buf_bytes(&where));
        st = ask_number(s, &sql, &ignored, err);
        if (st == CANDOR_OK) st = wait_for_mutations(s, &sql, err);
    }
    candor_buf_free(&where);
    candor_buf_free(&sql);
    return st;
}

static candor_status count_day(clickhouse_sink *s, uint64_t number, candor_deleted *deleted,
                               candor_err *err)
{
    candor_buf where = {0};
    uint64_t n;
    candor_status st;
    candor_buf_putf(&where, "toYYYYMMDD(day)=%llu", (unsigned long long)number);
    st = tally(s, &where, deleted, &n, err);
    candor_buf_free(&where);
    return st;
}

static candor_status clickhouse_retain(candor_sink *base, int64_t first_day,
                                       candor_deleted *deleted, bool *more, candor_err *err)
{
    clickhouse_sink *s = (clickhouse_sink *)(void *)base;
    candor_buf sql = {0};
    uint64_t oldest = 0, ignored;
    candor_status st;
    *more = false;
    candor_buf_putf(&sql,
                    "SELECT min(toUInt32(partition)) FROM system.parts WHERE active AND "
                    "database=currentDatabase() AND table='candor_events' AND "
                    "toUInt32(partition)<%lu",
                    number_of(first_day));
    st = ask_number(s, &sql, &oldest, err);
    if (st == CANDOR_OK && oldest != 0) st = count_day(s, oldest, deleted, err);
    if (st == CANDOR_OK && oldest != 0) {
        candor_buf_putf(&sql, "ALTER TABLE candor_events DROP PARTITION %llu",
                        (unsigned long long)oldest);
        st = ask_number(s, &sql, &ignored, err);
        *more = st == CANDOR_OK;
    }
    candor_buf_free(&sql);
    return st;
}

static candor_status clickhouse_probe(candor_sink *base, candor_err *err)
{
    return candor_ch_run(&((clickhouse_sink *)(void *)base)->ch,
                         "SELECT count() FROM candor_meta WHERE version=0", NULL, err);
}

static void clickhouse_close(candor_sink *base)
{
    clickhouse_sink *s = (clickhouse_sink *)(void *)base;
    candor_ch_deinit(&s->ch);
    candor_sink_rows_free(&s->rows);
    candor_buf_free(&s->ids);
    candor_buf_free(&s->body);
    free(s);
}

static candor_status clickhouse_reader_open(candor_sink *base, candor_reader **out, candor_err *err)
{
    return candor_ch_reader_open(&((clickhouse_sink *)(void *)base)->url, out, err);
}

candor_status candor_sink_clickhouse_open(const candor_sink_settings *settings, candor_sink **out,
                                          candor_err *err)
{
    static const candor_sink_ops ops = {
        .name = "clickhouse",
        .write = clickhouse_write,
        .erase = clickhouse_erase,
        .retain = clickhouse_retain,
        .sweep = clickhouse_sweep,
        .sweep_ms = DAY_MS,
        .probe = clickhouse_probe,
        .close = clickhouse_close,
        .reader_open = clickhouse_reader_open,
        .reader_close = candor_ch_reader_close,
        .count = candor_ch_reader_count,
        .events = candor_ch_reader_events,
    };
    clickhouse_sink *s = calloc(1, sizeof *s);
    candor_status st;
    *out = NULL;
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    s->base.ops = &ops;
    st = candor_sink_url_parse(settings->url, &s->url, err);
    if (st == CANDOR_OK) st = candor_ch_init(&s->ch, &s->url, 0, err);
    if (st == CANDOR_OK) st = candor_ch_migrate(&s->ch, settings->format, err);
    if (st != CANDOR_OK)
        clickhouse_close(&s->base);
    else
        *out = &s->base;
    return st;
}
