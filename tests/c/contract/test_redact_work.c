/* The redactor's work is linear in the text. Counted, not timed: the sources are compiled into this
 * test with a counter in every loop that depends on the text's length. */
static unsigned long long steps;
#define CANDOR_REDACT_STEP() ((void)steps++)

#include "contract/redact.c"
#include "contract/redact_encoded.c"
#include "contract/redact_ip.c"
#include "contract/redact_key.c"
#include "contract/redact_url.c"
#include "contract/redact_words.c"
/* Static functions of one name in several files. */
#define mixed      phrase_mixed
#define quoted_end phrase_quoted_end
#define digits     phrase_digits
#include "contract/redact_phrase.c"
#undef mixed
#undef quoted_end
#undef digits
#include "contract/redact_secret.c"
#define value_end phrase_value_end
#include "contract/redact_value.c"
#define digits card_digits
#include "contract/redact_number.c"
#undef digits
#define is_prose path_is_prose
#include "contract/redact_path.c"
#undef is_prose

#include "support.h"

#define TEXT_MAX 65536
/* Counted steps a byte, over all rules; a quadratic rule takes thousands at this size. */
#define STEPS_A_BYTE 400
/* The cut at the end may decide which rule takes a text. */
#define STEPS_MORE (16ull * TEXT_MAX)

static unsigned long long work(candor_bytes text)
{
    steps = 0;
    (void)candor_redact_scan(text);
    return steps;
}

static char *repeated(const char *unit, size_t n)
{
    size_t m = strlen(unit);
    char *text = malloc(n);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = unit[i % m];
    return text;
}

static void assert_linear(const char *unit)
{
    char *text = repeated(unit, TEXT_MAX);
    unsigned long long half = work(candor_bytes_of(text, TEXT_MAX / 2));
    unsigned long long whole = work(candor_bytes_of(text, TEXT_MAX));
    free(text);
    if (whole > (unsigned long long)STEPS_A_BYTE * TEXT_MAX)
        fail_msg("\"%s\": %llu steps a byte", unit, whole / TEXT_MAX);
    if (whole > 3 * half + STEPS_MORE)
        fail_msg("\"%s\": %llu steps, half of it %llu", unit, whole, half);
}

static void hostile_texts_take_linear_work(void **state)
{
    (void)state;
    static const char *const units[] = {
        "@",
        "/",
        "\\",
        ".",
        ":",
        "=",
        "\"",
        "'",
        "`",
        "~",
        "%",
        "$",
        "-",
        "<",
        "(",
        "[",
        "a.",
        "a@",
        "a@a.",
        "a.a@",
        "a/",
        "a\\",
        "/a ",
        "/a,",
        "a:",
        "a=",
        "a-",
        "a_",
        "A1b-",
        "A1b/",
        "sk-",
        "sk-a",
        "eyJ",
        "eyJ.",
        "eyJ ",
        "ghp_",
        "http://",
        "http://a:",
        "http://a@",
        "file://",
        "a+",
        "a+://",
        "::",
        "1:",
        "1::",
        "1.2.3.4.",
        "1.2.",
        "%40",
        "a%40",
        "token=",
        "token:\"",
        "token: ",
        "token:[",
        "cookie: ",
        "cookie: a ",
        "cookie=",
        "password ",
        "--token ",
        "--a ",
        "Bearer ",
        "Bearer a",
        "-----BEGIN ",
        "-----BEGIN A-----",
        "-----",
        "\"/",
        "\"/ ",
        "'/a ",
        "'a ",
        "\"a/b ",
        "C:\\a ",
        "C:\\a b",
        "/home/a b",
        "~a",
        "~a/",
        "${a",
        "%a",
        "%a%",
        "./",
        "../",
        ".a",
        "a b/",
        "\xff",
        "\xff@",
        "\xc3\xa9/",
        "a'",
        "/a'b",
        "'\"`",
        "\\\"",
        "token=\\\"",
        "a:b@",
        "1234567890:",
        "<path>",
        "<secret>@",
        "http://<secret>",
        "token=<secret>",
        "(/a",
        "/a)",
        "[a](",
        "a[",
        "a/[",
        "authorization: ",
        "x.y.z.js ",
        "Authorization: Digest ",
        "user@host:",
        "x@[",
        "AbCdEfGh1234/",
        "<token>",
        "<token> a",
        "<token a=",
        "<password>a</b>",
        "password is ",
        "password is a",
        "token \"",
        "code 1",
        "key ",
        "password:\n a\n",
        "password: |\n a\n",
        "token: |\n -",
        "token:\n ",
        "name: token\n",
        "name=token value=",
        "uid=1(",
        "user: a",
        "phone: 1 ",
        "%2F",
        "%2Fa",
        "a%2F",
        "%3D",
        "token%3D",
        "token%3Da%26",
        "%25",
        "%252Fa",
        "4111 ",
        "4111-",
        "4111 1111 1111 1112 ",
        "41111111111111111",
        "DE89 3704 ",
        "DE89",
        "DE89A",
        "+1",
        "+49 3",
        "+1 ",
        "a\"@",
        "\"a\"@a.",
        "aa@bb:",
        "aa@bb-",
        "a@b.cc:d",
        "-u a:",
        "-u ",
        "aa\\b",
        ".env ",
        "a0b1c2d3e4",
        "he/she/",
        "ip-10-",
        "Cookie: a=\"b\" ",
        "token = a(",
        "a ",
        "A",
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        assert_linear(units[i]);
}

/* Pairs find what single units do not: a rule that gives up late, started again by another. */
static void hostile_pairs_take_linear_work(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "a",        "/",      "\\",      "@",    ".",    ":",   "=",    "\"",   "'",      " ",
        "<",        "-",      "~",       "%",    "$",    "[",   "(",    ")",    "_",      "1",
        "token",    "cookie", "http://", "\xff", "A1b",  "sk-", "eyJ",  "\n",   "/home/", "C:\\",
        "password", "%2F",    "%3D",     "4111", "DE89", "+",   "user", " is ", "key"};
    char unit[64];
    size_t n = sizeof(parts) / sizeof(parts[0]);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            (void)snprintf(unit, sizeof(unit), "%s%s", parts[i], parts[k]);
            assert_linear(unit);
        }
}

static void clean_prose_is_skipped_without_a_rule(void **state)
{
    (void)state;
    char *text = repeated("The quick brown fox, it jumps over a lazy dog. ", TEXT_MAX);
    assert_true(work(candor_bytes_of(text, TEXT_MAX)) < TEXT_MAX / 100);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_texts_take_linear_work),
        cmocka_unit_test(hostile_pairs_take_linear_work),
        cmocka_unit_test(clean_prose_is_skipped_without_a_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
