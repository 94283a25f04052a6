/* What a crash leaves, at each step, and what the next start makes of it. */
#include "client/client_test.h"

#include <signal.h>
#include <sys/wait.h>

static void run_child(const char *dir, const char *extra, int events, bool bad_ones)
{
    pid_t child = fork();
    if (child == 0) {
        candor_client *c = open_with(dir, extra);
        for (int i = 0; i < events; i++)
            if (ping(c, i) != CANDOR_EMIT_KEPT) _exit(1);
        for (int i = 0; bad_ones && i < 3; i++)
            (void)candor_emit(c, CANDOR_LIT("Nope"), CANDOR_LIT("{}"), CANDOR_LIT(""));
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

/* Opens, so that recovery has run once the flush is answered. */
static candor_client *reopen(const char *dir)
{
    answer a;
    candor_client *c = open_with(dir, "");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    return c;
}

static void killed_process_loses_nothing(void **state)
{
    run_child(*state, "", 4321, true);
    candor_client *c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "events"), 4321);
    assert_int_equal(status_number(c, NULL, "kept"), 4321);
    assert_int_equal(status_number(c, "dropped", "unknown_event"), 3);
    assert_int_equal(status_number(c, NULL, "emitted"), 4324);
    candor_close(c, 100);
    assert_int_equal(count_files(*state, "journal", NULL), 0);
}

static void killed_while_batching_counts_once(void **state)
{
    for (int i = 0; i < 10; i++)
        run_child(*state, ",\"batchEvents\":7", 100 + i, true);
    candor_client *c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "events"), 1045);
    assert_int_equal(status_number(c, NULL, "kept"), 1045);
    assert_int_equal(status_number(c, "dropped", "unknown_event"), 30);
    candor_close(c, 100);
}

/* A segment with n records of a process that is gone, and what stands for its next steps. */
static candor_segment *dead_segment(const char *dir, int n)
{
    char journal[CANDOR_PATH_MAX];
    candor_segment *s = NULL;
    const candor_segment_info info = {
        .schema_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .context_json = CANDOR_LIT("\"session_id\":\"s\",\"user_id\":\"u\"")};
    assert_int_equal(candor_dir_create(in_dir(dir, "journal", journal), NULL), CANDOR_OK);
    assert_int_equal(candor_segment_create(journal, 1 << 20, &info, &s, NULL), CANDOR_OK);
    candor_id_source ids;
    assert_int_equal(candor_id_source_init(&ids), CANDOR_OK);
    for (int i = 0; i < n; i++) {
        candor_buf body;
        candor_record r = {.seq = (uint64_t)i + 1, .type = CANDOR_LIT("Ping")};
        r.ts_ms = candor_clock_unix_ms();
        candor_id_source_next(&ids, (uint64_t)r.ts_ms, r.id);
        assert_true(candor_segment_begin(s, &r, &body));
        candor_buf_put_bytes(&body, CANDOR_LIT("{\"n\":1}"));
        (void)candor_segment_commit(s, &r, &body);
    }
    return s;
}

/* The batch's file as the dead process wrote it. */
static void write_batch(const char *dir, candor_segment *s, candor_batch *b)
{
    char spool[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX], name[64];
    assert_int_equal(candor_dir_create(in_dir(dir, "spool", spool), NULL), CANDOR_OK);
    assert_int_equal(candor_batch_build(b, s, candor_segment_consumed(s), s->map.n, 4, NULL),
                     CANDOR_OK);
    (void)snprintf(name, sizeof name, "%s.jsonl.gz", b->row.id);
    assert_int_equal(
        candor_file_write_durable(in_dir(spool, name, path), candor_buf_bytes(&b->gz), NULL),
        CANDOR_OK);
}

static void killed_between_file_and_row_is_not_batched_again(void **state)
{
    candor_batch b = {0};
    candor_segment *s = dead_segment(*state, 50);
    write_batch(*state, s, &b);
    candor_segment_free(s);
    candor_client *c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "batches"), 1);
    assert_int_equal(status_number(c, "spool", "events"), 50);
    assert_int_equal(status_number(c, NULL, "kept"), 50);
    candor_close(c, 100);
    candor_batch_deinit(&b);
}

/* setKeys recovers at any time, also while an upload sends from the store's scratch. */
static void recovery_leaves_the_body_of_an_upload_alone(void **state)
{
    candor_store store;
    candor_settings settings;
    _Atomic bool stop = false;
    candor_recovered found = {0};
    candor_batch b = {0};
    candor_segment *s = dead_segment(*state, 50);
    write_batch(*state, s, &b);
    candor_segment_free(s);
    candor_bytes options = CANDOR_LIT("{\"app\":\"testapp\",\"minFreeDiskBytes\":0}");
    assert_int_equal(candor_settings_read(options, &settings, NULL), CANDOR_OK);
    assert_int_equal(candor_store_open(&store, &settings, &stop, *state, NULL), CANDOR_OK);
    candor_buf_put_bytes(&store.file, CANDOR_LIT("in flight"));
    candor_recover_dead(&store, &found);
    assert_int_equal(found.adopted, 1);
    assert_true(candor_bytes_eq(candor_buf_bytes(&store.file), CANDOR_LIT("in flight")));
    candor_store_close(&store);
    candor_settings_free(&settings);
    candor_batch_deinit(&b);
}

static void killed_between_row_and_offset_is_not_batched_again(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_batch b = {0};
    candor_state *db = NULL;
    candor_segment *s = dead_segment(*state, 50);
    write_batch(*state, s, &b);
    assert_int_equal(candor_state_open(in_dir(*state, "state.db", path), &db, NULL), CANDOR_OK);
    assert_int_equal(candor_state_begin(db, NULL), CANDOR_OK);
    assert_int_equal(candor_state_add_batch(db, &b.row, b.counts, b.n_counts, NULL), CANDOR_OK);
    assert_int_equal(candor_state_set_consumed(db, s->info.id, b.to, NULL), CANDOR_OK);
    assert_int_equal(candor_state_end(db, CANDOR_OK, NULL), CANDOR_OK);
    candor_state_close(db);
    candor_segment_free(s);
    candor_client *c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "batches"), 1);
    assert_int_equal(status_number(c, NULL, "kept"), 50);
    candor_close(c, 100);
    candor_batch_deinit(&b);
}

static void killed_between_acknowledgement_and_deletion_is_not_sent_again(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_state *db = NULL;
    candor_batch_row row;
    bool changed = false;
    answer a;
    candor_client *c = open_with(*state, "");
    ping_many(c, 5);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_close(c, 100);
    assert_int_equal(candor_state_open(in_dir(*state, "state.db", path), &db, NULL), CANDOR_OK);
    assert_int_equal(candor_state_next(db, "", INT64_MAX, true, &row, NULL), CANDOR_OK);
    assert_int_equal(candor_state_mark_sent(db, &row, 0, &changed, NULL), CANDOR_OK);
    assert_true(changed);
    candor_state_close(db);
    c = reopen(*state);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(status_number(c, "spool", "batches"), 0);
    assert_int_equal(status_number(c, "sent", "events"), 5);
    candor_close(c, 100);
}

static void damaged_record_is_counted_and_the_rest_kept(void **state)
{
    candor_segment *s = dead_segment(*state, 10);
    s->map.p[CANDOR_SEGMENT_HEADER + 20] ^= 0x55;
    candor_segment_free(s);
    candor_client *c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "events"), 9);
    assert_int_equal(status_number(c, "dropped", "corrupt"), 1);
    candor_close(c, 100);
}

static void unreadable_rest_is_quarantined(void **state)
{
    candor_record r;
    candor_segment *s = dead_segment(*state, 10);
    assert_int_equal(candor_segment_read(s, CANDOR_SEGMENT_HEADER, s->map.n, &r),
                     CANDOR_READ_RECORD);
    memset(s->map.p + r.next, 0xff, 4);
    candor_segment_free(s);
    candor_client *c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "events"), 1);
    assert_int_equal(status_number(c, "dropped", "corrupt"), 1);
    assert_int_equal(status_number(c, "spool", "quarantined"), 1);
    candor_close(c, 100);
}

static void unknown_version_is_quarantined(void **state)
{
    candor_segment *s = dead_segment(*state, 3);
    s->map.p[8] = 99;
    candor_segment_free(s);
    candor_client *c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "quarantined"), 1);
    assert_int_equal(status_number(c, "dropped", "corrupt"), 1);
    candor_close(c, 100);
}

static void lost_database_is_rebuilt_from_the_files(void **state)
{
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
    char path[CANDOR_PATH_MAX];
    candor_client *c = open_with(*state, "");
    ping_many(c, 8);
    candor_close(c, 10000);
    for (int i = 0; i < 3; i++)
        unlink(in_dir(*state, names[i], path));
    c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "events"), 8);
    assert_int_equal(status_number(c, NULL, "kept"), 8);
    candor_close(c, 100);
}

static void damaged_database_is_quarantined_and_rebuilt(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_client *c = open_with(*state, "");
    ping_many(c, 8);
    candor_close(c, 10000);
    FILE *f = fopen(in_dir(*state, "state.db", path), "r+");
    for (int i = 0; i < 3000; i++)
        fputc('#', f);
    fclose(f);
    c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "events"), 8);
    assert_true(status_number(c, "spool", "quarantined") >= 1);
    assert_true(status_has(c, "\"worker\":{\"error\":null}"));
    candor_close(c, 100);
}

static void foreign_spool_file_is_quarantined(void **state)
{
    char spool[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX];
    assert_int_equal(candor_dir_create(in_dir(*state, "spool", spool), NULL), CANDOR_OK);
    FILE *f = fopen(in_dir(spool, "01a1fdb8-9a0d-708b-a500-ea7ada5fd58b.jsonl.gz", path), "w");
    fputs("not gzip", f);
    fclose(f);
    candor_client *c = reopen(*state);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(status_number(c, "spool", "quarantined"), 1);
    assert_int_equal(status_number(c, "dropped", "corrupt"), 1);
    candor_close(c, 100);
}

static void vanished_file_drops_its_row(void **state)
{
    char last[CANDOR_PATH_MAX];
    candor_client *c = open_with(*state, "");
    ping_many(c, 8);
    candor_close(c, 10000);
    assert_int_equal(count_files(*state, "spool", last), 1);
    unlink(last);
    c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "batches"), 0);
    assert_int_equal(status_number(c, "dropped", "corrupt"), 8);
    candor_close(c, 100);
}

static void two_clients_share_a_directory(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    answer r;
    ping_many(a, 30);
    ping_many(b, 20);
    assert_int_equal(flush(a, &r), CANDOR_OK);
    assert_int_equal(status_number(a, "spool", "events"), 30); /* b lives: its journal is b's */
    assert_int_equal(flush(b, &r), CANDOR_OK);
    assert_int_equal(status_number(a, "spool", "events"), 50);
    assert_int_equal(status_number(b, NULL, "kept"), 50);
    candor_close(a, 100);
    candor_close(b, 100);
}

static void fork_child_does_not_emit(void **state)
{
    candor_client *c = open_with(*state, "");
    ping_many(c, 1);
    pid_t child = fork();
    if (child == 0) {
        int bad = ping(c, 2) != CANDOR_EMIT_CLOSED;
        candor_close(c, 100); /* returns, and leaves the parent's files alone */
        _exit(bad);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ping_many(c, 1);
    assert_int_equal(status_number(c, NULL, "kept"), 2);
    candor_close(c, 100);
}

/* --- what belongs to somebody else --- */

#define UUID "01a1fdb8-9a0d-708b-a500-ea7ada5fd58b"

static void foreign_files_are_left_alone(void **state)
{
    static const char *const foreign[] = {"journal/diary.txt",
                                          "journal/diary.seg",
                                          "journal/x.tmp",
                                          "journal/" UUID ".seg.bak",
                                          "spool/mail",
                                          "spool/old.jsonl.gz",
                                          "spool/" UUID ".jsonl",
                                          "spool/" UUID ".tmp",
                                          "spool/" UUID ".jsonl.gz.1-.tmp",
                                          "spool/a.jsonl.gz.1-2.tmp",
                                          "quarantine/virus.exe",
                                          "quarantine/2024-report.txt",
                                          "quarantine/-" UUID ".seg",
                                          "quarantine/12-state.db.bak",
                                          "quarantine/12"};
    static const char *const ours[] = {"journal/" UUID ".new", "spool/" UUID ".jsonl.gz.12-af0.tmp",
                                       "quarantine/1700000000000-" UUID ".seg",
                                       "quarantine/1700000000000-state.db-wal"};
    const size_t n = sizeof foreign / sizeof foreign[0], m = sizeof ours / sizeof ours[0];
    answer a;
    make_subdir(*state, "journal");
    make_subdir(*state, "spool");
    make_subdir(*state, "quarantine");
    for (size_t i = 0; i < n + m; i++) {
        put_file(*state, i < n ? foreign[i] : ours[i - n], "text");
        age_file(*state, i < n ? foreign[i] : ours[i - n], 2);
    }
    candor_client *c = reopen(*state);
    assert_int_equal(status_number(c, "spool", "quarantined"), 2);
    assert_false(file_exists(*state, ours[0])); /* stale temporary files */
    assert_false(file_exists(*state, ours[1]));
    assert_int_equal(set_enabled(c, false, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    candor_close(c, 100);
    for (size_t i = 0; i < m; i++)
        assert_false(file_exists(*state, ours[i]));
    for (size_t i = 0; i < n; i++)
        if (!file_exists(*state, foreign[i])) fail_msg("%s is gone", foreign[i]);
}

static void looking_keeps_the_journals_that_low_disk_holds(void **state)
{
    answer a;
    for (int i = 0; i < 4; i++)
        run_child(*state, ",\"minFreeDiskBytes\":1125899906842624", 5, false);
    unsigned before = count_files(*state, "journal", NULL);
    candor_client *c = open_with(*state, ",\"minFreeDiskBytes\":1125899906842624,\"inspect\":true,"
                                         "\"journalMaxBytes\":2097152");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "dropped", "disk_low"), 0);
    candor_close(c, 100);
    assert_int_equal(count_files(*state, "journal", NULL), before);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(killed_process_loses_nothing),
        WITH_DIR(killed_while_batching_counts_once),
        WITH_DIR(killed_between_file_and_row_is_not_batched_again),
        WITH_DIR(recovery_leaves_the_body_of_an_upload_alone),
        WITH_DIR(killed_between_row_and_offset_is_not_batched_again),
        WITH_DIR(killed_between_acknowledgement_and_deletion_is_not_sent_again),
        WITH_DIR(damaged_record_is_counted_and_the_rest_kept),
        WITH_DIR(unreadable_rest_is_quarantined),
        WITH_DIR(unknown_version_is_quarantined),
        WITH_DIR(lost_database_is_rebuilt_from_the_files),
        WITH_DIR(damaged_database_is_quarantined_and_rebuilt),
        WITH_DIR(foreign_spool_file_is_quarantined),
        WITH_DIR(foreign_files_are_left_alone),
        WITH_DIR(looking_keeps_the_journals_that_low_disk_holds),
        WITH_DIR(vanished_file_drops_its_row),
        WITH_DIR(two_clients_share_a_directory),
        WITH_DIR(fork_child_does_not_emit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
