/* Stage 3/10: journal. In: clean records, under the lock. Out: segments for the worker to batch.
 * One process's own segments: the current one, a spare that is always ready, and full ones.
 * Layer: client. Threads: emitters append under the lock; one worker drains; the lock is never held
 * during I/O. */
#ifndef CANDOR_CLIENT_JOURNAL_H
#define CANDOR_CLIENT_JOURNAL_H

#include "client/segment.h"

#define CANDOR_SEGMENT_SIZE_MIN (1024 * 1024)
#define CANDOR_SEGMENT_SIZE_MAX (8 * 1024 * 1024)

typedef struct candor_journal {
    candor_mutex *mutex;
    char dir[CANDOR_PATH_MAX];
    candor_segment_info info; /* of the segments to come */
    uint64_t max_bytes;
    /* under the mutex: */
    candor_segment *cur, *spare, *full_head, *full_tail;
    uint64_t bytes;    /* sizes of all of these */
    uint64_t seq;      /* of the last record */
    uint64_t appended; /* records ever */
    uint64_t batched;  /* of them, no longer in the journal; the worker's, read by emitters */
    size_t next_size;
    uint64_t cur_since_ns;
    candor_counts session; /* since open, for status */
    candor_counts
        unplaced;  /* counted while there was no segment; moved into the next one's header */
    bool disk_low; /* why a full journal is full */
    bool asleep, want_segment, blocked;
    uint64_t wake_at; /* asleep: wake when `appended` reaches it */
} candor_journal;

/* session_id, schema_hash and context_json of info are borrowed for the journal's life. */
CANDOR_CHECK candor_status candor_journal_init(candor_journal *j, const char *dir,
                                               const candor_segment_info *info, uint64_t max_bytes);
/* What the worker does with a segment before it goes (its counters); true: delete the file. */
typedef bool (*candor_segment_end)(void *ctx, candor_segment *s);
/* Frees the segments. Those that are fully batched and whose end allows it are deleted, the others
 * stay on disk for the next start. end may be NULL: nothing is deleted. */
void candor_journal_deinit(candor_journal *j, candor_segment_end end, void *ctx);

/* --- emitters; the lock is held for lock..unlock --- */
void candor_journal_lock(candor_journal *j);
void candor_journal_unlock(candor_journal *j);
/* candor_segment_begin on the current segment; next: the spare becomes the current one first.
 * False: no segment has room; the worker must make one. */
bool candor_journal_begin(candor_journal *j, const candor_record *r, candor_buf *body, bool next);
void candor_journal_commit(candor_journal *j, const candor_record *r, const candor_buf *body);
void candor_journal_count(candor_journal *j, const candor_counts *more);
/* Whether the worker sleeps and has to be woken for what was just done; at most once a sleep. */
bool candor_journal_must_wake(candor_journal *j);

/* --- worker --- */
typedef struct candor_journal_view {
    candor_segment *segment; /* the oldest with unread records; NULL: none */
    size_t limit;            /* its readable end */
    bool full;               /* no longer the current one */
    uint64_t appended, batched;
    bool any_full; /* a full segment waits */
} candor_journal_view;
void candor_journal_look(candor_journal *j, candor_journal_view *out);
/* n records up to `at` are no longer in the journal; a full segment that is done leaves the list
 * and is given to the caller for candor_segment_delete, else NULL. */
candor_segment *candor_journal_advance(candor_journal *j, candor_segment *s, size_t at, uint64_t n);
/* Create what is missing, current and spare. CANDOR_FULL: max_bytes. After a failure emitters do
 * not wake the worker for a segment until candor_journal_unblock. */
CANDOR_CHECK candor_status candor_journal_prepare(candor_journal *j, candor_err *err);
/* Make present what emitters write to next: a little ahead of them in a calm process, whose
 * resident memory this is, and all of it once segments have had to grow. */
void candor_journal_warm(candor_journal *j);
/* There will be no segment: emitters do not wake the worker for one until unblock. */
void candor_journal_block(candor_journal *j);
bool candor_journal_unblock(candor_journal *j); /* true: somebody wanted one meanwhile */
/* Take every segment out, call end, delete. Returns how many unread records went with them. */
uint64_t candor_journal_purge(candor_journal *j, candor_segment_end end, void *ctx);
/* Announce the sleep; false when `appended` has moved past seen: look again. */
bool candor_journal_sleep(candor_journal *j, uint64_t seen, uint64_t wake_at);
void candor_journal_awake(candor_journal *j);

#endif
