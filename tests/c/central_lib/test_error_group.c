#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "central/error_group.h"
#include "central/server.h"

static candor_schema *catalogue(void)
{
    candor_schema *s = NULL;
    candor_err err = {0};
    assert_int_equal(candor_schema_compile(candor_builtin_schema(), "built in", &s, &err),
                     CANDOR_OK);
    return s;
}

static void group(const candor_schema *s, const char *type, const char *payload,
                  char out[CANDOR_ERROR_GROUP_TEXT])
{
    const candor_event_def *def = candor_schema_event(s, candor_bytes_str(type));
    assert_true(candor_is_error(def));
    assert_int_equal(candor_error_group(def, candor_bytes_str(payload), out), CANDOR_OK);
}

static bool same(const candor_schema *s, const char *type, const char *a, const char *b)
{
    char x[CANDOR_ERROR_GROUP_TEXT], y[CANDOR_ERROR_GROUP_TEXT];
    group(s, type, a, x);
    group(s, type, b, y);
    return memcmp(x, y, CANDOR_ERROR_GROUP_HASH) == 0;
}

static void what_differs_each_time_does_not_count(void **state)
{
    candor_schema *s = catalogue();
    (void)state;
    assert_true(same(s, "Error", "{\"errorType\":\"E\",\"message\":\"line 12 of 345\"}",
                     "{\"errorType\":\"E\",\"message\":\"line 7 of 9\",\"stackTrace\":\"at x\"}"));
    assert_false(same(s, "Error", "{\"errorType\":\"E\",\"message\":\"one\"}",
                      "{\"errorType\":\"E\",\"message\":\"two\"}"));
    assert_false(same(s, "Error", "{\"errorType\":\"E\"}", "{\"errorType\":\"F\"}"));
    assert_true(same(s, "provider.error",
                     "{\"provider\":\"p\",\"latencyMs\":1,\"code\":\"c\",\"path\":\"aa\"}",
                     "{\"provider\":\"p\",\"latencyMs\":9,\"code\":\"c\",\"path\":\"bb\"}"));
    assert_false(same(s, "error.envelope", "{\"code\":\"c\",\"messageHash\":\"aa\"}",
                      "{\"code\":\"c\",\"messageHash\":\"bb\"}"));
    candor_schema_free(s);
}

static void the_title_is_ids_and_enums_never_a_message(void **state)
{
    candor_schema *s = catalogue();
    char text[CANDOR_ERROR_GROUP_TEXT];
    candor_bytes hash, type, title;
    (void)state;
    group(s, "Error", "{\"errorType\":\"TypeError\",\"message\":\"for your eyes\"}", text);
    assert_null(strstr(text, "eyes"));
    assert_true(candor_error_group_split(candor_bytes_str(text), &hash, &type, &title));
    assert_int_equal(hash.n, CANDOR_ERROR_GROUP_HASH);
    assert_true(candor_bytes_eq(type, CANDOR_LIT("Error")));
    assert_true(candor_bytes_eq(title, CANDOR_LIT("TypeError")));
    group(s, "Error", "{}", text);
    assert_true(candor_error_group_split(candor_bytes_str(text), &hash, &type, &title));
    assert_true(candor_bytes_eq(title, CANDOR_LIT("(none)")));
    candor_schema_free(s);
}

static void an_event_of_any_size_has_a_group(void **state)
{
    candor_schema *s = catalogue();
    candor_buf payload = {0};
    char text[CANDOR_ERROR_GROUP_TEXT];
    int i;
    (void)state;
    candor_buf_put_bytes(&payload, CANDOR_LIT("{\"errorType\":\""));
    for (i = 0; i < 128; i++)
        candor_buf_put_c(&payload, 'E');
    candor_buf_put_bytes(&payload, CANDOR_LIT("\",\"message\":\""));
    for (i = 0; i < 9000; i++)
        candor_buf_put_c(&payload, 'm');
    candor_buf_put_bytes(&payload, CANDOR_LIT("\"}"));
    candor_buf_put(&payload, "", 1);
    group(s, "Error", payload.p, text);
    assert_true(strlen(text) < CANDOR_ERROR_GROUP_TEXT);
    candor_buf_free(&payload);
    candor_schema_free(s);
}

static void a_text_that_is_no_group_is_told(void **state)
{
    candor_bytes hash, type, title;
    (void)state;
    assert_false(candor_error_group_split(CANDOR_LIT("(other)"), &hash, &type, &title));
    assert_false(candor_error_group_split(CANDOR_LIT("00\tError"), &hash, &type, &title));
    assert_false(candor_error_group_split(CANDOR_LIT(""), &hash, &type, &title));
    assert_true(candor_error_group_split(CANDOR_LIT("00\tError\t"), &hash, &type, &title));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_each_time_does_not_count),
        cmocka_unit_test(the_title_is_ids_and_enums_never_a_message),
        cmocka_unit_test(an_event_of_any_size_has_a_group),
        cmocka_unit_test(a_text_that_is_no_group_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
