/* Erasure and retention in the ClickHouse sink, a shard at a time. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/clickhouse_internal.h"

#define DAY_MS      INT64_C(86400000)
#define MUTATION_MS 50
#define MUTATION_NS UINT64_C(60000000000) /* an erasure is waited for this long */

static candor_status ask_number(candor_ch *ch, candor_buf *sql, uint64_t *out, candor_err *err)
{
    candor_bytes answer = {NULL, 0};
    candor_status st = candor_ch_ask(ch, sql, &answer, err);
    if (st == CANDOR_OK) *out = candor_ch_number(answer);
    return st;
}

/* --- erasure ---------------------------------------------------------------------------------- */

#define OURS "database=currentDatabase() AND table='candor_events'"
#define MARK 16 /* hex digits: which of the mutations is ours, on every replica */

/* ALTER .. DELETE works on behind the answer: an erasure is done when its parts are rewritten. A
 * replica comes to know of a mutation a moment later than the one that was asked, and calls it done
 * when it has planned it for all of its parts: the plan is its queue. */
static candor_status wait_for_mutation(candor_ch_shard *h, candor_ch_server *v, const char *mark,
                                       candor_err *err)
{
    const uint64_t until = candor_clock_mono_ns() + MUTATION_NS;
    for (;;) {
        uint64_t done = 0, planned = 1;
        candor_status st;
        candor_buf_putf(&h->sql,
                        "SELECT count() FROM system.mutations WHERE " OURS
                        " AND is_done=1 AND position(command,'%s')!=0",
                        mark);
        st = ask_number(&v->ch, &h->sql, &done, err);
        candor_buf_clear(&h->sql);
        candor_buf_put_bytes(&h->sql,
                             CANDOR_LIT("SELECT count() FROM system.replication_queue WHERE " OURS
                                        " AND type='MUTATE_PART'"));
        if (st == CANDOR_OK) st = ask_number(&v->ch, &h->sql, &planned, err);
        candor_buf_clear(&h->sql);
        if (st != CANDOR_OK || (done != 0 && planned == 0)) return st;
        if (candor_clock_mono_ns() > until)
            return candor_fail(err, CANDOR_TIMEOUT, 0, "erase",
                               "ClickHouse on %.120s still rewrites its parts; system.mutations "
                               "shows when it is done",
                               v->name);
        candor_waker_sleep(v->ch.waker, MUTATION_MS);
    }
}

/* where: what is true of the rows. Waits for v, or for every replica. */
static candor_status delete_rows(candor_ch_shard *h, candor_ch_server *v, const candor_buf *where,
                                 bool everywhere, candor_err *err)
{
    unsigned char random[MARK / 2];
    char mark[MARK + 1] = "";
    uint64_t ignored;
    candor_status st;
    size_t i;
    if (candor_random(random, sizeof random) != CANDOR_OK)
        return candor_fail(err, CANDOR_CRYPTO, 0, "erase", NULL);
    candor_hex_encode(random, sizeof random, mark);
    candor_buf_clear(&h->sql);
    candor_buf_putf(&h->sql, "ALTER TABLE candor_events DELETE WHERE '%s'!='' AND ", mark);
    candor_buf_put_bytes(&h->sql, candor_buf_bytes(where));
    st = ask_number(&v->ch, &h->sql, &ignored, err);
    for (i = 0; i < h->n && st == CANDOR_OK; i++)
        if (everywhere || v == &h->servers[i]) st = wait_for_mutation(h, &h->servers[i], mark, err);
    return st;
}

static candor_status tell_theirs(candor_ch *ch, const candor_buf *where, candor_erasure *e,
                                 uint64_t *n, candor_err *err)
{
    candor_buf sql = {0};
    candor_bytes ids = {NULL, 0};
    candor_status st;
    candor_buf_put_bytes(&sql, CANDOR_LIT("SELECT DISTINCT event_id FROM candor_events WHERE "));
    candor_buf_put_bytes(&sql, candor_buf_bytes(where));
    candor_buf_put_bytes(&sql, CANDOR_LIT(" FORMAT RowBinary"));
    st = candor_ch_ask(ch, &sql, &ids, err);
    *n = ids.n / 16;
    if (st == CANDOR_OK) st = candor_erasure_tell(e, ids.p, ids.n / 16, err);
    candor_buf_free(&sql);
    return st;
}

/* A receipt says that it is gone, and what is on the disk of a server that is away is not. */
static candor_status all_are_there(candor_ch_shard *h, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < h->n && h->cluster->replicated && st == CANDOR_OK; i++)
        st = candor_ch_server_check(h->cluster, &h->servers[i], err);
    return st;
}

static candor_status erase_shard(candor_ch_shard *h, void *arg, candor_err *err)
{
    candor_erasure *e = arg;
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_buf where = {0};
    candor_ch_server *v = NULL;
    uint64_t n = 0;
    candor_status st = all_are_there(h, err);
    if (st == CANDOR_OK) st = candor_ch_shard_usable(h, &v, err);
    if (st != CANDOR_OK) return st;
    candor_buf_put_c(&where, '1');
    candor_ch_put_columns(&where, columns, candor_erasure_columns(e, columns));
    st = tell_theirs(&v->ch, &where, e, &n, err);
    /* Also when there is nothing to tell here: a try before, which failed half-way, may have left
     * the rest to the other replicas. */
    if (st == CANDOR_OK && (n != 0 || h->cluster->replicated))
        st = delete_rows(h, v, &where, true, err);
    if (st == CANDOR_OK) e->events += n;
    candor_buf_free(&where);
    return st;
}

/* One shard after the other: they tell one erasure of their ids. */
candor_status candor_ch_erase(candor_ch_crew *w, candor_erasure *e, candor_err *err)
{
    return candor_ch_crew_run(w, erase_shard, e, true, err);
}

/* --- retention -------------------------------------------------------------------------------- */

/* The number that toYYYYMMDD gives a day. */
static unsigned long number_of(int64_t day)
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(day * DAY_MS, text);
    return strtoul(text, NULL, 10) * 10000 + strtoul(text + 5, NULL, 10) * 100 +
           strtoul(text + 8, NULL, 10);
}

/* Lines of a category, a tab and how many events. */
static uint64_t read_tally(candor_bytes answer, candor_deleted *deleted)
{
    uint64_t n = 0;
    while (answer.n != 0) {
        const char *tab = memchr(answer.p, '\t', answer.n), *end = memchr(answer.p, '\n', answer.n);
        uint64_t some;
        if (tab == NULL || end == NULL || end < tab) break;
        some = candor_ch_number(candor_bytes_of(tab + 1, (size_t)(end - tab - 1)));
        candor_deleted_add(deleted, candor_bytes_of(answer.p, (size_t)(tab - answer.p)), some);
        n += some;
        answer = candor_bytes_of(end + 1, answer.n - (size_t)(end + 1 - answer.p));
    }
    return n;
}

static candor_status tally(candor_ch *ch, const candor_buf *where, candor_deleted *deleted,
                           uint64_t *n, candor_err *err)
{
    candor_buf sql = {0};
    candor_bytes answer = {NULL, 0};
    candor_status st;
    candor_buf_put_bytes(
        &sql, CANDOR_LIT("SELECT category,uniqExact(event_id) FROM candor_events WHERE "));
    candor_buf_put_bytes(&sql, candor_buf_bytes(where));
    candor_buf_put_bytes(&sql, CANDOR_LIT(" GROUP BY category FORMAT TabSeparated"));
    st = candor_ch_ask(ch, &sql, &answer, err);
    *n = st == CANDOR_OK ? read_tally(answer, deleted) : 0;
    candor_buf_free(&sql);
    return st;
}

static void put_sweep(candor_buf *where, const candor_sweep *w)
{
    size_t i;
    candor_buf_putf(where, "day=toDate(%lld) AND category IN (", (long long)(w->from_ms / DAY_MS));
    for (i = 0; i < w->n; i++) {
        if (i != 0) candor_buf_put_c(where, ',');
        candor_ch_put_text(where, w->categories[i]);
    }
    candor_buf_put_c(where, ')');
}

/* A mutation rewrites the parts of that day alone, one a day and class at most. A replica that is
 * away does it when it is back. */
static candor_status sweep_shard(candor_ch_shard *h, void *arg, candor_err *err)
{
    candor_ch_server *v = NULL;
    candor_buf where = {0};
    uint64_t n = 0;
    candor_status st = candor_ch_shard_usable(h, &v, err);
    if (st != CANDOR_OK) return st;
    put_sweep(&where, arg);
    st = tally(&v->ch, &where, ((const candor_sweep *)arg)->deleted, &n, err);
    if (st == CANDOR_OK && n != 0) st = delete_rows(h, v, &where, false, err);
    candor_buf_free(&where);
    return st;
}

candor_status candor_ch_sweep(candor_ch_crew *w, const candor_sweep *sweep, candor_err *err)
{
    candor_sweep copy = *sweep;
    return candor_ch_crew_run(w, sweep_shard, &copy, true, err);
}

static candor_status count_day(candor_ch *ch, uint64_t number, candor_deleted *deleted,
                               candor_err *err)
{
    candor_buf where = {0};
    uint64_t n;
    candor_status st;
    candor_buf_putf(&where, "toYYYYMMDD(day)=%llu", (unsigned long long)number);
    st = tally(ch, &where, deleted, &n, err);
    candor_buf_free(&where);
    return st;
}

typedef struct retention {
    int64_t first_day;
    candor_deleted *deleted;
    bool more;
} retention;

/* Older servers hand a DROP PARTITION on to the leader, and need a user for that. */
static candor_status find_leader(candor_ch_shard *h, candor_ch_server **out, candor_err *err)
{
    candor_status st = candor_ch_shard_usable(h, out, err);
    size_t i;
    for (i = 0; i < h->n && st == CANDOR_OK && !(*out)->leader; i++)
        if (h->servers[i].leader && atomic_load(&h->servers[i].state) != CANDOR_CH_AWAY)
            *out = &h->servers[i];
    return st;
}

static candor_status retain_shard(candor_ch_shard *h, void *arg, candor_err *err)
{
    retention *r = arg;
    candor_ch_server *v = NULL;
    uint64_t oldest = 0, ignored;
    candor_status st = find_leader(h, &v, err);
    if (st != CANDOR_OK) return st;
    candor_buf_clear(&h->sql);
    candor_buf_putf(&h->sql,
                    "SELECT min(toUInt32(partition)) FROM system.parts WHERE active AND "
                    "database=currentDatabase() AND table='candor_events' AND "
                    "toUInt32(partition)<%lu",
                    number_of(r->first_day));
    st = ask_number(&v->ch, &h->sql, &oldest, err);
    if (st == CANDOR_OK && oldest != 0) st = count_day(&v->ch, oldest, r->deleted, err);
    if (st != CANDOR_OK || oldest == 0) return st;
    candor_buf_clear(&h->sql);
    candor_buf_putf(&h->sql, "ALTER TABLE candor_events DROP PARTITION %llu",
                    (unsigned long long)oldest);
    st = ask_number(&v->ch, &h->sql, &ignored, err);
    if (st == CANDOR_OK) r->more = true;
    return st;
}

candor_status candor_ch_retain(candor_ch_crew *w, int64_t first_day, candor_deleted *deleted,
                               bool *more, candor_err *err)
{
    retention r = {first_day, deleted, false};
    candor_status st = candor_ch_crew_run(w, retain_shard, &r, true, err);
    *more = st == CANDOR_OK && r.more;
    return st;
}
