/* Who emits: machine and user, made at open, and the session, made again when recording begins
 * again. The raw values are hashed here, wiped, and go no further (requirements R24). */
#include <stdio.h>

#include "base/digest.h"
#include "client/client.h"
#include "contract/envelope.h"

#define SALT_TRIES    100
#define SALT_PAUSE_MS 10
/* A clock that goes back by more was wrong before: one event of that time must not date all later
 * ids into the future, where a collector refuses them. */
#define SET_BACK_MS 60000

static void wipe(void *p, size_t n)
{
    volatile unsigned char *b = p; /* volatile: not to be optimised away */
    while (n-- > 0)
        *b++ = 0;
}

/* --- ids without system calls ------------------------------------------------------------------
 */

candor_status candor_id_source_init(candor_id_source *s)
{
    memset(s, 0, sizeof *s);
    candor_status st = candor_random(s->random, sizeof s->random);
    s->random[0] |= 1; /* the generator must not start from all zeros */
    return st;
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* xoshiro256++ (Blackman, Vigna; https://prng.di.unimi.it/): ids must not collide, they need not be
 * secret. */
uint64_t candor_id_source_bits(candor_id_source *s)
{
    uint64_t *r = s->random;
    uint64_t result = rotl(r[0] + r[3], 23) + r[0], t = r[1] << 17;
    r[2] ^= r[0];
    r[3] ^= r[1];
    r[1] ^= r[2];
    r[0] ^= r[3];
    r[2] ^= t;
    r[3] = rotl(r[3], 45);
    return result;
}

static uint64_t swap_bytes(uint64_t v)
{
    v = (v & UINT64_C(0x00ff00ff00ff00ff)) << 8 | (v >> 8 & UINT64_C(0x00ff00ff00ff00ff));
    v = (v & UINT64_C(0x0000ffff0000ffff)) << 16 | (v >> 16 & UINT64_C(0x0000ffff0000ffff));
    return v << 32 | v >> 32;
}

void candor_id_source_next(candor_id_source *s, uint64_t unix_ms, unsigned char out[16])
{
    uint64_t bits = candor_id_source_bits(s);
    bool set_back = s->last_ms > unix_ms && s->last_ms - unix_ms > SET_BACK_MS;
    if (unix_ms > s->last_ms || set_back) {
        s->last_ms = unix_ms;
        s->counter = (unsigned)(bits >> 56); /* 8 random bits: 3840 more fit the millisecond */
    } else if (++s->counter > 0xfff) {
        s->last_ms++; /* ahead of the clock by what was emitted too fast, as the RFC allows */
        s->counter = 0;
    }
    /* RFC 9562 section 5.7: 48 bits of time, version 7, 12 of counter; variant 2, 62 random bits.
     */
    candor_put_u64(out, swap_bytes(s->last_ms << 16 | 0x7000 | s->counter));
    candor_put_u64(out + 8, swap_bytes(UINT64_C(1) << 63 | bits >> 2));
}

/* --- salt ------------------------------------------------------------------------------------ */

/* The lock decides who writes it: a creator killed halfway leaves a short file that the next
 * finishes. */
static candor_status lock_salt(const char *path, candor_file **out, candor_err *err)
{
    candor_waker *pause = NULL;
    candor_status st = candor_file_open(path, CANDOR_OPEN_READ_WRITE, out, err);
    if (st == CANDOR_OK) st = candor_waker_new(&pause, err);
    if (st == CANDOR_OK) st = candor_file_try_lock(*out, err);
    for (int i = 0; i < SALT_TRIES && st == CANDOR_BUSY; i++) {
        candor_waker_sleep(pause, SALT_PAUSE_MS);
        st = candor_file_try_lock(*out, err);
    }
    candor_waker_free(pause);
    return st;
}

static candor_status write_salt(candor_file *f, const char *dir, unsigned char salt[32],
                                candor_err *err)
{
    candor_status st = candor_random(salt, 32);
    if (st == CANDOR_OK) st = candor_file_write(f, candor_bytes_of((char *)salt, 32), err);
    if (st == CANDOR_OK) st = candor_file_sync(f, err);
    if (st == CANDOR_OK) st = candor_dir_sync(dir, err);
    return st;
}

static candor_status load_salt(const char *dir, unsigned char salt[32], candor_err *err)
{
    char path[CANDOR_PATH_MAX], text[64];
    candor_file *f = NULL;
    uint64_t size = 0;
    candor_buf b;
    candor_buf_init_fixed(&b, text, sizeof text);
    candor_status st = candor_path_join(dir, "salt", path, sizeof path, err);
    if (st == CANDOR_OK) st = lock_salt(path, &f, err);
    if (st == CANDOR_OK) st = candor_file_size(f, &size, err);
    if (st == CANDOR_OK && size < 32) {
        st = write_salt(f, dir, salt, err);
    } else if (st == CANDOR_OK) {
        st = candor_file_read_all(path, sizeof text, &b, err);
        if (st == CANDOR_OK) memcpy(salt, text, 32);
    }
    wipe(text, sizeof text);
    candor_file_discard(f);
    return st;
}

/* --- hashed ids ------------------------------------------------------------------------------ */

static candor_status keyed_hash(candor_bytes key, candor_bytes value,
                                char out[CANDOR_HASH_TEXT + 1])
{
    candor_hmac *h = NULL;
    candor_status st = candor_hmac_new(key, &h);
    if (st == CANDOR_OK) st = candor_hmac_text(h, value, out);
    out[CANDOR_HASH_TEXT] = '\0';
    candor_hmac_free(h);
    return st;
}

static candor_status make_machine_id(candor_identity *id, const candor_settings *settings)
{
    char key[192], raw[1100] = "";
    int n = snprintf(key, sizeof key, "candor/machine/%s", settings->app);
    candor_bytes value = candor_bytes_of((const char *)id->salt, sizeof id->salt);
    if (settings->machine_id != NULL)
        value = candor_bytes_str(settings->machine_id);
    else if (candor_machine_id(raw, sizeof raw, NULL) == CANDOR_OK && raw[0] != '\0')
        value = candor_bytes_str(raw);
    candor_status st = keyed_hash(candor_bytes_of(key, (size_t)n), value, id->machine_id);
    wipe(raw, sizeof raw);
    if (settings->machine_id != NULL) wipe(settings->machine_id, strlen(settings->machine_id));
    return st;
}

static candor_status make_user_id(candor_identity *id, const candor_settings *settings)
{
    candor_bytes salt = candor_bytes_of((const char *)id->salt, sizeof id->salt);
    candor_bytes given = candor_bytes_str(settings->user_id);
    if (given.n == 0) return keyed_hash(salt, CANDOR_LIT("user"), id->user_id);
    if (!candor_id_ok(given, CANDOR_BASE_ID_MAX)) {
        candor_status st = keyed_hash(salt, given, id->user_id);
        wipe(settings->user_id, given.n);
        return st;
    }
    memcpy(id->user_id, given.p, given.n);
    id->user_id[given.n] = '\0';
    return CANDOR_OK;
}

static candor_status make_session(candor_identity *id)
{
    candor_id_source ids;
    candor_status st = candor_id_source_init(&ids);
    candor_id_source_next(&ids, (uint64_t)candor_clock_unix_ms(), id->session);
    candor_uuid_format(id->session, id->session_id);
    id->session_id[CANDOR_UUID_TEXT] = '\0';
    return st;
}

static candor_status write_context(candor_identity *id, const candor_settings *settings)
{
    const candor_context context = {
        .session_id = candor_bytes_str(id->session_id),
        .user_id = candor_bytes_str(id->user_id),
        .machine_id = candor_bytes_str(id->machine_id),
        .app = candor_bytes_str(settings->app),
        .app_version = candor_bytes_str(settings->app_version),
        .platform = candor_bytes_str(candor_platform_name()),
    };
    return candor_context_write(&context, &id->context_json);
}

static candor_status make_salt(candor_identity *id, const char *dir)
{
    if (dir != NULL && load_salt(dir, id->salt, NULL) == CANDOR_OK) return CANDOR_OK;
    return candor_random(id->salt, sizeof id->salt);
}

candor_status candor_identity_make(candor_identity *id, const candor_settings *settings,
                                   const char *dir, candor_err *err)
{
    candor_status st = make_salt(id, dir);
    if (st == CANDOR_OK) st = make_session(id);
    if (st == CANDOR_OK) st = make_machine_id(id, settings);
    if (st == CANDOR_OK) st = make_user_id(id, settings);
    if (st == CANDOR_OK) st = write_context(id, settings);
    if (st != CANDOR_OK)
        return candor_fail(err, st, 0, "identity", "the base fields of events cannot be made");
    return CANDOR_OK;
}

candor_status candor_identity_renew(const candor_identity *id, const candor_settings *settings,
                                    const char *dir, bool salt, candor_identity *out)
{
    *out = *id;
    out->context_json = (candor_buf){0};
    candor_status st = salt ? make_salt(out, dir) : CANDOR_OK;
    if (st == CANDOR_OK) st = make_session(out);
    /* Given ids were hashed and wiped at open; what comes of a salt must not outlive it. */
    if (st == CANDOR_OK && salt && settings->user_id == NULL) st = make_user_id(out, settings);
    if (st == CANDOR_OK && salt && settings->machine_id == NULL)
        st = make_machine_id(out, settings);
    if (st == CANDOR_OK) st = write_context(out, settings);
    if (st != CANDOR_OK) candor_identity_wipe(out);
    return st;
}

void candor_identity_wipe(candor_identity *id)
{
    candor_buf_free(&id->context_json);
    wipe(id, sizeof *id);
}
