/* The temporary file of an export: <path>.<uuid>.tmp beside the package, so that it can be renamed.
 * Its process holds a lock on it; what a killed one left goes with the next export to the same
 * path. Layer: client. Threads: any. */
#ifndef CANDOR_CLIENT_EXPORT_TEMP_H
#define CANDOR_CLIENT_EXPORT_TEMP_H

#include "plat/plat.h"

/* A new one, locked. out is its path, "" after a failure that left none. */
CANDOR_CHECK candor_status candor_export_temp_open(const char *path, candor_file **f,
                                                   char out[CANDOR_PATH_MAX], candor_err *err);
/* Delete those of path whose process has died. */
void candor_export_temp_sweep(const char *path);

#endif
