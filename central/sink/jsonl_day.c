/* A day's folder of the JSONL sink: appending and recovery. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "central/sink/jsonl_internal.h"
#include "plat/crc32c.h"

#define HEAD    8  /* of events.ids */
#define RECORD  16 /* of a record, before its ids */
#define AHEAD   8  /* ids whose places are fetched before they are added */
#define IDS_MAX ((size_t)4 << 30)

static candor_status io_fail(const char *what, candor_err *err)
{
    int sys = errno;
    return candor_fail(err, sys == ENOSPC ? CANDOR_FULL : CANDOR_IO, sys, what, NULL);
}

static candor_status open_file(const char *path, const char *name, int *out, candor_err *err)
{
    char full[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(path, name, full, sizeof full, err);
    if (st != CANDOR_OK) return st;
    *out = open(full, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *out >= 0 ? CANDOR_OK : io_fail("open a day's file", err);
}

static candor_status write_at(int fd, const void *p, size_t n, uint64_t at, candor_err *err)
{
    const char *from = p;
    while (n != 0) {
        ssize_t done = pwrite(fd, from, n, (off_t)at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return io_fail("write a day's file", err);
        from += done;
        at += (uint64_t)done;
        n -= (size_t)done;
    }
    return CANDOR_OK;
}

static candor_status sync_file(int fd, candor_err *err)
{
    return fdatasync(fd) == 0 ? CANDOR_OK : io_fail("sync a day's file", err);
}

/* --- scanning ------------------------------------------------------------------------------- */

static bool next_record(candor_bytes text, size_t at, candor_jsonl_member *m)
{
    uint32_t rows;
    if (text.n - at < RECORD) return false;
    rows = candor_get_u32(text.p + at + 4);
    if (rows == 0 || rows > CANDOR_JSONL_MEMBER_ROWS || text.n - at - RECORD < (size_t)rows * 16 ||
        candor_get_u32(text.p + at) !=
            candor_crc32c(0, text.p + at + 4, RECORD - 4 + (size_t)rows * 16))
        return false;
    m->from = m->to;
    m->to = candor_get_u64(text.p + at + 8);
    m->rows = rows;
    m->ids_at = at + RECORD;
    return m->to > m->from;
}

candor_status candor_jsonl_scan(const char *path, candor_jsonl_visit *visit, void *ctx,
                                uint64_t *ids_end, uint64_t *data_end, candor_err *err)
{
    char full[CANDOR_PATH_MAX];
    candor_buf text = {0};
    candor_jsonl_member m = {0};
    size_t at = HEAD;
    candor_status st = candor_path_join(path, "events.ids", full, sizeof full, err);
    *ids_end = *data_end = 0;
    if (st == CANDOR_OK) st = candor_file_read_all(full, IDS_MAX, &text, err);
    if (st == CANDOR_NOTFOUND || (st == CANDOR_OK && text.n < HEAD)) {
        candor_buf_free(&text);
        return CANDOR_OK;
    }
    if (st == CANDOR_OK && memcmp(text.p, CANDOR_JSONL_MAGIC, HEAD) != 0)
        st = candor_fail(err, CANDOR_CORRUPT, 0, "open a day",
                         "%.180s is not of version %.1s; use the collector that made it", full,
                         &CANDOR_JSONL_MAGIC[HEAD - 1]);
    while (st == CANDOR_OK && next_record(candor_buf_bytes(&text), at, &m)) {
        at = (size_t)m.ids_at + (size_t)m.rows * 16;
        *data_end = m.to;
        if (visit != NULL && !visit(ctx, &m, text.p + m.ids_at))
            st = candor_fail(err, CANDOR_NOMEM, 0, "open a day", NULL);
    }
    if (st == CANDOR_OK) *ids_end = at;
    candor_buf_free(&text);
    return st;
}

/* --- open, close ------------------------------------------------------------------------------ */

static bool learn(void *ctx, const candor_jsonl_member *m, const char *ids)
{
    candor_jsonl_day *d = ctx;
    uint32_t i;
    for (i = 0; i < m->rows; i++) {
        if (i + AHEAD < m->rows)
            candor_idset_soon(&d->known, (const unsigned char *)ids + (size_t)(i + AHEAD) * 16);
        if (candor_idset_add(&d->known, (const unsigned char *)ids + (size_t)i * 16, NULL) !=
            CANDOR_OK)
            return false;
    }
    return true;
}

static candor_status begin_ids(const char *path, candor_jsonl_day *d, candor_err *err)
{
    candor_status st = write_at(d->ids, CANDOR_JSONL_MAGIC, HEAD, 0, err);
    if (st == CANDOR_OK) st = sync_file(d->ids, err);
    if (st == CANDOR_OK) st = candor_dir_sync(path, err); /* both names */
    d->ids_end = HEAD;
    return st;
}

/* It is about to be written to: what comes may be of a category that was taken out. */
static candor_status forget_sweep(const char *path, candor_err *err)
{
    char full[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(path, CANDOR_JSONL_WITHOUT, full, sizeof full, err);
    if (st != CANDOR_OK || access(full, F_OK) != 0) return st;
    candor_unlink_quiet(full);
    return candor_dir_sync(path, err);
}

candor_status candor_jsonl_day_open(const char *path, candor_jsonl_day *d, candor_err *err)
{
    candor_status st = candor_dir_create(path, err);
    d->data = d->ids = -1;
    if (st == CANDOR_OK) st = forget_sweep(path, err);
    if (st == CANDOR_OK) st = open_file(path, "events.jsonl.gz", &d->data, err);
    if (st == CANDOR_OK) st = open_file(path, "events.ids", &d->ids, err);
    if (st == CANDOR_OK) st = candor_jsonl_scan(path, learn, d, &d->ids_end, &d->data_end, err);
    if (st == CANDOR_OK &&
        (ftruncate(d->ids, (off_t)d->ids_end) != 0 || ftruncate(d->data, (off_t)d->data_end) != 0))
        st = io_fail("recover a day's file", err);
    if (st == CANDOR_OK && d->ids_end == 0) st = begin_ids(path, d, err);
    if (st != CANDOR_OK) candor_jsonl_day_close(d);
    return st;
}

void candor_jsonl_day_close(candor_jsonl_day *d)
{
    if (d->data >= 0) close(d->data);
    if (d->ids >= 0) close(d->ids);
    candor_idset_free(&d->known);
    candor_buf_free(&d->records);
    candor_buf_free(&d->member);
    candor_deflater_free(d->z);
    memset(d, 0, sizeof *d);
    d->data = d->ids = -1;
}

/* --- appending -------------------------------------------------------------------------------- */

static candor_status compress(candor_jsonl_day *d, candor_bytes lines, candor_err *err)
{
    candor_status st = d->z != NULL ? CANDOR_OK : candor_deflater_new(&d->z);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "gzip", NULL);
    candor_buf_clear(&d->member);
    return candor_deflater_run(d->z, lines, &d->member, err);
}

static candor_status add_record(candor_jsonl_day *d, candor_bytes ids, candor_err *err)
{
    const size_t at = d->records.n;
    char head[RECORD] = {0};
    candor_put_u32(head + 4, (uint32_t)(ids.n / 16));
    candor_put_u64(head + 8, d->pending_end);
    candor_buf_put(&d->records, head, sizeof head);
    candor_buf_put_bytes(&d->records, ids);
    if (d->records.failed) return candor_fail(err, CANDOR_NOMEM, 0, "append", NULL);
    candor_put_u32(d->records.p + at,
                   candor_crc32c(0, d->records.p + at + 4, d->records.n - at - 4));
    return CANDOR_OK;
}

candor_status candor_jsonl_day_append(candor_jsonl_day *d, candor_bytes lines, candor_bytes ids,
                                      candor_err *err)
{
    candor_status st = compress(d, lines, err);
    if (d->records.n == 0) d->pending_end = d->data_end;
    if (st == CANDOR_OK) st = write_at(d->data, d->member.p, d->member.n, d->pending_end, err);
    d->pending_end += d->member.n;
    return st == CANDOR_OK ? add_record(d, ids, err) : st;
}

/* The lines first: a record must never speak of a member that is not there. */
candor_status candor_jsonl_day_commit(candor_jsonl_day *d, candor_err *err)
{
    candor_status st;
    if (d->records.n == 0) return CANDOR_OK;
    st = sync_file(d->data, err);
    if (st == CANDOR_OK) st = write_at(d->ids, d->records.p, d->records.n, d->ids_end, err);
    if (st == CANDOR_OK) st = sync_file(d->ids, err);
    if (st != CANDOR_OK) return st;
    d->ids_end += d->records.n;
    d->data_end = d->pending_end;
    candor_buf_clear(&d->records);
    return CANDOR_OK;
}
