/* What the C tests take from POSIX and mingw lacks. Included before each of them. */
#ifndef CANDOR_TESTS_WINE_POSIX_H
#define CANDOR_TESTS_WINE_POSIX_H

#include <stddef.h>
#include <string.h>

static inline void *memmem(const void *in, size_t n, const void *what, size_t m)
{
    const char *p = in;

    for (size_t i = 0; m <= n && i <= n - m; i++)
        if (memcmp(p + i, what, m) == 0) return (void *)(size_t)(p + i);
    return NULL;
}

#endif
