/* JSON text: a bounded pull tokenizer that follows RFC 8259 to the letter, and a writer.
 * No allocation. Layer: base. Threads: one owner at a time.
 *
 * Strict means: UTF-8 only and well-formed (RFC 3629: no surrogates, no overlong forms), no BOM, no
 * trailing comma, no comments, no leading zeros, control characters only escaped, exactly one value
 * with white space around it. \uD800 alone is allowed by the grammar; it decodes to U+FFFD. */
#ifndef CANDOR_BASE_JSON_H
#define CANDOR_BASE_JSON_H

#include "base/bytes.h"

/* Deepest nesting any caller may ask for; the stack is a bit set inside the tokenizer. */
#define CANDOR_JSON_DEPTH_MAX 1024

typedef enum candor_json_type {
    CANDOR_JSON_ERROR,
    CANDOR_JSON_END, /* the one value is complete and only white space followed */
    CANDOR_JSON_OBJECT,
    CANDOR_JSON_OBJECT_END,
    CANDOR_JSON_ARRAY,
    CANDOR_JSON_ARRAY_END,
    CANDOR_JSON_KEY,
    CANDOR_JSON_STRING,
    CANDOR_JSON_NUMBER,
    CANDOR_JSON_TRUE,
    CANDOR_JSON_FALSE,
    CANDOR_JSON_NULL
} candor_json_type;

typedef struct candor_json_token {
    candor_json_type type;
    candor_bytes raw; /* the text; KEY and STRING without quotes, escapes undecoded */
    bool escaped;     /* KEY and STRING: raw holds at least one backslash */
} candor_json_token;

typedef struct candor_json {
    const char *start, *p, *end;
    const char *error; /* static text of the first error, else NULL */
    unsigned depth, max_depth;
    unsigned char expect;                           /* private */
    uint64_t is_object[CANDOR_JSON_DEPTH_MAX / 64]; /* private: one bit a level */
} candor_json;

/* text is borrowed until the last call. max_depth 1..CANDOR_JSON_DEPTH_MAX. */
void candor_json_init(candor_json *j, candor_bytes text, unsigned max_depth);

/* The next token. After ERROR every further call gives ERROR. */
candor_json_type candor_json_next(candor_json *j, candor_json_token *t);

/* Skip the rest of the value whose first token is t (a scalar: nothing to do). raw, when not NULL,
 * receives the value's whole text. False on a syntax error. */
bool candor_json_skip(candor_json *j, const candor_json_token *t, candor_bytes *raw);

/* Where the tokenizer stands, 1-based, for messages. Column counts bytes. */
void candor_json_where(const candor_json *j, unsigned *line, unsigned *column);

/* Decode a KEY or STRING token's text as UTF-8 into out; lone surrogates become U+FFFD. Returns the
 * decoded length, or SIZE_MAX when it does not fit cap. raw.n bytes always suffice. */
size_t candor_json_unescape(candor_bytes raw, char *out, size_t cap);

/* A NUMBER token as double; locale-independent. Overflow gives +-HUGE_VAL. */
double candor_json_double(candor_bytes raw);
/* True and *out when the token is an integer (no fraction, no exponent) that fits int64. */
bool candor_json_int64(candor_bytes raw, int64_t *out);

/* Quote and escape s (any bytes: malformed UTF-8 becomes U+FFFD, one per maximal bad part). */
void candor_json_put_string(candor_buf *b, candor_bytes s);
void candor_json_put_i64(candor_buf *b, int64_t v);
/* v rounded half away from zero to 0..6 decimals, trailing zeros dropped, never an exponent, never
 * "-0". |v| must be <= 1e12; NaN and infinities write null. Idempotent through candor_json_double.
 */
void candor_json_put_fixed(candor_buf *b, double v, unsigned decimals);
/* The same to memory that holds CANDOR_JSON_NUMBER_MAX bytes; the result is the text's end. */
#define CANDOR_JSON_NUMBER_MAX 32 /* sign, 20 digits, point, 6 decimals, and some room */
char *candor_json_write_i64(char *to, int64_t v);
char *candor_json_write_fixed(char *to, double v, unsigned decimals);

/* Length of the well-formed UTF-8 character at p (1..4), or 0. end > p. */
unsigned candor_utf8_len(const char *p, const char *end);
/* Well-formed to the last byte. */
bool candor_utf8_ok(candor_bytes text);

#endif
