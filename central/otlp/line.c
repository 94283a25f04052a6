/* The event line of an OTLP record: base fields from the resource, an id from the content. */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/otlp/events.h"
#include "central/otlp/message.h"
#include "contract/envelope.h"

#define NS_PER_MS 1000000

/* --- values --------------------------------------------------------------------------------- */

static void put_string(candor_buf *b, const char *text)
{
    size_t n = strlen(text);
    if (n > CANDOR_TEXT_MAX) { /* no field keeps more; at the beginning of a character */
        n = CANDOR_TEXT_MAX;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    candor_json_put_string(b, candor_bytes_of(text, n));
}

static void put_double(candor_buf *b, double v)
{
    if (isfinite(v))
        candor_buf_putf(b, "%.17g", v);
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
}

/* A list for what is neither text nor number: of no kind that an attribute has, and counted so. */
static void put_value(candor_buf *b, const Otlp__AnyValue *v)
{
    switch (v != NULL ? v->value_case : OTLP__ANY_VALUE__VALUE__NOT_SET) {
    case OTLP__ANY_VALUE__VALUE_STRING_VALUE:
        put_string(b, v->string_value);
        break;
    case OTLP__ANY_VALUE__VALUE_BOOL_VALUE:
        candor_buf_put_bytes(b, v->bool_value ? CANDOR_LIT("true") : CANDOR_LIT("false"));
        break;
    case OTLP__ANY_VALUE__VALUE_INT_VALUE:
        candor_buf_putf(b, "%lld", (long long)v->int_value);
        break;
    case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE:
        put_double(b, v->double_value);
        break;
    default:
        candor_buf_put_bytes(b, CANDOR_LIT("[]"));
    }
}

const char *candor_otlp_attribute(Otlp__KeyValue *const *list, size_t n, const char *key)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (strcmp(list[i]->key, key) == 0 && list[i]->value != NULL &&
            list[i]->value->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE)
            return list[i]->value->string_value;
    return NULL;
}

/* Only what the schema has is copied; the sanitiser then judges the values. */
static void put_known(candor_otlp_events *e, candor_buf *b, Otlp__KeyValue *const *list, size_t n)
{
    const candor_attributes *all = candor_schema_attributes(e->schema);
    size_t i;
    for (i = 0; i < n; i++) {
        candor_bytes name = candor_bytes_str(list[i]->key);
        if (candor_attribute(all, name) == NULL) {
            e->dropped++;
            continue;
        }
        candor_json_put_string(b, name);
        candor_buf_put_c(b, ':');
        put_value(b, list[i]->value);
        candor_buf_put_c(b, ',');
    }
}

/* --- resource and scope --------------------------------------------------------------------- */

/* As an id: other characters become '_'. False: nothing is left, or it reads like a secret. */
static bool clean_id(const char *text, char out[CANDOR_BASE_ID_MAX + 1])
{
    size_t n = 0;
    for (; text != NULL && *text != '\0' && n < CANDOR_BASE_ID_MAX; text++) {
        bool ok = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                  (*text >= '0' && *text <= '9') || strchr("_.:+-", *text) != NULL;
        out[n++] = ok ? *text : '_';
    }
    out[n] = '\0';
    return n != 0 && candor_id_ok(candor_bytes_of(out, n), CANDOR_BASE_ID_MAX);
}

static void put_base(candor_buf *b, const char *key, const char *value)
{
    candor_buf_putf(b, "\"%s\":\"%s\",", key, value);
}

static void put_id_of(candor_buf *b, const char *key, const char *text, const char *otherwise)
{
    char id[CANDOR_BASE_ID_MAX + 1];
    put_base(b, key, clean_id(text, id) ? id : otherwise);
}

/* session.id, service.instance.id, or a keyed fingerprint of the resource, which may hold names of
 * people and machines. */
static void put_session(candor_otlp_events *e, const Otlp__Resource *r, candor_buf *b)
{
    static const char *const keys[] = {"session.id", "service.instance.id"};
    char id[CANDOR_BASE_ID_MAX + 1], print[CANDOR_HASH_TEXT + 1];
    size_t i;
    for (i = 0; i < 2; i++)
        if (clean_id(candor_otlp_attribute(r->attributes, r->n_attributes, keys[i]), id)) {
            put_base(b, "session_id", id);
            return;
        }
    if (candor_hmac_text(e->key, candor_bytes_of((const char *)e->resource, sizeof e->resource),
                         print) != CANDOR_OK)
        e->failed = true;
    print[CANDOR_HASH_TEXT] = '\0';
    put_base(b, "session_id", print);
}

/* "linux-x64", as Node names them. */
static void put_platform(const Otlp__Resource *r, candor_buf *b)
{
    const char *os = candor_otlp_attribute(r->attributes, r->n_attributes, "os.type");
    const char *arch = candor_otlp_attribute(r->attributes, r->n_attributes, "host.arch");
    char text[96];
    if (arch != NULL && strcmp(arch, "amd64") == 0) arch = "x64";
    snprintf(text, sizeof text, "%.40s%s%.40s", os != NULL ? os : "unknown",
             arch != NULL ? "-" : "", arch != NULL ? arch : "");
    put_id_of(b, "platform", text, "unknown");
}

static const char *version_of(const Otlp__Resource *r)
{
    const char *v = candor_otlp_attribute(r->attributes, r->n_attributes, "service.version");
    return v != NULL && candor_version_ok(candor_bytes_str(v)) ? v : "unknown";
}

/* The collector hashes the machine's id once more before it is stored, so a host's name may stand
 * in. */
static void put_context(candor_otlp_events *e, const Otlp__Resource *r)
{
    candor_buf *b = &e->context;
    const char *host = candor_otlp_attribute(r->attributes, r->n_attributes, "host.id");
    if (host == NULL) host = candor_otlp_attribute(r->attributes, r->n_attributes, "host.name");
    candor_buf_clear(b);
    put_session(e, r, b);
    put_base(b, "user_id", "anonymous");
    put_id_of(b, "machine_id", host, "unknown");
    put_id_of(b, "app", candor_otlp_attribute(r->attributes, r->n_attributes, "service.name"),
              "unknown_service");
    put_base(b, "app_version", version_of(r));
    put_platform(r, b);
}

static void open_resource(candor_otlp_events *e, const Otlp__Resource *r)
{
    candor_buf_clear(&e->content);
    if (!candor_otlp_pack(&r->base, &e->content) ||
        candor_sha256(candor_buf_bytes(&e->content), e->resource) != CANDOR_OK)
        e->failed = true;
    put_context(e, r);
    candor_buf_clear(&e->shared);
    put_known(e, &e->shared, r->attributes, r->n_attributes);
    e->of_resource = e->shared.n;
}

void candor_otlp_open(candor_otlp_events *e, const Otlp__Resource *r, const Otlp__Scope *s)
{
    static const Otlp__Resource none = OTLP__RESOURCE__INIT;
    e->scope = candor_bytes_str(s != NULL ? s->name : "");
    if (s == NULL) { /* a resource begins */
        open_resource(e, r != NULL ? r : &none);
        return;
    }
    e->shared.n = e->of_resource;
    if (e->scope.n == 0 || candor_attribute(candor_schema_attributes(e->schema),
                                            CANDOR_LIT("otel.scope.name")) == NULL)
        return;
    candor_buf_put_bytes(&e->shared, CANDOR_LIT("\"otel.scope.name\":"));
    put_string(&e->shared, s->name);
    candor_buf_put_c(&e->shared, ',');
}

/* --- a line --------------------------------------------------------------------------------- */

void candor_otlp_content(candor_otlp_events *e, char kind)
{
    candor_buf_clear(&e->content);
    candor_buf_put_c(&e->content, kind);
    candor_buf_put(&e->content, (const char *)e->resource, sizeof e->resource);
    candor_buf_put_bytes(&e->content, e->scope);
    candor_buf_put_c(&e->content, '\0');
}

static void make_id(candor_otlp_events *e, int64_t ms, bool count, unsigned char id[16])
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    uint32_t before = 0;
    if (candor_sha256(candor_buf_bytes(&e->content), digest) != CANDOR_OK ||
        (count && !candor_repeats_count(&e->repeats, digest, &before)))
        e->failed = true;
    if (before != 0) {
        candor_buf_putf(&e->content, "%u", before);
        if (candor_sha256(candor_buf_bytes(&e->content), digest) != CANDOR_OK) e->failed = true;
    }
    candor_uuid7_make((uint64_t)ms, digest, id);
}

static void put_trace_id(candor_buf *b, const ProtobufCBinaryData *id)
{
    char hex[64];
    candor_hex_encode(id->data, id->len, hex);
    candor_buf_put(b, hex, id->len * 2);
}

static bool is_id(const ProtobufCBinaryData *id, size_t n)
{
    size_t i, zero = 0;
    for (i = 0; i < id->len; i++)
        zero += id->data[i] == 0;
    return id->len == n && zero < n;
}

void candor_otlp_begin(candor_otlp_events *e, const char *type, uint64_t nanos, const char *given,
                       bool count, const ProtobufCBinaryData *trace)
{
    int64_t ms = nanos != 0 ? (int64_t)(nanos / NS_PER_MS) : e->now_ms;
    unsigned char id[16];
    char text[CANDOR_UUID_TEXT], time[CANDOR_TIME_TEXT];
    candor_buf *b = &e->line;
    if (given == NULL || !candor_uuid_parse(candor_bytes_str(given), id) || !candor_uuid_is_v7(id))
        make_id(e, ms, count, id);
    candor_uuid_format(id, text);
    candor_time_format(ms, time);
    candor_buf_clear(b);
    candor_buf_putf(b, "{\"event_id\":\"%.*s\",\"event_type\":\"%s\",\"timestamp\":\"%.*s\",",
                    CANDOR_UUID_TEXT, text, type, CANDOR_TIME_TEXT, time);
    candor_buf_put_bytes(b, candor_buf_bytes(&e->context));
    if (is_id(trace, 16)) {
        candor_buf_put_bytes(b, CANDOR_LIT("\"correlation_id\":\""));
        put_trace_id(b, trace);
        candor_buf_put_bytes(b, CANDOR_LIT("\","));
    }
    candor_buf_put_bytes(b, CANDOR_LIT("\"payload\":{"));
}

static void close_object(candor_buf *b)
{
    if (!b->failed && b->p[b->n - 1] == ',') b->n--;
    candor_buf_put_c(b, '}');
}

bool candor_otlp_end(candor_otlp_events *e)
{
    close_object(&e->line);
    candor_buf_put_c(&e->line, '}');
    e->failed =
        e->failed || e->line.failed || e->content.failed || e->context.failed || e->shared.failed;
    return !e->failed && e->take(e->ctx, candor_buf_bytes(&e->line));
}

void candor_otlp_text(candor_otlp_events *e, const char *key, const char *text)
{
    if (text == NULL || *text == '\0') return;
    candor_buf_putf(&e->line, "\"%s\":", key);
    put_string(&e->line, text);
    candor_buf_put_c(&e->line, ',');
}

/* Names and units as ids, as js/otel/metric.js writes them: '/' becomes '.', braces go. */
void candor_otlp_name(candor_otlp_events *e, const char *key, const char *text)
{
    char id[CANDOR_BASE_ID_MAX + 1];
    size_t n = 0;
    for (; *text != '\0' && n < CANDOR_BASE_ID_MAX; text++)
        if (*text != '{' && *text != '}') id[n++] = *text == '/' ? '.' : *text;
    id[n] = '\0';
    if (n != 0 && candor_id_ok(candor_bytes_of(id, n), CANDOR_BASE_ID_MAX))
        candor_otlp_text(e, key, id);
}

void candor_otlp_id(candor_otlp_events *e, const char *key, const ProtobufCBinaryData *id, size_t n)
{
    if (!is_id(id, n)) return;
    candor_buf_putf(&e->line, "\"%s\":\"", key);
    put_trace_id(&e->line, id);
    candor_buf_put_bytes(&e->line, CANDOR_LIT("\","));
}

void candor_otlp_nanos(candor_otlp_events *e, const char *key, uint64_t nanos)
{
    if (nanos != 0) candor_buf_putf(&e->line, "\"%s\":\"%llu\",", key, (unsigned long long)nanos);
}

void candor_otlp_double(candor_otlp_events *e, const char *key, double v)
{
    if (!isfinite(v)) return;
    candor_buf_putf(&e->line, "\"%s\":%.17g,", key, v);
}

void candor_otlp_attributes(candor_otlp_events *e, const char *key, Otlp__KeyValue *const *list,
                            size_t n, const char *extra, const char *extra_text)
{
    candor_buf *b = &e->line;
    candor_buf_putf(b, "\"%s\":{", key);
    candor_buf_put_bytes(b, candor_buf_bytes(&e->shared)); /* of a name twice the last one counts */
    if (extra_text != NULL && *extra_text != '\0') {
        candor_buf_putf(b, "\"%s\":", extra);
        put_string(b, extra_text);
        candor_buf_put_c(b, ',');
    }
    put_known(e, b, list, n);
    close_object(b);
    candor_buf_put_c(b, ',');
}
