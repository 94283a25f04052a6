#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "central/quality.h"
#include "central/session.h"

static candor_sessions *made(void)
{
    candor_sessions *s;
    assert_int_equal(candor_sessions_new(&s), CANDOR_OK);
    return s;
}

static bool known(candor_sessions *s, const char *secret, uint64_t now_s)
{
    candor_principal p;
    uint64_t left_s;
    return candor_sessions_get(s, candor_bytes_str(secret), now_s, &p, &left_s);
}

static void a_session_is_its_principals_until_its_time_is_over(void **state)
{
    candor_sessions *s = made();
    const candor_principal me = {.scopes = CANDOR_SCOPE_READ, .app = "demo", .id = "0badc0de"};
    candor_principal p;
    bool displaced;
    char secret[CANDOR_SESSION_SECRET + 1];
    uint64_t left_s;
    (void)state;
    assert_int_equal(candor_sessions_add(s, &me, 1000, secret, &displaced), CANDOR_OK);
    assert_true(candor_sessions_get(s, candor_bytes_str(secret), 1001, &p, &left_s));
    assert_string_equal(p.app, "demo");
    assert_string_equal(p.id, "0badc0de");
    assert_int_equal(left_s, CANDOR_SESSION_S - 1);
    assert_true(known(s, secret, 1000 + CANDOR_SESSION_S - 1));
    assert_false(known(s, secret, 1000 + CANDOR_SESSION_S));
    secret[3] ^= 1;
    assert_false(known(s, secret, 1001));
    assert_false(known(s, "", 1001));
    candor_sessions_free(s);
}

static void a_session_that_was_ended_is_unknown_and_the_others_stay(void **state)
{
    candor_sessions *s = made();
    const candor_principal me = {.scopes = CANDOR_SCOPE_READ};
    bool displaced;
    char a[CANDOR_SESSION_SECRET + 1], b[CANDOR_SESSION_SECRET + 1];
    (void)state;
    assert_int_equal(candor_sessions_add(s, &me, 5, a, &displaced), CANDOR_OK);
    assert_int_equal(candor_sessions_add(s, &me, 5, b, &displaced), CANDOR_OK);
    assert_string_not_equal(a, b);
    candor_sessions_end(s, candor_bytes_str(a));
    candor_sessions_end(s, candor_bytes_str(a));
    assert_false(known(s, a, 6));
    assert_true(known(s, b, 6));
    candor_sessions_free(s);
}

static void one_session_more_ends_the_one_that_ends_first(void **state)
{
    candor_sessions *s = made();
    const candor_principal me = {.scopes = CANDOR_SCOPE_READ};
    char first[CANDOR_SESSION_SECRET + 1], second[CANDOR_SESSION_SECRET + 1];
    char other[CANDOR_SESSION_SECRET + 1];
    bool displaced;
    unsigned i;
    (void)state;
    assert_int_equal(candor_sessions_add(s, &me, 1, first, &displaced), CANDOR_OK);
    assert_int_equal(candor_sessions_add(s, &me, 2, second, &displaced), CANDOR_OK);
    for (i = 2; i < CANDOR_SESSIONS_MAX; i++)
        assert_int_equal(candor_sessions_add(s, &me, 10 + i, other, &displaced), CANDOR_OK);
    assert_true(known(s, first, 3));
    assert_false(displaced);
    assert_int_equal(candor_sessions_add(s, &me, 2000, other, &displaced), CANDOR_OK);
    assert_true(displaced);
    assert_false(known(s, first, 3));
    assert_true(known(s, second, 3));
    assert_true(known(s, other, 3));
    assert_int_equal(candor_sessions_add(s, &me, 2 * CANDOR_SESSION_S, first, &displaced),
                     CANDOR_OK);
    assert_false(displaced); /* the one it replaces had ended by then */
    candor_sessions_free(s);
}

/* --- Candor-Drops --------------------------------------------------------------------------- */

static unsigned pairs_of(const char *text, uint64_t *sum)
{
    candor_bytes list = candor_bytes_str(text), reason;
    unsigned n = 0;
    uint64_t one;
    *sum = 0;
    for (; candor_drops_take(&list, &reason, &one); n++)
        *sum += one;
    return n;
}

static void drops_are_pairs_and_nothing_else(void **state)
{
    static const struct {
        const char *text;
        unsigned pairs;
        uint64_t sum;
    } cases[] = {{"", 0, 0},
                 {"sampled=5", 1, 5},
                 {"sampled=5;disk_low=7", 2, 12},
                 {"sampled=5;", 1, 5},
                 {"sampled=5;;disk_low=7", 1, 5},
                 {"sampled=5;Disk=7", 1, 5},
                 {"sampled", 0, 0},
                 {"sampled=", 0, 0},
                 {"=5", 0, 0},
                 {"sampled=-5", 0, 0},
                 {"sampled=5x", 0, 0},
                 {"sampled=999999999999999", 1, UINT64_C(999999999999999)},
                 {"sampled=1000000000000000", 0, 0},
                 {"a_reason_of_more_than_thirty_two_bytes=1", 0, 0}};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t sum;
        if (pairs_of(cases[i].text, &sum) != cases[i].pairs || sum != cases[i].sum)
            fail_msg("\"%s\"", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_its_principals_until_its_time_is_over),
        cmocka_unit_test(a_session_that_was_ended_is_unknown_and_the_others_stay),
        cmocka_unit_test(one_session_more_ends_the_one_that_ends_first),
        cmocka_unit_test(drops_are_pairs_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
