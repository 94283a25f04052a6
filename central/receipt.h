/* The receipt of an erasure: what was asked for and what went, signed with Ed25519 (RFC 8032) by a
 * key of the data directory. The person or machine is named by a digest only, so that keeping a
 * receipt keeps nothing about them. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_RECEIPT_H
#define CANDOR_CENTRAL_RECEIPT_H

#include "base/digest.h"
#include "central/token.h"

#define CANDOR_RECEIPT_KEY  32
#define CANDOR_RECEIPT_SIG  64
#define CANDOR_RECEIPT_FILE 16384 /* bytes of a file that verify reads */

typedef struct candor_receipt {
    unsigned char id[16]; /* UUIDv7 */
    int64_t requested_ms, completed_ms;
    char subject[16];                         /* user_id or machine_id */
    unsigned char digest[CANDOR_SHA256_SIZE]; /* of the id, see candor_receipt_subject */
    char app[CANDOR_TOKEN_APP + 1];           /* empty: every app */
    uint64_t events, sessions, attachments;
} candor_receipt;

/* subject: "user_id" or "machine_id". */
CANDOR_CHECK candor_status candor_receipt_subject(const char *subject, candor_bytes id,
                                                  unsigned char out[CANDOR_SHA256_SIZE]);
CANDOR_CHECK candor_status candor_receipt_public(const unsigned char seed[CANDOR_RECEIPT_KEY],
                                                 unsigned char out[CANDOR_RECEIPT_KEY]);
/* One JSON object and a line feed. */
CANDOR_CHECK candor_status candor_receipt_write(const candor_receipt *r,
                                                const unsigned char seed[CANDOR_RECEIPT_KEY],
                                                candor_buf *out, candor_err *err);
/* CANDOR_INVALID: it is no receipt, or not signed with that key; err says which. */
CANDOR_CHECK candor_status candor_receipt_verify(candor_bytes text,
                                                 const unsigned char key[CANDOR_RECEIPT_KEY],
                                                 candor_receipt *out, candor_err *err);

#endif
