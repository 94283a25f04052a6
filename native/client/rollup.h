/* Roll-ups: events that the schema counts by local day instead of sending them. In: records of a
 * segment. Out: counts in state.db, and, once their day is over, events of another type in an
 * ordinary batch. Layer: client. Threads: the worker. For people: docs/rollups.md.
 *
 * A segment has a second offset in state.db, `rolled`: how far its records are counted. Drain
 * counts first, in one transaction with `rolled`, then writes the batch of what is not counted:
 * after a crash between the two, the records below `rolled` are passed over. A day's rows become
 * events in three steps: frozen with ids (one transaction), batch file written, rows deleted and
 * the batch's row inserted (one transaction). After a crash the same ids are written again. */
#ifndef CANDOR_CLIENT_ROLLUP_H
#define CANDOR_CLIENT_ROLLUP_H

#include "client/state.h"

/* How long the local date must have been past a day before that day is sent: a clock that is wrong
 * for a moment must not send half a day. Monotonic, over all processes of a directory. */
#define CANDOR_ROLLUP_HOLD_NS 600000000000ull

/* Of the rows, those that only CANDOR_ROLLUP_OTHER rows may take. */
#define CANDOR_ROLLUP_ROWS_SPARE 64

/* Clocks and time zone; tests bring their own. */
typedef struct candor_rollup_clock {
    int64_t (*unix_ms)(void *ctx);
    uint64_t (*mono_ns)(void *ctx);
    int32_t (*offset_s)(void *ctx, int64_t unix_ms); /* local time ahead of UTC */
    void *ctx;
} candor_rollup_clock;

/* --- counting: what one look at a segment found --------------------------------------------- */

typedef struct candor_rollup_entry {
    const candor_rollup *rollup;
    const candor_event_def *target;
    int64_t day; /* local days since 1970-01-01 */
    uint32_t hash;
    size_t key_at, key_n; /* in keys: "field":value, without braces */
    uint64_t n, errors;
} candor_rollup_entry;

typedef struct candor_rollup_tally {
    const candor_schema *schema; /* borrowed; NULL: nothing is rolled up */
    const candor_rollup_clock *clock;
    uint64_t from; /* offset in the segment: records before it are counted already */
    uint64_t events, counted_before;
    candor_rollup_entry *entries;
    size_t n_entries, cap_entries;
    candor_hour_count *hours; /* by hour and type of the events counted */
    size_t n_hours, cap_hours;
    candor_buf keys;
    int64_t offset_quarter; /* the quarter of an hour that offset_s holds for */
    int32_t offset_s;
} candor_rollup_tally;

static inline candor_bytes candor_rollup_key_of(const candor_rollup_tally *t,
                                                const candor_rollup_entry *e)
{
    return e->key_n != 0 ? candor_bytes_of(t->keys.p + e->key_at, e->key_n) : CANDOR_LIT("");
}
void candor_rollup_tally_clear(candor_rollup_tally *t, uint64_t from);
void candor_rollup_tally_free(candor_rollup_tally *t);
/* Whether events of this type are rolled up. */
const candor_event_def *candor_rollup_source(const candor_rollup_tally *t, candor_bytes type);
/* Count a record of that type that stands at offset `at`. CANDOR_FULL: the tally holds no more, the
 * record belongs into the next look. */
CANDOR_CHECK candor_status candor_rollup_count(candor_rollup_tally *t, const candor_event_def *e,
                                               uint64_t at, const candor_record *r);

/* --- state.db (rollup_state.c) ---------------------------------------------------------------- */

/* rollup         counts that wait for the end of their day
 * rollup_out     frozen ones on their way into a batch
 * rollup_segments  how far a segment's records are counted */
#define CANDOR_ROLLUP_SQL                                                                          \
    "CREATE TABLE IF NOT EXISTS rollup(day INTEGER, target TEXT, key TEXT, n INTEGER NOT NULL,"    \
    " errors INTEGER, PRIMARY KEY(day, target, key)) WITHOUT ROWID;"                               \
    "CREATE TABLE IF NOT EXISTS rollup_out(batch TEXT, event BLOB, created_ms INTEGER NOT NULL,"   \
    " day INTEGER NOT NULL, target TEXT NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL,"          \
    " errors INTEGER, PRIMARY KEY(batch, event)) WITHOUT ROWID;"                                   \
    "CREATE TABLE IF NOT EXISTS rollup_segments(id BLOB PRIMARY KEY, rolled INTEGER NOT NULL)"     \
    " WITHOUT ROWID;"

typedef struct candor_rollup_totals {
    uint64_t rows, events; /* that wait, frozen ones included; the events they stand for */
    uint64_t frozen;       /* rows on their way into a batch */
    int64_t oldest_day;    /* of the rows that are not frozen; INT64_MAX: none */
} candor_rollup_totals;

typedef struct candor_rollup_row {
    unsigned char event[16];
    int64_t created_ms, day;
    candor_bytes target, key; /* borrowed until visit returns */
    uint64_t n, errors;
    bool has_errors;
} candor_rollup_row;

uint64_t candor_rollup_rolled(candor_state *s, const unsigned char segment[16]);
/* Inside begin..end: the tally's counts, and that the segment is counted up to `to`. */
CANDOR_CHECK candor_status candor_rollup_add(candor_state *s, const candor_rollup_tally *t,
                                             const unsigned char segment[16], uint64_t to,
                                             candor_err *err);
void candor_rollup_forget_segment(candor_state *s, const unsigned char segment[16]);
CANDOR_CHECK candor_status candor_rollup_total(candor_state *s, candor_rollup_totals *out,
                                               candor_err *err);
/* One transaction: freeze up to CANDOR_BATCH_EVENTS_MAX rows of days before `before`, with their
 * ids, for one batch. CANDOR_NOTFOUND: there are none. */
CANDOR_CHECK candor_status candor_rollup_freeze(candor_state *s, int64_t before, int64_t now_ms,
                                                candor_err *err);
/* The id of a batch that is frozen and not settled. CANDOR_NOTFOUND. */
CANDOR_CHECK candor_status candor_rollup_frozen(candor_state *s, char batch[CANDOR_UUID_TEXT + 1],
                                                candor_err *err);
CANDOR_CHECK candor_status candor_rollup_each(candor_state *s, const char *batch,
                                              candor_status (*visit)(void *ctx,
                                                                     const candor_rollup_row *row),
                                              void *ctx, candor_err *err);
/* Inside begin..end: the batch's row is there, its frozen rows go. *settled: there were some. */
CANDOR_CHECK candor_status candor_rollup_settle(candor_state *s, const char *batch, bool *settled,
                                                candor_err *err);
/* Inside begin..end: delete all, as purged; *events is what they stood for. */
CANDOR_CHECK candor_status candor_rollup_purge(candor_state *s, uint64_t *events, candor_err *err);

/* --- sending (rollup_send.c) ------------------------------------------------------------------ */

struct candor_store;

typedef struct candor_rollups {
    candor_rollup_clock clock;
    candor_rollup_tally tally;   /* scratch of a look at a segment */
    const candor_schema *schema; /* NULL: nothing is counted or sent */
    candor_bytes context_json;   /* of the events to be written; borrowed */
    uint64_t hold_ns;            /* CANDOR_ROLLUP_HOLD_NS; tests shorten it */
    candor_rollup_totals totals; /* as of the last look */
    int64_t held_day;            /* the local date as it has looked since held_since_ns */
    int64_t held_since_ns;       /* monotonic */
    bool held;
    uint64_t retry_ns; /* after a failure: monotonic; 0: none */
    int64_t failures;  /* in a row */
} candor_rollups;

void candor_rollups_init(candor_rollups *r);
/* From now on events of the schema are rolled up. Both are borrowed for the store's life. */
void candor_rollups_attach(struct candor_store *s, const candor_schema *schema,
                           candor_bytes context_json);
void candor_rollups_deinit(candor_rollups *r);
/* Look at the rows again, for status and the next wake-up. */
void candor_rollups_look(struct candor_store *s);
/* Milliseconds until candor_rollups_turn has something to do; -1: never. */
int64_t candor_rollups_wait_ms(const struct candor_store *s);
/* The same as unix ms for people: when the oldest day is sent; INT64_MAX: never. */
int64_t candor_rollups_due_ms(const struct candor_store *s);
/* Send the days that are over. True: something changed. */
bool candor_rollups_turn(struct candor_store *s);
/* state.db was lost: count what was known of its rows. */
void candor_rollups_lost(struct candor_store *s);

#endif
