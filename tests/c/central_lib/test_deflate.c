#include "base/base_test.h"

#include "central/deflate.h"
#include "central/inflate.h"

static void gives_back(candor_deflater *z, candor_bytes text)
{
    candor_inflater *back;
    candor_buf packed = {0}, out = {0};
    candor_err err = {0};
    candor_buf_put(&packed, "kept", 4);
    assert_int_equal(candor_deflater_run(z, text, &packed, &err), CANDOR_OK);
    assert_memory_equal(packed.p, "kept", 4);
    assert_int_equal(candor_inflater_new(&back), CANDOR_OK);
    assert_int_equal(
        candor_inflater_run(back, candor_bytes_of(packed.p + 4, packed.n - 4), text.n, &out, &err),
        CANDOR_OK);
    assert_int_equal(out.n, text.n);
    if (text.n != 0) assert_memory_equal(out.p, text.p, text.n);
    candor_inflater_free(back);
    candor_buf_free(&packed);
    candor_buf_free(&out);
}

static void a_member_inflates_to_the_text_whatever_its_size_and_ratio(void **state)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65534, 65535, 65536, 131070, 3000000};
    candor_deflater *z;
    uint64_t seed = 7;
    (void)state;
    assert_int_equal(candor_deflater_new(&z), CANDOR_OK);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int compressible = 0; compressible < 2; compressible++) {
            char *text = malloc(sizes[i] + 1);
            assert_non_null(text);
            for (size_t k = 0; k < sizes[i]; k++)
                text[k] = compressible != 0 ? "event_id"[k % 8] : (char)(next_random(&seed) >> 56);
            gives_back(z, candor_bytes_of(text, sizes[i]));
            free(text);
        }
    }
    candor_deflater_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_inflates_to_the_text_whatever_its_size_and_ratio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
