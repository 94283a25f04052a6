/* Opening a reader, and the cards: roll-ups only, never a scan of events. */
#include <stdlib.h>

#include "central/store/sqlite_reader.h"

#define READER_CACHE_KIB 4096
#define PROGRESS_STEPS   4000 /* of the virtual machine, between two looks at the clock */

static int out_of_time(void *ctx)
{
    candor_reader *r = ctx;
    r->cut = (r->stop != NULL && atomic_load(r->stop)) ||
             (r->deadline_ns != 0 && candor_clock_mono_ns() > r->deadline_ns);
    return r->cut;
}

void candor_reader_allow(candor_reader *r, uint64_t ms, const atomic_bool *stop)
{
    r->deadline_ns = candor_clock_mono_ns() + ms * 1000000;
    r->stop = stop;
    r->cut = false;
}

candor_status candor_reader_open(const char *path, const candor_db_key *key, candor_reader **out,
                                 candor_err *err)
{
    candor_reader *r = calloc(1, sizeof *r);
    candor_status st;
    *out = NULL;
    if (r == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open a reader", NULL);
    st = candor_memo_new(&r->memo);
    if (st == CANDOR_OK) st = candor_chart_sums_new(&r->charts);
    if (st != CANDOR_OK) candor_fail(err, st, 0, "open a reader", NULL);
    if (st == CANDOR_OK) st = candor_db_open(path, key, false, READER_CACHE_KIB, &r->db, err);
    if (st == CANDOR_OK) sqlite3_progress_handler(r->db, PROGRESS_STEPS, out_of_time, r);
#define PREPARE(name, sql)                                                                         \
    if (st == CANDOR_OK) st = candor_db_prepare(r->db, sql, &r->q.name, err);
    CANDOR_READER_SQL(PREPARE)
    if (st == CANDOR_OK) st = candor_life_open(r, err);
    if (st != CANDOR_OK) {
        candor_reader_close(r);
        return st;
    }
    *out = r;
    return CANDOR_OK;
}

void candor_reader_close(candor_reader *r)
{
    if (r == NULL) return;
#define FINALIZE(name, sql) sqlite3_finalize(r->q.name);
    CANDOR_READER_SQL(FINALIZE)
    if (r->db != NULL) sqlite3_close(r->db);
    candor_memo_free(r->memo);
    candor_chart_sums_free(r->charts);
    free(r);
}

/* --- sums of two keys ----------------------------------------------------------------------- */

typedef struct pair_sum {
    int64_t a, b, n;
} pair_sum;

typedef struct pair_sums {
    pair_sum *items; /* ascending */
    size_t n, cap, last;
    bool failed;
} pair_sums;

static int compare(const pair_sum *x, int64_t a, int64_t b)
{
    if (x->a != a) return x->a < a ? -1 : 1;
    return (x->b > b) - (x->b < b);
}

/* Where it is, or belongs. Keys mostly come in their order, so the next one is tried first. */
static size_t pair_at(const pair_sums *s, int64_t a, int64_t b)
{
    size_t low = 0, high = s->n;
    if (s->last + 1 < s->n && compare(&s->items[s->last + 1], a, b) == 0) return s->last + 1;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (compare(&s->items[mid], a, b) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void pair_add(pair_sums *s, int64_t a, int64_t b, int64_t n)
{
    size_t at = pair_at(s, a, b);
    if (at == s->n || compare(&s->items[at], a, b) != 0) {
        if (s->n == s->cap) {
            size_t cap = s->cap != 0 ? s->cap * 2 : 128;
            pair_sum *p = realloc(s->items, cap * sizeof *p);
            if (p == NULL) {
                s->failed = true;
                return;
            }
            s->items = p;
            s->cap = cap;
        }
        memmove(&s->items[at + 1], &s->items[at], (s->n - at) * sizeof *s->items);
        s->items[at] = (pair_sum){a, b, 0};
        s->n++;
    }
    s->items[at].n += n;
    s->last = at;
}

static int64_t pair_get(const pair_sums *s, int64_t a, int64_t b)
{
    size_t at = pair_at(s, a, b);
    return at < s->n && compare(&s->items[at], a, b) == 0 ? s->items[at].n : 0;
}

/* --- from the tables and from r_delta ------------------------------------------------------- */

/* Rows of ?1 <= time < ?2; take adds one to the sums. */
static candor_status add_rows(candor_stat_scan *s, sqlite3_stmt *q, int64_t from, int64_t to,
                              void (*take)(const candor_stat_scan *, sqlite3_stmt *, pair_sums *),
                              pair_sums *sums, candor_err *err)
{
    int rc;
    if (from >= to) return CANDOR_OK;
    sqlite3_bind_int64(q, 1, from);
    sqlite3_bind_int64(q, 2, to);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW)
        take(s, q, sums);
    sqlite3_reset(q);
    return rc == SQLITE_DONE ? CANDOR_OK : candor_db_fail(s->r->db, "query", err);
}

static candor_status add_deltas(candor_stat_scan *s,
                                void (*take)(const candor_stat_scan *, const candor_sum *,
                                             pair_sums *),
                                pair_sums *sums, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.delta;
    int rc;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        candor_bytes in, cells;
        candor_sum sum;
        candor_delta_split(candor_db_column(q, 0), &in, &cells);
        while (candor_delta_take_sum(&in, &sum))
            take(s, &sum, sums);
    }
    sqlite3_reset(q);
    return rc == SQLITE_DONE ? CANDOR_OK : candor_db_fail(s->r->db, "query", err);
}

static bool of_app(const candor_stat_scan *s, int64_t app)
{
    return s->app == 0 || s->app == app;
}

static bool of_day(const candor_stat_scan *s, int64_t day)
{
    return day >= s->day0 && day < s->day1;
}

static candor_bytes step_text(sqlite3_stmt *q, int64_t id)
{
    sqlite3_reset(q);
    sqlite3_bind_int64(q, 1, id);
    return sqlite3_step(q) == SQLITE_ROW ? candor_db_column(q, 0) : candor_bytes_of(NULL, 0);
}

static candor_status show(candor_stat_scan *s, const candor_stat_row *row, candor_err *err)
{
    return s->visit(s->ctx, row) ? CANDOR_OK : candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
}

/* --- counts --------------------------------------------------------------------------------- */

static void take_count(const candor_stat_scan *s, sqlite3_stmt *q, pair_sums *sums)
{
    int64_t app = sqlite3_column_int64(q, 1);
    if (of_app(s, app)) pair_add(sums, sqlite3_column_int64(q, 0), app, sqlite3_column_int64(q, 2));
}

static void take_hour(const candor_stat_scan *s, const candor_sum *sum, pair_sums *sums)
{
    if (sum->kind == CANDOR_COUNT_HOUR && sum->k[2] >= s->hour0 && sum->k[2] < s->hour1 &&
        of_app(s, sum->k[1]))
        pair_add(sums, sum->k[0], sum->k[1], sum->n);
}

static void add_unit_blob(pair_sums *sums, candor_bytes in)
{
    uint64_t type, app, n;
    while (candor_leb128_take(&in, &type) && candor_leb128_take(&in, &app) &&
           candor_leb128_take(&in, &n))
        pair_add(sums, (int64_t)type, (int64_t)app, (int64_t)n);
}

/* Counts of a unit, remembered per app asked for. */
static candor_status add_unit(candor_stat_scan *s, const candor_unit *u, pair_sums *sums,
                              candor_err *err)
{
    pair_sums own = {0};
    candor_buf blob = {0};
    candor_bytes known;
    candor_status st;
    size_t i;
    if (candor_memo_get(s->r->memo, 0, s->app, u, &known)) {
        add_unit_blob(sums, known);
        return CANDOR_OK;
    }
    st = add_rows(s, s->r->q.days, u->day, u->day + u->days, take_count, &own, err);
    for (i = 0; i < own.n; i++) {
        candor_leb128_put(&blob, (uint64_t)own.items[i].a);
        candor_leb128_put(&blob, (uint64_t)own.items[i].b);
        candor_leb128_put(&blob, (uint64_t)own.items[i].n);
    }
    if (own.failed || blob.failed) sums->failed = true;
    if (st == CANDOR_OK && !sums->failed) {
        candor_memo_put(s->r->memo, 0, s->app, u, candor_buf_bytes(&blob));
        add_unit_blob(sums, candor_buf_bytes(&blob));
    }
    free(own.items);
    candor_buf_free(&blob);
    return st;
}

static candor_status show_counts(candor_stat_scan *s, const pair_sums *sums, candor_err *err)
{
    sqlite3_stmt *type = s->r->q.type;
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < sums->n && st == CANDOR_OK; i++) {
        candor_stat_row row = {.n = sums->items[i].n};
        if (i == 0 || sums->items[i].a != sums->items[i - 1].a) step_text(type, sums->items[i].a);
        row.a = candor_db_column(type, 0);
        row.b = candor_db_column(type, 1);
        row.c = step_text(s->r->q.dict, sums->items[i].b);
        st = show(s, &row, err);
    }
    sqlite3_reset(type);
    sqlite3_reset(s->r->q.dict);
    return st;
}

/* Whole days from units, the hours before and after from r_hour. */
static candor_status query_counts(candor_stat_scan *s, pair_sums *sums, candor_err *err)
{
    sqlite3_stmt *hours = s->r->q.hours;
    int64_t early = s->day0 * 24 < s->hour1 ? s->day0 * 24 : s->hour1;
    int64_t late = s->day1 * 24 > early ? s->day1 * 24 : early;
    candor_status st = add_rows(s, hours, s->hour0, early, take_count, sums, err);
    size_t i;
    if (st == CANDOR_OK) st = add_rows(s, hours, late, s->hour1, take_count, sums, err);
    for (i = 0; i < s->n_units && st == CANDOR_OK; i++)
        st = add_unit(s, &s->units[i], sums, err);
    if (st == CANDOR_OK) st = add_deltas(s, take_hour, sums, err);
    if (st == CANDOR_OK && !sums->failed) st = show_counts(s, sums, err);
    return st;
}

/* --- users ---------------------------------------------------------------------------------- */

static void take_users(const candor_stat_scan *s, sqlite3_stmt *q, pair_sums *sums)
{
    if (of_app(s, sqlite3_column_int64(q, 1)))
        pair_add(sums, sqlite3_column_int64(q, 0), 0, sqlite3_column_int64(q, 2));
}

static void take_users_delta(const candor_stat_scan *s, const candor_sum *sum, pair_sums *sums)
{
    if (sum->kind == CANDOR_COUNT_USERS && of_day(s, sum->k[0]) && of_app(s, sum->k[1]))
        pair_add(sums, sum->k[0], 0, sum->n);
}

static candor_status query_users(candor_stat_scan *s, pair_sums *sums, candor_err *err)
{
    candor_status st = add_rows(s, s->r->q.users, s->day0, s->day1, take_users, sums, err);
    size_t i;
    if (st == CANDOR_OK) st = add_deltas(s, take_users_delta, sums, err);
    for (i = 0; i < sums->n && st == CANDOR_OK && !sums->failed; i++) {
        const candor_stat_row row = {.k = sums->items[i].a, .n = sums->items[i].n};
        st = show(s, &row, err);
    }
    return st;
}

/* --- approvals ------------------------------------------------------------------------------ */

static void take_approval(const candor_stat_scan *s, sqlite3_stmt *q, pair_sums *sums)
{
    if (of_app(s, sqlite3_column_int64(q, 0)))
        pair_add(sums, sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2),
                 sqlite3_column_int64(q, 3));
}

static void take_approval_delta(const candor_stat_scan *s, const candor_sum *sum, pair_sums *sums)
{
    if (sum->kind == CANDOR_COUNT_APPROVAL && of_day(s, sum->k[0]) && of_app(s, sum->k[1]))
        pair_add(sums, sum->k[2], sum->k[3], sum->n);
}

static candor_status show_model(candor_stat_scan *s, int64_t model, candor_bytes name,
                                const pair_sums *sums, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.decisions;
    candor_status st = CANDOR_OK;
    int rc = SQLITE_DONE;
    while (st == CANDOR_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        candor_stat_row row = {.a = name, .b = candor_db_column(q, 1)};
        row.n = pair_get(sums, model, sqlite3_column_int64(q, 0));
        if (row.n != 0) st = show(s, &row, err);
    }
    sqlite3_reset(q);
    return st != CANDOR_OK || rc == SQLITE_DONE ? st : candor_db_fail(s->r->db, "query", err);
}

/* In the order of the models' names. */
static candor_status query_approvals(candor_stat_scan *s, pair_sums *sums, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.models;
    candor_status st = add_rows(s, s->r->q.approvals, s->day0, s->day1, take_approval, sums, err);
    int rc = SQLITE_DONE;
    if (st == CANDOR_OK) st = add_deltas(s, take_approval_delta, sums, err);
    if (st != CANDOR_OK || sums->failed) return st;
    while (st == CANDOR_OK && (rc = sqlite3_step(q)) == SQLITE_ROW)
        st = show_model(s, sqlite3_column_int64(q, 0), candor_db_column(q, 1), sums, err);
    sqlite3_reset(q);
    return st != CANDOR_OK || rc == SQLITE_DONE ? st : candor_db_fail(s->r->db, "query", err);
}

/* --- hours ---------------------------------------------------------------------------------- */

static void take_hour_row(const candor_stat_scan *s, sqlite3_stmt *q, pair_sums *sums)
{
    if (of_app(s, sqlite3_column_int64(q, 1)))
        pair_add(sums, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 3),
                 sqlite3_column_int64(q, 2));
}

static void take_hour_delta(const candor_stat_scan *s, const candor_sum *sum, pair_sums *sums)
{
    if (sum->kind == CANDOR_COUNT_HOUR && sum->k[2] >= s->hour0 && sum->k[2] < s->hour1 &&
        of_app(s, sum->k[1]))
        pair_add(sums, sum->k[0], sum->k[2], sum->n);
}

static candor_status query_hours(candor_stat_scan *s, pair_sums *sums, candor_err *err)
{
    sqlite3_stmt *type = s->r->q.type;
    candor_status st = add_rows(s, s->r->q.hour_rows, s->hour0, s->hour1, take_hour_row, sums, err);
    size_t i;
    if (st == CANDOR_OK) st = add_deltas(s, take_hour_delta, sums, err);
    for (i = 0; i < sums->n && st == CANDOR_OK && !sums->failed; i++) {
        candor_stat_row row = {.k = sums->items[i].b, .n = sums->items[i].n};
        if (i == 0 || sums->items[i].a != sums->items[i - 1].a) step_text(type, sums->items[i].a);
        row.a = candor_db_column(type, 0);
        row.b = candor_db_column(type, 1);
        st = show(s, &row, err);
    }
    sqlite3_reset(type);
    return st;
}

/* --- failed sessions ------------------------------------------------------------------------ */

static candor_status count_failed(candor_stat_scan *s, int64_t hour0, int64_t hour1, int64_t *out,
                                  candor_err *err)
{
    sqlite3_stmt *q = s->r->q.failed;
    unsigned char low[16], high[16];
    candor_status st = CANDOR_OK;
    candor_id_floor(hour0 * CANDOR_HOUR_MS, low);
    candor_id_floor(hour1 * CANDOR_HOUR_MS, high);
    sqlite3_bind_blob(q, 1, low, sizeof low, SQLITE_STATIC);
    sqlite3_bind_blob(q, 2, high, sizeof high, SQLITE_STATIC);
    sqlite3_bind_int64(q, 3, s->app);
    if (sqlite3_step(q) == SQLITE_ROW)
        *out = sqlite3_column_int64(q, 0);
    else
        st = candor_db_fail(s->r->db, "query", err);
    sqlite3_reset(q);
    return st;
}

static candor_status query_failed(candor_stat_scan *s, candor_err *err)
{
    candor_stat_row row = {0};
    candor_status st = count_failed(s, s->hour0, s->hour1, &row.n, err);
    return st == CANDOR_OK ? show(s, &row, err) : st;
}

/* Each row of the errors' index is read once. */
static candor_status query_failed_days(candor_stat_scan *s, candor_err *err)
{
    candor_status st = CANDOR_OK;
    int64_t day;
    for (day = s->day0; day < s->day1 && st == CANDOR_OK; day++) {
        candor_stat_row row = {.k = day};
        st = count_failed(s, day * 24, (day + 1) * 24, &row.n, err);
        if (st == CANDOR_OK && row.n != 0) st = show(s, &row, err);
    }
    return st;
}

/* --- versions ------------------------------------------------------------------------------- */

/* The second key holds version and what is counted of it. */
static int64_t version_key(int64_t version, int64_t what)
{
    return version * 4 + what;
}

static void take_version(const candor_stat_scan *s, sqlite3_stmt *q, pair_sums *sums)
{
    int64_t app = sqlite3_column_int64(q, 0);
    if (of_app(s, app))
        pair_add(sums, app, version_key(sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2)),
                 sqlite3_column_int64(q, 3));
}

static void take_version_delta(const candor_stat_scan *s, const candor_sum *sum, pair_sums *sums)
{
    if (sum->kind == CANDOR_COUNT_VERSION && of_day(s, sum->k[0]) && of_app(s, sum->k[1]))
        pair_add(sums, sum->k[1], version_key(sum->k[2], sum->k[3]), sum->n);
}

static candor_status query_versions(candor_stat_scan *s, pair_sums *sums, candor_err *err)
{
    candor_status st = add_rows(s, s->r->q.versions, s->day0, s->day1, take_version, sums, err);
    size_t i;
    if (st == CANDOR_OK) st = add_deltas(s, take_version_delta, sums, err);
    for (i = 0; i < sums->n && st == CANDOR_OK && !sums->failed; i++) {
        candor_stat_row row = {.k = sums->items[i].b % 4, .n = sums->items[i].n};
        row.a = step_text(s->r->q.word, sums->items[i].b / 4);
        row.c = step_text(s->r->q.dict, sums->items[i].a);
        if (row.n > 0) st = show(s, &row, err);
    }
    sqlite3_reset(s->r->q.word);
    sqlite3_reset(s->r->q.dict);
    return st;
}

/* --- groups of errors ----------------------------------------------------------------------- */

static void take_error(const candor_stat_scan *s, sqlite3_stmt *q, pair_sums *sums)
{
    if (of_app(s, sqlite3_column_int64(q, 0)))
        pair_add(sums, sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2),
                 sqlite3_column_int64(q, 3));
}

static void take_error_delta(const candor_stat_scan *s, const candor_sum *sum, pair_sums *sums)
{
    if (sum->kind == CANDOR_COUNT_ERROR && of_day(s, sum->k[0]) && of_app(s, sum->k[1]))
        pair_add(sums, sum->k[2], sum->k[0], sum->n);
}

static candor_status query_errors(candor_stat_scan *s, pair_sums *sums, candor_err *err)
{
    candor_status st = add_rows(s, s->r->q.error_days, s->day0, s->day1, take_error, sums, err);
    size_t i;
    if (st == CANDOR_OK) st = add_deltas(s, take_error_delta, sums, err);
    for (i = 0; i < sums->n && st == CANDOR_OK && !sums->failed; i++) {
        candor_stat_row row = {.k = sums->items[i].b, .n = sums->items[i].n};
        row.a = step_text(s->r->q.word, sums->items[i].a);
        if (row.n > 0) st = show(s, &row, err);
    }
    sqlite3_reset(s->r->q.word);
    return st;
}

/* --- one stat ------------------------------------------------------------------------------- */

static int64_t ceil_div(int64_t a, int64_t b)
{
    return -candor_floor_div(-a, b);
}

static void set_range(candor_stat_scan *s, candor_stat what, const candor_stat_range *range)
{
    s->hour0 = candor_floor_div(range->from_ms, CANDOR_HOUR_MS);
    s->hour1 = ceil_div(range->to_ms, CANDOR_HOUR_MS);
    s->day0 = candor_floor_div(s->hour0, 24);
    s->day1 = ceil_div(s->hour1, 24);
    if (what == CANDOR_STAT_COUNTS) { /* only whole days; the edges come from the hours */
        s->day0 = ceil_div(s->hour0, 24);
        s->day1 = candor_floor_div(s->hour1, 24);
        if (s->day1 < s->day0) s->day1 = s->day0;
    }
}

static candor_status find_app(candor_stat_scan *s, const char *app, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.apps;
    candor_status st = CANDOR_OK;
    int rc;
    s->app = 0;
    if (app == NULL) return CANDOR_OK;
    sqlite3_bind_text(q, 1, app, -1, SQLITE_STATIC);
    rc = sqlite3_step(q);
    s->app = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) st = candor_db_fail(s->r->db, "query", err);
    sqlite3_reset(q);
    return st;
}

static candor_status run(candor_stat_scan *s, candor_stat what, candor_err *err)
{
    pair_sums sums = {0};
    candor_status st = CANDOR_OK;
    if (what == CANDOR_STAT_COUNTS || what == CANDOR_STAT_CHARTS) st = candor_units_load(s, err);
    if (st == CANDOR_OK && what == CANDOR_STAT_COUNTS) st = query_counts(s, &sums, err);
    if (st == CANDOR_OK && what == CANDOR_STAT_USERS) st = query_users(s, &sums, err);
    if (st == CANDOR_OK && what == CANDOR_STAT_APPROVALS) st = query_approvals(s, &sums, err);
    if (st == CANDOR_OK && what == CANDOR_STAT_HOURS) st = query_hours(s, &sums, err);
    if (st == CANDOR_OK && what == CANDOR_STAT_FAILED) st = query_failed(s, err);
    if (st == CANDOR_OK && what == CANDOR_STAT_FAILED_DAYS) st = query_failed_days(s, err);
    if (st == CANDOR_OK && what == CANDOR_STAT_VERSIONS) st = query_versions(s, &sums, err);
    if (st == CANDOR_OK && what == CANDOR_STAT_ERRORS) st = query_errors(s, &sums, err);
    if (st == CANDOR_OK && what == CANDOR_STAT_CHARTS) st = candor_charts_query(s, err);
    if (st == CANDOR_OK && sums.failed) st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    free(s->units);
    free(sums.items);
    return st;
}

/* One read transaction: a fold moves sums from r_delta to the tables, and must be seen whole. */
candor_status candor_reader_stats(candor_reader *r, candor_stat what,
                                  const candor_stat_range *range,
                                  bool (*visit)(void *ctx, const candor_stat_row *row), void *ctx,
                                  candor_err *err)
{
    candor_stat_scan s = {.r = r, .visit = visit, .ctx = ctx, .type = range->type};
    candor_status st = candor_db_exec(r->db, "BEGIN", err);
    if (st != CANDOR_OK) return st;
    set_range(&s, what, range);
    st = find_app(&s, range->app, err);
    if (st == CANDOR_OK) st = run(&s, what, err);
    if (st == CANDOR_OK && r->cut) st = candor_fail(err, CANDOR_TIMEOUT, 0, "query", NULL);
    sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
    return st;
}
