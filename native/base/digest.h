/* SHA-256 and HMAC-SHA-256 (RFC 2104) over libcrypto, constant-time compare.
 * Layer: base. Threads: one candor_hmac per thread. */
#ifndef CANDOR_BASE_DIGEST_H
#define CANDOR_BASE_DIGEST_H

#include "base/bytes.h"

#define CANDOR_SHA256_SIZE 32
#define CANDOR_HASH_TEXT   32 /* hex digits of a stored hash: the first 128 bits */

CANDOR_CHECK candor_status candor_sha256(candor_bytes in, unsigned char out[CANDOR_SHA256_SIZE]);

/* A key made ready once, so that each call costs two compressions besides the message's own, and
 * allocates nothing. */
typedef struct candor_hmac candor_hmac;
CANDOR_CHECK candor_status candor_hmac_new(candor_bytes key, candor_hmac **out);
CANDOR_CHECK candor_status candor_hmac_run(candor_hmac *h, candor_bytes in,
                                           unsigned char out[CANDOR_SHA256_SIZE]);
/* The stored form: the first 16 bytes in lower-case hex. */
CANDOR_CHECK candor_status candor_hmac_text(candor_hmac *h, candor_bytes in,
                                            char out[CANDOR_HASH_TEXT]);
void candor_hmac_free(candor_hmac *h); /* wipes the key; accepts NULL */

/* Time depends on n only. */
bool candor_const_time_eq(const void *a, const void *b, size_t n);

/* What libcrypto keeps for the calling thread goes. For the end of a thread where the library
 * cannot see it: linked statically on Windows (OPENSSL_thread_stop(3)). */
void candor_crypto_thread_end(void);

#endif
