#include "central/metrics.h"

#include "central/version.h"

#define AS_BOUND(ms) ms,
static const unsigned commit_bounds_ms[] = {CANDOR_COMMIT_BOUNDS_MS(AS_BOUND)};
#define N_BOUNDS (sizeof commit_bounds_ms / sizeof commit_bounds_ms[0])
_Static_assert(N_BOUNDS + 1 == CANDOR_COMMIT_BUCKETS, "one bucket a bound, and one above");

const char *candor_refuse_name(unsigned reason)
{
    return reason == CANDOR_REFUSE_WRONG_APP ? "wrong_app"
                                             : candor_reject_name((candor_reject)reason);
}

const char *candor_refuse_text(unsigned reason)
{
    return reason == CANDOR_REFUSE_WRONG_APP ? "the token is bound to another app"
                                             : candor_reject_text((candor_reject)reason);
}

const char *candor_partial_drop_name(candor_partial_drop d)
{
#define PARTIAL_NAME(id, name) name,
    static const char *const names[] = {CANDOR_PARTIAL_DROP_MAP(PARTIAL_NAME)};
    return names[d];
}

void candor_metrics_commit(candor_metrics *m, uint64_t duration_us)
{
    size_t i;
    for (i = 0; i < N_BOUNDS; i++)
        if (duration_us <= (uint64_t)commit_bounds_ms[i] * 1000) break;
    candor_count(&m->commit_buckets[i], 1);
    candor_count(&m->commit_us, duration_us);
    candor_count(&m->commits, 1);
}

void candor_metrics_family(candor_buf *out, const char *name, const char *type, const char *help)
{
    candor_buf_putf(out, "# HELP candor_central_%s %s\n# TYPE candor_central_%s %s\n", name, help,
                    name, type);
}

void candor_metrics_single(candor_buf *out, const char *name, const char *type, const char *help,
                           uint64_t v)
{
    candor_metrics_family(out, name, type, help);
    candor_buf_putf(out, "candor_central_%s %llu\n", name, (unsigned long long)v);
}

static void labelled(candor_buf *out, const char *name, const char *label, const char *value,
                     uint64_t v)
{
    candor_buf_putf(out, "candor_central_%s{%s=\"%s\"} %llu\n", name, label, value,
                    (unsigned long long)v);
}

static void write_requests(const candor_metrics *m, candor_buf *out)
{
    unsigned code;
    candor_metrics_family(out, "requests_total", "counter", "Responses sent, by HTTP status.");
    for (code = 0; code < CANDOR_CODE_MAX; code++) {
        uint64_t n = candor_counted(&m->requests[code]);
        if (n != 0)
            candor_buf_putf(out, "candor_central_requests_total{code=\"%u\"} %llu\n", code,
                            (unsigned long long)n);
    }
}

static void write_events(const candor_metrics *m, candor_buf *out)
{
    unsigned i;
    candor_metrics_single(out, "events_accepted_total", "counter", "Events stored.",
                          candor_counted(&m->accepted));
    candor_metrics_single(out, "events_duplicate_total", "counter",
                          "Events that were stored before.", candor_counted(&m->duplicates));
    candor_metrics_family(out, "events_rejected_total", "counter", "Events refused, by reason.");
    for (i = CANDOR_REJECT_NONE + 1; i < CANDOR_REFUSE_COUNT; i++)
        labelled(out, "events_rejected_total", "reason", candor_refuse_name(i),
                 candor_counted(&m->rejected[i]));
    candor_metrics_family(out, "fields_adjusted_total", "counter",
                          "Fields changed by the sanitiser, by kind.");
    for (i = 0; i < CANDOR_ADJUST_COUNT; i++)
        labelled(out, "fields_adjusted_total", "kind", candor_adjust_name((candor_adjust)i),
                 candor_counted(&m->adjusted[i]));
    candor_metrics_single(out, "batches_total", "counter", "Uploads answered with 202.",
                          candor_counted(&m->batches));
    candor_metrics_single(out, "batches_duplicate_total", "counter",
                          "Uploads known by batch id and digest.",
                          candor_counted(&m->duplicate_batches));
    candor_metrics_single(out, "schema_mismatch_total", "counter",
                          "Uploads made with another schema.",
                          candor_counted(&m->schema_mismatches));
}

static void write_shed(const candor_metrics *m, candor_buf *out)
{
#define SHED_NAME(id, name) name,
    static const char *const names[] = {CANDOR_SHED_MAP(SHED_NAME)};
    unsigned i;
    candor_metrics_family(out, "shed_total", "counter",
                          "Requests answered 503 because something is full, by what that is.");
    for (i = 0; i < CANDOR_SHED_COUNT; i++)
        labelled(out, "shed_total", "reason", names[i], candor_counted(&m->shed[i]));
    candor_metrics_single(out, "sessions_displaced_total", "counter",
                          "Sessions of the dashboard that ended early, for a new one.",
                          candor_counted(&m->sessions_displaced));
}

static void write_otlp(const candor_metrics *m, candor_buf *out)
{
    static const char *const names[] = {"logs", "metrics", "traces"};
    unsigned i;
    candor_metrics_family(out, "otlp_records_total", "counter",
                          "Records of OTLP that were stored, by signal.");
    for (i = 0; i < 3; i++)
        labelled(out, "otlp_records_total", "signal", names[i],
                 candor_counted(&m->otlp_records[i]));
    candor_metrics_single(out, "otlp_attributes_dropped_total", "counter",
                          "Attributes of OTLP that the schema does not have.",
                          candor_counted(&m->otlp_attributes_dropped));
}

static void write_private(const candor_metrics *m, candor_buf *out)
{
#define PRIVATE_NAME(id, name) name,
    static const char *const names[] = {CANDOR_PRIVATE_MAP(PRIVATE_NAME)};
    unsigned i;
    candor_metrics_family(
        out, "private_answers_total", "counter",
        "Questions to tokens with differential privacy: paid for, answered as before, or refused "
        "because the budget is spent.");
    for (i = 0; i < CANDOR_PRIVATE_COUNT; i++)
        labelled(out, "private_answers_total", "result", names[i],
                 candor_counted(&m->private_answers[i]));
}

static void write_commits(const candor_metrics *m, candor_buf *out)
{
    uint64_t sum = 0, us = candor_counted(&m->commit_us);
    size_t i;
    candor_metrics_family(out, "commit_seconds", "histogram", "Duration of store transactions.");
    for (i = 0; i < N_BOUNDS; i++) {
        sum += candor_counted(&m->commit_buckets[i]);
        candor_buf_putf(out, "candor_central_commit_seconds_bucket{le=\"%u.%03u\"} %llu\n",
                        commit_bounds_ms[i] / 1000, commit_bounds_ms[i] % 1000,
                        (unsigned long long)sum);
    }
    sum += candor_counted(&m->commit_buckets[N_BOUNDS]);
    candor_buf_putf(out,
                    "candor_central_commit_seconds_bucket{le=\"+Inf\"} %llu\n"
                    "candor_central_commit_seconds_sum %llu.%06llu\n"
                    "candor_central_commit_seconds_count %llu\n",
                    (unsigned long long)sum, (unsigned long long)(us / 1000000),
                    (unsigned long long)(us % 1000000), (unsigned long long)sum);
    candor_metrics_single(out, "commit_failures_total", "counter",
                          "Store transactions that failed.", candor_counted(&m->commit_failures));
    candor_metrics_single(out, "events_purged_total", "counter", "Events deleted by retention.",
                          candor_counted(&m->deleted.total));
    candor_metrics_single(out, "sink_fewer_copies_total", "counter",
                          "Events acknowledged while a replica of their shard was away or behind.",
                          candor_counted(&m->sink_fewer_copies));
}

void candor_metrics_write(const candor_metrics *m, uint64_t queue_bytes, uint64_t queue_batches,
                          uint64_t db_bytes, uint64_t wal_bytes, uint64_t uptime_s,
                          const char *schema_hash, candor_buf *out)
{
    write_requests(m, out);
    write_events(m, out);
    write_shed(m, out);
    write_otlp(m, out);
    write_private(m, out);
    candor_metrics_single(out, "body_bytes_total", "counter", "Bytes of request bodies as sent.",
                          candor_counted(&m->body_bytes));
    candor_metrics_single(out, "inflated_bytes_total", "counter",
                          "Bytes of event bodies after gunzip.",
                          candor_counted(&m->inflated_bytes));
    candor_metrics_single(out, "connections_total", "counter", "Connections taken.",
                          candor_counted(&m->connections_total));
    candor_metrics_single(out, "connections_refused_total", "counter",
                          "Connections over the limit.", candor_counted(&m->connections_refused));
    candor_metrics_single(out, "connections_evicted_total", "counter",
                          "Idle connections closed for new ones.",
                          candor_counted(&m->connections_evicted));
    candor_metrics_single(out, "connections", "gauge", "Open connections.",
                          candor_counted(&m->connections));
    candor_metrics_single(out, "requests_in_flight", "gauge", "Requests being answered.",
                          candor_counted(&m->in_flight));
    candor_metrics_single(out, "buffered_bytes", "gauge", "Request body bytes held.",
                          candor_counted(&m->buffered_bytes));
    candor_metrics_single(out, "response_bytes", "gauge",
                          "Bytes of large responses held for their readers.",
                          candor_counted(&m->response_bytes));
    candor_metrics_single(out, "packages_waiting", "gauge",
                          "Packages being read, or waiting for that.",
                          candor_counted(&m->packages_waiting));
    candor_metrics_single(out, "queue_bytes", "gauge", "Bytes waiting for the store.", queue_bytes);
    candor_metrics_single(out, "queue_batches", "gauge", "Batches waiting for the store.",
                          queue_batches);
    candor_metrics_single(out, "db_bytes", "gauge", "Size of the database file.", db_bytes);
    candor_metrics_single(out, "wal_bytes", "gauge", "Size of the write-ahead log.", wal_bytes);
    write_commits(m, out);
    candor_metrics_single(out, "reloads_total", "counter",
                          "Certificates and token files read again.", candor_counted(&m->reloads));
    candor_metrics_single(out, "reload_failures_total", "counter",
                          "Those that were not usable: what was read before stays.",
                          candor_counted(&m->reload_failures));
    candor_metrics_single(out, "uptime_seconds", "gauge", "Seconds since start.", uptime_s);
    candor_metrics_family(out, "build_info", "gauge", "Always 1; labels say what runs.");
    candor_buf_putf(out, "candor_central_build_info{version=\"%s\",schema=\"%s\"} 1\n",
                    CANDOR_CENTRAL_VERSION, schema_hash);
}

static void write_partials(const candor_metrics *m, candor_buf *out)
{
    unsigned i;
    candor_metrics_single(out, "attachment_parts_total", "counter",
                          "Parts of texts that were stored.", candor_counted(&m->attachment_parts));
    candor_metrics_single(out, "attachments_partial", "gauge", "Texts that are not whole yet.",
                          candor_counted(&m->partials));
    candor_metrics_single(out, "attachments_partial_bytes", "gauge", "Bytes that they have.",
                          candor_counted(&m->partial_bytes));
    candor_metrics_family(out, "attachments_partial_dropped_total", "counter",
                          "Texts that did not become whole, by reason.");
    for (i = 0; i < CANDOR_PARTIAL_DROP_COUNT; i++)
        labelled(out, "attachments_partial_dropped_total", "reason",
                 candor_partial_drop_name((candor_partial_drop)i),
                 candor_counted(&m->partials_dropped[i]));
}

void candor_metrics_write_attachments(const candor_metrics *m, uint64_t db_bytes, bool healthy,
                                      candor_buf *out)
{
#define AS_NAME(id, name) name,
    static const char *const reasons[] = {CANDOR_ATTACH_REFUSE_MAP(AS_NAME)};
    unsigned i;
    candor_metrics_single(out, "attachments_stored_total", "counter",
                          "Texts of full content stored.", candor_counted(&m->attachments_stored));
    candor_metrics_single(out, "attachments_duplicate_total", "counter",
                          "Texts that were stored before.", candor_counted(&m->attachments_known));
    candor_metrics_family(out, "attachments_refused_total", "counter", "Texts refused, by reason.");
    for (i = 0; i < CANDOR_ATTACH_REFUSE_COUNT; i++)
        labelled(out, "attachments_refused_total", "reason", reasons[i],
                 candor_counted(&m->attachments_refused[i]));
    candor_metrics_single(out, "attachments_failed_total", "counter",
                          "Failures of the store of texts.",
                          candor_counted(&m->attachments_failed));
    candor_metrics_single(out, "attachments_healthy", "gauge", "0 while the store of texts fails.",
                          healthy);
    candor_metrics_single(out, "attachments_purged_total", "counter", "Texts deleted by retention.",
                          candor_counted(&m->attachments_purged));
    candor_metrics_single(out, "attachment_bytes_total", "counter",
                          "Bytes of texts stored, before compression.",
                          candor_counted(&m->attachment_bytes));
    candor_metrics_single(out, "attachments_db_bytes", "gauge", "Size of the database of texts.",
                          db_bytes);
    write_partials(m, out);
}
