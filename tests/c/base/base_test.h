/* What every test of base needs: cmocka with its prerequisites, and inputs whose end is the end of
 * an allocation, so that the address sanitizer sees a read of one byte too many. */
#ifndef CANDOR_TESTS_BASE_TEST_H
#define CANDOR_TESTS_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

/* A copy without a spare byte; release it with exact_free. */
static inline candor_bytes exact(const void *p, size_t n)
{
    char *copy = malloc(n != 0 ? n : 1);
    assert_non_null(copy);
    if (n != 0) memcpy(copy, p, n);
    return candor_bytes_of(n != 0 ? copy : copy + 1, n);
}

static inline void exact_free(candor_bytes b)
{
    free((char *)(uintptr_t)(b.n != 0 ? b.p : b.p - 1));
}

static inline void assert_bytes(candor_bytes got, candor_bytes want)
{
    assert_int_equal(got.n, want.n);
    if (want.n != 0) assert_memory_equal(got.p, want.p, want.n);
}

/* xorshift64*: the same numbers in every run. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

#endif
