/* Candor: telemetry that people can look in the eye. C API of the client core.
 *
 * Threads: every function may be called from any thread unless it says otherwise.
 * Promise to the host: no call but open, close and the *_wait functions touches disk or network on
 * the calling thread; none writes to stdout, raises a signal or ends the process. Results are
 * values. */
#ifndef CANDOR_H
#define CANDOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct candor_client candor_client;

/* Why an event was not kept. KEPT is zero. Names are the keys of status.dropped. */
#define CANDOR_EMIT_MAP(X)                                                                         \
    X(KEPT, "kept")                                                                                \
    X(DISABLED, "disabled")           /* consent is off; status says who decided */                \
    X(SAMPLED, "sampled")             /* left out by the schema's sampling */                      \
    X(UNKNOWN_EVENT, "unknown_event") /* event type not in the schema */                           \
    X(BAD_PAYLOAD, "bad_payload")     /* not an object, malformed JSON, or a getter that threw */  \
    X(TOO_LARGE, "too_large")         /* sanitised payload over CANDOR_PAYLOAD_MAX */              \
    X(JOURNAL_FULL, "journal_full")   /* the worker could not keep up, or the disk is full */      \
    X(CLOSED, "closed")               /* after close, or in a fork child */                        \
    X(FAILED, "failed")               /* our own failure; never the host's problem */
#define CANDOR_EMIT_AS_ENUM(id, text) CANDOR_EMIT_##id,
typedef enum candor_emit_result {
    CANDOR_EMIT_MAP(CANDOR_EMIT_AS_ENUM) CANDOR_EMIT_COUNT
} candor_emit_result;
const char *candor_emit_name(candor_emit_result r);

/* Losses after emit, counted in state.db and shown in status.dropped beside the ones above. */
#define CANDOR_LOSS_MAP(X)                                                                         \
    X(SPOOL_FULL, "spool_full") /* oldest batches evicted by the spool's size cap */               \
    X(DISK_LOW, "disk_low")     /* less than min_free_disk_bytes left: not spooled */              \
    X(EXPIRED, "expired")       /* older than retention_days, never sent */                        \
    X(REFUSED, "refused")       /* the collector refused the event or its batch for good */        \
    X(CORRUPT, "corrupt")       /* damaged on disk, quarantined */                                 \
    X(PURGED, "purged")         /* deleted by turning off or by purge */
#define CANDOR_LOSS_AS_ENUM(id, text) CANDOR_LOSS_##id,
typedef enum candor_loss { CANDOR_LOSS_MAP(CANDOR_LOSS_AS_ENUM) CANDOR_LOSS_COUNT } candor_loss;
const char *candor_loss_name(candor_loss l);

/* Open a client. options_json: one JSON object; keys, units, defaults and bounds are the table in
 * client/settings.c, printed by `candor settings`. schema_json: the schema file's text.
 * An unknown or ill-typed option is CANDOR_INVALID with a sentence in err->text.
 * A spool that cannot be used (no permission, full disk) is not an error: the client opens, drops
 * and counts, and status says why. */
CANDOR_CHECK candor_status candor_open(candor_bytes options_json, candor_bytes schema_json,
                                       candor_client **out, candor_err *err);

/* Stop the worker. Everything accepted stays on disk; batching it is bounded by timeout_ms. Frees
 * c. */
void candor_close(candor_client *c, int timeout_ms);

/* Record one event. payload_json: an object, or empty for {}. correlation_id may be empty.
 * Takes one uncontended lock, no system call but at most one wake-up; never blocks, never fails
 * loudly. KEPT: the sanitised record survives SIGKILL of this process. */
candor_emit_result candor_emit(candor_client *c, candor_bytes type, candor_bytes payload_json,
                               candor_bytes correlation_id);

/* The typed front end used by the Node addon: `area` as laid out in contract/sanitise.h. An event
 * index of CANDOR_TYPED_BAD_PAYLOAD, _TOO_LARGE or _UNKNOWN_EVENT is counted as that, nothing else.
 */
candor_emit_result candor_emit_typed(candor_client *c, const unsigned char *area, size_t area_size);

/* The next three ask the worker and return at once; done is called from the worker thread exactly
 * once, also when the client closes first. result_json is borrowed for the call.
 *   flush  what was accepted before the call is in synced spool files: survives power loss
 *   upload flush, then one attempt at every due batch:
 * {"uploaded":n,"events":n,"pending":n,"error":s|null} purge  delete journal, spool and quarantine
 * of this directory: {"purged":n} */
typedef void (*candor_done)(void *ctx, candor_status status, candor_bytes result_json);
void candor_flush(candor_client *c, candor_done done, void *ctx);
void candor_upload(candor_client *c, candor_done done, void *ctx);
void candor_purge(candor_client *c, candor_done done, void *ctx);

typedef enum candor_consent_source {
    CANDOR_CONSENT_USER,
    CANDOR_CONSENT_HOST
} candor_consent_source;
/* USER: the stored choice of this spool, shared by its processes. HOST: this process only; can only
 * narrow. Turning off silences emit on return, aborts an upload in flight and deletes what is
 * buffered; done (may be NULL) reports the deletion. */
void candor_set_enabled(candor_client *c, bool enabled, candor_consent_source source,
                        candor_done done, void *ctx);
bool candor_enabled(candor_client *c);

/* Append status as JSON (docs/status.md). */
CANDOR_CHECK candor_status candor_status_json(candor_client *c, candor_buf *out, candor_err *err);
/* Append the exact inflated bytes of the next upload, nothing when there is none. */
CANDOR_CHECK candor_status candor_preview(candor_client *c, candor_buf *out, candor_err *err);
/* Append what was kept and sent since unix_ms, by hour and event type, as JSON. */
CANDOR_CHECK candor_status candor_stats_json(candor_client *c, int64_t since_unix_ms,
                                             candor_buf *out, candor_err *err);

#ifdef __cplusplus
}
#endif

#endif
