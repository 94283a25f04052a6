/* SHA256_* instead of EVP: libcrypto 3.0 allocates and frees a provider's state for each copy of an
 * EVP_MD_CTX, which costs as much as the hashing itself; and the first use of EVP sets up all
 * algorithms of the library, a megabyte that a process without uploads never needs. These functions
 * are deprecated, not removed, and BoringSSL has them too. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define BLOCK 64 /* SHA-256's block, the B of RFC 2104 */

candor_status candor_sha256(candor_bytes in, unsigned char out[CANDOR_SHA256_SIZE])
{
    SHA256_CTX ctx;
    bool ok = SHA256_Init(&ctx) == 1 && SHA256_Update(&ctx, in.n != 0 ? in.p : "", in.n) == 1 &&
              SHA256_Final(out, &ctx) == 1;
    return ok ? CANDOR_OK : CANDOR_CRYPTO;
}

/* inner and outer have already eaten the padded key; a call works on copies of them. */
struct candor_hmac {
    SHA256_CTX inner, outer;
};

static candor_status start(SHA256_CTX *ctx, const unsigned char *key, unsigned char pad)
{
    unsigned char block[BLOCK];
    for (unsigned i = 0; i < BLOCK; i++)
        block[i] = key[i] ^ pad;
    bool ok = SHA256_Init(ctx) == 1 && SHA256_Update(ctx, block, BLOCK) == 1;
    OPENSSL_cleanse(block, sizeof(block));
    return ok ? CANDOR_OK : CANDOR_CRYPTO;
}

static candor_status set_key(candor_hmac *h, candor_bytes key)
{
    unsigned char block[BLOCK] = {0};
    candor_status st = CANDOR_OK;
    if (key.n > BLOCK) {
        st = candor_sha256(key, block);
    } else if (key.n != 0) {
        memcpy(block, key.p, key.n);
    }
    if (st == CANDOR_OK) st = start(&h->inner, block, 0x36);
    if (st == CANDOR_OK) st = start(&h->outer, block, 0x5c);
    OPENSSL_cleanse(block, sizeof(block));
    return st;
}

candor_status candor_hmac_new(candor_bytes key, candor_hmac **out)
{
    candor_hmac *h = calloc(1, sizeof(*h));
    *out = NULL;
    if (h == NULL) return CANDOR_NOMEM;
    candor_status st = set_key(h, key);
    if (st == CANDOR_OK) {
        *out = h;
    } else {
        candor_hmac_free(h);
    }
    return st;
}

static bool finish(const SHA256_CTX *from, const void *p, size_t n, unsigned char *out)
{
    SHA256_CTX work = *from;
    return SHA256_Update(&work, p, n) == 1 && SHA256_Final(out, &work) == 1; /* wipes its buffer */
}

candor_status candor_hmac_run(candor_hmac *h, candor_bytes in,
                              unsigned char out[CANDOR_SHA256_SIZE])
{
    unsigned char inner[CANDOR_SHA256_SIZE];
    bool ok = finish(&h->inner, in.n != 0 ? in.p : "", in.n, inner) &&
              finish(&h->outer, inner, sizeof(inner), out);
    return ok ? CANDOR_OK : CANDOR_CRYPTO;
}

candor_status candor_hmac_text(candor_hmac *h, candor_bytes in, char out[CANDOR_HASH_TEXT])
{
    unsigned char full[CANDOR_SHA256_SIZE];
    candor_status st = candor_hmac_run(h, in, full);
    if (st == CANDOR_OK) candor_hex_encode(full, CANDOR_HASH_TEXT / 2, out);
    return st;
}

void candor_hmac_free(candor_hmac *h)
{
    if (h == NULL) return;
    OPENSSL_cleanse(h, sizeof(*h));
    free(h);
}

bool candor_const_time_eq(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

void candor_crypto_thread_end(void)
{
    OPENSSL_thread_stop();
}
