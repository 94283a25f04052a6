/* What an answer means, and how long to wait. */
#include "client/client_test.h"

static candor_verdict judge(int code, const char *body)
{
    candor_verdict v;
    const candor_http_response r = {
        .status = CANDOR_OK, .code = code, .retry_after_ms = -1, .body = candor_bytes_str(body)};
    candor_policy_judge(&r, &v);
    return v;
}

static void only_a_receipt_is_success(void **state)
{
    (void)state;
    candor_verdict v = judge(200, "{\"accepted\":3,\"duplicates\":1,\"rejected\":2}");
    assert_int_equal(v.outcome, CANDOR_UPLOAD_DONE);
    assert_int_equal(v.rejected, 2);
    assert_int_equal(judge(202, "{\"accepted\":0}").outcome, CANDOR_UPLOAD_DONE);
    /* some events were not processed: the whole batch again, the store knows the others */
    assert_int_equal(judge(202, "{\"accepted\":1,\"rejected\":1,\"results\":[{\"index\":0,"
                                "\"status\":\"rejected\",\"reason\":\"failed\"}]}")
                         .outcome,
                     CANDOR_UPLOAD_RETRY);
    assert_int_equal(judge(202, "{\"accepted\":1,\"rejected\":1,\"results\":[{\"index\":0,"
                                "\"status\":\"rejected\",\"reason\":\"unknown_event\"}]}")
                         .outcome,
                     CANDOR_UPLOAD_DONE);
    /* a captive portal */
    assert_int_equal(judge(200, "<html>log in</html>").outcome, CANDOR_UPLOAD_RETRY);
    assert_int_equal(judge(200, "{\"ok\":true}").outcome, CANDOR_UPLOAD_RETRY);
    assert_int_equal(judge(200, "{\"accepted\":\"3\"}").outcome, CANDOR_UPLOAD_RETRY);
    assert_int_equal(judge(200, "{\"accepted\":3").outcome, CANDOR_UPLOAD_RETRY);
    assert_int_equal(judge(200, "").outcome, CANDOR_UPLOAD_RETRY);
}

static void refused_for_good_is_discarded(void **state)
{
    (void)state;
    static const int codes[] = {400, 413, 415, 422};
    for (size_t i = 0; i < 4; i++) {
        char body[128];
        (void)snprintf(body, sizeof body,
                       "{\"type\":\"about:blank\",\"title\":\"x\",\"status\":%d,\"detail\":{}}\n",
                       codes[i]);
        candor_verdict v = judge(codes[i], body);
        assert_int_equal(v.outcome, CANDOR_UPLOAD_DISCARD);
        assert_true(v.error[0] != '\0');
    }
}

static void a_refusal_of_anybody_else_is_tried_again(void **state)
{
    (void)state;
    static const char *const bodies[] = {"",
                                         "<html>400 Bad Request</html>",
                                         "{}",
                                         "{\"type\":\"about:blank\"}",
                                         "{\"status\":400}",
                                         "{\"type\":\"about:blank\",\"status\":413}",
                                         "{\"type\":\"about:blank\",\"status\":\"400\"}",
                                         "{\"type\":1,\"status\":400}",
                                         "[{\"type\":\"about:blank\",\"status\":400}]",
                                         "{\"x\":{\"type\":\"a\",\"status\":400}}",
                                         "{\"type\":\"about:blank\",\"status\":400"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        candor_verdict v = judge(400, bodies[i]);
        if (v.outcome != CANDOR_UPLOAD_RETRY) fail_msg("%s", bodies[i]);
        assert_non_null(strstr(v.error, "not by a collector"));
    }
}

static void everything_else_is_tried_again(void **state)
{
    (void)state;
    static const int codes[] = {301, 401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 599};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        candor_verdict v = judge(codes[i], "{\"accepted\":1}");
        assert_int_equal(v.outcome, CANDOR_UPLOAD_RETRY);
        assert_true(v.error[0] != '\0');
    }
    assert_non_null(strstr(judge(401, "").error, "refused the token"));
    candor_verdict v;
    const candor_http_response r = {
        .status = CANDOR_NET, .retry_after_ms = -1, .error = "no route"};
    candor_policy_judge(&r, &v);
    assert_int_equal(v.outcome, CANDOR_UPLOAD_RETRY);
    assert_string_equal(v.error, "no route");
}

static void backoff_doubles_to_its_cap_with_full_jitter(void **state)
{
    (void)state;
    assert_int_equal(candor_backoff_delay(0, 1000, 3600000, -1, 0.5), 500);
    assert_int_equal(candor_backoff_delay(1, 1000, 3600000, -1, 0.5), 1000);
    assert_int_equal(candor_backoff_delay(4, 1000, 3600000, -1, 0.5), 8000);
    assert_int_equal(candor_backoff_delay(40, 1000, 3600000, -1, 0.5), 1800000);
    assert_int_equal(candor_backoff_delay(INT64_MAX, 1000, 3600000, -1, 0.5), 1800000);
    assert_int_equal(candor_backoff_delay(4, 1000, 3600000, -1, 0.0), 0);
    for (int i = 0; i < 20; i++)
        assert_true(candor_backoff_delay(i, 1000, 3600000, -1, 0.999999) < 3600000);
}

static void retry_after_is_obeyed_when_longer(void **state)
{
    (void)state;
    assert_int_equal(candor_backoff_delay(0, 1000, 3600000, 120000, 0.9), 120000);
    assert_int_equal(candor_backoff_delay(10, 1000, 3600000, 1000, 0.5), 512000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_receipt_is_success),
        cmocka_unit_test(refused_for_good_is_discarded),
        cmocka_unit_test(a_refusal_of_anybody_else_is_tried_again),
        cmocka_unit_test(everything_else_is_tried_again),
        cmocka_unit_test(backoff_doubles_to_its_cap_with_full_jitter),
        cmocka_unit_test(retry_after_is_obeyed_when_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
