/* Shared by the tests of the vault: a schema with content, clients that keep it, attachments
 * without a worker. */
#ifndef CANDOR_TEST_VAULT_H
#define CANDOR_TEST_VAULT_H

#include "client/client_test.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/digest.h"
#include "client/names.h"

#define UUID "01a1fdb8-9a0d-708b-a500-ea7ada5fd58b"
#define DAY  86400000LL

static const char stored_reply[] = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
                                   "Content-Length: 15\r\n\r\n{\"stored\":true}";

static const char content_schema[] =
    "{\"schema\":\"test\",\"version\":1,\"notice\":1,\"governance_id\":\"T-1\",\"events\":{"
    "\"Full\":{\"category\":\"test\",\"level\":\"content\",\"owner\":\"test\",\"expires\":\"2099-"
    "01-"
    "01\",\"purpose\":\"test\",\"fields\":{\"n\":{\"kind\":\"int\"},\"promptText\":{\"kind\":"
    "\"content\",\"maxBytes\":1048576},\"note\":{\"kind\":\"content\",\"maxBytes\":8}}}}}";

static inline candor_key key_of(const char *id, unsigned char fill)
{
    candor_key k = {.id = candor_bytes_str(id)};
    memset(k.key, fill, sizeof k.key);
    return k;
}

static inline candor_buf seal_text(candor_keyring *ring, const unsigned char id[16],
                                   candor_bytes text)
{
    candor_vault_key key;
    candor_buf out = {0};
    candor_seal seal = {.kind = CANDOR_SEAL_ATTACHMENT, .field = CANDOR_LIT("promptText")};
    memcpy(seal.id, id, 16);
    assert_true(candor_keyring_current(ring, &key));
    assert_int_equal(candor_seal_write(&seal, &key, text, &out), CANDOR_OK);
    return out;
}

/* --- clients --------------------------------------------------------------------------------- */

static inline candor_client *open_content(const char *dir, const char *extra)
{
    candor_buf options = {0};
    candor_client *c = NULL;
    candor_err err = {0};
    candor_buf_putf(
        &options,
        "{\"app\":\"testapp\",\"directory\":\"%s\",\"mode\":\"manual\",\"batchEvents\":"
        "1000,\"batchIntervalMs\":3600000,\"minFreeDiskBytes\":0,\"notice\":\"none\"%s}",
        dir, extra);
    candor_status st =
        candor_open(candor_buf_bytes(&options), candor_bytes_str(content_schema), &c, &err);
    candor_buf_free(&options);
    if (st != CANDOR_OK) fail_msg("candor_open: %s", err.text);
    return c;
}

static inline void set_content(candor_client *c, bool on, candor_consent_source source)
{
    answer a;
    answer_init(&a);
    candor_set_full_content(c, on, source, on_answer, &a);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
}

static inline void turn_on(candor_client *c, unsigned char fill)
{
    candor_key key = key_of("k", fill);
    assert_int_equal(candor_set_keys(c, &key, 1, NULL), CANDOR_OK);
    set_content(c, true, CANDOR_CONSENT_USER);
}

static inline candor_emit_result full(candor_client *c, const char *text)
{
    char payload[256];
    (void)snprintf(payload, sizeof payload, "{\"n\":1,\"promptText\":\"%s\"}", text);
    return candor_emit(c, CANDOR_LIT("Full"), candor_bytes_str(payload), CANDOR_LIT(""));
}

static inline long long dropped(candor_client *c, const char *why)
{
    char *text = status_text(c);
    const char *vault = strstr(text, "\"vault\":");
    assert_non_null(vault);
    long long n = json_number(vault, "\"dropped\":", why);
    free(text);
    return n;
}

static inline long long vault_number(candor_client *c, const char *key)
{
    return status_number(c, "\"vault\":", key);
}

/* What a killed process sealed: a child emits and dies at once. */
static inline void die_with_content(const char *dir, int n)
{
    pid_t child = fork();
    if (child == 0) {
        candor_client *c = open_content(dir, "");
        candor_key key = key_of("k", 1);
        if (candor_set_keys(c, &key, 1, NULL) != CANDOR_OK) _exit(1);
        candor_set_full_content(c, true, CANDOR_CONSENT_USER, NULL, NULL);
        for (int i = 0; i < n; i++)
            if (full(c, "almond") != CANDOR_EMIT_KEPT) _exit(2);
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static inline unsigned attachments(const char *dir)
{
    char path[CANDOR_PATH_MAX];
    unsigned n = 0;
    DIR *d = opendir(in_dir(dir, "vault", path));
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        if (candor_name_attachment(e->d_name)) n++;
    if (d != NULL) closedir(d);
    return n;
}

/* --- files without a worker ------------------------------------------------------------------ */

typedef struct rig {
    candor_settings settings;
    candor_store store;
    candor_vault *vault;
    _Atomic bool stop;
} rig;

static inline void rig_open(rig *r, const char *dir, const char *options)
{
    memset(r, 0, sizeof *r);
    assert_int_equal(candor_settings_read(candor_bytes_str(options), &r->settings, NULL),
                     CANDOR_OK);
    assert_int_equal(candor_store_open(&r->store, &r->settings, &r->stop, dir, NULL), CANDOR_OK);
    r->store.expiry_hold_ns = 0;
    assert_int_equal(candor_vault_new(&r->vault), CANDOR_OK);
    r->vault->store = &r->store;
    (void)in_dir(dir, "vault", r->vault->dir);
    assert_int_equal(candor_dir_create(r->vault->dir, NULL), CANDOR_OK);
}

static inline void rig_close(rig *r)
{
    candor_vault_free(r->vault);
    candor_store_close(&r->store);
    candor_settings_free(&r->settings);
}

/* An attachment whose event is so many days old. */
static inline void put_attachment(rig *r, int days, const char *note)
{
    unsigned char id[16], random[10];
    char path[CANDOR_PATH_MAX];
    candor_vault_entry e = {.field = "promptText"};
    assert_int_equal(candor_random(random, sizeof random), CANDOR_OK);
    candor_uuid7_make((uint64_t)(candor_clock_unix_ms() - days * DAY), random, id);
    memcpy(e.event, id, 16);
    assert_int_equal(candor_vault_path(r->vault, &e, path), CANDOR_OK);
    candor_buf sealed = seal_text(r->vault->keys, id, candor_bytes_str(note));
    assert_int_equal(candor_file_write_durable(path, candor_buf_bytes(&sealed), NULL), CANDOR_OK);
    candor_buf_free(&sealed);
}

#define RIG "{\"app\":\"testapp\",\"minFreeDiskBytes\":0,\"retentionDays\":30"

#endif
