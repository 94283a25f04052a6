/* The value of a key that names a secret: where it ends, and whether it is one. */
#include "contract/redact_internal.h"

#define SPACES_MAX 4 /* between parts of a value; also backslashes before a quote */

/* --- words that are no secret --------------------------------------------------------------------
 */

/* Words that stand where a value would: literals, types, and what messages say about a secret. */
static const candor_bytes benign[] = {
    {"null", 4},      {"nil", 3},      {"none", 4},     {"undefined", 9}, {"nan", 3},
    {"true", 4},      {"false", 5},    {"string", 6},   {"str", 3},       {"boolean", 7},
    {"bool", 4},      {"number", 6},   {"int", 3},      {"any", 3},       {"unknown", 7},
    {"required", 8},  {"missing", 7},  {"invalid", 7},  {"empty", 5},     {"expired", 7},
    {"is", 2},        {"must", 4},     {"not", 3},      {"was", 3},       {"should", 6},
    {"cannot", 6},    {"the", 3},      {"a", 1},        {"an", 2},        {"no", 2},
    {"incorrect", 9}, {"failed", 6},   {"rejected", 8}, {"denied", 6},    {"unset", 5},
    {"expected", 8},  {"ok", 2},       {"yes", 3},      {"on", 2},        {"off", 3},
    {"field", 5},     {"optional", 8}, {"redacted", 8}, {NULL, 0}};

/* The same behind a key that is also a word of prose: "auth: disabled", "user: unknown". */
static const candor_bytes states[] = {
    {"absent", 6},    {"active", 6},    {"basic", 5},   {"bearer", 6},   {"cancelled", 9},
    {"changed", 7},   {"current", 7},   {"default", 7}, {"disabled", 8}, {"enabled", 7},
    {"error", 5},     {"found", 5},     {"ignored", 7}, {"inactive", 8}, {"locked", 6},
    {"missing", 7},   {"needed", 6},    {"oauth", 5},   {"oauth2", 6},   {"ok", 2},
    {"present", 7},   {"refreshed", 9}, {"revoked", 7}, {"root", 4},     {"nobody", 6},
    {"anonymous", 9}, {"guest", 5},     {"system", 6},  {"skipped", 7},  {"started", 7},
    {"succeeded", 9}, {"success", 7},   {"timeout", 7}, {"valid", 5},    {"verified", 8},
    {"please", 6},    {"you", 3},       {"your", 4},    {"this", 4},     {"that", 4},
    {"user", 4},      {"closed", 6},    {"open", 4},    {NULL, 0}};

/* "Unexpected token: identifier" speaks of a parser's token. */
static const candor_bytes parser_words[] = {
    {"unexpected", 10}, {"unknown", 7},  {"invalid", 7},  {"illegal", 7}, {"expected", 8},
    {"next", 4},        {"previous", 8}, {"current", 7},  {"last", 4},    {"first", 5},
    {"syntax", 6},      {"bad", 3},      {"reserved", 8}, {"missing", 7}, {NULL, 0}};

bool candor_redact_benign(const char *p, const char *end)
{
    return candor_redact_listed(p, end, benign);
}

bool candor_redact_holds(const char *p, const char *end, unsigned mask)
{
    while (p < end && (rd_class(p) & mask) == 0) {
        CANDOR_REDACT_STEP();
        p++;
    }
    return p < end;
}

static bool is_placeholder(const redactor *r, const char *p, const char *end)
{
    size_t n = candor_redact_placeholder(r, p);
    return n != 0 && n == (size_t)(end - p);
}

static bool numeric(const char *p, const char *end)
{
    for (; p < end; p++)
        if ((rd_class(p) & RD_DIGIT) == 0 && *p != '.' && *p != ',' && *p != '%') return false;
    return true;
}

#define PROSE_WORD_MAX 12
static bool lower_word(const char *p, const char *end)
{
    if (end - p > PROSE_WORD_MAX) return false;
    while (p < end && (rd_class(p) & RD_LOWER) != 0)
        p++;
    return p == end;
}

/* The word before the key. */
static bool parser_speaks(const redactor *r, const char *key)
{
    const char *end = key, *p;
    if (end == r->start || !rd_is_blank(end[-1])) return false;
    for (p = --end; p > r->start && end - p < PROSE_WORD_MAX && (rd_class(p - 1) & RD_ALPHA) != 0;
         p--)
        ;
    return candor_redact_listed(p, end, parser_words);
}

/* A short lower-case word behind "token: " is prose when a parser says it, or when the sentence
 * goes on in lower case. */
static bool is_prose(const redactor *r, const rd_value *v, const char *to)
{
    if (!lower_word(v->at, to)) return false;
    if (v->kind == RD_KEY_COUNT || v->kind == RD_KEY_LINE) return true;
    return parser_speaks(r, v->key) || (rd_blank(r, to) && rd_is(r, to + 1, RD_LOWER));
}

/* --- shapes of values ----------------------------------------------------------------------------
 */

bool candor_redact_secret(redactor *r, const char *from, const char *to)
{
    if (!candor_redact_holds(from, to, RD_ALNUM | RD_HIGH) || is_placeholder(r, from, to))
        return false;
    candor_redact_replace(r, from, to, CANDOR_FOUND_SECRET);
    return true;
}

/* Behind an opening quote that `slashes` backslashes precede; \" closes with \". Open to the end of
 * the line when nothing closes it. */
static const char *quoted_end(const redactor *r, const char *quote, int slashes)
{
    const char *from = quote + 1, *p = from;
    for (; p < r->end && *p != '\n'; p++) {
        int before = 0;
        CANDOR_REDACT_STEP();
        if (*p != *quote) continue;
        while (before < SPACES_MAX && p - before > from && p[-1 - before] == '\\')
            before++;
        if (slashes == 0 ? before % 2 == 0 : before <= slashes)
            return p - (before < slashes ? before : slashes);
    }
    return p;
}

/* "cookie: a=b" but not "cookie: none". A bounded look: a line may hold many keys. */
#define PAIR_MAX 256
static bool has_pairs(const redactor *r, const char *p)
{
    for (int i = 0; i < PAIR_MAX && p < r->end && *p != '\n'; i++, p++)
        if (*p == '=') return true;
    return false;
}

/* To the end of the line, of the quotes that opened before the key, or of a header in a string
 * (a written-out \r\n). */
static bool take_line(redactor *r, const char *key, const char *from)
{
    char quote = key > r->start ? key[-1] : '\0';
    bool quoted = (quote == '"' || quote == '\'' || quote == '`') &&
                  !rd_at(r, rd_run(r, key, RD_KEY), quote); /* "cookie": a=b */
    const char *to = from;
    for (; to < r->end && *to != '\n'; to++) {
        CANDOR_REDACT_STEP();
        if (quoted && *to == quote && (to == from || to[-1] != '\\')) break;
        if (*to == '\\' && rd_starts(r, to, CANDOR_LIT("\\r\\n"))) break;
    }
    while (to > from && (to[-1] == '\'' || to[-1] == '\\' || (rd_class(to - 1) & RD_SPACE) != 0))
        to--;
    return candor_redact_secret(r, from, to);
}

const char *candor_redact_value_end(const redactor *r, const char *from)
{
    const char *p = from;
    for (; p < r->end; p++) {
        CANDOR_REDACT_STEP();
        if ((rd_class(p) & RD_SPACE) != 0 || *p == '&' || *p == ';' || *p == '"' || *p == '`')
            break;
        if (*p == '\'' && !(p > from && rd_is(r, p + 1, RD_WORD))) break;
        if (*p == '<' && p > from && rd_at(r, p + 1, '/')) break; /* </tag> */
    }
    while (p > from && ((rd_class(p - 1) & RD_TRIM) != 0 || p[-1] == ')' || p[-1] == ']' ||
                        p[-1] == '}' || p[-1] == '\'' || p[-1] == '\\'))
        p--;
    return p;
}

/* "030 123 4567": groups of digits behind the first. */
static const char *over_digits(const redactor *r, const char *p)
{
    while (rd_blank(r, p) && rd_is(r, p + 1, RD_DIGIT)) {
        const char *q = rd_run(r, p + 1, RD_DIGIT);
        if (rd_is(r, q, RD_NAME)) break;
        p = q;
    }
    return p;
}

/* uid=1000(bob),27(sudo) */
static bool take_uid(redactor *r, const rd_value *v)
{
    const char *p = rd_run(r, v->at, RD_DIGIT);
    if (p == v->at || !rd_at(r, p, '(')) {
        rd_value user = {v->key, v->at, RD_KEY_USER, v->loose};
        return p == v->at && candor_redact_value(r, &user);
    }
    while (p < r->end && (rd_class(p) & RD_SPACE) == 0) {
        CANDOR_REDACT_STEP();
        p++;
    }
    return candor_redact_secret(r, v->at, p);
}

/* An address or a path behind "user" is left to its own rule. */
static bool is_user(const char *from, const char *to)
{
    for (const char *p = from; p + 2 < to; p++)
        if (*p == '@' || *p == '/' || memcmp(p, "%40", 3) == 0) return false;
    return !numeric(from, to);
}

/* "--token <token>" in a help text. */
static bool is_metavariable(const char *from, const char *to)
{
    return to - from > 2 && *from == '<' && to[-1] == '>' &&
           candor_redact_key(from + 1, to - 1) != RD_KEY_NONE &&
           !candor_redact_holds(from, to, RD_DIGIT);
}

/* "token = parser.next()": code, when a space stands before and the name has no digit. */
static bool is_call(const redactor *r, const char *from)
{
    const char *p = from;
    while (rd_is(r, p, RD_ALPHA | RD_UNDER | RD_DOT)) {
        CANDOR_REDACT_STEP();
        p++;
    }
    return p > from && rd_at(r, p, '(') && from > r->start && rd_is_blank(from[-1]);
}

static bool take_word(redactor *r, const rd_value *v)
{
    const char *from = v->at, *to = candor_redact_value_end(r, from);
    bool weak = v->kind == RD_KEY_WEAK || v->kind == RD_KEY_COUNT || v->kind == RD_KEY_LINE;
    if (candor_redact_listed(from, to, benign) || is_metavariable(from, to)) return false;
    if (is_call(r, from)) return false;
    if ((weak || v->kind == RD_KEY_USER) && candor_redact_listed(from, to, states)) return false;
    if (v->kind == RD_KEY_COUNT && numeric(from, to)) return false;
    if (v->kind == RD_KEY_USER && !is_user(from, to)) return false;
    if (v->kind == RD_KEY_CODE) {
        if (!candor_redact_holds(from, to, RD_DIGIT)) return false;
        to = over_digits(r, to);
    }
    if (weak && v->loose) {
        if (is_prose(r, v, to)) return false;
        if (to - from <= 4 && numeric(from, to)) return false; /* "pass: 12" */
    }
    return candor_redact_secret(r, from, to);
}

/* "[a, b]": to the bracket that closes it, or the end of the line. */
static bool take_list(redactor *r, const char *from)
{
    const char *p = from;
    for (unsigned depth = 0; p < r->end && *p != '\n'; p++) {
        CANDOR_REDACT_STEP();
        if (*p == '[') depth++;
        if (*p == ']' && --depth == 0) break;
    }
    return candor_redact_secret(r, from + 1, p);
}

/* Authorization: scheme SP credentials (RFC 9110 11.6.2). The scheme stays. Schemes with parameters
 * take the rest of the line. */
static bool take_authorization(redactor *r, const rd_value *v)
{
    static const candor_bytes plain[] = {{"bearer", 6}, {"basic", 5}, {"token", 5},
                                         {"apikey", 6}, {"bot", 3},   {"negotiate", 9},
                                         {NULL, 0}};
    static const candor_bytes parametric[] = {{"digest", 6},    {"hawk", 4},
                                              {"oauth", 5},     {"aws4-hmac-sha256", 16},
                                              {"signature", 9}, {NULL, 0}};
    const char *p = v->at;
    while (p - v->at < 20 && (rd_is(r, p, RD_ALNUM) || rd_at(r, p, '-')))
        p++;
    rd_value rest = {v->key, p, RD_KEY_STRONG, false};
    while (rest.at - p < SPACES_MAX && rd_blank(r, rest.at))
        rest.at++;
    bool more = rest.at > p && rest.at < r->end;
    if (more && candor_redact_listed(v->at, p, parametric)) return take_line(r, v->key, rest.at);
    if (more && candor_redact_listed(v->at, p, plain)) return take_word(r, &rest);
    rest.at = v->at;
    return take_word(r, &rest);
}

/* --- on the lines below the key ------------------------------------------------------------------
 */

static const char *skip_blanks(const redactor *r, const char *p)
{
    while (rd_blank(r, p)) {
        CANDOR_REDACT_STEP();
        p++;
    }
    return p;
}

/* YAML's "key: |" and "key: >-": the lines that are indented as the first one is, or more. */
static bool take_block(redactor *r, const char *p)
{
    for (p++; rd_at(r, p, '-') || rd_at(r, p, '+') || rd_is(r, p, RD_DIGIT); p++)
        ;
    p = skip_blanks(r, p);
    if (!rd_at(r, p, '\n')) return false;
    const char *line = p + 1, *from = skip_blanks(r, line), *to = from;
    ptrdiff_t indent = from - line;
    if (indent == 0) return false;
    while (line < r->end) {
        p = skip_blanks(r, line);
        if (p - line < indent && !rd_at(r, p, '\n')) break;
        for (line = p; line < r->end && *line != '\n'; line++)
            CANDOR_REDACT_STEP();
        if (line > p) to = line;
        if (line < r->end) line++;
    }
    return candor_redact_secret(r, from, to);
}

/* "password:" and on the next, indented line nothing but the value. */
static bool take_next_line(redactor *r, const rd_value *v)
{
    rd_value below = *v;
    below.at = skip_blanks(r, v->at + 1);
    if (below.at == v->at + 1 || below.at == r->end || *below.at == '\n' || *below.at == '-')
        return false;
    if (strchr("\"'`\\", *below.at) == NULL || *below.at == '\0') {
        const char *end = candor_redact_value_end(r, below.at), *rest = skip_blanks(r, end);
        if (rest < r->end && *rest != '\n') return false;
    }
    below.loose = true;
    return candor_redact_value(r, &below);
}

/* --- any value -----------------------------------------------------------------------------------
 */

static bool take_quoted(redactor *r, const rd_value *v, const char *quote, int slashes)
{
    const char *end = quoted_end(r, quote, slashes);
    if (v->kind == RD_KEY_USER && !is_user(quote + 1, end)) return false;
    if (v->kind == RD_KEY_CODE && !candor_redact_holds(quote + 1, end, RD_DIGIT)) return false;
    return candor_redact_secret(r, quote + 1, end);
}

bool candor_redact_value(redactor *r, const rd_value *v)
{
    int slashes = 0;
    if (v->at == r->end) return false;
    if (*v->at == '\n') return take_next_line(r, v);
    while (slashes < SPACES_MAX && rd_at(r, v->at + slashes, '\\'))
        slashes++;
    const char *q = v->at + slashes;
    bool quoted = rd_at(r, q, '"') || rd_at(r, q, '\'') || rd_at(r, q, '`');
    const char *pem = candor_redact_pem_end(r, quoted ? q + 1 : v->at);
    if (pem != NULL) return candor_redact_secret(r, quoted ? q + 1 : v->at, pem);
    if (quoted) return take_quoted(r, v, q, slashes);
    if ((*v->at == '|' || *v->at == '>') && take_block(r, v->at)) return true;
    if (*v->at == '[') return take_list(r, v->at);
    if (*v->at == '{' || *v->at == '(') return false; /* its own keys are looked at */
    if (v->kind == RD_KEY_UID) return take_uid(r, v);
    if (v->kind == RD_KEY_AUTH) return take_authorization(r, v);
    if (v->kind == RD_KEY_LINE && has_pairs(r, v->at)) return take_line(r, v->key, v->at);
    return take_word(r, v);
}
