/* Roll-ups: counted by local day, sent when the day is over, once, whatever happens between. */
#include "client/rollup_test.h"

#include <signal.h>
#include <sys/wait.h>

/* --- days and keys --- */

static void events_are_counted_by_day_and_key_and_not_sent(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    dead d = dead_process(*state);
    for (int i = 0; i < 5; i++)
        left_tool(&d, NOON + i, "grep", i != 0);
    left_tool(&d, NOON, "read", true);
    left_tool(&d, NOON - DAY, "grep", true);
    left(&d, "Ping", NOON, "{\"n\":1}");
    candor_segment_free(d.segment);
    process_open(&p, *state, &f);
    process_recover(&p);
    assert_spool(*state, 0, 0, 0, 1);
    assert_int_equal(waiting(&p, "SELECT count(*) FROM rollup"), 3);
    assert_int_equal(waiting(&p, "SELECT n*10+errors FROM rollup WHERE day=20000 AND target='Sum'"
                                 " AND key='\"by\":\"cli\",\"tool\":\"grep\"'"),
                     51);
    assert_int_equal(waiting(&p, "SELECT n*10+errors FROM rollup WHERE day=19999"), 10);
    assert_int_equal(waiting(&p, "SELECT sum(kept) FROM hourly WHERE type='Tool'"), 7);
    assert_conserved(&p);
    process_close(&p);
}

static void midnight_belongs_to_the_new_day_in_local_time(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS, .offset_s = -5 * 3600};
    int64_t midnight = 20000 * DAY + 5 * HOUR;
    dead d = dead_process(*state);
    left_tool(&d, midnight - 1, "a", true);
    left_tool(&d, midnight, "b", true);
    candor_segment_free(d.segment);
    process_open(&p, *state, &f);
    process_recover(&p);
    assert_int_equal(waiting(&p, "SELECT day FROM rollup WHERE key LIKE '%\"a\"'"), 19999);
    assert_int_equal(waiting(&p, "SELECT day FROM rollup WHERE key LIKE '%\"b\"'"), 20000);
    process_close(&p);
}

/* The clocks go from midnight to one: 23:30 is the old day, 01:00 the new one. */
static void a_change_of_the_clocks_moves_the_end_of_the_day(void **state)
{
    process p;
    int64_t change = 20000 * DAY + 23 * HOUR; /* 24:00 in UTC+1 becomes 01:00 */
    fake_clock f = {.now = change - HOUR,
                    .mono = MIN_NS,
                    .offset_s = 3600,
                    .changes_at = change,
                    .offset_then_s = 7200};
    dead d = dead_process(*state);
    left_tool(&d, change - HOUR / 2, "before", true);
    left_tool(&d, change, "after", true);
    candor_segment_free(d.segment);
    process_open(&p, *state, &f);
    process_recover(&p);
    assert_int_equal(waiting(&p, "SELECT day FROM rollup WHERE key LIKE '%before%'"), 20000);
    assert_int_equal(waiting(&p, "SELECT day FROM rollup WHERE key LIKE '%after%'"), 20001);
    process_close(&p);
}

static void the_zone_at_the_time_of_counting_decides(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS, .offset_s = 13 * 3600};
    dead d = dead_process(*state);
    left_tool(&d, NOON, "a", true);
    candor_segment_free(d.segment);
    process_open(&p, *state, &f);
    process_recover(&p);
    f.offset_s = 0; /* flown home */
    d = dead_process(*state);
    left_tool(&d, NOON, "a", true);
    candor_segment_free(d.segment);
    process_recover(&p);
    assert_int_equal(waiting(&p, "SELECT n FROM rollup WHERE day=20001"), 1);
    assert_int_equal(waiting(&p, "SELECT n FROM rollup WHERE day=20000"), 1);
    process_close(&p);
}

/* --- sending --- */

static void open_with_counts(process *p, const char *dir, fake_clock *f, int n)
{
    dead d = dead_process(dir);
    for (int i = 0; i < n; i++)
        left_tool(&d, f->now, i % 2 == 0 ? "grep" : "read", i != 0);
    candor_segment_free(d.segment);
    process_open(p, dir, f);
    process_recover(p);
}

/* The looks that a worker would make, at the times it would make them, for so long. */
static void live(process *p, fake_clock *f, int minutes)
{
    for (int i = 0; i <= minutes; i++) {
        (void)candor_rollups_turn(&p->store);
        pass(f, i < minutes ? 1 : 0);
    }
}

static void a_day_is_sent_ten_minutes_after_its_end(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 10);
    live(&p, &f, 12 * 60 + 9);
    assert_spool(*state, 0, 0, 0, 0);
    live(&p, &f, 2);
    assert_spool(*state, 2, 10, 1, 0);
    assert_spool_has(*state, "\"payload\":{\"day\":\"2024-10-04T00:00:00.000Z\",\"by\":\"cli\","
                             "\"tool\":\"grep\",\"count\":5,\"errors\":1}");
    assert_int_equal(candor_rollups_wait_ms(&p.store), -1);
    assert_conserved(&p);
    live(&p, &f, 3 * 24 * 60);
    assert_spool(*state, 2, 10, 1, 0);
    process_close(&p);
}

/* One wake-up at the end of the day and one when it has held, none before the first count. */
static void the_worker_wakes_for_the_end_of_the_day_only(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    process_open(&p, *state, &f);
    assert_int_equal(candor_rollups_wait_ms(&p.store), -1);
    process_close(&p);
    open_with_counts(&p, *state, &f, 2);
    unsigned wakes = 0;
    for (int64_t wait; (wait = candor_rollups_wait_ms(&p.store)) >= 0; wakes++) {
        f.now += wait;
        f.mono += (uint64_t)wait * 1000000u;
        (void)candor_rollups_turn(&p.store);
    }
    assert_true(wakes <= 4);
    assert_true(f.now >= 20001 * DAY + 10 * 60000 && f.now < 20001 * DAY + 11 * 60000);
    assert_spool(*state, 2, 2, 1, 0);
    process_close(&p);
}

static void a_clock_that_is_ahead_for_a_moment_sends_nothing(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 4);
    live(&p, &f, 30);
    for (int i = 0; i < 5; i++) {
        f.now += 3 * DAY;
        live(&p, &f, 9);
        f.now -= 3 * DAY;
        live(&p, &f, 1);
    }
    assert_spool(*state, 0, 0, 0, 0);
    process_close(&p);
}

static void a_clock_that_is_set_back_delays_and_loses_nothing(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 4);
    f.now -= 5 * DAY;
    live(&p, &f, 60);
    assert_spool(*state, 0, 0, 0, 0);
    f.now += 6 * DAY;
    live(&p, &f, 11);
    assert_spool(*state, 2, 4, 1, 0);
    process_close(&p);
}

static void a_zone_change_past_midnight_sends_after_the_hold(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS, .offset_s = -12 * 3600};
    open_with_counts(&p, *state, &f, 4); /* the fourth of October, 00:00 */
    f.offset_s = 14 * 3600;              /* the fifth, 02:00 */
    live(&p, &f, 9);
    assert_spool(*state, 0, 0, 0, 0);
    live(&p, &f, 2);
    assert_spool(*state, 2, 4, 1, 0);
    process_close(&p);
}

static void late_events_of_a_sent_day_are_sent_as_a_further_sum(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 2);
    live(&p, &f, 13 * 60);
    assert_spool(*state, 2, 2, 1, 0);
    dead d = dead_process(*state);
    left_tool(&d, NOON, "grep", false);
    candor_segment_free(d.segment);
    process_recover(&p);
    live(&p, &f, 11);
    assert_spool(*state, 3, 3, 2, 0);
    assert_conserved(&p);
    process_close(&p);
}

/* Processes that live for a moment add up: what one saw, the next finds in state.db. */
static void the_hold_outlasts_the_process(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 4);
    for (int i = 0; i < 2; i++) {
        pass(&f, i == 0 ? 24 * 60 : 11);
        (void)candor_rollups_turn(&p.store);
        process_close(&p);
        process_open(&p, *state, &f);
    }
    assert_spool(*state, 2, 4, 1, 0);
    process_close(&p);
}

static void a_restart_of_the_machine_starts_the_hold_again(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = 1000 * MIN_NS};
    open_with_counts(&p, *state, &f, 4);
    pass(&f, 24 * 60);
    (void)candor_rollups_turn(&p.store);
    process_close(&p);
    f.mono = 2 * MIN_NS;
    process_open(&p, *state, &f);
    live(&p, &f, 9);
    assert_spool(*state, 0, 0, 0, 0);
    live(&p, &f, 2);
    assert_spool(*state, 2, 4, 1, 0);
    process_close(&p);
}

/* --- crashes: SIGKILL before and after every transaction of the whole way --- */

static int commits_left;

static int kill_before_commit(void *ctx)
{
    (void)ctx;
    if (--commits_left == 0) kill(getpid(), SIGKILL);
    return 0;
}

static int kill_after_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
    (void)ctx;
    (void)db;
    (void)name;
    (void)pages;
    if (--commits_left == 0) kill(getpid(), SIGKILL);
    return SQLITE_OK;
}

static void whole_way(const char *dir, fake_clock f, int commits, bool after)
{
    process p;
    process_open(&p, dir, &f);
    commits_left = commits;
    if (commits != 0 && after)
        (void)sqlite3_wal_hook(p.store.state->db, kill_after_commit, NULL);
    else if (commits != 0)
        (void)sqlite3_commit_hook(p.store.state->db, kill_before_commit, NULL);
    process_recover(&p);
    live(&p, &f, 1);
    f.now += DAY;
    live(&p, &f, 11);
    process_close(&p);
}

/* True: the child got through without meeting its end. */
static bool killed_at(const char *dir, const fake_clock *f, int commits, bool after)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        whole_way(dir, *f, commits, after);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) assert_int_equal(WTERMSIG(status), SIGKILL);
    return !WIFSIGNALED(status);
}

static bool one_crash(const char *root, int commits, bool after)
{
    process p;
    char dir[CANDOR_PATH_MAX], name[32];
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    (void)snprintf(name, sizeof name, "%d-%d", commits, after);
    (void)in_dir(root, name, dir);
    make_subdir(root, name);
    dead d = dead_process(dir);
    for (int i = 0; i < 1700; i++) { /* two batches, sums beside each */
        if (i % 3 == 0) left_tool(&d, NOON, i % 2 == 0 ? "grep" : "read", i % 9 != 0);
        left(&d, "Ping", NOON, "{\"n\":1}");
    }
    candor_segment_free(d.segment);
    bool whole = killed_at(dir, &f, commits, after);
    f.mono += MIN_NS; /* a later process */
    if (!whole) (void)killed_at(dir, &f, commits, !after);
    f.mono += 60 * MIN_NS;
    whole_way(dir, f, 0, false);
    assert_spool(dir, 2, 567, 189, 1700);
    process_open(&p, dir, &f);
    process_recover(&p);
    assert_conserved(&p);
    assert_int_equal(waiting(&p, "SELECT n FROM counters WHERE name='rollups.in'"), 567);
    assert_int_equal(waiting(&p, "SELECT n FROM counters WHERE name='rollups.made'"), 2);
    assert_int_equal(waiting(&p, "SELECT count(*) FROM rollup_segments"), 0);
    process_close(&p);
    remove_tree(dir);
    return whole;
}

static void killed_at_any_transaction_counts_and_sends_once(void **state)
{
    for (int after = 0; after < 2; after++) {
        int commits = 1;
        while (!one_crash(*state, commits, after != 0))
            commits++;
        assert_true(commits > 8);
    }
}

static void a_batch_file_that_was_adopted_is_not_written_again(void **state)
{
    process p, q;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 4);
    assert_int_equal(candor_rollup_freeze(p.store.state, 20001, f.now, NULL), CANDOR_OK);
    assert_int_equal(waiting(&p, "SELECT count(*) FROM rollup_out"), 2);
    candor_rollups_look(&p.store);
    live(&p, &f, 0);
    assert_spool(*state, 2, 4, 1, 0);
    /* As if the last transaction had not been: rows as before, the file there, its row not. */
    assert_int_equal(sqlite3_exec(p.store.state->db,
                                  "INSERT INTO rollup_out SELECT id,randomblob(16),0,1,'Sum','',1,0"
                                  " FROM batches; DELETE FROM batches; DELETE FROM batch_hours",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    process_open(&q, *state, &f);
    process_recover(&q);
    assert_int_equal(waiting(&q, "SELECT count(*) FROM rollup_out"), 0);
    assert_spool(*state, 2, 4, 1, 0);
    process_close(&q);
    process_close(&p);
}

/* --- two processes --- */

static void of_two_processes_one_sends(void **state)
{
    process p, q;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 4);
    process_open(&q, *state, &f);
    for (int i = 0; i < 13 * 60; i++, pass(&f, 1)) {
        (void)candor_rollups_turn(&p.store);
        (void)candor_rollups_turn(&q.store);
    }
    assert_spool(*state, 2, 4, 1, 0);
    candor_rollups_look(&q.store);
    assert_int_equal(candor_rollups_wait_ms(&q.store), -1);
    assert_conserved(&q);
    process_close(&q);
    process_close(&p);
}

static void frozen_rows_of_a_live_process_are_left_to_it(void **state)
{
    process p;
    char path[CANDOR_PATH_MAX];
    candor_file *lock = NULL;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 4);
    assert_int_equal(
        candor_file_open(in_dir(*state, "rollup.lock", path), CANDOR_OPEN_READ_WRITE, &lock, NULL),
        CANDOR_OK);
    assert_int_equal(candor_file_try_lock(lock, NULL), CANDOR_OK);
    assert_int_equal(candor_rollup_freeze(p.store.state, 20001, f.now, NULL), CANDOR_OK);
    candor_rollups_look(&p.store);
    live(&p, &f, 5);
    assert_spool(*state, 0, 0, 0, 0);
    assert_string_equal(p.store.error, "");
    candor_file_discard(lock);
    live(&p, &f, 2);
    assert_spool(*state, 2, 4, 1, 0);
    process_close(&p);
}

/* --- bounds --- */

static void keys_without_end_become_other_and_stay_bounded(void **state)
{
    process p;
    candor_state_totals t;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    char name[32];
    process_open(&p, *state, &f);
    for (int part = 0; part < 3; part++) {
        dead d = dead_process(*state);
        for (int i = 0; i < 1000; i++) {
            (void)snprintf(name, sizeof name, "t%d", part * 1000 + i);
            left_tool(&d, NOON, name, true);
        }
        candor_segment_free(d.segment);
        process_recover(&p);
    }
    long long rows = waiting(&p, "SELECT count(*) FROM rollup");
    assert_int_equal(rows, CANDOR_ROLLUP_ROWS_MAX - CANDOR_ROLLUP_ROWS_SPARE + 1);
    assert_int_equal(waiting(&p, "SELECT sum(n) FROM rollup"), 3000);
    assert_int_equal(waiting(&p, "SELECT n FROM rollup WHERE key='\"by\":\"rest\",\"tool\":"
                                 "\"other\"'"),
                     3000 - (rows - 1));
    assert_int_equal(candor_state_total(p.store.state, &t, NULL), CANDOR_OK);
    assert_int_equal(t.rollups_other, 3000 - (rows - 1));
    assert_conserved(&p);
    process_close(&p);
}

static void long_keys_fill_256_kilobytes_at_most(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    char name[80];
    process_open(&p, *state, &f);
    for (int part = 0; part < 3; part++) {
        dead d = dead_process(*state);
        for (int i = 0; i < 900; i++) {
            (void)snprintf(name, sizeof name, "n%059d", part * 900 + i);
            left_tool(&d, NOON, name, true);
        }
        candor_segment_free(d.segment);
        process_recover(&p);
    }
    assert_true(waiting(&p, "SELECT sum(length(key)+length(target)+64) FROM rollup") <=
                CANDOR_ROLLUP_BYTES_MAX);
    assert_true(waiting(&p, "SELECT count(*) FROM rollup") < 1900);
    assert_int_equal(waiting(&p, "SELECT sum(n) FROM rollup"), 2700);
    process_close(&p);
}

static void days_without_end_are_counted_as_lost(void **state)
{
    process p;
    candor_state_totals t;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    process_open(&p, *state, &f);
    for (int part = 0; part < 3; part++) {
        dead d = dead_process(*state);
        for (int i = 0; i < 1000; i++)
            left_tool(&d, NOON + (part * 1000 + i) * DAY, "grep", true);
        candor_segment_free(d.segment);
        process_recover(&p);
    }
    assert_int_equal(waiting(&p, "SELECT count(*) FROM rollup"), CANDOR_ROLLUP_ROWS_MAX);
    assert_int_equal(candor_state_total(p.store.state, &t, NULL), CANDOR_OK);
    assert_int_equal(t.loss[CANDOR_LOSS_SPOOL_FULL], 3000 - CANDOR_ROLLUP_ROWS_MAX);
    assert_conserved(&p);
    process_close(&p);
}

/* --- damage and odd records --- */

static void a_lost_database_counts_what_was_known_as_corrupt(void **state)
{
    process p;
    candor_state_totals t;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 10);
    candor_store_heal(&p.store);
    assert_int_equal(candor_state_total(p.store.state, &t, NULL), CANDOR_OK);
    assert_int_equal(t.loss[CANDOR_LOSS_CORRUPT], 10);
    assert_int_equal(t.rolled_up, 0);
    assert_conserved(&p);
    assert_int_equal(candor_rollups_wait_ms(&p.store), -1);
    process_close(&p);
}

static void without_a_database_events_are_sent_one_by_one(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    spooled found;
    make_subdir(*state, "state.db");
    open_with_counts(&p, *state, &f, 10);
    assert_true(p.store.in_memory);
    read_spool(*state, &found);
    assert_non_null(strstr(found.lines.p, "\"event_type\":\"Tool\""));
    candor_buf_free(&found.lines);
    assert_int_equal(candor_rollups_wait_ms(&p.store), -1);
    process_close(&p);
}

static void fields_that_are_missing_or_of_another_schema_are_left_out(void **state)
{
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    dead d = dead_process(*state);
    left(&d, "Tool", NOON, "{}");
    left(&d, "Tool", NOON, "{\"name\":7,\"client\":[1],\"ok\":\"no\"}");
    left(&d, "Tool", NOON, "{\"ok\":false,\"name\":\"grep\"}");
    candor_segment_free(d.segment);
    process_open(&p, *state, &f);
    process_recover(&p);
    assert_int_equal(waiting(&p, "SELECT n*10+errors FROM rollup WHERE key=''"), 20);
    assert_int_equal(waiting(&p, "SELECT n*10+errors FROM rollup WHERE key<>''"), 11);
    live(&p, &f, 13 * 60);
    assert_spool_has(*state, "\"payload\":{\"day\":\"2024-10-04T00:00:00.000Z\",\"count\":2,"
                             "\"errors\":0}");
    process_close(&p);
}

/* --- the whole client --- */

static candor_client *open_client(const char *dir)
{
    candor_buf options = {0};
    candor_client *c = NULL;
    candor_err err = {0};
    candor_buf_putf(&options,
                    "{\"app\":\"testapp\",\"directory\":\"%s\",\"mode\":\"manual\",\"batchEvents\":"
                    "1000,\"batchIntervalMs\":3600000,\"minFreeDiskBytes\":0,\"notice\":\"none\"}",
                    dir);
    if (candor_open(candor_buf_bytes(&options), candor_bytes_str(rollup_schema), &c, &err) !=
        CANDOR_OK)
        fail_msg("%s", err.text);
    candor_buf_free(&options);
    return c;
}

static void use_tools(candor_client *c, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(candor_emit(c, CANDOR_LIT("Tool"),
                                     CANDOR_LIT("{\"name\":\"grep\",\"ok\":true}"), CANDOR_LIT("")),
                         CANDOR_EMIT_KEPT);
}

static void status_says_what_waits(void **state)
{
    answer a;
    candor_client *c = open_client(*state);
    assert_true(status_has(c, "\"rollups\":{\"rows\":0,\"events\":0,\"made\":0,\"other\":0,"
                              "\"oldest_day\":null,\"next_at\":null}"));
    use_tools(c, 25);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, NULL, "kept"), 25);
    assert_int_equal(status_number(c, NULL, "emitted"), 25);
    assert_int_equal(status_number(c, NULL, "rolled_up"), 25);
    assert_int_equal(status_number(c, NULL, "pending_journal"), 0);
    assert_int_equal(status_number(c, "rollups", "rows"), 1);
    assert_int_equal(status_number(c, "rollups", "events"), 25);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_true(status_has(c, "\"oldest_day\":\"20"));
    assert_true(status_has(c, "\"next_at\":\"20"));
    candor_close(c, 100);
    assert_int_equal(count_files(*state, "journal", NULL), 0);
}

/* The counts are in state.db before the batch beside them is written. */
static void a_batch_that_cannot_be_written_counts_nothing_twice(void **state)
{
    answer a;
    char spool[CANDOR_PATH_MAX], away[CANDOR_PATH_MAX];
    candor_client *c = open_client(*state);
    use_tools(c, 25);
    assert_int_equal(candor_emit(c, CANDOR_LIT("Ping"), CANDOR_LIT("{\"n\":1}"), CANDOR_LIT("")),
                     CANDOR_EMIT_KEPT);
    free(status_text(c));
    assert_int_equal(rename(in_dir(*state, "spool", spool), in_dir(*state, "away", away)), 0);
    put_file(*state, "spool", "in the way");
    assert_int_not_equal(flush(c, &a), CANDOR_OK);
    use_tools(c, 5);
    assert_int_equal(unlink(spool), 0);
    assert_int_equal(rename(away, spool), 0);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, NULL, "pending_journal"), 0);
    assert_int_equal(status_number(c, NULL, "rolled_up"), 30);
    assert_int_equal(status_number(c, NULL, "kept"), 31);
    assert_int_equal(status_number(c, "spool", "events"), 1);
    candor_close(c, 100);
}

static void without_disk_a_day_is_tried_twice_as_seldom_each_time(void **state)
{
    static const int64_t minutes[] = {1, 2, 4, 8, 16, 32, 60, 60};
    process p;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    open_with_counts(&p, *state, &f, 3);
    pass(&f, 24 * 60);
    (void)candor_rollups_turn(&p.store); /* the date is seen */
    pass(&f, 11);
    p.settings.min_free_disk_bytes = INT64_MAX;
    for (size_t i = 0; i < sizeof minutes / sizeof minutes[0]; i++) {
        assert_true(candor_rollups_turn(&p.store));
        assert_int_equal(candor_rollups_wait_ms(&p.store), minutes[i] * 60000 + 1);
        pass(&f, minutes[i] - 1);
        assert_false(candor_rollups_turn(&p.store));
        pass(&f, 1);
    }
    p.settings.min_free_disk_bytes = 0;
    assert_true(candor_rollups_turn(&p.store));
    assert_spool(*state, 2, 3, 1, 0);
    assert_int_equal(p.store.rollups.failures, 0);
    process_close(&p);
}

static void waiting_counts_cost_no_wake_up(void **state)
{
    answer a;
    candor_client *c = open_client(*state);
    use_tools(c, 3);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    free(status_text(c)); /* the turn that answers is followed by one that goes to sleep */
    uint64_t before = candor_worker_turns(c);
    candor_latch *latch;
    assert_int_equal(candor_latch_new(&latch), CANDOR_OK);
    (void)candor_latch_wait(latch, 300);
    candor_latch_free(latch);
    assert_true(candor_worker_turns(c) - before <= 2);
    candor_close(c, 100);
}

static void purge_deletes_counts_and_says_how_many_events(void **state)
{
    answer a;
    candor_client *c = open_client(*state);
    use_tools(c, 25);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(purge(c, &a), CANDOR_OK);
    assert_string_equal(a.json, "{\"purged\":25}");
    assert_int_equal(status_number(c, "rollups", "rows"), 0);
    assert_int_equal(status_number(c, NULL, "rolled_up"), 0);
    assert_int_equal(status_number(c, "dropped", "purged"), 25);
    use_tools(c, 2);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(set_enabled(c, false, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "rollups", "rows"), 0);
    assert_int_equal(status_number(c, "dropped", "purged"), 27);
    candor_close(c, 100);
}

/* state.db as it was before there were roll-ups, with what it had counted. */
static void a_database_from_before_rollups_is_kept_and_counts_on(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_state *db = NULL;
    answer a;
    candor_client *c = open_client(*state);
    assert_int_equal(candor_emit(c, CANDOR_LIT("Ping"), CANDOR_LIT("{}"), CANDOR_LIT("")),
                     CANDOR_EMIT_KEPT);
    candor_close(c, 10000);
    assert_int_equal(candor_state_open(in_dir(*state, "state.db", path), &db, NULL), CANDOR_OK);
    assert_int_equal(sqlite3_exec(db->db,
                                  "DROP TABLE rollup; DROP TABLE rollup_out;"
                                  " DROP TABLE rollup_segments;"
                                  " UPDATE counters SET n=42 WHERE name='kept'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    candor_state_close(db);
    c = open_client(*state);
    use_tools(c, 3);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, NULL, "kept"), 45);
    assert_int_equal(status_number(c, "rollups", "events"), 3);
    assert_int_equal(count_files(*state, "quarantine", NULL), 0);
    candor_close(c, 100);
}

/* Of two processes only one has encryptSpool; the other died between file and row. */
static void
a_batch_written_in_clear_by_a_dead_process_does_not_stay_beside_the_sealed_one(void **state)
{
    char batch[CANDOR_UUID_TEXT + 1] = "", name[64];
    fake_clock f = {.now = NOON, .mono = 1};
    process p;
    candor_keyring *ring = NULL;
    candor_key key = {.id = CANDOR_LIT("k")};
    dead d = dead_process(*state);
    left_tool(&d, NOON - 2 * DAY, "grep", true);
    candor_segment_free(d.segment);
    process_open(&p, *state, &f);
    process_recover(&p);
    assert_int_equal(candor_rollup_freeze(p.store.state, NOON / DAY - 1, NOON, NULL), CANDOR_OK);
    assert_int_equal(candor_rollup_frozen(p.store.state, batch, NULL), CANDOR_OK);
    (void)snprintf(name, sizeof name, "spool/%s.jsonl.gz", batch);
    put_file(*state, name, "half of a life");
    assert_int_equal(candor_keyring_new(&ring), CANDOR_OK);
    assert_int_equal(candor_keyring_set(ring, &key, 1, NULL), CANDOR_OK);
    p.store.keys = ring;
    p.settings.encrypt_spool = 1;
    candor_rollups_look(&p.store);
    assert_true(candor_rollups_turn(&p.store));
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    assert_false(file_exists(*state, name));
    process_close(&p);
    candor_keyring_free(ring);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
        T(events_are_counted_by_day_and_key_and_not_sent),
        T(midnight_belongs_to_the_new_day_in_local_time),
        T(a_change_of_the_clocks_moves_the_end_of_the_day),
        T(the_zone_at_the_time_of_counting_decides),
        T(a_day_is_sent_ten_minutes_after_its_end),
        T(the_worker_wakes_for_the_end_of_the_day_only),
        T(a_clock_that_is_ahead_for_a_moment_sends_nothing),
        T(a_clock_that_is_set_back_delays_and_loses_nothing),
        T(a_zone_change_past_midnight_sends_after_the_hold),
        T(late_events_of_a_sent_day_are_sent_as_a_further_sum),
        T(the_hold_outlasts_the_process),
        T(a_restart_of_the_machine_starts_the_hold_again),
        T(killed_at_any_transaction_counts_and_sends_once),
        T(a_batch_file_that_was_adopted_is_not_written_again),
        T(of_two_processes_one_sends),
        T(frozen_rows_of_a_live_process_are_left_to_it),
        T(keys_without_end_become_other_and_stay_bounded),
        T(long_keys_fill_256_kilobytes_at_most),
        T(days_without_end_are_counted_as_lost),
        T(a_lost_database_counts_what_was_known_as_corrupt),
        T(without_a_database_events_are_sent_one_by_one),
        T(fields_that_are_missing_or_of_another_schema_are_left_out),
        T(status_says_what_waits),
        T(a_batch_that_cannot_be_written_counts_nothing_twice),
        T(without_disk_a_day_is_tried_twice_as_seldom_each_time),
        T(waiting_counts_cost_no_wake_up),
        T(a_database_from_before_rollups_is_kept_and_counts_on),
        T(a_batch_written_in_clear_by_a_dead_process_does_not_stay_beside_the_sealed_one),
        T(purge_deletes_counts_and_says_how_many_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
