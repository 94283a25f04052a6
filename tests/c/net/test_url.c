/* Which endpoints are allowed, and what Retry-After means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/retry_after.h"
#include "net/url.h"

static void expect_url(const char *text, candor_status want, const char *target)
{
    candor_url u;
    candor_err err = {0};
    const candor_status got = candor_url_parse(text, &u, &err);

    if (got != want) fail_msg("%s: %s", text, candor_status_name(got));
    if (got == CANDOR_OK)
        assert_string_equal(u.target, target);
    else
        assert_int_not_equal(err.text[0], '\0');
    candor_url_free(&u);
    assert_int_equal(candor_url_check(text, NULL), want);
}

static void https_goes_anywhere(void **state)
{
    (void)state;
    expect_url("https://collector.example.org/x?y=1", CANDOR_OK, "collector.example.org");
    expect_url("https://collector.example.org:8443", CANDOR_OK, "collector.example.org:8443");
    expect_url("HTTPS://192.0.2.1:443/", CANDOR_OK, "192.0.2.1");
    expect_url("https://[2001:db8::1]:8443/", CANDOR_OK, "[2001:db8::1]:8443");
}

/* The check without libcurl may pass on what it does not know, but must not take anything more. */
static void the_quick_check_takes_nothing_that_libcurl_refuses(void **state)
{
    (void)state;
    expect_url("https://collector.example.org", CANDOR_OK, "collector.example.org");
    expect_url("https://a-b.example.org:65535/t/v1", CANDOR_OK, "a-b.example.org:65535");
    expect_url("http://localhost:4318", CANDOR_OK, "localhost:4318");
    expect_url("http://127.0.0.1:4318/v1", CANDOR_OK, "127.0.0.1:4318");
    expect_url("https://example.org:65536/", CANDOR_INVALID, NULL);
    expect_url("https://example.org:x/", CANDOR_INVALID, NULL);
    expect_url("http://localhostess/", CANDOR_DENIED, NULL);
    expect_url("http://127.0.0.100.example.org/", CANDOR_DENIED, NULL);
}

static void http_goes_to_this_machine_only(void **state)
{
    (void)state;
    expect_url("http://localhost:8080/", CANDOR_OK, "localhost:8080");
    expect_url("http://LOCALHOST/", CANDOR_OK, "LOCALHOST");
    expect_url("http://127.0.0.1:8080/", CANDOR_OK, "127.0.0.1:8080");
    expect_url("http://127.255.255.255/", CANDOR_OK, "127.255.255.255");
    expect_url("http://[::1]:80/", CANDOR_OK, "[::1]");
    expect_url("http://example.org/", CANDOR_DENIED, NULL);
    expect_url("http://192.168.0.1/", CANDOR_DENIED, NULL);
    expect_url("http://0.0.0.0/", CANDOR_DENIED, NULL);
    expect_url("http://[::]/", CANDOR_DENIED, NULL);
    expect_url("http://[::ffff:10.0.0.1]/", CANDOR_DENIED, NULL);
}

static void lookalikes_of_this_machine_are_refused(void **state)
{
    (void)state;
    expect_url("http://127.0.0.1.example.org/", CANDOR_DENIED, NULL);
    expect_url("http://localhost.example.org/", CANDOR_DENIED, NULL);
    expect_url("http://localhos/", CANDOR_DENIED, NULL);
    expect_url("http://127.example.org/", CANDOR_DENIED, NULL);
    expect_url("http://1270.0.0.1/", CANDOR_DENIED, NULL);
    expect_url("http://localhost@example.org/", CANDOR_INVALID, NULL);
    assert_false(candor_url_is_loopback("127.0.0"));
    assert_false(candor_url_is_loopback("127.0.0.256"));
    assert_false(candor_url_is_loopback("127.0.0.1.1"));
    assert_false(candor_url_is_loopback("127.0.0."));
    assert_false(candor_url_is_loopback("127.0000.0.1"));
    assert_false(candor_url_is_loopback(""));
}

static void what_is_no_plain_http_url_is_invalid(void **state)
{
    static const char *const bad[] = {"",
                                      "collector.example.org",
                                      "/x",
                                      "ftp://localhost/",
                                      "file:///etc/passwd",
                                      "gopher://localhost/",
                                      "https://",
                                      "https://user:secret@example.org/",
                                      "https://example.org:99999/",
                                      "https://example.org/\r\nX: y",
                                      "https://exa mple.org/",
                                      "https://[::1/"};
    candor_url u;
    candor_err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_url(bad[i], CANDOR_INVALID, NULL);
    assert_int_equal(candor_url_parse("https://user:secret@example.org/", &u, &err),
                     CANDOR_INVALID);
    assert_null(strstr(err.text, "secret"));
}

/* 2026-11-21T10:00:00Z */
#define NOW_MS INT64_C(1795255200000)

static int64_t retry(const char *value)
{
    return candor_retry_after_parse(candor_bytes_str(value), NOW_MS);
}

static void retry_after_takes_seconds(void **state)
{
    (void)state;
    assert_int_equal(retry("0"), 0);
    assert_int_equal(retry("120"), 120000);
    assert_int_equal(retry(" 7\t"), 7000);
    assert_int_equal(retry("86400"), CANDOR_RETRY_AFTER_MAX_MS);
    assert_int_equal(retry("86401"), CANDOR_RETRY_AFTER_MAX_MS);
    assert_int_equal(retry("99999999999999999999999999999999"), CANDOR_RETRY_AFTER_MAX_MS);
}

static void retry_after_takes_the_three_forms_of_a_date(void **state)
{
    (void)state;
    assert_int_equal(retry("Sat, 21 Nov 2026 10:02:00 GMT"), 120000);
    assert_int_equal(retry("Saturday, 21-Nov-26 10:02:00 GMT"), 120000);
    assert_int_equal(retry("Sat Nov 21 10:02:00 2026"), 120000);
    assert_int_equal(retry("Fri, 20 Nov 2026 10:00:00 GMT"), 0);
    assert_int_equal(retry("Fri, 20 Nov 2126 10:00:00 GMT"), CANDOR_RETRY_AFTER_MAX_MS);
}

static void retry_after_of_anything_else_is_none(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "-1",
                                      "1.5",
                                      "+5",
                                      "0x10",
                                      "1e3",
                                      "tomorrow",
                                      "5 s",
                                      "20261121 10:00",
                                      "Sat, 99 Nov 2026 10:02:00 GMT",
                                      "Sat, 21 Foo 2026 10:02:00 GMT"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (retry(bad[i]) != -1) fail_msg("\"%s\" gave %lld", bad[i], (long long)retry(bad[i]));
    assert_int_equal(candor_retry_after_parse((candor_bytes){0}, NOW_MS), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_goes_anywhere),
        cmocka_unit_test(the_quick_check_takes_nothing_that_libcurl_refuses),
        cmocka_unit_test(http_goes_to_this_machine_only),
        cmocka_unit_test(lookalikes_of_this_machine_are_refused),
        cmocka_unit_test(what_is_no_plain_http_url_is_invalid),
        cmocka_unit_test(retry_after_takes_seconds),
        cmocka_unit_test(retry_after_takes_the_three_forms_of_a_date),
        cmocka_unit_test(retry_after_of_anything_else_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
