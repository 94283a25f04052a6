/* Libraries that are loaded when they are needed, on Windows. Layer: plat. */
#include <stdio.h>

#include "plat/windows.h"

/* Named as MSYS2 and MinGW name them. From the host's folder and the system's, never from the
 * current one (Dynamic-Link Library Security). */
candor_status candor_library_open(const char *name, unsigned version, void **out, candor_err *err)
{
    wchar_t file[64];
    int n;

    *out = NULL;
    n = _snwprintf(file, sizeof file / sizeof file[0], L"lib%hs-%u.dll", name, version);
    if (n < 0 || (size_t)n >= sizeof file / sizeof file[0])
        return candor_fail(err, CANDOR_LIMIT, 0, "library", "the name of a library is too long");
    *out = LoadLibraryExW(file, NULL, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    if (*out != NULL) return CANDOR_OK;
    return candor_fail(err, CANDOR_NET, 0, "library", "lib%s-%u.dll cannot be loaded: error %lu",
                       name, version, GetLastError());
}

void *candor_library_symbol(void *library, const char *name)
{
    const FARPROC found = GetProcAddress(library, name);
    void *symbol;

    memcpy(&symbol, &found, sizeof symbol);
    return symbol;
}
