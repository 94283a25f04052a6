/* What a DLL meets when its process ends: the loader runs it after all other threads are dead.
 * Loaded by test_windows.c. */
#include <stdio.h>

#include "plat/windows.h"

static candor_mutex *held;
static candor_latch *never;
static char passed[CANDOR_PATH_MAX]; /* a folder, made when the end was reached */

static void hold_for_ever(void *ctx)
{
    candor_mutex_lock(held);
    candor_latch_open(ctx);
    Sleep(INFINITE);
}

__declspec(dllexport) bool begin(const char *path);
__declspec(dllexport) bool begin(const char *path)
{
    candor_latch *locked = NULL;
    candor_thread *t = NULL;

    (void)snprintf(passed, sizeof passed, "%s", path);
    return candor_latch_new(&locked) == CANDOR_OK && candor_latch_new(&never) == CANDOR_OK &&
           candor_mutex_new(&held) == CANDOR_OK &&
           candor_thread_start("hold", hold_for_ever, locked, &t, NULL) == CANDOR_OK &&
           candor_latch_wait(locked, -1);
}

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, LPVOID reserved);
BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, LPVOID reserved)
{
    (void)self;
    (void)reserved;
    if (reason != DLL_PROCESS_DETACH || held == NULL) return TRUE;
    candor_mutex_lock(held);
    candor_mutex_unlock(held);
    (void)candor_latch_wait(never, -1);
    (void)CreateDirectoryA(passed, NULL);
    return TRUE;
}
