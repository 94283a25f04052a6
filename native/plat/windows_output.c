/* Files that grow line by line, and standard output, on Windows. Layer: plat. */
#include "plat/windows.h"

#include <errno.h>
#include <winternl.h>

#define LOCK_TRIES    50
#define LOCK_PAUSE_MS 20
#define CONSOLE_STEP  1024 /* bytes */

/* --- append ---------------------------------------------------------------------------------- */

static candor_status lock_patiently(candor_file *f, candor_err *err)
{
    candor_status st = candor_file_try_lock(f, err);

    for (int i = 0; i < LOCK_TRIES && st == CANDOR_BUSY; i++) {
        Sleep(LOCK_PAUSE_MS);
        st = candor_file_try_lock(f, err);
    }
    return st;
}

static bool seek(HANDLE h, int64_t by, DWORD from, uint64_t *at)
{
    LARGE_INTEGER to = {.QuadPart = by}, now;

    if (!SetFilePointerEx(h, to, &now, from)) return false;
    *at = (uint64_t)now.QuadPart;
    return true;
}

/* A writer that was killed, or power that failed, may have left half a line. */
static bool is_torn(HANDLE h, uint64_t size)
{
    char last = '\n';
    DWORD n = 0;
    uint64_t at;

    if (size == 0 || !seek(h, -1, FILE_END, &at)) return false;
    return ReadFile(h, &last, 1, &n, NULL) && n == 1 && last != '\n';
}

static void take_back(HANDLE h, uint64_t size)
{
    uint64_t at;

    if (seek(h, (int64_t)size, FILE_BEGIN, &at)) (void)SetEndOfFile(h); /* else it is torn */
}

static candor_status append_locked(candor_file *f, const char *path, candor_bytes body,
                                   uint64_t *size, candor_err *err)
{
    const HANDLE h = candor_windows_handle(f);
    uint64_t before = 0;
    candor_status st = CANDOR_OK;
    bool torn;

    if (!seek(h, 0, FILE_END, &before))
        return candor_windows_fail(err, GetLastError(), "append", "cannot append to", path);
    torn = is_torn(h, before);
    if (!seek(h, 0, FILE_END, size))
        return candor_windows_fail(err, GetLastError(), "append", "cannot append to", path);
    if (torn) st = candor_file_write(f, CANDOR_LIT("\n"), err);
    if (st == CANDOR_OK) st = candor_file_write(f, body, err);
    if (st == CANDOR_OK) st = candor_file_sync(f, err);
    if (st != CANDOR_OK) {
        take_back(h, before);
        *size = 0;
        return st;
    }
    (void)seek(h, 0, FILE_CURRENT, size);
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

/* FILE_PIPE_LOCAL_INFORMATION of ntifs.h. */
typedef struct pipe_info {
    ULONG type, configuration, max_instances, instances, in_quota, readable, out_quota, writable,
        state, end;
} pipe_info;

/* Bytes that the pipe takes now. The mode of a pipe that does not wait would be its host's, too. */
static bool pipe_room(HANDLE h, size_t *room)
{
    const int pipe_local_information = 24;
    IO_STATUS_BLOCK block = {0};
    pipe_info info = {0};

    if (NtQueryInformationFile(h, &block, &info, sizeof info,
                               (FILE_INFORMATION_CLASS)pipe_local_information) < 0)
        return false;
    *room = info.writable;
    return true;
}

/* For handles that were opened for overlapped writes and for those that were not. The event's low
 * bit keeps the end of the write from a completion port of the host (GetQueuedCompletionStatus). */
static bool write_now(HANDLE h, const char *p, size_t n, DWORD *written)
{
    const HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    OVERLAPPED at = {0};
    DWORD code = ERROR_SUCCESS;
    bool ok;

    *written = 0;
    if (event == NULL) return false;
    at.hEvent = (HANDLE)((uintptr_t)event | 1u);
    ok = WriteFile(h, p, (DWORD)n, written, &at);
    if (!ok && GetLastError() == ERROR_IO_PENDING) {
        if (WaitForSingleObject(event, 0) != WAIT_OBJECT_0) (void)CancelIoEx(h, &at);
        ok = GetOverlappedResult(h, &at, written, TRUE);
        if (!ok && GetLastError() == ERROR_OPERATION_ABORTED) ok = true;
    }
    if (!ok) code = GetLastError();
    CloseHandle(event);
    SetLastError(code);
    return ok;
}

/* The longest beginning of at most max bytes that ends between characters. */
static size_t whole_characters(candor_bytes body, size_t max)
{
    size_t n = body.n < max ? body.n : max;

    if (n == body.n) return n;
    while (n > 0 && ((unsigned char)body.p[n] & 0xc0) == 0x80)
        n--;
    return n != 0 ? n : body.n < max ? body.n : max;
}

static bool write_console(HANDLE h, candor_bytes body, DWORD *written)
{
    wchar_t text[CONSOLE_STEP];
    const size_t n = whole_characters(body, CONSOLE_STEP);
    const int units = MultiByteToWideChar(CP_UTF8, 0, body.p, (int)n, text, CONSOLE_STEP);
    DWORD done = 0;

    if (units <= 0 || !WriteConsoleW(h, text, (DWORD)units, &done, NULL)) return false;
    *written = (DWORD)n;
    return true;
}

static bool write_some(HANDLE h, candor_bytes body, DWORD *written)
{
    const size_t step = body.n < ((size_t)1 << 30) ? body.n : (size_t)1 << 30;
    size_t room = step;
    DWORD mode = 0;

    *written = 0;
    if (GetConsoleMode(h, &mode)) return write_console(h, body, written);
    if (GetFileType(h) == FILE_TYPE_PIPE) {
        if (!pipe_room(h, &room)) return false;
        if (room > step) room = step;
        if (room == 0) return true;
    }
    if (GetFileType(h) == FILE_TYPE_DISK)
        return WriteFile(h, body.p, (DWORD)room, written, NULL); /* where the host has got to */
    return write_now(h, body.p, room, written);
}

candor_status candor_stdout_try_write(candor_bytes body, size_t *written, candor_err *err)
{
    const HANDLE h = GetStdHandle(STD_OUTPUT_HANDLE);

    *written = 0;
    if (h == NULL || h == INVALID_HANDLE_VALUE)
        return candor_fail(err, CANDOR_IO, EBADF, "stdout", "this process has no standard output");
    while (*written < body.n) {
        DWORD n = 0;
        if (!write_some(h, (candor_bytes){body.p + *written, body.n - *written}, &n))
            return candor_windows_fail(err, GetLastError(), "stdout",
                                       "cannot write to standard output", NULL);
        if (n == 0) break;
        *written += n;
    }
    return CANDOR_OK;
}
