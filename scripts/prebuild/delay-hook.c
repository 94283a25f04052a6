/* Node-API in a host that is not called node.exe. The binary asks node.exe for it when the first
 * function is called, not when it is loaded, and is given the program of the process instead, or
 * the DLL that some hosts keep Node in. As node-gyp's win_delay_load_hook.cc does. */
#include <windows.h>

#include <delayimp.h>
#include <string.h>

static FARPROC WINAPI find_host(unsigned event, PDelayLoadInfo info)
{
    HMODULE host;
    FARPROC out;

    if (event != dliNotePreLoadLibrary || _stricmp(info->szDll, "node.exe") != 0) return NULL;
    host = GetModuleHandleW(L"libnode.dll");
    if (host == NULL) host = GetModuleHandleW(NULL);
    memcpy(&out, &host, sizeof out); /* the helper takes one type for all events */
    return out;
}

PfnDliHook __pfnDliNotifyHook2 = find_host;
