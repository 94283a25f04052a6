/* Queries of the ClickHouse sink: of each shard one server is asked, and what they answer becomes
 * one. A client a reader and server, bounded in time. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/clickhouse_internal.h"

#define QUERY_S    5
#define CONNECT_MS 2000u
#define STALL_MS   15000u
#define TOTAL_MS   30000u
#define LOOK_MS    INT64_C(10000) /* how far back a page looks first */
#define LOOKS      8              /* each eight times as far; the last one at all of it */

candor_status candor_ch_reader_open(const candor_ch_cluster *cluster, const candor_schema *schema,
                                    candor_reader **out, candor_err *err)
{
    static const candor_ch_bounds bounds = {QUERY_S, CONNECT_MS, STALL_MS, TOTAL_MS};
    candor_ch_reader *r = calloc(1, sizeof *r);
    candor_status st = CANDOR_OK;
    size_t i;
    *out = NULL;
    if (r == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    r->cluster = cluster;
    r->schema = schema;
    r->clients = calloc(cluster->n_servers, sizeof *r->clients);
    if (r->clients == NULL) st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    for (i = 0; i < cluster->n_servers && st == CANDOR_OK; i++)
        st = candor_ch_init(&r->clients[i], &cluster->servers[i].url, &bounds, err);
    if (st != CANDOR_OK)
        candor_ch_reader_close((candor_reader *)(void *)r);
    else
        *out = (candor_reader *)(void *)r;
    return st;
}

void candor_ch_reader_close(candor_reader *base)
{
    candor_ch_reader *r = (candor_ch_reader *)(void *)base;
    size_t i;
    for (i = 0; r->clients != NULL && i < r->cluster->n_servers; i++)
        candor_ch_deinit(&r->clients[i]);
    free(r->clients);
    candor_buf_free(&r->sql);
    free(r);
}

/* Only who gives no answer is replaced: a query that failed would fail again. */
static candor_status ask_shard(candor_ch_reader *r, size_t shard, candor_err *err)
{
    const candor_ch_server *v;
    uint64_t tried = 0;
    candor_status st = CANDOR_NET;
    while (st == CANDOR_NET && (v = candor_ch_choose(r->cluster, shard, &tried)) != NULL)
        st = candor_ch_run(&r->clients[v - r->cluster->servers], r->sql.p, &r->answers[shard], err);
    return st;
}

candor_status candor_ch_reader_ask(candor_ch_reader *r, candor_err *err)
{
    candor_status st = candor_query_time_check(&r->time, err);
    size_t i;
    candor_buf_put_c(&r->sql, '\0');
    if (st == CANDOR_OK && r->sql.failed) st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    for (i = 0; i < r->cluster->n_shards && st == CANDOR_OK; i++)
        st = ask_shard(r, i, err);
    candor_buf_clear(&r->sql);
    return st;
}

void candor_ch_reader_allow(candor_reader *base, uint64_t ms, const atomic_bool *stop)
{
    candor_query_time_set(&((candor_ch_reader *)(void *)base)->time, ms, stop);
}

/* What was inserted by two collectors at once counts once, also before a merge. */
candor_status candor_ch_reader_count(candor_reader *base, uint64_t *out, candor_err *err)
{
    candor_ch_reader *r = (candor_ch_reader *)(void *)base;
    candor_status st;
    size_t i;
    candor_buf_putf(&r->sql, "SELECT uniqExact(event_id) FROM %s", candor_ch_events(r->cluster));
    st = candor_ch_reader_ask(r, err);
    *out = 0;
    for (i = 0; i < r->cluster->n_shards && st == CANDOR_OK; i++)
        *out += candor_ch_number(r->answers[i]);
    return st;
}

/* --- pages ---------------------------------------------------------------------------------- */

/* ClickHouse sorts all ids of a range to find the last of them, so a page looks back from the end
 * until it has enough. The end: now, where the range goes on into the future. */
static void look_back(const candor_page_range *range, unsigned look, unsigned char low[16])
{
    const int64_t now = candor_clock_unix_ms(), high = (int64_t)candor_uuid7_ms(range->high);
    memcpy(low, range->low, 16);
    if (look >= LOOKS) return;
    candor_sink_id_floor((high < now ? high : now) - (LOOK_MS << (3 * look)), low);
    if (memcmp(low, range->low, 16) < 0) memcpy(low, range->low, 16);
}

/* The latest of what the shards say: none of them then looks at more than rows. */
static void latest_id(const candor_ch_reader *r, unsigned char id[16], bool *has)
{
    size_t i;
    *has = false;
    for (i = 0; i < r->cluster->n_shards; i++) {
        if (r->answers[i].n != 16 || (*has && memcmp(r->answers[i].p, id, 16) <= 0)) continue;
        memcpy(id, r->answers[i].p, 16);
        *has = true;
    }
}

static candor_status window(void *ctx, const candor_page_range *range, unsigned rows,
                            unsigned char id[16], bool *has, candor_err *err)
{
    candor_ch_reader *r = ctx;
    candor_page_range part = *range;
    candor_status st = CANDOR_OK;
    unsigned look;
    *has = false;
    for (look = 0; st == CANDOR_OK && !*has && look <= LOOKS; look++) {
        look_back(range, look, part.low);
        candor_buf_putf(&r->sql, "SELECT event_id FROM %s", candor_ch_events(r->cluster));
        candor_ch_put_range(&r->sql, &part);
        candor_buf_putf(&r->sql, " ORDER BY event_id DESC LIMIT %u,1 FORMAT RowBinary", rows - 1);
        st = candor_ch_reader_ask(r, err);
        if (st == CANDOR_OK) latest_id(r, id, has);
        if (memcmp(part.low, range->low, 16) == 0) break;
    }
    return st;
}

bool candor_ch_take(candor_bytes *in, void *out, size_t n)
{
    if (in->n < n) return false;
    memcpy(out, in->p, n);
    *in = candor_bytes_of(in->p + n, in->n - n);
    return true;
}

bool candor_ch_take_text(candor_bytes *in, candor_bytes *out)
{
    size_t n = 0, shift = 0;
    unsigned char c = 0x80;
    while (c & 0x80) {
        if (shift > 28 || !candor_ch_take(in, &c, 1)) return false;
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
    bool ok = candor_ch_take(in, e->id, sizeof e->id) && candor_ch_take_text(in, &e->type) &&
              candor_ch_take_text(in, &e->category) && candor_ch_take(in, raw, sizeof raw);
    if (ok) e->ts_ms = (int64_t)candor_get_u64(raw);
    return ok && candor_ch_take_text(in, &e->context.session_id) &&
           candor_ch_take_text(in, &e->context.user_id) &&
           candor_ch_take_text(in, &e->context.machine_id) &&
           candor_ch_take_text(in, &e->context.app) &&
           candor_ch_take_text(in, &e->context.app_version) &&
           candor_ch_take_text(in, &e->context.platform) &&
           candor_ch_take_text(in, &e->correlation_id) && candor_ch_take_text(in, &e->payload);
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
static void put_select(candor_buf *sql, const char *events, const candor_page_range *range,
                       const candor_event_filter *f, unsigned limit)
{
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_buf_putf(sql, "SELECT " CANDOR_CH_COLUMNS " FROM %s", events);
    candor_ch_put_range(sql, range);
    candor_buf_putf(sql, " AND event_id IN (SELECT event_id FROM %s", events);
    candor_ch_put_range(sql, range);
    candor_ch_put_columns(sql, columns, candor_filter_columns(f, columns));
    put_only(sql, f);
    if (f->underived) candor_buf_put_bytes(sql, CANDOR_LIT(" AND bucket=" CANDOR_CH_UNDERIVED));
    candor_buf_putf(sql,
                    " ORDER BY event_id DESC LIMIT 1 BY event_id LIMIT %u) ORDER BY event_id DESC "
                    "LIMIT 1 BY event_id FORMAT RowBinary",
                    limit);
}

/* The shard whose answer has the latest id in front; n_shards: all are at their end. */
static size_t latest(const candor_ch_reader *r)
{
    size_t i, best = r->cluster->n_shards;
    for (i = 0; i < r->cluster->n_shards; i++) {
        if (r->answers[i].n == 0) continue;
        if (r->answers[i].n < 16) return i; /* cut off, which its reader says */
        if (best == r->cluster->n_shards || memcmp(r->answers[i].p, r->answers[best].p, 16) > 0)
            best = i;
    }
    return best;
}

/* Each answer is sorted; an id that was in two shards while one was added is shown once. */
static candor_status merge(candor_ch_reader *r, unsigned limit, unsigned *n,
                           candor_event_visit *visit, void *visit_ctx, candor_err *err)
{
    unsigned char before[16] = {0};
    size_t i;
    while (*n < limit && (i = latest(r)) < r->cluster->n_shards) {
        candor_stored_event e = {0};
        if (!take_event(&r->answers[i], &e))
            return candor_fail(err, CANDOR_CORRUPT, 0, "query",
                               "ClickHouse's answer ends too early");
        if (memcmp(before, e.id, 16) == 0) continue;
        memcpy(before, e.id, 16);
        ++*n;
        if (!visit(visit_ctx, &e)) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    }
    return CANDOR_OK;
}

static candor_status select_events(void *ctx, const candor_page_range *range,
                                   const candor_event_filter *f, unsigned limit,
                                   candor_event_visit *visit, void *visit_ctx, candor_err *err)
{
    candor_ch_reader *r = ctx;
    candor_page_range part = *range;
    candor_status st = CANDOR_OK;
    unsigned look, n = 0;
    for (look = 0; st == CANDOR_OK && n < limit && look <= LOOKS; look++) {
        look_back(range, look, part.low);
        if (memcmp(part.low, part.high, 16) >= 0) continue;
        put_select(&r->sql, candor_ch_events(r->cluster), &part, f, limit - n);
        st = candor_ch_reader_ask(r, err);
        if (st == CANDOR_OK) st = merge(r, limit, &n, visit, visit_ctx, err);
        if (memcmp(part.low, range->low, 16) == 0) break;
        memcpy(part.high, part.low, 16);
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
