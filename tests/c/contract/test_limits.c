/* The limits of contract/limits.h at their edges: the last value that is taken and the first that
 * is not, with the number in the sentence. docs/limits.md names these tests row by row. */
#include "contract/support.h"

#include "contract/envelope.h"
#include "contract/limits.h"

#define NOW_MS INT64_C(1795254720123)

/* --- schema ---------------------------------------------------------------------------------- */

static void put_head(candor_buf *b, const char *version)
{
    candor_buf_putf(b,
                    "{\"schema\":\"t\",\"version\":%s,\"notice\":1,\"governance_id\":\"G-1\","
                    "\"events\":{",
                    version);
}

static void put_event(candor_buf *b, const char *name, const char *purpose, const char *fields)
{
    candor_buf_putf(b,
                    "\"%s\":{\"category\":\"c\",\"level\":\"usage\",\"owner\":\"o\","
                    "\"purpose\":\"%s\",\"expires\":\"2028-12-31\",\"fields\":{%s}}",
                    name, purpose, fields);
}

/* Compile and free text; says when it is refused. */
static bool compiles(candor_buf *text, candor_err *err)
{
    candor_schema *s = NULL;
    memset(err, 0, sizeof(*err));
    candor_buf_putf(text, "}}");
    assert_false(text->failed);
    candor_status st = candor_schema_compile(candor_buf_bytes(text), "t", &s, err);
    candor_schema_free(s);
    candor_buf_free(text);
    return st == CANDOR_OK;
}

static bool fields_compile(const char *fields, candor_err *err)
{
    candor_buf text = {0};
    put_head(&text, "1");
    put_event(&text, "E", "p", fields);
    return compiles(&text, err);
}

static bool events_compile(unsigned n, candor_err *err)
{
    candor_buf text = {0};
    put_head(&text, "1");
    for (unsigned i = 0; i < n; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "E%u", i);
        if (i != 0) candor_buf_put_c(&text, ',');
        put_event(&text, name, "p", "");
    }
    return compiles(&text, err);
}

/* before, then item n times with commas (its %u is the index), then after. */
static bool repeated_compiles(const char *before, const char *item_head, const char *item_tail,
                              unsigned n, const char *after, candor_err *err)
{
    candor_buf fields = {0};
    candor_buf_putf(&fields, "%s", before);
    for (unsigned i = 0; i < n; i++)
        candor_buf_putf(&fields, "%s%s%u%s", i != 0 ? "," : "", item_head, i, item_tail);
    candor_buf_putf(&fields, "%s", after);
    candor_buf_put_c(&fields, '\0');
    bool ok = fields_compile(fields.p, err);
    candor_buf_free(&fields);
    return ok;
}

/* The text "xxx.." of n bytes. */
static const char *letters(char *out, size_t n)
{
    memset(out, 'x', n);
    out[n] = '\0';
    return out;
}

static void assert_says(const candor_err *err, const char *what)
{
    if (strstr(err->text, what) == NULL) fail_msg("\"%s\" does not say \"%s\"", err->text, what);
}

static void a_schema_takes_512_events(void **state)
{
    (void)state;
    candor_err err;
    assert_true(events_compile(CANDOR_SCHEMA_EVENTS_MAX, &err));
    assert_false(events_compile(CANDOR_SCHEMA_EVENTS_MAX + 1, &err));
    assert_says(&err, "512");
}

static void an_event_takes_64_fields(void **state)
{
    (void)state;
    candor_err err;
    const char *head = "\"f", *tail = "\":{\"kind\":\"bool\"}";
    assert_true(repeated_compiles("", head, tail, CANDOR_FIELDS_MAX, "", &err));
    assert_false(repeated_compiles("", head, tail, CANDOR_FIELDS_MAX + 1, "", &err));
    assert_says(&err, "64");
}

static bool name_compiles(size_t event_length, size_t field_length, candor_err *err)
{
    char event[128], field[128], fields[256];
    candor_buf text = {0};
    (void)snprintf(fields, sizeof(fields), "\"%s\":{\"kind\":\"bool\"}",
                   letters(field, field_length));
    put_head(&text, "1");
    put_event(&text, letters(event, event_length), "p", fields);
    return compiles(&text, err);
}

static void names_of_events_and_fields_take_64_bytes(void **state)
{
    (void)state;
    candor_err err;
    assert_true(name_compiles(CANDOR_NAME_MAX, CANDOR_NAME_MAX, &err));
    assert_false(name_compiles(CANDOR_NAME_MAX + 1, 1, &err));
    assert_says(&err, "64");
    assert_false(name_compiles(1, CANDOR_NAME_MAX + 1, &err));
    assert_says(&err, "64");
}

static void an_enum_takes_256_values(void **state)
{
    (void)state;
    candor_err err;
    const char *before = "\"f\":{\"kind\":\"enum\",\"values\":[";
    assert_true(repeated_compiles(before, "\"v", "\"", CANDOR_ENUM_VALUES_MAX, "]}", &err));
    assert_false(repeated_compiles(before, "\"v", "\"", CANDOR_ENUM_VALUES_MAX + 1, "]}", &err));
    assert_says(&err, "256");
}

static void an_enum_value_takes_64_bytes(void **state)
{
    (void)state;
    candor_err err;
    char value[80], fields[160];
    for (size_t n = 64; n <= 65; n++) {
        (void)snprintf(fields, sizeof(fields), "\"f\":{\"kind\":\"enum\",\"values\":[\"%s\"]}",
                       letters(value, n));
        assert_int_equal(fields_compile(fields, &err), n == 64);
    }
    assert_says(&err, "64");
}

static void a_bucket_takes_32_bounds(void **state)
{
    (void)state;
    candor_err err;
    const char *before = "\"f\":{\"kind\":\"bucket\",\"bounds\":[";
    assert_true(repeated_compiles(before, "", "", CANDOR_BUCKETS_MAX, "]}", &err));
    assert_false(repeated_compiles(before, "", "", CANDOR_BUCKETS_MAX + 1, "]}", &err));
    assert_says(&err, "32");
}

/* form holds one %s for the number. */
static void check_edge(const char *form, const char *last, const char *first_refused,
                       const char *says)
{
    char fields[256];
    candor_err err;
    (void)snprintf(fields, sizeof(fields), "\"f\":{%s%s}", form, last);
    if (!fields_compile(fields, &err)) fail_msg("%s: %s", fields, err.text);
    (void)snprintf(fields, sizeof(fields), "\"f\":{%s%s}", form, first_refused);
    if (fields_compile(fields, &err)) fail_msg("%s was taken", fields);
    assert_says(&err, says);
}

static void a_list_takes_256_elements(void **state)
{
    (void)state;
    check_edge("\"kind\":\"list\",\"of\":{\"kind\":\"bool\"},\"max\":", "256", "257", "256");
}

static void a_text_takes_16384_bytes(void **state)
{
    (void)state;
    check_edge("\"kind\":\"text\",\"maxLength\":", "16384", "16385", "16384");
    check_edge("\"kind\":\"stack\",\"maxLength\":", "16384", "16385", "16384");
}

static void an_id_takes_128_bytes(void **state)
{
    (void)state;
    check_edge("\"kind\":\"id\",\"maxLength\":", "128", "129", "128");
}

static void a_number_takes_bounds_to_a_million_million(void **state)
{
    (void)state;
    const char *form = "\"kind\":\"number\",\"min\":0,\"max\":";
    check_edge(form, "1000000000000", "1000000000001", "1000000000000");
}

static void an_int_takes_bounds_to_two_to_the_53(void **state)
{
    (void)state;
    const char *form = "\"kind\":\"int\",\"min\":0,\"max\":";
    check_edge(form, "9007199254740991", "9007199254740992", "9007199254740991");
}

static void a_purpose_takes_512_bytes(void **state)
{
    (void)state;
    candor_err err;
    char purpose[520];
    for (size_t n = 512; n <= 513; n++) {
        candor_buf text = {0};
        put_head(&text, "1");
        put_event(&text, "E", letters(purpose, n), "");
        assert_int_equal(compiles(&text, &err), n == 512);
    }
    assert_says(&err, "512");
}

static void a_schema_version_goes_to_a_thousand_million(void **state)
{
    (void)state;
    candor_err err;
    candor_buf last = {0}, over = {0};
    put_head(&last, "1000000000");
    put_event(&last, "E", "p", "");
    assert_true(compiles(&last, &err));
    put_head(&over, "1000000001");
    put_event(&over, "E", "p", "");
    assert_false(compiles(&over, &err));
    assert_says(&err, "version");
}

/* --- events ---------------------------------------------------------------------------------- */

typedef struct one {
    candor_schema *schema;
    candor_hmac *key;
    candor_sanitiser s;
    candor_buf out;
} one;

static one with_fields(const char *fields)
{
    one o;
    memset(&o, 0, sizeof(o));
    o.schema = support_fields(fields);
    o.key = support_key("limits");
    candor_sanitiser_init(&o.s, o.schema, o.key, CANDOR_AT_COLLECTOR);
    return o;
}

static void done(one *o)
{
    candor_sanitiser_deinit(&o->s);
    candor_hmac_free(o->key);
    candor_schema_free(o->schema);
    candor_buf_free(&o->out);
}

/* The hash of a text of n letters, the last of them c. */
static void hash_of(one *o, size_t n, char c, char out[CANDOR_HASH_TEXT])
{
    candor_buf json = {0};
    candor_tally tally;
    candor_buf_putf(&json, "{\"f\":\"");
    for (size_t i = 0; i + 1 < n; i++)
        candor_buf_put_c(&json, 'x');
    candor_buf_putf(&json, "%c\"}", c);
    const candor_event_def *def = candor_schema_at(o->schema, 0);
    assert_int_equal(support_json(&o->s, def, candor_buf_bytes(&json), &o->out, &tally), CANDOR_OK);
    assert_int_equal(o->out.n, 8 + CANDOR_HASH_TEXT);
    memcpy(out, o->out.p + 6, CANDOR_HASH_TEXT);
    candor_buf_free(&json);
}

static void a_hash_reads_8192_bytes(void **state)
{
    (void)state;
    one o = with_fields("\"f\":{\"kind\":\"hash\"}");
    char a[CANDOR_HASH_TEXT], b[CANDOR_HASH_TEXT], longer[CANDOR_HASH_TEXT];
    hash_of(&o, CANDOR_HASH_INPUT_MAX, 'a', a);
    hash_of(&o, CANDOR_HASH_INPUT_MAX, 'b', b);
    assert_memory_not_equal(a, b, CANDOR_HASH_TEXT);
    hash_of(&o, CANDOR_HASH_INPUT_MAX + 1, 'a', a);
    hash_of(&o, CANDOR_HASH_INPUT_MAX + 1, 'b', b);
    hash_of(&o, CANDOR_HASH_INPUT_MAX + 500, 'c', longer);
    assert_memory_equal(a, b, CANDOR_HASH_TEXT);
    assert_memory_equal(a, longer, CANDOR_HASH_TEXT);
    done(&o);
}

static void put_base(candor_buf *b, const char *correlation)
{
    candor_buf_putf(b,
                    "{\"event_id\":\"01a1fd85-1a7b-7102-8300-0123456789ab\",\"event_type\":\"E\","
                    "\"timestamp\":\"2026-11-21T09:52:00.123Z\",\"session_id\":\"s\","
                    "\"user_id\":\"u\",\"machine_id\":\"m\",\"app\":\"a\",\"app_version\":\"1\","
                    "\"platform\":\"p\",\"correlation_id\":\"%s\",\"payload\":",
                    correlation);
}

static candor_reject parse(one *o, const candor_buf *text)
{
    candor_json j;
    candor_json_token t;
    candor_parsed parsed;
    const candor_parse_rules rules = {NOW_MS, 0, 0};
    memset(&parsed, 0, sizeof(parsed));
    candor_buf_clear(&o->out);
    candor_json_init(&j, candor_buf_bytes(text), CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &t) == CANDOR_JSON_ERROR) return CANDOR_REJECT_BAD_JSON;
    return candor_event_parse(&o->s, &j, &t, &rules, &o->out, &parsed);
}

/* An event of exactly n bytes: a field outside the schema fills it up. */
static candor_reject parse_event_of(one *o, size_t n)
{
    candor_buf text = {0};
    put_base(&text, "c");
    candor_buf_putf(&text, "{\"z\":\"");
    while (text.n + 3 < n)
        candor_buf_put_c(&text, 'z');
    candor_buf_putf(&text, "\"}}");
    assert_int_equal(text.n, n);
    candor_reject r = parse(o, &text);
    candor_buf_free(&text);
    return r;
}

static void an_event_takes_65536_bytes(void **state)
{
    (void)state;
    one o = with_fields("\"f\":{\"kind\":\"bool\"}");
    assert_int_equal(parse_event_of(&o, CANDOR_EVENT_MAX), CANDOR_REJECT_NONE);
    assert_int_equal(parse_event_of(&o, CANDOR_EVENT_MAX + 1), CANDOR_REJECT_TOO_LARGE);
    assert_non_null(strstr(candor_reject_text(CANDOR_REJECT_TOO_LARGE), "65536"));
    done(&o);
}

static candor_reject parse_event_nested(one *o, unsigned depth)
{
    candor_buf text = {0};
    put_base(&text, "c");
    candor_buf_putf(&text, "{\"z\":");
    for (unsigned i = 2; i < depth; i++)
        candor_buf_put_c(&text, '[');
    for (unsigned i = 2; i < depth; i++)
        candor_buf_put_c(&text, ']');
    candor_buf_putf(&text, "}}");
    candor_reject r = parse(o, &text);
    candor_buf_free(&text);
    return r;
}

static void an_event_nests_16_deep_also_where_nobody_reads(void **state)
{
    (void)state;
    one o = with_fields("\"f\":{\"kind\":\"bool\"}");
    assert_int_equal(parse_event_nested(&o, CANDOR_JSON_EVENT_DEPTH), CANDOR_REJECT_NONE);
    assert_int_equal(parse_event_nested(&o, CANDOR_JSON_EVENT_DEPTH + 1), CANDOR_REJECT_BAD_JSON);
    done(&o);
}

static void a_base_id_takes_128_bytes(void **state)
{
    (void)state;
    one o = with_fields("\"f\":{\"kind\":\"bool\"}");
    char id[CANDOR_BASE_ID_MAX + 2];
    for (size_t n = CANDOR_BASE_ID_MAX; n <= CANDOR_BASE_ID_MAX + 1; n++) {
        candor_buf text = {0};
        put_base(&text, letters(id, n));
        candor_buf_putf(&text, "{}}");
        bool fits = n == CANDOR_BASE_ID_MAX;
        assert_int_equal(parse(&o, &text),
                         fits ? CANDOR_REJECT_NONE : CANDOR_REJECT_BAD_BASE_FIELD);
        candor_buf_free(&text);
    }
    done(&o);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_takes_512_events),
        cmocka_unit_test(an_event_takes_64_fields),
        cmocka_unit_test(names_of_events_and_fields_take_64_bytes),
        cmocka_unit_test(an_enum_takes_256_values),
        cmocka_unit_test(an_enum_value_takes_64_bytes),
        cmocka_unit_test(a_bucket_takes_32_bounds),
        cmocka_unit_test(a_list_takes_256_elements),
        cmocka_unit_test(a_text_takes_16384_bytes),
        cmocka_unit_test(an_id_takes_128_bytes),
        cmocka_unit_test(a_number_takes_bounds_to_a_million_million),
        cmocka_unit_test(an_int_takes_bounds_to_two_to_the_53),
        cmocka_unit_test(a_purpose_takes_512_bytes),
        cmocka_unit_test(a_schema_version_goes_to_a_thousand_million),
        cmocka_unit_test(a_hash_reads_8192_bytes),
        cmocka_unit_test(an_event_takes_65536_bytes),
        cmocka_unit_test(an_event_nests_16_deep_also_where_nobody_reads),
        cmocka_unit_test(a_base_id_takes_128_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
