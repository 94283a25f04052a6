/* The two front ends: JSON text and typed slots. */
#include "contract/fixture.h"

#include "base/json.h"

static const candor_event_def *event(const fixture *f, const char *name)
{
    const candor_event_def *e = candor_schema_event(f->schema, candor_bytes_str(name));
    assert_non_null(e);
    return e;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_last_of_a_duplicate_key_counts(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    const candor_event_def *def = event(f, "ChatTurn");
    candor_bytes in = CANDOR_LIT("{\"tokenCount\":1,\"token_count\":2,\"promptLength\":3,"
                                 "\"promptLength\":null,\"to\\u006benCount\":9}");
    assert_int_equal(support_json(&f->s, def, in, &f->out, &tally), CANDOR_OK);
    assert_text(&f->out, "{\"tokenCount\":9}");
}

static void json_escapes_are_decoded_before_the_rules(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    candor_bytes in =
        CANDOR_LIT("{\"message\":\"mail anna\\u0040example.com now\",\"errorType\":\"a\\u0062c\"}");
    assert_int_equal(support_json(&f->s, event(f, "Error"), in, &f->out, &tally), CANDOR_OK);
    assert_text(&f->out, "{\"errorType\":\"abc\",\"message\":\"mail <email> now\"}");
    assert_int_equal(tally.n[CANDOR_ADJUST_REDACTED], 1);
}

static void json_syntax_error_names_line_and_column(void **state)
{
    fixture *f = *state;
    candor_json j;
    candor_err err = {0};
    candor_tally tally = {{0}};
    candor_json_init(&j, CANDOR_LIT("{\n  \"tokenCount\": 1,,\n}"), CANDOR_JSON_EVENT_DEPTH);
    candor_buf_put_c(&f->out, 'x');
    assert_int_equal(candor_sanitise_json(&f->s, event(f, "ChatTurn"), &j, &f->out, &tally, &err),
                     CANDOR_INVALID);
    assert_non_null(strstr(err.text, "line 2, column 19"));
    assert_text(&f->out, "x");
}

static void json_every_cut_payload_is_refused(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    static const char text[] =
        "{\"targets\":[\"cli\",{\"a\":[1]},\"zed\"],\"x\":{\"y\":null},\"kind\":\"fresh\"}";
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, text, n);
        assert_int_equal(
            support_json(&f->s, event(f, "install"), candor_bytes_of(copy, n), &f->out, &tally),
            CANDOR_INVALID);
        assert_int_equal(f->out.n, 0);
        free(copy);
    }
}

static void json_nesting_is_bounded(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    candor_buf in = {0};
    candor_buf_putf(&in, "{\"x\":");
    for (int i = 0; i < 100; i++)
        candor_buf_put_c(&in, '[');
    assert_int_equal(
        support_json(&f->s, event(f, "install"), candor_buf_bytes(&in), &f->out, &tally),
        CANDOR_INVALID);
    candor_buf_free(&in);
}

static void json_text_larger_than_the_redactor_reads_is_cut_and_counted(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    const char *unit[] = {"ab ", "\\u00e9 ", "\\\\ "};
    for (size_t k = 0; k < 3; k++) {
        candor_buf in = {0};
        candor_buf_putf(&in, "{\"message\":\"");
        while (in.n < 3 * CANDOR_RAW_TEXT_MAX)
            candor_buf_put_bytes(&in, candor_bytes_str(unit[k]));
        candor_buf_putf(&in, "\"}");
        assert_int_equal(
            support_json(&f->s, event(f, "Error"), candor_buf_bytes(&in), &f->out, &tally),
            CANDOR_OK);
        assert_true(f->out.n > 500 && f->out.n < 1100);
        assert_int_equal(tally.n[CANDOR_ADJUST_TRUNCATED], 1);
        assert_idempotent(f, event(f, "Error"), unit[k]);
        candor_buf_free(&in);
    }
}

/* Behind the cut may stand half a secret, although the decoded text is shorter than maxLength. */
static void json_escaped_text_that_is_cut_loses_its_last_word(void **state)
{
    (void)state;
    candor_tally tally;
    candor_schema *schema = support_fields("\"t\":{\"kind\":\"text\",\"maxLength\":16384}");
    candor_sanitiser s;
    candor_buf in = {0}, out = {0};
    candor_sanitiser_init(&s, schema, NULL, CANDOR_AT_SOURCE);
    candor_buf_putf(&in, "{\"t\":\"");
    while (in.n < CANDOR_RAW_TEXT_MAX - 60)
        candor_buf_putf(&in, "\\u0061\\u0020");
    for (int i = 0; i < 40; i++)
        candor_buf_putf(&in, "\\u006b");
    candor_buf_putf(&in, "\"}");
    assert_int_equal(
        support_json(&s, candor_schema_at(schema, 0), candor_buf_bytes(&in), &out, &tally),
        CANDOR_OK);
    assert_true(out.n > 10000 && out.n < 16384);
    assert_null(memchr(out.p, 'k', out.n));
    assert_int_equal(tally.n[CANDOR_ADJUST_TRUNCATED], 1);
    candor_buf_free(&in);
    candor_buf_free(&out);
    candor_sanitiser_deinit(&s);
    candor_schema_free(schema);
}

static void payload_over_the_limit_leaves_out_unchanged(void **state)
{
    (void)state;
    candor_tally tally;
    candor_schema *schema = support_fields(
        "\"l\":{\"kind\":\"list\",\"max\":256,\"of\":{\"kind\":\"text\",\"maxLength\":16384}}");
    candor_sanitiser s;
    candor_sanitiser_init(&s, schema, NULL, CANDOR_AT_SOURCE);
    candor_buf in = {0}, out = {0};
    candor_buf_putf(&in, "{\"l\":[");
    for (int i = 0; i < 200; i++)
        candor_buf_putf(&in, "%s\"%0400d\"", i > 0 ? "," : "", 0);
    candor_buf_putf(&in, "]}");
    assert_int_equal(
        support_json(&s, candor_schema_at(schema, 0), candor_buf_bytes(&in), &out, &tally),
        CANDOR_LIMIT);
    assert_int_equal(out.n, 0);
    candor_buf_free(&in);
    candor_buf_free(&out);
    candor_sanitiser_deinit(&s);
    candor_schema_free(schema);
}

static void content_never_enters_a_payload(void **state)
{
    (void)state;
    candor_tally tally;
    candor_schema *schema =
        support_fields("\"prompt\":{\"kind\":\"content\"},\"n\":{\"kind\":\"int\"}");
    candor_sanitiser s;
    candor_sanitiser_init(&s, schema, NULL, CANDOR_AT_SOURCE);
    candor_buf out = {0};
    assert_int_equal(support_json(&s, candor_schema_at(schema, 0),
                                  CANDOR_LIT("{\"prompt\":\"my words\",\"n\":1}"), &out, &tally),
                     CANDOR_OK);
    assert_text(&out, "{\"n\":1}");
    assert_int_equal(tally.n[CANDOR_ADJUST_CONTENT_WITHHELD], 1);
    candor_buf_free(&out);
    candor_sanitiser_deinit(&s);
    candor_schema_free(schema);
}

static void a_full_buffer_fails_and_stays_as_it_was(void **state)
{
    fixture *f = *state;
    char storage[24];
    candor_buf out;
    candor_tally tally;
    candor_buf_init_fixed(&out, storage, sizeof(storage));
    assert_int_equal(support_json(&f->s, event(f, "ChatTurn"),
                                  CANDOR_LIT("{\"promptLength\":1,\"responseLength\":2}"), &out,
                                  &tally),
                     CANDOR_NOMEM);
    assert_int_equal(out.n, 0);
}

/* A value is written in place where a buffer has plenty of room, and another way where it has not:
 * both write the same, and to the last byte. */
static void a_buffer_that_just_fits_takes_the_same_payload(void **state)
{
    fixture *f = *state;
    const candor_bytes payload =
        CANDOR_LIT("{\"toolName\":\"read_file\",\"durationMs\":41.75,\"success\":true,"
                   "\"errorType\":\"TimeoutError\"}");
    candor_tally tally;
    assert_int_equal(support_json(&f->s, event(f, "ToolCall"), payload, &f->out, &tally),
                     CANDOR_OK);
    for (size_t cap = 1; cap <= f->out.n; cap++) {
        candor_buf out;
        char *storage = malloc(cap);
        assert_non_null(storage);
        candor_buf_init_fixed(&out, storage, cap);
        candor_status st = support_json(&f->s, event(f, "ToolCall"), payload, &out, &tally);
        assert_int_equal(st, cap == f->out.n ? CANDOR_OK : CANDOR_NOMEM);
        if (st == CANDOR_OK)
            assert_memory_equal(out.p, f->out.p, f->out.n);
        else
            assert_int_equal(out.n, 0);
        free(storage);
    }
}

static void text_without_memory_is_an_error_not_an_empty_field(void **state)
{
    fixture *f = *state;
    char storage[4];
    candor_tally tally;
    candor_buf_init_fixed(&f->s.scratch, storage, sizeof(storage));
    assert_int_equal(support_json(&f->s, event(f, "Error"),
                                  CANDOR_LIT("{\"message\":\"a longer text\"}"), &f->out, &tally),
                     CANDOR_NOMEM);
    assert_int_equal(f->out.n, 0);
    memset(&f->s.scratch, 0, sizeof(f->s.scratch));
    candor_buf_init_fixed(&f->s.spare, storage, sizeof(storage));
    assert_int_equal(support_json(&f->s, event(f, "Error"),
                                  CANDOR_LIT("{\"message\":\"a \\n longer\"}"), &f->out, &tally),
                     CANDOR_NOMEM);
    assert_int_equal(support_json(&f->s, event(f, "Error"), CANDOR_LIT("{\"message\":\"plain\"}"),
                                  &f->out, &tally),
                     CANDOR_OK); /* the next value is not held against it */
    memset(&f->s.spare, 0, sizeof(f->s.spare));
}

/* --- typed ----------------------------------------------------------------------------------- */

typedef struct staging {
    unsigned char *p;
    uint32_t heap_end;
    uint64_t present;
} staging;

static void put_u32(staging *a, size_t at, uint32_t v)
{
    memcpy(a->p + at, &v, sizeof(v));
}

static void seal(staging *a)
{
    put_u32(a, 8, (uint32_t)a->present);
    put_u32(a, 12, (uint32_t)(a->present >> 32));
    put_u32(a, 28, a->heap_end);
}

static staging new_staging(void)
{
    staging a = {.p = calloc(1, CANDOR_TYPED_SIZE), .heap_end = CANDOR_TYPED_HEAP_AT};
    assert_non_null(a.p);
    seal(&a);
    return a;
}

static size_t slot_at(unsigned field)
{
    return CANDOR_TYPED_SLOTS_AT + (size_t)field * 8;
}

static void set_number(staging *a, unsigned field, double v)
{
    memcpy(a->p + slot_at(field), &v, sizeof(v));
    a->present |= UINT64_C(1) << field;
    seal(a);
}

static void set_string(staging *a, unsigned field, const char *text, uint32_t flags)
{
    uint32_t n = (uint32_t)strlen(text);
    memcpy(a->p + a->heap_end, text, n);
    put_u32(a, slot_at(field), a->heap_end);
    put_u32(a, slot_at(field) + 4, n | flags);
    a->heap_end += (n + 7) & ~7u;
    a->present |= UINT64_C(1) << field;
    seal(a);
}

static candor_status run_typed(fixture *f, const char *name, const staging *a, candor_tally *tally)
{
    memset(tally, 0, sizeof(*tally));
    candor_buf_clear(&f->out);
    return candor_sanitise_typed(&f->s, event(f, name), a->p, CANDOR_TYPED_SIZE, &f->out, tally);
}

static void typed_chat_turn_equals_its_json(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    staging a = new_staging();
    set_number(&a, 0, 1200);
    set_number(&a, 1, 3400.4);
    set_number(&a, 2, 2);
    set_number(&a, 3, 812.25);
    set_number(&a, 4, -1);
    assert_int_equal(run_typed(f, "ChatTurn", &a, &tally), CANDOR_OK);
    assert_text(&f->out, "{\"promptLength\":1200,\"responseLength\":3400,\"model\":\"gpt-4o\","
                         "\"latencyMs\":812.25,\"tokenCount\":0}");
    assert_int_equal(tally.n[CANDOR_ADJUST_CLAMPED], 1);
    free(a.p);
}

static void typed_absent_fields_are_left_out_and_refused_ones_counted(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    staging a = new_staging();
    set_number(&a, 4, 7);
    put_u32(&a, 16, 3);
    assert_int_equal(run_typed(f, "ChatTurn", &a, &tally), CANDOR_OK);
    assert_text(&f->out, "{\"tokenCount\":7}");
    assert_int_equal(tally.n[CANDOR_ADJUST_BAD_TYPE], 3);
    put_u32(&a, 16, UINT32_MAX);
    assert_int_equal(run_typed(f, "ChatTurn", &a, &tally), CANDOR_OK);
    assert_int_equal(tally.n[CANDOR_ADJUST_BAD_TYPE], CANDOR_FIELDS_MAX);
    free(a.p);
}

static void typed_unknown_enum_and_not_a_number_are_counted(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    staging a = new_staging();
    double nan = strtod("nan", NULL);
    set_number(&a, 0, nan);
    set_number(&a, 2, -1);
    set_number(&a, 3, nan);
    assert_int_equal(run_typed(f, "ChatTurn", &a, &tally), CANDOR_OK);
    assert_text(&f->out, "{\"model\":\"other\"}");
    assert_int_equal(tally.n[CANDOR_ADJUST_BAD_TYPE], 2);
    assert_int_equal(tally.n[CANDOR_ADJUST_ENUM_OTHER], 1);
    set_number(&a, 2, nan);
    assert_int_equal(run_typed(f, "ChatTurn", &a, &tally), CANDOR_OK);
    assert_int_equal(tally.n[CANDOR_ADJUST_ENUM_OTHER], 1);
    free(a.p);
}

static void typed_strings_pass_the_same_rules(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    staging a = new_staging();
    set_string(&a, 0, "TypeError", 0);
    set_string(&a, 1, "mail anna@example.com", 0);
    set_string(&a, 3, "half of a secr", CANDOR_TYPED_CUT);
    assert_int_equal(run_typed(f, "Error", &a, &tally), CANDOR_OK);
    assert_text(
        &f->out,
        "{\"errorType\":\"TypeError\",\"message\":\"mail <email>\",\"context\":\"half of a \"}");
    assert_int_equal(tally.n[CANDOR_ADJUST_REDACTED], 1);
    assert_int_equal(tally.n[CANDOR_ADJUST_TRUNCATED], 1);
    free(a.p);
}

static void typed_list_elements_are_slots(void **state)
{
    fixture *f = *state;
    candor_tally tally;
    staging a = new_staging();
    double elements[3] = {0, 9, -1};
    memcpy(a.p + a.heap_end, elements, sizeof(elements));
    put_u32(&a, slot_at(0), a.heap_end);
    put_u32(&a, slot_at(0) + 4, 3);
    a.heap_end += (uint32_t)sizeof(elements);
    a.present |= 1;
    seal(&a);
    assert_int_equal(run_typed(f, "install", &a, &tally), CANDOR_OK);
    assert_text(&f->out, "{\"targets\":[\"vscode\",\"cli\",\"other\"]}");
    free(a.p);
}

/* A script can write anything into the area. */
static void typed_offsets_outside_the_area_are_refused(void **state)
{
    static const struct {
        uint32_t at, len, heap_end;
    } bad[] = {
        {0, 4, 600},
        {CANDOR_TYPED_HEAP_AT - 1, 1, 600},
        {CANDOR_TYPED_HEAP_AT, 57, 600},
        {601, 0, 600},
        {UINT32_MAX, 1, 600},
        {CANDOR_TYPED_HEAP_AT, 0x7fffffff, 600},
        {CANDOR_TYPED_HEAP_AT, 1, CANDOR_TYPED_SIZE + 1},
        {CANDOR_TYPED_HEAP_AT, 1, CANDOR_TYPED_HEAP_AT - 1},
        {CANDOR_TYPED_HEAP_AT, 1, UINT32_MAX},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (unsigned list = 0; list < 2; list++) {
            candor_tally tally;
            staging a = new_staging();
            put_u32(&a, slot_at(0), bad[i].at);
            put_u32(&a, slot_at(0) + 4, bad[i].len);
            a.heap_end = bad[i].heap_end;
            a.present = 1;
            seal(&a);
            assert_int_equal(run_typed(f, list ? "install" : "Error", &a, &tally), CANDOR_INVALID);
            assert_int_equal(f->out.n, 0);
            free(a.p);
        }
    }
}

static void typed_area_shorter_than_its_header_is_refused(void **state)
{
    fixture *f = *state;
    candor_tally tally = {{0}};
    staging a = new_staging();
    const candor_event_def *def = event(f, "ChatTurn");
    assert_int_equal(candor_sanitise_typed(&f->s, def, a.p, 100, &f->out, &tally), CANDOR_INVALID);
    assert_int_equal(candor_sanitise_typed(&f->s, def, NULL, 0, &f->out, &tally), CANDOR_INVALID);
    free(a.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_last_of_a_duplicate_key_counts, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(json_escapes_are_decoded_before_the_rules, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(json_syntax_error_names_line_and_column, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(json_every_cut_payload_is_refused, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(json_nesting_is_bounded, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(json_text_larger_than_the_redactor_reads_is_cut_and_counted,
                                        fixture_up, fixture_down),
        cmocka_unit_test(json_escaped_text_that_is_cut_loses_its_last_word),
        cmocka_unit_test(payload_over_the_limit_leaves_out_unchanged),
        cmocka_unit_test(content_never_enters_a_payload),
        cmocka_unit_test_setup_teardown(a_buffer_that_just_fits_takes_the_same_payload, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(a_full_buffer_fails_and_stays_as_it_was, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(text_without_memory_is_an_error_not_an_empty_field,
                                        fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(typed_chat_turn_equals_its_json, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(typed_absent_fields_are_left_out_and_refused_ones_counted,
                                        fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(typed_unknown_enum_and_not_a_number_are_counted, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(typed_strings_pass_the_same_rules, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(typed_list_elements_are_slots, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(typed_offsets_outside_the_area_are_refused, fixture_up,
                                        fixture_down),
        cmocka_unit_test_setup_teardown(typed_area_shorter_than_its_header_is_refused, fixture_up,
                                        fixture_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
