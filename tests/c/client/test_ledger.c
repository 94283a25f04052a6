/* The ledger: chained, bounded, whole after a crash. */
#include "client/client_test.h"

#include "client/ledger.h"

static char *read_ledger(const char *dir, const char *name)
{
    char path[CANDOR_PATH_MAX];
    candor_buf b = {0};
    if (candor_file_read_all(in_dir(dir, name, path), SIZE_MAX / 2, &b, NULL) != CANDOR_OK)
        return strdup("");
    candor_buf_put_c(&b, '\0');
    return b.p;
}

/* Long lines fill a file with fewer of them: each is synced. */
static void append(candor_ledger *l, const char *dir, unsigned n, bool package)
{
    char id[40], endpoint[800] = {0};
    memset(endpoint, 'x', sizeof endpoint - 1);
    candor_err err = {0};
    (void)snprintf(id, sizeof id, "01a1fd85-1a7b-7102-8300-%012u", n);
    const candor_ledger_entry entry = {.id = id,
                                       .repeats = package,
                                       .body = CANDOR_LIT("body"),
                                       .events = 1,
                                       .endpoint = endpoint,
                                       .http = 202,
                                       .accepted = 1,
                                       .consent = "default;epoch=1"};
    if (candor_ledger_append(l, dir, &entry, &err) != CANDOR_OK) fail_msg("%s", err.text);
}

/* What verify says must hold this. */
static void assert_verified(const char *dir, const char *want)
{
    candor_buf b = {0};
    candor_err err = {0};
    assert_int_equal(candor_ledger_verify(dir, &b, &err), CANDOR_OK);
    candor_buf_put_c(&b, '\0');
    if (strstr(b.p, want) == NULL) fail_msg("%s does not hold %s", b.p, want);
    candor_buf_free(&b);
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n' ? 1 : 0;
    return n;
}

static void lines_are_chained_over_processes(void **state)
{
    candor_ledger first = {0}, second = {0};
    append(&first, *state, 1, false);
    append(&second, *state, 2, false);
    append(&first, *state, 3, false); /* has to see the other's line */
    assert_int_equal(first.entries, 3);
    assert_verified(*state, "{\"entries\":3,\"bodies\":0,\"ok\":true,\"broken_at\":null");
}

static void a_batch_that_a_crash_has_kept_is_written_once(void **state)
{
    candor_ledger before = {0}, after = {0};
    append(&before, *state, 1, false);
    append(&after, *state, 1, false);
    assert_verified(*state, "\"entries\":1,");
    append(&after, *state, 2, true);
    append(&after, *state, 2, true); /* a package may be sent again on purpose */
    assert_verified(*state, "\"entries\":3,");
}

static void a_torn_line_is_no_break_and_goes_with_the_next(void **state)
{
    candor_ledger l = {0}, next = {0};
    append(&l, *state, 1, false);
    append(&l, *state, 2, false);
    char *text = read_ledger(*state, CANDOR_LEDGER_FILE);
    text[strlen(text) - 40] = '\0';
    put_file(*state, CANDOR_LEDGER_FILE, text);
    free(text);
    assert_verified(*state, "{\"entries\":1,\"bodies\":0,\"ok\":true");
    append(&next, *state, 2, false);
    assert_verified(*state, "{\"entries\":2,\"bodies\":0,\"ok\":true");
}

/* As a crash leaves it: the first file is full and its successor not begun. */
static void the_chain_goes_on_over_the_rotation(void **state)
{
    candor_ledger l = {0};
    unsigned n = 0;
    while (!file_exists(*state, CANDOR_LEDGER_OLD))
        append(&l, *state, ++n, false);
    append(&l, *state, ++n, false);
    char *old = read_ledger(*state, CANDOR_LEDGER_OLD), want[64];
    assert_true(strlen(old) <= CANDOR_LEDGER_MAX);
    assert_int_equal(count_lines(old), n - 2);
    free(old);
    (void)snprintf(want, sizeof want, "{\"entries\":%u,\"bodies\":0,\"ok\":true", n);
    assert_verified(*state, want);
    char path[CANDOR_PATH_MAX];
    candor_unlink_quiet(in_dir(*state, CANDOR_LEDGER_FILE, path));
    candor_ledger fresh = {0};
    append(&fresh, *state, ++n, false);
    assert_int_equal(fresh.entries, n - 2);
    (void)snprintf(want, sizeof want, "{\"entries\":%u,\"bodies\":0,\"ok\":true", n - 2);
    assert_verified(*state, want);
}

static void the_oldest_file_goes_and_the_rest_still_verifies(void **state)
{
    candor_ledger l = {0};
    unsigned n = 0, rotations = 0;
    uint64_t before = 0;
    while (rotations < 2) {
        append(&l, *state, ++n, false);
        if (l.file_bytes < before) rotations++;
        before = l.file_bytes;
    }
    assert_int_equal(l.entries, n);
    assert_true(l.file_bytes + l.old_bytes <= 2 * CANDOR_LEDGER_MAX);
    assert_verified(*state, "\"ok\":true");
    char *old = read_ledger(*state, CANDOR_LEDGER_OLD);
    assert_null(strstr(old, "{\"seq\":1,"));
    free(old);
}

/* Somebody has added to it: what is whole at its end goes on, and verify tells of the rest. */
static void an_oversized_file_is_told_of_and_the_chain_goes_on(void **state)
{
    candor_ledger l = {0}, next = {0};
    append(&l, *state, 1, false);
    append(&l, *state, 2, false);
    char *text = read_ledger(*state, CANDOR_LEDGER_FILE);
    candor_buf b = {0};
    for (unsigned i = 0; i < CANDOR_LEDGER_MAX / 8; i++)
        candor_buf_put_bytes(&b, CANDOR_LIT("rubbish\n"));
    candor_buf_put_bytes(&b, candor_bytes_str(text));
    candor_buf_put_bytes(&b, CANDOR_LIT("torn"));
    candor_buf_put_c(&b, '\0');
    put_file(*state, CANDOR_LEDGER_FILE, b.p);
    assert_verified(*state, "\"ok\":false,\"broken_at\":null,\"error\":\"ledger.jsonl is larger");
    append(&next, *state, 3, false);
    assert_int_equal(next.entries, 3);
    assert_int_equal(next.torn, false);
    free(text);
    text = read_ledger(*state, CANDOR_LEDGER_FILE);
    assert_int_equal(count_lines(text), 1);
    assert_verified(*state, "\"error\":\"ledger.1.jsonl is larger");
    candor_buf_clear(&b);
    assert_int_equal(candor_ledger_read(*state, 10, &b, NULL), CANDOR_OK);
    candor_buf_put_c(&b, '\0');
    assert_non_null(strstr(b.p, "{\"entries\":[{\"seq\":1,"));
    assert_non_null(strstr(b.p, "},{\"seq\":3,"));
    free(text);
    candor_buf_free(&b);
}

static void what_cannot_be_read_is_a_report(void **state)
{
    char path[CANDOR_PATH_MAX];
    assert_verified(in_dir(*state, "none", path), "\"entries\":0,\"bodies\":0,\"ok\":false");
    assert_int_equal(candor_dir_create(in_dir(*state, CANDOR_LEDGER_FILE, path), NULL), CANDOR_OK);
    assert_verified(*state, "\"ok\":false,\"broken_at\":null");
    candor_rmdir_quiet(path);
    assert_verified(*state, "\"entries\":0,\"bodies\":0,\"ok\":true");
}

static void read_gives_the_last_lines(void **state)
{
    candor_ledger l = {0};
    candor_buf b = {0};
    for (unsigned i = 1; i <= 5; i++)
        append(&l, *state, i, false);
    assert_int_equal(candor_ledger_read(*state, 2, &b, NULL), CANDOR_OK);
    candor_buf_put_c(&b, '\0');
    assert_non_null(strstr(b.p, "{\"entries\":[{\"seq\":4,"));
    assert_non_null(strstr(b.p, "},{\"seq\":5,"));
    candor_buf_clear(&b);
    assert_int_equal(candor_ledger_read(*state, 0, &b, NULL), CANDOR_OK);
    candor_buf_put_c(&b, '\0');
    assert_string_equal(b.p, "{\"entries\":[]}");
    candor_buf_clear(&b);
    for (unsigned i = 6; i <= CANDOR_LEDGER_SHOWN + 6; i++)
        append(&l, *state, i, false);
    assert_int_equal(candor_ledger_read(*state, UINT32_MAX, &b, NULL), CANDOR_OK);
    candor_buf_put_c(&b, '\0');
    assert_non_null(strstr(b.p, "{\"entries\":[{\"seq\":7,"));
    candor_buf_free(&b);
}

/* A file of n bytes under the id of a batch made so many days ago. */
static void put_sent(const char *dir, int days, unsigned n, char name[64])
{
    unsigned char id[16];
    const unsigned char rand[10] = {(unsigned char)n, (unsigned char)days};
    char text[CANDOR_UUID_TEXT], content[512] = "";
    candor_uuid7_make((uint64_t)(candor_clock_unix_ms() - days * INT64_C(86400000)), rand, id);
    candor_uuid_format(id, text);
    (void)snprintf(name, 64, "%.36s.jsonl.gz", text);
    memset(content, 'x', n);
    content[n] = '\0';
    put_file(dir, name, content);
}

static void bodies_are_bounded_in_size_and_age(void **state)
{
    candor_ledger l = {0};
    char names[4][64], path[CANDOR_PATH_MAX];
    static const int days[4] = {40, 3, 2, 1};
    for (unsigned i = 0; i < 4; i++) {
        put_sent(*state, days[i], 100, names[i]);
        candor_ledger_keep(&l, *state, in_dir(*state, names[i], path), 1000);
    }
    assert_int_equal(count_files(*state, CANDOR_LEDGER_SENT, NULL), 4);
    int64_t before = candor_clock_unix_ms() - 30 * INT64_C(86400000);
    candor_ledger_bound(&l, *state, 1000, INT64_MIN);
    assert_int_equal(count_files(*state, CANDOR_LEDGER_SENT, NULL), 4);
    candor_ledger_bound(&l, *state, 1000, before);
    assert_int_equal(count_files(*state, CANDOR_LEDGER_SENT, NULL), 3);
    candor_ledger_bound(&l, *state, 250, before);
    assert_int_equal(l.sent_bytes, 100); /* a quarter more than needed goes */
    (void)snprintf(path, sizeof path, "%s/%s", CANDOR_LEDGER_SENT, names[3]);
    assert_true(file_exists(*state, path));
    put_sent(*state, 0, 300, names[0]);
    candor_ledger_keep(&l, *state, in_dir(*state, names[0], path), 250);
    assert_true(file_exists(*state, names[0])); /* too large: for the caller to delete */
    candor_ledger_forget(&l, *state);
    assert_int_equal(count_files(*state, CANDOR_LEDGER_SENT, NULL), 0);
}

/* A clock that is ahead for a moment finds every body too old. */
static void one_look_at_a_wrong_clock_deletes_no_body(void **state)
{
    candor_store s;
    candor_settings settings;
    const _Atomic bool stop = false;
    char name[64], path[CANDOR_PATH_MAX];
    put_sent(*state, 40, 100, name);
    assert_int_equal(
        candor_settings_read(CANDOR_LIT("{\"app\":\"testapp\",\"minFreeDiskBytes\":0}"), &settings,
                             NULL),
        CANDOR_OK);
    assert_int_equal(candor_store_open(&s, &settings, &stop, *state, NULL), CANDOR_OK);
    candor_ledger_keep(&s.ledger, *state, in_dir(*state, name, path), 1000);
    candor_store_enforce(&s);
    assert_int_equal(count_files(*state, CANDOR_LEDGER_SENT, NULL), 1);
    /* somebody looks again, until it has held */
    assert_true(candor_store_expires_ms(&s, INT64_MAX) < candor_clock_unix_ms());
    s.expiry_hold_ns = 0;
    candor_store_enforce(&s);
    assert_int_equal(count_files(*state, CANDOR_LEDGER_SENT, NULL), 0);
    assert_true(candor_store_expires_ms(&s, INT64_MAX) == INT64_MAX);
    candor_store_close(&s);
    candor_settings_free(&settings);
}

static void a_line_about_a_text_has_no_digest_of_it(void **state)
{
    candor_ledger l = {0};
    const candor_ledger_entry entry = {.id = "01a1fd85-1a7b-7102-8300-000000000001",
                                       .repeats = true,
                                       .body = CANDOR_LIT("yes"),
                                       .guessable = true,
                                       .endpoint = "http://127.0.0.1",
                                       .http = 201,
                                       .accepted = 1,
                                       .consent = "stored;epoch=1;content=1"};
    assert_int_equal(candor_ledger_append(&l, *state, &entry, NULL), CANDOR_OK);
    append(&l, *state, 2, false);
    char *text = read_ledger(*state, CANDOR_LEDGER_FILE);
    assert_non_null(strstr(text, "\"sha256\":null,\"bytes\":3,"));
    free(text);
    assert_verified(*state, "{\"entries\":2,\"bodies\":0,\"ok\":true");
}

static void read_does_not_wait_for_the_worker(void **state)
{
    candor_ledger l = {0};
    candor_buf b = {0};
    pause_point p;
    candor_client *c = open_with(*state, "");
    append(&l, *state, 1, false);
    pause_begin(c, &p);
    assert_int_equal(candor_ledger_json(c, 10, &b, NULL), CANDOR_OK);
    candor_buf_put_c(&b, '\0');
    assert_non_null(strstr(b.p, "{\"entries\":[{\"seq\":1,"));
    candor_latch_open(p.go);
    candor_buf_free(&b);
    candor_close(c, 100);
    pause_free(&p);
}

typedef struct reader {
    const char *dir;
    _Atomic bool stop, broken;
} reader;

static void read_all_the_time(void *ctx)
{
    reader *r = ctx;
    while (!atomic_load(&r->stop)) {
        candor_buf b = {0};
        bool ok = candor_ledger_verify(r->dir, &b, NULL) == CANDOR_OK && b.n != 0;
        candor_buf_put_c(&b, '\0');
        if (!ok || strstr(b.p, "\"ok\":true") == NULL) atomic_store(&r->broken, true);
        candor_buf_free(&b);
    }
}

/* The file is rotated meanwhile: no line is missed, none is met twice. */
static void a_reader_beside_the_writer_sees_a_whole_chain(void **state)
{
    candor_ledger l = {0};
    candor_thread *thread = NULL;
    reader r = {.dir = *state};
    unsigned n = 0;
    uint64_t before = 0;
    append(&l, *state, ++n, false);
    assert_int_equal(candor_thread_start("reader", read_all_the_time, &r, &thread, NULL),
                     CANDOR_OK);
    for (unsigned rotations = 0; rotations < 2;) {
        append(&l, *state, ++n, false);
        if (l.file_bytes < before) rotations++;
        before = l.file_bytes;
    }
    atomic_store(&r.stop, true);
    candor_thread_join(&thread);
    assert_false(atomic_load(&r.broken));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(lines_are_chained_over_processes),
        CASE(a_batch_that_a_crash_has_kept_is_written_once),
        CASE(a_torn_line_is_no_break_and_goes_with_the_next),
        CASE(the_chain_goes_on_over_the_rotation),
        CASE(the_oldest_file_goes_and_the_rest_still_verifies),
        CASE(an_oversized_file_is_told_of_and_the_chain_goes_on),
        CASE(what_cannot_be_read_is_a_report),
        CASE(read_gives_the_last_lines),
        CASE(bodies_are_bounded_in_size_and_age),
        CASE(one_look_at_a_wrong_clock_deletes_no_body),
        CASE(a_line_about_a_text_has_no_digest_of_it),
        CASE(read_does_not_wait_for_the_worker),
        CASE(a_reader_beside_the_writer_sees_a_whole_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
