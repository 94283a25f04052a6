/* CRC-32C by instruction (SSE4.2, ARMv8 CRC) or by slicing over eight tables. Layer: plat. */
#include "plat/crc32c.h"

#include "base/bytes.h"
#include "plat/crc32c_table.h"

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#elif defined(__x86_64__)
#include <nmmintrin.h>
#endif

uint32_t candor_crc32c_portable(uint32_t crc, const void *p, size_t n)
{
    const unsigned char *s = p;

    crc = ~crc;
    for (; n >= 8; n -= 8, s += 8) {
        const uint32_t lo = crc ^ candor_get_u32(s);
        const uint32_t hi = candor_get_u32(s + 4);
        crc = crc32c_table[7][lo & 255] ^ crc32c_table[6][lo >> 8 & 255] ^
              crc32c_table[5][lo >> 16 & 255] ^ crc32c_table[4][lo >> 24] ^
              crc32c_table[3][hi & 255] ^ crc32c_table[2][hi >> 8 & 255] ^
              crc32c_table[1][hi >> 16 & 255] ^ crc32c_table[0][hi >> 24];
    }
    for (; n > 0; n--, s++)
        crc = crc >> 8 ^ crc32c_table[0][(crc ^ *s) & 255];
    return ~crc;
}

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

uint32_t candor_crc32c(uint32_t crc, const void *p, size_t n)
{
    const unsigned char *s = p;

    crc = ~crc;
    for (; n >= 8; n -= 8, s += 8)
        crc = __crc32cd(crc, candor_get_u64(s));
    for (; n > 0; n--, s++)
        crc = __crc32cb(crc, *s);
    return ~crc;
}

#elif defined(__x86_64__)

/* The last t = 0..7 bytes in one step instead of a loop whose length no processor guesses: moved to
 * the top of a word, behind zeros that a zero state passes over unchanged. The state goes along by
 * its first t bytes; the rest of it is what t steps would have shifted down. Needs the eight bytes
 * before s + t to be readable. Shifts are split in two because one by 64 is undefined. */
__attribute__((target("sse4.2,crc32"))) static inline uint32_t
crc32c_tail(uint32_t crc, const unsigned char *s, size_t t)
{
    const unsigned up = 63 - 8 * (unsigned)t;
    const uint64_t bytes = candor_get_u64(s + t - 8) >> 1 >> up;
    return (uint32_t)_mm_crc32_u64(0, (bytes ^ crc) << up << 1) ^
           (uint32_t)((uint64_t)crc >> 8 * t);
}

__attribute__((target("sse4.2,crc32"))) static uint32_t
crc32c_sse42(uint32_t crc, const unsigned char *s, size_t n)
{
    const bool wide_enough = n >= 8;
    uint64_t wide = (uint32_t)~crc;

    for (; n >= 8; n -= 8, s += 8)
        wide = _mm_crc32_u64(wide, candor_get_u64(s));
    crc = (uint32_t)wide;
    if (wide_enough) return ~crc32c_tail(crc, s, n);
    for (; n > 0; n--, s++)
        crc = _mm_crc32_u8(crc, *s);
    return ~crc;
}

/* To ask takes a table of the compiler's own library, which a target whose every processor has it
 * need not bring along. */
static bool has_sse42(void)
{
#if defined(__SSE4_2__)
    return true;
#else
    return __builtin_cpu_supports("sse4.2");
#endif
}

uint32_t candor_crc32c(uint32_t crc, const void *p, size_t n)
{
    if (has_sse42()) return crc32c_sse42(crc, p, n);
    return candor_crc32c_portable(crc, p, n);
}

#else

uint32_t candor_crc32c(uint32_t crc, const void *p, size_t n)
{
    return candor_crc32c_portable(crc, p, n);
}

#endif
