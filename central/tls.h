/* TLS for the listener. Layer: central. */
#ifndef CANDOR_CENTRAL_TLS_H
#define CANDOR_CENTRAL_TLS_H

#include <openssl/ssl.h>

#include "base/status.h"

/* TLS 1.2 and later, the library's default ciphers. */
CANDOR_CHECK candor_status candor_tls_new(const char *cert_path, const char *key_path,
                                          SSL_CTX **out, candor_err *err);

#endif
