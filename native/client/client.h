/* The client as its own parts see it. Layer: client. Threads: noted at each group of members.
 *
 *   caller threads                      worker thread
 *   emit  -> journal (under its lock) -> batch -> store -> uploader
 *   flush, upload, ... -> command list -> jobs -> done callbacks
 *   status <- report (under its lock) <- refreshed by the worker */
#ifndef CANDOR_CLIENT_CLIENT_H
#define CANDOR_CLIENT_CLIENT_H

#include <stdatomic.h>

#include "client/command.h"
#include "client/consent.h"
#include "client/journal.h"
#include "client/settings.h"
#include "client/store.h"
#include "client/upload.h"

/* Ids without a system call: the generator is seeded by the operating system once. */
typedef struct candor_id_source {
    uint64_t random[4];
    uint64_t last_ms;
    unsigned counter;
} candor_id_source;
CANDOR_CHECK candor_status candor_id_source_init(candor_id_source *s);
uint64_t candor_id_source_bits(candor_id_source *s);
/* UUIDv7, greater than the one before (RFC 9562 section 6.2, method 1: counter in rand_a), except
 * when the clock is set back by more than a minute. */
void candor_id_source_next(candor_id_source *s, uint64_t unix_ms, unsigned char out[16]);

/* What status shows of the directory, as of the worker's last look. */
typedef struct candor_report {
    candor_state_totals totals;
    uint64_t batched;     /* of the journal, consistent with totals */
    candor_counts merged; /* of journal.session, consistent with totals */
    unsigned quarantined;
    int64_t next_upload_ms; /* INT64_MAX: none */
    char last_upload[512];  /* JSON; "" when there was none */
    char error[256];
} candor_report;

/* Who emits, made once at open. */
typedef struct candor_identity {
    unsigned char salt[32];
    unsigned char session[16];
    char session_id[CANDOR_UUID_TEXT + 1];
    char machine_id[CANDOR_HASH_TEXT + 1];
    char user_id[CANDOR_BASE_ID_MAX + 1];
    candor_buf context_json;
} candor_identity;
/* dir NULL: nothing is read or written, and the salt lives as long as the process. */
CANDOR_CHECK candor_status candor_identity_make(candor_identity *id,
                                                const candor_settings *settings, const char *dir,
                                                candor_err *err);
void candor_identity_wipe(candor_identity *id);

/* The worker's own; no other thread touches it while the worker runs. */
typedef struct candor_worker {
    candor_store store;
    candor_uploader uploader;
    candor_command *jobs;        /* taken from the list, not yet done; oldest first */
    bool storage_open, silenced; /* silenced: off, and everything buffered is deleted */
    uint64_t purged_events;      /* by the purge that silenced it */
    bool report_due, drain_failed;
    uint32_t purges_seen; /* of the directory, obeyed so far */
    uint64_t pending_since_ns, retry_drain_ns, retry_segment_ns;
    uint64_t retry_enforce_ns; /* 0: nothing that is too old is left */
    candor_state_totals totals;
} candor_worker;

struct candor_client {
    /* immutable after open */
    candor_settings settings;
    candor_schema *schema;
    candor_hmac *hash_key;
    candor_identity identity;
    candor_fork_guard *fork_guard;
    char *do_not_track, *telemetry_enabled;
    bool has_dir, no_files; /* has_dir: there is one, and it can be used */
    char dir[CANDOR_PATH_MAX];
    candor_err dir_error;
    /* any thread */
    candor_consent *consent;
    candor_waker *waker;
    _Atomic uint32_t seen_epoch;
    _Atomic bool enabled, host_off, closed, stop;
    _Atomic uint64_t disabled_drops, turns;
    _Atomic int64_t stop_at_ns;
    /* under journal.mutex */
    candor_journal journal;
    candor_sanitiser sanitiser;
    candor_id_source ids;
    candor_decision decision;
    /* under their own locks */
    candor_command_list commands;
    candor_mutex *report_mutex;
    candor_report report;
    /* worker */
    candor_thread *thread;
    candor_latch *started;
    candor_worker worker;
};

/* Evaluate consent again; true when telemetry is on. Wakes the worker when that changed. */
bool candor_gate_refresh(candor_client *c);
/* Whether only this process knows the decision: it is not the directory's. Under journal.mutex. */
bool candor_gate_own(const candor_client *c);
/* How often the worker's loop went round: an idle one stands still. */
uint64_t candor_worker_turns(candor_client *c);
void candor_worker_run(void *client);

#endif
