/* JSON values as OTLP attributes. Layer: contract. */
#include "contract/otlp_private.h"

static bool take(candor_json *j, const candor_json_token *first, candor_otlp_value *out)
{
    out->type = first->type;
    out->raw = first->raw;
    if (first->type == CANDOR_JSON_OBJECT || first->type == CANDOR_JSON_ARRAY)
        return candor_json_skip(j, first, &out->raw);
    return first->type != CANDOR_JSON_ERROR;
}

bool candor_otlp_find(candor_bytes object, const char *const *names, candor_otlp_value *out,
                      size_t n)
{
    candor_json j;
    candor_json_token t;

    memset(out, 0, n * sizeof *out);
    candor_json_init(&j, object, CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        const candor_bytes key = t.raw;
        candor_otlp_value value = {0};
        (void)candor_json_next(&j, &t);
        if (!take(&j, &t, &value)) return false;
        for (size_t i = 0; i < n; i++)
            if (candor_bytes_eq(key, candor_bytes_str(names[i]))) out[i] = value;
    }
    return j.error == NULL && candor_json_next(&j, &t) == CANDOR_JSON_END;
}

bool candor_otlp_is(const candor_otlp_value *v, const char *text)
{
    return v->type == CANDOR_JSON_STRING && candor_bytes_eq(v->raw, candor_bytes_str(text));
}

bool candor_otlp_is_id(const candor_otlp_value *v, size_t n)
{
    bool any = false;

    if (v->type != CANDOR_JSON_STRING || v->raw.n != n) return false;
    for (size_t i = 0; i < n; i++) {
        const char c = v->raw.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
        any = any || c != '0';
    }
    return any;
}

bool candor_otlp_is_count(const candor_otlp_value *v)
{
    static const char most[] = "18446744073709551615";

    if ((v->type != CANDOR_JSON_STRING && v->type != CANDOR_JSON_NUMBER) || v->raw.n == 0 ||
        v->raw.n > 20)
        return false;
    for (size_t i = 0; i < v->raw.n; i++)
        if (v->raw.p[i] < '0' || v->raw.p[i] > '9') return false;
    return v->raw.n < sizeof most - 1 || memcmp(v->raw.p, most, sizeof most - 1) <= 0;
}

void candor_otlp_put_text(candor_buf *b, const char *key, const candor_otlp_value *v)
{
    if (v->type != CANDOR_JSON_STRING) return;
    candor_buf_putf(b, "\"%s\":\"", key);
    candor_buf_put_bytes(b, v->raw);
    candor_buf_put_bytes(b, CANDOR_LIT("\","));
}

void candor_otlp_put_time(candor_buf *b, const char *key, const candor_otlp_value *v, int64_t ts_ms)
{
    candor_buf_putf(b, "\"%s\":\"", key);
    if (candor_otlp_is_count(v))
        candor_buf_put_bytes(b, v->raw);
    else if (ts_ms > 0)
        candor_buf_putf(b, "%lld000000", (long long)ts_ms);
    else
        candor_buf_put_c(b, '0');
    candor_buf_put_bytes(b, CANDOR_LIT("\","));
}

/* --- AnyValue -------------------------------------------------------------------------------- */

static bool put_value(candor_buf *b, candor_json *j, const candor_json_token *t, bool decimal);

static void put_number(candor_buf *b, candor_bytes raw, bool decimal)
{
    int64_t v = 0;

    if (!decimal && candor_json_int64(raw, &v)) {
        candor_buf_putf(b, "{\"intValue\":\"%lld\"}", (long long)v);
        return;
    }
    candor_buf_put_bytes(b, CANDOR_LIT("{\"doubleValue\":"));
    candor_buf_put_bytes(b, raw);
    candor_buf_put_c(b, '}');
}

static bool put_list(candor_buf *b, candor_json *j, bool decimal)
{
    candor_json_token t;
    bool first = true;

    candor_buf_put_bytes(b, CANDOR_LIT("{\"arrayValue\":{\"values\":["));
    while (candor_json_next(j, &t) != CANDOR_JSON_ARRAY_END) {
        if (!first) candor_buf_put_c(b, ',');
        first = false;
        if (!put_value(b, j, &t, decimal)) return false;
    }
    candor_buf_put_bytes(b, CANDOR_LIT("]}}"));
    return true;
}

static void open_attribute(candor_buf *b)
{
    if (b->n != 0 && b->p[b->n - 1] == '}') candor_buf_put_c(b, ',');
    candor_buf_put_bytes(b, CANDOR_LIT("{\"key\":\""));
}

static bool put_member(candor_buf *b, candor_json *j, candor_bytes key, const candor_json_token *t,
                       bool decimal)
{
    open_attribute(b);
    candor_buf_put_bytes(b, key);
    candor_buf_put_bytes(b, CANDOR_LIT("\",\"value\":"));
    if (!put_value(b, j, t, decimal)) return false;
    candor_buf_put_c(b, '}');
    return true;
}

static bool put_object(candor_buf *b, candor_json *j)
{
    candor_json_token t;

    candor_buf_put_bytes(b, CANDOR_LIT("{\"kvlistValue\":{\"values\":["));
    while (candor_json_next(j, &t) == CANDOR_JSON_KEY) {
        const candor_bytes key = t.raw;
        (void)candor_json_next(j, &t);
        if (!put_member(b, j, key, &t, false)) return false;
    }
    candor_buf_put_bytes(b, CANDOR_LIT("]}}"));
    return t.type == CANDOR_JSON_OBJECT_END;
}

/* The tokenizer's depth limit bounds the recursion. */
static bool put_value(candor_buf *b, candor_json *j, const candor_json_token *t, bool decimal)
{
    switch (t->type) {
    case CANDOR_JSON_STRING:
        candor_buf_put_bytes(b, CANDOR_LIT("{\"stringValue\":\""));
        candor_buf_put_bytes(b, t->raw);
        candor_buf_put_bytes(b, CANDOR_LIT("\"}"));
        return true;
    case CANDOR_JSON_NUMBER:
        put_number(b, t->raw, decimal);
        return true;
    case CANDOR_JSON_TRUE:
    case CANDOR_JSON_FALSE:
        candor_buf_putf(b, "{\"boolValue\":%s}", t->type == CANDOR_JSON_TRUE ? "true" : "false");
        return true;
    case CANDOR_JSON_NULL:
        candor_buf_put_bytes(b, CANDOR_LIT("{}"));
        return true;
    case CANDOR_JSON_ARRAY:
        return put_list(b, j, decimal);
    case CANDOR_JSON_OBJECT:
        return put_object(b, j);
    default:
        return false;
    }
}

void candor_otlp_put_attribute(candor_buf *b, const char *key, const candor_otlp_value *v)
{
    if (v->type != CANDOR_JSON_STRING) return;
    open_attribute(b);
    candor_buf_putf(b, "%s\",\"value\":{\"stringValue\":\"", key);
    candor_buf_put_bytes(b, v->raw);
    candor_buf_put_bytes(b, CANDOR_LIT("\"}}"));
}

/* Without the schema's word, 1 and 1.5 of one field would change the attribute's type. */
static bool is_decimal(const candor_event_def *def, candor_bytes key)
{
    const candor_field *f = def != NULL ? candor_event_field(def, key) : NULL;

    return f != NULL && (f->of == CANDOR_KIND_NUMBER || f->of == CANDOR_KIND_DURATION ||
                         f->kind == CANDOR_KIND_NUMBER || f->kind == CANDOR_KIND_DURATION);
}

static bool is_base(const candor_otlp_line *line, candor_bytes key)
{
    if (line == NULL) return false;
    return candor_bytes_eq(key, CANDOR_LIT("event_id")) ||
           candor_bytes_eq(key, CANDOR_LIT("user.id")) ||
           (line->correlation_id.type == CANDOR_JSON_STRING &&
            candor_bytes_eq(key, CANDOR_LIT("correlation_id")));
}

bool candor_otlp_put_members(candor_buf *b, candor_bytes object, const candor_otlp_line *beside,
                             const candor_event_def *def)
{
    candor_json j;
    candor_json_token t;

    candor_json_init(&j, object, CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        const candor_bytes key = t.raw;
        bool ok = candor_json_next(&j, &t) != CANDOR_JSON_ERROR;
        if (ok && (is_base(beside, key) || t.type == CANDOR_JSON_NULL))
            ok = candor_json_skip(&j, &t, NULL);
        else if (ok)
            ok = put_member(b, &j, key, &t, is_decimal(def, key));
        if (!ok) return false;
    }
    return t.type == CANDOR_JSON_OBJECT_END;
}
