/* Retention in the ClickHouse sink, a shard at a time: partitions of a day are dropped, and where
 * one has both what is to go and what is to stay, rows of it are deleted. */
#include <stdio.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/clickhouse_internal.h"

#define DAY_MS     INT64_C(86400000)
#define PARTITIONS "database=currentDatabase() AND table IN ('candor_events','" CANDOR_CH_OLD "')"
#define DAY_OF     "toUInt32(extract(partition,'[0-9]+'))" /* of 20261121, and of (20261121,30) */

typedef struct partition {
    const char *table;
    char name[32]; /* as system.parts has it */
    char rows[64]; /* condition */
} partition;

/* The number that toYYYYMMDD gives a day. */
static unsigned long number_of(int64_t day)
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(day * DAY_MS, text);
    return strtoul(text, NULL, 10) * 10000 + strtoul(text + 5, NULL, 10) * 100 +
           strtoul(text + 8, NULL, 10);
}

/* --- partitions ------------------------------------------------------------------------------- */

static bool read_partition(candor_bytes line, partition *p)
{
    candor_bytes table = candor_ch_take_until(&line, '\t');
    char *end;
    unsigned long day, keep;
    if (line.n == 0 || line.n >= sizeof p->name) return false;
    memcpy(p->name, line.p, line.n);
    p->name[line.n] = '\0';
    if (candor_bytes_eq(table, CANDOR_LIT(CANDOR_CH_OLD))) {
        p->table = CANDOR_CH_OLD;
        snprintf(p->rows, sizeof p->rows, "toYYYYMMDD(day)=%lu", strtoul(p->name, NULL, 10));
        return true;
    }
    p->table = "candor_events";
    if (p->name[0] != '(') return false;
    day = strtoul(p->name + 1, &end, 10);
    if (*end != ',') return false;
    keep = strtoul(end + 1, NULL, 10);
    snprintf(p->rows, sizeof p->rows, "toYYYYMMDD(day)=%lu AND keep=%lu", day, keep);
    return true;
}

/* Which ones of v are as `which` says: lines of a table, a tab and a partition. */
static candor_status list_partitions(candor_ch *ch, const char *which, candor_buf *out,
                                     candor_err *err)
{
    candor_buf sql = {0};
    candor_bytes answer = {NULL, 0};
    candor_status st;
    candor_buf_putf(&sql,
                    "SELECT DISTINCT table,partition FROM system.parts WHERE active AND " PARTITIONS
                    " AND " DAY_OF "%s FORMAT TabSeparatedRaw",
                    which);
    st = candor_ch_ask(ch, &sql, &answer, err);
    candor_buf_clear(out);
    candor_buf_put_bytes(out, answer);
    candor_buf_free(&sql);
    return st == CANDOR_OK && out->failed ? candor_fail(err, CANDOR_NOMEM, 0, "retention", NULL)
                                          : st;
}

/* Older servers hand a DROP PARTITION on to the leader of a table, and need a user for that. */
static candor_status find_leader(candor_ch_shard *h, const char *table, candor_ch_server **out,
                                 candor_err *err)
{
    candor_ch_server *v = NULL;
    candor_status st = candor_ch_shard_usable(h, &v, err);
    size_t i;
    *out = v;
    for (i = 0; i < h->n && st == CANDOR_OK && h->cluster->replicated; i++) {
        uint64_t leads = 0;
        if (atomic_load(&h->servers[i].state) == CANDOR_CH_AWAY) continue;
        candor_buf_clear(&h->sql);
        candor_buf_putf(&h->sql,
                        "SELECT is_leader FROM system.replicas WHERE database=currentDatabase() "
                        "AND table='%s'",
                        table);
        st = candor_ch_ask_number(&h->servers[i].ch, &h->sql, &leads, err);
        if (leads != 0) *out = &h->servers[i];
    }
    return st;
}

static candor_status drop_partition(candor_ch_shard *h, const partition *p, candor_err *err)
{
    candor_ch_server *v = NULL;
    candor_status st = find_leader(h, p->table, &v, err);
    if (st != CANDOR_OK) return st;
    candor_buf_clear(&h->sql);
    candor_buf_putf(&h->sql, "ALTER TABLE %s DROP PARTITION %s", p->table, p->name);
    return candor_ch_ask(&v->ch, &h->sql, NULL, err);
}

/* --- what is in one --------------------------------------------------------------------------- */

typedef struct contents {
    uint64_t due, rest; /* rows; an event may have two until a merge */
} contents;

/* sweep: what is due; NULL: all. what: of each category, an aggregate. deleted: what is due is
 * added to it; may be NULL. */
static candor_status look_into(candor_ch *ch, const partition *p, const candor_sweep *sweep,
                               const char *what, candor_deleted *deleted, contents *out,
                               candor_err *err)
{
    candor_buf sql = {0};
    candor_bytes answer = {NULL, 0};
    candor_status st;
    candor_buf_putf(&sql,
                    "SELECT category,%s FROM %s WHERE %s GROUP BY category FORMAT TabSeparated",
                    what, p->table, p->rows);
    st = candor_ch_ask(ch, &sql, &answer, err);
    memset(out, 0, sizeof *out);
    while (st == CANDOR_OK && answer.n != 0) {
        candor_bytes line = candor_ch_take_until(&answer, '\n'),
                     category = candor_ch_take_until(&line, '\t');
        const uint64_t n = candor_ch_number(line);
        const bool due = sweep == NULL || candor_sweep_takes(sweep, category);
        *(due ? &out->due : &out->rest) += n;
        if (due) candor_deleted_add(deleted, category, n);
    }
    candor_buf_free(&sql);
    return st;
}

static candor_status count_events(candor_ch *ch, const partition *p, const candor_sweep *sweep,
                                  candor_deleted *deleted, candor_err *err)
{
    contents ignored;
    return look_into(ch, p, sweep, "uniqExact(event_id)", deleted, &ignored, err);
}

/* --- categories that go sooner ---------------------------------------------------------------- */

/* A mutation rewrites the parts of that partition alone. A replica that is away does it when it is
 * back. */
static candor_status delete_due(candor_ch_shard *h, candor_ch_server *v, const partition *p,
                                const candor_sweep *w, candor_err *err)
{
    candor_buf where = {0};
    candor_status st;
    size_t i;
    candor_buf_putf(&where, "%s AND category IN (", p->rows);
    for (i = 0; i < w->n; i++) {
        if (i != 0) candor_buf_put_c(&where, ',');
        candor_ch_put_text(&where, w->categories[i]);
    }
    candor_buf_put_c(&where, ')');
    st = where.failed ? candor_fail(err, CANDOR_NOMEM, 0, "retention", NULL)
                      : candor_ch_delete(h, v, p->table, candor_buf_bytes(&where), false, err);
    candor_buf_free(&where);
    return st;
}

/* What is kept equally long was put into one partition. Others are in it from before a rule was
 * changed, or from version 2 of the tables. */
static candor_status sweep_partition(candor_ch_shard *h, candor_ch_server *v, const partition *p,
                                     const candor_sweep *w, candor_err *err)
{
    contents c;
    candor_status st = look_into(&v->ch, p, w, "count()", NULL, &c, err);
    if (st != CANDOR_OK || c.due == 0) return st;
    st = count_events(&v->ch, p, w, w->deleted, err);
    if (st != CANDOR_OK) return st;
    return c.rest == 0 ? drop_partition(h, p, err) : delete_due(h, v, p, w, err);
}

static candor_status sweep_shard(candor_ch_shard *h, void *arg, candor_err *err)
{
    const candor_sweep *w = arg;
    candor_ch_server *v = NULL;
    candor_buf list = {0};
    candor_bytes lines;
    char which[32];
    candor_status st = candor_ch_shard_usable(h, &v, err);
    if (st != CANDOR_OK) return st;
    snprintf(which, sizeof which, "=%lu", number_of(w->from_ms / DAY_MS));
    st = list_partitions(&v->ch, which, &list, err);
    lines = candor_buf_bytes(&list);
    while (st == CANDOR_OK && lines.n != 0) {
        partition p;
        if (read_partition(candor_ch_take_until(&lines, '\n'), &p))
            st = sweep_partition(h, v, &p, w, err);
    }
    candor_buf_free(&list);
    return st;
}

candor_status candor_ch_sweep(candor_ch_crew *w, const candor_sweep *sweep, candor_err *err)
{
    candor_sweep copy = *sweep;
    return candor_ch_crew_run(w, sweep_shard, &copy, true, err);
}

/* --- the table of before ---------------------------------------------------------------------- */

/* Nothing in it, nothing on the way from another replica, and no insert that began before it gave
 * way: those are older than we are. */
static candor_status is_done(candor_ch_shard *h, candor_ch *ch, bool *out, candor_err *err)
{
    const uint64_t age_s = (candor_clock_mono_ns() - h->cluster->opened_ns) / 1000000000;
    uint64_t parts = 1, behind = 1, inserts = 1;
    candor_status st;
    candor_buf_clear(&h->sql);
    candor_buf_putf(&h->sql,
                    "SELECT count() FROM system.parts WHERE active AND database=currentDatabase() "
                    "AND table='" CANDOR_CH_OLD "'");
    st = candor_ch_ask_number(ch, &h->sql, &parts, err);
    if (st != CANDOR_OK || parts != 0) return st;
    candor_buf_putf(&h->sql,
                    "SELECT count() FROM system.replicas WHERE database=currentDatabase() AND "
                    "table='" CANDOR_CH_OLD "' AND (queue_size!=0 OR log_max_index>=log_pointer "
                    "AND log_max_index!=0 OR is_readonly)");
    st = candor_ch_ask_number(ch, &h->sql, &behind, err);
    if (st != CANDOR_OK || behind != 0) return st;
    candor_buf_putf(&h->sql,
                    "SELECT count() FROM system.processes WHERE elapsed>=%llu AND query LIKE "
                    "'INSERT INTO candor_events%%'",
                    (unsigned long long)age_s);
    st = candor_ch_ask_number(ch, &h->sql, &inserts, err);
    *out = st == CANDOR_OK && inserts == 0;
    return st;
}

static candor_status drop_old(candor_ch_shard *h, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < h->n && st == CANDOR_OK; i++) {
        candor_ch *ch = &h->servers[i].ch;
        bool there = false, done = false;
        if (atomic_load(&h->servers[i].state) != CANDOR_CH_UP) continue;
        st = candor_ch_has_table(ch, CANDOR_CH_OLD, &there, err);
        if (st == CANDOR_OK && there) st = is_done(h, ch, &done, err);
        if (st == CANDOR_OK && done)
            st = candor_ch_run(ch, "DROP TABLE IF EXISTS " CANDOR_CH_OLD, NULL, err);
    }
    return st;
}

/* --- whole days ------------------------------------------------------------------------------- */

typedef struct retention {
    int64_t first_day;
    candor_deleted *deleted;
    bool more;
} retention;

static candor_status retain_shard(candor_ch_shard *h, void *arg, candor_err *err)
{
    retention *r = arg;
    candor_ch_server *v = NULL;
    candor_buf list = {0};
    candor_bytes lines;
    partition p;
    char which[128];
    candor_status st = candor_ch_shard_usable(h, &v, err);
    if (st != CANDOR_OK) return st;
    snprintf(which, sizeof which, "<%lu ORDER BY " DAY_OF ",partition LIMIT 1",
             number_of(r->first_day));
    st = list_partitions(&v->ch, which, &list, err);
    lines = candor_buf_bytes(&list);
    if (st == CANDOR_OK && read_partition(candor_ch_take_until(&lines, '\n'), &p)) {
        st = count_events(&v->ch, &p, NULL, r->deleted, err);
        if (st == CANDOR_OK) st = drop_partition(h, &p, err);
        if (st == CANDOR_OK) r->more = true;
    } else if (st == CANDOR_OK && atomic_load(&h->cluster->old)) {
        st = drop_old(h, err);
    }
    candor_buf_free(&list);
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
