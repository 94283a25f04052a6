/* Files and maps as Linux alone has them. Layer: plat. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plat/posix.h"

/* Linux 5.14; older headers lack the names, older kernels answer EINVAL. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18 /* Linux 4.14 */
#endif

int candor_posix_fsync(int fd)
{
    int rc;

    do {
        rc = fsync(fd);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : errno;
}

int candor_posix_fdatasync(int fd)
{
    int rc;

    do {
        rc = fdatasync(fd); /* the size is synced too: a later read needs it (fdatasync(2)) */
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : errno;
}

int candor_posix_allocate(int fd, off_t size)
{
    int sys;

    do {
        sys = posix_fallocate(fd, 0, size);
    } while (sys == EINTR);
    return sys;
}

struct timespec candor_posix_mtime(const struct stat *st)
{
    return st->st_mtim;
}

/* The flag of the inherited description is the host's, and its parent's (fcntl(2), O_NONBLOCK); an
 * open of the same pipe or terminal makes another (proc(5)). */
int candor_posix_own_stdout(void)
{
    return open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

/* Any failure but EINVAL is a page that cannot be had (madvise(2)): touching it would be a SIGBUS,
 * so it is left alone. */
bool candor_posix_populate(void *p, size_t n, bool writable)
{
    int rc;

    do {
        rc = madvise(p, n, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 || errno != EINVAL;
}

bool candor_posix_wipe_on_fork(void *p, size_t n)
{
    return madvise(p, n, MADV_WIPEONFORK) == 0;
}
