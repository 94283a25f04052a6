/* The SQLite sink through its interface: what is a duplicate, what is found, what survives. */
#include "central_lib/store_fixture.h"

#include <sqlite3.h>

static void roll_ups_count_inserted_rows_only(void **state)
{
    fixture *f = *state;
    assert_int_equal(store_turns(f, 0, 10, NOW), 10);
    assert_int_equal(store_turns(f, 5, 10, NOW), 5);
    assert_int_equal(store_turns(f, 0, 15, NOW), 0);
    assert_int_equal(counted(f, 0, NOW * 2), 15);
}

/* Rows are inserted sixteen at a time: whatever mix of new ids, stored ones and twins meets in one
 * statement, each row is told right, and the first of twins is the one that counts. */
static void each_row_of_a_mixed_batch_is_told_new_or_duplicate(void **state)
{
    enum { IDS = 120, ROUNDS = 30, ROWS = 50 };
    fixture *f = *state;
    bool stored[IDS] = {false};
    uint64_t seed = 11;
    size_t total = 0;
    for (int round = 0; round < ROUNDS; round++) {
        sent *s = new_batch();
        uint32_t c = add_context(&s->batch, "s1", "u1", "app");
        unsigned ids[ROWS];
        for (unsigned i = 0; i < ROWS; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            ids[i] = (unsigned)(seed >> 33) % (unsigned)(4 * (round + 1));
            add_row(f, &s->batch, c, "ToolCall", NOW - HOUR + ids[i] / 40, ids[i], "{}");
        }
        submit(f, s);
        for (unsigned i = 0; i < ROWS; i++) {
            const candor_row *r = &s->batch.rows[i];
            assert_int_equal(r->index, i);
            assert_int_equal(r->duplicate, stored[ids[i]]);
            if (!stored[ids[i]]) total++;
            stored[ids[i]] = true;
        }
        assert_int_equal(counted(f, NOW - DAY, NOW + DAY), total);
        free_batch(s);
    }
}

static int64_t users(fixture *f)
{
    asked *a = stats(f, CANDOR_STAT_USERS, NOW - 10 * DAY, NOW + DAY, NULL);
    int64_t n = a->total;
    free(a);
    return n;
}

static void user_is_counted_once_a_day_over_batches_and_restarts(void **state)
{
    fixture *f = *state;
    store_turns(f, 1, 3, NOW);
    store_turns(f, 11, 3, NOW);
    assert_int_equal(users(f), 1);
    close_store(f);
    open_store(f);
    store_turns(f, 21, 3, NOW);
    assert_int_equal(users(f), 1);
    store_turns(f, 31, 3, NOW - DAY); /* a day that lies behind the session's latest */
    store_turns(f, 41, 3, NOW - DAY);
    assert_int_equal(users(f), 2);
    store_turns(f, 51, 3, NOW + HOUR * 12);
    store_turns(f, 61, 3, NOW + HOUR * 12);
    assert_int_equal(users(f), 3);
}

static void same_id_twice_in_a_batch_is_a_duplicate(void **state)
{
    fixture *f = *state;
    sent *s = new_batch();
    uint32_t c = add_context(&s->batch, "s1", "u1", "app");
    add_row(f, &s->batch, c, "ChatTurn", NOW, 1, "{\"a\":1}");
    add_row(f, &s->batch, c, "ChatTurn", NOW, 1, "{\"a\":2}");
    submit(f, s);
    assert_int_equal(s->batch.inserted, 1);
    assert_false(s->batch.rows[0].duplicate); /* the first one counts */
    assert_true(s->batch.rows[1].duplicate);
    free_batch(s);
}

static sent *numbered_batch(fixture *f, unsigned char id, unsigned char digest, unsigned row)
{
    sent *s = new_batch();
    uint32_t c = add_context(&s->batch, "s1", "u1", "app");
    s->batch.has_id = true;
    memset(s->batch.id, id, sizeof s->batch.id);
    memset(s->batch.digest, digest, sizeof s->batch.digest);
    add_row(f, &s->batch, c, "ChatTurn", NOW, row, "{}");
    return s;
}

static void known_batch_is_acknowledged_whole(void **state)
{
    fixture *f = *state;
    sent *first = numbered_batch(f, 1, 1, 1), *again = numbered_batch(f, 1, 1, 1);
    submit(f, first);
    submit(f, again);
    assert_false(first->batch.duplicate_batch);
    assert_true(again->batch.duplicate_batch);
    assert_true(again->batch.rows[0].duplicate);
    free_batch(first);
    free_batch(again);
}

static void known_batch_id_with_another_body_is_judged_by_its_events(void **state)
{
    fixture *f = *state;
    sent *first = numbered_batch(f, 1, 1, 1), *other = numbered_batch(f, 1, 2, 2);
    submit(f, first);
    submit(f, other);
    assert_false(other->batch.duplicate_batch);
    assert_int_equal(other->batch.inserted, 1);
    free_batch(first);
    free_batch(other);
}

static void reopened_store_goes_on_where_it_was(void **state)
{
    fixture *f = *state;
    store_turns(f, 0, 10, NOW);
    close_store(f);
    open_store(f);
    assert_int_equal(store_turns(f, 5, 10, NOW), 5);
    assert_int_equal(counted(f, 0, NOW * 2), 15);
}

static void killed_process_keeps_what_it_acknowledged(void **state)
{
    fixture *f = *state;
    int status = 0;
    pid_t pid;
    close_store(f); /* SQLite must not be carried across fork */
    pid = fork();
    if (pid == 0) {
        open_store(f);
        store_turns(f, 0, 50, NOW);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    open_store(f);
    assert_int_equal(store_turns(f, 0, 50, NOW), 0);
    assert_int_equal(counted(f, 0, NOW * 2), 50);
}

static void pages_hold_every_event_once_newest_first(void **state)
{
    fixture *f = *state;
    candor_event_filter filter = all_events(7);
    asked a = {.ask = ask_events};
    unsigned pages;
    store_turns(f, 0, 30, NOW);
    store_turns(f, 0, 20, NOW - 5000);
    assert_int_equal(walk(f, filter, &pages), 50);
    assert_int_equal(pages, 8);
    a.filter = all_events(50);
    ask(&a, f);
    assert_false(a.page.more); /* exactly full, and nothing behind */
    a.text[0] = '\0';
    a.filter = all_events(1);
    ask(&a, f);
    assert_string_equal(a.text, "ChatTurn:app:0 ");
}

static void rare_events_are_found_without_reading_all(void **state)
{
    fixture *f = *state;
    candor_event_filter filter = all_events(10);
    unsigned pages, i;
    sent *s = new_batch();
    for (i = 0; i < 20; i++)
        store_turns(f, i * 100, 100, NOW - i * HOUR);
    add_row(f, &s->batch, add_context(&s->batch, "s9", "u9", "rare"), "install", NOW - 500 * HOUR,
            1, "{}");
    submit(f, s);
    free_batch(s);
    filter.type = "install";
    assert_int_equal(walk(f, filter, &pages), 1);
    assert_int_equal(pages, 1); /* scan_rows is 100: hours without it were skipped */
    filter.type = NULL;
    filter.app = "rare";
    assert_int_equal(walk(f, filter, &pages), 1);
    assert_int_equal(pages, 1);
    filter.app = "nobody";
    assert_int_equal(walk(f, filter, &pages), 0);
}

static void scan_of_one_page_is_bounded(void **state)
{
    fixture *f = *state;
    candor_event_filter filter = all_events(10);
    unsigned pages;
    sent *s = new_batch();
    store_turns(f, 0, 950, NOW);
    add_row(f, &s->batch, add_context(&s->batch, "s9", "u9", "rare"), "install", NOW - 1, 1, "{}");
    submit(f, s);
    free_batch(s);
    filter.type = "install";
    assert_int_equal(walk(f, filter, &pages), 1);
    assert_int_equal(pages, 10); /* 951 rows of the same hour, 100 a page */
}

static void errors_come_from_their_index(void **state)
{
    fixture *f = *state;
    candor_event_filter filter = all_events(10);
    unsigned pages;
    sent *s = new_batch();
    store_turns(f, 0, 950, NOW);
    add_row(f, &s->batch, add_context(&s->batch, "s9", "u9", "app"), "Error", NOW - 1, 1, "{}");
    submit(f, s);
    free_batch(s);
    filter.type = "Error";
    assert_int_equal(walk(f, filter, &pages), 1);
    assert_int_equal(pages, 1);
}

static void retention_removes_old_days_and_their_counts(void **state)
{
    fixture *f = *state;
    candor_event_filter filter = all_events(500);
    unsigned pages, waited;
    store_turns(f, 0, 60, NOW - 10 * DAY);
    store_turns(f, 100, 40, NOW);
    close_store(f);
    f->retention_days = 5;
    open_store(f); /* the first thing an idle writer does is to purge */
    for (waited = 0; waited < 2000 && counted(f, 0, NOW * 2) != 40; waited++)
        usleep(5000);
    assert_int_equal(counted(f, 0, NOW * 2), 40);
    assert_int_equal(walk(f, filter, &pages), 40);
    assert_int_equal(store_turns(f, 200, 10, NOW), 10); /* sessions that stay still work */
}

static void full_queue_refuses_and_keeps_what_it_took(void **state)
{
    fixture *f = *state;
    sent *s[200];
    size_t i, taken = 0, refused = 0;
    close_store(f);
    f->queue_bytes = 4096;
    open_store(f);
    for (i = 0; i < 200; i++) {
        candor_status st;
        uint32_t c;
        s[i] = new_batch();
        c = add_context(&s[i]->batch, "s1", "u1", "app");
        for (unsigned k = 0; k < 20; k++)
            add_row(f, &s[i]->batch, c, "ChatTurn", NOW, (unsigned)i * 100 + k, "{}");
        st = f->store->ops->submit(f->store, &s[i]->batch);
        if (st == CANDOR_OK) {
            taken++;
        } else {
            assert_int_equal(st, CANDOR_FULL);
            refused++;
            free_batch(s[i]);
            s[i] = NULL;
        }
    }
    for (i = 0; i < 200; i++) {
        if (s[i] == NULL) continue;
        assert_true(candor_latch_wait(s[i]->latch, 20000));
        free_batch(s[i]);
    }
    assert_true(taken > 0 && refused > 0);
    assert_int_equal(counted(f, 0, NOW * 2), (int64_t)taken * 20);
}

static void damaged_database_is_a_clear_error(void **state)
{
    fixture *f = *state;
    const candor_sqlite_settings s = {.path = f->path,
                                      .schema = f->schema,
                                      .cache_kib = 1024,
                                      .commit_rows = 10,
                                      .queue_bytes = 4096,
                                      .retention_days = 1};
    candor_err err = {0};
    candor_store *store = NULL;
    FILE *file;
    close_store(f);
    file = fopen(f->path, "w");
    fputs("this is no database, and it is long enough to have a header of a hundred bytes, which "
          "SQLite "
          "reads first of all",
          file);
    fclose(file);
    assert_int_equal(candor_sqlite_open(&s, &store, &err), CANDOR_CORRUPT);
    assert_null(store);
    assert_true(strlen(err.text) > 0);
}

static void database_of_another_format_is_refused_by_name(void **state)
{
    fixture *f = *state;
    const candor_sqlite_settings s = {
        .path = f->path, .schema = f->schema, .cache_kib = 1024, .commit_rows = 10};
    candor_err err = {0};
    candor_store *store = NULL;
    sqlite3 *db = NULL;
    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE meta SET value=1 WHERE key='format'", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(candor_sqlite_open(&s, &store, &err), CANDOR_CORRUPT);
    assert_null(store);
    assert_non_null(strstr(err.text, "format is 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(roll_ups_count_inserted_rows_only),
        STORE_TEST(each_row_of_a_mixed_batch_is_told_new_or_duplicate),
        STORE_TEST(user_is_counted_once_a_day_over_batches_and_restarts),
        STORE_TEST(same_id_twice_in_a_batch_is_a_duplicate),
        STORE_TEST(known_batch_is_acknowledged_whole),
        STORE_TEST(known_batch_id_with_another_body_is_judged_by_its_events),
        STORE_TEST(reopened_store_goes_on_where_it_was),
        STORE_TEST(killed_process_keeps_what_it_acknowledged),
        STORE_TEST(pages_hold_every_event_once_newest_first),
        STORE_TEST(rare_events_are_found_without_reading_all),
        STORE_TEST(scan_of_one_page_is_bounded),
        STORE_TEST(errors_come_from_their_index),
        STORE_TEST(retention_removes_old_days_and_their_counts),
        STORE_TEST(full_queue_refuses_and_keeps_what_it_took),
        STORE_TEST(damaged_database_is_a_clear_error),
        STORE_TEST(database_of_another_format_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
