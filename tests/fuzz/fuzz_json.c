/* The tokenizer on any bytes: no read out of bounds, tokens in a legal order, and every string
 * survives unescape, put_string and another read. */
#include <stdlib.h>

#include "base/json.h"

#define DEPTH 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

static void round_trip(candor_bytes raw)
{
    size_t n;
    char *text = malloc(raw.n + 1), *again;
    candor_buf b = {0};
    candor_json j;
    candor_json_token t;
    require(text != NULL);
    n = candor_json_unescape(raw, text, raw.n);
    require(n != SIZE_MAX);
    candor_json_put_string(&b, candor_bytes_of(text, n));
    require(!b.failed);
    candor_json_init(&j, candor_buf_bytes(&b), 1);
    require(candor_json_next(&j, &t) == CANDOR_JSON_STRING);
    again = malloc(t.raw.n + 1);
    require(again != NULL);
    require(candor_json_unescape(t.raw, again, t.raw.n) == n);
    require(memcmp(text, again, n) == 0);
    require(candor_json_next(&j, &t) == CANDOR_JSON_END);
    free(text);
    free(again);
    candor_buf_free(&b);
}

static void number(candor_bytes raw)
{
    int64_t whole, back;
    candor_buf a = {0}, b = {0};
    double v = candor_json_double(raw);
    candor_json_put_fixed(&a, v, 6);
    if (v >= -1e12 && v <= 1e12) {
        candor_json_put_fixed(&b, candor_json_double(candor_buf_bytes(&a)), 6);
        require(candor_bytes_eq(candor_buf_bytes(&a), candor_buf_bytes(&b)));
    }
    if (candor_json_int64(raw, &whole)) {
        candor_buf_clear(&b);
        candor_json_put_i64(&b, whole);
        require(candor_json_int64(candor_buf_bytes(&b), &back) && back == whole);
    }
    candor_buf_free(&a);
    candor_buf_free(&b);
}

static void token(const candor_json *j, const candor_json_token *t, candor_bytes text)
{
    require(t->raw.p >= text.p && t->raw.n <= (size_t)(text.p + text.n - t->raw.p));
    require(j->p >= t->raw.p + t->raw.n && j->depth <= DEPTH);
    if (t->type == CANDOR_JSON_KEY || t->type == CANDOR_JSON_STRING) {
        require(t->escaped == (memchr(t->raw.p, '\\', t->raw.n) != NULL));
        round_trip(t->raw);
    }
    if (t->type == CANDOR_JSON_NUMBER) number(t->raw);
}

/* skip() must agree with the walk token by token. */
static bool skips(candor_bytes text)
{
    candor_json j;
    candor_json_token t;
    candor_bytes raw;
    candor_json_init(&j, text, DEPTH);
    (void)candor_json_next(&j, &t);
    return candor_json_skip(&j, &t, &raw) && candor_json_next(&j, &t) == CANDOR_JSON_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    candor_bytes text = candor_bytes_of(size != 0 ? (const char *)data : "", size);
    candor_json j;
    candor_json_token t;
    unsigned line, column;
    candor_json_init(&j, text, DEPTH);
    while (candor_json_next(&j, &t) > CANDOR_JSON_END)
        token(&j, &t, text);
    candor_json_where(&j, &line, &column);
    require((t.type == CANDOR_JSON_ERROR) == (j.error != NULL));
    require(skips(text) == (t.type == CANDOR_JSON_END));
    /* As a string of any bytes, malformed UTF-8 included. */
    {
        candor_buf b = {0};
        candor_json_put_string(&b, text);
        require(!b.failed && b.n >= 2);
        round_trip(candor_bytes_of(b.p + 1, b.n - 2));
        candor_buf_free(&b);
    }
    return 0;
}
