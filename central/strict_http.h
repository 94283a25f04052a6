/* HTTP/1.1 as RFC 9112 writes it and no wider: heads and chunked bodies that two parsers could read
 * differently are refused, because that difference is what request smuggling lives on. Lenient
 * parsers accept differing Content-Length fields, bare LF, "+3" as a chunk size and more; every
 * such item is a test in tests/c/central_lib/test_strict_http.c. Layer: central. Threads: any; no
 * state but the caller's. */
#ifndef CANDOR_CENTRAL_STRICT_HTTP_H
#define CANDOR_CENTRAL_STRICT_HTTP_H

#include "base/bytes.h"

typedef struct candor_head {
    candor_bytes method, path, query; /* path starts with '/'; query without '?' */
    bool http11, keep_alive, chunked, has_length, expect_continue;
    uint64_t length; /* Content-Length; 0 without */
    /* Values trimmed; empty when absent. Each may appear once. */
    candor_bytes host, connection, expect, transfer_encoding, content_length;
    candor_bytes content_type, content_encoding, authorization, if_none_match;
    candor_bytes accept_encoding, cookie, origin;
    candor_bytes upload_offset, upload_complete; /* draft-ietf-httpbis-resumable-upload */
    /* Candor-... */
    candor_bytes batch_id, machine_id, sent_at, schema_hash, consent, content_sha256, drops;
} candor_head;

typedef enum candor_scan { CANDOR_SCAN_MORE, CANDOR_SCAN_DONE, CANDOR_SCAN_BAD } candor_scan;

/* Look for the end of a head in text. from: where the last call stopped (bytes known to hold no
 * end). DONE: *end is the length of the head with its empty line. BAD: a byte that no head may
 * hold; *why is a sentence. MORE: not complete yet. */
candor_scan candor_head_scan(candor_bytes text, size_t from, size_t *end, const char **why);

/* Parse a complete head (what scan measured). Slices point into text. On false *code is the HTTP
 * status to answer (400, 417, 505) and *why a sentence. */
bool candor_head_parse(candor_bytes text, candor_head *out, int *code, const char **why);

/* Value of a query parameter, undecoded; false when absent. A repeated one: the first counts. */
bool candor_query_find(candor_bytes query, const char *name, candor_bytes *value);
/* Percent-decoded into out with a terminator; false when malformed, too long, or with a NUL. */
bool candor_query_decode(candor_bytes value, char *out, size_t cap, size_t *n);

/* Chunked decoder (RFC 9112 section 7.1), fed in pieces of any size. Sizes are 1 to 8 hex digits;
 * extensions and trailer fields are refused. Zero-initialise. */
typedef struct candor_chunks {
    unsigned state;  /* private */
    unsigned digits; /* private */
    uint64_t left;   /* private */
} candor_chunks;
/* Consumes from in: *used bytes. Data found is *data (points into in; may be empty). Call again
 * with the rest until MORE with *used == in.n, DONE (behind the body) or BAD. */
candor_scan candor_chunks_next(candor_chunks *c, candor_bytes in, size_t *used, candor_bytes *data,
                               const char **why);

#endif
