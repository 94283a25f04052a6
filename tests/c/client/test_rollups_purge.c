/* Purges that meet a drain: what was counted just now goes too, and nothing is counted twice. */
#include "client/rollup_test.h"

static candor_client *open_client(const char *dir)
{
    char options[1024];
    candor_client *c = NULL;
    (void)snprintf(options, sizeof options,
                   "{\"app\":\"testapp\",\"directory\":\"%s\",\"mode\":\"manual\","
                   "\"batchEvents\":1000,\"batchIntervalMs\":3600000,\"minFreeDiskBytes\":0,"
                   "\"notice\":\"none\"}",
                   dir);
    assert_int_equal(
        candor_open(candor_bytes_str(options), candor_bytes_str(rollup_schema), &c, NULL),
        CANDOR_OK);
    return c;
}

static void use_tools(candor_client *c, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(candor_emit(c, CANDOR_LIT("Tool"),
                                     CANDOR_LIT("{\"name\":\"grep\",\"ok\":true}"), CANDOR_LIT("")),
                         CANDOR_EMIT_KEPT);
}

static void use_ping(candor_client *c)
{
    assert_int_equal(candor_emit(c, CANDOR_LIT("Ping"), CANDOR_LIT("{\"n\":1}"), CANDOR_LIT("")),
                     CANDOR_EMIT_KEPT);
}

/* kept = what waits and was lost or rolled up; nothing is sent here. */
static void assert_client_conserved(candor_client *c)
{
    long long kept = status_number(c, NULL, "kept");
    long long parts = status_number(c, NULL, "pending_journal") +
                      status_number(c, "spool", "events") + status_number(c, NULL, "rolled_up") +
                      status_number(c, "dropped", "purged");
    assert_int_equal(kept, parts);
}

/* --- inside one drain ------------------------------------------------------------------------ */

typedef struct intruder {
    int looks, from; /* disturbed from this look on */
} intruder;

static bool disturbs(void *ctx)
{
    intruder *i = ctx;
    return ++i->looks >= i->from;
}

static void leave_events(const char *dir)
{
    dead d = dead_process(dir);
    for (int i = 0; i < 4; i++)
        left_tool(&d, NOON + i, "grep", true);
    left(&d, "Ping", NOON, "{\"n\":1}");
    candor_segment_free(d.segment);
}

static void recover_disturbed(const char *dir, int from, long long counted)
{
    process p;
    intruder who = {.from = from};
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    leave_events(dir);
    process_open(&p, dir, &f);
    p.store.disturbed = disturbs;
    p.store.disturbed_ctx = &who;
    process_recover(&p);
    assert_int_equal(waiting(&p, "SELECT coalesce(sum(n),0) FROM rollup"), counted);
    assert_int_equal(waiting(&p, "SELECT count(*) FROM batches"), 0);
    assert_int_equal(count_files(dir, "spool", NULL), 0);
    assert_int_equal(count_files(dir, "journal", NULL), 1);
    assert_string_equal(p.store.error, ""); /* no fault */
    p.store.disturbed = NULL;
    process_recover(&p);
    assert_int_equal(waiting(&p, "SELECT sum(n) FROM rollup"), 4);
    assert_spool(dir, 0, 0, 0, 1);
    assert_conserved(&p);
    process_close(&p);
}

static void counts_are_not_added_once_a_purge_was_asked_for(void **state)
{
    recover_disturbed(*state, 1, 0);
}

static void a_batch_is_not_kept_once_a_purge_was_asked_for(void **state)
{
    recover_disturbed(*state, 2, 4);
}

/* The client's own question, at the moment between the purge of another process and its obeying:
 * the database is held meanwhile, so that the drain has looked at consent and stands before its
 * transaction. */
static void counts_that_wait_for_the_database_go_with_the_purge_that_holds_it(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_state *db = NULL;
    candor_consent *other = NULL;
    uint64_t events = 0;
    answer a;
    candor_client *c = open_client(*state);
    assert_int_equal(flush(c, &a), CANDOR_OK); /* state.db is open */
    assert_int_equal(candor_state_open(in_dir(*state, "state.db", path), &db, NULL), CANDOR_OK);
    assert_int_equal(candor_consent_open(in_dir(*state, "consent", path), &other, NULL), CANDOR_OK);
    assert_int_equal(candor_state_begin(db, NULL), CANDOR_OK);
    use_tools(c, 25);
    uint64_t turns = candor_worker_turns(c);
    answer_init(&a);
    candor_flush(c, on_answer, &a);
    uint64_t end = candor_clock_mono_ns() + WAIT_MS * 1000000ull;
    while (candor_worker_turns(c) == turns)
        assert_true(candor_clock_mono_ns() < end);
    (void)candor_consent_ask_purge(other);
    assert_int_equal(candor_rollup_purge(db, &events, NULL), CANDOR_OK);
    assert_int_equal(candor_state_end(db, CANDOR_OK, NULL), CANDOR_OK);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_int_equal(status_number(c, "rollups", "rows"), 0);
    assert_int_equal(status_number(c, NULL, "rolled_up"), 0);
    assert_int_equal(status_number(c, "dropped", "purged"), 25);
    assert_client_conserved(c);
    candor_state_close(db);
    candor_consent_close(other);
    candor_close(c, 100);
}

/* --- after a batch that failed --------------------------------------------------------------- */

static void block_spool(const char *dir, bool block)
{
    char spool[CANDOR_PATH_MAX], away[CANDOR_PATH_MAX];
    (void)in_dir(dir, "spool", spool);
    (void)in_dir(dir, "away", away);
    if (block) {
        assert_int_equal(rename(spool, away), 0);
        put_file(dir, "spool", "in the way");
    } else {
        assert_int_equal(unlink(spool), 0);
        assert_int_equal(rename(away, spool), 0);
    }
}

static candor_client *open_with_a_failed_batch(const char *dir)
{
    answer a;
    candor_client *c = open_client(dir);
    use_tools(c, 25);
    use_ping(c);
    free(status_text(c)); /* the directories are there */
    block_spool(dir, true);
    assert_int_not_equal(flush(c, &a), CANDOR_OK);
    return c;
}

static void what_is_counted_is_not_pending_while_its_batch_fails(void **state)
{
    answer a;
    candor_client *c = open_with_a_failed_batch(*state);
    assert_int_equal(status_number(c, NULL, "kept"), 26);
    assert_int_equal(status_number(c, NULL, "rolled_up"), 25);
    assert_int_equal(status_number(c, NULL, "pending_journal"), 1);
    assert_client_conserved(c);
    block_spool(*state, false);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, NULL, "kept"), 26);
    assert_int_equal(status_number(c, NULL, "pending_journal"), 0);
    assert_client_conserved(c);
    candor_close(c, 100);
}

static void a_purge_after_a_failed_batch_counts_each_event_once(void **state)
{
    answer a;
    candor_client *c = open_with_a_failed_batch(*state);
    block_spool(*state, false);
    assert_int_equal(purge(c, &a), CANDOR_OK);
    assert_string_equal(a.json, "{\"purged\":26}");
    assert_int_equal(status_number(c, NULL, "kept"), 26);
    assert_int_equal(status_number(c, "dropped", "purged"), 26);
    assert_int_equal(status_number(c, NULL, "rolled_up"), 0);
    assert_client_conserved(c);
    use_tools(c, 2);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, NULL, "kept"), 28);
    assert_client_conserved(c);
    candor_close(c, 100);
}

/* The same, of a process that died after its batch had failed. */
static void a_purge_counts_what_a_dead_process_left_once(void **state)
{
    process p;
    uint64_t events = 0;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    leave_events(*state);
    process_open(&p, *state, &f);
    block_spool(*state, true);
    process_recover(&p);
    block_spool(*state, false);
    assert_int_equal(waiting(&p, "SELECT sum(n) FROM rollup"), 4);
    assert_int_equal(count_files(*state, "journal", NULL), 1);
    uint64_t records = candor_recover_purge(&p.store, 0);
    assert_int_equal(records, 1);
    assert_int_equal(candor_store_purge(&p.store, records, &events, NULL), CANDOR_OK);
    assert_int_equal(events, 5);
    assert_conserved(&p);
    process_close(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
        T(counts_are_not_added_once_a_purge_was_asked_for),
        T(a_batch_is_not_kept_once_a_purge_was_asked_for),
        T(counts_that_wait_for_the_database_go_with_the_purge_that_holds_it),
        T(what_is_counted_is_not_pending_while_its_batch_fails),
        T(a_purge_after_a_failed_batch_counts_each_event_once),
        T(a_purge_counts_what_a_dead_process_left_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
