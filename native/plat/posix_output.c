/* Files that grow line by line, and standard output, on POSIX. Layer: plat. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plat/plat.h"
#include "plat/posix.h"

#define LOCK_TRIES    50
#define LOCK_PAUSE_MS 20

#ifndef MSG_DONTWAIT
#define MSG_DONTWAIT 0
#endif

/* --- append ---------------------------------------------------------------------------------- */

static candor_status lock_patiently(candor_file *f, candor_err *err)
{
    candor_status st = candor_file_try_lock(f, err);

    for (int i = 0; i < LOCK_TRIES && st == CANDOR_BUSY; i++) {
        (void)poll(NULL, 0, LOCK_PAUSE_MS);
        st = candor_file_try_lock(f, err);
    }
    return st;
}

/* A writer that was killed, or power that failed, may have left half a line. */
static bool is_torn(int fd, off_t size)
{
    char last = '\n';

    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static candor_status append_locked(candor_file *f, const char *path, candor_bytes body,
                                   uint64_t *size, candor_err *err)
{
    const int fd = candor_posix_fd(f);
    struct stat s;
    candor_status st = CANDOR_OK;

    if (fstat(fd, &s) != 0 || lseek(fd, 0, SEEK_END) < 0)
        return candor_posix_fail(err, errno, "append", "cannot append to", path);
    if (is_torn(fd, s.st_size)) st = candor_file_write(f, CANDOR_LIT("\n"), err);
    if (st == CANDOR_OK) st = candor_file_write(f, body, err);
    if (st == CANDOR_OK) st = candor_file_sync(f, err);
    if (st != CANDOR_OK) {
        if (ftruncate(fd, s.st_size) != 0) return st; /* the next append finds the torn line */
        return st;
    }
    *size = (uint64_t)lseek(fd, 0, SEEK_CUR);
    return CANDOR_OK;
}

candor_status candor_file_append(const char *path, candor_bytes body, uint64_t *size,
                                 candor_err *err)
{
    candor_file *f = NULL;
    candor_status st = candor_file_open(path, CANDOR_OPEN_READ_WRITE, &f, err);

    *size = 0;
    if (st == CANDOR_OK) st = lock_patiently(f, err);
    if (st == CANDOR_OK) st = append_locked(f, path, body, size, err);
    if (st == CANDOR_OK) st = candor_file_close(&f, err);
    candor_file_discard(f);
    return st;
}

/* --- standard output ------------------------------------------------------------------------- */

/* select(2), which macOS has for terminals too (poll(2), BUGS). Room is said to be there for
 * PIPE_BUF bytes (pipe(7)). */
static bool has_room(int fd)
{
    struct timeval now = {0};
    fd_set room;

    FD_ZERO(&room);
    FD_SET(fd, &room);
    return select(fd + 1, NULL, &room, NULL, &now) == 1;
}

static ssize_t write_some(int own, mode_t type, candor_bytes body)
{
    if (own >= 0) return write(own, body.p, body.n);
    if (type == S_IFSOCK) return send(STDOUT_FILENO, body.p, body.n, MSG_DONTWAIT);
    if (type == S_IFREG) return write(STDOUT_FILENO, body.p, body.n);
    errno = EAGAIN;
    if (!has_room(STDOUT_FILENO)) return -1;
    return write(STDOUT_FILENO, body.p, body.n < PIPE_BUF ? body.n : PIPE_BUF);
}

candor_status candor_stdout_try_write(candor_bytes body, size_t *written, candor_err *err)
{
    struct stat s;
    candor_status st = CANDOR_OK;
    int own = -1;

    *written = 0;
    if (fstat(STDOUT_FILENO, &s) != 0)
        return candor_posix_fail(err, errno, "stdout", "cannot write to standard output", NULL);
    if (S_ISFIFO(s.st_mode) || S_ISCHR(s.st_mode)) own = candor_posix_own_stdout();
    while (*written < body.n) {
        const ssize_t n = write_some(own, s.st_mode & S_IFMT,
                                     (candor_bytes){body.p + *written, body.n - *written});
        if (n > 0) {
            *written += (size_t)n;
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            st = candor_posix_fail(err, errno, "stdout", "cannot write to standard output", NULL);
        break;
    }
    if (own >= 0) close(own);
    return st;
}
