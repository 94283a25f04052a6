/* Directories, and the names of files, on Windows. Layer: plat. */
#include <errno.h>

#include "plat/private.h"
#include "plat/windows.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* 100 ns units from 1601 to 1970 (FILETIME). */
#define EPOCH_TICKS 116444736000000000ull

/* --- directories ----------------------------------------------------------------------------- */

static bool is_dir(const wchar_t *path)
{
    const DWORD attributes = GetFileAttributesW(path);

    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

static candor_status make_one(const wchar_t *path, candor_owner_only *o, const char *name,
                              candor_err *err)
{
    DWORD code;

    if (CreateDirectoryW(path, &o->attributes)) return CANDOR_OK;
    code = GetLastError();
    if (is_dir(path)) return CANDOR_OK; /* somebody was faster */
    if (code == ERROR_ALREADY_EXISTS || GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES)
        return candor_fail(err, CANDOR_INVALID, ENOTDIR, "mkdir", "%s is not a directory", name);
    return candor_windows_fail(err, code, "mkdir", "cannot create the directory", name);
}

/* The first end of a part of w, from `at` on; w->n at the last. */
static size_t part_end(const candor_wide *w, size_t at)
{
    while (at < w->n && !candor_windows_is_separator(w->s[at]))
        at++;
    return at;
}

/* Back over the parts to the longest that exists. The root has no part: 0 when not even it does. */
static size_t existing_part(candor_wide *w)
{
    size_t end = w->n;

    while (end > 0) {
        const wchar_t cut = w->s[end];
        bool there;
        w->s[end] = L'\0';
        there = GetFileAttributesW(w->s) != INVALID_FILE_ATTRIBUTES;
        w->s[end] = cut;
        if (there) return end;
        do {
            end--;
        } while (end > 0 && !candor_windows_is_separator(w->s[end]));
    }
    return 0;
}

candor_status candor_dir_create(const char *path, candor_err *err)
{
    candor_wide w;
    candor_owner_only o;
    candor_status st;

    if (path[0] == '\0')
        return candor_fail(err, CANDOR_INVALID, 0, "mkdir", "the directory has no name");
    st = candor_windows_path(path, &w, err);
    if (st == CANDOR_OK) st = candor_owner_only_init(&o, true, err);
    if (st != CANDOR_OK) return st;
    while (w.n > 3 && candor_windows_is_separator(w.s[w.n - 1]))
        w.s[--w.n] = L'\0';
    for (size_t end = existing_part(&w); end < w.n && st == CANDOR_OK;) {
        end = part_end(&w, end + 1);
        const wchar_t cut = w.s[end];
        w.s[end] = L'\0';
        st = make_one(w.s, &o, path, err);
        w.s[end] = cut;
    }
    if (st == CANDOR_OK && !is_dir(w.s))
        st = candor_fail(err, CANDOR_INVALID, ENOTDIR, "mkdir", "%s is not a directory", path);
    return st == CANDOR_OK ? candor_windows_check_owner(&w, path, err) : st;
}

candor_status candor_dir_list(const char *path, candor_dir_visit visit, void *ctx, candor_err *err)
{
    candor_wide w;
    WIN32_FIND_DATAW entry;
    HANDLE h;
    DWORD code = ERROR_NO_MORE_FILES;
    candor_status st = candor_windows_path(path, &w, err);

    if (st != CANDOR_OK) return st;
    if (w.n + 2 >= CANDOR_WIDE_MAX)
        return candor_fail(err, CANDOR_LIMIT, 0, "path", "the path %s is too long", path);
    memcpy(w.s + w.n, L"\\*", 3 * sizeof w.s[0]);
    h = FindFirstFileExW(w.s, FindExInfoBasic, &entry, FindExSearchNameMatch, NULL, 0);
    if (h == INVALID_HANDLE_VALUE) {
        code = GetLastError();
        if (code == ERROR_FILE_NOT_FOUND) return CANDOR_OK; /* the root of an empty drive */
        return candor_windows_fail(err, code, "list", "cannot list", path);
    }
    do {
        char name[MAX_PATH * 3 + 1]; /* a UTF-16 unit is at most three bytes */
        if (wcscmp(entry.cFileName, L".") == 0 || wcscmp(entry.cFileName, L"..") == 0) continue;
        if (!candor_windows_utf8(entry.cFileName, name, sizeof name)) continue;
        if (!visit(ctx, name)) break;
        SetLastError(ERROR_NO_MORE_FILES);
    } while (FindNextFileW(h, &entry));
    code = GetLastError();
    FindClose(h);
    if (code != ERROR_NO_MORE_FILES)
        return candor_windows_fail(err, code, "list", "cannot list", path);
    return CANDOR_OK;
}

/* NTFS keeps names in its own log, and a rename that has to last goes with a flush of the file;
 * there is no documented way to wait for a directory alone. */
candor_status candor_dir_sync(const char *path, candor_err *err)
{
    candor_wide w;
    candor_status st = candor_windows_path(path, &w, err);

    if (st != CANDOR_OK || is_dir(w.s)) return st;
    if (GetFileAttributesW(w.s) == INVALID_FILE_ATTRIBUTES)
        return candor_windows_fail(err, GetLastError(), "open", "cannot open the directory", path);
    return candor_fail(err, CANDOR_NOTFOUND, ENOTDIR, "open", "%s is not a directory", path);
}

candor_status candor_disk_free(const char *path, uint64_t *out, candor_err *err)
{
    candor_wide w;
    ULARGE_INTEGER available;
    candor_status st = candor_windows_path(path, &w, err);

    if (st != CANDOR_OK) return st;
    if (!GetDiskFreeSpaceExW(w.s, &available, NULL, NULL))
        return candor_windows_fail(err, GetLastError(), "disk", "cannot ask for free space", path);
    *out = available.QuadPart;
    return CANDOR_OK;
}

/* --- names ----------------------------------------------------------------------------------- */

/* The way of POSIX, from Windows 10 1607 on NTFS: what has the target open keeps the old file.
 * ERROR_INVALID_PARAMETER and its like: not here. */
static DWORD rename_open(HANDLE h, const candor_wide *to, bool replace)
{
    /* FILE_RENAME_INFO with Flags in the place of ReplaceIfExists (winbase.h of newer SDKs). */
    struct {
        DWORD flags;
        HANDLE root;
        DWORD n;
        wchar_t name[CANDOR_WIDE_MAX];
    } info;
    const DWORD replace_if_exists = 1, posix_semantics = 2;
    const int rename_info_ex = 22;

    info.flags = posix_semantics | (replace ? replace_if_exists : 0);
    info.root = NULL;
    info.n = (DWORD)(to->n * sizeof to->s[0]);
    memcpy(info.name, to->s, (to->n + 1) * sizeof to->s[0]);
    return SetFileInformationByHandle(h, (FILE_INFO_BY_HANDLE_CLASS)rename_info_ex, &info,
                                      sizeof info)
               ? ERROR_SUCCESS
               : GetLastError();
}

static bool is_unsupported(DWORD code)
{
    return code == ERROR_INVALID_PARAMETER || code == ERROR_NOT_SUPPORTED ||
           code == ERROR_INVALID_FUNCTION || code == ERROR_CALL_NOT_IMPLEMENTED ||
           code == ERROR_NOT_SAME_DEVICE;
}

/* durable: flushing the file writes NTFS's log, the new name with it (FlushFileBuffers). */
static DWORD rename_once(const candor_wide *from, const candor_wide *to, bool replace, bool durable)
{
    const DWORD access = DELETE | SYNCHRONIZE | (durable ? GENERIC_WRITE : 0);
    const HANDLE h = CreateFileW(from->s, access, SHARE_ALL, NULL, OPEN_EXISTING,
                                 FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, NULL);
    DWORD code;

    if (h == INVALID_HANDLE_VALUE) return GetLastError();
    code = rename_open(h, to, replace);
    if (code == ERROR_SUCCESS && durable && !FlushFileBuffers(h)) code = GetLastError();
    CloseHandle(h);
    if (!is_unsupported(code)) return code;
    return MoveFileExW(from->s, to->s,
                       (replace ? MOVEFILE_REPLACE_EXISTING : 0) |
                           (durable ? MOVEFILE_WRITE_THROUGH : 0))
               ? ERROR_SUCCESS
               : GetLastError();
}

static candor_status rename_to(const char *from, const char *to, bool durable, candor_err *err)
{
    candor_wide a, b;
    unsigned tries = 0;
    DWORD code;
    candor_status st = candor_windows_path(from, &a, err);

    if (st == CANDOR_OK) st = candor_windows_path(to, &b, err);
    if (st != CANDOR_OK) return st;
    do {
        code = rename_once(&a, &b, true, durable);
    } while (candor_windows_wait_for_scanner(code, &tries));
    if (code == ERROR_SUCCESS) return CANDOR_OK;
    return candor_windows_fail(err, code, "rename", "cannot rename to", to);
}

candor_status candor_rename(const char *from, const char *to, candor_err *err)
{
    return rename_to(from, to, false, err);
}

candor_status candor_rename_durable(const char *from, const char *to, candor_err *err)
{
    return rename_to(from, to, true, err);
}

candor_status candor_plat_publish(const char *temp, const char *path, candor_err *err)
{
    candor_wide a, b;
    unsigned tries = 0;
    DWORD code;
    candor_status st = candor_windows_path(temp, &a, err);

    if (st == CANDOR_OK) st = candor_windows_path(path, &b, err);
    if (st != CANDOR_OK) return st;
    do {
        code = rename_once(&a, &b, false, true);
    } while (GetFileAttributesW(b.s) == INVALID_FILE_ATTRIBUTES &&
             candor_windows_wait_for_scanner(code, &tries));
    if (code == ERROR_SUCCESS) return CANDOR_OK;
    if (GetFileAttributesW(b.s) != INVALID_FILE_ATTRIBUTES)
        return candor_fail(err, CANDOR_BUSY, EEXIST, "rename", "%s exists already", path);
    return candor_windows_fail(err, code, "rename", "cannot create", path);
}

/* STATUS_CANNOT_DELETE, which becomes ERROR_ACCESS_DENIED: a process has it mapped, for as long as
 * it lives maybe. Waiting as for a scanner would be in vain. */
static DWORD delete_error(void)
{
    const LONG cannot_delete = (LONG)0xC0000121;
    const DWORD code = GetLastError();

    return RtlGetLastNtStatus() == cannot_delete ? ERROR_USER_MAPPED_FILE : code;
}

/* The name is free at once, whoever still has the file open (Windows 10 1607, NTFS); elsewhere it
 * stays until the last handle goes. A file that is mapped anywhere cannot go at all. */
static DWORD unlink_once(const candor_wide *w)
{
    struct {
        DWORD flags;
    } info = {.flags = 1 | 2 | 16}; /* FILE_DISPOSITION_FLAG_DELETE, _POSIX_SEMANTICS,
                                       _IGNORE_READONLY_ATTRIBUTE */
    const int disposition_info_ex = 21;
    const HANDLE h = CreateFileW(w->s, DELETE, SHARE_ALL, NULL, OPEN_EXISTING,
                                 FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    DWORD code = ERROR_SUCCESS;

    if (h == INVALID_HANDLE_VALUE) return GetLastError();
    if (!SetFileInformationByHandle(h, (FILE_INFO_BY_HANDLE_CLASS)disposition_info_ex, &info,
                                    sizeof info))
        code = delete_error();
    CloseHandle(h);
    if (!is_unsupported(code)) return code;
    return DeleteFileW(w->s) ? ERROR_SUCCESS : delete_error();
}

candor_status candor_unlink(const char *path, candor_err *err)
{
    candor_wide w;
    unsigned tries = 0;
    DWORD code;
    candor_status st = candor_windows_path(path, &w, err);

    if (st != CANDOR_OK) return st;
    do {
        code = unlink_once(&w);
    } while (candor_windows_wait_for_scanner(code, &tries));
    if (code == ERROR_SUCCESS) return CANDOR_OK;
    return candor_windows_fail(err, code, "unlink", "cannot delete", path);
}

void candor_unlink_quiet(const char *path)
{
    const DWORD code = GetLastError(); /* a clean-up must not hide the failure that led to it */

    (void)!candor_unlink(path, NULL);
    SetLastError(code);
}

void candor_rmdir_quiet(const char *path)
{
    const DWORD code = GetLastError();
    candor_wide w;

    if (candor_windows_path(path, &w, NULL) == CANDOR_OK) (void)RemoveDirectoryW(w.s);
    SetLastError(code);
}

/* --- times ----------------------------------------------------------------------------------- */

/* A change of times is one for FindFirstChangeNotificationW; a store into a map is none. */
void candor_file_announce(const char *path)
{
    const DWORD code = GetLastError();
    candor_wide w;
    FILETIME now;
    HANDLE h;

    if (candor_windows_path(path, &w, NULL) != CANDOR_OK) return;
    h = CreateFileW(w.s, FILE_WRITE_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
                    FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (h != INVALID_HANDLE_VALUE) {
        GetSystemTimePreciseAsFileTime(&now);
        (void)SetFileTime(h, NULL, NULL, &now);
        CloseHandle(h);
    }
    SetLastError(code);
}

/* By a handle: what a directory says about a file that is open is late. */
candor_status candor_file_mtime(const char *path, int64_t *unix_ms, uint64_t *size, candor_err *err)
{
    candor_wide w;
    BY_HANDLE_FILE_INFORMATION info;
    HANDLE h;
    DWORD code = ERROR_SUCCESS;
    candor_status st = candor_windows_path(path, &w, err);

    if (st != CANDOR_OK) return st;
    h = CreateFileW(w.s, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
                    FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (h == INVALID_HANDLE_VALUE || !GetFileInformationByHandle(h, &info)) code = GetLastError();
    if (h != INVALID_HANDLE_VALUE) CloseHandle(h);
    if (code != ERROR_SUCCESS)
        return candor_windows_fail(err, code, "stat", "cannot look at", path);
    if (unix_ms != NULL) {
        const uint64_t ticks = (uint64_t)info.ftLastWriteTime.dwHighDateTime << 32 |
                               info.ftLastWriteTime.dwLowDateTime;
        *unix_ms = ((int64_t)ticks - (int64_t)EPOCH_TICKS) / 10000;
    }
    if (size != NULL) *size = (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow;
    return CANDOR_OK;
}
