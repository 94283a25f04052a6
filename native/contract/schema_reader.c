#include "contract/schema_reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "contract/suggest.h"

#define ORIGIN_SHOWN                                                                               \
    80 /* bytes of the path kept in a message: its end says more than its start                    \
        */

static void where(const candor_reader *r, const char *at, unsigned *line, unsigned *column)
{
    candor_json here = r->j;
    here.p = at;
    candor_json_where(&here, line, column);
}

bool candor_reader_fail(candor_reader *r, const char *at, const char *fmt, ...)
{
    char text[200];
    unsigned line = 0, column = 0;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    where(r, at, &line, &column);
    size_t n = strlen(r->origin);
    const char *shown = n > ORIGIN_SHOWN ? r->origin + (n - ORIGIN_SHOWN) : r->origin;
    r->status =
        candor_fail(r->err, CANDOR_INVALID, 0, "schema", "%s:%u:%u: %s", shown, line, column, text);
    return false;
}

bool candor_reader_no_memory(candor_reader *r)
{
    r->status = candor_fail(r->err, CANDOR_NOMEM, 0, "schema", "%s", "out of memory");
    return false;
}

const char *candor_reader_at(const candor_reader *r)
{
    bool quoted = r->t.type == CANDOR_JSON_STRING || r->t.type == CANDOR_JSON_KEY;
    return r->t.raw.p == NULL ? r->j.p : r->t.raw.p - (quoted ? 1 : 0);
}

bool candor_reader_next(candor_reader *r)
{
    if (candor_json_next(&r->j, &r->t) != CANDOR_JSON_ERROR) return true;
    return candor_reader_fail(r, r->j.p, "%s", r->j.error != NULL ? r->j.error : "malformed JSON");
}

/* The text of the KEY or STRING in r->t, in the arena. */
static bool decode(candor_reader *r, candor_bytes *out)
{
    char *p = candor_arena_get(r->arena, r->t.raw.n);
    if (p == NULL) return candor_reader_no_memory(r);
    *out = (candor_bytes){p, candor_json_unescape(r->t.raw, p, r->t.raw.n)};
    return true;
}

static bool expect_open(candor_reader *r, const char *what, candor_json_type type, const char *noun)
{
    if (r->t.type == type) return true;
    return candor_reader_fail(r, candor_reader_at(r), "%s must be %s", what, noun);
}

static bool unknown_key(candor_reader *r, const char *what, candor_bytes key,
                        const candor_member *members, size_t n)
{
    candor_suggest s = {.word = key};
    for (size_t i = 0; i < n; i++)
        candor_suggest_offer(&s, candor_bytes_str(members[i].name));
    int shown = key.n > CANDOR_NAME_MAX ? CANDOR_NAME_MAX : (int)key.n;
    if (s.best.n == 0)
        return candor_reader_fail(r, candor_reader_at(r), "unknown key \"%.*s\" in %s", shown,
                                  key.p, what);
    return candor_reader_fail(r, candor_reader_at(r),
                              "unknown key \"%.*s\" in %s, did you mean \"%.*s\"?", shown, key.p,
                              what, (int)s.best.n, s.best.p);
}

static bool read_member(candor_reader *r, const char *what, const candor_member *members, size_t n,
                        void *into, const char **at)
{
    candor_bytes key;
    if (!decode(r, &key)) return false;
    size_t i = 0;
    while (i < n && !candor_bytes_eq(key, candor_bytes_str(members[i].name)))
        i++;
    if (i == n) return unknown_key(r, what, key, members, n);
    if (at[i] != NULL)
        return candor_reader_fail(r, candor_reader_at(r), "duplicate key \"%s\"", members[i].name);
    at[i] = candor_reader_at(r);
    return candor_reader_next(r) && members[i].read(r, into);
}

bool candor_reader_object(candor_reader *r, const char *what, const candor_member *members,
                          size_t n, void *into, const char **at)
{
    const char *own_at[CANDOR_MEMBERS_MAX];
    const char **seen = at != NULL ? at : own_at;
    for (size_t i = 0; i < n; i++)
        seen[i] = NULL;
    const char *open_at = candor_reader_at(r);
    if (!expect_open(r, what, CANDOR_JSON_OBJECT, "an object")) return false;
    for (;;) {
        if (!candor_reader_next(r)) return false;
        if (r->t.type == CANDOR_JSON_OBJECT_END) break;
        if (!read_member(r, what, members, n, into, seen)) return false;
    }
    for (size_t i = 0; i < n; i++)
        if (members[i].required && seen[i] == NULL)
            return candor_reader_fail(r, open_at, "%s lacks \"%s\"", what, members[i].name);
    return true;
}

bool candor_reader_map(candor_reader *r, const char *what, candor_reader_entry read, void *into)
{
    if (!expect_open(r, what, CANDOR_JSON_OBJECT, "an object")) return false;
    for (;;) {
        candor_bytes name;
        if (!candor_reader_next(r)) return false;
        if (r->t.type == CANDOR_JSON_OBJECT_END) return true;
        const char *name_at = candor_reader_at(r);
        if (!decode(r, &name) || !candor_reader_next(r) || !read(r, name, name_at, into))
            return false;
    }
}

bool candor_reader_array(candor_reader *r, const char *what,
                         bool (*read)(candor_reader *r, void *into), void *into)
{
    if (!expect_open(r, what, CANDOR_JSON_ARRAY, "an array")) return false;
    for (;;) {
        if (!candor_reader_next(r)) return false;
        if (r->t.type == CANDOR_JSON_ARRAY_END) return true;
        if (!read(r, into)) return false;
    }
}

bool candor_reader_text(candor_reader *r, const char *what, size_t max, candor_bytes *out)
{
    if (!expect_open(r, what, CANDOR_JSON_STRING, "a string") || !decode(r, out)) return false;
    if (out->n == 0 || out->n > max)
        return candor_reader_fail(r, candor_reader_at(r), "%s must have 1 to %zu bytes", what, max);
    for (size_t i = 0; i < out->n; i++)
        if ((unsigned char)out->p[i] < 0x20)
            return candor_reader_fail(r, candor_reader_at(r), "%s must be one line", what);
    return true;
}

bool candor_reader_number(candor_reader *r, const char *what, double min, double max, double *out)
{
    if (!expect_open(r, what, CANDOR_JSON_NUMBER, "a number")) return false;
    *out = candor_json_double(r->t.raw);
    if (*out >= min && *out <= max) return true;
    return candor_reader_fail(r, candor_reader_at(r), "%s must be between %.17g and %.17g", what,
                              min, max);
}

bool candor_reader_integer(candor_reader *r, const char *what, double min, double max, double *out)
{
    int64_t v;
    if (r->t.type != CANDOR_JSON_NUMBER || !candor_json_int64(r->t.raw, &v))
        return candor_reader_fail(r, candor_reader_at(r), "%s must be an integer", what);
    return candor_reader_number(r, what, min, max, out);
}

bool candor_reader_word(candor_reader *r, const char *what, const char *const *words, unsigned n,
                        unsigned *out)
{
    candor_bytes word;
    if (!candor_reader_text(r, what, 256, &word)) return false;
    candor_suggest s = {.word = word};
    for (unsigned i = 0; i < n; i++) {
        candor_bytes known = candor_bytes_str(words[i]);
        if (candor_bytes_eq(word, known)) {
            *out = i;
            return true;
        }
        candor_suggest_offer(&s, known);
    }
    int shown = word.n > CANDOR_NAME_MAX ? CANDOR_NAME_MAX : (int)word.n;
    if (s.best.n != 0)
        return candor_reader_fail(r, candor_reader_at(r),
                                  "unknown %s \"%.*s\", did you mean \"%.*s\"?", what, shown,
                                  word.p, (int)s.best.n, s.best.p);
    return candor_reader_fail(r, candor_reader_at(r), "unknown %s \"%.*s\"", what, shown, word.p);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool candor_reader_is_name(candor_bytes s, const char *extra, size_t max)
{
    if (s.n == 0 || s.n > max || !is_letter(s.p[0])) return false;
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        bool plain = is_letter(c) || (c >= '0' && c <= '9') || c == '_';
        if (!plain && (c == '\0' || strchr(extra, c) == NULL)) return false;
    }
    return true;
}

bool candor_reader_is_decimal(double v, unsigned decimals)
{
    char storage[64];
    candor_buf b;
    candor_buf_init_fixed(&b, storage, sizeof(storage));
    candor_json_put_fixed(&b, v, decimals);
    return !b.failed && candor_json_double(candor_buf_bytes(&b)) == v;
}
