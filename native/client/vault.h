/* The vault: full content, apart from ordinary events. In: an event that was kept, and its content
 * fields. Out: vault/<event id>.<field>.att, encrypted before anything touches a file, and sent
 * after the event. Layer: client. Threads: noted at each group.
 *
 *   emit  -> seal -> vault segment (survives SIGKILL) -> worker: .att file -> uploader
 *
 * Nothing here can cost an event: what has no room, no key or no place is counted and dropped. */
#ifndef CANDOR_CLIENT_VAULT_H
#define CANDOR_CLIENT_VAULT_H

#include <stdatomic.h>

#include "base/uuid.h"
#include "client/policy.h"
#include "client/vault_seal.h"
#include "client/vault_segment.h"
#include "contract/schema.h"

#define CANDOR_ATTACHMENT_MAX  (1024 * 1024) /* bytes of one text, whatever the schema allows */
#define CANDOR_VAULT_FILES_MAX 4096          /* attachments that wait in a directory */

/* Why content was not sent. Names are the keys of status.vault.dropped. */
#define CANDOR_VAULT_DROP_MAP(X)                                                                   \
    X(NO_KEY, "no_key")       /* no key was set */                                                 \
    X(FULL, "full")           /* no room in the segment, or over vaultMaxBytes: oldest first */    \
    X(TOO_LARGE, "too_large") /* over CANDOR_ATTACHMENT_MAX */                                     \
    X(DISK_LOW, "disk_low")   /* less than minFreeDiskBytes left */                                \
    X(EXPIRED, "expired")     /* older than retentionDays, never sent */                           \
    X(REFUSED, "refused")     /* the collector refused it for good */                              \
    X(PURGED, "purged")       /* deleted by turning off or by purge */                             \
    X(KEY_LOST, "key_lost")   /* its key did not come back within retentionDays */                 \
    X(CORRUPT, "corrupt")     /* damaged on disk */
#define CANDOR_VAULT_DROP_AS_ENUM(id, text) CANDOR_VAULT_DROP_##id,
typedef enum candor_vault_drop {
    CANDOR_VAULT_DROP_MAP(CANDOR_VAULT_DROP_AS_ENUM) CANDOR_VAULT_DROP_COUNT
} candor_vault_drop;
const char *candor_vault_drop_name(candor_vault_drop d);

typedef struct candor_vault_counts {
    uint64_t sent, drops[CANDOR_VAULT_DROP_COUNT];
} candor_vault_counts;

/* An .att file. */
typedef struct candor_vault_entry {
    unsigned char event[16];
    char field[CANDOR_NAME_MAX + 1];
    uint64_t size;
    bool locked; /* its key is not set */
    int64_t retries, next_attempt_ms;
    uint64_t round; /* the last one that failed to send it; 0: none */
} candor_vault_entry;

/* How the attachment in flight travels: at once, or, after an attempt that failed, in parts that
 * the collector keeps (docs/http-api.md: PATCH and HEAD /api/v1/uploads). */
typedef enum candor_vault_step {
    CANDOR_VAULT_WHOLE, /* POST */
    CANDOR_VAULT_ASK,   /* HEAD: how much of it is there */
    CANDOR_VAULT_PART   /* PATCH */
} candor_vault_step;
#define CANDOR_VAULT_PART_SIZE                                                                     \
    65536 /* bytes of a part, before compression; what has no more goes at once */

struct candor_client;
struct candor_store;
struct candor_uploader;

typedef struct candor_vault {
    candor_keyring *keys;
    char *environment; /* TELEMETRY_FULL_CONTENT; NULL: not set */
    _Atomic bool on, host_off, keys_changed, disk_low, pressed;
    /* under mutex */
    candor_mutex *mutex;
    candor_vault_segment *segment;
    const char *decided_by;        /* static text */
    candor_vault_counts unmerged;  /* not in state.db yet */
    candor_vault_counts merged;    /* of the directory */
    uint64_t files, bytes, locked; /* of the directory, as of the worker's last look */
    uint64_t waiting;              /* records in the segment */
    /* the worker's */
    struct candor_store *store; /* NULL: no storage, nothing is ever kept */
    char dir[CANDOR_PATH_MAX];
    candor_vault_entry *entries; /* oldest first */
    size_t n, cap;
    bool was_on, dir_made;
    uint32_t offs_seen;                 /* candor_consent_content_offs obeyed so far */
    uint64_t retry_ns;                  /* no file or segment before that; 0: at once */
    uint64_t purged;                    /* since the flag was last seen on */
    uint64_t old_since_ns, old_seen_ns; /* candor_hold of the oldest attachment's age */
    /* of the request in flight */
    candor_vault_entry sending;
    candor_buf file, plain, gz; /* gz: what this request carries */
    char sha256[65];
    candor_vault_step step;
    size_t size, from, upto; /* of the text; what of it gz is */
    unsigned moves;          /* how often the collector put us elsewhere */
    uint64_t round;
    int64_t round_ms, behind_ms; /* when the round came to the attachments; 0: not yet */
    int64_t left_ms;             /* of candor_recovered, as the round found it */
    /* Records before mark_at belong to events that were among the first mark_appended of the
     * journal: they may become files once these are in the spool. 0: nothing is marked. */
    size_t mark_at;
    uint64_t mark_appended;
} candor_vault;

CANDOR_CHECK candor_status candor_vault_new(candor_vault **out);
void candor_vault_free(candor_vault *v); /* wipes keys and text; accepts NULL */

/* --- any thread --- */
/* Evaluate the full-content flag anew; under journal.mutex, after the decision about telemetry. */
void candor_vault_decide(struct candor_client *c);
static inline bool candor_vault_on(const candor_vault *v)
{
    return atomic_load_explicit(&((candor_vault *)(uintptr_t)v)->on, memory_order_relaxed);
}
/* The content fields of an event that was just kept. */
void candor_vault_keep(struct candor_client *c, const candor_event_def *def,
                       const unsigned char event[16], candor_bytes payload_json);
void candor_vault_count(candor_vault *v, candor_vault_drop why, uint64_t n);
/* Append `,"full_content":{...},"vault":{...}`. */
void candor_vault_status(candor_vault *v, candor_buf *out);

/* --- worker --- */
void candor_vault_start(struct candor_client *c); /* once storage is open */
/* Remember what is sealed and which events it belongs to, before the journal is drained. */
void candor_vault_mark(struct candor_client *c);
/* Obey the flag; have a segment ready; make files of what was marked, once its events are in the
 * spool: an attachment is never sent before its event. */
void candor_vault_turn(struct candor_client *c);
void candor_vault_finish(struct candor_client *c); /* before the client ends */
/* Storage closes: let go of it. What is sealed stays where it is. */
void candor_vault_detach(candor_vault *v);
/* Whether the segment fills: the journal is to be drained now, so that it can be emptied. */
bool candor_vault_presses(const candor_vault *v);
/* Milliseconds until the vault wants a turn; -1: it does not. */
int64_t candor_vault_wait_ms(const candor_vault *v, uint64_t now_ns);
/* Unix ms when the oldest attachment expires; INT64_MAX: none does. */
int64_t candor_vault_expires_ms(const candor_vault *v);
/* Delete what waits. all: also files, and what dead processes left. */
void candor_vault_purge(candor_vault *v, bool all);
/* Look at the directory, take over what dead processes left, forget what is gone. */
void candor_vault_scan(candor_vault *v);
/* Age and size caps. */
void candor_vault_enforce(candor_vault *v);
/* Bring the counters to state.db and back. */
void candor_vault_report(candor_vault *v);
CANDOR_CHECK candor_status candor_vault_path(const candor_vault *v, const candor_vault_entry *e,
                                             char out[CANDOR_PATH_MAX]);
/* An attachment's end: the file goes. */
void candor_vault_remove(candor_vault *v, const candor_vault_entry *e);

/* --- uploader; v may be NULL --- */
/* A round begins; left_ms as in candor_recovered. */
void candor_vault_round(candor_vault *v, int64_t left_ms);
/* Start a request for the next attachment that is due and whose event is sent. False: none is, or
 * it cannot be made (u->error). */
bool candor_vault_send_next(struct candor_uploader *u);
/* An answer that does not settle the attachment: its next request is on its way. False: *r is to be
 * judged, which may say now that no request could be made. */
bool candor_vault_goes_on(struct candor_uploader *u, candor_http_response *r);
/* Judge the answer and settle the attachment; set_aside_ms: what a retry waits at least. */
void candor_vault_answer(struct candor_uploader *u, const candor_http_response *r,
                         int64_t set_aside_ms, candor_verdict *out);
/* Unix ms when an attachment asks for a round of its own; INT64_MAX: none does. Those that may wait
 * for a batch go with the round of that batch: newest_ms is when the newest was made. left_due_ms:
 * for those whose events a dead process left in its journal. */
int64_t candor_vault_due_ms(const candor_vault *v, int64_t newest_ms, int64_t left_due_ms);
/* What a round would send when nothing but batches made up to behind_ms is left of the spool,
 * within u's cap behind *bytes, which grows. */
uint64_t candor_vault_plan(const struct candor_uploader *u, int64_t behind_ms, uint64_t *bytes);

#endif
