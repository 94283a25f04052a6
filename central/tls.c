#include "central/tls.h"

#include <openssl/err.h>

static candor_status tls_fail(candor_err *err, const char *path, const char *what)
{
    char text[128];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return candor_fail(err, CANDOR_CRYPTO, 0, "TLS", "%.100s is not a usable %s (%.100s)", path,
                       what, text);
}

candor_status candor_tls_new(const char *cert_path, const char *key_path, SSL_CTX **out,
                             candor_err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    candor_status st = CANDOR_OK;
    *out = NULL;
    if (ctx == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "TLS", NULL);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Renegotiation lets a client make us work; buffers of idle connections are given back. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1)
        st = tls_fail(err, cert_path, "PEM certificate chain");
    else if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
        st = tls_fail(err, key_path, "PEM private key");
    else if (SSL_CTX_check_private_key(ctx) != 1)
        st = tls_fail(err, key_path, "key of that certificate");
    if (st != CANDOR_OK)
        SSL_CTX_free(ctx);
    else
        *out = ctx;
    return st;
}
