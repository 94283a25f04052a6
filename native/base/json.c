#include "base/utf8.h"

/* What the grammar allows next. AFTER stands behind a value inside a container. */
enum expect {
    EXPECT_VALUE,
    EXPECT_FIRST_VALUE, /* or ] */
    EXPECT_FIRST_KEY,   /* or } */
    EXPECT_AFTER,
    EXPECT_NOTHING, /* the one value is complete */
    EXPECT_FAILED
};

void candor_json_init(candor_json *j, candor_bytes text, unsigned max_depth)
{
    const char *p = text.n != 0 ? text.p : ""; /* arithmetic on NULL is undefined */
    j->start = j->p = p;
    j->end = p + text.n;
    j->error = NULL;
    j->depth = 0;
    j->max_depth = max_depth < 1                       ? 1
                   : max_depth > CANDOR_JSON_DEPTH_MAX ? CANDOR_JSON_DEPTH_MAX
                                                       : max_depth;
    j->expect = EXPECT_VALUE;
}

static candor_json_type fail(candor_json *j, candor_json_token *t, const char *p, const char *text)
{
    j->p = p;
    j->error = text;
    j->expect = EXPECT_FAILED;
    *t = (candor_json_token){.type = CANDOR_JSON_ERROR, .raw = {p, 0}};
    return CANDOR_JSON_ERROR;
}

static candor_json_type fail_at(candor_json *j, candor_json_token *t, const char *p,
                                const char *text)
{
    return fail(j, t, p, p == j->end ? "unexpected end of text" : text);
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p <= ' ') {
        if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t') break;
        p++;
    }
    return p;
}

static inline bool in_object(const candor_json *j)
{
    unsigned level = j->depth - 1;
    return (j->is_object[level / 64] >> (level % 64) & 1) != 0;
}

static inline candor_json_type give(candor_json *j, candor_json_token *t, candor_json_type type,
                                    const char *from, const char *to)
{
    t->type = type;
    t->raw = (candor_bytes){from, (size_t)(to - from)};
    t->escaped = false;
    j->p = to;
    return type;
}

static inline void value_done(candor_json *j)
{
    j->expect = j->depth == 0 ? EXPECT_NOTHING : EXPECT_AFTER;
}

static candor_json_type open_container(candor_json *j, candor_json_token *t, const char *p,
                                       bool object)
{
    uint64_t *word = &j->is_object[j->depth / 64];
    uint64_t bit = UINT64_C(1) << (j->depth % 64);
    if (j->depth >= j->max_depth) return fail(j, t, p, "nesting too deep");
    /* A word is written whole at its first level, so that init need not clear them all. */
    if (j->depth % 64 == 0) *word = 0;
    *word = object ? *word | bit : *word & ~bit;
    j->depth++;
    j->expect = object ? EXPECT_FIRST_KEY : EXPECT_FIRST_VALUE;
    return give(j, t, object ? CANDOR_JSON_OBJECT : CANDOR_JSON_ARRAY, p, p + 1);
}

static inline candor_json_type close_container(candor_json *j, candor_json_token *t, const char *p,
                                               candor_json_type type)
{
    j->depth--;
    value_done(j);
    return give(j, t, type, p, p + 1);
}

static inline bool is_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

static bool is_hex4(const char *p, const char *end)
{
    unsigned char scratch[2];
    return end - p >= 4 && candor_hex_decode(candor_bytes_of(p, 4), scratch, 2);
}

/* p stands behind a backslash; the position behind the escape, or NULL. */
static const char *skip_escape(const char *p, const char *end)
{
    if (p == end) return NULL;
    switch (*p) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 1;
    case 'u':
        return is_hex4(p + 1, end) ? p + 5 : NULL;
    default:
        return NULL;
    }
}

/* The bytes that end a plain run, except the closing quote. NULL after fail(). */
static const char *skip_special(candor_json *j, candor_json_token *t, const char *p)
{
    const char *next;
    unsigned length;
    if (*p == '\\') {
        next = skip_escape(p + 1, j->end);
        t->escaped = true;
        if (next == NULL) (void)fail(j, t, p, "bad escape");
        return next;
    }
    if ((unsigned char)*p < 0x20) {
        (void)fail(j, t, p, "control character in a string must be escaped");
        return NULL;
    }
    /* Non-ASCII characters come in runs: stay here until the run ends. */
    do {
        length = candor_utf8_len(p, j->end);
        if (length == 0) {
            (void)fail(j, t, p, "malformed UTF-8");
            return NULL;
        }
        p += length;
    } while (p < j->end && (unsigned char)*p >= 0x80);
    return p;
}

/* p stands on the opening quote. True with *t but its type filled in, j->p behind the other quote.
 */
static inline bool read_string(candor_json *j, candor_json_token *t, const char *p)
{
    const char *from = p + 1;
    t->escaped = false;
    for (p = from;;) {
        p = candor_skip_plain(p, j->end);
        if (p == j->end) {
            (void)fail(j, t, p, "unterminated string");
            return false;
        }
        if (*p == '"') break;
        p = skip_special(j, t, p);
        if (p == NULL) return false;
    }
    t->raw = (candor_bytes){from, (size_t)(p - from)};
    j->p = p + 1;
    return true;
}

static inline candor_json_type read_key(candor_json *j, candor_json_token *t, const char *p)
{
    if (p == j->end || *p != '"') return fail_at(j, t, p, "expected a string as key");
    if (!read_string(j, t, p)) return CANDOR_JSON_ERROR;
    p = j->p;
    if (p == j->end || *p != ':') {
        p = skip_space(p, j->end);
        if (p == j->end || *p != ':') return fail_at(j, t, p, "expected ':' after a key");
    }
    j->p = p + 1;
    j->expect = EXPECT_VALUE;
    t->type = CANDOR_JSON_KEY;
    return CANDOR_JSON_KEY;
}

static candor_json_type read_number(candor_json *j, candor_json_token *t, const char *p)
{
    const char *from = p, *end = j->end;
    if (*p == '-') p++;
    if (!is_digit(p, end)) return fail_at(j, t, p, "expected a digit");
    if (*p++ == '0') {
        if (is_digit(p, end)) return fail(j, t, p, "leading zero in a number");
    } else {
        while (is_digit(p, end))
            p++;
    }
    if (p < end && *p == '.') {
        if (!is_digit(++p, end)) return fail_at(j, t, p, "expected a digit after the point");
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        if (!is_digit(p, end)) return fail_at(j, t, p, "expected a digit in the exponent");
        while (is_digit(p, end))
            p++;
    }
    value_done(j);
    return give(j, t, CANDOR_JSON_NUMBER, from, p);
}

static candor_json_type read_word(candor_json *j, candor_json_token *t, const char *p,
                                  candor_bytes word, candor_json_type type)
{
    for (size_t i = 0; i < word.n; i++) {
        if (p + i == j->end || p[i] != word.p[i])
            return fail_at(j, t, p + i, "unknown word, expected true, false or null");
    }
    value_done(j);
    return give(j, t, type, p, p + word.n);
}

static inline candor_json_type read_value(candor_json *j, candor_json_token *t, const char *p)
{
    if (p == j->end) return fail(j, t, p, "unexpected end of text");
    switch (*p) {
    case '"':
        if (!read_string(j, t, p)) return CANDOR_JSON_ERROR;
        value_done(j);
        t->type = CANDOR_JSON_STRING;
        return CANDOR_JSON_STRING;
    case '{':
        return open_container(j, t, p, true);
    case '[':
        return open_container(j, t, p, false);
    case 't':
        return read_word(j, t, p, CANDOR_LIT("true"), CANDOR_JSON_TRUE);
    case 'f':
        return read_word(j, t, p, CANDOR_LIT("false"), CANDOR_JSON_FALSE);
    case 'n':
        return read_word(j, t, p, CANDOR_LIT("null"), CANDOR_JSON_NULL);
    default:
        if (*p == '-' || is_digit(p, j->end)) return read_number(j, t, p);
        return fail(j, t, p, "expected a value");
    }
}

/* Behind a value in a container: a comma and what follows it, or the end of the container. */
static inline candor_json_type read_after(candor_json *j, candor_json_token *t, const char *p)
{
    bool object = in_object(j);
    if (p == j->end) return fail(j, t, p, "unexpected end of text");
    if (*p == ',') {
        p = skip_space(p + 1, j->end);
        return object ? read_key(j, t, p) : read_value(j, t, p);
    }
    if (object && *p == '}') return close_container(j, t, p, CANDOR_JSON_OBJECT_END);
    if (!object && *p == ']') return close_container(j, t, p, CANDOR_JSON_ARRAY_END);
    return fail(j, t, p, object ? "expected ',' or '}'" : "expected ',' or ']'");
}

candor_json_type candor_json_next(candor_json *j, candor_json_token *t)
{
    const char *p = skip_space(j->p, j->end);
    switch ((enum expect)j->expect) {
    case EXPECT_AFTER:
        return read_after(j, t, p);
    case EXPECT_FIRST_KEY:
        if (p < j->end && *p == '}') return close_container(j, t, p, CANDOR_JSON_OBJECT_END);
        return read_key(j, t, p);
    case EXPECT_FIRST_VALUE:
        if (p < j->end && *p == ']') return close_container(j, t, p, CANDOR_JSON_ARRAY_END);
        return read_value(j, t, p);
    case EXPECT_VALUE:
        return read_value(j, t, p);
    case EXPECT_NOTHING:
        if (p != j->end) return fail(j, t, p, "text after the value");
        return give(j, t, CANDOR_JSON_END, p, p);
    case EXPECT_FAILED:
        break;
    }
    return fail(j, t, j->p, j->error);
}

bool candor_json_skip(candor_json *j, const candor_json_token *t, candor_bytes *raw)
{
    const char *from = t->raw.p;
    candor_json_token inner;
    unsigned outside;
    switch (t->type) {
    case CANDOR_JSON_STRING:
        from--; /* raw leaves the quotes out */
        break;
    case CANDOR_JSON_OBJECT:
    case CANDOR_JSON_ARRAY:
        if (j->depth == 0) return false;
        outside = j->depth - 1;
        while (j->depth > outside) {
            if (candor_json_next(j, &inner) == CANDOR_JSON_ERROR) return false;
        }
        break;
    case CANDOR_JSON_NUMBER:
    case CANDOR_JSON_TRUE:
    case CANDOR_JSON_FALSE:
    case CANDOR_JSON_NULL:
        break;
    default:
        return false; /* not the first token of a value */
    }
    if (raw != NULL) *raw = (candor_bytes){from, (size_t)(j->p - from)};
    return true;
}

void candor_json_where(const candor_json *j, unsigned *line, unsigned *column)
{
    const char *line_start = j->start;
    *line = 1;
    for (const char *p = j->start; p < j->p; p++) {
        if (*p != '\n') continue;
        ++*line;
        line_start = p + 1;
    }
    *column = (unsigned)(j->p - line_start) + 1;
}
