/* state.db: what is known about the spool beyond its files. SQLite in WAL mode, shared by the
 * processes of a directory. The files are the truth: a lost database is rebuilt from them.
 * Layer: client. Threads: the worker.
 *
 *   batches    one row a spool file; `gone` marks a batch whose outcome is counted and whose file
 * is about to be deleted, so that a crash in between neither resends nor recounts it segments   how
 * far a journal segment is in the spool, and which of its counters are merged counters   lifetime
 * of the directory, by name: kept, sent.*, emit.*, loss.*, adjust.* hourly     kept and sent by
 * hour and event type meta       last upload, notice shown, endpoint backoff */
#ifndef CANDOR_CLIENT_STATE_H
#define CANDOR_CLIENT_STATE_H

#include <stdatomic.h>

#include "base/uuid.h"
#include "client/segment.h"

typedef struct candor_state candor_state;

/* path NULL: in memory, for a directory that cannot hold a database. CANDOR_CORRUPT: the file is
 * not a database of this version; the caller moves it away and opens again. */
CANDOR_CHECK candor_status candor_state_open(const char *path, candor_state **out, candor_err *err);
void candor_state_close(candor_state *s); /* accepts NULL */
/* From now on statements wait longer for other processes, but not past *give_up_at_ns on the
 * monotonic clock once that is not 0; it may change while one waits. Until then the wait is short:
 * somebody stands in candor_open. */
void candor_state_be_patient(candor_state *s, const _Atomic int64_t *give_up_at_ns);
/* Whether a statement met a damaged database since it was opened. */
bool candor_state_damaged(const candor_state *s);

/* Every group of changes is one transaction: begin (waits for other processes, bounded), then end.
 */
CANDOR_CHECK candor_status candor_state_begin(candor_state *s, candor_err *err);
CANDOR_CHECK candor_status candor_state_end(candor_state *s, candor_status so_far, candor_err *err);

/* --- counters and meta --- */
CANDOR_CHECK candor_status candor_state_add(candor_state *s, const char *name, uint64_t n,
                                            candor_err *err);
CANDOR_CHECK candor_status candor_state_add_loss(candor_state *s, candor_loss loss, uint64_t n,
                                                 candor_err *err);
/* Merge what the segment counted and is not merged yet; *delta receives that part. */
CANDOR_CHECK candor_status candor_state_merge(candor_state *s, const candor_segment *segment,
                                              candor_counts *delta, candor_err *err);
CANDOR_CHECK candor_status candor_state_set(candor_state *s, const char *key, candor_bytes value,
                                            candor_err *err);
/* Append the value; CANDOR_NOTFOUND. */
CANDOR_CHECK candor_status candor_state_get(candor_state *s, const char *key, candor_buf *out,
                                            candor_err *err);
CANDOR_CHECK candor_status candor_state_set_number(candor_state *s, const char *key, int64_t value,
                                                   candor_err *err);
int64_t candor_state_get_number(candor_state *s, const char *key, int64_t fallback);

/* Call visit for each counter whose name begins with prefix. */
CANDOR_CHECK candor_status candor_state_counters(candor_state *s, const char *prefix,
                                                 void (*visit)(void *ctx, candor_bytes name,
                                                               uint64_t n),
                                                 void *ctx, candor_err *err);

/* --- segments --- */
uint64_t candor_state_consumed(candor_state *s, const unsigned char id[16]); /* 0: unknown */
CANDOR_CHECK candor_status candor_state_set_consumed(candor_state *s, const unsigned char id[16],
                                                     uint64_t at, candor_err *err);
CANDOR_CHECK candor_status candor_state_forget_segment(candor_state *s, const unsigned char id[16],
                                                       candor_err *err);

/* --- batches --- */
typedef struct candor_batch_row {
    char id[CANDOR_UUID_TEXT + 1];
    char schema_hash[65];
    int64_t created_ms;
    uint64_t events, bytes;
    int64_t retries, next_attempt_ms;
} candor_batch_row;

typedef struct candor_hour_count {
    int64_t hour; /* unix hours */
    candor_bytes type;
    uint64_t n;
} candor_hour_count;

/* Insert the row with its counts by hour and type, and count the events as kept. Does nothing when
 * the batch is known. Inside begin..end. */
CANDOR_CHECK candor_status candor_state_add_batch(candor_state *s, const candor_batch_row *row,
                                                  const candor_hour_count *counts, size_t n,
                                                  candor_err *err);
typedef enum candor_known { CANDOR_KNOWN_NO, CANDOR_KNOWN_LIVE, CANDOR_KNOWN_GONE } candor_known;
candor_known candor_state_knows(candor_state *s, const char *id);
/* The oldest live batch behind `after` ("" for the first) whose next attempt is due at now_ms, and,
 * when leased is false, that nobody is sending. CANDOR_NOTFOUND: none. */
CANDOR_CHECK candor_status candor_state_next(candor_state *s, const char *after, int64_t now_ms,
                                             bool leased, candor_batch_row *out, candor_err *err);
CANDOR_CHECK candor_status candor_state_lease(candor_state *s, const char *id, int64_t until_ms,
                                              candor_err *err);
CANDOR_CHECK candor_status candor_state_retry(candor_state *s, const char *id, int64_t retries,
                                              int64_t next_attempt_ms, candor_err *err);
/* The batch has met its end: mark it gone and count. Inside begin..end; *changed is false when
 * another process was faster, and nothing is counted then. */
CANDOR_CHECK candor_status candor_state_mark_lost(candor_state *s, const candor_batch_row *row,
                                                  candor_loss loss, bool *changed, candor_err *err);
CANDOR_CHECK candor_status candor_state_mark_sent(candor_state *s, const candor_batch_row *row,
                                                  uint64_t rejected, bool *changed,
                                                  candor_err *err);
CANDOR_CHECK candor_status candor_state_forget(candor_state *s, const char *id, candor_err *err);
/* Call visit for each row, gone ones too, oldest first, until it returns false. */
typedef bool (*candor_batch_visit)(void *ctx, const candor_batch_row *row, bool gone);
CANDOR_CHECK candor_status candor_state_each(candor_state *s, candor_batch_visit visit, void *ctx,
                                             candor_err *err);
CANDOR_CHECK candor_status candor_state_each_segment(candor_state *s,
                                                     void (*visit)(void *, const unsigned char *),
                                                     void *ctx, candor_err *err);
/* Forget what was counted by hour before the given hour. */
CANDOR_CHECK candor_status candor_state_trim_hours(candor_state *s, int64_t before_hour,
                                                   candor_err *err);

/* When the newest live batch was made (unix ms); 0: there is none. */
int64_t candor_state_newest_ms(candor_state *s);

/* --- reading for people --- */
typedef struct candor_state_totals {
    uint64_t batches, events, bytes;    /* live */
    int64_t oldest_ms, next_attempt_ms; /* INT64_MAX: none */
    int64_t newest_ms;                  /* of the batches; 0: none */
    uint64_t kept, sent_batches, sent_events;
    uint64_t rolled_up, rollups_made, rollups_other; /* see docs/rollups.md */
    uint64_t loss[CANDOR_LOSS_COUNT];
    candor_counts counts;
} candor_state_totals;
CANDOR_CHECK candor_status candor_state_total(candor_state *s, candor_state_totals *out,
                                              candor_err *err);
/* Append {"since":..,"hours":[{"hour","type","kept","sent"}],"types":[{"type","kept","sent"}]}. */
CANDOR_CHECK candor_status candor_state_stats(candor_state *s, int64_t since_ms, candor_buf *out,
                                              candor_err *err);

#endif
