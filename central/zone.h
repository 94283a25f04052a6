/* Time zones for buckets: "UTC", an offset such as "+05:30", or a name of the IANA database, read
 * from the system's TZif files (RFC 9636). The C library's own zone is one for the whole process,
 * so it cannot serve two requests that ask for different ones. Layer: central. Threads: any; a zone
 * is read only once it is open. */
#ifndef CANDOR_CENTRAL_ZONE_H
#define CANDOR_CENTRAL_ZONE_H

#include "base/bytes.h"

#define CANDOR_ZONE_NAME 64 /* bytes of a name, its end included */

typedef struct candor_zone candor_zone;
/* True when name could be one: letters, digits and _+-/, no parent folders. */
bool candor_zone_name_ok(const char *name);
/* CANDOR_INVALID: there is no such zone here; err says what to give instead. */
CANDOR_CHECK candor_status candor_zone_open(const char *name, candor_zone **out, candor_err *err);
/* From the text of a TZif file. CANDOR_INVALID: it is none, or damaged. */
CANDOR_CHECK candor_status candor_zone_parse(candor_bytes text, candor_zone **out);
void candor_zone_free(candor_zone *z); /* accepts NULL */
/* Seconds east of UTC at that moment. */
int32_t candor_zone_offset(const candor_zone *z, int64_t unix_s);

#endif
