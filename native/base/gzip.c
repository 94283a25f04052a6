#include "base/gzip.h"

#include <limits.h>
#include <zlib.h>

#define GZIP_ONLY  (MAX_WBITS + 16) /* zlib.h: 16 more selects the gzip wrapper and nothing else */
#define MEM_LEVEL  8                /* zlib's default */
#define CHUNK      ((size_t)16384)
#define OS_UNKNOWN 255 /* RFC 1952 section 2.3.1: same bytes on every system */

static uInt clamp_uint(size_t n)
{
    return n > UINT_MAX ? UINT_MAX : (uInt)n;
}

static candor_status zlib_fail(candor_err *err, int code, const char *op)
{
    return code == Z_MEM_ERROR ? candor_fail(err, CANDOR_NOMEM, 0, op, NULL)
                               : candor_fail(err, CANDOR_INVALID, 0, op, "zlib error %d", code);
}

/* Make room for up to `want` bytes, less where the buffer's own limit is nearer. 0: full. */
static size_t room(candor_buf *b, size_t want)
{
    size_t left = SIZE_MAX;
    if (b->failed) return 0;
    if (b->fixed) left = b->cap - b->n;
    if (b->max != 0) {
        size_t below_max = b->max > b->n ? b->max - b->n : 0;
        if (left > below_max) left = below_max;
    }
    if (want > left) want = left;
    if (want == 0) {
        b->failed = true;
        return 0;
    }
    if (!candor_buf_reserve(b, want)) return 0;
    return b->cap - b->n;
}

static candor_status no_room(const candor_buf *b, candor_err *err, const char *op)
{
    bool at_limit = b->fixed || (b->max != 0 && b->n >= b->max);
    return candor_fail(err, at_limit ? CANDOR_FULL : CANDOR_NOMEM, 0, op, NULL);
}

/* --- compress ----------------------------------------------------------------------------------
 */

static candor_status deflate_all(z_stream *z, candor_bytes in, candor_buf *out, candor_err *err)
{
    size_t want = deflateBound(z, in.n > ULONG_MAX ? ULONG_MAX : (uLong)in.n);
    size_t fed = 0;
    int code = Z_OK;
    while (code != Z_STREAM_END) {
        size_t space = room(out, want);
        size_t given;
        if (space == 0) return no_room(out, err, "gzip");
        if (z->avail_in == 0 && fed < in.n) {
            z->next_in = (Bytef *)in.p + fed;
            z->avail_in = clamp_uint(in.n - fed);
            fed += z->avail_in;
        }
        given = clamp_uint(space);
        z->next_out = (Bytef *)out->p + out->n;
        z->avail_out = (uInt)given;
        code = deflate(z, fed == in.n ? Z_FINISH : Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return zlib_fail(err, code, "gzip");
        out->n += given - z->avail_out;
        want = CHUNK;
    }
    return CANDOR_OK;
}

candor_status candor_gzip(candor_bytes in, int level, const char *comment, candor_buf *out,
                          candor_err *err)
{
    z_stream z = {0};
    gz_header head = {.os = OS_UNKNOWN, .comment = (Bytef *)comment};
    size_t before = out->n;
    candor_status st;
    int code;
    if (level < 1 || level > 9)
        return candor_fail(err, CANDOR_INVALID, 0, "gzip", "level %d is not 1..9", level);
    code = deflateInit2(&z, level, Z_DEFLATED, GZIP_ONLY, MEM_LEVEL, Z_DEFAULT_STRATEGY);
    if (code != Z_OK) return zlib_fail(err, code, "gzip");
    code = deflateSetHeader(&z, &head);
    st = code == Z_OK ? deflate_all(&z, in, out, err) : zlib_fail(err, code, "gzip");
    (void)deflateEnd(&z);
    if (st != CANDOR_OK) out->n = before;
    return st;
}

/* --- inflate -----------------------------------------------------------------------------------
 */

/* One inflate call into the buffer, or, when all allowed bytes are there, into a spare byte that
 * shows whether more would come. */
static candor_status inflate_step(z_stream *z, size_t limit, candor_buf *out, int *code,
                                  candor_err *err)
{
    Bytef spare;
    bool at_limit = out->n >= limit;
    size_t given = 1;
    if (at_limit) {
        z->next_out = &spare;
    } else {
        size_t space = room(out, limit - out->n < CHUNK ? limit - out->n : CHUNK);
        if (space == 0) return no_room(out, err, "gunzip");
        if (space > limit - out->n) space = limit - out->n;
        given = clamp_uint(space);
        z->next_out = (Bytef *)out->p + out->n;
    }
    z->avail_out = (uInt)given;
    *code = inflate(z, Z_NO_FLUSH);
    if (at_limit) {
        if (z->avail_out == 0)
            return candor_fail(err, CANDOR_LIMIT, 0, "gunzip", "inflates past the size limit");
    } else {
        out->n += given - z->avail_out;
    }
    return CANDOR_OK;
}

/* z is fresh. limit: the length out may reach. */
static candor_status inflate_all(z_stream *z, candor_bytes in, size_t limit, candor_buf *out,
                                 candor_err *err)
{
    size_t fed = 0;
    z->avail_in = 0;
    for (;;) {
        int code = Z_OK;
        candor_status st;
        if (z->avail_in == 0 && fed < in.n) {
            z->next_in = (Bytef *)in.p + fed;
            z->avail_in = clamp_uint(in.n - fed);
            fed += z->avail_in;
        }
        st = inflate_step(z, limit, out, &code, err);
        if (st != CANDOR_OK) return st;
        if (code == Z_STREAM_END) {
            if (z->avail_in == 0 && fed == in.n) return CANDOR_OK;
            code = inflateReset(z); /* the rest must be another member */
            if (code == Z_OK) continue;
        }
        if (code == Z_MEM_ERROR) return candor_fail(err, CANDOR_NOMEM, 0, "gunzip", NULL);
        if (code == Z_BUF_ERROR && z->avail_in == 0 && fed == in.n)
            return candor_fail(err, CANDOR_CORRUPT, 0, "gunzip", "ends in the middle");
        if (code != Z_OK && code != Z_BUF_ERROR)
            return candor_fail(err, CANDOR_CORRUPT, 0, "gunzip", "%s",
                               z->msg != NULL ? z->msg : "bad gzip data");
    }
}

/* The cap replaces out's own limit for the call, so that growth never passes it. */
static candor_status inflate_capped(z_stream *z, candor_bytes in, size_t max_out, candor_buf *out,
                                    candor_err *err)
{
    size_t before = out->n, max = out->max;
    size_t limit = max_out < SIZE_MAX - before ? before + max_out : SIZE_MAX;
    candor_status st;
    out->max = limit;
    st = inflate_all(z, in, limit, out, err);
    out->max = max;
    if (st != CANDOR_OK) out->n = before;
    return st;
}

candor_status candor_gunzip(candor_bytes in, size_t max_out, candor_buf *out, char *comment,
                            size_t comment_cap, candor_err *err)
{
    z_stream z = {0};
    gz_header head = {0};
    candor_status st;
    int code;
    bool wants = comment != NULL && comment_cap != 0;
    if (wants) comment[0] = '\0';
    code = inflateInit2(&z, GZIP_ONLY);
    if (code != Z_OK) return zlib_fail(err, code, "gunzip");
    if (wants) {
        head.comment = (Bytef *)comment;
        head.comm_max = clamp_uint(comment_cap);
        (void)inflateGetHeader(&z, &head); /* fails on an inconsistent state only */
    }
    st = inflate_capped(&z, in, max_out, out, err);
    (void)inflateEnd(&z);
    if (wants) {
        comment[comment_cap - 1] = '\0'; /* zlib cuts without a terminator */
        if (st != CANDOR_OK) comment[0] = '\0';
    }
    return st;
}
