#include "contract/support.h"

#include "base/uuid.h"
#include "contract/envelope.h"

#define NOW_MS INT64_C(1795254720123)
#define DAY_MS INT64_C(86400000)
#define ID     "\"event_id\":\"01a1fd85-1a7b-7102-8300-0123456789ab\""
#define TYPE   "\"event_type\":\"ToolCall\""
#define TIME   "\"timestamp\":\"2026-11-21T09:52:00.123Z\""
#define WHO                                                                                        \
    "\"session_id\":\"s-1\",\"user_id\":\"u-1\",\"machine_id\":"                                   \
    "\"0123456789abcdef0123456789abcdef\","                                                        \
    "\"app\":\"demo\",\"app_version\":\"10.0.22631.1\",\"platform\":\"linux-x64\""
#define PAYLOAD "\"payload\":{\"toolName\":\"read\",\"success\":true}"
#define EVENT   "{" ID "," TYPE "," TIME "," WHO "," PAYLOAD "}"

typedef struct fixture {
    candor_schema *schema;
    candor_hmac *key;
    candor_sanitiser s;
    candor_buf payload;
    candor_parsed parsed;
    candor_parse_rules rules;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->schema = support_default_schema();
    f->key = support_key("envelope");
    candor_sanitiser_init(&f->s, f->schema, f->key, CANDOR_AT_COLLECTOR);
    f->rules = (candor_parse_rules){NOW_MS, DAY_MS, DAY_MS};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    candor_sanitiser_deinit(&f->s);
    candor_hmac_free(f->key);
    candor_schema_free(f->schema);
    candor_buf_free(&f->payload);
    free(f);
    return 0;
}

static candor_reject parse_bytes(fixture *f, candor_bytes text)
{
    candor_json j;
    candor_json_token t;
    candor_buf_clear(&f->payload);
    candor_buf_put(&f->payload, "kept", 4);
    candor_json_init(&j, text, CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &t) == CANDOR_JSON_ERROR) return CANDOR_REJECT_BAD_JSON;
    candor_reject r = candor_event_parse(&f->s, &j, &t, &f->rules, &f->payload, &f->parsed);
    assert_memory_equal(f->payload.p, "kept", 4);
    if (r != CANDOR_REJECT_NONE) assert_int_equal(f->payload.n, 4);
    /* Behind the event: the end of the text is all that is left. */
    if (r != CANDOR_REJECT_BAD_JSON) assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_END);
    return r;
}

static candor_reject parse(fixture *f, const char *text)
{
    return parse_bytes(f, candor_bytes_str(text));
}

static void assert_reject(fixture *f, const char *text, candor_reject want)
{
    candor_reject got = parse(f, text);
    if (got != want)
        fail_msg("%s, want %s: %s", candor_reject_name(got), candor_reject_name(want), text);
}

static void assert_payload(const fixture *f, const char *want)
{
    candor_bytes got = {f->payload.p + f->parsed.payload_at, f->parsed.payload_len};
    if (!candor_bytes_eq(got, candor_bytes_str(want))) fail_msg("%.*s", (int)got.n, got.p);
}

static const candor_context who = {
    {"s-1", 3},  {"u-1", 3},   {"0123456789abcdef0123456789abcdef", 32},
    {"demo", 4}, {"1.2.3", 5}, {"linux-x64", 9}};

static void written_events_are_parsed_back(void **state)
{
    fixture *f = *state;
    candor_buf context = {0}, line = {0};
    static const unsigned char random[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    unsigned char id[16];
    candor_uuid7_make((uint64_t)NOW_MS, random, id);
    assert_int_equal(candor_context_write(&who, &context), CANDOR_OK);
    for (int with = 0; with < 2; with++) {
        candor_bytes correlation = with ? CANDOR_LIT("req-7") : (candor_bytes){NULL, 0};
        candor_buf_clear(&line);
        assert_int_equal(candor_event_write(id, CANDOR_LIT("ToolCall"), NOW_MS,
                                            candor_buf_bytes(&context), correlation,
                                            CANDOR_LIT("{\"success\":true}"), &line),
                         CANDOR_OK);
        assert_int_equal(line.p[line.n - 1], '\n');
        assert_int_equal(parse_bytes(f, candor_buf_bytes(&line)), CANDOR_REJECT_NONE);
        const candor_event *e = &f->parsed.event;
        assert_memory_equal(e->id, id, sizeof(id));
        assert_true(e->ts_ms == NOW_MS);
        assert_ptr_equal(e->def, candor_schema_event(f->schema, CANDOR_LIT("ToolCall")));
        assert_true(candor_bytes_eq(e->context.session_id, who.session_id));
        assert_true(candor_bytes_eq(e->context.machine_id, who.machine_id));
        assert_true(candor_bytes_eq(e->context.platform, who.platform));
        assert_true(candor_bytes_eq(e->correlation_id, correlation));
        assert_payload(f, "{\"success\":true}");
    }
    candor_buf_free(&context);
    candor_buf_free(&line);
}

static void the_line_has_its_keys_in_order(void **state)
{
    (void)state;
    candor_buf context = {0}, line = {0};
    unsigned char id[16];
    assert_true(candor_uuid_parse(CANDOR_LIT("01a1fd85-1a7b-7102-8300-0123456789ab"), id));
    assert_int_equal(candor_context_write(&who, &context), CANDOR_OK);
    assert_int_equal(candor_event_write(id, CANDOR_LIT("ToolCall"), NOW_MS,
                                        candor_buf_bytes(&context), CANDOR_LIT("c-1"),
                                        CANDOR_LIT("{}"), &line),
                     CANDOR_OK);
    assert_text(&line, "{" ID "," TYPE "," TIME ",\"session_id\":\"s-1\",\"user_id\":\"u-1\","
                       "\"machine_id\":\"0123456789abcdef0123456789abcdef\",\"app\":\"demo\","
                       "\"app_version\":\"1.2.3\",\"platform\":\"linux-x64\","
                       "\"correlation_id\":\"c-1\",\"payload\":{}}\n");
    candor_buf_free(&context);
    candor_buf_free(&line);
}

static void writers_refuse_what_the_parser_would(void **state)
{
    (void)state;
    candor_buf out = {0};
    const unsigned char id[16] = {0};
    candor_context bad = who;
    bad.user_id = CANDOR_LIT("anna@example.com");
    assert_int_equal(candor_context_write(&bad, &out), CANDOR_INVALID);
    bad = who;
    bad.app = CANDOR_LIT("my \"app\"");
    assert_int_equal(candor_context_write(&bad, &out), CANDOR_INVALID);
    assert_int_equal(candor_event_write(id, CANDOR_LIT("E"), NOW_MS, CANDOR_LIT("\"x\":1"),
                                        CANDOR_LIT("a\"b"), CANDOR_LIT("{}"), &out),
                     CANDOR_INVALID);
    assert_int_equal(candor_event_write(id, CANDOR_LIT("E"), INT64_MAX, CANDOR_LIT("\"x\":1"),
                                        (candor_bytes){NULL, 0}, CANDOR_LIT("{}"), &out),
                     CANDOR_INVALID);
    assert_int_equal(out.n, 0);
    candor_buf_free(&out);
}

static void keys_come_in_any_order(void **state)
{
    fixture *f = *state;
    assert_reject(f, EVENT, CANDOR_REJECT_NONE);
    assert_payload(f, "{\"toolName\":\"read\",\"success\":true}");
    assert_reject(f, "{" PAYLOAD "," WHO "," TIME "," TYPE "," ID "}", CANDOR_REJECT_NONE);
    assert_payload(f, "{\"toolName\":\"read\",\"success\":true}");
    assert_reject(f, "{ " WHO " , " TIME " ,\n " PAYLOAD " , " TYPE " , " ID " }",
                  CANDOR_REJECT_NONE);
    assert_payload(f, "{\"toolName\":\"read\",\"success\":true}");
}

static void the_last_of_a_duplicate_counts(void **state)
{
    fixture *f = *state;
    /* A later type overrules the one that the payload was read by; so does a later payload. */
    assert_reject(f, "{" ID ",\"event_type\":\"ChatTurn\"," TIME "," WHO "," PAYLOAD "," TYPE "}",
                  CANDOR_REJECT_NONE);
    assert_payload(f, "{\"toolName\":\"read\",\"success\":true}");
    assert_int_equal(f->parsed.tally.n[CANDOR_ADJUST_UNKNOWN_FIELD], 0);
    assert_reject(f, "{" ID "," TYPE "," TIME "," WHO ",\"payload\":{\"x\":1}," PAYLOAD "}",
                  CANDOR_REJECT_NONE);
    assert_payload(f, "{\"toolName\":\"read\",\"success\":true}");
    assert_int_equal(f->parsed.tally.n[CANDOR_ADJUST_UNKNOWN_FIELD], 0);
    assert_reject(f, "{" ID "," TYPE "," TIME "," WHO "," PAYLOAD ",\"payload\":[]}",
                  CANDOR_REJECT_BAD_PAYLOAD);
    assert_reject(f, "{" ID "," TYPE "," TIME "," WHO "," PAYLOAD ",\"event_type\":\"x\"}",
                  CANDOR_REJECT_UNKNOWN_EVENT);
}

static void unknown_base_keys_are_skipped_and_counted(void **state)
{
    fixture *f = *state;
    assert_reject(f,
                  "{\"ip\":\"10.0.0.1\"," ID "," TYPE "," TIME "," WHO
                  ",\"more\":{\"a\":[{}]}," PAYLOAD ",\"\":null}",
                  CANDOR_REJECT_NONE);
    assert_int_equal(f->parsed.tally.n[CANDOR_ADJUST_UNKNOWN_FIELD], 3);
}

static void payload_is_sanitised_again(void **state)
{
    fixture *f = *state;
    assert_reject(f,
                  "{" ID "," TYPE "," TIME "," WHO ",\"payload\":{\"tool_name\":\"/etc/passwd\","
                  "\"durationMs\":-4,\"secret\":\"x\"}}",
                  CANDOR_REJECT_NONE);
    assert_payload(f, "{\"durationMs\":0}");
    assert_int_equal(f->parsed.tally.n[CANDOR_ADJUST_BAD_VALUE], 1);
    assert_int_equal(f->parsed.tally.n[CANDOR_ADJUST_CLAMPED], 1);
    assert_int_equal(f->parsed.tally.n[CANDOR_ADJUST_UNKNOWN_FIELD], 1);
    assert_reject(f, "{" ID "," TYPE "," TIME "," WHO ",\"payload\":null}", CANDOR_REJECT_NONE);
    assert_payload(f, "{}");
}

static void each_defect_has_its_reason(void **state)
{
    static const struct {
        const char *text;
        candor_reject want;
    } cases[] = {
        {"[1,{\"a\":2}]", CANDOR_REJECT_NOT_AN_OBJECT},
        {"\"text\"", CANDOR_REJECT_NOT_AN_OBJECT},
        {"null", CANDOR_REJECT_NOT_AN_OBJECT},
        {"{}", CANDOR_REJECT_BAD_EVENT_ID},
        {"{" TYPE "," TIME "," WHO "," PAYLOAD "}", CANDOR_REJECT_BAD_EVENT_ID},
        {"{\"event_id\":7," TYPE "," TIME "," WHO "," PAYLOAD "}", CANDOR_REJECT_BAD_EVENT_ID},
        {"{\"event_id\":\"550e8400-e29b-41d4-a716-446655440000\"," TYPE "," TIME "," WHO "," PAYLOAD
         "}",
         CANDOR_REJECT_BAD_EVENT_ID},
        {"{" ID "," TIME "," WHO "," PAYLOAD "}", CANDOR_REJECT_BAD_EVENT_TYPE},
        {"{" ID ",\"event_type\":1," TIME "," WHO "," PAYLOAD "}", CANDOR_REJECT_BAD_EVENT_TYPE},
        {"{" ID ",\"event_type\":\"Nope\"," TIME "," WHO "," PAYLOAD "}",
         CANDOR_REJECT_UNKNOWN_EVENT},
        {"{" ID "," TYPE "," WHO "," PAYLOAD "}", CANDOR_REJECT_BAD_TIMESTAMP},
        {"{" ID "," TYPE ",\"timestamp\":\"today\"," WHO "," PAYLOAD "}",
         CANDOR_REJECT_BAD_TIMESTAMP},
        {"{" ID "," TYPE ",\"timestamp\":1795254720123," WHO "," PAYLOAD "}",
         CANDOR_REJECT_BAD_TIMESTAMP},
        {"{" ID "," TYPE ",\"timestamp\":\"2026-11-19T09:52:00Z\"," WHO "," PAYLOAD "}",
         CANDOR_REJECT_CLOCK_SKEW},
        {"{" ID "," TYPE ",\"timestamp\":\"2026-11-23T09:52:00Z\"," WHO "," PAYLOAD "}",
         CANDOR_REJECT_CLOCK_SKEW},
        {"{\"event_id\":\"01930000-0000-7102-8300-0123456789ab\"," TYPE "," TIME "," WHO "," PAYLOAD
         "}",
         CANDOR_REJECT_CLOCK_SKEW},
        {"{" ID "," TYPE "," TIME "," PAYLOAD "}", CANDOR_REJECT_BAD_BASE_FIELD},
        {"{" ID "," TYPE "," TIME "," WHO ",\"user_id\":\"anna@example.com\"," PAYLOAD "}",
         CANDOR_REJECT_BAD_BASE_FIELD},
        {"{" ID "," TYPE "," TIME "," WHO ",\"app\":\"d\\u0065mo\"," PAYLOAD "}",
         CANDOR_REJECT_BAD_BASE_FIELD},
        {"{" ID "," TYPE "," TIME "," WHO ",\"platform\":\"10.0.0.1\"," PAYLOAD "}",
         CANDOR_REJECT_BAD_BASE_FIELD},
        {"{" ID "," TYPE "," TIME "," WHO ",\"app_version\":\"1 beta\"," PAYLOAD "}",
         CANDOR_REJECT_BAD_BASE_FIELD},
        {"{" ID "," TYPE "," TIME "," WHO ",\"correlation_id\":\"/home/anna\"," PAYLOAD "}",
         CANDOR_REJECT_BAD_BASE_FIELD},
        {"{" ID "," TYPE "," TIME "," WHO ",\"correlation_id\":null," PAYLOAD "}",
         CANDOR_REJECT_NONE},
        {"{" ID "," TYPE "," TIME "," WHO "}", CANDOR_REJECT_BAD_PAYLOAD},
        {"{" ID "," TYPE "," TIME "," WHO ",\"payload\":\"x\"}", CANDOR_REJECT_BAD_PAYLOAD},
        {"{\"payload\":[{}]," ID "," TYPE "," TIME "," WHO "}", CANDOR_REJECT_BAD_PAYLOAD},
        {"{" ID "," TYPE ",}", CANDOR_REJECT_BAD_JSON},
        {"{" ID "," TYPE ",\"payload\":{\"a\":tru}}", CANDOR_REJECT_BAD_JSON},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_reject(f, cases[i].text, cases[i].want);
}

static void skew_is_checked_only_when_asked(void **state)
{
    fixture *f = *state;
    f->rules.max_past_ms = 0;
    assert_reject(f, "{" ID "," TYPE ",\"timestamp\":\"1980-01-01T00:00:00Z\"," WHO "," PAYLOAD "}",
                  CANDOR_REJECT_NONE);
}

static void every_cut_event_is_malformed_json(void **state)
{
    fixture *f = *state;
    for (size_t n = 0; n < strlen(EVENT); n++) {
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, EVENT, n);
        assert_int_equal(parse_bytes(f, candor_bytes_of(copy, n)), CANDOR_REJECT_BAD_JSON);
        free(copy);
    }
}

static void an_event_over_the_size_limit_is_too_large(void **state)
{
    fixture *f = *state;
    candor_buf text = {0};
    candor_buf_putf(&text, "{%s,%s,%s,%s,%s,\"x\":\"", ID, TYPE, TIME, WHO, PAYLOAD);
    while (text.n < CANDOR_EVENT_MAX - 2)
        candor_buf_put_c(&text, 'x');
    candor_buf_put(&text, "\"}", 2);
    assert_int_equal(parse_bytes(f, candor_buf_bytes(&text)), CANDOR_REJECT_NONE);
    text.n -= 2;
    candor_buf_put(&text, "x\"}", 3);
    assert_int_equal(parse_bytes(f, candor_buf_bytes(&text)), CANDOR_REJECT_TOO_LARGE);
    candor_buf_free(&text);
}

static void a_bad_event_leaves_the_next_one_readable(void **state)
{
    fixture *f = *state;
    candor_json j;
    candor_json_token t;
    candor_json_init(&j, CANDOR_LIT("[{\"payload\":3},7,{}," EVENT "]"), CANDOR_JSON_EVENT_DEPTH);
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_ARRAY);
    static const candor_reject want[] = {CANDOR_REJECT_BAD_EVENT_ID, CANDOR_REJECT_NOT_AN_OBJECT,
                                         CANDOR_REJECT_BAD_EVENT_ID, CANDOR_REJECT_NONE};
    for (size_t i = 0; i < 4; i++) {
        (void)candor_json_next(&j, &t);
        assert_int_equal(candor_event_parse(&f->s, &j, &t, &f->rules, &f->payload, &f->parsed),
                         want[i]);
    }
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_ARRAY_END);
}

static void every_reason_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (unsigned r = 0; r < CANDOR_REJECT_COUNT; r++) {
        assert_non_null(candor_reject_name((candor_reject)r));
        assert_true(strlen(candor_reject_text((candor_reject)r)) > 5);
    }
    assert_string_equal(candor_reject_name(CANDOR_REJECT_UNKNOWN_EVENT), "unknown_event");
    assert_string_equal(candor_reject_name(CANDOR_REJECT_COUNT), "unknown");
}

/* A version may read like an address; it may not be a token that slipped into the build. */
static const char *const versions[] = {
    "1.2.3.4", "10.0.22631.1", "0.0.0", "1.0.0-beta.2+sha.5114f85", "2026.11.21", "v18.19.0"};
static const char *const leaks[] = {
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7EXAMPLE",
    "1.2.3-ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jk8aYf9x0ZpQmVtW2LbS7cD1eFgHiJk",
};

static candor_reject parse_version(fixture *f, const char *version)
{
    char text[512];
    snprintf(text, sizeof(text),
             "{" ID "," TYPE "," TIME "," WHO ",\"app_version\":\"%s\"," PAYLOAD "}", version);
    return parse(f, text);
}

static bool writes_version(const char *version)
{
    candor_context c = {CANDOR_LIT("s"), CANDOR_LIT("u"),           CANDOR_LIT("m"),
                        CANDOR_LIT("a"), candor_bytes_str(version), CANDOR_LIT("p")};
    candor_buf out = {0};
    candor_status st = candor_context_write(&c, &out);
    candor_buf_free(&out);
    return st == CANDOR_OK;
}

static void a_secret_is_not_an_app_version_but_an_address_may_be(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
        assert_int_equal(parse_version(f, versions[i]), CANDOR_REJECT_NONE);
        assert_true(writes_version(versions[i]));
    }
    for (size_t i = 0; i < sizeof(leaks) / sizeof(*leaks); i++) {
        assert_int_equal(parse_version(f, leaks[i]), CANDOR_REJECT_BAD_BASE_FIELD);
        assert_false(writes_version(leaks[i]));
    }
    assert_false(candor_version_ok(CANDOR_LIT("")));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(written_events_are_parsed_back),
        cmocka_unit_test(the_line_has_its_keys_in_order),
        cmocka_unit_test(writers_refuse_what_the_parser_would),
        WITH(keys_come_in_any_order),
        WITH(the_last_of_a_duplicate_counts),
        WITH(unknown_base_keys_are_skipped_and_counted),
        WITH(payload_is_sanitised_again),
        WITH(each_defect_has_its_reason),
        WITH(skew_is_checked_only_when_asked),
        WITH(every_cut_event_is_malformed_json),
        WITH(an_event_over_the_size_limit_is_too_large),
        WITH(a_bad_event_leaves_the_next_one_readable),
        cmocka_unit_test(every_reason_has_a_name_and_a_sentence),
        WITH(a_secret_is_not_an_app_version_but_an_address_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
