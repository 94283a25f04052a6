/* Paths and directories on POSIX. Layer: plat. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "plat/plat.h"
#include "plat/posix.h"

candor_status candor_path_join(const char *dir, const char *name, char *out, size_t cap,
                               candor_err *err)
{
    const size_t d = strlen(dir);
    const char *slash = d > 0 && dir[d - 1] == '/' ? "" : "/";
    const int n = snprintf(out, cap, "%s%s%s", dir, slash, name);

    if (n >= 0 && (size_t)n < cap) return CANDOR_OK;
    if (cap > 0) out[0] = '\0';
    return candor_fail(err, CANDOR_LIMIT, 0, "path", "the path %s/%s is longer than %zu bytes", dir,
                       name, cap);
}

candor_status candor_path_for_library(const char *path, char *out, size_t cap, candor_err *err)
{
    const size_t n = strlen(path);

    if (n >= cap)
        return candor_fail(err, CANDOR_LIMIT, 0, "path", "the path %s is longer than %zu bytes",
                           path, cap);
    memcpy(out, path, n + 1);
    return CANDOR_OK;
}

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The directory that holds path, into out (CANDOR_PATH_MAX bytes). */
static void parent_of(const char *path, char *out)
{
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n == 0) {
        memcpy(out, ".", 2);
    } else {
        memcpy(out, path, n);
        out[n] = '\0';
    }
}

/* One step of mkdir -p. A new entry is only durable once its parent is synced (fsync(2)). */
static candor_status make_one(const char *path, candor_err *err)
{
    char parent[CANDOR_PATH_MAX];
    int sys;

    if (mkdir(path, 0700) == 0) {
        parent_of(path, parent);
        return candor_dir_sync(parent, err);
    }
    sys = errno;
    if (is_dir(path)) return CANDOR_OK;
    if (sys == EEXIST || sys == ENOTDIR)
        return candor_fail(err, CANDOR_INVALID, sys, "mkdir", "%s is not a directory", path);
    return candor_posix_fail(err, sys, "mkdir", "cannot create the directory", path);
}

/* Whoever may write to a directory can put a link in the place of any file in it (symlink(7)), so
 * one that others own or write to holds nothing of ours. */
static candor_status check_owner(const char *path, candor_err *err)
{
    struct stat st;

    if (lstat(path, &st) != 0) return candor_posix_fail(err, errno, "stat", "cannot look at", path);
    if (st.st_uid == geteuid() && S_ISLNK(st.st_mode) && stat(path, &st) != 0)
        return candor_posix_fail(err, errno, "stat", "cannot look at", path);
    if (st.st_uid != geteuid())
        return candor_fail(err, CANDOR_DENIED, 0, "mkdir",
                           "%s belongs to another user; choose a directory of your own", path);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return candor_fail(err, CANDOR_DENIED, 0, "mkdir",
                           "other users may write to %s; take that away: chmod 700", path);
    return CANDOR_OK;
}

candor_status candor_dir_make_private(const char *path, candor_err *err)
{
    struct stat st;

    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 07777) == 0700)
        return CANDOR_OK;
    if (chmod(path, 0700) != 0)
        return candor_posix_fail(err, errno, "chmod", "cannot make private", path);
    return CANDOR_OK;
}

candor_status candor_dir_create(const char *path, candor_err *err)
{
    char part[CANDOR_PATH_MAX];
    const size_t n = strlen(path);
    candor_status st = CANDOR_OK;

    if (n == 0) return candor_fail(err, CANDOR_INVALID, 0, "mkdir", "the directory has no name");
    if (n >= sizeof part)
        return candor_fail(err, CANDOR_LIMIT, 0, "mkdir", "the path %s is longer than %d bytes",
                           path, CANDOR_PATH_MAX - 1);
    if (is_dir(path)) return check_owner(path, err);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n && st == CANDOR_OK; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        if (part[i - 1] == '/') continue;
        part[i] = '\0';
        st = make_one(part, err);
        part[i] = path[i];
    }
    if (st == CANDOR_OK) st = check_owner(path, err); /* somebody may have been faster */
    return st;
}

candor_status candor_dir_list(const char *path, candor_dir_visit visit, void *ctx, candor_err *err)
{
    DIR *d = opendir(path); /* close-on-exec by POSIX.1-2008 */
    int sys = 0;

    if (d == NULL) return candor_posix_fail(err, errno, "opendir", "cannot list", path);
    for (;;) {
        errno = 0; /* readdir(3): the only way to tell the end from a failure */
        const struct dirent *e = readdir(d);
        if (e == NULL) {
            sys = errno;
            break;
        }
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (!visit(ctx, e->d_name)) break;
    }
    closedir(d);
    if (sys != 0) return candor_posix_fail(err, sys, "readdir", "cannot list", path);
    return CANDOR_OK;
}

candor_status candor_dir_sync(const char *path, candor_err *err)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int sys;

    if (fd < 0) return candor_posix_fail(err, errno, "open", "cannot open the directory", path);
    sys = candor_posix_fsync(fd);
    close(fd);
    /* fsync(2): EINVAL is a file system that has nothing to sync for a directory. */
    if (sys != 0 && sys != EINVAL)
        return candor_posix_fail(err, sys, "fsync", "cannot sync the directory", path);
    return CANDOR_OK;
}

candor_status candor_disk_free(const char *path, uint64_t *out, candor_err *err)
{
    struct statvfs v;
    int rc;

    do {
        rc = statvfs(path, &v);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) return candor_posix_fail(err, errno, "statvfs", "cannot ask for free space", path);
    *out = (uint64_t)v.f_bavail * (uint64_t)v.f_frsize;
    return CANDOR_OK;
}

candor_status candor_rename(const char *from, const char *to, candor_err *err)
{
    if (rename(from, to) != 0)
        return candor_posix_fail(err, errno, "rename", "cannot rename to", to);
    return CANDOR_OK;
}

/* The directory entry of a rename lives in one or two directories; both must reach the disk. */
candor_status candor_rename_durable(const char *from, const char *to, candor_err *err)
{
    char a[CANDOR_PATH_MAX], b[CANDOR_PATH_MAX];
    candor_status st;

    if (strlen(from) >= sizeof a || strlen(to) >= sizeof b)
        return candor_fail(err, CANDOR_LIMIT, 0, "rename", "a path is longer than %d bytes",
                           CANDOR_PATH_MAX - 1);
    st = candor_rename(from, to, err);
    if (st != CANDOR_OK) return st;
    parent_of(from, a);
    parent_of(to, b);
    st = candor_dir_sync(b, err);
    if (st == CANDOR_OK && strcmp(a, b) != 0) st = candor_dir_sync(a, err);
    return st;
}

candor_status candor_unlink(const char *path, candor_err *err)
{
    if (unlink(path) != 0) return candor_posix_fail(err, errno, "unlink", "cannot delete", path);
    return CANDOR_OK;
}

void candor_rmdir_quiet(const char *path)
{
    const int sys = errno;

    (void)rmdir(path);
    errno = sys;
}

/* A change of times is an event of the file (IN_ATTRIB, NOTE_ATTRIB); a store into a map is none.
 */
void candor_file_announce(const char *path)
{
    const int sys = errno;

    (void)utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
    errno = sys;
}

void candor_unlink_quiet(const char *path)
{
    const int sys = errno;

    if (unlink(path) != 0) errno = sys; /* a clean-up must not hide the failure that led to it */
}

candor_status candor_file_mtime(const char *path, int64_t *unix_ms, uint64_t *size, candor_err *err)
{
    struct stat st;

    if (stat(path, &st) != 0) return candor_posix_fail(err, errno, "stat", "cannot look at", path);
    if (unix_ms != NULL) {
        const struct timespec at = candor_posix_mtime(&st);
        *unix_ms = (int64_t)at.tv_sec * 1000 + (int64_t)at.tv_nsec / 1000000;
    }
    if (size != NULL) *size = (uint64_t)st.st_size;
    return CANDOR_OK;
}
