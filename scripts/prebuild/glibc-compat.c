/* The stat family for a binary that also runs on glibc before 2.33: its shared library has these functions only under
 * the names below, which take the version of the struct first. Linked into prebuilt Linux binaries alone;
 * CANDOR_STAT_VERSION is _STAT_VER of the machine (scripts/prebuild/targets.js). */
struct stat;
struct stat64;

int __xstat(int version, const char *path, struct stat *out);
int __lxstat(int version, const char *path, struct stat *out);
int __fxstat(int version, int fd, struct stat *out);
int __fxstatat(int version, int dir, const char *path, struct stat *out, int flags);
int __xstat64(int version, const char *path, struct stat64 *out);
int __lxstat64(int version, const char *path, struct stat64 *out);
int __fxstat64(int version, int fd, struct stat64 *out);
int __fxstatat64(int version, int dir, const char *path, struct stat64 *out, int flags);

int stat(const char *path, struct stat *out);
int stat(const char *path, struct stat *out)
{
    return __xstat(CANDOR_STAT_VERSION, path, out);
}

int lstat(const char *path, struct stat *out);
int lstat(const char *path, struct stat *out)
{
    return __lxstat(CANDOR_STAT_VERSION, path, out);
}

int fstat(int fd, struct stat *out);
int fstat(int fd, struct stat *out)
{
    return __fxstat(CANDOR_STAT_VERSION, fd, out);
}

int fstatat(int dir, const char *path, struct stat *out, int flags);
int fstatat(int dir, const char *path, struct stat *out, int flags)
{
    return __fxstatat(CANDOR_STAT_VERSION, dir, path, out, flags);
}

int stat64(const char *path, struct stat64 *out);
int stat64(const char *path, struct stat64 *out)
{
    return __xstat64(CANDOR_STAT_VERSION, path, out);
}

int lstat64(const char *path, struct stat64 *out);
int lstat64(const char *path, struct stat64 *out)
{
    return __lxstat64(CANDOR_STAT_VERSION, path, out);
}

int fstat64(int fd, struct stat64 *out);
int fstat64(int fd, struct stat64 *out)
{
    return __fxstat64(CANDOR_STAT_VERSION, fd, out);
}

int fstatat64(int dir, const char *path, struct stat64 *out, int flags);
int fstatat64(int dir, const char *path, struct stat64 *out, int flags)
{
    return __fxstatat64(CANDOR_STAT_VERSION, dir, path, out, flags);
}
