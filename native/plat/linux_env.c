/* Names, folders and identities as Linux alone has them. Layer: plat. */
#include <stdio.h>
#include <stdlib.h>

#include "plat/posix.h"

#define MACHINE_ID_MAX 128

const char *candor_platform_name(void)
{
    return "linux-" CANDOR_POSIX_ARCH;
}

bool candor_posix_library_file(const char *name, unsigned version, char *out, size_t cap)
{
    return (size_t)snprintf(out, cap, "lib%s.so.%u", name, version) < cap;
}

candor_status candor_posix_data_base(char *out, candor_err *err)
{
    const char *xdg = getenv("XDG_DATA_HOME");
    char home[CANDOR_PATH_MAX];
    candor_status st;

    /* XDG Base Directory Specification: a relative path is to be ignored. */
    if (xdg != NULL && xdg[0] == '/') return candor_path_join(xdg, "", out, CANDOR_PATH_MAX, err);
    st = candor_home_dir(home, sizeof home, err);
    if (st == CANDOR_OK) st = candor_path_join(home, ".local/share", out, CANDOR_PATH_MAX, err);
    return st;
}

/* machine-id(5): 32 hex digits and a newline; empty, "uninitialized" or all zero in images that
 * have none yet, and those would make all such machines one. */
static bool take_machine_id(const candor_buf *file, char *out, size_t cap)
{
    unsigned char id[16];
    unsigned char any = 0;

    if (file->n < 32 || !candor_hex_decode(candor_bytes_of(file->p, 32), id, sizeof id))
        return false;
    if (file->n > 32 && file->p[32] != '\n' && file->p[32] != '\r') return false;
    for (size_t i = 0; i < sizeof id; i++)
        any |= id[i];
    if (any == 0 || cap < 33) return false;
    memcpy(out, file->p, 32);
    out[32] = '\0';
    return true;
}

candor_status candor_machine_id(char *out, size_t cap, candor_err *err)
{
    static const char *const files[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char storage[MACHINE_ID_MAX];
        candor_buf b;

        candor_buf_init_fixed(&b, storage, sizeof storage);
        if (candor_file_read_all(files[i], sizeof storage, &b, NULL) == CANDOR_OK &&
            take_machine_id(&b, out, cap))
            return CANDOR_OK;
    }
    return candor_fail(err, CANDOR_NOTFOUND, 0, "machine id", "this machine has no machine-id(5)");
}
