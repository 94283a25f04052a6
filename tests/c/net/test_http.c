/* One request at a time: what is sent, what is understood, what ends it. */
#include "net/server.h"

#include <poll.h>
#include <time.h>

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void a_post_carries_method_headers_and_body(void **state)
{
    static const candor_http_header headers[] = {{"Authorization", "Bearer secret"},
                                                 {"Content-Type", "application/x-ndjson"},
                                                 {"X-Empty", ""}};
    server s = {.reply = OK_REPLY};
    const candor_http_settings settings = usual_settings();
    candor_http_request r = {.method = "POST", .headers = headers, .n_headers = 3};
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    r.url = c.url;
    r.body = CANDOR_LIT("{\"a\":1}\n");
    assert_int_equal(candor_http_start(c.h, &r, NULL), CANDOR_OK);
    client_finish(&c);
    assert_int_equal(c.r.status, CANDOR_OK);
    assert_int_equal(c.r.code, 200);
    assert_int_equal(c.r.retry_after_ms, -1);
    assert_int_equal(c.r.body.n, 2);
    assert_string_equal(c.r.body.p, "ok");
    assert_string_equal(c.r.error, "");
    client_free(&c);
    server_stop(&s);
    assert_true(server_saw(&s, "POST /api/v1/events HTTP/1.1\r\n"));
    assert_true(server_saw(&s, "\r\nAuthorization: Bearer secret\r\n"));
    assert_true(server_saw(&s, "\r\nContent-Type: application/x-ndjson\r\n"));
    assert_true(server_saw(&s, "\r\nX-Empty:\r\n"));
    assert_true(server_saw(&s, "\r\nUser-Agent: candor-test/1\r\n"));
    assert_true(server_saw(&s, "\r\n\r\n{\"a\":1}\n"));
    candor_buf_free(&s.last);
}

static void libcurl_adds_neither_expect_nor_a_form_type(void **state)
{
    static char body[2000000]; /* over the 1 MB from which libcurl would ask for 100-continue */
    server s = {.reply = OK_REPLY};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    memset(body, 'x', sizeof body);
    body[sizeof body - 1] = '!';
    server_start(&s);
    c = client_with(&settings, s.port);
    assert_int_equal(client_start(&c, "POST", candor_bytes_of(body, sizeof body)), CANDOR_OK);
    client_finish(&c);
    assert_int_equal(c.r.code, 200);
    client_free(&c);
    server_stop(&s);
    assert_true(server_saw(&s, "\r\nContent-Length: 2000000\r\n"));
    assert_false(server_saw(&s, "Expect"));
    assert_false(server_saw(&s, "Content-Type"));
    assert_int_equal(s.last.p[s.last.n - 1], '!');
    candor_buf_free(&s.last);
}

static void a_post_without_body_says_length_0(void **state)
{
    server s = {.reply = OK_REPLY};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    assert_int_equal(client_start(&c, "POST", (candor_bytes){0}), CANDOR_OK);
    client_finish(&c);
    assert_int_equal(c.r.code, 200);
    client_free(&c);
    server_stop(&s);
    assert_true(server_saw(&s, "\r\nContent-Length: 0\r\n"));
    candor_buf_free(&s.last);
}

static void requests_share_a_connection_until_disconnect(void **state)
{
    server s = {.reply = OK_REPLY};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    for (int i = 0; i < 3; i++) {
        client_get(&c);
        assert_int_equal(c.r.status, CANDOR_OK);
    }
    candor_http_disconnect(c.h);
    assert_true(candor_latch_wait(s.gone, 60000));
    client_get(&c);
    assert_int_equal(c.r.status, CANDOR_OK);
    client_free(&c);
    server_stop(&s);
    assert_int_equal(s.requests, 4);
    assert_int_equal(s.connections, 2);
    candor_buf_free(&s.last);
}

static void other_methods_keep_their_names(void **state)
{
    static const char *const methods[] = {"GET", "DELETE", "PUT", "OPTIONS"};
    const candor_http_settings settings = usual_settings();

    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        server s = {.reply = OK_REPLY};
        char line[32];
        client c;

        server_start(&s);
        c = client_with(&settings, s.port);
        assert_int_equal(client_start(&c, methods[i], (candor_bytes){0}), CANDOR_OK);
        client_finish(&c);
        assert_int_equal(c.r.code, 200);
        client_free(&c);
        server_stop(&s);
        (void)snprintf(line, sizeof line, "%s /api", methods[i]);
        assert_memory_equal(s.last.p, line, strlen(line));
        candor_buf_free(&s.last);
    }
}

static int64_t retry_after_of(const char *value, int *code)
{
    char reply[256];
    server s = {.reply = reply};
    const candor_http_settings settings = usual_settings();
    client c;
    int64_t ms;

    (void)snprintf(reply, sizeof reply,
                   "HTTP/1.1 503 Busy\r\nretry-after: %s\r\nContent-Length: 0\r\n\r\n", value);
    server_start(&s);
    c = client_with(&settings, s.port);
    client_get(&c);
    assert_int_equal(c.r.status, CANDOR_OK);
    *code = c.r.code;
    ms = c.r.retry_after_ms;
    client_free(&c);
    server_stop(&s);
    candor_buf_free(&s.last);
    return ms;
}

static void a_503_is_a_complete_answer_with_its_retry_after(void **state)
{
    const time_t soon = time(NULL) + 7200;
    char date[64];
    struct tm tm;
    int64_t ms;
    int code = 0;

    (void)state;
    assert_int_equal(retry_after_of("120", &code), 120000);
    assert_int_equal(code, 503);
    assert_int_equal(retry_after_of("soon", &code), -1);
    assert_true(strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&soon, &tm)) > 0);
    ms = retry_after_of(date, &code);
    assert_true(ms > 0 && ms <= 7200000);
}

static void an_interim_answer_is_not_the_answer(void **state)
{
    server s = {.reply = "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n" OK_REPLY};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    client_get(&c);
    assert_int_equal(c.r.code, 200);
    assert_int_equal(c.r.retry_after_ms, -1);
    client_free(&c);
    server_stop(&s);
    candor_buf_free(&s.last);
}

/* Runs one GET against the script; the sentence must hold `says` and name the host. */
static void fails_with(server *s, const candor_http_settings *settings, candor_status status,
                       const char *says)
{
    client c;

    server_start(s);
    c = client_with(settings, s->port);
    client_get(&c);
    if (c.r.status != status || strstr(c.r.error, says) == NULL)
        fail_msg("status %s, error \"%s\"", candor_status_name(c.r.status), c.r.error);
    assert_non_null(strstr(c.r.error, "127.0.0.1"));
    assert_int_equal(c.r.body.n, 0);
    assert_int_equal(c.r.retry_after_ms, -1);
    client_free(&c);
    server_stop(s);
    candor_buf_free(&s->last);
}

static void a_silent_server_is_cut_by_the_stall_timeout(void **state)
{
    server s = {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .after = SERVER_HANG};
    candor_http_settings settings = usual_settings();

    (void)state;
    settings.stall_timeout_ms = 50;
    fails_with(&s, &settings, CANDOR_TIMEOUT, "no byte moved for 50 ms");
    s = (server){.reply = "", .after = SERVER_HANG};
    fails_with(&s, &settings, CANDOR_TIMEOUT, "no byte moved for 50 ms");
}

static void an_upload_that_nobody_reads_is_cut_by_the_stall_timeout(void **state)
{
    const size_t n = 32u << 20; /* more than the buffers of a loopback connection hold */
    char *body = calloc(1, n);
    server s = {0};
    candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    assert_non_null(body);
    settings.stall_timeout_ms = 50;
    server_listen(&s);
    c = client_with(&settings, s.port);
    assert_int_equal(client_start(&c, "POST", candor_bytes_of(body, n)), CANDOR_OK);
    client_finish(&c);
    assert_int_equal(c.r.status, CANDOR_TIMEOUT);
    assert_non_null(strstr(c.r.error, "no byte moved for 50 ms"));
    client_free(&c);
    (void)close(s.listener);
    free(body);
}

static void an_endless_answer_is_cut_by_the_total_timeout(void **state)
{
    server s = {.reply = "HTTP/1.1 200 OK\r\n\r\n", .after = SERVER_HANG};
    candor_http_settings settings = usual_settings();

    (void)state;
    settings.total_timeout_ms = 50;
    fails_with(&s, &settings, CANDOR_TIMEOUT, "no complete answer in time");
}

static void an_oversize_answer_is_refused(void **state)
{
    server s = {.reply = "HTTP/1.1 200 OK\r\n\r\n",
                .tail = "0123456789012345678901234567890123456789"};
    candor_http_settings settings = usual_settings();

    (void)state;
    fails_with(&s, &settings, CANDOR_LIMIT, "larger than 1000 bytes");
    s = (server){.reply = "HTTP/1.1 200 OK\r\n", .tail = "X-Header: again and again\r\n"};
    fails_with(&s, &settings, CANDOR_LIMIT, "larger than");
}

static void an_answer_of_just_the_limit_is_taken(void **state)
{
    server s = {.reply = OK_REPLY};
    candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    settings.response_max = 2;
    server_start(&s);
    c = client_with(&settings, s.port);
    client_get(&c);
    assert_int_equal(c.r.status, CANDOR_OK);
    assert_int_equal(c.r.body.n, 2);
    client_free(&c);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void a_redirect_is_an_error_and_is_not_followed(void **state)
{
    server s = {.reply = "HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"};
    const candor_http_settings settings = usual_settings();

    (void)state;
    fails_with(&s, &settings, CANDOR_NET, "redirect (307)");
    assert_int_equal(s.requests, 1);
}

static void what_is_not_http_is_an_error(void **state)
{
    static const char binary[] = "\x16\x03\x01\x00\x00garbage\r\n\r\n\x00\x01";
    const candor_http_settings settings = usual_settings();
    server s = {.reply = binary, .reply_n = sizeof binary, .after = SERVER_CLOSE};

    (void)state;
    fails_with(&s, &settings, CANDOR_NET, "not HTTP");
    s = (server){.reply = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ncut",
                 .after = SERVER_CLOSE};
    fails_with(&s, &settings, CANDOR_NET, "cut off");
    s = (server){.reply = "", .after = SERVER_CLOSE};
    fails_with(&s, &settings, CANDOR_NET, "without an answer");
}

static void cancel_closes_the_connection_at_once(void **state)
{
    server s = {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .after = SERVER_HANG};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    assert_int_equal(client_start(&c, "GET", (candor_bytes){0}), CANDOR_OK);
    while (!candor_latch_wait(s.answered, 0))
        assert_false(candor_http_poll(c.h, c.w, 10, &c.r));
    candor_http_cancel(c.h);
    assert_false(candor_http_busy(c.h));
    assert_true(candor_latch_wait(s.gone, 60000)); /* while the client is not driven any more */
    candor_http_cancel(c.h);
    assert_false(candor_http_poll(c.h, c.w, 0, &c.r)); /* no response comes of it */
    client_free(&c);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void after_a_cancel_the_next_request_works(void **state)
{
    server s = {.reply = OK_REPLY};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    assert_int_equal(client_start(&c, "GET", (candor_bytes){0}), CANDOR_OK);
    candor_http_cancel(c.h);
    client_get(&c);
    assert_int_equal(c.r.code, 200);
    assert_string_equal(c.r.body.p, "ok");
    client_free(&c);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void free_closes_what_is_in_flight(void **state)
{
    server s = {.reply = "HTTP/1.1 200 OK\r\n\r\n", .after = SERVER_HANG};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    assert_int_equal(client_start(&c, "GET", (candor_bytes){0}), CANDOR_OK);
    while (!candor_latch_wait(s.answered, 0))
        assert_false(candor_http_poll(c.h, c.w, 10, &c.r));
    client_free(&c);
    assert_true(candor_latch_wait(s.gone, 60000));
    server_stop(&s);
    candor_buf_free(&s.last);
    candor_http_free(NULL);
}

static void a_wake_ends_the_wait_and_the_request_goes_on(void **state)
{
    server s = {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .after = SERVER_HANG};
    const candor_http_settings settings = usual_settings();
    struct pollfd woken = {.events = POLLIN};
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    woken.fd = (int)candor_waker_handle(c.w);
    candor_waker_wake(c.w);
    assert_false(candor_http_poll(c.h, c.w, -1, &c.r)); /* idle: sleeps on the waker only */
    assert_int_equal(client_start(&c, "GET", (candor_bytes){0}), CANDOR_OK);
    while (!candor_latch_wait(s.answered, 0))
        (void)candor_http_poll(c.h, c.w, 10, &c.r);
    candor_waker_wake(c.w);
    assert_false(candor_http_poll(c.h, c.w, -1, &c.r)); /* for ever, were it not for the wake */
    assert_true(candor_http_busy(c.h));
    assert_int_equal(poll(&woken, 1, 0), 0); /* the wake was cleared */
    client_free(&c);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void a_second_request_at_a_time_is_refused(void **state)
{
    server s = {.reply = OK_REPLY};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    assert_int_equal(client_start(&c, "GET", (candor_bytes){0}), CANDOR_OK);
    assert_int_equal(client_start(&c, "GET", (candor_bytes){0}), CANDOR_BUSY);
    client_finish(&c);
    assert_int_equal(c.r.code, 200);
    client_free(&c);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void headers_cannot_smuggle_lines(void **state)
{
    static const candor_http_header bad[] = {{"X-A", "1\r\nX-B: 2"},
                                             {"X-A", "1\nX-B: 2"},
                                             {"X-A", "\x01"},
                                             {"X-A", NULL},
                                             {"X A", "1"},
                                             {"X-A:", "1"},
                                             {"", "1"},
                                             {"X\r\nY", "1"},
                                             {NULL, "1"}};
    const candor_http_settings settings = usual_settings();
    client c = client_with(&settings, 1);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const candor_http_request r = {
            .method = "GET", .url = c.url, .headers = &bad[i], .n_headers = 1};
        assert_int_equal(candor_http_start(c.h, &r, NULL), CANDOR_INVALID);
        assert_false(candor_http_busy(c.h));
    }
    assert_int_equal(client_start(&c, "GE T", (candor_bytes){0}), CANDOR_INVALID);
    assert_int_equal(client_start(&c, "", (candor_bytes){0}), CANDOR_INVALID);
    client_free(&c);
}

static void clear_text_to_another_machine_is_refused_with_advice(void **state)
{
    const candor_http_settings settings = usual_settings();
    const candor_http_request r = {.method = "POST", .url = "http://collector.example.org/x"};
    client c = client_with(&settings, 1);
    candor_err err = {0};

    (void)state;
    assert_int_equal(candor_http_start(c.h, &r, &err), CANDOR_DENIED);
    assert_non_null(strstr(err.text, "collector.example.org"));
    assert_non_null(strstr(err.text, "use https://"));
    assert_false(candor_http_busy(c.h));
    client_free(&c);
}

static void a_refused_connection_says_so(void **state)
{
    server s = {.reply = OK_REPLY};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    server_stop(&s); /* nothing listens on this port now */
    c = client_with(&settings, s.port);
    client_get(&c);
    assert_int_equal(c.r.status, CANDOR_NET);
    assert_int_equal(c.r.code, 0);
    assert_non_null(strstr(c.r.error, "refused"));
    assert_non_null(strstr(c.r.error, "check that the collector runs"));
    client_free(&c);
}

static void an_unknown_name_says_so(void **state)
{
    const candor_http_settings settings = usual_settings();
    client c = client_with(&settings, 1);

    (void)state;
    /* A label of 64 bytes is refused by the resolver itself (RFC 1035 2.3.4): no network needed. */
    (void)snprintf(c.url, sizeof c.url, "https://%064d.invalid/", 0);
    client_get(&c);
    assert_int_equal(c.r.status, CANDOR_NET);
    assert_non_null(strstr(c.r.error, "does not resolve"));
    client_free(&c);
}

static void https_goes_through_the_proxy_and_its_refusal_is_told(void **state)
{
    server s = {.reply = "HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n",
                .after = SERVER_CLOSE};
    candor_http_settings settings = usual_settings();
    char proxy[64];
    client c;

    (void)state;
    server_start(&s);
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", s.port);
    settings.proxy = proxy;
    c = client_with(&settings, 1);
    (void)snprintf(c.url, sizeof c.url, "https://collector.example.org/x");
    client_get(&c);
    assert_int_equal(c.r.status, CANDOR_NET);
    assert_non_null(strstr(c.r.error, "proxy refused with 407"));
    candor_http_free(c.h);

    settings.proxy = NULL; /* then the environment's */
    assert_int_equal(setenv("https_proxy", proxy, 1), 0);
    assert_int_equal(candor_http_new(&settings, &c.h, NULL), CANDOR_OK);
    client_get(&c);
    assert_non_null(strstr(c.r.error, "proxy refused with 407"));
    unsetenv("https_proxy");
    client_free(&c);
    server_stop(&s);
    assert_int_equal(s.connections, 2);
    assert_true(server_saw(&s, "CONNECT collector.example.org:443 HTTP/1.1\r\n"));
    candor_buf_free(&s.last);
}

static void clear_text_on_this_machine_uses_no_proxy(void **state)
{
    server s = {.reply = OK_REPLY};
    candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    settings.proxy = "http://127.0.0.1:1";
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    c = client_with(&settings, s.port);
    client_get(&c);
    assert_int_equal(c.r.code, 200);
    unsetenv("http_proxy");
    client_free(&c);
    server_stop(&s);
    candor_buf_free(&s.last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_post_carries_method_headers_and_body),
        cmocka_unit_test(libcurl_adds_neither_expect_nor_a_form_type),
        cmocka_unit_test(a_post_without_body_says_length_0),
        cmocka_unit_test(requests_share_a_connection_until_disconnect),
        cmocka_unit_test(other_methods_keep_their_names),
        cmocka_unit_test(a_503_is_a_complete_answer_with_its_retry_after),
        cmocka_unit_test(an_interim_answer_is_not_the_answer),
        cmocka_unit_test(a_silent_server_is_cut_by_the_stall_timeout),
        cmocka_unit_test(an_upload_that_nobody_reads_is_cut_by_the_stall_timeout),
        cmocka_unit_test(an_endless_answer_is_cut_by_the_total_timeout),
        cmocka_unit_test(an_oversize_answer_is_refused),
        cmocka_unit_test(an_answer_of_just_the_limit_is_taken),
        cmocka_unit_test(a_redirect_is_an_error_and_is_not_followed),
        cmocka_unit_test(what_is_not_http_is_an_error),
        cmocka_unit_test(cancel_closes_the_connection_at_once),
        cmocka_unit_test(after_a_cancel_the_next_request_works),
        cmocka_unit_test(free_closes_what_is_in_flight),
        cmocka_unit_test(a_wake_ends_the_wait_and_the_request_goes_on),
        cmocka_unit_test(a_second_request_at_a_time_is_refused),
        cmocka_unit_test(headers_cannot_smuggle_lines),
        cmocka_unit_test(clear_text_to_another_machine_is_refused_with_advice),
        cmocka_unit_test(a_refused_connection_says_so),
        cmocka_unit_test(an_unknown_name_says_so),
        cmocka_unit_test(https_goes_through_the_proxy_and_its_refusal_is_told),
        cmocka_unit_test(clear_text_on_this_machine_uses_no_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
