#include "client/export_temp.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/uuid.h"

#define SUFFIX   ".tmp"
#define TRIES    3 /* a sweep of another process can meet the moment between making and locking */
#define SUFFIX_N (1 + CANDOR_UUID_TEXT + sizeof SUFFIX - 1)

static candor_status name_one(const char *path, char out[CANDOR_PATH_MAX], candor_err *err)
{
    unsigned char random[10], id[16];
    char text[CANDOR_UUID_TEXT];
    out[0] = '\0';
    if (candor_random(random, sizeof random) != CANDOR_OK)
        return candor_fail(err, CANDOR_CRYPTO, 0, "export", "no random bytes");
    candor_uuid7_make((uint64_t)candor_clock_unix_ms(), random, id);
    candor_uuid_format(id, text);
    int n = snprintf(out, CANDOR_PATH_MAX, "%s.%.36s" SUFFIX, path, text);
    if (n > 0 && n < CANDOR_PATH_MAX) return CANDOR_OK;
    out[0] = '\0';
    return candor_fail(err, CANDOR_LIMIT, 0, "export", "the path is too long");
}

/* CANDOR_BUSY: a sweep was faster, the file is gone or about to go. */
static candor_status lock_one(const char *path, candor_file *f, candor_err *err)
{
    candor_status st = candor_file_try_lock(f, err);
    if (st != CANDOR_OK) return st;
    return candor_file_mtime(path, NULL, NULL, NULL) == CANDOR_OK ? CANDOR_OK : CANDOR_BUSY;
}

candor_status candor_export_temp_open(const char *path, candor_file **f, char out[CANDOR_PATH_MAX],
                                      candor_err *err)
{
    candor_status st = CANDOR_BUSY;
    for (int i = 0; i < TRIES && st == CANDOR_BUSY; i++) {
        st = name_one(path, out, err);
        if (st == CANDOR_OK) st = candor_file_open(out, CANDOR_OPEN_CREATE_NEW, f, err);
        if (st != CANDOR_OK) {
            out[0] = '\0';
            return st;
        }
        st = lock_one(out, *f, err);
        if (st == CANDOR_OK) return st;
        candor_file_discard(*f);
        *f = NULL;
        candor_unlink_quiet(out);
        out[0] = '\0';
    }
    return candor_fail(err, st, 0, "export", "the temporary file cannot be locked");
}

/* --- sweep ----------------------------------------------------------------------------------- */

typedef struct sweep {
    const char *dir, *base; /* base: the package's own name */
} sweep;

static bool is_one(const char *name, const char *base)
{
    unsigned char id[16];
    size_t n = strlen(name), at = strlen(base);
    return n == at + SUFFIX_N && memcmp(name, base, at) == 0 && name[at] == '.' &&
           strcmp(name + n - (sizeof SUFFIX - 1), SUFFIX) == 0 &&
           candor_uuid_parse(candor_bytes_of(name + at + 1, CANDOR_UUID_TEXT), id);
}

static bool visit(void *ctx, const char *name)
{
    const sweep *w = ctx;
    char path[CANDOR_PATH_MAX];
    candor_file *f = NULL;
    if (!is_one(name, w->base) ||
        candor_path_join(w->dir, name, path, sizeof path, NULL) != CANDOR_OK)
        return true;
    if (candor_file_open(path, CANDOR_OPEN_READ, &f, NULL) == CANDOR_OK &&
        candor_file_try_lock(f, NULL) == CANDOR_OK)
        candor_unlink_quiet(path);
    candor_file_discard(f);
    return true;
}

void candor_export_temp_sweep(const char *path)
{
    char dir[CANDOR_PATH_MAX];
    const char *slash = NULL;
    for (const char *p = path; *p != '\0'; p++)
        if (*p == '/' || *p == '\\') slash = p;
    size_t n = slash != NULL ? (size_t)(slash - path) : 0;
    if (n >= sizeof dir) return;
    memcpy(dir, path, n);
    dir[n] = '\0';
    sweep w = {slash == NULL ? "." : (n == 0 ? "/" : dir), slash != NULL ? slash + 1 : path};
    (void)!candor_dir_list(w.dir, visit, &w, NULL);
}
