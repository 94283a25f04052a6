/* Which errors are the same: a digest of what an event says about itself, without what differs from
 * one time to the next. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_ERROR_GROUP_H
#define CANDOR_CENTRAL_ERROR_GROUP_H

#include "base/digest.h"
#include "contract/schema.h"

#define CANDOR_ERROR_GROUP_HASH 16  /* hex digits */
#define CANDOR_ERROR_GROUP_TEXT 320 /* of hash, type and title with tabs between, terminated */

/* The level is error or crash. */
bool candor_is_error(const candor_event_def *def);

/* "<hash>\t<event type>\t<title>". The hash is over the type and, of the payload, its fields of
 * kind id and enum, its texts with each run of digits as one, and a messageHash; not over stacks,
 * numbers, and hashes of paths. The title is those ids and enums: never a free text. */
CANDOR_CHECK candor_status candor_error_group(const candor_event_def *def, candor_bytes payload,
                                              char out[CANDOR_ERROR_GROUP_TEXT]);
/* Takes it apart again; false when text has another form, as "(other)" has. */
bool candor_error_group_split(candor_bytes text, candor_bytes *hash, candor_bytes *type,
                              candor_bytes *title);

#endif
