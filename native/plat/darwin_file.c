/* Files and maps as macOS alone has them. Layer: plat. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "plat/posix.h"

#define BLOCK     512 /* of st_blocks, whatever the file system's own are (stat(2)) */
#define FILL_STEP ((size_t)16 << 10)

static int try_fcntl(int fd, int command)
{
    int rc;

    do {
        rc = fcntl(fd, command);
    } while (rc == -1 && errno == EINTR);
    return rc == -1 ? errno : 0;
}

/* fsync(2) of macOS leaves the bytes in the drive's cache, from which a power cut takes them;
 * F_FULLFSYNC empties it, as fsync of Linux does. Where a file system has none, the order of writes
 * at least (F_BARRIERFSYNC), else what there is. A disk that failed is never asked a second way. */
int candor_posix_fsync(int fd)
{
    int rc, sys = try_fcntl(fd, F_FULLFSYNC);

    if (sys == 0 || sys == EIO) return sys;
    sys = try_fcntl(fd, F_BARRIERFSYNC);
    if (sys == 0 || sys == EIO) return sys;
    do {
        rc = fsync(fd);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : errno;
}

int candor_posix_fdatasync(int fd)
{
    return candor_posix_fsync(fd);
}

/* File systems that cannot set room aside (FAT, network shares) get the bytes. */
static int fill(int fd, off_t at, off_t size)
{
    static const char zeros[FILL_STEP];

    while (at < size) {
        const off_t left = size - at;
        const ssize_t n = pwrite(fd, zeros, left < (off_t)FILL_STEP ? (size_t)left : FILL_STEP, at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : EIO;
        at += n;
    }
    return 0;
}

/* fcntl(2), F_PREALLOCATE: from the end of the blocks that there are; the size stays as it is. */
static int set_aside(int fd, off_t more)
{
    fstore_t room = {.fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE, .fst_length = more};
    int rc;

    do {
        rc = fcntl(fd, F_PREALLOCATE, &room);
    } while (rc == -1 && errno == EINTR);
    return rc == -1 ? errno : 0;
}

/* A file that is long enough was made by this function, so it has no holes. */
int candor_posix_allocate(int fd, off_t size)
{
    struct stat st;
    off_t have;
    int rc, sys = 0;

    if (fstat(fd, &st) != 0) return errno;
    if (st.st_size >= size) return 0;
    have = (off_t)st.st_blocks * BLOCK;
    if (have < size) sys = set_aside(fd, size - have);
    if (sys == ENOTSUP || sys == EOPNOTSUPP || sys == EINVAL || sys == ENOTTY)
        return fill(fd, st.st_size, size);
    if (sys != 0) return sys;
    do {
        rc = ftruncate(fd, size);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : errno;
}

struct timespec candor_posix_mtime(const struct stat *st)
{
    return st->st_mtimespec;
}

/* /dev/fd/1 is the inherited description once more (fd(4)), whose flags are the host's. */
int candor_posix_own_stdout(void)
{
    return -1;
}

bool candor_posix_populate(void *p, size_t n, bool writable)
{
    (void)p;
    (void)n;
    (void)writable;
    return false;
}

/* minherit(2) can share a range, copy it or take it away, but not zero it. */
bool candor_posix_wipe_on_fork(void *p, size_t n)
{
    (void)p;
    (void)n;
    return false;
}
