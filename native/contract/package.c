#include "contract/package_internal.h"

#define DEPTH (CANDOR_JSON_EVENT_DEPTH + 2) /* the package and its array around an event */

typedef enum member {
    M_SCHEMA_VERSION,
    M_PACKAGE_ID,
    M_EXPORT_TIMESTAMP,
    M_APP,
    M_APP_VERSION,
    M_PLATFORM,
    M_MACHINE_ID,
    M_SCHEMA,
    M_GOVERNANCE_ID,
    M_CORRELATION_IDS,
    M_CORRELATION_IDS_MORE,
    M_EVENTS,
    M_PERFORMANCE_METRICS,
    M_USAGE_STATISTICS,
    M_ERRORS,
    M_COUNT
} member;

static const char *const names[M_COUNT] = {
    "schema_version",
    "package_id",
    "export_timestamp",
    "app",
    "app_version",
    "platform",
    "machine_id",
    "schema",
    "governance_id",
    "correlation_ids",
    "correlation_ids_more",
    "events",
    "performance_metrics",
    "usage_statistics",
    "errors",
};

/* Keys inside the summary. */
static const char *const summary_keys[] = {
    "event_type",
    "field",
    "name",
    "count",
    "min",
    "max",
    "mean",
    "p50",
    "p95",
    "code",
    "message_hash",
    "events",
    "by_type",
    "first_timestamp",
    "last_timestamp",
    NULL,
};

typedef candor_package_reading reading;

static candor_status syntax(const candor_json *j, candor_err *err)
{
    unsigned line, column;
    candor_json_where(j, &line, &column);
    return candor_fail(err, CANDOR_INVALID, 0, "package", "line %u, column %u: %s", line, column,
                       j->error != NULL ? j->error : "malformed JSON");
}

static candor_status refuse(reading *r, member m, const char *problem)
{
    return candor_fail(r->err, CANDOR_INVALID, 0, "package", "%s %s", names[m], problem);
}

static member find_member(candor_bytes key)
{
    unsigned m = 0;
    while (m < M_COUNT && !candor_bytes_eq(key, candor_bytes_str(names[m])))
        m++;
    return (member)m;
}

static bool plain(const candor_json_token *t)
{
    return t->type == CANDOR_JSON_STRING && !t->escaped;
}

/* --- head ------------------------------------------------------------------------------------ */

static candor_status read_version(reading *r, const candor_json_token *t)
{
    if (plain(t) && candor_bytes_eq(t->raw, CANDOR_LIT(CANDOR_PACKAGE_VERSION))) return CANDOR_OK;
    return candor_fail(r->err, CANDOR_INVALID, 0, "package",
                       "schema_version is not \"" CANDOR_PACKAGE_VERSION
                       "\", the only one that this program reads");
}

static candor_status read_id(reading *r, const candor_json_token *t)
{
    if (!plain(t) || !candor_uuid_parse(t->raw, r->info->id) || !candor_uuid_is_v7(r->info->id))
        return refuse(r, M_PACKAGE_ID, "is not a UUID version 7");
    r->info->package_id = t->raw;
    return CANDOR_OK;
}

static candor_status read_opaque(reading *r, member m, const candor_json_token *t,
                                 candor_bytes *out)
{
    bool ok = plain(t) && (m == M_APP_VERSION ? candor_version_ok(t->raw)
                                              : candor_id_ok(t->raw, CANDOR_BASE_ID_MAX));
    if (!ok) return refuse(r, m, "is not an opaque id");
    *out = t->raw;
    return CANDOR_OK;
}

/* Short text without anything that redaction would replace, or null. */
static candor_status read_label(reading *r, member m, const candor_json_token *t)
{
    if (t->type == CANDOR_JSON_NULL) return CANDOR_OK;
    if (t->type != CANDOR_JSON_STRING || t->raw.n > CANDOR_BASE_ID_MAX)
        return refuse(r, m, "holds something else than a short text");
    unsigned found = candor_package_scan(r, t);
    if (found == 0) return CANDOR_OK;
    return candor_fail(r->err, CANDOR_INVALID, 0, "package",
                       "%s holds %s; a package holds sanitised data only", names[m],
                       candor_package_found_text(found));
}

static candor_status read_schema(reading *r, const candor_json_token *first)
{
    candor_json_token key, t;
    candor_status st = CANDOR_OK;
    if (first->type != CANDOR_JSON_OBJECT) return refuse(r, M_SCHEMA, "is not an object");
    while (st == CANDOR_OK && candor_json_next(&r->j, &key) == CANDOR_JSON_KEY) {
        (void)candor_json_next(&r->j, &t);
        if (candor_bytes_eq(key.raw, CANDOR_LIT("name")) && plain(&t)) {
            r->info->schema_name = t.raw;
            st = read_label(r, M_SCHEMA, &t);
        } else if (candor_bytes_eq(key.raw, CANDOR_LIT("hash")) && plain(&t)) {
            r->info->schema_hash = t.raw;
            st = read_label(r, M_SCHEMA, &t);
        } else if (!candor_bytes_eq(key.raw, CANDOR_LIT("version")) ||
                   t.type != CANDOR_JSON_NUMBER ||
                   !candor_json_int64(t.raw, &r->info->schema_version)) {
            st = refuse(r, M_SCHEMA, "holds something else than name, version and hash");
        }
    }
    if (st == CANDOR_OK && r->j.error != NULL) st = syntax(&r->j, r->err);
    return st;
}

static candor_status read_correlations(reading *r, const candor_json_token *first)
{
    candor_json_token t;
    unsigned n = 0;
    if (first->type != CANDOR_JSON_ARRAY) return refuse(r, M_CORRELATION_IDS, "is not an array");
    while (candor_json_next(&r->j, &t) == CANDOR_JSON_STRING) {
        if (t.escaped || !candor_id_ok(t.raw, CANDOR_BASE_ID_MAX))
            return candor_fail(r->err, CANDOR_INVALID, 0, "package",
                               "correlation_ids[%u] is not an opaque id", n);
        if (++n > CANDOR_PACKAGE_CORRELATIONS_MAX)
            return candor_fail(r->err, CANDOR_LIMIT, 0, "package",
                               "correlation_ids holds more than %d ids",
                               CANDOR_PACKAGE_CORRELATIONS_MAX);
    }
    if (t.type == CANDOR_JSON_ERROR) return syntax(&r->j, r->err);
    return t.type == CANDOR_JSON_ARRAY_END ? CANDOR_OK
                                           : refuse(r, M_CORRELATION_IDS, "holds no text");
}

/* --- events ---------------------------------------------------------------------------------- */

/* Whether the event is, byte for byte, what the rules write of it: then there is nothing to look
 * for. */
static bool is_as_written(reading *r, candor_bytes event, const candor_parsed *p)
{
    candor_buf context = {0};
    const candor_event *e = &p->event;
    candor_buf_clear(&r->line);
    bool same = candor_context_write(&e->context, &context) == CANDOR_OK &&
                candor_event_write(e->id, e->def->name, e->ts_ms, candor_buf_bytes(&context),
                                   e->correlation_id,
                                   candor_bytes_of(r->payload.p + p->payload_at, p->payload_len),
                                   &r->line) == CANDOR_OK &&
                r->line.n == event.n + 1 && memcmp(r->line.p, event.p, event.n) == 0;
    candor_buf_free(&context);
    return same;
}

static bool tallied(const candor_tally *t)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < CANDOR_ADJUST_COUNT; i++)
        sum |= t->n[i];
    return sum != 0;
}

/* The type as it stands, for an event that was refused for another reason. */
static const candor_event_def *type_of(const reading *r, candor_bytes event)
{
    candor_json j;
    candor_json_token key, t;
    const candor_event_def *def = NULL;
    candor_json_init(&j, event, CANDOR_JSON_DEPTH_MAX);
    (void)candor_json_next(&j, &key);
    while (candor_json_next(&j, &key) == CANDOR_JSON_KEY) {
        bool is_type = candor_bytes_eq(key.raw, CANDOR_LIT("event_type"));
        (void)candor_json_next(&j, &t);
        if (is_type && plain(&t)) def = candor_schema_event(r->s->schema, t.raw);
        if (!candor_json_skip(&j, &t, NULL)) break;
    }
    return def;
}

static candor_status read_event(reading *r, uint64_t index, const candor_json_token *t)
{
    candor_parsed parsed;
    candor_buf_clear(&r->payload);
    candor_reject reject = candor_event_parse(r->s, &r->j, t, r->rules, &r->payload, &parsed);
    candor_bytes event = {t->raw.p, (size_t)(r->j.p - t->raw.p)};
    switch (reject) {
    case CANDOR_REJECT_NONE:
        if (is_as_written(r, event, &parsed)) return CANDOR_OK;
        r->info->adjusted += tallied(&parsed.tally) ? 1 : 0;
        return candor_package_find_raw(r, index, parsed.event.def, event);
    case CANDOR_REJECT_BAD_JSON:
        return syntax(&r->j, r->err);
    case CANDOR_REJECT_FAILED:
        return candor_fail(r->err, CANDOR_NOMEM, 0, "package", "events[%llu]: out of memory",
                           (unsigned long long)index);
    case CANDOR_REJECT_TOO_LARGE:
    case CANDOR_REJECT_NOT_AN_OBJECT:
        return candor_fail(
            r->err, reject == CANDOR_REJECT_TOO_LARGE ? CANDOR_LIMIT : CANDOR_INVALID, 0, "package",
            "events[%llu]: %s", (unsigned long long)index, candor_reject_text(reject));
    default:
        r->info->rejected++;
        return candor_package_find_raw(r, index, type_of(r, event), event);
    }
}

static candor_status read_events(reading *r, const candor_json_token *first)
{
    candor_json_token t;
    candor_status st = CANDOR_OK;
    if (first->type != CANDOR_JSON_ARRAY) return refuse(r, M_EVENTS, "is not an array");
    while (st == CANDOR_OK && candor_json_next(&r->j, &t) != CANDOR_JSON_ARRAY_END) {
        if (t.type == CANDOR_JSON_ERROR) return syntax(&r->j, r->err);
        st = read_event(r, r->info->events++, &t);
    }
    return st;
}

/* --- summary --------------------------------------------------------------------------------- */

static bool summary_key(candor_bytes key)
{
    const char *const *k = summary_keys;
    while (*k != NULL && !candor_bytes_eq(key, candor_bytes_str(*k)))
        k++;
    return *k != NULL;
}

static candor_status read_summary(reading *r, member m, const candor_json_token *first)
{
    candor_json_token t = *first;
    unsigned depth = r->j.depth, rows = 0;
    if (t.type != (m == M_USAGE_STATISTICS ? CANDOR_JSON_OBJECT : CANDOR_JSON_ARRAY))
        return refuse(r, m, "has the wrong type");
    while (r->j.depth >= depth) {
        (void)candor_json_next(&r->j, &t);
        if (t.type == CANDOR_JSON_ERROR) return syntax(&r->j, r->err);
        if (t.type == CANDOR_JSON_KEY && !summary_key(t.raw))
            return refuse(r, m, "has a member that is not part of it");
        if (t.type == CANDOR_JSON_STRING && !candor_package_summary_text_ok(r, &t))
            return refuse(r, m,
                          "holds a text that is not an opaque id; a package holds sanitised "
                          "data only");
        rows += t.type == CANDOR_JSON_OBJECT ? 1 : 0;
        if (rows > CANDOR_SCHEMA_EVENTS_MAX + 1)
            return candor_fail(r->err, CANDOR_LIMIT, 0, "package", "%s has more than %d rows",
                               names[m], CANDOR_SCHEMA_EVENTS_MAX + 1);
    }
    return CANDOR_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

static candor_status read_member(reading *r, member m, const candor_json_token *t)
{
    candor_package_info *info = r->info;
    int64_t n;
    switch (m) {
    case M_SCHEMA_VERSION:
        return read_version(r, t);
    case M_PACKAGE_ID:
        return read_id(r, t);
    case M_EXPORT_TIMESTAMP:
        if (plain(t) && candor_time_parse(t->raw, &info->export_ms)) return CANDOR_OK;
        return refuse(r, m, "is not an RFC 3339 time");
    case M_APP:
        return read_opaque(r, m, t, &info->app);
    case M_APP_VERSION:
        return read_opaque(r, m, t, &info->app_version);
    case M_PLATFORM:
        return read_opaque(r, m, t, &info->platform);
    case M_MACHINE_ID:
        return read_opaque(r, m, t, &info->machine_id);
    case M_SCHEMA:
        return read_schema(r, t);
    case M_GOVERNANCE_ID:
        return read_label(r, m, t);
    case M_CORRELATION_IDS:
        return read_correlations(r, t);
    case M_CORRELATION_IDS_MORE:
        if (t->type == CANDOR_JSON_NUMBER && candor_json_int64(t->raw, &n) && n >= 0)
            return CANDOR_OK;
        return refuse(r, m, "is not a number");
    case M_EVENTS:
        return read_events(r, t);
    case M_PERFORMANCE_METRICS:
    case M_USAGE_STATISTICS:
    case M_ERRORS:
        return read_summary(r, m, t);
    case M_COUNT:
        break;
    }
    return refuse(r, M_SCHEMA_VERSION, "is missing");
}

static candor_status unknown_member(reading *r, candor_bytes key)
{
    /* An unknown name may be anything: it is not repeated unless it could be a name. */
    bool safe = key.n <= CANDOR_NAME_MAX && candor_id_ok(key, CANDOR_NAME_MAX);
    return candor_fail(r->err, CANDOR_INVALID, 0, "package",
                       "\"%.*s\" is not a member of a package of version " CANDOR_PACKAGE_VERSION,
                       safe ? (int)key.n : 3, safe ? key.p : "...");
}

static candor_status read_package(reading *r)
{
    candor_json_token key, t;
    candor_status st = CANDOR_OK;
    if (candor_json_next(&r->j, &t) != CANDOR_JSON_OBJECT)
        return r->j.error != NULL ? syntax(&r->j, r->err)
                                  : candor_fail(r->err, CANDOR_INVALID, 0, "package",
                                                "a package is one JSON object");
    while (st == CANDOR_OK && candor_json_next(&r->j, &key) == CANDOR_JSON_KEY) {
        member m = key.escaped ? M_COUNT : find_member(key.raw);
        if (r->seen == 0 && m != M_SCHEMA_VERSION)
            return refuse(r, M_SCHEMA_VERSION, "is not the first member: this is not a package");
        if (m == M_COUNT) return unknown_member(r, key.raw);
        if ((r->seen >> m & 1) != 0) return refuse(r, m, "stands there twice");
        r->seen |= UINT32_C(1) << m;
        (void)candor_json_next(&r->j, &t);
        st = t.type == CANDOR_JSON_ERROR ? syntax(&r->j, r->err) : read_member(r, m, &t);
    }
    if (st != CANDOR_OK) return st;
    if (key.type == CANDOR_JSON_ERROR || candor_json_next(&r->j, &t) != CANDOR_JSON_END)
        return syntax(&r->j, r->err);
    for (unsigned m = 0; m < M_COUNT; m++)
        if ((r->seen >> m & 1) == 0) return refuse(r, (member)m, "is missing");
    return CANDOR_OK;
}

candor_status candor_package_check(candor_bytes text, candor_sanitiser *s,
                                   const candor_parse_rules *rules, candor_package_info *out,
                                   candor_err *err)
{
    reading r = {.s = s, .rules = rules, .info = out, .err = err};
    memset(out, 0, sizeof *out);
    candor_json_init(&r.j, text, DEPTH);
    candor_status st = read_package(&r);
    candor_buf_free(&r.payload);
    candor_buf_free(&r.line);
    candor_buf_free(&r.text);
    return st;
}

static candor_status visit_events(candor_json *j, candor_package_visit visit, void *ctx)
{
    candor_json_token t;
    candor_bytes raw = {NULL, 0};
    uint64_t index = 0;
    while (candor_json_next(j, &t) != CANDOR_JSON_ARRAY_END) {
        if (t.type != CANDOR_JSON_OBJECT || !candor_json_skip(j, &t, &raw)) return CANDOR_INVALID;
        if (!visit(ctx, index++, raw)) return CANDOR_CANCELLED;
    }
    return CANDOR_OK;
}

candor_status candor_package_each(candor_bytes text, candor_package_visit visit, void *ctx,
                                  candor_err *err)
{
    candor_json j;
    candor_json_token key, t;
    candor_status st = CANDOR_OK;
    candor_json_init(&j, text, DEPTH);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return syntax(&j, err);
    while (st == CANDOR_OK && candor_json_next(&j, &key) == CANDOR_JSON_KEY) {
        bool events = candor_bytes_eq(key.raw, CANDOR_LIT("events"));
        (void)candor_json_next(&j, &t);
        if (events && t.type == CANDOR_JSON_ARRAY)
            st = visit_events(&j, visit, ctx);
        else if (!candor_json_skip(&j, &t, NULL))
            st = CANDOR_INVALID;
    }
    if (st == CANDOR_CANCELLED)
        return candor_fail(err, st, 0, "package", "the visitor has stopped the reading");
    return st == CANDOR_OK && j.error == NULL ? st : syntax(&j, err);
}
