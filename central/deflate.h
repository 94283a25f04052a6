/* gzip (RFC 1952) of what the collector writes, by ISA-L's igzip: members as small as libdeflate's
 * level 1 makes them, in a third of its time. Layer: central. Threads: a deflater belongs to one
 * thread at a time. */
#ifndef CANDOR_CENTRAL_DEFLATE_H
#define CANDOR_CENTRAL_DEFLATE_H

#include "base/bytes.h"

typedef struct candor_deflater candor_deflater;
CANDOR_CHECK candor_status candor_deflater_new(candor_deflater **out);
void candor_deflater_free(candor_deflater *z); /* accepts NULL */

/* Append text, of less than 4 GiB, as one member to out. CANDOR_NOMEM: out is as it was. */
CANDOR_CHECK candor_status candor_deflater_run(candor_deflater *z, candor_bytes text,
                                               candor_buf *out, candor_err *err);

#endif
