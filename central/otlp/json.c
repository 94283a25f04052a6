/* OTLP JSON into messages, by their descriptors: names in lowerCamelCase, 64-bit integers as
 * numbers or strings, enums as numbers, trace and span ids in hex; an absent or null member is the
 * default.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "central/otlp/message.h"

#define DEPTH           64 /* of the text; of messages there are eight at most */
#define MEMBER_NAME_MAX 64

typedef struct reader {
    candor_json json;
    candor_otlp_memory *memory;
    const char *wrong; /* static: what was expected; NULL: nothing is wrong, or memory is out */
} reader;

static bool read_message(reader *r, const ProtobufCMessageDescriptor *d, ProtobufCMessage **out);

static bool wrong(reader *r, const char *what)
{
    if (r->wrong == NULL) r->wrong = what;
    return false;
}

/* --- names ---------------------------------------------------------------------------------- */

/* "time_unix_nano" and "timeUnixNano". */
static bool same_name(const char *field, candor_bytes key)
{
    size_t i = 0;
    for (; *field != '\0'; field++, i++) {
        char c = *field;
        if (c == '_' && field[1] >= 'a' && field[1] <= 'z') c = (char)(*++field - 'a' + 'A');
        if (i >= key.n || key.p[i] != c) return false;
    }
    return i == key.n;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *d,
                                                  const candor_json_token *key)
{
    unsigned i;
    for (i = 0; i < d->n_fields && !key->escaped && key->raw.n < MEMBER_NAME_MAX; i++)
        if (same_name(d->fields[i].name, key->raw)) return &d->fields[i];
    return NULL;
}

/* --- scalars -------------------------------------------------------------------------------- */

static bool read_integer(reader *r, const candor_json_token *t, int64_t *out)
{
    uint64_t v = 0;
    size_t i;
    bool quoted = t->type == CANDOR_JSON_STRING;
    if (!quoted && t->type != CANDOR_JSON_NUMBER) return wrong(r, "an integer");
    if (candor_json_int64(t->raw, out)) return true;
    for (i = 0; i < t->raw.n; i++) { /* above INT64_MAX: fixed64 is unsigned */
        uint64_t digit = (uint64_t)(t->raw.p[i] - '0');
        if (digit > 9 || v > (UINT64_MAX - digit) / 10) return wrong(r, "an integer of 64 bits");
        v = v * 10 + digit;
    }
    *out = (int64_t)v;
    return t->raw.n != 0 || wrong(r, "an integer");
}

static bool read_double(reader *r, const candor_json_token *t, double *out)
{
    if (t->type == CANDOR_JSON_NUMBER)
        *out = candor_json_double(t->raw);
    else if (t->type != CANDOR_JSON_STRING)
        return wrong(r, "a number");
    else if (candor_bytes_eq(t->raw, CANDOR_LIT("NaN")))
        *out = (double)NAN;
    else if (candor_bytes_eq(t->raw, CANDOR_LIT("Infinity")))
        *out = HUGE_VAL;
    else if (candor_bytes_eq(t->raw, CANDOR_LIT("-Infinity")))
        *out = -HUGE_VAL;
    else
        return wrong(r, "a number");
    return true;
}

static bool read_text(reader *r, const candor_json_token *t, char **out)
{
    size_t n;
    if (t->type != CANDOR_JSON_STRING) return wrong(r, "a string");
    *out = candor_otlp_get(r->memory, t->raw.n + 1);
    if (*out == NULL) return false;
    n = candor_json_unescape(t->raw, *out, t->raw.n);
    (*out)[n <= t->raw.n ? n : 0] = '\0';
    return true;
}

/* Ids are hex; of other bytes only that they are there is of use. */
static bool read_bytes(reader *r, const ProtobufCFieldDescriptor *f, const candor_json_token *t,
                       ProtobufCBinaryData *out)
{
    size_t n = strlen(f->name);
    bool is_id = n > 3 && strcmp(f->name + n - 3, "_id") == 0;
    if (!is_id) return candor_json_skip(&r->json, t, NULL) || wrong(r, "a value");
    if (t->type != CANDOR_JSON_STRING || t->raw.n % 2 != 0 || t->raw.n > 64)
        return wrong(r, "an id in hex");
    out->data = candor_otlp_get(r->memory, t->raw.n / 2);
    if (out->data == NULL) return false;
    out->len = t->raw.n / 2;
    return candor_hex_decode(t->raw, out->data, out->len) || wrong(r, "an id in hex");
}

static bool read_value(reader *r, const ProtobufCFieldDescriptor *f, const candor_json_token *t,
                       void *to)
{
    int64_t v = 0;
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
        if (!read_integer(r, t, &v)) return false;
        if (v < INT32_MIN || v > INT32_MAX) return wrong(r, "an integer of 32 bits");
        *(int32_t *)to = (int32_t)v;
        return true;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_UINT64:
        return read_integer(r, t, to);
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_double(r, t, to);
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)to = t->type == CANDOR_JSON_TRUE;
        return t->type == CANDOR_JSON_TRUE || t->type == CANDOR_JSON_FALSE || wrong(r, "a boolean");
    case PROTOBUF_C_TYPE_STRING:
        return read_text(r, t, to);
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(r, f, t, to);
    case PROTOBUF_C_TYPE_MESSAGE:
        if (t->type != CANDOR_JSON_OBJECT) return wrong(r, "an object");
        return read_message(r, f->descriptor, to);
    default:
        return wrong(r, "a field of another kind"); /* otlp.proto has no other */
    }
}

/* --- messages ------------------------------------------------------------------------------- */

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
        return sizeof(int32_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 8; /* of the scalars of 64 bits; pointers have no more */
    }
}

static bool read_list(reader *r, const ProtobufCFieldDescriptor *f, const candor_json_token *first,
                      char *message)
{
    size_t *n = (size_t *)(void *)(message + f->quantifier_offset), cap = 0, size = size_of(f);
    char **list = (char **)(void *)(message + f->offset);
    candor_json_token t;
    *n = 0; /* a name twice: the last one counts */
    if (first->type != CANDOR_JSON_ARRAY) return wrong(r, "a list");
    while (candor_json_next(&r->json, &t) != CANDOR_JSON_ARRAY_END) {
        if (t.type == CANDOR_JSON_ERROR) return false;
        if (*n == cap) {
            char *more;
            cap = cap != 0 ? cap * 2 : 4;
            more = candor_otlp_get(r->memory, cap * size);
            if (more == NULL) return false;
            if (*n != 0) memcpy(more, *list, *n * size);
            *list = more;
        }
        if (!read_value(r, f, &t, *list + *n * size)) return false;
        ++*n;
    }
    return true;
}

static bool read_member(reader *r, const ProtobufCFieldDescriptor *f, const candor_json_token *t,
                        char *message)
{
    if (f == NULL) return candor_json_skip(&r->json, t, NULL);
    if (t->type == CANDOR_JSON_NULL) return true;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return read_list(r, f, t, message);
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        memset(message + f->offset, 0, size_of(f)); /* another member may have been there */
        *(int *)(void *)(message + f->quantifier_offset) = (int)f->id;
    } else if (f->quantifier_offset != 0) {
        *(protobuf_c_boolean *)(void *)(message + f->quantifier_offset) = 1;
    }
    return read_value(r, f, t, message + f->offset);
}

/* Behind its opening brace. */
static bool read_message(reader *r, const ProtobufCMessageDescriptor *d, ProtobufCMessage **out)
{
    ProtobufCMessage *m = candor_otlp_get(r->memory, d->sizeof_message);
    candor_json_token key, t;
    if (m == NULL) return false;
    protobuf_c_message_init(d, m);
    while (candor_json_next(&r->json, &key) == CANDOR_JSON_KEY) {
        const ProtobufCFieldDescriptor *f = find_field(d, &key);
        if (candor_json_next(&r->json, &t) == CANDOR_JSON_ERROR) return false;
        if (!read_member(r, f, &t, (char *)m)) return false;
    }
    *out = m;
    return key.type == CANDOR_JSON_OBJECT_END;
}

candor_status candor_otlp_from_json(const ProtobufCMessageDescriptor *d, candor_bytes in,
                                    candor_otlp_memory *m, ProtobufCMessage **out, candor_err *err)
{
    reader r = {.memory = m};
    candor_json_token t;
    unsigned line, column;
    bool ok = false;
    candor_json_init(&r.json, in, DEPTH);
    if (candor_json_next(&r.json, &t) == CANDOR_JSON_OBJECT) {
        ok = read_message(&r, d, out) && candor_json_next(&r.json, &t) == CANDOR_JSON_END;
    } else {
        wrong(&r, "an object");
    }
    if (ok) return CANDOR_OK;
    if (m->full)
        return candor_fail(err, CANDOR_LIMIT, 0, "read OTLP",
                           "the request takes more than %zu bytes of memory; send smaller ones",
                           CANDOR_OTLP_MEMORY);
    if (r.json.error == NULL && r.wrong == NULL)
        return candor_fail(err, CANDOR_NOMEM, 0, "read OTLP", NULL);
    candor_json_where(&r.json, &line, &column);
    return candor_fail(err, CANDOR_INVALID, 0, "read OTLP",
                       "line %u, column %u: %s%s; nothing of this request was stored", line, column,
                       r.json.error != NULL ? "malformed JSON: " : "there must be ",
                       r.json.error != NULL ? r.json.error : r.wrong);
}
