/* The redactor's pass: skip clean words, try the rules at token boundaries, write what stays. */
#include "contract/redact_internal.h"

#include "base/json.h"

/* Rows of 16; each name is the set of classes of one kind of byte. */
#define CT  (RD_SPACE | RD_CTRL | RD_STOP)
#define SP  (RD_SPACE | RD_STOP)
#define ANY (RD_TOKEN | RD_LOCAL | RD_REL | RD_KEY)
#define DG  (RD_DIGIT | RD_HEX | ANY)
#define UX  (RD_UPPER | RD_HEX | ANY)
#define UP  (RD_UPPER | ANY)
#define LX  (RD_LOWER | RD_HEX | ANY)
#define LO  (RD_LOWER | ANY)
#define UN  (RD_UNDER | ANY)
#define DA  ANY                                             /* - */
#define HI  (RD_HIGH | RD_LOCAL | RD_REL)                   /* UTF-8 */
#define PL  (RD_MARK | RD_TOKEN | RD_LOCAL | RD_REL)        /* + */
#define SL  (RD_MARK | RD_TOKEN)                            /* / */
#define BS  RD_MARK                                         /* \ and = */
#define DT  (RD_DOT | RD_LOCAL | RD_REL | RD_KEY | RD_TRIM) /* . */
#define CO  (RD_MARK | RD_TRIM)                             /* : */
#define TR  RD_TRIM                                         /* , ; ? */
#define EX  (RD_LOCAL | RD_REL | RD_TRIM)                   /* ! */
#define HA  (RD_LOCAL | RD_REL)                             /* # & */
#define MA  (RD_MARK | RD_LOCAL | RD_REL)                   /* % ~ */
#define AT  (RD_MARK | RD_REL)                              /* @ $ */
#define QU  (RD_MARK | RD_STOP)                             /* " ` */
#define AP  (RD_LOCAL | RD_STOP)                            /* ' */
#define LT  (RD_MARK | RD_STOP)                             /* < */
#define ST  RD_STOP                                         /* > | */
#define NO  0
/* clang-format off */
const uint16_t candor_redact_class[256] = {
    CT,CT,CT,CT,CT,CT,CT,CT,CT,SP,SP,CT,CT,CT,CT,CT, CT,CT,CT,CT,CT,CT,CT,CT,CT,CT,CT,CT,CT,CT,CT,CT,
/*  SP  !  "  #  $  %  &  '  (  )  *  +  ,  -  .  /   0  1  2  3  4  5  6  7  8  9  :  ;  <  =  >  ? */
    SP,EX,QU,HA,AT,MA,HA,AP,NO,NO,NO,PL,TR,DA,DT,SL, DG,DG,DG,DG,DG,DG,DG,DG,DG,DG,CO,TR,LT,BS,ST,TR,
/*   @  A  B  C  D  E  F  G  H  I  J  K  L  M  N  O   P  Q  R  S  T  U  V  W  X  Y  Z  [  \  ]  ^  _ */
    AT,UX,UX,UX,UX,UX,UX,UP,UP,UP,UP,UP,UP,UP,UP,UP, UP,UP,UP,UP,UP,UP,UP,UP,UP,UP,UP,NO,BS,NO,NO,UN,
/*   `  a  b  c  d  e  f  g  h  i  j  k  l  m  n  o   p  q  r  s  t  u  v  w  x  y  z  {  |  }  ~    */
    QU,LX,LX,LX,LX,LX,LX,LO,LO,LO,LO,LO,LO,LO,LO,LO, LO,LO,LO,LO,LO,LO,LO,LO,LO,LO,LO,NO,ST,NO,MA,NO,
    HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI, HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,
    HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI, HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,
    HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI, HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,
    HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI, HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,HI,
};
/* clang-format on */

static const struct placeholder {
    unsigned kind;
    candor_bytes text;
} placeholders[] = {
    {CANDOR_FOUND_EMAIL, {"<email>", 7}},
    {CANDOR_FOUND_SECRET, {"<secret>", 8}},
    {CANDOR_FOUND_PATH, {"<path>", 6}},
    {CANDOR_FOUND_IP, {"<ip>", 4}},
};
#define N_PLACEHOLDERS (sizeof(placeholders) / sizeof(placeholders[0]))

bool candor_redact_same(const char *p, const char *end, candor_bytes lower)
{
    if ((size_t)(end - p) != lower.n) return false;
    for (size_t i = 0; i < lower.n; i++)
        if (rd_lower(p[i]) != lower.p[i]) return false;
    return true;
}

bool candor_redact_listed(const char *p, const char *end, const candor_bytes *list)
{
    for (; list->p != NULL; list++)
        if (candor_redact_same(p, end, *list)) return true;
    return false;
}

size_t candor_redact_placeholder(const redactor *r, const char *p)
{
    if (!rd_at(r, p, '<')) return 0;
    for (size_t i = 0; i < N_PLACEHOLDERS; i++)
        if (rd_starts(r, p, placeholders[i].text)) return placeholders[i].text.n;
    return 0;
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* One U+FFFD for each byte that belongs to no character: the text never gets shorter, so no rule
 * with a bounded view finds more in the cleaned text than in the raw one. */
static void put_clean(candor_buf *out, const char *p, const char *end)
{
    while (p < end) {
        const char *run = p;
        unsigned n = 0;
        while (p < end && (rd_class(p) & RD_CTRL) == 0) {
            n = (rd_class(p) & RD_HIGH) != 0 ? candor_utf8_len(p, end) : 1;
            if (n == 0) break;
            p += n;
        }
        candor_buf_put(out, run, (size_t)(p - run));
        if (p == end) break;
        if ((rd_class(p) & RD_CTRL) != 0)
            candor_buf_put_c(out, ' ');
        else
            candor_buf_put(out, "\xEF\xBF\xBD", 3);
        p++;
    }
}

static void flush(redactor *r, const char *to)
{
    if (r->out != NULL && to > r->kept) {
        bool clean = to <= r->seen && (r->classes & (RD_HIGH | RD_CTRL)) == 0;
        if (clean)
            candor_buf_put(r->out, r->kept, (size_t)(to - r->kept));
        else
            put_clean(r->out, r->kept, to);
    }
    r->kept = to;
}

void candor_redact_replace(redactor *r, const char *from, const char *to, unsigned kind)
{
    flush(r, from);
    for (size_t i = 0; i < N_PLACEHOLDERS && r->out != NULL; i++)
        if (placeholders[i].kind == kind) candor_buf_put_bytes(r->out, placeholders[i].text);
    r->found |= kind;
    r->kept = to;
    r->p = to;
}

const char *candor_redact_trim(const char *from, const char *to)
{
    while (to > from + 1 && (rd_class(to - 1) & RD_TRIM) != 0) {
        CANDOR_REDACT_STEP();
        to--;
    }
    return to;
}

/* --- looking ------------------------------------------------------------------------------------
 */

static bool try_word(redactor *r)
{
    return candor_redact_url(r) || candor_redact_token(r) || candor_redact_number(r) ||
           candor_redact_phrase(r) || candor_redact_email(r) || candor_redact_ip(r) ||
           candor_redact_path_word(r);
}

static bool try_mark(redactor *r)
{
    switch (*r->p) {
    case '/':
    case '~':
    case '\\':
    case '$':
    case '.':
        return candor_redact_path(r);
    case '%':
        return candor_redact_path(r) || candor_redact_encoded(r);
    case '+':
        return candor_redact_phone(r);
    case '@':
        return candor_redact_email_quoted(r);
    case '"':
    case '\'':
    case '`':
        return candor_redact_path_quoted(r);
    case '-':
        return candor_redact_pem(r) || candor_redact_flag(r);
    case ':':
        return candor_redact_ip(r) || candor_redact_assignment(r);
    case '=':
        return candor_redact_assignment(r);
    case '<': {
        if (candor_redact_element(r)) return true; /* <secret> may be one */
        size_t n = candor_redact_placeholder(r, r->p);
        r->p += n;
        return n != 0;
    }
    default:
        return false;
    }
}

/* Try the rules at every boundary up to `to`; a match may go beyond it. */
static void look(redactor *r, const char *to)
{
    while (r->p < to) {
        CANDOR_REDACT_STEP();
        if ((rd_class(r->p) & RD_WORD) != 0) {
            /* Scripts without spaces stand right beside a token: they are a boundary. */
            unsigned same = (rd_class(r->p) & RD_HIGH) != 0 ? RD_HIGH : RD_NAME;
            if (!try_word(r)) r->p = rd_run(r, r->p, same);
        } else if (!try_mark(r)) {
            r->p++;
        }
    }
}

/* Shortest word that can hold a token or "-----BEGIN" without another mark. Bytes of multi-byte
 * characters do not count towards it: cleaning may change how many there are. */
#define TOKEN_MIN 10

/* The second letters, a bit each, that a word has which begins a phrase ("password is x", "Bearer
 * x", "code 123456"), by its first letter. Most words of prose go no further than this. */
#define L(c) (1u << ((c)&31))
static const uint32_t phrase_letters[32] = {
    ['b' & 31] = L('a') | L('e'), ['p' & 31] = L('a') | L('w') | L('i'),
    ['s' & 31] = L('e'),          ['t' & 31] = L('o'),
    ['k' & 31] = L('e'),          ['c' & 31] = L('o'),
    ['o' & 31] = L('t'),          ['a' & 31] = L('p')};
#undef L

static inline bool may_begin_phrase(const char *p, size_t n)
{
    if (n < 3 || (phrase_letters[p[0] & 31] >> (p[1] & 31) & 1) == 0) return false;
    return n <= 12 && memchr("askcdypni", rd_lower(p[2]), 9) != NULL; /* the third of each */
}

/* The same for a word that begins with neither letter nor digit. */
static bool interesting_behind(const char *p, size_t n)
{
    if (*p == '\'') return true;
    if (*p == '-') return n >= 2 && (p[1] == '-' || (n == 2 && rd_lower(p[1]) == 'u'));
    while (n > 1 && (rd_class(p) & RD_WORD) == 0) {
        CANDOR_REDACT_STEP();
        p++;
        n--;
    }
    return may_begin_phrase(p, n);
}

/* "4111 1111 ...", "(DE89 3704 ...": the first group of a card number or an IBAN. */
static bool ends_in_group(const char *p, const char *end)
{
    return end - p >= 4 && (rd_class(end - 2) & RD_DIGIT) != 0 &&
           (rd_class(end - 3) & (RD_DIGIT | RD_UPPER)) != 0 &&
           (rd_class(end - 4) & (RD_DIGIT | RD_UPPER)) != 0;
}

/* Can a rule match in or from the word [p, end), whose bytes have these classes? */
static inline bool interesting(const char *p, const char *end, unsigned classes)
{
    size_t n = (size_t)(end - p);
    if ((classes & RD_MARK) != 0) return true;
    if ((classes & RD_DOT) != 0 && memchr(p, '.', n - 1) != NULL) return true;
    if ((classes & (RD_UPPER | RD_DIGIT)) != 0) {
        if (n >= TOKEN_MIN || (classes & RD_HIGH) != 0) return true;
        if ((rd_class(end - 1) & RD_DIGIT) != 0 && ends_in_group(p, end)) return true;
    }
    if ((rd_class(p) & RD_ALNUM) == 0) return interesting_behind(p, n);
    return may_begin_phrase(p, n);
}

static unsigned pass(candor_bytes text, candor_buf *out)
{
    static const char none[1];
    const char *start = text.n != 0 ? text.p : none;
    redactor r = {.start = start,
                  .end = start + text.n,
                  .p = start,
                  .kept = start,
                  .seen = start,
                  .out = out,
                  .local_end = start,
                  .token_end = start,
                  .path_end = start,
                  .named = NULL};
    while (r.p < r.end) {
        const char *word = r.p, *p = r.p;
        unsigned all = 0, c = 0;
        while (p < r.end && ((c = rd_class(p)) & RD_SPACE) == 0) {
            all |= c;
            p++;
        }
        r.classes |= all;
        r.seen = p;
        if (p > word && interesting(word, p, all))
            look(&r, p);
        else
            r.p = p;
        while (r.p < r.end && ((c = rd_class(r.p)) & RD_SPACE) != 0) {
            r.classes |= c;
            r.p++;
        }
        /* A match may have kept bytes beyond the word; from there on, clean while copying. */
        if (r.kept > p) r.classes |= RD_HIGH;
        r.seen = r.p;
    }
    flush(&r, r.end);
    return r.found;
}

unsigned candor_redact_scan(candor_bytes text)
{
    return pass(text, NULL);
}

/* A placeholder is a boundary, and what it replaced may have been none ("x@1.2.3.4.5"), so a rule
 * can match in the result what it did not match in the text. Rare, and settled here: redact again
 * until nothing is found. The bound is never reached by text; it keeps the promise for anything
 * else. */
#define SETTLE_MAX 8
static void settle(candor_buf *out, size_t at)
{
    for (int i = 0; i < SETTLE_MAX && !out->failed; i++) {
        candor_bytes now = {out->p + at, out->n - at};
        if (candor_redact_scan(now) == 0) return;
        size_t mid = out->n;
        /* No match is shorter than one byte, so nothing moves while `now` is read. */
        if (!candor_buf_reserve(out, 8 * now.n)) return;
        now.p = out->p + at;
        (void)pass(now, out);
        size_t n = out->n - mid;
        memmove(out->p + at, out->p + mid, n);
        out->n = at + n;
    }
    if (out->failed) return;
    out->n = at;
    candor_buf_put_bytes(out, CANDOR_LIT("<secret>"));
}

unsigned candor_redact(candor_bytes text, candor_buf *out)
{
    size_t at = out->n;
    unsigned found = pass(text, out);
    if (found != 0) settle(out, at);
    return found;
}
