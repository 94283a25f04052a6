/* Recall and precision of the redactor. Recall: every kind of secret in every context it may stand
 * in; no piece of NEEDLE bytes of it may come out. Precision: lines that agents, compilers and test
 * runners print; how many of them change is kept here as an exact number. */
#include "support.h"

#include "contract/redact.h"

#define NEEDLE 6

static uint32_t next_random(uint32_t *s)
{
    *s ^= *s << 13; /* xorshift32: https://www.jstatsoft.org/article/view/v008i14 */
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

/* In a pattern, A is a random upper-case letter, a a lower-case one, 0 a digit, x a hexadecimal
 * digit, * any of letters and digits; what is between { and } stands as it is. */
static void put_pattern(candor_buf *out, const char *p, uint32_t *seed)
{
    static const char any[] = "aB3cD5eF7gH9iJ1kL2mN4oP6qR8sTuVwXyZ";
    bool literal = false;
    for (; *p != '\0'; p++) {
        uint32_t n = next_random(seed) >> 8;
        if (*p == '{' || *p == '}')
            literal = *p == '{';
        else if (!literal && *p == 'A')
            candor_buf_put_c(out, (char)('A' + n % 26));
        else if (!literal && *p == 'a')
            candor_buf_put_c(out, (char)('a' + n % 26));
        else if (!literal && *p == '0')
            candor_buf_put_c(out, (char)('0' + n % 10));
        else if (!literal && *p == 'x')
            candor_buf_put_c(out, "0123456789abcdef"[n % 16]);
        else if (!literal && *p == '*')
            candor_buf_put_c(out, any[n % (sizeof(any) - 1)]);
        else
            candor_buf_put_c(out, *p);
    }
}

static bool holds(candor_bytes s, const char *what, size_t n)
{
    for (size_t i = 0; i + n <= s.n; i++)
        if (memcmp(s.p + i, what, n) == 0) return true;
    return false;
}

static unsigned cases;

static void assert_gone(candor_bytes text, candor_bytes secret)
{
    candor_buf out = {0};
    (void)candor_redact(text, &out);
    for (size_t at = 0; at + NEEDLE <= secret.n; at++)
        if (holds(candor_buf_bytes(&out), secret.p + at, NEEDLE))
            fail_msg("%.*s\nleft %.*s", (int)text.n, text.p, (int)out.n, out.p);
    candor_buf_free(&out);
    cases++;
}

/* --- secrets that give themselves away -----------------------------------------------------------
 */

static const char *const bare[] = {
    "aaaaaa.aaaaaa@{mail.net}",
    "aaaaaa+aaaaaa@aaaaaa.{mail.co.uk}",
    "aaaaaaaa@aaaaaaaa",
    "aaaaaa@{müller.de}",
    "{AKIA}AAAAAAAAAAAAAAAA",
    "{ASIA}AAAA00AAAA00AAAA",
    "{ghp_}************************************",
    "{gho_}************************************",
    "{github_pat_}**********************_********************",
    "{glpat-}********************",
    "{xoxb-}000000000000-************",
    "{xoxp-}000000000000-************",
    "{xapp-1-}A0A0-000-xxxxxx",
    "{sk_live_}************************",
    "{rk_test_}************************",
    "{whsec_}************************",
    "{AIza}***********************************",
    "{ya29.}********************",
    "{GOCSPX-}****************************",
    "{sk-}****************0***",
    "{sk-proj-}********************",
    "{sk-ant-api03-}********************",
    "{hf_}****************************",
    "{gsk_}************************",
    "{npm_}************************************",
    "{pypi-}AgEIcHl*************************",
    "{SG.}**********************.*******************************************",
    "{SK}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "{key-}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "{dop_v1_}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "{shpat_}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "{hvs.}************************",
    "{dapi}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "{dckr_pat_}********************",
    "{figd_}************************",
    "{lin_api_}********************************",
    "{ATATT3}********************************",
    "{nfp_}************************",
    "{AGE-SECRET-KEY-1}AAAAAAAAAAAAAAAAAAAAAAAA",
    "{pcsk_}************************",
    "{eyJ}hbGciOiJIUzI1NiJ9.{eyJ}*************.********************************",
    "00000000{0:AA}*********************************",
    "{AAAAB3NzaC1yc2E}AAAAADAQABAAABgQ********",
    "{AAAAC3NzaC1lZDI1NTE5AAAAI}******************",
    "aB0+aB0aB0aB0/aB0aB0aB0aB0aB0aB0aB0aB0==",
    "aB0-aB0aB0aB0_aB0aB0aB0aB0aB0aB0aB0aB0",
    "a0aa0a0aa00a0aaa0a0aa0a0aa0a0a0aaa0a{z}",
    "{/home/}aaaaaaaa/aaaaaa/aaaaaaaa.{ts}",
    "{/Users/}aaaaaa/aaaaaaaa",
    "{/mnt/c/Users/}aaaaaaaa",
    "{C:\\Users\\}aaaaaaaa{\\}aaaaaaaa.{txt}",
    "{C:\\\\Users\\\\}aaaaaaaa{\\\\}aaaaaaaa",
    "{D:/}aaaaaa/aaaaaaaa",
    "{\\\\?\\C:\\}aaaaaaaa{\\}aaaaaaaa",
    "{\\\\}aaaaaaaa{\\}aaaaaaaa",
    "{~/}aaaaaaaa/aaaaaaaa",
    "{$HOME/}aaaaaaaa",
    "{${HOME}/}aaaaaaaa",
    "{%APPDATA%\\}aaaaaaaa",
    "aaaaaa/aaaaaaaa/aaaaaaaa.{ts}",
    "aaaaaaaa.{spec.ts}",
    "aaaaaaaa{/}aaaaaaaa{.py}",
    "{%2Fhome%2F}aaaaaaaa",
    "{file:///home/}aaaaaaaa/aaaaaa%20aaaaaa",
    "{vscode-remote://ssh-remote%2B}aaaaaaaa/{home}/aaaaaaaa",
    "{/home/用户/}aaaaaaaa",
    "{git@github.com:}aaaaaaaa/aaaaaaaa.{git}",
    "{203.0.113.}00",
    "{2001:db8::8a2e:}xxxx{:7334}",
    "{4111 1111 1111 1111}",
    "{5500-0055-5555-5559}",
    "{378282246310005}",
    "{DE89 3704 0044 0532 0130 00}",
    "{GB82WEST12345698765432}",
    "{+49 30 }00000000",
    "{+1 (555) }000-0000",
    "{.bash_history}",
};

/* What may stand before and behind. */
static const char *const around[][2] = {
    {"", ""},           {"before ", " after"},
    {"(", ")"},         {"[", "]"},
    {"\"", "\""},       {"'", "'"},
    {"`", "`"},         {"<", ">"},
    {"", "."},          {"", ", and"},
    {"", "!"},          {"x=", ""},
    {"x: ", ";"},       {"a\n", "\nb"},
    {"a\t", "\tb"},     {"{\"k\":\"", "\"}"},
    {"Error: ", "?"},   {"| ", " |"},
    {"* ", ""},         {"你好 ", " 再见"},
    {"“", "”"},         {"\x01", "\x02"},
    {"<path>", ""},     {"<secret>, ", ""},
    {"- name: ", "\n"}, {"[12:30:45] INFO ", " ok"},
    {"see (", ")."},    {"🙂 ", "🙂"},
    {"\xff ", " \xff"}, {"--file=", ""},
    {"open(", ")"},     {"key=\"", "\" x=1"},
    {"{'a': '", "'}"},  {"\r\n", "\r\n"},
    {"=> ", ""},        {"https://h.test/?q=", "&b=2"},
    {"**", "**"},       {"\\\"", "\\\""},
    {"at ", ":"},
};

static void nothing_that_gives_itself_away_comes_out(void **state)
{
    (void)state;
    uint32_t seed = 2463534242u;
    cases = 0;
    for (size_t k = 0; k < sizeof(bare) / sizeof(bare[0]); k++)
        for (size_t a = 0; a < sizeof(around) / sizeof(around[0]); a++)
            for (int repeat = 0; repeat < 5; repeat++) {
                candor_buf secret = {0}, text = {0};
                put_pattern(&secret, bare[k], &seed);
                bool url = strstr(around[a][0], "://") != NULL;
                if (url && memchr(secret.p, ' ', secret.n) != NULL) { /* ends at a space */
                    candor_buf_free(&secret);
                    continue;
                }
                for (int n = 0; n <= repeat / 3; n++) {
                    if (n > 0) candor_buf_put_c(&text, ' ');
                    candor_buf_put_bytes(&text, candor_bytes_str(around[a][0]));
                    candor_buf_put_bytes(&text, candor_buf_bytes(&secret));
                    candor_buf_put_bytes(&text, candor_bytes_str(around[a][1]));
                }
                assert_gone(candor_buf_bytes(&text), candor_buf_bytes(&secret));
                candor_buf_free(&secret);
                candor_buf_free(&text);
            }
    assert_true(cases >= 14000);
}

/* --- secrets that a key gives away ---------------------------------------------------------------
 */

static const char *const keys[] = {
    "password",
    "DB_PASSWORD",
    "Passwd",
    "passphrase",
    "PGPASSWORD",
    "pwd",
    "secret",
    "client_secret",
    "CLIENT-SECRET",
    "apiKey",
    "API_KEY",
    "x-api-key",
    "accessToken",
    "ACCESS_TOKEN",
    "refresh-token",
    "auth_token",
    "session_id",
    "JSESSIONID",
    "private-key",
    "AccountKey",
    "AWS_SECRET_ACCESS_KEY",
    "my.app.credentials",
    "otp_token",
    "csrfToken",
    "signing_key",
    "encryptionKey",
};

/* K is the key, V the value. */
static const char *const forms[] = {
    "K=V",
    "K = V",
    "K: V",
    "K:V",
    "K => V",
    "K := 'V'",
    "\"K\":\"V\"",
    "\"K\" : \"V\"",
    "'K': 'V'",
    "{K:V}",
    "{\"a\":1,\"K\":\"V\",\"b\":[2]}",
    "\\\"K\\\":\\\"V\\\"",
    "\\\\\"K\\\\\":\\\\\"V\\\\\"",
    "--K V",
    "--K=V",
    "--K 'V'",
    "export K=V",
    "export K='V'",
    "set K=V\nnext",
    "?a=1&K=V&b=2",
    "https://h.test/p?K=V",
    "Server=db;K=V;Trusted=no",
    "h[\"K\"] = \"V\"",
    "env.K = `V`",
    "  K: |\n    V\n  b: 1",
    "K: >-\n  V\n",
    "K:\n  V\nnext: 1",
    "\"K\":\n    \"V\"",
    "<K>V</K>",
    "<x:K type=\"a\">V</x:K>",
    "<K>\n  V\n</K>",
    "<add key=\"K\" value=\"V\"/>",
    "- name: K\n  value: V",
    "{\"name\":\"K\",\"value\":\"V\"}",
    "K%3DV%26a%3D1",
    "%22K%22%3A%22V%22",
    "2026-11-21 INFO K=V done",
    "Error: bad K: V",
    "(K=V)",
    "[K: V]",
    "K == V",
    "K\t=\tV",
    "你好 K=V",
    "K=V K=V K=V",
    "a=b,K=V",
    "K: [\"V\", \"V\"]",
    "jdbc:sqlserver://h:1433;user=sa;K=V",
};

static const char *const values[] = {
    "hunter2hunter2",       "Tr0ub4dor3", "correcthorsebattery", "********",
    "xxxxxxxxxxxxxxxxxxxx", "00000000",   "aaaaaa0aaaa",         "A*a*0*a*-*a*_*"};

static void put_form(candor_buf *out, const char *form, candor_bytes key, candor_bytes value)
{
    for (; *form != '\0'; form++)
        if (*form == 'K')
            candor_buf_put_bytes(out, key);
        else if (*form == 'V')
            candor_buf_put_bytes(out, value);
        else
            candor_buf_put_c(out, *form);
}

/* 0: as it is, 1: upper case, 2: lower case. */
static void put_cased(candor_buf *out, const char *key, int how)
{
    for (; *key != '\0'; key++) {
        bool lower = *key >= 'a' && *key <= 'z', upper = *key >= 'A' && *key <= 'Z';
        bool flip = (how == 1 && lower) || (how == 2 && upper);
        candor_buf_put_c(out, flip ? (char)(*key ^ 0x20) : *key);
    }
}

static void no_value_of_a_secret_key_comes_out(void **state)
{
    (void)state;
    uint32_t seed = 88172645u;
    cases = 0;
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
        for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++)
            for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
                candor_buf key = {0}, value = {0}, text = {0};
                put_cased(&key, keys[k], (int)(v % 3));
                put_pattern(&value, values[v], &seed);
                put_form(&text, forms[f], candor_buf_bytes(&key), candor_buf_bytes(&value));
                assert_gone(candor_buf_bytes(&text), candor_buf_bytes(&value));
                candor_buf_free(&key);
                candor_buf_free(&value);
                candor_buf_free(&text);
            }
    assert_true(cases >= 9000);
}

/* --- secrets that a sentence or a header gives away ----------------------------------------------
 */

static const char *const sentences[] = {
    "the password is V",
    "password was V.",
    "my password is \"V\"",
    "token V is bad",
    "with token V",
    "new password set to V",
    "api key V rejected",
    "the API key is V",
    "passphrase V",
    "pwd V",
    "secret V",
    "curl -u bob:V https://h.test",
    "curl -u 'bob:V' x",
    "curl --user bob:V x",
    "Authorization: Digest username=\"bob\", response=\"V\", nonce=\"V\"",
    "Authorization: Basic V",
    "Authorization: Bearer V",
    "'Authorization: token V'",
    "-H \"Authorization: Bearer V\" -d 1",
    "Proxy-Authorization: Digest a=\"V\"",
    "Cookie: a=V; b=\"V\"",
    "Set-Cookie: a=V; Path=/",
    "postgres://bob:V@db.example.com/app",
    "redis://:V@h:6379/0",
    "mongodb+srv://u:V@h.example.net",
    "https://V@github.com",
    "amqp://V:V@h",
    "bob@example.com:V",
    "user=bobV",
    "username: bobV",
    "User Id=bobV;Server=x",
    "uid=1000(bobV) gid=1000(bobV)",
    "login: bobV",
    "session: V",
    "2fa code: V",
    "-----BEGIN PRIVATE KEY-----\nV\nV\n-----END PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\\nV\\nV",
};

static void no_value_that_a_sentence_names_comes_out(void **state)
{
    (void)state;
    static const char *const mixed[] = {"hunter2hunter2", "a0a0a0a0aa", "aaaa00aaaa", "A*a0*a*a",
                                        "xxxx0axxxx"};
    uint32_t seed = 521288629u;
    cases = 0;
    for (size_t s = 0; s < sizeof(sentences) / sizeof(sentences[0]); s++)
        for (size_t v = 0; v < sizeof(mixed) / sizeof(mixed[0]); v++)
            for (int repeat = 0; repeat < 3; repeat++) {
                candor_buf value = {0}, text = {0};
                put_pattern(&value, mixed[v], &seed);
                if (repeat == 1) candor_buf_put_bytes(&text, CANDOR_LIT("[worker-3] note: "));
                put_form(&text, sentences[s], CANDOR_LIT("K"), candor_buf_bytes(&value));
                if (repeat == 2) candor_buf_put_bytes(&text, CANDOR_LIT("\nand more"));
                assert_gone(candor_buf_bytes(&text), candor_buf_bytes(&value));
                candor_buf_free(&value);
                candor_buf_free(&text);
            }
    assert_true(cases >= 500);
}

/* --- precision -----------------------------------------------------------------------------------
 */

#define TOUCHED 0

#include "redact_prose.h"

static void prose_stays_but_for_the_lines_that_are_counted(void **state)
{
    (void)state;
    unsigned touched = 0, lines = sizeof(prose) / sizeof(prose[0]);
    for (unsigned i = 0; i < lines; i++) {
        candor_buf out = {0};
        if (candor_redact(candor_bytes_str(prose[i]), &out) != 0) {
            touched++;
            print_message("%s\n  -> %.*s\n", prose[i], (int)out.n, out.p);
        }
        candor_buf_free(&out);
    }
    assert_true(lines >= 300);
    assert_int_equal(touched, TOUCHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_gives_itself_away_comes_out),
        cmocka_unit_test(no_value_of_a_secret_key_comes_out),
        cmocka_unit_test(no_value_that_a_sentence_names_comes_out),
        cmocka_unit_test(prose_stays_but_for_the_lines_that_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
