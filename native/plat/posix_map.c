/* Shared maps on POSIX. Layer: plat. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plat/plat.h"
#include "plat/posix.h"

static size_t page_size(void)
{
    const long n = sysconf(_SC_PAGESIZE);

    return n > 0 ? (size_t)n : 4096;
}

candor_status candor_map_open(candor_file *f, size_t n, bool writable, candor_map *out,
                              candor_err *err)
{
    struct stat st;
    void *p;

    *out = (candor_map){0};
    if (n == 0) return candor_fail(err, CANDOR_INVALID, 0, "mmap", "a map cannot be empty");
    if (fstat(candor_posix_fd(f), &st) != 0)
        return candor_posix_fail(err, errno, "fstat", "cannot ask for the size of a file", NULL);
    /* An access past the end of the file would be SIGBUS (mmap(2)). */
    if (st.st_size < 0 || (uintmax_t)st.st_size < n)
        return candor_fail(err, CANDOR_CORRUPT, 0, "mmap",
                           "the file has %lld bytes, %zu are to be mapped", (long long)st.st_size,
                           n);
    p = mmap(NULL, n, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, candor_posix_fd(f),
             0);
    if (p == MAP_FAILED) return candor_posix_fail(err, errno, "mmap", "cannot map a file", NULL);
    out->p = p;
    out->n = n;
    out->os = writable ? p : NULL; /* remembers which pages candor_map_touch asks for */
    return CANDOR_OK;
}

/* One write fault a page by adding 0, which cannot lose another writer's store. The zero is
 * volatile: told that it is 0, a compiler may turn the operation into a load, which takes no write
 * fault. */
static void touch_writable(candor_map *m, size_t from, size_t to, size_t page)
{
    volatile unsigned char zero = 0;

    for (size_t at = from; at < to; at += page)
        atomic_fetch_or_explicit((_Atomic unsigned char *)(m->p + at), zero, memory_order_relaxed);
}

static void touch_readable(const candor_map *m, size_t from, size_t to, size_t page)
{
    const volatile unsigned char *p = m->p;

    for (size_t at = from; at < to; at += page)
        (void)p[at];
}

void candor_map_touch(candor_map *m)
{
    candor_map_touch_part(m, 0, m->n);
}

void candor_map_touch_part(candor_map *m, size_t at, size_t n)
{
    const bool writable = m->os != NULL;
    const size_t page = page_size(), from = at - at % page;
    const int sys = errno;
    size_t to;

    if (m->p == NULL || at >= m->n) return;
    to = n < m->n - at ? at + n : m->n;
    if (!candor_posix_populate(m->p + from, to - from, writable)) {
        if (writable)
            touch_writable(m, from, to, page);
        else
            touch_readable(m, from, to, page);
    }
    errno = sys;
}

candor_status candor_map_sync(candor_map *m, size_t at, size_t n, candor_err *err)
{
    size_t from;
    int rc;

    if (m->p == NULL || at > m->n || n > m->n - at)
        return candor_fail(err, CANDOR_INVALID, 0, "msync", "the range lies outside the map");
    if (n == 0) return CANDOR_OK;
    from = at - at % page_size(); /* msync(2) wants a page's start */
    do {
        rc = msync(m->p + from, at - from + n, MS_SYNC);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) return candor_posix_fail(err, errno, "msync", "cannot sync a map", NULL);
    return CANDOR_OK;
}

void candor_map_close(candor_map *m)
{
    if (m->p != NULL) munmap(m->p, m->n);
    *m = (candor_map){0};
}
