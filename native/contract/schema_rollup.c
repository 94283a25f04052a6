#include "contract/schema_rollup.h"

/* A name in the file, and where it stands for messages. */
typedef struct name_ref {
    candor_bytes name;
    const char *at; /* in the file's text, which outlives the compiler only */
} name_ref;

/* What an event_def points to while it is compiled: names first, then what they stand for. */
typedef struct rollup_spec {
    candor_rollup rollup; /* first: candor_event_def.rollup points here */
    name_ref into, to[CANDOR_ROLLUP_KEYS_MAX], from[CANDOR_ROLLUP_KEYS_MAX], error_if;
} rollup_spec;

/* --- reading --------------------------------------------------------------------------------- */

static bool read_name(candor_reader *r, const char *what, name_ref *out)
{
    out->at = candor_reader_at(r);
    return candor_reader_text(r, what, CANDOR_NAME_MAX, &out->name);
}

static bool read_into(candor_reader *r, void *into)
{
    return read_name(r, "\"into\"", &((rollup_spec *)into)->into);
}

static bool read_key(candor_reader *r, candor_bytes name, const char *name_at, void *into)
{
    rollup_spec *s = into;
    unsigned i = s->rollup.n_keys;
    if (i == CANDOR_ROLLUP_KEYS_MAX)
        return candor_reader_fail(r, name_at, "a rollup sets at most %d fields",
                                  CANDOR_ROLLUP_KEYS_MAX);
    for (unsigned k = 0; k < i; k++)
        if (candor_bytes_eq(s->to[k].name, name))
            return candor_reader_fail(r, name_at, "duplicate key \"%.*s\" in \"set\"", (int)name.n,
                                      name.p);
    s->to[i] = (name_ref){name, name_at};
    if (!read_name(r, "a field in \"set\"", &s->from[i])) return false;
    s->rollup.n_keys++;
    return true;
}

static bool read_set(candor_reader *r, void *into)
{
    return candor_reader_map(r, "\"set\"", read_key, into);
}

static bool read_error_field(candor_reader *r, void *into)
{
    return read_name(r, "\"field\"", &((rollup_spec *)into)->error_if);
}

static bool read_equals(candor_reader *r, void *into)
{
    if (r->t.type != CANDOR_JSON_TRUE && r->t.type != CANDOR_JSON_FALSE)
        return candor_reader_fail(r, candor_reader_at(r), "\"equals\" must be true or false");
    ((rollup_spec *)into)->rollup.error_equals = r->t.type == CANDOR_JSON_TRUE;
    return true;
}

static bool read_errors(candor_reader *r, void *into)
{
    static const candor_member members[] = {
        {"field", true, read_error_field},
        {"equals", true, read_equals},
    };
    return candor_reader_object(r, "\"errors\"", members, 2, into, NULL);
}

bool candor_schema_read_rollup(candor_reader *r, candor_event_def *e)
{
    static const candor_member members[] = {
        {"into", true, read_into},
        {"set", false, read_set},
        {"errors", false, read_errors},
    };
    rollup_spec *s = candor_arena_get(r->arena, sizeof *s);
    if (s == NULL) return candor_reader_no_memory(r);
    memset(s, 0, sizeof *s);
    e->rollup = &s->rollup;
    return candor_reader_object(r, "a rollup", members, sizeof members / sizeof members[0], s,
                                NULL);
}

/* --- resolving ------------------------------------------------------------------------------- */

static bool find_field(candor_reader *r, const candor_event_def *e, const name_ref *ref,
                       const candor_field **out)
{
    *out = candor_event_field(e, ref->name);
    if (*out != NULL) return true;
    return candor_reader_fail(r, ref->at, "rollup names \"%.*s\", which is no field of \"%.*s\"",
                              (int)ref->name.n, ref->name.p, (int)e->name.n, e->name.p);
}

/* The target's own fields that Candor fills. */
static bool find_filled(candor_reader *r, const candor_event_def *target, const name_ref *into,
                        const char *name, candor_kind kind, const candor_field **out)
{
    *out = candor_event_field(target, candor_bytes_str(name));
    if (*out != NULL && (*out)->kind == kind && (kind != CANDOR_KIND_INT || (*out)->max >= 1))
        return true;
    return candor_reader_fail(r, into->at,
                              "\"%.*s\" cannot take a rollup: it needs a field \"%s\" of kind %s",
                              (int)target->name.n, target->name.p, name, candor_kind_name(kind));
}

static bool has_value(const candor_field *f, candor_bytes value)
{
    for (unsigned i = 0; i < f->n_values; i++)
        if (candor_bytes_eq(f->values[i], value)) return true;
    return false;
}

/* Whether every value of `from` is one of `to`: nothing may be lost on the way. */
static bool fits(const candor_field *to, const candor_field *from)
{
    if (to->kind != from->kind) return false;
    if (to->kind == CANDOR_KIND_BOOL) return true;
    if (to->kind == CANDOR_KIND_ID) return to->max_length >= from->max_length;
    if (to->kind == CANDOR_KIND_BUCKET)
        return to->n_bounds == from->n_bounds &&
               memcmp(to->bounds, from->bounds, to->n_bounds * sizeof *to->bounds) == 0;
    if (to->kind != CANDOR_KIND_ENUM) return false;
    for (unsigned i = 0; i < from->n_values; i++)
        if (!has_value(to, from->values[i])) return false;
    return true;
}

static bool resolve_key(candor_reader *r, rollup_spec *s, const candor_event_def *source,
                        const candor_event_def *target, unsigned i)
{
    candor_rollup_key *key = &s->rollup.keys[i];
    if (!find_field(r, target, &s->to[i], &key->to) ||
        !find_field(r, source, &s->from[i], &key->from))
        return false;
    if (!fits(key->to, key->from))
        return candor_reader_fail(r, s->to[i].at,
                                  "rollup field \"%.*s\" cannot hold every value of \"%.*s\": both "
                                  "must be the same enum, id, bool or bucket",
                                  (int)key->to->name.n, key->to->name.p, (int)key->from->name.n,
                                  key->from->name.p);
    for (unsigned k = 0; k < i; k++)
        if (s->rollup.keys[k].to == key->to)
            return candor_reader_fail(r, s->to[i].at, "rollup sets \"%.*s\" twice",
                                      (int)key->to->name.n, key->to->name.p);
    return true;
}

/* In the target's order, so that equal keys are equal texts. */
static void sort_keys(candor_rollup *rollup)
{
    for (unsigned i = 1; i < rollup->n_keys; i++) {
        candor_rollup_key key = rollup->keys[i];
        unsigned at = i;
        for (; at > 0 && rollup->keys[at - 1].to > key.to; at--)
            rollup->keys[at] = rollup->keys[at - 1];
        rollup->keys[at] = key;
    }
}

static bool resolve_errors(candor_reader *r, rollup_spec *s, const candor_event_def *source,
                           const candor_event_def *target)
{
    if (s->error_if.at == NULL) return true;
    if (!find_filled(r, target, &s->into, "errors", CANDOR_KIND_INT, &s->rollup.errors) ||
        !find_field(r, source, &s->error_if, &s->rollup.error_if))
        return false;
    if (s->rollup.error_if->kind == CANDOR_KIND_BOOL) return true;
    return candor_reader_fail(r, s->error_if.at, "rollup field \"%.*s\" must be a bool",
                              (int)s->error_if.name.n, s->error_if.name.p);
}

static bool check_target(candor_reader *r, const name_ref *into, const candor_event_def *source,
                         const candor_event_def *target)
{
    if (target->rollup != NULL)
        return candor_reader_fail(r, into->at, "\"%.*s\" is rolled up itself", (int)target->name.n,
                                  target->name.p);
    if (target->sample < 1)
        return candor_reader_fail(r, into->at, "\"%.*s\" is sampled: its sums would be wrong",
                                  (int)target->name.n, target->name.p);
    if (target->level != source->level)
        return candor_reader_fail(r, into->at, "\"%.*s\" has another level than \"%.*s\"",
                                  (int)target->name.n, target->name.p, (int)source->name.n,
                                  source->name.p);
    return true;
}

static bool resolve(candor_reader *r, rollup_spec *s, const candor_event_def *source,
                    const candor_event_def *events, unsigned n)
{
    const candor_event_def *target = NULL;
    for (unsigned i = 0; i < n && target == NULL; i++)
        if (candor_bytes_eq(events[i].name, s->into.name)) target = &events[i];
    if (target == NULL)
        return candor_reader_fail(r, s->into.at,
                                  "rollup names \"%.*s\", which is no event of the schema",
                                  (int)s->into.name.n, s->into.name.p);
    s->rollup.into = target->index;
    if (!check_target(r, &s->into, source, target) ||
        !find_filled(r, target, &s->into, "day", CANDOR_KIND_TIME, &s->rollup.day) ||
        !find_filled(r, target, &s->into, "count", CANDOR_KIND_INT, &s->rollup.count) ||
        !resolve_errors(r, s, source, target))
        return false;
    for (unsigned i = 0; i < s->rollup.n_keys; i++)
        if (!resolve_key(r, s, source, target, i)) return false;
    sort_keys(&s->rollup);
    return true;
}

bool candor_schema_resolve_rollups(candor_reader *r, candor_event_def *events, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (events[i].rollup != NULL &&
            !resolve(r, (rollup_spec *)(uintptr_t)events[i].rollup, &events[i], events, n))
            return false;
    return true;
}

/* --- canonical ------------------------------------------------------------------------------- */

static int compare_names(candor_bytes a, candor_bytes b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

/* Keys in byte order of the target's field names. */
static void put_set(candor_buf *b, const candor_rollup *rollup)
{
    const candor_rollup_key *last = NULL;
    candor_buf_put_bytes(b, CANDOR_LIT(",\"set\":{"));
    for (unsigned done = 0; done < rollup->n_keys; done++) {
        const candor_rollup_key *next = NULL;
        for (unsigned i = 0; i < rollup->n_keys; i++) {
            const candor_rollup_key *k = &rollup->keys[i];
            if (last != NULL && compare_names(k->to->name, last->to->name) <= 0) continue;
            if (next == NULL || compare_names(k->to->name, next->to->name) < 0) next = k;
        }
        if (done != 0) candor_buf_put_c(b, ',');
        candor_buf_put_bytes(b, next->to->key_json);
        candor_json_put_string(b, next->from->name);
        last = next;
    }
    candor_buf_put_c(b, '}');
}

void candor_schema_put_rollup(candor_buf *b, const candor_schema *s, const candor_event_def *e)
{
    if (e->rollup == NULL) return;
    candor_buf_put_bytes(b, CANDOR_LIT(",\"rollup\":{"));
    if (e->rollup->error_if != NULL) {
        candor_buf_putf(
            b, "\"errors\":{\"equals\":%s,\"field\":", e->rollup->error_equals ? "true" : "false");
        candor_json_put_string(b, e->rollup->error_if->name);
        candor_buf_put_bytes(b, CANDOR_LIT("},"));
    }
    candor_buf_put_bytes(b, CANDOR_LIT("\"into\":"));
    candor_json_put_string(b, candor_schema_at(s, e->rollup->into)->name);
    put_set(b, e->rollup);
    candor_buf_put_c(b, '}');
}
