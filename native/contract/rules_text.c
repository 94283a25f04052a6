#include "contract/rules_text.h"

#include "contract/redact.h"

/* A secret longer than this has no white space around it to be found by; what is left of it after
 * the cut is still taken off, because this many bytes go whether or not white space comes. */
#define TRIM_MAX 256
/* Passes of cut and redact before giving up: each but the first is rare, see settle(). */
#define PASSES_MAX 8

size_t candor_utf8_prefix(candor_bytes s, size_t max)
{
    if (s.n <= max) return s.n;
    size_t n = max;
    /* RFC 3629: continuation bytes are 10xxxxxx, at most three behind a lead byte. */
    for (unsigned back = 0; back < 3 && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80; back++)
        n--;
    return ((unsigned char)s.p[n] & 0xc0) == 0x80 ? max : n;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Where the text was cut, half of a secret may stand that no pattern matches any more: drop the
 * last word. */
static candor_bytes trim_cut(candor_bytes s)
{
    size_t floor = s.n > TRIM_MAX ? s.n - TRIM_MAX : 0;
    size_t n = s.n;
    while (n > floor && !is_space(s.p[n - 1]))
        n--;
    return (candor_bytes){s.p, candor_utf8_prefix(s, n)};
}

/* A cut at n must not leave "<pat" of "<path>". */
static size_t before_placeholder(candor_bytes s, size_t n)
{
    static const candor_bytes placeholders[] = {
        {"<email>", 7}, {"<secret>", 8}, {"<path>", 6}, {"<ip>", 4}};
    for (size_t back = 1; back < 8 && back <= n; back++) {
        size_t at = n - back;
        if (s.p[at] != '<') continue;
        for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++) {
            candor_bytes p = placeholders[i];
            if (p.n > back && s.n - at >= p.n && memcmp(s.p + at, p.p, p.n) == 0) return at;
        }
        return n;
    }
    return n;
}

/* A stack loses whole frames, as long as one line fits. */
static size_t before_line(candor_bytes s, size_t n)
{
    if (s.p[n] == '\n') return n;
    for (size_t i = n; i > 0; i--)
        if (s.p[i - 1] == '\n') return i - 1;
    return n;
}

static size_t cut_length(const candor_field *f, candor_bytes s)
{
    if (s.n <= f->max_length) return s.n;
    size_t n = candor_utf8_prefix(s, f->max_length);
    if (f->of == CANDOR_KIND_STACK) n = before_line(s, n);
    return before_placeholder(s, n);
}

static unsigned redact(const candor_field *f, candor_bytes in, candor_buf *out)
{
    candor_buf_clear(out);
    return f->of == CANDOR_KIND_STACK ? candor_redact_stack(in, out) : candor_redact(in, out);
}

/* Cutting can make a pattern: "10.0.0.2567" is no address, its first eight bytes are. The collector
 * would then change what the client wrote. So the cut text is redacted again until nothing changes;
 * text that never settles is not worth keeping. */
static candor_bytes settle(candor_sanitiser *s, const candor_field *f, candor_tally *tally)
{
    candor_buf *now = &s->scratch, *next = &s->spare;
    bool cut = false;
    for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
        candor_bytes text = candor_buf_bytes(now);
        size_t n = cut_length(f, text);
        if (n == text.n) {
            if (cut) candor_tally_add(tally, CANDOR_ADJUST_TRUNCATED);
            return text;
        }
        cut = true;
        now->n = n;
        text.n = n;
        (void)redact(f, text, next);
        candor_buf *swap = now;
        now = next;
        next = swap;
        if (now->failed) return (candor_bytes){NULL, 0};
    }
    candor_tally_add(tally, CANDOR_ADJUST_TRUNCATED);
    return (candor_bytes){"", 0};
}

static candor_bytes without_redaction(const candor_field *f, candor_bytes in, candor_tally *tally)
{
    if (in.n > f->max_length) candor_tally_add(tally, CANDOR_ADJUST_TRUNCATED);
    return (candor_bytes){in.p, candor_utf8_prefix(in, f->max_length)};
}

candor_status candor_rules_clean_text(candor_sanitiser *s, const candor_field *f,
                                      const candor_value *v, candor_tally *tally, candor_bytes *out)
{
    candor_bytes in = v->str;
    bool cut = v->cut || in.n > CANDOR_RAW_TEXT_MAX;
    in.n = candor_utf8_prefix(in, CANDOR_RAW_TEXT_MAX);
    if (cut) in = trim_cut(in);
    unsigned before = tally->n[CANDOR_ADJUST_TRUNCATED];
    s->spare.failed = false; /* of an earlier value; what v->str may hold there stays */
    if (s->redact_off) {
        *out = without_redaction(f, in, tally);
    } else {
        if (redact(f, in, &s->scratch) != 0) candor_tally_add(tally, CANDOR_ADJUST_REDACTED);
        *out = s->scratch.failed ? (candor_bytes){NULL, 0} : settle(s, f, tally);
    }
    /* Both cuts are one for the caller. */
    if (cut && tally->n[CANDOR_ADJUST_TRUNCATED] == before)
        candor_tally_add(tally, CANDOR_ADJUST_TRUNCATED);
    return s->scratch.failed || s->spare.failed ? CANDOR_NOMEM : CANDOR_OK;
}
