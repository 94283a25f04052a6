/* The event line: base fields (requirements R2) around a sanitised payload. One writer, one parser.
 * Line: {"event_id":..,"event_type":..,"timestamp":..,"session_id":..,"user_id":..,"machine_id":..,
 *        "app":..,"app_version":..,"platform":..,["correlation_id":..,]"payload":{..}}\n
 * Layer: contract. Threads: one sanitiser per thread. */
#ifndef CANDOR_CONTRACT_ENVELOPE_H
#define CANDOR_CONTRACT_ENVELOPE_H

#include "contract/sanitise.h"

/* Who emits; the same for every event of a session. All borrowed; app_version passes
 * candor_version_ok, the others candor_id_ok. */
typedef struct candor_context {
    candor_bytes session_id; /* UUID text */
    candor_bytes user_id;
    candor_bytes machine_id; /* CANDOR_HASH_TEXT hex digits */
    candor_bytes app, app_version, platform;
} candor_context;

typedef struct candor_event {
    unsigned char id[16]; /* UUIDv7 */
    int64_t ts_ms;
    const candor_event_def *def;
    candor_context context;
    candor_bytes correlation_id; /* empty: none */
    candor_bytes payload;        /* sanitised JSON object */
} candor_event;

/* The part between timestamp and payload that a session shares, ready to copy:
 * "session_id":"..",...,"platform":".." */
CANDOR_CHECK candor_status candor_context_write(const candor_context *c, candor_buf *out);

/* Append one event line. context_json comes from candor_context_write. */
CANDOR_CHECK candor_status candor_event_write(const unsigned char id[16], candor_bytes type,
                                              int64_t ts_ms, candor_bytes context_json,
                                              candor_bytes correlation_id, candor_bytes payload,
                                              candor_buf *out);
/* The same of ids that were checked before, as those of a stored event are. */
CANDOR_CHECK candor_status candor_context_put(const candor_context *c, candor_buf *out);
CANDOR_CHECK candor_status candor_event_put(const unsigned char id[16], candor_bytes type,
                                            int64_t ts_ms, candor_bytes context_json,
                                            candor_bytes correlation_id, candor_bytes payload,
                                            candor_buf *out);

#define CANDOR_REJECT_MAP(X)                                                                       \
    X(NONE, "accepted")                                                                            \
    X(NOT_AN_OBJECT, "event is not a JSON object")                                                 \
    X(TOO_LARGE, "event is larger than 65536 bytes")                                               \
    X(BAD_EVENT_ID, "event_id is missing or is not a UUID version 7")                              \
    X(BAD_EVENT_TYPE, "event_type is missing or is not a string")                                  \
    X(UNKNOWN_EVENT, "event_type is not in the schema")                                            \
    X(BAD_TIMESTAMP, "timestamp is missing or is not RFC 3339")                                    \
    X(CLOCK_SKEW, "event_id or timestamp is too far from the collector's clock")                   \
    X(BAD_BASE_FIELD, "a base field is missing or is not an opaque id")                            \
    X(BAD_PAYLOAD, "payload is missing or is not a JSON object")                                   \
    X(BAD_JSON, "malformed JSON")                                                                  \
    X(FAILED, "the event could not be processed now; send it again")
#define CANDOR_REJECT_AS_ENUM(id, text) CANDOR_REJECT_##id,
typedef enum candor_reject {
    CANDOR_REJECT_MAP(CANDOR_REJECT_AS_ENUM) CANDOR_REJECT_COUNT
} candor_reject;
const char *candor_reject_name(candor_reject r); /* lower-case identifier, e.g. "unknown_event" */
const char *candor_reject_text(candor_reject r); /* sentence */

/* Parse and re-sanitise the event whose first token t was just read from j. Keys may come in any
 * order; the last of a duplicate counts. Base fields must be plain ids without escapes
 * (app_version: candor_version_ok); unknown base keys are skipped and tallied. The sanitised
 * payload is appended to payload_out, which may move as it grows: payload_at and payload_len say
 * where. Every other slice points into the text of j. now_ms and the skew bounds guard event_id and
 * timestamp; max_past_ms == 0 switches the check off. After any rejection but BAD_JSON the
 * tokenizer stands behind the event: the next can be read. */
typedef struct candor_parse_rules {
    int64_t now_ms, max_past_ms, max_future_ms;
} candor_parse_rules;
typedef struct candor_parsed {
    candor_event event; /* payload unset */
    size_t payload_at, payload_len;
    candor_tally tally;
} candor_parsed;
candor_reject candor_event_parse(candor_sanitiser *s, candor_json *j, const candor_json_token *t,
                                 const candor_parse_rules *rules, candor_buf *payload_out,
                                 candor_parsed *out);

#endif
