/* The notice gates uploads, never recording; and how uploads say where they come from. */
#include "client/client_test.h"

static const char ok_reply[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n"
    "{\"accepted\":1,\"duplicates\":0,\"rejected\":0 }  ";

static candor_client *open_to(const char *dir, const server *s, const char *extra)
{
    char options[512];
    (void)snprintf(options, sizeof options, ",\"endpoint\":\"http://127.0.0.1:%u\"%s", s->port,
                   extra);
    return open_with(dir, options);
}

static candor_status acknowledge(candor_client *c, answer *a)
{
    answer_init(a);
    candor_acknowledge_notice(c, on_answer, a);
    return answer_wait(a);
}

static void host_notice_holds_uploads_until_acknowledged(void **state)
{
    server s = {.reply = ok_reply};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, ",\"notice\":\"host\"");
    ping_many(c, 1);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_non_null(strstr(a.json, "has not acknowledged notice version 1"));
    assert_int_equal(json_number(a.json, NULL, "pending"), 1); /* recorded and kept */
    assert_true(status_has(c, "\"notice\":{\"version\":1,\"acknowledged\":0,\"waiting\":true}"));
    assert_int_equal(acknowledge(c, &a), CANDOR_OK);
    assert_true(status_has(c, "\"notice\":{\"version\":1,\"acknowledged\":1,\"waiting\":false}"));
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_non_null(strstr(a.json, "\"error\":null"));
    candor_close(c, 100);
    c = open_to(*state, &s, ",\"notice\":\"host\""); /* never asked again */
    ping_many(c, 1);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_non_null(strstr(a.json, "\"error\":null"));
    candor_close(c, 100);
    server_stop(&s);
    assert_int_equal(s.requests, 2);
    candor_buf_free(&s.last);
}

/* The acknowledgement is what starts the round; until then no timer runs for it. */
static void auto_mode_sends_once_acknowledged(void **state)
{
    server s = {.reply = ok_reply};
    answer a;
    server_start(&s);
    candor_client *c =
        open_to(*state, &s, ",\"notice\":\"host\",\"mode\":\"auto\",\"uploadIntervalMs\":10");
    ping_many(c, 1);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_true(status_has(c, "\"next_attempt_at\":null"));
    assert_int_equal(acknowledge(c, &a), CANDOR_OK);
    assert_true(candor_latch_wait(s.answered, WAIT_MS));
    candor_close(c, 100);
    server_stop(&s);
    assert_int_equal(s.requests, 1);
    candor_buf_free(&s.last);
}

static void a_higher_version_gates_again(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_consent *consent = NULL;
    const candor_settings host = {.notice = CANDOR_NOTICE_HOST};
    const candor_settings done = {.notice = CANDOR_NOTICE_NONE};
    in_dir(*state, "consent", path);
    assert_int_equal(candor_consent_open(path, &consent, NULL), CANDOR_OK);
    assert_true(candor_notice_waiting(&host, consent, 1));
    candor_consent_put_notice(consent, 2);
    assert_false(candor_notice_waiting(&host, consent, 1));
    assert_false(candor_notice_waiting(&host, consent, 2));
    assert_true(candor_notice_waiting(&host, consent, 3));
    assert_false(candor_notice_waiting(&done, consent, 3)); /* the host says it has told */
    candor_consent_close(consent);
}

/* What show prints to stderr. */
static size_t shown(const char *dir, candor_consent *consent, uint32_t version)
{
    char endpoint[] = "https://example.com/x", app[] = "testapp", path[CANDOR_PATH_MAX];
    const candor_settings settings = {
        .notice = CANDOR_NOTICE_STDERR, .endpoint = endpoint, .app = app};
    int saved = dup(2);
    FILE *f = fopen(in_dir(dir, "stderr", path), "w+");
    dup2(fileno(f), 2);
    candor_notice_show(&settings, consent, version);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long n = ftell(f);
    fclose(f);
    return (size_t)n;
}

static void stderr_tells_once_a_version(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_consent *a = NULL, *b = NULL;
    in_dir(*state, "consent", path);
    assert_int_equal(candor_consent_open(path, &a, NULL), CANDOR_OK);
    assert_true(shown(*state, a, 1) > 0);
    candor_consent_close(a);
    assert_int_equal(candor_consent_open(path, &b, NULL), CANDOR_OK); /* a later process */
    assert_int_equal(shown(*state, b, 1), 0);
    assert_true(shown(*state, b, 2) > 0);
    assert_int_equal(shown(*state, b, 2), 0);
    candor_consent_close(b);
}

static void clear_ci(void)
{
    static const char *const names[] = {
        "CI",        "CONTINUOUS_INTEGRATION", "BUILD_NUMBER",
        "TF_BUILD",  "GITHUB_ACTIONS",         "GITLAB_CI",
        "BUILDKITE", "TEAMCITY_VERSION",       "CODEBUILD_BUILD_ID"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

static void uploads_of_ci_say_so(void **state)
{
    static const struct {
        const char *ci;
        bool tagged;
    } cases[] = {{NULL, false}, {"true", true}, {"1", true}, {"false", false}, {"0", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server s = {.reply = ok_reply};
        answer a;
        clear_ci();
        if (cases[i].ci != NULL) setenv("CI", cases[i].ci, 1);
        server_start(&s);
        candor_client *c = open_to(*state, &s, "");
        ping_many(c, 1);
        assert_int_equal(upload(c, &a), CANDOR_OK);
        assert_true(status_has(c, cases[i].tagged ? "\"ci\":true" : "\"ci\":false"));
        candor_close(c, 100);
        server_stop(&s);
        assert_int_equal(s.requests, 1);
        assert_int_equal(server_saw(&s, "Candor-Environment: ci\r\n"), cases[i].tagged);
        candor_buf_free(&s.last);
    }
    clear_ci();
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(host_notice_holds_uploads_until_acknowledged),
        WITH_DIR(auto_mode_sends_once_acknowledged),
        WITH_DIR(a_higher_version_gates_again),
        WITH_DIR(stderr_tells_once_a_version),
        WITH_DIR(uploads_of_ci_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
