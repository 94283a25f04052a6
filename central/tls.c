#include "central/tls.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <time.h>

#include "plat/plat.h"

struct candor_tls {
    const char *cert_path, *key_path;
    candor_mutex *lock; /* guards ctx; each session holds a reference of its own */
    SSL_CTX *ctx;
};

static candor_status tls_fail(candor_err *err, const char *path, const char *what)
{
    char text[128];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    return candor_fail(err, CANDOR_CRYPTO, 0, "TLS", "%.100s is not a usable %s (%.100s)", path,
                       what, text);
}

static candor_status make_context(const candor_tls *t, SSL_CTX **out, candor_err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    candor_status st = CANDOR_OK;
    *out = NULL;
    if (ctx == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "TLS", NULL);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Renegotiation lets a client make us work; buffers of idle connections are given back. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(ctx, t->cert_path) != 1)
        st = tls_fail(err, t->cert_path, "PEM certificate chain");
    else if (SSL_CTX_use_PrivateKey_file(ctx, t->key_path, SSL_FILETYPE_PEM) != 1)
        st = tls_fail(err, t->key_path, "PEM private key, or not that of the certificate");
    else if (SSL_CTX_check_private_key(ctx) != 1)
        st = tls_fail(err, t->key_path, "key of that certificate");
    if (st != CANDOR_OK)
        SSL_CTX_free(ctx);
    else
        *out = ctx;
    return st;
}

candor_status candor_tls_load(candor_tls *t, candor_err *err)
{
    SSL_CTX *fresh, *old;
    candor_status st = make_context(t, &fresh, err);
    if (st != CANDOR_OK) return st;
    candor_mutex_lock(t->lock);
    old = t->ctx;
    t->ctx = fresh;
    candor_mutex_unlock(t->lock);
    SSL_CTX_free(old);
    return CANDOR_OK;
}

candor_status candor_tls_new(const char *cert_path, const char *key_path, candor_tls **out,
                             candor_err *err)
{
    candor_tls *t = calloc(1, sizeof *t);
    candor_status st = t != NULL ? candor_mutex_new(&t->lock) : CANDOR_NOMEM;
    *out = NULL;
    if (st != CANDOR_OK) {
        free(t);
        return candor_fail(err, st, 0, "TLS", NULL);
    }
    t->cert_path = cert_path;
    t->key_path = key_path;
    st = candor_tls_load(t, err);
    if (st != CANDOR_OK)
        candor_tls_free(t);
    else
        *out = t;
    return st;
}

void candor_tls_free(candor_tls *t)
{
    if (t == NULL) return;
    SSL_CTX_free(t->ctx);
    candor_mutex_free(t->lock);
    free(t);
}

SSL *candor_tls_session(candor_tls *t)
{
    SSL *ssl;
    candor_mutex_lock(t->lock);
    ssl = SSL_new(t->ctx);
    candor_mutex_unlock(t->lock);
    return ssl;
}

int64_t candor_tls_expiry(candor_tls *t)
{
    struct tm end = {0};
    X509 *cert;
    int64_t at = 0;
    candor_mutex_lock(t->lock);
    cert = SSL_CTX_get0_certificate(t->ctx);
    if (cert != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) == 1)
        at = (int64_t)timegm(&end);
    candor_mutex_unlock(t->lock);
    return at;
}
