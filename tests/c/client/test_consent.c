/* Consent: who decides, and what off means. */
#include "client/client_test.h"

#define DNT(v) .do_not_track = (v)
#define ENV(v) .telemetry_enabled = (v)

#define LEVELS(host, user)                                                                         \
    .has_level = true, .host_level = CANDOR_PRIVACY_##host, .stored_level = CANDOR_PRIVACY_##user

typedef struct consent_case {
    candor_consent_inputs in;
    bool enabled;
    const char *source;
} consent_case;

static void precedence_is_as_required(void **state)
{
    (void)state;
    static const consent_case cases[] = {
        {{.default_on = true}, true, "default"},
        {{.default_on = false}, false, "default"},
        {{.stored = CANDOR_CHOICE_ON}, true, "stored"},
        {{.stored = CANDOR_CHOICE_OFF, .default_on = true}, false, "stored"},
        {{.stored = CANDOR_CHOICE_UNREADABLE, .default_on = true}, false, "stored"},
        {{.host_off = true, .default_on = true}, false, "host"},
        {{.host_off = true, .stored = CANDOR_CHOICE_ON, .default_on = true}, false, "host"},
        /* a host that says yes decides nothing */
        {{.host_off = false, .stored = CANDOR_CHOICE_OFF, .default_on = true}, false, "stored"},
        {{ENV("0"), .stored = CANDOR_CHOICE_ON, .default_on = true}, false, "TELEMETRY_ENABLED"},
        {{ENV("Off"), .default_on = true}, false, "TELEMETRY_ENABLED"},
        {{ENV("NO"), .default_on = true}, false, "TELEMETRY_ENABLED"},
        {{ENV("1"), .host_off = true}, true, "TELEMETRY_ENABLED"},
        {{ENV("TRUE"), .stored = CANDOR_CHOICE_OFF}, true, "TELEMETRY_ENABLED"},
        {{ENV("yes")}, true, "TELEMETRY_ENABLED"},
        {{ENV("on")}, true, "TELEMETRY_ENABLED"},
        {{ENV("maybe"), .default_on = true}, false, "TELEMETRY_ENABLED"},
        {{ENV(" 1"), .default_on = true}, false, "TELEMETRY_ENABLED"},
        {{ENV(""), .default_on = true}, true, "default"},
        {{DNT("1"), ENV("1"), .stored = CANDOR_CHOICE_ON, .default_on = true},
         false,
         "DO_NOT_TRACK"},
        {{DNT("yes"), .default_on = true}, false, "DO_NOT_TRACK"},
        {{DNT("anything"), .default_on = true}, false, "DO_NOT_TRACK"},
        {{DNT("0"), .default_on = true}, true, "default"},
        {{DNT("False"), .default_on = true}, true, "default"},
        {{DNT(""), .default_on = true}, true, "default"},
        {{DNT("0"), ENV("0"), .default_on = true}, false, "TELEMETRY_ENABLED"},
        {{DNT("1"), .gdpr = true, .default_on = true}, false, "DO_NOT_TRACK"},
        {{.gdpr = true, ENV("1"), .default_on = true}, false, "gdpr"},
        {{.gdpr = true, .host_off = true, .default_on = true}, false, "gdpr"},
        {{LEVELS(ALL, OFF), .default_on = true}, false, "stored"},
        {{LEVELS(ALL, OFF), .stored = CANDOR_CHOICE_ON}, false, "stored"},
        {{LEVELS(OFF, ALL), .default_on = true}, false, "host"},
        {{LEVELS(CRASH, ERROR), .default_on = true}, true, "default"},
        {{LEVELS(OFF, OFF), ENV("1")}, true, "TELEMETRY_ENABLED"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        candor_decision d = candor_consent_decide(&cases[i].in);
        if (d.enabled != cases[i].enabled || strcmp(d.source, cases[i].source) != 0)
            fail_msg("case %zu: %d by %s", i, d.enabled, d.source);
        assert_true(strlen(d.reason) > 10);
    }
}

static void the_lower_level_is_in_force(void **state)
{
    static const struct {
        candor_consent_inputs in;
        candor_privacy level;
    } cases[] = {
        {{LEVELS(ALL, ALL), .default_on = true}, CANDOR_PRIVACY_ALL},
        {{LEVELS(CRASH, ERROR), .default_on = true}, CANDOR_PRIVACY_CRASH},
        {{LEVELS(ALL, ERROR), .default_on = true}, CANDOR_PRIVACY_ERROR},
        {{LEVELS(ALL, ERROR), ENV("1")}, CANDOR_PRIVACY_ERROR},
        {{LEVELS(OFF, ERROR), ENV("1")}, CANDOR_PRIVACY_ERROR}, /* an overruled off narrows not */
        {{LEVELS(ALL, OFF), .default_on = true}, CANDOR_PRIVACY_OFF},
        {{LEVELS(ALL, ALL), DNT("1")}, CANDOR_PRIVACY_OFF},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(candor_consent_decide(&cases[i].in).level, cases[i].level);
}

/* It may hold an "off": what is no choice must not make it readable. */
static void damaged_file_takes_no_level(void **state)
{
    char path[CANDOR_PATH_MAX];
    answer a;
    FILE *f = fopen(in_dir(*state, "consent", path), "w");
    for (int i = 0; i < 64; i++)
        fputc('x', f);
    fclose(f);
    candor_client *c = open_with(*state, "");
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ALL, CANDOR_CONSENT_USER, &a), CANDOR_IO);
    assert_non_null(strstr(a.json, "damaged"));
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
    assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_true(status_has(c, "\"level\":\"all\",\"gdpr\":false"));
    assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
    candor_close(c, 100);
}

static void stored_choice_is_shared_and_survives(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_err err = {0};
    candor_consent *a = NULL, *b = NULL;
    in_dir(*state, "consent", path);
    assert_int_equal(candor_consent_open(path, &a, &err), CANDOR_OK);
    assert_int_equal(candor_consent_open(path, &b, &err), CANDOR_OK);
    uint32_t epoch = candor_consent_epoch(b);
    candor_consent_store(a, CANDOR_CHOICE_OFF);
    assert_int_equal(candor_consent_choice(b), CANDOR_CHOICE_OFF);
    assert_int_not_equal(candor_consent_epoch(b), epoch);
    candor_consent_close(a);
    candor_consent_close(b);
    assert_int_equal(candor_consent_open(path, &a, &err), CANDOR_OK);
    assert_int_equal(candor_consent_choice(a), CANDOR_CHOICE_OFF);
    candor_consent_close(a);
}

static void damaged_choice_is_off_until_chosen_again(void **state)
{
    char path[CANDOR_PATH_MAX];
    FILE *f = fopen(in_dir(*state, "consent", path), "w");
    for (int i = 0; i < 64; i++)
        fputc('x', f);
    fclose(f);
    candor_client *c = open_with(*state, "");
    answer a;
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
    assert_true(status_has(c, "\"decided_by\":\"stored\""));
    assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
    candor_close(c, 100);
}

/* Whatever stands in the file's place: off, said in status, and a choice that is not stored is
 * an error. */
static void unreadable_choice_is_off_and_said(void **state)
{
    char path[CANDOR_PATH_MAX], target[CANDOR_PATH_MAX];
    answer a;
    (void)in_dir(*state, "target", target);
    for (int kind = 0; kind < 2; kind++) {
        (void)in_dir(*state, "consent", path);
        assert_int_equal(kind == 0 ? mkdir(path, 0700) : symlink(target, path), 0);
        candor_client *c = open_with(*state, "");
        assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
        assert_true(status_has(c, "\"decided_by\":\"stored\""));
        assert_true(status_has(c, "cannot be read: taken as off"));
        assert_true(status_has(c, kind == 0 ? "/consent" : "/consent is a symbolic link"));
        assert_int_equal(set_enabled(c, false, CANDOR_CONSENT_USER, &a), CANDOR_IO);
        assert_non_null(strstr(a.json, "cannot be stored"));
        assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_USER, &a), CANDOR_IO);
        assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
        assert_int_equal(remove(path), 0); /* out of the way: the next choice is stored */
        assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_USER, &a), CANDOR_OK);
        assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
        assert_true(status_has(c, "\"worker\":{\"error\":null}"));
        candor_close(c, 100);
        assert_int_equal(access(target, F_OK), -1);
        assert_int_equal(remove(path), 0);
    }
}

static void truncated_choice_is_off_until_chosen_again(void **state)
{
    static const off_t sizes[] = {0, 20, 63};
    char path[CANDOR_PATH_MAX];
    answer a;
    for (size_t i = 0; i < 3; i++) {
        candor_client *c = open_with(*state, "");
        assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_USER, &a), CANDOR_OK);
        candor_close(c, 100);
        assert_int_equal(truncate(in_dir(*state, "consent", path), sizes[i]), 0);
        c = open_with(*state, "");
        assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
        assert_true(status_has(c, "is truncated"));
        assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_USER, &a), CANDOR_OK);
        assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
        candor_close(c, 100);
        c = open_with(*state, "");
        assert_true(status_has(c, "\"decided_by\":\"stored\""));
        assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
        candor_close(c, 100);
    }
}

static void off_purges_and_silences_on_return(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    ping_many(c, 5);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    ping_many(c, 4);
    answer_init(&a);
    candor_set_enabled(c, false, CANDOR_CONSENT_USER, on_answer, &a);
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED); /* before the worker has come round */
    assert_false(candor_enabled(c));
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "purged"), 9);
    assert_int_equal(count_files(*state, "journal", NULL), 0);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(count_files(*state, "quarantine", NULL), 0);
    assert_int_equal(status_number(c, "dropped", "purged"), 9);
    assert_int_equal(status_number(c, NULL, "kept"), 9);
    assert_true(status_has(c, "\"decided_by\":\"stored\""));
    candor_close(c, 100);
    c = open_with(*state, "");
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
    candor_close(c, 100);
}

static void on_again_keeps_on_return(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    ping_many(c, 3);
    candor_set_enabled(c, false, CANDOR_CONSENT_USER, NULL, NULL);
    candor_set_enabled(c, true, CANDOR_CONSENT_USER, NULL, NULL);
    ping_many(c, 2);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "spool", "events"), 2); /* not what was buffered at "off" */
    assert_int_equal(status_number(c, "dropped", "purged"), 3);
    candor_close(c, 100);
}

static void host_narrows_this_process_only(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    answer r;
    assert_int_equal(set_enabled(a, false, CANDOR_CONSENT_HOST, &r), CANDOR_OK);
    assert_int_equal(ping(a, 1), CANDOR_EMIT_DISABLED);
    assert_true(status_has(a, "\"decided_by\":\"host\""));
    assert_int_equal(ping(b, 1), CANDOR_EMIT_KEPT);
    assert_int_equal(set_enabled(a, true, CANDOR_CONSENT_HOST, &r), CANDOR_OK);
    assert_int_equal(ping(a, 1), CANDOR_EMIT_KEPT);
    candor_close(a, 100);
    candor_close(b, 100);
}

static void other_clients_obey_at_their_next_emit(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    answer r;
    ping_many(b, 3);
    assert_int_equal(set_enabled(a, false, CANDOR_CONSENT_USER, &r), CANDOR_OK);
    assert_int_equal(ping(b, 1), CANDOR_EMIT_DISABLED);
    assert_int_equal(flush(b, &r), CANDOR_OK); /* a turn of b's worker: it has purged */
    assert_int_equal(status_number(b, NULL, "pending_journal"), 0);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(count_files(*state, "journal", NULL), 0);
    candor_close(a, 100);
    candor_close(b, 100);
}

static void a_silent_client_with_records_obeys_by_itself(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    candor_waker *pause = NULL;
    answer r;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    ping_many(b, 3);
    assert_int_equal(set_enabled(a, false, CANDOR_CONSENT_USER, &r), CANDOR_OK);
    for (int i = 0; i < WAIT_MS && count_files(*state, "journal", NULL) != 0; i++)
        candor_waker_sleep(pause, 1);
    assert_int_equal(count_files(*state, "journal", NULL), 0);
    candor_waker_free(pause);
    candor_close(a, 100);
    candor_close(b, 100);
}

static void environment_off_creates_nothing(void **state)
{
    char path[CANDOR_PATH_MAX];
    setenv("DO_NOT_TRACK", "1", 1);
    candor_client *c = open_with(in_dir(*state, "none", path), "");
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
    assert_true(status_has(c, "\"decided_by\":\"DO_NOT_TRACK\""));
    candor_close(c, 100);
    assert_int_equal(count_files(*state, ".", NULL), 0);
    clear_environment();
}

static void environment_off_deletes_what_was_buffered(void **state)
{
    candor_client *c = open_with(*state, "");
    ping_many(c, 6);
    candor_close(c, 10000);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    setenv("TELEMETRY_ENABLED", "0", 1);
    c = open_with(*state, "");
    answer a;
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(status_number(c, "dropped", "purged"), 6);
    candor_close(c, 100);
    clear_environment();
}

/* DO_NOT_TRACK, TELEMETRY_ENABLED and the host switch speak for one process. */
static void own_off_spares_what_living_others_buffered(void **state)
{
    candor_client *other = open_with(*state, ""), *c = open_with(*state, "");
    answer a;
    ping_many(other, 3);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    ping_many(other, 2);
    ping_many(c, 4);
    assert_int_equal(set_enabled(c, false, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "purged"), 4);
    assert_int_equal(status_number(c, "dropped", "purged"), 4);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    candor_close(c, 100);
    setenv("DO_NOT_TRACK", "1", 1);
    c = open_with(*state, "");
    clear_environment();
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_close(c, 100);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    assert_int_equal(status_number(other, "spool", "events"), 5);
    candor_close(other, 100);
}

static void stored_off_is_for_everybody(void **state)
{
    candor_client *other = open_with(*state, ""), *c = open_with(*state, "");
    answer a;
    ping_many(other, 3);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    assert_int_equal(set_enabled(c, false, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    candor_close(c, 100);
    candor_close(other, 100);
}

/* The worker stands in a callback meanwhile: it meets both at once. */
static void host_off_and_on(candor_client *c)
{
    pause_point p;
    answer a;
    pause_begin(c, &p);
    candor_set_enabled(c, false, CANDOR_CONSENT_HOST, NULL, NULL);
    answer_init(&a);
    candor_set_enabled(c, true, CANDOR_CONSENT_HOST, on_answer, &a);
    candor_latch_open(p.go);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    pause_free(&p);
}

static void host_off_and_on_again_purges(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    ping_many(c, 3);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    host_off_and_on(c);
    assert_int_equal(status_number(c, "dropped", "purged"), 3);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    candor_close(c, 100);
}

static void host_off_and_on_again_spares_living_others(void **state)
{
    candor_client *other = open_with(*state, ""), *c = open_with(*state, "");
    answer a;
    ping_many(other, 3);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    host_off_and_on(c);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    candor_close(c, 100);
    candor_close(other, 100);
}

typedef struct late_ping {
    candor_client *client;
    candor_latch *latch;
    candor_emit_result result;
} late_ping;

static void ping_when_purged(void *ctx, candor_status st, candor_bytes json)
{
    late_ping *late = ctx;
    (void)st;
    (void)json;
    late->result = ping(late->client, 1);
    candor_latch_open(late->latch);
}

/* The callback runs before the worker's next turn. */
static void purge_leaves_a_journal_to_record_into(void **state)
{
    late_ping late = {.client = open_with(*state, ""), .result = CANDOR_EMIT_FAILED};
    assert_int_equal(candor_latch_new(&late.latch), CANDOR_OK);
    ping_many(late.client, 2);
    candor_purge(late.client, ping_when_purged, &late);
    assert_true(candor_latch_wait(late.latch, WAIT_MS));
    assert_int_equal(late.result, CANDOR_EMIT_KEPT);
    candor_latch_free(late.latch);
    candor_close(late.client, 100);
}

static void purge_deletes_and_recording_goes_on(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    ping_many(c, 5);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    ping_many(c, 2);
    assert_int_equal(purge(c, &a), CANDOR_OK);
    assert_string_equal(a.json, "{\"purged\":7}");
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(flush(c, &a), CANDOR_OK); /* one turn: segments are back */
    assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
    candor_close(c, 100);
}

/* --- the other processes --- */

static bool is_asleep(candor_client *c)
{
    candor_journal_lock(&c->journal);
    bool asleep = c->journal.asleep;
    candor_journal_unlock(&c->journal);
    return asleep;
}

/* Nothing is buffered there, so nothing but the file's change wakes it. */
static void an_idle_client_is_woken_by_off(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    candor_waker *pause = NULL;
    answer r;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    for (int i = 0; i < WAIT_MS && !is_asleep(b); i++)
        candor_waker_sleep(pause, 1);
    uint64_t turns = candor_worker_turns(b);
    assert_int_equal(set_enabled(a, false, CANDOR_CONSENT_USER, &r), CANDOR_OK);
    for (int i = 0; i < WAIT_MS && atomic_load(&b->enabled); i++)
        candor_waker_sleep(pause, 1);
    assert_false(atomic_load(&b->enabled));
    assert_true(candor_worker_turns(b) > turns);
    candor_waker_free(pause);
    candor_close(a, 100);
    candor_close(b, 100);
}

/* What is on the disk is gone when "off" is answered, also of a process that does not come round.
 */
static void off_deletes_the_journals_of_the_living(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    pause_point p;
    answer r;
    ping_many(b, 3);
    pause_begin(b, &p);
    ping_many(b, 2);
    assert_int_equal(set_enabled(a, false, CANDOR_CONSENT_USER, &r), CANDOR_OK);
    assert_int_equal(count_files(*state, "journal", NULL), 0);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    assert_int_equal(ping(b, 1), CANDOR_EMIT_DISABLED);
    candor_latch_open(p.go);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    assert_int_equal(status_number(b, NULL, "pending_journal"), 0);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    pause_free(&p);
    candor_close(a, 100);
    candor_close(b, 100);
}

/* Its journal was deleted: what it accepted into it would not survive. */
static void a_client_that_slept_through_off_keeps_nothing_until_it_has_obeyed(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    pause_point p;
    answer r;
    char before[64], after[64];
    session_of(b, before);
    ping_many(b, 3);
    pause_begin(b, &p);
    ping_many(b, 2);
    assert_int_equal(set_enabled(a, false, CANDOR_CONSENT_USER, &r), CANDOR_OK);
    assert_int_equal(set_enabled(a, true, CANDOR_CONSENT_USER, &r), CANDOR_OK);
    ping_many(a, 4);
    assert_int_equal(ping(b, 1), CANDOR_EMIT_DISABLED);
    candor_latch_open(p.go);
    assert_int_equal(flush(b, &r), CANDOR_OK); /* a turn of b's worker */
    assert_int_equal(ping(b, 1), CANDOR_EMIT_KEPT);
    session_of(b, after);
    assert_string_not_equal(before, after);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    assert_int_equal(flush(a, &r), CANDOR_OK);
    assert_int_equal(status_number(a, "spool", "events"), 5); /* a's four are not b's to delete */
    pause_free(&p);
    candor_close(a, 100);
    candor_close(b, 100);
}

/* The directory's files are the user's, whatever this process's host or environment says. */
static void a_stored_off_deletes_where_it_was_off_already(void **state)
{
    answer a;
    for (int i = 0; i < 3; i++) {
        candor_client *c = open_with(*state, "");
        ping_many(c, 3);
        assert_int_equal(flush(c, &a), CANDOR_OK);
        candor_close(c, 1000);
        assert_int_equal(count_files(*state, "spool", NULL), 1);
        c = open_with(*state, i == 0   ? ",\"inspect\":true,\"hostEnabled\":false"
                              : i == 1 ? ",\"inspect\":true,\"hostLevel\":\"off\""
                                       : ",\"hostLevel\":\"error\"");
        if (i == 2)
            assert_int_equal(set_level(c, CANDOR_PRIVACY_ERROR, CANDOR_CONSENT_USER, &a),
                             CANDOR_OK);
        else
            assert_int_equal(set_enabled(c, false, CANDOR_CONSENT_USER, &a), CANDOR_OK);
        assert_int_equal(count_files(*state, "spool", NULL), 0);
        assert_int_equal(json_number(a.json, NULL, "purged"), 3);
        assert_int_equal(set_enabled(c, true, CANDOR_CONSENT_USER, &a), CANDOR_OK);
        candor_close(c, 1000);
    }
}

/* The stored mode off is an off like any other. */
static void a_client_that_slept_through_mode_off_sends_nothing_from_before(void **state)
{
    static const candor_mode modes[] = {CANDOR_MODE_OFF, CANDOR_MODE_MANUAL};
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    pause_point p;
    answer r;
    pause_begin(b, &p);
    ping_many(b, 2);
    for (size_t i = 0; i < 2; i++) {
        answer_init(&r);
        candor_set_mode(a, modes[i], on_answer, &r);
        assert_int_equal(answer_wait(&r), CANDOR_OK);
    }
    candor_latch_open(p.go);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    pause_free(&p);
    candor_close(a, 100);
    candor_close(b, 100);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
}

static void a_client_that_slept_through_a_lower_level_sends_nothing_from_before(void **state)
{
    static const candor_privacy levels[] = {CANDOR_PRIVACY_ERROR, CANDOR_PRIVACY_ALL};
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    pause_point p;
    answer r;
    pause_begin(b, &p);
    ping_many(b, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(set_level(a, levels[i], CANDOR_CONSENT_USER, &r), CANDOR_OK);
    candor_latch_open(p.go);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    assert_int_equal(count_files(*state, "spool", NULL), 0);
    pause_free(&p);
    candor_close(a, 100);
    candor_close(b, 100);
}

static void on_again_is_a_new_session(void **state)
{
    static const candor_consent_source sources[] = {CANDOR_CONSENT_USER, CANDOR_CONSENT_HOST};
    for (size_t i = 0; i < 2; i++) {
        candor_client *c = open_with(*state, "");
        candor_buf lines = {0};
        char before[64], after[64];
        answer a;
        session_of(c, before);
        assert_int_equal(set_enabled(c, false, sources[i], &a), CANDOR_OK);
        assert_int_equal(set_enabled(c, true, sources[i], &a), CANDOR_OK);
        ping_many(c, 1);
        session_of(c, after);
        assert_string_not_equal(before, after);
        assert_int_equal(candor_preview(c, &lines, NULL), CANDOR_OK);
        candor_buf_put_c(&lines, '\0');
        assert_non_null(strstr(lines.p, after));
        assert_null(strstr(lines.p, before));
        candor_buf_free(&lines);
        assert_int_equal(purge(c, &a), CANDOR_OK);
        candor_close(c, 100);
    }
}

static void purge_reaches_other_clients_journals(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    candor_waker *pause = NULL;
    answer r;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    ping_many(b, 3);
    assert_int_equal(purge(a, &r), CANDOR_OK);
    for (int i = 0; i < WAIT_MS && status_number(b, NULL, "pending_journal") != 0; i++)
        candor_waker_sleep(pause, 1);
    assert_int_equal(status_number(b, "dropped", "purged"), 3);
    assert_int_equal(status_number(b, NULL, "kept"), 3);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    assert_int_equal(ping(b, 1), CANDOR_EMIT_KEPT);
    candor_waker_free(pause);
    candor_close(a, 100);
    candor_close(b, 100);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precedence_is_as_required),
        cmocka_unit_test(the_lower_level_is_in_force),
        WITH_DIR(damaged_file_takes_no_level),
        WITH_DIR(an_idle_client_is_woken_by_off),
        WITH_DIR(off_deletes_the_journals_of_the_living),
        WITH_DIR(a_client_that_slept_through_off_keeps_nothing_until_it_has_obeyed),
        WITH_DIR(on_again_is_a_new_session),
        WITH_DIR(stored_choice_is_shared_and_survives),
        WITH_DIR(damaged_choice_is_off_until_chosen_again),
        WITH_DIR(unreadable_choice_is_off_and_said),
        WITH_DIR(truncated_choice_is_off_until_chosen_again),
        WITH_DIR(off_purges_and_silences_on_return),
        WITH_DIR(on_again_keeps_on_return),
        WITH_DIR(host_narrows_this_process_only),
        WITH_DIR(other_clients_obey_at_their_next_emit),
        WITH_DIR(a_silent_client_with_records_obeys_by_itself),
        WITH_DIR(environment_off_creates_nothing),
        WITH_DIR(environment_off_deletes_what_was_buffered),
        WITH_DIR(own_off_spares_what_living_others_buffered),
        WITH_DIR(stored_off_is_for_everybody),
        WITH_DIR(a_stored_off_deletes_where_it_was_off_already),
        WITH_DIR(a_client_that_slept_through_a_lower_level_sends_nothing_from_before),
        WITH_DIR(a_client_that_slept_through_mode_off_sends_nothing_from_before),
        WITH_DIR(host_off_and_on_again_purges),
        WITH_DIR(host_off_and_on_again_spares_living_others),
        WITH_DIR(purge_leaves_a_journal_to_record_into),
        WITH_DIR(purge_deletes_and_recording_goes_on),
        WITH_DIR(purge_reaches_other_clients_journals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
