/* What the command line asks without a client: who holds what, and what the collector would say. */
#include "client/client_test.h"

#include "client/inspect.h"
#include "client/probe.h"

#define REPLY(status, body) "HTTP/1.1 " status "\r\nDate: Sat, 21 Nov 2026 15:08:30 GMT\r\n" body
#define TAKEN               REPLY("202 Accepted", "Content-Length: 14\r\n\r\n{\"accepted\":0}")

static char *inspected(const char *dir)
{
    candor_buf b = {0};
    assert_int_equal(candor_inspect(dir, &b, NULL), CANDOR_OK);
    candor_buf_put_c(&b, '\0');
    return b.p;
}

static void a_missing_directory_holds_nothing(void **state)
{
    char path[CANDOR_PATH_MAX];
    char *text = inspected(in_dir(*state, "none", path));
    assert_string_equal(text, "{\"segments\":[],\"uploading\":false}");
    free(text);
}

static void a_journal_is_alive_as_long_as_its_process_holds_it(void **state)
{
    make_subdir(*state, "journal");
    put_file(*state, "journal/01a1fd85-1a7b-7102-8300-000000000001.seg", "left");
    put_file(*state, "journal/holiday.jpg", "not ours");
    char *text = inspected(*state);
    assert_string_equal(text,
                        "{\"segments\":[{\"name\":\"01a1fd85-1a7b-7102-8300-000000000001.seg\","
                        "\"alive\":false}],\"uploading\":false}");
    free(text);
    candor_client *c = open_with(*state, "");
    assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
    text = inspected(*state);
    assert_non_null(strstr(text, "\"alive\":true"));
    free(text);
    candor_close(c, WAIT_MS);
    text = inspected(*state);
    assert_null(strstr(text, "\"alive\":true"));
    free(text);
}

static void the_one_who_uploads_is_seen(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_file *lock = NULL;
    assert_int_equal(
        candor_file_open(in_dir(*state, "leader.lock", path), CANDOR_OPEN_READ_WRITE, &lock, NULL),
        CANDOR_OK);
    assert_int_equal(candor_file_try_lock(lock, NULL), CANDOR_OK);
    char *text = inspected(*state);
    assert_non_null(strstr(text, "\"uploading\":true"));
    free(text);
    candor_file_discard(lock);
    text = inspected(*state);
    assert_non_null(strstr(text, "\"uploading\":false"));
    free(text);
}

static char *probed(unsigned port)
{
    char options[256];
    candor_buf b = {0};
    candor_err err = {0};
    (void)snprintf(options, sizeof options,
                   "{\"app\":\"x\",\"token\":\"t\",\"endpoint\":\"http://127.0.0.1:%u\"}", port);
    if (candor_probe(candor_bytes_str(options), CANDOR_LIT("abc"), &b, &err) != CANDOR_OK)
        fail_msg("%s", err.text);
    candor_buf_put_c(&b, '\0');
    return b.p;
}

static void a_collector_is_asked_for_its_health_and_with_an_upload_of_nothing(void **state)
{
    server s = {.reply = TAKEN};
    (void)state;
    server_start(&s);
    char *text = probed(s.port);
    server_stop(&s);
    assert_int_equal(s.requests, 2);
    assert_true(server_saw(&s, "POST /api/v1/events HTTP/1.1\r\n"));
    assert_true(server_saw(&s, "\r\nAuthorization: Bearer t\r\n"));
    assert_true(server_saw(&s, "\r\nCandor-Schema-Hash: abc\r\n"));
    assert_true(server_saw(&s, "\r\n\r\n[]"));
    const char *token = strstr(text, "\"token\":");
    assert_non_null(token);
    assert_non_null(strstr(token, "{\"http\":202,\"error\":null,"
                                  "\"date\":\"Sat, 21 Nov 2026 15:08:30 GMT\","
                                  "\"body\":\"{\\\"accepted\\\":0}\",\"ms\":"));
    free(text);
    candor_buf_free(&s.last);
}

static void a_date_that_is_too_long_is_none(void **state)
{
    server s = {.reply =
                    "HTTP/1.1 200 OK\r\nDate: 0123456789012345678901234567890123456789012345678"
                    "90123456789012345678901234567890\r\nContent-Length: 0\r\n\r\n"};
    (void)state;
    server_start(&s);
    char *text = probed(s.port);
    server_stop(&s);
    assert_non_null(strstr(text, "\"health\":{\"http\":200,\"error\":null,\"date\":null,"));
    free(text);
    candor_buf_free(&s.last);
}

static void where_nobody_answers_the_token_is_not_sent(void **state)
{
    (void)state;
    char *text = probed(1);
    assert_non_null(strstr(text, "\"health\":{\"http\":0,\"error\":\"127.0.0.1:1: cannot connect"));
    assert_non_null(strstr(text, "\"token\":null}"));
    free(text);
}

static void without_an_endpoint_nobody_is_asked_and_a_wrong_option_is_refused(void **state)
{
    candor_buf b = {0};
    candor_err err = {0};
    (void)state;
    clear_environment();
    assert_int_equal(candor_probe(CANDOR_LIT("{\"app\":\"x\"}"), (candor_bytes){0}, &b, &err),
                     CANDOR_OK);
    candor_buf_put_c(&b, '\0');
    assert_string_equal(b.p, "{\"endpoint\":null,\"health\":null,\"token\":null}");
    candor_buf_clear(&b);
    assert_int_equal(
        candor_probe(CANDOR_LIT("{\"app\":\"x\",\"tokn\":\"t\"}"), (candor_bytes){0}, &b, &err),
        CANDOR_INVALID);
    assert_non_null(strstr(err.text, "tokn"));
    candor_buf_free(&b);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_missing_directory_holds_nothing),
        CASE(a_journal_is_alive_as_long_as_its_process_holds_it),
        CASE(the_one_who_uploads_is_seen),
        CASE(a_collector_is_asked_for_its_health_and_with_an_upload_of_nothing),
        CASE(a_date_that_is_too_long_is_none),
        CASE(where_nobody_answers_the_token_is_not_sent),
        CASE(without_an_endpoint_nobody_is_asked_and_a_wrong_option_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
