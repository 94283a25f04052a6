/* Files and their locks on Windows. Layer: plat. */
#include <errno.h>
#include <stdlib.h>

#include "plat/windows.h"

#define SHARE_ALL  (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define WRITE_STEP ((size_t)1 << 30)
#define READ_STEP  ((size_t)16 << 10)

/* Locks of Windows keep others from reading and writing what is locked: one byte, where no file of
 * ours has any. */
#define LOCK_AT_LOW  0xfffffffeu
#define LOCK_AT_HIGH 0x7fffffffu

struct candor_file {
    HANDLE h;
    bool locked;
};

HANDLE candor_windows_handle(const candor_file *f)
{
    return f->h;
}

static DWORD access_of(candor_open_mode mode)
{
    switch (mode) {
    case CANDOR_OPEN_READ:
        return GENERIC_READ;
    case CANDOR_OPEN_READ_WRITE:
    case CANDOR_OPEN_CREATE_NEW:
        return GENERIC_READ | GENERIC_WRITE;
    case CANDOR_OPEN_APPEND: /* without FILE_WRITE_DATA every write goes to the end */
        return FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
    }
    return GENERIC_READ;
}

static DWORD disposition_of(candor_open_mode mode)
{
    if (mode == CANDOR_OPEN_READ) return OPEN_EXISTING;
    return mode == CANDOR_OPEN_CREATE_NEW ? CREATE_NEW : OPEN_ALWAYS;
}

/* A file that is deleted and still open somewhere answers ERROR_ACCESS_DENIED. */
static DWORD open_error(void)
{
    const LONG delete_pending = (LONG)0xC0000056; /* STATUS_DELETE_PENDING */
    const DWORD code = GetLastError();

    return code == ERROR_ACCESS_DENIED && RtlGetLastNtStatus() == delete_pending
               ? ERROR_DELETE_PENDING
               : code;
}

static HANDLE open_once(const wchar_t *path, candor_open_mode mode, candor_owner_only *o, bool link)
{
    return CreateFileW(path, access_of(mode), SHARE_ALL, &o->attributes, disposition_of(mode),
                       FILE_ATTRIBUTE_NORMAL | (link ? FILE_FLAG_OPEN_REPARSE_POINT : 0), NULL);
}

static bool is_directory(const wchar_t *path)
{
    const DWORD attributes = GetFileAttributesW(path);

    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/* A link stands for another name; other reparse points (a file kept in a cloud) are the file. */
static bool is_link(HANDLE h, bool *reparse)
{
    FILE_ATTRIBUTE_TAG_INFO info = {0};

    *reparse = GetFileInformationByHandleEx(h, FileAttributeTagInfo, &info, sizeof info) &&
               (info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
    return *reparse && IsReparseTagNameSurrogate(info.ReparseTag);
}

static candor_status open_patiently(const candor_wide *w, candor_open_mode mode, bool link,
                                    const char *path, HANDLE *out, candor_err *err)
{
    candor_owner_only o;
    unsigned tries = 0;
    DWORD code;
    candor_status st = candor_owner_only_init(&o, false, err);

    if (st != CANDOR_OK) return st;
    do {
        *out = open_once(w->s, mode, &o, link);
        if (*out != INVALID_HANDLE_VALUE) return CANDOR_OK;
        code = open_error();
        if (code == ERROR_ACCESS_DENIED && is_directory(w->s))
            return candor_fail(err, CANDOR_INVALID, EISDIR, "open", "%s is not a regular file",
                               path);
        /* What is about to be gone is gone for a reader. */
        if (code == ERROR_DELETE_PENDING && mode == CANDOR_OPEN_READ) break;
        if (code == ERROR_ACCESS_DENIED) break; /* a scanner would be a sharing violation */
    } while (candor_windows_wait_for_scanner(code, &tries));
    return candor_windows_fail(err, code, "open", "cannot open", path);
}

static candor_status open_regular(const char *path, candor_open_mode mode, HANDLE *out,
                                  candor_err *err)
{
    candor_wide w;
    bool reparse = false;
    HANDLE h = INVALID_HANDLE_VALUE;
    candor_status st = candor_windows_path(path, &w, err);

    if (st == CANDOR_OK) st = open_patiently(&w, mode, mode != CANDOR_OPEN_READ, path, &h, err);
    if (st == CANDOR_OK && mode != CANDOR_OPEN_READ) {
        /* A link under the name of a file that we write would point our bytes elsewhere. */
        if (is_link(h, &reparse))
            st = candor_fail(err, CANDOR_INVALID, ELOOP, "open", "%s is a symbolic link", path);
        else if (reparse) {
            CloseHandle(h);
            h = INVALID_HANDLE_VALUE;
            st = open_patiently(&w, mode, false, path, &h, err);
        }
    }
    if (st == CANDOR_OK && GetFileType(h) != FILE_TYPE_DISK)
        st = candor_fail(err, CANDOR_INVALID, 0, "open", "%s is not a regular file", path);
    if (st != CANDOR_OK && h != INVALID_HANDLE_VALUE) CloseHandle(h);
    if (st == CANDOR_OK) *out = h;
    return st;
}

candor_status candor_file_open(const char *path, candor_open_mode mode, candor_file **out,
                               candor_err *err)
{
    candor_file *f = calloc(1, sizeof *f);
    candor_status st;

    *out = NULL;
    if (f == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open", "no memory for a file");
    st = open_regular(path, mode, &f->h, err);
    if (st != CANDOR_OK) {
        free(f);
        return st;
    }
    *out = f;
    return CANDOR_OK;
}

candor_status candor_file_size(candor_file *f, uint64_t *out, candor_err *err)
{
    LARGE_INTEGER n;

    if (!GetFileSizeEx(f->h, &n))
        return candor_windows_fail(err, GetLastError(), "size", "cannot ask for the size of a file",
                                   NULL);
    *out = (uint64_t)n.QuadPart;
    return CANDOR_OK;
}

candor_status candor_file_write(candor_file *f, candor_bytes body, candor_err *err)
{
    size_t done = 0;

    while (done < body.n) {
        const size_t left = body.n - done;
        DWORD n = 0;
        if (!WriteFile(f->h, body.p + done, (DWORD)(left < WRITE_STEP ? left : WRITE_STEP), &n,
                       NULL))
            return candor_windows_fail(err, GetLastError(), "write", "cannot write to a file",
                                       NULL);
        if (n == 0)
            return candor_windows_fail(err, ERROR_WRITE_FAULT, "write", "cannot write to a file",
                                       NULL);
        done += n;
    }
    return CANDOR_OK;
}

/* A file that is not sparse has clusters for all of its size. */
candor_status candor_file_allocate(candor_file *f, uint64_t size, candor_err *err)
{
    FILE_END_OF_FILE_INFO end;
    uint64_t now = 0;
    candor_status st;

    if (size == 0) return CANDOR_OK;
    if (size > (uint64_t)INT64_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "allocate", "no file can have %llu bytes",
                           (unsigned long long)size);
    st = candor_file_size(f, &now, err);
    if (st != CANDOR_OK || now >= size) return st;
    end.EndOfFile.QuadPart = (LONGLONG)size;
    if (!SetFileInformationByHandle(f->h, FileEndOfFileInfo, &end, sizeof end))
        return candor_windows_fail(err, GetLastError(), "allocate",
                                   "cannot reserve room for a file", NULL);
    return CANDOR_OK;
}

candor_status candor_file_sync(candor_file *f, candor_err *err)
{
    /* Asks for GENERIC_WRITE or FILE_APPEND_DATA; what was opened for reading has nothing to write.
     */
    if (FlushFileBuffers(f->h) || GetLastError() == ERROR_ACCESS_DENIED) return CANDOR_OK;
    return candor_windows_fail(err, GetLastError(), "flush", "cannot sync a file", NULL);
}

/* LockFileEx: the lock belongs to the handle, so two opens in one process exclude each other, and
 * the system drops it with the handle, however the process ends. */
candor_status candor_file_try_lock(candor_file *f, candor_err *err)
{
    OVERLAPPED at = {.Offset = LOCK_AT_LOW, .OffsetHigh = LOCK_AT_HIGH};
    DWORD code;

    if (f->locked) return CANDOR_OK;
    f->locked = LockFileEx(f->h, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at);
    if (f->locked) return CANDOR_OK;
    code = GetLastError();
    if (code == ERROR_LOCK_VIOLATION || code == ERROR_IO_PENDING)
        return candor_fail(err, CANDOR_BUSY, EAGAIN, "lock", "%s",
                           "another live process or handle holds the lock");
    return candor_windows_fail(err, code, "lock", "cannot lock a file", NULL);
}

void candor_file_unlock(candor_file *f)
{
    OVERLAPPED at = {.Offset = LOCK_AT_LOW, .OffsetHigh = LOCK_AT_HIGH};

    if (f->locked) (void)UnlockFileEx(f->h, 0, 1, 0, &at);
    f->locked = false;
}

candor_status candor_file_close(candor_file **f, candor_err *err)
{
    BOOL ok;

    if (*f == NULL) return CANDOR_OK;
    candor_file_unlock(*f); /* a map of it has a handle of the same open file */
    ok = CloseHandle((*f)->h);
    free(*f);
    *f = NULL;
    if (!ok) return candor_windows_fail(err, GetLastError(), "close", "cannot finish a file", NULL);
    return CANDOR_OK;
}

void candor_file_discard(candor_file *f)
{
    if (f == NULL) return;
    candor_file_unlock(f);
    CloseHandle(f->h);
    free(f);
}

static candor_status read_rest(HANDLE h, const char *path, size_t max, candor_buf *out,
                               candor_err *err)
{
    char step[READ_STEP];
    size_t got = 0;

    for (;;) {
        DWORD n = 0;

        if (!ReadFile(h, step, sizeof step, &n, NULL))
            return candor_windows_fail(err, GetLastError(), "read", "cannot read", path);
        if (n == 0) return CANDOR_OK;
        if (n > max - got)
            return candor_fail(err, CANDOR_LIMIT, 0, "read", "%s is larger than %zu bytes", path,
                               max);
        got += n;
        candor_buf_put(out, step, n);
        if (out->failed) return candor_fail(err, CANDOR_NOMEM, 0, "read", "no memory for %s", path);
    }
}

candor_status candor_file_read_all(const char *path, size_t max, candor_buf *out, candor_err *err)
{
    const size_t before = out->n;
    HANDLE h = INVALID_HANDLE_VALUE;
    LARGE_INTEGER size;
    candor_status st = open_regular(path, CANDOR_OPEN_READ, &h, err);

    if (st != CANDOR_OK) return st;
    /* The size is a hint: refuse early, reserve once. */
    if (GetFileSizeEx(h, &size) && size.QuadPart > 0) {
        if ((uint64_t)size.QuadPart > max)
            st =
                candor_fail(err, CANDOR_LIMIT, 0, "read", "%s is larger than %zu bytes", path, max);
        else if (!candor_buf_reserve(out, (size_t)size.QuadPart))
            st = candor_fail(err, CANDOR_NOMEM, 0, "read", "no memory for %s", path);
    }
    if (st == CANDOR_OK) st = read_rest(h, path, max, out, err);
    if (st != CANDOR_OK) out->n = before;
    CloseHandle(h);
    return st;
}

candor_status candor_file_read_tail(const char *path, size_t max, candor_buf *out, bool *cut,
                                    candor_err *err)
{
    const size_t before = out->n;
    HANDLE h = INVALID_HANDLE_VALUE;
    LARGE_INTEGER size = {0};
    candor_status st = open_regular(path, CANDOR_OPEN_READ, &h, err);

    *cut = false;
    if (st != CANDOR_OK) return st;
    if (!GetFileSizeEx(h, &size))
        st = candor_windows_fail(err, GetLastError(), "stat", "cannot look at", path);
    *cut = st == CANDOR_OK && (uint64_t)size.QuadPart > max;
    if (*cut) {
        size.QuadPart -= (LONGLONG)max;
        if (!SetFilePointerEx(h, size, NULL, FILE_BEGIN))
            st = candor_windows_fail(err, GetLastError(), "seek", "cannot read", path);
    }
    if (st == CANDOR_OK) st = read_rest(h, path, max, out, err);
    if (st != CANDOR_OK) out->n = before;
    CloseHandle(h);
    return st;
}
