/* The vault: sealed form, keys, segment, files, and what becomes of them. */
#include "client/vault_test.h"

/* --- keys and the sealed form ---------------------------------------------------------------- */

static void bad_keys_change_nothing(void **state)
{
    (void)state;
    candor_keyring *ring = NULL;
    candor_vault_key got;
    candor_err err = {0};
    candor_key one = key_of("one", 1), twice[2] = {key_of("a", 1), key_of("a", 2)};
    candor_key odd[] = {key_of("", 1), key_of("a b", 1)}, many[CANDOR_KEYS_MAX + 1];
    for (size_t i = 0; i < CANDOR_KEYS_MAX + 1; i++)
        many[i] = one;
    assert_int_equal(candor_keyring_new(&ring), CANDOR_OK);
    assert_false(candor_keyring_current(ring, &got));
    assert_int_equal(candor_keyring_set(ring, &one, 1, &err), CANDOR_OK);
    assert_int_equal(candor_keyring_set(ring, twice, 2, &err), CANDOR_INVALID);
    assert_non_null(strstr(err.text, "same id"));
    assert_int_equal(candor_keyring_set(ring, &odd[0], 1, &err), CANDOR_INVALID);
    assert_int_equal(candor_keyring_set(ring, &odd[1], 1, &err), CANDOR_INVALID);
    assert_int_equal(candor_keyring_set(ring, many, CANDOR_KEYS_MAX + 1, &err), CANDOR_INVALID);
    assert_true(candor_keyring_current(ring, &got));
    assert_memory_equal(got.key, one.key, 32);
    assert_int_equal(candor_keyring_set(ring, NULL, 0, &err), CANDOR_OK);
    assert_true(candor_keyring_empty(ring));
    candor_keyring_free(ring);
}

static void a_seal_opens_with_its_key_only_and_shows_every_damage(void **state)
{
    (void)state;
    candor_keyring *ring = NULL;
    candor_seal seal;
    candor_buf plain = {0};
    const unsigned char id[16] = {7};
    candor_key keys[2] = {key_of("new", 2), key_of("old", 1)};
    candor_key impostor = key_of("old", 9);
    assert_int_equal(candor_keyring_new(&ring), CANDOR_OK);
    assert_int_equal(candor_keyring_set(ring, &keys[1], 1, NULL), CANDOR_OK);
    candor_buf sealed = seal_text(ring, id, CANDOR_LIT("secret text"));
    candor_buf again = seal_text(ring, id, CANDOR_LIT("secret text"));
    candor_bytes in = candor_buf_bytes(&sealed);
    assert_false(candor_bytes_eq(in, candor_buf_bytes(&again))); /* a nonce of its own */
    assert_null(memmem(in.p, in.n, "secret", 6));
    assert_int_equal(candor_keyring_set(ring, keys, 2, NULL), CANDOR_OK);
    assert_int_equal(candor_seal_open(in, ring, &seal, &plain), CANDOR_OK);
    assert_true(candor_bytes_eq(candor_buf_bytes(&plain), CANDOR_LIT("secret text")));
    assert_true(candor_bytes_eq(seal.key_id, CANDOR_LIT("old")));
    assert_true(candor_bytes_eq(seal.field, CANDOR_LIT("promptText")));
    assert_memory_equal(seal.id, id, 16);
    for (size_t i = 0; i < sealed.n; i++) {
        sealed.p[i] ^= 0x10;
        assert_int_not_equal(candor_seal_open(in, ring, &seal, &plain), CANDOR_OK);
        sealed.p[i] ^= 0x10;
    }
    for (size_t n = 0; n < in.n; n++)
        assert_int_equal(candor_seal_open(candor_bytes_of(in.p, n), ring, &seal, &plain),
                         CANDOR_CORRUPT);
    assert_int_equal(candor_keyring_set(ring, &keys[0], 1, NULL), CANDOR_OK);
    assert_int_equal(candor_seal_open(in, ring, &seal, &plain), CANDOR_DENIED);
    assert_int_equal(candor_keyring_set(ring, &impostor, 1, NULL), CANDOR_OK);
    assert_int_equal(candor_seal_open(in, ring, &seal, &plain), CANDOR_DENIED);
    candor_buf_free(&sealed);
    candor_buf_free(&again);
    candor_buf_free(&plain);
    candor_keyring_free(ring);
}

static void names_are_told_from_foreign_ones(void **state)
{
    (void)state;
    assert_true(candor_name_attachment(UUID ".promptText.att"));
    assert_false(candor_name_attachment(UUID "..att"));
    assert_false(candor_name_attachment(UUID ".a.b.att"));
    assert_false(candor_name_attachment(UUID ".a.att.bak"));
    assert_false(candor_name_attachment("x.promptText.att"));
    assert_true(candor_name_vault_segment(UUID ".vseg"));
    assert_false(candor_name_vault_segment(UUID ".seg"));
    assert_true(candor_name_vault_temporary(UUID ".vnew"));
    assert_true(candor_name_vault_temporary(UUID ".promptText.att.12-af0.tmp"));
    assert_false(candor_name_vault_temporary(UUID ".promptText.att"));
    assert_true(candor_name_batch(UUID ".jsonl.gz.enc"));
    assert_true(candor_name_temporary(UUID ".jsonl.gz.enc.12-af0.tmp"));
    assert_true(candor_name_temporary(UUID ".jsonl.gz.12-af0.tmp"));
    assert_true(candor_name_quarantined("17-" UUID ".jsonl.gz.enc"));
}

/* --- the segment ----------------------------------------------------------------------------- */

static void a_segment_gives_back_what_was_appended_and_starts_again(void **state)
{
    candor_vault_segment *s = NULL, *other = NULL;
    candor_bytes got;
    size_t at = 0, next = 0;
    char text[1000];
    assert_int_equal(candor_vault_segment_create(*state, &s, NULL), CANDOR_OK);
    assert_int_equal(candor_vault_segment_take(s->path, &other, NULL), CANDOR_BUSY);
    memset(text, 'x', sizeof text);
    unsigned n = 0;
    while (candor_vault_segment_append(s, candor_bytes_of(text, sizeof text - n % 9)))
        n++;
    assert_true(n > 4000);
    at = (size_t)candor_vault_segment_consumed(s);
    for (unsigned i = 0; i < n; i++, at = next) {
        assert_int_equal(candor_vault_segment_read(s, at, s->tail, &got, &next), CANDOR_OK);
        assert_int_equal(got.n, sizeof text - i % 9);
    }
    assert_int_equal(candor_vault_segment_read(s, at, s->tail, &got, &next), CANDOR_NOTFOUND);
    candor_vault_segment_reset(s);
    at = (size_t)candor_vault_segment_consumed(s);
    assert_true(candor_vault_segment_append(s, CANDOR_LIT("again")));
    assert_int_equal(candor_vault_segment_read(s, at, s->tail, &got, &next), CANDOR_OK);
    assert_true(candor_bytes_eq(got, CANDOR_LIT("again")));
    assert_int_equal(candor_vault_segment_read(s, next, s->map.n, &got, &next), CANDOR_NOTFOUND);
    candor_vault_segment_delete(s);
    assert_int_equal(count_files(*state, ".", NULL), 0);
}

static void a_damaged_record_is_passed_over(void **state)
{
    candor_vault_segment *s = NULL;
    candor_bytes got;
    size_t next = 0;
    assert_int_equal(candor_vault_segment_create(*state, &s, NULL), CANDOR_OK);
    size_t at = (size_t)candor_vault_segment_consumed(s);
    assert_true(candor_vault_segment_append(s, CANDOR_LIT("first")));
    size_t second = s->tail;
    assert_true(candor_vault_segment_append(s, CANDOR_LIT("second")));
    s->map.p[at + 9] ^= 1;
    assert_int_equal(candor_vault_segment_read(s, at, s->tail, &got, &next), CANDOR_CORRUPT);
    assert_int_equal(next, second);
    assert_int_equal(candor_vault_segment_read(s, next, s->tail, &got, &next), CANDOR_OK);
    candor_put_u32(s->map.p + second, 0xfffffff0u);
    assert_int_equal(candor_vault_segment_read(s, second, s->tail, &got, &next), CANDOR_CORRUPT);
    assert_int_equal(next, 0);
    candor_vault_segment_free(s);
}

/* --- clients --------------------------------------------------------------------------------- */

static void content_of_a_killed_process_becomes_files(void **state)
{
    answer a;
    die_with_content(*state, 5);
    assert_int_equal(attachments(*state), 0);
    candor_client *c = open_content(*state, "");
    assert_int_equal(flush(c, &a), CANDOR_OK); /* the past is picked up */
    assert_true(status_has(c, "\"full_content\":{\"enabled\":true,\"decided_by\":\"stored\"}"));
    assert_int_equal(vault_number(c, "locked"), 5); /* its key is not set here yet */
    assert_int_equal(attachments(*state), 5);
    turn_on(c, 1);
    assert_int_equal(vault_number(c, "locked"), 0);
    assert_int_equal(vault_number(c, "pending"), 5);
    candor_close(c, 1000);
    assert_int_equal(attachments(*state), 5);
    assert_int_equal(count_files(*state, "vault", NULL), 5);
}

static void a_start_with_full_content_off_deletes_what_was_left(void **state)
{
    answer a;
    die_with_content(*state, 3);
    candor_client *c = open_content(*state, ",\"inspect\":true,\"fullContent\":false");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_close(c, 100);
    assert_int_equal(count_files(*state, "vault", NULL), 1); /* who only looks deletes nothing */
    c = open_content(*state, ",\"fullContent\":false");
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(dropped(c, "purged"), 3);
    candor_close(c, 100);
    assert_int_equal(count_files(*state, "vault", NULL), 0);
}

static void off_is_obeyed_by_a_process_with_sealed_content(void **state)
{
    candor_client *c = open_content(*state, ""), *other = open_content(*state, "");
    turn_on(c, 1);
    turn_on(other, 1);
    assert_int_equal(full(other, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(vault_number(other, "pending"), 1);
    set_content(c, false, CANDOR_CONSENT_USER);
    while (vault_number(other, "pending") != 0) /* status asks the worker; it polls meanwhile */
        (void)candor_vault_on(other->vault);
    assert_int_equal(dropped(other, "purged"), 1);
    assert_int_equal(full(other, "almond"), CANDOR_EMIT_LEVEL);
    candor_close(other, 100);
    candor_close(c, 100);
    assert_int_equal(count_files(*state, "vault", NULL), 0);
}

static void a_process_that_slept_through_off_sends_no_text_from_before(void **state)
{
    candor_client *c = open_content(*state, ""), *other = open_content(*state, "");
    pause_point p;
    answer a;
    turn_on(c, 1);
    turn_on(other, 1);
    pause_begin(other, &p);
    assert_int_equal(full(other, "almond"), CANDOR_EMIT_KEPT);
    set_content(c, false, CANDOR_CONSENT_USER);
    set_content(c, true, CANDOR_CONSENT_USER);
    candor_latch_open(p.go);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    assert_int_equal(attachments(*state), 0);
    assert_int_equal(dropped(other, "purged"), 1);
    assert_int_equal(full(other, "hazel"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    assert_int_equal(attachments(*state), 1);
    pause_free(&p);
    candor_close(other, 100);
    candor_close(c, 100);
}

static void a_hosts_off_leaves_the_files_of_others(void **state)
{
    candor_client *c = open_content(*state, ""), *other = open_content(*state, "");
    answer a;
    turn_on(c, 1);
    turn_on(other, 1);
    assert_int_equal(full(other, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    assert_int_equal(full(c, "hazel"), CANDOR_EMIT_KEPT);
    set_content(c, false, CANDOR_CONSENT_HOST);
    assert_int_equal(dropped(c, "purged"), 1);
    assert_int_equal(attachments(*state), 1);
    candor_close(other, 100);
    set_content(c, true, CANDOR_CONSENT_HOST);
    set_content(c, false, CANDOR_CONSENT_HOST);
    assert_int_equal(attachments(*state), 0); /* nobody else is there */
    candor_close(c, 100);
}

static void a_hosts_level_leaves_the_files_of_others(void **state)
{
    candor_client *c = open_content(*state, ""), *other = open_content(*state, "");
    answer a;
    turn_on(c, 1);
    turn_on(other, 1);
    assert_int_equal(full(other, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(other, &a), CANDOR_OK);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ERROR, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    assert_false(candor_full_content(c));
    assert_int_equal(attachments(*state), 1);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ERROR, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(attachments(*state), 0); /* that one is everybody's */
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ALL, CANDOR_CONSENT_USER, &a), CANDOR_OK);
    assert_int_equal(set_level(c, CANDOR_PRIVACY_ALL, CANDOR_CONSENT_HOST, &a), CANDOR_OK);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(attachments(*state), 1);
    set_content(c, false, CANDOR_CONSENT_HOST);
    put_file(*state, "vault/" UUID ".promptText.att", "of another process");
    set_content(c, false, CANDOR_CONSENT_USER); /* as is this, also where it was off already */
    assert_int_equal(attachments(*state), 0);
    candor_close(other, 100);
    candor_close(c, 100);
}

static void a_narrower_level_ends_full_content(void **state)
{
    answer a;
    candor_client *c = open_content(*state, "");
    turn_on(c, 1);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    answer_init(&a);
    candor_set_level(c, CANDOR_PRIVACY_ERROR, CANDOR_CONSENT_HOST, on_answer, &a);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_LEVEL);
    assert_true(status_has(c, "\"full_content\":{\"enabled\":false,\"decided_by\":\"level\"}"));
    assert_int_equal(dropped(c, "purged"), 1);
    candor_close(c, 100);
}

static void set_gdpr(candor_client *c, bool on)
{
    answer a;
    answer_init(&a);
    candor_set_gdpr(c, on, on_answer, &a);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
}

static void gdpr_mode_leaves_nothing_and_the_vault_works_again_afterwards(void **state)
{
    answer a;
    candor_client *c = open_content(*state, "");
    turn_on(c, 1);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(full(c, "hazel"), CANDOR_EMIT_KEPT);
    set_gdpr(c, true);
    assert_false(file_exists(*state, "vault"));
    assert_true(status_has(c, "\"full_content\":{\"enabled\":false,\"decided_by\":\"telemetry\"}"));
    assert_int_equal(vault_number(c, "pending"), 0);
    set_gdpr(c, false);
    set_content(c, true, CANDOR_CONSENT_USER);
    assert_int_equal(full(c, "walnut"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(attachments(*state), 1);
    candor_close(c, 1000);
}

static void low_disk_is_counted_once_the_segment_is_full(void **state)
{
    answer a;
    candor_client *c = open_content(*state, ",\"minFreeDiskBytes\":1125899906842624");
    turn_on(c, 1);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    (void)flush(c, &a);
    assert_int_equal(attachments(*state), 0);
    assert_int_equal(vault_number(c, "pending"), 1);
    char *text = malloc(700000);
    memset(text, 'x', 700000);
    memcpy(text, "{\"promptText\":\"", 15);
    memcpy(text + 700000 - 2, "\"}", 2);
    for (int i = 0; i < 8; i++)
        assert_int_equal(
            candor_emit(c, CANDOR_LIT("Full"), candor_bytes_of(text, 700000), CANDOR_LIT("")),
            CANDOR_EMIT_KEPT);
    free(text);
    assert_true(dropped(c, "disk_low") > 0);
    assert_int_equal(dropped(c, "full"), 0);
    candor_close(c, 100);
}

static void content_of_another_type_is_no_text(void **state)
{
    candor_client *c = open_content(*state, "");
    turn_on(c, 1);
    candor_bytes payload = CANDOR_LIT("{\"promptText\":{\"a\":1},\"note\":7,\"n\":2}");
    assert_int_equal(candor_emit(c, CANDOR_LIT("Full"), payload, CANDOR_LIT("")), CANDOR_EMIT_KEPT);
    assert_int_equal(status_number(c, "adjusted", "bad_type"), 2);
    assert_int_equal(vault_number(c, "pending"), 0);
    payload = CANDOR_LIT("{\"promptText\":\"a\",\"prompt_text\":\"last\\u00e9\",\"note\":null}");
    assert_int_equal(candor_emit(c, CANDOR_LIT("Full"), payload, CANDOR_LIT("")), CANDOR_EMIT_KEPT);
    assert_int_equal(vault_number(c, "pending"), 1);
    candor_close(c, 100);
}

/* --- files without a worker ------------------------------------------------------------------ */

static void old_attachments_expire_and_locked_ones_are_key_lost(void **state)
{
    rig r;
    candor_key lost = key_of("lost", 1), here = key_of("here", 2);
    rig_open(&r, *state, RIG "}");
    assert_int_equal(candor_keyring_set(r.vault->keys, &lost, 1, NULL), CANDOR_OK);
    put_attachment(&r, 40, "a");
    put_attachment(&r, 20, "b");
    assert_int_equal(candor_keyring_set(r.vault->keys, &here, 1, NULL), CANDOR_OK);
    put_attachment(&r, 50, "c");
    put_attachment(&r, 1, "d");
    candor_vault_scan(r.vault);
    assert_int_equal(r.vault->n, 4);
    assert_int_equal(r.vault->locked, 2);
    candor_vault_enforce(r.vault);
    assert_int_equal(r.vault->n, 2);
    assert_int_equal(r.vault->unmerged.drops[CANDOR_VAULT_DROP_EXPIRED], 1);
    assert_int_equal(r.vault->unmerged.drops[CANDOR_VAULT_DROP_KEY_LOST], 1);
    assert_int_equal(attachments(*state), 2);
    candor_vault_report(r.vault);
    assert_int_equal(r.vault->unmerged.drops[CANDOR_VAULT_DROP_KEY_LOST], 0);
    assert_int_equal(r.vault->merged.drops[CANDOR_VAULT_DROP_KEY_LOST], 1);
    rig_close(&r);
}

static void who_looks_expires_and_takes_over_nothing(void **state)
{
    rig r;
    candor_key key = key_of("k", 1);
    rig_open(&r, *state, RIG ",\"inspect\":true}");
    assert_int_equal(candor_keyring_set(r.vault->keys, &key, 1, NULL), CANDOR_OK);
    put_attachment(&r, 40, "a");
    put_file(*state, "vault/" UUID ".promptText.att", "damaged");
    candor_vault_scan(r.vault);
    candor_vault_enforce(r.vault);
    assert_int_equal(attachments(*state), 2);
    assert_true(candor_vault_expires_ms(r.vault) == INT64_MAX);
    rig_close(&r);
}

static void foreign_files_in_the_vault_are_left_alone(void **state)
{
    static const char *const foreign[] = {"vault/diary.txt", "vault/" UUID ".att",
                                          "vault/" UUID ".a.att.bak", "vault/x.vseg"};
    rig r;
    rig_open(&r, *state, RIG "}");
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        put_file(*state, foreign[i], "text");
    put_file(*state, "vault/" UUID ".promptText.att", "damaged");
    put_file(*state, "vault/" UUID ".vnew", "half");
    age_file(*state, "vault/" UUID ".vnew", 1);
    candor_vault_scan(r.vault);
    candor_vault_purge(r.vault, true);
    assert_int_equal(r.vault->unmerged.drops[CANDOR_VAULT_DROP_CORRUPT], 1);
    assert_int_equal(count_files(*state, "vault", NULL), 4);
    rig_close(&r);
}

/* The name of a file is made of what a sealed record says. */
static void a_record_with_a_path_for_a_field_makes_no_file(void **state)
{
    rig r;
    candor_vault_segment *s = NULL;
    candor_vault_key current;
    candor_buf sealed = {0};
    candor_key key = key_of("k", 1);
    candor_seal seal = {.kind = CANDOR_SEAL_ATTACHMENT, .field = CANDOR_LIT("x/../../evil")};
    rig_open(&r, *state, RIG "}");
    assert_int_equal(candor_keyring_set(r.vault->keys, &key, 1, NULL), CANDOR_OK);
    assert_true(candor_keyring_current(r.vault->keys, &current));
    assert_int_equal(candor_seal_write(&seal, &current, CANDOR_LIT("a"), &sealed), CANDOR_OK);
    make_subdir(*state, "vault/00000000-0000-0000-0000-000000000000.x");
    assert_int_equal(candor_vault_segment_create(r.vault->dir, &s, NULL), CANDOR_OK);
    assert_true(candor_vault_segment_append(s, candor_buf_bytes(&sealed)));
    candor_vault_segment_free(s);
    candor_vault_scan(r.vault);
    assert_false(file_exists(*state, "evil.att"));
    assert_int_equal(r.vault->n, 0);
    assert_int_equal(r.vault->unmerged.drops[CANDOR_VAULT_DROP_CORRUPT], 1);
    candor_buf_free(&sealed);
    rig_close(&r);
}

/* Nobody emits: a directory that cannot be made is no reason to wake. */
static void a_vault_that_cannot_be_made_costs_no_wake_up(void **state)
{
    candor_waker *pause = NULL;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    put_file(*state, "vault", "a file");
    candor_client *c = open_content(*state, "");
    turn_on(c, 1);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(dropped(c, "full"), 1);
    answer a;
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_waker_sleep(pause, 200);
    uint64_t before = candor_worker_turns(c);
    candor_waker_sleep(pause, 2500); /* longer than the pause before the next try */
    assert_int_equal(candor_worker_turns(c), before);
    candor_waker_free(pause);
    candor_close(c, 100);
}

/* Attachments alone, as if their events had been sent: one that hardly compresses a round. */
static void a_round_sends_attachments_up_to_the_cap(void **state)
{
    server s = {.reply = stored_reply};
    answer a;
    char options[160], noise[4001] = "", payload[4200], spool[CANDOR_PATH_MAX];
    unsigned char random[2000];
    assert_int_equal(candor_random(random, sizeof random), CANDOR_OK);
    candor_hex_encode(random, sizeof random, noise);
    (void)snprintf(payload, sizeof payload, "{\"promptText\":\"%s\"}", noise);
    server_start(&s);
    (void)snprintf(options, sizeof options,
                   ",\"endpoint\":\"http://127.0.0.1:%u\",\"maxUploadBytes\":1024", s.port);
    candor_client *c = open_content(*state, "");
    turn_on(c, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            candor_emit(c, CANDOR_LIT("Full"), candor_bytes_str(payload), CANDOR_LIT("")),
            CANDOR_EMIT_KEPT);
    candor_close(c, 10000);
    assert_int_equal(count_files(*state, "spool", spool), 1);
    assert_int_equal(unlink(spool), 0);
    c = open_content(*state, options);
    turn_on(c, 1);
    for (unsigned left = 3; left-- != 0;) {
        assert_int_equal(upload(c, &a), CANDOR_OK);
        assert_int_equal(attachments(*state), left);
    }
    candor_close(c, 100);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void the_number_of_attachments_is_bounded(void **state)
{
    rig r;
    candor_key key = key_of("k", 1);
    rig_open(&r, *state, RIG "}");
    assert_int_equal(candor_keyring_set(r.vault->keys, &key, 1, NULL), CANDOR_OK);
    r.vault->entries = calloc(CANDOR_VAULT_FILES_MAX + 2, sizeof *r.vault->entries);
    r.vault->n = r.vault->cap = CANDOR_VAULT_FILES_MAX + 2;
    for (size_t i = 0; i < r.vault->n; i++) {
        unsigned char random[10] = {(unsigned char)(i >> 8), (unsigned char)i};
        candor_uuid7_make((uint64_t)candor_clock_unix_ms() + i, random, r.vault->entries[i].event);
        memcpy(r.vault->entries[i].field, "a", 2);
    }
    candor_vault_enforce(r.vault);
    assert_int_equal(r.vault->n, CANDOR_VAULT_FILES_MAX);
    assert_int_equal(r.vault->unmerged.drops[CANDOR_VAULT_DROP_FULL], 2);
    rig_close(&r);
}

static void a_locked_batch_past_retention_is_key_lost(void **state)
{
    rig r;
    candor_key key = key_of("k", 1);
    candor_state_totals totals;
    rig_open(&r, *state, RIG ",\"encryptSpool\":true}");
    r.store.keys = r.vault->keys;
    assert_int_equal(candor_keyring_set(r.vault->keys, &key, 1, NULL), CANDOR_OK);
    candor_batch *b = &r.store.batch;
    unsigned char id[16], random[10] = {1};
    candor_uuid7_make((uint64_t)(candor_clock_unix_ms() - 40 * DAY), random, id);
    candor_uuid_format(id, b->row.id);
    b->row.created_ms = candor_clock_unix_ms() - 40 * DAY;
    b->row.events = 7;
    (void)snprintf(b->comment, sizeof b->comment, "candor/1 events=7");
    assert_int_equal(candor_store_seal(&r.store, CANDOR_LIT("gz"), NULL), CANDOR_OK);
    char name[64], path[CANDOR_PATH_MAX];
    (void)snprintf(name, sizeof name, "spool/%.36s.jsonl.gz.enc", b->row.id);
    assert_int_equal(candor_file_write_durable(in_dir(*state, name, path),
                                               candor_buf_bytes(&r.store.sealed), NULL),
                     CANDOR_OK);
    assert_int_equal(candor_store_adopt(&r.store, NULL), CANDOR_OK);
    assert_int_equal(candor_keyring_set(r.vault->keys, NULL, 0, NULL), CANDOR_OK);
    candor_store_enforce(&r.store);
    assert_int_equal(candor_state_total(r.store.state, &totals, NULL), CANDOR_OK);
    assert_int_equal(totals.loss[CANDOR_LOSS_KEY_LOST], 7);
    assert_int_equal(totals.loss[CANDOR_LOSS_EXPIRED], 0);
    assert_false(file_exists(*state, name));
    rig_close(&r);
}

/* One process of the directory has the key, the other has not and leads rounds as well. */
static void a_process_without_the_key_does_not_set_aside_what_another_can_send(void **state)
{
    server s = {.reply = stored_reply};
    answer a;
    char options[256], path[CANDOR_PATH_MAX];
    candor_state *db = NULL;
    candor_batch_row row;
    int64_t next = 0, now = candor_clock_unix_ms();
    server_start(&s);
    candor_client *c = open_content(*state, ",\"encryptSpool\":true");
    turn_on(c, 1);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    (void)snprintf(options, sizeof options, ",\"endpoint\":\"http://127.0.0.1:%u\"", s.port);
    candor_client *other = open_content(*state, options);
    assert_int_equal(upload(other, &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "pending"), 1);
    assert_int_equal(candor_state_open(in_dir(*state, "state.db", path), &db, NULL), CANDOR_OK);
    assert_int_equal(candor_state_next(db, "", now, true, &row, NULL), CANDOR_OK);
    candor_state_close(db);
    /* by itself it looks rarely while there is nothing else, and at once when there is */
    answer_init(&a);
    candor_set_mode(other, CANDOR_MODE_AUTO, on_answer, &a);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    char *text = status_text(other);
    assert_true(candor_time_parse(
        candor_bytes_of(json_at(text, NULL, "next_attempt_at") + 1, CANDOR_TIME_TEXT), &next));
    assert_true(next > now + 1800000);
    free(text);
    candor_close(other, 100);
    candor_close(c, 100);
    server_stop(&s);
    candor_buf_free(&s.last);
}

static void attachments_that_wait_cost_no_wake_up(void **state)
{
    answer a;
    candor_waker *pause = NULL;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    candor_client *c = open_content(*state, "");
    turn_on(c, 1);
    assert_int_equal(full(c, "almond"), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    assert_int_equal(attachments(*state), 1);
    candor_waker_sleep(pause, 200); /* what the flush began ends */
    uint64_t before = candor_worker_turns(c);
    candor_waker_sleep(pause, 1200); /* longer than what anything buffered is looked at in */
    assert_int_equal(candor_worker_turns(c), before);
    candor_waker_free(pause);
    candor_close(c, 100);
}

/* --- threads --------------------------------------------------------------------------------- */

#define EMITTERS 4
#define EACH     200

static void emit_content(void *ctx)
{
    candor_client *c = ctx;
    for (int i = 0; i < EACH; i++)
        (void)full(c, "almond");
}

static void emitters_and_a_switch_account_for_every_text(void **state)
{
    answer a;
    candor_thread *threads[EMITTERS] = {NULL};
    candor_client *c = open_content(*state, "");
    candor_key keys[2] = {key_of("a", 1), key_of("b", 2)};
    turn_on(c, 1);
    for (int i = 0; i < EMITTERS; i++)
        assert_int_equal(candor_thread_start("emit", emit_content, c, &threads[i], NULL),
                         CANDOR_OK);
    for (int i = 0; i < 10; i++) {
        set_content(c, false, CANDOR_CONSENT_USER);
        set_content(c, true, CANDOR_CONSENT_USER);
        assert_int_equal(candor_set_keys(c, keys, 1 + (size_t)(i & 1), NULL), CANDOR_OK);
        free(status_text(c));
    }
    for (int i = 0; i < EMITTERS; i++)
        candor_thread_join(&threads[i]);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    long long kept = status_number(c, NULL, "kept"), pending = vault_number(c, "pending");
    long long gone = dropped(c, "purged") + dropped(c, "full");
    assert_int_equal(kept + status_number(c, "dropped", "level"), EMITTERS * EACH);
    assert_true(pending + gone <= kept); /* off between event and text: not even counted */
    assert_int_equal(attachments(*state), pending);
    candor_close(c, 1000);
}

#define SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_keys_change_nothing),
        cmocka_unit_test(a_seal_opens_with_its_key_only_and_shows_every_damage),
        cmocka_unit_test(names_are_told_from_foreign_ones),
        SCRATCH(a_segment_gives_back_what_was_appended_and_starts_again),
        SCRATCH(a_damaged_record_is_passed_over),
        SCRATCH(content_of_a_killed_process_becomes_files),
        SCRATCH(a_start_with_full_content_off_deletes_what_was_left),
        SCRATCH(off_is_obeyed_by_a_process_with_sealed_content),
        SCRATCH(a_hosts_off_leaves_the_files_of_others),
        SCRATCH(a_process_that_slept_through_off_sends_no_text_from_before),
        SCRATCH(a_hosts_level_leaves_the_files_of_others),
        SCRATCH(a_record_with_a_path_for_a_field_makes_no_file),
        SCRATCH(a_vault_that_cannot_be_made_costs_no_wake_up),
        SCRATCH(a_round_sends_attachments_up_to_the_cap),
        SCRATCH(a_narrower_level_ends_full_content),
        SCRATCH(gdpr_mode_leaves_nothing_and_the_vault_works_again_afterwards),
        SCRATCH(low_disk_is_counted_once_the_segment_is_full),
        SCRATCH(content_of_another_type_is_no_text),
        SCRATCH(a_process_without_the_key_does_not_set_aside_what_another_can_send),
        SCRATCH(attachments_that_wait_cost_no_wake_up),
        SCRATCH(emitters_and_a_switch_account_for_every_text),
        SCRATCH(old_attachments_expire_and_locked_ones_are_key_lost),
        SCRATCH(who_looks_expires_and_takes_over_nothing),
        SCRATCH(foreign_files_in_the_vault_are_left_alone),
        SCRATCH(the_number_of_attachments_is_bounded),
        SCRATCH(a_locked_batch_past_retention_is_key_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
