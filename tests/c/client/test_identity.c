/* Event ids: made without a system call, yet UUIDs that ascend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/uuid.h"
#include "client/client.h"

static void ids_hold_the_time_and_are_version_7(void **state)
{
    (void)state;
    static const uint64_t times[] = {1, 255, 1763724741123u, (UINT64_C(1) << 48) - 1};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        candor_id_source ids;
        unsigned char id[16];
        assert_int_equal(candor_id_source_init(&ids), CANDOR_OK);
        candor_id_source_next(&ids, times[i], id);
        assert_true(candor_uuid_is_v7(id));
        assert_true(candor_uuid7_ms(id) == times[i]);
    }
}

/* Also when the clock stands still for more events than its counter holds, or steps back. */
static void ids_ascend_whatever_the_clock_does(void **state)
{
    (void)state;
    candor_id_source ids;
    unsigned char last[16] = {0}, id[16];
    assert_int_equal(candor_id_source_init(&ids), CANDOR_OK);
    for (uint64_t i = 0; i < 20000; i++) {
        candor_id_source_next(&ids, 1763724741123u + i / 9000 - i % 3, id);
        assert_true(candor_uuid_is_v7(id));
        assert_true(memcmp(last, id, sizeof id) < 0);
        memcpy(last, id, sizeof id);
    }
}

static void ids_follow_a_clock_that_is_set_back(void **state)
{
    (void)state;
    const uint64_t now = 1763724741123u, wrong = now + 3u * 86400000u;
    candor_id_source ids;
    unsigned char id[16], next[16];
    assert_int_equal(candor_id_source_init(&ids), CANDOR_OK);
    candor_id_source_next(&ids, wrong, id);
    candor_id_source_next(&ids, wrong - 60000, id); /* a minute is a clock being steered */
    assert_true(candor_uuid7_ms(id) == wrong);
    candor_id_source_next(&ids, now, id);
    assert_true(candor_uuid7_ms(id) == now);
    candor_id_source_next(&ids, now, next);
    assert_true(memcmp(id, next, sizeof id) < 0);
}

static void ids_differ_between_sources(void **state)
{
    (void)state;
    candor_id_source a, b;
    unsigned char one[16], two[16];
    assert_int_equal(candor_id_source_init(&a), CANDOR_OK);
    assert_int_equal(candor_id_source_init(&b), CANDOR_OK);
    candor_id_source_next(&a, 1763724741123u, one);
    candor_id_source_next(&b, 1763724741123u, two);
    assert_memory_not_equal(one + 8, two + 8, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_hold_the_time_and_are_version_7),
        cmocka_unit_test(ids_ascend_whatever_the_clock_does),
        cmocka_unit_test(ids_follow_a_clock_that_is_set_back),
        cmocka_unit_test(ids_differ_between_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
