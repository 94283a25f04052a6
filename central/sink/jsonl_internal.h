/* What the files of the JSONL sink share.
 *
 *   DIR/lock                        held while a collector writes
 *   DIR/2026-11-21/events.jsonl.gz  gzip members of event lines; zcat reads it
 *   DIR/2026-11-21/events.ids       the ids of each member, in the order of its lines
 *   DIR/2026-11-21/without          the categories that were taken out since it was written to
 *
 * A member counts once its record is in events.ids, whole and synced; what lies behind the last
 * record is overwritten. A record: u32 crc32c of the rest, u32 rows, u64 where the member ends,
 * then the ids; little-endian. The day is that of the event id, UTC. Layer: central. Threads: a day
 * belongs to one thread at a time. */
#ifndef CANDOR_CENTRAL_SINK_JSONL_INTERNAL_H
#define CANDOR_CENTRAL_SINK_JSONL_INTERNAL_H

#include "central/deflate.h"
#include "central/sink/idset.h"
#include "central/sink/rows.h"
#include "central/sink/scan.h"
#include "plat/plat.h"

#define CANDOR_JSONL_MAGIC       "CNDRIDS1" /* heads events.ids; the number is the version */
#define CANDOR_JSONL_MEMBER_ROWS 1024
#define CANDOR_JSONL_MEMBER_MAX  ((size_t)80 << 20) /* inflated: rows of the largest events */
#define CANDOR_JSONL_WITHOUT     "without"
#define CANDOR_JSONL_NAME        11 /* of a day's folder, terminated */

typedef struct candor_jsonl_member {
    uint64_t from, to; /* in events.jsonl.gz */
    uint32_t rows;
    uint64_t ids_at; /* in events.ids */
} candor_jsonl_member;

/* --- jsonl_day.c: one day's folder, open for writing
 * ----------------------------------------------- */
typedef struct candor_jsonl_day {
    int64_t day;
    int data, ids; /* descriptors */
    uint64_t data_end, ids_end;
    uint64_t pending_end; /* behind members that are written and not committed */
    candor_buf records;   /* of these */
    candor_idset known;
    candor_buf member;  /* scratch of appends */
    candor_deflater *z; /* the same; NULL: not made yet */
    uint64_t used;      /* when, for putting the least used away */
} candor_jsonl_day;

/* Makes the folder when it is missing, and drops what a crash left behind the last record. */
CANDOR_CHECK candor_status candor_jsonl_day_open(const char *path, candor_jsonl_day *out,
                                                 candor_err *err);
void candor_jsonl_day_close(candor_jsonl_day *d);
/* Append lines as one member, for the next commit. ids: 16 bytes each; whether they are known is
 * the caller's to ask and to say, in known. */
CANDOR_CHECK candor_status candor_jsonl_day_append(candor_jsonl_day *d, candor_bytes lines,
                                                   candor_bytes ids, candor_err *err);
/* Wait for the disk; what was appended counts. After a failure the day is to be closed. */
CANDOR_CHECK candor_status candor_jsonl_day_commit(candor_jsonl_day *d, candor_err *err);
/* The records of events.ids up to the first that is not whole. ids_end: behind the last one; 0: the
 * file is not there. visit may be NULL; ids are borrowed. */
typedef bool candor_jsonl_visit(void *ctx, const candor_jsonl_member *m, const char *ids);
CANDOR_CHECK candor_status candor_jsonl_scan(const char *path, candor_jsonl_visit *visit, void *ctx,
                                             uint64_t *ids_end, uint64_t *data_end,
                                             candor_err *err);

/* --- jsonl.c ---------------------------------------------------------------------------------- */
typedef struct candor_jsonl {
    candor_sink base;
    char dir[CANDOR_PATH_MAX];
    const candor_schema *schema;
    candor_mutex *layout; /* held by a query, and while folders are swapped or removed */
} candor_jsonl;
void candor_jsonl_name(int64_t day, char out[CANDOR_JSONL_NAME]);
bool candor_jsonl_parse_name(const char *name, int64_t *day);
/* The days that have a folder, ascending; the caller's to free. */
CANDOR_CHECK candor_status candor_jsonl_days(const candor_jsonl *s, int64_t **out, size_t *n,
                                             candor_err *err);

/* --- jsonl_line.c: an event line and back
 * --------------------------------------------------------- */
/* line without its newline; what it yields points into line. False: not one of ours. */
bool candor_jsonl_read_line(const candor_schema *schema, candor_bytes line,
                            candor_stored_event *out);
/* Inflate a member of the file; out is cleared first. */
CANDOR_CHECK candor_status candor_jsonl_member_read(int fd, const candor_jsonl_member *m,
                                                    candor_buf *out, candor_err *err);

/* --- jsonl_erase.c ---------------------------------------------------------------------------- */
/* Rewrite the day's folder without the events of somebody; the folder stays when there are none. */
CANDOR_CHECK candor_status candor_jsonl_rewrite(candor_jsonl *s, int64_t day, candor_erasure *e,
                                                candor_err *err);
/* The same without some categories; a day that was swept so already is not read again. */
CANDOR_CHECK candor_status candor_jsonl_sweep(candor_jsonl *s, int64_t day, const candor_sweep *w,
                                              candor_err *err);
/* Finish or undo what a crash interrupted. */
CANDOR_CHECK candor_status candor_jsonl_tidy(candor_jsonl *s, candor_err *err);
void candor_jsonl_remove(const char *path); /* a day's folder */

/* --- jsonl_read.c ----------------------------------------------------------------------------- */
candor_status candor_jsonl_reader_open(candor_sink *s, candor_reader **out, candor_err *err);
void candor_jsonl_reader_close(candor_reader *r);
candor_status candor_jsonl_reader_count(candor_reader *r, uint64_t *out, candor_err *err);
candor_status candor_jsonl_reader_events(candor_reader *r, const candor_event_filter *f,
                                         candor_event_visit *visit, void *ctx,
                                         candor_event_page *out, candor_err *err);
candor_status candor_jsonl_reader_stats(candor_reader *r, candor_stat what,
                                        const candor_stat_range *range,
                                        bool (*visit)(void *ctx, const candor_stat_row *row),
                                        void *ctx, candor_err *err);
candor_status candor_jsonl_reader_sessions(candor_reader *r, const candor_session_filter *f,
                                           bool (*visit)(void *ctx, const candor_stored_session *s),
                                           void *ctx, candor_session_page *out, candor_err *err);
void candor_jsonl_reader_allow(candor_reader *r, uint64_t ms, const atomic_bool *stop);

#endif
