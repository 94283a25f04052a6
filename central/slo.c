#include "central/slo.h"

#include "base/json.h"

candor_slo candor_slo_of(int64_t starts, int64_t failed)
{
    return (candor_slo){starts > failed ? starts : failed, failed};
}

static bool take_start(void *ctx, const candor_stat_row *row)
{
    if (candor_bytes_eq(row->a, CANDOR_LIT("SessionStart"))) *(int64_t *)ctx += row->n;
    return true;
}

static bool take_failed(void *ctx, const candor_stat_row *row)
{
    *(int64_t *)ctx = row->n;
    return true;
}

candor_status candor_slo_measure(const candor_store *store, candor_reader *r, int64_t from_ms,
                                 int64_t to_ms, candor_slo *out, candor_err *err)
{
    const candor_stat_range range = {.from_ms = from_ms, .to_ms = to_ms};
    const candor_stat_range of_starts = {
        .from_ms = from_ms, .to_ms = to_ms, .type = "SessionStart"};
    int64_t starts = 0, failed = 0;
    candor_status st =
        store->ops->stats(r, CANDOR_STAT_COUNTS, &of_starts, take_start, &starts, err);
    if (st == CANDOR_OK)
        st = store->ops->stats(r, CANDOR_STAT_FAILED, &range, take_failed, &failed, err);
    *out = candor_slo_of(starts, failed);
    return st;
}

double candor_slo_burn(const candor_slo *s, double target)
{
    if (s->sessions <= 0 || target >= 1) return 0;
    return (double)s->failed / (double)s->sessions / (1 - target);
}

bool candor_slo_target(const char *text, double *out)
{
    size_t n = strlen(text);
    if (n == 0 || n > 15 || *text == '.' || text[n - 1] == '.') return false;
    if (strspn(text, "0123456789.") != n || strchr(text, '.') != strrchr(text, '.')) return false;
    *out = candor_json_double(candor_bytes_of(text, n));
    return *out >= 0 && *out <= 1;
}
