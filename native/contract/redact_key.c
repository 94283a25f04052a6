/* Names of secrets, and the signs that assign to them: key=value, key: value, "key": "value", --key
 * value, name: key with value: x. redact_value.c takes the value. Works backwards from the sign to
 * the key, at most KEY_MAX bytes. */
#include "contract/redact_internal.h"

#define KEY_MAX    64
#define SPACES_MAX 4 /* between key, sign and value */

/* --- names ---------------------------------------------------------------------------------------
 */

/* Compared with the key in lower case and without separators: DB_PASSWORD and x-api-key are
 * "dbpassword" and "xapikey". */
typedef struct key_rule {
    candor_bytes text;
    uint32_t first; /* bit of its first letter */
    enum { ANYWHERE, AT_END, WHOLE } where;
    rd_key key;
} key_rule;
#define K(s, where, key)                                                                           \
    {                                                                                              \
        {(s), sizeof(s) - 1}, 1u << ((s)[0] - 'a'), where, key                                     \
    }
static const key_rule key_rules[] = {
    K("authorization", AT_END, RD_KEY_AUTH),
    K("cookie", AT_END, RD_KEY_LINE),
    K("connectionstring", ANYWHERE, RD_KEY_LINE),
    K("connstr", AT_END, RD_KEY_LINE),
    K("password", ANYWHERE, RD_KEY_STRONG),
    K("passwd", ANYWHERE, RD_KEY_STRONG),
    K("passphrase", ANYWHERE, RD_KEY_STRONG),
    K("passcode", ANYWHERE, RD_KEY_STRONG),
    K("passwort", ANYWHERE, RD_KEY_STRONG),
    K("pwd", AT_END, RD_KEY_STRONG),
    K("secret", ANYWHERE, RD_KEY_STRONG),
    K("apikey", ANYWHERE, RD_KEY_STRONG),
    K("accesskey", ANYWHERE, RD_KEY_STRONG),
    K("accountkey", ANYWHERE, RD_KEY_STRONG),
    K("authkey", ANYWHERE, RD_KEY_STRONG),
    K("deploykey", ANYWHERE, RD_KEY_STRONG),
    K("encryptionkey", ANYWHERE, RD_KEY_STRONG),
    K("licensekey", ANYWHERE, RD_KEY_STRONG),
    K("masterkey", ANYWHERE, RD_KEY_STRONG),
    K("privatekey", ANYWHERE, RD_KEY_STRONG),
    K("sessionid", ANYWHERE, RD_KEY_STRONG),
    K("sessionkey", ANYWHERE, RD_KEY_STRONG),
    K("signingkey", ANYWHERE, RD_KEY_STRONG),
    K("sshkey", ANYWHERE, RD_KEY_STRONG),
    K("storagekey", ANYWHERE, RD_KEY_STRONG),
    K("subscriptionkey", ANYWHERE, RD_KEY_STRONG),
    K("sessid", AT_END, RD_KEY_STRONG),
    K("sid", WHOLE, RD_KEY_STRONG),
    K("sharedaccesssignature", WHOLE, RD_KEY_LINE),
    K("connectsid", WHOLE, RD_KEY_STRONG),
    K("auth", AT_END, RD_KEY_WEAK),
    K("bearer", WHOLE, RD_KEY_WEAK),
    K("credential", ANYWHERE, RD_KEY_WEAK),
    K("creds", AT_END, RD_KEY_WEAK),
    K("csrf", ANYWHERE, RD_KEY_WEAK),
    K("xsrf", ANYWHERE, RD_KEY_WEAK),
    K("jwt", AT_END, RD_KEY_WEAK),
    K("otp", WHOLE, RD_KEY_WEAK),
    K("pat", WHOLE, RD_KEY_WEAK),
    K("pass", WHOLE, RD_KEY_WEAK),
    K("dbpass", AT_END, RD_KEY_STRONG),
    K("userpass", AT_END, RD_KEY_STRONG),
    K("token", ANYWHERE, RD_KEY_WEAK),
    K("sig", WHOLE, RD_KEY_EQUALS),
    K("signature", AT_END, RD_KEY_EQUALS),
    K("user", AT_END, RD_KEY_USER),
    K("username", AT_END, RD_KEY_USER),
    K("userid", WHOLE, RD_KEY_USER),
    K("login", WHOLE, RD_KEY_USER),
    K("loginname", WHOLE, RD_KEY_USER),
    K("logname", WHOLE, RD_KEY_USER),
    K("whoami", WHOLE, RD_KEY_USER),
    K("uid", AT_END, RD_KEY_UID),
    K("gid", AT_END, RD_KEY_UID),
    K("groups", WHOLE, RD_KEY_UID),
    K("session", WHOLE, RD_KEY_CODE),
    K("facode", AT_END, RD_KEY_CODE), /* 2fa, mfa */
    K("authcode", AT_END, RD_KEY_CODE),
    K("backupcode", AT_END, RD_KEY_CODE),
    K("confirmationcode", AT_END, RD_KEY_CODE),
    K("logincode", AT_END, RD_KEY_CODE),
    K("otpcode", AT_END, RD_KEY_CODE),
    K("recoverycode", AT_END, RD_KEY_CODE),
    K("securitycode", AT_END, RD_KEY_CODE),
    K("timecode", AT_END, RD_KEY_CODE),
    K("verificationcode", AT_END, RD_KEY_CODE),
    K("totp", WHOLE, RD_KEY_CODE),
    K("pin", WHOLE, RD_KEY_CODE),
    K("pincode", WHOLE, RD_KEY_CODE),
    K("cardnumber", AT_END, RD_KEY_CODE),
    K("creditcard", AT_END, RD_KEY_CODE),
    K("cvc", WHOLE, RD_KEY_CODE),
    K("cvv", WHOLE, RD_KEY_CODE),
    K("iban", WHOLE, RD_KEY_CODE),
    K("mobile", WHOLE, RD_KEY_CODE),
    K("phone", AT_END, RD_KEY_CODE),
    K("phonenumber", AT_END, RD_KEY_CODE),
    K("ssn", WHOLE, RD_KEY_CODE),
    K("name", WHOLE, RD_KEY_NAME),
    K("key", WHOLE, RD_KEY_NAME),
    K("value", WHOLE, RD_KEY_VALUE),
};
#define N_KEY_RULES (sizeof(key_rules) / sizeof(key_rules[0]))

/* max_tokens, promptTokens: what models count. tokenizer: what counts them. */
static const candor_bytes count_words[] = {
    {"tokens", 6},       {"tokeni", 6},      {"tokencount", 10},  {"tokenlimit", 10},
    {"tokenlength", 11}, {"tokenusage", 10}, {"tokenbudget", 11}, {"tokentype", 9},
    {"maxtoken", 8},     {"numtoken", 8},    {"totaltoken", 10},  {NULL, 0}};

static bool contains(const char *s, size_t n, candor_bytes what)
{
    for (size_t i = 0; i + what.n <= n; i++) {
        CANDOR_REDACT_STEP();
        if (s[i] == what.p[0] && memcmp(s + i, what.p, what.n) == 0) return true;
    }
    return false;
}

static bool rule_holds(const key_rule *k, const char *s, size_t n)
{
    if (n < k->text.n || (k->where == WHOLE && n != k->text.n)) return false;
    if (k->where == ANYWHERE) return contains(s, n, k->text);
    return memcmp(s + n - k->text.n, k->text.p, k->text.n) == 0;
}

/* One bit a letter of s: most keys lack the first letter of most rules. */
static uint32_t letters(const char *s, size_t n)
{
    uint32_t set = 0;
    for (size_t i = 0; i < n; i++)
        if (s[i] >= 'a') set |= 1u << (s[i] - 'a');
    return set;
}

static bool is_count(const char *s, size_t n)
{
    for (const candor_bytes *w = count_words; w->p != NULL; w++)
        if (contains(s, n, *w)) return true;
    return false;
}

rd_key candor_redact_key(const char *p, const char *end)
{
    char s[2 * KEY_MAX];
    size_t n = 0;
    for (; p < end && n < sizeof s; p++)
        if ((rd_class(p) & RD_ALNUM) != 0) s[n++] = rd_lower(*p);
    if (n == 0) return RD_KEY_NONE;
    uint32_t has = letters(s, n);
    char last = s[n - 1];
    for (size_t i = 0; i < N_KEY_RULES; i++) {
        const key_rule *k = &key_rules[i];
        if (n < k->text.n || (has & k->first) == 0) continue;
        if (k->where != ANYWHERE && k->text.p[k->text.n - 1] != last) continue;
        if (!rule_holds(k, s, n)) continue;
        if (k->text.p[0] == 't') return is_count(s, n) ? RD_KEY_COUNT : k->key; /* token */
        return k->key;
    }
    return RD_KEY_NONE;
}

/* One word, or two ("api key: x"). The quotes, brackets and escapes of JSON and of code may stand
 * between the name and its sign. */
rd_key candor_redact_key_before(const redactor *r, const char *sign, const char **from)
{
    const char *end = sign, *p;
    while (end > r->start && sign - end < SPACES_MAX && rd_is_blank(end[-1]))
        end--;
    if (end > r->start && end[-1] == ']') end--;
    if (end > r->start && (end[-1] == '"' || end[-1] == '\'' || end[-1] == '`')) end--;
    while (end > r->start && sign - end < 2 * SPACES_MAX && end[-1] == '\\')
        end--;
    for (p = end; p > r->start && end - p < KEY_MAX && (rd_class(p - 1) & RD_KEY) != 0; p--)
        CANDOR_REDACT_STEP();
    *from = p;
    if (p == end) return RD_KEY_NONE;
    rd_key key = candor_redact_key(p, end);
    bool alone = key != RD_KEY_NONE && key != RD_KEY_NAME;
    if (alone || p - r->start < 2 || !rd_is_blank(p[-1])) return key;
    const char *two = p - 1;
    while (two > r->start && p - two < 16 && (rd_class(two - 1) & RD_ALNUM) != 0)
        two--;
    rd_key both = candor_redact_key(two, end);
    if (both == RD_KEY_NONE) return key;
    *from = two;
    return both;
}

/* --- rules ---------------------------------------------------------------------------------------
 */

#define NAMED_VIEW 128 /* "name: DB_PASSWORD" and its "value: x" are neighbours */

static void note_name(redactor *r, const char *v)
{
    const char *end;
    while (rd_at(r, v, '\\') || rd_at(r, v, '"') || rd_at(r, v, '\''))
        v++;
    for (end = v; end - v < KEY_MAX && rd_is(r, end, RD_KEY); end++)
        CANDOR_REDACT_STEP();
    rd_key key = candor_redact_key(v, end);
    if (key >= RD_KEY_WEAK && key <= RD_KEY_LINE) r->named = end;
}

bool candor_redact_assignment(redactor *r)
{
    const char *sign = r->p, *p = sign + 1;
    if (*sign == ':' && (rd_at(r, p, ':') || (sign > r->start && sign[-1] == ':'))) return false;
    rd_value v = {sign, sign, RD_KEY_NONE, false};
    v.kind = candor_redact_key_before(r, sign, &v.key);
    if (v.kind == RD_KEY_NONE) return false;
    bool equals = *sign == '=';
    for (int i = 0; i < 2 && (rd_at(r, p, '=') || rd_at(r, p, '>')); i++, p++)
        equals = true;
    if (v.kind == RD_KEY_EQUALS && !equals) return false;
    for (v.at = p; v.at - p < SPACES_MAX && rd_blank(r, v.at); v.at++)
        ;
    v.loose = v.at > p && !equals;
    if (v.loose && sign - v.key == 4 && memcmp(v.key, "PASS", 4) == 0) return false; /* of a test */
    if (v.kind == RD_KEY_NAME) {
        note_name(r, v.at);
        return false;
    }
    if (v.kind == RD_KEY_VALUE) {
        if (r->named == NULL || sign - r->named > NAMED_VIEW) return false;
        r->named = NULL;
        v.kind = RD_KEY_STRONG;
    }
    return candor_redact_value(r, &v);
}

/* curl -u user:password; not "docker run -u 1000:1000". */
static bool take_login_option(redactor *r, const char *p)
{
    if (rd_lower(*p) != 'u' || !rd_blank(r, p + 1)) return false;
    const char *v = p + 2;
    if (rd_at(r, v, '"') || rd_at(r, v, '\'')) v++;
    const char *end = candor_redact_value_end(r, v);
    const char *colon = end > v ? memchr(v, ':', (size_t)(end - v)) : NULL;
    if (!rd_is(r, v, RD_WORD) || colon == NULL || colon + 1 == end || colon[1] == '/') return false;
    if (!candor_redact_holds(v, end, RD_ALPHA | RD_HIGH)) return false;
    return candor_redact_secret(r, v, end);
}

bool candor_redact_flag(redactor *r)
{
    const char *name = r->p + 1;
    if ((rd_before(r, r->p) & (RD_NAME | RD_KEY)) != 0 || name == r->end) return false;
    if (*name != '-') return take_login_option(r, name);
    const char *end = ++name;
    while (end - name < KEY_MAX && rd_is(r, end, RD_KEY))
        end++;
    rd_value v = {name, end, RD_KEY_NONE, true};
    while (v.at - end < SPACES_MAX && rd_blank(r, v.at))
        v.at++;
    if (end == name || v.at == end || v.at == r->end || *v.at == '-') return false;
    v.kind = candor_redact_key(name, end);
    if (v.kind == RD_KEY_NONE || v.kind == RD_KEY_EQUALS || v.kind >= RD_KEY_NAME) return false;
    return candor_redact_value(r, &v);
}
