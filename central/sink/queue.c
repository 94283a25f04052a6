#include "central/sink/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plat/crc32c.h"

#define HEAD       12
#define RECORD_MAX ((uint32_t)1 << 30)

typedef struct place {
    uint64_t file, at;
} place;

struct candor_queue {
    char dir[CANDOR_PATH_MAX];
    uint64_t max_bytes;
    candor_mutex *lock; /* guards size and synced */
    candor_queue_size size;
    place synced; /* what may be taken ends here */
    /* the putter's */
    int tail_fd;
    place tail;
    candor_queue_size unsynced;
    /* the taker's */
    int head_fd;
    uint64_t head_file; /* that head_fd is of */
    place head, taken;  /* head: behind the last done; taken: behind the last next */
    candor_queue_size pending;
};

static candor_status fail(const char *op, candor_err *err)
{
    int sys = errno;
    return candor_fail(err, sys == ENOSPC ? CANDOR_FULL : CANDOR_IO, sys, op, NULL);
}

static int open_file(const candor_queue *q, uint64_t file, int flags)
{
    char path[CANDOR_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%016" PRIx64 ".q", q->dir, file);
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void remove_file(const candor_queue *q, uint64_t file)
{
    char path[CANDOR_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%016" PRIx64 ".q", q->dir, file);
    candor_unlink_quiet(path);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

/* True: n bytes were read. */
static bool read_at(int fd, void *out, size_t n, uint64_t at)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd, (char *)out + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

static bool write_at(int fd, const void *p, size_t n, uint64_t at)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pwrite(fd, (const char *)p + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

/* --- records -------------------------------------------------------------------------------- */

typedef struct head {
    uint32_t n, crc, rows;
} head;

static bool read_head(int fd, uint64_t at, head *out)
{
    unsigned char raw[HEAD];
    if (!read_at(fd, raw, sizeof raw, at)) return false;
    *out = (head){candor_get_u32(raw), candor_get_u32(raw + 4), candor_get_u32(raw + 8)};
    return out->n <= RECORD_MAX;
}

static bool read_record(int fd, uint64_t at, head *h, candor_buf *out)
{
    candor_buf_clear(out);
    if (!read_head(fd, at, h) || !candor_buf_reserve(out, h->n) ||
        !read_at(fd, out->p, h->n, at + HEAD) || candor_crc32c(h->rows, out->p, h->n) != h->crc)
        return false;
    out->n = h->n;
    return true;
}

static void add_size(candor_queue_size *to, uint64_t bytes, uint64_t records, uint64_t rows)
{
    to->bytes += bytes;
    to->records += records;
    to->rows += rows;
}

/* --- open ----------------------------------------------------------------------------------- */

typedef struct found {
    uint64_t first, last;
    bool any;
} found;

static bool find_file(void *ctx, const char *name)
{
    found *f = ctx;
    char *end;
    uint64_t n = strtoull(name, &end, 16);
    if (strlen(name) != 18 || strcmp(end, ".q") != 0) return true;
    if (!f->any || n < f->first) f->first = n;
    if (!f->any || n > f->last) f->last = n;
    f->any = true;
    return true;
}

static candor_status read_position(candor_queue *q, const found *f, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_buf text = {0};
    candor_status st = candor_path_join(q->dir, "position", path, sizeof path, err);
    q->head = (place){f->any ? f->first : 1, 0};
    if (st == CANDOR_OK) st = candor_file_read_all(path, 64, &text, err);
    if (st == CANDOR_OK) {
        place p = {0};
        candor_buf_put_c(&text, '\0');
        if (!text.failed && sscanf(text.p, "%" SCNx64 " %" SCNu64, &p.file, &p.at) == 2 &&
            (p.file > q->head.file || (p.file == q->head.file && p.at > q->head.at)))
            q->head = p;
    }
    candor_buf_free(&text);
    return st == CANDOR_NOTFOUND || st == CANDOR_OK ? CANDOR_OK : st;
}

/* Where the whole records of a file end; counts those from `from` on. */
static uint64_t walk_file(candor_queue *q, uint64_t file, uint64_t from)
{
    candor_buf body = {0};
    uint64_t at = from;
    head h;
    int fd = open_file(q, file, O_RDONLY);
    while (fd >= 0 && read_record(fd, at, &h, &body)) {
        at += HEAD + h.n;
        add_size(&q->size, HEAD + h.n, 1, h.rows);
    }
    close_fd(&fd);
    candor_buf_free(&body);
    return at;
}

static candor_status recover(candor_queue *q, candor_err *err)
{
    found f = {0};
    uint64_t file;
    candor_status st = candor_dir_list(q->dir, find_file, &f, err);
    if (st == CANDOR_OK) st = read_position(q, &f, err);
    if (st != CANDOR_OK) return st;
    for (file = f.first; f.any && file < q->head.file; file++)
        remove_file(q, file);
    q->tail = q->head;
    for (file = q->head.file; f.any && file <= f.last; file++)
        q->tail = (place){file, walk_file(q, file, file == q->head.file ? q->head.at : 0)};
    q->taken = q->head;
    q->synced = q->tail;
    return st;
}

candor_status candor_queue_open(const char *dir, uint64_t max_bytes, candor_queue **out,
                                candor_err *err)
{
    candor_queue *q = calloc(1, sizeof *q);
    candor_status st = q != NULL ? candor_mutex_new(&q->lock) : CANDOR_NOMEM;
    *out = NULL;
    if (st != CANDOR_OK) {
        free(q);
        return candor_fail(err, st, 0, "open the queue", NULL);
    }
    q->tail_fd = q->head_fd = -1;
    q->max_bytes = max_bytes;
    st = (size_t)snprintf(q->dir, sizeof q->dir, "%s", dir) < sizeof q->dir
             ? candor_dir_create(q->dir, err)
             : candor_fail(err, CANDOR_LIMIT, 0, "open the queue", "the path is too long");
    if (st == CANDOR_OK) st = recover(q, err);
    if (st != CANDOR_OK)
        candor_queue_close(q);
    else
        *out = q;
    return st;
}

void candor_queue_close(candor_queue *q)
{
    if (q == NULL) return;
    close_fd(&q->tail_fd);
    close_fd(&q->head_fd);
    candor_mutex_free(q->lock);
    free(q);
}

/* --- putting -------------------------------------------------------------------------------- */

static candor_status open_tail(candor_queue *q, candor_err *err)
{
    if (q->tail_fd >= 0 && q->tail.at < CANDOR_QUEUE_FILE_BYTES) return CANDOR_OK;
    if (q->tail_fd >= 0) {
        if (fdatasync(q->tail_fd) != 0) return fail("sync the queue", err);
        close_fd(&q->tail_fd);
        q->tail = (place){q->tail.file + 1, 0};
    }
    q->tail_fd = open_file(q, q->tail.file, O_RDWR | O_CREAT);
    if (q->tail_fd < 0) return fail("open the queue", err);
    if (ftruncate(q->tail_fd, (off_t)q->tail.at) != 0) return fail("recover the queue", err);
    return candor_dir_sync(q->dir, err);
}

static bool has_room(candor_queue *q, uint64_t more)
{
    bool ok;
    candor_mutex_lock(q->lock);
    ok = q->size.bytes + q->unsynced.bytes + more <= q->max_bytes;
    candor_mutex_unlock(q->lock);
    return ok;
}

candor_status candor_queue_put(candor_queue *q, candor_bytes body, uint32_t rows, bool must,
                               candor_err *err)
{
    unsigned char raw[HEAD];
    candor_status st;
    if (!must && !has_room(q, HEAD + body.n))
        return candor_fail(err, CANDOR_FULL, 0, "queue", "it holds its %" PRIu64 " bytes",
                           q->max_bytes);
    st = open_tail(q, err);
    if (st != CANDOR_OK) return st;
    candor_put_u32(raw, (uint32_t)body.n);
    candor_put_u32(raw + 4, candor_crc32c(rows, body.p, body.n));
    candor_put_u32(raw + 8, rows);
    if (!write_at(q->tail_fd, raw, sizeof raw, q->tail.at) ||
        !write_at(q->tail_fd, body.p, body.n, q->tail.at + HEAD))
        return fail("write the queue", err);
    q->tail.at += HEAD + body.n;
    add_size(&q->unsynced, HEAD + body.n, 1, rows);
    return CANDOR_OK;
}

candor_status candor_queue_sync(candor_queue *q, candor_err *err)
{
    if (q->unsynced.records == 0) return CANDOR_OK;
    if (fdatasync(q->tail_fd) != 0) return fail("sync the queue", err);
    candor_mutex_lock(q->lock);
    q->synced = q->tail;
    add_size(&q->size, q->unsynced.bytes, q->unsynced.records, q->unsynced.rows);
    candor_mutex_unlock(q->lock);
    q->unsynced = (candor_queue_size){0};
    return CANDOR_OK;
}

/* --- taking --------------------------------------------------------------------------------- */

static place end_of(candor_queue *q)
{
    place end;
    candor_mutex_lock(q->lock);
    end = q->synced;
    candor_mutex_unlock(q->lock);
    return end;
}

static bool open_head(candor_queue *q)
{
    if (q->head_fd >= 0 && q->head_file == q->taken.file) return true;
    close_fd(&q->head_fd);
    q->head_fd = open_file(q, q->taken.file, O_RDONLY);
    q->head_file = q->taken.file;
    return q->head_fd >= 0;
}

/* At the end of a file that another one follows. */
static bool file_is_over(const candor_queue *q, place end)
{
    off_t n = lseek(q->head_fd, 0, SEEK_END);
    return q->taken.file < end.file && (n < 0 || q->taken.at >= (uint64_t)n);
}

static candor_status give_up_file(candor_queue *q, place end, candor_err *err)
{
    q->pending.damaged++;
    q->taken = q->taken.file < end.file ? (place){q->taken.file + 1, 0} : end;
    return candor_fail(err, CANDOR_CORRUPT, 0, "queue", "a record is damaged");
}

candor_status candor_queue_next(candor_queue *q, candor_buf *out, uint32_t *rows, candor_err *err)
{
    const place end = end_of(q);
    head h;
    for (;;) {
        if (q->taken.file > end.file || (q->taken.file == end.file && q->taken.at >= end.at))
            return CANDOR_NOTFOUND;
        if (!open_head(q)) return give_up_file(q, end, err);
        if (!file_is_over(q, end)) break;
        q->taken = (place){q->taken.file + 1, 0};
    }
    if (!read_record(q->head_fd, q->taken.at, &h, out)) {
        if (out->failed) return candor_fail(err, CANDOR_NOMEM, 0, "queue", NULL);
        return give_up_file(q, end, err);
    }
    q->taken.at += HEAD + h.n;
    add_size(&q->pending, HEAD + h.n, 1, h.rows);
    *rows = h.rows;
    return CANDOR_OK;
}

void candor_queue_rewind(candor_queue *q)
{
    q->taken = q->head;
    q->pending = (candor_queue_size){0};
}

static void subtract(uint64_t *from, uint64_t n)
{
    *from = *from > n ? *from - n : 0;
}

candor_status candor_queue_done(candor_queue *q, candor_err *err)
{
    char path[CANDOR_PATH_MAX], text[64];
    uint64_t file;
    int n = snprintf(text, sizeof text, "%016" PRIx64 " %" PRIu64 "\n", q->taken.file, q->taken.at);
    candor_status st = candor_path_join(q->dir, "position", path, sizeof path, err);
    if (st == CANDOR_OK)
        st = candor_file_write_durable(path, candor_bytes_of(text, (size_t)n), err);
    if (st != CANDOR_OK) return st;
    for (file = q->head.file; file < q->taken.file; file++)
        remove_file(q, file);
    q->head = q->taken;
    candor_mutex_lock(q->lock);
    subtract(&q->size.bytes, q->pending.bytes);
    subtract(&q->size.records, q->pending.records);
    subtract(&q->size.rows, q->pending.rows);
    q->size.damaged += q->pending.damaged;
    if (q->head.file == q->synced.file && q->head.at == q->synced.at) /* empty, whatever was lost */
        q->size.bytes = q->size.records = q->size.rows = 0;
    candor_mutex_unlock(q->lock);
    q->pending = (candor_queue_size){0};
    return CANDOR_OK;
}

void candor_queue_measure(candor_queue *q, candor_queue_size *out)
{
    candor_mutex_lock(q->lock);
    *out = q->size;
    candor_mutex_unlock(q->lock);
}
