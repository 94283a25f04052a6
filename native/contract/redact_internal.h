/* Parts shared by the redactor's files. Private to native/contract/redact*.c and stack.c.
 *
 * One left-to-right pass. Words without an interesting byte are skipped by a table; in the others,
 * every rule starts at a token boundary and either consumes what it matched or gives up after work
 * that is bounded, or that a memo (local_end, token_end, path_end) keeps from being repeated. Hence
 * the whole is linear: tests/c/contract/test_redact_work.c counts the steps. */
#ifndef CANDOR_CONTRACT_REDACT_INTERNAL_H
#define CANDOR_CONTRACT_REDACT_INTERNAL_H

#include "contract/redact.h"

/* Byte classes. SPACE holds every C0 control as well, because they leave as spaces: a rule must see
 * in the first pass what a second pass would see. HIGH is any byte of a multi-byte character. */
#define RD_SPACE 0x0001u
#define RD_CTRL  0x0002u /* C0 but \n and \t */
#define RD_MARK  0x0004u /* a rule may start here: @ / \ = : ~ $ % + " ` < */
#define RD_DOT   0x0008u
#define RD_UPPER 0x0010u
#define RD_LOWER 0x0020u
#define RD_DIGIT 0x0040u
#define RD_HEX   0x0080u
#define RD_HIGH  0x0100u
#define RD_UNDER 0x0200u
#define RD_TOKEN 0x0400u /* A-Z a-z 0-9 _ + / - */
#define RD_LOCAL 0x0800u /* local part of an e-mail address */
#define RD_REL   0x1000u /* relative path, separators apart */
#define RD_STOP  0x2000u /* never part of an unquoted path or URL */
#define RD_KEY   0x4000u /* A-Z a-z 0-9 _ . - */
#define RD_TRIM  0x8000u /* . , ; : ! ? : sentence punctuation at a token's end */

#define RD_ALPHA (RD_UPPER | RD_LOWER)
#define RD_ALNUM (RD_UPPER | RD_LOWER | RD_DIGIT)
#define RD_NAME  (RD_ALNUM | RD_UNDER)
#define RD_WORD  (RD_NAME | RD_HIGH)

extern const uint16_t candor_redact_class[256];

/* A test that includes the sources counts work here. */
#ifndef CANDOR_REDACT_STEP
#define CANDOR_REDACT_STEP() ((void)0)
#endif

typedef struct redactor {
    const char *start, *end; /* the text */
    const char *p;           /* next byte to look at */
    const char *kept;        /* first byte not yet written */
    const char *seen;        /* `classes` holds every byte before this */
    candor_buf *out;         /* NULL: only look */
    unsigned found;
    unsigned classes; /* of the bytes passed so far: tells whether cleaning is needed */
    const char *local_end, *token_end, *path_end; /* runs already examined, see the rules */
    const char *named; /* where "name: DB_PASSWORD" last named a secret, or NULL */
} redactor;

static inline unsigned rd_class(const char *p)
{
    return candor_redact_class[(unsigned char)*p];
}
static inline bool rd_is(const redactor *r, const char *p, unsigned mask)
{
    return p < r->end && (rd_class(p) & mask) != 0;
}
static inline bool rd_at(const redactor *r, const char *p, char c)
{
    return p < r->end && *p == c;
}
/* Class of the byte before p; a match or the text's start counts as a boundary (0). */
static inline unsigned rd_before(const redactor *r, const char *p)
{
    return p > r->start && p != r->kept ? rd_class(p - 1) : 0;
}
static inline const char *rd_run(const redactor *r, const char *p, unsigned mask)
{
    while (p < r->end && (rd_class(p) & mask) != 0) {
        CANDOR_REDACT_STEP();
        p++;
    }
    return p;
}
static inline bool rd_starts(const redactor *r, const char *p, candor_bytes with)
{
    return (size_t)(r->end - p) >= with.n && memcmp(p, with.p, with.n) == 0;
}
/* White space within a line, or a control that leaves as a space. */
static inline bool rd_is_blank(char c)
{
    return (rd_class(&c) & RD_SPACE) != 0 && c != '\n';
}
static inline bool rd_blank(const redactor *r, const char *p)
{
    return p < r->end && rd_is_blank(*p);
}
static inline char rd_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}
/* Case-insensitive equality of [p, end) with a lower-case literal. */
bool candor_redact_same(const char *p, const char *end, candor_bytes lower);
/* The entry of a list of lower-case literals that equals [p, end)? The list ends with {NULL, 0}. */
bool candor_redact_listed(const char *p, const char *end, const candor_bytes *list);

/* Length of the placeholder at p (<email>, <secret>, <path>, <ip>), or 0. */
size_t candor_redact_placeholder(const redactor *r, const char *p);
/* Keep what is before `from`, put the placeholder of kind for [from, to), go on at `to`. */
void candor_redact_replace(redactor *r, const char *from, const char *to, unsigned kind);
/* Without sentence punctuation at the end; never empty. */
const char *candor_redact_trim(const char *from, const char *to);

/* The rules. Each stands at r->p and returns true when it moved r->p on. */
bool candor_redact_email(redactor *r);
bool candor_redact_email_quoted(redactor *r); /* "ann lee"@example.com; at the "@" */
bool candor_redact_ip(redactor *r);           /* IPv4, IPv6, MAC; at a word or at "::" */
bool candor_redact_pem(redactor *r);          /* at "-----BEGIN" */
bool candor_redact_token(redactor *r); /* vendor formats, JWT, Bearer, high entropy; at a word */
bool candor_redact_assignment(redactor *r);  /* at the ':' or '=' of key=value */
bool candor_redact_flag(redactor *r);        /* --key value, -u user:password; at "-" */
bool candor_redact_phrase(redactor *r);      /* "the password is x", "token x"; at a word */
bool candor_redact_element(redactor *r);     /* <password>x</password>; at "<" */
bool candor_redact_encoded(redactor *r);     /* password%3Dx, %2Fhome%2Fx; at "%" */
bool candor_redact_number(redactor *r);      /* payment cards, IBANs; at a word */
bool candor_redact_phone(redactor *r);       /* at "+" */
bool candor_redact_url(redactor *r);         /* at a word: scheme://... */
bool candor_redact_path(redactor *r);        /* at / ~ \ $ % . */
bool candor_redact_path_word(redactor *r);   /* at a word: C:\x, a/b/c, name.ext */
bool candor_redact_path_quoted(redactor *r); /* at a quote: a path with spaces */

/* Does [p, end) name a secret when it stands before = or : ? */
typedef enum rd_key {
    RD_KEY_NONE,
    RD_KEY_COUNT,  /* a count of LLM tokens, unless the value is no number */
    RD_KEY_WEAK,   /* token, auth: also a word of prose */
    RD_KEY_STRONG, /* password, api key */
    RD_KEY_EQUALS, /* sig, signature: only before = */
    RD_KEY_AUTH,   /* Authorization: scheme and credentials */
    RD_KEY_LINE,   /* Cookie, connection string: the rest of the line */
    RD_KEY_USER,   /* user, login: who somebody is */
    RD_KEY_UID,    /* uid=1000(bob), as id(1) prints it */
    RD_KEY_CODE,   /* session, pin, verification code: a value with a digit */
    RD_KEY_NAME,   /* name: its value may name a secret ... */
    RD_KEY_VALUE   /* ... and value: holds it */
} rd_key;
rd_key candor_redact_key(const char *p, const char *end);
/* The same for the last one or two words before `end`; *from is where the name starts. */
rd_key candor_redact_key_before(const redactor *r, const char *end, const char **from);

typedef struct rd_value {
    const char *key; /* first byte of the key */
    const char *at;  /* first byte of the value */
    rd_key kind;
    bool loose; /* a space stands before it, so it may be prose */
} rd_value;
bool candor_redact_value(redactor *r, const rd_value *v);
/* The end of an unquoted value: what could be part of a password stays in, closers at the end not.
 */
const char *candor_redact_value_end(const redactor *r, const char *from);
/* Literals, types, and what messages say about a secret: "null", "required". */
bool candor_redact_benign(const char *p, const char *end);
/* Replace [from, to) by <secret>, unless it is nothing or the placeholder itself. */
bool candor_redact_secret(redactor *r, const char *from, const char *to);
/* [p, end) holds a byte of one of these classes? */
bool candor_redact_holds(const char *p, const char *end, unsigned mask);

/* The end of a PEM block that starts at p, or NULL. */
const char *candor_redact_pem_end(const redactor *r, const char *p);
/* The run of base64 characters around a token at p has the mix of a random string? */
bool candor_redact_random(const char *p, const char *end);
/* The end of ":LINE" or ":LINE:COLUMN" at p, or NULL. */
const char *candor_redact_position(const redactor *r, const char *p);
/* The end of an absolute path or of a URL's tail that starts at p. */
const char *candor_redact_path_end(const redactor *r, const char *p);
/* The relative path from p on: its end, and how many separators it has, percent-encoded ones too.
 */
typedef struct rd_shape {
    const char *end;
    unsigned seps;
} rd_shape;
rd_shape candor_redact_relative(const redactor *r, const char *p);
/* The length of "%2F", "%5C" or their twice encoded forms at p, or 0. */
size_t candor_redact_encoded_sep(const redactor *r, const char *p);
/* A first segment that makes even one segment a path: home, tmp. */
bool candor_redact_is_root(const char *p, const char *end);
/* Lists for candor_redact_listed, in redact_words.c: first segments that make one segment a path;
 * directories that make two; file extensions; names that only look like files; files that begin
 * with a dot (which is left out); top-level media types; words that prose joins by slashes. */
extern const candor_bytes candor_redact_roots[], candor_redact_folders[],
    candor_redact_extensions[], candor_redact_products[], candor_redact_dotfiles[],
    candor_redact_media_types[], candor_redact_prose_words[];
/* The end of the IP address at p, or NULL. */
const char *candor_redact_ip_end(const redactor *r, const char *p);

#endif
