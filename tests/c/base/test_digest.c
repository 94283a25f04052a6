#include "base/base_test.h"

#include "base/digest.h"

static void assert_hex(const unsigned char *got, size_t n, const char *want)
{
    char text[2 * CANDOR_SHA256_SIZE + 1] = {0};
    candor_hex_encode(got, n, text);
    assert_string_equal(text, want);
}

/* FIPS 180-4 examples (NIST CSRC) and the empty message. */
static void sha256_matches_the_published_examples(void **state)
{
    (void)state;
    unsigned char out[CANDOR_SHA256_SIZE];
    assert_int_equal(candor_sha256((candor_bytes){0}, out), CANDOR_OK);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(candor_sha256(CANDOR_LIT("abc"), out), CANDOR_OK);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(
        candor_sha256(CANDOR_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), out),
        CANDOR_OK);
    assert_hex(out, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

typedef struct hmac_case {
    char fill; /* the key is key_n times this byte, or key_text */
    size_t key_n;
    const char *key_text, *data, *want;
} hmac_case;

/* RFC 4231 test cases 1, 2, 6 and 7; the last two have keys longer than a block. */
static const hmac_case rfc4231[] = {
    {0x0b, 20, NULL, "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {0, 4, "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {(char)0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {(char)0xaa, 131, NULL,
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static candor_hmac *hmac_for(const hmac_case *c)
{
    char key[256];
    candor_hmac *h;
    memset(key, c->fill, sizeof(key));
    if (c->key_text != NULL) memcpy(key, c->key_text, c->key_n);
    assert_int_equal(candor_hmac_new(candor_bytes_of(key, c->key_n), &h), CANDOR_OK);
    return h;
}

static void hmac_matches_rfc_4231_on_every_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rfc4231) / sizeof(rfc4231[0]); i++) {
        candor_hmac *h = hmac_for(&rfc4231[i]);
        unsigned char out[CANDOR_SHA256_SIZE];
        for (int again = 0; again < 3; again++) {
            assert_int_equal(candor_hmac_run(h, candor_bytes_str(rfc4231[i].data), out), CANDOR_OK);
            assert_hex(out, 32, rfc4231[i].want);
            assert_int_equal(candor_hmac_run(h, CANDOR_LIT("in between"), out), CANDOR_OK);
        }
        candor_hmac_free(h);
    }
}

static void hmac_text_is_the_first_half_in_hex(void **state)
{
    (void)state;
    candor_hmac *h = hmac_for(&rfc4231[1]);
    char text[CANDOR_HASH_TEXT];
    assert_int_equal(candor_hmac_text(h, candor_bytes_str(rfc4231[1].data), text), CANDOR_OK);
    assert_memory_equal(text, rfc4231[1].want, CANDOR_HASH_TEXT);
    candor_hmac_free(h);
}

static void hmac_takes_an_empty_key_and_an_empty_message(void **state)
{
    (void)state;
    candor_hmac *h;
    unsigned char out[CANDOR_SHA256_SIZE];
    assert_int_equal(candor_hmac_new((candor_bytes){0}, &h), CANDOR_OK);
    assert_int_equal(candor_hmac_run(h, (candor_bytes){0}, out), CANDOR_OK);
    assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    candor_hmac_free(h);
    candor_hmac_free(NULL);
}

static void keys_of_one_block_and_one_more_byte_differ_from_their_hash(void **state)
{
    (void)state;
    char key[65];
    unsigned char hashed[32], a[32], b[32];
    candor_hmac *h;
    memset(key, 'k', sizeof(key));
    /* 64 bytes are used as they are, 65 are hashed first (RFC 2104 section 3). */
    for (size_t n = 64; n <= 65; n++) {
        assert_int_equal(candor_sha256(candor_bytes_of(key, n), hashed), CANDOR_OK);
        assert_int_equal(candor_hmac_new(candor_bytes_of(key, n), &h), CANDOR_OK);
        assert_int_equal(candor_hmac_run(h, CANDOR_LIT("m"), a), CANDOR_OK);
        candor_hmac_free(h);
        assert_int_equal(candor_hmac_new(candor_bytes_of((char *)hashed, 32), &h), CANDOR_OK);
        assert_int_equal(candor_hmac_run(h, CANDOR_LIT("m"), b), CANDOR_OK);
        candor_hmac_free(h);
        assert_int_equal(memcmp(a, b, 32) == 0, n == 65);
    }
}

static void const_time_eq_sees_a_difference_in_every_bit(void **state)
{
    (void)state;
    unsigned char a[32] = {0}, b[32] = {0};
    assert_true(candor_const_time_eq(a, b, 32));
    assert_true(candor_const_time_eq(a, b, 0));
    for (unsigned bit = 0; bit < 256; bit++) {
        b[bit / 8] = (unsigned char)(1u << (bit % 8));
        assert_false(candor_const_time_eq(a, b, 32));
        b[bit / 8] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_matches_the_published_examples),
        cmocka_unit_test(hmac_matches_rfc_4231_on_every_call),
        cmocka_unit_test(hmac_text_is_the_first_half_in_hex),
        cmocka_unit_test(hmac_takes_an_empty_key_and_an_empty_message),
        cmocka_unit_test(keys_of_one_block_and_one_more_byte_differ_from_their_hash),
        cmocka_unit_test(const_time_eq_sees_a_difference_in_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
