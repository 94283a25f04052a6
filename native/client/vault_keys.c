#include "client/vault_keys.h"

#include <stdlib.h>

#include "base/digest.h"
#include "contract/rules.h"

struct candor_keyring {
    candor_mutex *mutex;
    size_t n;
    candor_vault_key keys[CANDOR_KEYS_MAX];
};

candor_status candor_keyring_new(candor_keyring **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return CANDOR_NOMEM;
    candor_status st = candor_mutex_new(&(*out)->mutex);
    if (st == CANDOR_OK) return st;
    free(*out);
    *out = NULL;
    return st;
}

void candor_keyring_free(candor_keyring *r)
{
    if (r == NULL) return;
    candor_mutex_free(r->mutex);
    candor_wipe(r, sizeof *r);
    free(r);
}

/* Part of a hash of the key: says nothing about 256 random bits, and tells a host's new key under
 * an old id from a damaged file. */
static candor_status check_of(const unsigned char key[CANDOR_AEAD_KEY],
                              unsigned char out[CANDOR_KEY_CHECK])
{
    static const char label[] = "candor key check";
    unsigned char in[sizeof label + CANDOR_AEAD_KEY], hash[CANDOR_SHA256_SIZE];
    memcpy(in, label, sizeof label);
    memcpy(in + sizeof label, key, CANDOR_AEAD_KEY);
    candor_status st = candor_sha256(candor_bytes_of((const char *)in, sizeof in), hash);
    if (st == CANDOR_OK) memcpy(out, hash, CANDOR_KEY_CHECK);
    candor_wipe(in, sizeof in);
    return st;
}

static candor_status take(const candor_key *k, size_t at, candor_vault_key *out, candor_err *err)
{
    if (k->id.n == 0 || k->id.n > CANDOR_KEY_ID_MAX || !candor_id_charset_ok(k->id))
        return candor_fail(
            err, CANDOR_INVALID, 0, "keys",
            "the id of key %u must be 1 to %d of the characters A-Z a-z 0-9 . _ : + -",
            (unsigned)at + 1, CANDOR_KEY_ID_MAX);
    memcpy(out->id, k->id.p, k->id.n);
    out->id_n = k->id.n;
    memcpy(out->key, k->key, CANDOR_AEAD_KEY);
    candor_status st = check_of(k->key, out->check);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "keys", "no digest");
}

static bool same_id(const candor_vault_key *k, candor_bytes id)
{
    return candor_bytes_eq(candor_bytes_of(k->id, k->id_n), id);
}

candor_status candor_keyring_set(candor_keyring *r, const candor_key *keys, size_t n,
                                 candor_err *err)
{
    candor_vault_key fresh[CANDOR_KEYS_MAX] = {0};
    candor_status st = CANDOR_OK;
    if (n > CANDOR_KEYS_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "keys", "at most %d keys can be set",
                           CANDOR_KEYS_MAX);
    for (size_t i = 0; i < n && st == CANDOR_OK; i++) {
        st = take(&keys[i], i, &fresh[i], err);
        for (size_t k = 0; k < i && st == CANDOR_OK; k++)
            if (same_id(&fresh[k], keys[i].id))
                st = candor_fail(err, CANDOR_INVALID, 0, "keys", "keys %u and %u have the same id",
                                 (unsigned)k + 1, (unsigned)i + 1);
    }
    if (st == CANDOR_OK) {
        candor_mutex_lock(r->mutex);
        memcpy(r->keys, fresh, sizeof fresh);
        r->n = n;
        candor_mutex_unlock(r->mutex);
    }
    candor_wipe(fresh, sizeof fresh);
    return st;
}

bool candor_keyring_current(candor_keyring *r, candor_vault_key *out)
{
    if (r == NULL) return false;
    candor_mutex_lock(r->mutex);
    bool found = r->n != 0;
    if (found) *out = r->keys[0];
    candor_mutex_unlock(r->mutex);
    return found;
}

static bool find(candor_keyring *r, candor_bytes id, const unsigned char *check,
                 candor_vault_key *out)
{
    bool found = false;
    if (r == NULL) return false;
    candor_mutex_lock(r->mutex);
    for (size_t i = 0; i < r->n && !found; i++) {
        found = same_id(&r->keys[i], id) && memcmp(r->keys[i].check, check, CANDOR_KEY_CHECK) == 0;
        if (found && out != NULL) *out = r->keys[i];
    }
    candor_mutex_unlock(r->mutex);
    return found;
}

bool candor_keyring_find(candor_keyring *r, candor_bytes id,
                         const unsigned char check[CANDOR_KEY_CHECK], candor_vault_key *out)
{
    return find(r, id, check, out);
}

bool candor_keyring_knows(candor_keyring *r, candor_bytes id,
                          const unsigned char check[CANDOR_KEY_CHECK])
{
    return find(r, id, check, NULL);
}

bool candor_keyring_empty(candor_keyring *r)
{
    if (r == NULL) return true;
    candor_mutex_lock(r->mutex);
    bool empty = r->n == 0;
    candor_mutex_unlock(r->mutex);
    return empty;
}
