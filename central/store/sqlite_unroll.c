/* Roll-ups, the other way: what an event added when it came is taken off when it is erased. Counts
 * and charts come out exactly. An approval is taken off the model that its turn names, or that the
 * session used last, which is where it was counted unless the turn came from another session. */
#include <stdlib.h>

#include "central/approval.h"
#include "central/chart.h"
#include "central/store/sqlite_internal.h"

#define UNROLL_SQL(X)                                                                              \
    X(turn, "INSERT INTO temp.erased_turn(corr,model) VALUES(?1,?2) ON CONFLICT DO NOTHING")       \
    X(turn_find, "SELECT model FROM temp.erased_turn WHERE corr=?1")                               \
    X(waiting, "SELECT model FROM pending WHERE corr=?1 AND event_id=?2")                          \
    X(waiting_drop, "DELETE FROM pending WHERE corr=?1 AND event_id=?2")                           \
    X(version, "SELECT version FROM session WHERE id=?1")                                          \
    X(word, "SELECT id FROM dict WHERE kind=?1 AND text=?2")

struct candor_unroll {
    candor_writer *w;
    struct {
        UNROLL_SQL(CANDOR_WRITER_STMT)
    } q;
    candor_chart_cut *cuts;
    size_t n_cuts, cap_cuts;
};

candor_status candor_unroll_new(candor_writer *w, candor_unroll **out, candor_err *err)
{
    candor_unroll *u = calloc(1, sizeof *u);
    candor_status st;
    *out = NULL;
    if (u == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "erase", NULL);
    u->w = w;
    st = candor_db_exec(w->db,
                        "DROP TABLE IF EXISTS temp.erased_turn;"
                        "CREATE TEMP TABLE erased_turn(corr PRIMARY KEY, model INTEGER) "
                        "WITHOUT ROWID",
                        err);
#define PREPARE(name, sql)                                                                         \
    if (st == CANDOR_OK) st = candor_db_prepare(w->db, sql, &u->q.name, err);
    UNROLL_SQL(PREPARE)
    if (st != CANDOR_OK)
        candor_unroll_free(u);
    else
        *out = u;
    return st;
}

void candor_unroll_free(candor_unroll *u)
{
    if (u == NULL) return;
#define FINALIZE(name, sql) sqlite3_finalize(u->q.name);
    UNROLL_SQL(FINALIZE)
    sqlite3_exec(u->w->db, "DROP TABLE IF EXISTS temp.erased_turn", NULL, NULL, NULL);
    free(u->cuts);
    free(u);
}

static const candor_event_def *def_of(const candor_writer *w, int64_t type)
{
    unsigned i, n = candor_schema_count(w->schema);
    for (i = 0; i < n; i++)
        if (w->type_no[i] == type) return candor_schema_at(w->schema, i);
    return NULL; /* of an older schema: it had its counts, and what the charts had of it stays */
}

/* --- charts --------------------------------------------------------------------------------- */

static candor_status cut_chart(candor_unroll *u, const candor_gone *g, const candor_event_def *def,
                               int64_t day, candor_err *err)
{
    char storage[CANDOR_CHART_TEXT];
    candor_chart_cut cut = {g->type, day, g->app, 0, CANDOR_NO_BUCKET};
    candor_bytes name = candor_chart_read(def, g->payload, storage, &cut.bucket);
    candor_status st = candor_charts_dim(u->w, g->type, name, &cut.dim, err);
    if (st != CANDOR_OK) return st;
    if (u->n_cuts == u->cap_cuts) {
        size_t cap = u->cap_cuts != 0 ? u->cap_cuts * 2 : 256;
        candor_chart_cut *p = realloc(u->cuts, cap * sizeof *p);
        if (p == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "erase", NULL);
        u->cuts = p;
        u->cap_cuts = cap;
    }
    u->cuts[u->n_cuts++] = cut;
    return CANDOR_OK;
}

/* --- approvals ------------------------------------------------------------------------------ */

/* -1: no row. */
static candor_status one_number(candor_unroll *u, sqlite3_stmt *s, int64_t *out, candor_err *err)
{
    int rc = sqlite3_step(s);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_reset(s);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? CANDOR_OK
                                                 : candor_db_fail(u->w->db, "erase", err);
}

static void bind_corr(sqlite3_stmt *s, const candor_gone *g)
{
    if (g->corr_is_blob)
        sqlite3_bind_blob(s, 1, g->corr.p, (int)g->corr.n, SQLITE_STATIC);
    else
        candor_db_bind_text(s, 1, g->corr);
}

static candor_status find_word(candor_unroll *u, int64_t kind, const candor_gone *g,
                               const candor_field *f, int64_t *out, candor_err *err)
{
    sqlite3_bind_int64(u->q.word, 1, kind);
    candor_db_bind_text(u->q.word, 2, candor_approval_word(g->payload, f));
    return one_number(u, u->q.word, out, err);
}

static candor_status keep_turn(candor_unroll *u, const candor_gone *g, candor_err *err)
{
    int64_t model;
    candor_status st = find_word(u, CANDOR_DICT_MODEL, g, u->w->turn_model, &model, err);
    if (st != CANDOR_OK || model < 0 || g->corr.n == 0) return st;
    bind_corr(u->q.turn, g);
    sqlite3_bind_int64(u->q.turn, 2, model);
    return candor_db_run(u->q.turn, "erase", err);
}

/* A decision that still waits for its turn says itself what it was counted for. */
static candor_status waiting_model(candor_unroll *u, const candor_gone *g, int64_t *model,
                                   candor_err *err)
{
    candor_status st;
    bind_corr(u->q.waiting, g);
    sqlite3_bind_blob(u->q.waiting, 2, g->id, sizeof g->id, SQLITE_STATIC);
    st = one_number(u, u->q.waiting, model, err);
    if (st != CANDOR_OK || *model < 0) return st;
    bind_corr(u->q.waiting_drop, g);
    sqlite3_bind_blob(u->q.waiting_drop, 2, g->id, sizeof g->id, SQLITE_STATIC);
    u->w->n_pending = -1;
    return candor_db_run(u->q.waiting_drop, "erase", err);
}

static candor_status find_model(candor_unroll *u, const candor_gone *g, int64_t *model,
                                candor_err *err)
{
    candor_status st = CANDOR_OK;
    *model = -1;
    if (g->corr.n != 0) st = waiting_model(u, g, model, err);
    if (st == CANDOR_OK && *model < 0 && g->corr.n != 0) {
        bind_corr(u->q.turn_find, g);
        st = one_number(u, u->q.turn_find, model, err);
    }
    if (st == CANDOR_OK && *model < 0) {
        sqlite3_bind_int64(u->w->q.last_turn_find, 1, g->session);
        st = one_number(u, u->w->q.last_turn_find, model, err);
    }
    return st == CANDOR_OK && *model < 0 ? find_word(u, CANDOR_DICT_MODEL, g, NULL, model, err)
                                         : st;
}

static candor_status take_decision(candor_unroll *u, const candor_gone *g, int64_t day,
                                   candor_err *err)
{
    candor_writer *w = u->w;
    int64_t model, decision;
    candor_status st = find_model(u, g, &model, err);
    if (st == CANDOR_OK)
        st = find_word(u, CANDOR_DICT_DECISION, g, w->decision_field, &decision, err);
    if (st != CANDOR_OK || model < 0 || decision < 0) return st;
    return candor_rollup_add(w, CANDOR_COUNT_APPROVAL, day, g->app, model, decision, -1, err);
}

/* --- versions ------------------------------------------------------------------------------- */

static candor_status cut_version(candor_unroll *u, const candor_gone *g,
                                 const candor_event_def *def, int64_t day, candor_err *err)
{
    int64_t version;
    candor_status st;
    sqlite3_bind_int64(u->q.version, 1, g->session);
    st = one_number(u, u->q.version, &version, err);
    if (st != CANDOR_OK || version < 0) return st;
    return candor_version_row(u->w, def, day, g->app, version, -1, err);
}

/* --- rows ----------------------------------------------------------------------------------- */

candor_status candor_unroll_row(candor_unroll *u, const candor_gone *g, candor_err *err)
{
    candor_writer *w = u->w;
    const candor_event_def *def = def_of(w, g->type);
    int64_t ms = (int64_t)candor_uuid7_ms(g->id), day = ms / CANDOR_DAY_MS;
    candor_status st =
        candor_rollup_add(w, CANDOR_COUNT_HOUR, g->type, g->app, ms / CANDOR_HOUR_MS, 0, -1, err);
    if (st == CANDOR_OK) st = cut_version(u, g, def, day, err);
    if (st != CANDOR_OK || def == NULL) return st;
    st = candor_error_row(w, def, g->payload, day, g->app, -1, err);
    if (st != CANDOR_OK) return st;
    if (candor_chart_has(def)) st = cut_chart(u, g, def, day, err);
    if (st == CANDOR_OK && def == w->turn_def) st = keep_turn(u, g, err);
    if (st == CANDOR_OK && def == w->decision_def) st = take_decision(u, g, day, err);
    return st;
}

candor_status candor_unroll_flush(candor_unroll *u, candor_err *err)
{
    candor_status st = candor_charts_cut(u->w, u->cuts, u->n_cuts, err);
    u->n_cuts = 0;
    return st == CANDOR_OK ? candor_rollup_fold(u->w, err) : st;
}
