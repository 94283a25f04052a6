#include "contract/package_sums.h"

#include <stdlib.h>

#include "contract/rules.h"

/* What one event adds, gathered in one walk over its line. */
typedef struct seen {
    candor_package_sums *p;
    const candor_event_def *def;
    candor_bytes type, correlation_id;
    int64_t ms;
    bool has_time, has_payload;
    candor_sums_text name, code;
    char hash[CANDOR_HASH_TEXT];
    unsigned n_values;
    const candor_field *fields[CANDOR_FIELDS_MAX]; /* durations */
    double values[CANDOR_FIELDS_MAX];
} seen;

candor_status candor_package_sums_new(const candor_schema *schema, candor_hmac *hash_key,
                                      candor_package_sums **out)
{
    candor_package_sums *p = calloc(1, sizeof *p);
    *out = NULL;
    if (p == NULL) return CANDOR_NOMEM;
    p->schema = schema;
    p->hash_key = hash_key;
    p->types = calloc(candor_schema_count(schema) + 1, sizeof *p->types);
    p->metrics = calloc(CANDOR_PACKAGE_METRICS_MAX + 1, sizeof *p->metrics);
    p->errors = calloc(CANDOR_PACKAGE_ERRORS_MAX + 1, sizeof *p->errors);
    if (p->types == NULL || p->metrics == NULL || p->errors == NULL) {
        candor_package_sums_free(p);
        return CANDOR_NOMEM;
    }
    *out = p;
    return CANDOR_OK;
}

void candor_package_sums_free(candor_package_sums *p)
{
    if (p == NULL) return;
    for (unsigned i = 0; p->metrics != NULL && i <= CANDOR_PACKAGE_METRICS_MAX; i++)
        free(p->metrics[i].buckets);
    free(p->types);
    free(p->metrics);
    free(p->errors);
    candor_buf_free(&p->ids);
    candor_buf_free(&p->text);
    free(p);
}

/* --- reading one line ------------------------------------------------------------------------ */

static bool is_one_of(candor_bytes name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (candor_bytes_eq(name, candor_bytes_str(*names))) return true;
    return false;
}

/* The field that says which command, tool or part of the app a duration belongs to. */
static bool names_it(const candor_event_def *def, const candor_field *f)
{
    static const char *const names[] = {"command", "commandName", "tool", "toolName", "name", NULL};
    if (f->kind != CANDOR_KIND_ID && f->kind != CANDOR_KIND_ENUM) return false;
    return is_one_of(f->name, names) || f == def->chart_by;
}

static bool codes_it(const candor_field *f)
{
    static const char *const names[] = {"code", "errorCode", "errorType", NULL};
    return (f->kind == CANDOR_KIND_ID || f->kind == CANDOR_KIND_ENUM) && is_one_of(f->name, names);
}

/* A name goes into a table that people read: an opaque id as it is, anything else by "other". */
static void take_text(candor_sums_text *to, const candor_json_token *t)
{
    candor_bytes s = t->raw;
    if (t->type != CANDOR_JSON_STRING || to->n != 0) return;
    if (t->escaped || s.n > CANDOR_SUMS_TEXT || !candor_id_ok(s, CANDOR_SUMS_TEXT))
        s = CANDOR_LIT("other");
    memcpy(to->p, s.p, s.n);
    to->n = (unsigned)s.n;
}

/* A message is hashed; a hash stays what it is. */
static void take_message(seen *e, const candor_field *f, const candor_json_token *t)
{
    static const char *const texts[] = {"message", "error", "errorMessage", NULL};
    static const char *const hashes[] = {"messageHash", "errorHash", NULL};
    candor_buf *b = &e->p->text;
    if (t->type != CANDOR_JSON_STRING || e->hash[0] != '\0') return;
    if (f->kind == CANDOR_KIND_HASH && is_one_of(f->name, hashes) && t->raw.n == CANDOR_HASH_TEXT &&
        !t->escaped)
        memcpy(e->hash, t->raw.p, CANDOR_HASH_TEXT);
    if (f->kind != CANDOR_KIND_TEXT || !is_one_of(f->name, texts)) return;
    candor_buf_clear(b);
    if (!candor_buf_reserve(b, t->raw.n)) return;
    b->n = candor_json_unescape(t->raw, b->p, t->raw.n);
    if (candor_hmac_text(e->p->hash_key, candor_buf_bytes(b), e->hash) != CANDOR_OK)
        e->hash[0] = '\0';
}

static void take_field(seen *e, const candor_field *f, const candor_json_token *t)
{
    if (f->kind == CANDOR_KIND_DURATION && t->type == CANDOR_JSON_NUMBER &&
        e->n_values < CANDOR_FIELDS_MAX) {
        e->fields[e->n_values] = f;
        e->values[e->n_values++] = candor_json_double(t->raw);
    }
    if (names_it(e->def, f)) take_text(&e->name, t);
    if (codes_it(f)) take_text(&e->code, t);
    take_message(e, f, t);
}

static bool read_payload(seen *e, candor_json *j, const candor_json_token *first)
{
    candor_json_token key, value;
    e->has_payload = first->type == CANDOR_JSON_OBJECT;
    if (!e->has_payload || e->def == NULL) return candor_json_skip(j, first, NULL);
    while (candor_json_next(j, &key) == CANDOR_JSON_KEY) {
        const candor_field *f = key.escaped ? NULL : candor_event_field(e->def, key.raw);
        (void)candor_json_next(j, &value);
        if (f != NULL) take_field(e, f, &value);
        if (!candor_json_skip(j, &value, NULL)) return false;
    }
    return j->error == NULL;
}

static bool read_member(seen *e, candor_json *j, candor_bytes key, const candor_json_token *t)
{
    bool text = t->type == CANDOR_JSON_STRING && !t->escaped;
    if (candor_bytes_eq(key, CANDOR_LIT("payload"))) return read_payload(e, j, t);
    if (text && candor_bytes_eq(key, CANDOR_LIT("event_type"))) {
        e->type = t->raw;
        e->def = candor_schema_event(e->p->schema, t->raw);
    }
    if (text && candor_bytes_eq(key, CANDOR_LIT("timestamp")))
        e->has_time = candor_time_parse(t->raw, &e->ms);
    if (text && candor_bytes_eq(key, CANDOR_LIT("correlation_id")) &&
        candor_id_ok(t->raw, CANDOR_BASE_ID_MAX))
        e->correlation_id = t->raw;
    return candor_json_skip(j, t, NULL);
}

static bool read_line(seen *e, candor_bytes line)
{
    candor_json j;
    candor_json_token t, value;
    candor_json_init(&j, line, CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        (void)candor_json_next(&j, &value);
        if (!read_member(e, &j, t.raw, &value)) return false;
    }
    return candor_json_next(&j, &t) == CANDOR_JSON_END && e->has_time && e->has_payload &&
           e->type.n != 0;
}

/* --- adding it up ---------------------------------------------------------------------------- */

static void span_add(candor_sums_span *s, int64_t ms)
{
    if (s->count == 0 || ms < s->first_ms) s->first_ms = ms;
    if (s->count == 0 || ms > s->last_ms) s->last_ms = ms;
    s->count++;
}

static bool text_eq(const candor_sums_text *a, const candor_sums_text *b)
{
    return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

static unsigned bucket_of(double ms)
{
    if (!(ms > 0)) return 0;
    uint64_t us = (uint64_t)(ms * 1000.0);
    unsigned octave = 0;
    if (us < 16) return (unsigned)us;
    while (us >> (octave + 5) != 0)
        octave++;
    unsigned at = 16 + octave * 16 + (unsigned)((us >> octave) & 15);
    return at < CANDOR_SUMS_BUCKETS ? at : CANDOR_SUMS_BUCKETS - 1;
}

static candor_sums_metric *metric_of(candor_package_sums *p, const seen *e, const candor_field *f)
{
    for (unsigned i = 0; i < p->n_metrics; i++) {
        candor_sums_metric *m = &p->metrics[i];
        if (m->field == f && m->def == e->def && text_eq(&m->name, &e->name)) return m;
    }
    if (p->n_metrics == CANDOR_PACKAGE_METRICS_MAX) return &p->metrics[CANDOR_PACKAGE_METRICS_MAX];
    candor_sums_metric *m = &p->metrics[p->n_metrics++];
    m->def = e->def;
    m->field = f;
    m->name = e->name;
    return m;
}

static bool add_metric(candor_package_sums *p, const seen *e, const candor_field *f, double value)
{
    candor_sums_metric *m = metric_of(p, e, f);
    if (m->buckets == NULL) m->buckets = calloc(CANDOR_SUMS_BUCKETS, sizeof *m->buckets);
    if (m->buckets == NULL) return false;
    if (m->count == 0 || value < m->min) m->min = value;
    if (m->count == 0 || value > m->max) m->max = value;
    m->sum += value;
    m->count++;
    m->buckets[bucket_of(value)]++;
    return true;
}

static bool is_error(const seen *e)
{
    return e->def->level == CANDOR_LEVEL_CRASH || e->def->level == CANDOR_LEVEL_ERROR ||
           e->code.n != 0;
}

static void add_error(candor_package_sums *p, const seen *e)
{
    unsigned i = 0;
    while (i < p->n_errors &&
           (p->errors[i].def != e->def || !text_eq(&p->errors[i].code, &e->code) ||
            memcmp(p->errors[i].hash, e->hash, sizeof e->hash) != 0))
        i++;
    candor_sums_error *row =
        &p->errors[i < CANDOR_PACKAGE_ERRORS_MAX ? i : CANDOR_PACKAGE_ERRORS_MAX];
    if (i == p->n_errors && i < CANDOR_PACKAGE_ERRORS_MAX) {
        p->n_errors++;
        row->def = e->def;
        row->code = e->code;
        memcpy(row->hash, e->hash, sizeof e->hash);
    }
    span_add(&row->span, e->ms);
}

/* FNV-1a: spread, not secret; a table that somebody fills on purpose costs 2048 looks an event. */
static uint32_t slot_of(candor_bytes s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h % CANDOR_SUMS_SLOTS;
}

static bool add_correlation(candor_package_sums *p, candor_bytes id)
{
    uint32_t at = slot_of(id);
    if (id.n == 0) return true;
    for (; p->id_at[at] != 0; at = (at + 1) % CANDOR_SUMS_SLOTS)
        if (candor_bytes_eq(candor_bytes_of(p->ids.p + p->id_at[at] - 1, p->id_n[at]), id))
            return true;
    if (p->n_ids == CANDOR_PACKAGE_CORRELATIONS_MAX) {
        p->ids_more++;
        return true;
    }
    uint32_t offset = (uint32_t)p->ids.n;
    candor_buf_put_bytes(&p->ids, id);
    if (p->ids.failed) return false;
    p->id_at[at] = 1 + offset;
    p->id_n[at] = (unsigned char)id.n;
    p->id_order[p->n_ids++] = at;
    return true;
}

static void add_governance(candor_package_sums *p, const candor_event_def *def)
{
    if (p->governance_id.n == 0) p->governance_id = def->governance_id;
    if (!candor_bytes_eq(p->governance_id, def->governance_id)) p->governance_differs = true;
}

candor_status candor_package_sums_add(candor_package_sums *p, candor_bytes line)
{
    seen e = {.p = p};
    if (!read_line(&e, line)) return CANDOR_INVALID;
    if (!add_correlation(p, e.correlation_id)) return CANDOR_NOMEM;
    span_add(&p->all, e.ms);
    if (e.def == NULL) {
        span_add(&p->other, e.ms);
        return CANDOR_OK;
    }
    span_add(&p->types[e.def->index], e.ms);
    add_governance(p, e.def);
    if (is_error(&e)) add_error(p, &e);
    for (unsigned i = 0; i < e.n_values; i++)
        if (!add_metric(p, &e, e.fields[i], e.values[i])) return CANDOR_NOMEM;
    return CANDOR_OK;
}
