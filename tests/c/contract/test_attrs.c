/* Attributes and nanoseconds: the table in the schema, and both front ends. What the shared vectors
 * show already is not repeated here. */
#include "contract/fixture.h"

#define HEAD "{\"schema\":\"t\",\"version\":1,\"notice\":1,\"governance_id\":\"G\","
#define EVENTS                                                                                     \
    "\"events\":{\"E\":{\"category\":\"c\",\"level\":\"usage\",\"owner\":\"o\",\"purpose\":\"p\"," \
    "\"expires\":\"2028-12-31\",\"fields\":{\"n\":{\"kind\":\"nanos\"},\"a\":{\"kind\":\"attrs\"," \
    "\"maxItems\":%u}}}}"

static candor_status compile(const char *attributes, unsigned max_items, candor_schema **out,
                             candor_err *err)
{
    candor_buf text = {0};
    candor_buf_putf(&text, HEAD "\"attributes\":{%s}," EVENTS "}", attributes, max_items);
    assert_false(text.failed);
    candor_status st = candor_schema_compile(candor_buf_bytes(&text), "t", out, err);
    candor_buf_free(&text);
    return st;
}

static candor_schema *schema_of(const char *attributes, unsigned max_items)
{
    candor_schema *s = NULL;
    candor_err err = {0};
    if (compile(attributes, max_items, &s, &err) != CANDOR_OK) fail_msg("%s", err.text);
    return s;
}

/* {"k0":{"kind":"bool"},..., or "k0":true,... */
static void put_many(candor_buf *b, unsigned n, const char *value)
{
    for (unsigned i = 0; i < n; i++)
        candor_buf_putf(b, "%s\"k%u\":%s", i != 0 ? "," : "", i, value);
    candor_buf_put_c(b, '\0');
    assert_false(b->failed);
}

static bool compiles_with(unsigned n, unsigned max_items, candor_err *err)
{
    candor_buf text = {0};
    candor_schema *s = NULL;
    put_many(&text, n, "{\"kind\":\"bool\"}");
    bool ok = compile(text.p, max_items, &s, err) == CANDOR_OK;
    candor_schema_free(s);
    candor_buf_free(&text);
    return ok;
}

static void a_schema_takes_256_attributes(void **state)
{
    candor_err err = {0};
    (void)state;
    assert_true(compiles_with(256, 1, &err));
    assert_false(compiles_with(257, 1, &err));
    assert_non_null(strstr(err.text, "at most 256 attributes"));
}

static void an_attrs_field_takes_128_members(void **state)
{
    candor_err err = {0};
    (void)state;
    assert_true(compiles_with(1, 128, &err));
    assert_false(compiles_with(1, 129, &err));
    assert_non_null(strstr(err.text, "between 1 and 128"));
}

static void attributes_are_found_by_name_whatever_their_number(void **state)
{
    candor_buf text = {0};
    (void)state;
    put_many(&text, 200, "{\"kind\":\"bool\"}");
    candor_schema *s = schema_of(text.p, 1);
    const candor_attributes *a = candor_schema_attributes(s);
    assert_int_equal(a->n_fields, 200);
    for (unsigned i = 0; i < a->n_fields; i++)
        assert_ptr_equal(candor_attribute(a, a->fields[i].name), &a->fields[i]);
    assert_null(candor_attribute(a, CANDOR_LIT("k200")));
    assert_null(candor_attribute(a, CANDOR_LIT("")));
    candor_schema_free(s);
    candor_buf_free(&text);
}

static void the_hash_covers_attributes_and_not_their_order(void **state)
{
    static const char *const tables[] = {
        "\"x\":{\"kind\":\"bool\"},\"y.z\":{\"kind\":\"int\"}",
        "\"y.z\":{\"kind\":\"int\",\"note\":\"n\"},\"x\":{\"kind\":\"bool\"}",
        "\"x\":{\"kind\":\"bool\"},\"y.z\":{\"kind\":\"int\",\"max\":7}",
    };
    candor_schema *s[3];
    (void)state;
    for (size_t i = 0; i < 3; i++)
        s[i] = schema_of(tables[i], 32);
    candor_schema *fewer = schema_of(tables[0], 31);
    assert_string_equal(candor_schema_hash(s[0]), candor_schema_hash(s[1]));
    assert_string_not_equal(candor_schema_hash(s[0]), candor_schema_hash(s[2]));
    assert_string_not_equal(candor_schema_hash(s[0]), candor_schema_hash(fewer));
    candor_schema_free(fewer);
    for (size_t i = 0; i < 3; i++)
        candor_schema_free(s[i]);
}

static void canonical_form_and_description_name_the_attributes(void **state)
{
    candor_buf canonical = {0}, described = {0};
    (void)state;
    candor_schema *s = schema_of("\"y\":{\"kind\":\"id\"},\"x\":{\"kind\":\"bool\"}", 5);
    assert_int_equal(candor_schema_canonical(s, &canonical), CANDOR_OK);
    assert_int_equal(candor_schema_describe(s, &described), CANDOR_OK);
    candor_buf_put_c(&canonical, '\0');
    candor_buf_put_c(&described, '\0');
    assert_non_null(strstr(canonical.p,
                           "{\"attributes\":{\"x\":{\"kind\":\"bool\"},\"y\":{\"kind\":"
                           "\"id\",\"maxLength\":64}},\"events\":"));
    assert_non_null(strstr(canonical.p, "\"a\":{\"kind\":\"attrs\",\"maxItems\":5}"));
    assert_non_null(strstr(described.p, "\"attributes\":[{\"name\":\"y\",\"kind\":\"id\","
                                        "\"maxLength\":64},{\"name\":\"x\",\"kind\":\"bool\"}]"));
    candor_schema_free(s);
    candor_buf_free(&canonical);
    candor_buf_free(&described);
}

/* --- typed ----------------------------------------------------------------------------------- */

static void put_u32(unsigned char *at, uint32_t v)
{
    memcpy(at, &v, sizeof(v));
}

/* The span's startNs (field 5) and attrs (field 9) as JS stages them. */
static candor_status run_typed(fixture *f, uint64_t nanos, const char *attrs, candor_tally *tally)
{
    unsigned char *p = calloc(1, CANDOR_TYPED_SIZE);
    const candor_event_def *span = candor_schema_event(f->schema, CANDOR_LIT("span"));
    uint32_t n = (uint32_t)strlen(attrs);
    assert_non_null(p);
    assert_non_null(span);
    assert_int_equal(span->fields[5].kind, CANDOR_KIND_NANOS);
    assert_int_equal(span->fields[9].kind, CANDOR_KIND_ATTRS);
    put_u32(p + 8, 1u << 5 | 1u << 9);
    put_u32(p + 28, CANDOR_TYPED_HEAP_AT + n);
    put_u32(p + CANDOR_TYPED_SLOTS_AT + 5 * 8, (uint32_t)nanos);
    put_u32(p + CANDOR_TYPED_SLOTS_AT + 5 * 8 + 4, (uint32_t)(nanos >> 32));
    put_u32(p + CANDOR_TYPED_SLOTS_AT + 9 * 8, CANDOR_TYPED_HEAP_AT);
    put_u32(p + CANDOR_TYPED_SLOTS_AT + 9 * 8 + 4, n);
    memcpy(p + CANDOR_TYPED_HEAP_AT, attrs, n);
    memset(tally, 0, sizeof(*tally));
    candor_buf_clear(&f->out);
    candor_status st = candor_sanitise_typed(&f->s, span, p, CANDOR_TYPED_SIZE, &f->out, tally);
    free(p);
    return st;
}

static void typed_nanoseconds_keep_all_64_bits(void **state)
{
    static const struct {
        uint64_t n;
        const char *out;
    } cases[] = {
        {0, "{\"startNs\":\"0\",\"attrs\":{}}"},
        {UINT64_C(1763735922123456789), "{\"startNs\":\"1763735922123456789\",\"attrs\":{}}"},
        {UINT64_MAX, "{\"startNs\":\"18446744073709551615\",\"attrs\":{}}"},
    };
    fixture *f = *state;
    candor_tally tally;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(run_typed(f, cases[i].n, "{}", &tally), CANDOR_OK);
        assert_text(&f->out, cases[i].out);
    }
}

static void typed_attributes_pass_the_rules_of_json(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    assert_int_equal(run_typed(f, 1,
                               "{\"unknown\":{\"deep\":[1]},\"error.type\":\"a\",\"error.type\":"
                               "\"b\\u0063\",\"http.request.method\":\"GET\"}",
                               &tally),
                     CANDOR_OK);
    assert_text(&f->out, "{\"startNs\":\"1\",\"attrs\":{\"http.request.method\":\"GET\","
                         "\"error.type\":\"bc\"}}");
    assert_int_equal(tally.n[CANDOR_ADJUST_UNKNOWN_FIELD], 1);
    assert_idempotent(f, candor_schema_event(f->schema, CANDOR_LIT("span")), "typed");
}

static void typed_attributes_that_are_no_json_object_are_dropped_and_counted(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}x",
        "{} {}",
        "{\"error.type\":\"a\"",
        "{\"error.type\":}",
        "{\"x\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}",
        "{\"error.type\":\"\xff\"}",
    };
    fixture *f = *state;
    candor_tally tally;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(run_typed(f, 1, texts[i], &tally), CANDOR_OK);
        assert_text(&f->out, "{\"startNs\":\"1\"}");
        assert_int_equal(tally.n[CANDOR_ADJUST_BAD_TYPE], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_takes_256_attributes),
        cmocka_unit_test(an_attrs_field_takes_128_members),
        cmocka_unit_test(attributes_are_found_by_name_whatever_their_number),
        cmocka_unit_test(the_hash_covers_attributes_and_not_their_order),
        cmocka_unit_test(canonical_form_and_description_name_the_attributes),
        cmocka_unit_test_setup_teardown(typed_nanoseconds_keep_all_64_bits, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(typed_attributes_pass_the_rules_of_json, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(
            typed_attributes_that_are_no_json_object_are_dropped_and_counted, fixture_up,
            fixture_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
