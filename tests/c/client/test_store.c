/* The spool's bounds: size, age, disk, quarantine. */
#include "client/client_test.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/gzip.h"
#include "client/state_sql.h"
#include "contract/envelope.h"

/* Random text does not compress: each call makes a batch of about n * 5 KB. */
static void fill_batch(candor_client *c, int n)
{
    candor_id_source ids;
    answer a;
    char payload[4400];
    assert_int_equal(candor_id_source_init(&ids), CANDOR_OK);
    for (int i = 0; i < n; i++) {
        size_t at = (size_t)snprintf(payload, sizeof payload, "{\"note\":\"");
        while (at < 4200) { /* letters in short words, which no redaction rule takes for a secret */
            payload[at] = at % 6 == 0 ? ' ' : (char)('a' + candor_id_source_bits(&ids) % 26);
            at++;
        }
        (void)snprintf(payload + at, sizeof payload - at, "\"}");
        assert_int_equal(
            candor_emit(c, CANDOR_LIT("Ping"), candor_bytes_str(payload), CANDOR_LIT("")),
            CANDOR_EMIT_KEPT);
    }
    assert_int_equal(flush(c, &a), CANDOR_OK);
}

/* What is deleted must not come to light again in a package that was begun before. */
static void an_export_that_a_purge_overtakes_writes_no_package(void **state)
{
    answer a, exported;
    pause_point p;
    char path[CANDOR_PATH_MAX], dir[CANDOR_PATH_MAX];
    candor_client *c = open_with(*state, "");
    ping_many(c, 3);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    make_subdir(*state, "out");
    (void)in_dir(*state, "out", dir);
    pause_begin(c, &p);
    answer_init(&exported);
    answer_init(&a);
    candor_export(c, in_dir(dir, "package.json", path), 0, on_answer, &exported);
    candor_purge(c, on_answer, &a);
    candor_latch_open(p.go);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_int_equal(answer_wait(&exported), CANDOR_CANCELLED);
    assert_int_equal(count_files(*state, "out", NULL), 0);
    answer_init(&exported);
    candor_export(c, path, 0, on_answer, &exported);
    assert_int_equal(answer_wait(&exported), CANDOR_OK);
    pause_free(&p);
    candor_close(c, 100);
}

/* Whatever kills the process then: "off" and recovery know the file. */
static void an_export_under_way_keeps_its_events_in_the_spool(void **state)
{
    answer exported;
    pause_point before, within;
    answer a;
    char path[CANDOR_PATH_MAX], dir[CANDOR_PATH_MAX];
    candor_client *c = open_with(*state, "");
    ping_many(c, 3);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    make_subdir(*state, "out");
    (void)in_dir(*state, "out", dir);
    pause_begin(c, &before);
    answer_init(&exported);
    assert_int_equal(candor_latch_new(&within.reached), CANDOR_OK);
    assert_int_equal(candor_latch_new(&within.go), CANDOR_OK);
    candor_export(c, in_dir(dir, "package.json", path), 0, on_answer, &exported);
    candor_flush(c, pause_worker, &within);
    candor_latch_open(before.go);
    assert_true(candor_latch_wait(within.reached, WAIT_MS));
    assert_int_equal(count_files(*state, "out", NULL), 0);
    assert_int_equal(count_files(*state, "spool", NULL), 2);
    candor_latch_open(within.go);
    assert_int_equal(answer_wait(&exported), CANDOR_OK);
    assert_int_equal(count_files(*state, "out", NULL), 1);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    pause_free(&before);
    pause_free(&within);
    candor_close(c, 100);
}

static void oldest_batches_go_first_and_are_counted(void **state)
{
    candor_client *c = open_with(*state, ",\"spoolMaxBytes\":65536");
    for (int i = 0; i < 12; i++)
        fill_batch(c, 4);
    long long events = status_number(c, "spool", "events");
    assert_true(status_number(c, "spool", "bytes") <= 65536);
    assert_true(events > 0 && events < 48);
    assert_int_equal(status_number(c, "dropped", "spool_full"), 48 - events);
    assert_int_equal(count_files(*state, "spool", NULL), status_number(c, "spool", "batches"));
    candor_close(c, 100);
}

/* A batch of one event whose id says that it is that old. */
static void old_batch(const char *dir, int days)
{
    char path[CANDOR_PATH_MAX], text[CANDOR_UUID_TEXT + 1] = "", name[64];
    candor_batch b = {0};
    unsigned char id[16], random[10] = {0};
    candor_buf line = {0};
    candor_uuid7_make((uint64_t)(candor_clock_unix_ms() - days * 86400000LL), random, id);
    candor_uuid_format(id, text);
    assert_int_equal(candor_event_write(id, CANDOR_LIT("Ping"), candor_clock_unix_ms(),
                                        CANDOR_LIT("\"session_id\":\"s\""), CANDOR_LIT(""),
                                        CANDOR_LIT("{\"n\":1}"), &line),
                     CANDOR_OK);
    assert_int_equal(candor_gzip(candor_buf_bytes(&line), 4, NULL, &b.gz, NULL), CANDOR_OK);
    make_subdir(dir, "spool");
    (void)snprintf(name, sizeof name, "spool/%s.jsonl.gz", text);
    assert_int_equal(
        candor_file_write_durable(in_dir(dir, name, path), candor_buf_bytes(&b.gz), NULL),
        CANDOR_OK);
    candor_buf_free(&line);
    candor_batch_deinit(&b);
}

/* The store without a client around it: open, recovered, nothing enforced yet. */
static void open_store(candor_store *s, const char *dir, const char *options,
                       candor_settings *settings, const _Atomic bool *stop)
{
    candor_recovered found;
    assert_int_equal(candor_settings_read(candor_bytes_str(options), settings, NULL), CANDOR_OK);
    assert_int_equal(candor_store_open(s, settings, stop, dir, NULL), CANDOR_OK);
    candor_recover(s, &found);
}

static void close_store(candor_store *s, candor_settings *settings)
{
    candor_store_close(s);
    candor_settings_free(settings);
}

static void batches_past_retention_expire(void **state)
{
    candor_store s;
    candor_settings settings;
    candor_state_totals totals;
    const _Atomic bool stop = false;
    old_batch(*state, 40);
    old_batch(*state, 20);
    open_store(&s, *state, "{\"app\":\"testapp\",\"minFreeDiskBytes\":0}", &settings, &stop);
    s.expiry_hold_ns = 0;
    candor_store_enforce(&s);
    assert_int_equal(candor_state_total(s.state, &totals, NULL), CANDOR_OK);
    assert_int_equal(totals.loss[CANDOR_LOSS_EXPIRED], 1);
    assert_int_equal(totals.batches, 1);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    close_store(&s, &settings);
}

static void one_look_at_a_wrong_clock_expires_nothing(void **state)
{
    candor_store s;
    candor_settings settings;
    const _Atomic bool stop = false;
    old_batch(*state, 40);
    make_subdir(*state, "quarantine");
    put_file(*state, "quarantine/1-state.db", "x");
    age_file(*state, "quarantine/1-state.db", 40);
    open_store(&s, *state, "{\"app\":\"testapp\",\"minFreeDiskBytes\":0}", &settings, &stop);
    candor_store_enforce(&s);
    candor_store_enforce(&s);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    assert_int_equal(count_files(*state, "quarantine", NULL), 1);
    close_store(&s, &settings);
}

static void a_condition_holds_only_while_every_look_finds_it(void **state)
{
    (void)state;
    const uint64_t minute = 60000000000ull;
    candor_hold h = {0};
    for (uint64_t i = 1; i <= 10; i++)
        assert_false(candor_hold_note(&h, true, i * minute, 10 * minute));
    assert_true(candor_hold_note(&h, true, 11 * minute, 10 * minute));
    assert_false(
        candor_hold_note(&h, false, 12 * minute, 10 * minute)); /* the clock is right again */
    assert_false(candor_hold_note(&h, true, 13 * minute, 10 * minute));
    assert_false(candor_hold_note(&h, true, 30 * minute, 10 * minute)); /* nobody looked between */
}

static void quarantined_files_past_retention_go(void **state)
{
    candor_store s;
    candor_settings settings;
    const _Atomic bool stop = false;
    make_subdir(*state, "quarantine");
    put_file(*state, "quarantine/1-state.db", "x");
    put_file(*state, "quarantine/2-state.db", "x");
    put_file(*state, "quarantine/notes.txt", "not ours");
    age_file(*state, "quarantine/1-state.db", 31);
    age_file(*state, "quarantine/2-state.db", 29);
    age_file(*state, "quarantine/notes.txt", 400);
    open_store(&s, *state, "{\"app\":\"testapp\",\"minFreeDiskBytes\":0}", &settings, &stop);
    s.expiry_hold_ns = 0;
    candor_store_enforce(&s);
    assert_false(file_exists(*state, "quarantine/1-state.db"));
    assert_true(file_exists(*state, "quarantine/2-state.db"));
    assert_true(file_exists(*state, "quarantine/notes.txt"));
    assert_int_equal(s.quarantined, 1);
    close_store(&s, &settings);
}

static void looking_expires_and_evicts_nothing(void **state)
{
    candor_store s;
    candor_settings settings;
    const _Atomic bool stop = false;
    candor_client *c = open_with(*state, "");
    for (int i = 0; i < 12; i++)
        fill_batch(c, 4);
    candor_close(c, 1000);
    old_batch(*state, 40);
    unsigned before = count_files(*state, "spool", NULL);
    open_store(&s, *state,
               "{\"app\":\"testapp\",\"minFreeDiskBytes\":0,\"inspect\":true,"
               "\"spoolMaxBytes\":65536}",
               &settings, &stop);
    s.expiry_hold_ns = 0;
    candor_store_enforce(&s);
    assert_int_equal(count_files(*state, "spool", NULL), before);
    assert_true(candor_store_expires_ms(&s, 0) == INT64_MAX); /* and nobody waits for it */
    close_store(&s, &settings);
}

static void an_expired_batch_that_stays_keeps_nobody_awake(void **state)
{
    candor_waker *pause = NULL;
    answer a;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    old_batch(*state, 40);
    candor_client *c = open_with(*state, "");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_waker_sleep(pause, 200);
    uint64_t before = candor_worker_turns(c);
    candor_waker_sleep(pause, 500);
    assert_true(candor_worker_turns(c) - before <= 1);
    assert_int_equal(status_number(c, "spool", "batches"), 1);
    candor_waker_free(pause);
    candor_close(c, 100);
}

static void times_of_a_wrong_clock_do_not_hold_a_batch(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_state *db = NULL;
    candor_batch_row row;
    candor_state_totals totals;
    const int64_t day = 86400000, now = candor_clock_unix_ms();
    answer a;
    candor_client *c = open_with(*state, "");
    ping_many(c, 3);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_close(c, 100);
    assert_int_equal(candor_state_open(in_dir(*state, "state.db", path), &db, NULL), CANDOR_OK);
    assert_int_equal(candor_state_next(db, "", INT64_MAX, true, &row, NULL), CANDOR_OK);
    assert_int_equal(candor_state_retry(db, row.id, 1, now + 7 * day, NULL), CANDOR_OK);
    assert_int_equal(candor_state_next(db, "", now, false, &row, NULL), CANDOR_NOTFOUND);
    assert_int_equal(candor_state_total(db, &totals, NULL), CANDOR_OK);
    assert_true(totals.next_attempt_ms == now + 7 * day);
    assert_int_equal(candor_state_retry(db, row.id, 1, now + 9 * day, NULL), CANDOR_OK);
    assert_int_equal(candor_state_lease(db, row.id, now + 9 * day, NULL), CANDOR_OK);
    assert_int_equal(candor_state_next(db, "", now, false, &row, NULL), CANDOR_OK);
    assert_int_equal(candor_state_total(db, &totals, NULL), CANDOR_OK);
    assert_true(totals.next_attempt_ms == 0);
    candor_state_close(db);
}

/* Another process in the middle of a transaction. */
static candor_state *hold_database(const char *dir)
{
    char path[CANDOR_PATH_MAX];
    candor_state *db = NULL;
    assert_int_equal(candor_state_open(in_dir(dir, "state.db", path), &db, NULL), CANDOR_OK);
    assert_int_equal(candor_state_begin(db, NULL), CANDOR_OK);
    return db;
}

static void opening_needs_no_write_lock(void **state)
{
    answer a;
    candor_close(open_with(*state, ""), 100);
    candor_state *db = hold_database(*state);
    candor_client *c = open_with(*state, "");
    assert_true(status_has(c, "\"worker\":{\"error\":null}"));
    ping_many(c, 3);
    assert_int_equal(candor_state_end(db, CANDOR_OK, NULL), CANDOR_OK);
    candor_state_close(db);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_close(c, 1000);
    c = open_with(*state, ""); /* it was the file, not memory, that learned of them */
    assert_int_equal(status_number(c, NULL, "kept"), 3);
    candor_close(c, 100);
}

static void opening_gives_up_on_a_database_that_stays_locked(void **state)
{
    answer a;
    candor_close(open_with(*state, ""), 100);
    candor_state *db = hold_database(*state);
    assert_int_equal(candor_state_end(db, CANDOR_OK, NULL), CANDOR_OK);
    /* as if its tables were still to be made, by the one who holds the lock */
    assert_int_equal(sqlite3_exec(db->db, "PRAGMA user_version=0", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(candor_state_begin(db, NULL), CANDOR_OK);
    candor_client *c = open_with(*state, "");
    assert_int_equal(flush(c, &a), CANDOR_OK); /* opening is over */
    assert_true(status_has(c, "locked"));
    ping_many(c, 3);
    candor_close(c, 0);
    assert_int_equal(candor_state_end(db, CANDOR_OK, NULL), CANDOR_OK);
    candor_state_close(db);
    c = open_with(*state, "");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, NULL, "kept"), 3);
    candor_close(c, 100);
}

static void closing_waits_for_no_transaction_and_loses_nothing(void **state)
{
    answer a;
    candor_client *c = open_with(*state, "");
    assert_int_equal(flush(c, &a), CANDOR_OK); /* recovery is over */
    candor_state *db = hold_database(*state);
    ping_many(c, 3);
    candor_flush(c, NULL, NULL); /* the worker waits for the database */
    uint64_t before = candor_clock_mono_ns();
    candor_close(c, 10);
    /* A bound for a broken build: one wait alone was longer. */
    assert_true(candor_clock_mono_ns() - before < 4500000000ull);
    candor_state_close(db);
    c = open_with(*state, "");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "spool", "events"), 3);
    assert_int_equal(status_number(c, NULL, "kept"), 3);
    candor_close(c, 100);
}

static void low_disk_keeps_records_in_the_journal(void **state)
{
    candor_client *c = open_with(*state, ",\"minFreeDiskBytes\":1125899906842624");
    answer a;
    ping_many(c, 5);
    assert_int_equal(flush(c, &a), CANDOR_IO);
    assert_int_equal(status_number(c, NULL, "pending_journal"), 5);
    assert_true(status_has(c, "minFreeDiskBytes"));
    candor_close(c, 100);
    c = open_with(*state, ""); /* the disk has room again */
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "spool", "events"), 5);
    candor_close(c, 100);
}

static void low_disk_does_not_let_dead_journals_pile_up(void **state)
{
    answer a;
    for (int i = 0; i < 4; i++) { /* each leaves one segment of 1 MiB */
        candor_client *c =
            open_with(*state, ",\"minFreeDiskBytes\":1125899906842624,\"journalMaxBytes\":2097152");
        ping_many(c, 5);
        assert_int_equal(flush(c, &a), CANDOR_IO); /* and recovery has run */
        candor_close(c, 0);
    }
    assert_true(count_files(*state, "journal", NULL) <= 3);
    candor_client *c = open_with(*state, "");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "spool", "events") + status_number(c, "dropped", "disk_low"),
                     20);
    assert_int_equal(status_number(c, NULL, "kept"), 20);
    candor_close(c, 100);
}

static void full_disk_drops_and_recovers(void **state)
{
    struct rlimit before, small;
    answer a;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    small = before;
    small.rlim_cur = 4096; /* smaller than any segment and than any database */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    candor_client *c = open_with(*state, "");
    candor_emit_result first = ping(c, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(first, CANDOR_EMIT_JOURNAL_FULL);
    assert_int_equal(status_number(c, "dropped", "journal_full"), 1);
    assert_false(status_has(c, "\"worker\":{\"error\":null}"));
    candor_close(c, 100);
    c = open_with(*state, "");
    ping_many(c, 3);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "spool", "events"), 3);
    candor_close(c, 100);
}

static void journal_comes_back_when_the_disk_has_room_again(void **state)
{
    struct rlimit before, small;
    candor_waker *pause = NULL;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    small = before;
    small.rlim_cur = 200000; /* enough for the database, not for a segment */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    candor_client *c = open_with(*state, "");
    candor_emit_result first = ping(c, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(first, CANDOR_EMIT_JOURNAL_FULL);
    int i = 0;
    while (ping(c, 2) != CANDOR_EMIT_KEPT && i++ < WAIT_MS)
        candor_waker_sleep(pause, 1);
    assert_true(i < WAIT_MS);
    candor_waker_free(pause);
    candor_close(c, 100);
}

static void quarantine_is_bounded(void **state)
{
    char path[CANDOR_PATH_MAX], name[64];
    assert_int_equal(candor_dir_create(in_dir(*state, "spool", path), NULL), CANDOR_OK);
    for (int i = 0; i < 80; i++) {
        (void)snprintf(name, sizeof name, "spool/01a1fdb8-9a0d-708b-a500-ea7ada5fd5%02x.jsonl.gz",
                       i);
        FILE *f = fopen(in_dir(*state, name, path), "w");
        fputs("not gzip", f);
        fclose(f);
    }
    candor_client *c = open_with(*state, "");
    answer a;
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(count_files(*state, "quarantine", NULL), 64);
    assert_int_equal(status_number(c, "dropped", "corrupt"), 80);
    candor_close(c, 100);
}

static void spool_file_is_what_preview_shows(void **state)
{
    char last[CANDOR_PATH_MAX];
    candor_buf gz = {0}, lines = {0}, shown = {0};
    candor_client *c = open_with(*state, "");
    ping_many(c, 20);
    assert_int_equal(candor_preview(c, &shown, NULL), CANDOR_OK);
    assert_int_equal(count_files(*state, "spool", last), 1);
    assert_int_equal(candor_file_read_all(last, 1 << 20, &gz, NULL), CANDOR_OK);
    char comment[256];
    assert_int_equal(
        candor_gunzip(candor_buf_bytes(&gz), 1 << 20, &lines, comment, sizeof comment, NULL),
        CANDOR_OK);
    assert_true(candor_bytes_eq(candor_buf_bytes(&lines), candor_buf_bytes(&shown)));
    assert_non_null(strstr(comment, "candor/1 schema="));
    assert_non_null(strstr(comment, " events=20 "));
    candor_buf_free(&gz);
    candor_buf_free(&lines);
    candor_buf_free(&shown);
    candor_close(c, 100);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(an_export_that_a_purge_overtakes_writes_no_package),
        WITH_DIR(an_export_under_way_keeps_its_events_in_the_spool),
        WITH_DIR(oldest_batches_go_first_and_are_counted),
        WITH_DIR(batches_past_retention_expire),
        WITH_DIR(one_look_at_a_wrong_clock_expires_nothing),
        cmocka_unit_test(a_condition_holds_only_while_every_look_finds_it),
        WITH_DIR(quarantined_files_past_retention_go),
        WITH_DIR(looking_expires_and_evicts_nothing),
        WITH_DIR(an_expired_batch_that_stays_keeps_nobody_awake),
        WITH_DIR(times_of_a_wrong_clock_do_not_hold_a_batch),
        WITH_DIR(opening_needs_no_write_lock),
        WITH_DIR(opening_gives_up_on_a_database_that_stays_locked),
        WITH_DIR(closing_waits_for_no_transaction_and_loses_nothing),
        WITH_DIR(low_disk_keeps_records_in_the_journal),
        WITH_DIR(low_disk_does_not_let_dead_journals_pile_up),
        WITH_DIR(full_disk_drops_and_recovers),
        WITH_DIR(journal_comes_back_when_the_disk_has_room_again),
        WITH_DIR(quarantine_is_bounded),
        WITH_DIR(spool_file_is_what_preview_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
