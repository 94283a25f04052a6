/* gzip (RFC 1952) over zlib: whole-buffer compress, inflate with a cap. The collector reads
 * bodies with central/inflate.c instead. Layer: base. */
#ifndef CANDOR_BASE_GZIP_H
#define CANDOR_BASE_GZIP_H

#include "base/bytes.h"

/* Append a gzip member to out. level 1..9. comment (may be NULL) goes to the header's FCOMMENT
 * field; Latin-1 without NUL. */
CANDOR_CHECK candor_status candor_gzip(candor_bytes in, int level, const char *comment,
                                       candor_buf *out, candor_err *err);

/* Append the inflated content of one or more concatenated members to out (out->max is ignored).
 * CANDOR_LIMIT as soon as more than max_out bytes would come out; CANDOR_CORRUPT on bad or
 * truncated input or trailing garbage. comment (may be NULL, cap bytes) gets the first member's. */
CANDOR_CHECK candor_status candor_gunzip(candor_bytes in, size_t max_out, candor_buf *out,
                                         char *comment, size_t comment_cap, candor_err *err);

#endif
