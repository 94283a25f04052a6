/* What the files of the SQLite sink share. Layer: central. Threads: a candor_writer belongs to the
 * writer thread, a candor_reader to its query thread. */
#ifndef CANDOR_CENTRAL_SQLITE_INTERNAL_H
#define CANDOR_CENTRAL_SQLITE_INTERNAL_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "base/uuid.h"
#include "central/log.h"
#include "central/metrics.h"
#include "central/retention.h"
#include "central/store/db_key.h"
#include "central/store/histogram.h"
#include "central/store/sqlite_delta.h"
#include "central/store/store.h"

#define CANDOR_EVENTS_FORMAT 2 /* of events.db and attachments.db, in their table meta */
#define CANDOR_TEXTS_FORMAT  2

#define CANDOR_DAY_MS  86400000
#define CANDOR_HOUR_MS 3600000

#define CANDOR_ERROR_TYPE 1 /* sqlite_db.c fixes this one */

/* --- sqlite_db.c ------------------------------------------------------------------------------ */
/* key may be NULL. */
CANDOR_CHECK candor_status candor_db_open(const char *path, const candor_db_key *key, bool writable,
                                          uint64_t cache_kib, sqlite3 **out, candor_err *err);
CANDOR_CHECK candor_status candor_db_create_schema(sqlite3 *db, candor_err *err); /* of events.db */
/* Run sql, which begins and ends a transaction and makes table meta, and check meta's format. */
CANDOR_CHECK candor_status candor_db_create(sqlite3 *db, const char *sql, int format,
                                            candor_err *err);
CANDOR_CHECK candor_status candor_db_exec(sqlite3 *db, const char *sql, candor_err *err);
CANDOR_CHECK candor_status candor_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out,
                                             candor_err *err);
candor_status candor_db_fail(sqlite3 *db, const char *op, candor_err *err);
/* Step a statement that returns no row, and reset it. */
CANDOR_CHECK candor_status candor_db_run(sqlite3_stmt *s, const char *op, candor_err *err);
void candor_db_bind_text(sqlite3_stmt *s, int at, candor_bytes text); /* borrowed until reset */
candor_bytes candor_db_column(sqlite3_stmt *s, int at);               /* text or blob */

/* --- sqlite_cache.c: what the writer need not look up again -------------------------------------
 */
typedef struct candor_cache_entry {
    uint32_t hash, at, n; /* n == 0: free */
    int64_t value, extra;
} candor_cache_entry;
typedef struct candor_cache {
    candor_cache_entry *entries;
    size_t cap, used; /* cap: power of two */
    candor_buf keys;
} candor_cache;
CANDOR_CHECK candor_status candor_cache_init(candor_cache *c, size_t cap);
void candor_cache_deinit(candor_cache *c);
void candor_cache_clear(candor_cache *c);
/* kind separates name spaces. NULL: not cached. The pointer lives until the next put or clear. */
candor_cache_entry *candor_cache_get(candor_cache *c, int64_t kind, candor_bytes key);
/* Forgets everything first when it is full; a failure only costs a later lookup. */
void candor_cache_put(candor_cache *c, int64_t kind, candor_bytes key, int64_t value,
                      int64_t extra);

/* --- dictionary kinds; on disk, so never renumber ------------------------------------------------
 */
enum {
    CANDOR_DICT_APP = 1,
    CANDOR_DICT_VERSION = 2,
    CANDOR_DICT_PLATFORM = 3,
    CANDOR_DICT_MODEL = 4,
    CANDOR_DICT_DECISION = 5,
    CANDOR_DICT_ERROR = 6, /* groups of errors */
    CANDOR_DICT_DIM = 1000 /* + type: the dimensions of that type's chart */
};
enum {
    CANDOR_CACHE_SESSION = -1,
    CANDOR_CACHE_USER_DAY = -2,
    CANDOR_CACHE_SESSION_MODEL = -3,
    CANDOR_CACHE_DICT_SIZE = -4
};

/* --- roll-ups, summed in memory for one transaction
 * ----------------------------------------------- */
enum { CANDOR_SUMS = 8192 };
enum { CANDOR_FOLD_DAYS = 16 };

/* What is known about table r_delta, and the fold under way. */
typedef struct candor_fold {
    int64_t rows, bytes;            /* in r_delta; rows < 0: unknown */
    bool due;                       /* something went past r_delta into the tables */
    int64_t gen;                    /* of this fold; 0: not drawn yet */
    int64_t days[CANDOR_FOLD_DAYS]; /* stamped with gen */
    size_t n_days;
    candor_buf sums, cells, row;
} candor_fold;

#define CANDOR_EV_INSERT "INSERT INTO ev(event_id,type,app,session,dt,corr,payload) VALUES"
#define CANDOR_EV_ROW    "(?,?,?,?,?,?,?)"
#define CANDOR_EV_4_ROWS CANDOR_EV_ROW "," CANDOR_EV_ROW "," CANDOR_EV_ROW "," CANDOR_EV_ROW
#define CANDOR_EV_16_ROWS                                                                          \
    CANDOR_EV_4_ROWS "," CANDOR_EV_4_ROWS "," CANDOR_EV_4_ROWS "," CANDOR_EV_4_ROWS

#define CANDOR_WRITER_SQL(X)                                                                       \
    X(begin, "BEGIN IMMEDIATE")                                                                    \
    X(commit, "COMMIT")                                                                            \
    X(rollback, "ROLLBACK")                                                                        \
    X(event, CANDOR_EV_INSERT CANDOR_EV_ROW " ON CONFLICT DO NOTHING")                             \
    X(events, CANDOR_EV_INSERT CANDOR_EV_16_ROWS " ON CONFLICT DO NOTHING")                        \
    X(event_place, "SELECT rowid FROM ev WHERE event_id=?1")                                       \
    X(batch, "INSERT INTO batch(id,digest,received,skew,events) VALUES(?1,?2,?3,?4,?5) "           \
             "ON CONFLICT DO NOTHING")                                                             \
    X(batch_digest, "SELECT digest FROM batch WHERE id=?1")                                        \
    X(type, "INSERT INTO type(name,category) VALUES(?1,?2) "                                       \
            "ON CONFLICT(name) DO UPDATE SET category=excluded.category")                          \
    X(type_find, "SELECT id FROM type WHERE name=?1")                                              \
    X(dict_find, "SELECT id FROM dict WHERE kind=?1 AND text=?2")                                  \
    X(dict_count, "SELECT count(*) FROM (SELECT 1 FROM dict WHERE kind=?1 LIMIT ?2)")              \
    X(dict, "INSERT INTO dict(kind,text) VALUES(?1,?2)")                                           \
    X(session_find, "SELECT id,last_day FROM session WHERE key=?1")                                \
    X(session, "INSERT INTO session(key,session_id,user_id,machine_id,app,version,platform,"       \
               "last_day) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)")                                        \
    X(session_day, "UPDATE session SET last_day=?2 WHERE id=?1 AND last_day<?2")                   \
    X(user_day, "INSERT INTO r_user(day,app,user) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING")        \
    X(sum_hour, "INSERT INTO r_hour(type,app,hour,n) VALUES(?1,?2,?3,?5) "                         \
                "ON CONFLICT DO UPDATE SET n=n+excluded.n")                                        \
    X(sum_day, "INSERT INTO r_day(day,type,app,n) VALUES(?1,?2,?3,?5) "                            \
               "ON CONFLICT DO UPDATE SET n=n+excluded.n")                                         \
    X(sum_users, "INSERT INTO r_users(day,app,n) VALUES(?1,?2,?5) "                                \
                 "ON CONFLICT DO UPDATE SET n=n+excluded.n")                                       \
    X(sum_approval, "INSERT INTO r_approval(day,app,model,decision,n) VALUES(?1,?2,?3,?4,?5) "     \
                    "ON CONFLICT DO UPDATE SET n=n+excluded.n")                                    \
    X(sum_version, "INSERT INTO r_version(day,app,version,what,n) VALUES(?1,?2,?3,?4,?5) "         \
                   "ON CONFLICT DO UPDATE SET n=n+excluded.n")                                     \
    X(sum_error, "INSERT INTO r_error(day,app,grp,n) VALUES(?1,?2,?3,?5) "                         \
                 "ON CONFLICT DO UPDATE SET n=n+excluded.n")                                       \
    X(delta, "INSERT INTO r_delta(body) VALUES(?1)")                                               \
    X(delta_size, "SELECT count(*),coalesce(sum(length(body)),0) FROM r_delta")                    \
    X(delta_all, "SELECT body FROM r_delta")                                                       \
    X(delta_drop, "DELETE FROM r_delta")                                                           \
    X(gen_next, "SELECT coalesce(max(gen),0)+1 FROM r_gen")                                        \
    X(gen, "INSERT INTO r_gen(day,gen) VALUES(?1,?2) ON CONFLICT DO UPDATE SET gen=excluded.gen")  \
    X(chart_drop, "DELETE FROM r_chart WHERE type=?1 AND day=?2 AND app=?3")                       \
    X(chart_find, "SELECT groups FROM r_chart WHERE type=?1 AND day=?2 AND app=?3")                \
    X(chart, "INSERT INTO r_chart(type,day,app,groups) VALUES(?1,?2,?3,?4) "                       \
             "ON CONFLICT DO UPDATE SET groups=excluded.groups")                                   \
    X(life, "INSERT INTO life(session,event_id) VALUES(?1,?2) ON CONFLICT DO NOTHING")             \
    X(last_turn, "INSERT INTO last_turn(session,model) VALUES(?1,?2) "                             \
                 "ON CONFLICT DO UPDATE SET model=excluded.model")                                 \
    X(last_turn_find, "SELECT model FROM last_turn WHERE session=?1")                              \
    X(pending, "INSERT INTO pending(corr,event_id,day,app,model,decision) "                        \
               "VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT DO NOTHING")                                 \
    X(pending_find, "SELECT day,app,model,decision FROM pending WHERE corr=?1")                    \
    X(pending_drop, "DELETE FROM pending WHERE corr=?1")                                           \
    X(pending_count, "SELECT count(*) FROM pending")                                               \
    X(recent_turns,                                                                                \
      "SELECT corr,payload FROM ev WHERE event_id>=?1 AND type=?2 AND corr NOT NULL")              \
    X(newest, "SELECT event_id FROM ev ORDER BY event_id DESC LIMIT 1 OFFSET ?1")
#define CANDOR_WRITER_STMT(name, sql) sqlite3_stmt *name;

typedef struct candor_turn {
    unsigned char key[16]; /* fingerprint of the correlation id; zero: free */
    int64_t model;
} candor_turn;

typedef struct candor_row_ref {
    uint64_t order; /* first eight bytes of the id */
    uint32_t batch, row;
} candor_row_ref;

typedef struct candor_writer {
    sqlite3 *db;
    struct {
        CANDOR_WRITER_SQL(CANDOR_WRITER_STMT)
    } q;
    const candor_schema *schema;
    int64_t *type_no; /* by index in the schema */
    candor_cache cache;
    candor_sum *sums;
    uint16_t sum_at[CANDOR_SUMS]; /* where the used ones are */
    size_t n_sums;
    candor_fold fold;
    struct candor_charts *charts;
    candor_turn *turns; /* the latest turns' models by correlation id */
    bool turns_warm;
    const candor_event_def *turn_def, *decision_def, *start_def, *end_def;
    const candor_field *turn_model, *decision_field;
    int64_t n_pending; /* rows of table pending; -1: unknown */
    candor_row_ref *refs;
    size_t cap_refs;
    int64_t retention_days, purged_day; /* purged_day: cutoff day already cleared */
    candor_deleted *deleted;            /* by retention; may be NULL */
    const atomic_bool *space_low;       /* may be NULL */
    candor_metrics *metrics;
} candor_writer;

/* sqlite_writer.c */
CANDOR_CHECK candor_status candor_writer_open(candor_writer *w, const candor_sqlite_settings *s,
                                              candor_err *err);
void candor_writer_close(candor_writer *w);
/* One transaction for n batches; sets inserted, duplicate and duplicate_batch. On failure nothing
 * is stored. */
CANDOR_CHECK candor_status candor_writer_group(candor_writer *w, candor_batch *const *batches,
                                               size_t n, candor_err *err);

/* sqlite_event.c: insert the rows that refs name, in their order, and count them in the roll-ups;
 * sets inserted and duplicate. */
CANDOR_CHECK candor_status candor_events_write(candor_writer *w, candor_batch *const *batches,
                                               const candor_row_ref *refs, size_t n,
                                               candor_err *err);

/* sqlite_dict.c */
CANDOR_CHECK candor_status candor_dict_id(candor_writer *w, int64_t kind, candor_bytes text,
                                          unsigned cap, int64_t *out, candor_err *err);
/* Forget apps, versions and platforms that no session names any more, of dictionaries that are half
 * full: then, their place is worth a look at every session. The caller clears the cache. */
CANDOR_CHECK candor_status candor_dict_purge(candor_writer *w, candor_err *err);
CANDOR_CHECK candor_status candor_session_resolve(candor_writer *w, const candor_batch *b,
                                                  candor_row_context *c, candor_err *err);
CANDOR_CHECK candor_status candor_session_touch(candor_writer *w, const candor_row_context *c,
                                                candor_err *err);

/* sqlite_rollup.c */
CANDOR_CHECK candor_status candor_rollup_row(candor_writer *w, const candor_batch *b,
                                             const candor_row *r, candor_row_context *c,
                                             candor_err *err);
CANDOR_CHECK candor_status candor_rollup_add(candor_writer *w, candor_counter_kind kind, int64_t k0,
                                             int64_t k1, int64_t k2, int64_t k3, int64_t n,
                                             candor_err *err);
/* End of a transaction: what it added goes to r_delta, or with all of r_delta into the tables. */
CANDOR_CHECK candor_status candor_rollup_flush(candor_writer *w, candor_err *err);
/* Empties r_delta into the tables, within the caller's transaction. */
CANDOR_CHECK candor_status candor_rollup_fold(candor_writer *w, candor_err *err);
void candor_rollup_drop(candor_writer *w); /* after a rollback */
void candor_rollup_deinit(candor_writer *w);

/* sqlite_chart.c: the part of the roll-ups with histograms */
CANDOR_CHECK candor_status candor_charts_new(struct candor_charts **out);
void candor_charts_free(struct candor_charts *c); /* accepts NULL */
CANDOR_CHECK candor_status candor_charts_row(candor_writer *w, const candor_batch *b,
                                             const candor_row *r, int64_t app, int64_t day,
                                             candor_err *err);
CANDOR_CHECK candor_status candor_charts_add(candor_writer *w, const candor_chart_cell *x,
                                             candor_err *err);
void candor_charts_put(candor_writer *w, candor_buf *out); /* as cells of sqlite_delta.h */
CANDOR_CHECK candor_status candor_charts_flush(candor_writer *w, candor_err *err); /* to r_chart */
void candor_charts_drop(candor_writer *w);
/* An event of one chart that goes again. */
typedef struct candor_chart_cut {
    int64_t type, day, app, dim;
    uint32_t bucket; /* CANDOR_NO_BUCKET: it had no value */
} candor_chart_cut;
/* Out of r_chart, which must have everything. Sorts cuts. */
CANDOR_CHECK candor_status candor_charts_cut(candor_writer *w, candor_chart_cut *cuts, size_t n,
                                             candor_err *err);
/* The number of a value of that type's chart. */
CANDOR_CHECK candor_status candor_charts_dim(candor_writer *w, int64_t type, candor_bytes text,
                                             int64_t *out, candor_err *err);
/* Take the next group off a row of r_chart; false at its end or when it is damaged. */
bool candor_chart_group(candor_bytes *groups, int64_t *dim, int64_t *n, candor_bytes *hist);
void candor_chart_put_group(candor_buf *out, int64_t dim, int64_t n, candor_bytes hist);

/* sqlite_version.c: counts by version and by group of errors; n: 1, or -1 for an event that goes.
 */
CANDOR_CHECK candor_status candor_version_row(candor_writer *w, const candor_event_def *def,
                                              int64_t day, int64_t app, int64_t version, int64_t n,
                                              candor_err *err);
CANDOR_CHECK candor_status candor_error_row(candor_writer *w, const candor_event_def *def,
                                            candor_bytes payload, int64_t day, int64_t app,
                                            int64_t n, candor_err *err);

/* sqlite_approval.c */
CANDOR_CHECK candor_status candor_approval_row(candor_writer *w, const candor_batch *b,
                                               const candor_row *r, const candor_row_context *c,
                                               int64_t day, candor_err *err);
/* Read the turns of the newest events back into memory: after the start, and after a rollback. */
CANDOR_CHECK candor_status candor_approval_warm(candor_writer *w, candor_err *err);
/* Correlation ids that are UUIDs are stored as 16 bytes. Binds at `at`; scratch must outlive the
 * step. */
void candor_bind_correlation(sqlite3_stmt *s, int at, candor_bytes text, unsigned char scratch[16]);

/* sqlite_purge.c: one small step of retention; *more says that another is due at once. */
/* The lowest id of that day, UTC. */
void candor_day_floor(int64_t day, unsigned char id[16]);
CANDOR_CHECK candor_status candor_purge_step(candor_writer *w, int64_t now_ms, bool *more,
                                             candor_err *err);
/* Events of some categories go; the roll-ups keep what they counted. */
#define CANDOR_SWEEP_MS 600000
CANDOR_CHECK candor_status candor_purge_sweep(candor_writer *w, const candor_sweep *sweep,
                                              candor_err *err);

/* sqlite_session.c: fills table life of a database that was made without it; once the types are
 * numbered. */
CANDOR_CHECK candor_status candor_life_fill(sqlite3 *db, candor_err *err);

/* sqlite_erase.c: an erasure under way; step after step until *more is false. */
typedef struct candor_eraser candor_eraser;
CANDOR_CHECK candor_status candor_eraser_open(candor_writer *w, candor_erasure *e,
                                              candor_eraser **out, candor_err *err);
CANDOR_CHECK candor_status candor_eraser_step(candor_eraser *x, bool *more, candor_err *err);
void candor_eraser_close(candor_eraser *x); /* accepts NULL */

/* sqlite_unroll.c: takes events that go out of the roll-ups again. Everything of r_delta must be
 * folded before, and is after; within the caller's transaction. */
typedef struct candor_gone {
    unsigned char id[16];
    int64_t type, app, session;
    candor_bytes corr, payload; /* corr: as in ev; both live as long as the call */
    bool corr_is_blob;
} candor_gone;
typedef struct candor_unroll candor_unroll;
CANDOR_CHECK candor_status candor_unroll_new(candor_writer *w, candor_unroll **out,
                                             candor_err *err);
void candor_unroll_free(candor_unroll *u); /* accepts NULL */
CANDOR_CHECK candor_status candor_unroll_row(candor_unroll *u, const candor_gone *g,
                                             candor_err *err);
CANDOR_CHECK candor_status candor_unroll_flush(candor_unroll *u, candor_err *err);

/* sqlite_care.c */
/* A tiny transaction: can the database be written? */
CANDOR_CHECK candor_status candor_writer_probe(candor_writer *w, candor_err *err);
/* Give some free pages of db back to the file system; *more says that another step is due.
 * *space_low: all of them; space_low may be NULL. */
CANDOR_CHECK candor_status candor_space_step(sqlite3 *db, const atomic_bool *space_low, bool *more,
                                             candor_err *err);

/* sqlite_query.c */
CANDOR_CHECK candor_status candor_reader_open(const char *path, const candor_db_key *key,
                                              candor_reader **out, candor_err *err);
void candor_reader_close(candor_reader *r);
/* From now on r has ms for its statements: what takes longer, or goes on once *stop is true, ends
 * with CANDOR_TIMEOUT. */
void candor_reader_allow(candor_reader *r, uint64_t ms, const atomic_bool *stop);
candor_status candor_reader_events(candor_reader *r, const candor_event_filter *f,
                                   bool (*visit)(void *ctx, const candor_stored_event *e),
                                   void *ctx, candor_event_page *out, candor_err *err);
candor_status candor_reader_sessions(candor_reader *r, const candor_session_filter *f,
                                     bool (*visit)(void *ctx, const candor_stored_session *s),
                                     void *ctx, candor_session_page *out, candor_err *err);
candor_status candor_reader_stats(candor_reader *r, candor_stat what,
                                  const candor_stat_range *range,
                                  bool (*visit)(void *ctx, const candor_stat_row *row), void *ctx,
                                  candor_err *err);

#endif
