/* OTLP requests of any bytes, in protobuf (first byte even) and JSON: no read out of bounds, memory
 * bounded, what was read packs and unpacks to the same, and every event line is JSON. */
#include <stdlib.h>

#include "base/json.h"
#include "central/otlp/events.h"
#include "central/otlp/message.h"
#include "contract/limits.h"

#define DEPTH 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

static bool take(void *ctx, candor_bytes line)
{
    candor_json j;
    candor_json_token t;
    (void)ctx;
    candor_json_init(&j, line, DEPTH);
    require(candor_json_next(&j, &t) == CANDOR_JSON_OBJECT && candor_json_skip(&j, &t, NULL));
    require(candor_json_next(&j, &t) == CANDOR_JSON_END);
    return true;
}

static bool reject(void *ctx)
{
    (void)ctx;
    return true;
}

static void walk(const candor_schema *schema, candor_hmac *key, unsigned signal,
                 const ProtobufCMessage *m)
{
    candor_otlp_events e = {
        .schema = schema, .key = key, .now_ms = 1795000000000, .take = take, .reject = reject};
    bool ok = signal == 0   ? candor_otlp_logs(&e, (const Otlp__LogsRequest *)(const void *)m)
              : signal == 1 ? candor_otlp_metrics(&e, (const Otlp__MetricsRequest *)(const void *)m)
                            : candor_otlp_traces(&e, (const Otlp__TracesRequest *)(const void *)m);
    require(ok);
    candor_otlp_events_free(&e);
}

static void round_trip(const ProtobufCMessageDescriptor *d, const ProtobufCMessage *m)
{
    candor_otlp_memory memory = {0};
    ProtobufCMessage *again = NULL;
    candor_buf first = {0}, second = {0};
    candor_err err = {0};
    require(candor_otlp_pack(m, &first));
    if (candor_otlp_unpack(d, candor_buf_bytes(&first), &memory, &again, &err) == CANDOR_OK) {
        require(candor_otlp_pack(again, &second));
        require(candor_bytes_eq(candor_buf_bytes(&first), candor_buf_bytes(&second)));
    }
    candor_buf_free(&first);
    candor_buf_free(&second);
    candor_otlp_memory_free(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const requests[] = {&otlp__logs_request__descriptor,
                                                                 &otlp__metrics_request__descriptor,
                                                                 &otlp__traces_request__descriptor};
    static const char schema_text[] =
        "{\"schema\":\"x\",\"version\":1,\"notice\":1,\"governance_id\":\"x\",\"attributes\":{"
        "\"a\":{\"kind\":\"id\",\"maxLength\":64},\"otel.scope.name\":{\"kind\":\"id\","
        "\"maxLength\":64}},\"events\":{}}";
    candor_otlp_memory memory = {0};
    ProtobufCMessage *m = NULL;
    candor_schema *schema = NULL;
    candor_hmac *key = NULL;
    candor_err err = {0};
    candor_bytes in = candor_bytes_of((const char *)data + 1, size - 1);
    unsigned signal = size != 0 ? data[0] / 2 % 3 : 0;
    candor_status st;
    if (size == 0) return 0;
    require(candor_schema_compile(candor_bytes_str(schema_text), "fuzz", &schema, &err) ==
            CANDOR_OK);
    require(candor_hmac_new(CANDOR_LIT("key"), &key) == CANDOR_OK);
    st = data[0] % 2 == 0 ? candor_otlp_unpack(requests[signal], in, &memory, &m, &err)
                          : candor_otlp_from_json(requests[signal], in, &memory, &m, &err);
    if (st == CANDOR_OK) {
        walk(schema, key, signal, m);
        round_trip(requests[signal], m);
    }
    candor_otlp_memory_free(&memory);
    candor_hmac_free(key);
    candor_schema_free(schema);
    return 0;
}
