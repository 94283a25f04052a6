/* Files and their locks on POSIX. Layer: plat. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plat/plat.h"
#include "plat/posix.h"
#include "plat/private.h"

/* Linux caps one write at 0x7ffff000 bytes (write(2)); a smaller step keeps the count in ssize_t.
 */
#define WRITE_STEP ((size_t)1 << 30)
#define READ_STEP  ((size_t)16 << 10)

struct candor_file {
    int fd;
};

int candor_posix_fd(const candor_file *f)
{
    return f->fd;
}

static int open_flags(candor_open_mode mode)
{
    switch (mode) {
    case CANDOR_OPEN_READ:
        return O_RDONLY;
    case CANDOR_OPEN_READ_WRITE:
        return O_RDWR | O_CREAT | O_NOFOLLOW;
    case CANDOR_OPEN_CREATE_NEW:
        return O_RDWR | O_CREAT | O_EXCL; /* open(2): O_EXCL follows no link */
    case CANDOR_OPEN_APPEND:
        return O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW;
    }
    return O_RDONLY;
}

/* O_NONBLOCK: a FIFO planted under the name must not hang the open (open(2)); regular files ignore
 * it, and everything else is refused. */
static candor_status open_regular(const char *path, candor_open_mode mode, int *out,
                                  candor_err *err)
{
    struct stat st;
    int fd;

    do {
        fd = open(path, open_flags(mode) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    } while (fd < 0 && errno == EINTR);
    /* A link under the name of a file that we write would point our bytes elsewhere. */
    if (fd < 0 && errno == ELOOP && mode != CANDOR_OPEN_READ)
        return candor_fail(err, CANDOR_INVALID, ELOOP, "open", "%s is a symbolic link", path);
    if (fd < 0) return candor_posix_fail(err, errno, "open", "cannot open", path);
    if (fstat(fd, &st) != 0) {
        const int sys = errno;
        close(fd);
        return candor_posix_fail(err, sys, "fstat", "cannot look at", path);
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return candor_fail(err, CANDOR_INVALID, 0, "open", "%s is not a regular file", path);
    }
    *out = fd;
    return CANDOR_OK;
}

candor_status candor_file_open(const char *path, candor_open_mode mode, candor_file **out,
                               candor_err *err)
{
    candor_file *f = malloc(sizeof *f);
    candor_status st;

    *out = NULL;
    if (f == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open", "no memory for a file");
    st = open_regular(path, mode, &f->fd, err);
    if (st != CANDOR_OK) {
        free(f);
        return st;
    }
    *out = f;
    return CANDOR_OK;
}

candor_status candor_file_size(candor_file *f, uint64_t *out, candor_err *err)
{
    struct stat st;

    if (fstat(f->fd, &st) != 0)
        return candor_posix_fail(err, errno, "fstat", "cannot ask for the size of a file", NULL);
    *out = (uint64_t)st.st_size;
    return CANDOR_OK;
}

candor_status candor_file_write(candor_file *f, candor_bytes body, candor_err *err)
{
    size_t done = 0;

    while (done < body.n) {
        const size_t left = body.n - done;
        const ssize_t n = write(f->fd, body.p + done, left < WRITE_STEP ? left : WRITE_STEP);
        if (n < 0) {
            if (errno == EINTR) continue;
            return candor_posix_fail(err, errno, "write", "cannot write to a file", NULL);
        }
        /* POSIX allows 0 for a device; on a file it would loop for ever. */
        if (n == 0) return candor_posix_fail(err, EIO, "write", "cannot write to a file", NULL);
        done += (size_t)n;
    }
    return CANDOR_OK;
}

candor_status candor_file_allocate(candor_file *f, uint64_t size, candor_err *err)
{
    int sys;

    if (size == 0) return CANDOR_OK;
    if (size > (uint64_t)INT64_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "allocate", "no file can have %llu bytes",
                           (unsigned long long)size);
    sys = candor_posix_allocate(f->fd, (off_t)size);
    if (sys != 0)
        return candor_posix_fail(err, sys, "allocate", "cannot reserve room for a file", NULL);
    return CANDOR_OK;
}

candor_status candor_file_sync(candor_file *f, candor_err *err)
{
    const int sys = candor_posix_fdatasync(f->fd);

    if (sys != 0) return candor_posix_fail(err, sys, "fdatasync", "cannot sync a file", NULL);
    return CANDOR_OK;
}

/* flock(2): the lock belongs to the open file description, so two opens in one process exclude each
 * other, and the kernel drops it when the last descriptor goes, however the process ends. */
candor_status candor_file_try_lock(candor_file *f, candor_err *err)
{
    int rc;

    do {
        rc = flock(f->fd, LOCK_EX | LOCK_NB);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0) return CANDOR_OK;
    if (errno == EWOULDBLOCK)
        return candor_fail(err, CANDOR_BUSY, errno, "lock", "%s",
                           "another live process or handle holds the lock");
    return candor_posix_fail(err, errno, "lock", "cannot lock a file", NULL);
}

void candor_file_unlock(candor_file *f)
{
    int rc;

    do {
        rc = flock(f->fd, LOCK_UN);
    } while (rc != 0 && errno == EINTR);
}

candor_status candor_file_close(candor_file **f, candor_err *err)
{
    int fd;

    if (*f == NULL) return CANDOR_OK;
    fd = (*f)->fd;
    free(*f);
    *f = NULL;
    /* close(2): on Linux the descriptor is gone after EINTR; a retry could close another's. */
    if (close(fd) != 0 && errno != EINTR)
        return candor_posix_fail(err, errno, "close", "cannot finish a file", NULL);
    return CANDOR_OK;
}

void candor_file_discard(candor_file *f)
{
    if (f == NULL) return;
    close(f->fd);
    free(f);
}

/* Append what is left in fd to out, at most max bytes. Through the stack, so that a buffer over
 * caller's storage takes a file that just fits. */
static candor_status read_rest(int fd, const char *path, size_t max, candor_buf *out,
                               candor_err *err)
{
    char step[READ_STEP];
    size_t got = 0;

    for (;;) {
        const ssize_t n = read(fd, step, sizeof step);

        if (n < 0) {
            if (errno == EINTR) continue;
            return candor_posix_fail(err, errno, "read", "cannot read", path);
        }
        if (n == 0) return CANDOR_OK;
        if ((size_t)n > max - got)
            return candor_fail(err, CANDOR_LIMIT, 0, "read", "%s is larger than %zu bytes", path,
                               max);
        got += (size_t)n;
        candor_buf_put(out, step, (size_t)n);
        if (out->failed) return candor_fail(err, CANDOR_NOMEM, 0, "read", "no memory for %s", path);
    }
}

candor_status candor_file_read_all(const char *path, size_t max, candor_buf *out, candor_err *err)
{
    const size_t before = out->n;
    struct stat s;
    candor_status st;
    int fd = -1;

    st = open_regular(path, CANDOR_OPEN_READ, &fd, err);
    if (st != CANDOR_OK) return st;
    /* The size is a hint (it may grow, /proc says 0): refuse early, reserve once. */
    if (fstat(fd, &s) == 0 && s.st_size > 0) {
        if ((uintmax_t)s.st_size > max)
            st =
                candor_fail(err, CANDOR_LIMIT, 0, "read", "%s is larger than %zu bytes", path, max);
        else if (!candor_buf_reserve(out, (size_t)s.st_size))
            st = candor_fail(err, CANDOR_NOMEM, 0, "read", "no memory for %s", path);
    }
    if (st == CANDOR_OK) st = read_rest(fd, path, max, out, err);
    if (st != CANDOR_OK) out->n = before;
    close(fd);
    return st;
}

candor_status candor_file_read_tail(const char *path, size_t max, candor_buf *out, bool *cut,
                                    candor_err *err)
{
    const size_t before = out->n;
    struct stat s = {0};
    int fd = -1;

    *cut = false;
    candor_status st = open_regular(path, CANDOR_OPEN_READ, &fd, err);
    if (st != CANDOR_OK) return st;
    if (fstat(fd, &s) != 0) st = candor_posix_fail(err, errno, "stat", "cannot look at", path);
    *cut = st == CANDOR_OK && (uintmax_t)s.st_size > max;
    if (*cut && lseek(fd, s.st_size - (off_t)max, SEEK_SET) < 0)
        st = candor_posix_fail(err, errno, "seek", "cannot read", path);
    if (st == CANDOR_OK) st = read_rest(fd, path, max, out, err);
    if (st != CANDOR_OK) out->n = before;
    close(fd);
    return st;
}

/* link(2) fails when the name is taken, where rename(2) would replace. */
candor_status candor_plat_publish(const char *temp, const char *path, candor_err *err)
{
    if (link(temp, path) == 0) return CANDOR_OK;
    if (errno == EEXIST)
        return candor_fail(err, CANDOR_BUSY, errno, "link", "%s exists already", path);
    return candor_posix_fail(err, errno, "link", "cannot create", path);
}
