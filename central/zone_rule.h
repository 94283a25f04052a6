/* The rule at the end of a TZif file, a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3, with
 * the wider hours of RFC 9636. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_ZONE_RULE_H
#define CANDOR_CENTRAL_ZONE_RULE_H

#include "base/bytes.h"

typedef struct candor_zone_day {
    char kind; /* 'M': month, week, day; 'J': 1..365 without leap days; 'D': 0..365 */
    int m, w, d;
    int32_t time_s; /* of the local clock; may be negative or beyond a day */
} candor_zone_day;

typedef struct candor_zone_rule {
    int32_t std_s, dst_s; /* seconds east of UTC */
    bool has_dst;
    candor_zone_day from, to;
} candor_zone_rule;

bool candor_zone_rule_parse(candor_bytes text, candor_zone_rule *out);
int32_t candor_zone_rule_offset(const candor_zone_rule *r, int64_t unix_s);
/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. */
int64_t candor_days_of(int64_t year, int month, int day);
void candor_date_of(int64_t days, int64_t *year, int *month, int *day);

#endif
