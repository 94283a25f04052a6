/* gunzip on any bytes: the cap holds, failures leave nothing behind, and what was compressed comes
 * back. */
#include <stdlib.h>

#include "base/gzip.h"

#define CAP ((size_t)65536)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

static void inflate(candor_bytes in)
{
    candor_buf a = {0};
    char comment[8];
    candor_err err = {0};
    candor_status st = candor_gunzip(in, CAP, &a, comment, sizeof(comment), &err);
    require(memchr(comment, '\0', sizeof(comment)) != NULL);
    require(a.n <= CAP && a.cap <= CAP);
    require(st == CANDOR_OK || (a.n == 0 && err.code == st));
    candor_buf_free(&a);
}

static void round_trip(candor_bytes in)
{
    candor_buf z = {0}, back = {0};
    require(candor_gzip(in, 1, NULL, &z, NULL) == CANDOR_OK);
    require(candor_gunzip(candor_buf_bytes(&z), in.n, &back, NULL, 0, NULL) == CANDOR_OK);
    require(candor_bytes_eq(in, candor_buf_bytes(&back)));
    candor_buf_free(&z);
    candor_buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    candor_bytes in = candor_bytes_of((const char *)data, size);
    inflate(in);
    round_trip(in);
    return 0;
}
