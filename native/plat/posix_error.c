/* errno to status and sentence, for the posix_*.c files. Layer: plat. */
#include <errno.h>
#include <stdio.h>

#include "plat/posix.h"

candor_status candor_posix_status(int sys)
{
    switch (sys) {
    case ENOENT:
    case ENOTDIR:
        return CANDOR_NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return CANDOR_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* RLIMIT_FSIZE or the file system's own limit: to the caller, no room either */
        return CANDOR_FULL;
    case ENOMEM:
        return CANDOR_NOMEM;
    case EEXIST: /* O_EXCL: somebody else made it first */
    case EWOULDBLOCK:
        return CANDOR_BUSY;
    case ENAMETOOLONG:
    case EMFILE:
    case ENFILE:
        return CANDOR_LIMIT;
    case EISDIR:
    case ELOOP:
        return CANDOR_INVALID;
    case ETIMEDOUT:
        return CANDOR_TIMEOUT;
    default:
        return CANDOR_IO;
    }
}

candor_status candor_posix_fail(candor_err *err, int sys, const char *op, const char *what,
                                const char *path)
{
    const candor_status code = candor_posix_status(sys);

    if (path == NULL) return candor_fail(err, code, sys, op, "%s", what);
    return candor_fail(err, code, sys, op, "%s %s", what, path);
}

void candor_socket_error_text(int sys, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s", strerror(sys));
}
