/* The client as a host sees it: open, emit, flush, status, close. */
#include "client/client_test.h"

static void emit_is_kept_and_flushed_into_a_readable_file(void **state)
{
    char last[CANDOR_PATH_MAX];
    answer a;
    candor_client *c = open_with(*state, "");
    ping_many(c, 25);
    assert_int_equal(status_number(c, NULL, "pending_journal"), 25);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "events"), 25);
    assert_int_equal(count_files(*state, "spool", last), 1);
    assert_non_null(strstr(a.json, last)); /* the path it wrote */
    assert_int_equal(status_number(c, NULL, "pending_journal"), 0);
    assert_int_equal(status_number(c, NULL, "kept"), 25);
    assert_int_equal(status_number(c, "spool", "events"), 25);
    candor_close(c, 1000);
}

static void refused_events_are_counted_by_reason(void **state)
{
    answer a;
    candor_client *c = open_with(*state, "");
    assert_int_equal(candor_emit(c, CANDOR_LIT("Nope"), CANDOR_LIT("{}"), CANDOR_LIT("")),
                     CANDOR_EMIT_UNKNOWN_EVENT);
    assert_int_equal(candor_emit(c, CANDOR_LIT("Ping"), CANDOR_LIT("{"), CANDOR_LIT("")),
                     CANDOR_EMIT_BAD_PAYLOAD);
    assert_int_equal(candor_emit(c, CANDOR_LIT("Ping"), CANDOR_LIT("[]"), CANDOR_LIT("")),
                     CANDOR_EMIT_BAD_PAYLOAD);
    assert_int_equal(candor_emit(c, CANDOR_LIT("Rare"), CANDOR_LIT("{}"), CANDOR_LIT("")),
                     CANDOR_EMIT_SAMPLED);
    assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
    assert_int_equal(status_number(c, "dropped", "unknown_event"), 1);
    assert_int_equal(status_number(c, "dropped", "bad_payload"), 2);
    assert_int_equal(status_number(c, "dropped", "sampled"), 1);
    assert_int_equal(status_number(c, NULL, "emitted"), 5);
    assert_int_equal(status_number(c, NULL, "kept"), 1);
    candor_close(c, 1000);
    /* the counters belong to the directory, and are merged once */
    c = open_with(*state, "");
    assert_int_equal(flush(c, &a), CANDOR_OK); /* the start is over */
    assert_int_equal(status_number(c, "dropped", "bad_payload"), 2);
    assert_int_equal(status_number(c, NULL, "emitted"), 5);
    candor_close(c, 1000);
}

static void adjustments_are_reported(void **state)
{
    candor_client *c = open_with(*state, "");
    assert_int_equal(candor_emit(c, CANDOR_LIT("Ping"), CANDOR_LIT("{\"n\":-5,\"x\":1}"),
                                 CANDOR_LIT("not an id, but kept without it")),
                     CANDOR_EMIT_KEPT);
    assert_int_equal(status_number(c, "adjusted", "clamped"), 1);
    assert_int_equal(status_number(c, "adjusted", "unknown_field"), 1);
    assert_int_equal(status_number(c, "adjusted", "bad_value"), 1);
    candor_close(c, 1000);
}

static void close_writes_what_waits(void **state)
{
    candor_client *c = open_with(*state, "");
    ping_many(c, 7);
    candor_close(c, 10000);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    assert_int_equal(count_files(*state, "journal", NULL), 0);
}

static void close_without_time_leaves_it_in_the_journal(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    ping_many(c, 7);
    candor_close(c, 0);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    c = open_with(*state, "");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, NULL, "kept"), 7);
    assert_int_equal(status_number(c, "spool", "events"), 7);
    candor_close(c, 1000);
}

static void batch_is_written_at_the_event_threshold(void **state)
{
    candor_client *c = open_with(*state, ",\"batchEvents\":10");
    candor_waker *pause = NULL;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    ping_many(c, 10);
    for (int i = 0; i < WAIT_MS && status_number(c, "spool", "batches") == 0; i++)
        candor_waker_sleep(pause, 1);
    assert_int_equal(status_number(c, "spool", "events"), 10);
    candor_waker_free(pause);
    candor_close(c, 1000);
}

static void batch_is_written_when_the_oldest_event_has_waited(void **state)
{
    candor_client *c = open_with(*state, ",\"batchIntervalMs\":20");
    candor_waker *pause = NULL;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    ping_many(c, 3);
    for (int i = 0; i < WAIT_MS && status_number(c, "spool", "events") != 3; i++)
        candor_waker_sleep(pause, 1);
    assert_int_equal(status_number(c, "spool", "events"), 3);
    candor_waker_free(pause);
    candor_close(c, 1000);
}

static void idle_worker_makes_no_wake_ups(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    candor_waker *pause = NULL;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    ping_many(c, 3);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_waker_sleep(pause, 200); /* lets the loop come to rest */
    uint64_t before = candor_worker_turns(c);
    candor_waker_sleep(pause, 1500); /* longer than any of the loop's timers */
    assert_int_equal(candor_worker_turns(c), before);
    candor_waker_free(pause);
    candor_close(c, 1000);
}

static void journal_cap_drops_and_counts(void **state)
{
    candor_client *c = open_with(*state, ",\"journalMaxBytes\":2097152,\"spoolMaxBytes\":65536,"
                                         "\"minFreeDiskBytes\":1125899906842624");
    char payload[4200];
    unsigned kept = 0, full = 0;
    (void)snprintf(payload, sizeof payload, "{\"note\":\"%04000d\"}", 7);
    for (int i = 0; i < 1000; i++) {
        candor_emit_result r =
            candor_emit(c, CANDOR_LIT("Ping"), candor_bytes_str(payload), CANDOR_LIT(""));
        kept += r == CANDOR_EMIT_KEPT;
        full += r == CANDOR_EMIT_JOURNAL_FULL;
    }
    assert_int_equal(kept + full, 1000);
    assert_true(full > 0);
    /* the disk is "low": that is the reason people see */
    assert_int_equal(status_number(c, "dropped", "journal_full") +
                         status_number(c, "dropped", "disk_low"),
                     full);
    assert_int_equal(status_number(c, NULL, "kept"), kept);
    answer a;
    assert_int_equal(flush(c, &a), CANDOR_IO);
    assert_non_null(strstr(a.json, "minFreeDiskBytes"));
    candor_close(c, 100);
}

static void segments_rotate_without_loss(void **state)
{
    candor_client *c = open_with(*state, ",\"batchEvents\":100");
    answer a;
    char payload[3200];
    unsigned kept = 0;
    (void)snprintf(payload, sizeof payload, "{\"note\":\"%03000d\"}", 7);
    for (int i = 0; i < 4000; i++) {
        if (i % 200 == 0) assert_int_equal(flush(c, &a), CANDOR_OK);
        kept += candor_emit(c, CANDOR_LIT("Ping"), candor_bytes_str(payload), CANDOR_LIT("")) ==
                CANDOR_EMIT_KEPT;
    }
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(kept, 4000); /* 12 MB through segments of 1 MiB and more */
    assert_int_equal(status_number(c, "spool", "events"), kept);
    assert_int_equal(status_number(c, NULL, "kept"), kept);
    assert_true(count_files(*state, "journal", NULL) <= 2);
    candor_close(c, 1000);
}

static void event_ids_increase_and_correlation_is_kept(void **state)
{
    candor_client *c = open_with(*state, "");
    candor_buf text = {0};
    candor_err err = {0};
    char before[37] = "";
    for (int i = 0; i < 300; i++)
        assert_int_equal(
            candor_emit(c, CANDOR_LIT("Ping"), CANDOR_LIT("{\"n\":1}"), CANDOR_LIT("req-1")),
            CANDOR_EMIT_KEPT);
    assert_int_equal(candor_preview(c, &text, &err), CANDOR_OK);
    candor_buf_put_c(&text, '\0');
    unsigned lines = 0;
    for (char *line = text.p; *line != '\0'; line = strchr(line, '\n') + 1, lines++) {
        const char *id = json_at(line, NULL, "event_id") + 1;
        assert_true(strncmp(before, id, 36) < 0);
        memcpy(before, id, 36);
        assert_memory_equal(json_at(line, NULL, "correlation_id"), "\"req-1\"", 7);
    }
    assert_int_equal(lines, 300);
    candor_buf_free(&text);
    candor_close(c, 1000);
}

static void stats_count_by_hour_and_type(void **state)
{
    candor_client *c = open_with(*state, "");
    candor_buf text = {0};
    answer a;
    ping_many(c, 12);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(candor_stats_json(c, candor_clock_unix_ms() - 3600000, &text, NULL),
                     CANDOR_OK);
    candor_buf_put_c(&text, '\0');
    assert_int_equal(json_number(text.p, "types", "kept"), 12);
    candor_buf_clear(&text);
    assert_int_equal(candor_stats_json(c, candor_clock_unix_ms() + 7200000, &text, NULL),
                     CANDOR_OK);
    candor_buf_put_c(&text, '\0');
    assert_non_null(strstr(text.p, "\"types\":[]"));
    candor_buf_free(&text);
    candor_close(c, 1000);
}

static void unwritable_directory_opens_drops_and_says_why(void **state)
{
    char path[CANDOR_PATH_MAX];
    FILE *f = fopen(in_dir(*state, "file", path), "w"); /* a file where a directory should be */
    assert_non_null(f);
    fclose(f);
    candor_client *c = open_with(in_dir(*state, "file/below", path), "");
    assert_int_equal(ping(c, 1), CANDOR_EMIT_JOURNAL_FULL);
    assert_int_equal(status_number(c, "dropped", "journal_full"), 1);
    assert_false(status_has(c, "\"worker\":{\"error\":null}"));
    answer a;
    assert_int_equal(flush(c, &a), CANDOR_OK); /* nothing was accepted, so nothing is missing */
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_null(strstr(a.json, "\"error\":null"));
    candor_close(c, 100);
}

static void mode_off_creates_nothing(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_client *c = open_with(in_dir(*state, "none", path), ",\"mode\":\"off\"");
    answer a;
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(upload(c, &a), CANDOR_CANCELLED);
    assert_int_equal(purge(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "dropped", "disabled"), 1);
    candor_close(c, 100);
    assert_int_equal(count_files(*state, ".", NULL), 0);
}

static void files_are_private(void **state)
{
    struct stat st;
    char last[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX];
    answer a;
    candor_client *c = open_with(in_dir(*state, "data", path), "");
    ping_many(c, 1);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(count_files(path, "spool", last), 1);
    assert_int_equal(stat(last, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    static const char *const names[] = {"salt", "consent", "state.db"};
    for (size_t i = 0; i < 3; i++) {
        char file[CANDOR_PATH_MAX];
        assert_int_equal(stat(in_dir(path, names[i], file), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    candor_close(c, 100);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(emit_is_kept_and_flushed_into_a_readable_file),
        WITH_DIR(refused_events_are_counted_by_reason),
        WITH_DIR(adjustments_are_reported),
        WITH_DIR(close_writes_what_waits),
        WITH_DIR(close_without_time_leaves_it_in_the_journal),
        WITH_DIR(batch_is_written_at_the_event_threshold),
        WITH_DIR(batch_is_written_when_the_oldest_event_has_waited),
        WITH_DIR(idle_worker_makes_no_wake_ups),
        WITH_DIR(journal_cap_drops_and_counts),
        WITH_DIR(segments_rotate_without_loss),
        WITH_DIR(event_ids_increase_and_correlation_is_kept),
        WITH_DIR(stats_count_by_hour_and_type),
        WITH_DIR(unwritable_directory_opens_drops_and_says_why),
        WITH_DIR(mode_off_creates_nothing),
        WITH_DIR(files_are_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
