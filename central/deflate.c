#include "central/deflate.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#define FRAME 64    /* header and trailer of a member, with room to spare */
#define BLOCK 65535 /* of text that does not shrink, behind 5 bytes: RFC 1951, 3.2.4 */

struct candor_deflater {
    struct isal_zstream stream;
    unsigned char level[ISAL_DEF_LVL1_DEFAULT];
};

candor_status candor_deflater_new(candor_deflater **out)
{
    *out = malloc(sizeof **out);
    return *out != NULL ? CANDOR_OK : CANDOR_NOMEM;
}

void candor_deflater_free(candor_deflater *z)
{
    free(z);
}

candor_status candor_deflater_run(candor_deflater *z, candor_bytes text, candor_buf *out,
                                  candor_err *err)
{
    const size_t most = FRAME + text.n + (text.n / BLOCK + 1) * 5;
    struct isal_zstream *s = &z->stream;
    if (most > UINT32_MAX) return candor_fail(err, CANDOR_LIMIT, 0, "gzip", "the text is too long");
    if (!candor_buf_reserve(out, most)) return candor_fail(err, CANDOR_NOMEM, 0, "gzip", NULL);
    isal_deflate_stateless_init(s);
    s->level = 1;
    s->level_buf = z->level;
    s->level_buf_size = sizeof z->level;
    s->gzip_flag = IGZIP_GZIP;
    s->end_of_stream = 1;
    s->next_in = (unsigned char *)(uintptr_t)text.p; /* read only */
    s->avail_in = (uint32_t)text.n;
    s->next_out = (unsigned char *)out->p + out->n;
    s->avail_out = (uint32_t)most;
    if (isal_deflate_stateless(s) != COMP_OK)
        return candor_fail(err, CANDOR_INVALID, 0, "gzip", "igzip refused a text of %zu bytes",
                           text.n);
    out->n += s->total_out;
    return CANDOR_OK;
}
