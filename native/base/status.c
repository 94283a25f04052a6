#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_OF(id, text) [CANDOR_##id] = (text),
#define NAME_OF(id, text) [CANDOR_##id] = #id,

static const char *const texts[] = {CANDOR_STATUS_MAP(TEXT_OF)};
static const char *const names[] = {CANDOR_STATUS_MAP(NAME_OF)};

const char *candor_status_text(candor_status code)
{
    size_t i = (size_t)code;
    return i < sizeof(texts) / sizeof(texts[0]) ? texts[i] : "unknown status";
}

const char *candor_status_name(candor_status code)
{
    size_t i = (size_t)code;
    return i < sizeof(names) / sizeof(names[0]) ? names[i] : "UNKNOWN";
}

candor_status candor_fail(candor_err *err, candor_status code, int sys, const char *op,
                          const char *fmt, ...)
{
    va_list args;
    if (err == NULL) return code;
    err->code = code;
    err->sys = sys;
    err->op = op;
    err->text[0] = '\0';
    if (fmt != NULL) {
        va_start(args, fmt);
        if (vsnprintf(err->text, sizeof(err->text), fmt, args) < 0) err->text[0] = '\0';
        va_end(args);
    }
    return code;
}

void candor_err_describe(const candor_err *err, char *out, size_t cap)
{
    bool has_op, has_sys;
    if (cap == 0) return;
    out[0] = '\0';
    if (err == NULL) return;
    has_op = err->op != NULL && err->op[0] != '\0';
    has_sys = err->sys != 0;
    /* strerror is thread-safe where it matters here: glibc >= 2.32, musl, macOS and the UCRT keep
     * its buffer per thread; strerror_r has two incompatible forms. */
    (void)snprintf(out, cap, "%s%s%s%s%s%s", has_op ? err->op : "", has_op ? ": " : "",
                   err->text[0] != '\0' ? err->text : candor_status_text(err->code),
                   has_sys ? " (" : "", has_sys ? strerror(err->sys) : "", has_sys ? ")" : "");
}
