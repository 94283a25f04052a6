/* TelemetryPackage 1.0.0: what the writer makes the reader takes; what holds raw data it refuses.
 */
#include "contract/support.h"

#include "contract/package.h"

#define HASH "0123456789abcdef0123456789abcdef"
#define WHO                                                                                        \
    "\"session_id\":\"s-1\",\"user_id\":\"u-1\",\"machine_id\":\"" HASH                            \
    "\",\"app\":\"demo\",\"app_version\":\"10.0.22631.1\",\"platform\":\"linux-x64\""
#define LINE(id, type, second, more, payload)                                                      \
    "{\"event_id\":\"01a1fd85-1a7b-7102-8300-0123456789" id "\",\"event_type\":\"" type            \
    "\",\"timestamp\":\"2026-11-21T09:52:" second ".123Z\"," WHO more ",\"payload\":" payload "}"
#define CALL                                                                                       \
    LINE("ab", "ToolCall", "00", ",\"correlation_id\":\"c-1\"",                                    \
         "{\"toolName\":\"read\",\"durationMs\":12,\"success\":true}")
#define FAIL LINE("ac", "Error", "05", "", "{\"errorType\":\"TypeError\",\"message\":\"it broke\"}")

typedef struct fixture {
    candor_schema *schema;
    candor_hmac *key;
    candor_sanitiser s;
    candor_package_sums *sums;
    candor_buf out;
    candor_package_info info;
    candor_err err;
    unsigned written;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->schema = support_default_schema();
    f->key = support_key("package");
    candor_sanitiser_init(&f->s, f->schema, f->key, CANDOR_AT_COLLECTOR);
    assert_int_equal(candor_package_sums_new(f->schema, f->key, &f->sums), CANDOR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    candor_package_sums_free(f->sums);
    candor_sanitiser_deinit(&f->s);
    candor_hmac_free(f->key);
    candor_schema_free(f->schema);
    candor_buf_free(&f->out);
    free(f);
    return 0;
}

/* Head, the lines, tail. sum: whether the lines are summed up first. */
static void write_lines(fixture *f, const char *const *lines, size_t n, bool sum)
{
    candor_package_head head = {
        .export_ms = INT64_C(1795254720123),
        .app = CANDOR_LIT("demo"),
        .app_version = CANDOR_LIT("10.0.22631.1"),
        .platform = CANDOR_LIT("linux-x64"),
        .machine_id = CANDOR_LIT(HASH),
    };
    static const unsigned char rand[10] = {1, 2, 3};
    candor_uuid7_make((uint64_t)head.export_ms, rand, head.id);
    for (size_t i = 0; sum && i < n; i++)
        assert_int_equal(candor_package_sums_add(f->sums, candor_bytes_str(lines[i])), CANDOR_OK);
    candor_buf_clear(&f->out);
    assert_int_equal(candor_package_put_head(f->sums, &head, &f->out), CANDOR_OK);
    for (size_t i = 0; i < n; i++)
        candor_buf_putf(&f->out, "%s\n%s", i != 0 ? "," : "", lines[i]);
    assert_int_equal(candor_package_put_tail(f->sums, &f->out), CANDOR_OK);
}

static candor_status check_bytes(fixture *f, candor_bytes text)
{
    static const candor_parse_rules any_time = {0, 0, 0};
    f->err = (candor_err){.code = CANDOR_OK};
    candor_status st = candor_package_check(text, &f->s, &any_time, &f->info, &f->err);
    if (st != CANDOR_OK) assert_true(f->err.text[0] != '\0');
    return st;
}

static candor_status check(fixture *f)
{
    return check_bytes(f, candor_buf_bytes(&f->out));
}

static void assert_has(const fixture *f, const char *what)
{
    candor_buf b = {0};
    candor_buf_put_bytes(&b, candor_buf_bytes(&f->out));
    candor_buf_put_c(&b, '\0');
    if (strstr(b.p, what) == NULL) fail_msg("no %s in %s", what, b.p);
    candor_buf_free(&b);
}

/* The package with one event is refused, and the sentence says this. */
static void assert_refused(fixture *f, const char *line, const char *sentence)
{
    write_lines(f, &line, 1, false);
    assert_int_equal(check(f), CANDOR_INVALID);
    if (strstr(f->err.text, sentence) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->err.text, sentence);
}

static void what_is_written_is_taken(void **state)
{
    fixture *f = *state;
    const char *lines[] = {CALL, FAIL};
    write_lines(f, lines, 2, true);
    if (check(f) != CANDOR_OK) fail_msg("%s", f->err.text);
    assert_int_equal(f->info.events, 2);
    assert_int_equal(f->info.rejected, 0);
    assert_int_equal(f->info.adjusted, 0);
    assert_true(candor_bytes_eq(f->info.app, CANDOR_LIT("demo")));
    assert_true(
        candor_bytes_eq(f->info.schema_hash, candor_bytes_str(candor_schema_hash(f->schema))));
    assert_int_equal(f->info.export_ms, INT64_C(1795254720123));
}

static void an_empty_package_is_taken(void **state)
{
    fixture *f = *state;
    write_lines(f, NULL, 0, true);
    if (check(f) != CANDOR_OK) fail_msg("%s", f->err.text);
    assert_int_equal(f->info.events, 0);
    assert_has(f, "\"usage_statistics\":{\"events\":0,\"first_timestamp\":null");
}

static void members_come_in_their_order(void **state)
{
    static const char *const keys[] = {"\"schema_version\":\"1.0.0\"",
                                       "\"package_id\":",
                                       "\"export_timestamp\":",
                                       "\"app\":",
                                       "\"app_version\":",
                                       "\"platform\":",
                                       "\"machine_id\":",
                                       "\"schema\":",
                                       "\"governance_id\":",
                                       "\"correlation_ids\":",
                                       "\"events\":[",
                                       "\"performance_metrics\":",
                                       "\"usage_statistics\":",
                                       "\"errors\":"};
    fixture *f = *state;
    write_lines(f, NULL, 0, true);
    candor_buf_put_c(&f->out, '\0');
    const char *at = f->out.p;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *next = strstr(at, keys[i]);
        if (next == NULL) fail_msg("%s is not behind the member before it", keys[i]);
        at = next + 1;
    }
}

static void durations_are_summed_by_type_and_name(void **state)
{
    fixture *f = *state;
    char lines[100][512];
    const char *at[100];
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(
            lines[i], sizeof lines[i],
            LINE("%02x", "ToolCall", "00", "", "{\"toolName\":\"%s\",\"durationMs\":%u}"), i,
            i < 60 ? "read" : "write", i < 60 ? i + 1 : 1000);
        at[i] = lines[i];
    }
    write_lines(f, at, 100, true);
    assert_int_equal(check(f), CANDOR_OK);
    assert_has(f,
               "{\"event_type\":\"ToolCall\",\"field\":\"durationMs\",\"name\":\"read\",\"count\":"
               "60,\"min\":1,\"max\":60,\"mean\":30.5,\"p50\":30.208,\"p95\":");
    assert_has(f, "\"name\":\"write\",\"count\":40,\"min\":1000,\"max\":1000,\"mean\":1000,\"p50\":"
                  "1000,\"p95\":1000}");
    assert_has(f, "{\"event_type\":\"ToolCall\",\"count\":100,");
}

static void errors_are_hashed_samples_with_codes(void **state)
{
    fixture *f = *state;
    char hash[CANDOR_HASH_TEXT], want[256];
    const char *lines[] = {FAIL, FAIL,
                           LINE("ad", "validation.error", "01", "",
                                "{\"module\":\"m\",\"code\":\"E42\",\"messageHash\":\"" HASH
                                "\"}")};
    write_lines(f, lines, 3, true);
    assert_int_equal(check(f), CANDOR_OK);
    assert_int_equal(candor_hmac_text(f->key, CANDOR_LIT("it broke"), hash), CANDOR_OK);
    (void)snprintf(want, sizeof want,
                   "{\"event_type\":\"Error\",\"code\":\"TypeError\",\"message_hash\":\"%.32s\","
                   "\"count\":2,",
                   hash);
    assert_has(f, want);
    assert_has(f, "{\"event_type\":\"validation.error\",\"code\":\"E42\",\"message_hash\":\"" HASH
                  "\",\"count\":1,");
}

static void correlation_ids_are_distinct_and_bounded(void **state)
{
    fixture *f = *state;
    char line[512];
    for (unsigned i = 0; i < 2 * (CANDOR_PACKAGE_CORRELATIONS_MAX + 7); i++) {
        (void)snprintf(line, sizeof line,
                       LINE("ab", "SessionEnd", "00", ",\"correlation_id\":\"c-%u\"", "{}"), i / 2);
        assert_int_equal(candor_package_sums_add(f->sums, candor_bytes_str(line)), CANDOR_OK);
    }
    write_lines(f, NULL, 0, false);
    assert_has(f, "\"correlation_ids\":[\"c-0\",\"c-1\",\"c-2\",");
    assert_has(f, "\"c-999\"],\n\"correlation_ids_more\":14,");
    assert_int_equal(check(f), CANDOR_OK);
}

static void tables_are_bounded_and_count_the_rest_as_other(void **state)
{
    fixture *f = *state;
    char line[1024];
    for (unsigned i = 0; i < CANDOR_PACKAGE_METRICS_MAX + 10; i++) {
        (void)snprintf(
            line, sizeof line,
            LINE("ab", "command.complete", "00", "", "{\"name\":\"cmd%u\",\"durationMs\":5}"), i);
        assert_int_equal(candor_package_sums_add(f->sums, candor_bytes_str(line)), CANDOR_OK);
    }
    for (unsigned i = 0; i < CANDOR_PACKAGE_ERRORS_MAX + 10; i++) {
        (void)snprintf(line, sizeof line, LINE("ab", "Error", "00", "", "{\"errorType\":\"E%u\"}"),
                       i);
        assert_int_equal(candor_package_sums_add(f->sums, candor_bytes_str(line)), CANDOR_OK);
    }
    write_lines(f, NULL, 0, false);
    assert_has(f, "{\"event_type\":\"other\",\"field\":null,\"name\":null,\"count\":10,");
    assert_has(f, "{\"event_type\":\"other\",\"code\":null,\"message_hash\":null,\"count\":10,");
    if (check(f) != CANDOR_OK) fail_msg("%s", f->err.text);
}

static void a_line_that_is_no_event_adds_nothing(void **state)
{
    fixture *f = *state;
    static const char *const bad[] = {"", "[]", "{}", "{\"event_type\":\"ToolCall\"}", "{\"a\":"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(candor_package_sums_add(f->sums, candor_bytes_str(bad[i])),
                         CANDOR_INVALID);
    write_lines(f, NULL, 0, false);
    assert_has(f, "\"usage_statistics\":{\"events\":0,");
}

static void raw_data_is_refused_wherever_it_stands(void **state)
{
    fixture *f = *state;
    assert_refused(f, LINE("ab", "Error", "00", "", "{\"message\":\"open /home/alice/x.txt\"}"),
                   "events[0] (Error): payload.message holds a path");
    assert_refused(f, LINE("ab", "Error", "00", "", "{\"message\":\"ask alice@example.com\"}"),
                   "payload.message holds an e-mail address");
    assert_refused(f, LINE("ab", "ToolCall", "00", "", "{\"toolName\":\"/home/alice/bin/x\"}"),
                   "payload.toolName holds a path");
    assert_refused(f, LINE("ab", "ToolCall", "00", "", "{\"secretField\":\"/home/alice/x\"}"),
                   "payload.secretField holds a path");
    assert_refused(f, LINE("ab", "ToolCall", "00", "", "{\"deep\":[{\"x\":[\"/home/a/b\"]}]}"),
                   "payload.deep holds a path");
    assert_refused(f, LINE("ab", "ToolCall", "00", "", "{\"/home/alice/x\":1}"),
                   "(ToolCall): a field of the payload holds a path");
    assert_refused(f, LINE("ab", "ToolCall", "00", ",\"cwd\":\"/home/alice\"", "{}"),
                   "events[0] (ToolCall): cwd holds a path");
    assert_refused(f, LINE("ab", "NoSuchEvent", "00", "", "{\"x\":\"/home/alice/x\"}"),
                   "events[0] (unknown type): payload holds a path");
    assert_refused(f, LINE("ab", "Error", "00", "", "{\"message\":\"\\u002fhome\\/alice\\/x\"}"),
                   "holds a path");
    assert_refused(f,
                   LINE("ab", "WorkspaceSelected", "00", "", "{\"workspaceHash\":\"my-project\"}"),
                   "payload.workspaceHash holds a value that is not hashed");
}

static void content_is_refused(void **state)
{
    fixture *f = *state;
    candor_schema *schema = support_fields("\"prompt\":{\"kind\":\"content\",\"maxBytes\":100}");
    candor_sanitiser_deinit(&f->s);
    candor_sanitiser_init(&f->s, schema, f->key, CANDOR_AT_COLLECTOR);
    assert_refused(f, LINE("ab", "E", "00", "", "{\"prompt\":\"write a poem\"}"),
                   "events[0] (E): payload.prompt holds content");
    candor_schema_free(schema);
}

static void what_the_rules_change_without_raw_data_is_counted(void **state)
{
    fixture *f = *state;
    const char *lines[] = {
        LINE("ab", "ToolCall", "00", "", "{\"toolName\":\"read\",\"newField\":\"fine\"}"),
        LINE("ac", "ToolCall", "00", "", "{ \"toolName\" : \"read\" }"),
        LINE("ad", "NewEvent", "00", "", "{\"x\":1}"),
        CALL,
    };
    write_lines(f, lines, 4, true);
    if (check(f) != CANDOR_OK) fail_msg("%s", f->err.text);
    assert_int_equal(f->info.events, 4);
    assert_int_equal(f->info.adjusted, 1);
    assert_int_equal(f->info.rejected, 1);
}

static void a_reduced_stack_and_placeholders_pass(void **state)
{
    fixture *f = *state;
    const candor_event_def *def = candor_schema_event(f->schema, CANDOR_LIT("Error"));
    candor_buf payload = {0}, line = {0};
    candor_tally tally;
    f->s.mode = CANDOR_AT_SOURCE;
    assert_int_equal(
        support_json(&f->s, def,
                     CANDOR_LIT("{\"message\":\"cannot open /home/alice/x for bob@example.com\","
                                "\"stackTrace\":\"Error: x\\n    at f (/home/alice/a.js:1:2)\\n    "
                                "at g (/home/alice/b.js:3:4)\",\"extra\":1}"),
                     &payload, &tally),
        CANDOR_OK);
    f->s.mode = CANDOR_AT_COLLECTOR;
    /* "x" makes it differ from what the rules write: every string is looked at */
    candor_buf_putf(&line, LINE("ab", "Error", "00", "", "{\"x\":1,%.*s"), (int)payload.n - 1,
                    payload.p + 1);
    candor_buf_put_c(&line, '\0');
    line.p[line.n - 2] = '}';
    const char *at = line.p;
    write_lines(f, &at, 1, true);
    if (check(f) != CANDOR_OK) fail_msg("%s: %s", f->err.text, line.p);
    assert_int_equal(f->info.adjusted, 1);
    candor_buf_free(&payload);
    candor_buf_free(&line);
}

/* The package with `from` replaced by `to`. */
static candor_status check_replaced(fixture *f, const char *from, const char *to)
{
    const char *lines[] = {CALL};
    candor_buf b = {0};
    write_lines(f, lines, 1, false);
    candor_buf_put_c(&f->out, '\0');
    const char *at = strstr(f->out.p, from);
    assert_non_null(at);
    candor_buf_put(&b, f->out.p, (size_t)(at - f->out.p));
    candor_buf_put_bytes(&b, candor_bytes_str(to));
    candor_buf_put_bytes(&b, candor_bytes_str(at + strlen(from)));
    candor_status st = check_bytes(f, candor_buf_bytes(&b));
    candor_buf_free(&b);
    return st;
}

static void assert_replaced_refused(fixture *f, const char *from, const char *to,
                                    const char *sentence)
{
    assert_int_equal(check_replaced(f, from, to), CANDOR_INVALID);
    if (strstr(f->err.text, sentence) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->err.text, sentence);
}

static void a_package_of_another_shape_is_refused(void **state)
{
    fixture *f = *state;
    assert_replaced_refused(f, "\"1.0.0\"", "\"2.0.0\"", "schema_version is not \"1.0.0\"");
    assert_replaced_refused(f, "\"schema_version\":\"1.0.0\",", "",
                            "schema_version is not the first");
    assert_replaced_refused(f, "\"platform\":\"linux-x64\",\n", "", "platform is missing");
    assert_replaced_refused(f, "\"platform\":", "\"hostname\":\"laptop\",\"platform\":",
                            "\"hostname\" is not a member");
    assert_replaced_refused(
        f, "\"platform\":", "\"/home/alice\":1,\"platform\":", "\"...\" is not a member");
    assert_replaced_refused(
        f, "\"platform\":", "\"app\":\"demo\",\"platform\":", "app stands there twice");
    assert_replaced_refused(f, "\"machine_id\":\"" HASH "\",\n\"schema\"",
                            "\"machine_id\":\"alice@laptop\",\"schema\"",
                            "machine_id is not an opaque");
    assert_replaced_refused(f, "\"governance_id\":null", "\"governance_id\":\"/home/alice\"",
                            "governance_id holds a path");
    assert_replaced_refused(f, "\"correlation_ids\":[]", "\"correlation_ids\":[\"/home/alice\"]",
                            "correlation_ids[0] is not an opaque id");
    assert_replaced_refused(f, "\"errors\":[]", "\"errors\":[{\"code\":\"/home/alice\"}]",
                            "errors holds a text that is not an opaque id");
    assert_replaced_refused(f, "\"errors\":[]", "\"errors\":[{\"prompt\":\"x\"}]",
                            "errors has a member that is not part of it");
    assert_replaced_refused(f, "\"errors\":[]", "\"errors\":[", "line ");
    assert_replaced_refused(f, "\"events\":[", "\"events\":[7,", "events[0]: event is not a JSON");
    assert_int_equal(check_bytes(f, CANDOR_LIT("")), CANDOR_INVALID);
    assert_int_equal(check_bytes(f, CANDOR_LIT("[]")), CANDOR_INVALID);
}

static void too_many_ids_are_over_the_limit(void **state)
{
    fixture *f = *state;
    candor_buf b = {0};
    candor_buf_put_bytes(&b, CANDOR_LIT("\"correlation_ids\":[\"c\""));
    for (unsigned i = 0; i < CANDOR_PACKAGE_CORRELATIONS_MAX; i++)
        candor_buf_put_bytes(&b, CANDOR_LIT(",\"c\""));
    candor_buf_put(&b, "]", 2);
    assert_int_equal(check_replaced(f, "\"correlation_ids\":[]", b.p), CANDOR_LIMIT);
    candor_buf_free(&b);
}

typedef struct visit {
    uint64_t n, stop_at;
    candor_buf text;
} visit;

static bool gather(void *ctx, uint64_t index, candor_bytes event)
{
    visit *v = ctx;
    assert_int_equal(index, v->n);
    v->n++;
    candor_buf_put_bytes(&v->text, event);
    candor_buf_put_c(&v->text, '\n');
    return v->n != v->stop_at;
}

static void each_gives_the_events_as_they_stand(void **state)
{
    fixture *f = *state;
    const char *lines[] = {CALL, FAIL};
    visit v = {0};
    write_lines(f, lines, 2, true);
    assert_int_equal(candor_package_each(candor_buf_bytes(&f->out), gather, &v, &f->err),
                     CANDOR_OK);
    assert_text(&v.text, CALL "\n" FAIL "\n");
    v.n = 0;
    v.stop_at = 1;
    assert_int_equal(candor_package_each(candor_buf_bytes(&f->out), gather, &v, &f->err),
                     CANDOR_CANCELLED);
    assert_int_equal(v.n, 1);
    candor_buf_free(&v.text);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_is_written_is_taken),
        CASE(an_empty_package_is_taken),
        CASE(members_come_in_their_order),
        CASE(durations_are_summed_by_type_and_name),
        CASE(errors_are_hashed_samples_with_codes),
        CASE(correlation_ids_are_distinct_and_bounded),
        CASE(tables_are_bounded_and_count_the_rest_as_other),
        CASE(a_line_that_is_no_event_adds_nothing),
        CASE(raw_data_is_refused_wherever_it_stands),
        CASE(content_is_refused),
        CASE(what_the_rules_change_without_raw_data_is_counted),
        CASE(a_reduced_stack_and_placeholders_pass),
        CASE(a_package_of_another_shape_is_refused),
        CASE(too_many_ids_are_over_the_limit),
        CASE(each_gives_the_events_as_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
