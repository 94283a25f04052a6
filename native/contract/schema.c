#include "contract/schema.h"

#include <stdlib.h>

#include "contract/schema_reader.h"
#include "contract/schema_rollup.h"
#include "contract/schema_table.h"

#define SLOT_EMPTY  0xffffu
#define VERSION_MAX 1000000000.0
/* Deepest part of the format: top, events, event, fields, field, of, values. */
#define DEPTH_MAX 8

typedef struct file_spec {
    candor_schema *schema;
    double version, notice;
    candor_event_def *events; /* CANDOR_SCHEMA_EVENTS_MAX */
    const char *event_at[CANDOR_SCHEMA_EVENTS_MAX];
} file_spec;

/* "$schema" is for editors. */
static bool read_ignored(candor_reader *r, void *into)
{
    (void)into;
    if (candor_json_skip(&r->j, &r->t, NULL)) return true;
    return candor_reader_fail(r, r->j.p, "%s", r->j.error != NULL ? r->j.error : "malformed JSON");
}

static bool read_name(candor_reader *r, void *into)
{
    candor_bytes *name = &((file_spec *)into)->schema->name;
    if (!candor_reader_text(r, "\"schema\"", CANDOR_NAME_MAX, name)) return false;
    if (candor_reader_is_name(*name, ".-", CANDOR_NAME_MAX)) return true;
    return candor_reader_fail(r, candor_reader_at(r),
                              "\"schema\" must be a letter, then letters, digits, '_', '.' or '-'");
}

static bool read_version(candor_reader *r, void *into)
{
    return candor_reader_integer(r, "\"version\"", 1, VERSION_MAX, &((file_spec *)into)->version);
}

static bool read_notice(candor_reader *r, void *into)
{
    return candor_reader_integer(r, "\"notice\"", 1, VERSION_MAX, &((file_spec *)into)->notice);
}

static bool read_governance_id(candor_reader *r, void *into)
{
    return candor_reader_text(r, "\"governance_id\"", CANDOR_NAME_MAX,
                              &((file_spec *)into)->schema->governance_id);
}

static bool read_event(candor_reader *r, candor_bytes name, const char *name_at, void *into)
{
    file_spec *f = into;
    candor_schema *s = f->schema;
    for (unsigned i = 0; i < s->n_events; i++)
        if (candor_bytes_eq(f->events[i].name, name))
            return candor_reader_fail(r, name_at, "duplicate event \"%.*s\"", (int)name.n, name.p);
    if (s->n_events == CANDOR_SCHEMA_EVENTS_MAX)
        return candor_reader_fail(r, name_at, "a schema takes at most %d events",
                                  CANDOR_SCHEMA_EVENTS_MAX);
    candor_event_def *e = &f->events[s->n_events];
    if (!candor_schema_read_event(r, name, name_at, e)) return false;
    f->event_at[s->n_events] = name_at;
    e->index = s->n_events++;
    return true;
}

static bool read_events(candor_reader *r, void *into)
{
    return candor_reader_map(r, "\"events\"", read_event, into);
}

static bool read_attributes(candor_reader *r, void *into)
{
    return candor_schema_read_attributes(r, &((file_spec *)into)->schema->attributes);
}

static bool fill_governance_ids(candor_reader *r, file_spec *f)
{
    for (unsigned i = 0; i < f->schema->n_events; i++) {
        candor_event_def *e = &f->events[i];
        if (e->governance_id.n != 0) continue;
        e->governance_id = f->schema->governance_id;
        if (e->governance_id.n == 0)
            return candor_reader_fail(
                r, f->event_at[i],
                "event \"%.*s\" has no \"governance_id\" and neither has the schema",
                (int)e->name.n, e->name.p);
    }
    return true;
}

static bool read_file(candor_reader *r, file_spec *f)
{
    static const candor_member members[] = {
        {"$schema", false, read_ignored},
        {"schema", true, read_name},
        {"version", true, read_version},
        {"notice", true, read_notice},
        {"governance_id", false, read_governance_id},
        {"attributes", false, read_attributes},
        {"events", true, read_events},
    };
    if (!candor_reader_next(r) ||
        !candor_reader_object(r, "the schema", members, sizeof(members) / sizeof(members[0]), f,
                              NULL) ||
        !candor_reader_next(r) || !fill_governance_ids(r, f) ||
        !candor_schema_resolve_rollups(r, f->events, f->schema->n_events))
        return false;
    if (r->attrs_at != NULL && f->schema->attributes.n_fields == 0)
        return candor_reader_fail(r, r->attrs_at,
                                  "kind \"attrs\" needs \"attributes\" at the top of the schema");
    f->schema->version = (unsigned)f->version;
    f->schema->notice = (unsigned)f->notice;
    return true;
}

static bool index_events(candor_reader *r, file_spec *f)
{
    candor_schema *s = f->schema;
    size_t size = 4;
    while (size < 2 * (size_t)s->n_events)
        size *= 2;
    candor_event_def *events = candor_arena_get(r->arena, s->n_events * sizeof(*events));
    uint16_t *slots = candor_arena_get(r->arena, size * sizeof(*slots));
    if (events == NULL || slots == NULL) return candor_reader_no_memory(r);
    if (s->n_events != 0) memcpy(events, f->events, s->n_events * sizeof(*events));
    memset(slots, 0xff, size * sizeof(*slots));
    s->events = events;
    s->slots = slots;
    s->slot_mask = (unsigned)(size - 1);
    for (unsigned i = 0; i < s->n_events; i++) {
        unsigned at = candor_name_hash(events[i].name) & s->slot_mask;
        while (slots[at] != SLOT_EMPTY)
            at = (at + 1) & s->slot_mask;
        slots[at] = (uint16_t)i;
    }
    return true;
}

static candor_status compute_hash(candor_schema *s)
{
    candor_buf canonical = {0};
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_status st = candor_schema_canonical(s, &canonical);
    if (st == CANDOR_OK) st = candor_sha256(candor_buf_bytes(&canonical), digest);
    if (st == CANDOR_OK) candor_hex_encode(digest, sizeof(digest), s->hash);
    candor_buf_free(&canonical);
    return st;
}

static candor_status compile(candor_reader *r, candor_schema *s)
{
    file_spec *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        (void)candor_reader_no_memory(r);
        return r->status;
    }
    f->schema = s;
    f->events = calloc(CANDOR_SCHEMA_EVENTS_MAX, sizeof(*f->events));
    if (f->events == NULL)
        (void)candor_reader_no_memory(r);
    else if (read_file(r, f) && index_events(r, f) && (r->status = compute_hash(s)) != CANDOR_OK)
        (void)candor_fail(r->err, r->status, 0, "schema", "%s", "the schema's hash failed");
    free(f->events);
    free(f);
    return r->status;
}

candor_status candor_schema_compile(candor_bytes text, const char *origin, candor_schema **out,
                                    candor_err *err)
{
    *out = NULL;
    if (origin == NULL) origin = "schema";
    if (text.n > CANDOR_SCHEMA_FILE_MAX)
        return candor_fail(err, CANDOR_LIMIT, 0, "schema", "a schema file has at most %d bytes",
                           CANDOR_SCHEMA_FILE_MAX);
    candor_schema *s = calloc(1, sizeof(*s));
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "schema", "%s", "out of memory");
    candor_reader r = {
        .origin = origin, .err = err, .arena = &s->arena, .attributes = &s->attributes};
    candor_json_init(&r.j, text, DEPTH_MAX);
    candor_status st = compile(&r, s);
    if (st == CANDOR_OK)
        *out = s;
    else
        candor_schema_free(s);
    return st;
}

void candor_schema_free(candor_schema *s)
{
    if (s == NULL) return;
    candor_arena_free(&s->arena);
    free(s);
}

const candor_event_def *candor_schema_event(const candor_schema *s, candor_bytes name)
{
    if (name.n == 0 || name.n > CANDOR_NAME_MAX) return NULL;
    for (unsigned at = candor_name_hash(name) & s->slot_mask; s->slots[at] != SLOT_EMPTY;
         at = (at + 1) & s->slot_mask) {
        const candor_event_def *e = &s->events[s->slots[at]];
        if (candor_bytes_eq(e->name, name)) return e;
    }
    return NULL;
}

const candor_event_def *candor_schema_at(const candor_schema *s, unsigned index)
{
    return index < s->n_events ? &s->events[index] : NULL;
}

unsigned candor_schema_count(const candor_schema *s)
{
    return s->n_events;
}

const candor_attributes *candor_schema_attributes(const candor_schema *s)
{
    return &s->attributes;
}

candor_bytes candor_schema_name(const candor_schema *s)
{
    return s->name;
}

unsigned candor_schema_version(const candor_schema *s)
{
    return s->version;
}

unsigned candor_schema_notice(const candor_schema *s)
{
    return s->notice;
}

const char *candor_schema_hash(const candor_schema *s)
{
    return s->hash;
}
