/* The parser of event lines: base fields checked, payload sanitised again. The whole event is read
 * before it is judged, so that the tokenizer stands behind it whatever was wrong. */
#include "base/uuid.h"
#include "contract/envelope.h"
#include "contract/rules.h"
#include "contract/sanitise_json.h"

typedef enum base_key {
    K_EVENT_ID,
    K_EVENT_TYPE,
    K_TIMESTAMP,
    K_SESSION_ID,
    K_USER_ID,
    K_MACHINE_ID,
    K_APP,
    K_APP_VERSION,
    K_PLATFORM,
    K_CORRELATION_ID,
    K_PAYLOAD,
    K_COUNT
} base_key;

/* In the order of the writer. */
static const candor_bytes base_keys[K_COUNT] = {
    {"event_id", 8}, {"event_type", 10},     {"timestamp", 9}, {"session_id", 10},
    {"user_id", 7},  {"machine_id", 10},     {"app", 3},       {"app_version", 11},
    {"platform", 8}, {"correlation_id", 14}, {"payload", 7},
};

/* One event on its way in. */
typedef struct reading {
    candor_sanitiser *s;
    candor_json *j;
    candor_buf *out;
    candor_json_token at[K_COUNT];       /* value of each scalar base field; type ERROR: absent */
    candor_bytes payload;                /* its text, once it has been seen */
    const char *type_text;               /* where the event type last looked up stands, */
    const candor_event_def *type_def;    /* and what it was found to be */
    const candor_event_def *payload_def; /* what it was sanitised by; NULL: not yet */
    candor_status payload_status;
    size_t payload_at;
    candor_tally tally, payload_tally;
} reading;

static base_key find_key(candor_bytes key, unsigned guess)
{
    if (guess < K_COUNT && candor_bytes_eq(base_keys[guess], key)) return (base_key)guess;
    unsigned i = 0;
    while (i < K_COUNT && !candor_bytes_eq(base_keys[i], key))
        i++;
    return (base_key)i;
}

/* Asked for at the payload and at the end; between them a later key may have changed the type. */
static const candor_event_def *event_of(reading *r)
{
    const candor_json_token *t = &r->at[K_EVENT_TYPE];
    if (t->type != CANDOR_JSON_STRING || t->escaped) return NULL;
    if (r->type_text != t->raw.p) {
        r->type_text = t->raw.p;
        r->type_def = candor_schema_event(r->s->schema, t->raw);
    }
    return r->type_def;
}

/* Sanitise the payload whose first token was just read from j, forgetting an earlier one. */
static void sanitise(reading *r, const candor_event_def *def, candor_json *j,
                     const candor_json_token *first)
{
    r->out->n = r->payload_at;
    r->payload_tally = (candor_tally){0};
    r->payload_def = def;
    r->payload_status =
        candor_sanitise_json_from(r->s, def, j, first, r->out, &r->payload_tally, NULL);
}

/* The type usually comes first and the payload is sanitised as it is read; else its text is kept.
 */
static bool read_payload(reading *r, const candor_json_token *first)
{
    const candor_event_def *def = event_of(r);
    bool quoted = first->type == CANDOR_JSON_STRING;
    r->payload_def = NULL;
    if (def == NULL) return candor_json_skip(r->j, first, &r->payload);
    sanitise(r, def, r->j, first);
    if (r->j->error != NULL) return false;
    r->payload.p = first->raw.p - (quoted ? 1 : 0);
    r->payload.n = (size_t)(r->j->p - r->payload.p);
    return true;
}

static bool read_pair(reading *r, const candor_json_token *key, unsigned *guess)
{
    char local[CANDOR_KEY_MAX];
    candor_json_token value;
    base_key k = find_key(candor_key_text(key, local), *guess);
    if (candor_json_next(r->j, &value) == CANDOR_JSON_ERROR) return false;
    if (k == K_PAYLOAD) return read_payload(r, &value);
    if (k == K_COUNT) {
        candor_tally_add(&r->tally, CANDOR_ADJUST_UNKNOWN_FIELD);
    } else {
        r->at[k] = value;
        *guess = k + 1;
        /* The writer leaves the optional field out, mostly. */
        if (*guess == K_CORRELATION_ID) *guess = K_PAYLOAD;
    }
    return candor_json_skip(r->j, &value, NULL);
}

static bool read_all(reading *r)
{
    candor_json_token key;
    unsigned guess = 0;
    while (candor_json_next(r->j, &key) == CANDOR_JSON_KEY)
        if (!read_pair(r, &key, &guess)) return false;
    return key.type == CANDOR_JSON_OBJECT_END;
}

static bool plain_string(const candor_json_token *t)
{
    return t->type == CANDOR_JSON_STRING && !t->escaped;
}

static bool take_id(const reading *r, base_key k, candor_bytes *out)
{
    const candor_json_token *t = &r->at[k];
    if (!plain_string(t) || !candor_id_known_ok(&r->s->ids, t->raw, CANDOR_BASE_ID_MAX))
        return false;
    *out = t->raw;
    return true;
}

static bool take_version(const reading *r, candor_bytes *out)
{
    const candor_json_token *t = &r->at[K_APP_VERSION];
    if (!plain_string(t) || !candor_version_known_ok(&r->s->ids, t->raw)) return false;
    *out = t->raw;
    return true;
}

static bool take_correlation_id(const reading *r, candor_bytes *out)
{
    const candor_json_type type = r->at[K_CORRELATION_ID].type;
    *out = (candor_bytes){NULL, 0};
    return type == CANDOR_JSON_ERROR || type == CANDOR_JSON_NULL ||
           take_id(r, K_CORRELATION_ID, out);
}

static bool take_base_fields(const reading *r, candor_event *e)
{
    candor_context *c = &e->context;
    return take_id(r, K_SESSION_ID, &c->session_id) && take_id(r, K_USER_ID, &c->user_id) &&
           take_id(r, K_MACHINE_ID, &c->machine_id) && take_id(r, K_APP, &c->app) &&
           take_version(r, &c->app_version) && take_id(r, K_PLATFORM, &c->platform) &&
           take_correlation_id(r, &e->correlation_id);
}

static bool take_event_id(const candor_json_token *t, unsigned char id[16])
{
    return plain_string(t) && candor_uuid_parse(t->raw, id) && candor_uuid_is_v7(id);
}

static bool near_now(const candor_parse_rules *rules, int64_t ms)
{
    /* Both are milliseconds of some year 0..9999 or 48 bits: no overflow. */
    return ms >= rules->now_ms - rules->max_past_ms && ms <= rules->now_ms + rules->max_future_ms;
}

static bool skewed(const candor_parse_rules *rules, const candor_event *e)
{
    if (rules->max_past_ms == 0) return false;
    return !near_now(rules, e->ts_ms) || !near_now(rules, (int64_t)candor_uuid7_ms(e->id));
}

/* The payload came before the type, or a later type overruled the one it was sanitised by. */
static void sanitise_kept(reading *r, const candor_event_def *def)
{
    candor_json j;
    candor_json_token first;
    if (r->payload.p == NULL || r->payload_def == def) return;
    candor_json_init(&j, r->payload, CANDOR_JSON_DEPTH_MAX);
    (void)candor_json_next(&j, &first);
    sanitise(r, def, &j, &first);
}

static candor_reject judge_payload(reading *r, const candor_event_def *def)
{
    sanitise_kept(r, def);
    if (r->payload.p == NULL) return CANDOR_REJECT_BAD_PAYLOAD;
    switch (r->payload_status) {
    case CANDOR_OK:
        return CANDOR_REJECT_NONE;
    case CANDOR_INVALID:
        return CANDOR_REJECT_BAD_PAYLOAD;
    case CANDOR_LIMIT:
        return CANDOR_REJECT_TOO_LARGE;
    default:
        return CANDOR_REJECT_FAILED;
    }
}

static candor_reject judge(reading *r, size_t size, const candor_parse_rules *rules,
                           candor_event *e)
{
    const candor_json_token *ts = &r->at[K_TIMESTAMP];
    if (size > CANDOR_EVENT_MAX) return CANDOR_REJECT_TOO_LARGE;
    if (!take_event_id(&r->at[K_EVENT_ID], e->id)) return CANDOR_REJECT_BAD_EVENT_ID;
    if (r->at[K_EVENT_TYPE].type != CANDOR_JSON_STRING) return CANDOR_REJECT_BAD_EVENT_TYPE;
    e->def = event_of(r);
    if (e->def == NULL) return CANDOR_REJECT_UNKNOWN_EVENT;
    if (!plain_string(ts) || !candor_time_parse(ts->raw, &e->ts_ms))
        return CANDOR_REJECT_BAD_TIMESTAMP;
    if (skewed(rules, e)) return CANDOR_REJECT_CLOCK_SKEW;
    if (!take_base_fields(r, e)) return CANDOR_REJECT_BAD_BASE_FIELD;
    return judge_payload(r, e->def);
}

candor_reject candor_event_parse(candor_sanitiser *s, candor_json *j, const candor_json_token *t,
                                 const candor_parse_rules *rules, candor_buf *payload_out,
                                 candor_parsed *out)
{
    memset(out, 0, sizeof(*out));
    if (t->type != CANDOR_JSON_OBJECT)
        return candor_json_skip(j, t, NULL) ? CANDOR_REJECT_NOT_AN_OBJECT : CANDOR_REJECT_BAD_JSON;
    reading r = {.s = s, .j = j, .out = payload_out, .payload_at = payload_out->n};
    candor_reject reject = CANDOR_REJECT_BAD_JSON;
    if (read_all(&r)) {
        size_t size = (size_t)(j->p - t->raw.p);
        reject = judge(&r, size, rules, &out->event);
    }
    if (reject != CANDOR_REJECT_NONE) {
        payload_out->n = r.payload_at;
        return reject;
    }
    out->payload_at = r.payload_at;
    out->payload_len = payload_out->n - r.payload_at;
    out->tally = r.tally;
    for (unsigned i = 0; i < CANDOR_ADJUST_COUNT; i++)
        out->tally.n[i] += r.payload_tally.n[i];
    return CANDOR_REJECT_NONE;
}
