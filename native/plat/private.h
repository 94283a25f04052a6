/* What the files that are the same on every platform ask of those that are not. Layer: plat.
 * Private to the layer. */
#ifndef CANDOR_PLAT_PRIVATE_H
#define CANDOR_PLAT_PRIVATE_H

#include "plat/plat.h"

/* Give the file temp the name path in one step. CANDOR_BUSY: the name is taken; temp stays. After
 * CANDOR_OK temp may be there or not. */
CANDOR_CHECK candor_status candor_plat_publish(const char *temp, const char *path, candor_err *err);

#endif
