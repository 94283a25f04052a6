/* Random bytes. */
#include "plat/scratch.h"

static void random_fills_all_bytes_and_differs(void **state)
{
    (void)state;
    /* more than one call of the system gives */
    unsigned char seen[700] = {0}, a[700], b[700];
    assert_int_equal(candor_random(a, 0), CANDOR_OK);
    assert_int_equal(candor_random(a, sizeof(a)), CANDOR_OK);
    assert_int_equal(candor_random(b, sizeof(b)), CANDOR_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    for (int round = 0; round < 64; round++) { /* a byte stays 0 with probability 2^-512 */
        assert_int_equal(candor_random(a, sizeof(a)), CANDOR_OK);
        for (size_t i = 0; i < sizeof(a); i++)
            seen[i] |= a[i];
    }
    for (size_t i = 0; i < sizeof(seen); i++)
        assert_int_not_equal(seen[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_fills_all_bytes_and_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
