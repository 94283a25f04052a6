/* UUID version 7 (RFC 9562 section 5.7) and RFC 3339 time. Layer: base. Threads: any. */
#ifndef CANDOR_BASE_UUID_H
#define CANDOR_BASE_UUID_H

#include "base/bytes.h"

#define CANDOR_UUID_TEXT 36 /* canonical text, without terminator */

/* rand: 10 random bytes; version and variant bits are set here. unix_ms is cut to 48 bits.
 * Layout: 48-bit unix_ms, version 7, 74 random bits. */
void candor_uuid7_make(uint64_t unix_ms, const unsigned char rand[10], unsigned char out[16]);
void candor_uuid_format(const unsigned char id[16], char out[CANDOR_UUID_TEXT]);
/* Lower or upper case canonical text only. */
bool candor_uuid_parse(candor_bytes text, unsigned char out[16]);
bool candor_uuid_is_v7(const unsigned char id[16]);
/* The first half as a number: as it orders, the id does. */
uint64_t candor_uuid_head(const unsigned char id[16]);
uint64_t candor_uuid7_ms(const unsigned char id[16]);

#define CANDOR_TIME_TEXT 24 /* 2026-11-21T09:52:00.123Z, without terminator */

/* unix_ms must lie in years 0000..9999. UTC, milliseconds (RFC 3339). */
void candor_time_format(int64_t unix_ms, char out[CANDOR_TIME_TEXT]);
/* RFC 3339 date-time with any offset, fraction of any length (cut to ms). Leap second 60 is taken
 * as 59.999. False when malformed or not a calendar date. */
bool candor_time_parse(candor_bytes text, int64_t *unix_ms);

#endif
