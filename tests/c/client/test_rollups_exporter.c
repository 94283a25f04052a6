/* Roll-ups with an exporter that writes on this machine: events that are counted never go to it one
 * by one, and the sums of a day that is over go to it in place of the spool. */
#include "client/rollup_test.h"

typedef struct exported {
    unsigned sums, tools, pings;
    candor_buf lines;
} exported;

static unsigned times(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

static void read_exported(const char *dir, exported *out)
{
    char otlp[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX];
    memset(out, 0, sizeof *out);
    DIR *d = opendir(in_dir(dir, "otlp", otlp));
    if (d != NULL) {
        for (const struct dirent *e; (e = readdir(d)) != NULL;)
            if (e->d_name[0] != '.')
                assert_int_equal(
                    candor_file_read_all(in_dir(otlp, e->d_name, path), 1 << 24, &out->lines, NULL),
                    CANDOR_OK);
        closedir(d);
    }
    candor_buf_put_c(&out->lines, '\0');
    out->sums = times(out->lines.p, "\"eventName\":\"Sum\"");
    out->tools = times(out->lines.p, "\"eventName\":\"Tool\"");
    out->pings = times(out->lines.p, "\"eventName\":\"Ping\"");
}

static void assert_exported(const char *dir, unsigned sums, unsigned pings)
{
    exported found;
    read_exported(dir, &found);
    if (found.sums != sums || found.tools != 0 || found.pings != pings)
        fail_msg("%u sums, %u tools, %u pings in\n%s", found.sums, found.tools, found.pings,
                 found.lines.p);
    candor_buf_free(&found.lines);
}

static void open_exporting(process *p, candor_exporter *x, const char *dir, fake_clock *f)
{
    process_open(p, dir, f);
    p->settings.exporter = CANDOR_EXPORT_FILE;
    candor_exporter_init(x, &p->settings, p->schema, dir);
    p->store.exporter = x;
}

static void close_exporting(process *p, candor_exporter *x)
{
    candor_exporter_deinit(x);
    process_close(p);
}

static void leave_events(const char *dir)
{
    dead d = dead_process(dir);
    for (int i = 0; i < 4; i++)
        left_tool(&d, NOON + i, "grep", true);
    left(&d, "Ping", NOON, "{\"n\":1}");
    candor_segment_free(d.segment);
}

static void live_to_the_end_of_the_day(process *p, fake_clock *f)
{
    for (int i = 0; i < 13 * 60; i++, pass(f, 1))
        (void)candor_rollups_turn(&p->store);
}

static void counted_events_are_not_exported_and_their_sums_are(void **state)
{
    process p;
    candor_exporter x;
    candor_state_totals t;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    leave_events(*state);
    open_exporting(&p, &x, *state, &f);
    process_recover(&p);
    assert_exported(*state, 0, 1);
    live_to_the_end_of_the_day(&p, &f);
    assert_exported(*state, 1, 1);
    assert_spool(*state, 0, 0, 0, 0);
    assert_int_equal(candor_state_total(p.store.state, &t, NULL), CANDOR_OK);
    assert_int_equal(t.batches, 0);
    assert_int_equal(t.sent_events, 2);
    assert_int_equal(x.written, 2);
    assert_int_equal(waiting(&p, "SELECT count(*) FROM rollup_out"), 0);
    assert_conserved(&p);
    close_exporting(&p, &x);
}

static void sums_that_cannot_be_written_wait(void **state)
{
    process p;
    candor_exporter x;
    char otlp[CANDOR_PATH_MAX];
    candor_file *in_the_way = NULL;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    leave_events(*state);
    open_exporting(&p, &x, *state, &f);
    process_recover(&p);
    candor_exporter_purge(&x);
    candor_rmdir_quiet(in_dir(*state, "otlp", otlp));
    assert_int_equal(candor_file_open(otlp, CANDOR_OPEN_CREATE_NEW, &in_the_way, NULL), CANDOR_OK);
    candor_file_discard(in_the_way);
    live_to_the_end_of_the_day(&p, &f);
    assert_int_equal(waiting(&p, "SELECT sum(n) FROM rollup_out"), 4);
    candor_unlink_quiet(otlp);
    for (int i = 0; i < 61; i++, pass(&f, 1)) /* it has backed off, to an hour at most */
        (void)candor_rollups_turn(&p.store);
    assert_exported(*state, 1, 0);
    assert_int_equal(waiting(&p, "SELECT count(*) FROM rollup_out"), 0);
    assert_conserved(&p);
    close_exporting(&p, &x);
}

static void a_crash_before_the_note_exports_the_same_ids_again(void **state)
{
    process p;
    candor_exporter x;
    exported found;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    leave_events(*state);
    open_exporting(&p, &x, *state, &f);
    process_recover(&p);
    assert_int_equal(sqlite3_exec(p.store.state->db,
                                  "CREATE TRIGGER refuse BEFORE INSERT ON batches BEGIN SELECT "
                                  "RAISE(ABORT, 'no'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    for (int i = 0; i < 13 * 60 && x.written < 2; i++, pass(&f, 1))
        (void)candor_rollups_turn(&p.store);
    close_exporting(&p, &x);
    open_exporting(&p, &x, *state, &f);
    assert_int_equal(sqlite3_exec(p.store.state->db, "DROP TRIGGER refuse", NULL, NULL, NULL),
                     SQLITE_OK);
    process_recover(&p);
    (void)candor_rollups_turn(&p.store);
    read_exported(*state, &found);
    assert_int_equal(found.sums, 2);
    const char *first = strstr(found.lines.p, "\"eventName\":\"Sum\"");
    first = strstr(first, "\"event_id\"");
    const char *second = strstr(strstr(first, "\"eventName\":\"Sum\""), "\"event_id\"");
    assert_memory_equal(first, second, 80);
    candor_buf_free(&found.lines);
    assert_int_equal(waiting(&p, "SELECT count(*) FROM rollup_out"), 0);
    assert_conserved(&p);
    close_exporting(&p, &x);
}

static void one_look_at_a_wrong_clock_deletes_no_exported_file(void **state)
{
    process p;
    candor_exporter x;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    make_subdir(*state, "otlp");
    put_file(*state, "otlp/2020-01-01.jsonl", "{}\n");
    put_file(*state, "otlp/2020-01-01.1.jsonl", "{}\n");
    put_file(*state, "otlp/notes.txt", "not ours");
    leave_events(*state);
    open_exporting(&p, &x, *state, &f);
    process_recover(&p);
    candor_store_enforce(&p.store);
    assert_int_equal(count_files(*state, "otlp", NULL), 4);
    /* somebody looks again, until it has held */
    assert_true(candor_store_expires_ms(&p.store, INT64_MAX) < candor_clock_unix_ms());
    p.store.expiry_hold_ns = 0;
    candor_store_enforce(&p.store);
    assert_int_equal(count_files(*state, "otlp", NULL), 2);
    assert_true(file_exists(*state, "otlp/notes.txt"));
    assert_true(candor_store_expires_ms(&p.store, INT64_MAX) > candor_clock_unix_ms());
    close_exporting(&p, &x);
}

/* Killed between the spool file and its note; then the app is started with the exporter "file". */
static void sums_in_the_spool_of_a_dead_process_are_not_exported_beside_it(void **state)
{
    process p;
    candor_exporter x;
    fake_clock f = {.now = NOON, .mono = MIN_NS};
    leave_events(*state);
    process_open(&p, *state, &f);
    process_recover(&p);
    assert_spool(*state, 0, 0, 0, 1);
    assert_int_equal(sqlite3_exec(p.store.state->db,
                                  "CREATE TRIGGER refuse BEFORE DELETE ON rollup_out BEGIN SELECT "
                                  "RAISE(ABORT, 'no'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    live_to_the_end_of_the_day(&p, &f);
    assert_spool(*state, 1, 4, 0, 1);
    assert_int_equal(sqlite3_exec(p.store.state->db, "DROP TRIGGER refuse", NULL, NULL, NULL),
                     SQLITE_OK);
    process_close(&p);
    open_exporting(&p, &x, *state, &f);
    candor_rollups_look(&p.store);
    for (int i = 0; i < 3; i++, pass(&f, 1))
        (void)candor_rollups_turn(&p.store);
    process_recover(&p);
    assert_exported(*state, 0, 0);
    assert_spool(*state, 1, 4, 0, 1);
    assert_int_equal(waiting(&p, "SELECT count(*) FROM rollup_out"), 0);
    assert_int_equal(waiting(&p, "SELECT count(*) FROM batches WHERE gone=0"), 2);
    assert_conserved(&p);
    close_exporting(&p, &x);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
        T(counted_events_are_not_exported_and_their_sums_are),
        T(sums_that_cannot_be_written_wait),
        T(a_crash_before_the_note_exports_the_same_ids_again),
        T(one_look_at_a_wrong_clock_deletes_no_exported_file),
        T(sums_in_the_spool_of_a_dead_process_are_not_exported_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
