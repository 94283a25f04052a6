/* The journal segment: append, take over, damage. */
#include "client/client_test.h"

static const char hash64[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static candor_segment *new_segment(const char *dir, size_t size)
{
    candor_segment *s = NULL;
    candor_err err = {0};
    const candor_segment_info info = {.schema_hash = hash64,
                                      .context_json = CANDOR_LIT("\"session_id\":\"x\""),
                                      .process_id = 7,
                                      .started_ms = 8};
    if (candor_segment_create(dir, size, &info, &s, &err) != CANDOR_OK) fail_msg("%s", err.text);
    return s;
}

static bool append(candor_segment *s, uint64_t seq, const char *payload)
{
    candor_buf body;
    candor_record r = {.seq = seq, .ts_ms = 5, .type = CANDOR_LIT("Ping")};
    if (!candor_segment_begin(s, &r, &body)) return false;
    candor_buf_put_bytes(&body, candor_bytes_str(payload));
    if (body.failed) return false;
    (void)candor_segment_commit(s, &r, &body);
    return true;
}

static unsigned read_all(const candor_segment *s, unsigned *bad, bool *lost)
{
    unsigned n = 0;
    size_t at = CANDOR_SEGMENT_HEADER;
    candor_record r;
    *bad = 0;
    *lost = false;
    for (candor_read got; (got = candor_segment_read(s, at, s->map.n, &r)) != CANDOR_READ_END;) {
        *lost = got == CANDOR_READ_LOST;
        if (*lost) break;
        if (got == CANDOR_READ_BAD) ++*bad;
        if (got == CANDOR_READ_RECORD) n++;
        at = r.next;
    }
    return n;
}

/* Append three records, overwrite n bytes at the offset behind `from` of the second, reopen. */
static unsigned damage(const char *dir, size_t from, const void *bytes, size_t n, unsigned *bad,
                       bool *lost)
{
    char path[CANDOR_PATH_MAX];
    candor_segment *s = new_segment(dir, 65536);
    assert_true(append(s, 1, "{\"n\":1}"));
    size_t second = s->tail;
    assert_true(append(s, 2, "{\"n\":2}"));
    assert_true(append(s, 3, "{\"n\":3}"));
    memcpy(s->map.p + second + from, bytes, n);
    memcpy(path, s->path, sizeof path);
    candor_segment_free(s);
    assert_int_equal(candor_segment_take(path, &s, NULL), CANDOR_OK);
    unsigned good = read_all(s, bad, lost);
    candor_segment_delete(s);
    return good;
}

static void records_survive_reopening(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_record r;
    candor_segment *s = new_segment(*state, 65536);
    assert_true(append(s, 1, "{\"n\":1}"));
    memcpy(path, s->path, sizeof path);
    candor_segment_free(s);
    assert_int_equal(candor_segment_take(path, &s, NULL), CANDOR_OK);
    assert_int_equal(s->info.process_id, 7);
    assert_memory_equal(s->info.schema_hash, hash64, 64);
    assert_true(candor_bytes_eq(s->info.context_json, CANDOR_LIT("\"session_id\":\"x\"")));
    assert_int_equal(candor_segment_read(s, CANDOR_SEGMENT_HEADER, s->map.n, &r),
                     CANDOR_READ_RECORD);
    assert_int_equal(r.seq, 1);
    assert_true(candor_bytes_eq(r.type, CANDOR_LIT("Ping")));
    assert_true(candor_bytes_eq(r.payload, CANDOR_LIT("{\"n\":1}")));
    candor_segment_delete(s);
    assert_int_equal(candor_segment_take(path, &s, NULL), CANDOR_NOTFOUND);
}

static void a_living_owner_keeps_its_segment(void **state)
{
    candor_segment *s = new_segment(*state, 65536), *other = NULL;
    assert_int_equal(candor_segment_take(s->path, &other, NULL), CANDOR_BUSY);
    candor_segment_delete(s);
}

static void torn_tail_ends_the_segment(void **state)
{
    unsigned bad;
    bool lost;
    /* killed in the middle of the second append: its length is not there yet */
    assert_int_equal(damage(*state, 0, "\0\0\0\0", 4, &bad, &lost), 1);
    assert_int_equal(bad, 0);
    assert_false(lost);
}

static void bad_checksum_is_passed_over(void **state)
{
    unsigned bad;
    bool lost;
    assert_int_equal(damage(*state, 20, "\x55", 1, &bad, &lost), 2);
    assert_int_equal(bad, 1);
}

static void impossible_length_loses_the_rest(void **state)
{
    unsigned bad;
    bool lost;
    assert_int_equal(damage(*state, 0, "\xff\xff\xff\x7f", 4, &bad, &lost), 1);
    assert_true(lost);
}

static void refused_payload_leaves_no_trace_behind_the_tail(void **state)
{
    char payload[2000];
    unsigned bad;
    bool lost;
    candor_segment *s = new_segment(*state, 65536);
    candor_buf body;
    candor_record r = {.seq = 1, .type = CANDOR_LIT("Ping")};
    memset(payload, 'x', sizeof payload - 1);
    payload[sizeof payload - 1] = '\0';
    assert_true(candor_segment_begin(s, &r, &body));
    candor_buf_put(&body, payload, sizeof payload - 1); /* and then refused: no commit */
    assert_true(append(s, 1, "{\"n\":1}"));
    assert_int_equal(read_all(s, &bad, &lost), 1);
    assert_false(lost);
    candor_segment_delete(s);
}

static void full_segment_refuses(void **state)
{
    unsigned n = 0, bad;
    bool lost;
    candor_segment *s = new_segment(*state, 8192);
    while (append(s, n + 1, "{\"n\":123456}"))
        n++;
    assert_true(n > 10);
    assert_int_equal(read_all(s, &bad, &lost), n);
    assert_false(candor_segment_roomy(s));
    candor_segment_delete(s);
}

static void counters_are_in_the_file(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_counts c = {.disk_low = 3}, got;
    c.emit[CANDOR_EMIT_BAD_PAYLOAD] = 2;
    candor_segment *s = new_segment(*state, 65536);
    candor_segment_count(s, &c);
    candor_segment_count(s, &c);
    memcpy(path, s->path, sizeof path);
    candor_segment_free(s);
    assert_int_equal(candor_segment_take(path, &s, NULL), CANDOR_OK);
    candor_segment_counts(s, &got);
    assert_int_equal(got.emit[CANDOR_EMIT_BAD_PAYLOAD], 4);
    assert_int_equal(got.disk_low, 6);
    candor_segment_delete(s);
}

/* Version 1 had no counter for the privacy level, and is the same otherwise. */
static void a_segment_of_the_version_before_is_read_with_its_counters(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_counts c = {.disk_low = 3}, got;
    unsigned bad;
    bool lost;
    c.emit[CANDOR_EMIT_SAMPLED] = 2;
    c.emit[CANDOR_EMIT_FAILED] = 4;
    c.adjust[CANDOR_ADJUST_COUNT - 1] = 5;
    candor_segment *s = new_segment(*state, 65536);
    assert_true(append(s, 1, "{\"n\":1}"));
    candor_segment_count(s, &c);
    unsigned char *counts = s->map.p + 3584 + 16, *level = counts + CANDOR_EMIT_LEVEL * 8;
    memmove(level, level + 8, (CANDOR_COUNTS_N - 1 - CANDOR_EMIT_LEVEL) * 8);
    candor_put_u32(s->map.p + 8, 1);
    memcpy(path, s->path, sizeof path);
    candor_segment_free(s);
    assert_int_equal(candor_segment_take(path, &s, NULL), CANDOR_OK);
    assert_int_equal(read_all(s, &bad, &lost), 1);
    candor_segment_counts(s, &got);
    assert_memory_equal(&got, &c, sizeof c);
    candor_put_u32(s->map.p + 8, 3);
    candor_segment_free(s);
    assert_int_equal(candor_segment_take(path, &s, NULL), CANDOR_CORRUPT);
}

static void foreign_files_are_corrupt_not_fatal(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_segment *s = NULL;
    static const size_t sizes[] = {1, 4096, 4097, 9000};
    in_dir(*state, "x.seg", path);
    for (size_t i = 0; i < 4; i++) {
        FILE *f = fopen(path, "w");
        for (size_t k = 0; k < sizes[i]; k++)
            fputc('z', f);
        fclose(f);
        assert_int_equal(candor_segment_take(path, &s, NULL), CANDOR_CORRUPT);
    }
    unlink(path);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(records_survive_reopening),
        WITH_DIR(a_living_owner_keeps_its_segment),
        WITH_DIR(torn_tail_ends_the_segment),
        WITH_DIR(bad_checksum_is_passed_over),
        WITH_DIR(impossible_length_loses_the_rest),
        WITH_DIR(refused_payload_leaves_no_trace_behind_the_tail),
        WITH_DIR(full_segment_refuses),
        WITH_DIR(counters_are_in_the_file),
        WITH_DIR(a_segment_of_the_version_before_is_read_with_its_counters),
        WITH_DIR(foreign_files_are_corrupt_not_fatal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
