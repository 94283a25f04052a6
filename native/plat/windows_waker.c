/* Sleeping and waking on Windows. Layer: plat. */
#include <stdatomic.h>
#include <stdlib.h>

#include "plat/windows.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* An event to sleep on. libcurl waits for sockets alone: when somebody asks for a handle, so with a
 * transfer, the waker gets a datagram socket of this machine, connected to itself, which nobody
 * else can send to. The next sleep closes it: a process that sends nothing has no socket. */
struct candor_waker {
    HANDLE event; /* set from wake to clear */
    HANDLE watch; /* of the directory; INVALID_HANDLE_VALUE: nothing is watched */
    HANDLE watched;
    FILETIME seen;    /* the file's time when the sleeper last looked */
    SRWLOCK changing; /* the sleeper holds it while it makes or closes the socket */
    SOCKET socket;
    bool winsock;
    /* As on POSIX: true between a wake and its clear, cleared after the socket is drained. */
    atomic_bool pending;
};

candor_status candor_waker_new(candor_waker **out, candor_err *err)
{
    candor_waker *w = calloc(1, sizeof *w);

    *out = NULL;
    if (w == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "event", "no memory for a waker");
    atomic_init(&w->pending, false);
    InitializeSRWLock(&w->changing);
    w->socket = INVALID_SOCKET;
    w->watch = w->watched = INVALID_HANDLE_VALUE;
    w->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (w->event == NULL) {
        const DWORD code = GetLastError();
        free(w);
        return candor_windows_fail(err, code, "event", "cannot make a waker", NULL);
    }
    *out = w;
    return CANDOR_OK;
}

static void end_watch(candor_waker *w)
{
    if (w->watch != INVALID_HANDLE_VALUE) FindCloseChangeNotification(w->watch);
    if (w->watched != INVALID_HANDLE_VALUE) CloseHandle(w->watched);
    w->watch = w->watched = INVALID_HANDLE_VALUE;
}

void candor_waker_free(candor_waker *w)
{
    if (w == NULL) return;
    end_watch(w);
    if (w->socket != INVALID_SOCKET) closesocket(w->socket);
    if (w->winsock) WSACleanup();
    CloseHandle(w->event);
    free(w);
}

/* Full: it is readable. */
static void send_to_self(SOCKET s)
{
    if (s != INVALID_SOCKET) (void)send(s, "", 1, 0);
}

/* Where the sleeper is just changing the socket, it looks at pending afterwards. */
void candor_waker_wake(candor_waker *w)
{
    const DWORD code = GetLastError();

    if (atomic_exchange(&w->pending, true)) return;
    SetEvent(w->event);
    if (TryAcquireSRWLockShared(&w->changing)) {
        send_to_self(w->socket);
        ReleaseSRWLockShared(&w->changing);
    }
    SetLastError(code);
}

static void set_socket(candor_waker *w, SOCKET s)
{
    SOCKET old;

    AcquireSRWLockExclusive(&w->changing);
    old = w->socket;
    w->socket = s;
    ReleaseSRWLockExclusive(&w->changing);
    if (old != INVALID_SOCKET) closesocket(old);
    if (atomic_load(&w->pending)) send_to_self(s);
}

static bool file_time(HANDLE file, FILETIME *out)
{
    return GetFileTime(file, NULL, NULL, out) != 0;
}

/* Anything in the directory signals the watch. Armed again before the look, so that no change falls
 * between. */
static bool is_announced(candor_waker *w)
{
    FILETIME now;

    if (!FindNextChangeNotification(w->watch) || !file_time(w->watched, &now)) {
        end_watch(w);
        return true;
    }
    if (CompareFileTime(&now, &w->seen) == 0) return false;
    w->seen = now;
    return true;
}

void candor_waker_clear(candor_waker *w)
{
    const DWORD code = GetLastError();
    char drained[16];

    ResetEvent(w->event);
    while (w->socket != INVALID_SOCKET && recv(w->socket, drained, sizeof drained, 0) > 0)
        ;
    atomic_exchange(&w->pending, false);
    SetLastError(code);
}

static DWORD left_of(uint64_t start_ns, int timeout_ms)
{
    const uint64_t gone = (candor_clock_mono_ns() - start_ns) / 1000000u;

    if (timeout_ms < 0) return INFINITE;
    return gone >= (uint64_t)timeout_ms ? 0 : (DWORD)((uint64_t)timeout_ms - gone);
}

void candor_waker_sleep(candor_waker *w, int timeout_ms)
{
    const uint64_t start = candor_clock_mono_ns();
    DWORD left = timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms;

    if (w->socket != INVALID_SOCKET) set_socket(w, INVALID_SOCKET);
    for (;;) {
        const HANDLE handles[] = {w->event, w->watch};
        const DWORD n = w->watch != INVALID_HANDLE_VALUE ? 2 : 1;
        const DWORD rc = WaitForMultipleObjects(n, handles, FALSE, left);
        if (rc != WAIT_OBJECT_0 + 1 || is_announced(w)) break;
        left = left_of(start, timeout_ms);
    }
    candor_waker_clear(w);
}

/* Only the address that it is connected to can reach it, and that is its own (connect). */
static SOCKET self_connected(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int n = sizeof at;
    u_long no_wait = 1;
    const SOCKET s = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                                WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

    if (s == INVALID_SOCKET) return s;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(s, (struct sockaddr *)&at, n) == 0 &&
        getsockname(s, (struct sockaddr *)&at, &n) == 0 &&
        connect(s, (struct sockaddr *)&at, n) == 0 && ioctlsocket(s, (long)FIONBIO, &no_wait) == 0)
        return s;
    closesocket(s);
    return INVALID_SOCKET;
}

intptr_t candor_waker_handle(candor_waker *w)
{
    WSADATA data;
    SOCKET s = w->socket;

    if (s != INVALID_SOCKET) return (intptr_t)s;
    if (!w->winsock) w->winsock = WSAStartup(MAKEWORD(2, 2), &data) == 0;
    s = w->winsock ? self_connected() : INVALID_SOCKET;
    if (s == INVALID_SOCKET) return -1;
    set_socket(w, s); /* a wake that came before is sent there */
    return (intptr_t)s;
}

/* Cut off the name: the directory is what can be watched. */
static bool directory_of(const candor_wide *path, candor_wide *out)
{
    *out = *path;
    while (out->n > 0 && !candor_windows_is_separator(out->s[out->n - 1]))
        out->n--;
    out->s[out->n] = L'\0';
    return out->n > 0;
}

bool candor_waker_watch(candor_waker *w, const char *path)
{
    candor_wide file, dir;

    if (w->watch != INVALID_HANDLE_VALUE || candor_windows_path(path, &file, NULL) != CANDOR_OK ||
        !directory_of(&file, &dir))
        return false;
    w->watch = FindFirstChangeNotificationW(dir.s, FALSE, FILE_NOTIFY_CHANGE_LAST_WRITE);
    w->watched = CreateFileW(file.s, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
                             FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (w->watch != INVALID_HANDLE_VALUE && w->watched != INVALID_HANDLE_VALUE &&
        file_time(w->watched, &w->seen))
        return true;
    end_watch(w);
    return false;
}
