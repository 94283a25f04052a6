#include "base/base_test.h"

#include "base/gzip.h"
#include "central/inflate.h"

#define LOTS ((size_t)1 << 20)

static candor_buf packed(candor_bytes in)
{
    candor_buf out = {0};
    assert_int_equal(candor_gzip(in, 6, NULL, &out, NULL), CANDOR_OK);
    return out;
}

static candor_status unpack(candor_bytes in, size_t max, candor_buf *out)
{
    candor_inflater *z;
    candor_err err = {0};
    candor_status st;
    assert_int_equal(candor_inflater_new(&z), CANDOR_OK);
    st = candor_inflater_run(z, in, max, out, &err);
    assert_int_equal(err.code, st);
    candor_inflater_free(z);
    return st;
}

static void inflate_gives_back_content_of_every_size_and_ratio(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 100, 1023, 1024, 1025, 65536, 300000};
    uint64_t seed = 7;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int compressible = 0; compressible < 2; compressible++) {
            char *text = malloc(sizes[i] + 1);
            candor_buf z, back = {0};
            assert_non_null(text);
            for (size_t k = 0; k < sizes[i]; k++)
                text[k] = compressible != 0 ? 'a' : (char)(next_random(&seed) >> 56);
            z = packed(candor_bytes_of(text, sizes[i]));
            candor_buf_put(&back, "kept", 4);
            assert_int_equal(unpack(candor_buf_bytes(&z), sizes[i], &back), CANDOR_OK);
            assert_memory_equal(back.p, "kept", 4);
            assert_bytes(candor_bytes_of(back.p + 4, back.n - 4), candor_bytes_of(text, sizes[i]));
            candor_buf_free(&z);
            candor_buf_free(&back);
            free(text);
        }
    }
}

static void inflate_joins_concatenated_members(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("one ")), out = {0};
    char big[5000];
    memset(big, 'b', sizeof(big)); /* behind a small first guess, as the last ISIZE says 3 */
    assert_int_equal(candor_gzip(CANDOR_LIT(""), 6, "second", &z, NULL), CANDOR_OK);
    assert_int_equal(candor_gzip(candor_bytes_of(big, sizeof(big)), 6, NULL, &z, NULL), CANDOR_OK);
    assert_int_equal(candor_gzip(CANDOR_LIT("two"), 6, "third", &z, NULL), CANDOR_OK);
    assert_int_equal(unpack(candor_buf_bytes(&z), 5007, &out), CANDOR_OK);
    assert_int_equal(out.n, 5007);
    assert_memory_equal(out.p, "one b", 5);
    assert_memory_equal(out.p + 5003, "btwo", 4);
    out.n = 0; /* the cap counts over all members */
    assert_int_equal(unpack(candor_buf_bytes(&z), 5006, &out), CANDOR_LIMIT);
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void inflate_reports_every_truncation_as_corrupt(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("some text that is long enough to have a body"));
    candor_buf out = {0};
    for (size_t n = 0; n < z.n; n++) {
        candor_bytes in = exact(z.p, n);
        assert_int_equal(unpack(in, LOTS, &out), CANDOR_CORRUPT);
        assert_int_equal(out.n, 0);
        exact_free(in);
    }
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void inflate_reports_trailing_garbage_as_corrupt(void **state)
{
    (void)state;
    static const candor_bytes tails[] = {
        {"\0\0\0\0", 4}, {"x", 1}, {"\x1f", 1}, {"\x1f\x8b", 2}, {"garbage behind it all", 21}};
    candor_buf out = {0};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        candor_buf z = packed(CANDOR_LIT("text"));
        candor_buf_put_bytes(&z, tails[i]);
        assert_int_equal(unpack(candor_buf_bytes(&z), LOTS, &out), CANDOR_CORRUPT);
        assert_int_equal(out.n, 0);
        candor_buf_free(&z);
    }
    candor_buf_free(&out);
}

static void inflate_refuses_other_formats(void **state)
{
    (void)state;
    candor_buf out = {0};
    assert_int_equal(unpack((candor_bytes){0}, LOTS, &out), CANDOR_CORRUPT);
    assert_int_equal(unpack(CANDOR_LIT("{\"a\":1,\"b\":[1,2,3,4,5]}"), LOTS, &out), CANDOR_CORRUPT);
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
    candor_buf z, out = {0};
    assert_non_null(zeros);
    z = packed(candor_bytes_of(zeros, size));
    free(zeros);
    assert_int_equal(unpack(candor_buf_bytes(&z), cap, &out), CANDOR_LIMIT);
    assert_true(out.cap <= cap);
    assert_int_equal(out.n, 0);
    assert_false(out.failed);
    assert_int_equal(unpack(candor_buf_bytes(&z), size - 1, &out), CANDOR_LIMIT);
    assert_int_equal(unpack(candor_buf_bytes(&z), size, &out), CANDOR_OK);
    assert_int_equal(out.n, size);
    /* A buffer that is larger already changes nothing. */
    out.n = 0;
    assert_int_equal(unpack(candor_buf_bytes(&z), cap, &out), CANDOR_LIMIT);
    candor_buf_free(&z);
    candor_buf_free(&out);
}

/* ISIZE is what the sender says. */
static void a_false_length_is_corrupt_and_takes_no_memory(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("short")), out = {0};
    candor_put_u32(z.p + z.n - 4, 0x3fffffff);
    assert_int_equal(unpack(candor_buf_bytes(&z), (size_t)1 << 30, &out), CANDOR_CORRUPT);
    assert_true(out.cap <= 4096);
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void cap_of_zero_takes_only_empty_content(void **state)
{
    (void)state;
    candor_buf empty = packed((candor_bytes){0}), one = packed(CANDOR_LIT("1")), out = {0};
    assert_int_equal(unpack(candor_buf_bytes(&empty), 0, &out), CANDOR_OK);
    assert_int_equal(unpack(candor_buf_bytes(&one), 0, &out), CANDOR_LIMIT);
    assert_int_equal(out.cap, 0);
    candor_buf_free(&empty);
    candor_buf_free(&one);
    candor_buf_free(&out);
}

static void inflate_ignores_and_keeps_the_buffers_own_max(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("twelve bytes")), out = {.max = 5};
    assert_int_equal(unpack(candor_buf_bytes(&z), LOTS, &out), CANDOR_OK);
    assert_int_equal(out.n, 12);
    assert_int_equal(out.max, 5);
    candor_buf_free(&z);
    candor_buf_free(&out);
}

static void inflate_into_a_small_fixed_buffer_is_full(void **state)
{
    (void)state;
    char storage[8];
    candor_buf z = packed(CANDOR_LIT("nine char")), out;
    candor_buf_init_fixed(&out, storage, sizeof(storage));
    assert_int_equal(unpack(candor_buf_bytes(&z), LOTS, &out), CANDOR_FULL);
    assert_int_equal(out.n, 0);
    candor_buf_free(&z);
}

static void inflater_is_reusable_also_after_a_failure(void **state)
{
    (void)state;
    candor_buf z = packed(CANDOR_LIT("content")), out = {0};
    candor_inflater *inf;
    assert_int_equal(candor_inflater_new(&inf), CANDOR_OK);
    for (int i = 0; i < 20; i++) {
        candor_bytes all = candor_buf_bytes(&z), torn = candor_bytes_of(z.p, z.n / 2);
        assert_int_equal(candor_inflater_run(inf, torn, LOTS, &out, NULL), CANDOR_CORRUPT);
        assert_int_equal(candor_inflater_run(inf, all, 3, &out, NULL), CANDOR_LIMIT);
        assert_int_equal(candor_inflater_run(inf, all, LOTS, &out, NULL), CANDOR_OK);
        assert_bytes(candor_buf_bytes(&out), CANDOR_LIT("content"));
        candor_buf_clear(&out);
    }
    candor_inflater_free(inf);
    candor_inflater_free(NULL);
    candor_buf_free(&z);
    candor_buf_free(&out);
}

/* Flip bits, cut and repeat parts: whatever zlib makes of it, libdeflate's answer is the same
 * content or a refusal, and a cap holds. */
static void damaged_input_is_never_taken_for_other_content(void **state)
{
    (void)state;
    uint64_t seed = 42;
    char text[3000];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + next_random(&seed) % 7);
    candor_buf z = packed(candor_bytes_of(text, sizeof(text))), a = {0}, b = {0};
    for (int round = 0; round < 20000; round++) {
        size_t flips = next_random(&seed) % 3 + 1, n = z.n - next_random(&seed) % 3 / 2;
        char *copy = malloc(z.n);
        assert_non_null(copy);
        memcpy(copy, z.p, z.n);
        for (size_t i = 0; i < flips; i++)
            copy[next_random(&seed) % z.n] ^= (char)(1 << next_random(&seed) % 8);
        candor_buf_clear(&a);
        candor_buf_clear(&b);
        if (unpack(candor_bytes_of(copy, n), 4000, &a) == CANDOR_OK) {
            assert_int_equal(candor_gunzip(candor_bytes_of(copy, n), 4000, &b, NULL, 0, NULL),
                             CANDOR_OK);
            assert_bytes(candor_buf_bytes(&a), candor_buf_bytes(&b));
        }
        assert_true(a.cap <= 4000);
        free(copy);
    }
    candor_buf_free(&z);
    candor_buf_free(&a);
    candor_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inflate_gives_back_content_of_every_size_and_ratio),
        cmocka_unit_test(inflate_joins_concatenated_members),
        cmocka_unit_test(inflate_reports_every_truncation_as_corrupt),
        cmocka_unit_test(inflate_reports_trailing_garbage_as_corrupt),
        cmocka_unit_test(inflate_refuses_other_formats),
        cmocka_unit_test(bomb_stops_at_the_cap_without_the_memory),
        cmocka_unit_test(a_false_length_is_corrupt_and_takes_no_memory),
        cmocka_unit_test(cap_of_zero_takes_only_empty_content),
        cmocka_unit_test(inflate_ignores_and_keeps_the_buffers_own_max),
        cmocka_unit_test(inflate_into_a_small_fixed_buffer_is_full),
        cmocka_unit_test(inflater_is_reusable_also_after_a_failure),
        cmocka_unit_test(damaged_input_is_never_taken_for_other_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
