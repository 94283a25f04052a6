/* gunzip of a request's body (RFC 1952) by libdeflate: whole buffers, two to three times as fast as
 * zlib's streams. Layer: central. Threads: an inflater belongs to one thread at a time. */
#ifndef CANDOR_CENTRAL_INFLATE_H
#define CANDOR_CENTRAL_INFLATE_H

#include "base/bytes.h"

/* Its tables serve many bodies, so that a request costs no allocation. */
typedef struct candor_inflater candor_inflater;
CANDOR_CHECK candor_status candor_inflater_new(candor_inflater **out);
void candor_inflater_free(candor_inflater *z); /* accepts NULL */

/* Append the inflated content of one or more concatenated members to out (out->max is ignored, and
 * out->cap never passes max_out behind what was there). On failure out is as it was.
 * CANDOR_LIMIT: more than max_out bytes would come out. CANDOR_CORRUPT: bad or truncated input, or
 * trailing garbage. CANDOR_FULL: out is fixed and too small. */
CANDOR_CHECK candor_status candor_inflater_run(candor_inflater *z, candor_bytes in, size_t max_out,
                                               candor_buf *out, candor_err *err);

#endif
