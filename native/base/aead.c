#include "base/aead.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

void candor_wipe(void *p, size_t n)
{
    if (n != 0) OPENSSL_cleanse(p, n);
}

static bool fits_int(candor_bytes b)
{
    return b.n <= INT_MAX - CANDOR_AEAD_TAG;
}

static const unsigned char *bytes(candor_bytes b)
{
    return (const unsigned char *)(b.n != 0 ? b.p : "");
}

/* GCM is a stream: as many bytes come out as go in, and EVP_*Final adds none. */
static bool seal(EVP_CIPHER_CTX *ctx, const unsigned char *key, const unsigned char *nonce,
                 candor_bytes aad, candor_bytes plain, unsigned char *to)
{
    int n = 0;
    return EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
           (aad.n == 0 || EVP_EncryptUpdate(ctx, NULL, &n, bytes(aad), (int)aad.n) == 1) &&
           (plain.n == 0 || EVP_EncryptUpdate(ctx, to, &n, bytes(plain), (int)plain.n) == 1) &&
           EVP_EncryptFinal_ex(ctx, to + plain.n, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, CANDOR_AEAD_TAG, to + plain.n) == 1;
}

candor_status candor_aead_seal(const unsigned char key[CANDOR_AEAD_KEY],
                               const unsigned char nonce[CANDOR_AEAD_NONCE], candor_bytes aad,
                               candor_bytes plain, candor_buf *out)
{
    if (!fits_int(aad) || !fits_int(plain)) return CANDOR_LIMIT;
    if (!candor_buf_reserve(out, plain.n + CANDOR_AEAD_TAG)) return CANDOR_NOMEM;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && seal(ctx, key, nonce, aad, plain, (unsigned char *)out->p + out->n);
    EVP_CIPHER_CTX_free(ctx);
    if (ok) out->n += plain.n + CANDOR_AEAD_TAG;
    return ok ? CANDOR_OK : CANDOR_CRYPTO;
}

static bool start_open(EVP_CIPHER_CTX *ctx, const unsigned char *key, const unsigned char *nonce,
                       candor_bytes aad, unsigned char *tag)
{
    int n = 0;
    return EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, CANDOR_AEAD_TAG, tag) == 1 &&
           (aad.n == 0 || EVP_DecryptUpdate(ctx, NULL, &n, bytes(aad), (int)aad.n) == 1);
}

candor_status candor_aead_open(const unsigned char key[CANDOR_AEAD_KEY],
                               const unsigned char nonce[CANDOR_AEAD_NONCE], candor_bytes aad,
                               candor_bytes sealed, candor_buf *out)
{
    if (sealed.n < CANDOR_AEAD_TAG) return CANDOR_CORRUPT;
    if (!fits_int(aad) || !fits_int(sealed)) return CANDOR_LIMIT;
    size_t plain_n = sealed.n - CANDOR_AEAD_TAG;
    if (!candor_buf_reserve(out, plain_n + 1)) return CANDOR_NOMEM;
    unsigned char tag[CANDOR_AEAD_TAG], *to = (unsigned char *)out->p + out->n;
    memcpy(tag, sealed.p + plain_n, sizeof tag);
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool started = ctx != NULL && start_open(ctx, key, nonce, aad, tag);
    bool ok = started &&
              (plain_n == 0 || EVP_DecryptUpdate(ctx, to, &n, bytes(sealed), (int)plain_n) == 1) &&
              EVP_DecryptFinal_ex(ctx, to + plain_n, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (ok) out->n += plain_n;
    if (!ok) candor_wipe(to, plain_n); /* unauthenticated text is nobody's to see */
    if (!started) return CANDOR_CRYPTO;
    return ok ? CANDOR_OK : CANDOR_CORRUPT;
}
