/* /api/telemetry/events: newest first, bounded. Hours that hold no matching event are skipped by
 * asking r_hour; inside an hour no page looks at more than scan_rows rows. */
#include <stdlib.h>

#include "central/store/sqlite_reader.h"

#define COMBINATIONS_MAX                                                                           \
    4096 /* types x apps to ask r_hour about; beyond it rows are read in turn */

void candor_id_floor(int64_t ms, unsigned char id[16])
{
    int i;
    memset(id, 0, 16);
    if (ms < 0) ms = 0;
    for (i = 0; i < 6; i++)
        id[i] = (unsigned char)((uint64_t)ms >> (40 - 8 * i));
}

static int64_t id_hour(const unsigned char id[16])
{
    return (int64_t)candor_uuid7_ms(id) / CANDOR_HOUR_MS;
}

/* --- the filter in numbers ------------------------------------------------------------------ */

typedef struct number_set {
    int64_t *items;
    size_t n, cap;
} number_set;

static bool set_add(number_set *set, int64_t v)
{
    if (set->n == set->cap) {
        size_t cap = set->cap != 0 ? set->cap * 2 : 64;
        int64_t *p = realloc(set->items, cap * sizeof *p);
        if (p == NULL) return false;
        set->items = p;
        set->cap = cap;
    }
    set->items[set->n++] = v;
    return true;
}

static candor_status set_load(sqlite3_stmt *s, number_set *set, candor_err *err)
{
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
        if (!set_add(set, sqlite3_column_int64(s, 0))) break;
    sqlite3_reset(s);
    if (rc == SQLITE_ROW) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    return rc == SQLITE_DONE ? CANDOR_OK : candor_db_fail(sqlite3_db_handle(s), "query", err);
}

static bool set_has(const number_set *set, int64_t v)
{
    size_t i;
    for (i = 0; i < set->n; i++)
        if (set->items[i] == v) return true;
    return false;
}

typedef struct scan {
    candor_reader *r;
    const candor_event_filter *f;
    bool (*visit)(void *ctx, const candor_stored_event *e);
    void *ctx;
    candor_event_page *page;
    number_set types, apps, sessions; /* sessions: ascending */
    number_set hours;                 /* with a matching event that r_hour does not know yet */
    bool by_type, by_app, by_session, errors_only;
    unsigned looked;
    bool stop;
} scan;

static bool set_has_sorted(const number_set *set, int64_t v)
{
    size_t low = 0, high = set->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (set->items[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low < set->n && set->items[low] == v;
}

static void bind_text(sqlite3_stmt *q, int at, const char *text)
{
    sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC); /* NULL binds null */
}

static candor_status load_sessions(scan *s, candor_err *err)
{
    const candor_session_match *m = &s->f->match;
    sqlite3_stmt *q = s->r->q.matching;
    s->by_session =
        m->session != NULL || m->user != NULL || m->machine != NULL || m->version != NULL;
    if (!s->by_session) return CANDOR_OK;
    bind_text(q, 1, m->session);
    bind_text(q, 2, m->user);
    bind_text(q, 3, m->machine);
    bind_text(q, 4, m->version);
    return set_load(q, &s->sessions, err);
}

/* Keeps those of s->types whose names f->only has. */
static candor_status keep_only(scan *s, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.type;
    candor_status st = CANDOR_OK;
    size_t i, j, n = 0;
    for (i = 0; i < s->types.n && st == CANDOR_OK; i++) {
        candor_bytes name;
        sqlite3_bind_int64(q, 1, s->types.items[i]);
        if (sqlite3_step(q) != SQLITE_ROW) st = candor_db_fail(s->r->db, "query", err);
        name = candor_db_column(q, 0);
        for (j = 0; st == CANDOR_OK && j < s->f->n_only; j++)
            if (candor_bytes_eq(name, s->f->only[j])) {
                s->types.items[n++] = s->types.items[i];
                break;
            }
        sqlite3_reset(q);
    }
    s->types.n = n;
    s->by_type = true;
    return st;
}

static candor_status load_filter(scan *s, candor_err *err)
{
    candor_reader *r = s->r;
    candor_status st;
    s->by_type = s->f->type != NULL || s->f->category != NULL;
    s->by_app = s->f->app != NULL;
    sqlite3_bind_text(r->q.types, 1, s->f->type, -1, SQLITE_STATIC);
    sqlite3_bind_text(r->q.types, 2, s->f->category, -1, SQLITE_STATIC);
    sqlite3_bind_text(r->q.apps, 1, s->f->app, -1, SQLITE_STATIC);
    st = set_load(r->q.types, &s->types, err);
    if (st == CANDOR_OK && s->f->only != NULL) st = keep_only(s, err);
    if (st == CANDOR_OK) st = set_load(r->q.apps, &s->apps, err);
    if (st == CANDOR_OK) st = load_sessions(s, err);
    s->errors_only = s->by_type && s->types.n == 1 && s->types.items[0] == CANDOR_ERROR_TYPE;
    return st;
}

static bool add_hours(scan *s, candor_bytes sums)
{
    candor_sum sum;
    while (candor_delta_take_sum(&sums, &sum)) {
        if (sum.kind != CANDOR_COUNT_HOUR || !set_has(&s->types, sum.k[0]) ||
            !set_has(&s->apps, sum.k[1]) || set_has(&s->hours, sum.k[2]))
            continue;
        if (!set_add(&s->hours, sum.k[2])) return false;
    }
    return true;
}

static candor_status load_hours(scan *s, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.delta;
    int rc;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        candor_bytes sums, cells;
        candor_delta_split(candor_db_column(q, 0), &sums, &cells);
        if (!add_hours(s, sums)) break;
    }
    sqlite3_reset(q);
    if (rc == SQLITE_ROW) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    return rc == SQLITE_DONE ? CANDOR_OK : candor_db_fail(s->r->db, "query", err);
}

/* The latest hour <= hour in which the roll-ups know a matching event; -1: none. */
static candor_status latest_hour(scan *s, int64_t hour, int64_t *out, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.latest_hour;
    size_t i, j;
    *out = -1;
    for (i = 0; i < s->hours.n; i++)
        if (s->hours.items[i] <= hour && s->hours.items[i] > *out) *out = s->hours.items[i];
    for (i = 0; i < s->types.n; i++)
        for (j = 0; j < s->apps.n && *out < hour; j++) {
            int rc;
            sqlite3_bind_int64(q, 1, s->types.items[i]);
            sqlite3_bind_int64(q, 2, s->apps.items[j]);
            sqlite3_bind_int64(q, 3, hour);
            rc = sqlite3_step(q);
            if (rc == SQLITE_ROW && sqlite3_column_int64(q, 0) > *out)
                *out = sqlite3_column_int64(q, 0);
            sqlite3_reset(q);
            if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                return candor_db_fail(s->r->db, "query", err);
        }
    return CANDOR_OK;
}

/* --- one row -------------------------------------------------------------------------------- */

static candor_status fill_context(candor_reader *r, int64_t session, candor_context *c,
                                  candor_err *err)
{
    sqlite3_stmt *q = r->q.session;
    int rc;
    sqlite3_reset(q);
    sqlite3_bind_int64(q, 1, session);
    rc = sqlite3_step(q);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return candor_db_fail(r->db, "query", err);
    if (rc == SQLITE_DONE)
        return candor_fail(err, CANDOR_CORRUPT, 0, "query", "an event's session is missing");
    c->session_id = candor_db_column(q, 0);
    c->user_id = candor_db_column(q, 1);
    c->machine_id = candor_db_column(q, 2);
    c->app = candor_db_column(q, 3);
    c->app_version = candor_db_column(q, 4);
    c->platform = candor_db_column(q, 5);
    return CANDOR_OK;
}

static candor_status show_row(scan *s, sqlite3_stmt *q, candor_err *err)
{
    candor_stored_event e;
    char corr[CANDOR_UUID_TEXT];
    sqlite3_stmt *type = s->r->q.type;
    candor_status st;
    memset(&e, 0, sizeof e);
    memcpy(e.id, sqlite3_column_blob(q, 0), sizeof e.id);
    e.ts_ms = (int64_t)candor_uuid7_ms(e.id) + sqlite3_column_int64(q, 4);
    e.correlation_id = candor_db_column(q, 5);
    if (sqlite3_column_type(q, 5) == SQLITE_BLOB && e.correlation_id.n == 16) {
        candor_uuid_format((const unsigned char *)e.correlation_id.p, corr);
        e.correlation_id = candor_bytes_of(corr, sizeof corr);
    }
    e.payload = candor_db_column(q, 6);
    sqlite3_reset(type);
    sqlite3_bind_int64(type, 1, sqlite3_column_int64(q, 1));
    if (sqlite3_step(type) == SQLITE_ROW) {
        e.type = candor_db_column(type, 0);
        e.category = candor_db_column(type, 1);
    }
    st = fill_context(s->r, sqlite3_column_int64(q, 3), &e.context, err);
    if (st == CANDOR_OK && !s->visit(s->ctx, &e))
        st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    sqlite3_reset(type);
    sqlite3_reset(s->r->q.session);
    return st;
}

static candor_status look_at(scan *s, sqlite3_stmt *q, candor_err *err)
{
    candor_status st = CANDOR_OK;
    bool match = (!s->by_type || set_has(&s->types, sqlite3_column_int64(q, 1))) &&
                 (!s->by_app || set_has(&s->apps, sqlite3_column_int64(q, 2))) &&
                 (!s->by_session || set_has_sorted(&s->sessions, sqlite3_column_int64(q, 3)));
    if (sqlite3_column_bytes(q, 0) != 16)
        return candor_fail(err, CANDOR_CORRUPT, 0, "query", "an event id is not 16 bytes");
    if ((match && s->page->found == s->f->limit) ||
        (s->f->scan_rows != 0 && s->looked == s->f->scan_rows)) {
        s->page->more = s->stop = true; /* cursor: the last row looked at, this one comes next */
        return CANDOR_OK;
    }
    s->looked++;
    memcpy(s->page->cursor, sqlite3_column_blob(q, 0), 16);
    if (match) {
        st = show_row(s, q, err);
        s->page->found++;
    }
    return st;
}

/* --- ranges --------------------------------------------------------------------------------- */

static candor_status scan_range(scan *s, const unsigned char low[16], const unsigned char high[16],
                                candor_err *err)
{
    sqlite3_stmt *q = s->errors_only ? s->r->q.errors : s->r->q.events;
    candor_status st = CANDOR_OK;
    int rc = SQLITE_DONE;
    sqlite3_bind_blob(q, 1, low, 16, SQLITE_STATIC);
    sqlite3_bind_blob(q, 2, high, 16, SQLITE_STATIC);
    while (st == CANDOR_OK && !s->stop && (rc = sqlite3_step(q)) == SQLITE_ROW)
        st = look_at(s, q, err);
    if (st == CANDOR_OK && !s->stop && rc != SQLITE_DONE)
        st = candor_db_fail(s->r->db, "query", err);
    sqlite3_reset(q);
    return st;
}

static candor_status scan_by_hour(scan *s, const unsigned char low[16],
                                  const unsigned char high[16], candor_err *err)
{
    int64_t hour = id_hour(high), last = id_hour(low);
    candor_status st = load_hours(s, err);
    while (st == CANDOR_OK && !s->stop && hour >= last) {
        unsigned char floor[16], ceiling[16];
        st = latest_hour(s, hour, &hour, err);
        if (st != CANDOR_OK || hour < last) break;
        candor_id_floor(hour * CANDOR_HOUR_MS, floor);
        candor_id_floor((hour + 1) * CANDOR_HOUR_MS, ceiling);
        if (memcmp(floor, low, 16) < 0) memcpy(floor, low, 16);
        if (memcmp(ceiling, high, 16) > 0) memcpy(ceiling, high, 16);
        if (memcmp(floor, ceiling, 16) < 0) st = scan_range(s, floor, ceiling, err);
        hour--;
    }
    return st;
}

/* Without a filter every hour matches, and errors have an index of their own. */
static bool hours_help(const scan *s)
{
    return (s->by_type || s->by_app) && !s->errors_only &&
           s->types.n * s->apps.n <= COMBINATIONS_MAX;
}

candor_status candor_reader_events(candor_reader *r, const candor_event_filter *f,
                                   bool (*visit)(void *ctx, const candor_stored_event *e),
                                   void *ctx, candor_event_page *out, candor_err *err)
{
    scan s = {.r = r, .f = f, .visit = visit, .ctx = ctx, .page = out};
    unsigned char low[16], high[16];
    candor_status st;
    memset(out, 0, sizeof *out);
    candor_id_floor(f->from_ms, low);
    candor_id_floor(f->to_ms, high);
    if (f->has_cursor && memcmp(f->cursor, high, 16) < 0) memcpy(high, f->cursor, 16);
    st = candor_db_exec(r->db, "BEGIN", err);
    if (st != CANDOR_OK) return st;
    st = load_filter(&s, err);
    if (st == CANDOR_OK && s.by_session && s.sessions.n == 0) s.stop = true; /* none can match */
    if (st == CANDOR_OK && !s.stop && hours_help(&s))
        st = scan_by_hour(&s, low, high, err);
    else if (st == CANDOR_OK && !s.stop)
        st = scan_range(&s, low, high, err);
    if (st == CANDOR_OK && r->cut) st = candor_fail(err, CANDOR_TIMEOUT, 0, "query", NULL);
    free(s.types.items);
    free(s.apps.items);
    free(s.hours.items);
    free(s.sessions.items);
    sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
    return st;
}
