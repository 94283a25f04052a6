/* Event lines as OTLP JSON: the documents as they are sent, letter by letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "contract/otlp.h"

#define ID      "01a1fe8b-017d-7575-a736-b52b316811e4"
#define SESSION "01a1fe8b-017b-7706-85ad-a20ea2860c31"
#define LINE(type, more, payload)                                                                  \
    "{\"event_id\":\"" ID "\",\"event_type\":\"" type                                              \
    "\",\"timestamp\":\"2026-11-21T10:00:00.123Z\",\"session_id\":\"" SESSION                      \
    "\",\"user_id\":\"u1\",\"machine_id\":\"m1\",\"app\":\"app\",\"app_version\":\"1.0\","         \
    "\"platform\":\"linux-x64\"," more "\"payload\":" payload "}\n"
#define TEXT(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define RESOURCE                                                                                   \
    "{\"resource\":{\"attributes\":[" TEXT("service.name", "app") "," TEXT(                        \
        "service.version",                                                                         \
        "1.0") "," TEXT("host.id",                                                                 \
                        "m1") "," TEXT("session.id",                                               \
                                       SESSION) "," TEXT("os.type",                                \
                                                         "linux") "," TEXT("host.arch",            \
                                                                           "amd64") "]},"
#define BASE TEXT("event_id", ID) "," TEXT("user.id", "u1")
#define TIME "1795255200123000000"
#define LOGS(records)                                                                              \
    "{\"resourceLogs\":[" RESOURCE                                                                 \
    "\"scopeLogs\":[{\"scope\":{\"name\":\"candor\"},\"logRecords\":[" records "]}]}]}"
#define LOG(rest) "{\"timeUnixNano\":\"" TIME "\",\"observedTimeUnixNano\":\"" TIME "\"," rest "}"

static const char schema_text[] =
    "{\"schema\":\"t\",\"version\":1,\"notice\":1,\"governance_id\":\"T-1\",\"events\":{"
    "\"Turn\":{\"category\":\"t\",\"level\":\"usage\",\"owner\":\"t\",\"expires\":\"2099-01-01\","
    "\"purpose\":\"t\",\"fields\":{\"ms\":{\"kind\":\"duration\"}}},"
    "\"Oops\":{\"category\":\"t\",\"level\":\"error\",\"owner\":\"t\",\"expires\":\"2099-01-01\","
    "\"purpose\":\"t\",\"fields\":{\"n\":{\"kind\":\"int\",\"min\":0,\"max\":9}}},"
    "\"Bang\":{\"category\":\"t\",\"level\":\"crash\",\"owner\":\"t\",\"expires\":\"2099-01-01\","
    "\"purpose\":\"t\",\"fields\":{\"n\":{\"kind\":\"int\",\"min\":0,\"max\":9}}}}}";

typedef struct fixture {
    candor_schema *schema;
    candor_otlp otlp;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    candor_err err = {0};

    f = (fixture){0};
    if (candor_schema_compile(candor_bytes_str(schema_text), "t", &f.schema, &err) != CANDOR_OK)
        fail_msg("%s", err.text);
    f.otlp.schema = f.schema;
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    candor_otlp_free(&f->otlp);
    candor_schema_free(f->schema);
    return 0;
}

static bool is_json(candor_bytes text)
{
    candor_json j;
    candor_json_token t;

    candor_json_init(&j, text, 64);
    while (candor_json_next(&j, &t) != CANDOR_JSON_END)
        if (t.type == CANDOR_JSON_ERROR) return false;
    return true;
}

static void expect_doc(const candor_otlp *o, candor_otlp_signal signal, uint64_t events,
                       const char *want)
{
    const candor_otlp_doc *d = &o->docs[signal];

    assert_int_equal(d->events, events);
    if (!candor_bytes_eq(candor_buf_bytes(&d->json), candor_bytes_str(want)))
        fail_msg("got\n%.*s\nwant\n%s", (int)d->json.n, d->json.p, want);
    assert_true(d->json.n == 0 || is_json(candor_buf_bytes(&d->json)));
}

static void write_lines(fixture *f, const char *lines)
{
    assert_int_equal(candor_otlp_write(&f->otlp, candor_bytes_str(lines)), CANDOR_OK);
}

static void an_event_becomes_a_log_record_with_its_payload_as_attributes(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("Turn", "",
                        "{\"text\":\"a \\\"b\\\"\",\"n\":42,\"x\":1.5,\"ms\":3,\"on\":true,"
                        "\"list\":[\"p\",1],\"none\":null}"));
    expect_doc(
        &f->otlp, CANDOR_OTLP_LOGS, 1,
        LOGS(LOG("\"severityNumber\":9,\"severityText\":\"INFO\",\"eventName\":\"Turn\","
                 "\"attributes\":[" BASE
                 "," TEXT("text",
                          "a \\\"b\\\"") ","
                                         "{\"key\":\"n\",\"value\":{\"intValue\":\"42\"}},"
                                         "{\"key\":\"x\",\"value\":{\"doubleValue\":1.5}},"
                                         "{\"key\":\"ms\",\"value\":{\"doubleValue\":3}},"
                                         "{\"key\":\"on\",\"value\":{\"boolValue\":true}},"
                                         "{\"key\":\"list\",\"value\":{\"arrayValue\":{\"values\":["
                                         "{\"stringValue\":\"p\"},{\"intValue\":\"1\"}]}}}]")));
    expect_doc(&f->otlp, CANDOR_OTLP_METRICS, 0, "");
    expect_doc(&f->otlp, CANDOR_OTLP_TRACES, 0, "");
    assert_int_equal(f->otlp.skipped, 0);
}

static void severity_is_the_level_of_the_schema(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("Oops", "", "{}") LINE("Bang", "", "{}"));
    expect_doc(
        &f->otlp, CANDOR_OTLP_LOGS, 2,
        LOGS(LOG(
            "\"severityNumber\":17,\"severityText\":\"ERROR\",\"eventName\":\"Oops\","
            "\"attributes\":[" BASE
            "]") "," LOG("\"severityNumber\":21,\"severityText\":\"FATAL\",\"eventName\":\"Bang\","
                         "\"attributes\":[" BASE "]")));
}

static void a_correlation_id_that_is_a_trace_id_links_the_record(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("Turn", "\"correlation_id\":\"0af7651916cd43dd8448eb211c80319c\",",
                        "{\"correlation_id\":\"twice\"}"));
    expect_doc(&f->otlp, CANDOR_OTLP_LOGS, 1,
               LOGS(LOG("\"severityNumber\":9,\"severityText\":\"INFO\",\"eventName\":\"Turn\","
                        "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\","
                        "\"attributes\":[" BASE
                        "," TEXT("correlation_id", "0af7651916cd43dd8448eb211c80319c") "]")));
}

static void a_log_event_keeps_its_severity_and_body(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("log", "",
                        "{\"severity\":\"warn\",\"body\":\"disk is slow\","
                        "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\","
                        "\"spanId\":\"b7ad6b7169203331\",\"attrs\":{\"db.system\":\"sqlite\"}}"));
    expect_doc(&f->otlp, CANDOR_OTLP_LOGS, 1,
               LOGS(LOG("\"severityNumber\":13,\"severityText\":\"WARN\","
                        "\"body\":{\"stringValue\":\"disk is slow\"},"
                        "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\","
                        "\"spanId\":\"b7ad6b7169203331\","
                        "\"attributes\":[" BASE "," TEXT("db.system", "sqlite") "]")));
}

static void a_span_becomes_a_span(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("span", "",
                        "{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\","
                        "\"spanId\":\"b7ad6b7169203331\",\"parentId\":\"00f067aa0ba902b7\","
                        "\"name\":\"GET\",\"kind\":\"client\",\"startNs\":\"1795255200000000001\","
                        "\"endNs\":\"1795255200000000009\",\"durationMs\":0,\"status\":\"error\","
                        "\"attrs\":{\"http.response.status_code\":503}}"));
    expect_doc(&f->otlp, CANDOR_OTLP_TRACES, 1,
               "{\"resourceSpans\":[" RESOURCE
               "\"scopeSpans\":[{\"scope\":{\"name\":\"candor\"},\"spans\":[{"
               "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\","
               "\"parentSpanId\":\"00f067aa0ba902b7\",\"name\":\"GET\",\"kind\":3,"
               "\"startTimeUnixNano\":\"1795255200000000001\","
               "\"endTimeUnixNano\":\"1795255200000000009\",\"attributes\":[" BASE
               ",{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"503\"}}],"
               "\"status\":{\"code\":2}}]}]}]}");
    expect_doc(&f->otlp, CANDOR_OTLP_LOGS, 0, "");
}

#define METRICS(body)                                                                              \
    "{\"resourceMetrics\":[" RESOURCE                                                              \
    "\"scopeMetrics\":[{\"scope\":{\"name\":\"candor\"},\"metrics\":[{" body "}]}]}]}"
#define EXEMPLAR(value)                                                                            \
    "\"exemplars\":[{\"timeUnixNano\":\"" TIME "\",\"asDouble\":" value                            \
    ",\"filteredAttributes\":[" BASE "]}]"

static void a_gauge_has_a_data_point_with_the_labels(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("metric", "",
                        "{\"metric\":\"heap\",\"value\":12.5,\"unit\":\"By\",\"type\":\"gauge\","
                        "\"labels\":{\"pool\":\"old\"}}"));
    expect_doc(&f->otlp, CANDOR_OTLP_METRICS, 1,
               METRICS("\"name\":\"heap\",\"unit\":\"By\",\"gauge\":{\"dataPoints\":[{"
                       "\"attributes\":[" TEXT("pool", "old") "],\"timeUnixNano\":\"" TIME
                                                              "\",\"asDouble\":12.5," EXEMPLAR(
                                                                  "12.5") "}]}"));
}

static void a_counter_is_a_monotonic_delta_sum(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("metric", "", "{\"metric\":\"hits\",\"value\":3,\"type\":\"counter\"}"));
    expect_doc(&f->otlp, CANDOR_OTLP_METRICS, 1,
               METRICS("\"name\":\"hits\",\"sum\":{\"dataPoints\":[{\"attributes\":[],"
                       "\"timeUnixNano\":\"" TIME "\",\"asDouble\":3," EXEMPLAR(
                           "3") "}],\"aggregationTemporality\":1,\"isMonotonic\":true}"));
}

static void one_observation_is_a_histogram_of_one_bucket(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("metric", "", "{\"metric\":\"ms\",\"value\":7,\"type\":\"histogram\"}"));
    expect_doc(&f->otlp, CANDOR_OTLP_METRICS, 1,
               METRICS("\"name\":\"ms\",\"histogram\":{\"dataPoints\":[{\"attributes\":[],"
                       "\"timeUnixNano\":\"" TIME "\",\"sum\":7,"
                       "\"explicitBounds\":[],\"bucketCounts\":[\"1\"],\"count\":\"1\"," EXEMPLAR(
                           "7") "}],\"aggregationTemporality\":1}"));
}

static void a_histogram_of_an_sdk_keeps_its_buckets(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("metric", "",
                        "{\"metric\":\"ms\",\"value\":30,\"type\":\"histogram\",\"count\":3,"
                        "\"min\":1,\"max\":20,\"bounds\":[5,10],\"bucketCounts\":[1,1,1],"
                        "\"temporality\":\"cumulative\",\"startNs\":\"5\",\"timeNs\":\"9\"}"));
    expect_doc(&f->otlp, CANDOR_OTLP_METRICS, 1,
               METRICS("\"name\":\"ms\",\"histogram\":{\"dataPoints\":[{\"attributes\":[],"
                       "\"startTimeUnixNano\":\"5\",\"timeUnixNano\":\"9\","
                       "\"sum\":30,\"min\":1,\"max\":20,\"explicitBounds\":[5,10],"
                       "\"bucketCounts\":[\"1\",\"1\",\"1\"],\"count\":\"3\",\"exemplars\":[{"
                       "\"timeUnixNano\":\"9\",\"asDouble\":30,\"filteredAttributes\":[" BASE
                       "]}]}],\"aggregationTemporality\":2}"));
}

static void what_is_no_whole_metric_or_span_stays_as_a_log_record(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("metric", "", "{\"metric\":\"hits\"}")
                       LINE("span", "", "{\"traceId\":\"00000000000000000000000000000000\"}")
                           LINE("metric", "",
                                "{\"metric\":\"ms\",\"value\":1,\"type\":\"histogram\","
                                "\"bounds\":[1,2],\"bucketCounts\":[1]}"));
    assert_int_equal(f->otlp.docs[CANDOR_OTLP_LOGS].events, 3);
    assert_true(is_json(candor_buf_bytes(&f->otlp.docs[CANDOR_OTLP_LOGS].json)));
    expect_doc(&f->otlp, CANDOR_OTLP_METRICS, 0, "");
    expect_doc(&f->otlp, CANDOR_OTLP_TRACES, 0, "");
}

static unsigned times(const candor_buf *b, const char *what)
{
    unsigned n = 0;
    size_t at = 0, len = strlen(what);

    for (; at + len <= b->n; at++)
        n += memcmp(b->p + at, what, len) == 0 ? 1 : 0;
    return n;
}

/* Receivers refuse the whole document for one such point. */
static void a_histogram_that_contradicts_itself_is_put_right_or_stays_a_log_record(void **state)
{
    fixture *f = *state;

#define HISTOGRAM(rest)                                                                            \
    LINE("metric", "", "{\"metric\":\"ms\",\"value\":1,\"type\":\"histogram\"," rest "}")
    write_lines(f, HISTOGRAM("\"count\":9,\"bounds\":[1],\"bucketCounts\":[2,3]"));
    assert_int_equal(times(&f->otlp.docs[CANDOR_OTLP_METRICS].json, "\"count\":\"5\""), 1);
    write_lines(f, HISTOGRAM("\"bounds\":[1],\"bucketCounts\":[2,3]"));
    assert_int_equal(times(&f->otlp.docs[CANDOR_OTLP_METRICS].json, "\"count\":\"5\""), 1);
    write_lines(f, HISTOGRAM("\"bounds\":[2,1],\"bucketCounts\":[1,1,1]")
                       HISTOGRAM("\"bounds\":[1,1],\"bucketCounts\":[1,1,1]")
                           HISTOGRAM("\"bounds\":[1],\"bucketCounts\":[1,1.5]")
                               HISTOGRAM("\"bounds\":[1],\"bucketCounts\":[1,-1]")
                                   HISTOGRAM("\"bounds\":[\"1\"],\"bucketCounts\":[1,1]"));
    assert_int_equal(f->otlp.docs[CANDOR_OTLP_METRICS].events, 0);
    assert_int_equal(f->otlp.docs[CANDOR_OTLP_LOGS].events, 5);
    assert_true(is_json(candor_buf_bytes(&f->otlp.docs[CANDOR_OTLP_LOGS].json)));
}

static void an_attribute_key_comes_once(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("log", "\"correlation_id\":\"c1\",",
                        "{\"body\":\"b\",\"attrs\":{\"user.id\":\"u2\",\"event_id\":\"e\","
                        "\"correlation_id\":\"c2\",\"db.system\":\"sqlite\"}}"));
    const candor_buf *logs = &f->otlp.docs[CANDOR_OTLP_LOGS].json;
    assert_int_equal(times(logs, "{\"key\":\"user.id\""), 1);
    assert_int_equal(times(logs, "{\"key\":\"event_id\""), 1);
    assert_int_equal(times(logs, "{\"key\":\"correlation_id\""), 1);
    assert_int_equal(times(logs, TEXT("user.id", "u1")), 1);
    assert_int_equal(times(logs, TEXT("db.system", "sqlite")), 1);
    /* a label stands alone: there is no base beside it; nor is there without the base field */
    write_lines(f,
                LINE("metric", "", "{\"metric\":\"m\",\"value\":1,\"labels\":{\"user.id\":\"u2\"}}")
                    LINE("Turn", "", "{\"correlation_id\":\"c2\"}"));
    assert_int_equal(times(&f->otlp.docs[CANDOR_OTLP_METRICS].json, TEXT("user.id", "u2")), 1);
    assert_int_equal(times(logs, TEXT("correlation_id", "c2")), 1);
}

static void a_time_beyond_64_bits_is_none(void **state)
{
    fixture *f = *state;

    write_lines(f, LINE("metric", "",
                        "{\"metric\":\"m\",\"value\":1,\"startNs\":\"18446744073709551616\","
                        "\"timeNs\":\"99999999999999999999\"}"));
    const candor_buf *metrics = &f->otlp.docs[CANDOR_OTLP_METRICS].json;
    assert_int_equal(times(metrics, "startTimeUnixNano"), 0);
    assert_int_equal(times(metrics, "\"timeUnixNano\":\"" TIME "\""), 2);
    write_lines(f, LINE("metric", "",
                        "{\"metric\":\"m\",\"value\":1,\"startNs\":\"18446744073709551615\"}"));
    assert_int_equal(times(metrics, "\"startTimeUnixNano\":\"18446744073709551615\""), 1);
}

static void another_session_is_another_resource(void **state)
{
    fixture *f = *state;
    char lines[4096], other[2048];
    char *at;

    (void)snprintf(other, sizeof other, "%s", LINE("Turn", "", "{}"));
    at = strstr(other, SESSION);
    assert_non_null(at);
    at[0] = 'f';
    (void)snprintf(lines, sizeof lines, "%s%s%s", LINE("Turn", "", "{}"), other, other);
    write_lines(f, lines);
    unsigned resources = 0;
    candor_buf_put_c(&f->otlp.docs[0].json, '\0');
    for (at = f->otlp.docs[0].json.p; (at = strstr(at, "{\"resource\":")) != NULL; at++)
        resources++;
    assert_int_equal(resources, 2);
    assert_int_equal(f->otlp.docs[0].events, 3);
}

static void a_line_that_is_no_event_is_skipped_and_counted(void **state)
{
    fixture *f = *state;

    write_lines(f, "{\"event_id\":\"x\"}\nnot json\n\n" LINE("Oops", "", "{}"));
    assert_int_equal(f->otlp.skipped, 2);
    assert_int_equal(f->otlp.docs[CANDOR_OTLP_LOGS].events, 1);
    write_lines(f, "");
    assert_int_equal(f->otlp.skipped, 0);
    expect_doc(&f->otlp, CANDOR_OTLP_LOGS, 0, "");
}

static void expect_receipt(const char *body, bool ok, uint64_t rejected, const char *message)
{
    char text[16] = "?";
    uint64_t n = 99;

    assert_int_equal(candor_otlp_receipt(candor_bytes_str(body), &n, text, sizeof text), ok);
    if (!ok) return;
    assert_int_equal(n, rejected);
    assert_string_equal(text, message);
}

static void a_receipt_says_how_many_were_rejected(void **state)
{
    (void)state;
    expect_receipt("", true, 0, "");
    expect_receipt("{}", true, 0, "");
    expect_receipt("{\"partialSuccess\":{}}", true, 0, "");
    expect_receipt("{\"partialSuccess\":{\"rejectedLogRecords\":\"3\",\"errorMessage\":\"old\"}}",
                   true, 3, "old");
    expect_receipt("{\"partialSuccess\":{\"rejectedSpans\":2}}", true, 2, "");
    expect_receipt("{\"partialSuccess\":{\"rejectedDataPoints\":\"1\","
                   "\"errorMessage\":\"0123456789abcdefghi\"}}",
                   true, 1, "0123456789abcde");
    expect_receipt("<html>log in</html>", false, 0, "");
    expect_receipt("[]", false, 0, "");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(an_event_becomes_a_log_record_with_its_payload_as_attributes),
        WITH(severity_is_the_level_of_the_schema),
        WITH(a_correlation_id_that_is_a_trace_id_links_the_record),
        WITH(a_log_event_keeps_its_severity_and_body),
        WITH(a_span_becomes_a_span),
        WITH(a_gauge_has_a_data_point_with_the_labels),
        WITH(a_counter_is_a_monotonic_delta_sum),
        WITH(one_observation_is_a_histogram_of_one_bucket),
        WITH(a_histogram_of_an_sdk_keeps_its_buckets),
        WITH(what_is_no_whole_metric_or_span_stays_as_a_log_record),
        WITH(a_histogram_that_contradicts_itself_is_put_right_or_stays_a_log_record),
        WITH(an_attribute_key_comes_once),
        WITH(a_time_beyond_64_bits_is_none),
        WITH(another_session_is_another_resource),
        WITH(a_line_that_is_no_event_is_skipped_and_counted),
        cmocka_unit_test(a_receipt_says_how_many_were_rejected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
