#include "redact_vectors.h"

static void check_vector(const redact_vector *v)
{
    candor_buf out = {0}, again = {0};
    unsigned found = candor_redact_stack((candor_bytes){v->in, v->in_n}, &out);
    assert_redacts(v, found, &out);
    assert_int_equal(candor_redact_stack(candor_buf_bytes(&out), &again), 0);
    assert_true(candor_bytes_eq(candor_buf_bytes(&out), candor_buf_bytes(&again)));
    candor_buf_free(&out);
    candor_buf_free(&again);
}

static void stack_gives_what_the_shared_vectors_say(void **state)
{
    (void)state;
    assert_true(vectors_each("tests/vectors/stack.json", check_vector) >= 42);
}

static void stack_appends_and_leaves_what_is_there(void **state)
{
    (void)state;
    candor_buf out = {0};
    candor_buf_put_bytes(&out, CANDOR_LIT("at f (/a/b.js:1:2) "));
    assert_int_equal(candor_redact_stack(CANDOR_LIT("    at f (/a/b.js:1:2)"), &out),
                     CANDOR_FOUND_PATH);
    assert_text(&out, "at f (/a/b.js:1:2) at <path>:1:2");
    candor_buf_free(&out);
}

/* The same names in every shape of frame: none may come out. */
static void names_in_frames_do_not_come_out(void **state)
{
    (void)state;
    static const char *const frames[] = {
        "    at secretFn (/home/alice/secretFile.js:1:2)",
        "    at secretFn (secretFile.js:1:2)",
        "    at secretFn [as alice] (file:///secretFile.js:1:2)",
        "    at secretFn",
        "secretFn@http://alice/secretFile.js:1:2",
        "secretFn/alice<@file:///secretFile.js:1:2",
        "  File \"/home/alice/secretFile.py\", line 3, in secretFn",
        "#0  0x00007f in secretFn (alice=1) at secretFile.c:12",
        "    #1 0x55d1 in secretFn /home/alice/secretFile.c:10:5",
        "\tat com.alice.secretFn(secretFile.java:12)",
        "   at alice.secretFn() in C:\\secretFile.cs:line 12",
        "\t/home/alice/secretFile.go:12 +0x1d",
        "\tfrom secretFile.rb:10:in `secretFn'",
        "#0 /var/alice/secretFile.php(12): secretFn()",
        "    at secretFn (/home/alice/secretFile.js:1:2) {",
        "        at secretFn (/home/alice/secretFile.js:1:2),",
        "    at secretFn (wasm://wasm/alice:wasm-function[1]:0x1d)",
        "    in secretFn (at secretFile.js:1)",
        "  [cause]: Error: secretFn for alice",
        "  const secretFn = alice(secretFile);",
        "alice secretFn secretFile",
    };
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        candor_buf in = {0}, out = {0};
        candor_buf_putf(&in, "Error: m\n%s\n%s", frames[i], frames[i]);
        (void)candor_redact_stack(candor_buf_bytes(&in), &out);
        candor_buf_put_c(&out, '\0');
        if (strstr(out.p, "secret") != NULL || strstr(out.p, "alice") != NULL)
            fail_msg("%s left %s", frames[i], out.p);
        candor_buf_free(&in);
        candor_buf_free(&out);
    }
}

static void a_full_buffer_is_marked_failed_and_never_overrun(void **state)
{
    (void)state;
    static const char text[] =
        "Error: open '/home/a/b'\n    at f (/a/b.js:10:20)\n    at g (/c:3:4)";
    for (size_t cap = 0; cap < 60; cap++) {
        char storage[64];
        candor_buf out;
        memset(storage, '#', sizeof(storage));
        candor_buf_init_fixed(&out, storage, cap);
        (void)candor_redact_stack(candor_bytes_str(text), &out);
        assert_true(out.n <= cap);
        for (size_t i = cap; i < sizeof(storage); i++)
            assert_int_equal(storage[i], '#');
    }
}

static void every_cut_of_a_stack_is_stable(void **state)
{
    (void)state;
    static const char text[] = "TypeError: é at a@b.com (x)\n    at f (file:///x/y.js:10:5)\n"
                               "f@http://h/x.js:1:2\n  File \"x.py\", line 3, in fn\n"
                               "#0  0x0 in fn () at file.c:12\n\tat a.B.c(D.java:1)";
    for (size_t n = 0; n < sizeof(text); n++) {
        candor_buf once = {0}, twice = {0};
        (void)candor_redact_stack(candor_bytes_of(text, n), &once);
        assert_int_equal(candor_redact_stack(candor_buf_bytes(&once), &twice), 0);
        assert_true(candor_bytes_eq(candor_buf_bytes(&once), candor_buf_bytes(&twice)));
        candor_buf_free(&once);
        candor_buf_free(&twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stack_gives_what_the_shared_vectors_say),
        cmocka_unit_test(stack_appends_and_leaves_what_is_there),
        cmocka_unit_test(names_in_frames_do_not_come_out),
        cmocka_unit_test(a_full_buffer_is_marked_failed_and_never_overrun),
        cmocka_unit_test(every_cut_of_a_stack_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
