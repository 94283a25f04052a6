/* Stage 3/10: journal segment. In: sanitised records. Out: records that survive the process's
 * death. Layer: client. Threads: append by one thread at a time; read up to what the reader was
 * told.
 *
 *   0     magic "CNDRJRN1", u32 version, u32 crc32c of bytes 16..3583
 *   16    u64 process id, i64 start (unix ms), 16-byte segment id, 16-byte session id
 *   64    schema hash, 64 hex digits
 *   128   u32 length of context_json, then its text (candor_context_write)
 *   3584  live part: u64 consumed offset, u64 retired, u64 counters (candor_counts)
 *   4096  records, 8-byte aligned: u32 length, u32 crc32c of the body, body
 *   body  u64 seq, i64 ts_ms, 16-byte event id, u16 type length, u16 correlation length,
 *         u32 payload length, type, correlation id, payload
 *
 * The length is stored last, with release order, and the word behind a record is zero before that:
 * a reader that finds zero stands at the end, also after SIGKILL in the middle of an append. */
#ifndef CANDOR_CLIENT_SEGMENT_H
#define CANDOR_CLIENT_SEGMENT_H

#include "candor.h"
#include "contract/limits.h"
#include "contract/sanitise.h"
#include "plat/plat.h"

#define CANDOR_SEGMENT_HEADER      4096
#define CANDOR_SEGMENT_CONTEXT_MAX 3072
#define CANDOR_RECORD_HEAD         8
#define CANDOR_RECORD_FIXED        40
#define CANDOR_RECORD_BODY_MAX                                                                     \
    (CANDOR_RECORD_FIXED + CANDOR_NAME_MAX + CANDOR_BASE_ID_MAX + CANDOR_PAYLOAD_MAX)

/* What happened to events that left no record. Lives in the header, so that it survives too. */
typedef struct candor_counts {
    uint64_t emit[CANDOR_EMIT_COUNT]; /* KEPT stays 0: records are counted themselves */
    uint64_t disk_low;
    uint64_t adjust[CANDOR_ADJUST_COUNT];
} candor_counts;
#define CANDOR_COUNTS_N (sizeof(candor_counts) / sizeof(uint64_t))
void candor_counts_add(candor_counts *to, const candor_counts *more);
/* Counters as they are stored, also by the version that knew no privacy level; zeros for anything
 * else. */
void candor_counts_read(candor_counts *out, const void *stored, size_t n);

typedef struct candor_segment_info {
    unsigned char id[16], session_id[16];
    const char
        *schema_hash; /* 64 hex digits; of an opened segment: inside the map, not terminated */
    candor_bytes context_json; /* of an opened segment: inside the map */
    uint64_t process_id;
    int64_t started_ms;
} candor_segment_info;

typedef struct candor_segment {
    struct candor_segment *next; /* the journal's list */
    candor_segment_info info;
    candor_file *file; /* holds the lock: its owner lives */
    candor_map map;
    size_t tail;    /* end of what was appended; the appender's */
    size_t touched; /* pages up to here were made present; the worker's */
    char path[CANDOR_PATH_MAX];
} candor_segment;

/* Create dir/<id>.seg of size bytes: allocated, so that no store can fail, locked, and visible
 * under its name only when complete. info's id is made here. */
CANDOR_CHECK candor_status candor_segment_create(const char *dir, size_t size,
                                                 const candor_segment_info *info,
                                                 candor_segment **out, candor_err *err);
/* Take over the segment of a dead process. CANDOR_BUSY: its owner lives. CANDOR_NOTFOUND: somebody
 * else has just finished it. CANDOR_CORRUPT: not a segment of this version or the one before it;
 * the file is untouched. */
CANDOR_CHECK candor_status candor_segment_take(const char *path, candor_segment **out,
                                               candor_err *err);
/* Make the pages up to offset `to` present, so that an append there takes no page fault. */
void candor_segment_touch(candor_segment *s, size_t to);
/* Unmap and unlock; the file stays. Accepts NULL. */
void candor_segment_free(candor_segment *s);
/* Mark as done, delete the file, free. */
void candor_segment_delete(candor_segment *s);

/* --- append --- */
typedef struct candor_record {
    uint64_t seq;
    int64_t ts_ms;
    unsigned char id[16];
    candor_bytes type, correlation_id, payload;
    size_t next; /* read: offset of the record behind */
} candor_record;
/* Let the caller write the payload in place: body becomes a fixed buffer over the free space, with
 * type and correlation id already in it. False when not even they fit. */
bool candor_segment_begin(candor_segment *s, const candor_record *r, candor_buf *body);
/* Publish what begin opened. body->n is final. Returns the new tail. */
size_t candor_segment_commit(candor_segment *s, const candor_record *r, const candor_buf *body);
/* Whether a record of the largest size would have fitted: if so, a failed body was too large. */
bool candor_segment_roomy(const candor_segment *s);

/* --- read --- */
typedef enum candor_read {
    CANDOR_READ_RECORD,
    CANDOR_READ_END, /* zero length, or the limit */
    CANDOR_READ_BAD, /* damaged, but the next one can be found */
    CANDOR_READ_LOST /* damaged, and nothing behind it can be found */
} candor_read;
/* The record at offset `at`; limit bounds what may be read. Slices point into the map. */
candor_read candor_segment_read(const candor_segment *s, size_t at, size_t limit,
                                candor_record *out);

/* --- live part of the header --- */
uint64_t candor_segment_consumed(const candor_segment *s); /* never before the first record */
void candor_segment_consume(candor_segment *s, uint64_t at);
void candor_segment_count(candor_segment *s, const candor_counts *more); /* one writer at a time */
void candor_segment_counts(const candor_segment *s, candor_counts *out);

#endif
