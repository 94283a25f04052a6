/* Clocks, mutexes, threads and latches on Windows. Layer: plat. */
#include <errno.h>
#include <process.h>
#include <stdlib.h>

#include "base/digest.h"
#include "plat/windows.h"

/* 100 ns units from 1601 to 1970 (FILETIME). */
#define EPOCH_TICKS 116444736000000000ll
#define TICKS_A_MS  10000
#define STACK_BYTES (1u << 20)
#define NAME_UNITS  16

/* --- clocks ---------------------------------------------------------------------------------- */

static int64_t ticks_of(FILETIME t)
{
    return (int64_t)((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime);
}

int64_t candor_clock_unix_ms(void)
{
    FILETIME now;

    GetSystemTimePreciseAsFileTime(&now);
    return (ticks_of(now) - EPOCH_TICKS) / TICKS_A_MS;
}

uint64_t candor_clock_mono_ns(void)
{
    LARGE_INTEGER count, a_second;

    QueryPerformanceFrequency(&a_second); /* cannot fail from Windows XP on */
    QueryPerformanceCounter(&count);
    const uint64_t n = (uint64_t)count.QuadPart, f = (uint64_t)a_second.QuadPart;
    return n / f * 1000000000u + n % f * 1000000000u / f;
}

int32_t candor_clock_local_offset_s(int64_t unix_ms)
{
    const int64_t ticks = unix_ms * TICKS_A_MS + EPOCH_TICKS;
    const FILETIME utc = {.dwLowDateTime = (DWORD)((uint64_t)ticks & 0xffffffffu),
                          .dwHighDateTime = (DWORD)((uint64_t)ticks >> 32)};
    SYSTEMTIME there, here;
    TIME_ZONE_INFORMATION zone; /* the rules of that year */
    FILETIME local;

    if (ticks < 0 || !FileTimeToSystemTime(&utc, &there) ||
        !GetTimeZoneInformationForYear(there.wYear, NULL, &zone) ||
        !SystemTimeToTzSpecificLocalTime(&zone, &there, &here) ||
        !SystemTimeToFileTime(&here, &local))
        return 0;
    /* Through SYSTEMTIME both lose what is less than a millisecond. */
    return (int32_t)((ticks_of(local) - ticks + TICKS_A_MS / 2) / (1000 * TICKS_A_MS));
}

/* --- mutex -----------------------------------------------------------------------------------
 * ExitProcess kills all threads but its own before it lets DLLs go. A lock that one of them held
 * has no owner then and would be waited for for ever; nobody runs who could mind that it is passed.
 */
struct candor_mutex {
    SRWLOCK lock;
};

static bool is_alone(void)
{
    return RtlDllShutdownInProgress() != 0;
}

candor_status candor_mutex_new(candor_mutex **out)
{
    candor_mutex *m = malloc(sizeof *m);

    *out = m;
    if (m == NULL) return CANDOR_NOMEM;
    InitializeSRWLock(&m->lock);
    return CANDOR_OK;
}

void candor_mutex_free(candor_mutex *m)
{
    free(m);
}

void candor_mutex_lock(candor_mutex *m)
{
    if (TryAcquireSRWLockExclusive(&m->lock) || is_alone()) return;
    AcquireSRWLockExclusive(&m->lock);
}

void candor_mutex_unlock(candor_mutex *m)
{
    if (!is_alone()) ReleaseSRWLockExclusive(&m->lock);
}

/* --- thread ---------------------------------------------------------------------------------- */

struct candor_thread {
    HANDLE h;
    void (*run)(void *);
    void *ctx;
    wchar_t name[NAME_UNITS];
};

typedef HRESULT(WINAPI *set_description)(HANDLE, PCWSTR);

/* Windows 10 1607; older ones have no names for threads. */
static void set_name(const wchar_t *name)
{
    const HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    const FARPROC found =
        kernel != NULL ? GetProcAddress(kernel, "SetThreadDescription") : (FARPROC)NULL;
    set_description call;

    if (found == NULL) return;
    memcpy(&call, &found, sizeof call);
    (void)call(GetCurrentThread(), name);
}

static unsigned __stdcall thread_main(void *arg)
{
    candor_thread *t = arg;

    set_name(t->name);
    t->run(t->ctx);
    candor_crypto_thread_end();
    return 0;
}

/* There are no signals: handlers for the console run on a thread of their own. */
candor_status candor_thread_start(const char *name, void (*run)(void *), void *ctx,
                                  candor_thread **out, candor_err *err)
{
    candor_thread *t = calloc(1, sizeof *t);

    *out = NULL;
    if (t == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "thread", "no memory for a thread");
    t->run = run;
    t->ctx = ctx;
    for (size_t i = 0; i + 1 < NAME_UNITS && name[i] != '\0'; i++)
        t->name[i] = (wchar_t)(unsigned char)name[i];
    t->h = (HANDLE)_beginthreadex(NULL, STACK_BYTES, thread_main, t,
                                  STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (t->h == NULL) {
        const int sys = errno;
        free(t);
        return candor_fail(err, sys == EAGAIN ? CANDOR_LIMIT : CANDOR_IO, sys, "thread",
                           "cannot start a thread");
    }
    *out = t;
    return CANDOR_OK;
}

/* Not THREAD_MODE_BACKGROUND_BEGIN: that would let its files wait, too. */
void candor_thread_stand_back(void)
{
    (void)SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL);
}

void candor_thread_join(candor_thread **t)
{
    if (*t == NULL) return;
    WaitForSingleObject((*t)->h, INFINITE);
    CloseHandle((*t)->h);
    free(*t);
    *t = NULL;
}

/* --- latch ----------------------------------------------------------------------------------- */

struct candor_latch {
    SRWLOCK lock;
    CONDITION_VARIABLE opened;
    bool open;
};

candor_status candor_latch_new(candor_latch **out)
{
    candor_latch *l = calloc(1, sizeof *l);

    *out = l;
    if (l == NULL) return CANDOR_NOMEM;
    InitializeSRWLock(&l->lock);
    InitializeConditionVariable(&l->opened);
    return CANDOR_OK;
}

void candor_latch_free(candor_latch *l)
{
    free(l);
}

void candor_latch_open(candor_latch *l)
{
    AcquireSRWLockExclusive(&l->lock);
    l->open = true;
    /* Under the lock: the waiter may free the latch as soon as it can return. */
    WakeAllConditionVariable(&l->opened);
    ReleaseSRWLockExclusive(&l->lock);
}

static DWORD left_ms(uint64_t start_ns, int timeout_ms)
{
    const uint64_t gone = (candor_clock_mono_ns() - start_ns) / 1000000u;

    if (timeout_ms < 0) return INFINITE;
    return gone >= (uint64_t)timeout_ms ? 0 : (DWORD)((uint64_t)timeout_ms - gone);
}

bool candor_latch_wait(candor_latch *l, int timeout_ms)
{
    const uint64_t start = candor_clock_mono_ns();
    bool open;

    if (is_alone()) return l->open; /* whoever could open it is dead */
    AcquireSRWLockExclusive(&l->lock);
    while (!l->open) {
        const DWORD left = left_ms(start, timeout_ms);
        if (left == 0) break;
        (void)SleepConditionVariableSRW(&l->opened, &l->lock, left, 0);
    }
    open = l->open;
    ReleaseSRWLockExclusive(&l->lock);
    return open;
}
