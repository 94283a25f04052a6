#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "central/store/histogram.h"
#include "central/store/sqlite_delta.h"

static const candor_sum sums[] = {
    {true, CANDOR_COUNT_HOUR, {3, 1, 497222, 0}, 12},
    {true, CANDOR_COUNT_USERS, {20717, 1, 0, 0}, 1},
    {true, CANDOR_COUNT_APPROVAL, {20717, 1, 77, 900}, -1},
    {true, CANDOR_COUNT_APPROVAL, {20717, 1, 78, 900}, INT64_C(1) << 40},
};
enum { SUMS = sizeof sums / sizeof *sums };

static void make_row(candor_buf *out)
{
    candor_buf s = {0}, c = {0}, values = {0};
    size_t i;
    for (i = 0; i < SUMS; i++)
        candor_delta_put_sum(&s, &sums[i]);
    candor_leb128_put(&values, 5);
    candor_leb128_put(&values, CANDOR_HIST_BUCKETS - 1);
    candor_delta_put_cell(&c, &(candor_chart_cell){3, 20717, 1, 55, 3, candor_buf_bytes(&values)});
    candor_delta_put_cell(&c, &(candor_chart_cell){3, 20717, 2, 56, 9, {NULL, 0}});
    candor_delta_put_row(out, candor_buf_bytes(&s), candor_buf_bytes(&c));
    candor_buf_free(&s);
    candor_buf_free(&c);
    candor_buf_free(&values);
}

static void row_comes_back_as_it_was(void **state)
{
    candor_buf row = {0};
    candor_bytes in, cells;
    candor_chart_cell cell;
    candor_sum sum;
    uint32_t bucket;
    size_t i;
    (void)state;
    make_row(&row);
    candor_delta_split(candor_buf_bytes(&row), &in, &cells);
    for (i = 0; i < SUMS; i++) {
        assert_true(candor_delta_take_sum(&in, &sum));
        assert_int_equal(sum.kind, sums[i].kind);
        assert_memory_equal(sum.k, sums[i].k, sizeof sum.k);
        assert_int_equal(sum.n, sums[i].n);
    }
    assert_false(candor_delta_take_sum(&in, &sum));
    assert_true(candor_delta_take_cell(&cells, &cell));
    assert_int_equal(cell.dim, 55);
    assert_int_equal(cell.n, 3);
    assert_true(candor_delta_take_value(&cell.values, &bucket));
    assert_int_equal(bucket, 5);
    assert_true(candor_delta_take_value(&cell.values, &bucket));
    assert_int_equal(bucket, CANDOR_HIST_BUCKETS - 1);
    assert_false(candor_delta_take_value(&cell.values, &bucket));
    assert_true(candor_delta_take_cell(&cells, &cell));
    assert_int_equal(cell.app, 2);
    assert_false(candor_delta_take_cell(&cells, &cell));
    candor_buf_free(&row);
}

static void read_all(candor_bytes row)
{
    candor_bytes in, cells;
    candor_chart_cell cell;
    candor_sum sum;
    uint32_t bucket;
    candor_delta_split(row, &in, &cells);
    while (candor_delta_take_sum(&in, &sum))
        assert_true(sum.kind < CANDOR_COUNT_KINDS);
    while (candor_delta_take_cell(&cells, &cell))
        while (candor_delta_take_value(&cell.values, &bucket))
            assert_true(bucket < CANDOR_HIST_BUCKETS);
}

static void damaged_row_ends_early(void **state)
{
    candor_buf row = {0};
    size_t i;
    (void)state;
    make_row(&row);
    for (i = 0; i < row.n; i++) {
        read_all(candor_bytes_of(row.p, i));
        row.p[i] = (char)~row.p[i];
        read_all(candor_buf_bytes(&row));
        row.p[i] = (char)~row.p[i];
    }
    candor_buf_free(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_comes_back_as_it_was),
        cmocka_unit_test(damaged_row_ends_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
