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
#include "client/vault.h"

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
    uint64_t batched;      /* of the journal, consistent with totals */
    uint64_t rolled_ahead; /* of what is not batched, counted by totals already */
    candor_counts merged;  /* of journal.session, consistent with totals */
    candor_ledger ledger;
    unsigned quarantined;
    uint64_t exported, export_dropped;
    candor_rollup_totals rollups;
    int64_t next_rollup_ms; /* INT64_MAX: none */
    int64_t next_upload_ms; /* INT64_MAX: none */
    char last_upload[512];  /* JSON; "" when there was none */
    char error[256];
} candor_report;

/* Who emits; made at open. */
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
/* A new session of the same identity into *out; salt: with the directory's (new) salt and what
 * depends on it. *out is the caller's, context_json included. */
CANDOR_CHECK candor_status candor_identity_renew(const candor_identity *id,
                                                 const candor_settings *settings, const char *dir,
                                                 bool salt, candor_identity *out);
void candor_identity_wipe(candor_identity *id);

/* What the worker has to do because of what was decided; under journal.mutex. Until it is done
 * nothing is recorded: what is accepted now must not go with what has to be deleted. */
typedef struct candor_owed {
    uint32_t serial; /* of the last debt */
    bool journal;    /* abort uploads, delete the own journal; set with every debt */
    bool all;        /* everything that is buffered goes */
    bool shared;     /* ... also while others live: it is the directory's decision */
    bool asked;      /* by a call of this process: also when it is allowed again meanwhile */
    bool ended;      /* recording was off in between: a new session follows */
    int64_t at_ms;   /* shared and asked: unix time of the call */
} candor_owed;

/* What host and settings file allow at most, as configured last: by an option, not by a call. */
typedef struct candor_limits {
    candor_privacy host_level, config_level;
    bool full_content, config_full_content;
} candor_limits;

/* The worker's own; no other thread touches it while the worker runs. */
typedef struct candor_worker {
    candor_store store;
    candor_uploader uploader;
    candor_exporter exporter;
    candor_command *jobs;        /* taken from the list, not yet done; oldest first */
    bool resting;                /* rest.h: storage is begun and not open */
    bool storage_open, silenced; /* silenced: off, and what had to be deleted is */
    bool session_ended;          /* a new one begins when it is on again */
    bool watching;               /* others' changes of consent wake it */
    bool erased;                 /* GDPR mode: no file of ours is open */
    uint32_t erases_seen;        /* CANDOR_HAPPENED_ERASE obeyed so far */
    int64_t purge_live_ms;       /* live processes' segments made before go too; 0: none */
    uint64_t purged_events;      /* by the last purge that consent asked for */
    uint64_t purge_counted;      /* of the purge at hand: records that were in sums already */
    uint64_t purge_runs;         /* purges of what was buffered, for whoever reads it over turns */
    bool report_due, drain_failed, segment_trouble;
    uint32_t purges_seen; /* of the directory, obeyed so far */
    uint64_t pending_since_ns, retry_drain_ns, retry_segment_ns;
    int export_wait_ms;        /* 0: nothing waits for standard output */
    uint64_t retry_enforce_ns; /* 0: nothing that is too old is left */
    candor_state_totals totals;
} candor_worker;

struct candor_client {
    /* immutable after open */
    candor_settings settings;
    candor_schema *schema;
    /* changed by the worker, under journal.mutex */
    candor_hmac *hash_key;
    candor_identity identity;
    /* immutable after open */
    candor_fork_guard *fork_guard;
    char *do_not_track, *telemetry_enabled;
    bool ci;                /* runs in continuous integration */
    bool has_dir, no_files; /* has_dir: there is one, and it can be used */
    char dir[CANDOR_PATH_MAX];
    candor_err dir_error;
    /* any thread */
    candor_consent *consent;
    candor_waker *waker;
    _Atomic uint32_t seen_epoch;
    _Atomic bool enabled, host_off, closed, stop;
    _Atomic int host_level, level_max; /* candor_privacy; highest candor_level that is recorded */
    _Atomic uint64_t disabled_drops, turns;
    _Atomic int64_t stop_at_ns;
    /* under journal.mutex */
    candor_journal journal;
    candor_sanitiser sanitiser;
    candor_id_source ids;
    candor_decision decision;
    candor_limits limits;
    candor_vault *vault; /* its own lock */
    candor_owed owed;
    uint32_t seen[CANDOR_HAPPENED_COUNT];
    /* under their own locks */
    candor_command_list commands;
    candor_mutex *report_mutex;
    candor_report report;
    /* worker */
    candor_thread *thread;
    candor_latch *started;
    candor_worker worker;
};

/* candor_open with a schema that is compiled already; takes it, also when it fails. */
CANDOR_CHECK candor_status candor_open_compiled(candor_bytes options_json, candor_schema *schema,
                                                candor_client **out, candor_err *err);
/* The typed front end used by the Node addon: `area` as laid out in contract/sanitise.h. An event
 * index of CANDOR_TYPED_BAD_PAYLOAD, _TOO_LARGE or _UNKNOWN_EVENT is counted as that, nothing else.
 */
candor_emit_result candor_emit_typed(candor_client *c, const unsigned char *area, size_t area_size);

/* client/gate.c. Evaluate consent again; true when telemetry is on. Wakes the worker when that
 * changed. */
bool candor_gate_refresh(candor_client *c);
/* The same under journal.mutex, without waking; true when the worker has something to do. */
bool candor_gate_decide(candor_client *c);
/* Options that limit what is recorded hold from here on, before the worker takes the others over.
 * What was recorded under wider ones is the worker's debt, and is marked in *command. A value that
 * stays as it was configured does not undo what the host has said by a call since. */
void candor_gate_limit(candor_client *c, const candor_settings *next, candor_command *command);
candor_limits candor_gate_limits_of(const candor_settings *s);
/* Whether only this process knows the decision: it is not the directory's. Under journal.mutex. */
bool candor_gate_own(const candor_client *c);
/* GDPR mode: by this process's option or as stored, whatever decides. */
bool candor_gate_gdpr(const candor_client *c);
/* The worker's: what is owed, and that it was done; false: more is owed by now. */
candor_owed candor_gate_owed(candor_client *c);
bool candor_gate_paid(candor_client *c, const candor_owed *owed);
/* The worker's: a new session begins; salt: with a new salt, too. Its journal has no segments. */
void candor_gate_new_session(candor_client *c, bool salt);
/* client/client.c, for calls of other files: give the command to the worker, or answer it; wait,
 * with a bound, until the worker has come round. */
void candor_client_push(candor_client *c, candor_command *command);
void candor_client_await(candor_client *c);
/* client/mode.c: the mode that holds now. */
candor_mode candor_mode_now(const candor_client *c);
const char *candor_mode_name(candor_mode mode);
/* Mode off decides over what consent has decided. */
void candor_mode_narrow(const candor_client *c, candor_decision *d);
/* The worker's: an automatic round does not outlive the mode auto. */
void candor_mode_obey(candor_client *c);
/* Hand it over and wait for the answer, which is appended to out (may be NULL). */
candor_status candor_client_ask(candor_client *c, candor_command *command, int timeout_ms,
                                candor_buf *out, candor_err *err);
/* How often the worker's loop went round: an idle one stands still. */
uint64_t candor_worker_turns(candor_client *c);
void candor_worker_run(void *client);
/* client/worker_wait.c. Milliseconds that the worker may sleep; -1: until it is woken. */
int64_t candor_worker_wait_ms(candor_client *c, uint64_t now_ns);
/* How long an event waits for its batch at most. */
uint64_t candor_worker_batch_ns(const candor_client *c);
/* When something of the directory is too old (unix ms); INT64_MAX: nothing will be. */
int64_t candor_worker_expires_ms(const candor_worker *w);
/* The worker's: spool, state.db and uploader, as at start and at the end. */
void candor_worker_open_storage(candor_client *c);
/* What a start does: the directories, all that the journal needs; then state.db, and what the files
 * say of the past. */
void candor_worker_begin_storage(candor_client *c);
void candor_worker_finish_storage(candor_client *c);
void candor_worker_storage_ready(
    candor_client *c); /* nobody waits for it; after a new session, too */
void candor_worker_close_storage(candor_client *c);
/* The worker's: storage is open afterwards, unless it cannot be; nothing when it was not resting.
 */
void candor_worker_end_rest(candor_client *c);

#endif
