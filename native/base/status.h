/* Filling an error. The one error space of the whole product is in base/types.h.
 * Layer: base. Threads: any. */
#ifndef CANDOR_BASE_STATUS_H
#define CANDOR_BASE_STATUS_H

#include "base/types.h"

/* Fill err (may be NULL) and return code, so that a failure reads `return candor_fail(...)`. */
candor_status candor_fail(candor_err *err, candor_status code, int sys, const char *op,
                          const char *fmt, ...) CANDOR_PRINTF(5, 6);

#endif
