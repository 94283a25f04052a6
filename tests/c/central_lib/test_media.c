/* Header fields that decide whether full content is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "central/attach_check.h"
#include "central/media.h"

static candor_bytes text(const char *s)
{
    return candor_bytes_str(s);
}

static void consent_covers_content_only_when_it_says_so_once(void **state)
{
    static const char *const yes[] = {"user;epoch=1;content=1", "user;content=1",
                                      " a ; content=1 ",        "user;content=1;level=all",
                                      "user;Content=1",         ";content=1"};
    static const char *const no[] = {"",
                                     "content=1",
                                     "user",
                                     "user;content",
                                     "user;content=",
                                     "user;content=0",
                                     "user;content=10",
                                     "user;content=01",
                                     "user;content =1",
                                     "user;content= 1",
                                     "user;content=1;content=1",
                                     "user;content=1;content=0",
                                     "user;content=0;content=1",
                                     "user;xcontent=1",
                                     "user,content=1",
                                     "user;content=\"1\""};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (!candor_consent_covers_content(text(yes[i]))) fail_msg("refused: %s", yes[i]);
    for (i = 0; i < sizeof no / sizeof no[0]; i++)
        if (candor_consent_covers_content(text(no[i]))) fail_msg("taken: %s", no[i]);
    assert_false(candor_consent_covers_content((candor_bytes){NULL, 0}));
}

static void media_types_ignore_case_and_parameters(void **state)
{
    (void)state;
    assert_true(candor_media_is(text("Text/PLAIN ; charset=x"), "text/plain"));
    assert_true(candor_media_is(text("text/plain"), "text/plain"));
    assert_false(candor_media_is(text("text/plain2"), "text/plain"));
    assert_false(candor_media_is(text("text/plai"), "text/plain"));
    assert_false(candor_media_is(text("charset=text/plain"), "text/plain"));
    assert_false(candor_media_is((candor_bytes){NULL, 0}, "text/plain"));
}

static void charset_is_named_once_quoted_or_not(void **state)
{
    (void)state;
    assert_true(candor_media_has_charset(text("text/plain; charset=utf-8"), "utf-8"));
    assert_true(candor_media_has_charset(text("text/plain;CHARSET=\"UTF-8\""), "utf-8"));
    assert_true(candor_media_has_charset(text("text/plain;a=b;charset=utf-8;c"), "utf-8"));
    assert_false(candor_media_has_charset(text("text/plain"), "utf-8"));
    assert_false(candor_media_has_charset(text("text/plain; charset=utf-16"), "utf-8"));
    assert_false(candor_media_has_charset(text("text/plain; charset="), "utf-8"));
    assert_false(candor_media_has_charset(text("text/plain; charset=\""), "utf-8"));
    assert_false(
        candor_media_has_charset(text("text/plain; charset=utf-8; charset=utf-8"), "utf-8"));
}

static void utf8_is_well_formed_to_the_last_byte(void **state)
{
    static const char *const bad[] = {
        "a\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "ok\xe4\xb8"};
    size_t i;
    (void)state;
    assert_true(candor_utf8_ok((candor_bytes){NULL, 0}));
    assert_true(candor_utf8_ok(CANDOR_LIT("a\0b")));
    assert_true(candor_utf8_ok(CANDOR_LIT("\xc3\xa9\xe4\xb8\x96\xf0\x9f\x98\x80")));
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (candor_utf8_ok(text(bad[i]))) fail_msg("taken: case %zu", i);
}

static void a_content_field_is_found_by_name_or_alias_with_its_largest_size(void **state)
{
    static const char source[] =
        "{\"schema\":\"t\",\"version\":1,\"notice\":1,\"governance_id\":\"G\",\"events\":{"
        "\"A\":{\"category\":\"c\",\"level\":\"content\",\"owner\":\"o\",\"purpose\":\"p\","
        "\"expires\":\"2030-01-01\",\"fields\":{\"theText\":{\"kind\":\"content\",\"maxBytes\":10},"
        "\"plain\":{\"kind\":\"bool\"}}},"
        "\"B\":{\"category\":\"c\",\"level\":\"content\",\"owner\":\"o\",\"purpose\":\"p\","
        "\"expires\":\"2030-01-01\",\"fields\":{\"theText\":{\"kind\":\"content\",\"maxBytes\":30}}"
        "}}}";
    candor_schema *s = NULL;
    candor_bytes name = {NULL, 0};
    candor_err err = {0};
    (void)state;
    if (candor_schema_compile(CANDOR_LIT(source), "test", &s, &err) != CANDOR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(candor_attach_field_max(s, CANDOR_LIT("theText"), &name), 30);
    assert_true(candor_bytes_eq(name, CANDOR_LIT("theText")));
    name = (candor_bytes){NULL, 0};
    assert_int_equal(candor_attach_field_max(s, CANDOR_LIT("the_text"), &name), 30);
    assert_true(candor_bytes_eq(name, CANDOR_LIT("theText")));
    assert_int_equal(candor_attach_field_max(s, CANDOR_LIT("plain"), &name), 0);
    assert_int_equal(candor_attach_field_max(s, CANDOR_LIT("nothing"), &name), 0);
    candor_schema_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consent_covers_content_only_when_it_says_so_once),
        cmocka_unit_test(media_types_ignore_case_and_parameters),
        cmocka_unit_test(charset_is_named_once_quoted_or_not),
        cmocka_unit_test(utf8_is_well_formed_to_the_last_byte),
        cmocka_unit_test(a_content_field_is_found_by_name_or_alias_with_its_largest_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
