/* The store of full content by itself: its queue, its failures, its steps. */
#include "central_lib/store_fixture.h"

#include <sqlite3.h>

#include "central/store/attachments_db.h"

#define JOBS_WAITING   256
#define PATIENCE_STEPS 1000
#define STEP_US        20000
#define TEST(name)     cmocka_unit_test_setup_teardown(name, set_up, tear_down)

typedef struct texts {
    fixture *f; /* its events.db */
    char path[128];
    candor_attachments *store;
    candor_metrics metrics;
    uint64_t queue_bytes, retention_days;
} texts;

static void open_texts(texts *x)
{
    candor_err err = {0};
    const candor_attachments_settings s = {.path = x->path,
                                           .events_path = x->f->path,
                                           .metrics = &x->metrics,
                                           .queue_bytes = x->queue_bytes,
                                           .retention_days = x->retention_days,
                                           .now_ms = fixed_now};
    if (candor_attachments_open(&s, &x->store, &err) != CANDOR_OK)
        fail_msg("%s: %s", err.op, err.text);
}

static void close_texts(texts *x)
{
    candor_attachments_close(x->store);
    x->store = NULL;
}

static int set_up(void **state)
{
    texts *x = calloc(1, sizeof *x);
    void *f = NULL;
    if (setup(&f) != 0) return -1;
    x->f = f;
    x->queue_bytes = 1 << 20;
    snprintf(x->path, sizeof x->path, "%s/attachments.db", x->f->dir);
    open_texts(x);
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    texts *x = *state;
    static const char *const ends[] = {"", "-wal", "-shm"};
    void *f = x->f;
    char name[160];
    size_t i;
    close_texts(x);
    for (i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", x->path, ends[i]);
        unlink(name);
    }
    free(x);
    return teardown(&f);
}

static void run_sql(texts *x, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(x->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* --- jobs ----------------------------------------------------------------------------------- */

typedef struct asked_text {
    candor_attachment_job job;
    candor_latch *latch;
    candor_latch *hold, *held; /* hold: the store's thread waits for it in done; held: it does */
} asked_text;

static void on_text(candor_attachment_job *j)
{
    asked_text *a = j->owner;
    candor_latch *latch = a->latch;
    if (a->held != NULL) candor_latch_open(a->held);
    if (a->hold != NULL) (void)candor_latch_wait(a->hold, 20000);
    candor_latch_open(latch);
}

static asked_text *new_job(candor_attachment_op op, int64_t ms, unsigned n)
{
    asked_text *a = calloc(1, sizeof *a);
    const unsigned char rand[10] = {[8] = (unsigned char)n, [9] = (unsigned char)(n >> 8)};
    assert_int_equal(candor_latch_new(&a->latch), CANDOR_OK);
    candor_uuid7_make((uint64_t)ms, rand, a->job.event_id);
    snprintf(a->job.field, sizeof a->job.field, "text");
    a->job.op = op;
    a->job.owner = a;
    a->job.done = on_text;
    a->job.received_ms = NOW;
    return a;
}

static asked_text *new_put(int64_t ms, unsigned n, const char *text, size_t size)
{
    asked_text *a = new_job(CANDOR_ATTACHMENT_PUT, ms, n);
    size_t i, len = strlen(text);
    for (i = 0; i < size; i += len)
        candor_buf_put(&a->job.text, text, len < size - i ? len : size - i);
    assert_int_equal(candor_sha256(candor_buf_bytes(&a->job.text), a->job.sha256), CANDOR_OK);
    return a;
}

static void free_job(asked_text *a)
{
    candor_latch_free(a->latch);
    candor_buf_free(&a->job.text);
    free(a);
}

static void do_job(texts *x, asked_text *a)
{
    assert_int_equal(candor_attachments_submit(x->store, &a->job), CANDOR_OK);
    assert_true(candor_latch_wait(a->latch, 20000));
}

static candor_attachment_result put_text(texts *x, int64_t ms, unsigned n, const char *text)
{
    asked_text *a = new_put(ms, n, text, strlen(text));
    candor_attachment_result r;
    do_job(x, a);
    assert_int_equal(a->job.status, CANDOR_OK);
    r = a->job.result;
    free_job(a);
    return r;
}

/* A request that keeps the store's thread until release. */
static asked_text *plug(texts *x)
{
    asked_text *a = new_job(CANDOR_ATTACHMENT_GET, NOW, 0);
    assert_int_equal(candor_latch_new(&a->hold), CANDOR_OK);
    assert_int_equal(candor_latch_new(&a->held), CANDOR_OK);
    assert_int_equal(candor_attachments_submit(x->store, &a->job), CANDOR_OK);
    assert_true(candor_latch_wait(a->held, 20000));
    return a;
}

static void release(asked_text *a)
{
    candor_latch_open(a->hold);
    assert_true(candor_latch_wait(a->latch, 20000));
    candor_latch_free(a->hold);
    candor_latch_free(a->held);
    free_job(a);
}

static bool has_text(texts *x, int64_t ms, unsigned n, const char *text)
{
    asked_text *a = new_job(CANDOR_ATTACHMENT_GET, ms, n);
    bool same;
    do_job(x, a);
    assert_int_equal(a->job.status, CANDOR_OK);
    same = a->job.result == CANDOR_ATTACHMENT_DONE &&
           candor_bytes_eq(candor_buf_bytes(&a->job.text), candor_bytes_str(text));
    free_job(a);
    return same;
}

/* --- the line ------------------------------------------------------------------------------- */

static void more_than_256_waiting_requests_are_refused(void **state)
{
    texts *x = *state;
    asked_text *jobs[JOBS_WAITING + 1], *first = plug(x);
    unsigned i;
    for (i = 0; i <= JOBS_WAITING; i++) {
        jobs[i] = new_job(CANDOR_ATTACHMENT_GET, NOW, i);
        assert_int_equal(candor_attachments_submit(x->store, &jobs[i]->job),
                         i < JOBS_WAITING ? CANDOR_OK : CANDOR_FULL);
    }
    release(first);
    for (i = 0; i < JOBS_WAITING; i++)
        assert_true(candor_latch_wait(jobs[i]->latch, 20000));
    do_job(x, jobs[JOBS_WAITING]); /* there is room again */
    for (i = 0; i <= JOBS_WAITING; i++)
        free_job(jobs[i]);
}

static void texts_over_queue_bytes_together_are_refused_but_one_always_fits(void **state)
{
    texts *x = *state;
    asked_text *big = new_put(NOW, 1, "0123456789", 3 << 20), *small = new_put(NOW, 2, "x", 1);
    asked_text *first = plug(x);
    assert_int_equal(candor_attachments_submit(x->store, &big->job), CANDOR_OK);
    assert_int_equal(candor_attachments_submit(x->store, &small->job), CANDOR_FULL);
    release(first);
    assert_true(candor_latch_wait(big->latch, 20000));
    assert_int_equal(big->job.result, CANDOR_ATTACHMENT_DONE);
    do_job(x, small);
    free_job(big);
    free_job(small);
}

static void close_does_what_was_submitted(void **state)
{
    texts *x = *state;
    asked_text *jobs[8], *first = plug(x);
    unsigned i;
    for (i = 0; i < 8; i++) {
        jobs[i] = new_put(NOW, i, "late", 4);
        assert_int_equal(candor_attachments_submit(x->store, &jobs[i]->job), CANDOR_OK);
    }
    release(first);
    close_texts(x);
    for (i = 0; i < 8; i++) {
        assert_true(candor_latch_wait(jobs[i]->latch, 0));
        assert_int_equal(jobs[i]->job.status, CANDOR_OK);
        free_job(jobs[i]);
    }
    open_texts(x);
    for (i = 0; i < 8; i++)
        assert_true(has_text(x, NOW, i, "late"));
}

/* --- failures ------------------------------------------------------------------------------- */

static void a_failed_commit_stores_none_of_its_texts_and_the_next_one_works(void **state)
{
    texts *x = *state;
    asked_text *good = new_put(NOW, 1, "good", 4), *bad = new_put(NOW, 2, "bad", 3);
    asked_text *first = plug(x);
    run_sql(x, "CREATE TRIGGER no BEFORE INSERT ON attachment WHEN new.size=3 "
               "BEGIN SELECT RAISE(ABORT,'no'); END");
    assert_int_equal(candor_attachments_submit(x->store, &good->job), CANDOR_OK);
    assert_int_equal(candor_attachments_submit(x->store, &bad->job), CANDOR_OK);
    release(first);
    assert_true(candor_latch_wait(good->latch, 20000) && candor_latch_wait(bad->latch, 20000));
    assert_int_not_equal(good->job.status, CANDOR_OK);
    assert_int_not_equal(bad->job.status, CANDOR_OK);
    assert_int_equal(candor_counted(&x->metrics.attachments_failed), 1);
    assert_false(candor_attachments_healthy(x->store));
    assert_false(has_text(x, NOW, 1, "good"));
    run_sql(x, "DROP TRIGGER no");
    assert_int_equal(put_text(x, NOW, 1, "good"), CANDOR_ATTACHMENT_DONE);
    assert_true(candor_attachments_healthy(x->store));
    assert_true(has_text(x, NOW, 1, "good"));
    free_job(good);
    free_job(bad);
}

static void a_text_that_does_not_match_its_digest_is_not_given_out(void **state)
{
    texts *x = *state;
    asked_text *a = new_job(CANDOR_ATTACHMENT_GET, NOW, 1);
    assert_int_equal(put_text(x, NOW, 1, "the text"), CANDOR_ATTACHMENT_DONE);
    run_sql(x, "UPDATE attachment SET sha256=zeroblob(32)");
    do_job(x, a);
    assert_int_equal(a->job.status, CANDOR_CORRUPT);
    free_job(a);
    a = new_job(CANDOR_ATTACHMENT_GET, NOW, 1);
    run_sql(x, "UPDATE attachment SET body=x'1f8b'");
    do_job(x, a);
    assert_int_equal(a->job.status, CANDOR_CORRUPT);
    free_job(a);
}

static void a_database_of_another_format_is_left_alone(void **state)
{
    texts *x = *state;
    candor_err err = {0};
    candor_attachments_settings s = {.path = x->path, .events_path = x->f->path};
    close_texts(x);
    run_sql(x, "UPDATE meta SET value=99 WHERE key='format'");
    assert_int_equal(candor_attachments_open(&s, &x->store, &err), CANDOR_CORRUPT);
    assert_non_null(strstr(err.text, "99"));
    assert_null(x->store);
}

/* --- retention ------------------------------------------------------------------------------ */

static void retention_takes_many_texts_in_steps(void **state)
{
    enum { OLD = 150 }; /* more than two steps of 64 */
    texts *x = *state;
    unsigned i;
    for (i = 0; i < OLD; i++)
        assert_int_equal(put_text(x, NOW - 31 * DAY, i, "old"), CANDOR_ATTACHMENT_DONE);
    assert_int_equal(put_text(x, NOW - 30 * DAY, 7, "at the edge"), CANDOR_ATTACHMENT_DONE);
    close_texts(x);
    x->retention_days = 30;
    open_texts(x);
    for (i = 0; i < PATIENCE_STEPS && candor_counted(&x->metrics.attachments_purged) < OLD; i++)
        usleep(STEP_US); /* nothing tells when the thread has done a step */
    assert_int_equal(candor_counted(&x->metrics.attachments_purged), OLD);
    assert_true(has_text(x, NOW - 30 * DAY, 7, "at the edge"));
    assert_false(has_text(x, NOW - 31 * DAY, OLD - 1, "old"));
}

static bool files_hold(texts *x, candor_bytes needle)
{
    static const char *const ends[] = {"", "-wal"};
    bool found = false;
    size_t i;
    for (i = 0; i < 2; i++) {
        candor_buf all = {0};
        candor_err err = {0};
        char name[160];
        snprintf(name, sizeof name, "%s%s", x->path, ends[i]);
        assert_int_equal(candor_file_read_all(name, 1 << 26, &all, &err), CANDOR_OK);
        found = found || (all.n != 0 && memmem(all.p, all.n, needle.p, needle.n) != NULL);
        candor_buf_free(&all);
    }
    return found;
}

/* By the database's own calls: at the store's thread a step comes once a minute. */
static void what_retention_deletes_leaves_the_file_and_the_log(void **state)
{
    texts *x = *state;
    const candor_attachments_settings s = {
        .path = x->path, .events_path = x->f->path, .retention_days = 30};
    asked_text *a = new_put(NOW - 31 * DAY, 1, "old", 3);
    candor_bytes id = candor_bytes_of((const char *)a->job.event_id, sizeof a->job.event_id);
    candor_attachment_db db;
    candor_err err = {0};
    bool more = true;
    close_texts(x);
    assert_int_equal(candor_attachment_db_open(&db, &s, &err), CANDOR_OK);
    assert_int_equal(candor_attachment_db_put(&db, &a->job.task, &err), CANDOR_OK);
    assert_true(files_hold(x, id));
    while (more)
        assert_int_equal(candor_attachment_db_rest(&db, NOW, &more, &err), CANDOR_OK);
    assert_false(files_hold(x, id));
    candor_attachment_db_close(&db);
    free_job(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(more_than_256_waiting_requests_are_refused),
        TEST(texts_over_queue_bytes_together_are_refused_but_one_always_fits),
        TEST(close_does_what_was_submitted),
        TEST(a_failed_commit_stores_none_of_its_texts_and_the_next_one_works),
        TEST(a_text_that_does_not_match_its_digest_is_not_given_out),
        TEST(a_database_of_another_format_is_left_alone),
        TEST(retention_takes_many_texts_in_steps),
        TEST(what_retention_deletes_leaves_the_file_and_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
