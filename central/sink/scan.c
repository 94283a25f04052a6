#include "central/sink/scan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "central/chart.h"
#include "central/error_group.h"
#include "central/sink/sums.h"
#include "plat/plat.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  INT64_C(86400000)

void candor_query_time_set(candor_query_time *t, uint64_t ms, const atomic_bool *stop)
{
    t->end_ns = candor_clock_mono_ns() + ms * 1000000;
    t->stop = stop;
}

candor_status candor_query_time_check(const candor_query_time *t, candor_err *err)
{
    const bool over = (t->stop != NULL && atomic_load(t->stop)) ||
                      (t->end_ns != 0 && candor_clock_mono_ns() > t->end_ns);
    return over ? candor_fail(err, CANDOR_TIMEOUT, 0, "query", NULL) : CANDOR_OK;
}

candor_status candor_scan(const candor_event_source *src, candor_event_filter f,
                          candor_event_visit *visit, void *ctx, candor_err *err)
{
    candor_event_page page = {.more = true};
    candor_status st = CANDOR_OK;
    f.limit = CANDOR_SCAN_PAGE;
    f.scan_rows = 0;
    f.has_cursor = false;
    while (st == CANDOR_OK && page.more) {
        st = candor_query_time_check(src->time, err);
        if (st == CANDOR_OK) st = src->events(src->reader, &f, visit, ctx, &page, err);
        f.has_cursor = true;
        memcpy(f.cursor, page.cursor, sizeof f.cursor);
    }
    return st;
}

/* --- one event of a sum --------------------------------------------------------------------- */

typedef struct adder {
    candor_stat what;
    const candor_schema *schema;
    candor_sums *sums;
    candor_buf who;
    candor_status st; /* why a visit ended the scan */
    candor_err err;
} adder;

static candor_status once(adder *a, int64_t k)
{
    if (a->who.failed) return candor_fail(&a->err, CANDOR_NOMEM, 0, "query", NULL);
    return candor_sums_once(a->sums, candor_buf_bytes(&a->who), k, &a->err);
}

/* As the fingerprints of central/ingest_context.c have it. */
static candor_status once_a_user(adder *a, const candor_stored_event *e, int64_t day)
{
    candor_buf_clear(&a->who);
    candor_buf_put_bytes(&a->who, e->context.app);
    candor_buf_put_c(&a->who, '\0'); /* in neither */
    candor_buf_put_bytes(&a->who, e->context.user_id);
    return once(a, day);
}

static candor_status once_a_session(adder *a, const candor_stored_event *e, int64_t k)
{
    candor_buf_clear(&a->who);
    candor_session_key_put(&a->who, &e->context);
    return once(a, k);
}

static candor_status add_chart(adder *a, const candor_stored_event *e)
{
    const candor_event_def *def = candor_schema_event(a->schema, e->type);
    const candor_bytes none = {NULL, 0};
    char storage[CANDOR_CHART_TEXT];
    uint32_t bucket;
    candor_bytes dim;
    if (!candor_chart_has(def)) return CANDOR_OK;
    dim = candor_chart_read(def, e->payload, storage, &bucket);
    return candor_sums_add(a->sums, e->type, dim, none,
                           bucket != CANDOR_NO_BUCKET ? (int64_t)bucket : -1, 1, &a->err);
}

static candor_status add_error(adder *a, const candor_stored_event *e, int64_t day)
{
    const candor_event_def *def = candor_schema_event(a->schema, e->type);
    const candor_bytes none = {NULL, 0};
    char group[CANDOR_ERROR_GROUP_TEXT];
    candor_status st;
    if (!candor_is_error(def)) return CANDOR_OK;
    st = candor_error_group(def, e->payload, group);
    if (st != CANDOR_OK) return candor_fail(&a->err, st, 0, "group an error", NULL);
    return candor_sums_add(a->sums, candor_bytes_str(group), none, none, day, 1, &a->err);
}

static candor_status add_event(adder *a, const candor_stored_event *e)
{
    const candor_bytes none = {NULL, 0};
    const int64_t ms = (int64_t)candor_uuid7_ms(e->id), day = ms / DAY_MS;
    switch (a->what) {
    case CANDOR_STAT_COUNTS:
        return candor_sums_add(a->sums, e->type, e->category, e->context.app, 0, 1, &a->err);
    case CANDOR_STAT_HOURS:
        return candor_sums_add(a->sums, e->type, e->category, none, ms / HOUR_MS, 1, &a->err);
    case CANDOR_STAT_USERS:
        return once_a_user(a, e, day);
    case CANDOR_STAT_FAILED:
        return once_a_session(a, e, 0);
    case CANDOR_STAT_FAILED_DAYS:
        return once_a_session(a, e, day);
    case CANDOR_STAT_VERSIONS:
        return candor_sums_add(a->sums, e->context.app_version, e->type, e->context.app, 0, 1,
                               &a->err);
    case CANDOR_STAT_CHARTS:
        return add_chart(a, e);
    case CANDOR_STAT_ERRORS:
        return add_error(a, e, day);
    case CANDOR_STAT_APPROVALS:
        break;
    }
    return CANDOR_OK;
}

static bool take_event(void *ctx, const candor_stored_event *e)
{
    adder *a = ctx;
    a->st = add_event(a, e);
    return a->st == CANDOR_OK;
}

/* --- all of them ---------------------------------------------------------------------------- */

/* Does the stat look at events of this type at all? */
static bool of_interest(candor_stat what, const candor_stat_range *range,
                        const candor_event_def *def)
{
    if (what == CANDOR_STAT_ERRORS) return candor_is_error(def);
    return candor_chart_has(def) &&
           (range->type == NULL || candor_bytes_eq(def->name, candor_bytes_str(range->type)));
}

/* *out: the caller's to free. */
static candor_status choose_types(const candor_event_source *src, candor_stat what,
                                  const candor_stat_range *range, candor_event_filter *f,
                                  candor_bytes **out, candor_err *err)
{
    const unsigned n = candor_schema_count(src->schema);
    unsigned i;
    *out = NULL;
    if (what == CANDOR_STAT_COUNTS) f->type = range->type;
    if (what == CANDOR_STAT_FAILED || what == CANDOR_STAT_FAILED_DAYS) f->type = "Error";
    if (what != CANDOR_STAT_CHARTS && what != CANDOR_STAT_ERRORS) return CANDOR_OK;
    *out = malloc((n + 1) * sizeof **out);
    if (*out == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    for (i = 0; i < n; i++)
        if (of_interest(what, range, candor_schema_at(src->schema, i)))
            (*out)[f->n_only++] = candor_schema_at(src->schema, i)->name;
    f->only = *out;
    return CANDOR_OK;
}

candor_status candor_scan_add(const candor_event_source *src, candor_stat what,
                              const candor_stat_range *range, bool underived, candor_sums *sums,
                              candor_err *err)
{
    candor_event_filter f = {.app = range->app, .underived = underived};
    adder a = {.what = what, .schema = src->schema, .sums = sums};
    candor_bytes *types = NULL;
    candor_status st;
    if (what == CANDOR_STAT_APPROVALS) return candor_scan_approvals(src, range, sums, err);
    candor_stat_bounds(what, range, &f.from_ms, &f.to_ms);
    st = choose_types(src, what, range, &f, &types, err);
    if (st == CANDOR_OK && (f.only == NULL || f.n_only != 0)) {
        st = candor_scan(src, f, take_event, &a, err);
        if (a.st != CANDOR_OK) {
            st = a.st;
            *err = a.err;
        }
    }
    candor_buf_free(&a.who);
    free(types);
    return st;
}

candor_status candor_scan_stats(const candor_event_source *src, candor_sums_ask *ask,
                                candor_stat what, const candor_stat_range *range,
                                bool (*visit)(void *ctx, const candor_stat_row *row), void *ctx,
                                candor_err *err)
{
    candor_sums *sums = NULL;
    bool underived = false;
    candor_status st = candor_sums_new(what, src->schema, &sums, err);
    if (st == CANDOR_OK && ask != NULL) st = ask(src->reader, what, range, sums, &underived, err);
    if (st == CANDOR_OK && (ask == NULL || underived))
        st = candor_scan_add(src, what, range, underived, sums, err);
    if (st == CANDOR_OK) st = candor_sums_show(sums, visit, ctx, err);
    candor_sums_free(sums);
    return st;
}
