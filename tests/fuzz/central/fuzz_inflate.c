/* The collector's gunzip on any bytes: the cap holds, failures leave nothing behind, what it
 * accepts is what zlib makes of the same bytes, and what was compressed comes back. */
#include <stdlib.h>

#include "base/gzip.h"
#include "central/inflate.h"

#define CAP ((size_t)65536)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

static void inflate(candor_inflater *z, candor_bytes in)
{
    candor_buf ours = {0}, zlibs = {0};
    candor_err err = {0};
    candor_status st = candor_inflater_run(z, in, CAP, &ours, &err);
    require(ours.n <= CAP && ours.cap <= CAP && !ours.failed);
    require(st == CANDOR_OK || (ours.n == 0 && err.code == st));
    /* They need not agree on odd headers (FHCRC, reserved flags): on content they must. */
    if (st == CANDOR_OK && candor_gunzip(in, CAP, &zlibs, NULL, 0, NULL) == CANDOR_OK)
        require(candor_bytes_eq(candor_buf_bytes(&ours), candor_buf_bytes(&zlibs)));
    candor_buf_free(&ours);
    candor_buf_free(&zlibs);
}

static void round_trip(candor_inflater *z, candor_bytes in)
{
    candor_buf packed = {0}, back = {0};
    require(candor_gzip(in, 1, NULL, &packed, NULL) == CANDOR_OK);
    require(candor_inflater_run(z, candor_buf_bytes(&packed), in.n, &back, NULL) == CANDOR_OK);
    require(candor_bytes_eq(in, candor_buf_bytes(&back)));
    candor_buf_free(&packed);
    candor_buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    candor_bytes in = candor_bytes_of((const char *)data, size);
    candor_inflater *z = NULL;
    require(candor_inflater_new(&z) == CANDOR_OK);
    inflate(z, in);
    round_trip(z, in);
    candor_inflater_free(z);
    return 0;
}
