/* The typed front end: JS and native are one process, so native byte order; yet every offset is
 * checked, because a script can write anything into an ArrayBuffer. */
#include <math.h>

#include "contract/rules.h"

#define SLOT_SIZE 8
/* What the payload of a usual event takes at most: one growth check instead of one a field. */
#define USUAL_PAYLOAD 512

typedef struct area {
    const unsigned char *p;
    uint32_t heap_end;
} area;

static uint32_t load_u32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static double load_f64(const unsigned char *p)
{
    double v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static bool in_heap(const area *a, uint32_t at, uint32_t n)
{
    return at >= CANDOR_TYPED_HEAP_AT && at <= a->heap_end && n <= a->heap_end - at;
}

static bool load_string(const area *a, const unsigned char *slot, candor_value *v)
{
    uint32_t at = load_u32(slot), len = load_u32(slot + 4);
    uint32_t n = len & ~CANDOR_TYPED_CUT;
    if (!in_heap(a, at, n)) return false;
    v->type = CANDOR_VALUE_STRING;
    v->cut = (len & CANDOR_TYPED_CUT) != 0;
    v->str = candor_bytes_of((const char *)a->p + at, n);
    return true;
}

/* A slot as a value of kind k (of a list's element: its kind). False: an offset leaves the area. */
static inline bool load_value(const area *a, candor_kind k, const unsigned char *slot,
                              candor_value *v)
{
    switch (k) {
    case CANDOR_KIND_ID:
    case CANDOR_KIND_HASH:
    case CANDOR_KIND_TEXT:
    case CANDOR_KIND_STACK:
    case CANDOR_KIND_CONTENT:
    case CANDOR_KIND_ATTRS:
        return load_string(a, slot, v);
    case CANDOR_KIND_NANOS:
        v->type = CANDOR_VALUE_U64;
        v->u64 = (uint64_t)load_u32(slot) | (uint64_t)load_u32(slot + 4) << 32;
        return true;
    case CANDOR_KIND_ENUM:
        v->type = CANDOR_VALUE_INDEX;
        break;
    case CANDOR_KIND_BOOL:
        v->type = CANDOR_VALUE_BOOL;
        break;
    default:
        v->type = CANDOR_VALUE_NUMBER;
        break;
    }
    v->num = load_f64(slot);
    if (k == CANDOR_KIND_BOOL && isnan(v->num)) v->type = CANDOR_VALUE_BAD;
    return true;
}

static bool write_list(candor_rules *r, const area *a, const candor_field *f,
                       const unsigned char *slot)
{
    uint32_t at = load_u32(slot), count = load_u32(slot + 4);
    if (count > CANDOR_TYPED_SIZE / SLOT_SIZE || !in_heap(a, at, count * SLOT_SIZE)) return false;
    candor_rules_list_begin(r, f);
    for (uint32_t i = 0; i < count; i++) {
        candor_value v = {.type = CANDOR_VALUE_ABSENT};
        if (!load_value(a, f->of, a->p + at + (size_t)i * SLOT_SIZE, &v)) return false;
        candor_rules_list_item(r, f, &v);
    }
    candor_rules_list_end(r);
    return true;
}

static bool write_field(candor_rules *r, const area *a, const candor_field *f,
                        const unsigned char *slot)
{
    candor_value v = {.type = CANDOR_VALUE_ABSENT};
    if (f->kind == CANDOR_KIND_LIST) return write_list(r, a, f, slot);
    if (!load_value(a, f->kind, slot, &v)) return false;
    candor_rules_field(r, f, &v);
    return true;
}

candor_status candor_sanitise_typed(candor_sanitiser *s, const candor_event_def *def,
                                    const unsigned char *p, size_t area_size, candor_buf *out,
                                    candor_tally *tally)
{
    if (p == NULL || area_size < CANDOR_TYPED_HEAP_AT) return CANDOR_INVALID;
    area a = {.p = p, .heap_end = load_u32(p + 28)};
    if (a.heap_end < CANDOR_TYPED_HEAP_AT || a.heap_end > area_size) return CANDOR_INVALID;
    uint64_t present = (uint64_t)load_u32(p + 8) | (uint64_t)load_u32(p + 12) << 32;
    uint32_t refused = load_u32(p + 16);
    candor_rules r;
    (void)candor_buf_reserve(out, USUAL_PAYLOAD);
    candor_rules_begin(&r, s, out, tally);
    tally->n[CANDOR_ADJUST_BAD_TYPE] += refused < CANDOR_FIELDS_MAX ? refused : CANDOR_FIELDS_MAX;
    for (unsigned i = 0; i < def->n_fields && r.status == CANDOR_OK; i++) {
        const unsigned char *slot = p + CANDOR_TYPED_SLOTS_AT + (size_t)i * SLOT_SIZE;
        if ((present >> i & 1) != 0 && !write_field(&r, &a, &def->fields[i], slot))
            r.status = CANDOR_INVALID;
    }
    return candor_rules_end(&r);
}
