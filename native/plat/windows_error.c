/* Codes of GetLastError to status and sentence, text between UTF-8 and UTF-16, and paths, for the
 * windows_*.c files. Layer: plat. */
#include <errno.h>
#include <stdio.h>

#include "plat/windows.h"

/* Ten and twenty and ... milliseconds: together half a second. */
#define SCANNER_TRIES   10
#define SCANNER_STEP_MS 10u

/* Below it, CreateDirectoryW takes a path as it is: MAX_PATH less a file name of 8.3. */
#define PLAIN_MAX 240

#ifndef ERROR_DISK_QUOTA_EXCEEDED
#define ERROR_DISK_QUOTA_EXCEEDED 1295L
#endif

typedef struct meaning {
    DWORD code;
    candor_status status;
    int sys;
} meaning;

static const meaning meanings[] = {
    {ERROR_FILE_NOT_FOUND, CANDOR_NOTFOUND, ENOENT},
    {ERROR_PATH_NOT_FOUND, CANDOR_NOTFOUND, ENOENT},
    {ERROR_INVALID_DRIVE, CANDOR_NOTFOUND, ENOENT},
    {ERROR_BAD_NETPATH, CANDOR_NOTFOUND, ENOENT},
    {ERROR_BAD_NET_NAME, CANDOR_NOTFOUND, ENOENT},
    {ERROR_NOT_READY, CANDOR_NOTFOUND, ENOENT},
    {ERROR_DELETE_PENDING, CANDOR_NOTFOUND, ENOENT},
    {ERROR_ACCESS_DENIED, CANDOR_DENIED, EACCES},
    {ERROR_WRITE_PROTECT, CANDOR_DENIED, EROFS},
    {ERROR_PRIVILEGE_NOT_HELD, CANDOR_DENIED, EPERM},
    {ERROR_DISK_FULL, CANDOR_FULL, ENOSPC},
    {ERROR_HANDLE_DISK_FULL, CANDOR_FULL, ENOSPC},
    {ERROR_DISK_QUOTA_EXCEEDED, CANDOR_FULL, ENOSPC},
    {ERROR_FILE_TOO_LARGE, CANDOR_FULL, EFBIG},
    {ERROR_NOT_ENOUGH_MEMORY, CANDOR_NOMEM, ENOMEM},
    {ERROR_OUTOFMEMORY, CANDOR_NOMEM, ENOMEM},
    {ERROR_COMMITMENT_LIMIT, CANDOR_NOMEM, ENOMEM},
    {ERROR_FILE_EXISTS, CANDOR_BUSY, EEXIST},
    {ERROR_ALREADY_EXISTS, CANDOR_BUSY, EEXIST},
    {ERROR_SHARING_VIOLATION, CANDOR_BUSY, EBUSY},
    {ERROR_LOCK_VIOLATION, CANDOR_BUSY, EAGAIN},
    {ERROR_USER_MAPPED_FILE, CANDOR_BUSY, EBUSY},
    {ERROR_FILENAME_EXCED_RANGE, CANDOR_LIMIT, ENAMETOOLONG},
    {ERROR_TOO_MANY_OPEN_FILES, CANDOR_LIMIT, EMFILE},
    {ERROR_NO_SYSTEM_RESOURCES, CANDOR_LIMIT, EAGAIN},
    {ERROR_INVALID_NAME, CANDOR_INVALID, EINVAL},
    {ERROR_DIRECTORY, CANDOR_INVALID, ENOTDIR},
    {ERROR_NO_DATA, CANDOR_IO, EPIPE},
    {ERROR_BROKEN_PIPE, CANDOR_IO, EPIPE},
};

static meaning meaning_of(DWORD code)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].code == code) return meanings[i];
    return (meaning){code, CANDOR_IO, EIO};
}

candor_status candor_windows_status(DWORD code)
{
    return meaning_of(code).status;
}

candor_status candor_windows_fail(candor_err *err, DWORD code, const char *op, const char *what,
                                  const char *path)
{
    const meaning m = meaning_of(code);

    return candor_fail(err, m.status, m.sys, op, "%s%s%s: Windows error %lu", what,
                       path != NULL ? " " : "", path != NULL ? path : "", code);
}

void candor_socket_error_text(int sys, char *out, size_t cap)
{
    wchar_t text[256];
    DWORD n = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                             (DWORD)sys, 0, text, sizeof text / sizeof text[0], NULL);

    while (n > 0 && (text[n - 1] == L'\r' || text[n - 1] == L'\n' || text[n - 1] == L'.'))
        n--;
    text[n] = L'\0';
    if (n == 0 || !candor_windows_utf8(text, out, cap))
        (void)snprintf(out, cap, "Windows error %d", sys);
}

bool candor_windows_wait_for_scanner(DWORD code, unsigned *tries)
{
    if (code != ERROR_SHARING_VIOLATION && code != ERROR_ACCESS_DENIED &&
        code != ERROR_LOCK_VIOLATION && code != ERROR_DELETE_PENDING)
        return false;
    if (*tries >= SCANNER_TRIES) return false;
    (*tries)++;
    Sleep(*tries * SCANNER_STEP_MS);
    return true;
}

/* --- paths ----------------------------------------------------------------------------------- */

bool candor_windows_utf8(const wchar_t *text, char *out, size_t cap)
{
    const int room = cap > INT_MAX ? INT_MAX : (int)cap;

    if (room == 0) return false;
    if (WideCharToMultiByte(CP_UTF8, 0, text, -1, out, room, NULL, NULL) > 0) return true;
    out[0] = '\0';
    return false;
}

bool candor_windows_is_separator(wchar_t c)
{
    return c == L'\\' || c == L'/';
}

/* \\?\ takes a path as it is (Naming Files, Paths, and Namespaces); \\server\share becomes
 * \\?\UNC\server\share. */
static bool add_prefix(candor_wide *w)
{
    const bool network = w->s[0] == L'\\' && w->s[1] == L'\\';
    const wchar_t *prefix = network ? L"\\\\?\\UNC" : L"\\\\?\\";
    const size_t skip = network ? 1 : 0, more = wcslen(prefix) - skip;

    if (w->n < PLAIN_MAX) return true;
    if (network && (w->s[2] == L'?' || w->s[2] == L'.'))
        return true; /* it has one, or a device's */
    if (w->n + more >= CANDOR_WIDE_MAX) return false;
    memmove(w->s + more + skip, w->s + skip, (w->n + 1 - skip) * sizeof w->s[0]);
    memcpy(w->s, prefix, (more + skip) * sizeof w->s[0]);
    w->n += more;
    return true;
}

candor_status candor_windows_path(const char *path, candor_wide *out, candor_err *err)
{
    wchar_t given[CANDOR_PATH_MAX];
    DWORD n;

    if (path[0] == '\0')
        return candor_fail(err, CANDOR_NOTFOUND, ENOENT, "path", "an empty path names nothing");
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, given, CANDOR_PATH_MAX) == 0)
        return GetLastError() == ERROR_INSUFFICIENT_BUFFER
                   ? candor_fail(err, CANDOR_LIMIT, ENAMETOOLONG, "path",
                                 "a path is longer than %d bytes", CANDOR_PATH_MAX - 1)
                   : candor_fail(err, CANDOR_INVALID, EINVAL, "path", "a path is not UTF-8");
    n = GetFullPathNameW(given, CANDOR_WIDE_MAX, out->s, NULL);
    if (n == 0) return candor_windows_fail(err, GetLastError(), "path", "cannot understand", path);
    out->n = n;
    if (n >= CANDOR_WIDE_MAX || !add_prefix(out))
        return candor_fail(err, CANDOR_LIMIT, ENAMETOOLONG, "path", "the path %s is too long",
                           path);
    return CANDOR_OK;
}

candor_status candor_path_join(const char *dir, const char *name, char *out, size_t cap,
                               candor_err *err)
{
    const size_t d = strlen(dir);
    const char *slash = d > 0 && (dir[d - 1] == '\\' || dir[d - 1] == '/') ? "" : "\\";
    const int n = snprintf(out, cap, "%s%s%s", dir, slash, name);

    if (n >= 0 && (size_t)n < cap) return CANDOR_OK;
    if (cap > 0) out[0] = '\0';
    return candor_fail(err, CANDOR_LIMIT, 0, "path", "the path %s\\%s is longer than %zu bytes",
                       dir, name, cap);
}

candor_status candor_path_for_library(const char *path, char *out, size_t cap, candor_err *err)
{
    candor_wide w;
    const candor_status st = candor_windows_path(path, &w, err);

    if (st != CANDOR_OK || candor_windows_utf8(w.s, out, cap)) return st;
    return candor_fail(err, CANDOR_LIMIT, 0, "path", "the path %s is longer than %zu bytes", path,
                       cap);
}
