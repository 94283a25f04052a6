/* TelemetryPackage 1.0.0 (requirements R50): what one export holds, as one JSON object that a
 * person can read before it leaves the machine. One writer, one reader, for both ends. Format:
 * docs/package.md. Layer: contract. Threads: one owner at a time.
 *
 * {"schema_version":"1.0.0","package_id":uuid7,"export_timestamp":time,"app","app_version",
 *  "platform","machine_id","schema":{"name","version","hash"},"governance_id":id|null,
 *  "correlation_ids":[..],"correlation_ids_more":n,
 *  "events":[event line,..],
 *  "performance_metrics":[..],"usage_statistics":{..},"errors":[..]} */
#ifndef CANDOR_CONTRACT_PACKAGE_H
#define CANDOR_CONTRACT_PACKAGE_H

#include "base/uuid.h"
#include "contract/envelope.h"

#define CANDOR_PACKAGE_VERSION "1.0.0"
#define CANDOR_PACKAGE_FILE    "rc-metrics.json" /* default name */

/* --- reading ----------------------------------------------------------------------------------*/

/* What the members before the events say. Slices point into the text. */
typedef struct candor_package_info {
    candor_bytes package_id; /* canonical text of a UUIDv7 */
    unsigned char id[16];    /* the same */
    int64_t export_ms;
    candor_bytes app, app_version, platform, machine_id;
    candor_bytes schema_name, schema_hash;
    int64_t schema_version;
    uint64_t events;   /* in the array */
    uint64_t rejected; /* of them: what candor_event_parse refuses for good, an unknown type say */
    uint64_t adjusted; /* of them: accepted, but changed by this schema's rules */
} candor_package_info;

/* Read the whole package and judge it, storing nothing. s is of CANDOR_AT_COLLECTOR. rules as for
 * candor_event_parse. CANDOR_INVALID, with one sentence in err->text that says where ("events[3]
 * (Error): payload.message holds a path; a package holds sanitised data only"): not JSON, another
 * version, an unknown or missing member, or raw data: anything that redaction would replace,
 * content, or a value that should be hashed and is not, wherever it stands, unknown fields
 * included. Events of a type or shape this schema does not take are counted, not an error.
 * CANDOR_LIMIT: an event larger than CANDOR_EVENT_MAX, or more distinct ids or rows than the writer
 * makes. */
CANDOR_CHECK candor_status candor_package_check(candor_bytes text, candor_sanitiser *s,
                                                const candor_parse_rules *rules,
                                                candor_package_info *out, candor_err *err);

/* Call visit with the text of each event, in order, until it returns false (then CANDOR_CANCELLED).
 * For text that candor_package_check has passed: nothing is judged again. The event is one JSON
 * object; give it to candor_event_parse. */
typedef bool (*candor_package_visit)(void *ctx, uint64_t index, candor_bytes event);
CANDOR_CHECK candor_status candor_package_each(candor_bytes text, candor_package_visit visit,
                                               void *ctx, candor_err *err);

/* --- writing ----------------------------------------------------------------------------------*/

/* Bounds of what is summed up; what is beyond them is counted in a row named "other". */
#define CANDOR_PACKAGE_CORRELATIONS_MAX 1000
#define CANDOR_PACKAGE_METRICS_MAX      256
#define CANDOR_PACKAGE_ERRORS_MAX       200

/* The bounded sums over the events of a package: everything but the events. */
typedef struct candor_package_sums candor_package_sums;
/* schema is borrowed. hash_key is borrowed: it hashes the messages of errors. */
CANDOR_CHECK candor_status candor_package_sums_new(const candor_schema *schema,
                                                   candor_hmac *hash_key,
                                                   candor_package_sums **out);
void candor_package_sums_free(candor_package_sums *p); /* accepts NULL */
/* Add one event line, without its line break. CANDOR_INVALID: not an event of this schema; nothing
 * is added, and the caller may still write the line. */
CANDOR_CHECK candor_status candor_package_sums_add(candor_package_sums *p, candor_bytes line);

typedef struct candor_package_head {
    unsigned char id[16]; /* UUIDv7 */
    int64_t export_ms;
    candor_bytes app, app_version, platform, machine_id;
} candor_package_head;

/* In this order: the head, which ends with `"events":[`; the lines, separated by commas, by the
 * caller; the tail, which begins with `]`. */
CANDOR_CHECK candor_status candor_package_put_head(const candor_package_sums *p,
                                                   const candor_package_head *head,
                                                   candor_buf *out);
CANDOR_CHECK candor_status candor_package_put_tail(const candor_package_sums *p, candor_buf *out);

#endif
