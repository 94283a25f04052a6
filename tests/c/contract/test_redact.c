#include "redact_vectors.h"

/* --- vectors ------------------------------------------------------------------------------------
 */

static void check_vector(const redact_vector *v)
{
    candor_bytes in = {v->in, v->in_n};
    candor_buf out = {0}, again = {0};
    unsigned found = candor_redact(in, &out);
    assert_redacts(v, found, &out);
    assert_int_equal(candor_redact_scan(in), found);
    assert_int_equal(candor_redact(candor_buf_bytes(&out), &again), 0);
    assert_true(candor_bytes_eq(candor_buf_bytes(&out), candor_buf_bytes(&again)));
    candor_buf_free(&out);
    candor_buf_free(&again);
}

static void redact_gives_what_the_shared_vectors_say(void **state)
{
    (void)state;
    assert_true(vectors_each("tests/vectors/redact.json", check_vector) >= 350);
}

/* --- nothing planted comes out -------------------------------------------------------------------
 */

/* What must not come out, whatever stands around it. */
static const char *const planted[] = {
    "alice.smith+tag@example.com",
    "ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5",
    "AKIAIOSFODNN7EXAMPLE",
    "sk-ant-api03-aB3dE5gH7jK9mN1p",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "/home/alice/project/secret.ts",
    "/Users/alice/проект/файл.py",
    "C:\\Users\\alice\\project\\main.cs",
    "\\\\fileserver\\alice\\plan.docx",
    "~/project/secret.ts",
    "src/billing/invoice.ts",
    "203.0.113.77",
    "2001:db8:85a3::8a2e:370:7334",
};

static const char *const around[][2] = {
    {"", ""},           {"before ", " after"},
    {"(", ")"},         {"[", "]"},
    {"{", "}"},         {"\"", "\""},
    {"'", "'"},         {"`", "`"},
    {"<", ">"},         {"", "."},
    {"", ","},          {"x=", ""},
    {"x: ", ";"},       {"a\n", "\nb"},
    {"a\t", "\tb"},     {"{\"k\":\"", "\"}"},
    {"Error: ", "!"},   {"| ", " |"},
    {"* ", "?"},        {"你好 ", " 再见"},
    {"\x01", "\x02"},   {"<path>", ""},
    {"<email> ", ""},   {"<secret>,", ""},
    {"=", ""},          {"(see ", ")."},
    {"--file=", ""},    {"at ", " in x"},
    {"\xff ", " \xff"}, {"🙂 ", "🙂"},
};

static bool holds(const candor_buf *b, const char *what, size_t n)
{
    for (size_t i = 0; i + n <= b->n; i++)
        if (memcmp(b->p + i, what, n) == 0) return true;
    return false;
}

/* Not even half of it. */
static void assert_gone(const char *text, const char *secret)
{
    size_t n = strlen(secret), half = n / 2;
    candor_buf out = {0};
    (void)candor_redact(candor_bytes_str(text), &out);
    for (size_t at = 0; at + half <= n; at++)
        if (holds(&out, secret + at, half)) fail_msg("%s left %.*s", text, (int)out.n, out.p);
    candor_buf_free(&out);
}

static void nothing_planted_comes_out_whatever_stands_around_it(void **state)
{
    (void)state;
    char text[256];
    for (size_t p = 0; p < sizeof(planted) / sizeof(planted[0]); p++)
        for (size_t a = 0; a < sizeof(around) / sizeof(around[0]); a++) {
            (void)snprintf(text, sizeof(text), "%s%s%s", around[a][0], planted[p], around[a][1]);
            assert_gone(text, planted[p]);
        }
}

static void values_of_secret_keys_do_not_come_out_however_they_are_written(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "password",     "DB_PASSWORD", "apiKey",      "x-api-key",          "client_secret",
        "ACCESS_TOKEN", "session.id",  "Private-Key", "my.app.credentials", "authToken"};
    static const char *const forms[] = {"%s=%s",
                                        "%s = %s",
                                        "%s: %s",
                                        "%s:%s",
                                        "\"%s\":\"%s\"",
                                        "\"%s\" : \"%s\"",
                                        "'%s': '%s'",
                                        "--%s %s",
                                        "--%s=%s",
                                        "?a=1&%s=%s&b=2",
                                        "{%s:%s}",
                                        "%s => \"%s\"",
                                        "\\\"%s\\\":\\\"%s\\\"",
                                        "%s := `%s`",
                                        "export %s='%s'",
                                        "h[\"%s\"] = \"%s\"",
                                        "%s == %s",
                                        "https://h/?%s=%s"};
    static const char secret[] = "Tr0ub4dor&3x";
    static const char plain[] = "Tr0ub4dor3x";
    char text[256];
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
        for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
            bool quoted = strpbrk(forms[f], "\"'`") != NULL;
            const char *value = quoted ? secret : plain;
            (void)snprintf(text, sizeof(text), forms[f], keys[k], value);
            assert_gone(text, value);
        }
}

/* --- bytes ---------------------------------------------------------------------------------------
 */

static void assert_becomes(candor_bytes in, const char *want, unsigned found)
{
    candor_buf out = {0};
    assert_int_equal(candor_redact(in, &out), found);
    assert_text(&out, want);
    candor_buf_free(&out);
}

static void malformed_utf8_becomes_replacement_characters(void **state)
{
    (void)state;
    assert_becomes(CANDOR_LIT("a\xff"), "a\xEF\xBF\xBD", 0);
    assert_becomes(CANDOR_LIT("\xc3"), "\xEF\xBF\xBD", 0);
    assert_becomes(CANDOR_LIT("\xc0\xaf"), "\xEF\xBF\xBD\xEF\xBF\xBD", 0);
    assert_becomes(CANDOR_LIT("\xed\xa0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 0);
    assert_becomes(CANDOR_LIT("\xff token=abc1 \xff"), "\xEF\xBF\xBD token=<secret> \xEF\xBF\xBD",
                   CANDOR_FOUND_SECRET);
}

static void controls_become_spaces_and_part_tokens(void **state)
{
    (void)state;
    assert_becomes(CANDOR_LIT("a\0b\x1f"
                              "c\rd"),
                   "a b c d", 0);
    assert_becomes(CANDOR_LIT("\n\t"), "\n\t", 0);
    assert_becomes(CANDOR_LIT("password:\x01hunter2"), "password: <secret>", CANDOR_FOUND_SECRET);
    assert_becomes(CANDOR_LIT("a@b.com\x02x"), "<email> x", CANDOR_FOUND_EMAIL);
}

static void redact_appends_and_leaves_what_is_there(void **state)
{
    (void)state;
    candor_buf out = {0};
    candor_buf_put_bytes(&out, CANDOR_LIT("c@d.com "));
    assert_int_equal(candor_redact(CANDOR_LIT("a@b.com"), &out), CANDOR_FOUND_EMAIL);
    assert_text(&out, "c@d.com <email>");
    candor_buf_free(&out);
}

static void redact_takes_an_empty_slice(void **state)
{
    (void)state;
    candor_buf out = {0};
    assert_int_equal(candor_redact((candor_bytes){NULL, 0}, &out), 0);
    assert_int_equal(candor_redact_scan((candor_bytes){NULL, 0}), 0);
    assert_int_equal(out.n, 0);
    candor_buf_free(&out);
}

static void a_full_buffer_is_marked_failed_and_never_overrun(void **state)
{
    (void)state;
    static const candor_bytes in = {"to a@b.com from 10.0.0.1 in /home/x/y, x@1.2.3.4.5", 50};
    for (size_t cap = 0; cap < 60; cap++) {
        char storage[64];
        candor_buf out;
        memset(storage, '#', sizeof(storage));
        candor_buf_init_fixed(&out, storage, cap);
        unsigned found = candor_redact(in, &out);
        assert_int_equal(found, candor_redact_scan(in));
        assert_true(out.n <= cap);
        for (size_t i = cap; i < sizeof(storage); i++)
            assert_int_equal(storage[i], '#');
    }
}

/* --- any bytes -----------------------------------------------------------------------------------
 */

static uint32_t next_random(uint32_t *s)
{
    *s ^= *s << 13; /* xorshift32: https://www.jstatsoft.org/article/view/v008i14 */
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

static void a_second_pass_finds_nothing_in_any_mix_of_fragments(void **state)
{
    (void)state;
    static const char *const parts[] = {"a",
                                        "/",
                                        "\\",
                                        "@",
                                        ".",
                                        ":",
                                        "=",
                                        "\"",
                                        "'",
                                        " ",
                                        "\n",
                                        "<",
                                        ">",
                                        "-",
                                        "--",
                                        "~",
                                        "%",
                                        "$",
                                        "1.2.3.4",
                                        "::1",
                                        "a@b.com",
                                        "/home/x",
                                        "C:\\x",
                                        "\xff",
                                        "\xc3\xa9",
                                        "token",
                                        "password",
                                        "Bearer ",
                                        "<path>",
                                        "<secret>",
                                        "<email>",
                                        "<ip>",
                                        "https://",
                                        "file://",
                                        "src/a.ts",
                                        "x.js",
                                        "eyJhbGciOiJIUzI1NiJ9",
                                        "(",
                                        ")",
                                        "AKIAIOSFODNN7EXAMPLE",
                                        "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5",
                                        "Cookie: a=b",
                                        "\x01",
                                        ":10:5",
                                        "-----BEGIN X-----",
                                        "0",
                                        "Z",
                                        "_",
                                        "+",
                                        ","};
    uint32_t seed = 2463534242u;
    for (int round = 0; round < 20000; round++) {
        candor_buf in = {0}, once = {0}, twice = {0};
        for (uint32_t n = 1 + next_random(&seed) % 12; n > 0; n--) {
            const char *part = parts[next_random(&seed) % (sizeof(parts) / sizeof(parts[0]))];
            candor_buf_put(&in, part, strlen(part));
        }
        unsigned found = candor_redact(candor_buf_bytes(&in), &once);
        unsigned again = candor_redact(candor_buf_bytes(&once), &twice);
        if (again != 0 || found != candor_redact_scan(candor_buf_bytes(&in)) ||
            !candor_bytes_eq(candor_buf_bytes(&once), candor_buf_bytes(&twice)))
            fail_msg("%.*s gives %.*s, then %.*s", (int)in.n, in.p, (int)once.n, once.p,
                     (int)twice.n, twice.p);
        candor_buf_free(&in);
        candor_buf_free(&once);
        candor_buf_free(&twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redact_gives_what_the_shared_vectors_say),
        cmocka_unit_test(nothing_planted_comes_out_whatever_stands_around_it),
        cmocka_unit_test(values_of_secret_keys_do_not_come_out_however_they_are_written),
        cmocka_unit_test(malformed_utf8_becomes_replacement_characters),
        cmocka_unit_test(controls_become_spaces_and_part_tokens),
        cmocka_unit_test(redact_appends_and_leaves_what_is_there),
        cmocka_unit_test(redact_takes_an_empty_slice),
        cmocka_unit_test(a_full_buffer_is_marked_failed_and_never_overrun),
        cmocka_unit_test(a_second_pass_finds_nothing_in_any_mix_of_fragments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
