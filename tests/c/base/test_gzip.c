#include "base/base_test.h"

#include "base/gzip.h"

#define LOTS ((size_t)1 << 20)

static candor_bytes sample(char *storage, size_t n, bool compressible)
{
    uint64_t seed = 7;
    for (size_t i = 0; i < n; i++)
        storage[i] = compressible ? "event,"[i % 6] : (char)(next_random(&seed) >> 56);
    return candor_bytes_of(storage, n);
}

static candor_buf packed(candor_bytes in, const char *comment)
{
    candor_buf out = {0};
    assert_int_equal(candor_gzip(in, 6, comment, &out, NULL), CANDOR_OK);
    return out;
}

static candor_status unpack(candor_bytes in, size_t max, candor_buf *out)
{
    return candor_gunzip(in, max, out, NULL, 0, NULL);
}

static void gzip_round_trips_at_every_level_and_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 100, 16383, 16384, 16385, 100000};
    char *storage = malloc(100000);
    assert_non_null(storage);
    for (int level = 1; level <= 9; level += 4) {
        for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
            candor_bytes in = sample(storage, sizes[i / 2], i % 2 != 0);
            candor_buf z = {0}, back = {0};
            assert_int_equal(candor_gzip(in, level, NULL, &z, NULL), CANDOR_OK);
            assert_int_equal(unpack(candor_buf_bytes(&z), in.n, &back), CANDOR_OK);
            assert_bytes(candor_buf_bytes(&back), in);
            candor_buf_free(&z);
            candor_buf_free(&back);
        }
    }
    free(storage);
}

static void gzip_appends_behind_what_is_there(void **state)
{
    (void)state;
    candor_buf z = {0}, back = {0};
    candor_buf_put(&z, "head", 4);
    candor_buf_put(&back, "kept ", 5);
    assert_int_equal(candor_gzip(CANDOR_LIT("text"), 6, NULL, &z, NULL), CANDOR_OK);
    assert_memory_equal(z.p, "head\x1f\x8b", 6);
    assert_int_equal(unpack(candor_bytes_of(z.p + 4, z.n - 4), 4, &back), CANDOR_OK);
    assert_bytes(candor_buf_bytes(&back), CANDOR_LIT("kept text"));
    candor_buf_free(&z);
    candor_buf_free(&back);
}

static void gzip_gives_the_same_bytes_every_time(void **state)
{
    (void)state;
    candor_buf a = packed(CANDOR_LIT("hello"), "c"), b = packed(CANDOR_LIT("hello"), "c");
    assert_bytes(candor_buf_bytes(&a), candor_buf_bytes(&b));
    assert_int_equal(candor_get_u32(a.p + 4), 0); /* MTIME */
    assert_int_equal((unsigned char)a.p[9], 255); /* OS */
    candor_buf_free(&a);
    candor_buf_free(&b);
}

static void gzip_refuses_a_level_out_of_range(void **state)
{
    (void)state;
    candor_buf out = {0};
    candor_err err = {0};
    assert_int_equal(candor_gzip(CANDOR_LIT("x"), 0, NULL, &out, &err), CANDOR_INVALID);
    assert_non_null(strstr(err.text, "1..9"));
    assert_int_equal(candor_gzip(CANDOR_LIT("x"), 10, NULL, &out, NULL), CANDOR_INVALID);
    candor_buf_free(&out);
}

static void gzip_into_a_small_buffer_is_full_and_leaves_no_part(void **state)
{
    (void)state;
    char storage[64], data[1000];
    candor_bytes in = sample(data, sizeof(data), false);
    candor_buf fixed, capped = {.max = 64};
    candor_buf_init_fixed(&fixed, storage, sizeof(storage));
    candor_buf_put(&fixed, "ab", 2);
    assert_int_equal(candor_gzip(in, 6, NULL, &fixed, NULL), CANDOR_FULL);
    assert_int_equal(fixed.n, 2);
    assert_int_equal(candor_gzip(in, 6, NULL, &capped, NULL), CANDOR_FULL);
    assert_int_equal(capped.n, 0);
    assert_true(capped.cap <= 64);
    candor_buf_free(&capped);
}

static void gzip_fits_a_buffer_of_exactly_its_size(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("some text, some text, some text"), NULL);
    char *storage = malloc(z.n);
    candor_buf fixed, capped = {.max = z.n};
    assert_non_null(storage);
    candor_buf_init_fixed(&fixed, storage, z.n);
    assert_int_equal(
        candor_gzip(CANDOR_LIT("some text, some text, some text"), 6, NULL, &fixed, NULL),
        CANDOR_OK);
    assert_bytes(candor_buf_bytes(&fixed), candor_buf_bytes(&z));
    assert_int_equal(
        candor_gzip(CANDOR_LIT("some text, some text, some text"), 6, NULL, &capped, NULL),
        CANDOR_OK);
    assert_bytes(candor_buf_bytes(&capped), candor_buf_bytes(&z));
    free(storage);
    candor_buf_free(&z);
    candor_buf_free(&capped);
}

static void comment_travels_in_the_header(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("x"), "candor events=100"), out = {0};
    char comment[64], cut[7];
    assert_int_equal(
        candor_gunzip(candor_buf_bytes(&z), LOTS, &out, comment, sizeof(comment), NULL), CANDOR_OK);
    assert_string_equal(comment, "candor events=100");
    assert_int_equal(candor_gunzip(candor_buf_bytes(&z), LOTS, &out, cut, sizeof(cut), NULL),
                     CANDOR_OK);
    assert_string_equal(cut, "candor"); /* cut and terminated */
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void comment_is_empty_when_missing_or_unreadable(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("x"), NULL), named = packed(CANDOR_LIT("x"), "c"), out = {0};
    char comment[8] = "old";
    assert_int_equal(
        candor_gunzip(candor_buf_bytes(&z), LOTS, &out, comment, sizeof(comment), NULL), CANDOR_OK);
    assert_string_equal(comment, "");
    named.n -= 1;
    assert_int_equal(
        candor_gunzip(candor_buf_bytes(&named), LOTS, &out, comment, sizeof(comment), NULL),
        CANDOR_CORRUPT);
    assert_string_equal(comment, "");
    candor_buf_free(&z);
    candor_buf_free(&named);
    candor_buf_free(&out);
}

static void gunzip_joins_concatenated_members(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("one "), "first"), out = {0};
    char comment[16];
    assert_int_equal(candor_gzip(CANDOR_LIT(""), 6, "second", &z, NULL), CANDOR_OK);
    assert_int_equal(candor_gzip(CANDOR_LIT("two"), 6, "third", &z, NULL), CANDOR_OK);
    assert_int_equal(candor_gunzip(candor_buf_bytes(&z), 7, &out, comment, sizeof(comment), NULL),
                     CANDOR_OK);
    assert_bytes(candor_buf_bytes(&out), CANDOR_LIT("one two"));
    assert_string_equal(comment, "first");
    out.n = 0; /* the cap counts over all members */
    assert_int_equal(unpack(candor_buf_bytes(&z), 6, &out), CANDOR_LIMIT);
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void gunzip_reports_every_truncation_as_corrupt(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("some text that is long enough to have a body"), "comment");
    candor_buf out = {0};
    for (size_t n = 0; n < z.n; n++) {
        candor_bytes in = exact(z.p, n);
        candor_err err = {0};
        assert_int_equal(candor_gunzip(in, LOTS, &out, NULL, 0, &err), CANDOR_CORRUPT);
        assert_int_equal(err.code, CANDOR_CORRUPT);
        assert_int_equal(out.n, 0); /* nothing half-read is left */
        exact_free(in);
    }
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void gunzip_reports_trailing_garbage_as_corrupt(void **state)
{
    (void)state;
    static const char *const tails[] = {"x", "\x1f", "\x1f\x8b", "garbage behind"};
    candor_buf out = {0};
    for (size_t i = 0; i <= sizeof(tails) / sizeof(tails[0]); i++) {
        candor_buf z = packed(CANDOR_LIT("text"), NULL);
        if (i == 0) {
            candor_buf_put(&z, "\0\0\0\0", 4);
        } else {
            candor_buf_put_bytes(&z, candor_bytes_str(tails[i - 1]));
        }
        assert_int_equal(unpack(candor_buf_bytes(&z), LOTS, &out), CANDOR_CORRUPT);
        assert_int_equal(out.n, 0);
        candor_buf_free(&z);
    }
    candor_buf_free(&out);
}

static void gunzip_never_passes_a_flipped_bit_as_different_content(void **state)
{
    (void)state;
    const candor_bytes text = CANDOR_LIT("checked by its crc: 0123456789 0123456789");
    candor_buf z = packed(text, NULL), out = {0};
    for (size_t bit = 0; bit < z.n * 8; bit++) {
        z.p[bit / 8] = (char)(z.p[bit / 8] ^ (1 << (bit % 8)));
        out.n = 0;
        /* Header bytes such as MTIME and OS are free to change; the content is not. */
        if (unpack(candor_buf_bytes(&z), LOTS, &out) == CANDOR_OK)
            assert_bytes(candor_buf_bytes(&out), text);
        z.p[bit / 8] = (char)(z.p[bit / 8] ^ (1 << (bit % 8)));
    }
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void gunzip_refuses_other_formats(void **state)
{
    (void)state;
    candor_buf out = {0};
    assert_int_equal(unpack((candor_bytes){0}, LOTS, &out), CANDOR_CORRUPT);
    assert_int_equal(unpack(CANDOR_LIT("{\"a\":1}"), LOTS, &out), CANDOR_CORRUPT);
    /* The same "a" as a zlib stream (RFC 1950). */
    assert_int_equal(unpack(CANDOR_LIT("\x78\x9c\x4b\x04\x00\x00\x62\x00\x62"), LOTS, &out),
                     CANDOR_CORRUPT);
    candor_buf_free(&out);
}

static void bomb_stops_at_the_cap_without_the_memory(void **state)
{
    (void)state;
    const size_t size = 32u << 20, cap = 100000;
    char *zeros = calloc(1, size);
    candor_buf z = {0}, out = {0};
    assert_non_null(zeros);
    assert_int_equal(candor_gzip(candor_bytes_of(zeros, size), 9, NULL, &z, NULL), CANDOR_OK);
    free(zeros);
    assert_int_equal(unpack(candor_buf_bytes(&z), cap, &out), CANDOR_LIMIT);
    assert_true(out.cap <= cap);
    assert_int_equal(out.n, 0);
    assert_false(out.failed);
    assert_int_equal(unpack(candor_buf_bytes(&z), size - 1, &out), CANDOR_LIMIT);
    assert_int_equal(unpack(candor_buf_bytes(&z), size, &out), CANDOR_OK);
    assert_int_equal(out.n, size);
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void cap_of_zero_takes_only_empty_content(void **state)
{
    (void)state;
    candor_buf empty = packed((candor_bytes){0}, NULL), one = packed(CANDOR_LIT("1"), NULL);
    candor_buf out = {0};
    assert_int_equal(unpack(candor_buf_bytes(&empty), 0, &out), CANDOR_OK);
    assert_int_equal(unpack(candor_buf_bytes(&one), 0, &out), CANDOR_LIMIT);
    assert_int_equal(out.cap, 0);
    candor_buf_free(&empty);
    candor_buf_free(&one);
    candor_buf_free(&out);
}

static void gunzip_ignores_and_keeps_the_buffers_own_max(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("twelve bytes"), NULL), out = {.max = 5};
    assert_int_equal(unpack(candor_buf_bytes(&z), LOTS, &out), CANDOR_OK);
    assert_int_equal(out.n, 12);
    assert_int_equal(out.max, 5);
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void gunzip_into_a_small_fixed_buffer_is_full(void **state)
{
    (void)state;
    char storage[8];
    candor_buf z = packed(CANDOR_LIT("nine char"), NULL), out;
    candor_buf_init_fixed(&out, storage, sizeof(storage));
    assert_int_equal(unpack(candor_buf_bytes(&z), LOTS, &out), CANDOR_FULL);
    assert_int_equal(out.n, 0);
    candor_buf_free(&z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_round_trips_at_every_level_and_size),
        cmocka_unit_test(gzip_appends_behind_what_is_there),
        cmocka_unit_test(gzip_gives_the_same_bytes_every_time),
        cmocka_unit_test(gzip_refuses_a_level_out_of_range),
        cmocka_unit_test(gzip_into_a_small_buffer_is_full_and_leaves_no_part),
        cmocka_unit_test(gzip_fits_a_buffer_of_exactly_its_size),
        cmocka_unit_test(comment_travels_in_the_header),
        cmocka_unit_test(comment_is_empty_when_missing_or_unreadable),
        cmocka_unit_test(gunzip_joins_concatenated_members),
        cmocka_unit_test(gunzip_reports_every_truncation_as_corrupt),
        cmocka_unit_test(gunzip_reports_trailing_garbage_as_corrupt),
        cmocka_unit_test(gunzip_never_passes_a_flipped_bit_as_different_content),
        cmocka_unit_test(gunzip_refuses_other_formats),
        cmocka_unit_test(bomb_stops_at_the_cap_without_the_memory),
        cmocka_unit_test(cap_of_zero_takes_only_empty_content),
        cmocka_unit_test(gunzip_ignores_and_keeps_the_buffers_own_max),
        cmocka_unit_test(gunzip_into_a_small_fixed_buffer_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
