/* Shared by the windows_*.c files: error codes to status, paths as UTF-16, who may open what we
 * make. Layer: plat. Private to the layer. */
#ifndef CANDOR_PLAT_WINDOWS_H
#define CANDOR_PLAT_WINDOWS_H

#define WIN32_LEAN_AND_MEAN
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
/* clang-format off: it has to come before whatever includes windows.h */
#include <windows.h>
#include <winsock2.h>
/* clang-format on */

#include "plat/plat.h"

/* Of ntdll.dll, documented and without a header: the process is in ExitProcess and all other
 * threads are dead; what the last failure was before it became a code of GetLastError. */
BOOLEAN NTAPI RtlDllShutdownInProgress(void);
LONG NTAPI RtlGetLastNtStatus(void);

/* --- errors ---------------------------------------------------------------------------------- */
/* The status for a code of GetLastError; never CANDOR_OK. */
candor_status candor_windows_status(DWORD code);
/* Fill err from a code of GetLastError: sys is the nearest errno, the code is in the sentence. what
 * reads "cannot open"; path may be NULL. */
candor_status candor_windows_fail(candor_err *err, DWORD code, const char *op, const char *what,
                                  const char *path);

/* --- text and paths -------------------------------------------------------------------------- */
/* A path of CANDOR_PATH_MAX bytes made absolute, with the prefix of long ones. */
#define CANDOR_WIDE_MAX (CANDOR_PATH_MAX + 512)

typedef struct candor_wide {
    size_t n;
    wchar_t s[CANDOR_WIDE_MAX];
} candor_wide;

/* Absolute and with backslashes; \\?\ before it where it is too long for a path without. */
CANDOR_CHECK candor_status candor_windows_path(const char *path, candor_wide *out, candor_err *err);
/* UTF-16 to UTF-8, always terminated; false when it does not fit. */
bool candor_windows_utf8(const wchar_t *text, char *out, size_t cap);
bool candor_windows_is_separator(wchar_t c);

/* --- who may --------------------------------------------------------------------------------- */
/* The counterpart of modes 600 and 700: owned by the user of the process, who alone may do
 * anything, whatever the folder around it would hand down. */
typedef struct candor_owner_only {
    SECURITY_ATTRIBUTES attributes; /* for CreateFileW and CreateDirectoryW */
    SECURITY_DESCRIPTOR descriptor;
    PSID user;
    ACL *acl;
    _Alignas(8) unsigned char token[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    _Alignas(
        8) unsigned char list[sizeof(ACL) + sizeof(ACCESS_ALLOWED_ACE) + SECURITY_MAX_SID_SIZE];
} candor_owner_only;

CANDOR_CHECK candor_status candor_owner_only_init(candor_owner_only *o, bool directory,
                                                  candor_err *err);
/* CANDOR_DENIED: the directory belongs to somebody else, or others may write to it. */
CANDOR_CHECK candor_status candor_windows_check_owner(const candor_wide *path, const char *name,
                                                      candor_err *err);

/* --- patience -------------------------------------------------------------------------------- */
/* A virus scanner or an indexer opens what is new, without sharing it, for some milliseconds. True:
 * it has waited, try again; false: code is no such failure, or it has lasted too long. */
bool candor_windows_wait_for_scanner(DWORD code, unsigned *tries);

HANDLE candor_windows_handle(const candor_file *f); /* borrowed */

#endif
