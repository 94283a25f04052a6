/* Stack traces, reduced to the message's first line and the positions of the frames. */
#include "contract/redact_internal.h"

/* A line number of more digits is data, not a position. */
#define NUMBER_DIGITS_MAX 7

typedef struct frame {
    candor_bytes line, column; /* digits; empty: unknown */
} frame;

typedef struct cursor {
    const char *p, *end;
} cursor;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_space(char c)
{
    return (rd_class(&c) & RD_SPACE) != 0;
}

/* Two blanks or a tab, and "at ", begin a frame within a line as well: logs join the lines of a
 * stack, or write their ends out as "\n". */
static bool joined_frame(const char *from, const char *p, const char *end)
{
    if (end - p < 5 || memcmp(p + 1, "at", 2) != 0 || !is_space(*p)) return false;
    if (!is_space(p[3]) || p[3] == '\n') return false;
    return p > from && (*p == '\t' || is_space(p[-1]));
}

static const char *line_end(const char *from, const char *end)
{
    const char *p = from;
    while (p < end && *p != '\n' && is_space(*p))
        p++;
    if (p < end && *p != '\n') p++; /* a frame may begin the line */
    for (; p < end; p++) {
        if ((rd_class(p) & RD_SPACE) == 0) continue; /* most bytes: neither ends a line */
        if (*p == '\n' || joined_frame(from, p, end)) break;
    }
    return p;
}

/* The next line without its white space on both sides. False at the end. */
static bool next_line(cursor *c, candor_bytes *raw, candor_bytes *line)
{
    if (c->p == c->end) return false;
    const char *p = c->p, *end = line_end(p, c->end);
    bool joined = end < c->end && *end != '\n';
    c->p = end < c->end && !joined ? end + 1 : end;
    while (end > p && is_space(end[-1]))
        end--;
    if (joined && end - p > 2 && end[-1] == 'n' && end[-2] == '\\') end -= 2;
    *raw = candor_bytes_of(p, (size_t)(end - p));
    while (p < end && is_space(*p))
        p++;
    *line = candor_bytes_of(p, (size_t)(end - p));
    return true;
}

static bool starts(candor_bytes s, candor_bytes with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}
static bool ends(candor_bytes s, candor_bytes with)
{
    return s.n >= with.n && memcmp(s.p + s.n - with.n, with.p, with.n) == 0;
}
static const char *find(candor_bytes s, candor_bytes what)
{
    if (s.n < what.n) return NULL;
    const char *p = s.p, *last = s.p + (s.n - what.n);
    while (p <= last && (p = memchr(p, what.p[0], (size_t)(last - p) + 1)) != NULL) {
        if (memcmp(p, what.p, what.n) == 0) return p;
        p++;
    }
    return NULL;
}

/* The digits that end at s.p + s.n, behind a ':'; s loses both. */
static bool pop_number(candor_bytes *s, candor_bytes *out)
{
    size_t n = s->n;
    while (n > 0 && is_digit(s->p[n - 1]))
        n--;
    if (n == s->n || n == 0 || s->p[n - 1] != ':') return false;
    size_t digits = s->n - n;
    *out = digits <= NUMBER_DIGITS_MAX ? candor_bytes_of(s->p + n, digits) : CANDOR_LIT("");
    s->n = n - 1;
    return true;
}

/* ":LINE" or ":LINE:COLUMN" at the end of s. */
static bool pop_position(candor_bytes *s, frame *f)
{
    candor_bytes last, first;
    if (!pop_number(s, &last)) return false;
    if (pop_number(s, &first))
        *f = (frame){first, first.n != 0 ? last : first};
    else
        *f = (frame){last, CANDOR_LIT("")};
    return true;
}

/* The digits at p, as a line number. */
static frame line_at(const char *p, const char *end)
{
    const char *q = p;
    while (q < end && is_digit(*q))
        q++;
    size_t n = (size_t)(q - p);
    return (frame){n <= NUMBER_DIGITS_MAX ? candor_bytes_of(p, n) : CANDOR_LIT(""), CANDOR_LIT("")};
}

/* --- shapes --------------------------------------------------------------------------------------
 */

/* V8, also Rust's and our own: "at f (place:1:2)", "at place:1:2", "at Array.map (<anonymous>)".
 * Java: "at a.B.c(File.java:1)". C#: "at A.B() in C:\x.cs:line 1". Without indentation, a position
 * or our own "at <path>" is needed: a message may begin with "at ". */
static bool at_frame(candor_bytes line, bool indented, frame *f)
{
    if (!starts(line, CANDOR_LIT("at "))) return false;
    const char *cs = find(line, CANDOR_LIT(":line "));
    candor_bytes s = line;
    *f = (frame){CANDOR_LIT(""), CANDOR_LIT("")};
    if (cs != NULL && cs + 6 < line.p + line.n && is_digit(cs[6])) {
        *f = line_at(cs + 6, line.p + line.n);
        return true;
    }
    while (s.n > 3 && (ends(s, CANDOR_LIT(" {")) || ends(s, CANDOR_LIT(","))))
        s.n -= s.p[s.n - 1] == ',' ? 1 : 2; /* util.inspect: "at f (x:1:2) {", "at f (x:1:2)," */
    if (ends(s, CANDOR_LIT(")"))) s.n--;
    if (pop_position(&s, f)) return true;
    return indented || candor_bytes_eq(line, CANDOR_LIT("at <path>")) ||
           ends(line, CANDOR_LIT("(<anonymous>)")) || ends(line, CANDOR_LIT("(native)"));
}

/* Firefox and Safari: "f@place:1:2", "@place:1:2", "[native code]". The place is a URL or a path,
 * so that an address in a message is no frame. */
static bool gecko_frame(candor_bytes line, frame *f)
{
    const char *at = memchr(line.p, '@', line.n);
    if (at == NULL) return false;
    candor_bytes s = {at + 1, (size_t)(line.p + line.n - at - 1)};
    *f = (frame){CANDOR_LIT(""), CANDOR_LIT("")};
    if (candor_bytes_eq(s, CANDOR_LIT("[native code]"))) return true;
    candor_bytes name = {line.p, (size_t)(at - line.p)};
    bool spaced = memchr(name.p, ' ', name.n) != NULL && !ends(name, CANDOR_LIT(" code"));
    if (spaced || memchr(s.p, '/', s.n) == NULL) return false;
    return pop_position(&s, f);
}

/* File "x.py", line 3, in f */
static bool python_frame(candor_bytes line, frame *f)
{
    if (!starts(line, CANDOR_LIT("File \""))) return false;
    const char *at = find(line, CANDOR_LIT("\", line "));
    if (at == NULL) return false;
    *f = line_at(at + 8, line.p + line.n);
    return true;
}

/* gdb, sanitizers, PHP: "#0  0x12 in f (x=1) at file.c:12", "#1 0x12 in f /x/y.c:10:5",
 * "#2 0x12 in ?? () from /lib/x.so", "#0 /x/y.php(12): f()" */
static bool numbered_frame(candor_bytes line, frame *f)
{
    if (line.n < 3 || line.p[0] != '#' || !is_digit(line.p[1])) return false;
    size_t i = 1;
    while (i < line.n && is_digit(line.p[i]))
        i++;
    if (i == line.n || !is_space(line.p[i])) return false;
    candor_bytes s = line;
    *f = (frame){CANDOR_LIT(""), CANDOR_LIT("")};
    if (pop_position(&s, f)) return true;
    const char *php = find(line, CANDOR_LIT(".php("));
    if (php != NULL) *f = line_at(php + 5, line.p + line.n);
    return true;
}

/* React: "    in Button (at App.js:12)", "    in div (created by Page)" */
static bool react_frame(candor_bytes line, bool indented, frame *f)
{
    if (!indented || !starts(line, CANDOR_LIT("in ")) || !ends(line, CANDOR_LIT(")"))) return false;
    candor_bytes s = {line.p, line.n - 1};
    *f = (frame){CANDOR_LIT(""), CANDOR_LIT("")};
    if (pop_position(&s, f)) return true;
    return find(line, CANDOR_LIT("(created by ")) != NULL;
}

/* Go: "\t/x/y.go:12 +0x1d" under the function's line; Ruby: "from x.rb:10:in `f'". */
static bool indented_frame(candor_bytes line, bool indented, frame *f)
{
    const char *end = line.p + line.n, *go = find(line, CANDOR_LIT(".go:"));
    const char *ruby = find(line, CANDOR_LIT(".rb:"));
    if (go != NULL && indented && go + 4 < end && is_digit(go[4])) {
        *f = line_at(go + 4, end);
        return true;
    }
    if (ruby != NULL && ruby + 4 < end && is_digit(ruby[4]) &&
        find(line, CANDOR_LIT(":in ")) != NULL) {
        *f = line_at(ruby + 4, end);
        return true;
    }
    return false;
}

static bool read_frame(candor_bytes raw, candor_bytes line, frame *f)
{
    bool indented = line.p > raw.p;
    return line.n != 0 && (at_frame(line, indented, f) || python_frame(line, f) ||
                           numbered_frame(line, f) || gecko_frame(line, f) ||
                           react_frame(line, indented, f) || indented_frame(line, indented, f));
}

/* --- writing -------------------------------------------------------------------------------------
 */

static unsigned put_frame(candor_buf *out, size_t start, candor_bytes raw, const frame *f)
{
    if (out->n > start) candor_buf_put_c(out, '\n');
    size_t at = out->n;
    candor_buf_put_bytes(out, CANDOR_LIT("at <path>"));
    if (f->line.n != 0) {
        candor_buf_put_c(out, ':');
        candor_buf_put_bytes(out, f->line);
    }
    if (f->column.n != 0) {
        candor_buf_put_c(out, ':');
        candor_buf_put_bytes(out, f->column);
    }
    if (out->failed) return CANDOR_FOUND_PATH;
    bool same = candor_bytes_eq(raw, candor_bytes_of(out->p + at, out->n - at));
    return same ? 0 : CANDOR_FOUND_PATH;
}

/* A redacted message that now reads as a frame becomes one, so that a second pass agrees. */
static unsigned put_message(candor_buf *out, candor_bytes line)
{
    size_t at = out->n;
    frame f;
    unsigned found = candor_redact(line, out);
    if (out->failed) return found;
    cursor c = {out->p + at, out->p + out->n};
    candor_bytes raw, text;
    if (!next_line(&c, &raw, &text) || !read_frame(raw, text, &f)) return found;
    out->n = at;
    candor_buf_put_bytes(out, CANDOR_LIT("at <path>"));
    return found | CANDOR_FOUND_PATH;
}

/* Python puts the message last: the first unindented line behind the last frame. */
static candor_bytes python_message(candor_bytes text)
{
    cursor c = {text.p, text.p + text.n};
    candor_bytes raw, line, message = {NULL, 0};
    frame f;
    while (next_line(&c, &raw, &line)) {
        if (read_frame(raw, line, &f))
            message.n = 0;
        else if (message.n == 0 && line.n != 0 && line.p == raw.p)
            message = line;
    }
    return message;
}

/* Go writes a frame's function on a line of its own: "main.secret(...)". A name is no message. */
static bool go_function(candor_bytes line, cursor rest)
{
    candor_bytes raw, next;
    frame f;
    if (!ends(line, CANDOR_LIT(")")) || memchr(line.p, '(', line.n) == NULL) return false;
    if (find(line, CANDOR_LIT(": ")) != NULL || !next_line(&rest, &raw, &next)) return false;
    return find(next, CANDOR_LIT(".go:")) != NULL && indented_frame(next, next.p > raw.p, &f);
}

unsigned candor_redact_stack(candor_bytes text, candor_buf *out)
{
    size_t start = out->n;
    unsigned found = 0;
    bool first = true;
    candor_bytes raw, line;
    frame f;
    if (text.n == 0) return 0;
    cursor c = {text.p, text.p + text.n};
    while (next_line(&c, &raw, &line)) {
        if (line.n == 0) continue;
        if (read_frame(raw, line, &f)) {
            found |= put_frame(out, start, raw, &f);
        } else if (first && go_function(line, c)) {
            found |= CANDOR_FOUND_PATH;
        } else if (first) {
            candor_bytes last = {NULL, 0};
            if (starts(line, CANDOR_LIT("Traceback (most recent call last)")))
                last = python_message(candor_bytes_of(c.p, (size_t)(c.end - c.p)));
            found |= put_message(out, last.n != 0 ? last : line);
        }
        first = false;
    }
    return found;
}
