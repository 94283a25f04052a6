/* Which roots a server's certificate is held against. Layer: net. Threads: one owner. */
#ifndef CANDOR_NET_TRUST_H
#define CANDOR_NET_TRUST_H

#include "net/curl.h"

/* More than any system's bundle (some 300 KB), little enough to read by mistake. */
#define CANDOR_TRUST_FILE_MAX ((size_t)8 << 20)

/* Zero-initialise. Either roots hold PEM text, or file names a bundle, or neither: libcurl's own.
 */
typedef struct candor_trust {
    candor_buf roots;
    const char *file; /* borrowed, or named */
    char *named;      /* SSL_CERT_FILE */
    bool only_file;   /* the caller named the file: the system's store is not asked as well */
} candor_trust;

/* ca_file replaces the system's store, ca_pem is added to whichever is used. ca_file is borrowed as
 * long as t lives. Fails when ca_file cannot be read. */
CANDOR_CHECK candor_status candor_trust_load(candor_trust *t, const candor_curl *c,
                                             const char *ca_file, candor_bytes ca_pem,
                                             candor_err *err);
CANDOR_CHECK candor_status candor_trust_apply(const candor_trust *t, const candor_curl *c,
                                              CURL *easy, candor_err *err);
void candor_trust_free(candor_trust *t); /* accepts a zeroed one; leaves it zeroed */

#endif
