/* Each field rule by itself, at its edges, and that no rule changes its own output. */
#include "contract/support.h"

#include <math.h>

#include "contract/redact.h"

typedef struct one {
    candor_schema *schema;
    candor_hmac *key;
    candor_sanitiser s;
    candor_buf out, again;
    candor_tally tally;
} one;

/* A sanitiser for one field "f" of the given form. */
static one with_field(const char *form)
{
    one o;
    char text[512];
    memset(&o, 0, sizeof(o));
    (void)snprintf(text, sizeof(text), "\"f\":%s", form);
    o.schema = support_fields(text);
    o.key = support_key("rules");
    candor_sanitiser_init(&o.s, o.schema, o.key, CANDOR_AT_SOURCE);
    return o;
}

static void done(one *o)
{
    candor_sanitiser_deinit(&o->s);
    candor_hmac_free(o->key);
    candor_schema_free(o->schema);
    candor_buf_free(&o->out);
    candor_buf_free(&o->again);
}

static void run(one *o, const candor_value *v)
{
    memset(&o->tally, 0, sizeof(o->tally));
    candor_buf_clear(&o->out);
    const candor_event_def *def = candor_schema_at(o->schema, 0);
    assert_int_equal(candor_sanitise_values(&o->s, def, v, &o->out, &o->tally), CANDOR_OK);
}

static unsigned counted(const one *o)
{
    unsigned n = 0;
    for (unsigned a = 0; a < CANDOR_ADJUST_COUNT; a++)
        n += o->tally.n[a];
    return n;
}

/* The output through the collector: the same bytes, nothing counted. */
static void assert_settled(one *o)
{
    candor_tally tally;
    one here = *o;
    here.s.mode = CANDOR_AT_COLLECTOR;
    assert_int_equal(support_json(&here.s, candor_schema_at(o->schema, 0),
                                  candor_buf_bytes(&o->out), &here.again, &tally),
                     CANDOR_OK);
    o->s = here.s;
    o->s.mode = CANDOR_AT_SOURCE;
    o->again = here.again;
    if (!candor_bytes_eq(candor_buf_bytes(&o->out), candor_buf_bytes(&o->again)))
        fail_msg("%.*s became %.*s", (int)o->out.n, o->out.p, (int)o->again.n, o->again.p);
    for (unsigned a = 0; a < CANDOR_ADJUST_COUNT; a++)
        assert_int_equal(tally.n[a], 0);
}

/* NONE: written without a tally. */
#define NONE CANDOR_ADJUST_COUNT

static void rule_value(one *o, const candor_value *v, const char *want, candor_adjust adjust)
{
    char text[256];
    run(o, v);
    (void)snprintf(text, sizeof(text), want[0] != '\0' ? "{\"f\":%s}" : "{%s}", want);
    assert_text(&o->out, text);
    assert_int_equal(counted(o), adjust == NONE ? 0 : 1);
    if (adjust != NONE) assert_int_equal(o->tally.n[adjust], 1);
    assert_settled(o);
}

static void rule_number(one *o, double n, const char *want, candor_adjust adjust)
{
    rule_value(o, &(candor_value){.type = CANDOR_VALUE_NUMBER, .num = n}, want, adjust);
}

static void rule_string(one *o, const char *text, const char *want, candor_adjust adjust)
{
    rule_value(o, &(candor_value){.type = CANDOR_VALUE_STRING, .str = candor_bytes_str(text)}, want,
               adjust);
}

static void int_rounds_then_clamps(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"int\",\"min\":-3,\"max\":3}");
    rule_number(&o, 0.5, "1", NONE);
    rule_number(&o, -0.5, "-1", NONE);
    rule_number(&o, 0.49999999999999994, "0", NONE); /* the largest double below a half */
    rule_number(&o, 3.49, "3", NONE);
    rule_number(&o, 3.5, "3", CANDOR_ADJUST_CLAMPED);
    rule_number(&o, -1e300, "-3", CANDOR_ADJUST_CLAMPED);
    rule_number(&o, HUGE_VAL, "3", CANDOR_ADJUST_CLAMPED);
    rule_number(&o, strtod("nan", NULL), "", CANDOR_ADJUST_BAD_TYPE);
    done(&o);
}

static void int_holds_every_integer_that_a_double_holds(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"int\"}");
    rule_number(&o, CANDOR_INT_MAX, "9007199254740991", NONE);
    rule_number(&o, -CANDOR_INT_MAX, "-9007199254740991", NONE);
    rule_number(&o, 9007199254740992.0, "9007199254740991", CANDOR_ADJUST_CLAMPED);
    rule_number(&o, 1e19, "9007199254740991", CANDOR_ADJUST_CLAMPED);
    done(&o);
}

static void number_rounds_then_clamps(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"number\",\"min\":-0.5,\"max\":0.75,\"decimals\":2}");
    rule_number(&o, 0.125, "0.13", NONE);
    rule_number(&o, 0.754, "0.75", NONE);
    rule_number(&o, 0.756, "0.75", CANDOR_ADJUST_CLAMPED);
    rule_number(&o, -0.5049, "-0.5", NONE);
    rule_number(&o, -0.51, "-0.5", CANDOR_ADJUST_CLAMPED);
    rule_number(&o, -0.001, "0", NONE);
    rule_number(&o, -HUGE_VAL, "-0.5", CANDOR_ADJUST_CLAMPED);
    rule_number(&o, strtod("nan", NULL), "", CANDOR_ADJUST_BAD_TYPE);
    done(&o);
}

static void bool_is_a_bool_only(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"bool\"}");
    rule_value(&o, &(candor_value){.type = CANDOR_VALUE_BOOL, .num = 1}, "true", NONE);
    rule_value(&o, &(candor_value){.type = CANDOR_VALUE_BOOL, .num = 0}, "false", NONE);
    rule_number(&o, 1, "", CANDOR_ADJUST_BAD_TYPE);
    rule_string(&o, "true", "", CANDOR_ADJUST_BAD_TYPE);
    done(&o);
}

static void time_lies_between_2000_and_2100(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"time\"}");
    rule_number(&o, 946684800000.0, "\"2000-01-01T00:00:00.000Z\"", NONE);
    rule_number(&o, 946684799999.0, "", CANDOR_ADJUST_BAD_VALUE);
    rule_number(&o, 4133980799999.0, "\"2100-12-31T23:59:59.999Z\"", NONE);
    rule_number(&o, 4133980800000.0, "", CANDOR_ADJUST_BAD_VALUE);
    rule_number(&o, 946684800000.9, "\"2000-01-01T00:00:00.000Z\"", NONE);
    rule_number(&o, HUGE_VAL, "", CANDOR_ADJUST_BAD_VALUE);
    rule_string(&o, "2026-11-21T23:30:00-01:00", "\"2026-11-22T00:30:00.000Z\"", NONE);
    rule_string(&o, "2026-11-21", "", CANDOR_ADJUST_BAD_TYPE);
    done(&o);
}

static void enum_takes_words_and_indexes(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"enum\",\"values\":[\"a\",\"b c\"],\"other\":\"rest\"}");
    rule_string(&o, "b c", "\"b c\"", NONE);
    rule_string(&o, "rest", "\"rest\"", NONE);
    rule_string(&o, "B C", "\"rest\"", CANDOR_ADJUST_ENUM_OTHER);
    rule_string(&o, "", "\"rest\"", CANDOR_ADJUST_ENUM_OTHER);
    rule_value(&o, &(candor_value){.type = CANDOR_VALUE_INDEX, .num = 1}, "\"b c\"", NONE);
    rule_value(&o, &(candor_value){.type = CANDOR_VALUE_INDEX, .num = 3}, "\"rest\"",
               CANDOR_ADJUST_ENUM_OTHER);
    rule_value(&o, &(candor_value){.type = CANDOR_VALUE_INDEX, .num = -1}, "\"rest\"",
               CANDOR_ADJUST_ENUM_OTHER);
    rule_number(&o, 1, "", CANDOR_ADJUST_BAD_TYPE);
    done(&o);
}

static void id_is_opaque_or_dropped(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"id\",\"maxLength\":40}");
    rule_string(&o, "read_file", "\"read_file\"", NONE);
    rule_string(&o, "a", "\"a\"", NONE);
    rule_string(&o, "01930000-0000-7000-8000-000000000000",
                "\"01930000-0000-7000-8000-000000000000\"", NONE);
    rule_string(&o, "", "", CANDOR_ADJUST_BAD_VALUE);
    rule_string(&o, "a/b", "", CANDOR_ADJUST_BAD_VALUE);
    rule_string(&o, "caf\xc3\xa9", "", CANDOR_ADJUST_BAD_VALUE);
    rule_string(&o, "10.0.0.1", "", CANDOR_ADJUST_BAD_VALUE);
    rule_string(&o, "AKIAIOSFODNN7EXAMPLE", "", CANDOR_ADJUST_BAD_VALUE);
    rule_string(&o, "0123456789012345678901234567890123456789x", "", CANDOR_ADJUST_BAD_VALUE);
    o.s.redact_off = true;
    run(&o, &(candor_value){.type = CANDOR_VALUE_STRING, .str = CANDOR_LIT("10.0.0.1")});
    assert_text(&o.out, "{\"f\":\"10.0.0.1\"}");
    done(&o);
}

/* The promise of candor_id_ok, whatever short cut it takes. */
static void id_ok_agrees_with_the_redactor(void **state)
{
    static const char *const alphabets[] = {"0123456789abcdef", "-0123456789abcdef", "-af-",
                                            "0.1:9a-", "0123456789abcdefABCDEFghikpxyzAIS_-.:+"};
    (void)state;
    uint64_t x = 88172645463325252u;
    for (unsigned i = 0; i < 300000; i++) {
        char text[130];
        size_t n = 1 + i % 128;
        const char *alphabet = alphabets[i % 5];
        for (size_t k = 0; k < n; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            text[k] = alphabet[x % strlen(alphabet)];
        }
        candor_bytes s = {text, n};
        if (candor_id_ok(s, CANDOR_ID_MAX) != (candor_redact_scan(s) == 0))
            fail_msg("%.*s", (int)n, text);
    }
}

/* Pieces of what the redactor knows, in words up to the lengths that candor_id_ok does not look
 * into, and a little beyond. */
static void id_ok_agrees_with_the_redactor_on_words_of_its_own(void **state)
{
    static const char *const pieces[] = {"ip-",      "ec2-",  "sk-", "ghp_", "AKIA",
                                         "eyJ",      "xoxb-", "key", "4111", "378282246310005",
                                         "DE89",     "NO93",  "1",   "0",    "-",
                                         "_",        "a",     "Z",   "10",   "--",
                                         "u",        "hf_",   "255", "abc",  "code",
                                         "password", "Basic", "npm", "AAAA", "1111-1111"};
    (void)state;
    uint64_t x = 88172645463325252u;
    for (unsigned i = 0; i < 1000000; i++) {
        char text[64] = "";
        size_t max = 1 + i % 24;
        while (strlen(text) < max) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            strcat(text, pieces[x % (sizeof(pieces) / sizeof(pieces[0]))]);
        }
        candor_bytes s = candor_bytes_str(text);
        if (i % 2 == 0) s.n = max;
        if (candor_id_ok(s, CANDOR_ID_MAX) != (candor_redact_scan(s) == 0))
            fail_msg("%.*s", (int)s.n, text);
    }
}

/* Every byte in every place of the two shapes that have a short cut of their own. */
static void id_ok_agrees_with_the_redactor_on_uuids_and_hashes_with_a_wrong_byte(void **state)
{
    static const char *const ids[] = {
        "0190f3a2-7c5e-7abc-8def-0123456789ab", "01234567-8901-4234-8567-890123456789",
        "049ae1bd7cba7c29af62a33c094d3ac9",     "01234567890123a01234567890123456",
        "01234567890123401234567890123456",     "a1234567890123456789012345678901"};
    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        const size_t n = strlen(ids[i]);
        for (size_t at = 0; at < n; at++) {
            for (unsigned c = 0; c < 256; c++) {
                char text[40];
                memcpy(text, ids[i], n);
                text[at] = (char)c;
                candor_bytes s = {text, n};
                bool good = candor_id_charset_ok(s) && candor_redact_scan(s) == 0;
                if (candor_id_ok(s, CANDOR_ID_MAX) != good) fail_msg("%zu, %zu: %u", i, at, c);
            }
        }
    }
}

/* Twice each, so that the second answer comes out of the memo, and many, so that they share slots;
 * good as a version is not yet good as an id. */
static void id_is_judged_alike_from_the_memo(void **state)
{
    static const char *const heads[] = {"acme-editor-", "10.0.0.",    "1.2.0-beta.", "gpt-5-",
                                        "linux-x64-",   "ip-10-0-0-", "a:b:c:"};
    candor_id_memo memo = {0};
    (void)state;
    for (unsigned i = 0; i < 70000; i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s%u", heads[i % 7], i / 14 % 1000);
        candor_bytes s = candor_bytes_str(text);
        bool id = candor_id_ok(s, CANDOR_ID_MAX), version = candor_version_ok(s);
        for (int again = 0; again < 2; again++)
            if (candor_id_known_ok(&memo, s, CANDOR_ID_MAX) != id ||
                candor_version_known_ok(&memo, s) != version)
                fail_msg("%s", text);
    }
    assert_true(candor_version_known_ok(&memo, CANDOR_LIT("10.0.22631.1")));
    assert_false(candor_id_known_ok(&memo, CANDOR_LIT("10.0.226.1"), CANDOR_ID_MAX));
    assert_true(candor_version_known_ok(&memo, CANDOR_LIT("10.0.226.1")));
    assert_false(candor_id_known_ok(&memo, CANDOR_LIT("10.0.226.1"), CANDOR_ID_MAX));
    assert_false(candor_id_known_ok(&memo, CANDOR_LIT("acme-editor-1"), 12));
}

static void id_is_no_card_number_and_no_host_named_after_its_address(void **state)
{
    static const char *const secrets[] = {"4111111111111111",    "378282246310005",
                                          "4111-1111-1111-1111", "4111111111111111--a",
                                          "ec2-203-0-113-7",     "ip-1-1-1-1"};
    (void)state;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        if (candor_id_ok(candor_bytes_str(secrets[i]), CANDOR_ID_MAX)) fail_msg("%s", secrets[i]);
    assert_true(candor_id_ok(CANDOR_LIT("0190f3a2-7c5e-7abc-8def-0123456789ab"), CANDOR_ID_MAX));
    assert_true(candor_id_ok(CANDOR_LIT("00000000-0000-7000-8000-000000000000"), CANDOR_ID_MAX));
}

static void bucket_is_the_bound_below(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"bucket\",\"bounds\":[-1.5,0,10]}");
    rule_number(&o, -2, "-1.5", CANDOR_ADJUST_CLAMPED);
    rule_number(&o, -1.5, "-1.5", NONE);
    rule_number(&o, -0.1, "-1.5", NONE);
    rule_number(&o, 0, "0", NONE);
    rule_number(&o, 9.99, "0", NONE);
    rule_number(&o, HUGE_VAL, "10", NONE);
    rule_number(&o, strtod("nan", NULL), "", CANDOR_ADJUST_BAD_TYPE);
    done(&o);
}

static void hash_depends_on_value_and_key_only(void **state)
{
    (void)state;
    one a = with_field("{\"kind\":\"hash\"}");
    one b = with_field("{\"kind\":\"hash\"}");
    candor_hmac *other = support_key("another");
    const candor_value number = {.type = CANDOR_VALUE_NUMBER, .num = 42};
    const candor_value text = {.type = CANDOR_VALUE_STRING, .str = CANDOR_LIT("42")};
    run(&a, &number);
    run(&b, &text);
    assert_true(candor_bytes_eq(candor_buf_bytes(&a.out), candor_buf_bytes(&b.out)));
    assert_int_equal(a.out.n, 6 + CANDOR_HASH_TEXT + 2);
    b.s.hash_key = other;
    run(&b, &text);
    assert_false(candor_bytes_eq(candor_buf_bytes(&a.out), candor_buf_bytes(&b.out)));
    candor_hmac_free(other);
    done(&a);
    done(&b);
}

static void hash_at_the_source_hashes_what_looks_like_a_hash(void **state)
{
    (void)state;
    static const char hex[] = "0123456789abcdef0123456789abcdef";
    one o = with_field("{\"kind\":\"hash\"}");
    candor_value v = {.type = CANDOR_VALUE_STRING, .str = candor_bytes_str(hex)};
    run(&o, &v);
    assert_null(memmem(o.out.p, o.out.n, hex, 32));
    assert_settled(&o);
    o.s.mode = CANDOR_AT_COLLECTOR;
    run(&o, &v);
    assert_text(&o.out, "{\"f\":\"0123456789abcdef0123456789abcdef\"}");
    v.str = CANDOR_LIT("0123456789ABCDEF0123456789ABCDEF"); /* not ours: hashed again */
    run(&o, &v);
    assert_null(memmem(o.out.p, o.out.n, "ABCDEF", 6));
    done(&o);
}

static void hash_without_a_key_is_an_error_not_a_leak(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"hash\"}");
    candor_value v = {.type = CANDOR_VALUE_STRING, .str = CANDOR_LIT("x")};
    o.s.hash_key = NULL;
    assert_int_equal(
        candor_sanitise_values(&o.s, candor_schema_at(o.schema, 0), &v, &o.out, &o.tally),
        CANDOR_INVALID);
    assert_int_equal(o.out.n, 0);
    done(&o);
}

static void text_is_cut_at_a_character_and_keeps_placeholders_whole(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"text\",\"maxLength\":10}");
    rule_string(&o, "0123456789", "\"0123456789\"", NONE);
    rule_string(&o, "012345678\xc3\xa9", "\"012345678\"", CANDOR_ADJUST_TRUNCATED);
    rule_string(&o, "0123456\xf0\x9f\x98\x80", "\"0123456\"", CANDOR_ADJUST_TRUNCATED);
    rule_string(&o, "01234 <secret> x", "\"01234 \"", CANDOR_ADJUST_TRUNCATED);
    rule_string(&o, "01234 <secre x", "\"01234 <sec\"", CANDOR_ADJUST_TRUNCATED);
    rule_string(&o, "012345 <ip>", "\"012345 \"", CANDOR_ADJUST_TRUNCATED);
    rule_string(&o, "01234 <ip>", "\"01234 <ip>\"", NONE);
    done(&o);
}

/* Eight bytes of "10.0.0.2567" are an address, all eleven are not. */
static void text_that_becomes_a_pattern_by_the_cut_is_redacted(void **state)
{
    (void)state;
    for (unsigned length = 4; length < 40; length++) {
        char form[64];
        (void)snprintf(form, sizeof(form), "{\"kind\":\"text\",\"maxLength\":%u}", length);
        one o = with_field(form);
        static const char *const texts[] = {
            "v 10.0.0.2567 and 1.2.3.4567 and so on for long",
            "a@b.c d@e.fg h@i.jkl m@n.opq r@s.tuv",
            "fe80::1:2:3:4:5:6:7:8:9:a:b:c:d:e:f",
            "token=a token=b token=c token=d token=e",
            "/a /b/c ~/d C:\\e \\\\f\\g file:///h /i/j",
            "\xf0\x9f\x98\x80 /\xf0\x9f\x98\x80/\xc3\xa9 x@\xc3\xa9.de \xc3\xa9\xc3\xa9\xc3\xa9",
        };
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
            run(&o,
                &(candor_value){.type = CANDOR_VALUE_STRING, .str = candor_bytes_str(texts[i])});
            assert_true(o.out.n <= strlen("{\"f\":\"\"}") + 2 * (size_t)length);
            assert_settled(&o);
        }
        done(&o);
    }
}

/* The front end's cut may leave half of a token that no pattern matches. */
static void text_cut_by_the_front_end_loses_its_last_word(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"text\"}");
    candor_value v = {
        .type = CANDOR_VALUE_STRING, .cut = true, .str = CANDOR_LIT("the key is ghp_0123")};
    run(&o, &v);
    assert_text(&o.out, "{\"f\":\"the key is \"}");
    assert_int_equal(o.tally.n[CANDOR_ADJUST_TRUNCATED], 1);
    char word[400];
    memset(word, 'k', sizeof(word));
    v.str = candor_bytes_of(word, sizeof(word));
    run(&o, &v);
    assert_int_equal(o.out.n, strlen("{\"f\":\"\"}") + sizeof(word) - 256);
    done(&o);
}

static void malformed_utf8_never_reaches_the_output(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"text\",\"maxLength\":16}");
    static const char *const texts[] = {"a\xff!",
                                        "\xc3",
                                        "\xed\xa0\x80",
                                        "ok \xf0\x9f\x98",
                                        "0123456789abcd\xf0\x9f\x98\x80 tail",
                                        "\xc0\xaf/etc/passwd"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        run(&o, &(candor_value){.type = CANDOR_VALUE_STRING, .str = candor_bytes_str(texts[i])});
        assert_settled(&o); /* the tokenizer refuses malformed UTF-8 */
    }
    done(&o);
}

/* Half of a line number would be another line. */
static void stack_loses_whole_frames(void **state)
{
    (void)state;
    static const struct {
        unsigned length;
        const char *last;
    } cases[] = {
        {64, ":200:7\""}, {61, ":200:7\""}, {60, ":10:5\""}, {58, ":10:5\""}, {45, ":10:5\""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char form[64];
        (void)snprintf(form, sizeof(form), "{\"kind\":\"stack\",\"maxLength\":%u}",
                       cases[i].length);
        one o = with_field(form);
        run(&o, &(candor_value){.type = CANDOR_VALUE_STRING,
                                .str = CANDOR_LIT("TypeError: x is not a function\n"
                                                  "    at run (/home/anna/app/main.js:10:5)\n"
                                                  "    at go (/home/anna/app/main.js:200:7)\n"
                                                  "    at top (/home/anna/app/main.js:3000:9)\n")});
        assert_int_equal(o.tally.n[CANDOR_ADJUST_TRUNCATED], 1);
        assert_null(memmem(o.out.p, o.out.n, "anna", 4));
        if (memmem(o.out.p, o.out.n, cases[i].last, strlen(cases[i].last)) == NULL)
            fail_msg("%u: %.*s", cases[i].length, (int)o.out.n, o.out.p);
        assert_settled(&o);
        done(&o);
    }
}

static void redaction_can_be_switched_off_for_the_leak_test(void **state)
{
    (void)state;
    one o = with_field("{\"kind\":\"text\",\"maxLength\":20}");
    o.s.redact_off = true;
    run(&o, &(candor_value){.type = CANDOR_VALUE_STRING,
                            .str = CANDOR_LIT("anna@example.com, and more")});
    assert_text(&o.out, "{\"f\":\"anna@example.com, an\"}");
    done(&o);
}

static void list_applies_the_rule_of_its_elements(void **state)
{
    (void)state;
    one o =
        with_field("{\"kind\":\"list\",\"max\":3,\"of\":{\"kind\":\"int\",\"min\":0,\"max\":9}}");
    const candor_value items[] = {
        {.type = CANDOR_VALUE_NUMBER, .num = 12}, {.type = CANDOR_VALUE_BAD},
        {.type = CANDOR_VALUE_NUMBER, .num = 3},  {.type = CANDOR_VALUE_NUMBER, .num = 4},
        {.type = CANDOR_VALUE_NUMBER, .num = 5},
    };
    const candor_value list = {.type = CANDOR_VALUE_LIST, .items = items, .n_items = 5};
    run(&o, &list);
    assert_text(&o.out, "{\"f\":[9,3]}");
    assert_int_equal(o.tally.n[CANDOR_ADJUST_CLAMPED], 1);
    assert_int_equal(o.tally.n[CANDOR_ADJUST_BAD_TYPE], 1);
    assert_int_equal(o.tally.n[CANDOR_ADJUST_LIST_CUT], 2);
    assert_settled(&o);
    rule_number(&o, 3, "", CANDOR_ADJUST_BAD_TYPE);
    done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int_rounds_then_clamps),
        cmocka_unit_test(int_holds_every_integer_that_a_double_holds),
        cmocka_unit_test(number_rounds_then_clamps),
        cmocka_unit_test(bool_is_a_bool_only),
        cmocka_unit_test(time_lies_between_2000_and_2100),
        cmocka_unit_test(enum_takes_words_and_indexes),
        cmocka_unit_test(id_is_opaque_or_dropped),
        cmocka_unit_test(id_ok_agrees_with_the_redactor),
        cmocka_unit_test(id_ok_agrees_with_the_redactor_on_words_of_its_own),
        cmocka_unit_test(id_ok_agrees_with_the_redactor_on_uuids_and_hashes_with_a_wrong_byte),
        cmocka_unit_test(id_is_judged_alike_from_the_memo),
        cmocka_unit_test(id_is_no_card_number_and_no_host_named_after_its_address),
        cmocka_unit_test(bucket_is_the_bound_below),
        cmocka_unit_test(hash_depends_on_value_and_key_only),
        cmocka_unit_test(hash_at_the_source_hashes_what_looks_like_a_hash),
        cmocka_unit_test(hash_without_a_key_is_an_error_not_a_leak),
        cmocka_unit_test(text_is_cut_at_a_character_and_keeps_placeholders_whole),
        cmocka_unit_test(text_that_becomes_a_pattern_by_the_cut_is_redacted),
        cmocka_unit_test(text_cut_by_the_front_end_loses_its_last_word),
        cmocka_unit_test(malformed_utf8_never_reaches_the_output),
        cmocka_unit_test(stack_loses_whole_frames),
        cmocka_unit_test(redaction_can_be_switched_off_for_the_leak_test),
        cmocka_unit_test(list_applies_the_rule_of_its_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
