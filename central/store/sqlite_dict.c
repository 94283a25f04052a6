/* Dictionaries: texts that repeat (apps, versions, models) and sessions become small numbers. */
#include "central/store/sqlite_internal.h"

/* Beyond these a new name is "(other)". */
#define APPS_MAX      1000u
#define VERSIONS_MAX  10000u
#define PLATFORMS_MAX 10000u

static candor_status find_id(sqlite3_stmt *s, int64_t *id, int64_t *extra, bool *found,
                             candor_err *err)
{
    int rc = sqlite3_step(s);
    candor_status st = CANDOR_OK;
    *found = rc == SQLITE_ROW;
    if (*found) {
        *id = sqlite3_column_int64(s, 0);
        if (extra != NULL) *extra = sqlite3_column_int64(s, 1);
    } else if (rc != SQLITE_DONE) {
        st = candor_db_fail(sqlite3_db_handle(s), "look up", err);
    }
    sqlite3_reset(s);
    return st;
}

static candor_bytes kind_key(const int64_t *kind)
{
    return candor_bytes_of((const char *)kind, sizeof *kind);
}

/* Rows of a kind, counted up to cap, and only when the cache does not know: past the cap every new
 * value asks. */
static candor_status dict_size(candor_writer *w, int64_t kind, unsigned cap, int64_t *n,
                               candor_err *err)
{
    candor_cache_entry *e = candor_cache_get(&w->cache, CANDOR_CACHE_DICT_SIZE, kind_key(&kind));
    bool found;
    candor_status st;
    if (e != NULL) {
        *n = e->value;
        return CANDOR_OK;
    }
    sqlite3_bind_int64(w->q.dict_count, 1, kind);
    sqlite3_bind_int64(w->q.dict_count, 2, cap);
    st = find_id(w->q.dict_count, n, NULL, &found, err);
    if (st == CANDOR_OK)
        candor_cache_put(&w->cache, CANDOR_CACHE_DICT_SIZE, kind_key(&kind), *n, 0);
    return st;
}

static candor_status dict_insert(candor_writer *w, int64_t kind, candor_bytes text, int64_t *out,
                                 candor_err *err)
{
    candor_cache_entry *e;
    candor_status st;
    sqlite3_bind_int64(w->q.dict, 1, kind);
    candor_db_bind_text(w->q.dict, 2, text);
    st = candor_db_run(w->q.dict, "insert into dict", err);
    *out = sqlite3_last_insert_rowid(w->db);
    e = candor_cache_get(&w->cache, CANDOR_CACHE_DICT_SIZE, kind_key(&kind));
    if (st == CANDOR_OK && e != NULL) e->value++;
    return st;
}

static candor_status dict_look_up(candor_writer *w, int64_t kind, candor_bytes text, int64_t *out,
                                  bool *found, candor_err *err)
{
    sqlite3_bind_int64(w->q.dict_find, 1, kind);
    candor_db_bind_text(w->q.dict_find, 2, text);
    return find_id(w->q.dict_find, out, NULL, found, err);
}

/* cap bounds what a hostile sender can add to a dictionary; beyond it everything new is "(other)".
 */
candor_status candor_dict_id(candor_writer *w, int64_t kind, candor_bytes text, unsigned cap,
                             int64_t *out, candor_err *err)
{
    candor_cache_entry *e = candor_cache_get(&w->cache, kind, text);
    int64_t size = 0;
    candor_status st;
    bool found = false;
    if (e != NULL) {
        *out = e->value;
        return CANDOR_OK;
    }
    st = dict_look_up(w, kind, text, out, &found, err);
    if (st == CANDOR_OK && !found) st = dict_size(w, kind, cap, &size, err);
    if (st == CANDOR_OK && !found && size >= (int64_t)cap) {
        text = CANDOR_LIT("(other)");
        e = candor_cache_get(&w->cache, kind, text);
        found = e != NULL;
        if (found)
            *out = e->value;
        else
            st = dict_look_up(w, kind, text, out, &found, err);
    }
    if (st == CANDOR_OK && !found) st = dict_insert(w, kind, text, out, err);
    if (st == CANDOR_OK && e == NULL) candor_cache_put(&w->cache, kind, text, *out, 0);
    return st;
}

static candor_status purge_kind(candor_writer *w, int64_t kind, unsigned cap, const char *sql,
                                candor_err *err)
{
    int64_t size = 0;
    candor_status st = dict_size(w, kind, cap, &size, err);
    return st == CANDOR_OK && size >= cap / 2 ? candor_db_exec(w->db, sql, err) : st;
}

/* A roll-up of a kept day has a session of that day; the small ones are asked all the same. */
candor_status candor_dict_purge(candor_writer *w, candor_err *err)
{
    static const char apps[] =
        "DELETE FROM dict WHERE kind=1 AND id NOT IN (SELECT app FROM session UNION SELECT app "
        "FROM r_day UNION SELECT app FROM r_users UNION SELECT app FROM r_approval UNION SELECT "
        "app FROM pending)";
    candor_status st = purge_kind(w, CANDOR_DICT_APP, APPS_MAX, apps, err);
    if (st == CANDOR_OK)
        st = purge_kind(w, CANDOR_DICT_VERSION, VERSIONS_MAX,
                        "DELETE FROM dict WHERE kind=2 AND id NOT IN (SELECT version FROM session)",
                        err);
    if (st == CANDOR_OK)
        st = purge_kind(
            w, CANDOR_DICT_PLATFORM, PLATFORMS_MAX,
            "DELETE FROM dict WHERE kind=3 AND id NOT IN (SELECT platform FROM session)", err);
    return st;
}

static candor_status session_insert(candor_writer *w, const candor_batch *b, candor_row_context *c,
                                    candor_err *err)
{
    int64_t platform = 0;
    sqlite3_stmt *s = w->q.session;
    candor_status st;
    st = candor_dict_id(w, CANDOR_DICT_PLATFORM, candor_batch_text(b, c->platform), PLATFORMS_MAX,
                        &platform, err);
    if (st != CANDOR_OK) return st;
    sqlite3_bind_blob(s, 1, c->key, sizeof c->key, SQLITE_STATIC);
    candor_db_bind_text(s, 2, candor_batch_text(b, c->session_id));
    candor_db_bind_text(s, 3, candor_batch_text(b, c->user_id));
    candor_db_bind_text(s, 4, candor_batch_text(b, c->machine_id));
    sqlite3_bind_int64(s, 5, c->app_no);
    sqlite3_bind_int64(s, 6, c->version_no);
    sqlite3_bind_int64(s, 7, platform);
    sqlite3_bind_int64(s, 8, INT64_MIN);
    st = candor_db_run(s, "insert into session", err);
    c->session = sqlite3_last_insert_rowid(w->db);
    return st;
}

/* c->day starts as the latest day that the session is known to have an event of: on that day its
 * user has been counted already. */
candor_status candor_session_resolve(candor_writer *w, const candor_batch *b, candor_row_context *c,
                                     candor_err *err)
{
    candor_bytes key = candor_bytes_of((const char *)c->key, sizeof c->key);
    candor_cache_entry *e;
    candor_status st;
    int64_t last_day = INT64_MIN;
    bool found;
    st =
        candor_dict_id(w, CANDOR_DICT_APP, candor_batch_text(b, c->app), APPS_MAX, &c->app_no, err);
    if (st == CANDOR_OK)
        st = candor_dict_id(w, CANDOR_DICT_VERSION, candor_batch_text(b, c->app_version),
                            VERSIONS_MAX, &c->version_no, err);
    if (st != CANDOR_OK) return st;
    e = candor_cache_get(&w->cache, CANDOR_CACHE_SESSION, key);
    if (e != NULL) {
        c->session = e->value;
        c->day = c->known_day = e->extra;
        return CANDOR_OK;
    }
    sqlite3_bind_blob(w->q.session_find, 1, c->key, sizeof c->key, SQLITE_STATIC);
    st = find_id(w->q.session_find, &c->session, &last_day, &found, err);
    if (st == CANDOR_OK && !found) st = session_insert(w, b, c, err);
    c->day = c->known_day = last_day;
    if (st == CANDOR_OK)
        candor_cache_put(&w->cache, CANDOR_CACHE_SESSION, key, c->session, last_day);
    return st;
}

/* Retention keeps a session as long as its newest event; written once a day and session. */
candor_status candor_session_touch(candor_writer *w, const candor_row_context *c, candor_err *err)
{
    candor_bytes key = candor_bytes_of((const char *)c->key, sizeof c->key);
    candor_cache_entry *e;
    if (c->day <= c->known_day) return CANDOR_OK;
    e = candor_cache_get(&w->cache, CANDOR_CACHE_SESSION, key);
    if (e != NULL && e->extra >= c->day) return CANDOR_OK;
    if (e != NULL) e->extra = c->day;
    sqlite3_bind_int64(w->q.session_day, 1, c->session);
    sqlite3_bind_int64(w->q.session_day, 2, c->day);
    return candor_db_run(w->q.session_day, "update session", err);
}
