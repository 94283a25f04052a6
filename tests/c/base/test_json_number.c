#include "base/base_test.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

#include "base/json.h"

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static double parse(const char *text)
{
    candor_bytes raw = exact(text, strlen(text));
    double v = candor_json_double(raw);
    exact_free(raw);
    return v;
}

/* The C library, in the C locale this program starts with, is the reference. */
static void check_double(const char *text)
{
    double got = parse(text), want = strtod(text, NULL);
    if (!same_bits(got, want)) fail_msg("%.60s: %.17g instead of %.17g", text, got, want);
}

static void double_is_exact_on_the_hard_cases(void **state)
{
    (void)state;
    static const char *const rows[] = {"0",
                                       "-0",
                                       "0.0",
                                       "-0.0e5",
                                       "1",
                                       "-1",
                                       "0.1",
                                       "0.2",
                                       "0.3",
                                       "1e22",
                                       "1e23",
                                       "-1e-22",
                                       "123456789012345678",
                                       "1234567890123456789012",
                                       "9007199254740991",
                                       "9007199254740992",
                                       "9007199254740993",
                                       "9007199254740993.0000000000000000001",
                                       "9007199254740995",
                                       "2.2250738585072011e-308",
                                       "2.2250738585072014e-308",
                                       "4.9406564584124654e-324",
                                       "2.4703282292062327e-324",
                                       "2.4703282292062328e-324",
                                       "1.7976931348623157e308",
                                       "1.7976931348623158e308",
                                       "1.7976931348623159e308",
                                       "1e308",
                                       "1e309",
                                       "-1e309",
                                       "1e-400",
                                       "0e999999999999",
                                       "0.000000000000000000000000000000000000000000001e45",
                                       "1e0000000000005",
                                       "6.02214076e23",
                                       "3.14159265358979323846264338327950288419716939937510",
                                       "1e99999999999999999999999",
                                       "1e-99999999999999999999999",
                                       "100000000000000000000000e-23",
                                       "8.98846567431158e307",
                                       "0.500000000000000166533453693773481063544750213623046875",
                                       "30078505129381147446200",
                                       "1777820000000000000001",
                                       "5e-324",
                                       "1.00000000000000011102230246",
                                       "0.3932922657273",
                                       "7205759403792794e-1",
                                       "18014398509481985"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_double(rows[i]);
    assert_true(parse("1e400") == HUGE_VAL);
    assert_true(parse("-1e400") == -HUGE_VAL);
    assert_true(signbit(parse("-0")));
}

static void double_is_exact_on_random_numbers(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = next_random(&seed);
        double v, small = (double)(int64_t)(bits >> 20) / 1000;
        char text[64];
        memcpy(&v, &bits, sizeof(v));
        (void)snprintf(text, sizeof(text), "%.17g", small);
        check_double(text);
        if (!isfinite(v)) continue;
        for (int digits = 15; digits <= 21; digits += 2) {
            (void)snprintf(text, sizeof(text), "%.*e", digits, v);
            check_double(text);
        }
    }
}

/* A tie between two doubles is decided by a digit far beyond any fixed buffer. */
static void double_sees_a_digit_however_far_it_is(void **state)
{
    (void)state;
    enum { ZEROS = 3000 };
    candor_buf b = {0};
    candor_buf_putf(&b, "9007199254740993.");
    for (int i = 0; i < ZEROS; i++)
        candor_buf_put_c(&b, '0');
    assert_true(candor_json_double(candor_buf_bytes(&b)) == 9007199254740992.0);
    candor_buf_put_c(&b, '1');
    assert_true(candor_json_double(candor_buf_bytes(&b)) == 9007199254740994.0);
    candor_buf_clear(&b);
    for (int i = 0; i < ZEROS; i++)
        candor_buf_put_c(&b, '7');
    candor_buf_putf(&b, "e-%d", ZEROS - 1);
    assert_true(same_bits(candor_json_double(candor_buf_bytes(&b)), 7.7777777777777777));
    candor_buf_clear(&b);
    candor_buf_putf(&b, "0.");
    for (int i = 0; i < ZEROS; i++)
        candor_buf_put_c(&b, '0');
    candor_buf_putf(&b, "25e%d", ZEROS);
    assert_true(candor_json_double(candor_buf_bytes(&b)) == 0.25);
    candor_buf_free(&b);
}

static void double_ignores_the_locale(void **state)
{
    (void)state;
    static const char *const comma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE",
                                        "German"};
    size_t i = 0, n = sizeof(comma) / sizeof(comma[0]);
    while (i < n && setlocale(LC_NUMERIC, comma[i]) == NULL)
        i++;
    if (i == n) skip(); /* no such locale is installed */
    assert_true(parse("1.5") == 1.5);
    assert_true(same_bits(parse("3.14159265358979323846"), 0x1.921fb54442d18p+1));
    assert_non_null(setlocale(LC_NUMERIC, "C"));
}

static void int64_takes_integers_that_fit_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"7", 7},
                {"-7", -7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN},
                {"-9223372036854775807", -INT64_MAX}};
    static const char *const bad[] = {"",
                                      "-",
                                      "1.0",
                                      "1e2",
                                      "1E2",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "18446744073709551616",
                                      "92233720368547758070",
                                      "99999999999999999999999",
                                      "x"};
    int64_t v;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        v = 42;
        assert_true(candor_json_int64(candor_bytes_str(good[i].text), &v));
        assert_true(v == good[i].value);
    }
    v = 42;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(candor_json_int64(candor_bytes_str(bad[i]), &v));
    assert_int_equal(v, 42);
}

static void check_i64(candor_buf *b, int64_t v)
{
    char want[32];
    int64_t back;
    candor_buf_clear(b);
    candor_json_put_i64(b, v);
    assert_bytes(candor_buf_bytes(b),
                 candor_bytes_of(want, (size_t)snprintf(want, sizeof(want), "%" PRId64, v)));
    assert_true(candor_json_int64(candor_buf_bytes(b), &back));
    assert_true(back == v);
}

static void put_i64_writes_every_length(void **state)
{
    (void)state;
    candor_buf b = {0};
    check_i64(&b, INT64_MIN);
    check_i64(&b, INT64_MAX);
    check_i64(&b, 0);
    for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10) {
        for (int64_t near = -2; near <= 2; near++) {
            check_i64(&b, power * 9 + near);
            check_i64(&b, power + near);
            check_i64(&b, -power + near);
        }
    }
    candor_buf_free(&b);
}

static candor_bytes fixed(candor_buf *b, double v, unsigned decimals)
{
    candor_buf_clear(b);
    candor_json_put_fixed(b, v, decimals);
    return candor_buf_bytes(b);
}

static void put_fixed_rounds_half_away_and_drops_zeros(void **state)
{
    (void)state;
    static const struct {
        double v;
        unsigned decimals;
        const char *want;
    } rows[] = {{0, 3, "0"},
                {-0.0, 3, "0"},
                {-0.0004, 3, "0"},
                {-0.0006, 3, "-0.001"},
                {0.5, 0, "1"},
                {-0.5, 0, "-1"},
                {1.5, 0, "2"},
                {2.5, 0, "3"},
                {-2.5, 0, "-3"},
                {0.125, 2, "0.13"},
                {-0.375, 2, "-0.38"},
                {0.15, 1, "0.1"},
                {0.25, 1, "0.3"},
                {1.005, 2, "1"},
                {1.1, 3, "1.1"},
                {1.10, 1, "1.1"},
                {100, 6, "100"},
                {0.000001, 6, "0.000001"},
                {0.0000004, 6, "0"},
                {0.999999, 6, "0.999999"},
                {0.9999999, 6, "1"},
                {9.9996, 3, "10"},
                {-9.9996, 3, "-10"},
                {1234.567, 3, "1234.567"},
                {1e12, 6, "1000000000000"},
                {-1e12, 0, "-1000000000000"},
                {999999999999.5, 0, "1000000000000"},
                {123456789012.25, 6, "123456789012.25"},
                {0.1, 9, "0.1"},
                {5e-324, 6, "0"},
                {1.05, 6, "1.05"},
                {NAN, 3, "null"},
                {INFINITY, 3, "null"},
                {-INFINITY, 3, "null"},
                {1e300, 3, "null"}};
    candor_buf b = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        candor_bytes got = fixed(&b, rows[i].v, rows[i].decimals);
        if (!candor_bytes_eq(got, candor_bytes_str(rows[i].want)))
            fail_msg("%g with %u: %.*s", rows[i].v, rows[i].decimals, (int)got.n, got.p);
    }
    candor_buf_free(&b);
}

/* A random value of any size up to 1e12. */
static double random_value(uint64_t *seed)
{
    double unit = (double)(next_random(seed) >> 11) / 9007199254740992.0; /* [0, 1) */
    double v = ldexp(unit, (int)(next_random(seed) % 60) - 20);
    if (v > 1e12) v = 1e12;
    return next_random(seed) % 2 != 0 ? v : -v;
}

/* printf rounds the exact binary value too; it differs on ties only, which no value with more
 * binary places than decimals can be. */
static void put_fixed_agrees_with_printf_off_the_ties(void **state)
{
    (void)state;
    uint64_t seed = 5;
    candor_buf b = {0};
    for (int i = 0; i < 200000; i++) {
        double v = random_value(&seed);
        unsigned decimals = (unsigned)(next_random(&seed) % 7);
        char want[64];
        size_t n = (size_t)snprintf(want, sizeof(want), "%.*f", (int)decimals, v);
        double scaled = ldexp(v, (int)decimals + 1);
        if (scaled == floor(scaled)) continue; /* may be a tie */
        while (decimals != 0 && want[n - 1] == '0')
            n--;
        if (want[n - 1] == '.') n--;
        if (n == 2 && want[0] == '-' && want[1] == '0') {
            want[0] = '0';
            n = 1;
        }
        if (!candor_bytes_eq(fixed(&b, v, decimals), candor_bytes_of(want, n)))
            fail_msg("%.17g with %u: %.*s instead of %.*s", v, decimals, (int)b.n, b.p, (int)n,
                     want);
    }
    candor_buf_free(&b);
}

static void put_fixed_is_idempotent(void **state)
{
    (void)state;
    uint64_t seed = 9;
    candor_buf a = {0}, b = {0};
    for (int i = 0; i < 200000; i++) {
        double v = random_value(&seed);
        unsigned decimals = (unsigned)(next_random(&seed) % 7);
        double back = candor_json_double(fixed(&a, v, decimals));
        assert_bytes(fixed(&b, back, decimals), candor_buf_bytes(&a));
    }
    candor_buf_free(&a);
    candor_buf_free(&b);
}

static void numbers_into_a_full_buffer_write_nothing(void **state)
{
    (void)state;
    char storage[4];
    candor_buf b;
    candor_buf_init_fixed(&b, storage, sizeof(storage));
    candor_json_put_i64(&b, 12345);
    assert_true(b.failed);
    assert_int_equal(b.n, 0);
    candor_buf_clear(&b);
    candor_json_put_fixed(&b, 12.345, 3);
    assert_true(b.failed);
    assert_int_equal(b.n, 0);
    candor_buf_clear(&b);
    candor_json_put_fixed(&b, -1.5, 3);
    assert_bytes(candor_buf_bytes(&b), CANDOR_LIT("-1.5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(double_is_exact_on_the_hard_cases),
        cmocka_unit_test(double_is_exact_on_random_numbers),
        cmocka_unit_test(double_sees_a_digit_however_far_it_is),
        cmocka_unit_test(double_ignores_the_locale),
        cmocka_unit_test(int64_takes_integers_that_fit_and_nothing_else),
        cmocka_unit_test(put_i64_writes_every_length),
        cmocka_unit_test(put_fixed_rounds_half_away_and_drops_zeros),
        cmocka_unit_test(put_fixed_agrees_with_printf_off_the_ties),
        cmocka_unit_test(put_fixed_is_idempotent),
        cmocka_unit_test(numbers_into_a_full_buffer_write_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
