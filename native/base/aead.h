/* AES-256-GCM (NIST SP 800-38D) over libcrypto. Layer: base. Threads: any; nothing is shared.
 * A key takes 2^32 messages with random nonces at most (SP 800-38D section 8.3). */
#ifndef CANDOR_BASE_AEAD_H
#define CANDOR_BASE_AEAD_H

#include "base/bytes.h"

#define CANDOR_AEAD_KEY   32
#define CANDOR_AEAD_NONCE 12
#define CANDOR_AEAD_TAG   16

/* Append the ciphertext of plain and the tag to out: plain.n + CANDOR_AEAD_TAG bytes. aad is
 * authenticated, not written. The nonce must never come again under the same key. After a failure
 * out is as it was. */
CANDOR_CHECK candor_status candor_aead_seal(const unsigned char key[CANDOR_AEAD_KEY],
                                            const unsigned char nonce[CANDOR_AEAD_NONCE],
                                            candor_bytes aad, candor_bytes plain, candor_buf *out);
/* The reverse: sealed is ciphertext and tag. CANDOR_CORRUPT: damaged, or another key, nonce or
 * aad; out is as it was. */
CANDOR_CHECK candor_status candor_aead_open(const unsigned char key[CANDOR_AEAD_KEY],
                                            const unsigned char nonce[CANDOR_AEAD_NONCE],
                                            candor_bytes aad, candor_bytes sealed, candor_buf *out);

/* Overwrite what must not stay in memory; not optimised away. */
void candor_wipe(void *p, size_t n);

#endif
