/* Numbers that name a person's account: payment cards, IBANs, telephone numbers with country code.
 * Check digits keep other numbers out. */
#include "contract/redact_internal.h"

/* A number inside a longer word, decimal or dashed id is none of these. */
static bool stands_alone(const redactor *r, const char *from, const char *end)
{
    if ((rd_before(r, from) & (RD_NAME | RD_DOT | RD_KEY)) != 0) return false;
    if (rd_is(r, end, RD_NAME)) return false;
    if (rd_at(r, end, '.') || rd_at(r, end, '-')) return !rd_is(r, end + 1, RD_ALNUM);
    return true;
}

/* --- payment cards (ISO/IEC 7812) ----------------------------------------------------------------
 */

#define CARD_MAX 19

typedef struct digits {
    char d[CARD_MAX];
    unsigned n, group[6], groups;
} digits;

/* Groups of digits with one kind of separator between them. */
static const char *read_card(const redactor *r, const char *p, digits *out)
{
    char sep = '\0';
    for (;;) {
        const char *q = p;
        while (rd_is(r, q, RD_DIGIT)) {
            if (out->n == CARD_MAX) return NULL;
            out->d[out->n++] = *q++;
        }
        if (q == p || out->groups == 6) return NULL;
        out->group[out->groups++] = (unsigned)(q - p);
        bool blank = rd_blank(r, q) && sep != '-', dash = rd_at(r, q, '-') && sep != ' ';
        if ((!blank && !dash) || !rd_is(r, q + 1, RD_DIGIT) || out->group[0] != 4) return q;
        if (out->group[out->groups - 1] < 4 || out->n >= 16) return q;
        sep = blank ? ' ' : '-';
        p = q + 1;
    }
}

static bool luhn(const digits *c)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < c->n; i++) {
        unsigned v = (unsigned)(c->d[c->n - 1 - i] - '0') * (1 + i % 2);
        sum += v > 9 ? v - 9 : v;
    }
    return sum % 10 == 0;
}

/* Issuers of 15 and 16 digits: American Express 34, 37; 2221..2720, 35, 4, 5, 60, 62, 64, 65. */
static bool issued(const digits *c)
{
    unsigned two = (unsigned)(c->d[0] - '0') * 10 + (unsigned)(c->d[1] - '0');
    if (c->n == 15) return two == 34 || two == 37;
    return c->n == 16 && ((two >= 22 && two <= 27) || two == 35 || (two >= 40 && two <= 60) ||
                          two == 62 || two == 64 || two == 65);
}

static bool grouped(const digits *c)
{
    const unsigned *g = c->group;
    if (c->groups == 1) return true;
    if (c->groups == 3) return g[0] == 4 && g[1] == 6 && g[2] == 5;
    return c->groups == 4 && g[0] == 4 && g[1] == 4 && g[2] == 4 && g[3] == 4;
}

static bool take_card(redactor *r)
{
    digits c = {.n = 0};
    const char *end = read_card(r, r->p, &c);
    if (end == NULL || !issued(&c) || !grouped(&c) || !luhn(&c)) return false;
    return stands_alone(r, r->p, end) && candor_redact_secret(r, r->p, end);
}

/* --- IBAN (ISO 13616) ----------------------------------------------------------------------------
 */

#define IBAN_MIN 15
#define IBAN_MAX 34

static unsigned mod97(unsigned sum, char c)
{
    if (c >= '0' && c <= '9') return (sum * 10 + (unsigned)(c - '0')) % 97;
    return (sum * 100 + (unsigned)(c - 'A') + 10) % 97;
}

static bool checked(const char *head, unsigned sum)
{
    for (int i = 0; i < 4; i++)
        sum = mod97(sum, head[i]);
    return sum == 1;
}

/* The longest IBAN at p whose check digits hold; its groups may be apart by one space. */
static const char *iban_end(const redactor *r, const char *head)
{
    const char *p = head + 4, *best = NULL;
    unsigned n = 4, sum = 0;
    while (n < IBAN_MAX) {
        if (rd_blank(r, p)) p++;
        if (!rd_is(r, p, RD_UPPER | RD_DIGIT)) break;
        while (rd_is(r, p, RD_UPPER | RD_DIGIT) && n < IBAN_MAX) {
            sum = mod97(sum, *p++);
            n++;
        }
        if (n >= IBAN_MIN && !rd_is(r, p, RD_NAME) && checked(head, sum)) best = p;
        if (!rd_blank(r, p)) break;
    }
    return best;
}

static bool take_iban(redactor *r)
{
    const char *p = r->p;
    if (!rd_is(r, p + 1, RD_UPPER) || !rd_is(r, p + 2, RD_DIGIT) || !rd_is(r, p + 3, RD_DIGIT))
        return false;
    const char *end = iban_end(r, p);
    if (end == NULL || !stands_alone(r, p, end)) return false;
    return candor_redact_secret(r, p, end);
}

bool candor_redact_number(redactor *r)
{
    unsigned c = rd_class(r->p);
    if ((c & RD_DIGIT) != 0) return take_card(r);
    return (c & RD_UPPER) != 0 && take_iban(r);
}

/* --- telephone numbers (ITU-T E.123, E.164) ------------------------------------------------------
 */

#define PHONE_MIN 9
#define PHONE_MAX 15

/* "+49 30 1234567", "+1 (555) 123-4567". National forms are too like other numbers. */
bool candor_redact_phone(redactor *r)
{
    const char *p = r->p + 1, *end = p;
    unsigned n = 0;
    if ((rd_before(r, r->p) & (RD_NAME | RD_TOKEN)) != 0 || !rd_is(r, p, RD_DIGIT) || *p == '0')
        return false;
    for (int gap = 0; n <= PHONE_MAX && gap < 3;) {
        if (rd_is(r, p, RD_DIGIT)) {
            n++;
            gap = 0;
            end = ++p;
        } else if (rd_blank(r, p) || rd_at(r, p, '-') || rd_at(r, p, '(') || rd_at(r, p, ')')) {
            gap++;
            p++;
        } else {
            break;
        }
    }
    if (n < PHONE_MIN || n > PHONE_MAX || rd_is(r, end, RD_NAME)) return false;
    return candor_redact_secret(r, r->p, end);
}
