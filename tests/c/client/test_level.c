/* The privacy level: what is recorded, who narrows, and what happens to what was recorded before.
 */
#include "client/client_test.h"

#define EVENT(name, level)                                                                         \
    "\"" name "\":{\"category\":\"test\",\"level\":\"" level                                       \
    "\",\"owner\":\"test\",\"expires\":\"2099-01-01\",\"purpose\":\"test\",\"fields\":{\"n\":{"    \
    "\"kind\":\"int\",\"min\":0,\"max\":9}}}"
static const char level_schema[] =
    "{\"schema\":\"levels\",\"version\":1,\"notice\":1,\"governance_id\":\"T-1\",\"events\":"
    "{" EVENT("Crash", "crash") "," EVENT("Fault", "error") "," EVENT("Use", "usage") "," EVENT(
        "Text", "content") "}}";

static const char *const types[] = {"Crash", "Fault", "Use", "Text"};

static candor_client *open_levels(const char *dir, const char *extra)
{
    candor_buf options = {0};
    candor_client *c = NULL;
    candor_err err = {0};
    candor_buf_putf(&options,
                    "{\"app\":\"testapp\",\"directory\":\"%s\",\"mode\":\"manual\","
                    "\"batchEvents\":1000,\"batchIntervalMs\":3600000,\"minFreeDiskBytes\":0,"
                    "\"notice\":\"none\"%s}",
                    dir, extra);
    candor_status st =
        candor_open(candor_buf_bytes(&options), candor_bytes_str(level_schema), &c, &err);
    candor_buf_free(&options);
    if (st != CANDOR_OK) fail_msg("candor_open: %s", err.text);
    return c;
}

static candor_emit_result emit(candor_client *c, const char *type)
{
    return candor_emit(c, candor_bytes_str(type), CANDOR_LIT("{\"n\":1}"), CANDOR_LIT(""));
}

/* How many of the four types are kept, lowest level first; the others must say why. */
static int kept_types(candor_client *c)
{
    int kept = 0;
    for (int i = 0; i < 4; i++) {
        candor_emit_result r = emit(c, types[i]);
        if (r == CANDOR_EMIT_KEPT) {
            assert_int_equal(kept, i); /* no higher level without the lower ones */
            kept++;
        } else {
            assert_int_equal(r, CANDOR_EMIT_LEVEL);
        }
    }
    return kept;
}

static void events_above_the_level_are_dropped_and_counted(void **state)
{
    static const candor_privacy levels[] = {CANDOR_PRIVACY_ALL, CANDOR_PRIVACY_ERROR,
                                            CANDOR_PRIVACY_CRASH};
    candor_client *c = open_levels(*state, "");
    answer a;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(set_level(c, levels[i], CANDOR_CONSENT_USER, &a), CANDOR_OK);
        assert_int_equal(kept_types(c), 3 - i);
    }
    assert_int_equal(status_number(c, "dropped", "level"), 1 + 2 + 3);
    assert_int_equal(status_number(c, NULL, "emitted"), 12);
    assert_true(status_has(c, "\"level\":\"crash\""));
    candor_close(c, 100);
}

static void the_host_narrows_and_never_widens(void **state)
{
    candor_client *c = open_levels(*state, ",\"hostLevel\":\"crash\"");
    answer a;
    assert_int_equal(kept_types(c), 1);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ERROR, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(kept_types(c), 1);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ALL, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    assert_int_equal(kept_types(c), 2);
    candor_client *other = open_levels(*state, ""); /* the user's level is every process's */
    assert_int_equal(kept_types(other), 2);
    candor_close(other, 100);
    candor_close(c, 100);
    c = open_levels(*state, "");
    assert_true(status_has(c, "\"level\":\"error\""));
    candor_close(c, 100);
}

static void other_clients_obey_a_level_at_their_next_emit(void **state)
{
    candor_client *a = open_levels(*state, ""), *b = open_levels(*state, "");
    answer r;
    assert_int_equal(set_level(a, CANDOR_PRIVACY_CRASH, CANDOR_CONSENT_USER, &r), CANDOR_OK);
    assert_int_not_equal(emit(b, "Use"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(b, &r), CANDOR_OK); /* a turn of b's worker */
    assert_int_equal(kept_types(b), 1);
    candor_close(a, 100);
    candor_close(b, 100);
}

static void level_off_is_off(void **state)
{
    candor_client *c = open_levels(*state, "");
    answer a;
    (void)kept_types(c);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_OFF, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "purged"), 3);
    assert_int_equal(count_files(*state, "journal", NULL), 0);
    assert_int_equal(emit(c, "Crash"), CANDOR_EMIT_DISABLED);
    assert_true(status_has(c, "\"enabled\":false,\"decided_by\":\"stored\""));
    assert_true(status_has(c, "\"level\":\"off\""));
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ERROR, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(kept_types(c), 2);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_OFF, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    assert_int_equal(emit(c, "Crash"), CANDOR_EMIT_DISABLED);
    assert_true(status_has(c, "\"enabled\":false,\"decided_by\":\"host\""));
    candor_close(c, 100);
}

static void switching_on_ends_a_level_of_off(void **state)
{
    candor_client *c = open_levels(*state, "");
    answer a;
    assert_int_equal(set_level(c, CANDOR_PRIVACY_OFF, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(kept_types(c), 3);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ERROR, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(kept_types(c), 2); /* any other level stays */
    candor_close(c, 100);
}

/* People who narrow the level expect that nothing above it is sent any more. */
static void narrowing_deletes_what_was_recorded_before(void **state)
{
    candor_client *c = open_levels(*state, ""), *other = open_levels(*state, "");
    answer a;
    char before[64], after[64];
    session_of(c, before);
    (void)kept_types(c);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    (void)kept_types(c);
    (void)kept_types(other);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ERROR, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "purged"), 6);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(emit(c, "Crash"), CANDOR_EMIT_KEPT); /* on return */
    assert_int_equal(flush(other, &a), CANDOR_OK);
    assert_int_equal(status_number(other, NULL, "pending_journal"), 0);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "spool", "events"), 1);
    assert_int_equal(status_number(c, "dropped", "purged"), 9);
    session_of(c, after);
    assert_string_equal(before, after); /* recording never ended */
    candor_close(other, 100);
    candor_close(c, 100);
}

static void widening_deletes_nothing(void **state)
{
    candor_client *c = open_levels(*state, ",\"hostLevel\":\"error\"");
    answer a;
    assert_int_equal(kept_types(c), 2);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ALL, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    assert_int_equal(kept_types(c), 3);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "spool", "events"), 5);
    candor_close(c, 100);
}

static void a_host_that_narrows_spares_living_others(void **state)
{
    candor_client *other = open_levels(*state, ""), *c = open_levels(*state, "");
    answer a;
    (void)kept_types(other);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    (void)kept_types(c);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_CRASH, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "purged"), 3);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    assert_int_equal(kept_types(other), 3);
    candor_close(c, 100);
    candor_close(other, 100);
}

/* All options, as candor_configure takes them. */
static void configure(candor_client *c, const char *dir, const char *extra, answer *a)
{
    char options[1024];
    (void)snprintf(options, sizeof options,
                   "{\"app\":\"testapp\",\"directory\":\"%s\",\"mode\":\"manual\","
                   "\"batchEvents\":1000,\"batchIntervalMs\":3600000,\"minFreeDiskBytes\":0,"
                   "\"notice\":\"none\"%s}",
                   dir, extra);
    answer_init(a);
    assert_int_equal(candor_configure(c, candor_bytes_str(options), on_answer, a, NULL), CANDOR_OK);
}

/* The worker stands still meanwhile: it has no part in it. */
static void configuring_a_lower_level_silences_before_the_call_returns(void **state)
{
    candor_client *c = open_levels(*state, "");
    pause_point pause;
    answer a;
    assert_int_equal(kept_types(c), 3);
    pause_begin(c, &pause);
    configure(c, *state, ",\"configLevel\":\"error\"", &a);
    assert_int_not_equal(emit(c, "Use"), CANDOR_EMIT_KEPT);
    candor_latch_open(pause.go);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_string_equal(a.json, "{\"changed\":[\"configLevel\"],\"needs_restart\":[]}");
    assert_int_equal(status_number(c, "dropped", "purged"), 3);
    assert_int_equal(status_number(c, "spool", "events"), 0);
    assert_int_equal(kept_types(c), 2);
    pause_free(&pause);
    candor_close(c, 100);
}

static void configuring_narrows_also_what_is_widened_again_at_once(void **state)
{
    candor_client *c = open_levels(*state, "");
    pause_point pause;
    answer a, b;
    assert_int_equal(kept_types(c), 3);
    pause_begin(c, &pause);
    configure(c, *state, ",\"hostLevel\":\"error\"", &a);
    configure(c, *state, "", &b);
    candor_latch_open(pause.go);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_int_equal(answer_wait(&b), CANDOR_OK);
    assert_int_equal(status_number(c, "dropped", "purged"), 3);
    assert_int_equal(kept_types(c), 3);
    pause_free(&pause);
    candor_close(c, 100);
}

static void configuring_something_else_keeps_what_the_host_has_said_since(void **state)
{
    candor_client *c = open_levels(*state, "");
    answer a;
    assert_int_equal(set_level(c, CANDOR_PRIVACY_CRASH, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    configure(c, *state, ",\"gzipLevel\":9", &a);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_int_equal(kept_types(c), 1);
    configure(c, *state, ",\"configLevel\":\"error\"", &a);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_int_equal(kept_types(c), 1);
    candor_close(c, 100);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(events_above_the_level_are_dropped_and_counted),
        WITH_DIR(the_host_narrows_and_never_widens),
        WITH_DIR(other_clients_obey_a_level_at_their_next_emit),
        WITH_DIR(level_off_is_off),
        WITH_DIR(switching_on_ends_a_level_of_off),
        WITH_DIR(narrowing_deletes_what_was_recorded_before),
        WITH_DIR(widening_deletes_nothing),
        WITH_DIR(a_host_that_narrows_spares_living_others),
        WITH_DIR(configuring_a_lower_level_silences_before_the_call_returns),
        WITH_DIR(configuring_narrows_also_what_is_widened_again_at_once),
        WITH_DIR(configuring_something_else_keeps_what_the_host_has_said_since),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
