/* Each item of request smuggling that lenient parsers let through, and what a strict one must take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "central/strict_http.h"

static bool parse(const char *text, size_t n, candor_head *h, int *code, const char **why)
{
    size_t end = 0;
    *why = NULL;
    *code = 400;
    if (candor_head_scan(candor_bytes_of(text, n), 0, &end, why) != CANDOR_SCAN_DONE) return false;
    return candor_head_parse(candor_bytes_of(text, end), h, code, why);
}

static void refuses(const char *text, size_t n, int want)
{
    candor_head h;
    const char *why;
    int code;
    if (parse(text, n, &h, &code, &why)) fail_msg("accepted: %s", text);
    assert_int_equal(code, want);
    assert_non_null(why);
}
#define REFUSES(text) refuses(text, sizeof text - 1, 400)
#define HEAD          "POST / HTTP/1.1\r\nHost: x\r\n"

static void head_of_a_plain_request_is_read(void **state)
{
    static const char text[] =
        "POST /a/b?x=1&y=2 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12\r\n"
        "content-TYPE: \t application/json \r\nCandor-Batch-Id: b\r\n\r\nbody";
    candor_head h;
    const char *why;
    int code;
    (void)state;
    assert_true(parse(text, sizeof text - 1, &h, &code, &why));
    assert_true(candor_bytes_eq(h.method, CANDOR_LIT("POST")));
    assert_true(candor_bytes_eq(h.path, CANDOR_LIT("/a/b")));
    assert_true(candor_bytes_eq(h.query, CANDOR_LIT("x=1&y=2")));
    assert_true(candor_bytes_eq(h.content_type, CANDOR_LIT("application/json")));
    assert_true(candor_bytes_eq(h.batch_id, CANDOR_LIT("b")));
    assert_true(h.has_length && h.length == 12 && h.keep_alive && h.http11 && !h.chunked);
}

static void content_length_must_be_one_plain_number(void **state)
{
    (void)state;
    REFUSES(HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\n");
    REFUSES(HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\n");
    REFUSES(HEAD "Content-Length: 5, 5\r\n\r\n");
    REFUSES(HEAD "Content-Length: +5\r\n\r\n");
    REFUSES(HEAD "Content-Length: -1\r\n\r\n");
    REFUSES(HEAD "Content-Length: 0x5\r\n\r\n");
    REFUSES(HEAD "Content-Length: 5 5\r\n\r\n");
    REFUSES(HEAD "Content-Length:\r\n\r\n");
    REFUSES(HEAD "Content-Length: 99999999999999999999\r\n\r\n");
}

static void transfer_encoding_must_be_exactly_chunked(void **state)
{
    static const char good[] = HEAD "Transfer-Encoding: Chunked\r\n\r\n";
    candor_head h;
    const char *why;
    int code;
    (void)state;
    assert_true(parse(good, sizeof good - 1, &h, &code, &why));
    assert_true(h.chunked);
    REFUSES(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n");
    REFUSES(HEAD "Transfer-Encoding: chunked, chunked\r\n\r\n");
    REFUSES(HEAD "Transfer-Encoding: identity\r\n\r\n");
    REFUSES(HEAD "Transfer-Encoding:\r\n\r\n");
    REFUSES(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n");
    REFUSES(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n");
    REFUSES(HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
    REFUSES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void lines_must_end_with_crlf(void **state)
{
    (void)state;
    REFUSES("GET / HTTP/1.1\nHost: x\r\n\r\n");
    REFUSES("GET / HTTP/1.1\r\nHost: x\n\n");
    REFUSES("GET / HTTP/1.1\r\nHost: x\r\n\n");
    REFUSES("GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n");
    REFUSES("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
}

static void header_names_and_values_must_be_clean(void **state)
{
    (void)state;
    REFUSES(HEAD "X: a\0b\r\n\r\n");
    REFUSES(HEAD "X: a\x01"
                 "b\r\n\r\n");
    REFUSES(HEAD ": empty name\r\n\r\n");
    REFUSES(HEAD "X : space before colon\r\n\r\n");
    REFUSES(HEAD "X(: not a token\r\n\r\n");
    REFUSES(HEAD "no colon\r\n\r\n");
    REFUSES(HEAD "X: a\r\n folded\r\n\r\n");
    REFUSES(HEAD "X: a\r\n\tfolded\r\n\r\n");
    REFUSES("GET / HTTP/1.1\r\n Host: x\r\n\r\n");
    REFUSES(HEAD "Authorization: a\r\nAuthorization: b\r\n\r\n");
}

static void host_must_be_there_once(void **state)
{
    static const char old[] = "GET / HTTP/1.0\r\n\r\n";
    candor_head h;
    const char *why;
    int code;
    (void)state;
    REFUSES("GET / HTTP/1.1\r\n\r\n");
    REFUSES("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
    REFUSES("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    REFUSES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    assert_true(parse(old, sizeof old - 1, &h, &code, &why));
    assert_false(h.keep_alive);
}

static void request_line_must_have_three_plain_parts(void **state)
{
    (void)state;
    REFUSES("GET  / HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET / HTTP/1.1 \r\nHost: x\r\n\r\n");
    REFUSES("GET /\r\nHost: x\r\n\r\n");
    REFUSES("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("G(T / HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET / http/1.1\r\nHost: x\r\n\r\n");
    refuses("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 29, 505);
    refuses("GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 42, 417);
}

static void scan_goes_on_where_it_stopped(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
    size_t n, end = 0;
    const char *why = NULL;
    (void)state;
    for (n = 0; n < sizeof text - 5; n++)
        assert_int_equal(candor_head_scan(candor_bytes_of(text, n), n != 0 ? n - 1 : 0, &end, &why),
                         CANDOR_SCAN_MORE);
    assert_int_equal(candor_head_scan(candor_bytes_of(text, sizeof text - 1), n - 1, &end, &why),
                     CANDOR_SCAN_DONE);
    assert_int_equal(end, sizeof text - 5);
}

/* Feed in pieces of `step` bytes; the collected data goes to out. */
static candor_scan decode(const char *text, size_t n, size_t step, candor_buf *out)
{
    candor_chunks c = {0};
    size_t at = 0;
    while (at < n) {
        size_t give = n - at < step ? n - at : step, used = 0;
        candor_bytes data;
        const char *why = NULL;
        candor_scan r =
            candor_chunks_next(&c, candor_bytes_of(text + at, give), &used, &data, &why);
        candor_buf_put_bytes(out, data);
        if (r != CANDOR_SCAN_MORE) return r;
        at += used;
    }
    return CANDOR_SCAN_MORE;
}

static void chunks_are_decoded_in_any_pieces(void **state)
{
    static const char text[] = "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    size_t step;
    (void)state;
    for (step = 1; step < sizeof text; step++) {
        candor_buf out = {0};
        assert_int_equal(decode(text, sizeof text - 1, step, &out), CANDOR_SCAN_DONE);
        assert_true(candor_bytes_eq(candor_buf_bytes(&out), CANDOR_LIT("abc0123456789")));
        candor_buf_free(&out);
    }
}

static void chunk_sizes_must_be_plain_hex(void **state)
{
    static const char *const bad[] = {"+3\r\nabc\r\n0\r\n\r\n",
                                      "0x3\r\nabc\r\n0\r\n\r\n",
                                      " 3\r\nabc\r\n0\r\n\r\n",
                                      "3 \r\nabc\r\n0\r\n\r\n",
                                      "-3\r\nabc\r\n0\r\n\r\n",
                                      "3\nabc\r\n0\r\n\r\n",
                                      "3\r\nabc\n0\r\n\r\n",
                                      "3\r\nabcd\r\n0\r\n\r\n",
                                      "\r\nabc\r\n0\r\n\r\n",
                                      "3;ext=1\r\nabc\r\n0\r\n\r\n",
                                      "000000003\r\nabc\r\n0\r\n\r\n",
                                      "0\r\nX: trailer\r\n\r\n",
                                      "3\r\nabc\r\n0\n\n"};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        candor_buf out = {0};
        if (decode(bad[i], strlen(bad[i]), 1, &out) != CANDOR_SCAN_BAD)
            fail_msg("accepted: %s", bad[i]);
        candor_buf_free(&out);
    }
}

static void query_parameters_are_found_and_decoded(void **state)
{
    candor_bytes q = CANDOR_LIT("from=1&fromage=2&empty=&t=a%20b%2B+c"), v;
    char text[16];
    size_t n;
    (void)state;
    assert_true(candor_query_find(q, "from", &v) && candor_bytes_eq(v, CANDOR_LIT("1")));
    assert_true(candor_query_find(q, "empty", &v) && v.n == 0);
    assert_false(candor_query_find(q, "fro", &v));
    assert_true(candor_query_find(q, "t", &v));
    assert_true(candor_query_decode(v, text, sizeof text, &n));
    assert_string_equal(text, "a b+ c");
    assert_false(candor_query_decode(v, text, 4, &n));
    assert_false(candor_query_decode(CANDOR_LIT("%"), text, sizeof text, &n));
    assert_false(candor_query_decode(CANDOR_LIT("%2"), text, sizeof text, &n));
    assert_false(candor_query_decode(CANDOR_LIT("%zz"), text, sizeof text, &n));
    assert_false(candor_query_decode(CANDOR_LIT("a%00"), text, sizeof text, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_of_a_plain_request_is_read),
        cmocka_unit_test(content_length_must_be_one_plain_number),
        cmocka_unit_test(transfer_encoding_must_be_exactly_chunked),
        cmocka_unit_test(lines_must_end_with_crlf),
        cmocka_unit_test(header_names_and_values_must_be_clean),
        cmocka_unit_test(host_must_be_there_once),
        cmocka_unit_test(request_line_must_have_three_plain_parts),
        cmocka_unit_test(scan_goes_on_where_it_stopped),
        cmocka_unit_test(chunks_are_decoded_in_any_pieces),
        cmocka_unit_test(chunk_sizes_must_be_plain_hex),
        cmocka_unit_test(query_parameters_are_found_and_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
