/* File paths and file names. A path takes the user name in it along. */
#include "contract/redact_internal.h"

static bool is_sep(char c)
{
    return c == '/' || c == '\\';
}
static bool sep_at(const redactor *r, const char *p)
{
    return p < r->end && is_sep(*p);
}

/* --- vocabulary ----------------------------------------------------------------------------------
 */

bool candor_redact_is_root(const char *p, const char *end)
{
    return candor_redact_listed(p, end, candor_redact_roots);
}

/* --- shape ---------------------------------------------------------------------------------------
 */

#define POSITION_DIGITS_MAX 7

const char *candor_redact_position(const redactor *r, const char *p)
{
    const char *e = NULL;
    for (int i = 0; i < 2 && rd_at(r, p, ':'); i++) {
        const char *digits = ++p;
        while (p - digits <= POSITION_DIGITS_MAX && rd_is(r, p, RD_DIGIT))
            p++;
        if (p == digits || p - digits > POSITION_DIGITS_MAX) break;
        e = p;
    }
    return e != NULL && !rd_is(r, e, RD_NAME) && !sep_at(r, e) ? e : NULL;
}

/* Brackets may be part of a name ("app/[id]/page.tsx"), but one that closes nothing ends the path,
 * and so does a position. An apostrophe inside a word is part of it. */
const char *candor_redact_path_end(const redactor *r, const char *p)
{
    unsigned depth = 0;
    for (const char *from = p; p < r->end; p++) {
        CANDOR_REDACT_STEP();
        if ((rd_class(p) & RD_STOP) != 0) {
            if (*p == '\'' && p > from && (rd_class(p - 1) & RD_WORD) != 0 &&
                rd_is(r, p + 1, RD_WORD))
                continue;
            break;
        }
        if (*p == '(' || *p == '[' || *p == '{') depth++;
        if ((*p == ')' || *p == ']' || *p == '}') && depth-- == 0) break;
        if (*p == ':' && candor_redact_position(r, p) != NULL) break;
    }
    return p;
}

/* The last segment of [p, end) has an extension: a listed one, or with `any` a short lower-case
 * one. */
static bool has_extension(const char *p, const char *end, bool any)
{
    const char *dot = end;
    while (dot > p && dot[-1] != '.' && !is_sep(dot[-1])) {
        CANDOR_REDACT_STEP();
        dot--;
    }
    if (dot <= p + 1 || dot[-1] != '.' || dot == end || is_sep(dot[-2])) return false;
    if (candor_redact_listed(dot, end, candor_redact_extensions)) return true;
    if (!any || end - dot > 5 || (rd_class(dot) & RD_LOWER) == 0) return false;
    while (dot < end && (rd_class(dot) & (RD_LOWER | RD_DIGIT)) != 0)
        dot++;
    return dot == end;
}

static bool all_numbers(const char *p, const char *end)
{
    while (p < end && ((rd_class(p) & RD_DIGIT) != 0 || *p == '/' || *p == '.' || *p == '-'))
        p++;
    return p == end;
}

static bool take(redactor *r, const char *from, const char *to)
{
    candor_redact_replace(r, from, candor_redact_trim(from, to), CANDOR_FOUND_PATH);
    return true;
}

/* --- absolute paths ------------------------------------------------------------------------------
 */

#define SPACE_VIEW 64 /* bytes looked at behind a space in an unquoted path */

/* "C:\Program Files (x86)\x" and "/Users/Ann Lee/x": behind the space, a word within `words` words
 * that holds another separator belongs to the path. */
static const char *over_spaces(const redactor *r, const char *p, char sep, int words)
{
    for (;;) {
        const char *q = p;
        bool more = false;
        for (int w = 0; w < words && !more && rd_blank(r, q) && q - p < SPACE_VIEW; w++) {
            if (!rd_is(r, ++q, RD_WORD) && !rd_at(r, q, '(')) break;
            while (q < r->end && q - p < SPACE_VIEW && (rd_class(q) & RD_STOP) == 0 && *q != ':' &&
                   *q != sep && *q != ',' && *q != ';')
                q++;
            more = rd_at(r, q, sep) && (rd_class(q - 1) & RD_SPACE) == 0;
        }
        if (!more) return p;
        p = candor_redact_path_end(r, q);
    }
}

static bool starts_name(const redactor *r, const char *p)
{
    return rd_is(r, p, RD_WORD) || (p < r->end && *p != '\0' && strchr(".@$%~[({+", *p) != NULL &&
                                    rd_is(r, p + 1, RD_WORD));
}

static bool take_posix(redactor *r)
{
    const char *p = r->p, *name = p;
    if ((rd_before(r, p) & RD_NAME) != 0) return false;
    while (rd_at(r, name, '/')) {
        CANDOR_REDACT_STEP();
        name++;
    }
    if (!starts_name(r, name)) {
        r->p = name; /* a row of slashes is looked at once */
        return true;
    }
    const char *end = candor_redact_path_end(r, name), *seg = name;
    while (seg < end && !is_sep(*seg))
        seg++;
    const char *more = seg;
    while (more < end && is_sep(*more))
        more++;
    const char *seg_end = seg < end ? seg : candor_redact_trim(name, end);
    bool root = candor_redact_listed(name, seg_end, candor_redact_roots);
    bool single = more == end;
    if (single && !root && !has_extension(name, candor_redact_trim(name, seg), false)) return false;
    if (!root && all_numbers(name, end)) return false;
    if (root && !has_extension(name, candor_redact_trim(name, end), true))
        end = over_spaces(r, end, '/', 1);
    return take(r, p, end);
}

static bool take_drive(redactor *r)
{
    const char *p = r->p;
    if (!rd_is(r, p, RD_ALPHA) || !rd_at(r, p + 1, ':') || !sep_at(r, p + 2)) return false;
    if (p[2] == '/' && !starts_name(r, p + 3)) return false;
    return take(r, p, over_spaces(r, candor_redact_path_end(r, p + 2), p[2], 3));
}

/* \\server\share, \\?\C:\x, \x\y */
static bool take_backslash(redactor *r)
{
    const char *p = r->p, *name = p;
    if ((rd_before(r, p) & RD_NAME) != 0) return false;
    while (rd_at(r, name, '\\')) {
        CANDOR_REDACT_STEP();
        name++;
    }
    bool device =
        name - p >= 2 && (rd_at(r, name, '?') || rd_at(r, name, '.')) && sep_at(r, name + 1);
    if (!device && !starts_name(r, name)) {
        r->p = name;
        return true;
    }
    const char *end = candor_redact_path_end(r, name), *seg = name;
    while (seg < end && !is_sep(*seg))
        seg++;
    while (seg < end && is_sep(*seg))
        seg++;
    if (seg == end) return false;
    return take(r, p, over_spaces(r, end, '\\', 3));
}

/* A variable or ~ that stands for a directory: its end, where a separator must follow. */
static const char *home_end(const redactor *r, const char *p)
{
    const char *q = p + 1;
    if (*p == '~') return rd_is(r, q, RD_ALPHA | RD_UNDER) ? rd_run(r, q, RD_KEY) : q;
    if (*p == '%') {
        const char *name = q;
        q = rd_is(r, q, RD_ALPHA) ? rd_run(r, q, RD_WORD) : q;
        return q > name && rd_at(r, q, '%') ? q + 1 : NULL;
    }
    if (rd_at(r, q, '{') || rd_at(r, q, '(')) {
        q = rd_run(r, q + 1, RD_WORD);
        return rd_at(r, q, '}') || rd_at(r, q, ')') ? q + 1 : NULL;
    }
    const char *name = q;
    if (rd_is(r, q, RD_DIGIT)) return NULL; /* $5/month */
    q = rd_run(r, q, RD_WORD);
    if (rd_at(r, q, ':') && candor_redact_same(name, q, CANDOR_LIT("env")))
        q = rd_run(r, q + 1, RD_WORD);
    return q > name ? q : NULL;
}

static bool take_home(redactor *r)
{
    const char *p = r->p;
    if ((rd_before(r, p) & RD_NAME) != 0) return false;
    const char *q = home_end(r, p);
    if (q == NULL || !sep_at(r, q)) return false;
    if (*p == '~' && q == p + 1 && rd_is(r, q + 1, RD_DIGIT)) return false; /* about: ~/5 */
    return take(r, p, over_spaces(r, candor_redact_path_end(r, q), *q, 1));
}

/* --- relative paths and file names ---------------------------------------------------------------
 */

/* Brackets count as part of the name only right behind a separator: "f(a/b)" is a call. */
rd_shape candor_redact_relative(const redactor *r, const char *p)
{
    rd_shape s = {p, 0};
    const char *from = p;
    unsigned depth = 0;
    for (; p < r->end; p++) {
        CANDOR_REDACT_STEP();
        if (is_sep(*p)) {
            s.seps += !is_sep(p[-1]);
        } else if (*p == '%' && candor_redact_encoded_sep(r, p) != 0) {
            s.seps++;
        } else if ((*p == '[' || *p == '(') && s.seps > 0 && is_sep(p[-1])) {
            depth++;
        } else if ((*p == ']' || *p == ')') && depth > 0) {
            depth--;
        } else if ((rd_class(p) & RD_REL) == 0) {
            break;
        }
    }
    /* The backslashes of \"main.py\" belong to the quote. */
    if (p > from && p[-1] == '\\' && (rd_at(r, p, '"') || rd_at(r, p, '\''))) {
        s.seps -= s.seps > 0;
        while (p > from && p[-1] == '\\')
            p--;
    }
    s.end = p;
    return s;
}

static bool is_media_type(const char *p, const char *end)
{
    const char *slash = memchr(p, '/', (size_t)(end - p));
    return slash != NULL && candor_redact_listed(p, slash, candor_redact_media_types);
}

/* "he/she/they", "read/write/execute": every segment is in a list that is the same everywhere, so
 * that nothing of anybody's is kept. */
static bool is_prose(const char *p, const char *end)
{
    while (p < end) {
        const char *seg = p;
        while (p < end && *p != '/')
            p++;
        bool letter = p - seg == 1 && (rd_class(seg) & RD_ALPHA) != 0;
        if (!letter && !candor_redact_listed(seg, p, candor_redact_prose_words)) return false;
        p++;
    }
    return true;
}

/* Two bytes that name something; one character of several bytes will do, as its length changes when
 * the text is cleaned. */
static bool is_segment(const char *p, const char *end, unsigned first)
{
    if (p == end) return false;
    if ((rd_class(p) & RD_HIGH) != 0) return true;
    return (rd_class(p) & first) != 0 && p + 1 < end && (rd_class(p + 1) & RD_WORD) != 0;
}

/* DOMAIN\user, Users\bob; but "one\ntwo" is a written-out line feed, and \d a class. */
static bool is_backslash_pair(const char *p, const char *end)
{
    const char *sep = memchr(p, '\\', (size_t)(end - p));
    if (sep == NULL || sep + 1 == end || strchr("nrtux", sep[1]) != NULL) return false;
    bool left = sep - p >= 2 || (rd_class(p) & RD_HIGH) != 0;
    return left && is_segment(sep + 1, end, RD_ALPHA);
}

static bool is_folder(const char *p, const char *end)
{
    const char *sep = memchr(p, '/', (size_t)(end - p));
    return sep != NULL && is_segment(sep + 1, end, RD_NAME | RD_DOT) &&
           candor_redact_listed(p, sep, candor_redact_folders);
}

/* "main.py失败": a script without spaces, or a typographic quote, may follow the extension. */
static bool names_file(const char *p, const char *end, bool any)
{
    const char *ascii = end;
    while (ascii > p + 1 && (rd_class(ascii - 1) & RD_HIGH) != 0)
        ascii--;
    return has_extension(p, end, any) || (ascii < end && has_extension(p, ascii, any));
}

static bool is_relative_path(const redactor *r, const char *p, rd_shape s)
{
    const char *end = candor_redact_trim(p, s.end);
    if (all_numbers(p, end)) return false;
    if (s.seps >= 2) return !is_prose(p, end);
    if (s.seps == 1)
        return (names_file(p, end, true) && !is_media_type(p, end)) || is_folder(p, end) ||
               is_backslash_pair(p, end);
    if (rd_at(r, end, '(')) return false; /* a call: response.json() */
    return names_file(p, end, false) && !candor_redact_listed(p, end, candor_redact_products);
}

/* path_end: the run around r->p was examined; a part of it is no path either. */
bool candor_redact_path_word(redactor *r)
{
    if (take_drive(r)) return true;
    if (r->p < r->path_end) return false;
    rd_shape s = candor_redact_relative(r, r->p + 1);
    r->path_end = s.end;
    if (!is_relative_path(r, r->p, s)) return false;
    return take(r, r->p, s.end);
}

/* ./x  ../x  .ssh/id  .\x  .env */
#define DOTFILE_MAX 18
static const char *dotfile_end(const redactor *r, const char *name)
{
    const char *p = name;
    while (p - name < DOTFILE_MAX && rd_is(r, p, RD_KEY))
        p++;
    p = candor_redact_trim(name, p);
    bool folder = sep_at(r, p) && rd_is(r, p + 1, RD_WORD | RD_DOT);
    return p > name && candor_redact_listed(name, p, candor_redact_dotfiles) && !folder ? p : NULL;
}

static bool take_dot(redactor *r)
{
    const char *p = r->p, *q = p;
    if ((rd_before(r, p) & (RD_NAME | RD_DOT)) != 0) return false;
    const char *file = dotfile_end(r, p + 1);
    if (file != NULL) return take(r, p, file);
    if (p < r->path_end) return false;
    while (rd_at(r, q, '.') && q - p < 2)
        q++;
    if (!rd_is(r, q, RD_ALPHA | RD_HIGH | RD_UNDER) && !(sep_at(r, q) && starts_name(r, q + 1)))
        return false;
    rd_shape s = candor_redact_relative(r, q);
    r->path_end = s.end;
    return s.seps > 0 && take(r, p, s.end);
}

bool candor_redact_path(redactor *r)
{
    switch (*r->p) {
    case '/':
        return take_posix(r);
    case '\\':
        return take_backslash(r);
    case '.':
        return take_dot(r);
    default:
        return take_home(r);
    }
}

/* --- quoted paths --------------------------------------------------------------------------------
 */

#define QUOTED_MAX 1024

static const char *quote_end(const redactor *r, const char *quote)
{
    for (const char *p = quote + 1; p < r->end && p - quote < QUOTED_MAX && *p != '\n'; p++) {
        CANDOR_REDACT_STEP();
        if (*p == *quote) return p;
        if (p[0] == ':' && rd_blank(r, p + 1)) return NULL; /* a message, not a path */
    }
    return NULL;
}

/* What the quotes hold begins like an absolute path with a second separator, or has a separator and
 * ends in a file name. */
static bool is_quoted_path(const redactor *r, const char *p, const char *end)
{
    unsigned seps = 0;
    for (const char *q = p; q < end; q++)
        seps += is_sep(*q);
    bool drive = rd_is(r, p, RD_ALPHA) && rd_at(r, p + 1, ':') && sep_at(r, p + 2);
    bool absolute = drive || sep_at(r, p) || *p == '~' || *p == '$' || *p == '%';
    if (absolute) return seps >= 2 && !all_numbers(p, end);
    return seps >= 1 && starts_name(r, p) && has_extension(p, end, false);
}

static bool holds_blank(const char *p, const char *end)
{
    while (p < end && !rd_is_blank(*p))
        p++;
    return p < end;
}
static bool holds_angle(const char *p, const char *end)
{
    while (p < end && *p != '<')
        p++;
    return p < end;
}

/* Without a space the unquoted rules do. The quotes and a position at the end stay. */
bool candor_redact_path_quoted(redactor *r)
{
    const char *from = r->p + 1, *end = quote_end(r, r->p);
    if ((rd_before(r, r->p) & RD_WORD) != 0 || end == NULL || end == from) return false;
    if (!holds_blank(from, end)) return false;
    const char *to = end;
    for (int i = 0; i < 2; i++) {
        const char *colon = to;
        while (colon > from && (rd_class(colon - 1) & RD_DIGIT) != 0)
            colon--;
        if (colon == to || colon <= from + 2 || colon[-1] != ':' ||
            to - colon > POSITION_DIGITS_MAX)
            break;
        to = colon - 1;
    }
    if (holds_angle(from, to) || !is_quoted_path(r, from, to)) return false;
    return take(r, from, to);
}
