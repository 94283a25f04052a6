/* The types that the C API speaks: status, error, borrowed and owned bytes. C11 and C++11.
 * Layer: base; installed beside candor.h. Threads: one owner at a time. */
#ifndef CANDOR_BASE_TYPES_H
#define CANDOR_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Set by the build of the shared library: what it exports. */
#ifndef CANDOR_API
#define CANDOR_API
#endif

/* For gcc, printf is the C library's, which may be Microsoft's; gnu_printf is that of C11. */
#if defined(__clang__)
#define CANDOR_CHECK             __attribute__((warn_unused_result))
#define CANDOR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#elif defined(__GNUC__)
#define CANDOR_CHECK             __attribute__((warn_unused_result))
#define CANDOR_PRINTF(fmt, args) __attribute__((format(gnu_printf, fmt, args)))
#else
#define CANDOR_CHECK
#define CANDOR_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
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
    int sys;        /* errno, on Windows what comes nearest; or 0 */
    const char *op; /* static text: the step that failed, e.g. "rename" */
    char text[256];
} candor_err;

/* Static text for a status; never NULL. */
CANDOR_API const char *candor_status_text(candor_status code);

/* Static identifier for a status, e.g. "CORRUPT"; never NULL. */
CANDOR_API const char *candor_status_name(candor_status code);

/* Write one sentence "<op>: <text or status text> (<strerror>)" into out; always terminated. */
CANDOR_API void candor_err_describe(const candor_err *err, char *out, size_t cap);

/* Borrowed bytes: only refers to memory that somebody else owns. p may be NULL when n is 0.
 * Not terminated by NUL. */
typedef struct candor_bytes {
    const char *p;
    size_t n;
} candor_bytes;

static inline candor_bytes candor_bytes_of(const char *p, size_t n)
{
    candor_bytes b;
    b.p = p;
    b.n = n;
    return b;
}
static inline candor_bytes candor_bytes_str(const char *s)
{
    return candor_bytes_of(s, s != NULL ? strlen(s) : 0);
}

/* Owned buffer, zero-initialised by its owner, freed by candor_buf_free. A failed append sets
 * `failed` and appends nothing; later appends are no-ops, so a writer checks once at its end. */
typedef struct candor_buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max; /* 0: no limit beyond memory */
    bool fixed; /* storage belongs to the caller; never grown, never freed */
    bool failed;
} candor_buf;

CANDOR_API void candor_buf_clear(candor_buf *b); /* n = 0, failed = false; keeps the storage */
CANDOR_API void candor_buf_free(candor_buf *b);  /* accepts a zeroed buffer; leaves it zeroed */

#ifdef __cplusplus
}
#endif

#endif
