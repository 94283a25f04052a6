/* Rules, the outbox and its file, and signatures of alerts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "central/alert_outbox.h"

#define DAY_MS INT64_C(86400000)
#define NOW_MS INT64_C(1790000000000)

static const candor_alert_rule *const fast = &candor_alert_rules[CANDOR_ALERT_FAST];

static candor_alert_turn step(candor_alert_state *s, int64_t sessions, int64_t failed)
{
    const candor_slo seen = {sessions, failed};
    return candor_alert_step(fast, s, &seen, 0.99, 20, NOW_MS);
}

static void a_rule_fires_once_and_recovers_after_three_calm_looks(void **state)
{
    candor_alert_state s = {0};
    (void)state;
    assert_int_equal(step(&s, 1000, 143), CANDOR_ALERT_STAYS); /* burns at 14.3 */
    assert_int_equal(step(&s, 1000, 144), CANDOR_ALERT_FIRES);
    assert_int_equal(s.since_ms, NOW_MS);
    assert_int_equal(step(&s, 1000, 1000), CANDOR_ALERT_STAYS);
    assert_int_equal(step(&s, 1000, 0), CANDOR_ALERT_STAYS);
    assert_int_equal(step(&s, 1000, 0), CANDOR_ALERT_STAYS);
    assert_int_equal(step(&s, 1000, 200), CANDOR_ALERT_STAYS); /* counts from the start again */
    assert_int_equal(step(&s, 1000, 0), CANDOR_ALERT_STAYS);
    assert_int_equal(step(&s, 1000, 0), CANDOR_ALERT_STAYS);
    assert_int_equal(step(&s, 1000, 0), CANDOR_ALERT_RECOVERS);
    assert_int_equal(step(&s, 1000, 0), CANDOR_ALERT_STAYS);
}

static void few_sessions_fire_nothing_but_end_what_fires(void **state)
{
    candor_alert_state s = {0};
    (void)state;
    assert_int_equal(step(&s, 19, 19), CANDOR_ALERT_STAYS);
    assert_int_equal(step(&s, 20, 20), CANDOR_ALERT_FIRES);
    assert_int_equal(step(&s, 0, 0), CANDOR_ALERT_STAYS);
    assert_int_equal(step(&s, 0, 0), CANDOR_ALERT_STAYS);
    assert_int_equal(step(&s, 0, 0), CANDOR_ALERT_RECOVERS);
}

/* --- outbox --------------------------------------------------------------------------------- */

typedef struct fixture {
    char dir[64], path[96];
    candor_alert_outbox out, back;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL) return -1;
    snprintf(f->dir, sizeof f->dir, "/tmp/candor-alert-XXXXXX");
    if (mkdtemp(f->dir) == NULL) {
        free(f);
        return -1;
    }
    snprintf(f->path, sizeof f->path, "%s/alerts", f->dir);
    f->out.path = f->path;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    char aside[112];
    snprintf(aside, sizeof aside, "%s.bad", f->path);
    unlink(f->path);
    unlink(aside);
    rmdir(f->dir);
    free(f);
    return 0;
}

static void add(candor_alert_outbox *o, const char *body, int64_t now_ms)
{
    assert_int_equal(candor_alert_add(o, candor_bytes_str(body), now_ms, NULL), CANDOR_OK);
}

static void the_file_gives_back_what_was_saved(void **state)
{
    fixture *f = *state;
    const candor_slo seen = {40, 20};
    candor_buf body = {0};
    f->out.states[CANDOR_ALERT_SLOW] = (candor_alert_state){true, NOW_MS - DAY_MS, 2};
    candor_alert_write(fast, &f->out.states[CANDOR_ALERT_SLOW], CANDOR_ALERT_FIRES, &seen, 0.99,
                       NOW_MS, &body);
    assert_int_equal(candor_alert_add(&f->out, candor_buf_bytes(&body), NOW_MS, NULL), CANDOR_OK);
    candor_alert_again(&f->out.messages[0], 5000, 0.5, NOW_MS);
    assert_int_equal(candor_alert_save(&f->out, NULL), CANDOR_OK);
    assert_int_equal(candor_alert_load(&f->back, f->path, NULL), CANDOR_OK);
    assert_int_equal(f->back.n, 1);
    assert_memory_equal(f->back.states, f->out.states, sizeof f->out.states);
    assert_string_equal(f->back.messages[0].id, f->out.messages[0].id);
    assert_string_equal(f->back.messages[0].body, f->out.messages[0].body);
    assert_int_equal(f->back.messages[0].tries, 1);
    assert_int_equal(f->back.messages[0].next_ms, NOW_MS + 5001);
    candor_buf_free(&body);
}

static void a_cut_or_foreign_file_is_set_aside_and_nothing_is_known(void **state)
{
    static const char *const texts[] = {"", "candor alerts 1", "candor alerts 2\n",
                                        "candor alerts 1\nrule fast_burn 1\n",
                                        "candor alerts 1\nsend x 1 2\n"};
    fixture *f = *state;
    size_t i;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(candor_file_write_durable(f->path, candor_bytes_str(texts[i]), NULL),
                         CANDOR_OK);
        assert_int_equal(candor_alert_load(&f->back, f->path, NULL), CANDOR_OK);
        assert_int_equal(f->back.n, 0);
        assert_false(f->back.states[0].firing);
        assert_int_equal(access(f->path, F_OK), -1);
    }
}

static void the_oldest_of_too_many_alerts_goes_and_is_counted(void **state)
{
    fixture *f = *state;
    char body[32];
    int i;
    for (i = 0; i <= CANDOR_ALERT_WAITING_MAX; i++) {
        snprintf(body, sizeof body, "{\"n\":%d}", i);
        add(&f->out, body, NOW_MS);
    }
    assert_int_equal(f->out.n, CANDOR_ALERT_WAITING_MAX);
    assert_int_equal(f->out.dropped, 1);
    assert_string_equal(f->out.messages[0].body, "{\"n\":1}");
    assert_int_equal(candor_alert_save(&f->out, NULL), CANDOR_OK);
    assert_int_equal(candor_alert_load(&f->back, f->path, NULL), CANDOR_OK);
    assert_int_equal(f->back.n, CANDOR_ALERT_WAITING_MAX);
}

static void an_alert_grows_too_old_after_three_days(void **state)
{
    fixture *f = *state;
    int64_t wait_ms = 60000;
    add(&f->out, "{}", NOW_MS);
    assert_non_null(candor_alert_due(&f->out, NOW_MS + 3 * DAY_MS, &wait_ms));
    assert_null(candor_alert_due(&f->out, NOW_MS + 3 * DAY_MS + 1, &wait_ms));
    assert_int_equal(f->out.n, 0);
    assert_int_equal(f->out.dropped, 1);
}

static void an_alert_waits_its_time_but_not_for_a_clock_that_was_set_back(void **state)
{
    fixture *f = *state;
    int64_t wait_ms = 60000;
    add(&f->out, "{}", NOW_MS);
    candor_alert_again(&f->out.messages[0], -1, 0.5, NOW_MS); /* half of two seconds */
    assert_null(candor_alert_due(&f->out, NOW_MS, &wait_ms));
    assert_int_equal(wait_ms, 1001);
    assert_non_null(candor_alert_due(&f->out, NOW_MS + 1001, &wait_ms));
    assert_non_null(candor_alert_due(&f->out, NOW_MS - 10 * DAY_MS, &wait_ms));
}

/* v1, and the base64 of HMAC-SHA256 over id, time and body, worked out by another program. */
static void signatures_are_those_of_the_standard_webhooks(void **state)
{
    unsigned char secret[CANDOR_ALERT_SECRET];
    char text[CANDOR_ALERT_SECRET_TEXT + 1], signature[64];
    candor_alert_message m = {.id = "msg_1", .body = "{\"test\": 2432232314}"};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof secret; i++)
        secret[i] = (unsigned char)i;
    assert_int_equal(candor_alert_sign(secret, &m, 1614265330, signature), CANDOR_OK);
    candor_alert_secret_text(secret, text);
    assert_string_equal(text, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    assert_string_equal(signature, "v1,GWvjEzx3AphU7wha3hNZPXJnymF9Fg+ZdvPQqWPOjZ0=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_fires_once_and_recovers_after_three_calm_looks),
        cmocka_unit_test(few_sessions_fire_nothing_but_end_what_fires),
        cmocka_unit_test_setup_teardown(the_file_gives_back_what_was_saved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cut_or_foreign_file_is_set_aside_and_nothing_is_known,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_of_too_many_alerts_goes_and_is_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_alert_grows_too_old_after_three_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_alert_waits_its_time_but_not_for_a_clock_that_was_set_back, set_up, tear_down),
        cmocka_unit_test(signatures_are_those_of_the_standard_webhooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
