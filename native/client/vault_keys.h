/* The keys of what is encrypted at rest. They come from the host, live in memory only and are wiped
 * at the end. The first is the current one, which encrypts; the others read what is left of before
 * a rotation. Layer: client. Threads: any. */
#ifndef CANDOR_CLIENT_VAULT_KEYS_H
#define CANDOR_CLIENT_VAULT_KEYS_H

#include "base/aead.h"
#include "candor.h"
#include "plat/plat.h"

#define CANDOR_KEYS_MAX   16 /* keys that a client holds */
#define CANDOR_KEY_ID_MAX 64
#define CANDOR_KEY_CHECK  8 /* bytes that tell two keys of the same id apart */

/* A copy, to be wiped by whoever took it. */
typedef struct candor_vault_key {
    char id[CANDOR_KEY_ID_MAX];
    size_t id_n;
    unsigned char key[CANDOR_AEAD_KEY];
    unsigned char check[CANDOR_KEY_CHECK];
} candor_vault_key;

typedef struct candor_keyring candor_keyring;
CANDOR_CHECK candor_status candor_keyring_new(candor_keyring **out);
void candor_keyring_free(candor_keyring *r); /* wipes; accepts NULL */
/* In place of the keys before. CANDOR_INVALID: err->text says which one; nothing has changed. */
CANDOR_CHECK candor_status candor_keyring_set(candor_keyring *r, const candor_key *keys, size_t n,
                                              candor_err *err);
/* r may be NULL: there is none. */
bool candor_keyring_current(candor_keyring *r, candor_vault_key *out);
bool candor_keyring_find(candor_keyring *r, candor_bytes id,
                         const unsigned char check[CANDOR_KEY_CHECK], candor_vault_key *out);
bool candor_keyring_knows(candor_keyring *r, candor_bytes id,
                          const unsigned char check[CANDOR_KEY_CHECK]);
bool candor_keyring_empty(candor_keyring *r);

#endif
