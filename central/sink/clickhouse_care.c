/* Erasure in the ClickHouse sink, a shard at a time. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/clickhouse_internal.h"

#define MUTATION_MS 50
#define MUTATION_NS UINT64_C(60000000000) /* an erasure is waited for this long */

/* --- erasure ---------------------------------------------------------------------------------- */

#define OURS "database=currentDatabase() AND table IN ('candor_events','" CANDOR_CH_OLD "')"
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
        st = candor_ch_ask_number(&v->ch, &h->sql, &done, err);
        candor_buf_clear(&h->sql);
        candor_buf_put_bytes(&h->sql,
                             CANDOR_LIT("SELECT count() FROM system.replication_queue WHERE " OURS
                                        " AND type='MUTATE_PART'"));
        if (st == CANDOR_OK) st = candor_ch_ask_number(&v->ch, &h->sql, &planned, err);
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

candor_status candor_ch_delete(candor_ch_shard *h, candor_ch_server *v, const char *table,
                               candor_bytes where, bool everywhere, candor_err *err)
{
    unsigned char random[MARK / 2];
    char mark[MARK + 1] = "";
    candor_status st;
    size_t i;
    if (candor_random(random, sizeof random) != CANDOR_OK)
        return candor_fail(err, CANDOR_CRYPTO, 0, "erase", NULL);
    candor_hex_encode(random, sizeof random, mark);
    candor_buf_clear(&h->sql);
    candor_buf_putf(&h->sql, "ALTER TABLE %s DELETE WHERE '%s'!='' AND ", table, mark);
    candor_buf_put_bytes(&h->sql, where);
    st = candor_ch_ask(&v->ch, &h->sql, NULL, err);
    for (i = 0; i < h->n && st == CANDOR_OK; i++) {
        bool there = v == &h->servers[i];
        if (!there && everywhere) st = candor_ch_has_table(&h->servers[i].ch, table, &there, err);
        if (st == CANDOR_OK && there) st = wait_for_mutation(h, &h->servers[i], mark, err);
    }
    return st;
}

static candor_status tell_theirs(candor_ch *ch, const char *events, const candor_buf *where,
                                 candor_erasure *e, uint64_t *n, candor_err *err)
{
    candor_buf sql = {0};
    candor_bytes ids = {NULL, 0};
    candor_status st;
    candor_buf_putf(&sql, "SELECT DISTINCT event_id FROM %s WHERE ", events);
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

/* From each table that the shard still has. */
static candor_status delete_theirs(candor_ch_shard *h, candor_ch_server *v, candor_bytes where,
                                   candor_err *err)
{
    candor_status st = candor_ch_delete(h, v, "candor_events", where, true, err);
    bool there = false;
    size_t i;
    for (i = 0; i < h->n && st == CANDOR_OK && !there; i++) {
        st = candor_ch_has_table(&h->servers[i].ch, CANDOR_CH_OLD, &there, err);
        if (st == CANDOR_OK && there)
            st = candor_ch_delete(h, &h->servers[i], CANDOR_CH_OLD, where, true, err);
    }
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
    st = tell_theirs(&v->ch, candor_ch_events(h->cluster), &where, e, &n, err);
    /* Also when there is nothing to tell here: a try before, which failed half-way, may have left
     * the rest to the other replicas. */
    if (st == CANDOR_OK && (n != 0 || h->cluster->replicated))
        st = delete_theirs(h, v, candor_buf_bytes(&where), err);
    if (st == CANDOR_OK) e->events += n;
    candor_buf_free(&where);
    return st;
}

/* One shard after the other: they tell one erasure of their ids. */
candor_status candor_ch_erase(candor_ch_crew *w, candor_erasure *e, candor_err *err)
{
    return candor_ch_crew_run(w, erase_shard, e, true, err);
}
