/* The JSON front end: two passes. The first notes where the value of each known field stands, so
 * that keys may come in any order and the last of a duplicate counts; the second reads those values
 * only, in schema order. What is not in the schema is skipped unread. */
#include "contract/sanitise_json.h"

#include "contract/rules_attrs.h"

/* Where the value of each present field stands. An array's or object's raw is its whole text. */
typedef struct found {
    uint64_t present;
    candor_json_token at[CANDOR_FIELDS_MAX];
} found;

candor_bytes candor_key_text(const candor_json_token *t, char local[CANDOR_KEY_MAX])
{
    if (!t->escaped) return t->raw;
    size_t n = candor_json_unescape(t->raw, local, CANDOR_KEY_MAX);
    return candor_bytes_of(local, n == SIZE_MAX ? 0 : n);
}

/* Writers keep schema order, so the field behind the last one is the first guess. */
static const candor_field *find_field(const candor_event_def *def, unsigned guess, candor_bytes key)
{
    if (guess < def->n_fields && candor_bytes_eq(def->fields[guess].name, key))
        return &def->fields[guess];
    return candor_event_field(def, key);
}

static bool locate(const candor_event_def *def, candor_json *j, found *f, candor_tally *tally)
{
    char local[CANDOR_KEY_MAX];
    candor_json_token key, value;
    unsigned guess = 0;
    f->present = 0;
    while (candor_json_next(j, &key) == CANDOR_JSON_KEY) {
        candor_bytes raw;
        const candor_field *field = find_field(def, guess, candor_key_text(&key, local));
        (void)candor_json_next(j, &value);
        bool container = value.type == CANDOR_JSON_OBJECT || value.type == CANDOR_JSON_ARRAY;
        if (!candor_json_skip(j, &value, &raw)) return false;
        if (field == NULL) {
            candor_tally_add(tally, CANDOR_ADJUST_UNKNOWN_FIELD);
            continue;
        }
        unsigned i = (unsigned)(field - def->fields);
        f->at[i] = value;
        if (container) f->at[i].raw = raw;
        f->present |= UINT64_C(1) << i;
        guess = i + 1;
    }
    return key.type == CANDOR_JSON_OBJECT_END;
}

/* The longest prefix of at most max bytes that does not end within an escape. */
static candor_bytes cut_escaped(candor_bytes raw, size_t max)
{
    size_t n = 0;
    while (n < raw.n) {
        size_t step = raw.p[n] != '\\' ? 1 : raw.p[n + 1] == 'u' ? 6 : 2;
        if (n + step > max) break;
        n += step;
    }
    return (candor_bytes){raw.p, candor_utf8_prefix(raw, n)};
}

static candor_status decode_string(candor_sanitiser *s, const candor_json_token *t, candor_value *v)
{
    candor_bytes raw = t->raw;
    v->type = CANDOR_VALUE_STRING;
    v->str = raw;
    if (!t->escaped) return CANDOR_OK;
    if (raw.n > CANDOR_RAW_TEXT_MAX) {
        raw = cut_escaped(raw, CANDOR_RAW_TEXT_MAX);
        v->cut = true;
    }
    candor_buf_clear(&s->spare);
    if (!candor_buf_reserve(&s->spare, raw.n)) return CANDOR_NOMEM;
    s->spare.n = candor_json_unescape(raw, s->spare.p, raw.n);
    v->str = candor_buf_bytes(&s->spare);
    return CANDOR_OK;
}

candor_status candor_json_load_value(candor_sanitiser *s, const candor_json_token *t, candor_kind k,
                                     candor_value *v)
{
    *v = (candor_value){.type = CANDOR_VALUE_BAD};
    switch (t->type) {
    case CANDOR_JSON_NULL:
        v->type = CANDOR_VALUE_ABSENT;
        return CANDOR_OK;
    case CANDOR_JSON_TRUE:
    case CANDOR_JSON_FALSE:
        v->type = CANDOR_VALUE_BOOL;
        v->num = t->type == CANDOR_JSON_TRUE;
        return CANDOR_OK;
    case CANDOR_JSON_NUMBER:
        if (k == CANDOR_KIND_NANOS) { /* more digits than a double holds */
            if (candor_nanos_parse(t->raw, &v->u64)) v->type = CANDOR_VALUE_U64;
            return CANDOR_OK;
        }
        v->type = CANDOR_VALUE_NUMBER;
        v->num = candor_json_double(t->raw);
        return CANDOR_OK;
    case CANDOR_JSON_STRING:
        return decode_string(s, t, v);
    default:
        return CANDOR_OK;
    }
}

/* raw is the array's text, which the first pass has found well-formed. */
static void write_list(candor_rules *r, const candor_field *f, candor_bytes raw)
{
    candor_json j;
    candor_json_token t;
    candor_value v;
    candor_json_init(&j, raw, CANDOR_JSON_DEPTH_MAX);
    (void)candor_json_next(&j, &t);
    candor_rules_list_begin(r, f);
    while (r->status == CANDOR_OK && candor_json_next(&j, &t) != CANDOR_JSON_ARRAY_END &&
           t.type != CANDOR_JSON_ERROR) {
        candor_json_token item = t;
        (void)candor_json_skip(&j, &t, NULL);
        v.type = CANDOR_VALUE_ABSENT;
        if (!candor_rules_list_full(r, f))
            r->status = candor_json_load_value(r->s, &item, f->of, &v);
        candor_rules_list_item(r, f, &v);
    }
    candor_rules_list_end(r);
}

static void write_field(candor_rules *r, const candor_field *f, const candor_json_token *t)
{
    candor_value v;
    if (f->kind == CANDOR_KIND_LIST && t->type == CANDOR_JSON_ARRAY) {
        write_list(r, f, t->raw);
        return;
    }
    if (f->kind == CANDOR_KIND_ATTRS && t->type == CANDOR_JSON_OBJECT)
        v = (candor_value){.type = CANDOR_VALUE_STRING, .str = t->raw};
    else if (f->kind == CANDOR_KIND_ATTRS && t->type != CANDOR_JSON_NULL)
        v = (candor_value){.type = CANDOR_VALUE_BAD};
    else
        r->status = candor_json_load_value(r->s, t, f->kind, &v);
    candor_rules_field(r, f, &v);
}

static candor_status syntax_error(const candor_json *j, candor_err *err)
{
    unsigned line, column;
    candor_json_where(j, &line, &column);
    return candor_fail(err, CANDOR_INVALID, 0, "payload", "line %u, column %u: %s", line, column,
                       j->error != NULL ? j->error : "malformed JSON");
}

candor_status candor_sanitise_json_from(candor_sanitiser *s, const candor_event_def *def,
                                        candor_json *j, const candor_json_token *first,
                                        candor_buf *out, candor_tally *tally, candor_err *err)
{
    found f;
    candor_rules r;
    f.present = 0;
    if (first->type == CANDOR_JSON_OBJECT) {
        if (!locate(def, j, &f, tally)) return syntax_error(j, err);
    } else if (first->type != CANDOR_JSON_NULL) {
        if (first->type == CANDOR_JSON_ERROR || !candor_json_skip(j, first, NULL))
            return syntax_error(j, err);
        return candor_fail(err, CANDOR_INVALID, 0, "payload", "%s", "payload is not a JSON object");
    }
    candor_rules_begin(&r, s, out, tally);
    for (unsigned i = 0; i < def->n_fields && r.status == CANDOR_OK; i++)
        if ((f.present >> i & 1) != 0) write_field(&r, &def->fields[i], &f.at[i]);
    candor_status st = candor_rules_end(&r);
    if (st == CANDOR_LIMIT)
        return candor_fail(err, st, 0, "payload", "sanitised payload is larger than %d bytes",
                           CANDOR_PAYLOAD_MAX);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "payload", "%s", candor_status_text(st));
}

candor_status candor_sanitise_json(candor_sanitiser *s, const candor_event_def *def, candor_json *j,
                                   candor_buf *out, candor_tally *tally, candor_err *err)
{
    candor_json_token first;
    (void)candor_json_next(j, &first);
    return candor_sanitise_json_from(s, def, j, &first, out, tally, err);
}
