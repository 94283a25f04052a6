#include "contract/support.h"

#include <dirent.h>

#include "base/json.h"

#define HEAD "{\"schema\":\"s\",\"version\":1,\"notice\":1,\"governance_id\":\"G\",\"events\":{"
#define EVENT                                                                                      \
    "{\"category\":\"c\",\"level\":\"usage\",\"owner\":\"o\",\"purpose\":\"p\","                   \
    "\"expires\":\"2028-12-31\""

static const candor_event_def *event(const candor_schema *s, const char *name)
{
    const candor_event_def *e = candor_schema_event(s, candor_bytes_str(name));
    if (e == NULL) fail_msg("no event %s", name);
    return e;
}

static const candor_field *field(const candor_event_def *e, const char *name)
{
    const candor_field *f = candor_event_field(e, candor_bytes_str(name));
    if (f == NULL) fail_msg("no field %s", name);
    return f;
}

static bool bytes_are(candor_bytes b, const char *want)
{
    return candor_bytes_eq(b, candor_bytes_str(want));
}

/* Names are contracts: requirements R3, exactly and in this order. */
static void default_schema_has_the_agent_events_exactly(void **state)
{
    static const struct {
        const char *event, *fields[9];
    } wanted[] = {
        {"SessionStart", {"userId", "machineId", "appVersion", "os", "timestamp"}},
        {"SessionEnd", {"duration", "proposalsCreated", "proposalsApproved"}},
        {"WorkspaceSelected", {"workspaceHash", "isGitRepo"}},
        {"ChatTurn", {"promptLength", "responseLength", "model", "latencyMs", "tokenCount"}},
        {"ToolCall", {"toolName", "durationMs", "success", "errorType"}},
        {"ProposalCreated", {"proposalId", "fileCount", "totalLinesChanged", "operation"}},
        {"ProposalDecision", {"proposalId", "decision", "reviewDurationMs", "filesApproved"}},
        {"Error", {"errorType", "message", "stackTrace", "context"}},
    };
    (void)state;
    candor_schema *s = support_default_schema();
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const candor_event_def *e = event(s, wanted[i].event);
        unsigned n = 0;
        for (; wanted[i].fields[n] != NULL; n++)
            assert_true(n < e->n_fields && bytes_are(e->fields[n].name, wanted[i].fields[n]));
        assert_int_equal(e->n_fields, n);
    }
    candor_schema_free(s);
}

static void default_schema_has_the_tool_and_lifecycle_events(void **state)
{
    static const char *const names[] = {
        "cache.hit",           "cache.miss",       "cache.evict",
        "cache.invalidate",    "cache.stats",      "provider.request",
        "provider.response",   "provider.error",   "validation.start",
        "validation.complete", "validation.error", "ui.render_time",
        "export.complete",     "command.start",    "command.complete",
        "error.envelope",      "install",          "index",
        "usage_rollup",        "uninstall",        "tool.used",
    };
    (void)state;
    candor_schema *s = support_default_schema();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)event(s, names[i]);
    assert_true(bytes_are(candor_schema_name(s), "candor-default"));
    assert_int_equal(candor_schema_version(s), 1);
    assert_int_equal(candor_schema_notice(s), 1);
    candor_schema_free(s);
}

static void every_event_of_the_default_schema_is_found_by_name_and_index(void **state)
{
    (void)state;
    candor_schema *s = support_default_schema();
    for (unsigned i = 0; i < candor_schema_count(s); i++) {
        const candor_event_def *e = candor_schema_at(s, i);
        assert_int_equal(e->index, i);
        assert_ptr_equal(candor_schema_event(s, e->name), e);
        assert_true(e->purpose.n != 0 && e->owner.n != 0 && e->governance_id.n != 0);
        for (unsigned k = 0; k < e->n_fields; k++) {
            const candor_field *f = &e->fields[k];
            assert_ptr_equal(candor_event_field(e, f->name), f);
            if (f->alias.n != 0) assert_ptr_equal(candor_event_field(e, f->alias), f);
        }
    }
    assert_null(candor_schema_at(s, candor_schema_count(s)));
    assert_null(candor_schema_event(s, CANDOR_LIT("chatturn")));
    assert_null(candor_schema_event(s, CANDOR_LIT("")));
    candor_schema_free(s);
}

static void fields_answer_to_their_snake_case_name(void **state)
{
    (void)state;
    candor_schema *s = support_fields("\"isGitRepo\":{\"kind\":\"bool\"},"
                                      "\"HTTPStatusCode\":{\"kind\":\"int\"},"
                                      "\"sha256Sum\":{\"kind\":\"hash\"},"
                                      "\"plain_name\":{\"kind\":\"bool\"}");
    const candor_event_def *e = event(s, "E");
    assert_ptr_equal(field(e, "is_git_repo"), field(e, "isGitRepo"));
    assert_ptr_equal(field(e, "http_status_code"), field(e, "HTTPStatusCode"));
    assert_ptr_equal(field(e, "sha256_sum"), field(e, "sha256Sum"));
    assert_int_equal(field(e, "plain_name")->alias.n, 0);
    assert_true(bytes_are(field(e, "isGitRepo")->key_json, "\"isGitRepo\":"));
    assert_null(candor_event_field(e, CANDOR_LIT("isgitrepo")));
    assert_null(candor_event_field(e, CANDOR_LIT("")));
    candor_schema_free(s);
}

static void members_left_out_take_their_defaults(void **state)
{
    (void)state;
    candor_schema *s = support_fields(
        "\"i\":{\"kind\":\"int\"},\"n\":{\"kind\":\"number\"},\"d\":{\"kind\":\"duration\"},"
        "\"id\":{\"kind\":\"id\"},\"t\":{\"kind\":\"text\"},\"st\":{\"kind\":\"stack\"},"
        "\"e\":{\"kind\":\"enum\",\"values\":[\"x\",\"y\"],\"other\":\"rest\"},"
        "\"l\":{\"kind\":\"list\",\"of\":{\"kind\":\"id\",\"maxLength\":9}}");
    const candor_event_def *e = event(s, "E");
    assert_true(e->sample >= 1 && e->sample <= 1);
    assert_null(e->chart_by);
    assert_true(field(e, "i")->max >= CANDOR_INT_MAX && field(e, "i")->min <= -CANDOR_INT_MAX);
    assert_true(field(e, "n")->max >= CANDOR_NUMBER_MAX && field(e, "n")->decimals == 3);
    assert_true(field(e, "d")->min >= 0 && field(e, "d")->decimals == 3);
    assert_true(bytes_are(field(e, "d")->unit, "ms"));
    assert_int_equal(field(e, "id")->max_length, 64);
    assert_int_equal(field(e, "t")->max_length, 512);
    assert_int_equal(field(e, "st")->max_length, 4096);
    assert_int_equal(field(e, "e")->n_values, 3);
    assert_int_equal(field(e, "e")->other, 2);
    assert_int_equal(field(e, "l")->kind, CANDOR_KIND_LIST);
    assert_int_equal(field(e, "l")->of, CANDOR_KIND_ID);
    assert_int_equal(field(e, "l")->max_length, 9);
    candor_schema_free(s);
}

static void charts_name_fields_of_the_event(void **state)
{
    (void)state;
    candor_schema *s = support_default_schema();
    const candor_event_def *e = event(s, "ChatTurn");
    assert_ptr_equal(e->chart_by, field(e, "model"));
    assert_ptr_equal(e->chart_histogram, field(e, "latencyMs"));
    candor_schema_free(s);
}

static void canonical_form_is_sorted_complete_and_free_of_documentation(void **state)
{
    (void)state;
    candor_buf out = {0};
    candor_schema *s = support_fields(
        "\"z\":{\"kind\":\"bool\",\"note\":\"n\"},"
        "\"a\":{\"kind\":\"int\",\"max\":5,\"unit\":\"u\"},"
        "\"l\":{\"max\":4,\"kind\":\"list\",\"of\":{\"values\":[\"x\"],\"kind\":\"enum\"}},"
        "\"b\":{\"kind\":\"bucket\",\"bounds\":[0,1.5]},\"d\":{\"kind\":\"duration\"}");
    assert_int_equal(candor_schema_canonical(s, &out), CANDOR_OK);
    assert_text(
        &out,
        "{\"events\":{\"E\":{\"category\":\"c\",\"expires\":\"2028-12-31\",\"fields\":{"
        "\"a\":{\"kind\":\"int\",\"max\":5,\"min\":-9007199254740991},"
        "\"b\":{\"bounds\":[0,1.5],\"kind\":\"bucket\"},"
        "\"d\":{\"decimals\":3,\"kind\":\"duration\",\"max\":1000000000000,\"min\":0,\"unit\":"
        "\"ms\"},"
        "\"l\":{\"kind\":\"list\",\"max\":4,\"of\":{\"kind\":\"enum\",\"values\":[\"x\"]}},"
        "\"z\":{\"kind\":\"bool\"}},\"governance_id\":\"G-1\",\"level\":\"usage\",\"sample\":1}},"
        "\"governance_id\":\"G-1\",\"notice\":1,\"schema\":\"test\",\"version\":1}");
    candor_buf_free(&out);
    candor_schema_free(s);
}

static const char rolled_up[] =
    HEAD "\"A\":" EVENT ",\"rollup\":{\"into\":\"S\",\"set\":{\"z\":\"x\",\"b\":\"y\"},"
         "\"errors\":{\"field\":\"y\",\"equals\":true}},\"fields\":{\"x\":{\"kind\":\"id\"},"
         "\"y\":{\"kind\":\"bool\"}}},\"S\":" EVENT ",\"fields\":{\"day\":{\"kind\":\"time\"},"
         "\"z\":{\"kind\":\"id\"},\"b\":{\"kind\":\"bool\"},\"count\":{\"kind\":\"int\"},"
         "\"errors\":{\"kind\":\"int\"}}}}}";

static void a_rollup_names_the_fields_of_its_target_in_their_order(void **state)
{
    (void)state;
    candor_schema *s = support_compile(candor_bytes_str(rolled_up), "rollup");
    const candor_event_def *a = event(s, "A"), *t = event(s, "S");
    assert_non_null(a->rollup);
    assert_null(t->rollup);
    assert_ptr_equal(candor_schema_at(s, a->rollup->into), t);
    assert_ptr_equal(a->rollup->day, field(t, "day"));
    assert_ptr_equal(a->rollup->count, field(t, "count"));
    assert_ptr_equal(a->rollup->errors, field(t, "errors"));
    assert_ptr_equal(a->rollup->error_if, field(a, "y"));
    assert_true(a->rollup->error_equals);
    assert_int_equal(a->rollup->n_keys, 2);
    assert_ptr_equal(a->rollup->keys[0].to, field(t, "z"));
    assert_ptr_equal(a->rollup->keys[0].from, field(a, "x"));
    assert_ptr_equal(a->rollup->keys[1].to, field(t, "b"));
    candor_schema_free(s);
}

static void a_rollup_is_part_of_the_canonical_form_and_of_the_description(void **state)
{
    (void)state;
    candor_buf out = {0};
    candor_schema *s = support_compile(candor_bytes_str(rolled_up), "rollup");
    assert_int_equal(candor_schema_canonical(s, &out), CANDOR_OK);
    candor_buf_put_c(&out, '\0');
    assert_non_null(strstr(out.p, "\"level\":\"usage\",\"rollup\":{\"errors\":{\"equals\":true,"
                                  "\"field\":\"y\"},\"into\":\"S\",\"set\":{\"b\":\"y\","
                                  "\"z\":\"x\"}},\"sample\":1}"));
    candor_buf_clear(&out);
    assert_int_equal(candor_schema_describe(s, &out), CANDOR_OK);
    candor_buf_put_c(&out, '\0');
    assert_non_null(strstr(out.p, "\"level\":\"usage\",\"rollup\":\"S\",\"fields\""));
    candor_buf_free(&out);
    candor_schema_free(s);
}

static void assert_hashes(const char *a, const char *b, bool same)
{
    candor_schema *x = support_compile(candor_bytes_str(a), "a");
    candor_schema *y = support_compile(candor_bytes_str(b), "b");
    assert_int_equal(strlen(candor_schema_hash(x)), 64);
    if ((strcmp(candor_schema_hash(x), candor_schema_hash(y)) == 0) != same)
        fail_msg("%s and %s", a, b);
    candor_schema_free(x);
    candor_schema_free(y);
}

static void hash_ignores_order_space_and_documentation(void **state)
{
    (void)state;
    const char *a = HEAD "\"A\":" EVENT ",\"fields\":{\"x\":{\"kind\":\"int\",\"min\":1},"
                         "\"y\":{\"kind\":\"bool\"}}},\"B\":" EVENT "}}}";
    assert_hashes(
        a,
        "{ \"events\" : {\"B\":" EVENT ",\"sample\":1.0},\"A\":" EVENT
        ",\"chart\":{\"by\":\"y\"},\"fields\":{\"y\":{\"note\":\"why\",\"kind\":\"bool\"},"
        "\"x\":{\"unit\":\"u\",\"min\":1,\"kind\":\"int\"}}}},\"notice\":1,"
        "\"governance_id\":\"G\",\"version\":1,\"schema\":\"s\",\"$schema\":[{}]}",
        true);
}

static void hash_follows_what_may_leave(void **state)
{
    (void)state;
    const char *a = HEAD "\"A\":" EVENT ",\"fields\":{\"x\":{\"kind\":\"int\",\"min\":1}}}}}";
    assert_hashes(a, HEAD "\"A\":" EVENT ",\"fields\":{\"x\":{\"kind\":\"int\",\"min\":0}}}}}",
                  false);
    assert_hashes(a, HEAD "\"A\":" EVENT ",\"fields\":{\"x\":{\"kind\":\"number\",\"min\":1}}}}}",
                  false);
    assert_hashes(
        a, HEAD "\"A\":" EVENT ",\"sample\":0.5,\"fields\":{\"x\":{\"kind\":\"int\",\"min\":1}}}}}",
        false);
    assert_hashes(a, HEAD "\"A\":" EVENT ",\"fields\":{\"X\":{\"kind\":\"int\",\"min\":1}}}}}",
                  false);
}

static void description_lists_fields_in_index_order(void **state)
{
    (void)state;
    candor_buf out = {0}, want = {0};
    candor_schema *s =
        support_fields("\"z\":{\"kind\":\"text\",\"maxLength\":9},\"a\":{\"kind\":\"list\","
                       "\"of\":{\"kind\":\"enum\",\"values\":[\"x\"]},\"max\":2}");
    assert_int_equal(candor_schema_describe(s, &out), CANDOR_OK);
    candor_buf_putf(
        &want,
        "{\"name\":\"test\",\"version\":1,\"notice\":1,\"hash\":\"%s\",\"events\":[{"
        "\"name\":\"E\",\"category\":\"c\",\"level\":\"usage\",\"fields\":["
        "{\"name\":\"z\",\"kind\":\"text\",\"maxLength\":9},{\"name\":\"a\",\"kind\":\"list\","
        "\"of\":\"enum\",\"values\":[\"x\"],\"maxItems\":2}]}]}%c",
        candor_schema_hash(s), 0);
    assert_text(&out, want.p);
    candor_buf_free(&out);
    candor_buf_free(&want);
    candor_schema_free(s);
}

/* tests/vectors/schema: x.json with its message in x.txt. */
static void check_bad_file(const char *name)
{
    char path[512];
    candor_err err = {0};
    candor_schema *s = NULL;
    size_t stem = strlen(name) - strlen(".json");
    (void)snprintf(path, sizeof(path), "tests/vectors/schema/%s", name);
    candor_buf text = support_read(path);
    (void)snprintf(path, sizeof(path), "tests/vectors/schema/%.*s.txt", (int)stem, name);
    candor_buf want = support_read(path);
    if (candor_schema_compile(candor_buf_bytes(&text), name, &s, &err) == CANDOR_OK)
        fail_msg("%s was accepted", name);
    assert_null(s);
    candor_buf_put_c(&want, '\0');
    char *end = strchr(want.p, '\n');
    if (end != NULL) *end = '\0';
    assert_string_equal(err.text, want.p);
    candor_buf_free(&text);
    candor_buf_free(&want);
}

static void bad_files_are_refused_with_line_column_and_hint(void **state)
{
    (void)state;
    unsigned n = 0;
    DIR *d = opendir(CANDOR_SOURCE_DIR "/tests/vectors/schema");
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        size_t length = strlen(e->d_name);
        if (length < 5 || strcmp(e->d_name + length - 5, ".json") != 0) continue;
        check_bad_file(e->d_name);
        n++;
    }
    (void)closedir(d);
    assert_true(n >= 70);
}

static void too_many_events_are_refused(void **state)
{
    (void)state;
    candor_buf text = {0};
    candor_err err = {0};
    candor_schema *s = NULL;
    candor_buf_putf(&text, "%s", HEAD);
    for (int i = 0; i < CANDOR_SCHEMA_EVENTS_MAX; i++)
        candor_buf_putf(&text, "%s\"E%d\":%s}", i > 0 ? "," : "", i, EVENT);
    size_t full = text.n;
    candor_buf_put(&text, "}}", 2);
    s = support_compile(candor_buf_bytes(&text), "many");
    for (unsigned i = 0; i < candor_schema_count(s); i++)
        assert_ptr_equal(candor_schema_event(s, candor_schema_at(s, i)->name),
                         candor_schema_at(s, i));
    candor_schema_free(s);
    text.n = full;
    candor_buf_putf(&text, ",\"F\":%s}}}", EVENT);
    assert_int_equal(candor_schema_compile(candor_buf_bytes(&text), "many", &s, &err),
                     CANDOR_INVALID);
    assert_non_null(strstr(err.text, "at most 512 events"));
    candor_buf_free(&text);
}

static void a_file_over_the_size_limit_is_refused_unread(void **state)
{
    (void)state;
    candor_schema *s = NULL;
    candor_err err = {0};
    char *text = calloc(1, CANDOR_SCHEMA_FILE_MAX + 1);
    assert_non_null(text);
    assert_int_equal(
        candor_schema_compile(candor_bytes_of(text, CANDOR_SCHEMA_FILE_MAX + 1), "big", &s, &err),
        CANDOR_LIMIT);
    free(text);
}

static void every_cut_of_the_default_file_is_an_error(void **state)
{
    (void)state;
    candor_buf text = support_read("schema/default.json");
    size_t whole = text.n;
    while (whole > 0 && text.p[whole - 1] == '\n')
        whole--;
    for (size_t n = 0; n < whole; n += 7) {
        candor_schema *s = NULL;
        candor_err err = {0};
        char *copy = malloc(n + 1); /* exact, so that a read behind the end is seen */
        assert_non_null(copy);
        memcpy(copy, text.p, n);
        assert_int_not_equal(candor_schema_compile(candor_bytes_of(copy, n), "cut", &s, &err),
                             CANDOR_OK);
        assert_true(err.text[0] != '\0');
        free(copy);
    }
    candor_buf_free(&text);
}

static void a_long_origin_keeps_the_message(void **state)
{
    (void)state;
    char origin[600];
    candor_schema *s = NULL;
    candor_err err = {0};
    memset(origin, 'd', sizeof(origin));
    memcpy(origin + sizeof(origin) - 12, "schema.json", 12);
    assert_int_equal(candor_schema_compile(CANDOR_LIT("[]"), origin, &s, &err), CANDOR_INVALID);
    assert_non_null(strstr(err.text, "schema.json:1:1: the schema must be an object"));
    assert_int_equal(candor_schema_compile(CANDOR_LIT("[]"), NULL, &s, NULL), CANDOR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_schema_has_the_agent_events_exactly),
        cmocka_unit_test(default_schema_has_the_tool_and_lifecycle_events),
        cmocka_unit_test(a_rollup_names_the_fields_of_its_target_in_their_order),
        cmocka_unit_test(a_rollup_is_part_of_the_canonical_form_and_of_the_description),
        cmocka_unit_test(every_event_of_the_default_schema_is_found_by_name_and_index),
        cmocka_unit_test(fields_answer_to_their_snake_case_name),
        cmocka_unit_test(members_left_out_take_their_defaults),
        cmocka_unit_test(charts_name_fields_of_the_event),
        cmocka_unit_test(canonical_form_is_sorted_complete_and_free_of_documentation),
        cmocka_unit_test(hash_ignores_order_space_and_documentation),
        cmocka_unit_test(hash_follows_what_may_leave),
        cmocka_unit_test(description_lists_fields_in_index_order),
        cmocka_unit_test(bad_files_are_refused_with_line_column_and_hint),
        cmocka_unit_test(too_many_events_are_refused),
        cmocka_unit_test(a_file_over_the_size_limit_is_refused_unread),
        cmocka_unit_test(every_cut_of_the_default_file_is_an_error),
        cmocka_unit_test(a_long_origin_keeps_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
