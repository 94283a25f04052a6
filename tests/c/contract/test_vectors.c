/* The vectors that C, JS and the collector share. */
#include "contract/fixture.h"

#include "base/json.h"

#define VECTORS "tests/vectors/sanitise.json"

typedef struct vector {
    char name[128], event[64], reject[64];
    candor_bytes payload, out;
    candor_tally adjusted;
} vector;

static candor_adjust adjust_by_name(candor_bytes name)
{
    for (unsigned a = 0; a < CANDOR_ADJUST_COUNT; a++)
        if (candor_bytes_eq(name, candor_bytes_str(candor_adjust_name((candor_adjust)a))))
            return (candor_adjust)a;
    fail_msg("unknown adjustment %.*s", (int)name.n, name.p);
    return CANDOR_ADJUST_COUNT;
}

static void read_adjusted(candor_json *j, candor_tally *tally)
{
    candor_json_token t;
    while (candor_json_next(j, &t) == CANDOR_JSON_KEY) {
        int64_t n = 0;
        candor_adjust a = adjust_by_name(t.raw);
        assert_int_equal(candor_json_next(j, &t), CANDOR_JSON_NUMBER);
        assert_true(candor_json_int64(t.raw, &n));
        tally->n[a] = (unsigned)n;
    }
}

static void read_word(const candor_json_token *t, char *out, size_t cap)
{
    size_t n = candor_json_unescape(t->raw, out, cap - 1);
    assert_true(n < cap);
    out[n] = '\0';
}

/* The object whose opening token was just read. */
static vector read_vector(candor_json *j)
{
    vector v;
    candor_json_token t;
    memset(&v, 0, sizeof(v));
    while (candor_json_next(j, &t) == CANDOR_JSON_KEY) {
        candor_bytes key = t.raw;
        (void)candor_json_next(j, &t);
        if (candor_bytes_eq(key, CANDOR_LIT("name")))
            read_word(&t, v.name, sizeof(v.name));
        else if (candor_bytes_eq(key, CANDOR_LIT("event")))
            read_word(&t, v.event, sizeof(v.event));
        else if (candor_bytes_eq(key, CANDOR_LIT("reject")))
            read_word(&t, v.reject, sizeof(v.reject));
        else if (candor_bytes_eq(key, CANDOR_LIT("payload")))
            assert_true(candor_json_skip(j, &t, &v.payload));
        else if (candor_bytes_eq(key, CANDOR_LIT("out")))
            assert_true(candor_json_skip(j, &t, &v.out));
        else if (candor_bytes_eq(key, CANDOR_LIT("adjusted")))
            read_adjusted(j, &v.adjusted);
        else
            fail_msg("unknown key in a vector: %.*s", (int)key.n, key.p);
    }
    return v;
}

/* Same tokens, strings compared decoded; "<hash>" stands for 32 lower-case hex digits. */
static bool same_string(const candor_json_token *got, const candor_json_token *want)
{
    char *a = malloc(got->raw.n + 1), *b = malloc(want->raw.n + 1);
    assert_non_null(a);
    assert_non_null(b);
    candor_bytes x = {a, candor_json_unescape(got->raw, a, got->raw.n + 1)};
    candor_bytes y = {b, candor_json_unescape(want->raw, b, want->raw.n + 1)};
    bool same = candor_bytes_eq(x, y);
    if (candor_bytes_eq(y, CANDOR_LIT("<hash>")))
        same = x.n == CANDOR_HASH_TEXT && strspn(x.p, "0123456789abcdef") >= x.n;
    free(a);
    free(b);
    return same;
}

static bool same_json(candor_bytes got, candor_bytes want)
{
    candor_json a, b;
    candor_json_token x, y;
    candor_json_init(&a, got, CANDOR_JSON_EVENT_DEPTH);
    candor_json_init(&b, want, CANDOR_JSON_EVENT_DEPTH);
    for (;;) {
        candor_json_type type = candor_json_next(&a, &x);
        if (type != candor_json_next(&b, &y) || type == CANDOR_JSON_ERROR) return false;
        if (type == CANDOR_JSON_END) return true;
        bool text = type == CANDOR_JSON_STRING || type == CANDOR_JSON_KEY;
        if (text && !same_string(&x, &y)) return false;
        bool number = type == CANDOR_JSON_NUMBER;
        if (number && candor_json_double(x.raw) != candor_json_double(y.raw)) return false;
    }
}

static void check_rejected(fixture *f, const vector *v, const candor_event_def *def)
{
    candor_tally tally;
    if (strcmp(v->reject, "unknown_event") == 0) {
        assert_null(def);
        return;
    }
    assert_string_equal(v->reject, "bad_payload");
    assert_int_equal(support_json(&f->s, def, v->payload, &f->out, &tally), CANDOR_INVALID);
    assert_int_equal(f->out.n, 0);
}

static void check_vector(fixture *f, const vector *v)
{
    candor_tally tally;
    const candor_event_def *def = candor_schema_event(f->schema, candor_bytes_str(v->event));
    if (v->reject[0] != '\0') {
        check_rejected(f, v, def);
        return;
    }
    assert_non_null(def);
    assert_int_equal(support_json(&f->s, def, v->payload, &f->out, &tally), CANDOR_OK);
    if (!same_json(candor_buf_bytes(&f->out), v->out))
        fail_msg("%s: got %.*s, want %.*s", v->name, (int)f->out.n, f->out.p, (int)v->out.n,
                 v->out.p);
    for (unsigned a = 0; a < CANDOR_ADJUST_COUNT; a++)
        if (tally.n[a] != v->adjusted.n[a])
            fail_msg("%s: %s is %u, want %u", v->name, candor_adjust_name((candor_adjust)a),
                     tally.n[a], v->adjusted.n[a]);
    assert_idempotent(f, def, v->name);
}

static void shared_vectors_hold_and_survive_the_collector(void **state)
{
    fixture *f = *state;
    candor_buf text = support_read(VECTORS);
    candor_json j;
    candor_json_token t;
    unsigned n = 0;
    candor_json_init(&j, candor_buf_bytes(&text), 32);
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_ARRAY);
    for (; candor_json_next(&j, &t) == CANDOR_JSON_OBJECT; n++) {
        vector v = read_vector(&j);
        check_vector(f, &v);
    }
    assert_int_equal(t.type, CANDOR_JSON_ARRAY_END);
    assert_true(n >= 70);
    candor_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shared_vectors_hold_and_survive_the_collector, fixture_up,
                                        fixture_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
