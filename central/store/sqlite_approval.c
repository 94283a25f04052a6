/* Approvals by model. A ProposalDecision names no model: it counts for the model of the ChatTurn
 * with the same correlation id, whichever arrives first; until that turn is known, and when there
 * is none, for the model its session used last; failing both, for "(unknown)". A decision counted
 * without its turn is kept in `pending` and moves to the right model when the turn arrives. The
 * latest turns are kept in memory, and read back from the newest events at start: a table of them,
 * keyed by random ids, made half of all page writes. A decision whose turn lies further back than
 * that counts for its session's last model. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/approval.h"
#include "central/store/sqlite_internal.h"

#define MODELS_MAX    1000u
#define DECISIONS_MAX 16u
#define TURNS         65536u /* power of two */
#define WAYS          4u
#define WARM_EVENTS   100000 /* read back at start: about 0.1 s */

void candor_bind_correlation(sqlite3_stmt *s, int at, candor_bytes text, unsigned char scratch[16])
{
    char again[CANDOR_UUID_TEXT];
    if (text.n == CANDOR_UUID_TEXT && candor_uuid_parse(text, scratch)) {
        candor_uuid_format(scratch, again);
        if (memcmp(again, text.p, sizeof again) ==
            0) { /* upper case would not come back as it was */
            sqlite3_bind_blob(s, at, scratch, 16, SQLITE_STATIC);
            return;
        }
    }
    if (text.n == 0)
        sqlite3_bind_null(s, at);
    else
        candor_db_bind_text(s, at, text);
}

static candor_status field_id(candor_writer *w, const candor_batch *b, const candor_row *r,
                              const candor_field *f, int64_t kind, unsigned cap, int64_t *out,
                              candor_err *err)
{
    candor_bytes text = candor_approval_word(candor_batch_text(b, r->payload), f);
    return candor_dict_id(w, kind, text, cap, out, err);
}

static candor_status find_number(sqlite3_stmt *s, int64_t *out, bool *found, candor_err *err)
{
    int rc = sqlite3_step(s);
    candor_status st = CANDOR_OK;
    *found = rc == SQLITE_ROW;
    if (*found)
        *out = sqlite3_column_int64(s, 0);
    else if (rc != SQLITE_DONE)
        st = candor_db_fail(sqlite3_db_handle(s), "look up", err);
    sqlite3_reset(s);
    return st;
}

/* --- turns in memory ------------------------------------------------------------------------ */

static void turn_key(candor_bytes corr, unsigned char key[16])
{
    uint64_t h = 0xcbf29ce484222325u; /* two FNV-1a of different start: a table key, not a secret */
    uint64_t g = 0x9E3779B97F4A7C15u;
    size_t i;
    if (corr.n == CANDOR_UUID_TEXT && candor_uuid_parse(corr, key)) {
        if (candor_get_u64(key) == 0) key[0] = 1; /* zero marks a free entry */
        return;
    }
    for (i = 0; i < corr.n; i++) {
        h = (h ^ (unsigned char)corr.p[i]) * 0x100000001b3u;
        g = (g ^ (unsigned char)corr.p[i]) * 0x100000001b3u + h;
    }
    candor_put_u64(key, h | 1); /* not zero either */
    candor_put_u64(key + 8, g);
}

static candor_turn *turn_set(const candor_writer *w, const unsigned char key[16])
{
    uint64_t h = (candor_get_u64(key) ^ candor_get_u64(key + 8)) * 0x9E3779B97F4A7C15u;
    return &w->turns[(size_t)(h >> 32) & (TURNS - 1) & ~(WAYS - 1)];
}

/* The newest comes first in its set; the oldest falls out. */
static void turn_put(const candor_writer *w, candor_bytes corr, int64_t model)
{
    unsigned char key[16];
    candor_turn *set;
    unsigned i;
    turn_key(corr, key);
    set = turn_set(w, key);
    for (i = 0; i + 1 < WAYS && memcmp(set[i].key, key, sizeof key) != 0;)
        i++;
    memmove(set + 1, set, i * sizeof *set);
    memcpy(set[0].key, key, sizeof key);
    set[0].model = model;
}

static bool turn_get(const candor_writer *w, candor_bytes corr, int64_t *model)
{
    unsigned char key[16];
    const candor_turn *set;
    unsigned i;
    turn_key(corr, key);
    set = turn_set(w, key);
    for (i = 0; i < WAYS; i++)
        if (memcmp(set[i].key, key, sizeof key) == 0) {
            *model = set[i].model;
            return true;
        }
    return false;
}

/* --- a turn --------------------------------------------------------------------------------- */

static candor_status remember_last(candor_writer *w, int64_t session, int64_t model,
                                   candor_err *err)
{
    char text[8];
    candor_bytes key;
    candor_cache_entry *e;
    candor_status st;
    candor_put_u64(text, (uint64_t)session);
    key = candor_bytes_of(text, sizeof text);
    e = candor_cache_get(&w->cache, CANDOR_CACHE_SESSION_MODEL, key);
    if (e != NULL && e->value == model) return CANDOR_OK;
    sqlite3_bind_int64(w->q.last_turn, 1, session);
    sqlite3_bind_int64(w->q.last_turn, 2, model);
    st = candor_db_run(w->q.last_turn, "remember a model", err);
    if (st == CANDOR_OK) candor_cache_put(&w->cache, CANDOR_CACHE_SESSION_MODEL, key, model, 0);
    return st;
}

static candor_status count_pending(candor_writer *w, candor_err *err)
{
    bool found;
    return w->n_pending >= 0 ? CANDOR_OK
                             : find_number(w->q.pending_count, &w->n_pending, &found, err);
}

static candor_status settle_pending(candor_writer *w, candor_bytes corr, int64_t model,
                                    candor_err *err)
{
    unsigned char scratch[16];
    sqlite3_stmt *s = w->q.pending_find;
    candor_status st = count_pending(w, err);
    int64_t moved = 0;
    int rc;
    if (st != CANDOR_OK || w->n_pending == 0) return st;
    candor_bind_correlation(s, 1, corr, scratch);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && st == CANDOR_OK) {
        int64_t day = sqlite3_column_int64(s, 0), app = sqlite3_column_int64(s, 1);
        int64_t was = sqlite3_column_int64(s, 2), decision = sqlite3_column_int64(s, 3);
        st = candor_rollup_add(w, CANDOR_COUNT_APPROVAL, day, app, was, decision, -1, err);
        if (st == CANDOR_OK)
            st = candor_rollup_add(w, CANDOR_COUNT_APPROVAL, day, app, model, decision, 1, err);
        moved++;
    }
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(w->db, "settle decisions", err);
    sqlite3_reset(s);
    if (st != CANDOR_OK || moved == 0) return st;
    candor_bind_correlation(w->q.pending_drop, 1, corr, scratch);
    st = candor_db_run(w->q.pending_drop, "settle decisions", err);
    w->n_pending -= moved;
    return st;
}

static candor_status turn_row(candor_writer *w, const candor_batch *b, const candor_row *r,
                              const candor_row_context *c, candor_err *err)
{
    candor_bytes corr = candor_batch_text(b, r->correlation);
    int64_t model = 0;
    candor_status st = field_id(w, b, r, w->turn_model, CANDOR_DICT_MODEL, MODELS_MAX, &model, err);
    if (st == CANDOR_OK) st = remember_last(w, c->session, model, err);
    if (st != CANDOR_OK || corr.n == 0) return st;
    turn_put(w, corr, model);
    return settle_pending(w, corr, model, err);
}

/* --- a decision ----------------------------------------------------------------------------- */

static candor_status keep_pending(candor_writer *w, const candor_row *r, candor_bytes corr,
                                  int64_t day, int64_t app, int64_t model, int64_t decision,
                                  candor_err *err)
{
    unsigned char scratch[16];
    sqlite3_stmt *s = w->q.pending;
    candor_status st = count_pending(w, err);
    if (st != CANDOR_OK) return st;
    candor_bind_correlation(s, 1, corr, scratch);
    sqlite3_bind_blob(s, 2, r->id, sizeof r->id, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, day);
    sqlite3_bind_int64(s, 4, app);
    sqlite3_bind_int64(s, 5, model);
    sqlite3_bind_int64(s, 6, decision);
    st = candor_db_run(s, "keep a decision", err);
    if (st == CANDOR_OK) w->n_pending++;
    return st;
}

static candor_status decision_row(candor_writer *w, const candor_batch *b, const candor_row *r,
                                  const candor_row_context *c, int64_t day, candor_err *err)
{
    candor_bytes corr = candor_batch_text(b, r->correlation);
    int64_t model = 0, decision = 0;
    bool exact = false, found = false;
    candor_status st;
    st = field_id(w, b, r, w->decision_field, CANDOR_DICT_DECISION, DECISIONS_MAX, &decision, err);
    if (st == CANDOR_OK && corr.n != 0) exact = turn_get(w, corr, &model);
    if (st == CANDOR_OK && !exact) {
        sqlite3_bind_int64(w->q.last_turn_find, 1, c->session);
        st = find_number(w->q.last_turn_find, &model, &found, err);
        if (st == CANDOR_OK && !found)
            st = candor_dict_id(w, CANDOR_DICT_MODEL, CANDOR_LIT("(unknown)"), MODELS_MAX, &model,
                                err);
    }
    if (st == CANDOR_OK)
        st = candor_rollup_add(w, CANDOR_COUNT_APPROVAL, day, c->app_no, model, decision, 1, err);
    if (st == CANDOR_OK && !exact && corr.n != 0)
        st = keep_pending(w, r, corr, day, c->app_no, model, decision, err);
    return st;
}

candor_status candor_approval_row(candor_writer *w, const candor_batch *b, const candor_row *r,
                                  const candor_row_context *c, int64_t day, candor_err *err)
{
    if (r->def == w->turn_def) return turn_row(w, b, r, c, err);
    return decision_row(w, b, r, c, day, err);
}

/* --- start ---------------------------------------------------------------------------------- */

static candor_status warm_row(candor_writer *w, sqlite3_stmt *s, candor_err *err)
{
    candor_bytes corr = candor_db_column(s, 0), model;
    char text[CANDOR_UUID_TEXT];
    int64_t id = 0;
    candor_status st = CANDOR_OK;
    if (sqlite3_column_type(s, 0) == SQLITE_BLOB && corr.n == 16) {
        candor_uuid_format((const unsigned char *)corr.p, text);
        corr = candor_bytes_of(text, sizeof text);
    }
    model = candor_approval_word(candor_db_column(s, 1), w->turn_model);
    st = candor_dict_id(w, CANDOR_DICT_MODEL, model, MODELS_MAX, &id, err);
    if (st == CANDOR_OK) turn_put(w, corr, id);
    return st;
}

candor_status candor_approval_warm(candor_writer *w, candor_err *err)
{
    sqlite3_stmt *s = w->q.recent_turns;
    unsigned char from[16] = {0};
    candor_status st = CANDOR_OK;
    int rc = SQLITE_DONE;
    if (w->turns_warm || w->turn_def == NULL) return CANDOR_OK;
    if (w->turns == NULL) w->turns = calloc(TURNS, sizeof *w->turns);
    if (w->turns == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "read back turns", NULL);
    memset(w->turns, 0, TURNS * sizeof *w->turns);
    sqlite3_bind_int(w->q.newest, 1, WARM_EVENTS);
    if (sqlite3_step(w->q.newest) == SQLITE_ROW && sqlite3_column_bytes(w->q.newest, 0) == 16)
        memcpy(from, sqlite3_column_blob(w->q.newest, 0), sizeof from);
    sqlite3_reset(w->q.newest);
    sqlite3_bind_blob(s, 1, from, sizeof from, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, w->type_no[w->turn_def->index]);
    while (st == CANDOR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
        st = warm_row(w, s, err);
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(w->db, "read back turns", err);
    sqlite3_reset(s);
    w->turns_warm = st == CANDOR_OK;
    return st;
}
