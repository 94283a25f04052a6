/* One event of a schema file: who owns it, what for, how long, and its fields. */
#include "contract/schema_reader.h"
#include "contract/schema_rollup.h"

#include "base/uuid.h"

#define TEXT_MAX   512
#define SLOT_EMPTY 0xffu

#define CANDOR_LEVEL_AS_WORD(id, text) text,
static const char *const level_words[] = {CANDOR_LEVEL_MAP(CANDOR_LEVEL_AS_WORD)};

const char *candor_level_name(candor_level l)
{
    return (unsigned)l < CANDOR_LEVEL_COUNT ? level_words[l] : "unknown";
}

typedef enum member_id {
    M_CATEGORY,
    M_LEVEL,
    M_OWNER,
    M_PURPOSE,
    M_EXPIRES,
    M_SAMPLE,
    M_GOVERNANCE_ID,
    M_CHART,
    M_ROLLUP,
    M_FIELDS,
    M_COUNT
} member_id;

typedef struct event_spec {
    candor_event_def *def;
    candor_field fields[CANDOR_FIELDS_MAX];
    candor_bytes chart_by, chart_histogram;
    const char *chart_by_at, *chart_histogram_at;
} event_spec;

static bool read_category(candor_reader *r, void *into)
{
    candor_event_def *e = ((event_spec *)into)->def;
    if (!candor_reader_text(r, "\"category\"", CANDOR_NAME_MAX, &e->category)) return false;
    if (candor_reader_is_name(e->category, ".-", CANDOR_NAME_MAX)) return true;
    return candor_reader_fail(
        r, candor_reader_at(r),
        "\"category\" must be a letter, then letters, digits, '_', '.' or '-'");
}

static bool read_level(candor_reader *r, void *into)
{
    unsigned level;
    if (!candor_reader_word(r, "level", level_words, CANDOR_LEVEL_COUNT, &level)) return false;
    ((event_spec *)into)->def->level = (candor_level)level;
    return true;
}

static bool read_owner(candor_reader *r, void *into)
{
    return candor_reader_text(r, "\"owner\"", TEXT_MAX, &((event_spec *)into)->def->owner);
}

static bool read_purpose(candor_reader *r, void *into)
{
    return candor_reader_text(r, "\"purpose\"", TEXT_MAX, &((event_spec *)into)->def->purpose);
}

/* A calendar date: midnight of it must be a valid RFC 3339 time. */
static bool is_date(candor_bytes s)
{
    static const char midnight[] = "T00:00:00Z";
    char text[10 + sizeof(midnight)];
    int64_t ms;
    if (s.n != 10) return false;
    memcpy(text, s.p, 10);
    memcpy(text + 10, midnight, sizeof(midnight));
    return candor_time_parse(candor_bytes_str(text), &ms);
}

static bool read_expires(candor_reader *r, void *into)
{
    candor_event_def *e = ((event_spec *)into)->def;
    if (!candor_reader_text(r, "\"expires\"", CANDOR_NAME_MAX, &e->expires)) return false;
    if (is_date(e->expires)) return true;
    return candor_reader_fail(r, candor_reader_at(r), "\"expires\" must be a date, YYYY-MM-DD");
}

static bool read_sample(candor_reader *r, void *into)
{
    double *sample = &((event_spec *)into)->def->sample;
    if (!candor_reader_number(r, "\"sample\"", 0, 1, sample)) return false;
    if (candor_reader_is_decimal(*sample, 6)) return true;
    return candor_reader_fail(r, candor_reader_at(r), "\"sample\" takes at most 6 decimals");
}

static bool read_governance_id(candor_reader *r, void *into)
{
    return candor_reader_text(r, "\"governance_id\"", CANDOR_NAME_MAX,
                              &((event_spec *)into)->def->governance_id);
}

static bool read_chart_by(candor_reader *r, void *into)
{
    event_spec *s = into;
    s->chart_by_at = candor_reader_at(r);
    return candor_reader_text(r, "\"by\"", CANDOR_NAME_MAX, &s->chart_by);
}

static bool read_chart_histogram(candor_reader *r, void *into)
{
    event_spec *s = into;
    s->chart_histogram_at = candor_reader_at(r);
    return candor_reader_text(r, "\"histogram\"", CANDOR_NAME_MAX, &s->chart_histogram);
}

static bool read_chart(candor_reader *r, void *into)
{
    static const candor_member members[] = {
        {"by", false, read_chart_by},
        {"histogram", false, read_chart_histogram},
    };
    return candor_reader_object(r, "a chart", members, sizeof(members) / sizeof(members[0]), into,
                                NULL);
}

static bool read_rollup(candor_reader *r, void *into)
{
    return candor_schema_read_rollup(r, ((event_spec *)into)->def);
}

/* promptLength -> prompt_length, isGitRepo -> is_git_repo, HTTPStatus -> http_status. out has 2*n.
 */
static size_t snake_case(candor_bytes name, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool after_upper = i > 0 && name.p[i - 1] >= 'A' && name.p[i - 1] <= 'Z';
        bool before_lower = i + 1 < name.n && name.p[i + 1] >= 'a' && name.p[i + 1] <= 'z';
        if (upper && i > 0 && name.p[i - 1] != '_' && (!after_upper || before_lower))
            out[n++] = '_';
        out[n++] = upper ? (char)(c - 'A' + 'a') : c;
    }
    return n;
}

static bool name_field(candor_reader *r, candor_bytes name, candor_field *f)
{
    char alias[2 * CANDOR_NAME_MAX];
    candor_bytes snake = {alias, snake_case(name, alias)};
    f->alias =
        candor_bytes_eq(snake, name) ? (candor_bytes){NULL, 0} : candor_arena_copy(r->arena, snake);
    if (f->alias.p == NULL && !candor_bytes_eq(snake, name)) return candor_reader_no_memory(r);
    return candor_schema_name_field(r, name, f);
}

static bool answers_to(const candor_field *f, candor_bytes name)
{
    return name.n != 0 && (candor_bytes_eq(f->name, name) || candor_bytes_eq(f->alias, name));
}

static bool read_field(candor_reader *r, candor_bytes name, const char *name_at, void *into)
{
    event_spec *s = into;
    candor_field f;
    memset(&f, 0, sizeof(f));
    if (!candor_reader_is_name(name, "", CANDOR_NAME_MAX))
        return candor_reader_fail(
            r, name_at, "a field name is a letter, then letters, digits or '_', at most %d",
            CANDOR_NAME_MAX);
    if (s->def->n_fields == CANDOR_FIELDS_MAX)
        return candor_reader_fail(r, name_at, "an event takes at most %d fields",
                                  CANDOR_FIELDS_MAX);
    if (!candor_schema_read_field(r, &f) || !name_field(r, name, &f)) return false;
    for (unsigned i = 0; i < s->def->n_fields; i++) {
        const candor_field *g = &s->fields[i];
        if (candor_bytes_eq(g->name, name))
            return candor_reader_fail(r, name_at, "duplicate field \"%.*s\"", (int)name.n, name.p);
        if (answers_to(g, f.name) || answers_to(g, f.alias))
            return candor_reader_fail(r, name_at,
                                      "fields \"%.*s\" and \"%.*s\" share a name in snake_case",
                                      (int)g->name.n, g->name.p, (int)name.n, name.p);
    }
    s->fields[s->def->n_fields++] = f;
    return true;
}

static bool read_fields(candor_reader *r, void *into)
{
    return candor_reader_map(r, "\"fields\"", read_field, into);
}

static const candor_member members[M_COUNT] = {
    [M_CATEGORY] = {"category", true, read_category},
    [M_LEVEL] = {"level", true, read_level},
    [M_OWNER] = {"owner", true, read_owner},
    [M_PURPOSE] = {"purpose", true, read_purpose},
    [M_EXPIRES] = {"expires", true, read_expires},
    [M_SAMPLE] = {"sample", false, read_sample},
    [M_GOVERNANCE_ID] = {"governance_id", false, read_governance_id},
    [M_CHART] = {"chart", false, read_chart},
    [M_ROLLUP] = {"rollup", false, read_rollup},
    [M_FIELDS] = {"fields", false, read_fields},
};

static void put_slot(unsigned char *slots, unsigned mask, candor_bytes name, unsigned index)
{
    unsigned at = candor_name_hash(name) & mask;
    while (slots[at] != SLOT_EMPTY)
        at = (at + 1) & mask;
    slots[at] = (unsigned char)index;
}

/* Names and aliases fill at most half of the table, so a search always meets an empty slot. */
static bool index_fields(candor_reader *r, candor_event_def *e)
{
    unsigned size = 4;
    while (size < 4 * e->n_fields)
        size *= 2;
    unsigned char *slots = candor_arena_get(r->arena, size);
    if (slots == NULL) return candor_reader_no_memory(r);
    memset(slots, SLOT_EMPTY, size);
    for (unsigned i = 0; i < e->n_fields; i++) {
        put_slot(slots, size - 1, e->fields[i].name, i);
        if (e->fields[i].alias.n != 0) put_slot(slots, size - 1, e->fields[i].alias, i);
    }
    e->slots = slots;
    e->slot_mask = size - 1;
    return true;
}

const candor_field *candor_event_field(const candor_event_def *e, candor_bytes name)
{
    if (name.n == 0 || name.n > 2 * CANDOR_NAME_MAX) return NULL;
    for (unsigned at = candor_name_hash(name) & e->slot_mask; e->slots[at] != SLOT_EMPTY;
         at = (at + 1) & e->slot_mask) {
        const candor_field *f = &e->fields[e->slots[at]];
        if (answers_to(f, name)) return f;
    }
    return NULL;
}

static bool resolve_chart(candor_reader *r, const candor_event_def *e, candor_bytes name,
                          const char *at, unsigned kinds, const char *wanted,
                          const candor_field **out)
{
    if (at == NULL) return true;
    *out = candor_event_field(e, name);
    if (*out == NULL)
        return candor_reader_fail(r, at, "chart names \"%.*s\", which is no field of the event",
                                  (int)name.n, name.p);
    if ((kinds & (1u << (*out)->kind)) != 0) return true;
    return candor_reader_fail(r, at, "chart field \"%.*s\" must be %s", (int)name.n, name.p,
                              wanted);
}

static bool build(candor_reader *r, event_spec *s)
{
    candor_event_def *e = s->def;
    candor_field *fields = candor_arena_get(r->arena, e->n_fields * sizeof(*fields));
    if (fields == NULL) return candor_reader_no_memory(r);
    if (e->n_fields != 0) memcpy(fields, s->fields, e->n_fields * sizeof(*fields));
    e->fields = fields;
    return index_fields(r, e) &&
           resolve_chart(r, e, s->chart_by, s->chart_by_at,
                         1u << CANDOR_KIND_ENUM | 1u << CANDOR_KIND_ID | 1u << CANDOR_KIND_BOOL,
                         "an enum, an id or a bool", &e->chart_by) &&
           resolve_chart(r, e, s->chart_histogram, s->chart_histogram_at,
                         1u << CANDOR_KIND_INT | 1u << CANDOR_KIND_NUMBER |
                             1u << CANDOR_KIND_DURATION,
                         "an int, a number or a duration", &e->chart_histogram);
}

bool candor_schema_read_event(candor_reader *r, candor_bytes name, const char *name_at,
                              candor_event_def *def)
{
    const char *at[M_COUNT];
    event_spec spec;
    memset(&spec, 0, sizeof(spec));
    spec.def = def;
    def->name = name;
    def->sample = 1;
    if (!candor_reader_is_name(name, ".", CANDOR_NAME_MAX))
        return candor_reader_fail(
            r, name_at, "an event name is a letter, then letters, digits, '_' or '.', at most %d",
            CANDOR_NAME_MAX);
    return candor_reader_object(r, "an event", members, M_COUNT, &spec, at) && build(r, &spec);
}
