/* Names, folders and identities as macOS alone has them. Layer: plat. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "plat/posix.h"

const char *candor_platform_name(void)
{
    return "darwin-" CANDOR_POSIX_ARCH;
}

bool candor_posix_library_file(const char *name, unsigned version, char *out, size_t cap)
{
    return (size_t)snprintf(out, cap, "lib%s.%u.dylib", name, version) < cap;
}

candor_status candor_posix_data_base(char *out, candor_err *err)
{
    char home[CANDOR_PATH_MAX];
    candor_status st = candor_home_dir(home, sizeof home, err);

    if (st == CANDOR_OK)
        st = candor_path_join(home, "Library/Application Support", out, CANDOR_PATH_MAX, err);
    return st;
}

/* gethostuuid(3) of libSystem: what I/O Kit calls IOPlatformUUID, without its framework. */
candor_status candor_machine_id(char *out, size_t cap, candor_err *err)
{
    const struct timespec wait = {.tv_sec = 1};
    unsigned char id[16] = {0};
    unsigned char any = 0;

    if (gethostuuid(id, &wait) != 0)
        return candor_fail(err, CANDOR_NOTFOUND, errno, "machine id", "the system does not say it");
    for (size_t i = 0; i < sizeof id; i++)
        any |= id[i];
    if (any == 0 || cap < sizeof id * 2 + 1)
        return candor_fail(err, CANDOR_NOTFOUND, 0, "machine id", "the system does not say it");
    candor_hex_encode(id, sizeof id, out);
    out[sizeof id * 2] = '\0';
    return CANDOR_OK;
}
