/* What the hash is over, and what a typed front end is told. */
#include <stdlib.h>

#include "base/json.h"
#include "contract/schema_rollup.h"
#include "contract/schema_table.h"

static void put_key(candor_buf *b, char first, const char *key)
{
    candor_buf_put_c(b, first);
    candor_json_put_string(b, candor_bytes_str(key));
    candor_buf_put_c(b, ':');
}

static void put_text(candor_buf *b, char first, const char *key, candor_bytes value)
{
    put_key(b, first, key);
    candor_json_put_string(b, value);
}

static void put_integer(candor_buf *b, char first, const char *key, int64_t value)
{
    put_key(b, first, key);
    candor_json_put_i64(b, value);
}

static void put_fixed(candor_buf *b, char first, const char *key, double value)
{
    put_key(b, first, key);
    candor_json_put_fixed(b, value, 6);
}

static void put_values(candor_buf *b, char first, const candor_field *f)
{
    put_key(b, first, "values");
    candor_buf_put_c(b, '[');
    for (unsigned i = 0; i < f->n_values; i++) {
        if (i > 0) candor_buf_put_c(b, ',');
        candor_json_put_string(b, f->values[i]);
    }
    candor_buf_put_c(b, ']');
}

static void put_bounds(candor_buf *b, const candor_field *f)
{
    put_key(b, '{', "bounds");
    candor_buf_put_c(b, '[');
    for (unsigned i = 0; i < f->n_bounds; i++) {
        if (i > 0) candor_buf_put_c(b, ',');
        candor_json_put_fixed(b, f->bounds[i], 6);
    }
    candor_buf_put_c(b, ']');
}

static void put_kind(candor_buf *b, char first, candor_kind k)
{
    put_text(b, first, "kind", candor_bytes_str(candor_kind_name(k)));
}

static void put_range(candor_buf *b, const candor_field *f)
{
    bool integer = f->of == CANDOR_KIND_INT;
    if (!integer) put_integer(b, '{', "decimals", f->decimals);
    put_kind(b, integer ? '{' : ',', f->of);
    if (integer) {
        put_integer(b, ',', "max", (int64_t)f->max);
        put_integer(b, ',', "min", (int64_t)f->min);
    } else {
        put_fixed(b, ',', "max", f->max);
        put_fixed(b, ',', "min", f->min);
    }
    /* A unit is documentation, except that a duration's says what its number is. */
    if (f->of == CANDOR_KIND_DURATION) put_text(b, ',', "unit", f->unit);
}

/* The value's own kind; of a list, that of its elements. Keys in byte order. */
static void put_element(candor_buf *b, const candor_field *f)
{
    switch (f->of) {
    case CANDOR_KIND_INT:
    case CANDOR_KIND_NUMBER:
    case CANDOR_KIND_DURATION:
        put_range(b, f);
        break;
    case CANDOR_KIND_ENUM:
        put_kind(b, '{', f->of);
        if (f->other >= 0) put_text(b, ',', "other", f->values[f->other]);
        put_values(b, ',', f);
        break;
    case CANDOR_KIND_BUCKET:
        put_bounds(b, f);
        put_kind(b, ',', f->of);
        break;
    case CANDOR_KIND_ID:
    case CANDOR_KIND_TEXT:
    case CANDOR_KIND_STACK:
        put_kind(b, '{', f->of);
        put_integer(b, ',', "maxLength", f->max_length);
        break;
    case CANDOR_KIND_CONTENT:
        put_kind(b, '{', f->of);
        put_integer(b, ',', "maxBytes", f->max_length);
        break;
    case CANDOR_KIND_ATTRS:
        put_kind(b, '{', f->of);
        put_integer(b, ',', "maxItems", f->max_items);
        break;
    default:
        put_kind(b, '{', f->of);
        break;
    }
    candor_buf_put_c(b, '}');
}

static void put_field(candor_buf *b, const candor_field *f)
{
    if (f->kind != CANDOR_KIND_LIST) {
        put_element(b, f);
        return;
    }
    put_kind(b, '{', f->kind);
    put_integer(b, ',', "max", f->max_items);
    put_key(b, ',', "of");
    put_element(b, f);
    candor_buf_put_c(b, '}');
}

static int compare_bytes(candor_bytes a, candor_bytes b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static int compare_fields(const void *a, const void *b)
{
    const candor_field *const *x = a, *const *y = b;
    return compare_bytes((*x)->name, (*y)->name);
}

static int compare_events(const void *a, const void *b)
{
    const candor_event_def *const *x = a, *const *y = b;
    return compare_bytes((*x)->name, (*y)->name);
}

static void put_fields(candor_buf *b, char first, const char *key, const candor_field *fields,
                       unsigned n)
{
    const candor_field *sorted[CANDOR_ATTRIBUTES_MAX];
    for (unsigned i = 0; i < n; i++)
        sorted[i] = &fields[i];
    if (n > 1) qsort(sorted, n, sizeof(sorted[0]), compare_fields);
    put_key(b, first, key);
    candor_buf_put_c(b, '{');
    for (unsigned i = 0; i < n; i++) {
        if (i > 0) candor_buf_put_c(b, ',');
        candor_buf_put_bytes(b, sorted[i]->key_json);
        put_field(b, sorted[i]);
    }
    candor_buf_put_c(b, '}');
}

static void put_event(candor_buf *b, const candor_schema *s, const candor_event_def *e)
{
    candor_json_put_string(b, e->name);
    candor_buf_put_c(b, ':');
    put_text(b, '{', "category", e->category);
    put_text(b, ',', "expires", e->expires);
    put_fields(b, ',', "fields", e->fields, e->n_fields);
    put_text(b, ',', "governance_id", e->governance_id);
    put_text(b, ',', "level", candor_bytes_str(candor_level_name(e->level)));
    candor_schema_put_rollup(b, s, e);
    put_fixed(b, ',', "sample", e->sample);
    candor_buf_put_c(b, '}');
}

candor_status candor_schema_canonical(const candor_schema *s, candor_buf *out)
{
    const candor_event_def *sorted[CANDOR_SCHEMA_EVENTS_MAX];
    for (unsigned i = 0; i < s->n_events; i++)
        sorted[i] = &s->events[i];
    if (s->n_events > 1) qsort(sorted, s->n_events, sizeof(sorted[0]), compare_events);
    bool attributes = s->attributes.n_fields != 0;
    if (attributes)
        put_fields(out, '{', "attributes", s->attributes.fields, s->attributes.n_fields);
    put_key(out, attributes ? ',' : '{', "events");
    candor_buf_put_c(out, '{');
    for (unsigned i = 0; i < s->n_events; i++) {
        if (i > 0) candor_buf_put_c(out, ',');
        put_event(out, s, sorted[i]);
    }
    candor_buf_put_c(out, '}');
    put_text(out, ',', "governance_id", s->governance_id);
    put_integer(out, ',', "notice", s->notice);
    put_text(out, ',', "schema", s->name);
    put_integer(out, ',', "version", s->version);
    candor_buf_put_c(out, '}');
    return out->failed ? CANDOR_NOMEM : CANDOR_OK;
}

static void describe_field(candor_buf *b, const candor_field *f)
{
    put_text(b, '{', "name", f->name);
    put_kind(b, ',', f->kind);
    if (f->kind == CANDOR_KIND_LIST)
        put_text(b, ',', "of", candor_bytes_str(candor_kind_name(f->of)));
    if (f->n_values != 0) put_values(b, ',', f);
    if (f->max_length != 0) put_integer(b, ',', "maxLength", f->max_length);
    if (f->max_items != 0) put_integer(b, ',', "maxItems", f->max_items);
    candor_buf_put_c(b, '}');
}

static void describe_fields(candor_buf *b, const char *key, const candor_field *fields, unsigned n)
{
    put_key(b, ',', key);
    candor_buf_put_c(b, '[');
    for (unsigned i = 0; i < n; i++) {
        if (i > 0) candor_buf_put_c(b, ',');
        describe_field(b, &fields[i]);
    }
    candor_buf_put_c(b, ']');
}

static void describe_event(candor_buf *b, const candor_schema *s, const candor_event_def *e)
{
    put_text(b, '{', "name", e->name);
    put_text(b, ',', "category", e->category);
    put_text(b, ',', "level", candor_bytes_str(candor_level_name(e->level)));
    if (e->rollup != NULL) put_text(b, ',', "rollup", candor_schema_at(s, e->rollup->into)->name);
    describe_fields(b, "fields", e->fields, e->n_fields);
    candor_buf_put_c(b, '}');
}

candor_status candor_schema_describe(const candor_schema *s, candor_buf *out)
{
    put_text(out, '{', "name", s->name);
    put_integer(out, ',', "version", s->version);
    put_integer(out, ',', "notice", s->notice);
    put_text(out, ',', "hash", candor_bytes_str(s->hash));
    if (s->attributes.n_fields != 0)
        describe_fields(out, "attributes", s->attributes.fields, s->attributes.n_fields);
    put_key(out, ',', "events");
    candor_buf_put_c(out, '[');
    for (unsigned i = 0; i < s->n_events; i++) {
        if (i > 0) candor_buf_put_c(out, ',');
        describe_event(out, s, &s->events[i]);
    }
    candor_buf_put(out, "]}", 2);
    return out->failed ? CANDOR_NOMEM : CANDOR_OK;
}
