/* Requests of an upload round: headers, bodies, the connection. Layer: client. */
#include <stdio.h>

#include "base/gzip.h"
#include "client/upload_private.h"

#define RESPONSE_MAX   (1024 * 1024) /* per-event results of a batch of 1000 fit well */
#define LEASE_EXTRA_MS 5000
#define DROPS_TEXT     512

candor_status candor_uploader_http(candor_uploader *u, candor_err *err)
{
    if (u->http != NULL) return CANDOR_OK;
    const candor_settings *s = u->settings;
    const candor_http_settings h = {
        .user_agent = "candor/0.1.0",
        .proxy = s->proxy,
        .ca_file = s->ca_file,
        .ca_pem = candor_bytes_str(s->ca_pem),
        .connect_timeout_ms = (unsigned)s->connect_timeout_ms,
        .total_timeout_ms = (unsigned)s->request_timeout_ms,
        .stall_timeout_ms = (unsigned)s->stall_timeout_ms,
        .response_max = RESPONSE_MAX,
    };
    return candor_http_new(&h, &u->http, err);
}

bool candor_upload_is_otlp(const candor_uploader *u)
{
    return u->exporter != NULL && u->settings->exporter == CANDOR_EXPORT_OTLP_HTTP;
}

void candor_upload_document_url(const candor_uploader *u, char url[CANDOR_UPLOAD_URL_SIZE])
{
    (void)snprintf(url, CANDOR_UPLOAD_URL_SIZE, "%s%s", u->settings->endpoint,
                   candor_otlp_path(u->exporter->signal));
}

/* Post the document that candor_exporter_next has made. */
candor_status candor_upload_start_document(candor_uploader *u, candor_err *err)
{
    char url[CANDOR_UPLOAD_URL_SIZE], authorization[4352];
    const candor_settings *s = u->settings;
    candor_upload_document_url(u, url);
    (void)snprintf(authorization, sizeof authorization, "Bearer %s",
                   s->token != NULL ? s->token : "");
    const candor_http_header headers[3] = {{"Content-Type", "application/json"},
                                           {"Content-Encoding", "gzip"},
                                           {"Authorization", authorization}};
    const candor_http_request request = {"POST", url, headers, s->token != NULL ? 3 : 2,
                                         candor_buf_bytes(&u->exporter->body)};
    candor_status st = candor_uploader_http(u, err);
    if (st == CANDOR_OK) st = candor_http_start(u->http, &request, err);
    return st;
}

static void put_drop(candor_buf *out, const char *reason, uint64_t n)
{
    if (n == 0) return;
    candor_buf_putf(out, "%s%s=%llu", out->n != 0 ? ";" : "", reason, (unsigned long long)n);
}

/* What this directory has dropped so far, by reason: sums of all time, so that the latest request
 * says everything and a repeated one nothing twice. Left out is what people decided: what consent,
 * the level or a purge kept back is nobody's to count. */
static bool put_drops(candor_uploader *u, char text[DROPS_TEXT])
{
    static const candor_emit_result emits[] = {CANDOR_EMIT_SAMPLED,      CANDOR_EMIT_UNKNOWN_EVENT,
                                               CANDOR_EMIT_BAD_PAYLOAD,  CANDOR_EMIT_TOO_LARGE,
                                               CANDOR_EMIT_JOURNAL_FULL, CANDOR_EMIT_FAILED};
    candor_state_totals totals;
    candor_buf out;
    candor_buf_init_fixed(&out, text, DROPS_TEXT - 1);
    if (candor_state_total(u->store->state, &totals, NULL) != CANDOR_OK) return false;
    for (size_t i = 0; i < sizeof emits / sizeof emits[0]; i++)
        put_drop(&out, candor_emit_name(emits[i]), totals.counts.emit[emits[i]]);
    totals.loss[CANDOR_LOSS_DISK_LOW] += totals.counts.disk_low;
    for (int i = 0; i < CANDOR_LOSS_COUNT; i++)
        if (i != CANDOR_LOSS_PURGED)
            put_drop(&out, candor_loss_name((candor_loss)i), totals.loss[i]);
    text[out.n] = '\0';
    return out.n != 0 && !out.failed;
}

candor_status candor_upload_start(candor_uploader *u, candor_err *err)
{
    if (candor_upload_is_otlp(u)) return candor_upload_start_document(u, err);

    char url[CANDOR_UPLOAD_URL_SIZE], authorization[4352], sent_at[CANDOR_TIME_TEXT + 1] = "";
    char drops[DROPS_TEXT];
    const candor_settings *s = u->settings;
    candor_time_format(candor_clock_unix_ms(), sent_at);
    bool package = u->package.active;
    (void)snprintf(url, sizeof url, "%s%s", s->endpoint,
                   package ? "/api/telemetry/upload" : "/api/v1/events");
    (void)snprintf(authorization, sizeof authorization, "Bearer %s",
                   s->token != NULL ? s->token : "");
    candor_http_header headers[10] = {
        {"Content-Type", package ? "application/json" : "application/x-ndjson"},
        {"Content-Encoding", "gzip"},
        {"Candor-Batch-Id", package ? u->package.id : u->row.id},
        {"Candor-Machine-Id", u->identity.machine_id},
        {"Candor-Sent-At", sent_at},
        {"Candor-Consent", u->consent},
    };
    size_t n = 6;
    if (!package && u->row.schema_hash[0] != '\0')
        headers[n++] = (candor_http_header){"Candor-Schema-Hash", u->row.schema_hash};
    if (put_drops(u, drops)) headers[n++] = (candor_http_header){"Candor-Drops", drops};
    if (u->identity.ci) headers[n++] = (candor_http_header){"Candor-Environment", "ci"};
    if (s->token != NULL) headers[n++] = (candor_http_header){"Authorization", authorization};
    const candor_http_request request = {
        "POST", url, headers, n, candor_buf_bytes(package ? &u->package.body : &u->store->file)};
    candor_status st = candor_uploader_http(u, err);
    if (st == CANDOR_OK) st = candor_http_start(u->http, &request, err);
    return st;
}

/* Read the file and check that it is whole: the collector must not be the one to find out. */
candor_status candor_upload_load(candor_uploader *u, candor_err *err)
{
    candor_store *s = u->store;
    if (u->exporter != NULL) u->exporter->finished = false;
    candor_status st = candor_store_read(s, u->row.id, err);
    if (st != CANDOR_OK) return st;
    candor_buf_clear(&s->batch.lines);
    st = candor_gunzip(candor_buf_bytes(&s->file), CANDOR_BATCH_BYTES_MAX + CANDOR_EVENT_MAX,
                       &s->batch.lines, NULL, 0, err);
    if (st == CANDOR_OK && candor_upload_is_otlp(u))
        return candor_exporter_next(u->exporter, u->row.id, candor_buf_bytes(&s->batch.lines), err);
    return st == CANDOR_LIMIT ? CANDOR_CORRUPT : st;
}

/* Nobody deletes the batch while its request may last. */
void candor_upload_lease(candor_uploader *u)
{
    int64_t until = candor_clock_unix_ms() + u->settings->request_timeout_ms + LEASE_EXTRA_MS;
    (void)!candor_state_lease(u->store->state, u->row.id, until, NULL);
}
