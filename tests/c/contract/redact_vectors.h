/* The shared vectors of redaction: [{"name", "in", "out", "found": ["email", ...]}, ...]. */
#ifndef CANDOR_TESTS_CONTRACT_REDACT_VECTORS_H
#define CANDOR_TESTS_CONTRACT_REDACT_VECTORS_H

#include "support.h"

#include "contract/redact.h"

#define VECTOR_TEXT_MAX 2048

typedef struct redact_vector {
    char name[VECTOR_TEXT_MAX], in[VECTOR_TEXT_MAX], out[VECTOR_TEXT_MAX];
    size_t name_n, in_n, out_n;
    unsigned found;
} redact_vector;

static inline unsigned vector_kind(candor_bytes name)
{
    if (candor_bytes_eq(name, CANDOR_LIT("email"))) return CANDOR_FOUND_EMAIL;
    if (candor_bytes_eq(name, CANDOR_LIT("secret"))) return CANDOR_FOUND_SECRET;
    if (candor_bytes_eq(name, CANDOR_LIT("path"))) return CANDOR_FOUND_PATH;
    if (candor_bytes_eq(name, CANDOR_LIT("ip"))) return CANDOR_FOUND_IP;
    fail_msg("unknown kind %.*s", (int)name.n, name.p);
    return 0;
}

static inline size_t vector_text(candor_json *j, char *out)
{
    candor_json_token t;
    assert_int_equal(candor_json_next(j, &t), CANDOR_JSON_STRING);
    size_t n = candor_json_unescape(t.raw, out, VECTOR_TEXT_MAX - 1);
    assert_true(n < VECTOR_TEXT_MAX);
    out[n] = '\0';
    return n;
}

/* The vector whose '{' was just read. */
static inline void vector_read(candor_json *j, redact_vector *v)
{
    candor_json_token t;
    memset(v, 0, sizeof(*v));
    while (candor_json_next(j, &t) == CANDOR_JSON_KEY) {
        if (candor_bytes_eq(t.raw, CANDOR_LIT("name"))) {
            v->name_n = vector_text(j, v->name);
        } else if (candor_bytes_eq(t.raw, CANDOR_LIT("in"))) {
            v->in_n = vector_text(j, v->in);
        } else if (candor_bytes_eq(t.raw, CANDOR_LIT("out"))) {
            v->out_n = vector_text(j, v->out);
        } else {
            assert_int_equal(candor_json_next(j, &t), CANDOR_JSON_ARRAY);
            while (candor_json_next(j, &t) == CANDOR_JSON_STRING)
                v->found |= vector_kind(t.raw);
        }
    }
}

/* Calls check for every vector of the file; returns how many there were. */
static inline unsigned vectors_each(const char *file, void (*check)(const redact_vector *v))
{
    candor_buf text = support_read(file);
    candor_json j;
    candor_json_token t;
    unsigned n = 0;
    redact_vector *v = malloc(sizeof(*v));
    assert_non_null(v);
    candor_json_init(&j, candor_buf_bytes(&text), 4);
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_ARRAY);
    while (candor_json_next(&j, &t) == CANDOR_JSON_OBJECT) {
        vector_read(&j, v);
        check(v);
        n++;
    }
    assert_int_equal(t.type, CANDOR_JSON_ARRAY_END);
    free(v);
    candor_buf_free(&text);
    return n;
}

static inline void assert_redacts(const redact_vector *v, unsigned found, const candor_buf *out)
{
    if (out->n != v->out_n || memcmp(out->n != 0 ? out->p : "", v->out, v->out_n) != 0)
        fail_msg("%s: got %.*s, want %s", v->name, (int)out->n, out->n != 0 ? out->p : "", v->out);
    if (found != v->found) fail_msg("%s: found %u, want %u", v->name, found, v->found);
}

#endif
