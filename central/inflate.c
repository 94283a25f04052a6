#include "central/inflate.h"

#include <libdeflate.h>
#include <stdlib.h>

#define TRAILER   4 /* ISIZE, the last field of a member (RFC 1952 section 2.3.1) */
#define FIRST_MIN ((size_t)1024)
/* Event lines shrink to about a fourth; what claims to have shrunk further than this earns its
 * buffer by growing into it. */
#define TRUSTED_RATIO 16

struct candor_inflater {
    struct libdeflate_decompressor *tables;
};

candor_status candor_inflater_new(candor_inflater **out)
{
    candor_inflater *z = calloc(1, sizeof *z);
    *out = NULL;
    if (z == NULL) return CANDOR_NOMEM;
    z->tables = libdeflate_alloc_decompressor();
    if (z->tables == NULL) {
        free(z);
        return CANDOR_NOMEM;
    }
    *out = z;
    return CANDOR_OK;
}

void candor_inflater_free(candor_inflater *z)
{
    if (z == NULL) return;
    libdeflate_free_decompressor(z->tables);
    free(z);
}

/* How much room to start with. ISIZE is the sender's word, and that of the last member only: a
 * guess, bounded by what the input could reasonably hold. */
static size_t first_guess(candor_bytes in)
{
    size_t trusted = in.n <= SIZE_MAX / TRUSTED_RATIO ? in.n * TRUSTED_RATIO : SIZE_MAX, guess = 0;
    if (in.n >= TRAILER) guess = candor_get_u32(in.p + in.n - TRAILER);
    if (guess > trusted) guess = trusted;
    return guess > FIRST_MIN ? guess : FIRST_MIN;
}

/* Bytes of out that may be written now. */
static size_t space_in(const candor_buf *out)
{
    return (out->cap < out->max ? out->cap : out->max) - out->n;
}

/* More space, up to `want` bytes, as far as the cap allows. */
static candor_status make_room(candor_buf *out, size_t want, candor_err *err)
{
    size_t left = out->max - out->n;
    if (out->fixed) return candor_fail(err, CANDOR_FULL, 0, "gunzip", NULL);
    if (candor_buf_reserve(out, want < left ? want : left)) return CANDOR_OK;
    return candor_fail(err, CANDOR_NOMEM, 0, "gunzip", NULL);
}

/* The member at the start of in, behind what out holds; *used bytes of in are its own. A buffer
 * that proves too small is doubled and the member read again, which at worst doubles the work. */
static candor_status inflate_member(candor_inflater *z, candor_bytes in, candor_buf *out,
                                    size_t *used, candor_err *err)
{
    char none;
    for (;;) {
        size_t made = 0, space = space_in(out);
        candor_status st;
        enum libdeflate_result r = libdeflate_gzip_decompress_ex(
            z->tables, in.p, in.n, space != 0 ? out->p + out->n : &none, space, used, &made);
        if (r == LIBDEFLATE_SUCCESS) {
            out->n += made;
            return CANDOR_OK;
        }
        if (r != LIBDEFLATE_INSUFFICIENT_SPACE)
            return candor_fail(err, CANDOR_CORRUPT, 0, "gunzip", "bad or truncated gzip data");
        if (space == out->max - out->n)
            return candor_fail(err, CANDOR_LIMIT, 0, "gunzip", "inflates past the size limit");
        st = make_room(out, space < SIZE_MAX / 4 ? space * 2 + FIRST_MIN : SIZE_MAX, err);
        if (st != CANDOR_OK) return st;
    }
}

static candor_status inflate_all(candor_inflater *z, candor_bytes in, candor_buf *out,
                                 candor_err *err)
{
    candor_status st = out->fixed ? CANDOR_OK : make_room(out, first_guess(in), err);
    while (st == CANDOR_OK) {
        size_t used = 0;
        st = inflate_member(z, in, out, &used, err);
        if (st != CANDOR_OK || used == in.n) break;
        in = candor_bytes_of(in.p + used, in.n - used);
    }
    return st;
}

candor_status candor_inflater_run(candor_inflater *z, candor_bytes in, size_t max_out,
                                  candor_buf *out, candor_err *err)
{
    size_t before = out->n, max = out->max;
    bool failed = out->failed;
    candor_status st;
    /* The cap replaces out's own limit for the call, so that growth never passes it. */
    out->max = max_out < SIZE_MAX - before ? before + max_out : SIZE_MAX;
    st = inflate_all(z, in, out, err);
    out->max = max;
    if (st != CANDOR_OK) {
        out->n = before;
        out->failed = failed;
    }
    return st;
}
