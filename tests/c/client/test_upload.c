/* Upload against a real TCP server. */
#include "client/client_test.h"

#define HEAD(status) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n"
static const char ok_reply[] =
    HEAD("200 OK") "Content-Length: 44\r\n\r\n{\"accepted\":4,\"duplicates\":0,\"rejected\":1 }  ";

static bool status_is_without(candor_client *c, const char *what)
{
    char *text = status_text(c);
    bool without = strstr(text, what) == NULL;
    free(text);
    return without;
}

static candor_client *open_to(const char *dir, const server *s, const char *extra)
{
    char options[512];
    (void)snprintf(options, sizeof options,
                   ",\"endpoint\":\"http://127.0.0.1:%u\",\"token\":\"tok\"%s", s->port, extra);
    return open_with(dir, options);
}

static void batch_is_sent_with_its_headers_and_deleted(void **state)
{
    server s = {.reply = ok_reply};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    ping_many(c, 5);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "uploaded"), 1);
    assert_int_equal(json_number(a.json, NULL, "events"), 4);
    assert_int_equal(json_number(a.json, NULL, "pending"), 0);
    assert_non_null(strstr(a.json, "\"error\":null"));
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(status_number(c, "sent", "events"), 4);
    assert_int_equal(status_number(c, "dropped", "refused"), 1);
    assert_true(status_has(c, "\"ok\":true,\"http\":200"));
    candor_close(c, 100);
    server_stop(&s);
    assert_int_equal(s.requests, 1);
    static const char *const parts[] = {"POST /api/v1/events HTTP/1.1",
                                        "Content-Type: application/x-ndjson",
                                        "Content-Encoding: gzip",
                                        "Authorization: Bearer tok",
                                        "Candor-Batch-Id: ",
                                        "Candor-Schema-Hash: ",
                                        "Candor-Machine-Id: ",
                                        "Candor-Sent-At: ",
                                        "Candor-Consent: default;epoch="};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!server_saw(&s, parts[i])) fail_msg("no %s", parts[i]);
    candor_buf_free(&s.last);
}

#define PROBLEM_400                                                                                \
    HEAD("400 Bad Request")                                                                        \
    "Content-Length: 37\r\n\r\n{\"type\":\"about:blank\",\"status\":400 "                          \
    "} "

static void make_batches(candor_client *c, int n)
{
    answer a;
    for (int i = 0; i < n; i++) {
        ping_many(c, 1);
        assert_int_equal(flush(c, &a), CANDOR_OK);
    }
}

/* The connection of the first round was made with the first value. */
static void a_new_request_timeout_holds_from_the_next_request_on(void **state)
{
    server s = {.reply = ""};
    answer a, cut;
    char options[256];
    server_start(&s);
    candor_client *c =
        open_to(*state, &s, ",\"requestTimeoutMs\":3600000,\"stallTimeoutMs\":600000");
    ping_many(c, 1);
    answer_init(&cut);
    candor_upload(c, on_answer, &cut);
    assert_true(candor_latch_wait(s.answered, WAIT_MS));
    assert_int_equal(set_enabled(c, false, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    (void)answer_wait(&cut);
    assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    (void)snprintf(options, sizeof options,
                   "{\"app\":\"testapp\",\"directory\":\"%s\",\"mode\":\"manual\",\"endpoint\":"
                   "\"http://127.0.0.1:%u\",\"token\":\"tok\",\"minFreeDiskBytes\":0,"
                   "\"requestTimeoutMs\":100}",
                   (const char *)*state, s.port);
    answer_init(&a);
    assert_int_equal(candor_configure(c, candor_bytes_str(options), on_answer, &a, NULL),
                     CANDOR_OK);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    ping_many(c, 1);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "pending"), 1);
    candor_close(c, 100);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void refused_batch_is_quarantined_and_counted(void **state)
{
    server s = {.reply = PROBLEM_400};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    ping_many(c, 5);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_non_null(strstr(a.json, "malformed"));
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(count_files(*state, "quarantine", NULL), 1);
    assert_int_equal(status_number(c, "dropped", "refused"), 5);
    assert_int_equal(status_number(c, "spool", "quarantined"), 1);
    candor_close(c, 100);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void a_round_ends_at_the_second_refusal_in_a_row(void **state)
{
    server s = {.reply = PROBLEM_400};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    make_batches(c, 5);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(count_files(*state, "spool", NULL), 3);
    assert_int_equal(status_number(c, "dropped", "refused"), 2);
    candor_close(c, 100);
    server_stop(&s);
    assert_int_equal(s.requests, 2);
    candor_buf_free(&s.last);
}

static void a_proxy_that_refuses_costs_no_batch(void **state)
{
    server s = {.reply = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n"
                         "Content-Length: 13\r\n\r\n<html></html>"};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    make_batches(c, 3);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_non_null(strstr(a.json, "not by a collector"));
    assert_int_equal(count_files(*state, "spool", NULL), 3);
    assert_int_equal(status_number(c, "dropped", "refused"), 0);
    candor_close(c, 100);
    server_stop(&s);
    assert_int_equal(s.requests, 1);
    candor_buf_free(&s.last);
}

static void server_error_keeps_the_batch_and_a_manual_round_goes_on(void **state)
{
    server s = {.reply = HEAD("503 Unavailable") "Content-Length: 2\r\n\r\n{}"};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    ping_many(c, 5);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    ping_many(c, 5);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "uploaded"), 0);
    assert_int_equal(json_number(a.json, NULL, "pending"), 10);
    assert_int_equal(count_files(*state, "spool", NULL), 2);
    assert_true(status_has(c, "\"ok\":false,\"http\":503"));
    candor_close(c, 100);
    server_stop(&s);
    assert_int_equal(s.requests, 2);
    candor_buf_free(&s.last);
}

/* The head batch is answered with 500 whenever it comes; the others must not wait behind it. */
static void failed_batch_waits_longer_than_the_endpoint(void **state)
{
    server s = {.reply = HEAD("500 Boom") "Content-Length: 2\r\n\r\n{}", .after = SERVER_CLOSE};
    candor_waker *pause = NULL;
    char path[CANDOR_PATH_MAX];
    candor_state *db = NULL;
    candor_batch_row row;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    candor_client *c = open_with(*state, "");
    make_batches(c, 2);
    candor_close(c, 100);
    server_start(&s);
    int64_t before = candor_clock_unix_ms();
    c = open_to(*state, &s, ",\"mode\":\"auto\",\"uploadIntervalMs\":600000");
    for (int i = 0; i < WAIT_MS && status_is_without(c, "\"http\":500"); i++)
        candor_waker_sleep(pause, 1);
    candor_close(c, 100);
    assert_int_equal(candor_state_open(in_dir(*state, "state.db", path), &db, NULL), CANDOR_OK);
    assert_int_equal(candor_state_next(db, "", INT64_MAX, true, &row, NULL), CANDOR_OK);
    assert_int_equal(row.retries, 1);
    assert_true(row.next_attempt_ms > before + 2 * 600000);
    assert_true(candor_state_get_number(db, "endpoint_backoff_ms", 0) < before + 600000);
    assert_int_equal(candor_state_next(db, row.id, before, true, &row, NULL), CANDOR_OK);
    assert_int_equal(row.retries, 0);
    candor_state_close(db);
    candor_waker_free(pause);
    server_stop(&s);
    assert_int_equal(s.requests, 1);
    candor_buf_free(&s.last);
}

static void retry_state_is_kept_on_disk(void **state)
{
    server s = {.reply = HEAD("503 Unavailable") "Content-Length: 2\r\n\r\n{}"};
    answer a;
    char path[CANDOR_PATH_MAX];
    candor_state *db = NULL;
    candor_batch_row row;
    server_start(&s);
    for (int i = 0; i < 3; i++) {
        candor_client *c = open_to(*state, &s, "");
        if (i == 0) ping_many(c, 5);
        assert_int_equal(upload(c, &a), CANDOR_OK);
        candor_close(c, 100);
    }
    assert_int_equal(candor_state_open(in_dir(*state, "state.db", path), &db, NULL), CANDOR_OK);
    assert_int_equal(candor_state_next(db, "", INT64_MAX, true, &row, NULL), CANDOR_OK);
    assert_int_equal(row.retries, 3);
    assert_true(row.next_attempt_ms > 0);
    candor_state_close(db);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void retry_after_holds_the_endpoint_back(void **state)
{
    server s = {.reply = HEAD("429 Slow") "Retry-After: 3600\r\nContent-Length: 2\r\n\r\n{}"};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    ping_many(c, 5);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    candor_close(c, 100);
    c = open_to(*state, &s, ""); /* a restart does not forget it */
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_non_null(strstr(a.json, "asked to wait"));
    candor_close(c, 100);
    server_stop(&s);
    assert_int_equal(s.requests, 1);
    candor_buf_free(&s.last);
}

static void refused_token_is_named(void **state)
{
    server s = {.reply = HEAD("401 Unauthorized") "Content-Length: 2\r\n\r\n{}"};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    ping_many(c, 1);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_non_null(strstr(a.json, "refused the token"));
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    candor_close(c, 100);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void unreachable_collector_keeps_the_batch(void **state)
{
    server s = {.reply = ok_reply};
    answer a;
    server_start(&s);
    server_stop(&s); /* the port is free again */
    candor_client *c = open_to(*state, &s, "");
    ping_many(c, 2);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_null(strstr(a.json, "\"error\":null"));
    assert_int_equal(json_number(a.json, NULL, "pending"), 2);
    candor_close(c, 100);
}

static void auto_mode_uploads_by_itself(void **state)
{
    server s = {.reply = ok_reply};
    candor_waker *pause = NULL;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    server_start(&s);
    candor_client *c = open_to(*state, &s, ",\"mode\":\"auto\",\"batchEvents\":5");
    ping_many(c, 5);
    assert_true(candor_latch_wait(s.answered, WAIT_MS));
    for (int i = 0; i < WAIT_MS && status_number(c, "sent", "batches") == 0; i++)
        candor_waker_sleep(pause, 1);
    assert_int_equal(status_number(c, "sent", "batches"), 1);
    candor_waker_free(pause);
    candor_close(c, 100);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void off_aborts_an_upload_in_flight(void **state)
{
    server s = {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", .after = SERVER_HANG};
    answer up, off;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    ping_many(c, 3);
    answer_init(&up);
    candor_upload(c, on_answer, &up);
    assert_true(candor_latch_wait(s.answered, WAIT_MS));
    assert_int_equal(set_enabled(c, false, CANDOR_CONSENT_USER, &off), CANDOR_OK);
    assert_true(candor_latch_wait(s.gone, WAIT_MS));
    assert_int_equal(answer_wait(&up), CANDOR_CANCELLED);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    candor_close(c, 100);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void close_during_an_upload_keeps_the_batch(void **state)
{
    server s = {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", .after = SERVER_HANG};
    answer up;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    ping_many(c, 3);
    answer_init(&up);
    candor_upload(c, on_answer, &up);
    assert_true(candor_latch_wait(s.answered, WAIT_MS));
    candor_close(c, 1000);
    assert_int_equal(answer_wait(&up), CANDOR_CANCELLED);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void damaged_spool_file_is_quarantined_and_the_rest_sent(void **state)
{
    server s = {.reply = ok_reply};
    answer a;
    char last[CANDOR_PATH_MAX];
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    ping_many(c, 6);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(count_files(*state, "spool", last), 1);
    assert_int_equal(truncate(last, 60), 0);
    ping_many(c, 5);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "uploaded"), 1);
    assert_int_equal(status_number(c, "dropped", "corrupt"), 6);
    assert_int_equal(count_files(*state, "quarantine", NULL), 1);
    candor_close(c, 100);
    server_stop(&s);
    assert_int_equal(s.requests, 1);
    candor_buf_free(&s.last);
}

/* A CA file that cannot be read: no request is made, so nobody is told that data is sent. */
static void notice_waits_for_a_request_that_can_be_made(void **state)
{
    server s = {.reply = ok_reply};
    answer a;
    char path[CANDOR_PATH_MAX];
    server_start(&s);
    int saved = dup(2);
    FILE *f = fopen(in_dir(*state, "stderr", path), "w+");
    dup2(fileno(f), 2);
    candor_client *c = open_to(*state, &s, ",\"notice\":\"stderr\",\"caFile\":\"/nowhere/ca.pem\"");
    ping_many(c, 1);
    (void)upload(c, &a);
    assert_int_equal(status_number(c, "notice", "acknowledged"), 0);
    candor_close(c, 100);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    assert_int_equal(ftell(f), 0);
    fclose(f);
    server_stop(&s);
    assert_int_equal(s.requests, 0);
    assert_null(strstr(a.json, "\"error\":null"));
    candor_buf_free(&s.last);
}

static void notice_is_one_line_on_stderr_once(void **state)
{
    server s = {.reply = ok_reply};
    answer a;
    char path[CANDOR_PATH_MAX], text[1024] = "";
    server_start(&s);
    int saved = dup(2);
    FILE *f = fopen(in_dir(*state, "stderr", path), "w+");
    dup2(fileno(f), 2);
    for (int i = 0; i < 2; i++) {
        candor_client *c = open_to(*state, &s, ",\"notice\":\"stderr\"");
        ping_many(c, 1);
        (void)upload(c, &a);
        candor_close(c, 100);
    }
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    rewind(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    server_stop(&s);
    assert_true(n > 0);
    assert_ptr_equal(strchr(text, '\n'), text + n - 1);
    assert_non_null(strstr(text, "testapp sends anonymous usage data to 127.0.0.1"));
    assert_non_null(strstr(text, "DO_NOT_TRACK=1"));
    assert_int_equal(s.requests, 2);
    candor_buf_free(&s.last);
}

static void without_endpoint_upload_says_so(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    ping_many(c, 1);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_non_null(strstr(a.json, "no endpoint is set"));
    assert_int_equal(json_number(a.json, NULL, "pending"), 1);
    candor_close(c, 100);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(batch_is_sent_with_its_headers_and_deleted),
        WITH_DIR(a_new_request_timeout_holds_from_the_next_request_on),
        WITH_DIR(refused_batch_is_quarantined_and_counted),
        WITH_DIR(a_round_ends_at_the_second_refusal_in_a_row),
        WITH_DIR(a_proxy_that_refuses_costs_no_batch),
        WITH_DIR(server_error_keeps_the_batch_and_a_manual_round_goes_on),
        WITH_DIR(failed_batch_waits_longer_than_the_endpoint),
        WITH_DIR(retry_state_is_kept_on_disk),
        WITH_DIR(retry_after_holds_the_endpoint_back),
        WITH_DIR(refused_token_is_named),
        WITH_DIR(unreachable_collector_keeps_the_batch),
        WITH_DIR(auto_mode_uploads_by_itself),
        WITH_DIR(off_aborts_an_upload_in_flight),
        WITH_DIR(close_during_an_upload_keeps_the_batch),
        WITH_DIR(damaged_spool_file_is_quarantined_and_the_rest_sent),
        WITH_DIR(notice_is_one_line_on_stderr_once),
        WITH_DIR(notice_waits_for_a_request_that_can_be_made),
        WITH_DIR(without_endpoint_upload_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
