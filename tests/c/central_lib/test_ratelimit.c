#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "central/ratelimit.h"

static candor_ratelimit *limit_of(uint64_t per_minute, size_t entries)
{
    candor_ratelimit *r = NULL;
    assert_int_equal(candor_ratelimit_new(per_minute, entries, &r), CANDOR_OK);
    return r;
}

static void burst_is_one_minutes_worth_then_refused(void **state)
{
    candor_ratelimit *r = limit_of(6, 64);
    int i;
    (void)state;
    for (i = 0; i < 6; i++)
        assert_int_equal(candor_ratelimit_take(r, 1, 1000), 0);
    assert_in_range(candor_ratelimit_take(r, 1, 1000), 10, 11);
    candor_ratelimit_free(r);
}

static void tokens_come_back_with_time(void **state)
{
    candor_ratelimit *r = limit_of(6, 64);
    int i;
    (void)state;
    for (i = 0; i < 6; i++)
        assert_int_equal(candor_ratelimit_take(r, 1, 1000), 0);
    assert_true(candor_ratelimit_take(r, 1, 10999) > 0);
    assert_int_equal(candor_ratelimit_take(r, 1, 11000), 0);
    assert_true(candor_ratelimit_take(r, 1, 11000) > 0);
    for (i = 0; i < 6; i++)
        assert_int_equal(candor_ratelimit_take(r, 1, 9000000), 0);
    assert_true(candor_ratelimit_take(r, 1, 9000000) > 0);
    candor_ratelimit_free(r);
}

static void waiting_as_long_as_told_is_enough(void **state)
{
    candor_ratelimit *r = limit_of(7, 64);
    uint64_t now = 5;
    int i;
    (void)state;
    for (i = 0; i < 200; i++) {
        unsigned wait = candor_ratelimit_take(r, 9, now);
        if (wait == 0) continue;
        now += (uint64_t)wait * 1000;
        assert_int_equal(candor_ratelimit_take(r, 9, now), 0);
    }
    candor_ratelimit_free(r);
}

static void keys_do_not_share_a_bucket(void **state)
{
    candor_ratelimit *r = limit_of(1, 64);
    (void)state;
    assert_int_equal(candor_ratelimit_take(r, 1, 1000), 0);
    assert_int_equal(candor_ratelimit_take(r, 2, 1000), 0);
    assert_true(candor_ratelimit_take(r, 1, 1000) > 0);
    assert_true(candor_ratelimit_take(r, 2, 1000) > 0);
    candor_ratelimit_free(r);
}

static void full_table_forgets_the_oldest_and_stays_bounded(void **state)
{
    candor_ratelimit *r = limit_of(1, 8);
    uint64_t key;
    (void)state;
    for (key = 1; key <= 1000; key++)
        assert_int_equal(candor_ratelimit_take(r, key, 1000 + key), 0);
    assert_true(candor_ratelimit_take(r, 1000, 2001) > 0);  /* the newest is remembered */
    assert_int_equal(candor_ratelimit_take(r, 1, 2001), 0); /* the oldest is not */
    candor_ratelimit_free(r);
}

static void zero_is_no_limit(void **state)
{
    candor_ratelimit *r = limit_of(0, 8);
    int i;
    (void)state;
    for (i = 0; i < 1000; i++)
        assert_int_equal(candor_ratelimit_take(r, 1, 1), 0);
    candor_ratelimit_free(r);
}

static void clock_that_goes_back_gives_nothing_away(void **state)
{
    candor_ratelimit *r = limit_of(1, 8);
    (void)state;
    assert_int_equal(candor_ratelimit_take(r, 1, 100000), 0);
    assert_true(candor_ratelimit_take(r, 1, 5) > 0);
    assert_true(candor_ratelimit_take(r, 1, 100001) > 0);
    candor_ratelimit_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_is_one_minutes_worth_then_refused),
        cmocka_unit_test(tokens_come_back_with_time),
        cmocka_unit_test(waiting_as_long_as_told_is_enough),
        cmocka_unit_test(keys_do_not_share_a_bucket),
        cmocka_unit_test(full_table_forgets_the_oldest_and_stays_bounded),
        cmocka_unit_test(zero_is_no_limit),
        cmocka_unit_test(clock_that_goes_back_gives_nothing_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
