/* CRC-32C: both versions against the RFC's vectors and the bit-by-bit definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "plat/crc32c.h"

typedef uint32_t (*crc_fn)(uint32_t, const void *, size_t);
static const crc_fn versions[] = {candor_crc32c, candor_crc32c_portable};
#define VERSIONS (sizeof versions / sizeof versions[0])

/* The definition: reflected polynomial 0x82F63B78, all ones before and after. */
static uint32_t by_bits(uint32_t crc, const unsigned char *p, size_t n)
{
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

/* RFC 3720 appendix B.4, and the check value of the CRC catalogues. */
static void agrees_with_the_published_vectors(void **state)
{
    static const unsigned char read_pdu[48] = {
        0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
        0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0};
    unsigned char zeros[32] = {0}, ones[32], up[32], down[32];

    (void)state;
    memset(ones, 0xff, sizeof ones);
    for (unsigned char i = 0; i < 32; i++) {
        up[i] = i;
        down[i] = (unsigned char)(31 - i);
    }
    for (size_t v = 0; v < VERSIONS; v++) {
        assert_int_equal(versions[v](0, zeros, 32), 0x8a9136aa);
        assert_int_equal(versions[v](0, ones, 32), 0x62a8ab43);
        assert_int_equal(versions[v](0, up, 32), 0x46dd794e);
        assert_int_equal(versions[v](0, down, 32), 0x113fdb5c);
        assert_int_equal(versions[v](0, read_pdu, sizeof read_pdu), 0xd9963a56);
        assert_int_equal(versions[v](0, "123456789", 9), 0xe3069283);
        assert_int_equal(versions[v](0, NULL, 0), 0);
    }
}

/* Every length, every alignment; the bytes walk through all table entries. */
static void agrees_with_the_definition_at_any_length_and_alignment(void **state)
{
    static unsigned char data[2048 + 16];
    uint32_t x = 2463534242u; /* xorshift32, Marsaglia 2003 */

    (void)state;
    for (size_t i = 0; i < sizeof data; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        data[i] = (unsigned char)x;
    }
    for (size_t at = 0; at < 16; at++)
        for (size_t n = 0; n < 2048; n += n < 300 ? 1 : 97)
            for (size_t v = 0; v < VERSIONS; v++)
                assert_int_equal(versions[v](0, data + at, n), by_bits(0, data + at, n));
}

static void goes_on_from_a_previous_result(void **state)
{
    static const unsigned char text[] = "A record is written in pieces, and checked in one.";
    const size_t n = sizeof text - 1;

    (void)state;
    for (size_t v = 0; v < VERSIONS; v++)
        for (size_t cut = 0; cut <= n; cut++) {
            const uint32_t head = versions[v](0, text, cut);
            assert_int_equal(versions[v](head, text + cut, n - cut), by_bits(0, text, n));
        }
}

static void sees_every_single_bit_flip(void **state)
{
    unsigned char block[64] = {0};

    (void)state;
    for (size_t v = 0; v < VERSIONS; v++) {
        const uint32_t before = versions[v](0, block, sizeof block);
        for (size_t bit = 0; bit < sizeof block * 8; bit++) {
            block[bit / 8] ^= (unsigned char)(1u << bit % 8);
            assert_int_not_equal(versions[v](0, block, sizeof block), before);
            block[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_published_vectors),
        cmocka_unit_test(agrees_with_the_definition_at_any_length_and_alignment),
        cmocka_unit_test(goes_on_from_a_previous_result),
        cmocka_unit_test(sees_every_single_bit_flip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
