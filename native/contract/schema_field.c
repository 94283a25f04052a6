/* One field of a schema file: its kind, and the members that kind takes. */
#include <math.h>

#include "contract/schema_reader.h"

#define NOTE_MAX  512
#define VALUE_MAX 64
#define ENUM_NONE (-1)

typedef enum member_id {
    M_KIND,
    M_MIN,
    M_MAX,
    M_UNIT,
    M_DECIMALS,
    M_VALUES,
    M_OTHER,
    M_MAX_LENGTH,
    M_MAX_BYTES,
    M_BOUNDS,
    M_OF,
    M_MAX_ITEMS,
    M_NOTE,
    M_COUNT
} member_id;
#define BIT(m) (1u << (m))

static const unsigned members_of_kind[CANDOR_KIND_COUNT] = {
    [CANDOR_KIND_INT] = BIT(M_MIN) | BIT(M_MAX) | BIT(M_UNIT),
    [CANDOR_KIND_NUMBER] = BIT(M_MIN) | BIT(M_MAX) | BIT(M_UNIT) | BIT(M_DECIMALS),
    [CANDOR_KIND_DURATION] = BIT(M_UNIT) | BIT(M_DECIMALS),
    [CANDOR_KIND_ENUM] = BIT(M_VALUES) | BIT(M_OTHER),
    [CANDOR_KIND_ID] = BIT(M_MAX_LENGTH),
    [CANDOR_KIND_BUCKET] = BIT(M_BOUNDS) | BIT(M_UNIT),
    [CANDOR_KIND_TEXT] = BIT(M_MAX_LENGTH),
    [CANDOR_KIND_STACK] = BIT(M_MAX_LENGTH),
    [CANDOR_KIND_CONTENT] = BIT(M_MAX_BYTES),
    [CANDOR_KIND_LIST] = BIT(M_OF) | BIT(M_MAX),
    [CANDOR_KIND_ATTRS] = BIT(M_MAX_ITEMS),
};

#define CANDOR_KIND_AS_WORD(id, text) text,
static const char *const kind_words[] = {CANDOR_KIND_MAP(CANDOR_KIND_AS_WORD)};

const char *candor_kind_name(candor_kind k)
{
    return (unsigned)k < CANDOR_KIND_COUNT ? kind_words[k] : "unknown";
}

/* A field as written, before its kind says what applies. */
typedef struct field_spec {
    candor_kind kind;
    double min, max, decimals, max_length, max_bytes, max_items;
    candor_bytes unit, note, other;
    const char *other_at;
    candor_bytes values[CANDOR_ENUM_VALUES_MAX];
    unsigned n_values;
    double bounds[CANDOR_BUCKETS_MAX];
    unsigned n_bounds;
    candor_field of;
} field_spec;

static bool read_kind(candor_reader *r, void *into)
{
    unsigned k;
    if (!candor_reader_word(r, "kind", kind_words, CANDOR_KIND_COUNT, &k)) return false;
    ((field_spec *)into)->kind = (candor_kind)k;
    return true;
}

static bool read_min(candor_reader *r, void *into)
{
    return candor_reader_number(r, "\"min\"", -CANDOR_INT_MAX, CANDOR_INT_MAX,
                                &((field_spec *)into)->min);
}

static bool read_max(candor_reader *r, void *into)
{
    return candor_reader_number(r, "\"max\"", -CANDOR_INT_MAX, CANDOR_INT_MAX,
                                &((field_spec *)into)->max);
}

static bool read_unit(candor_reader *r, void *into)
{
    return candor_reader_text(r, "\"unit\"", CANDOR_NAME_MAX, &((field_spec *)into)->unit);
}

static bool read_decimals(candor_reader *r, void *into)
{
    return candor_reader_integer(r, "\"decimals\"", 0, 6, &((field_spec *)into)->decimals);
}

/* Values are written into payloads as they stand, so they need no escape: printable ASCII without
 * the quote and the backslash. */
static bool value_ok(candor_bytes s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') return false;
    }
    return true;
}

static bool read_value_text(candor_reader *r, const char *what, candor_bytes *out)
{
    if (!candor_reader_text(r, what, VALUE_MAX, out)) return false;
    if (value_ok(*out)) return true;
    return candor_reader_fail(r, candor_reader_at(r),
                              "%s must be printable ASCII without quote and backslash", what);
}

static int find_value(const field_spec *f, candor_bytes value)
{
    for (unsigned i = 0; i < f->n_values; i++)
        if (candor_bytes_eq(f->values[i], value)) return (int)i;
    return ENUM_NONE;
}

static bool read_value(candor_reader *r, void *into)
{
    field_spec *f = into;
    candor_bytes value;
    if (!read_value_text(r, "an enum value", &value)) return false;
    if (find_value(f, value) != ENUM_NONE)
        return candor_reader_fail(r, candor_reader_at(r), "duplicate enum value \"%.*s\"",
                                  (int)value.n, value.p);
    if (f->n_values == CANDOR_ENUM_VALUES_MAX)
        return candor_reader_fail(r, candor_reader_at(r), "an enum takes at most %d values",
                                  CANDOR_ENUM_VALUES_MAX);
    f->values[f->n_values++] = value;
    return true;
}

static bool read_values(candor_reader *r, void *into)
{
    return candor_reader_array(r, "\"values\"", read_value, into);
}

static bool read_other(candor_reader *r, void *into)
{
    return read_value_text(r, "\"other\"", &((field_spec *)into)->other);
}

static bool read_max_length(candor_reader *r, void *into)
{
    return candor_reader_integer(r, "\"maxLength\"", 1, CANDOR_TEXT_MAX,
                                 &((field_spec *)into)->max_length);
}

static bool read_max_bytes(candor_reader *r, void *into)
{
    return candor_reader_integer(r, "\"maxBytes\"", 1, 1024.0 * 1024 * 1024,
                                 &((field_spec *)into)->max_bytes);
}

static bool read_bound(candor_reader *r, void *into)
{
    field_spec *f = into;
    double v;
    if (!candor_reader_number(r, "a bound", -CANDOR_NUMBER_MAX, CANDOR_NUMBER_MAX, &v))
        return false;
    if (f->n_bounds == CANDOR_BUCKETS_MAX)
        return candor_reader_fail(r, candor_reader_at(r), "a bucket field takes at most %d bounds",
                                  CANDOR_BUCKETS_MAX);
    if (f->n_bounds > 0 && v <= f->bounds[f->n_bounds - 1])
        return candor_reader_fail(r, candor_reader_at(r), "bounds must ascend");
    if (!candor_reader_is_decimal(v, 6))
        return candor_reader_fail(r, candor_reader_at(r), "a bound takes at most 6 decimals");
    f->bounds[f->n_bounds++] = v;
    return true;
}

static bool read_bounds(candor_reader *r, void *into)
{
    return candor_reader_array(r, "\"bounds\"", read_bound, into);
}

static bool read_of(candor_reader *r, void *into)
{
    candor_field *of = &((field_spec *)into)->of;
    const char *at = candor_reader_at(r);
    if (!candor_schema_read_field(r, of)) return false;
    const unsigned refused = BIT(CANDOR_KIND_LIST) | BIT(CANDOR_KIND_CONTENT) |
                             BIT(CANDOR_KIND_NANOS) | BIT(CANDOR_KIND_ATTRS);
    if ((refused & BIT(of->kind)) == 0) return true;
    return candor_reader_fail(r, at, "a list cannot hold kind \"%s\"", candor_kind_name(of->kind));
}

static bool read_max_items(candor_reader *r, void *into)
{
    return candor_reader_integer(r, "\"maxItems\"", 1, CANDOR_ATTRS_MAX,
                                 &((field_spec *)into)->max_items);
}

static bool read_note(candor_reader *r, void *into)
{
    return candor_reader_text(r, "\"note\"", NOTE_MAX, &((field_spec *)into)->note);
}

static const candor_member members[M_COUNT] = {
    [M_KIND] = {"kind", true, read_kind},
    [M_MIN] = {"min", false, read_min},
    [M_MAX] = {"max", false, read_max},
    [M_UNIT] = {"unit", false, read_unit},
    [M_DECIMALS] = {"decimals", false, read_decimals},
    [M_VALUES] = {"values", false, read_values},
    [M_OTHER] = {"other", false, read_other},
    [M_MAX_LENGTH] = {"maxLength", false, read_max_length},
    [M_MAX_BYTES] = {"maxBytes", false, read_max_bytes},
    [M_BOUNDS] = {"bounds", false, read_bounds},
    [M_OF] = {"of", false, read_of},
    [M_MAX_ITEMS] = {"maxItems", false, read_max_items},
    [M_NOTE] = {"note", false, read_note},
};

static bool check_members(candor_reader *r, const field_spec *f, const char *const *at)
{
    unsigned allowed = members_of_kind[f->kind] | BIT(M_KIND) | BIT(M_NOTE);
    for (unsigned m = 0; m < M_COUNT; m++)
        if (at[m] != NULL && (allowed & BIT(m)) == 0)
            return candor_reader_fail(r, at[m], "\"%s\" does not apply to kind \"%s\"",
                                      members[m].name, candor_kind_name(f->kind));
    return true;
}

static bool require(candor_reader *r, const field_spec *f, const char *const *at, member_id m)
{
    if (at[m] != NULL) return true;
    return candor_reader_fail(r, at[M_KIND], "kind \"%s\" needs \"%s\"", candor_kind_name(f->kind),
                              members[m].name);
}

static bool build_range(candor_reader *r, field_spec *f, const char *const *at, candor_field *out)
{
    double widest = f->kind == CANDOR_KIND_INT ? CANDOR_INT_MAX : CANDOR_NUMBER_MAX;
    out->decimals = f->kind == CANDOR_KIND_INT ? 0 : (at[M_DECIMALS] ? (unsigned)f->decimals : 3);
    out->min = at[M_MIN] ? f->min : (f->kind == CANDOR_KIND_DURATION ? 0 : -widest);
    out->max = at[M_MAX] ? f->max : widest;
    for (int i = 0; i < 2; i++) {
        const char *bound_at = at[i == 0 ? M_MIN : M_MAX];
        double v = i == 0 ? out->min : out->max;
        if (bound_at == NULL) continue;
        if (v < -widest || v > widest)
            return candor_reader_fail(r, bound_at, "a bound of a %s must be within +-%.17g",
                                      candor_kind_name(f->kind), widest);
        bool exact =
            f->kind == CANDOR_KIND_INT ? v == floor(v) : candor_reader_is_decimal(v, out->decimals);
        if (!exact)
            return candor_reader_fail(r, bound_at, "a bound of this field takes %u decimals",
                                      out->decimals);
    }
    if (out->min <= out->max) return true;
    return candor_reader_fail(r, at[M_MIN] ? at[M_MIN] : at[M_MAX], "\"min\" is above \"max\"");
}

static bool build_duration(candor_reader *r, field_spec *f, const char *const *at,
                           candor_field *out)
{
    static const candor_bytes units[] = {{"ns", 2}, {"us", 2}, {"ms", 2}, {"s", 1}};
    if (at[M_UNIT] == NULL) out->unit = units[2];
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (candor_bytes_eq(out->unit, units[i])) return build_range(r, f, at, out);
    return candor_reader_fail(r, at[M_UNIT], "unit of a duration must be ns, us, ms or s");
}

static bool build_enum(candor_reader *r, field_spec *f, const char *const *at, candor_field *out)
{
    if (!require(r, f, at, M_VALUES)) return false;
    if (f->n_values == 0)
        return candor_reader_fail(r, at[M_VALUES], "\"values\" must not be empty");
    out->other = ENUM_NONE;
    if (at[M_OTHER] != NULL) {
        out->other = find_value(f, f->other);
        if (out->other == ENUM_NONE && f->n_values == CANDOR_ENUM_VALUES_MAX)
            return candor_reader_fail(r, at[M_OTHER],
                                      "an enum takes at most %d values with \"other\"",
                                      CANDOR_ENUM_VALUES_MAX);
        if (out->other == ENUM_NONE) {
            out->other = (int)f->n_values;
            f->values[f->n_values++] = f->other;
        }
    }
    candor_bytes *values = candor_arena_get(r->arena, f->n_values * sizeof(*values));
    if (values == NULL) return candor_reader_no_memory(r);
    memcpy(values, f->values, f->n_values * sizeof(*values));
    out->values = values;
    out->n_values = f->n_values;
    return true;
}

static bool build_bucket(candor_reader *r, field_spec *f, const char *const *at, candor_field *out)
{
    if (!require(r, f, at, M_BOUNDS)) return false;
    if (f->n_bounds == 0)
        return candor_reader_fail(r, at[M_BOUNDS], "\"bounds\" must not be empty");
    double *bounds = candor_arena_get(r->arena, f->n_bounds * sizeof(*bounds));
    if (bounds == NULL) return candor_reader_no_memory(r);
    memcpy(bounds, f->bounds, f->n_bounds * sizeof(*bounds));
    out->bounds = bounds;
    out->n_bounds = f->n_bounds;
    return true;
}

static bool build_length(candor_reader *r, field_spec *f, const char *const *at, candor_field *out)
{
    double usual = f->kind == CANDOR_KIND_ID ? 64 : f->kind == CANDOR_KIND_TEXT ? 512 : 4096;
    double most = f->kind == CANDOR_KIND_ID ? CANDOR_ID_MAX : CANDOR_TEXT_MAX;
    double length = at[M_MAX_LENGTH] ? f->max_length : usual;
    out->max_length = (unsigned)length;
    if (length <= most) return true;
    return candor_reader_fail(r, at[M_MAX_LENGTH], "\"maxLength\" of kind \"%s\" is at most %.0f",
                              candor_kind_name(f->kind), most);
}

static bool build_list(candor_reader *r, field_spec *f, const char *const *at, candor_field *out)
{
    if (!require(r, f, at, M_OF)) return false;
    double max = at[M_MAX] ? f->max : 64;
    if (max < 1 || max > CANDOR_LIST_MAX || max != floor(max))
        return candor_reader_fail(r, at[M_MAX], "\"max\" of a list must be an integer from 1 to %d",
                                  CANDOR_LIST_MAX);
    candor_bytes note = out->note;
    *out = f->of;
    out->kind = CANDOR_KIND_LIST;
    out->max_items = (unsigned)max;
    if (note.n != 0) out->note = note;
    return true;
}

static bool build(candor_reader *r, field_spec *f, const char *const *at, candor_field *out)
{
    out->kind = out->of = f->kind;
    out->other = ENUM_NONE;
    out->unit = f->unit;
    out->note = f->note;
    switch (f->kind) {
    case CANDOR_KIND_INT:
    case CANDOR_KIND_NUMBER:
        return build_range(r, f, at, out);
    case CANDOR_KIND_DURATION:
        return build_duration(r, f, at, out);
    case CANDOR_KIND_ENUM:
        return build_enum(r, f, at, out);
    case CANDOR_KIND_BUCKET:
        return build_bucket(r, f, at, out);
    case CANDOR_KIND_ID:
    case CANDOR_KIND_TEXT:
    case CANDOR_KIND_STACK:
        return build_length(r, f, at, out);
    case CANDOR_KIND_CONTENT:
        out->max_length = at[M_MAX_BYTES] ? (unsigned)f->max_bytes : 262144;
        return true;
    case CANDOR_KIND_LIST:
        return build_list(r, f, at, out);
    case CANDOR_KIND_ATTRS:
        out->max_items = at[M_MAX_ITEMS] ? (unsigned)f->max_items : 32;
        out->attributes = r->attributes;
        if (r->attrs_at == NULL) r->attrs_at = at[M_KIND];
        return true;
    default:
        return true; /* BOOL, TIME, HASH and NANOS have no members of their own */
    }
}

bool candor_schema_read_field(candor_reader *r, candor_field *f)
{
    const char *at[M_COUNT];
    field_spec spec = {.kind = CANDOR_KIND_BOOL};
    return candor_reader_object(r, "a field", members, M_COUNT, &spec, at) &&
           check_members(r, &spec, at) && build(r, &spec, at, f);
}
