#include "base/base_test.h"

#include <time.h>

#include "base/uuid.h"

/* RFC 9562 appendix A.6. */
#define RFC_TEXT "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
#define RFC_MS   UINT64_C(0x017f22e279b0)

static void uuid7_matches_the_example_of_the_rfc(void **state)
{
    (void)state;
    const unsigned char rand[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    unsigned char id[16];
    char text[CANDOR_UUID_TEXT];
    candor_uuid7_make(RFC_MS, rand, id);
    candor_uuid_format(id, text);
    assert_memory_equal(text, RFC_TEXT, CANDOR_UUID_TEXT);
    assert_true(candor_uuid7_ms(id) == RFC_MS);
}

static void uuid7_sets_version_and_variant_whatever_the_random_bytes(void **state)
{
    (void)state;
    unsigned char rand[10], id[16];
    for (int i = 0; i < 256; i++) {
        memset(rand, i, sizeof(rand));
        candor_uuid7_make(UINT64_MAX, rand, id);
        assert_true(candor_uuid_is_v7(id));
        assert_int_equal(id[7], i);
        assert_true(candor_uuid7_ms(id) == UINT64_C(0xffffffffffff)); /* cut to 48 bits */
    }
}

static void uuid7_orders_by_time(void **state)
{
    (void)state;
    unsigned char high[10], a[16], b[16];
    memset(high, 0xff, sizeof(high));
    for (uint64_t ms = 1; ms != 0 && ms < UINT64_C(1) << 47; ms = ms * 3 + 1) {
        candor_uuid7_make(ms, high, a);
        candor_uuid7_make(ms + 1, (const unsigned char[10]){0}, b);
        assert_true(memcmp(a, b, 16) < 0);
    }
}

static void uuid_parses_both_cases(void **state)
{
    (void)state;
    unsigned char lower[16], upper[16];
    candor_bytes text = exact("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", 36);
    assert_true(candor_uuid_parse(CANDOR_LIT(RFC_TEXT), lower));
    assert_true(candor_uuid_parse(text, upper));
    assert_memory_equal(lower, upper, 16);
    exact_free(text);
}

static void uuid_parse_refuses_other_forms_and_leaves_out_alone(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "017f22e279b07cc398c4dc0c0c07398f",
                                      "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
                                      "017f22e2-79b0-7cc3-98c4+dc0c0c07398f",
                                      "017f22e27-9b0-7cc3-98c4-dc0c0c07398f",
                                      " 17f22e2-79b0-7cc3-98c4-dc0c0c07398f"};
    unsigned char id[16] = {42};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(candor_uuid_parse(candor_bytes_str(bad[i]), id));
    assert_int_equal(id[0], 42);
}

static void uuid_is_v7_tells_other_versions_and_variants(void **state)
{
    (void)state;
    unsigned char id[16];
    assert_true(candor_uuid_parse(CANDOR_LIT("017f22e2-79b0-4cc3-98c4-dc0c0c07398f"), id));
    assert_false(candor_uuid_is_v7(id));
    assert_true(candor_uuid_parse(CANDOR_LIT("017f22e2-79b0-7cc3-c8c4-dc0c0c07398f"), id));
    assert_false(candor_uuid_is_v7(id));
}

static void time_formats_known_moments(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "1970-01-01T00:00:00.000Z"},
                {-1, "1969-12-31T23:59:59.999Z"},
                {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
                {INT64_C(1795254720123), "2026-11-21T09:52:00.123Z"},
                {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
                {INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z"},
                {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[CANDOR_TIME_TEXT];
        int64_t back;
        candor_time_format(rows[i].ms, text);
        assert_memory_equal(text, rows[i].text, CANDOR_TIME_TEXT);
        assert_true(candor_time_parse(candor_bytes_str(rows[i].text), &back));
        assert_true(back == rows[i].ms);
    }
}

static void time_format_stays_in_range_for_any_input(void **state)
{
    (void)state;
    char text[CANDOR_TIME_TEXT];
    candor_time_format(INT64_MIN, text);
    assert_memory_equal(text, "0000-01-01T00:00:00.000Z", CANDOR_TIME_TEXT);
    candor_time_format(INT64_MAX, text);
    assert_memory_equal(text, "9999-12-31T23:59:59.999Z", CANDOR_TIME_TEXT);
}

static void time_agrees_with_the_c_library_on_every_day(void **state)
{
    (void)state;
    for (int64_t day = -719528; day < 2932897; day++) {
        int64_t ms = day * 86400000 + (day & 1 ? 86399999 : 0), back;
        char text[CANDOR_TIME_TEXT], want[32];
        time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        candor_time_format(ms, text);
        want[0] = (char)('0' + (tm.tm_year + 1900) / 1000);
        want[1] = (char)('0' + (tm.tm_year + 1900) / 100 % 10);
        want[2] = (char)('0' + (tm.tm_year + 1900) / 10 % 10);
        want[3] = (char)('0' + (tm.tm_year + 1900) % 10);
        assert_int_equal(strftime(want + 4, sizeof(want) - 4, "-%m-%d", &tm), 6);
        assert_memory_equal(text, want, 10);
        assert_true(candor_time_parse(candor_bytes_of(text, sizeof(text)), &back));
        assert_true(back == ms);
    }
}

static void time_parses_offsets_fractions_and_both_cases(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {/* RFC 3339 section 5.8 */
                {"1985-04-12T23:20:50.52Z", INT64_C(482196050520)},
                {"1996-12-19T16:39:57-08:00", INT64_C(851042397000)},
                {"1996-12-20T00:39:57Z", INT64_C(851042397000)},
                {"1937-01-01T12:00:27.87+00:20", INT64_C(-1041337172130)},
                {"1990-12-31T23:59:60Z", INT64_C(662687999999)},
                {"1990-12-31T15:59:60-08:00", INT64_C(662687999999)},
                {"1970-01-01t00:00:00z", 0},
                {"1970-01-01T00:00:00-00:00", 0},
                {"1970-01-01T00:00:00.0009Z", 0},
                {"1970-01-01T00:00:00.1Z", 100},
                {"1970-01-01T00:00:00.12345678901234567890Z", 123}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        candor_bytes text = exact(rows[i].text, strlen(rows[i].text));
        int64_t ms = -7;
        assert_true(candor_time_parse(text, &ms));
        assert_true(ms == rows[i].ms);
        exact_free(text);
    }
}

static void time_parse_refuses_what_is_no_date_time(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-11-21",
                                      "2026-11-21T09:52:00",
                                      "2026-11-21 09:52:00Z",
                                      "2026-11-21T09:52:00.Z",
                                      "2026-11-21T09:52Z",
                                      "2026-11-21T9:52:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2100-02-29T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:61Z",
                                      "2026-01-01T00:00:60Z",
                                      "2026-01-01T00:00:00+24:00",
                                      "2026-01-01T00:00:00+00:60",
                                      "2026-01-01T00:00:00+0000",
                                      "2026-01-01T00:00:00+00",
                                      "2026-01-01T00:00:00Zx",
                                      "2026-01-01T00:00:00,5Z",
                                      "+026-01-01T00:00:00Z",
                                      "02026-01-01T00:00:00Z",
                                      "0000-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59-00:01",
                                      "2026-1a-01T00:00:00Z"};
    int64_t ms = 42;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        candor_bytes text = exact(bad[i], strlen(bad[i]));
        if (candor_time_parse(text, &ms)) fail_msg("accepted \"%s\"", bad[i]);
        exact_free(text);
    }
    assert_true(ms == 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uuid7_matches_the_example_of_the_rfc),
        cmocka_unit_test(uuid7_sets_version_and_variant_whatever_the_random_bytes),
        cmocka_unit_test(uuid7_orders_by_time),
        cmocka_unit_test(uuid_parses_both_cases),
        cmocka_unit_test(uuid_parse_refuses_other_forms_and_leaves_out_alone),
        cmocka_unit_test(uuid_is_v7_tells_other_versions_and_variants),
        cmocka_unit_test(time_formats_known_moments),
        cmocka_unit_test(time_format_stays_in_range_for_any_input),
        cmocka_unit_test(time_agrees_with_the_c_library_on_every_day),
        cmocka_unit_test(time_parses_offsets_fractions_and_both_cases),
        cmocka_unit_test(time_parse_refuses_what_is_no_date_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
