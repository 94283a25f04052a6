/* Candor: telemetry that people can look in the eye. C API of the client core.
 *
 * Threads: every function may be called from any thread unless it says otherwise.
 * Promise to the host: no call but open, close and the *_wait functions touches disk or network on
 * the calling thread; none writes to stdout, raises a signal or ends the process. Results are
 * values. */
#ifndef CANDOR_H
#define CANDOR_H

#include "base/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct candor_client candor_client;

/* Why an event was not kept. KEPT is zero. Names are the keys of status.dropped. */
#define CANDOR_EMIT_MAP(X)                                                                         \
    X(KEPT, "kept")                                                                                \
    X(DISABLED, "disabled")           /* consent is off; status says who decided */                \
    X(LEVEL, "level")                 /* above the privacy level */                                \
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
CANDOR_API const char *candor_emit_name(candor_emit_result r);

/* Losses after emit, counted in state.db and shown in status.dropped beside the ones above. */
#define CANDOR_LOSS_MAP(X)                                                                         \
    X(SPOOL_FULL, "spool_full") /* oldest batches evicted by the spool's size cap */               \
    X(DISK_LOW, "disk_low")     /* less than min_free_disk_bytes left: not spooled */              \
    X(EXPIRED, "expired")       /* older than retention_days, never sent */                        \
    X(REFUSED, "refused")       /* the collector refused the event or its batch for good */        \
    X(CORRUPT, "corrupt")       /* damaged on disk, quarantined */                                 \
    X(PURGED, "purged")         /* deleted by turning off or by purge */                           \
    X(KEY_LOST, "key_lost")     /* encrypted on disk, and its key never came back */
#define CANDOR_LOSS_AS_ENUM(id, text) CANDOR_LOSS_##id,
typedef enum candor_loss { CANDOR_LOSS_MAP(CANDOR_LOSS_AS_ENUM) CANDOR_LOSS_COUNT } candor_loss;
CANDOR_API const char *candor_loss_name(candor_loss l);

/* Open a client. options_json: one JSON object; keys, units, defaults and bounds are the table in
 * client/settings.c, printed by `candor settings`. schema_json: the schema file's text.
 * An unknown or ill-typed option is CANDOR_INVALID with a sentence in err->text.
 * A spool that cannot be used (no permission, full disk) is not an error: the client opens, drops
 * and counts, and status says why. */
CANDOR_API CANDOR_CHECK candor_status candor_open(candor_bytes options_json,
                                                  candor_bytes schema_json, candor_client **out,
                                                  candor_err *err);

/* Stop the worker. Everything accepted stays on disk; batching it is bounded by timeout_ms. Frees
 * c. */
CANDOR_API void candor_close(candor_client *c, int timeout_ms);

/* Record one event. payload_json: an object, or empty for {}. correlation_id may be empty.
 * Takes one uncontended lock, no system call but at most one wake-up; never blocks, never fails
 * loudly. KEPT: the sanitised record survives SIGKILL of this process. */
CANDOR_API candor_emit_result candor_emit(candor_client *c, candor_bytes type,
                                          candor_bytes payload_json, candor_bytes correlation_id);

/* The next three ask the worker and return at once; done is called from the worker thread exactly
 * once, also when the client closes first. result_json is borrowed for the call.
 *   flush  what was accepted before the call is in synced spool files: survives power loss
 *   upload flush, then one attempt at every due batch:
 * {"uploaded":n,"events":n,"pending":n,"error":s|null} purge  delete journal, spool and quarantine
 * of this directory: {"purged":n} */
typedef void (*candor_done)(void *ctx, candor_status status, candor_bytes result_json);
CANDOR_API void candor_flush(candor_client *c, candor_done done, void *ctx);
CANDOR_API void candor_upload(candor_client *c, candor_done done, void *ctx);
CANDOR_API void candor_purge(candor_client *c, candor_done done, void *ctx);

typedef struct candor_upload_options {
    bool dry_run;     /* send nothing, open no socket: {"dry_run":true,"batches":n,"events":n,
                       * "attachments":n,"bytes":n,"error":s|null} is what would be sent, in
                       * compressed bytes; what is locked for want of a key is left out */
    int64_t since_ms; /* unix; only batches made since; 0: all */
    const char *file; /* borrowed for the call; a package of candor_export: it is checked, and sent
                       * instead of the spool. NULL: the spool */
} candor_upload_options;
/* As candor_upload. Sends at most maxUploadBytes; what is left waits for the next round. */
CANDOR_API void candor_upload_with(candor_client *c, const candor_upload_options *options,
                                   candor_done done, void *ctx);

/* Flush, then write everything that waits, from events of since_ms on (0: all), as one package
 * (contract/package.h) to path, mode 600, replacing what is there: {"path":s,"bytes":n,"events":n,
 * "sha256":hex}. Nothing leaves the spool. path is borrowed for the call. */
CANDOR_API void candor_export(candor_client *c, const char *path, int64_t since_ms,
                              candor_done done, void *ctx);

/* Who starts an upload round. */
typedef enum candor_mode { CANDOR_MODE_AUTO, CANDOR_MODE_MANUAL, CANDOR_MODE_OFF } candor_mode;
/* Store the mode for every process of the directory: it wins over the option `mode`, unless that is
 * off, which is absolute for its process. Automatic rounds end at once. off deletes what is
 * buffered. done (may be NULL): {"enabled":bool,"mode":s,"purged":n}, what holds in this process.
 */
CANDOR_API void candor_set_mode(candor_client *c, candor_mode mode, candor_done done, void *ctx);

/* VS Code's telemetry levels: what may be recorded at most. */
#define CANDOR_PRIVACY_MAP(X)            X(OFF, "off") X(CRASH, "crash") X(ERROR, "error") X(ALL, "all")
#define CANDOR_PRIVACY_AS_ENUM(id, text) CANDOR_PRIVACY_##id,
typedef enum candor_privacy {
    CANDOR_PRIVACY_MAP(CANDOR_PRIVACY_AS_ENUM) CANDOR_PRIVACY_COUNT
} candor_privacy;
CANDOR_API const char *candor_privacy_name(candor_privacy p);

/* Change settings while the client runs: options_json is complete, as for candor_open. What cannot
 * change (directory, identity, sizes of what is open) keeps its value and is named in the answer:
 * {"changed":[..],"needs_restart":[..]}. CANDOR_INVALID: nothing changes, err->text says why, and
 * done is not called. */
CANDOR_API CANDOR_CHECK candor_status candor_configure(candor_client *c, candor_bytes options_json,
                                                       candor_done done, void *ctx,
                                                       candor_err *err);

typedef enum candor_consent_source {
    CANDOR_CONSENT_USER,
    CANDOR_CONSENT_HOST
} candor_consent_source;
/* USER: the stored choice of this spool, shared by its processes. HOST: this process only; can only
 * narrow. Turning off silences emit on return, aborts an upload in flight and deletes what is
 * buffered; done (may be NULL) reports the deletion. */
CANDOR_API void candor_set_enabled(candor_client *c, bool enabled, candor_consent_source source,
                                   candor_done done, void *ctx);
CANDOR_API bool candor_enabled(candor_client *c);
/* The privacy level, with the same two sources; the lower one is in force. A level of off is the
 * same as candor_set_enabled(false). Narrowing deletes what is buffered: it was recorded when more
 * was allowed. What emit refuses for its level is counted as CANDOR_EMIT_LEVEL. */
CANDOR_API void candor_set_level(candor_client *c, candor_privacy level,
                                 candor_consent_source source, candor_done done, void *ctx);
/* GDPR mode, stored for every process of the directory: telemetry is off, and every file of the
 * directory that bears a name of ours is deleted, but the consent file. */
CANDOR_API void candor_set_gdpr(candor_client *c, bool on, candor_done done, void *ctx);
/* With the option notice "host": people have been told what this schema's notice version says, and
 * uploads may begin, in every process of the directory. */
CANDOR_API void candor_acknowledge_notice(candor_client *c, candor_done done, void *ctx);

/* Full content (docs/full-content.md): the text of content fields, kept apart from events and
 * encrypted. USER: the stored choice of this spool, shared by its processes. HOST: this process
 * only; can only narrow. Turning off deletes what is pending; done (may be NULL) reports
 * {"full_content":bool,"purged":attachments}. */
void candor_set_full_content(candor_client *c, bool on, candor_consent_source source,
                             candor_done done, void *ctx);
bool candor_full_content(candor_client *c);
/* A key of what is encrypted at rest, 256 random bits. id: 1 to 64 of A-Z a-z 0-9 . _ : + - */
typedef struct candor_key {
    candor_bytes id;
    unsigned char key[32];
} candor_key;
/* In place of the keys before: the first encrypts, all of them decrypt. At most 16; none forgets
 * them. They are copied, stay in memory and are wiped by candor_close. CANDOR_INVALID: a sentence
 * in err->text, and nothing has changed. */
CANDOR_CHECK candor_status candor_set_keys(candor_client *c, const candor_key *keys, size_t n,
                                           candor_err *err);

/* Append status as JSON (docs/status.md). */
CANDOR_API CANDOR_CHECK candor_status candor_status_json(candor_client *c, candor_buf *out,
                                                         candor_err *err);
/* Append the exact inflated bytes of the next upload, nothing when there is none. */
CANDOR_API CANDOR_CHECK candor_status candor_preview(candor_client *c, candor_buf *out,
                                                     candor_err *err);
/* Append {"entries":[..]}: the last `limit` lines of the ledger, oldest first (docs/ledger.md).
 * Reads two files of 1 MiB at most on the calling thread; does not wait for the worker. */
CANDOR_API CANDOR_CHECK candor_status candor_ledger_json(candor_client *c, unsigned limit,
                                                         candor_buf *out, candor_err *err);
/* Append what was kept and sent since unix_ms, by hour and event type, as JSON. */
CANDOR_API CANDOR_CHECK candor_status candor_stats_json(candor_client *c, int64_t since_unix_ms,
                                                        candor_buf *out, candor_err *err);

#ifdef __cplusplus
}
#endif

#endif
