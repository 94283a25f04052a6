/* The table "attributes" of a schema file: what the members of every attrs field may be. */
#include <stdlib.h>

#include "contract/schema_reader.h"

#define SLOT_EMPTY 0xffffu
#define BIT(k)     (1u << (k))

/* Flat, and nothing that must be looked at with its surroundings. */
static const unsigned kinds_taken =
    BIT(CANDOR_KIND_BOOL) | BIT(CANDOR_KIND_INT) | BIT(CANDOR_KIND_NUMBER) |
    BIT(CANDOR_KIND_DURATION) | BIT(CANDOR_KIND_ENUM) | BIT(CANDOR_KIND_ID) |
    BIT(CANDOR_KIND_BUCKET) | BIT(CANDOR_KIND_HASH) | BIT(CANDOR_KIND_TEXT);

typedef struct table_spec {
    candor_field fields[CANDOR_ATTRIBUTES_MAX];
    unsigned n;
} table_spec;

bool candor_schema_name_field(candor_reader *r, candor_bytes name, candor_field *f)
{
    char *key = candor_arena_get(r->arena, name.n + 3);
    if (key == NULL) return candor_reader_no_memory(r);
    key[0] = '"';
    memcpy(key + 1, name.p, name.n);
    memcpy(key + 1 + name.n, "\":", 2);
    f->name = name;
    f->key_json = (candor_bytes){key, name.n + 3};
    return true;
}

static bool read_attribute(candor_reader *r, candor_bytes name, const char *name_at, void *into)
{
    table_spec *t = into;
    candor_field *f = &t->fields[t->n];
    if (!candor_reader_is_name(name, ".", CANDOR_NAME_MAX))
        return candor_reader_fail(
            r, name_at,
            "an attribute name is a letter, then letters, digits, '_' or '.', at most %d",
            CANDOR_NAME_MAX);
    if (t->n == CANDOR_ATTRIBUTES_MAX)
        return candor_reader_fail(r, name_at, "a schema takes at most %d attributes",
                                  CANDOR_ATTRIBUTES_MAX);
    for (unsigned i = 0; i < t->n; i++)
        if (candor_bytes_eq(t->fields[i].name, name))
            return candor_reader_fail(r, name_at, "duplicate attribute \"%.*s\"", (int)name.n,
                                      name.p);
    if (!candor_schema_read_field(r, f)) return false;
    if ((kinds_taken & BIT(f->kind)) == 0)
        return candor_reader_fail(r, name_at, "an attribute cannot be of kind \"%s\"",
                                  candor_kind_name(f->kind));
    t->n++;
    return candor_schema_name_field(r, name, f);
}

/* At most half full, so that a search always meets an empty slot. */
static bool build(candor_reader *r, const table_spec *t, candor_attributes *out)
{
    unsigned size = 4;
    while (size < 2 * t->n)
        size *= 2;
    candor_field *fields = candor_arena_get(r->arena, t->n * sizeof(*fields));
    uint16_t *slots = candor_arena_get(r->arena, size * sizeof(*slots));
    if (fields == NULL || slots == NULL) return candor_reader_no_memory(r);
    if (t->n != 0) memcpy(fields, t->fields, t->n * sizeof(*fields));
    memset(slots, 0xff, size * sizeof(*slots));
    for (unsigned i = 0; i < t->n; i++) {
        unsigned at = candor_name_hash(fields[i].name) & (size - 1);
        while (slots[at] != SLOT_EMPTY)
            at = (at + 1) & (size - 1);
        slots[at] = (uint16_t)i;
    }
    *out = (candor_attributes){fields, t->n, slots, size - 1};
    return true;
}

bool candor_schema_read_attributes(candor_reader *r, candor_attributes *out)
{
    table_spec *t = calloc(1, sizeof(*t));
    if (t == NULL) return candor_reader_no_memory(r);
    bool ok = candor_reader_map(r, "\"attributes\"", read_attribute, t) && build(r, t, out);
    free(t);
    return ok;
}

const candor_field *candor_attribute(const candor_attributes *a, candor_bytes name)
{
    if (name.n == 0 || name.n > CANDOR_NAME_MAX || a->n_fields == 0) return NULL;
    for (unsigned at = candor_name_hash(name) & a->slot_mask; a->slots[at] != SLOT_EMPTY;
         at = (at + 1) & a->slot_mask) {
        const candor_field *f = &a->fields[a->slots[at]];
        if (candor_bytes_eq(f->name, name)) return f;
    }
    return NULL;
}
