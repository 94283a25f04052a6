#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "central/store/histogram.h"

static double quantile(const uint64_t *counts, double q)
{
    double out;
    candor_hist_quantiles(counts, 0, CANDOR_HIST_BUCKETS - 1, &q, 1, &out);
    return out;
}

static bool decode(candor_bytes blob, uint64_t *counts)
{
    uint32_t first, last;
    return candor_hist_add(blob, counts, &first, &last);
}

static void bucket_value_is_within_the_stated_error(void **state)
{
    double v;
    (void)state;
    for (v = 0.001; v < 1e12; v *= 1.0137) {
        double back = candor_hist_value(candor_hist_bucket(v));
        if (fabs(back - v) / v > 0.032) fail_msg("%g came back as %g", v, back);
    }
}

/* What the writer of JSON numbers takes. */
static void the_value_of_the_largest_bucket_is_the_largest_value(void **state)
{
    (void)state;
    assert_true(candor_hist_value(candor_hist_bucket(1e12)) == 1e12);
    assert_true(candor_hist_value(CANDOR_HIST_BUCKETS - 1) == 1e12);
}

static void odd_values_have_a_bucket(void **state)
{
    (void)state;
    assert_int_equal(candor_hist_bucket(0), 0);
    assert_int_equal(candor_hist_bucket(-5), 0);
    assert_int_equal(candor_hist_bucket(NAN), 0);
    assert_int_equal(candor_hist_bucket(INFINITY), CANDOR_HIST_BUCKETS - 1);
    assert_int_equal(candor_hist_bucket(1e300), CANDOR_HIST_BUCKETS - 1);
}

static void blob_comes_back_as_it_was(void **state)
{
    uint64_t counts[CANDOR_HIST_BUCKETS] = {0}, back[CANDOR_HIST_BUCKETS] = {0};
    candor_buf blob = {0};
    (void)state;
    counts[0] = 3;
    counts[1] = 1;
    counts[500] = UINT64_C(1) << 40;
    counts[CANDOR_HIST_BUCKETS - 1] = 7;
    candor_hist_encode(counts, 0, CANDOR_HIST_BUCKETS - 1, &blob);
    assert_true(decode(candor_buf_bytes(&blob), back));
    assert_memory_equal(counts, back, sizeof counts);
    candor_buf_free(&blob);
}

static void merge_equals_unpack_add_pack(void **state)
{
    uint64_t counts[CANDOR_HIST_BUCKETS] = {0};
    candor_buf merged = {0}, packed = {0}, next = {0};
    unsigned round, i;
    (void)state;
    srand(7);
    for (round = 0; round < 500; round++) {
        uint32_t sorted[12];
        size_t n = (size_t)rand() % 12;
        for (i = 0; i < n; i++) {
            sorted[i] = (uint32_t)rand() % CANDOR_HIST_BUCKETS;
            if (round % 3 == 0) sorted[i] %= 4;
        }
        for (i = 1; i < n; i++) { /* insertion sort: ascending, as merge wants */
            uint32_t v = sorted[i];
            size_t j = i;
            for (; j > 0 && sorted[j - 1] > v; j--)
                sorted[j] = sorted[j - 1];
            sorted[j] = v;
        }
        for (i = 0; i < n; i++)
            counts[sorted[i]]++;
        candor_buf_clear(&next);
        assert_true(candor_hist_merge(candor_buf_bytes(&merged), sorted, n, &next));
        candor_buf_clear(&merged);
        candor_buf_put_bytes(&merged, candor_buf_bytes(&next));
        candor_buf_clear(&packed);
        candor_hist_encode(counts, 0, CANDOR_HIST_BUCKETS - 1, &packed);
        assert_true(candor_bytes_eq(candor_buf_bytes(&packed), candor_buf_bytes(&merged)));
    }
    candor_buf_free(&merged);
    candor_buf_free(&packed);
    candor_buf_free(&next);
}

static void damaged_blob_is_noticed_and_harmless(void **state)
{
    uint64_t counts[CANDOR_HIST_BUCKETS] = {0};
    static const uint32_t add[] = {3};
    candor_buf out = {0};
    (void)state;
    assert_false(decode(CANDOR_LIT("\x80"), counts));
    assert_false(decode(CANDOR_LIT("\xff\xff\xff\x7f\x01"), counts));
    assert_false(decode(CANDOR_LIT("\x01"), counts));
    assert_false(candor_hist_merge(CANDOR_LIT("\x80"), add, 1, &out));
    memset(counts, 0, sizeof counts);
    assert_true(decode(candor_buf_bytes(&out), counts));
    assert_int_equal(counts[3], 1);
    candor_buf_free(&out);
}

static void quantiles_are_nearest_rank(void **state)
{
    uint64_t counts[CANDOR_HIST_BUCKETS] = {0};
    int v;
    (void)state;
    assert_true(quantile(counts, 0.95) == 0);
    for (v = 1; v <= 100; v++)
        counts[candor_hist_bucket(v)]++;
    assert_true(fabs(quantile(counts, 0.95) - 95) < 95 * 0.04);
    assert_true(fabs(quantile(counts, 0.5) - 50) < 50 * 0.04);
    assert_true(fabs(quantile(counts, 0) - 1) < 0.04);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_value_is_within_the_stated_error),
        cmocka_unit_test(the_value_of_the_largest_bucket_is_the_largest_value),
        cmocka_unit_test(odd_values_have_a_bucket),
        cmocka_unit_test(blob_comes_back_as_it_was),
        cmocka_unit_test(merge_equals_unpack_add_pack),
        cmocka_unit_test(damaged_blob_is_noticed_and_harmless),
        cmocka_unit_test(quantiles_are_nearest_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
