/* GDPR mode: nothing is recorded, and nothing but the consent file is left. */
#include "client/client_test.h"

static candor_status set_gdpr(candor_client *c, bool on, answer *a)
{
    answer_init(a);
    candor_set_gdpr(c, on, on_answer, a);
    return answer_wait(a);
}

static void only_consent_is_left(const char *dir)
{
    char last[CANDOR_PATH_MAX] = "";
    unsigned n = count_files(dir, ".", last);
    if (n != 1) fail_msg("%u entries, one is %s", n, last);
    assert_true(file_exists(dir, "consent"));
}

static char *user_of(candor_client *c, char out[64])
{
    char *text = status_text(c);
    (void)snprintf(out, 64, "%.32s", json_at(text, NULL, "user_id") + 1);
    free(text);
    return out;
}

static void gdpr_deletes_every_file_but_consent(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    ping_many(c, 5);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    ping_many(c, 4);
    put_file(*state, "quarantine/1700000000000-state.db", "damaged");
    put_file(*state, "ledger.jsonl", "{}");
    put_file(*state, "rollup.lock", "");
    make_subdir(*state, "sent");
    put_file(*state, "sent/0198c0de-0000-7000-8000-000000000000.jsonl.gz", "x");
    assert_int_equal(set_gdpr(c, true, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "purged"), 9);
    only_consent_is_left(*state);
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
    assert_true(status_has(c, "\"enabled\":false,\"decided_by\":\"gdpr\""));
    assert_true(status_has(c, "\"gdpr\":true"));
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_close(c, 100);
    only_consent_is_left(*state);
    c = open_with(*state, ""); /* it is stored */
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
    assert_true(status_has(c, "\"decided_by\":\"gdpr\""));
    assert_int_equal(upload(c, &a), CANDOR_CANCELLED);
    assert_int_equal(purge(c, &a), CANDOR_OK);
    candor_close(c, 100);
    only_consent_is_left(*state);
}

static void without_gdpr_it_records_again_as_somebody_new(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    char before[64], after[64], session[64], next[64];
    (void)user_of(c, before);
    session_of(c, session);
    assert_int_equal(set_gdpr(c, true, &a), CANDOR_OK);
    assert_int_equal(set_gdpr(c, false, &a), CANDOR_OK);
    ping_many(c, 3); /* on return */
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "spool", "events"), 3);
    assert_string_not_equal(before, user_of(c, after)); /* the salt that made it is gone */
    session_of(c, next);
    assert_string_not_equal(session, next);
    candor_close(c, 100);
    c = open_with(*state, "");
    assert_string_equal(after, user_of(c, before)); /* the new salt is on the disk */
    candor_close(c, 100);
}

static void gdpr_reaches_other_clients(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    candor_waker *pause = NULL;
    answer r;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    setenv("TELEMETRY_ENABLED", "1", 1);
    candor_client *sure = open_with(*state, "");
    clear_environment();
    ping_many(b, 3);
    assert_int_equal(set_gdpr(a, true, &r), CANDOR_OK);
    for (int i = 0; i < WAIT_MS && (atomic_load(&b->enabled) || atomic_load(&sure->enabled)); i++)
        candor_waker_sleep(pause, 1);
    assert_int_equal(ping(sure, 1), CANDOR_EMIT_DISABLED); /* above TELEMETRY_ENABLED */
    assert_int_equal(flush(b, &r), CANDOR_OK);
    candor_close(sure, 100);
    candor_close(b, 100);
    candor_close(a, 100);
    only_consent_is_left(*state);
    candor_waker_free(pause);
}

/* It holds open files that are deleted by now. */
static void a_client_that_slept_through_gdpr_begins_afresh(void **state)
{
    candor_client *a = open_with(*state, ""), *b = open_with(*state, "");
    pause_point p;
    answer r;
    ping_many(b, 3);
    pause_begin(b, &p);
    assert_int_equal(set_gdpr(a, true, &r), CANDOR_OK);
    assert_int_equal(set_gdpr(a, false, &r), CANDOR_OK);
    assert_int_equal(ping(b, 1), CANDOR_EMIT_DISABLED);
    candor_latch_open(p.go);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    ping_many(b, 2);
    assert_int_equal(flush(b, &r), CANDOR_OK);
    pause_free(&p);
    candor_close(b, 100);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    assert_int_equal(status_number(a, "spool", "events"), 2);
    candor_close(a, 100);
}

static void the_option_deletes_at_open_and_keeps_it_so(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    ping_many(c, 6);
    candor_close(c, 10000);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    c = open_with(*state, ",\"gdpr\":true");
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    only_consent_is_left(*state);
    candor_close(c, 100);
    only_consent_is_left(*state);
    c = open_with(*state, ""); /* it was the host's, and is not stored */
    assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
    candor_close(c, 100);
}

static void the_option_makes_no_directory(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_client *c = open_with(in_dir(*state, "none", path), ",\"gdpr\":true");
    assert_int_equal(ping(c, 1), CANDOR_EMIT_DISABLED);
    assert_true(status_has(c, "\"decided_by\":\"gdpr\""));
    candor_close(c, 100);
    assert_int_equal(count_files(*state, ".", NULL), 0);
}

static void the_option_spares_what_living_others_buffered(void **state)
{
    candor_client *other = open_with(*state, "");
    answer a;
    ping_many(other, 3);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    candor_client *c = open_with(*state, ",\"gdpr\":true");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_close(c, 100);
    assert_int_equal(count_files(*state, "spool", NULL), 1);
    ping_many(other, 1);
    candor_close(other, 100);
}

static void files_of_others_stay(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    ping_many(c, 1);
    put_file(*state, "mine.txt", "x");
    put_file(*state, "spool/mine.txt", "x");
    assert_int_equal(set_gdpr(c, true, &a), CANDOR_OK);
    candor_close(c, 100);
    assert_true(file_exists(*state, "mine.txt"));
    assert_true(file_exists(*state, "spool/mine.txt"));
    assert_int_equal(count_files(*state, ".", NULL), 3);
}

static void who_only_looks_deletes_nothing(void **state)
{
    candor_client *c = open_with(*state, "");
    answer a;
    assert_int_equal(set_gdpr(c, true, &a), CANDOR_OK);
    candor_close(c, 100);
    put_file(*state, "salt", "left by somebody");
    c = open_with(*state, ",\"inspect\":true");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_close(c, 100);
    assert_true(file_exists(*state, "salt"));
    c = open_with(*state, "");
    candor_close(c, 100);
    only_consent_is_left(*state);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(gdpr_deletes_every_file_but_consent),
        WITH_DIR(without_gdpr_it_records_again_as_somebody_new),
        WITH_DIR(gdpr_reaches_other_clients),
        WITH_DIR(a_client_that_slept_through_gdpr_begins_afresh),
        WITH_DIR(the_option_deletes_at_open_and_keeps_it_so),
        WITH_DIR(the_option_makes_no_directory),
        WITH_DIR(the_option_spares_what_living_others_buffered),
        WITH_DIR(files_of_others_stay),
        WITH_DIR(who_only_looks_deletes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
