#include "client/vault_segment.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "plat/crc32c.h"
#include "plat/plat.h"

#define SEGMENT_HEADER  4096
#define SEGMENT_VERSION 1u
#define RECORD_HEAD     8
#define CONSUMED_AT     64
static const char segment_magic[8] = {'C', 'N', 'D', 'R', 'V', 'L', 'T', '1'};

static _Atomic uint64_t *consumed_at(const candor_vault_segment *s)
{
    return (_Atomic uint64_t *)(void *)(s->map.p + CONSUMED_AT);
}

static size_t align8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static candor_status name_segment(const char *dir, char temp[CANDOR_PATH_MAX],
                                  char path[CANDOR_PATH_MAX], candor_err *err)
{
    unsigned char random[10], id[16];
    char name[CANDOR_UUID_TEXT + 6];
    if (candor_random(random, sizeof random) != CANDOR_OK)
        return candor_fail(err, CANDOR_CRYPTO, 0, "vault", "no random bytes");
    candor_uuid7_make((uint64_t)candor_clock_unix_ms(), random, id);
    candor_uuid_format(id, name);
    memcpy(name + CANDOR_UUID_TEXT, ".vnew", 6);
    candor_status st = candor_path_join(dir, name, temp, CANDOR_PATH_MAX, err);
    memcpy(name + CANDOR_UUID_TEXT, ".vseg", 6);
    if (st == CANDOR_OK) st = candor_path_join(dir, name, path, CANDOR_PATH_MAX, err);
    return st;
}

static candor_status fill_new(candor_vault_segment *s, const char *temp, candor_err *err)
{
    candor_status st = candor_file_open(temp, CANDOR_OPEN_CREATE_NEW, &s->file, err);
    if (st != CANDOR_OK) return st;
    st = candor_file_try_lock(s->file, err);
    if (st == CANDOR_OK) st = candor_file_allocate(s->file, CANDOR_VAULT_SEGMENT_SIZE, err);
    if (st == CANDOR_OK)
        st = candor_map_open(s->file, CANDOR_VAULT_SEGMENT_SIZE, true, &s->map, err);
    if (st == CANDOR_OK) {
        candor_map_touch(&s->map);
        memcpy(s->map.p, segment_magic, sizeof segment_magic);
        candor_put_u32(s->map.p + 8, SEGMENT_VERSION);
        candor_vault_segment_consume(s, SEGMENT_HEADER);
        s->tail = SEGMENT_HEADER;
        st = candor_rename_durable(temp, s->path, err);
    }
    if (st != CANDOR_OK) {
        candor_map_close(&s->map);
        candor_unlink_quiet(temp);
    }
    return st;
}

candor_status candor_vault_segment_create(const char *dir, candor_vault_segment **out,
                                          candor_err *err)
{
    char temp[CANDOR_PATH_MAX];
    *out = NULL;
    candor_vault_segment *s = calloc(1, sizeof *s);
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "vault", "out of memory");
    candor_status st = name_segment(dir, temp, s->path, err);
    if (st == CANDOR_OK) st = fill_new(s, temp, err);
    if (st != CANDOR_OK) {
        candor_vault_segment_free(s);
        return st;
    }
    *out = s;
    return CANDOR_OK;
}

static candor_status map_taken(candor_vault_segment *s, candor_err *err)
{
    uint64_t size = 0;
    candor_status st = candor_file_open(s->path, CANDOR_OPEN_READ_WRITE, &s->file, err);
    if (st == CANDOR_OK) st = candor_file_try_lock(s->file, err);
    if (st == CANDOR_OK) st = candor_file_size(s->file, &size, err);
    if (st != CANDOR_OK) return st;
    if (size <= SEGMENT_HEADER || size > CANDOR_VAULT_SEGMENT_SIZE)
        return candor_fail(err, CANDOR_CORRUPT, 0, "vault", "not a vault segment");
    st = candor_map_open(s->file, (size_t)size, true, &s->map, err);
    if (st == CANDOR_OK && (memcmp(s->map.p, segment_magic, sizeof segment_magic) != 0 ||
                            candor_get_u32(s->map.p + 8) != SEGMENT_VERSION))
        return candor_fail(err, CANDOR_CORRUPT, 0, "vault", "not a vault segment");
    return st;
}

candor_status candor_vault_segment_take(const char *path, candor_vault_segment **out,
                                        candor_err *err)
{
    *out = NULL;
    /* CANDOR_OPEN_READ_WRITE creates what is missing. */
    if (candor_file_mtime(path, NULL, NULL, err) != CANDOR_OK) return CANDOR_NOTFOUND;
    candor_vault_segment *s = calloc(1, sizeof *s);
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "vault", "out of memory");
    memcpy(s->path, path, strlen(path) + 1);
    candor_status st = map_taken(s, err);
    if (st != CANDOR_OK) {
        candor_vault_segment_free(s);
        return st;
    }
    s->tail = s->map.n;
    *out = s;
    return CANDOR_OK;
}

void candor_vault_segment_free(candor_vault_segment *s)
{
    if (s == NULL) return;
    candor_map_close(&s->map);
    candor_file_discard(s->file);
    free(s);
}

void candor_vault_segment_delete(candor_vault_segment *s)
{
    if (s == NULL) return;
    candor_map_close(&s->map); /* Windows keeps a file that is mapped anywhere */
    candor_unlink_quiet(s->path);
    candor_vault_segment_free(s);
}

bool candor_vault_segment_append(candor_vault_segment *s, candor_bytes sealed)
{
    size_t room = s->map.n - s->tail, next = align8(s->tail + RECORD_HEAD + sealed.n);
    if (sealed.n == 0 || room < RECORD_HEAD || sealed.n > room - RECORD_HEAD) return false;
    unsigned char *head = s->map.p + s->tail;
    memcpy(head + RECORD_HEAD, sealed.p, sealed.n);
    candor_put_u32(head + 4, candor_crc32c(0, head + RECORD_HEAD, sealed.n));
    uint32_t stored;
    candor_put_u32(&stored, (uint32_t)sealed.n);
    atomic_store_explicit((_Atomic uint32_t *)(void *)head, stored, memory_order_release);
    s->tail = next < s->map.n ? next : s->map.n;
    return true;
}

uint64_t candor_vault_segment_consumed(const candor_vault_segment *s)
{
    uint64_t at = atomic_load_explicit(consumed_at(s), memory_order_acquire);
    return at < SEGMENT_HEADER || at > s->map.n || at % 8 != 0 ? SEGMENT_HEADER : at;
}

candor_status candor_vault_segment_read(const candor_vault_segment *s, size_t at, size_t limit,
                                        candor_bytes *sealed, size_t *next)
{
    *next = 0;
    if (at >= limit || limit - at < RECORD_HEAD) return CANDOR_NOTFOUND;
    const unsigned char *head = s->map.p + at;
    size_t n = candor_get_u32(head);
    if (n == 0) return CANDOR_NOTFOUND;
    if (n > limit - at - RECORD_HEAD) return CANDOR_CORRUPT;
    *next = align8(at + RECORD_HEAD + n);
    *sealed = candor_bytes_of((const char *)head + RECORD_HEAD, n);
    return candor_get_u32(head + 4) == candor_crc32c(0, head + RECORD_HEAD, n) ? CANDOR_OK
                                                                               : CANDOR_CORRUPT;
}

void candor_vault_segment_consume(candor_vault_segment *s, size_t at)
{
    atomic_store_explicit(consumed_at(s), at, memory_order_release);
}

/* Killed in between, the reader finds zero at the old offset, then at the new. */
void candor_vault_segment_reset(candor_vault_segment *s)
{
    candor_vault_segment_consume(s, s->tail);
    memset(s->map.p + SEGMENT_HEADER, 0, s->tail - SEGMENT_HEADER);
    candor_vault_segment_consume(s, SEGMENT_HEADER);
    s->tail = SEGMENT_HEADER;
}
