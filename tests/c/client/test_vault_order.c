/* What waits for what: attachments for their events, rounds for what they can send, the worker for
 * a key. */
#include "client/vault_test.h"

static const char boom_reply[] = "HTTP/1.1 500 Boom\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 2\r\n\r\n{}";
static const char accepted_reply[] = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
                                     "Content-Length: 28\r\n\r\n{\"accepted\":1,\"stored\":true}";

static candor_client *open_to(const char *dir, const server *s, const char *extra)
{
    char options[256];
    (void)snprintf(options, sizeof options, ",\"endpoint\":\"http://127.0.0.1:%u\"%s", s->port,
                   extra);
    return open_content(dir, options);
}

static void stop(server *s)
{
    server_stop(s);
    candor_buf_free(&s->last);
}

static void set_key(candor_client *c, const char *id, unsigned char fill)
{
    candor_key key = key_of(id, fill);
    assert_int_equal(candor_set_keys(c, &key, 1, NULL), CANDOR_OK);
}

/* Events of the next batch are of a later millisecond than what is there. */
static void next_millisecond(void)
{
    int64_t now = candor_clock_unix_ms();
    while (candor_clock_unix_ms() <= now) {
    }
}

static void move_spool(const char *dir, bool away)
{
    char spool[CANDOR_PATH_MAX], aside[CANDOR_PATH_MAX];
    (void)in_dir(dir, "spool", spool);
    (void)in_dir(dir, "aside", aside);
    if (away) {
        assert_int_equal(rename(spool, aside), 0);
        put_file(dir, "spool", "in the way");
    } else {
        assert_int_equal(unlink(spool), 0);
        assert_int_equal(rename(aside, spool), 0);
    }
}

static void set_mode(candor_client *c, candor_mode mode)
{
    answer a;
    answer_init(&a);
    candor_set_mode(c, mode, on_answer, &a);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
}

/* Milliseconds from now to the next round in mode auto. */
static int64_t next_round_ms(candor_client *c)
{
    int64_t next = 0, now = candor_clock_unix_ms();
    set_mode(c, CANDOR_MODE_AUTO);
    char *text = status_text(c);
    assert_true(candor_time_parse(
        candor_bytes_of(json_at(text, NULL, "next_attempt_at") + 1, CANDOR_TIME_TEXT), &next));
    free(text);
    return next - now;
}

/* --- rounds ---------------------------------------------------------------------------------- */

static void attachments_ask_for_a_round_only_when_nothing_of_theirs_waits(void **state)
{
    rig r;
    candor_key key = key_of("k", 1);
    int64_t now = candor_clock_unix_ms(), seldom = now + 3600000;
    rig_open(&r, *state, RIG "}");
    assert_int_equal(candor_keyring_set(r.vault->keys, &key, 1, NULL), CANDOR_OK);
    put_attachment(&r, 1, "a");
    candor_vault_scan(r.vault);
    assert_int_equal(candor_vault_due_ms(r.vault, 0, seldom), INT64_MAX); /* content is off */
    atomic_store(&r.vault->on, true);
    assert_int_equal(candor_vault_due_ms(r.vault, 0, seldom), 0);
    assert_int_equal(candor_vault_due_ms(r.vault, now - 2 * DAY, seldom), 0);
    assert_int_equal(candor_vault_due_ms(r.vault, now, seldom), INT64_MAX);
    candor_vault_round(r.vault, now - 2 * DAY);
    assert_int_equal(candor_vault_due_ms(r.vault, 0, seldom), seldom);
    candor_vault_round(r.vault, now);
    assert_int_equal(candor_vault_due_ms(r.vault, 0, seldom), 0);
    rig_close(&r);
}

/* uploadIntervalMs is a minute, and a batch whose attempt has failed waits for two at least. */
static void attachments_behind_a_batch_that_is_set_aside_start_no_round(void **state)
{
    server s = {.reply = boom_reply, .after = SERVER_CLOSE};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    turn_on(c, 1);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "pending"), 1);
    assert_int_equal(attachments(*state), 1);
    assert_true(next_round_ms(c) > 110000);
    candor_close(c, 100);
    stop(&s);
}

static void a_locked_batch_beside_one_that_is_set_aside_starts_no_round(void **state)
{
    server s = {.reply = boom_reply, .after = SERVER_CLOSE};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, ",\"encryptSpool\":true");
    turn_on(c, 1);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    set_key(c, "other", 2);
    next_millisecond();
    assert_int_equal(full(c, "hazel"), CANDOR_EMIT_KEPT);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "pending"), 2);
    assert_true(next_round_ms(c) > 110000);
    candor_close(c, 100);
    stop(&s);
}

/* --- after their events ---------------------------------------------------------------------- */

static void an_attachment_waits_for_an_event_that_cannot_be_batched(void **state)
{
    server s = {.reply = accepted_reply};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    turn_on(c, 1);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    move_spool(*state, true);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(vault_number(c, "sent"), 0);
    assert_int_equal(vault_number(c, "pending"), 1);
    move_spool(*state, false);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "uploaded"), 1);
    assert_int_equal(vault_number(c, "sent"), 1);
    assert_int_equal(vault_number(c, "pending"), 0);
    candor_close(c, 100);
    stop(&s);
}

/* A process that lives until it is told to emit and die; forked before there are threads. */
static pid_t doomed(const char *dir, int *go)
{
    int pipes[2];
    char byte = 0;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[1]);
        candor_key key = key_of("k", 1);
        if (read(pipes[0], &byte, 1) != 1) _exit(1);
        candor_client *c = open_content(dir, "");
        if (candor_set_keys(c, &key, 1, NULL) != CANDOR_OK) _exit(2);
        if (full(c, "almond") != CANDOR_EMIT_KEPT) _exit(3);
        kill(getpid(), SIGKILL);
    }
    close(pipes[0]);
    *go = pipes[1];
    return child;
}

static void an_attachment_waits_for_an_event_that_a_dead_process_left(void **state)
{
    server s = {.reply = accepted_reply};
    answer a;
    int go = -1, status = 0;
    pid_t child = doomed(*state, &go);
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    turn_on(c, 1);
    assert_int_equal(flush(c, &a), CANDOR_OK); /* the start is over: what comes is not its past */
    assert_int_equal(write(go, "x", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(go);
    move_spool(*state, true);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(vault_number(c, "sent"), 0);
    assert_int_equal(attachments(*state), 1);
    move_spool(*state, false);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "uploaded"), 1);
    assert_int_equal(vault_number(c, "sent"), 1);
    assert_int_equal(attachments(*state), 0);
    candor_close(c, 100);
    stop(&s);
}

static void an_upload_takes_all_texts_that_were_there_when_it_was_asked_for(void **state)
{
    server s = {.reply = accepted_reply};
    answer a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, "");
    turn_on(c, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
        free(status_text(c)); /* a turn of the worker, which batches nothing yet */
    }
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(vault_number(c, "sent"), 4);
    assert_int_equal(attachments(*state), 0);
    candor_close(c, 100);
    stop(&s);
}

static void closing_makes_files_of_all_texts(void **state)
{
    candor_client *c = open_content(*state, "");
    turn_on(c, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
        free(status_text(c));
    }
    candor_close(c, 10000);
    assert_int_equal(attachments(*state), 4);
    assert_int_equal(count_files(*state, "vault", NULL), 4);
}

/* --- dry run --------------------------------------------------------------------------------- */

static void a_dry_run_names_what_the_round_then_sends(void **state)
{
    const candor_upload_options dry = {.dry_run = true};
    server s = {.reply = accepted_reply};
    answer plan, a;
    server_start(&s);
    candor_client *c = open_to(*state, &s, ",\"encryptSpool\":true");
    turn_on(c, 1);
    assert_int_equal(full(c, "locked"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    set_key(c, "other", 2);
    next_millisecond();
    assert_int_equal(full(c, "hazel"), CANDOR_EMIT_KEPT);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    answer_init(&plan);
    candor_upload_with(c, &dry, on_answer, &plan);
    assert_int_equal(answer_wait(&plan), CANDOR_OK);
    assert_int_equal(json_number(plan.json, NULL, "batches"), 1);
    assert_int_equal(json_number(plan.json, NULL, "events"), 2);
    assert_int_equal(json_number(plan.json, NULL, "attachments"), 2);
    assert_int_equal(vault_number(c, "sent"), 0);
    assert_int_equal(upload(c, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "uploaded"), 1);
    assert_int_equal(json_number(a.json, NULL, "pending"), 1);
    assert_int_equal(vault_number(c, "sent"), 2);
    candor_close(c, 100);
    stop(&s);
}

/* --- without a key --------------------------------------------------------------------------- */

static void events_that_wait_for_a_key_cost_no_wake_up_and_go_on_with_it(void **state)
{
    answer a;
    candor_waker *pause = NULL;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    candor_client *c = open_content(*state, ",\"encryptSpool\":true");
    assert_int_equal(candor_emit(c, CANDOR_LIT("Full"), CANDOR_LIT("{}"), CANDOR_LIT("")),
                     CANDOR_EMIT_LEVEL);
    set_content(c, true, CANDOR_CONSENT_USER);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    assert_int_not_equal(flush(c, &a), CANDOR_OK);
    uint64_t before = 0, end = candor_clock_mono_ns() + WAIT_MS * 1000000ull;
    do { /* what the flush began ends */
        before = candor_worker_turns(c);
        candor_waker_sleep(pause, 300);
    } while (candor_worker_turns(c) != before && candor_clock_mono_ns() < end);
    candor_waker_sleep(pause,
                       2600); /* longer than what is buffered is looked at or tried again in */
    assert_int_equal(candor_worker_turns(c), before);
    set_key(c, "k", 1);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(status_number(c, "spool", "events"), 1);
    candor_waker_free(pause);
    candor_close(c, 100);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(attachments_ask_for_a_round_only_when_nothing_of_theirs_waits),
        WITH_DIR(attachments_behind_a_batch_that_is_set_aside_start_no_round),
        WITH_DIR(a_locked_batch_beside_one_that_is_set_aside_starts_no_round),
        WITH_DIR(an_attachment_waits_for_an_event_that_cannot_be_batched),
        WITH_DIR(an_attachment_waits_for_an_event_that_a_dead_process_left),
        WITH_DIR(an_upload_takes_all_texts_that_were_there_when_it_was_asked_for),
        WITH_DIR(closing_makes_files_of_all_texts),
        WITH_DIR(a_dry_run_names_what_the_round_then_sends),
        WITH_DIR(events_that_wait_for_a_key_cost_no_wake_up_and_go_on_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
