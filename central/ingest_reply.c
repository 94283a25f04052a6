#include "central/ingest_reply.h"

#include "base/json.h"
#include "central/quality.h"
#include "central/respond.h"

#define RESULTS_MAX 1000 /* of a package */
#define DUPLICATE   255u /* beside the reasons of metrics.h */

static void put_count(candor_buf *b, const char *key, uint64_t n)
{
    candor_buf_putf(b, "\"%s\":%llu", key, (unsigned long long)n);
}

static void put_result(candor_buf *b, size_t index, unsigned status)
{
    candor_buf_putf(b, "{\"index\":%zu,\"status\":", index);
    if (status == CANDOR_REJECT_NONE)
        candor_buf_put_bytes(b, CANDOR_LIT("\"accepted\"}"));
    else if (status == DUPLICATE)
        candor_buf_put_bytes(b, CANDOR_LIT("\"duplicate\"}"));
    else
        candor_buf_putf(b, "\"rejected\",\"reason\":\"%s\",\"detail\":\"%s\"}",
                        candor_refuse_name(status), candor_refuse_text(status));
}

/* A package holds as many events as a person's month: what is said of each is bounded. */
static void put_results(candor_buf *b, const candor_ingest_request *r, bool all)
{
    size_t i, n = 0, max = *r->package_id != '\0' ? RESULTS_MAX : SIZE_MAX;
    candor_buf_put_bytes(b, CANDOR_LIT(",\"results\":["));
    for (i = 0; i < r->n; i++) {
        if (!all && r->status[i] == CANDOR_REJECT_NONE) continue;
        if (n++ >= max) continue;
        if (n != 1) candor_buf_put_c(b, ',');
        put_result(b, i, r->status[i]);
    }
    candor_buf_put_c(b, ']');
    if (n > max) candor_buf_putf(b, ",\"results_omitted\":%zu", n - max);
}

static void put_adjusted(candor_buf *b, const candor_tally *t)
{
    bool first = true;
    int i;
    candor_buf_put_bytes(b, CANDOR_LIT(",\"adjusted\":{"));
    for (i = 0; i < CANDOR_ADJUST_COUNT; i++) {
        if (t->n[i] == 0) continue;
        if (!first) candor_buf_put_c(b, ',');
        first = false;
        put_count(b, candor_adjust_name((candor_adjust)i), t->n[i]);
    }
    candor_buf_put_c(b, '}');
}

static void put_schema(candor_buf *b, candor_conn *c)
{
    candor_server *s = c->loop->server;
    const char *ours = candor_schema_hash(s->schema), *match = "null";
    if (c->head.schema_hash.p != NULL) {
        bool same = candor_bytes_eq(c->head.schema_hash, candor_bytes_str(ours));
        match = same ? "true" : "false";
        if (!same) candor_count(&s->metrics.schema_mismatches, 1);
    }
    candor_buf_putf(b, ",\"schema\":{\"hash\":\"%s\",\"match\":%s}", ours, match);
}

static size_t count_outcome(candor_ingest_request *r, candor_metrics *m)
{
    size_t i, rejected = 0;
    for (i = 0; i < r->batch.n_rows; i++)
        if (r->batch.rows[i].duplicate) r->status[r->batch.rows[i].index] = DUPLICATE;
    for (i = 0; i < r->n; i++) {
        if (r->status[i] == CANDOR_REJECT_NONE || r->status[i] == DUPLICATE) continue;
        candor_count(&m->rejected[r->status[i]], 1);
        rejected++;
    }
    for (i = 0; i < CANDOR_ADJUST_COUNT; i++)
        if (r->tally.n[i] != 0) candor_count(&m->adjusted[i], r->tally.n[i]);
    candor_count(&m->accepted, r->batch.inserted);
    candor_count(&m->duplicates, r->batch.n_rows - r->batch.inserted);
    candor_count(&m->batches, 1);
    if (r->batch.duplicate_batch) candor_count(&m->duplicate_batches, 1);
    return rejected;
}

bool candor_ingest_stored(candor_ingest_request *r, candor_conn *c, size_t *rejected)
{
    if (r->batch.status == CANDOR_OK) {
        *rejected = count_outcome(r, &c->loop->server->metrics);
        return true;
    }
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_STORE_FAILED,
                        "the store could not commit (%s); keep the batch and try "
                        "again",
                        candor_status_text(r->batch.status));
    c->reply.retry_after_s = 5;
    return false;
}

void candor_ingest_reply(candor_ingest_request *r, candor_conn *c)
{
    candor_bytes results = {NULL, 0};
    bool all = candor_query_find(c->head.query, "results", &results) &&
               candor_bytes_eq(results, CANDOR_LIT("all"));
    size_t rejected;
    candor_buf *b;
    if (!candor_ingest_stored(r, c, &rejected)) return;
    candor_quality_note(c, r->batch.inserted);
    b = candor_reply_begin(&c->reply, 202, candor_type_json);
    candor_buf_put_c(b, '{');
    if (*r->package_id != '\0') candor_buf_putf(b, "\"package_id\":\"%s\",", r->package_id);
    put_count(b, "accepted", r->batch.inserted);
    candor_buf_put_c(b, ',');
    put_count(b, "duplicates", r->batch.n_rows - r->batch.inserted);
    candor_buf_put_c(b, ',');
    put_count(b, "rejected", rejected);
    if (r->batch.duplicate_batch) candor_buf_put_bytes(b, CANDOR_LIT(",\"duplicate_batch\":true"));
    put_results(b, r, all);
    put_adjusted(b, &r->tally);
    put_schema(b, c);
    candor_buf_put_bytes(b, CANDOR_LIT("}\n"));
}
