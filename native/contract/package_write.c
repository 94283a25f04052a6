#include "contract/package_sums.h"

static void put_text(candor_buf *out, candor_bytes key, candor_bytes value)
{
    candor_buf_put_c(out, '"');
    candor_buf_put_bytes(out, key);
    candor_buf_put_bytes(out, CANDOR_LIT("\":"));
    if (value.n != 0)
        candor_json_put_string(out, value);
    else
        candor_buf_put_bytes(out, CANDOR_LIT("null"));
}

static void put_member(candor_buf *out, candor_bytes key, candor_bytes value)
{
    candor_buf_put_bytes(out, CANDOR_LIT(",\n"));
    put_text(out, key, value);
}

static void put_correlations(const candor_package_sums *p, candor_buf *out)
{
    candor_buf_put_bytes(out, CANDOR_LIT(",\n\"correlation_ids\":["));
    for (unsigned i = 0; i < p->n_ids; i++) {
        uint32_t at = p->id_order[i];
        if (i != 0) candor_buf_put_c(out, ',');
        candor_json_put_string(out, candor_bytes_of(p->ids.p + p->id_at[at] - 1, p->id_n[at]));
    }
    candor_buf_putf(out, "],\n\"correlation_ids_more\":%llu", (unsigned long long)p->ids_more);
}

candor_status candor_package_put_head(const candor_package_sums *p, const candor_package_head *head,
                                      candor_buf *out)
{
    char id[CANDOR_UUID_TEXT], at[CANDOR_TIME_TEXT];
    candor_uuid_format(head->id, id);
    candor_time_format(head->export_ms, at);
    candor_buf_put_bytes(out, CANDOR_LIT("{\"schema_version\":\"" CANDOR_PACKAGE_VERSION "\""));
    put_member(out, CANDOR_LIT("package_id"), candor_bytes_of(id, sizeof id));
    put_member(out, CANDOR_LIT("export_timestamp"), candor_bytes_of(at, sizeof at));
    put_member(out, CANDOR_LIT("app"), head->app);
    put_member(out, CANDOR_LIT("app_version"), head->app_version);
    put_member(out, CANDOR_LIT("platform"), head->platform);
    put_member(out, CANDOR_LIT("machine_id"), head->machine_id);
    candor_buf_put_bytes(out, CANDOR_LIT(",\n\"schema\":{"));
    put_text(out, CANDOR_LIT("name"), candor_schema_name(p->schema));
    candor_buf_putf(out, ",\"version\":%u,\"hash\":\"%s\"}", candor_schema_version(p->schema),
                    candor_schema_hash(p->schema));
    put_member(out, CANDOR_LIT("governance_id"),
               p->governance_differs ? (candor_bytes){NULL, 0} : p->governance_id);
    put_correlations(p, out);
    candor_buf_put_bytes(out, CANDOR_LIT(",\n\"events\":["));
    return out->failed ? CANDOR_NOMEM : CANDOR_OK;
}

/* --- performance_metrics --------------------------------------------------------------------- */

/* The middle of a bucket; package_sums.c has the other direction. */
static double bucket_ms(unsigned at)
{
    if (at < 16) return at / 1000.0;
    unsigned octave = (at - 16) / 16;
    double width = (double)(UINT64_C(1) << octave);
    return ((16.0 + (at - 16) % 16) * width + width / 2) / 1000.0;
}

static double quantile(const candor_sums_metric *m, unsigned percent)
{
    uint64_t rank = (m->count * percent + 99) / 100, before = 0;
    unsigned at = 0;
    while (at < CANDOR_SUMS_BUCKETS - 1 && (before += m->buckets[at]) < rank)
        at++;
    double v = bucket_ms(at);
    return v < m->min ? m->min : v > m->max ? m->max : v;
}

static void put_ms(candor_buf *out, const char *key, double ms)
{
    candor_buf_putf(out, ",\"%s\":", key);
    candor_json_put_fixed(out, ms, 3);
}

static void put_metric(candor_buf *out, const candor_sums_metric *m)
{
    candor_buf_put_bytes(out, CANDOR_LIT("\n{"));
    put_text(out, CANDOR_LIT("event_type"), m->def != NULL ? m->def->name : CANDOR_LIT("other"));
    candor_buf_put_c(out, ',');
    put_text(out, CANDOR_LIT("field"), m->field != NULL ? m->field->name : (candor_bytes){NULL, 0});
    candor_buf_put_c(out, ',');
    put_text(out, CANDOR_LIT("name"), candor_bytes_of(m->name.p, m->name.n));
    candor_buf_putf(out, ",\"count\":%llu", (unsigned long long)m->count);
    put_ms(out, "min", m->min);
    put_ms(out, "max", m->max);
    put_ms(out, "mean", m->sum / (double)m->count);
    put_ms(out, "p50", quantile(m, 50));
    put_ms(out, "p95", quantile(m, 95));
    candor_buf_put_c(out, '}');
}

static void put_metrics(const candor_package_sums *p, candor_buf *out)
{
    candor_buf_put_bytes(out, CANDOR_LIT(",\n\"performance_metrics\":["));
    bool first = true;
    for (unsigned i = 0; i <= CANDOR_PACKAGE_METRICS_MAX; i++) {
        if (p->metrics[i].count == 0) continue;
        if (!first) candor_buf_put_c(out, ',');
        first = false;
        put_metric(out, &p->metrics[i]);
    }
    candor_buf_put_c(out, ']');
}

/* --- usage_statistics, errors ---------------------------------------------------------------- */

static void put_time(candor_buf *out, candor_bytes key, bool known, int64_t ms)
{
    char at[CANDOR_TIME_TEXT];
    candor_time_format(ms, at);
    candor_buf_put_c(out, ',');
    put_text(out, key, known ? candor_bytes_of(at, sizeof at) : (candor_bytes){NULL, 0});
}

static void put_span(candor_buf *out, const char *key, const candor_sums_span *s)
{
    candor_buf_putf(out, "\"%s\":%llu", key, (unsigned long long)s->count);
    put_time(out, CANDOR_LIT("first_timestamp"), s->count != 0, s->first_ms);
    put_time(out, CANDOR_LIT("last_timestamp"), s->count != 0, s->last_ms);
}

static void put_type(candor_buf *out, candor_bytes name, const candor_sums_span *s, bool *first)
{
    if (s->count == 0) return;
    if (!*first) candor_buf_put_c(out, ',');
    *first = false;
    candor_buf_put_bytes(out, CANDOR_LIT("\n{"));
    put_text(out, CANDOR_LIT("event_type"), name);
    candor_buf_put_c(out, ',');
    put_span(out, "count", s);
    candor_buf_put_c(out, '}');
}

static void put_usage(const candor_package_sums *p, candor_buf *out)
{
    bool first = true;
    candor_buf_put_bytes(out, CANDOR_LIT(",\n\"usage_statistics\":{"));
    put_span(out, "events", &p->all);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"by_type\":["));
    for (unsigned i = 0; i < candor_schema_count(p->schema); i++)
        put_type(out, candor_schema_at(p->schema, i)->name, &p->types[i], &first);
    put_type(out, CANDOR_LIT("other"), &p->other, &first);
    candor_buf_put_bytes(out, CANDOR_LIT("]}"));
}

static void put_error(candor_buf *out, const candor_sums_error *e)
{
    size_t n = e->hash[0] != '\0' ? CANDOR_HASH_TEXT : 0;
    candor_buf_put_bytes(out, CANDOR_LIT("\n{"));
    put_text(out, CANDOR_LIT("event_type"), e->def != NULL ? e->def->name : CANDOR_LIT("other"));
    candor_buf_put_c(out, ',');
    put_text(out, CANDOR_LIT("code"), candor_bytes_of(e->code.p, e->code.n));
    candor_buf_put_c(out, ',');
    put_text(out, CANDOR_LIT("message_hash"), candor_bytes_of(e->hash, n));
    candor_buf_put_c(out, ',');
    put_span(out, "count", &e->span);
    candor_buf_put_c(out, '}');
}

candor_status candor_package_put_tail(const candor_package_sums *p, candor_buf *out)
{
    bool first = true;
    candor_buf_put_bytes(out, CANDOR_LIT("\n]"));
    put_metrics(p, out);
    put_usage(p, out);
    candor_buf_put_bytes(out, CANDOR_LIT(",\n\"errors\":["));
    for (unsigned i = 0; i <= CANDOR_PACKAGE_ERRORS_MAX; i++) {
        if (p->errors[i].span.count == 0) continue;
        if (!first) candor_buf_put_c(out, ',');
        first = false;
        put_error(out, &p->errors[i]);
    }
    candor_buf_put_bytes(out, CANDOR_LIT("]}\n"));
    return out->failed ? CANDOR_NOMEM : CANDOR_OK;
}
