/* The sealed form of what is encrypted at rest: attachments of the vault, and spool files with the
 * option encryptSpool. Layer: client. Threads: any.
 *
 *   0    magic "CNDRSEAL", u8 version, u8 kind, u8 key id length, u8 field length, u16 note length,
 *        u16 zero
 *   16   12-byte nonce, u32 plain size
 *   32   16-byte id (event or batch), 8-byte check of the key, u64 zero
 *   64   key id, field, note, then the ciphertext and a 16-byte tag
 *
 * All that stands before the ciphertext is authenticated with it, and is not secret: the note of a
 * batch is the comment of its gzip header, so that a crash is recovered without the key. */
#ifndef CANDOR_CLIENT_VAULT_SEAL_H
#define CANDOR_CLIENT_VAULT_SEAL_H

#include "client/vault_keys.h"
#include "contract/limits.h"

#define CANDOR_SEAL_HEAD     64
#define CANDOR_SEAL_NOTE_MAX 255
#define CANDOR_SEAL_OVER                                                                           \
    (CANDOR_SEAL_HEAD + CANDOR_KEY_ID_MAX + CANDOR_NAME_MAX + CANDOR_SEAL_NOTE_MAX +               \
     CANDOR_AEAD_TAG) /* what sealing adds at most */

typedef enum candor_seal_kind {
    CANDOR_SEAL_ATTACHMENT = 1,
    CANDOR_SEAL_BATCH = 2
} candor_seal_kind;

typedef struct candor_seal {
    candor_seal_kind kind;
    unsigned char id[16];
    candor_bytes key_id; /* read: where it stands in the sealed bytes, as are the next two */
    candor_bytes field;  /* ATTACHMENT */
    candor_bytes note;   /* BATCH */
    unsigned char check[CANDOR_KEY_CHECK];
    size_t head_n, plain_n;
} candor_seal;

/* Append plain, encrypted under key with a nonce of its own, to out. kind, id, field and note are
 * what is read of s. */
CANDOR_CHECK candor_status candor_seal_write(const candor_seal *s, const candor_vault_key *key,
                                             candor_bytes plain, candor_buf *out);
/* The part before the ciphertext, unauthenticated; whole: `in` is all of it, else its beginning.
 * CANDOR_CORRUPT: not sealed by this version. */
CANDOR_CHECK candor_status candor_seal_read(candor_bytes in, bool whole, candor_seal *out);
/* Append the plain bytes to out. CANDOR_DENIED: the key is not in the ring (locked).
 * CANDOR_CORRUPT: damaged. */
CANDOR_CHECK candor_status candor_seal_open(candor_bytes in, candor_keyring *ring, candor_seal *s,
                                            candor_buf *out);
/* Whether it begins like a sealed file. */
bool candor_seal_is(candor_bytes in);

#endif
