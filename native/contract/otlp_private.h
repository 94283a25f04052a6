/* What the otlp*.c files share. Private to them. */
#ifndef CANDOR_CONTRACT_OTLP_PRIVATE_H
#define CANDOR_CONTRACT_OTLP_PRIVATE_H

#include "base/json.h"
#include "contract/otlp.h"

/* A JSON value in the line's text: of a string without quotes, of an object or list all of it. */
typedef struct candor_otlp_value {
    candor_json_type type; /* ERROR: absent */
    candor_bytes raw;
} candor_otlp_value;

/* One line, taken apart. Slices point into it; texts are still escaped, which is how they are
 * written. */
typedef struct candor_otlp_line {
    candor_otlp_value event_id, type, session_id, user_id, machine_id, app, app_version, platform;
    candor_otlp_value correlation_id, payload;
    candor_bytes context; /* all of session_id to platform, as it stands */
    int64_t ts_ms;
    const candor_event_def *def; /* NULL: the schema does not know it */
} candor_otlp_line;

/* Look keys up in a JSON object; out[i] is the value of names[i]. False: malformed. */
bool candor_otlp_find(candor_bytes object, const char *const *names, candor_otlp_value *out,
                      size_t n);
bool candor_otlp_is(const candor_otlp_value *v, const char *text);
/* Exactly n lower-case hex digits, not all zero. */
bool candor_otlp_is_id(const candor_otlp_value *v, size_t n);
/* Digits of an unsigned integer of 64 bits. */
bool candor_otlp_is_count(const candor_otlp_value *v);

/* Append `"key":"text",` when v is a string. */
void candor_otlp_put_text(candor_buf *b, const char *key, const candor_otlp_value *v);
/* Append `"key":"<nanoseconds>",`: v, when it holds some, else ts_ms. */
void candor_otlp_put_time(candor_buf *b, const char *key, const candor_otlp_value *v,
                          int64_t ts_ms);
/* Append `{"key":"<key>","value":{"stringValue":"<text>"}}` when v is a string; with a comma in
 * front when b does not end with a bracket. */
void candor_otlp_put_attribute(candor_buf *b, const char *key, const candor_otlp_value *v);
/* Append an attribute for each member of the object but those that beside (may be NULL) has written
 * of its base fields: a key must not come twice. def (may be NULL) says which numbers are doubles.
 */
bool candor_otlp_put_members(candor_buf *b, candor_bytes object, const candor_otlp_line *beside,
                             const candor_event_def *def);

/* Append one record. False: the event lacks what such a record needs, b is as it was. */
bool candor_otlp_put_log(candor_buf *b, const candor_otlp_line *line);
bool candor_otlp_put_metric(candor_buf *b, const candor_otlp_line *line);
bool candor_otlp_put_span(candor_buf *b, const candor_otlp_line *line);

#endif
