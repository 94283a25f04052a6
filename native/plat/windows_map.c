/* Shared maps on Windows. Layer: plat. */
#include <stdatomic.h>
#include <stdlib.h>

#include "plat/windows.h"

/* A map's own handle of its file: FlushViewOfFile gives the pages to the file system,
 * FlushFileBuffers waits for the disk. */
typedef struct windows_map {
    HANDLE file;
    bool writable;
} windows_map;

static size_t page_size(void)
{
    SYSTEM_INFO info;

    GetSystemInfo(&info);
    return info.dwPageSize;
}

static bool keep_file(windows_map *w, HANDLE file, bool writable)
{
    const HANDLE self = GetCurrentProcess();

    w->writable = writable;
    return DuplicateHandle(self, file, self, &w->file, 0, FALSE, DUPLICATE_SAME_ACCESS);
}

/* The view alone keeps the section; the section's handle need not stay. */
static void *map_view(HANDLE file, size_t n, bool writable)
{
    const HANDLE section =
        CreateFileMappingW(file, NULL, writable ? PAGE_READWRITE : PAGE_READONLY,
                           (DWORD)((uint64_t)n >> 32), (DWORD)((uint64_t)n & 0xffffffffu), NULL);
    void *p = NULL;
    DWORD code;

    if (section == NULL) return NULL;
    p = MapViewOfFile(section, writable ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_READ, 0, 0, n);
    code = GetLastError();
    CloseHandle(section);
    SetLastError(code);
    return p;
}

candor_status candor_map_open(candor_file *f, size_t n, bool writable, candor_map *out,
                              candor_err *err)
{
    const HANDLE file = candor_windows_handle(f);
    uint64_t size = 0;
    windows_map *w;
    candor_status st;

    *out = (candor_map){0};
    if (n == 0) return candor_fail(err, CANDOR_INVALID, 0, "mmap", "a map cannot be empty");
    st = candor_file_size(f, &size, err);
    if (st != CANDOR_OK) return st;
    /* A section for writing would make the file longer. */
    if (size < n)
        return candor_fail(err, CANDOR_CORRUPT, 0, "mmap",
                           "the file has %llu bytes, %zu are to be mapped",
                           (unsigned long long)size, n);
    w = calloc(1, sizeof *w);
    if (w == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "mmap", "no memory for a map");
    if (keep_file(w, file, writable)) out->p = map_view(file, n, writable);
    if (out->p == NULL) {
        const DWORD code = GetLastError();
        if (w->file != NULL) CloseHandle(w->file);
        free(w);
        return candor_windows_fail(err, code, "mmap", "cannot map a file", NULL);
    }
    out->n = n;
    out->os = w;
    return CANDOR_OK;
}

/* One write fault a page by adding 0, which cannot lose another writer's store. The zero is
 * volatile: told that it is 0, a compiler may turn the operation into a load. */
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
    const windows_map *w = m->os;
    size_t page, from, to;

    if (m->p == NULL || at >= m->n) return;
    page = page_size();
    from = at - at % page;
    to = n < m->n - at ? at + n : m->n;
    if (w->writable)
        touch_writable(m, from, to, page);
    else
        touch_readable(m, from, to, page);
}

candor_status candor_map_sync(candor_map *m, size_t at, size_t n, candor_err *err)
{
    const windows_map *w = m->os;

    if (m->p == NULL || at > m->n || n > m->n - at)
        return candor_fail(err, CANDOR_INVALID, 0, "msync", "the range lies outside the map");
    if (n == 0) return CANDOR_OK;
    if (!FlushViewOfFile(m->p + at, n) || (w->writable && !FlushFileBuffers(w->file)))
        return candor_windows_fail(err, GetLastError(), "msync", "cannot sync a map", NULL);
    return CANDOR_OK;
}

void candor_map_close(candor_map *m)
{
    windows_map *w = m->os;

    if (m->p != NULL) UnmapViewOfFile(m->p);
    if (w != NULL) CloseHandle(w->file);
    free(w);
    *m = (candor_map){0};
}
