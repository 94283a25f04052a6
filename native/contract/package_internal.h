/* What package.c and package_raw.c share. Private to contract. Threads: as the reader. */
#ifndef CANDOR_CONTRACT_PACKAGE_INTERNAL_H
#define CANDOR_CONTRACT_PACKAGE_INTERNAL_H

#include "contract/package.h"

/* One candor_package_check. */
typedef struct candor_package_reading {
    candor_json j;
    candor_sanitiser *s;
    const candor_parse_rules *rules;
    candor_package_info *info;
    candor_err *err;
    uint32_t seen;            /* members of the package met so far */
    candor_buf payload, line; /* the event at hand, as the rules write it */
    candor_buf text;          /* scratch: a decoded string */
} candor_package_reading;

/* Look for raw data in an event that is not exactly what the rules write. def NULL: of no known
 * type. CANDOR_INVALID with the sentence in r->err. */
CANDOR_CHECK candor_status candor_package_find_raw(candor_package_reading *r, uint64_t index,
                                                   const candor_event_def *def, candor_bytes event);
/* The same for one string of the summary: an opaque id, a time or a type of the schema, nothing
 * else. */
bool candor_package_summary_text_ok(candor_package_reading *r, const candor_json_token *t);
/* What redaction would find in a string: a set of CANDOR_FOUND_*; a time is nothing. */
unsigned candor_package_scan(candor_package_reading *r, const candor_json_token *t);
/* "a path", ... */
const char *candor_package_found_text(unsigned found);

#endif
