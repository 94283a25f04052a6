#include "base/base_test.h"

#include <dirent.h>
#include <stdio.h>

#include "base/json.h"

#define VECTORS CANDOR_SOURCE_DIR "/tests/vectors/json/"

static bool accepts(candor_bytes text, unsigned depth)
{
    candor_json j;
    candor_json_token t;
    candor_json_init(&j, text, depth);
    while (candor_json_next(&j, &t) > CANDOR_JSON_END) {
    }
    return t.type == CANDOR_JSON_END;
}

static bool accepts_exact(const void *p, size_t n, unsigned depth)
{
    candor_bytes text = exact(p, n);
    bool ok = accepts(text, depth);
    exact_free(text);
    return ok;
}

/* The kinds of all tokens, one letter each; '!' for an error. */
static void kinds(const char *text, char *out, size_t cap)
{
    static const char letters[] = "!.{}[]ksntfN";
    candor_bytes b = exact(text, strlen(text));
    candor_json j;
    candor_json_token t;
    size_t n = 0;
    candor_json_init(&j, b, 64);
    do {
        assert_true(n + 1 < cap);
        out[n++] = letters[candor_json_next(&j, &t)];
    } while (t.type > CANDOR_JSON_END);
    out[n] = '\0';
    exact_free(b);
}

static void tokens_come_in_the_order_of_the_text(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{\"a\":[1,true,false,null,\"s\",{}],\"b\":{\"c\":[]}}", "{k[ntfNs{}]k{k[]}}."},
        {"[{\"a\":1},[1,2],{\"b\":3,\"c\":4}]", "[{kn}[nn]{knkn}]."},
        {"[]", "[]."},
        {" 1 ", "n."},
        {"\"x\"", "s."},
        {"[1,]", "[n!"},
        {"{,}", "{!"},
        {"{\"a\":}", "{k!"},
        {"1 2", "n!"},
        {"{\"a\" 1}", "{!"},
        {"[1}", "[n!"},
        {"", "!"},
        {"[[[", "[[[!"},
        {"{\"a\":1]", "{kn!"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char got[64];
        kinds(rows[i][0], got, sizeof(got));
        assert_string_equal(got, rows[i][1]);
    }
}

static void tokens_borrow_their_raw_text(void **state)
{
    (void)state;
    candor_json j;
    candor_json_token t;
    candor_json_init(&j, CANDOR_LIT(" { \"k\\n\" : -1.5e3 , \"z\" : \"\" } "), 4);
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_OBJECT);
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_KEY);
    assert_bytes(t.raw, CANDOR_LIT("k\\n"));
    assert_true(t.escaped);
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_NUMBER);
    assert_bytes(t.raw, CANDOR_LIT("-1.5e3"));
    assert_false(t.escaped);
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_KEY);
    assert_false(t.escaped);
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_STRING);
    assert_int_equal(t.raw.n, 0);
}

static void end_and_error_repeat(void **state)
{
    (void)state;
    candor_json j;
    candor_json_token t;
    candor_json_init(&j, CANDOR_LIT("1"), 4);
    (void)candor_json_next(&j, &t);
    for (int i = 0; i < 3; i++)
        assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_END);
    assert_null(j.error);
    candor_json_init(&j, CANDOR_LIT("[1,,2]"), 4);
    (void)candor_json_next(&j, &t);
    (void)candor_json_next(&j, &t);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_ERROR);
        assert_string_equal(j.error, "expected a value");
        assert_int_equal(j.p - j.start, 3);
    }
}

static void error_position_is_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
    } rows[] = {{"x", 1, 1},       {"[1,\n 2,\n  x]", 3, 3}, {"{\"a\":\n\"b\\q\"}", 2, 3},
                {"[1", 1, 3},      {"\n\n", 3, 1},           {"[01]", 1, 3},
                {"[tru]", 1, 5},   {"\"a\tb\"", 1, 3},       {"\"\xc3\xa9\xff\"", 1, 4},
                {"{}\r\n{}", 2, 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        candor_json j;
        candor_json_token t;
        unsigned line, column;
        candor_json_init(&j, candor_bytes_str(rows[i].text), 8);
        while (candor_json_next(&j, &t) > CANDOR_JSON_END) {
        }
        assert_int_equal(t.type, CANDOR_JSON_ERROR);
        assert_non_null(j.error);
        candor_json_where(&j, &line, &column);
        assert_int_equal(line, rows[i].line);
        assert_int_equal(column, rows[i].column);
    }
}

static void depth_limit_counts_open_containers(void **state)
{
    (void)state;
    assert_true(accepts(CANDOR_LIT("[[[1]]]"), 3));
    assert_false(accepts(CANDOR_LIT("[[[1]]]"), 2));
    assert_true(accepts(CANDOR_LIT("[[],[],{\"a\":{}}]"), 3));
    assert_false(accepts(CANDOR_LIT("{\"a\":{\"b\":{}}}"), 2));
    assert_true(accepts(CANDOR_LIT("1"), 1));
    assert_true(accepts(CANDOR_LIT("[]"), 0)); /* out-of-range limits are brought into range */
    assert_false(accepts(CANDOR_LIT("[[]]"), 0));
}

static void kind_of_each_level_is_remembered_across_words(void **state)
{
    (void)state;
    /* Alternate arrays and objects over more than one 64-bit word, then close in the same order;
     * any level closed by the other bracket must be seen. */
    enum { LEVELS = 200 };
    candor_buf b = {0};
    size_t closers;
    for (int i = 0; i < LEVELS; i++)
        candor_buf_putf(&b, "%s", i % 3 == 0 ? "{\"k\":" : "[");
    candor_buf_put_c(&b, '0');
    closers = b.n;
    for (int i = LEVELS - 1; i >= 0; i--)
        candor_buf_put_c(&b, i % 3 == 0 ? '}' : ']');
    assert_true(accepts(candor_buf_bytes(&b), LEVELS));
    for (size_t at = closers; at < b.n; at++) {
        char kept = b.p[at];
        b.p[at] = kept == '}' ? ']' : '}';
        assert_false(accepts(candor_buf_bytes(&b), LEVELS));
        b.p[at] = kept;
    }
    candor_buf_free(&b);
}

static void skip_gives_the_whole_text_of_a_value(void **state)
{
    (void)state;
    static const char *const values[] = {"1.5",
                                         "\"a\\\"b\"",
                                         "true",
                                         "null",
                                         "[]",
                                         "{}",
                                         "[1, [2], {\"a\": 3}]",
                                         "\"\"",
                                         "{\"a\": [1, {\"b\": \"}\"}]}"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[128];
        candor_json j;
        candor_json_token t;
        candor_bytes raw;
        (void)snprintf(text, sizeof(text), "[ %s , 7]", values[i]);
        candor_json_init(&j, candor_bytes_str(text), 16);
        assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_ARRAY);
        (void)candor_json_next(&j, &t);
        assert_true(candor_json_skip(&j, &t, &raw));
        assert_bytes(raw, candor_bytes_str(values[i]));
        assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_NUMBER);
        assert_bytes(t.raw, CANDOR_LIT("7"));
    }
}

static void skip_fails_on_a_syntax_error_and_on_no_value(void **state)
{
    (void)state;
    candor_json j;
    candor_json_token t;
    candor_json_init(&j, CANDOR_LIT("{\"a\":[1,x]}"), 16);
    (void)candor_json_next(&j, &t);
    assert_false(candor_json_skip(&j, &t, NULL));
    assert_string_equal(j.error, "expected a value");
    candor_json_init(&j, CANDOR_LIT("[]"), 16);
    (void)candor_json_next(&j, &t);
    (void)candor_json_next(&j, &t);
    assert_false(candor_json_skip(&j, &t, NULL)); /* ARRAY_END starts nothing */
}

static const char document[] =
    "{\"id\":\"0194f0a2-1111\",\"n\":[0,-1.25e+3,true,false,null],\"t\":\"caf\xc3\xa9 \\u00e9\\n "
    "\xf0\x9f\x98\x80 long enough for the fast path\",\"o\":{\"\":{}},\"e\":[]}";

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    size_t n = sizeof(document) - 1;
    assert_true(accepts_exact(document, n, 8));
    for (size_t cut = 0; cut < n; cut++)
        assert_false(accepts_exact(document, cut, 8));
}

/* The sanitizer is the judge here: no byte at any place may lead out of the text. */
static void every_byte_at_every_place_is_read_within_bounds(void **state)
{
    (void)state;
    char text[sizeof(document)];
    size_t n = sizeof(document) - 1, accepted = 0;
    memcpy(text, document, n);
    for (size_t at = 0; at < n; at++) {
        for (int c = 0; c < 256; c++) {
            text[at] = (char)c;
            accepted += accepts_exact(text, n, 8);
            accepted += accepts_exact(text, at + 1, 8);
        }
        text[at] = document[at];
    }
    assert_true(accepted > n); /* at least each byte as it was */
}

static void control_and_non_ascii_bytes_stop_at_every_offset(void **state)
{
    (void)state;
    static const char stops[] = {'\0', '\n', '\x1f', '\x80', '\xff', '"', '\\'};
    for (size_t length = 1; length < 40; length++) {
        for (size_t at = 0; at < length; at++) {
            char text[48];
            memset(text, 'x', sizeof(text));
            text[0] = text[length + 1] = '"';
            assert_true(accepts_exact(text, length + 2, 1));
            for (size_t i = 0; i < sizeof(stops); i++) {
                /* A backslash in front of the last x escapes it wrongly, one in front of the quote
                 * hides the end; both are errors. */
                text[at + 1] = stops[i];
                assert_false(accepts_exact(text, length + 2, 1));
            }
            text[at + 1] = '\x7f';
            assert_true(accepts_exact(text, length + 2, 1));
        }
    }
}

static void white_space_is_four_characters_only(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[4] = {'[', (char)c, ']', '\0'};
        bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        bool digit = c >= '0' && c <= '9';
        assert_int_equal(accepts_exact(text, 3, 2), space || digit);
    }
}

static candor_bytes read_vector(const char *name)
{
    char path[1024];
    candor_buf b = {0};
    FILE *f;
    int c;
    (void)snprintf(path, sizeof(path), "%s%s", VECTORS, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    while ((c = getc(f)) != EOF)
        candor_buf_put_c(&b, (char)c);
    assert_int_equal(fclose(f), 0);
    candor_bytes text = exact(b.p, b.n);
    candor_buf_free(&b);
    return text;
}

/* "| `name` | accept |" in the README decides about an i_ vector. */
static bool expected(const char *name, candor_bytes readme)
{
    char row[300];
    const char *at;
    if (name[0] != 'i') return name[0] == 'y';
    (void)snprintf(row, sizeof(row), "| `%s` | ", name);
    at = memmem(readme.p, readme.n, row, strlen(row));
    if (at == NULL) fail_msg("README.md has no row for %s", name);
    at += strlen(row);
    if (strncmp(at, "accept", 6) != 0 && strncmp(at, "reject", 6) != 0)
        fail_msg("README.md neither accepts nor rejects %s", name);
    return at[0] == 'a';
}

static void conformance_vectors_are_judged_as_named(void **state)
{
    (void)state;
    candor_bytes readme = read_vector("README.md");
    DIR *dir = opendir(VECTORS);
    struct dirent *entry;
    unsigned count = 0, wrong = 0;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        candor_bytes text;
        if (strstr(name, ".json") == NULL || name[1] != '_') continue;
        text = read_vector(name);
        count++;
        if (accepts(text, CANDOR_JSON_DEPTH_MAX) != expected(name, readme)) {
            wrong++;
            print_error("wrong verdict on %s\n", name);
        }
        exact_free(text);
    }
    (void)closedir(dir);
    exact_free(readme);
    assert_int_equal(wrong, 0);
    assert_true(count >= 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_come_in_the_order_of_the_text),
        cmocka_unit_test(tokens_borrow_their_raw_text),
        cmocka_unit_test(end_and_error_repeat),
        cmocka_unit_test(error_position_is_line_and_column),
        cmocka_unit_test(depth_limit_counts_open_containers),
        cmocka_unit_test(kind_of_each_level_is_remembered_across_words),
        cmocka_unit_test(skip_gives_the_whole_text_of_a_value),
        cmocka_unit_test(skip_fails_on_a_syntax_error_and_on_no_value),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(every_byte_at_every_place_is_read_within_bounds),
        cmocka_unit_test(control_and_non_ascii_bytes_stop_at_every_offset),
        cmocka_unit_test(white_space_is_four_characters_only),
        cmocka_unit_test(conformance_vectors_are_judged_as_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
