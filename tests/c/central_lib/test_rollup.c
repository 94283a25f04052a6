/* Roll-ups of the SQLite sink: they equal the rows, whatever happens between a commit and a query.
 */
#include "central_lib/store_fixture.h"

static void counts_of_a_range_are_exact_to_the_hour(void **state)
{
    fixture *f = *state;
    int64_t midnight = NOW - NOW % DAY, h;
    for (h = -60; h < 60; h++)
        store_turns(f, (unsigned)(h + 100), 1, midnight + h * HOUR + 5);
    assert_int_equal(counted(f, midnight - 60 * HOUR, midnight + 60 * HOUR), 120);
    assert_int_equal(counted(f, midnight - 3 * HOUR, midnight + 2 * HOUR), 5);
    assert_int_equal(counted(f, midnight + 2 * HOUR, midnight + 7 * HOUR), 5);
    assert_int_equal(counted(f, midnight, midnight + DAY), 24);
    assert_int_equal(counted(f, midnight - 25 * HOUR, midnight + 49 * HOUR), 74);
    assert_int_equal(counted(f, midnight - HOUR, midnight), 1);
    assert_int_equal(counted(f, midnight, midnight), 0);
}

static void users_are_counted_once_a_day_and_app(void **state)
{
    fixture *f = *state;
    asked *a;
    unsigned i;
    for (i = 0; i < 3; i++) {
        sent *s = new_batch();
        uint32_t c1 = add_context(&s->batch, "s1", "u1", "app"),
                 c2 = add_context(&s->batch, "s2", "u1", "app");
        uint32_t c3 = add_context(&s->batch, "s3", "u2", "app");
        add_row(f, &s->batch, c1, "ChatTurn", NOW, 10 * i + 1, "{}");
        add_row(f, &s->batch, c2, "ChatTurn", NOW, 10 * i + 2, "{}");
        add_row(f, &s->batch, c3, "ChatTurn", NOW - DAY, 10 * i + 3, "{}");
        submit(f, s);
        free_batch(s);
    }
    a = stats(f, CANDOR_STAT_USERS, NOW - DAY, NOW + DAY, NULL);
    assert_int_equal(a->total, 2);
    free(a);
}

static void charts_group_and_keep_the_histogram(void **state)
{
    fixture *f = *state;
    unsigned i;
    asked *a;
    for (i = 0; i < 20; i++) {
        sent *s = new_batch();
        uint32_t c = add_context(&s->batch, "s1", "u1", i % 2 != 0 ? "app1" : "app2");
        candor_row *r = add_row(f, &s->batch, c, "ToolCall", NOW - (i % 3) * DAY, i, "{}");
        r->dim = put(&s->batch, i % 4 != 0 ? "grep" : "shell");
        r->bucket = candor_hist_bucket(100);
        submit(f, s);
        free_batch(s);
    }
    a = stats(f, CANDOR_STAT_CHARTS, NOW - 5 * DAY, NOW + DAY, NULL);
    assert_non_null(strstr(a->text, "ToolCall/grep//0=15 "));
    assert_non_null(strstr(a->text, "ToolCall/shell//0=5 "));
    free(a);
    a = stats(f, CANDOR_STAT_CHARTS, NOW - 5 * DAY, NOW + DAY, "app1");
    assert_non_null(strstr(a->text, "ToolCall/grep//0=10 "));
    assert_null(strstr(a->text, "shell"));
    free(a);
}

static void hostile_dimensions_end_in_other(void **state)
{
    fixture *f = *state;
    sent *s = new_batch();
    uint32_t c = add_context(&s->batch, "s1", "u1", "app");
    unsigned i;
    asked *a;
    for (i = 0; i < 1500; i++) {
        char name[16];
        candor_row *r = add_row(f, &s->batch, c, "ToolCall", NOW, i, "{}");
        snprintf(name, sizeof name, "tool%u", i);
        r->dim = put(&s->batch, name);
    }
    submit(f, s);
    free_batch(s);
    a = stats(f, CANDOR_STAT_CHARTS, NOW - DAY, NOW + DAY, NULL);
    assert_int_equal(a->total, 1500);
    free(a);
}

static void decide(fixture *f, const char *type, const char *corr, unsigned no, const char *session,
                   const char *payload)
{
    sent *s = new_batch();
    uint32_t c = add_context(&s->batch, session, "u1", "app");
    candor_row *r = add_row(f, &s->batch, c, type, NOW, no, payload);
    r->correlation = put(&s->batch, corr);
    submit(f, s);
    free_batch(s);
}
#define TURN(no, corr, session, model)                                                             \
    decide(f, "ChatTurn", corr, no, session, "{\"model\":\"" model "\"}")
#define DECISION(no, corr, session, what)                                                          \
    decide(f, "ProposalDecision", corr, no, session, "{\"decision\":\"" what "\"}")

static void approvals_find_their_model_in_either_order(void **state)
{
    fixture *f = *state;
    asked *a;
    TURN(1, "c1", "s1", "gpt-4o");
    DECISION(2, "c1", "s1", "approved");
    DECISION(3, "c2", "s2", "rejected"); /* before its turn */
    a = stats(f, CANDOR_STAT_APPROVALS, NOW - DAY, NOW + DAY, NULL);
    assert_string_equal(a->text, "(unknown)/rejected//0=1 gpt-4o/approved//0=1 ");
    free(a);
    TURN(4, "c2", "s2", "claude");
    a = stats(f, CANDOR_STAT_APPROVALS, NOW - DAY, NOW + DAY, NULL);
    assert_string_equal(a->text, "claude/rejected//0=1 gpt-4o/approved//0=1 ");
    free(a);
}

static void approval_without_a_turn_takes_the_sessions_model(void **state)
{
    fixture *f = *state;
    asked *a;
    TURN(1, "c1", "s1", "gpt-4o");
    DECISION(2, "nobody", "s1", "approved");
    a = stats(f, CANDOR_STAT_APPROVALS, NOW - DAY, NOW + DAY, NULL);
    assert_string_equal(a->text, "gpt-4o/approved//0=1 ");
    free(a);
}

static void approvals_know_turns_from_before_a_restart(void **state)
{
    fixture *f = *state;
    asked *a;
    TURN(1, "c1", "s1", "gpt-4o");
    TURN(2, "01a1fdbb-9117-7a6a-9420-a339afe633a6", "s1", "claude");
    TURN(3, "c3", "s1", "other");
    close_store(f);
    open_store(f);
    DECISION(4, "c1", "s1", "approved");
    DECISION(5, "01a1fdbb-9117-7a6a-9420-a339afe633a6", "s1", "approved");
    a = stats(f, CANDOR_STAT_APPROVALS, NOW - DAY, NOW + DAY, NULL);
    assert_string_equal(a->text, "claude/approved//0=1 gpt-4o/approved//0=1 ");
    free(a);
}

/* --- from r_delta into the tables ----------------------------------------------------------- */

#define DAYS 20

/* A transaction of its own: a tool call with a duration and a turn. */
static void store_one(fixture *f, unsigned no, int64_t ms)
{
    sent *s = new_batch();
    uint32_t c = add_context(&s->batch, "s1", "u1", no % 2 != 0 ? "app1" : "app2");
    candor_row *r = add_row(f, &s->batch, c, "ToolCall", ms, no, "{}");
    r->dim = put(&s->batch, no % 3 != 0 ? "grep" : "shell");
    r->bucket = candor_hist_bucket(no % 50);
    add_row(f, &s->batch, c, "ChatTurn", ms, no + 1000000, "{\"model\":\"gpt-4o\"}");
    submit(f, s);
    free_batch(s);
}

static void expect(fixture *f, candor_stat what, int64_t from, int64_t to, const char *app,
                   int64_t total, int64_t measured)
{
    int reader;
    for (reader = 0; reader < 2; reader++) { /* each has its own memory of what it summed */
        asked *a = stats(f, what, from, to, app);
        assert_int_equal(a->total, total);
        assert_int_equal(a->measured, measured);
        free(a);
    }
}

/* n: transactions, spread evenly over DAYS days that end with NOW's. */
static void expect_spread(fixture *f, int64_t n)
{
    int64_t today = NOW - NOW % DAY, day = n / DAYS;
    expect(f, CANDOR_STAT_COUNTS, 0, NOW * 2, NULL, n * 2, 0);
    expect(f, CANDOR_STAT_COUNTS, today - 17 * DAY, today, NULL, day * 17 * 2, 0);
    expect(f, CANDOR_STAT_COUNTS, 0, NOW * 2, "app1", n, 0);
    expect(f, CANDOR_STAT_CHARTS, 0, NOW * 2, NULL, n * 2, n);
    expect(f, CANDOR_STAT_CHARTS, today - 18 * DAY, today - DAY, NULL, day * 17 * 2, day * 17);
    expect(f, CANDOR_STAT_CHARTS, 0, NOW * 2, "app2", n, n / 2);
    expect(f, CANDOR_STAT_CHARTS, 0, NOW * 2, "nobody", 0, 0);
}

static void roll_ups_equal_the_rows_before_and_after_they_are_folded(void **state)
{
    fixture *f = *state;
    unsigned i;
    for (i = 0; i < 40 * DAYS; i++) {
        /* both apps on every day: the day moves on every second event */
        store_one(f, i, NOW - (i / 2 % DAYS) * DAY);
        if ((i + 1) % (10 * DAYS) == 0) expect_spread(f, i + 1);
    }
    expect(f, CANDOR_STAT_USERS, 0, NOW * 2, NULL, DAYS * 2, 0);
    close_store(f);
    open_store(f);
    expect_spread(f, 40 * DAYS);
}

static void late_events_reach_days_that_a_reader_remembers(void **state)
{
    fixture *f = *state;
    unsigned i;
    for (i = 0; i < 14 * DAYS; i++)
        store_one(f, i, NOW - (i / 2 % DAYS) * DAY);
    expect_spread(f, 14 * DAYS);
    for (; i < 14 * DAYS + 300; i++)
        store_one(f, i, NOW - (DAYS - 2) * DAY);
    expect(f, CANDOR_STAT_COUNTS, 0, NOW * 2, NULL, (14 * DAYS + 300) * 2, 0);
    expect(f, CANDOR_STAT_CHARTS, 0, NOW * 2, NULL, (14 * DAYS + 300) * 2, 14 * DAYS + 300);
}

static void transaction_of_more_values_than_fit_in_memory_is_counted_whole(void **state)
{
    enum { ROWS = 70000 };
    fixture *f = *state;
    sent *s = new_batch();
    uint32_t c = add_context(&s->batch, "s1", "u1", "app");
    unsigned i;
    for (i = 0; i < ROWS; i++) {
        candor_row *r = add_row(f, &s->batch, c, "ToolCall", NOW - (i % 3) * DAY, i, "{}");
        r->bucket = candor_hist_bucket(i % 1000);
    }
    submit(f, s);
    free_batch(s);
    expect(f, CANDOR_STAT_COUNTS, 0, NOW * 2, NULL, ROWS, 0);
    expect(f, CANDOR_STAT_CHARTS, 0, NOW * 2, NULL, ROWS, ROWS);
    expect(f, CANDOR_STAT_USERS, 0, NOW * 2, NULL, 3, 0);
}

static void killed_process_leaves_roll_ups_equal_to_the_rows(void **state)
{
    fixture *f = *state;
    int status = 0;
    unsigned i;
    pid_t pid;
    close_store(f); /* SQLite must not be carried across fork */
    pid = fork();
    if (pid == 0) {
        open_store(f);
        for (i = 0; i < 15 * DAYS; i++)
            store_one(f, i, NOW - (i / 2 % DAYS) * DAY);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    open_store(f);
    for (i = 0; i < 16 * DAYS; i++) /* the first of them are duplicates */
        store_one(f, i, NOW - (i / 2 % DAYS) * DAY);
    expect(f, CANDOR_STAT_COUNTS, 0, NOW * 2, NULL, 16 * DAYS * 2, 0);
    expect(f, CANDOR_STAT_CHARTS, 0, NOW * 2, NULL, 16 * DAYS * 2, 16 * DAYS);
}

static void purged_days_do_not_come_back_from_r_delta(void **state)
{
    fixture *f = *state;
    unsigned i;
    store_turns(f, 0, 60, NOW - 10 * DAY);
    store_turns(f, 100, 40, NOW);
    close_store(f);
    f->retention_days = 5;
    open_store(f); /* the first thing an idle writer does is to purge */
    for (i = 0; i < 2000 && counted(f, 0, NOW * 2) != 40; i++)
        usleep(5000);
    for (i = 0; i < 300; i++)
        store_one(f, 1000 + i, NOW);
    expect(f, CANDOR_STAT_COUNTS, 0, NOW * 2, NULL, 40 + 600, 0);
    expect(f, CANDOR_STAT_CHARTS, 0, NOW * 2, NULL, 40 + 600, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(counts_of_a_range_are_exact_to_the_hour),
        STORE_TEST(users_are_counted_once_a_day_and_app),
        STORE_TEST(charts_group_and_keep_the_histogram),
        STORE_TEST(hostile_dimensions_end_in_other),
        STORE_TEST(approvals_find_their_model_in_either_order),
        STORE_TEST(approval_without_a_turn_takes_the_sessions_model),
        STORE_TEST(approvals_know_turns_from_before_a_restart),
        STORE_TEST(roll_ups_equal_the_rows_before_and_after_they_are_folded),
        STORE_TEST(late_events_reach_days_that_a_reader_remembers),
        STORE_TEST(transaction_of_more_values_than_fit_in_memory_is_counted_whole),
        STORE_TEST(killed_process_leaves_roll_ups_equal_to_the_rows),
        STORE_TEST(purged_days_do_not_come_back_from_r_delta),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
