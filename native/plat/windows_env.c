/* Processes, users and machines on Windows. Layer: plat. */
#include <stdio.h>
#include <stdlib.h>

#include "plat/windows.h"

/* --- environment ----------------------------------------------------------------------------- */

/* Not getenv: the C library has a copy from the start of the process, in a code page; what the
 * host has set since, as process.env does, is in the process's own. */
candor_status candor_env_copy(const char *name, char **out)
{
    wchar_t wide_name[128], *value = NULL;
    DWORD n = 0, room = 256;
    int bytes;
    candor_status st = CANDOR_NOMEM;

    *out = NULL;
    if (MultiByteToWideChar(CP_UTF8, 0, name, -1, wide_name, 128) == 0) return CANDOR_OK;
    for (;;) {
        wchar_t *more = realloc(value, room * sizeof *value);
        if (more == NULL) goto done;
        value = more;
        value[0] = L'\0';
        SetLastError(ERROR_SUCCESS);
        n = GetEnvironmentVariableW(wide_name, value, room);
        if (n < room) break;
        room = n;
    }
    st = CANDOR_OK;
    if (n == 0 && GetLastError() != ERROR_SUCCESS) goto done;
    bytes = WideCharToMultiByte(CP_UTF8, 0, value, -1, NULL, 0, NULL, NULL);
    *out = bytes > 0 ? malloc((size_t)bytes) : NULL;
    if (*out == NULL)
        st = CANDOR_NOMEM;
    else
        (void)WideCharToMultiByte(CP_UTF8, 0, value, -1, *out, bytes, NULL, NULL);
done:
    free(value);
    return st;
}

const char *const *candor_root_files(void)
{
    static const char *const none[] = {NULL};

    return none;
}

/* --- directories of the user ----------------------------------------------------------------- */

/* X:\ or \\server. */
static bool is_absolute(const char *path)
{
    const bool letter = (path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z');

    if (path[0] == '\\' && path[1] == '\\') return true;
    return letter && path[1] == ':' && (path[2] == '\\' || path[2] == '/');
}

/* False: not set, or no whole path. */
static candor_status folder_from(const char *variable, char *out, size_t cap, bool *found,
                                 candor_err *err)
{
    char *value = NULL;
    candor_status st = candor_env_copy(variable, &value);

    *found = false;
    if (st != CANDOR_OK) return candor_fail(err, st, 0, variable, "out of memory");
    if (value != NULL && is_absolute(value)) {
        *found = true;
        if ((size_t)snprintf(out, cap, "%s", value) >= cap)
            st = candor_fail(err, CANDOR_LIMIT, 0, variable, "the folder in %s is too long",
                             variable);
    }
    free(value);
    return st;
}

candor_status candor_home_dir(char *out, size_t cap, candor_err *err)
{
    bool found = false;
    candor_status st = folder_from("USERPROFILE", out, cap, &found, err);

    if (st != CANDOR_OK || found) return st;
    return candor_fail(err, CANDOR_NOTFOUND, 0, "home directory",
                       "this user has no home directory; set USERPROFILE");
}

/* Names that stand for devices with any extension (Naming Files, Paths, and Namespaces). */
static bool is_device(const char *app)
{
    static const char *const names[] = {"con", "prn", "aux", "nul"};
    const size_t n = strcspn(app, ".");

    if (n == 4 && (_strnicmp(app, "com", 3) == 0 || _strnicmp(app, "lpt", 3) == 0))
        return app[3] >= '0' && app[3] <= '9';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (n == 3 && _strnicmp(app, names[i], 3) == 0) return true;
    return false;
}

/* The app's name as one of a folder: "%3A" for a colon, which would name a stream of a file, and
 * "%2E" for a dot at the end, which Windows drops; "con" becomes "con%". Nothing else has a "%". */
static bool folder_name(const char *app, char *out, size_t cap)
{
    const size_t n = strlen(app);
    size_t at = 0;

    if (n == 0 || strpbrk(app, "/\\<>\"|?*%") != NULL || strcmp(app, ".") == 0 ||
        strcmp(app, "..") == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        const bool colon = app[i] == ':', dot = app[i] == '.' && i + 1 == n;
        if (at + 4 >= cap) return false;
        if (colon || dot) {
            memcpy(out + at, colon ? "%3A" : "%2E", 3);
            at += 3;
        } else {
            out[at++] = app[i];
        }
    }
    if (is_device(app)) out[at++] = '%';
    out[at] = '\0';
    return true;
}

candor_status candor_data_dir(const char *app, char *out, size_t cap, candor_err *err)
{
    char base[CANDOR_PATH_MAX], dir[CANDOR_PATH_MAX], name[CANDOR_PATH_MAX];
    bool found = false;
    candor_status st;

    if (!folder_name(app, name, sizeof name))
        return candor_fail(err, CANDOR_INVALID, 0, "data directory",
                           "\"%s\" cannot name a directory", app);
    st = folder_from("LOCALAPPDATA", base, sizeof base, &found, err);
    if (st == CANDOR_OK && !found) {
        st = candor_home_dir(dir, sizeof dir, err);
        if (st == CANDOR_OK) st = candor_path_join(dir, "AppData\\Local", base, sizeof base, err);
    }
    if (st == CANDOR_OK) st = candor_path_join(base, name, dir, sizeof dir, err);
    if (st == CANDOR_OK) st = candor_path_join(dir, "telemetry", out, cap, err);
    return st;
}

/* --- machine --------------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define ARCH "x64"
#elif defined(__aarch64__)
#define ARCH "arm64"
#else
#define ARCH "ia32"
#endif

const char *candor_platform_name(void)
{
    return "win32-" ARCH;
}

/* Made by Windows at its installation. */
candor_status candor_machine_id(char *out, size_t cap, candor_err *err)
{
    wchar_t id[64];
    DWORD n = sizeof id;
    const LSTATUS code =
        RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Cryptography", L"MachineGuid",
                     RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, NULL, id, &n);

    if (code == ERROR_SUCCESS && id[0] != L'\0' && candor_windows_utf8(id, out, cap))
        return CANDOR_OK;
    return candor_fail(err, CANDOR_NOTFOUND, 0, "machine id", "this machine has no MachineGuid");
}

/* --- processes ------------------------------------------------------------------------------- */

uint64_t candor_process_id(void)
{
    return GetCurrentProcessId();
}

/* Windows has no fork: every process makes its own. */
struct candor_fork_guard {
    char unused;
};

candor_status candor_fork_guard_new(candor_fork_guard **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? CANDOR_OK : CANDOR_NOMEM;
}

void candor_fork_guard_free(candor_fork_guard *g)
{
    free(g);
}

bool candor_fork_guard_same(const candor_fork_guard *g)
{
    (void)g;
    return true;
}
