#include "central/error_group.h"

#include <stdio.h>

#include "central/payload.h"

#define INPUT_MAX 2048 /* bytes of an event that its digest looks at */

bool candor_is_error(const candor_event_def *def)
{
    return def != NULL && (def->level == CANDOR_LEVEL_ERROR || def->level == CANDOR_LEVEL_CRASH);
}

static bool counts(const candor_field *f)
{
    return f->kind == CANDOR_KIND_ID || f->kind == CANDOR_KIND_ENUM ||
           f->kind == CANDOR_KIND_TEXT ||
           (f->kind == CANDOR_KIND_HASH && candor_bytes_eq(f->name, CANDOR_LIT("messageHash")));
}

/* "line 12 of 40" and "line 7 of 41" are the same. */
static void put_squeezed(candor_buf *b, candor_bytes text)
{
    bool digit, before = false;
    size_t i;
    for (i = 0; i < text.n; i++) {
        digit = text.p[i] >= '0' && text.p[i] <= '9';
        if (!digit || !before) candor_buf_put_c(b, digit ? '0' : text.p[i]);
        before = digit;
    }
}

/* What fits behind what stands there. Ids and enums are plain words. */
static void put_title(const candor_event_def *def, candor_bytes payload,
                      char out[CANDOR_ERROR_GROUP_TEXT])
{
    size_t at = strlen(out), begin = at;
    candor_bytes value;
    unsigned i;
    for (i = 0; i < def->n_fields; i++) {
        const candor_field *f = &def->fields[i];
        bool word = f->kind == CANDOR_KIND_ID || f->kind == CANDOR_KIND_ENUM;
        if (!word || !candor_payload_find(payload, f, &value) || value.n == 0) continue;
        if (at + 1 + value.n >= CANDOR_ERROR_GROUP_TEXT) break;
        if (at != begin) out[at++] = ' ';
        memcpy(out + at, value.p, value.n);
        at += value.n;
        out[at] = '\0';
    }
    if (at == begin) snprintf(out + at, CANDOR_ERROR_GROUP_TEXT - at, "(none)");
}

candor_status candor_error_group(const candor_event_def *def, candor_bytes payload,
                                 char out[CANDOR_ERROR_GROUP_TEXT])
{
    char storage[INPUT_MAX], hex[CANDOR_ERROR_GROUP_HASH];
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_bytes value;
    candor_buf b;
    candor_status st;
    unsigned i;
    candor_buf_init_fixed(&b, storage, sizeof storage);
    candor_buf_put_bytes(&b, def->name);
    for (i = 0; i < def->n_fields && !b.failed; i++) {
        const candor_field *f = &def->fields[i];
        if (!counts(f) || !candor_payload_find(payload, f, &value)) continue;
        candor_buf_put_c(&b, '\n');
        candor_buf_put_bytes(&b, f->name);
        candor_buf_put_c(&b, '=');
        if (f->kind == CANDOR_KIND_TEXT)
            put_squeezed(&b, value);
        else
            candor_buf_put_bytes(&b, value);
    }
    st = candor_sha256(candor_buf_bytes(&b), digest); /* of a longer event, its beginning */
    if (st != CANDOR_OK) return st;
    candor_hex_encode(digest, sizeof hex / 2, hex);
    snprintf(out, CANDOR_ERROR_GROUP_TEXT, "%.*s\t%.*s\t", (int)sizeof hex, hex,
             (int)(def->name.n < 128 ? def->name.n : 128), def->name.p);
    put_title(def, payload, out);
    return CANDOR_OK;
}

bool candor_error_group_split(candor_bytes text, candor_bytes *hash, candor_bytes *type,
                              candor_bytes *title)
{
    const char *first = text.n != 0 ? memchr(text.p, '\t', text.n) : NULL, *second;
    candor_bytes rest;
    if (first == NULL) return false;
    *hash = candor_bytes_of(text.p, (size_t)(first - text.p));
    rest = candor_bytes_of(first + 1, text.n - hash->n - 1);
    second = rest.n != 0 ? memchr(rest.p, '\t', rest.n) : NULL;
    if (second == NULL) return false;
    *type = candor_bytes_of(rest.p, (size_t)(second - rest.p));
    *title = candor_bytes_of(second + 1, rest.n - type->n - 1);
    return true;
}
