/* What every test of contract needs: cmocka with its prerequisites, the project's files, a compiled
 * schema, a sanitiser. */
#ifndef CANDOR_TESTS_CONTRACT_SUPPORT_H
#define CANDOR_TESTS_CONTRACT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "contract/sanitise.h"

/* A file under the source folder, whole; free with candor_buf_free. */
static inline candor_buf support_read(const char *name)
{
    char path[1024];
    candor_buf b = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", CANDOR_SOURCE_DIR, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL) fail_msg("cannot open %s", path);
    for (;;) {
        assert_true(candor_buf_reserve(&b, 65536));
        size_t n = fread(b.p + b.n, 1, 65536, f);
        if (n == 0) break;
        b.n += n;
    }
    (void)fclose(f);
    return b;
}

static inline candor_schema *support_compile(candor_bytes text, const char *origin)
{
    candor_schema *s = NULL;
    candor_err err = {0};
    if (candor_schema_compile(text, origin, &s, &err) != CANDOR_OK) fail_msg("%s", err.text);
    return s;
}

static inline candor_schema *support_default_schema(void)
{
    candor_buf text = support_read("schema/default.json");
    candor_schema *s = support_compile(candor_buf_bytes(&text), "schema/default.json");
    candor_buf_free(&text);
    return s;
}

/* One event E with the fields given as JSON text. */
static inline candor_schema *support_fields(const char *fields)
{
    candor_buf text = {0};
    candor_buf_putf(&text,
                    "{\"schema\":\"test\",\"version\":1,\"notice\":1,\"governance_id\":\"G-1\","
                    "\"events\":{\"E\":{\"category\":\"c\",\"level\":\"usage\",\"owner\":\"o\","
                    "\"purpose\":\"p\",\"expires\":\"2028-12-31\",\"fields\":{%s}}}}",
                    fields);
    candor_schema *s = support_compile(candor_buf_bytes(&text), "test");
    candor_buf_free(&text);
    return s;
}

static inline candor_hmac *support_key(const char *key)
{
    candor_hmac *h = NULL;
    assert_int_equal(candor_hmac_new(candor_bytes_str(key), &h), CANDOR_OK);
    return h;
}

/* The payload in JSON through the rules; out holds it afterwards. */
static inline candor_status support_json(candor_sanitiser *s, const candor_event_def *def,
                                         candor_bytes payload, candor_buf *out, candor_tally *tally)
{
    candor_json j;
    candor_err err = {0};
    memset(tally, 0, sizeof(*tally));
    candor_buf_clear(out);
    candor_json_init(&j, payload, CANDOR_JSON_EVENT_DEPTH);
    return candor_sanitise_json(s, def, &j, out, tally, &err);
}

static inline void assert_text(const candor_buf *b, const char *want)
{
    if (b->n != strlen(want) || memcmp(b->p != NULL ? b->p : "", want, b->n) != 0)
        fail_msg("got %.*s, want %s", (int)b->n, b->p, want);
}

#endif
