#include "client/segment.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "plat/crc32c.h"
#include "plat/plat.h"

#define SEGMENT_VERSION 2u
/* An update of the application must not cost what the last run had accepted. Version 1 is the same
 * but for its counters. */
#define SEGMENT_VERSION_OLD 1u
#define COUNTS_OLD_N        (CANDOR_COUNTS_N - 1) /* without emit[CANDOR_EMIT_LEVEL] */
#define CRC_FROM            16
#define CONTEXT_AT          132
#define LIVE_AT             3584
_Static_assert(CONTEXT_AT + CANDOR_SEGMENT_CONTEXT_MAX <= LIVE_AT, "the context fits the header");
_Static_assert(CANDOR_EMIT_COUNT == 10 && CANDOR_ADJUST_COUNT == 9,
               "the counters changed: raise SEGMENT_VERSION");

static const char segment_magic[8] = {'C', 'N', 'D', 'R', 'J', 'R', 'N', '1'};

typedef struct live_part {
    _Atomic uint64_t consumed, retired;
    _Atomic uint64_t counts[CANDOR_COUNTS_N];
} live_part;
_Static_assert(LIVE_AT + sizeof(live_part) <= CANDOR_SEGMENT_HEADER, "the live part fits");

static live_part *live(const candor_segment *s)
{
    return (live_part *)(void *)(s->map.p + LIVE_AT);
}

static size_t align8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

void candor_counts_add(candor_counts *to, const candor_counts *more)
{
    for (size_t i = 0; i < CANDOR_EMIT_COUNT; i++)
        to->emit[i] += more->emit[i];
    to->disk_low += more->disk_low;
    for (size_t i = 0; i < CANDOR_ADJUST_COUNT; i++)
        to->adjust[i] += more->adjust[i];
}

static void counts_to_array(const candor_counts *c, uint64_t out[CANDOR_COUNTS_N])
{
    memcpy(out, c, sizeof *c); /* a struct of uint64_t only: no padding */
}
_Static_assert(sizeof(candor_counts) == CANDOR_COUNTS_N * sizeof(uint64_t), "no padding");

void candor_counts_read(candor_counts *out, const void *stored, size_t n)
{
    uint64_t all[CANDOR_COUNTS_N] = {0};
    memset(out, 0, sizeof *out);
    if (n == COUNTS_OLD_N * sizeof all[0]) {
        const unsigned char *old = stored;
        memcpy(all, old, CANDOR_EMIT_LEVEL * sizeof all[0]);
        memcpy(all + CANDOR_EMIT_LEVEL + 1, old + CANDOR_EMIT_LEVEL * sizeof all[0],
               (COUNTS_OLD_N - CANDOR_EMIT_LEVEL) * sizeof all[0]);
    } else if (n == sizeof all) {
        memcpy(all, stored, sizeof all);
    }
    memcpy(out, all, sizeof *out);
}

/* Windows keeps a file that is mapped anywhere. The lock stays until the name is gone. */
static void delete_file(candor_segment *s)
{
    candor_map_close(&s->map);
    candor_unlink_quiet(s->path);
}

/* --- create ---------------------------------------------------------------------------------- */

static void write_header(candor_segment *s)
{
    unsigned char *h = s->map.p;
    const candor_segment_info *info = &s->info;
    memcpy(h, segment_magic, sizeof segment_magic);
    candor_put_u32(h + 8, SEGMENT_VERSION);
    candor_put_u64(h + 16, info->process_id);
    candor_put_u64(h + 24, (uint64_t)info->started_ms);
    memcpy(h + 32, info->id, 16);
    memcpy(h + 48, info->session_id, 16);
    memcpy(h + 64, info->schema_hash, 64);
    candor_put_u32(h + 128, (uint32_t)info->context_json.n);
    memcpy(h + CONTEXT_AT, info->context_json.p, info->context_json.n);
    candor_put_u32(h + 12, candor_crc32c(0, h + CRC_FROM, LIVE_AT - CRC_FROM));
}

static candor_status name_segment(candor_segment *s, const char *dir, char temp[CANDOR_PATH_MAX],
                                  candor_err *err)
{
    unsigned char random[10];
    char name[CANDOR_UUID_TEXT + 5];
    if (candor_random(random, sizeof random) != CANDOR_OK)
        return candor_fail(err, CANDOR_CRYPTO, 0, "journal", "no random bytes");
    candor_uuid7_make((uint64_t)candor_clock_unix_ms(), random, s->info.id);
    candor_uuid_format(s->info.id, name);
    memcpy(name + CANDOR_UUID_TEXT, ".new", 5);
    candor_status st = candor_path_join(dir, name, temp, CANDOR_PATH_MAX, err);
    memcpy(name + CANDOR_UUID_TEXT, ".seg", 5);
    if (st == CANDOR_OK) st = candor_path_join(dir, name, s->path, sizeof s->path, err);
    return st;
}

static candor_status fill_new(candor_segment *s, const char *temp, size_t size, candor_err *err)
{
    candor_status st = candor_file_open(temp, CANDOR_OPEN_CREATE_NEW, &s->file, err);
    if (st != CANDOR_OK) return st;
    st = candor_file_try_lock(s->file, err);
    if (st == CANDOR_OK) st = candor_file_allocate(s->file, size, err);
    if (st == CANDOR_OK) st = candor_map_open(s->file, size, true, &s->map, err);
    if (st == CANDOR_OK) {
        write_header(s);
        s->tail = CANDOR_SEGMENT_HEADER;
        /* Not synced: a journal outlives its process, the spool a power cut. */
        st = candor_rename(temp, s->path, err);
    }
    if (st != CANDOR_OK) {
        candor_map_close(&s->map);
        candor_unlink_quiet(temp);
    }
    return st;
}

candor_status candor_segment_create(const char *dir, size_t size, const candor_segment_info *info,
                                    candor_segment **out, candor_err *err)
{
    char temp[CANDOR_PATH_MAX];
    *out = NULL;
    if (info->context_json.n > CANDOR_SEGMENT_CONTEXT_MAX || size <= CANDOR_SEGMENT_HEADER)
        return candor_fail(err, CANDOR_INVALID, 0, "journal", "a segment cannot hold the context");
    candor_segment *s = calloc(1, sizeof *s);
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "journal", "out of memory");
    s->info = *info;
    candor_status st = name_segment(s, dir, temp, err);
    if (st == CANDOR_OK) st = fill_new(s, temp, size, err);
    if (st != CANDOR_OK) {
        candor_segment_free(s);
        return st;
    }
    *out = s;
    return CANDOR_OK;
}

/* --- take over ------------------------------------------------------------------------------- */

static candor_status check_header(candor_segment *s, candor_err *err)
{
    const unsigned char *h = s->map.p;
    uint32_t version = candor_get_u32(h + 8);
    bool known = memcmp(h, segment_magic, sizeof segment_magic) == 0 &&
                 (version == SEGMENT_VERSION || version == SEGMENT_VERSION_OLD) &&
                 candor_get_u32(h + 12) == candor_crc32c(0, h + CRC_FROM, LIVE_AT - CRC_FROM);
    uint32_t context_n = candor_get_u32(h + 128);
    if (!known || context_n > CANDOR_SEGMENT_CONTEXT_MAX)
        return candor_fail(err, CANDOR_CORRUPT, 0, "journal", "not a segment of this version");
    s->info.process_id = candor_get_u64(h + 16);
    s->info.started_ms = (int64_t)candor_get_u64(h + 24);
    memcpy(s->info.id, h + 32, 16);
    memcpy(s->info.session_id, h + 48, 16);
    s->info.schema_hash = (const char *)h + 64;
    s->info.context_json = candor_bytes_of((const char *)h + CONTEXT_AT, context_n);
    /* Its finisher may have been killed between the mark and the deletion. */
    if (atomic_load_explicit(&live(s)->retired, memory_order_acquire) != 0) {
        delete_file(s);
        return candor_fail(err, CANDOR_NOTFOUND, 0, "journal", "the segment is finished");
    }
    return CANDOR_OK;
}

static candor_status map_taken(candor_segment *s, candor_err *err)
{
    uint64_t size = 0;
    candor_status st = candor_file_open(s->path, CANDOR_OPEN_READ_WRITE, &s->file, err);
    if (st == CANDOR_OK) st = candor_file_try_lock(s->file, err);
    if (st == CANDOR_OK) st = candor_file_size(s->file, &size, err);
    if (st != CANDOR_OK) return st;
    if (size == 0) { /* opening made it anew: its finisher was faster */
        candor_unlink_quiet(s->path);
        return candor_fail(err, CANDOR_NOTFOUND, 0, "journal", "an empty file");
    }
    if (size <= CANDOR_SEGMENT_HEADER || size > UINT32_MAX)
        return candor_fail(err, CANDOR_CORRUPT, 0, "journal", "a segment of %llu bytes",
                           (unsigned long long)size);
    /* Reading a hole of a file that lost blocks is zeros; the header's live part is written,
     * though. */
    return candor_map_open(s->file, (size_t)size, true, &s->map, err);
}

candor_status candor_segment_take(const char *path, candor_segment **out, candor_err *err)
{
    int64_t when = 0;
    uint64_t size = 0;
    *out = NULL;
    /* CANDOR_OPEN_READ_WRITE creates what is missing. */
    if (candor_file_mtime(path, &when, &size, err) != CANDOR_OK) return CANDOR_NOTFOUND;
    candor_segment *s = calloc(1, sizeof *s);
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "journal", "out of memory");
    strncpy(s->path, path, sizeof s->path - 1);
    candor_status st = map_taken(s, err);
    if (st == CANDOR_OK) st = check_header(s, err);
    if (st != CANDOR_OK) {
        candor_segment_free(s);
        return st;
    }
    s->tail = s->map.n;
    *out = s;
    return CANDOR_OK;
}

void candor_segment_touch(candor_segment *s, size_t to)
{
    if (to > s->map.n) to = s->map.n;
    if (to <= s->touched) return;
    candor_map_touch_part(&s->map, s->touched, to - s->touched);
    s->touched = to;
}

void candor_segment_free(candor_segment *s)
{
    if (s == NULL) return;
    candor_map_close(&s->map);
    candor_file_discard(s->file);
    free(s);
}

void candor_segment_delete(candor_segment *s)
{
    if (s == NULL) return;
    atomic_store_explicit(&live(s)->retired, 1, memory_order_release);
    delete_file(s);
    candor_segment_free(s);
}

/* --- append ---------------------------------------------------------------------------------- */

bool candor_segment_roomy(const candor_segment *s)
{
    return s->map.n - s->tail >= CANDOR_RECORD_HEAD + CANDOR_RECORD_BODY_MAX;
}

bool candor_segment_begin(candor_segment *s, const candor_record *r, candor_buf *body)
{
    size_t room = s->map.n - s->tail;
    size_t known = CANDOR_RECORD_HEAD + CANDOR_RECORD_FIXED + r->type.n + r->correlation_id.n;
    if (room <= known) return false; /* what is copied below fits */
    room -= CANDOR_RECORD_HEAD;
    if (room > CANDOR_RECORD_BODY_MAX) room = CANDOR_RECORD_BODY_MAX;
    candor_buf_init_fixed(body, (char *)s->map.p + s->tail + CANDOR_RECORD_HEAD, room);
    char *text = candor_bytes_copy(body->p + CANDOR_RECORD_FIXED, r->type);
    body->n = (size_t)(candor_bytes_copy(text, r->correlation_id) - body->p);
    return true;
}

/* The lines of the next record: a checksum that has to wait until what it covers has reached a line
 * which is not in the cache yet costs more than all of the writing. */
#define LINE  64
#define AHEAD (6 * LINE)
static inline void fetch_ahead(const candor_segment *s, size_t next)
{
    if (next > s->map.n || s->map.n - next < AHEAD) return;
    for (size_t at = LINE; at < AHEAD; at += LINE)
        candor_prefetch_write(s->map.p + next + at);
}

size_t candor_segment_commit(candor_segment *s, const candor_record *r, const candor_buf *body)
{
    unsigned char *head = s->map.p + s->tail, *b = head + CANDOR_RECORD_HEAD;
    size_t payload_n = body->n - CANDOR_RECORD_FIXED - r->type.n - r->correlation_id.n;
    size_t next = align8(s->tail + CANDOR_RECORD_HEAD + body->n);
    candor_put_u64(b, r->seq);
    candor_put_u64(b + 8, (uint64_t)r->ts_ms);
    memcpy(b + 16, r->id, 16);
    /* u16, u16 and u32 as one store: the checksum reads eight bytes at a time, and a load of what
     * several stores have just written waits for all of them to reach the cache. */
    candor_put_u64(b + 32,
                   r->type.n | (uint64_t)r->correlation_id.n << 16 | (uint64_t)payload_n << 32);
    candor_put_u32(head + 4, candor_crc32c(0, b, body->n));
    /* An earlier payload that was refused may have left bytes where the next length will stand. */
    if (next + CANDOR_RECORD_HEAD <= s->map.n) memset(s->map.p + next, 0, 4);
    _Atomic uint32_t *length = (_Atomic uint32_t *)(void *)head;
    uint32_t stored;
    candor_put_u32(&stored, (uint32_t)body->n);
    atomic_store_explicit(length, stored, memory_order_release);
    fetch_ahead(s, next);
    s->tail = next < s->map.n ? next : s->map.n;
    return s->tail;
}

/* --- read ------------------------------------------------------------------------------------ */

static size_t get_u16(const unsigned char *at)
{
    return (size_t)at[0] | (size_t)at[1] << 8;
}

static bool split_body(const unsigned char *b, size_t n, candor_record *out)
{
    size_t type_n = get_u16(b + 32), correlation_n = get_u16(b + 34);
    size_t payload_n = candor_get_u32(b + 36);
    if (type_n == 0 || type_n > CANDOR_NAME_MAX || correlation_n > CANDOR_BASE_ID_MAX ||
        payload_n < 2 || CANDOR_RECORD_FIXED + type_n + correlation_n + payload_n != n)
        return false;
    const char *text = (const char *)b + CANDOR_RECORD_FIXED;
    out->seq = candor_get_u64(b);
    out->ts_ms = (int64_t)candor_get_u64(b + 8);
    memcpy(out->id, b + 16, 16);
    out->type = candor_bytes_of(text, type_n);
    out->correlation_id = candor_bytes_of(text + type_n, correlation_n);
    out->payload = candor_bytes_of(text + type_n + correlation_n, payload_n);
    return true;
}

candor_read candor_segment_read(const candor_segment *s, size_t at, size_t limit,
                                candor_record *out)
{
    if (limit > s->map.n) limit = s->map.n;
    if (at >= limit || limit - at < CANDOR_RECORD_HEAD) return CANDOR_READ_END;
    const unsigned char *head = s->map.p + at;
    size_t n = candor_get_u32(head);
    if (n == 0) return CANDOR_READ_END;
    if (at % 8 != 0 || n < CANDOR_RECORD_FIXED || n > CANDOR_RECORD_BODY_MAX ||
        n > limit - at - CANDOR_RECORD_HEAD)
        return CANDOR_READ_LOST;
    const unsigned char *b = head + CANDOR_RECORD_HEAD;
    out->next = align8(at + CANDOR_RECORD_HEAD + n);
    if (candor_get_u32(head + 4) != candor_crc32c(0, b, n) || !split_body(b, n, out))
        return CANDOR_READ_BAD;
    return CANDOR_READ_RECORD;
}

/* --- live part ------------------------------------------------------------------------------- */

uint64_t candor_segment_consumed(const candor_segment *s)
{
    uint64_t at = atomic_load_explicit(&live(s)->consumed, memory_order_acquire);
    return at < CANDOR_SEGMENT_HEADER ? CANDOR_SEGMENT_HEADER : at;
}

void candor_segment_consume(candor_segment *s, uint64_t at)
{
    atomic_store_explicit(&live(s)->consumed, at, memory_order_release);
}

void candor_segment_count(candor_segment *s, const candor_counts *more)
{
    uint64_t n[CANDOR_COUNTS_N];
    counts_to_array(more, n);
    for (size_t i = 0; i < CANDOR_COUNTS_N; i++)
        if (n[i] != 0) atomic_fetch_add_explicit(&live(s)->counts[i], n[i], memory_order_relaxed);
}

void candor_segment_counts(const candor_segment *s, candor_counts *out)
{
    uint64_t n[CANDOR_COUNTS_N];
    bool old = candor_get_u32(s->map.p + 8) == SEGMENT_VERSION_OLD;
    size_t stored = old ? COUNTS_OLD_N : CANDOR_COUNTS_N;
    for (size_t i = 0; i < stored; i++)
        n[i] = atomic_load_explicit(&live(s)->counts[i], memory_order_relaxed);
    candor_counts_read(out, n, stored * sizeof n[0]);
}
