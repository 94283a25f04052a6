#include "central/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "central/zone_rule.h"
#include "plat/plat.h"

#define ZONE_DIR   "/usr/share/zoneinfo"
#define FILE_MAX   65536 /* the largest of the database is below 4 KiB */
#define HEAD       44
#define OFFSET_MAX 93600 /* RFC 9636: at most 25:59:59 */

struct candor_zone {
    int64_t *at; /* moments of change, ascending */
    int32_t *to; /* the offset from then on */
    size_t n;
    int32_t first; /* before the first change */
    bool has_rule; /* after the last change */
    candor_zone_rule rule;
};

/* --- fixed offsets -------------------------------------------------------------------------- */

/* +HH:MM or -HH:MM */
static bool parse_fixed(const char *s, int32_t *out)
{
    int h, m;
    if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':') return false;
    if (strspn(s + 1, "0123456789") != 2 || strspn(s + 4, "0123456789") != 2) return false;
    h = (s[1] - '0') * 10 + s[2] - '0';
    m = (s[4] - '0') * 10 + s[5] - '0';
    if (h > 23 || m > 59) return false;
    *out = (s[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
    return true;
}

bool candor_zone_name_ok(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    size_t n = strlen(name);
    int32_t fixed;
    if (parse_fixed(name, &fixed)) return true;
    return n > 0 && n < CANDOR_ZONE_NAME && strspn(name, allowed) == n && name[0] != '/' &&
           name[n - 1] != '/' && strstr(name, "//") == NULL;
}

/* --- TZif ----------------------------------------------------------------------------------- */

typedef struct tzif_head {
    size_t utc, std, leap, times, types, chars;
} tzif_head;

static uint32_t be32(const char *p)
{
    const unsigned char *s = (const unsigned char *)p;
    return (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 | (uint32_t)s[2] << 8 | s[3];
}

static int64_t be64(const char *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool take_head(candor_bytes *in, tzif_head *h)
{
    if (in->n < HEAD || memcmp(in->p, "TZif", 4) != 0) return false;
    h->utc = be32(in->p + 20);
    h->std = be32(in->p + 24);
    h->leap = be32(in->p + 28);
    h->times = be32(in->p + 32);
    h->types = be32(in->p + 36);
    h->chars = be32(in->p + 40);
    *in = candor_bytes_of(in->p + HEAD, in->n - HEAD);
    return h->utc <= FILE_MAX && h->std <= FILE_MAX && h->leap <= FILE_MAX &&
           h->times <= FILE_MAX && h->types >= 1 && h->types <= 256 && h->chars <= FILE_MAX;
}

static size_t body_size(const tzif_head *h, size_t width)
{
    return h->times * (width + 1) + h->types * 6 + h->chars + h->leap * (width + 4) + h->std +
           h->utc;
}

static bool type_offset(const char *types, const tzif_head *h, size_t i, int32_t *out)
{
    if (i >= h->types) return false;
    *out = (int32_t)be32(types + i * 6);
    return *out > -OFFSET_MAX && *out < OFFSET_MAX;
}

static bool take_changes(candor_zone *z, const char *p, const tzif_head *h)
{
    const char *kinds = p + h->times * 8, *types = kinds + h->times;
    size_t i;
    if (!type_offset(types, h, 0, &z->first)) return false;
    z->n = h->times;
    if (z->n == 0) return true;
    z->at = calloc(z->n, sizeof *z->at);
    z->to = calloc(z->n, sizeof *z->to);
    if (z->at == NULL || z->to == NULL) return false;
    for (i = 0; i < z->n; i++) {
        z->at[i] = be64(p + i * 8);
        if (!type_offset(types, h, (unsigned char)kinds[i], &z->to[i]) ||
            (i != 0 && z->at[i] <= z->at[i - 1]))
            return false;
    }
    return true;
}

/* Version 2 and later: a block of 32-bit times to be passed over, one of 64-bit times, and the rule
 * for what comes after them between two line feeds. */
static bool parse(candor_zone *z, candor_bytes in)
{
    tzif_head h;
    char version = in.n >= HEAD ? in.p[4] : '\0';
    size_t n;
    const char *lf;
    if (version < '2' || !take_head(&in, &h) || (n = body_size(&h, 4)) > in.n) return false;
    in = candor_bytes_of(in.p + n, in.n - n);
    if (!take_head(&in, &h) || (n = body_size(&h, 8)) > in.n || !take_changes(z, in.p, &h))
        return false;
    in = candor_bytes_of(in.p + n, in.n - n);
    if (in.n < 2 || in.p[0] != '\n') return false;
    in = candor_bytes_of(in.p + 1, in.n - 1);
    lf = memchr(in.p, '\n', in.n);
    if (lf == NULL) return false;
    z->has_rule = lf != in.p;
    return !z->has_rule ||
           candor_zone_rule_parse(candor_bytes_of(in.p, (size_t)(lf - in.p)), &z->rule);
}

/* --- open ----------------------------------------------------------------------------------- */

static candor_status unknown(const char *name, candor_err *err)
{
    return candor_fail(err, CANDOR_INVALID, 0, "time zone",
                       "\"%.63s\" is no time zone that this collector knows; give a name such as "
                       "Europe/Berlin, an offset such as +05:30, or UTC",
                       name);
}

candor_status candor_zone_parse(candor_bytes text, candor_zone **out)
{
    candor_zone *z = calloc(1, sizeof *z);
    *out = NULL;
    if (z == NULL) return CANDOR_NOMEM;
    if (!parse(z, text)) {
        candor_zone_free(z);
        return CANDOR_INVALID;
    }
    *out = z;
    return CANDOR_OK;
}

static candor_status load(const char *name, candor_zone **out, candor_err *err)
{
    char path[sizeof ZONE_DIR + 1 + CANDOR_ZONE_NAME];
    candor_buf text = {0};
    candor_err ignored = {0};
    candor_status st;
    (void)snprintf(path, sizeof path, "%s/%s", ZONE_DIR, name);
    st = candor_file_read_all(path, FILE_MAX, &text, &ignored);
    if (st == CANDOR_OK) st = candor_zone_parse(candor_buf_bytes(&text), out);
    if (st == CANDOR_NOMEM)
        st = candor_fail(err, st, 0, "time zone", NULL);
    else if (st != CANDOR_OK)
        st = unknown(name, err);
    candor_buf_free(&text);
    return st;
}

candor_status candor_zone_open(const char *name, candor_zone **out, candor_err *err)
{
    int32_t fixed = 0;
    *out = NULL;
    if (!candor_zone_name_ok(name)) return unknown(name, err);
    if (strcmp(name, "UTC") != 0 && !parse_fixed(name, &fixed)) return load(name, out, err);
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "time zone", NULL);
    (*out)->first = fixed;
    return CANDOR_OK;
}

void candor_zone_free(candor_zone *z)
{
    if (z == NULL) return;
    free(z->at);
    free(z->to);
    free(z);
}

int32_t candor_zone_offset(const candor_zone *z, int64_t unix_s)
{
    size_t low = 0, high = z->n;
    if (z->has_rule && (z->n == 0 || unix_s >= z->at[z->n - 1]))
        return candor_zone_rule_offset(&z->rule, unix_s);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (z->at[mid] <= unix_s)
            low = mid + 1;
        else
            high = mid;
    }
    return low == 0 ? z->first : z->to[low - 1];
}
