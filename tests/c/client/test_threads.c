/* Many threads at once; meant to run under ThreadSanitizer too. */
#include "client/client_test.h"

#define EMITTERS    4
#define PER_EMITTER 3000

typedef struct job {
    candor_client *c;
    _Atomic unsigned *kept, *dropped, *answers;
} job;

static void *emit_many(void *arg)
{
    job *j = arg;
    for (int i = 0; i < PER_EMITTER; i++) {
        if (ping(j->c, i) == CANDOR_EMIT_KEPT)
            atomic_fetch_add(j->kept, 1);
        else
            atomic_fetch_add(j->dropped, 1);
    }
    return NULL;
}

static void count_answer(void *ctx, candor_status st, candor_bytes json)
{
    (void)st;
    (void)json;
    atomic_fetch_add((_Atomic unsigned *)ctx, 1);
}

static void *ask_many(void *arg)
{
    job *j = arg;
    for (int i = 0; i < 40; i++) {
        free(status_text(j->c));
        candor_flush(j->c, count_answer, j->answers);
        candor_upload(j->c, count_answer, j->answers);
    }
    return NULL;
}

static void *toggle(void *arg)
{
    job *j = arg;
    for (int i = 0; i < 20; i++)
        candor_set_enabled(j->c, i % 2 != 0, i % 3 == 0 ? CANDOR_CONSENT_HOST : CANDOR_CONSENT_USER,
                           count_answer, j->answers);
    return NULL;
}

static void run_threads(job *j, void *(*fourth)(void *))
{
    pthread_t threads[EMITTERS + 2];
    for (int i = 0; i < EMITTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, emit_many, j), 0);
    assert_int_equal(pthread_create(&threads[EMITTERS], NULL, ask_many, j), 0);
    if (fourth != NULL)
        assert_int_equal(pthread_create(&threads[EMITTERS + 1], NULL, fourth, j), 0);
    for (int i = 0; i < EMITTERS + (fourth != NULL ? 2 : 1); i++)
        pthread_join(threads[i], NULL);
}

static void concurrent_emitters_lose_nothing(void **state)
{
    _Atomic unsigned kept = 0, dropped = 0, answers = 0;
    job j = {open_with(*state, ",\"batchEvents\":50"), &kept, &dropped, &answers};
    answer a;
    run_threads(&j, NULL);
    assert_int_equal(kept, EMITTERS * PER_EMITTER);
    assert_int_equal(flush(j.c, &a), CANDOR_OK);
    assert_int_equal(status_number(j.c, "spool", "events"), EMITTERS * PER_EMITTER);
    candor_close(j.c, 5000);
    assert_int_equal(answers, 80); /* each callback exactly once, also at close */
}

static void consent_may_change_at_any_time(void **state)
{
    _Atomic unsigned kept = 0, dropped = 0, answers = 0;
    job j = {open_with(*state, ",\"batchEvents\":50"), &kept, &dropped, &answers};
    answer a;
    run_threads(&j, toggle);
    assert_int_equal(set_enabled(j.c, true, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    assert_int_equal(set_enabled(j.c, true, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    (void)flush(j.c, &a);
    /* every event is somewhere: kept ones in the spool or purged, the others counted */
    long long spooled = status_number(j.c, "spool", "events");
    assert_int_equal(spooled + status_number(j.c, "dropped", "purged"), kept);
    assert_int_equal(status_number(j.c, NULL, "kept"), kept);
    assert_int_equal(status_number(j.c, NULL, "emitted"), kept + dropped);
    candor_close(j.c, 5000);
    assert_int_equal(answers, 100);
}

static char *options_with(const candor_client *c, const char *extra)
{
    char *text = calloc(1, 8192);
    assert_non_null(text);
    (void)snprintf(text, 8192,
                   "{\"app\":\"test\",\"directory\":\"%s\",\"minFreeDiskBytes\":0,"
                   "\"machineId\":\"m\"%s}",
                   c->dir, extra);
    return text;
}

static void *reconfigure(void *arg)
{
    static const char *const extras[] = {
        ",\"endpoint\":\"http://127.0.0.1:9\",\"batchEvents\":7",
        ",\"endpoint\":\"http://127.0.0.1:10/a/longer/one\",\"token\":\"t\"",
        ",\"batchEvents\":90,\"configEnabled\":\"on\",\"mode\":\"manual\""};
    job *j = arg;
    for (int i = 0; i < 30; i++) {
        char *text = options_with(j->c, extras[i % 3]);
        assert_int_equal(
            candor_configure(j->c, candor_bytes_str(text), count_answer, j->answers, NULL),
            CANDOR_OK);
        free(text);
    }
    return NULL;
}

static void settings_may_change_at_any_time(void **state)
{
    _Atomic unsigned kept = 0, dropped = 0, answers = 0;
    job j = {open_with(*state, ",\"batchEvents\":50"), &kept, &dropped, &answers};
    answer a;
    run_threads(&j, reconfigure);
    assert_int_equal(kept, EMITTERS * PER_EMITTER);
    assert_int_equal(flush(j.c, &a), CANDOR_OK);
    assert_int_equal(status_number(j.c, "spool", "events"), EMITTERS * PER_EMITTER);
    assert_true(status_has(j.c, "\"mode\":\"manual\""));
    assert_true(status_has(j.c, "\"endpoint\":null"));
    candor_close(j.c, 5000);
    assert_int_equal(answers, 110);
}

static void configuring_after_close_was_asked_frees_what_it_took(void **state)
{
    _Atomic unsigned answers = 0;
    for (int i = 0; i < 10; i++) {
        candor_client *c = open_with(*state, "");
        char *text = options_with(c, ",\"token\":\"t\"");
        candor_err err = {0};
        assert_int_equal(candor_configure(c, candor_bytes_str(text), count_answer, &answers, NULL),
                         CANDOR_OK);
        assert_int_equal(candor_configure(c, candor_bytes_str("{\"app\":\"test\",\"x\":1}"),
                                          count_answer, &answers, &err),
                         CANDOR_INVALID);
        assert_non_null(strstr(err.text, "\"x\""));
        free(text);
        candor_close(c, 0);
    }
    assert_int_equal(answers, 10);
}

static void *toggle_privacy(void *arg)
{
    job *j = arg;
    for (int i = 0; i < 20; i++) {
        candor_privacy level = (candor_privacy)(i % CANDOR_PRIVACY_COUNT);
        candor_set_level(j->c, level, i % 3 == 0 ? CANDOR_CONSENT_HOST : CANDOR_CONSENT_USER,
                         count_answer, j->answers);
        if (i % 5 == 0) candor_set_gdpr(j->c, i % 2 == 0, count_answer, j->answers);
        if (i % 7 == 0) candor_acknowledge_notice(j->c, count_answer, j->answers);
    }
    return NULL;
}

/* Sessions, salts and storages come and go meanwhile, also of the client that only emits. */
static void levels_and_gdpr_may_change_at_any_time(void **state)
{
    _Atomic unsigned kept = 0, dropped = 0, answers = 0;
    candor_client *other = open_with(*state, ",\"batchEvents\":50");
    job own = {open_with(*state, ",\"batchEvents\":50"), &kept, &dropped, &answers};
    job j = {other, &kept, &dropped, &answers};
    answer a;
    pthread_t fourth;
    assert_int_equal(pthread_create(&fourth, NULL, toggle_privacy, &own), 0);
    run_threads(&j, NULL);
    pthread_join(fourth, NULL);
    answer_init(&a);
    candor_set_gdpr(own.c, false, on_answer, &a);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_int_equal(set_level(own.c, CANDOR_PRIVACY_ALL, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    assert_int_equal(set_level(own.c, CANDOR_PRIVACY_ALL, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    (void)flush(other, &a);
    assert_int_equal(purge(own.c, &a), CANDOR_OK);
    (void)flush(other, &a); /* a turn: it has obeyed the purge */
    assert_int_equal(ping(own.c, 1), CANDOR_EMIT_KEPT);
    assert_int_equal(ping(other, 1), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(own.c, &a), CANDOR_OK);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    assert_int_equal(status_number(own.c, "spool", "events"), 2);
    candor_close(other, 5000);
    candor_close(own.c, 5000);
    assert_int_equal(answers, 80 + 20 + 4 + 3);
}

static void close_answers_what_is_open(void **state)
{
    _Atomic unsigned answers = 0;
    for (int i = 0; i < 20; i++) {
        candor_client *c = open_with(*state, "");
        ping_many(c, 20);
        candor_flush(c, count_answer, &answers);
        candor_upload(c, count_answer, &answers);
        candor_purge(c, count_answer, &answers);
        candor_close(c, i % 2 == 0 ? 0 : 1000);
    }
    assert_int_equal(answers, 60);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(concurrent_emitters_lose_nothing),
        WITH_DIR(consent_may_change_at_any_time),
        WITH_DIR(levels_and_gdpr_may_change_at_any_time),
        WITH_DIR(settings_may_change_at_any_time),
        WITH_DIR(configuring_after_close_was_asked_frees_what_it_took),
        WITH_DIR(close_answers_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
