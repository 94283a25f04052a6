/* One shard of the ClickHouse sink: its rows are looked up and inserted on one replica, and told
 * stored once every replica that is up has them. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/clickhouse_internal.h"
#include "central/store/histogram.h"

#define DAY_MS         INT64_C(86400000)
#define DAYS_MAX       65535                 /* of its type Date */
#define CONFIRM_NS     UINT64_C(30000000000) /* a replica that needs longer counts as behind */
#define CONFIRM_MS     10 /* before it is asked for the first time, and longer from time to time */
#define CONFIRM_MAX_MS 100
#define LOOK_NS        UINT64_C(1000000000) /* between looks at the one that it fetches from */

/* --- which shard ------------------------------------------------------------------------------ */

/* Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm" (arXiv:1406.2294): of n
 * ids, n/k move when a k-th shard is added. The end of a UUIDv7 is random. */
size_t candor_ch_shard_of(const unsigned char id[16], size_t n_shards)
{
    uint64_t key = candor_get_u64(id + 8);
    int64_t b = -1, j = 0;
    while (j < (int64_t)n_shards) {
        b = j;
        key = key * UINT64_C(2862933555777941757) + 1;
        j = (int64_t)((double)(b + 1) * ((double)(INT64_C(1) << 31) / (double)((key >> 33) + 1)));
    }
    return (size_t)b;
}

candor_status candor_ch_shard_add(candor_ch_shard *h, candor_sink_row *row, candor_err *err)
{
    if (h->n_rows == h->cap) {
        size_t cap = h->cap != 0 ? h->cap * 2 : 1024;
        candor_sink_row **p = realloc(h->rows, cap * sizeof(candor_sink_row *));
        if (p == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "store", NULL);
        h->rows = p;
        h->cap = cap;
    }
    h->rows[h->n_rows++] = row;
    return CANDOR_OK;
}

void candor_ch_shard_deinit(candor_ch_shard *h)
{
    free(h->rows);
    candor_buf_free(&h->ids);
    candor_buf_free(&h->body);
    candor_buf_free(&h->sql);
}

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

/* Days; its type goes to 65535, and settings to CANDOR_RETENTION_DAYS_MAX. */
static unsigned keep_of(const candor_ch_cluster *c, candor_bytes category)
{
    const uint64_t days =
        c->retention != NULL ? candor_retention_of(c->retention, category) : c->retention_days;
    return days <= CANDOR_RETENTION_DAYS_MAX ? (unsigned)days : 0;
}

static void put_derived(candor_buf *b, const candor_sink_row *row)
{
    const candor_bytes group = candor_sink_row_group(row);
    const uint32_t bucket = group.n != 0 ? row->row->bucket : CANDOR_NO_BUCKET;
    const int at = bucket != CANDOR_NO_BUCKET ? (int)bucket : CANDOR_CH_NO_BUCKET;
    put_text(b, group);
    candor_buf_put_c(b, (char)(at & 0xff));
    candor_buf_put_c(b, (char)(at >> 8 & 0xff));
}

static void put_row(candor_buf *b, const candor_ch_cluster *c, const candor_sink_row *row)
{
    candor_stored_event e;
    unsigned char raw[8];
    unsigned keep;
    int64_t day;
    candor_sink_row_event(row, &e);
    keep = keep_of(c, e.category);
    day = candor_sink_id_day(e.id);
    if (day > DAYS_MAX) day = DAYS_MAX;
    raw[0] = (unsigned char)day;
    raw[1] = (unsigned char)(day >> 8);
    raw[2] = (unsigned char)keep;
    raw[3] = (unsigned char)(keep >> 8);
    candor_buf_put(b, raw, candor_ch_has_keep(c) ? 4 : 2);
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
    if (candor_ch_has_keep(c)) put_derived(b, row);
}

/* --- on one replica --------------------------------------------------------------------------- */

static void put_among_ids(candor_ch_shard *h)
{
    candor_page_range range;
    memcpy(range.low, h->rows[0]->row->id, 16);
    candor_sink_id_floor((candor_sink_id_day(h->rows[h->n_rows - 1]->row->id) + 1) * DAY_MS,
                         range.high);
    candor_ch_put_range(&h->sql, &range);
    candor_buf_put_bytes(&h->sql, CANDOR_LIT(" AND event_id IN ids"));
}

static candor_status ask_about_ids(candor_ch_shard *h, candor_ch *ch, candor_bytes *answer,
                                   candor_err *err)
{
    candor_buf_put_c(&h->sql, '\0');
    return h->sql.failed || h->ids.failed
               ? candor_fail(err, CANDOR_NOMEM, 0, "store", NULL)
               : candor_ch_with_ids(ch, h->sql.p, candor_buf_bytes(&h->ids), answer, err);
}

static candor_sink_row *find(const candor_ch_shard *h, const unsigned char *id)
{
    size_t low = 0, high = h->n_rows;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = memcmp(h->rows[mid]->row->id, id, 16);
        if (order == 0) return h->rows[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* All rows are new until one is found. */
static candor_status look_up(candor_ch_shard *h, candor_ch *ch, candor_err *err)
{
    candor_bytes known = {NULL, 0};
    candor_status st;
    size_t i;
    candor_buf_clear(&h->ids);
    for (i = 0; i < h->n_rows; i++) {
        candor_buf_put(&h->ids, h->rows[i]->row->id, 16);
        candor_sink_rows_new(h->rows[i]);
    }
    candor_buf_clear(&h->sql);
    candor_buf_putf(&h->sql, "SELECT event_id FROM %s", candor_ch_events(h->cluster));
    put_among_ids(h);
    candor_buf_put_bytes(&h->sql, CANDOR_LIT(" FORMAT RowBinary"));
    st = ask_about_ids(h, ch, &known, err);
    for (i = 0; st == CANDOR_OK && i + 16 <= known.n; i += 16) {
        candor_sink_row *row = find(h, (const unsigned char *)known.p + i);
        if (row != NULL) row->row->duplicate = true;
    }
    return st;
}

static candor_status insert(candor_ch_shard *h, candor_ch *ch, candor_err *err)
{
    size_t i;
    candor_buf_clear(&h->body);
    for (i = 0; i < h->n_rows; i++)
        if (!h->rows[i]->row->duplicate) put_row(&h->body, h->cluster, h->rows[i]);
    if (h->body.failed) return candor_fail(err, CANDOR_NOMEM, 0, "store", NULL);
    if (h->body.n == 0) return CANDOR_OK;
    return candor_ch_insert(
        ch,
        candor_ch_has_keep(h->cluster)
            ? "INSERT INTO candor_events(day,keep," CANDOR_CH_COLUMNS CANDOR_CH_DERIVED
              ") FORMAT RowBinary"
            : "INSERT INTO candor_events(day," CANDOR_CH_COLUMNS ") FORMAT RowBinary",
        candor_buf_bytes(&h->body), err);
}

/* --- on the others ---------------------------------------------------------------------------- */

/* Ids that were found count as well: an attempt that nobody acknowledged may have left them on one
 * replica alone. */
static candor_status has_all(candor_ch_shard *h, candor_ch_server *v, bool *out, candor_err *err)
{
    candor_bytes answer = {NULL, 0};
    candor_status st;
    candor_buf_clear(&h->sql);
    candor_buf_putf(&h->sql, "SELECT uniqExact(event_id) FROM %s", candor_ch_events(h->cluster));
    put_among_ids(h);
    st = ask_about_ids(h, &v->quick, &answer, err);
    *out = st == CANDOR_OK && candor_ch_number(answer) == h->n_rows;
    return st;
}

typedef enum copy {
    COPY_HAS,
    COPY_MISSES, /* its state says why */
    COPY_LOST    /* who has them is away: nobody can fetch them there */
} copy;

/* A server that answers nothing is looked at before it counts as away: slow is not dead. */
static copy wait_for(candor_ch_shard *h, candor_ch_server *v, candor_ch_server *written)
{
    const uint64_t until = candor_clock_mono_ns() + CONFIRM_NS;
    uint64_t look_at = candor_clock_mono_ns() + LOOK_NS;
    int pause = CONFIRM_MS;
    for (;;) {
        candor_err err = {0};
        bool all = false;
        candor_waker_sleep(v->quick.waker, pause);
        if (has_all(h, v, &all, &err) == CANDOR_OK && all) return COPY_HAS;
        if (err.code != CANDOR_OK && candor_ch_server_check(h->cluster, v, &err) != CANDOR_OK)
            return COPY_MISSES;
        if (candor_clock_mono_ns() > look_at) {
            if (candor_ch_server_check(h->cluster, written, &err) != CANDOR_OK) return COPY_LOST;
            look_at = candor_clock_mono_ns() + LOOK_NS;
        }
        if (candor_clock_mono_ns() > until) {
            candor_fail(&err, CANDOR_TIMEOUT, 0, "store",
                        "it has not fetched an insert in %llu s; commits no longer wait for it",
                        (unsigned long long)(CONFIRM_NS / 1000000000));
            candor_ch_server_set(h->cluster, v, CANDOR_CH_BEHIND, &err);
            return COPY_MISSES;
        }
        pause = pause * 2 < CONFIRM_MAX_MS ? pause * 2 : CONFIRM_MAX_MS;
    }
}

/* *lost: the server that was written died before another one had fetched from it. */
static candor_status confirm(candor_ch_shard *h, candor_ch_server *written, bool *lost,
                             candor_err *err)
{
    unsigned copies = 1;
    size_t i;
    *lost = false;
    for (i = 0; i < h->n && !*lost; i++) {
        candor_ch_server *v = &h->servers[i];
        if (v == written || atomic_load(&v->state) != CANDOR_CH_UP) continue;
        switch (wait_for(h, v, written)) {
        case COPY_HAS:
            copies++;
            break;
        case COPY_MISSES:
            break;
        case COPY_LOST:
            *lost = true;
            break;
        }
    }
    if (*lost) return CANDOR_OK;
    if (copies < h->n && h->cluster->metrics != NULL)
        candor_count(&h->cluster->metrics->sink_fewer_copies, h->n_rows);
    if (copies >= h->cluster->copies) return CANDOR_OK;
    return candor_fail(err, CANDOR_IO, 0, "store",
                       "shard %zu has %u of %u copies that --sink-url asks for; events wait until "
                       "another of its servers is up",
                       h->no + 1, copies, h->cluster->copies);
}

/* --- the shard -------------------------------------------------------------------------------- */

candor_status candor_ch_shard_store(candor_ch_shard *h, candor_err *err)
{
    uint64_t tried = 0;
    candor_err why = {0};
    candor_status st = CANDOR_OK;
    bool first = true;
    candor_ch_server *v;
    if (h->n_rows == 0) return CANDOR_OK;
    while ((v = candor_ch_choose(h->cluster, h->no, &tried)) != NULL) {
        candor_status at = CANDOR_OK;
        if (atomic_load(&v->state) == CANDOR_CH_AWAY)
            at = candor_ch_server_check(h->cluster, v, &why);
        if (at == CANDOR_OK) {
            at = look_up(h, &v->ch, &why);
            if (at == CANDOR_OK) at = insert(h, &v->ch, &why);
            if (at == CANDOR_OK) {
                bool lost;
                at = confirm(h, v, &lost, err);
                if (!lost) return at;
                at = candor_fail(&why, CANDOR_NET, 0, "store",
                                 "%.120s died before another server had fetched an insert from it",
                                 v->name);
            }
            if (at == CANDOR_NOMEM) return candor_fail(err, at, 0, "store", NULL);
            candor_ch_server_set(h->cluster, v, CANDOR_CH_AWAY, &why);
        }
        if (first) { /* what the server said that should have taken it */
            *err = why;
            st = at;
        }
        first = false;
    }
    return st;
}

candor_status candor_ch_shard_usable(candor_ch_shard *h, candor_ch_server **out, candor_err *err)
{
    uint64_t tried = 0;
    candor_err why = {0};
    candor_status st = CANDOR_NET;
    bool first = true;
    while ((*out = candor_ch_choose(h->cluster, h->no, &tried)) != NULL) {
        candor_status at = candor_ch_server_check(h->cluster, *out, &why);
        if (at == CANDOR_OK) return CANDOR_OK;
        if (first) {
            *err = why;
            st = at;
        }
        first = false;
    }
    return st;
}

int candor_ch_shard_care(candor_ch_shard *h)
{
    uint64_t now = candor_clock_mono_ns(), next = UINT64_MAX;
    candor_err err;
    size_t i;
    for (i = 0; i < h->n; i++) {
        candor_ch_server *v = &h->servers[i];
        /* its state says how it went */
        if (now >= v->check_at_ns && candor_ch_server_check(h->cluster, v, &err) != CANDOR_OK)
            now = candor_clock_mono_ns();
        if (v->check_at_ns < next) next = v->check_at_ns;
    }
    now = candor_clock_mono_ns();
    return next <= now ? 0 : (int)((next - now) / 1000000) + 1;
}
