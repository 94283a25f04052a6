/* Texts of full content that are not whole: their number, their age, failures, and a database that
 * was made before there were any. By the database's own calls, without the store's thread. */
#include "central_lib/store_fixture.h"

#include <sqlite3.h>

#include "central/store/attachments_db.h"
#include "central/store/sqlite_backup.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define AGE        HOUR

typedef struct partials {
    fixture *f; /* its events.db */
    char path[128];
    candor_metrics metrics;
    candor_attachment_db db;
    uint64_t retention_days;
} partials;

static void open_db(partials *x)
{
    candor_err err = {0};
    const candor_attachments_settings s = {.path = x->path,
                                           .events_path = x->f->path,
                                           .metrics = &x->metrics,
                                           .retention_days = x->retention_days,
                                           .partial_bytes = 1 << 20,
                                           .partial_age_ms = AGE};
    if (candor_attachment_db_open(&x->db, &s, &err) != CANDOR_OK)
        fail_msg("%s: %s", err.op, err.text);
}

static int set_up(void **state)
{
    partials *x = calloc(1, sizeof *x);
    void *f = NULL;
    if (setup(&f) != 0) return -1;
    x->f = f;
    snprintf(x->path, sizeof x->path, "%s/attachments.db", x->f->dir);
    open_db(x);
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    partials *x = *state;
    static const char *const ends[] = {"", "-wal", "-shm"};
    void *f = x->f;
    char name[160];
    size_t i;
    candor_attachment_db_close(&x->db);
    for (i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", x->path, ends[i]);
        unlink(name);
    }
    free(x);
    return teardown(&f);
}

static void run_sql(partials *x, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(x->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static candor_attachment_job job(candor_attachment_op op, int64_t at, unsigned n)
{
    candor_attachment_job j = {.op = op, .received_ms = at};
    const unsigned char rand[10] = {[8] = (unsigned char)n, [9] = (unsigned char)(n >> 8)};
    candor_uuid7_make((uint64_t)at, rand, j.event_id);
    snprintf(j.field, sizeof j.field, "text");
    memset(j.sha256, 7, sizeof j.sha256);
    return j;
}

/* One byte at offset of the n-th text, at that time. */
static candor_status append(partials *x, int64_t event, int64_t at, unsigned n, uint64_t offset,
                            candor_attachment_result *result)
{
    candor_err err = {0};
    candor_attachment_job j = job(CANDOR_ATTACHMENT_APPEND, event, n);
    candor_status st;
    j.received_ms = at;
    j.offset = offset;
    candor_buf_put_c(&j.text, 'x');
    st = candor_attachment_db_put(&x->db, &j.task, &err);
    *result = j.result;
    candor_buf_free(&j.text);
    return st;
}

static void must_append(partials *x, int64_t event, int64_t at, unsigned n, uint64_t offset)
{
    candor_attachment_result result;
    assert_int_equal(append(x, event, at, n, offset, &result), CANDOR_OK);
    assert_int_equal(result, CANDOR_ATTACHMENT_PARTIAL);
}

static uint64_t offset_of(partials *x, int64_t event, int64_t at, unsigned n)
{
    candor_err err = {0};
    candor_attachment_job j = job(CANDOR_ATTACHMENT_OFFSET, event, n);
    j.received_ms = at;
    assert_int_equal(candor_attachment_db_read(&x->db, &j, &err), CANDOR_OK);
    assert_int_equal(j.result, CANDOR_ATTACHMENT_PARTIAL);
    return j.offset;
}

static uint64_t dropped(const partials *x, candor_partial_drop why)
{
    return candor_counted(&x->metrics.partials_dropped[why]);
}

static void of_more_than_1024_the_one_that_was_quiet_longest_goes(void **state)
{
    partials *x = *state;
    unsigned i;
    for (i = 0; i < CANDOR_PARTIALS_MAX; i++)
        must_append(x, NOW, NOW + i, i, 0);
    must_append(x, NOW, NOW + 5000, 0, 1); /* the first has grown since: the second is oldest */
    assert_int_equal(candor_counted(&x->metrics.partials), CANDOR_PARTIALS_MAX);
    must_append(x, NOW, NOW + 5001, CANDOR_PARTIALS_MAX, 0);
    assert_int_equal(candor_counted(&x->metrics.partials), CANDOR_PARTIALS_MAX);
    assert_int_equal(dropped(x, CANDOR_PARTIAL_DROP_ROOM), 1);
    assert_int_equal(offset_of(x, NOW, NOW + 5002, 0), 2);
    assert_int_equal(offset_of(x, NOW, NOW + 5002, 1), 0);
    assert_int_equal(offset_of(x, NOW, NOW + 5002, 2), 1);
}

static void one_that_does_not_grow_expires_and_growth_gives_it_time(void **state)
{
    partials *x = *state;
    candor_err err = {0};
    bool more;
    must_append(x, NOW, NOW, 1, 0);
    must_append(x, NOW, NOW, 2, 0);
    must_append(x, NOW, NOW + AGE, 2, 1);
    assert_int_equal(offset_of(x, NOW, NOW + AGE, 1), 1);
    assert_int_equal(candor_attachment_db_rest(&x->db, NOW + AGE + 1, &more, &err), CANDOR_OK);
    assert_int_equal(dropped(x, CANDOR_PARTIAL_DROP_EXPIRED), 1);
    assert_int_equal(candor_counted(&x->metrics.partials), 1);
    assert_int_equal(candor_counted(&x->metrics.partial_bytes), 2);
    assert_int_equal(offset_of(x, NOW, NOW + AGE + 1, 2), 2);
}

static void retention_takes_what_is_not_whole_too(void **state)
{
    partials *x = *state;
    candor_err err = {0};
    bool more;
    candor_attachment_db_close(&x->db);
    x->retention_days = 30;
    open_db(x);
    must_append(x, NOW - 30 * DAY, NOW, 1, 0);
    assert_int_equal(candor_attachment_db_rest(&x->db, NOW, &more, &err), CANDOR_OK);
    assert_int_equal(candor_counted(&x->metrics.partials), 1);
    run_sql(x, "UPDATE partial SET touched=touched+86400000");
    assert_int_equal(candor_attachment_db_rest(&x->db, NOW + DAY, &more, &err), CANDOR_OK);
    assert_int_equal(candor_counted(&x->metrics.partials), 0);
    assert_int_equal(dropped(x, CANDOR_PARTIAL_DROP_EXPIRED), 1);
}

static void a_failed_commit_moves_no_offset_and_counts_nothing(void **state)
{
    partials *x = *state;
    candor_attachment_result result;
    must_append(x, NOW, NOW, 1, 0);
    run_sql(x, "CREATE TRIGGER no BEFORE INSERT ON piece BEGIN SELECT RAISE(ABORT,'no'); END");
    assert_int_not_equal(append(x, NOW, NOW, 1, 1, &result), CANDOR_OK);
    assert_int_not_equal(append(x, NOW, NOW + 2 * AGE, 2, 0, &result), CANDOR_OK);
    assert_int_equal(dropped(x, CANDOR_PARTIAL_DROP_EXPIRED), 0);
    assert_int_equal(candor_counted(&x->metrics.attachment_parts), 1);
    assert_int_equal(candor_counted(&x->metrics.partials), 1);
    run_sql(x, "DROP TRIGGER no");
    assert_int_equal(offset_of(x, NOW, NOW, 1), 1);
    must_append(x, NOW, NOW, 1, 1);
}

static void pieces_that_do_not_add_up_are_an_error_and_no_text(void **state)
{
    partials *x = *state;
    candor_err err = {0};
    candor_attachment_job j = job(CANDOR_ATTACHMENT_APPEND, NOW, 1);
    must_append(x, NOW, NOW, 1, 0);
    run_sql(x, "DELETE FROM piece");
    j.offset = 1;
    j.last = true;
    assert_int_equal(candor_attachment_db_put(&x->db, &j.task, &err), CANDOR_CORRUPT);
    candor_buf_free(&j.text);
}

static void a_database_of_format_1_keeps_its_texts_and_takes_parts(void **state)
{
    partials *x = *state;
    candor_err err = {0};
    candor_attachment_job put = job(CANDOR_ATTACHMENT_PUT, NOW, 1);
    candor_attachment_job get = job(CANDOR_ATTACHMENT_GET, NOW, 1);
    candor_buf_put_bytes(&put.text, CANDOR_LIT("kept"));
    assert_int_equal(candor_sha256(candor_buf_bytes(&put.text), put.sha256), CANDOR_OK);
    assert_int_equal(candor_attachment_db_put(&x->db, &put.task, &err), CANDOR_OK);
    candor_attachment_db_close(&x->db);
    run_sql(x, "DROP TRIGGER partial_gone; DROP TABLE piece; DROP TABLE partial;"
               "UPDATE meta SET value=1 WHERE key='format'"); /* as it was made then */
    open_db(x);
    assert_int_equal(candor_attachment_db_read(&x->db, &get, &err), CANDOR_OK);
    assert_true(candor_bytes_eq(candor_buf_bytes(&get.text), CANDOR_LIT("kept")));
    must_append(x, NOW, NOW, 2, 0);
    candor_buf_free(&put.text);
    candor_buf_free(&get.text);
}

static void a_backup_of_format_1_is_taken_and_one_of_a_later_format_is_not(void **state)
{
    static const struct {
        int format;
        candor_status status;
    } cases[] = {{0, CANDOR_CORRUPT}, {1, CANDOR_OK}, {2, CANDOR_OK}, {3, CANDOR_CORRUPT}};
    partials *x = *state;
    candor_err err = {0};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        candor_backup_info info = {.kind = CANDOR_BACKUP_TEXTS, .created_ms = NOW};
        char copy[160], sql[80];
        snprintf(copy, sizeof copy, "%s.copy", x->path);
        snprintf(sql, sizeof sql, "UPDATE meta SET value=%d WHERE key='format'", cases[i].format);
        run_sql(x, sql);
        assert_int_equal(candor_backup_copy(x->path, copy, NULL, NULL, NULL, &err), CANDOR_OK);
        assert_int_equal(candor_backup_seal(copy, NULL, &info, &err), CANDOR_OK);
        assert_int_equal(candor_backup_check(copy, NULL, CANDOR_BACKUP_TEXTS, &info, &err),
                         cases[i].status);
        unlink(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_more_than_1024_the_one_that_was_quiet_longest_goes),
        TEST(one_that_does_not_grow_expires_and_growth_gives_it_time),
        TEST(retention_takes_what_is_not_whole_too),
        TEST(a_failed_commit_moves_no_offset_and_counts_nothing),
        TEST(pieces_that_do_not_add_up_are_an_error_and_no_text),
        TEST(a_database_of_format_1_keeps_its_texts_and_takes_parts),
        TEST(a_backup_of_format_1_is_taken_and_one_of_a_later_format_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
