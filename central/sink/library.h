/* A client library loaded by the first use of its sink: the collector runs without it.
 * Layer: central. Threads: one owner a table. */
#ifndef CANDOR_CENTRAL_SINK_LIBRARY_H
#define CANDOR_CENTRAL_SINK_LIBRARY_H

#include "plat/plat.h"

/* Fill a table of n function pointers from the library. package: what to install, for people. */
CANDOR_CHECK candor_status candor_sink_library(const char *name, unsigned version,
                                               const char *package, const char *const *symbols,
                                               size_t n, void *table, candor_err *err);

#endif
