/* Stage 5/10: spool. In: batches. Out: <batch id>.jsonl.gz, synced, with a row in state.db; bounded
 * in size and age; what is damaged goes to quarantine. Layer: client. Threads: the worker.
 *
 * Order of a batch's birth: file (synced), then row with counters and the segment's offset in one
 * transaction, then the segment's consumed offset. Order of its end: row marked gone with counters
 * in one transaction, then the file's deletion, then the row's. A crash between any two steps is
 * found and finished by recover.c, without loss and without counting twice. */
#ifndef CANDOR_CLIENT_STORE_H
#define CANDOR_CLIENT_STORE_H

#include <stdatomic.h>

#include "client/consent.h"
#include "client/export_otlp.h"
#include "client/ledger.h"
#include "client/settings.h"
#include "client/vault_seal.h"

/* Largest spool file that is read back: incompressible lines and gzip's overhead. */
#define CANDOR_SPOOL_FILE_MAX (2 * 1024 * 1024)

/* With the option encryptSpool a file is <batch id>.jsonl.gz.enc, sealed (vault_seal.h); its note
 * is the comment of the gzip inside. Without a key nothing is batched, and such a file is locked.
 */

/* How long a batch, a quarantined file, a kept body or an exported file must have looked expired
 * before it goes: a clock that is wrong for a moment must not empty the spool. Measured on the
 * monotonic clock, in this process. */
#define CANDOR_EXPIRY_HOLD_NS 600000000000ull

/* A condition, and since when every look has found it true. */
typedef struct candor_hold {
    uint64_t since_ns, seen_ns; /* 0: the last look found it false */
} candor_hold;

typedef struct candor_store {
    const candor_settings *settings;
    const _Atomic bool *stop; /* the client closes: recovery ends after the batch at hand */
    const _Atomic int64_t *stop_at_ns; /* NULL until candor_store_started */
    const candor_consent *consent;     /* recovery ends likewise when it changes; NULL: not asked */
    /* Whether what was recorded so far is to be deleted, by this process or another; asked inside
     * the transaction that would keep it: a purge deletes in a later one. NULL: never. */
    bool (*disturbed)(void *ctx);
    void *disturbed_ctx;
    char dir[CANDOR_PATH_MAX], journal_dir[CANDOR_PATH_MAX];
    char spool_dir[CANDOR_PATH_MAX], quarantine_dir[CANDOR_PATH_MAX];
    candor_exporter *exporter; /* NULL: batches go to the spool */
    candor_state *state;       /* never NULL once open succeeded */
    candor_batch batch;        /* scratch */
    candor_buf file;           /* scratch */
    candor_buf sealed;         /* scratch */
    candor_keyring *keys;      /* borrowed; NULL: there are none */
    uint64_t locked;           /* batches whose key is not set, as of the last look */
    int64_t open_next_ms;      /* the next attempt of the others; INT64_MAX: there are none */
    candor_rollups rollups;
    uint64_t rolled_ahead; /* own records that are counted and still in the journal: their batch
                              failed */
    candor_ledger ledger;
    candor_counts merged; /* of this process's segments, what has reached state.db */
    unsigned quarantined;
    int64_t quarantine_oldest_ms; /* INT64_MAX: none */
    uint64_t expiry_hold_ns;      /* CANDOR_EXPIRY_HOLD_NS; tests shorten it */
    candor_hold batches_old, quarantine_old, bodies_old, exports_old;
    bool usable;    /* the directories exist and can be written */
    bool in_memory; /* state.db could not be used */
    bool disk_low;
    char error[256]; /* the last problem, for status; "" when the last step went well */
} candor_store;

/* dir NULL: no directory could be found; the store is unusable and error says why. CANDOR_NOMEM is
 * the only failure. */
CANDOR_CHECK candor_status candor_store_open(candor_store *s, const candor_settings *settings,
                                             const _Atomic bool *stop, const char *dir,
                                             const candor_err *dir_error);
/* Its two halves: the directories, which is quick, then state.db. */
void candor_store_begin(candor_store *s, const candor_settings *settings, const _Atomic bool *stop,
                        const char *dir, const candor_err *dir_error);
CANDOR_CHECK candor_status candor_store_open_state(candor_store *s);
/* Nobody waits for the store's opening any more: state.db may wait for other processes, until
 * *stop_at_ns once that is not 0. */
void candor_store_started(candor_store *s, const _Atomic int64_t *stop_at_ns);
void candor_store_close(candor_store *s);
/* Remember the sentence for status. */
void candor_store_note(candor_store *s, const candor_err *err);

/* One batch out of segment, from offset *at up to limit; *at moves behind what is in the spool now,
 * *records is how many records that were. own: of this process, so that its counters go to
 * s->merged. CANDOR_FULL: the disk is low, nothing was done. CANDOR_CANCELLED: disturbed, nothing
 * was kept. The caller tells the segment (journal_advance or segment_consume). */
CANDOR_CHECK candor_status candor_store_drain(candor_store *s, candor_segment *segment, bool own,
                                              uint64_t *at, size_t limit, uint64_t *records,
                                              candor_err *err);
/* Records of the segment, from `at` on, that are counted in roll-ups already: with the sums they
 * are purged or sent, not with the segment. */
uint64_t candor_store_counted(candor_store *s, const candor_segment *segment, uint64_t at);
/* Merge the segment's counters; own: into s->merged too. The segment is about to go. */
bool candor_store_finish_segment(candor_store *s, candor_segment *segment, bool own);
/* Forget the row of a segment whose file is deleted. */
void candor_store_forget_segment(candor_store *s, const unsigned char id[16]);

/* Insert what candor_batch_adopt found in s->batch. */
CANDOR_CHECK candor_status candor_store_adopt(candor_store *s, candor_err *err);
/* The whole gzip of a batch into s->file. CANDOR_CORRUPT, CANDOR_NOTFOUND; CANDOR_DENIED: locked,
 * or not readable. */
CANDOR_CHECK candor_status candor_store_read(candor_store *s, const char *id, candor_err *err);
/* The same, appended to out. */
CANDOR_CHECK candor_status candor_store_load(candor_store *s, const char *id, candor_buf *out,
                                             candor_err *err);
/* Whether nothing can be batched for want of a key. */
bool candor_store_needs_key(const candor_store *s);
/* Whether the batch is encrypted with a key that is not set. */
bool candor_store_locked(candor_store *s, const char *id);
/* What a locked file says of itself, into s->batch. */
CANDOR_CHECK candor_status candor_store_adopt_locked(candor_store *s, const char *id,
                                                     candor_err *err);
/* Seal the gzip of s->batch into s->sealed; its row's size becomes that. CANDOR_DENIED: there is no
 * key. */
CANDOR_CHECK candor_status candor_store_seal(candor_store *s, candor_bytes gz, candor_err *err);
/* Write the spool file of s->batch, sealed or as it is. */
CANDOR_CHECK candor_status candor_store_write(candor_store *s, candor_bytes gz,
                                              char path[CANDOR_PATH_MAX], candor_err *err);
/* Delete the batch's file in the form that candor_store_write does not write: sealed, or not. */
void candor_store_unlink_other(const candor_store *s, const char *id);
/* Count the batches that are locked. retry: other keys are set, what was locked is due now. */
void candor_store_look_locked(candor_store *s, bool retry);
/* Say in text how many batches are locked, when it says nothing else yet. */
void candor_store_describe_locked(const candor_store *s, char *text, size_t cap);
/* Delete the row of a batch that is marked as gone; the next start does it where this fails. */
void candor_store_forget(candor_store *s, const char *id);
/* Ends of a batch. lost deletes the file; quarantine moves it. */
CANDOR_CHECK candor_status candor_store_lost(candor_store *s, const candor_batch_row *row,
                                             candor_loss loss, candor_err *err);
CANDOR_CHECK candor_status candor_store_quarantine(candor_store *s, const candor_batch_row *row,
                                                   candor_loss loss, candor_err *err);
CANDOR_CHECK candor_status candor_store_sent(candor_store *s, const candor_batch_row *row,
                                             uint64_t rejected, candor_err *err);
/* Move any file into quarantine, which stays bounded in number and size. */
void candor_store_quarantine_file(candor_store *s, const char *path, const char *name);
void candor_store_count_loss(candor_store *s, candor_loss loss, uint64_t n);

/* Age and size caps. In-flight batches are left alone; with the setting inspect nothing goes. What
 * is too old goes once enforce, called every minute or so, has found it so for expiry_hold_ns. */
void candor_store_enforce(candor_store *s);
/* Its part for what was sent, which needs no database. */
void candor_store_bound_ledger(candor_store *s);
/* When enforce has something too old to look at (unix ms): the spool's oldest batch is of
 * oldest_batch_ms. INT64_MAX: never. */
int64_t candor_store_expires_ms(const candor_store *s, int64_t oldest_batch_ms);
/* Note an observation of the condition; true when it has held for span_ns. */
bool candor_hold_note(candor_hold *h, bool condition, uint64_t now_ns, uint64_t span_ns);
/* enforce's part for quarantine: what came before before_ms, if that has held long enough. */
void candor_store_expire_quarantine(candor_store *s, int64_t before_ms);
/* Count what is in quarantine, and delete nothing. */
void candor_store_scan_quarantine(candor_store *s);
/* Delete spool and quarantine; *events is how many went. Journal records that went with their
 * segments are passed in: all are counted as kept and purged. */
CANDOR_CHECK candor_status candor_store_purge(candor_store *s, uint64_t journal_records,
                                              uint64_t *events, candor_err *err);
/* A damaged state.db: move it to quarantine and start a new one. */
void candor_store_heal(candor_store *s);
/* Journal records that went: kept and purged. */
void candor_store_count_purged(candor_store *s, uint64_t records);
bool candor_store_disk_low(candor_store *s); /* asks the file system, remembers */
/* id.jsonl.gz in the spool directory, or id.jsonl.gz.enc when that is there. */
CANDOR_CHECK candor_status candor_store_path(const candor_store *s, const char *id,
                                             char out[CANDOR_PATH_MAX], candor_err *err);

#endif
