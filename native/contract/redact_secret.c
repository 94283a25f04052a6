/* Credentials that give themselves away: vendor formats, JWTs, PEM blocks, Bearer, random strings.
 */
#include "contract/redact_internal.h"

/* --- PEM (RFC 7468) -----------------------------------------------------------------------------
 */

#define PEM_LABEL_MAX 64

const char *candor_redact_pem_end(const redactor *r, const char *p)
{
    static const candor_bytes end_mark = {"-----END", 8};
    if (!rd_starts(r, p, CANDOR_LIT("-----BEGIN")) || !rd_blank(r, p + 10)) return NULL;
    const char *q = p + 11;
    while (q < r->end && q - p < PEM_LABEL_MAX && *q != '-' && *q != '\n')
        q++;
    if (!rd_starts(r, q, CANDOR_LIT("-----"))) return NULL;
    for (q += 5; q < r->end; q++) {
        CANDOR_REDACT_STEP();
        if (*q != '-' || !rd_starts(r, q, end_mark)) continue;
        q += end_mark.n;
        for (int i = 0; i < PEM_LABEL_MAX && q < r->end && *q != '-' && *q != '\n'; i++)
            q++;
        for (int i = 0; i < 5 && rd_at(r, q, '-'); i++)
            q++;
        return q;
    }
    return r->end; /* cut off: everything that follows is key material */
}

bool candor_redact_pem(redactor *r)
{
    const char *e = candor_redact_pem_end(r, r->p);
    if (e == NULL) return false;
    candor_redact_replace(r, r->p, e, CANDOR_FOUND_SECRET);
    return true;
}

/* --- vendor formats -----------------------------------------------------------------------------
 */

/* Bytes a token's rest may have. */
enum rest { REST_ALNUM, REST_UPPER, REST_HEX, REST_WORD, REST_DASH, REST_DOT, REST_B64 };

/* min: bytes after the prefix; exact: no more than min; digit: one of the first 64 must be a digit,
 * where the prefix alone could begin a word of prose. */
typedef struct vendor {
    candor_bytes prefix;
    unsigned char rest, min;
    bool exact, digit;
} vendor;
#define V(s, rest, min)                                                                            \
    {                                                                                              \
        {(s), sizeof(s) - 1}, rest, min, false, false                                              \
    }
#define V_EXACT(s, rest, min)                                                                      \
    {                                                                                              \
        {(s), sizeof(s) - 1}, rest, min, true, false                                               \
    }
#define V_DIGIT(s, rest, min)                                                                      \
    {                                                                                              \
        {(s), sizeof(s) - 1}, rest, min, false, true                                               \
    }
static const vendor vendors[] = {
    V("AKIA", REST_UPPER, 16), /* AWS access key ids; longer runs hold one glued to something */
    V("ASIA", REST_UPPER, 16),
    V("AROA", REST_UPPER, 16),
    V("AIDA", REST_UPPER, 16),
    V("ABIA", REST_UPPER, 16),
    V("ACCA", REST_UPPER, 16),
    V("ghp_", REST_ALNUM, 16), /* GitHub */
    V("gho_", REST_ALNUM, 16),
    V("ghu_", REST_ALNUM, 16),
    V("ghs_", REST_ALNUM, 16),
    V("ghr_", REST_ALNUM, 16),
    V("github_pat_", REST_WORD, 16),
    V("glpat-", REST_DOT, 16), /* GitLab */
    V("gldt-", REST_DOT, 16),
    V("glrt-", REST_DOT, 16),
    V("glptt-", REST_DOT, 16),
    V("glcbt-", REST_DOT, 16),
    V("glft-", REST_DOT, 16),
    V("glsoat-", REST_DOT, 16),
    V("glagent-", REST_DOT, 16),
    V("xoxa-", REST_DASH, 10), /* Slack */
    V("xoxb-", REST_DASH, 10),
    V("xoxe-", REST_DASH, 10),
    V("xoxe.", REST_DOT, 10),
    V("xoxp-", REST_DASH, 10),
    V("xoxr-", REST_DASH, 10),
    V("xoxs-", REST_DASH, 10),
    V("xapp-", REST_DASH, 10),
    V("sk_live_", REST_WORD, 10), /* Stripe */
    V("sk_test_", REST_WORD, 10),
    V("rk_live_", REST_WORD, 10),
    V("rk_test_", REST_WORD, 10),
    V("whsec_", REST_WORD, 16),
    V("AIza", REST_DASH, 30), /* Google */
    V("ya29.", REST_DOT, 16),
    V("GOCSPX-", REST_DASH, 16),
    V("sk-ant-", REST_DASH, 10),  /* Anthropic */
    V("sk-proj-", REST_DASH, 10), /* OpenAI */
    V("sk-svcacct-", REST_DASH, 10),
    V_DIGIT("sk-", REST_DASH, 16),
    V("hf_", REST_ALNUM, 16),  /* Hugging Face */
    V("gsk_", REST_ALNUM, 20), /* Groq */
    V_DIGIT("xai-", REST_DASH, 20),
    V("pplx-", REST_ALNUM, 20), /* Perplexity */
    V("r8_", REST_ALNUM, 20),   /* Replicate */
    V("npm_", REST_ALNUM, 20),
    V("pypi-", REST_DASH, 20),
    V("rubygems_", REST_HEX, 20),
    V("dckr_pat_", REST_DASH, 16), /* Docker */
    V("SG.", REST_DOT, 30),        /* SendGrid */
    V_EXACT("SK", REST_HEX, 32),   /* Twilio */
    V_EXACT("AC", REST_HEX, 32),
    V_EXACT("key-", REST_HEX, 32), /* Mailgun */
    V("dop_v1_", REST_HEX, 20),    /* DigitalOcean */
    V("doo_v1_", REST_HEX, 20),
    V("dor_v1_", REST_HEX, 20),
    V("shpat_", REST_ALNUM, 16), /* Shopify */
    V("shpca_", REST_ALNUM, 16),
    V("shppa_", REST_ALNUM, 16),
    V("shpss_", REST_ALNUM, 16),
    V("sq0atp-", REST_DASH, 16), /* Square */
    V("sq0csp-", REST_DASH, 16),
    V("hvs.", REST_DASH, 20),      /* HashiCorp Vault */
    V("dapi", REST_HEX, 32),       /* Databricks */
    V("lin_api_", REST_ALNUM, 16), /* Linear */
    V("figd_", REST_DASH, 16),     /* Figma */
    V("ntn_", REST_ALNUM, 20),     /* Notion */
    V("sntrys_", REST_DASH, 16),   /* Sentry */
    V("sntryu_", REST_DASH, 16),
    V("phx_", REST_ALNUM, 20),  /* PostHog, personal */
    V("NRAK-", REST_ALNUM, 16), /* New Relic */
    V("tskey-", REST_DASH, 16), /* Tailscale */
    V("PMAK-", REST_DASH, 16),  /* Postman */
    V("cnd_", REST_WORD, 16),   /* Candor's own */
    /* SSH public keys: the wire form begins with the length and the name of the type. */
    V("AAAAB3NzaC1", REST_B64, 4),
    V("AAAAC3NzaC1", REST_B64, 4),
    V("AAAAE2VjZHNh", REST_B64, 4),
    V("AAAAGnNrLX", REST_B64, 4),
    V("AAAAInNrLX", REST_B64, 4),
    V("AGE-SECRET-KEY-1", REST_UPPER, 10),
    V("ATATT3", REST_DASH, 20),
    V("ATCTT3", REST_DASH, 20),
    V("ATBB", REST_ALNUM, 24),
    V("nfp_", REST_ALNUM, 20),
    V("fo1_", REST_DASH, 20),
    V("pul-", REST_HEX, 32),
    V("EAAC", REST_ALNUM, 30),
    V("sl.", REST_DASH, 40),
    V("secret_", REST_ALNUM, 32),
    V("dp.pt.", REST_ALNUM, 20),
    V("dp.st.", REST_DOT, 20),
    V("sbp_", REST_HEX, 32),
    V("pscale_tkn_", REST_DASH, 16),
    V("xkeysib-", REST_DASH, 32),
    V("sgp_", REST_WORD, 32),
    V("glsa_", REST_WORD, 24),
    V("glc_", REST_ALNUM, 24),
    V("glimt-", REST_DOT, 16),
    V("glffct-", REST_DOT, 16),
    V("hvb.", REST_DASH, 20),
    V("HRKU-", REST_DASH, 20),
    V("bkua_", REST_HEX, 20),
    V("dt0c01.", REST_DOT, 20),
    V("ops_eyJ", REST_DOT, 20),
    V("lsv2_", REST_WORD, 24),
    V("nvapi-", REST_DASH, 20),
    V("pcsk_", REST_WORD, 20),
    V("tvly-", REST_DASH, 16),
    V("sess-", REST_ALNUM, 32),
    V("jina_", REST_ALNUM, 32),
    V("ABSK", REST_B64, 40),
    V("LTAI", REST_ALNUM, 16),
    V("sha256~", REST_DASH, 30),
    V("rdme_", REST_ALNUM, 32),
    V("shippo_live_", REST_HEX, 20),
    V("api_org_", REST_ALNUM, 20),
    V("CFPAT-", REST_DASH, 20),
    V("1//0", REST_DASH, 30),
    V("phc_", REST_ALNUM, 30),
};
#define N_VENDORS (sizeof(vendors) / sizeof(vendors[0]))

static bool rest_has(unsigned char rest, const char *p)
{
    unsigned c = rd_class(p);
    switch ((enum rest)rest) {
    case REST_ALNUM:
        return (c & RD_ALNUM) != 0;
    case REST_UPPER:
        return (c & (RD_UPPER | RD_DIGIT)) != 0;
    case REST_HEX:
        return (c & RD_HEX) != 0;
    case REST_WORD:
        return (c & RD_NAME) != 0;
    case REST_DASH:
        return (c & RD_NAME) != 0 || *p == '-';
    case REST_DOT:
        return (c & RD_NAME) != 0 || *p == '-' || *p == '.';
    case REST_B64:
        return (c & RD_TOKEN) != 0 || *p == '=';
    }
    return false;
}

/* The end of the vendor token at r->p, or NULL. A failure reads at most 64 bytes past the prefix.
 */
static const char *vendor_end(const redactor *r, const vendor *v)
{
    const char *rest = r->p + v->prefix.n, *p = rest;
    bool digit = false;
    while (p < r->end && rest_has(v->rest, p)) {
        CANDOR_REDACT_STEP();
        digit |= (rd_class(p) & RD_DIGIT) != 0;
        if (++p - rest >= 64 && v->digit && !digit) return NULL;
    }
    if (p - rest < v->min || (v->digit && !digit)) return NULL;
    if (v->exact && (p - rest > v->min || rd_is(r, p, RD_NAME))) return NULL;
    return candor_redact_trim(r->p, p);
}

/* --- formats without a fixed prefix --------------------------------------------------------------
 */

/* JWS and JWE compact form (RFC 7515 7.1): base64url of {" is eyJ. */
static const char *jwt_end(const redactor *r)
{
    if (!rd_starts(r, r->p, CANDOR_LIT("eyJ"))) return NULL;
    const char *p = r->p;
    while (rd_is(r, p, RD_KEY) || rd_at(r, p, '=')) {
        CANDOR_REDACT_STEP();
        p++;
    }
    return p - r->p >= 20 ? candor_redact_trim(r->p, p) : NULL;
}

/* <bot id of 8..10 digits>:<35 base64url> */
static const char *telegram_end(const redactor *r)
{
    const char *p = r->p;
    while (rd_is(r, p, RD_DIGIT) && p - r->p < 11)
        p++;
    if (p - r->p < 8 || p - r->p > 10 || !rd_at(r, p, ':')) return NULL;
    const char *rest = ++p;
    while (p - rest < 40 && (rd_is(r, p, RD_NAME) || rd_at(r, p, '-')))
        p++;
    return p - rest >= 30 && p - rest < 40 ? p : NULL;
}

/* Discord: <user id in base64: 23..28>.<time: 6>.<hmac: 27 or more> */
static const char *discord_end(const redactor *r)
{
    static const unsigned char min[3] = {23, 6, 27}, max[3] = {28, 7, 60};
    const char *p = r->p;
    for (int i = 0; i < 3; i++) {
        const char *part = p;
        while (p - part <= max[i] && (rd_is(r, p, RD_NAME) || rd_at(r, p, '-')))
            p++;
        if (p - part < min[i] || p - part > max[i]) return NULL;
        if (i < 2 && !rd_at(r, p++, '.')) return NULL;
    }
    return p;
}

/* "Bearer x", "Basic x" outside a header. Prose follows these words too ("basic usage", "bearer
 * of"), so the value has to look like a token. */
static bool credential_like(const char *p, const char *end)
{
    unsigned all = 0, first = rd_class(p);
    for (const char *q = p + 1; q < end; q++)
        all |= rd_class(q);
    size_t n = (size_t)(end - p);
    if (((all | first) & RD_DIGIT) != 0) return n >= 6;
    if (end[-1] == '=') return n >= 6;
    if ((all & RD_UPPER) != 0 && ((all | first) & RD_LOWER) != 0) return n >= 12;
    return n >= 20;
}

static bool take_scheme(redactor *r)
{
    static const candor_bytes schemes[] = {{"bearer", 6}, {"basic", 5}, {NULL, 0}};
    const char *p = r->p;
    if (rd_lower(*p) != 'b' || (rd_before(r, p) & RD_NAME) != 0) return false;
    while (rd_is(r, p, RD_ALPHA) && p - r->p < 7)
        p++;
    if (!candor_redact_listed(r->p, p, schemes)) return false;
    const char *v = p;
    while (rd_blank(r, v) && v - p < 4)
        v++;
    if (v == p) return false;
    const char *e = v;
    while (rd_is(r, e, RD_TOKEN) || rd_at(r, e, '.') || rd_at(r, e, '=') || rd_at(r, e, '~')) {
        CANDOR_REDACT_STEP();
        e++;
    }
    if (e == v) return false;
    e = candor_redact_trim(v, e);
    if (!credential_like(v, e)) return false;
    candor_redact_replace(r, v, e, CANDOR_FOUND_SECRET);
    return true;
}

/* --- random strings ------------------------------------------------------------------------------
 */

#define RANDOM_MIN 32
#define LOWER_MIN  28 /* cuid, cuid2, ULID and KSUID, which are ids, are shorter */

/* Upper, lower and digits mixed, but neither a hexadecimal number nor a UUID. */
static bool mixed(const char *p, const char *end)
{
    unsigned all = 0;
    bool hex = true;
    for (; p < end; p++) {
        CANDOR_REDACT_STEP();
        all |= rd_class(p);
        hex = hex && ((rd_class(p) & RD_HEX) != 0 || *p == '-');
    }
    return (all & RD_UPPER) != 0 && (all & RD_LOWER) != 0 && (all & RD_DIGIT) != 0 && !hex;
}

/* Base64 may hold '/', and so does a path: words change their kind of letter seldom, random bytes
 * at every second byte. */
bool candor_redact_random(const char *p, const char *end)
{
    size_t changes = 0, n = (size_t)(end - p);
    unsigned last = 0;
    if (n < RANDOM_MIN || !mixed(p, end)) return false;
    for (; p < end; p++) {
        CANDOR_REDACT_STEP();
        unsigned kind = rd_class(p) & RD_ALNUM;
        changes += kind != last;
        last = kind;
    }
    return changes * 3 >= n;
}

/* Lower case and digits only, in one piece, and more than hexadecimal: base 32 and base 36. Digits
 * stand among the letters, not behind a word. */
static bool random_lower(const char *p, const char *end)
{
    size_t changes = 0, n = (size_t)(end - p);
    bool hex = true;
    if (n < LOWER_MIN) return false;
    for (const char *q = p; q < end; q++) {
        CANDOR_REDACT_STEP();
        if ((rd_class(q) & (RD_LOWER | RD_DIGIT)) == 0) return false;
        hex = hex && (rd_class(q) & RD_HEX) != 0;
        changes += q > p && ((rd_class(q) ^ rd_class(q - 1)) & RD_DIGIT) != 0;
    }
    return !hex && changes * 5 >= n;
}

/* token_end: the run around r->p was examined. '=' counts as padding at the end only. */
static const char *random_end(redactor *r)
{
    if (r->p < r->token_end) return NULL;
    const char *p = rd_run(r, r->p, RD_TOKEN);
    r->token_end = p;
    if (random_lower(r->p, p)) return p;
    if (p - r->p < RANDOM_MIN || !mixed(r->p, p)) return NULL;
    if (memchr(r->p, '/', (size_t)(p - r->p)) != NULL && !candor_redact_random(r->p, p))
        return NULL;
    for (int i = 0; i < 2 && rd_at(r, p, '='); i++)
        p++;
    return p;
}

/* Every format here has this many bytes of A-Z a-z 0-9 _ . - + / : at least; prose has not. */
#define FORMAT_MIN 15
static bool is_long(const redactor *r, const char *p)
{
    if (r->end - p < FORMAT_MIN) return false;
    for (int i = 0; i < FORMAT_MIN; i++)
        if ((rd_class(p + i) & (RD_KEY | RD_TOKEN)) == 0 && p[i] != ':') return false;
    return true;
}

static const char *token_end(redactor *r)
{
    const char *e = NULL;
    if (!is_long(r, r->p)) return NULL;
    for (size_t i = 0; i < N_VENDORS && e == NULL; i++)
        if (*r->p == vendors[i].prefix.p[0] && rd_starts(r, r->p, vendors[i].prefix))
            e = vendor_end(r, &vendors[i]);
    if (e == NULL) e = jwt_end(r);
    if (e == NULL && (rd_class(r->p) & RD_DIGIT) != 0) e = telegram_end(r);
    if (e == NULL) e = discord_end(r);
    if (e == NULL) e = random_end(r);
    return e;
}

bool candor_redact_token(redactor *r)
{
    if ((rd_class(r->p) & RD_ALNUM) == 0 && *r->p != '_') return false;
    if (take_scheme(r)) return true;
    const char *e = token_end(r);
    if (e == NULL) return false;
    candor_redact_replace(r, r->p, e, CANDOR_FOUND_SECRET);
    return true;
}
