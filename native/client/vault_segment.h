/* What emit has sealed, until the worker makes files of it: a preallocated, mapped file, so that an
 * attachment survives the process's death as its event does. One of a process; used again once all
 * in it is consumed. Layer: client. Threads: append by one thread at a time; read up to what the
 * reader was told.
 *
 *   0     magic "CNDRVLT1", u32 version
 *   64    u64 consumed offset
 *   4096  records, 8-byte aligned: u32 length, u32 crc32c, sealed bytes (vault_seal.h)
 *
 * The length is stored last, with release order, and what is behind the last record is zero. */
#ifndef CANDOR_CLIENT_VAULT_SEGMENT_H
#define CANDOR_CLIENT_VAULT_SEGMENT_H

#include "plat/plat.h"

#define CANDOR_VAULT_SEGMENT_SIZE (4 * 1024 * 1024) /* what may wait for the worker, sealed */

typedef struct candor_vault_segment {
    candor_file *file; /* holds the lock: its owner lives */
    candor_map map;
    size_t tail;
    char path[CANDOR_PATH_MAX];
} candor_vault_segment;

/* dir/<uuid>.vseg: allocated, touched, locked, and visible under its name only when complete
 * (before that: .vnew). */
CANDOR_CHECK candor_status candor_vault_segment_create(const char *dir, candor_vault_segment **out,
                                                       candor_err *err);
/* That of a dead process. CANDOR_BUSY: its owner lives. CANDOR_CORRUPT: none of this version. */
CANDOR_CHECK candor_status candor_vault_segment_take(const char *path, candor_vault_segment **out,
                                                     candor_err *err);
void candor_vault_segment_free(candor_vault_segment *s);   /* the file stays; accepts NULL */
void candor_vault_segment_delete(candor_vault_segment *s); /* accepts NULL */

/* False: no room. Afterwards the record survives SIGKILL. */
bool candor_vault_segment_append(candor_vault_segment *s, candor_bytes sealed);
uint64_t candor_vault_segment_consumed(const candor_vault_segment *s);
/* The record at `at`, and where the next begins. CANDOR_NOTFOUND: none up to limit.
 * CANDOR_CORRUPT: damaged; *next is 0 when nothing behind it can be found. */
CANDOR_CHECK candor_status candor_vault_segment_read(const candor_vault_segment *s, size_t at,
                                                     size_t limit, candor_bytes *sealed,
                                                     size_t *next);
void candor_vault_segment_consume(candor_vault_segment *s, size_t at);
/* Start from the beginning, over what was consumed. No append and no read meanwhile. */
void candor_vault_segment_reset(candor_vault_segment *s);

#endif
