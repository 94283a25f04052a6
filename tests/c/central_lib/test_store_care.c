/* What the SQLite sink does to stay well: health, retention, bounded names, bounded queries, space.
 */
#include "central_lib/store_fixture.h"

#include <sqlite3.h>

#include "central/store/sqlite_internal.h"
#include "central/store/sqlite_reader.h"

#define PATIENCE_STEPS 1000
#define STEP_US        20000
#define OLD            (NOW - 100 * DAY)

/* --- the file from outside ------------------------------------------------------------------ */

static void run_sql(fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int64_t number(fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int64_t n;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

/* The writer works by itself; nothing tells when it has done something. */
static void wait_for(fixture *f, const char *sql, int64_t want)
{
    int i;
    for (i = 0; i < PATIENCE_STEPS; i++) {
        if (number(f, sql) == want) return;
        usleep(STEP_US);
    }
    fail_msg("%s stays %lld", sql, (long long)number(f, sql));
}

static bool healthy(fixture *f)
{
    candor_store_gauges g = {0};
    f->store->ops->gauges(f->store, &g);
    return g.healthy;
}

/* 0: none, which would begin with the store and take what a test has not used yet. */
static void reopen_with_retention(fixture *f, uint64_t days)
{
    close_store(f);
    f->retention_days = days;
    open_store(f);
}

/* --- health --------------------------------------------------------------------------------- */

static void health_comes_back_without_an_upload(void **state)
{
    fixture *f = *state;
    sent *s = new_batch();
    int i;
    run_sql(f, "CREATE TRIGGER no_ev BEFORE INSERT ON ev BEGIN SELECT RAISE(ABORT,'no'); END;"
               "CREATE TRIGGER no_meta BEFORE INSERT ON meta BEGIN SELECT RAISE(ABORT,'no'); END");
    add_row(f, &s->batch, add_context(&s->batch, "s1", "u1", "app"), "ChatTurn", NOW, 1, "{}");
    assert_int_equal(f->store->ops->submit(f->store, &s->batch), CANDOR_OK);
    assert_true(candor_latch_wait(s->latch, 20000));
    assert_int_not_equal(s->batch.status, CANDOR_OK);
    assert_false(healthy(f));
    free_batch(s);
    run_sql(f, "DROP TRIGGER no_meta; DROP TRIGGER no_ev");
    for (i = 0; i < PATIENCE_STEPS && !healthy(f); i++)
        usleep(STEP_US);
    assert_true(healthy(f));
}

/* --- names ---------------------------------------------------------------------------------- */

/* One session a number, with an event each. */
static void store_names(fixture *f, unsigned from, unsigned n, int64_t ms, const char *app,
                        const char *version)
{
    sent *s = new_batch();
    unsigned i;
    for (i = from; i < from + n; i++) {
        char text[32];
        uint32_t c = add_context(&s->batch, "s", "u", "app");
        candor_row_context *x = &s->batch.contexts[c];
        memset(x->key, 0, sizeof x->key);
        candor_put_u32(x->key, i);
        snprintf(text, sizeof text, app, i);
        x->app = put(&s->batch, text);
        snprintf(text, sizeof text, version, i);
        x->app_version = put(&s->batch, text);
        add_row(f, &s->batch, c, "ChatTurn", ms, i, "{\"model\":\"gpt-4o\"}");
    }
    submit(f, s);
    free_batch(s);
}

static void new_apps_beyond_1000_are_other(void **state)
{
    fixture *f = *state;
    asked a = {.ask = ask_events};
    store_names(f, 0, 1005, NOW, "app%u", "1.0.0");
    store_names(f, 7, 1, NOW + 1, "app%u", "1.0.0"); /* a known one stays itself */
    assert_int_equal(number(f, "SELECT count(*) FROM dict WHERE kind=1"), 1001);
    a.filter = all_events(10);
    a.filter.scan_rows = 10000;
    a.filter.app = "(other)";
    ask(&a, f);
    assert_int_equal(a.total, 5);
    a.total = 0;
    a.filter.app = "app7";
    ask(&a, f);
    assert_int_equal(a.total, 2);
}

static void new_versions_beyond_10000_are_other(void **state)
{
    fixture *f = *state;
    store_names(f, 0, 10005, NOW, "app", "1.0.%u");
    assert_int_equal(number(f, "SELECT count(*) FROM dict WHERE kind=2"), 10001);
    assert_int_equal(number(f, "SELECT count(*) FROM session WHERE version=(SELECT id FROM dict "
                               "WHERE kind=2 AND text='(other)')"),
                     5);
}

static void new_platforms_beyond_10000_are_other(void **state)
{
    fixture *f = *state;
    reopen_with_retention(f, 0);
    run_sql(f, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<10000) "
               "INSERT INTO dict(kind,text) SELECT 3,'p'||i FROM n");
    store_names(f, 0, 2, NOW, "app", "1.0.%u"); /* on linux-x64 */
    assert_int_equal(number(f, "SELECT count(*) FROM dict WHERE kind=3"), 10001);
    assert_int_equal(number(f, "SELECT count(*) FROM dict WHERE text='linux-x64'"), 0);
}

static void full_dictionary_is_not_counted_again_for_each_value(void **state)
{
    fixture *f = *state;
    const candor_sqlite_settings settings = {
        .path = f->path, .schema = f->schema, .cache_kib = 1024};
    candor_writer w;
    candor_err err = {0};
    int64_t id, other = 0;
    unsigned i;
    close_store(f);
    assert_int_equal(candor_writer_open(&w, &settings, &err), CANDOR_OK);
    for (i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "m%u", i);
        assert_int_equal(
            candor_dict_id(&w, CANDOR_DICT_MODEL, candor_bytes_str(text), 10, &id, &err),
            CANDOR_OK);
        if (i == 10) other = id;
        if (i >= 10) assert_int_equal(id, other);
    }
    assert_true(sqlite3_stmt_status(w.q.dict_count, SQLITE_STMTSTATUS_RUN, 0) <= 1);
    candor_writer_close(&w);
    assert_int_equal(number(f, "SELECT count(*) FROM dict WHERE kind=4"), 11);
}

/* --- retention ------------------------------------------------------------------------------ */

static void retention_takes_sessions_users_and_names_in_steps(void **state)
{
    fixture *f = *state;
    asked a = {.ask = ask_events};
    reopen_with_retention(f, 0);
    store_names(f, 0, 900, OLD, "app%u", "1.0.%u");
    store_names(f, 900, 5100, OLD, "app", "1.0.%u"); /* three steps, and half of the versions */
    store_names(f, 9000, 2, NOW, "live", "2.0.0");
    run_sql(f, "INSERT INTO batch SELECT randomblob(16),zeroblob(32),1000+id,0,1 FROM session");
    reopen_with_retention(f, 90);
    wait_for(f, "SELECT count(*) FROM session", 2);
    wait_for(f, "SELECT count(*) FROM dict WHERE kind=1", 1);
    assert_int_equal(number(f, "SELECT count(*) FROM dict WHERE kind=2"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM ev"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM batch WHERE received<100000"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM last_turn"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM r_user"), 1);
    assert_int_equal(number(f, "SELECT count(DISTINCT app) FROM r_hour"), 1);
    store_names(f, 9100, 1, NOW + 1, "app%u", "1.0.%u"); /* a name after the purge */
    a.filter = all_events(10);
    ask(&a, f);
    assert_string_equal(a.text, "ChatTurn:app9100:1 ChatTurn:live:0 ChatTurn:live:0 ");
    assert_int_equal(counted(f, 0, NOW * 2), 3);
}

static bool plan_uses(fixture *f, const char *sql, const char *index)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool found = false;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW)
        if (strstr((const char *)sqlite3_column_text(s, 3), index) != NULL) found = true;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return found;
}

static void retention_finds_old_batches_and_sessions_by_index(void **state)
{
    fixture *f = *state;
    assert_true(plan_uses(f, "EXPLAIN QUERY PLAN SELECT id FROM batch WHERE received<1 LIMIT 9",
                          "batch_received"));
    assert_true(plan_uses(f,
                          "EXPLAIN QUERY PLAN SELECT id FROM session WHERE last_day<1 "
                          "ORDER BY last_day,id LIMIT 9",
                          "session_day"));
}

static void freed_pages_go_back_to_the_file_system(void **state)
{
    fixture *f = *state;
    static const atomic_bool low = true;
    const candor_sqlite_settings settings = {.path = f->path,
                                             .schema = f->schema,
                                             .cache_kib = 1024,
                                             .commit_rows = 1000,
                                             .queue_bytes = f->queue_bytes,
                                             .retention_days = 90,
                                             .now_ms = fixed_now,
                                             .space_low = &low};
    candor_err err = {0};
    candor_store_gauges g = {0};
    char payload[1024];
    unsigned i, k;
    memset(payload, 'x', sizeof payload);
    payload[sizeof payload - 1] = '\0';
    reopen_with_retention(f, 0);
    for (i = 0; i < 10; i++) {
        sent *s = new_batch();
        uint32_t c = add_context(&s->batch, "s1", "u1", "app");
        for (k = 0; k < 500; k++)
            add_row(f, &s->batch, c, "ToolCall", OLD, i * 500 + k, payload);
        submit(f, s);
        free_batch(s);
    }
    close_store(f);
    assert_true(number(f, "SELECT page_count*page_size FROM pragma_page_count,pragma_page_size") >
                4 << 20);
    assert_int_equal(candor_sqlite_open(&settings, &f->store, &err), CANDOR_OK);
    wait_for(f, "SELECT count(*) FROM ev", 0);
    wait_for(f, "SELECT freelist_count FROM pragma_freelist_count", 0);
    close_store(f);
    open_store(f);
    f->store->ops->gauges(f->store, &g);
    assert_true(g.db_bytes < 1 << 20);
}

/* --- queries -------------------------------------------------------------------------------- */

/* Types times apps are too many to ask about each hour, and the range ends in the year 9999. */
static void filter_that_fits_many_types_and_apps_reads_rows_in_turn(void **state)
{
    fixture *f = *state;
    asked a = {.ask = ask_events};
    reopen_with_retention(f, 0);
    store_turns(f, 0, 3, NOW);
    run_sql(f, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i<5000) "
               "INSERT INTO dict(kind,text) SELECT 1,'x'||i FROM n");
    a.filter = all_events(10);
    a.filter.type = "ChatTurn";
    a.filter.to_ms = INT64_C(253402300799999);
    ask(&a, f);
    assert_string_equal(a.text, "ChatTurn:app:0 ChatTurn:app:0 ChatTurn:app:0 ");
    assert_false(a.page.more);
}

static bool ignore_event(void *ctx, const candor_stored_event *e)
{
    (void)ctx;
    (void)e;
    return true;
}

static candor_status read_page(candor_reader *r)
{
    candor_event_filter filter = all_events(1000);
    candor_event_page page;
    candor_err err = {0};
    filter.scan_rows = 10000;
    return candor_reader_events(r, &filter, ignore_event, NULL, &page, &err);
}

static void query_ends_at_its_deadline_or_when_the_store_closes(void **state)
{
    fixture *f = *state;
    static const atomic_bool closing = true;
    candor_reader *r = NULL;
    candor_err err = {0};
    store_turns(f, 0, 1000, NOW);
    assert_int_equal(candor_reader_open(f->path, NULL, &r, &err), CANDOR_OK);
    assert_int_equal(read_page(r), CANDOR_OK);
    candor_reader_allow(r, 0, NULL);
    assert_int_equal(read_page(r), CANDOR_TIMEOUT);
    candor_reader_allow(r, 600000, &closing);
    assert_int_equal(read_page(r), CANDOR_TIMEOUT);
    candor_reader_allow(r, 600000, NULL);
    assert_int_equal(read_page(r), CANDOR_OK);
    candor_reader_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(health_comes_back_without_an_upload),
        STORE_TEST(new_apps_beyond_1000_are_other),
        STORE_TEST(new_versions_beyond_10000_are_other),
        STORE_TEST(new_platforms_beyond_10000_are_other),
        STORE_TEST(full_dictionary_is_not_counted_again_for_each_value),
        STORE_TEST(retention_takes_sessions_users_and_names_in_steps),
        STORE_TEST(retention_finds_old_batches_and_sessions_by_index),
        STORE_TEST(freed_pages_go_back_to_the_file_system),
        STORE_TEST(filter_that_fits_many_types_and_apps_reads_rows_in_turn),
        STORE_TEST(query_ends_at_its_deadline_or_when_the_store_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
