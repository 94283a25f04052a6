/* Files that nobody sees incomplete, on every platform: written under another name first. Layer:
 * plat. */
#include <stdio.h>

#include "base/digest.h"
#include "plat/private.h"

#define TEMP_TRIES 8

/* A new file under a name nobody else has: <path>.<pid>-<random>.tmp. The pid is for people who
 * find one after a power cut; the random part is what makes it unique across containers. */
static candor_status create_temp(const char *path, char *temp, size_t cap, candor_file **out,
                                 candor_err *err)
{
    candor_status st = CANDOR_BUSY;

    for (int i = 0; i < TEMP_TRIES && st == CANDOR_BUSY; i++) {
        unsigned char bits[8];
        char hex[sizeof bits * 2];
        int n;

        st = candor_random(bits, sizeof bits);
        if (st != CANDOR_OK) return candor_fail(err, st, 0, "random", "no random bytes");
        candor_hex_encode(bits, sizeof bits, hex);
        n = snprintf(temp, cap, "%s.%llu-%.*s.tmp", path, (unsigned long long)candor_process_id(),
                     (int)sizeof hex, hex);
        if (n < 0 || (size_t)n >= cap)
            return candor_fail(err, CANDOR_LIMIT, 0, "path", "the path %s is too long", path);
        st = candor_file_open(temp, CANDOR_OPEN_CREATE_NEW, out, err);
    }
    return st;
}

/* For file systems where a new file cannot be put under a name that is free, as POSIX ones without
 * hard links (EPERM, link(2)): there is a moment with an empty file. */
static candor_status create_directly(const char *path, candor_bytes body, candor_err *err)
{
    candor_file *f = NULL;
    candor_status st = candor_file_open(path, CANDOR_OPEN_CREATE_NEW, &f, err);

    if (st != CANDOR_OK) return st;
    st = candor_file_write(f, body, err);
    if (st == CANDOR_OK) st = candor_file_sync(f, err);
    if (st == CANDOR_OK) st = candor_file_close(&f, err);
    if (st != CANDOR_OK) {
        candor_file_discard(f);
        candor_unlink_quiet(path);
    }
    return st;
}

candor_status candor_file_create_whole(const char *path, candor_bytes body, candor_err *err)
{
    char temp[CANDOR_PATH_MAX];
    candor_file *f = NULL;
    candor_status st = create_temp(path, temp, sizeof temp, &f, err);

    if (st != CANDOR_OK) return st;
    st = candor_file_write(f, body, err);
    if (st == CANDOR_OK) st = candor_file_sync(f, err);
    if (st == CANDOR_OK) st = candor_file_close(&f, err);
    if (st == CANDOR_OK) {
        st = candor_plat_publish(temp, path, err);
        if (st != CANDOR_OK && st != CANDOR_BUSY) st = create_directly(path, body, err);
    }
    candor_file_discard(f);
    candor_unlink_quiet(temp);
    return st;
}

candor_status candor_file_write_durable(const char *path, candor_bytes body, candor_err *err)
{
    char temp[CANDOR_PATH_MAX];
    candor_file *f = NULL;
    candor_status st = create_temp(path, temp, sizeof temp, &f, err);

    if (st != CANDOR_OK) return st;
    st = candor_file_write(f, body, err);
    if (st == CANDOR_OK) st = candor_file_sync(f, err);
    if (st == CANDOR_OK) st = candor_file_close(&f, err); /* a failed close is a failed write */
    if (st == CANDOR_OK) st = candor_rename_durable(temp, path, err);
    if (st != CANDOR_OK) {
        candor_file_discard(f);
        candor_unlink_quiet(temp); /* gone already when only the sync of the directory failed */
    }
    return st;
}
