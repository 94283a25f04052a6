/* Status codes and error detail, the one error space of the whole product.
 * Layer: base. Threads: any. */
#ifndef CANDOR_BASE_STATUS_H
#define CANDOR_BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define CANDOR_CHECK             __attribute__((warn_unused_result))
#define CANDOR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CANDOR_CHECK
#define CANDOR_PRINTF(fmt, args)
#endif

/* One status type; zero is success everywhere. */
#define CANDOR_STATUS_MAP(X)                                                                       \
    X(OK, "ok")                                                                                    \
    X(NOMEM, "out of memory")                                                                      \
    X(IO, "i/o error")                                                                             \
    X(CORRUPT, "bad checksum, length or format")                                                   \
    X(FULL, "size limit reached")                                                                  \
    X(INVALID, "invalid argument or input")                                                        \
    X(LIMIT, "a named limit was exceeded")                                                         \
    X(NOTFOUND, "not found")                                                                       \
    X(BUSY, "held by another process")                                                             \
    X(DENIED, "permission denied")                                                                 \
    X(TIMEOUT, "timed out")                                                                        \
    X(CANCELLED, "cancelled")                                                                      \
    X(NET, "network error")                                                                        \
    X(CRYPTO, "cryptographic library error")

#define CANDOR_AS_ENUM(id, text) CANDOR_##id,
typedef enum candor_status { CANDOR_STATUS_MAP(CANDOR_AS_ENUM) } candor_status;

/* What failed, for people. Caller's storage; zero-initialise. text is a whole sentence where one
 * is known ("schema line 12: unknown key \"sampel\", did you mean \"sample\"?"), else empty. */
typedef struct candor_err {
    candor_status code;
    int sys;        /* errno (POSIX), GetLastError (Windows), or 0 */
    const char *op; /* static text: the step that failed, e.g. "rename" */
    char text[256];
} candor_err;

/* Static text for a status; never NULL. */
const char *candor_status_text(candor_status code);

/* Static identifier for a status, e.g. "CORRUPT"; never NULL. */
const char *candor_status_name(candor_status code);

/* Fill err (may be NULL) and return code, so that a failure reads `return candor_fail(...)`. */
candor_status candor_fail(candor_err *err, candor_status code, int sys, const char *op,
                          const char *fmt, ...) CANDOR_PRINTF(5, 6);

/* Write one sentence "<op>: <text or status text> (<strerror>)" into out; always terminated. */
void candor_err_describe(const candor_err *err, char *out, size_t cap);

#endif
