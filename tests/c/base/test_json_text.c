#include "base/base_test.h"

#include <stdio.h>

#include "base/json.h"

static candor_bytes decode(const char *raw, char *out, size_t cap)
{
    candor_bytes in = exact(raw, strlen(raw));
    size_t n = candor_json_unescape(in, out, cap);
    exact_free(in);
    assert_true(n != SIZE_MAX);
    return candor_bytes_of(out, n);
}

static void unescape_decodes_every_escape(void **state)
{
    (void)state;
    char out[64];
    assert_bytes(decode("\\\"\\\\\\/\\b\\f\\n\\r\\t", out, sizeof(out)),
                 CANDOR_LIT("\"\\/\b\f\n\r\t"));
    assert_bytes(decode("a\\u0041\\u00e9\\u20AC\\u0000z", out, sizeof(out)),
                 CANDOR_LIT("aA\xc3\xa9\xe2\x82\xac\0z"));
    assert_bytes(decode("\\uD83D\\ude00", out, sizeof(out)), CANDOR_LIT("\xf0\x9f\x98\x80"));
    assert_bytes(decode("\\uDBFF\\uDFFF", out, sizeof(out)), CANDOR_LIT("\xf4\x8f\xbf\xbf"));
    assert_bytes(decode("plain \xc3\xa9", out, sizeof(out)), CANDOR_LIT("plain \xc3\xa9"));
    assert_bytes(decode("", out, 0), CANDOR_LIT(""));
}

#define FFFD "\xef\xbf\xbd"

static void lone_surrogates_become_replacement_characters(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"\\ud800", FFFD},
                                          {"\\udfff", FFFD},
                                          {"\\ud800abc", FFFD "abc"},
                                          {"\\ud800\\n", FFFD "\n"},
                                          {"\\ud800\\u0041", FFFD "A"},
                                          {"\\ud800\\ud800\\udc00", FFFD "\xf0\x90\x80\x80"},
                                          {"\\udc00\\ud800", FFFD FFFD},
                                          {"\\ud83d", FFFD}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[64];
        assert_bytes(decode(rows[i][0], out, sizeof(out)), candor_bytes_str(rows[i][1]));
    }
}

static void unescape_refuses_a_buffer_that_is_too_small(void **state)
{
    (void)state;
    static const char raw[] = "ab\\u20acd\\n";
    char *out = malloc(7);
    assert_non_null(out);
    for (size_t cap = 0; cap < 7; cap++)
        assert_true(candor_json_unescape(CANDOR_LIT(raw), out, cap) == SIZE_MAX);
    assert_int_equal(candor_json_unescape(CANDOR_LIT(raw), out, 7), 7);
    free(out);
}

/* Only tokens are decoded in earnest, but a mistake there must not become a memory error. */
static void unescape_of_malformed_text_stays_in_bounds(void **state)
{
    (void)state;
    static const char *const bad[] = {"\\",  "\\u",       "\\u12",       "\\uzzzz",
                                      "\\q", "\\ud800\\", "\\ud800\\u12"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        candor_bytes in = exact(bad[i], strlen(bad[i]));
        char out[64];
        assert_true(candor_json_unescape(in, out, sizeof(out)) <= sizeof(out));
        exact_free(in);
    }
}

static candor_bytes encode(const void *p, size_t n, candor_buf *b)
{
    candor_bytes in = exact(p, n);
    candor_buf_clear(b);
    candor_json_put_string(b, in);
    exact_free(in);
    assert_false(b->failed);
    return candor_buf_bytes(b);
}

static void put_string_escapes_what_must_be(void **state)
{
    (void)state;
    candor_buf b = {0};
    assert_bytes(encode("", 0, &b), CANDOR_LIT("\"\""));
    assert_bytes(encode("a\"b\\c/d", 7, &b), CANDOR_LIT("\"a\\\"b\\\\c/d\""));
    assert_bytes(encode("\b\f\n\r\t\0\x1f\x7f", 8, &b),
                 CANDOR_LIT("\"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\""));
    assert_bytes(encode("caf\xc3\xa9 \xf0\x9f\x98\x80", 10, &b),
                 CANDOR_LIT("\"caf\xc3\xa9 \xf0\x9f\x98\x80\""));
    candor_buf_free(&b);
}

static void put_string_replaces_each_maximal_malformed_part_once(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"\xff", FFFD},
        {"a\x80z", "a" FFFD "z"},
        {"\xc3", FFFD},
        {"\xc3(", FFFD "("},
        {"\xe2\x82", FFFD},
        {"\xe2\x82x", FFFD "x"},
        {"\xf0\x9f\x98", FFFD},
        {"\xf0\x9f\x98\xc3\xa9", FFFD "\xc3\xa9"},
        {"\xc0\xaf", FFFD FFFD},
        {"\xed\xa0\x80", FFFD FFFD FFFD},
        {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD},
        {"\xf5", FFFD},
        /* Unicode 15 section 3.9, tables 3-8 to 3-11 */
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", FFFD FFFD FFFD FFFD "A"}};
    candor_buf b = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char want[128];
        (void)snprintf(want, sizeof(want), "\"%s\"", rows[i][1]);
        assert_bytes(encode(rows[i][0], strlen(rows[i][0]), &b), candor_bytes_str(want));
    }
    candor_buf_free(&b);
}

static void put_string_is_all_or_nothing(void **state)
{
    (void)state;
    static const char text[] = "long enough to be copied in runs\nand \xff escaped";
    candor_buf full = {0};
    (void)encode(text, sizeof(text) - 1, &full);
    for (size_t cap = 0; cap <= full.n; cap++) {
        char storage[128];
        candor_buf b;
        candor_buf_init_fixed(&b, storage, cap);
        candor_json_put_string(&b, CANDOR_LIT(text));
        assert_int_equal(b.failed, cap < full.n);
        assert_int_equal(b.n, cap < full.n ? 0 : full.n);
    }
    candor_buf_free(&full);
}

/* Any bytes: what is written is a valid string that decodes to the same text, and to the very same
 * bytes when those were well-formed. */
static void written_strings_read_back(void **state)
{
    (void)state;
    uint64_t seed = 11;
    candor_buf b = {0}, again = {0};
    for (int round = 0; round < 20000; round++) {
        static const char *const parts[] = {
            "\xf0\x9f\x98\x80", "\xe2\x82\xac", "\xc3\xa9", "\"", "\\", "\n", "x", "\x80", "\xff",
            "\xe2\x82",         "01234567"};
        char text[128], back[512];
        size_t n = 0;
        candor_json j;
        candor_json_token t;
        candor_bytes decoded;
        while (n < 100 && next_random(&seed) % 12 != 0) {
            const char *part = parts[next_random(&seed) % (sizeof(parts) / sizeof(parts[0]))];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        candor_json_init(&j, encode(text, n, &b), 1);
        assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_STRING);
        assert_true(t.raw.n <= sizeof(back));
        decoded = candor_bytes_of(back, candor_json_unescape(t.raw, back, t.raw.n));
        assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_END);
        (void)encode(decoded.p, decoded.n, &again);
        assert_bytes(candor_buf_bytes(&again), candor_buf_bytes(&b));
        if (memmem(b.p, b.n, FFFD, 3) == NULL) assert_bytes(decoded, candor_bytes_of(text, n));
    }
    candor_buf_free(&b);
    candor_buf_free(&again);
}

/* The definition read backwards: decode with plain arithmetic, then look for overlong forms,
 * surrogates and the upper end. */
static unsigned reference_length(const unsigned char *s, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned length = s[0] < 0x80             ? 1
                      : (s[0] & 0xe0) == 0xc0 ? 2
                      : (s[0] & 0xf0) == 0xe0 ? 3
                      : (s[0] & 0xf8) == 0xf0 ? 4
                                              : 0;
    uint32_t c;
    if (length < 2 || length > n) return length == 1 ? 1 : 0;
    c = s[0] & (0x7fu >> length);
    for (unsigned i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 0;
    return length;
}

static void check_utf8(const unsigned char *s, size_t n)
{
    unsigned got = candor_utf8_len((const char *)s, (const char *)s + n);
    if (got != reference_length(s, n))
        fail_msg("%02x %02x %02x %02x (of %zu): %u", s[0], s[1], s[2], s[3], n, got);
}

static void utf8_length_agrees_with_the_definition(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                          0xa0, 0xbf, 0xc0, 0xed, 0xff};
    for (unsigned ab = 0; ab < 65536; ab++) {
        for (size_t i = 0; i < sizeof(edges) * sizeof(edges); i++) {
            const unsigned char s[4] = {(unsigned char)(ab >> 8), (unsigned char)ab,
                                        edges[i / sizeof(edges)], edges[i % sizeof(edges)]};
            for (size_t n = 1; n <= 4; n++)
                check_utf8(s, n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unescape_decodes_every_escape),
        cmocka_unit_test(lone_surrogates_become_replacement_characters),
        cmocka_unit_test(unescape_refuses_a_buffer_that_is_too_small),
        cmocka_unit_test(unescape_of_malformed_text_stays_in_bounds),
        cmocka_unit_test(put_string_escapes_what_must_be),
        cmocka_unit_test(put_string_replaces_each_maximal_malformed_part_once),
        cmocka_unit_test(put_string_is_all_or_nothing),
        cmocka_unit_test(written_strings_read_back),
        cmocka_unit_test(utf8_length_agrees_with_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
