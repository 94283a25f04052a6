/* Promises of contract/redact.h, for any bytes: the look and the rewrite agree, the result is UTF-8
 * without controls, nothing is found in it again, and a reduced stack stays as it is.
 * A dictionary helps: -dict=tests/fuzz/redact.dict */
#include <stdlib.h>

#include "base/json.h"
#include "contract/redact.h"

static void require(bool held)
{
    if (!held) abort();
}

static void require_clean(candor_bytes s)
{
    if (s.n == 0) return;
    for (const char *p = s.p, *end = s.p + s.n; p < end;) {
        unsigned n = candor_utf8_len(p, end);
        require(n != 0);
        require((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t');
        p += n;
    }
}

static void check_text(candor_bytes text)
{
    candor_buf once = {0}, twice = {0};
    unsigned found = candor_redact(text, &once);
    require(found == candor_redact_scan(text));
    candor_bytes out = candor_buf_bytes(&once);
    require_clean(out);
    require(candor_redact(out, &twice) == 0);
    require(candor_bytes_eq(out, candor_buf_bytes(&twice)));
    candor_buf_free(&once);
    candor_buf_free(&twice);
}

static void check_stack(candor_bytes text)
{
    candor_buf once = {0}, twice = {0};
    (void)candor_redact_stack(text, &once);
    candor_bytes out = candor_buf_bytes(&once);
    require_clean(out);
    require(candor_redact_stack(out, &twice) == 0);
    require(candor_bytes_eq(out, candor_buf_bytes(&twice)));
    candor_buf_free(&once);
    candor_buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    candor_bytes text = {(const char *)data, size};
    check_text(text);
    check_stack(text);
    return 0;
}
