/* Forward to OTLP receivers: over HTTP in protobuf, and over gRPC, of which one unary call is an
 * HTTP/2 POST with a prefix of five bytes and a status in the trailers
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). The mapping is that of the
 * client's exporters: contract/otlp.h writes OTLP JSON, and central/otlp turns it into protobuf. */
#include <stdlib.h>

#include "central/otlp/message.h"
#include "central/otlp/otlp.pb-c.h"
#include "central/sink/forward.h"
#include "contract/envelope.h"
#include "contract/otlp.h"

#define HTTP_PORT 4318
#define GRPC_PORT 4317
#define PREFIX    5

typedef struct otlp {
    candor_otlp documents;
    candor_buf lines, context;
} otlp;

static const struct {
    const ProtobufCMessageDescriptor *request;
    const char *call;
} signals[CANDOR_OTLP_SIGNALS] = {
    {&otlp__logs_request__descriptor, "/opentelemetry.proto.collector.logs.v1.LogsService/Export"},
    {&otlp__metrics_request__descriptor,
     "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"},
    {&otlp__traces_request__descriptor,
     "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
};

/* Each signal goes by itself: of a chunk of several, one could be refused and the others sent
 * again.
 */
static unsigned group_of(const candor_row *row)
{
    if (candor_bytes_eq(row->def->name, CANDOR_LIT("metric"))) return CANDOR_OTLP_METRICS;
    if (candor_bytes_eq(row->def->name, CANDOR_LIT("span"))) return CANDOR_OTLP_TRACES;
    return CANDOR_OTLP_LOGS;
}

/* --- what goes out -------------------------------------------------------------------------- */

static candor_status put_lines(otlp *o, const candor_sink_row *const *rows, size_t n)
{
    candor_status st = CANDOR_OK;
    size_t i;
    candor_buf_clear(&o->lines);
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        candor_stored_event e;
        candor_sink_row_event(rows[i], &e);
        candor_buf_clear(&o->context);
        st = candor_context_write(&e.context, &o->context);
        if (st == CANDOR_OK)
            st = candor_event_write(e.id, e.type, e.ts_ms, candor_buf_bytes(&o->context),
                                    e.correlation_id, e.payload, &o->lines);
    }
    return st;
}

/* f->body: the document in protobuf, behind gRPC's prefix: not compressed, and its length. */
static candor_status put_body(candor_forward *f, unsigned signal, candor_err *err)
{
    static const char room[PREFIX] = {0};
    otlp *o = f->own;
    candor_otlp_memory memory = {0};
    ProtobufCMessage *m = NULL;
    candor_status st =
        candor_otlp_from_json(signals[signal].request,
                              candor_buf_bytes(&o->documents.docs[signal].json), &memory, &m, err);
    bool grpc = f->kind->grpc;
    unsigned i;
    candor_buf_clear(&f->body);
    if (grpc) candor_buf_put(&f->body, room, PREFIX);
    if (st == CANDOR_OK && !candor_otlp_pack(m, &f->body))
        st = candor_fail(err, CANDOR_NOMEM, 0, "forward", NULL);
    for (i = 1; grpc && i < PREFIX && st == CANDOR_OK; i++)
        f->body.p[i] = (char)((f->body.n - PREFIX) >> (8 * (4 - i)) & 0xff);
    candor_otlp_memory_free(&memory);
    return st;
}

static uint64_t rejected_in(candor_bytes answer)
{
    candor_otlp_memory memory = {0};
    ProtobufCMessage *m = NULL;
    const Otlp__Response *r;
    candor_err ignored = {0};
    uint64_t n = 0;
    if (candor_otlp_unpack(&otlp__response__descriptor, answer, &memory, &m, &ignored) ==
        CANDOR_OK) {
        r = (const Otlp__Response *)(const void *)m;
        if (r->partial_success != NULL && r->partial_success->rejected > 0)
            n = (uint64_t)r->partial_success->rejected;
    }
    candor_otlp_memory_free(&memory);
    return n;
}

/* --- HTTP ----------------------------------------------------------------------------------- */

static candor_status post_http(candor_forward *f, unsigned signal, uint64_t *rejected,
                               candor_err *err)
{
    candor_http_response answer;
    candor_status st = candor_forward_post(f, candor_otlp_path((candor_otlp_signal)signal),
                                           "application/x-protobuf", true, true, &answer, err);
    if (st == CANDOR_OK) st = candor_forward_judge(answer.code, "the OTLP receiver", err);
    if (st == CANDOR_OK) *rejected += rejected_in(answer.body);
    return st;
}

/* --- gRPC ----------------------------------------------------------------------------------- */

/* https://opentelemetry.io/docs/specs/otlp/#failures: which codes may be tried again. What says
 * that the address or the token is wrong waits, too. */
static candor_status judge_grpc(int code, candor_err *err)
{
    static const int later[] = {1, 4, 7, 8, 10, 11, 12, 14, 15, 16};
    candor_status st = CANDOR_INVALID;
    size_t i;
    if (code == 0) return CANDOR_OK;
    for (i = 0; i < sizeof later / sizeof later[0]; i++)
        if (code == later[i]) st = CANDOR_BUSY;
    if (code < 0) st = CANDOR_NET;
    return candor_fail(err, st, 0, "forward",
                       code < 0 ? "the OTLP receiver speaks no gRPC (no grpc-status)"
                                : "the OTLP receiver answers with gRPC status %d",
                       code);
}

static candor_status post_grpc(candor_forward *f, unsigned signal, uint64_t *rejected,
                               candor_err *err)
{
    candor_http_response answer;
    candor_status st =
        candor_forward_post(f, signals[signal].call, "application/grpc", false, true, &answer, err);
    if (st == CANDOR_OK && answer.code != 200)
        st = candor_forward_judge(answer.code, "the OTLP receiver", err);
    if (st == CANDOR_OK) st = judge_grpc(answer.grpc_status, err);
    if (st == CANDOR_OK && answer.body.n > PREFIX)
        *rejected += rejected_in(candor_bytes_of(answer.body.p + PREFIX, answer.body.n - PREFIX));
    return st;
}

/* --- chunks --------------------------------------------------------------------------------- */

static candor_status send(candor_forward *f, const candor_sink_row *const *rows, size_t n,
                          uint64_t *rejected, candor_err *err)
{
    otlp *o = f->own;
    candor_status st = put_lines(o, rows, n);
    unsigned i;
    o->documents.schema = f->schema;
    if (st == CANDOR_OK) st = candor_otlp_write(&o->documents, candor_buf_bytes(&o->lines));
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "forward", NULL);
    for (i = 0; i < CANDOR_OTLP_SIGNALS && st == CANDOR_OK; i++) {
        if (o->documents.docs[i].events == 0) continue;
        st = put_body(f, i, err);
        if (st == CANDOR_OK)
            st = f->kind->grpc ? post_grpc(f, i, rejected, err) : post_http(f, i, rejected, err);
    }
    *rejected += o->documents.skipped;
    return st;
}

static void otlp_free(candor_forward *f)
{
    otlp *o = f->own;
    if (o == NULL) return;
    candor_otlp_free(&o->documents);
    candor_buf_free(&o->lines);
    candor_buf_free(&o->context);
    free(o);
}

static candor_status open_otlp(const candor_sink_settings *s, const candor_forward_kind *kind,
                               unsigned port, candor_sink **out, candor_err *err)
{
    candor_forward *f = NULL;
    candor_status st = candor_forward_open(s, kind, port, &f, err);
    *out = NULL;
    if (st != CANDOR_OK) return st;
    f->own = calloc(1, sizeof(otlp));
    if (f->own == NULL) {
        candor_forward_close(&f->sink);
        return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    }
    *out = &f->sink;
    return CANDOR_OK;
}

candor_status candor_sink_otlp_open(const candor_sink_settings *s, candor_sink **out,
                                    candor_err *err)
{
    static const candor_forward_kind kind = {.ops = CANDOR_FORWARD_OPS("otlp"),
                                             .groups = CANDOR_OTLP_SIGNALS,
                                             .group = group_of,
                                             .send = send,
                                             .free = otlp_free};
    return open_otlp(s, &kind, HTTP_PORT, out, err);
}

candor_status candor_sink_otlp_grpc_open(const candor_sink_settings *s, candor_sink **out,
                                         candor_err *err)
{
    static const candor_forward_kind kind = {.ops = CANDOR_FORWARD_OPS("otlp_grpc"),
                                             .grpc = true,
                                             .groups = CANDOR_OTLP_SIGNALS,
                                             .group = group_of,
                                             .send = send,
                                             .free = otlp_free};
    return open_otlp(s, &kind, GRPC_PORT, out, err);
}
