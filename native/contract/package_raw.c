#include "contract/package_internal.h"

#include <stdio.h>

#include "contract/redact.h"
#include "contract/rules.h"
#include "contract/sanitise_json.h"

#define ONLY_CLEAN "a package holds sanitised data only"

/* Where in the event the reading stands. */
typedef struct place {
    uint64_t index;
    const candor_event_def *def;
    bool in_payload;
} place;

const char *candor_package_found_text(unsigned found)
{
    if ((found & CANDOR_FOUND_SECRET) != 0) return "a secret";
    if ((found & CANDOR_FOUND_PATH) != 0) return "a path";
    if ((found & CANDOR_FOUND_EMAIL) != 0) return "an e-mail address";
    return "an IP address";
}

unsigned candor_package_scan(candor_package_reading *r, const candor_json_token *t)
{
    int64_t ms;
    candor_bytes s = t->raw;
    if (t->escaped) {
        candor_buf_clear(&r->text);
        if (!candor_buf_reserve(&r->text, s.n))
            return CANDOR_FOUND_SECRET; /* not known: not clean */
        r->text.n = candor_json_unescape(s, r->text.p, s.n);
        s = candor_buf_bytes(&r->text);
    }
    return candor_time_parse(s, &ms) ? 0 : candor_redact_scan(s);
}

bool candor_package_summary_text_ok(candor_package_reading *r, const candor_json_token *t)
{
    int64_t ms;
    if (t->escaped || t->raw.n > CANDOR_BASE_ID_MAX) return false;
    if (candor_schema_event(r->s->schema, t->raw) != NULL) return true;
    return candor_id_ok(t->raw, CANDOR_BASE_ID_MAX) || candor_time_parse(t->raw, &ms);
}

/* Only a name that could be in a schema is repeated in a message. */
static void write_name(const place *at, candor_bytes key, char *out, size_t cap)
{
    if (candor_id_ok(key, CANDOR_NAME_MAX))
        (void)snprintf(out, cap, "%s%.*s", at->in_payload ? "payload." : "", (int)key.n, key.p);
    else
        (void)snprintf(out, cap, "a field%s", at->in_payload ? " of the payload" : "");
}

static candor_status refuse(candor_package_reading *r, const place *at, candor_bytes key,
                            const char *holds)
{
    char name[CANDOR_NAME_MAX + 16];
    write_name(at, key, name, sizeof name);
    candor_bytes type = at->def != NULL ? at->def->name : CANDOR_LIT("unknown type");
    return candor_fail(r->err, CANDOR_INVALID, 0, "package",
                       "events[%llu] (%.*s): %s %s; " ONLY_CLEAN, (unsigned long long)at->index,
                       (int)type.n, type.p, name, holds);
}

static candor_status refuse_found(candor_package_reading *r, const place *at, candor_bytes key,
                                  unsigned found)
{
    char holds[64];
    (void)snprintf(holds, sizeof holds, "holds %s", candor_package_found_text(found));
    return refuse(r, at, key, holds);
}

/* Every string of a value, keys of objects included. raw is the whole value when it is a container.
 */
static unsigned scan_value(candor_package_reading *r, const candor_json_token *first,
                           candor_bytes raw)
{
    candor_json j;
    candor_json_token t;
    unsigned found = 0;
    if (first->type == CANDOR_JSON_STRING) return candor_package_scan(r, first);
    if (first->type != CANDOR_JSON_OBJECT && first->type != CANDOR_JSON_ARRAY) return 0;
    candor_json_init(&j, raw, CANDOR_JSON_DEPTH_MAX);
    while (candor_json_next(&j, &t) != CANDOR_JSON_END && t.type != CANDOR_JSON_ERROR)
        if (t.type == CANDOR_JSON_STRING || t.type == CANDOR_JSON_KEY)
            found |= candor_package_scan(r, &t);
    return found;
}

static bool is_hash(const candor_json_token *t)
{
    return !t->escaped && t->raw.n == CANDOR_HASH_TEXT && candor_is_hex(t->raw);
}

/* A hash field, or a list of them, with anything else in it. */
static bool unhashed(const candor_json_token *first, candor_bytes raw)
{
    candor_json j;
    candor_json_token t;
    if (first->type == CANDOR_JSON_STRING) return !is_hash(first);
    if (first->type != CANDOR_JSON_OBJECT && first->type != CANDOR_JSON_ARRAY)
        return first->type == CANDOR_JSON_NUMBER;
    candor_json_init(&j, raw, CANDOR_JSON_DEPTH_MAX);
    while (candor_json_next(&j, &t) != CANDOR_JSON_END && t.type != CANDOR_JSON_ERROR)
        if (t.type == CANDOR_JSON_NUMBER || (t.type == CANDOR_JSON_STRING && !is_hash(&t)))
            return true;
    return false;
}

static bool is_value_of(const candor_field *f, const candor_json_token *t)
{
    for (unsigned i = 0; i < f->n_values; i++)
        if (!t->escaped && candor_bytes_eq(f->values[i], t->raw)) return true;
    return false;
}

static candor_status check_field(candor_package_reading *r, const place *at,
                                 const candor_json_token *key, const candor_json_token *first,
                                 candor_bytes raw)
{
    char local[CANDOR_KEY_MAX];
    candor_bytes name = candor_key_text(key, local);
    const candor_field *f = candor_event_field(at->def, name);
    candor_kind kind = f == NULL                     ? CANDOR_KIND_COUNT
                       : f->kind == CANDOR_KIND_LIST ? f->of
                                                     : f->kind;
    if (f == NULL && candor_package_scan(r, key) != 0)
        return refuse_found(r, at, name, candor_package_scan(r, key));
    if (kind == CANDOR_KIND_CONTENT && first->type != CANDOR_JSON_NULL)
        return refuse(r, at, name, "holds content");
    if (kind == CANDOR_KIND_HASH && unhashed(first, raw))
        return refuse(r, at, name, "holds a value that is not hashed");
    if (kind == CANDOR_KIND_ENUM && is_value_of(f, first)) return CANDOR_OK;
    unsigned found = scan_value(r, first, raw);
    return found == 0 ? CANDOR_OK : refuse_found(r, at, name, found);
}

static candor_status check_payload(candor_package_reading *r, place *at,
                                   const candor_json_token *first, candor_bytes raw)
{
    candor_json j;
    candor_json_token key, value;
    candor_status st = CANDOR_OK;
    at->in_payload = true;
    if (at->def == NULL || first->type != CANDOR_JSON_OBJECT) {
        unsigned found = scan_value(r, first, raw);
        at->in_payload = false;
        return found == 0 ? CANDOR_OK : refuse_found(r, at, CANDOR_LIT("payload"), found);
    }
    candor_json_init(&j, raw, CANDOR_JSON_DEPTH_MAX);
    (void)candor_json_next(&j, &key);
    while (st == CANDOR_OK && candor_json_next(&j, &key) == CANDOR_JSON_KEY) {
        candor_bytes whole = {NULL, 0};
        (void)candor_json_next(&j, &value);
        (void)candor_json_skip(&j, &value, &whole);
        st = check_field(r, at, &key, &value, whole);
    }
    at->in_payload = false;
    return st;
}

static candor_status check_member(candor_package_reading *r, place *at,
                                  const candor_json_token *key, const candor_json_token *first,
                                  candor_bytes raw)
{
    char local[CANDOR_KEY_MAX];
    candor_bytes name = candor_key_text(key, local);
    if (candor_bytes_eq(name, CANDOR_LIT("payload"))) return check_payload(r, at, first, raw);
    if (at->def != NULL && candor_bytes_eq(name, CANDOR_LIT("event_type"))) return CANDOR_OK;
    unsigned found = candor_package_scan(r, key) | scan_value(r, first, raw);
    /* 10.0.22631.1 is a version (candor_version_ok) */
    if (candor_bytes_eq(name, CANDOR_LIT("app_version"))) found &= ~CANDOR_FOUND_IP;
    return found == 0 ? CANDOR_OK : refuse_found(r, at, name, found);
}

candor_status candor_package_find_raw(candor_package_reading *r, uint64_t index,
                                      const candor_event_def *def, candor_bytes event)
{
    candor_json j;
    candor_json_token key, value;
    candor_status st = CANDOR_OK;
    place at = {index, def, false};
    candor_json_init(&j, event, CANDOR_JSON_DEPTH_MAX);
    (void)candor_json_next(&j, &key);
    while (st == CANDOR_OK && candor_json_next(&j, &key) == CANDOR_JSON_KEY) {
        candor_bytes raw = {NULL, 0};
        (void)candor_json_next(&j, &value);
        (void)candor_json_skip(&j, &value, &raw);
        st = check_member(r, &at, &key, &value, raw);
    }
    return st;
}
