/* Shared by the posix_*.c files: errno to status, descriptors. Layer: plat. Private to the layer.
 */
#ifndef CANDOR_PLAT_POSIX_H
#define CANDOR_PLAT_POSIX_H

#include "plat/plat.h"

/* The status for an errno value; never CANDOR_OK. */
candor_status candor_posix_status(int sys);
/* Fill err from errno value sys; what reads "cannot open" and path may be NULL. */
candor_status candor_posix_fail(candor_err *err, int sys, const char *op, const char *what,
                                const char *path);
/* fsync until no signal interrupts it; 0 or an errno value. */
int candor_posix_fsync(int fd);
int candor_posix_fd(const candor_file *f); /* borrowed */

#endif
