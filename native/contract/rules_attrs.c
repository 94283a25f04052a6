/* As for a payload, two passes: the first notes where the value of each known attribute stands, the
 * second writes those in the order of the table. */
#include "contract/rules_attrs.h"

#include "contract/sanitise_json.h"

typedef struct found {
    uint64_t present[CANDOR_ATTRIBUTES_MAX / 64];
    candor_json_token at[CANDOR_ATTRIBUTES_MAX]; /* a container's is its opening token */
    unsigned unknown;
} found;

static bool locate_members(const candor_attributes *table, candor_json *j, found *f)
{
    char local[CANDOR_KEY_MAX];
    candor_json_token key, value;
    while (candor_json_next(j, &key) == CANDOR_JSON_KEY) {
        const candor_field *attribute = candor_attribute(table, candor_key_text(&key, local));
        (void)candor_json_next(j, &value);
        if (!candor_json_skip(j, &value, NULL)) return false;
        if (attribute == NULL) {
            f->unknown++;
            continue;
        }
        size_t i = (size_t)(attribute - table->fields);
        f->at[i] = value;
        f->present[i / 64] |= UINT64_C(1) << i % 64;
    }
    return key.type == CANDOR_JSON_OBJECT_END && candor_json_next(j, &key) == CANDOR_JSON_END;
}

static bool locate(const candor_attributes *table, candor_bytes text, found *f)
{
    candor_json j;
    candor_json_token first;
    memset(f->present, 0, sizeof(f->present));
    f->unknown = 0;
    candor_json_init(&j, text, CANDOR_JSON_EVENT_DEPTH);
    return candor_json_next(&j, &first) == CANDOR_JSON_OBJECT && locate_members(table, &j, f);
}

static void write_members(candor_rules *r, const candor_field *f, const found *at)
{
    unsigned seen = 0;
    for (unsigned i = 0; i < f->attributes->n_fields && r->status == CANDOR_OK; i++) {
        const candor_field *attribute = &f->attributes->fields[i];
        const candor_json_token *t = &at->at[i];
        candor_value v;
        if ((at->present[i / 64] >> i % 64 & 1) == 0 || t->type == CANDOR_JSON_NULL) continue;
        if (seen++ >= f->max_items) {
            candor_tally_add(r->tally, CANDOR_ADJUST_LIST_CUT);
            continue;
        }
        r->status = candor_json_load_value(r->s, t, attribute->kind, &v);
        candor_rules_field(r, attribute, &v);
    }
}

void candor_rules_attrs(candor_rules *r, const candor_field *f, const candor_value *v)
{
    found at;
    if (v->type != CANDOR_VALUE_STRING || v->cut || !locate(f->attributes, v->str, &at)) {
        candor_tally_add(r->tally, CANDOR_ADJUST_BAD_TYPE);
        return;
    }
    r->tally->n[CANDOR_ADJUST_UNKNOWN_FIELD] += at.unknown;
    candor_rules_attrs_begin(r, f);
    write_members(r, f, &at);
    candor_rules_attrs_end(r);
}

bool candor_nanos_parse(candor_bytes digits, uint64_t *out)
{
    uint64_t n = 0;
    if (digits.n < 1 || digits.n > CANDOR_NANOS_TEXT) return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9') return false;
        uint64_t digit = (uint64_t)(digits.p[i] - '0');
        if (n > (UINT64_MAX - digit) / 10) return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

candor_bytes candor_nanos_format(uint64_t n, char text[CANDOR_NANOS_TEXT])
{
    char *p = text + CANDOR_NANOS_TEXT;
    do {
        *--p = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    return (candor_bytes){p, (size_t)(text + CANDOR_NANOS_TEXT - p)};
}
