/* Counting: records of rolled-up events become sums by local day and key. */
#include "client/rollup.h"

#include <stdlib.h>

#include "base/json.h"

#define TALLY_MAX  1024 /* days and keys of one look; more wait for the next */
#define QUARTER_MS 900000
#define HOUR_MS    3600000
#define DAY_S      86400

void candor_rollup_tally_clear(candor_rollup_tally *t, uint64_t from)
{
    t->from = from;
    t->events = t->counted_before = 0;
    t->n_entries = t->n_hours = 0;
    t->offset_quarter = INT64_MIN;
    candor_buf_clear(&t->keys);
}

void candor_rollup_tally_free(candor_rollup_tally *t)
{
    free(t->entries);
    free(t->hours);
    candor_buf_free(&t->keys);
    t->entries = NULL;
    t->hours = NULL;
    t->n_entries = t->cap_entries = t->n_hours = t->cap_hours = 0;
}

const candor_event_def *candor_rollup_source(const candor_rollup_tally *t, candor_bytes type)
{
    if (t->schema == NULL) return NULL;
    const candor_event_def *e = candor_schema_event(t->schema, type);
    return e != NULL && e->rollup != NULL ? e : NULL;
}

/* --- key ------------------------------------------------------------------------------------- */

/* The record may have been written under another schema: a value must be of the field's type. */
static bool of_type(const candor_field *f, const candor_json_token *t)
{
    switch (f->kind) {
    case CANDOR_KIND_BOOL:
        return t->type == CANDOR_JSON_TRUE || t->type == CANDOR_JSON_FALSE;
    case CANDOR_KIND_BUCKET:
        return t->type == CANDOR_JSON_NUMBER && t->raw.n <= CANDOR_JSON_NUMBER_MAX;
    default:
        return t->type == CANDOR_JSON_STRING && t->raw.n <= CANDOR_ID_MAX;
    }
}

typedef struct picked {
    candor_json_token keys[CANDOR_ROLLUP_KEYS_MAX];
    bool has[CANDOR_ROLLUP_KEYS_MAX], error;
} picked;

static void pick(const candor_rollup *rollup, candor_bytes name, const candor_json_token *t,
                 picked *out)
{
    for (unsigned i = 0; i < rollup->n_keys; i++) {
        if (!candor_bytes_eq(rollup->keys[i].from->name, name)) continue;
        out->keys[i] = *t;
        out->has[i] = of_type(rollup->keys[i].from, t);
    }
    if (rollup->error_if == NULL || !candor_bytes_eq(rollup->error_if->name, name)) return;
    out->error = t->type == (rollup->error_equals ? CANDOR_JSON_TRUE : CANDOR_JSON_FALSE);
}

static void read_payload(const candor_rollup *rollup, candor_bytes payload, picked *out)
{
    candor_json j;
    candor_json_token t;
    memset(out, 0, sizeof *out);
    candor_json_init(&j, payload, CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        candor_bytes name = t.raw;
        (void)candor_json_next(&j, &t);
        pick(rollup, name, &t, out);
        if (!candor_json_skip(&j, &t, NULL)) return;
    }
}

/* "field":value of each key that is there, in the target's order, behind what keys holds. */
static void put_key(const candor_rollup *rollup, const picked *p, candor_buf *keys)
{
    bool first = true;
    for (unsigned i = 0; i < rollup->n_keys; i++) {
        const candor_json_token *t = &p->keys[i];
        if (!p->has[i]) continue;
        if (!first) candor_buf_put_c(keys, ',');
        first = false;
        candor_buf_put_bytes(keys, rollup->keys[i].to->key_json);
        if (t->type == CANDOR_JSON_STRING) candor_buf_put_c(keys, '"');
        candor_buf_put_bytes(keys, t->raw);
        if (t->type == CANDOR_JSON_STRING) candor_buf_put_c(keys, '"');
    }
}

/* --- sums ------------------------------------------------------------------------------------ */

/* Zones change their offset at quarters of an hour (UTC) at most. */
static int64_t local_day(candor_rollup_tally *t, int64_t unix_ms)
{
    int64_t quarter = unix_ms / QUARTER_MS;
    if (quarter != t->offset_quarter) {
        t->offset_s = t->clock->offset_s(t->clock->ctx, unix_ms);
        t->offset_quarter = quarter;
    }
    int64_t local = unix_ms / 1000 + t->offset_s;
    return local >= 0 ? local / DAY_S : -((DAY_S - 1 - local) / DAY_S);
}

static uint32_t hash_of(candor_bytes s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

static bool same(const candor_rollup_tally *t, const candor_rollup_entry *a,
                 const candor_rollup_entry *b)
{
    return a->hash == b->hash && a->rollup == b->rollup && a->day == b->day &&
           candor_bytes_eq(candor_rollup_key_of(t, a), candor_rollup_key_of(t, b));
}

static void *grown(void *items, size_t *cap, size_t size)
{
    size_t more = *cap != 0 ? *cap * 2 : 16;
    void *p = realloc(items, more * size);
    if (p != NULL) *cap = more;
    return p;
}

static candor_status add_entry(candor_rollup_tally *t, const candor_rollup_entry *e)
{
    for (size_t i = t->n_entries; i-- > 0;) {
        if (!same(t, &t->entries[i], e)) continue;
        t->entries[i].n += e->n;
        t->entries[i].errors += e->errors;
        t->keys.n = e->key_at;
        return CANDOR_OK;
    }
    if (t->n_entries == TALLY_MAX) return CANDOR_FULL;
    if (t->n_entries == t->cap_entries) {
        candor_rollup_entry *more = grown(t->entries, &t->cap_entries, sizeof *more);
        if (more == NULL) return CANDOR_NOMEM;
        t->entries = more;
    }
    t->entries[t->n_entries++] = *e;
    return CANDOR_OK;
}

/* The place to count an hour and type; a new one counts nothing yet. */
static candor_status find_hour(candor_rollup_tally *t, int64_t hour, candor_bytes type, size_t *out)
{
    for (*out = t->n_hours; (*out)-- > 0;)
        if (t->hours[*out].hour == hour && candor_bytes_eq(t->hours[*out].type, type))
            return CANDOR_OK;
    if (t->n_hours == TALLY_MAX) return CANDOR_FULL;
    if (t->n_hours == t->cap_hours) {
        candor_hour_count *more = grown(t->hours, &t->cap_hours, sizeof *more);
        if (more == NULL) return CANDOR_NOMEM;
        t->hours = more;
    }
    t->hours[t->n_hours] = (candor_hour_count){hour, type, 0};
    *out = t->n_hours++;
    return CANDOR_OK;
}

candor_status candor_rollup_count(candor_rollup_tally *t, const candor_event_def *e, uint64_t at,
                                  const candor_record *r)
{
    picked p;
    size_t hour = 0;
    if (at < t->from) { /* before a crash, or before a batch beside it could not be written */
        t->counted_before++;
        return CANDOR_OK;
    }
    read_payload(e->rollup, r->payload, &p);
    candor_rollup_entry entry = {.rollup = e->rollup,
                                 .target = candor_schema_at(t->schema, e->rollup->into),
                                 .day = local_day(t, r->ts_ms),
                                 .key_at = t->keys.n,
                                 .n = 1,
                                 .errors = p.error ? 1 : 0};
    put_key(e->rollup, &p, &t->keys);
    if (t->keys.failed) return CANDOR_NOMEM;
    entry.key_n = t->keys.n - entry.key_at;
    entry.hash = hash_of(candor_rollup_key_of(t, &entry));
    candor_status st = find_hour(t, r->ts_ms / HOUR_MS, e->name, &hour);
    if (st == CANDOR_OK) st = add_entry(t, &entry);
    if (st != CANDOR_OK) {
        t->keys.n = entry.key_at;
        return st;
    }
    t->hours[hour].n++;
    t->events++;
    return CANDOR_OK;
}
