/* AES-256-GCM against vectors of NIST's CAVP (gcmEncryptExtIV256.rsp) and of the GCM specification
 * (McGrew and Viega, appendix B, test cases 13 to 16). */
#include "base/base_test.h"

#include "base/aead.h"

typedef struct vector {
    const char *key, *nonce, *aad, *plain, *sealed; /* sealed: ciphertext and tag */
} vector;

static const vector vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
     "b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
     "8838c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
     "b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
     "8838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
    {"b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4", "516c33929df5a3284ff463d7",
     "", "", "bdc1ac884d332457a1d2664f168c76f0"},
};

static candor_bytes hex(const char *text, unsigned char *to, size_t cap)
{
    size_t n = strlen(text) / 2;
    assert_true(n <= cap);
    assert_true(candor_hex_decode(candor_bytes_str(text), to, n));
    return candor_bytes_of((const char *)to, n);
}

static void published_vectors_seal_and_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        unsigned char key[32], nonce[12], aad[64], plain[128], sealed[160];
        const vector *v = &vectors[i];
        candor_buf out = {0}, back = {0};
        (void)hex(v->key, key, sizeof key);
        (void)hex(v->nonce, nonce, sizeof nonce);
        candor_bytes a = hex(v->aad, aad, sizeof aad), p = hex(v->plain, plain, sizeof plain);
        candor_bytes s = hex(v->sealed, sealed, sizeof sealed);
        assert_int_equal(candor_aead_seal(key, nonce, a, p, &out), CANDOR_OK);
        assert_true(candor_bytes_eq(candor_buf_bytes(&out), s));
        assert_int_equal(candor_aead_open(key, nonce, a, s, &back), CANDOR_OK);
        assert_true(candor_bytes_eq(candor_buf_bytes(&back), p));
        candor_buf_free(&out);
        candor_buf_free(&back);
    }
}

static void every_changed_byte_is_found(void **state)
{
    (void)state;
    unsigned char key[32] = {1}, nonce[12] = {2}, other[32] = {3};
    char aad[] = "head";
    candor_buf sealed = {0}, back = {0};
    candor_buf_put_bytes(&back, CANDOR_LIT("before"));
    assert_int_equal(
        candor_aead_seal(key, nonce, candor_bytes_str(aad), CANDOR_LIT("text"), &sealed),
        CANDOR_OK);
    for (size_t i = 0; i < sealed.n; i++) {
        sealed.p[i] ^= 1;
        assert_int_equal(
            candor_aead_open(key, nonce, candor_bytes_str(aad), candor_buf_bytes(&sealed), &back),
            CANDOR_CORRUPT);
        sealed.p[i] ^= 1;
    }
    assert_int_equal(
        candor_aead_open(other, nonce, candor_bytes_str(aad), candor_buf_bytes(&sealed), &back),
        CANDOR_CORRUPT);
    aad[0] ^= 1;
    assert_int_equal(
        candor_aead_open(key, nonce, candor_bytes_str(aad), candor_buf_bytes(&sealed), &back),
        CANDOR_CORRUPT);
    assert_int_equal(candor_aead_open(key, nonce, CANDOR_LIT(""), CANDOR_LIT("short"), &back),
                     CANDOR_CORRUPT);
    assert_true(candor_bytes_eq(candor_buf_bytes(&back), CANDOR_LIT("before")));
    candor_buf_free(&sealed);
    candor_buf_free(&back);
}

static void what_is_sealed_goes_behind_what_is_there(void **state)
{
    (void)state;
    unsigned char key[32] = {1}, nonce[12] = {2};
    candor_buf out = {0}, back = {0};
    candor_buf_put_bytes(&out, CANDOR_LIT("head"));
    assert_int_equal(candor_aead_seal(key, nonce, CANDOR_LIT("head"), CANDOR_LIT("text"), &out),
                     CANDOR_OK);
    assert_int_equal(out.n, 4 + 4 + CANDOR_AEAD_TAG);
    assert_memory_equal(out.p, "head", 4);
    assert_int_equal(candor_aead_open(key, nonce, CANDOR_LIT("head"),
                                      candor_bytes_of(out.p + 4, out.n - 4), &back),
                     CANDOR_OK);
    assert_true(candor_bytes_eq(candor_buf_bytes(&back), CANDOR_LIT("text")));
    candor_buf_free(&out);
    candor_buf_free(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors_seal_and_open),
        cmocka_unit_test(every_changed_byte_is_found),
        cmocka_unit_test(what_is_sealed_goes_behind_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
