#include "contract/rules.h"

#include <math.h>

#include "base/uuid.h"
#include "contract/rules_attrs.h"
#include "contract/rules_text.h"

/* Years 2000 to 2100: a clock outside is wrong, and the text form stays 24 bytes. */
#define TIME_MIN_MS 946684800000.0
#define TIME_END_MS 4133980800000.0

#define CANDOR_ADJUST_AS_NAME(id, text) text,
const char *candor_adjust_name(candor_adjust a)
{
    static const char *const names[] = {CANDOR_ADJUST_MAP(CANDOR_ADJUST_AS_NAME)};
    return (unsigned)a < CANDOR_ADJUST_COUNT ? names[a] : "unknown";
}

/* What one value other than text takes at most: an id, with its quotes; numbers, times, hashes and
 * enum values are shorter. Behind it, what a key takes: a comma, two quotes, a colon. One check of
 * the room left for both, instead of one a piece. */
#define VALUE_ROOM (CANDOR_ID_MAX + 2)
#define FIELD_ROOM (VALUE_ROOM + CANDOR_NAME_MAX + 4)
_Static_assert(VALUE_ROOM >= CANDOR_JSON_NUMBER_MAX && VALUE_ROOM >= CANDOR_HASH_TEXT + 2,
               "VALUE_ROOM holds the value of every kind but text");

/* The rules below write a value's text to memory of VALUE_ROOM bytes and give its end, or write
 * nothing, tally, and give NULL. */
static char *refuse(candor_rules *r, candor_adjust why)
{
    candor_tally_add(r->tally, why);
    return NULL;
}

static inline char *write_quoted(char *to, candor_bytes plain)
{
    *to++ = '"';
    to = candor_bytes_copy(to, plain);
    *to++ = '"';
    return to;
}

static double clamp(candor_rules *r, const candor_field *f, double v)
{
    if (v >= f->min && v <= f->max) return v;
    candor_tally_add(r->tally, CANDOR_ADJUST_CLAMPED);
    return v < f->min ? f->min : f->max;
}

/* round() of C, which mingw's is not: it adds a half first, and the largest double below a half
 * becomes 1. All ends have to agree. */
static double nearest(double v)
{
    double whole = trunc(v);
    return fabs(v - whole) >= 0.5 ? whole + copysign(1.0, v) : whole;
}

static char *write_int(candor_rules *r, const candor_field *f, const candor_value *v, char *to)
{
    if (v->type != CANDOR_VALUE_NUMBER || isnan(v->num)) return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    double n = v->num;
    /* Most integers arrive as such: rounding is a call, the comparison is not. */
    if (!(n >= -CANDOR_INT_MAX && n <= CANDOR_INT_MAX) || n != (double)(int64_t)n) n = nearest(n);
    return candor_json_write_i64(to, (int64_t)clamp(r, f, n));
}

/* Values within the range cannot leave it by rounding, since its ends have no more decimals than
 * are written; only values outside may come back. */
static char *write_number(candor_rules *r, const candor_field *f, const candor_value *v, char *to)
{
    static const double scales[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    if (v->type != CANDOR_VALUE_NUMBER || isnan(v->num)) return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    double n = v->num;
    if (n < f->min || n > f->max) {
        double scale = scales[f->decimals];
        n = clamp(r, f, nearest(n * scale) / scale);
    }
    return candor_json_write_fixed(to, n, f->decimals);
}

static char *write_bool(candor_rules *r, const candor_value *v, char *to)
{
    if (v->type != CANDOR_VALUE_BOOL) return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    return candor_bytes_copy(to, v->num != 0 ? CANDOR_LIT("true") : CANDOR_LIT("false"));
}

static char *write_time(candor_rules *r, const candor_value *v, char *to)
{
    double ms = v->num;
    if (v->type == CANDOR_VALUE_STRING) {
        int64_t parsed;
        if (!candor_time_parse(v->str, &parsed)) return refuse(r, CANDOR_ADJUST_BAD_TYPE);
        ms = (double)parsed;
    } else if (v->type != CANDOR_VALUE_NUMBER || isnan(ms)) {
        return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    }
    if (!(ms >= TIME_MIN_MS && ms < TIME_END_MS)) return refuse(r, CANDOR_ADJUST_BAD_VALUE);
    char text[CANDOR_TIME_TEXT];
    candor_time_format((int64_t)ms, text);
    return write_quoted(to, candor_bytes_of(text, sizeof(text)));
}

static int find_value(const candor_field *f, const candor_value *v)
{
    if (v->type == CANDOR_VALUE_INDEX) {
        bool known = v->num >= 0 && v->num < (double)f->n_values;
        return known ? (int)v->num : -1;
    }
    for (unsigned i = 0; i < f->n_values; i++)
        if (candor_bytes_eq(f->values[i], v->str)) return (int)i;
    return -1;
}

static char *write_enum(candor_rules *r, const candor_field *f, const candor_value *v, char *to)
{
    if (v->type != CANDOR_VALUE_STRING && v->type != CANDOR_VALUE_INDEX)
        return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    int i = find_value(f, v);
    if (i < 0 && f->other < 0) return refuse(r, CANDOR_ADJUST_BAD_VALUE);
    if (i < 0) {
        candor_tally_add(r->tally, CANDOR_ADJUST_ENUM_OTHER);
        i = f->other;
    }
    return write_quoted(to, f->values[i]);
}

static char *write_id(candor_rules *r, const candor_field *f, const candor_value *v, char *to)
{
    if (v->type != CANDOR_VALUE_STRING) return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    bool ok = r->s->redact_off ? v->str.n >= 1 && v->str.n <= f->max_length && !v->cut &&
                                     candor_id_charset_ok(v->str)
                               : !v->cut && candor_id_known_ok(&r->s->ids, v->str, f->max_length);
    if (!ok) return refuse(r, CANDOR_ADJUST_BAD_VALUE);
    return write_quoted(to, v->str);
}

static char *write_bucket(candor_rules *r, const candor_field *f, const candor_value *v, char *to)
{
    if (v->type != CANDOR_VALUE_NUMBER || isnan(v->num)) return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    unsigned i = f->n_bounds;
    while (i > 0 && f->bounds[i - 1] > v->num)
        i--;
    if (i == 0) {
        candor_tally_add(r->tally, CANDOR_ADJUST_CLAMPED);
        i = 1;
    }
    return candor_json_write_fixed(to, f->bounds[i - 1], 6);
}

static char *write_hash_of(candor_rules *r, candor_bytes in, char *to)
{
    char text[CANDOR_HASH_TEXT];
    candor_status st =
        r->s->hash_key == NULL ? CANDOR_INVALID : candor_hmac_text(r->s->hash_key, in, text);
    if (st != CANDOR_OK) {
        r->status = st;
        return NULL;
    }
    return write_quoted(to, candor_bytes_of(text, sizeof(text)));
}

/* 42 and "42" hash alike: a caller who writes an id as a number means the same id. */
static char *write_hash_of_number(candor_rules *r, double n, char *to)
{
    char text[CANDOR_JSON_NUMBER_MAX];
    if (!(fabs(n) <= CANDOR_INT_MAX)) return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    bool whole = n == floor(n) || fabs(n) > CANDOR_NUMBER_MAX;
    char *end =
        whole ? candor_json_write_i64(text, (int64_t)n) : candor_json_write_fixed(text, n, 6);
    return write_hash_of(r, candor_bytes_of(text, (size_t)(end - text)), to);
}

static char *write_hash(candor_rules *r, const candor_value *v, char *to)
{
    if (v->type == CANDOR_VALUE_NUMBER) return write_hash_of_number(r, v->num, to);
    if (v->type != CANDOR_VALUE_STRING) return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    candor_bytes in = v->str;
    if (r->s->mode == CANDOR_AT_COLLECTOR && in.n == CANDOR_HASH_TEXT && candor_is_hex(in))
        return write_quoted(to, in);
    in.n = candor_utf8_prefix(in, CANDOR_HASH_INPUT_MAX);
    if (v->cut || in.n < v->str.n) candor_tally_add(r->tally, CANDOR_ADJUST_TRUNCATED);
    return write_hash_of(r, in, to);
}

static char *write_nanos(candor_rules *r, const candor_value *v, char *to)
{
    char text[CANDOR_NANOS_TEXT];
    uint64_t n = v->u64;
    if (v->type == CANDOR_VALUE_STRING ? !candor_nanos_parse(v->str, &n)
                                       : v->type != CANDOR_VALUE_U64)
        return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    return write_quoted(to, candor_nanos_format(n, text));
}

/* Every kind but TEXT, STACK and ATTRS. */
static char *write_short(candor_rules *r, const candor_field *f, const candor_value *v, char *to)
{
    switch (f->of) {
    case CANDOR_KIND_INT:
        return write_int(r, f, v, to);
    case CANDOR_KIND_NUMBER:
    case CANDOR_KIND_DURATION:
        return write_number(r, f, v, to);
    case CANDOR_KIND_BOOL:
        return write_bool(r, v, to);
    case CANDOR_KIND_TIME:
        return write_time(r, v, to);
    case CANDOR_KIND_ENUM:
        return write_enum(r, f, v, to);
    case CANDOR_KIND_ID:
        return write_id(r, f, v, to);
    case CANDOR_KIND_BUCKET:
        return write_bucket(r, f, v, to);
    case CANDOR_KIND_HASH:
        return write_hash(r, v, to);
    case CANDOR_KIND_CONTENT:
        return r->s->content_apart ? NULL : refuse(r, CANDOR_ADJUST_CONTENT_WITHHELD);
    case CANDOR_KIND_NANOS:
        return write_nanos(r, v, to);
    default:
        return refuse(r, CANDOR_ADJUST_BAD_TYPE);
    }
}

static bool is_text(candor_kind k)
{
    return k == CANDOR_KIND_TEXT || k == CANDOR_KIND_STACK;
}

/* Key (of a list's element: none) and value, or nothing. Written in place where the buffer has room
 * for the worst case, and through local memory where it may not. */
static void put_short(candor_rules *r, candor_bytes key, const candor_field *f,
                      const candor_value *v)
{
    char local[FIELD_ROOM];
    candor_buf *out = r->out;
    bool in_place = !out->failed && out->cap - out->n >= FIELD_ROOM;
    char *from = in_place ? out->p + out->n : local, *to = from;
    if (!r->first) *to++ = ',';
    to = write_short(r, f, v, candor_bytes_copy(to, key));
    if (to == NULL) return;
    r->first = false;
    if (in_place)
        out->n += (size_t)(to - from);
    else
        candor_buf_put(out, local, (size_t)(to - from));
}

static void put_text(candor_rules *r, candor_bytes key, const candor_field *f,
                     const candor_value *v)
{
    candor_bytes text;
    if (v->type != CANDOR_VALUE_STRING) {
        candor_tally_add(r->tally, CANDOR_ADJUST_BAD_TYPE);
        return;
    }
    candor_status st = candor_rules_clean_text(r->s, f, v, r->tally, &text);
    if (st != CANDOR_OK) {
        r->status = st;
        return;
    }
    if (!r->first) candor_buf_put_c(r->out, ',');
    candor_buf_put_bytes(r->out, key);
    candor_json_put_string(r->out, text);
    r->first = false;
}

/* Checked after each value: what a hostile payload can make out grow to is the limit plus one
 * value. */
static void check_size(candor_rules *r)
{
    if (r->out->failed)
        r->status = CANDOR_NOMEM;
    else if (r->out->n - r->start >= CANDOR_PAYLOAD_MAX)
        r->status = CANDOR_LIMIT;
}

/* By the kind of the value itself: of a list, that of its elements. */
static void put_value(candor_rules *r, candor_bytes key, const candor_field *f,
                      const candor_value *v)
{
    if (is_text(f->of))
        put_text(r, key, f, v);
    else
        put_short(r, key, f, v);
    check_size(r);
}

void candor_rules_begin(candor_rules *r, candor_sanitiser *s, candor_buf *out, candor_tally *tally)
{
    *r = (candor_rules){.s = s, .out = out, .tally = tally, .start = out->n, .first = true};
    candor_buf_put_c(out, '{');
}

static void put_key(candor_rules *r, const candor_field *f)
{
    if (!r->first) candor_buf_put_c(r->out, ',');
    candor_buf_put_bytes(r->out, f->key_json);
}

static void open_nested(candor_rules *r, const candor_field *f, char bracket)
{
    put_key(r, f);
    candor_buf_put_c(r->out, bracket);
    r->first = true;
}

static void close_nested(candor_rules *r, char bracket)
{
    if (r->status != CANDOR_OK) return;
    candor_buf_put_c(r->out, bracket);
    r->first = false;
    check_size(r);
}

static void put_list(candor_rules *r, const candor_field *f, const candor_value *v)
{
    candor_rules_list_begin(r, f);
    for (unsigned i = 0; i < v->n_items; i++)
        candor_rules_list_item(r, f, &v->items[i]);
    candor_rules_list_end(r);
}

void candor_rules_field(candor_rules *r, const candor_field *f, const candor_value *v)
{
    if (v->type == CANDOR_VALUE_ABSENT || r->status != CANDOR_OK) return;
    if (f->kind == CANDOR_KIND_LIST) {
        if (v->type == CANDOR_VALUE_LIST)
            put_list(r, f, v);
        else
            candor_tally_add(r->tally, CANDOR_ADJUST_BAD_TYPE);
        return;
    }
    if (f->kind == CANDOR_KIND_ATTRS)
        candor_rules_attrs(r, f, v);
    else
        put_value(r, f->key_json, f, v);
}

void candor_rules_list_begin(candor_rules *r, const candor_field *f)
{
    if (r->status != CANDOR_OK) return;
    open_nested(r, f, '[');
    r->list_seen = 0;
}

bool candor_rules_list_full(const candor_rules *r, const candor_field *f)
{
    return r->list_seen >= f->max_items;
}

void candor_rules_list_item(candor_rules *r, const candor_field *f, const candor_value *v)
{
    if (r->status != CANDOR_OK) return;
    if (candor_rules_list_full(r, f)) {
        candor_tally_add(r->tally, CANDOR_ADJUST_LIST_CUT);
        return;
    }
    r->list_seen++;
    if (v->type == CANDOR_VALUE_ABSENT) return;
    put_value(r, (candor_bytes){NULL, 0}, f, v);
}

void candor_rules_list_end(candor_rules *r)
{
    close_nested(r, ']');
}

void candor_rules_attrs_begin(candor_rules *r, const candor_field *f)
{
    if (r->status == CANDOR_OK) open_nested(r, f, '{');
}

void candor_rules_attrs_end(candor_rules *r)
{
    close_nested(r, '}');
}

candor_status candor_rules_end(candor_rules *r)
{
    candor_buf_put_c(r->out, '}');
    if (r->status == CANDOR_OK && r->out->failed) r->status = CANDOR_NOMEM;
    if (r->status != CANDOR_OK) r->out->n = r->start;
    return r->status;
}
