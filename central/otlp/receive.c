#include "central/otlp/receive.h"

#include <stdio.h>

#include "base/json.h"
#include "central/ingest_body.h"
#include "central/media.h"
#include "central/otlp/events.h"
#include "central/otlp/message.h"
#include "central/respond.h"

#define MESSAGE_MAX 512

static const char type_protobuf[] = "application/x-protobuf";

typedef enum signal { LOGS, METRICS, TRACES, N_SIGNALS } signal;

static const struct {
    const char *path, *rejected;
    const ProtobufCMessageDescriptor *request;
} signals[N_SIGNALS] = {
    {"/v1/logs", "rejectedLogRecords", &otlp__logs_request__descriptor},
    {"/v1/metrics", "rejectedDataPoints", &otlp__metrics_request__descriptor},
    {"/v1/traces", "rejectedSpans", &otlp__traces_request__descriptor},
};

static signal signal_of(const candor_conn *c)
{
    unsigned i = 0;
    while (i < N_SIGNALS && !candor_bytes_eq(c->head.path, candor_bytes_str(signals[i].path)))
        i++;
    return (signal)i;
}

static bool is_protobuf(const candor_conn *c)
{
    return candor_media_is(c->head.content_type, type_protobuf);
}

static bool put_message(candor_reply *r, int code, const ProtobufCMessage *m)
{
    return candor_otlp_pack(m, candor_reply_begin(r, code, type_protobuf));
}

/* --- what is refused ------------------------------------------------------------------------ */

/* google/rpc/code.proto; clients go by the HTTP status, this is for people and logs. */
static int rpc_code(int http)
{
    switch (http) {
    case 401:
        return 16; /* UNAUTHENTICATED */
    case 403:
        return 7; /* PERMISSION_DENIED */
    case 404:
        return 5; /* NOT_FOUND */
    case 413:
    case 429:
        return 8; /* RESOURCE_EXHAUSTED */
    case 500:
        return 13; /* INTERNAL */
    case 503:
        return 14; /* UNAVAILABLE */
    case 405:
        return 12; /* UNIMPLEMENTED */
    default:
        return 3; /* INVALID_ARGUMENT */
    }
}

/* The detail of the problem that is in the reply. */
static void read_detail(const candor_reply *r, char out[MESSAGE_MAX])
{
    candor_json j;
    candor_json_token t;
    size_t n = 0;
    candor_json_init(&j, candor_buf_bytes(&r->body), 4);
    (void)candor_json_next(&j, &t);
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        bool detail = candor_bytes_eq(t.raw, CANDOR_LIT("detail"));
        (void)candor_json_next(&j, &t);
        if (detail) n = candor_json_unescape(t.raw, out, MESSAGE_MAX - 1);
    }
    out[n < MESSAGE_MAX ? n : 0] = '\0';
}

void candor_otlp_explain(candor_conn *c)
{
    Otlp__Status status = OTLP__STATUS__INIT;
    candor_reply *r = &c->reply;
    char text[MESSAGE_MAX];
    unsigned retry = r->retry_after_s;
    const char *allow = r->allow;
    candor_buf *b;
    if (r->type != candor_type_problem || signal_of(c) == N_SIGNALS) return;
    read_detail(r, text);
    status.code = rpc_code(r->code);
    status.message = text;
    if (is_protobuf(c)) {
        put_message(r, r->code, &status.base);
    } else {
        b = candor_reply_begin(r, r->code, candor_type_json);
        candor_buf_putf(b, "{\"code\":%d,\"message\":", status.code);
        candor_json_put_string(b, candor_bytes_str(text));
        candor_buf_put_bytes(b, CANDOR_LIT("}\n"));
    }
    r->retry_after_s = retry;
    r->allow = allow;
}

bool candor_otlp_receive_begin(candor_conn *c)
{
    candor_server *s = c->loop->server;
    if (!is_protobuf(c) && !candor_media_is(c->head.content_type, "application/json")) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_CONTENT_TYPE,
                            "Content-Type is neither application/x-protobuf nor application/json");
        return false;
    }
    c->body_advice = "export smaller batches";
    return candor_ingest_encoding_ok(c) && candor_ingest_admit(c, s->limit, s->peer_limit);
}

/* --- what is taken -------------------------------------------------------------------------- */

typedef struct walk {
    candor_ingest_request *request;
    bool refused; /* the reply says why */
} walk;

static bool has_room(walk *w)
{
    candor_ingest_request *r = w->request;
    w->refused = r->n >= r->conn->loop->server->config.max_events;
    if (w->refused) candor_ingest_too_many(r->conn);
    return !w->refused;
}

static bool take(void *ctx, candor_bytes line)
{
    walk *w = ctx;
    return has_room(w) && candor_ingest_take_line(w->request, line);
}

static bool reject(void *ctx)
{
    walk *w = ctx;
    return has_room(w) && candor_ingest_reject(w->request, CANDOR_REJECT_BAD_PAYLOAD);
}

/* The partial success is one sentence: what was refused, and what was left out of the rest. */
static size_t put_sentence(candor_ingest_request *r, size_t rejected, char out[MESSAGE_MAX])
{
    size_t counts[CANDOR_REFUSE_COUNT] = {0}, i, n = 0;
    for (i = 0; i < r->n; i++)
        if (r->status[i] < CANDOR_REFUSE_COUNT) counts[r->status[i]]++;
    if (rejected != 0)
        n += (size_t)snprintf(out, MESSAGE_MAX, "%zu of %zu records were refused:", rejected, r->n);
    for (i = CANDOR_REJECT_NONE + 1; i < CANDOR_REFUSE_COUNT && n < MESSAGE_MAX; i++)
        if (counts[i] != 0)
            n += (size_t)snprintf(out + n, MESSAGE_MAX - n, " %zu %s", counts[i],
                                  candor_refuse_name((unsigned)i));
    if (r->left_out != 0 && n < MESSAGE_MAX)
        n += (size_t)snprintf(out + n, MESSAGE_MAX - n,
                              "%s%llu attributes are not in the schema and were left out",
                              n != 0 ? "; " : "", (unsigned long long)r->left_out);
    return n;
}

/* Export*ServiceResponse. Without anything to say it is empty. */
static void answer(candor_ingest_request *r, candor_conn *c)
{
    Otlp__PartialSuccess partial = OTLP__PARTIAL_SUCCESS__INIT;
    Otlp__Response response = OTLP__RESPONSE__INIT;
    candor_metrics *m = &c->loop->server->metrics;
    char text[MESSAGE_MAX] = "";
    signal s = signal_of(c);
    candor_buf *b;
    size_t rejected;
    if (!candor_ingest_stored(r, c, &rejected)) return;
    candor_count(&m->otlp_records[s], r->n - rejected);
    candor_count(&m->otlp_attributes_dropped, r->left_out);
    partial.rejected = (int64_t)rejected;
    partial.error_message = text;
    if (put_sentence(r, rejected, text) != 0) response.partial_success = &partial;
    if (is_protobuf(c)) {
        put_message(&c->reply, 200, &response.base);
        return;
    }
    b = candor_reply_begin(&c->reply, 200, candor_type_json);
    if (response.partial_success == NULL) {
        candor_buf_put_bytes(b, CANDOR_LIT("{}\n"));
        return;
    }
    candor_buf_putf(b, "{\"partialSuccess\":{\"%s\":\"%zu\",\"errorMessage\":", signals[s].rejected,
                    rejected);
    candor_json_put_string(b, candor_bytes_str(text));
    candor_buf_put_bytes(b, CANDOR_LIT("}}\n"));
}

static bool refuse(candor_conn *c, candor_status st, const candor_err *err)
{
    if (st == CANDOR_NOMEM) return candor_ingest_no_memory(c);
    candor_reply_refuse(&c->reply,
                        st == CANDOR_LIMIT ? CANDOR_PROBLEM_TOO_LARGE : CANDOR_PROBLEM_BAD_REQUEST,
                        "%s", err->text);
    return false;
}

static candor_status parse(const candor_conn *c, candor_bytes text, candor_otlp_memory *m,
                           ProtobufCMessage **out, candor_err *err)
{
    const ProtobufCMessageDescriptor *d = signals[signal_of(c)].request;
    return is_protobuf(c) ? candor_otlp_unpack(d, text, m, out, err)
                          : candor_otlp_from_json(d, text, m, out, err);
}

static bool walk_all(candor_ingest_request *r, signal s, const ProtobufCMessage *m)
{
    walk w = {r, false};
    candor_otlp_events e = {.schema = r->tools->server->schema,
                            .key = r->tools->session_key,
                            .now_ms = r->batch.received_ms,
                            .take = take,
                            .reject = reject,
                            .ctx = &w};
    bool ok = s == LOGS ? candor_otlp_logs(&e, (const Otlp__LogsRequest *)(const void *)m)
              : s == METRICS
                  ? candor_otlp_metrics(&e, (const Otlp__MetricsRequest *)(const void *)m)
                  : candor_otlp_traces(&e, (const Otlp__TracesRequest *)(const void *)m);
    r->left_out = e.dropped;
    r->tally.n[CANDOR_ADJUST_UNKNOWN_FIELD] += (unsigned)e.dropped;
    candor_otlp_events_free(&e);
    if (!ok && !w.refused) candor_ingest_no_memory(r->conn);
    return ok;
}

static bool read_request(candor_ingest_request *r)
{
    candor_conn *c = r->conn;
    bool gzip = candor_word_is(c->head.content_encoding, "gzip");
    candor_otlp_memory memory = {0};
    ProtobufCMessage *m = NULL;
    candor_err err = {0};
    candor_bytes text;
    candor_status st;
    bool ok;
    r->answer = answer;
    if (!candor_ingest_inflate(r, gzip, (size_t)c->loop->server->config.max_inflated_bytes, &text))
        return false;
    st = parse(c, text, &memory, &m, &err);
    ok = st == CANDOR_OK ? walk_all(r, signal_of(c), m) : refuse(c, st, &err);
    candor_otlp_memory_free(&memory);
    return ok;
}

void candor_otlp_receive_run(candor_conn *c)
{
    candor_ingest_submit(c, read_request);
}
