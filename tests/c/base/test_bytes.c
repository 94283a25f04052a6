#include "base/base_test.h"

#include <errno.h>

static void buffer_grows_and_keeps_what_was_appended(void **state)
{
    (void)state;
    candor_buf b = {0};
    for (int i = 0; i < 10000; i++)
        candor_buf_put_c(&b, (char)('a' + i % 26));
    assert_false(b.failed);
    assert_int_equal(b.n, 10000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(b.p[i], 'a' + i % 26);
    candor_buf_free(&b);
    assert_null(b.p);
    assert_int_equal(b.cap, 0);
}

static void buffer_never_passes_its_max(void **state)
{
    (void)state;
    candor_buf b = {.max = 100};
    char text[60] = {0};
    candor_buf_put(&b, text, 60);
    assert_false(b.failed);
    candor_buf_put(&b, text, 41);
    assert_true(b.failed);
    assert_int_equal(b.n, 60);
    candor_buf_put(&b, text, 1); /* no-op after a failure, though it would fit */
    assert_int_equal(b.n, 60);
    candor_buf_clear(&b);
    candor_buf_put(&b, text, 60);
    candor_buf_put(&b, text, 40);
    assert_false(b.failed);
    assert_int_equal(b.n, 100);
    assert_true(b.cap <= 100);
    candor_buf_free(&b);
}

static void fixed_buffer_takes_exactly_its_storage(void **state)
{
    (void)state;
    char storage[8];
    candor_buf b;
    candor_buf_init_fixed(&b, storage, sizeof(storage));
    candor_buf_put(&b, "12345678", 8);
    assert_false(b.failed);
    assert_bytes(candor_buf_bytes(&b), CANDOR_LIT("12345678"));
    candor_buf_put_c(&b, '9');
    assert_true(b.failed);
    assert_ptr_equal(b.p, storage);
    candor_buf_free(&b); /* must not free the caller's storage */
}

static void failed_append_appends_nothing(void **state)
{
    (void)state;
    char storage[4];
    candor_buf b;
    candor_buf_init_fixed(&b, storage, sizeof(storage));
    candor_buf_put(&b, "ab", 2);
    candor_buf_put(&b, "cde", 3);
    assert_true(b.failed);
    assert_bytes(candor_buf_bytes(&b), CANDOR_LIT("ab"));
    candor_buf_free(&b);
}

static void reserve_refuses_a_size_that_overflows(void **state)
{
    (void)state;
    candor_buf b = {0};
    candor_buf_put(&b, "abc", 3);
    assert_false(candor_buf_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
    assert_int_equal(b.n, 3);
    candor_buf_free(&b);
}

static void empty_appends_need_no_storage(void **state)
{
    (void)state;
    candor_buf b = {0};
    candor_buf_put(&b, NULL, 0);
    candor_buf_put_bytes(&b, (candor_bytes){0});
    assert_false(b.failed);
    assert_int_equal(b.n, 0);
    candor_buf_free(&b);
}

static void putf_fills_a_fixed_buffer_to_the_last_byte(void **state)
{
    (void)state;
    char storage[5];
    candor_buf b;
    candor_buf_init_fixed(&b, storage, sizeof(storage));
    candor_buf_putf(&b, "%d", 12345);
    assert_false(b.failed);
    assert_bytes(candor_buf_bytes(&b), CANDOR_LIT("12345"));
    candor_buf_clear(&b);
    candor_buf_putf(&b, "%d", 123456);
    assert_true(b.failed);
    assert_int_equal(b.n, 0);
}

static void putf_writes_text_of_any_length(void **state)
{
    (void)state;
    for (int n = 500; n < 530; n++) { /* around the size of its local buffer */
        candor_buf b = {0};
        candor_buf_putf(&b, "<%*s>", n, "x");
        assert_false(b.failed);
        assert_int_equal(b.n, n + 2);
        assert_int_equal(b.p[n], 'x');
        assert_int_equal(b.p[n + 1], '>');
        candor_buf_free(&b);
    }
}

static void bytes_compare_by_content(void **state)
{
    (void)state;
    assert_true(candor_bytes_eq(CANDOR_LIT("ab"), candor_bytes_str("ab")));
    assert_true(candor_bytes_eq((candor_bytes){0}, CANDOR_LIT("")));
    assert_false(candor_bytes_eq(CANDOR_LIT("ab"), CANDOR_LIT("abc")));
    assert_false(candor_bytes_eq(CANDOR_LIT("a\0b"), CANDOR_LIT("a\0c")));
    assert_int_equal(candor_bytes_str(NULL).n, 0);
}

static void integers_are_little_endian_at_any_address(void **state)
{
    (void)state;
    unsigned char raw[16] = {0};
    candor_put_u64(raw + 1, UINT64_C(0x0807060504030201));
    for (int i = 0; i < 8; i++)
        assert_int_equal(raw[1 + i], i + 1);
    assert_true(candor_get_u64(raw + 1) == UINT64_C(0x0807060504030201));
    candor_put_u32(raw + 3, UINT32_C(0xfffefdfc));
    assert_true(candor_get_u32(raw + 3) == UINT32_C(0xfffefdfc));
    assert_int_equal(raw[3], 0xfc);
}

static void hex_round_trips_every_byte(void **state)
{
    (void)state;
    unsigned char all[256], back[256];
    char text[512];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    candor_hex_encode(all, 256, text);
    assert_memory_equal(text, "000102", 6);
    assert_memory_equal(text + 508, "feff", 4);
    assert_true(candor_hex_decode(candor_bytes_of(text, 512), back, 256));
    assert_memory_equal(all, back, 256);
    assert_true(candor_hex_decode(CANDOR_LIT("aBCdEF"), back, 3));
    assert_memory_equal(back, "\xab\xcd\xef", 3);
}

static void hex_decode_refuses_what_is_not_exactly_hex(void **state)
{
    (void)state;
    unsigned char out[4];
    assert_false(candor_hex_decode(CANDOR_LIT("abc"), out, 1));
    assert_false(candor_hex_decode(CANDOR_LIT("abcd"), out, 1));
    assert_false(candor_hex_decode(CANDOR_LIT("ab"), out, 2));
    for (unsigned at = 0; at < 8; at++) {
        for (unsigned c = 0; c < 256; c++) {
            char text[] = "0a9F1b8E";
            unsigned char eight[4], digit[1];
            char two[2] = {(char)c, '0'};
            text[at] = (char)c;
            bool is_hex = candor_hex_decode(candor_bytes_of(two, 2), digit, 1);
            assert_int_equal(candor_hex_decode(candor_bytes_of(text, 8), eight, 4), is_hex);
            if (is_hex)
                assert_int_equal(eight[at / 2] >> (at % 2 == 0 ? 4 : 0) & 15, digit[0] >> 4);
        }
    }
    for (int c = 0; c < 256; c++) {
        char text[2] = {'0', (char)c};
        bool is_hex = c != 0 && strchr("0123456789abcdefABCDEF", c) != NULL;
        assert_int_equal(candor_hex_decode(candor_bytes_of(text, 2), out, 1), is_hex);
    }
    assert_true(candor_hex_decode((candor_bytes){0}, out, 0));
}

static void status_has_a_text_and_a_name_for_every_value(void **state)
{
    (void)state;
    assert_string_equal(candor_status_name(CANDOR_OK), "OK");
    assert_string_equal(candor_status_name(CANDOR_CRYPTO), "CRYPTO");
    assert_string_equal(candor_status_text(CANDOR_FULL), "size limit reached");
    assert_string_equal(candor_status_name((candor_status)99), "UNKNOWN");
    assert_string_equal(candor_status_text((candor_status)99), "unknown status");
}

static void fail_fills_the_error_and_returns_its_code(void **state)
{
    (void)state;
    candor_err err = {.text = "old"};
    char out[128];
    assert_int_equal(candor_fail(&err, CANDOR_IO, ENOENT, "rename", NULL), CANDOR_IO);
    assert_int_equal(err.sys, ENOENT);
    candor_err_describe(&err, out, sizeof(out));
    assert_string_equal(out, "rename: i/o error (No such file or directory)");
    (void)candor_fail(&err, CANDOR_INVALID, 0, "schema", "line %d: bad", 12);
    candor_err_describe(&err, out, sizeof(out));
    assert_string_equal(out, "schema: line 12: bad");
    assert_int_equal(candor_fail(NULL, CANDOR_FULL, 0, "x", "%s", "y"), CANDOR_FULL);
}

static void error_text_is_cut_and_always_terminated(void **state)
{
    (void)state;
    candor_err err = {0};
    char out[8];
    (void)candor_fail(&err, CANDOR_INVALID, 0, "op", "%*s", 1000, "x");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    memset(out, '#', sizeof(out));
    candor_err_describe(&err, out, sizeof(out));
    assert_int_equal(strlen(out), 7);
    candor_err_describe(&err, out, 0);
    candor_err_describe(&(candor_err){0}, out, sizeof(out));
    assert_string_equal(out, "ok");
}

static void copy_is_exact_at_every_length(void **state)
{
    (void)state;
    char text[100];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i + 1);
    for (size_t n = 0; n <= sizeof(text); n++) {
        candor_bytes from = exact(text, n), to = exact(text, n);
        char *at = (char *)(uintptr_t)to.p;
        if (n != 0) memset(at, 0, n);
        assert_ptr_equal(candor_bytes_copy(at, from), at + n);
        if (n != 0) assert_memory_equal(at, text, n);
        exact_free(from);
        exact_free(to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_and_keeps_what_was_appended),
        cmocka_unit_test(buffer_never_passes_its_max),
        cmocka_unit_test(fixed_buffer_takes_exactly_its_storage),
        cmocka_unit_test(failed_append_appends_nothing),
        cmocka_unit_test(reserve_refuses_a_size_that_overflows),
        cmocka_unit_test(empty_appends_need_no_storage),
        cmocka_unit_test(putf_fills_a_fixed_buffer_to_the_last_byte),
        cmocka_unit_test(putf_writes_text_of_any_length),
        cmocka_unit_test(bytes_compare_by_content),
        cmocka_unit_test(copy_is_exact_at_every_length),
        cmocka_unit_test(integers_are_little_endian_at_any_address),
        cmocka_unit_test(hex_round_trips_every_byte),
        cmocka_unit_test(hex_decode_refuses_what_is_not_exactly_hex),
        cmocka_unit_test(status_has_a_text_and_a_name_for_every_value),
        cmocka_unit_test(fail_fills_the_error_and_returns_its_code),
        cmocka_unit_test(error_text_is_cut_and_always_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
