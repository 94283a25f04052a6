/* TLS for the listener: a certificate that can be replaced while connections go on. Layer: central.
 * Threads: candor_tls_session from any; load from one. */
#ifndef CANDOR_CENTRAL_TLS_H
#define CANDOR_CENTRAL_TLS_H

#include <openssl/ssl.h>

#include "base/status.h"

typedef struct candor_tls candor_tls;

/* TLS 1.2 and later, the library's default ciphers. The paths are borrowed for its life. */
CANDOR_CHECK candor_status candor_tls_new(const char *cert_path, const char *key_path,
                                          candor_tls **out, candor_err *err);
void candor_tls_free(candor_tls *t); /* accepts NULL; sessions may outlive it */
/* Read both files again. Sessions from now on have the new certificate; on failure, the one before.
 */
CANDOR_CHECK candor_status candor_tls_load(candor_tls *t, candor_err *err);
/* For one connection; NULL: out of memory. */
SSL *candor_tls_session(candor_tls *t);
/* When the certificate ends, in Unix seconds; 0: unknown. */
int64_t candor_tls_expiry(candor_tls *t);

#endif
