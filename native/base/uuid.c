#include "base/uuid.h"

void candor_uuid7_make(uint64_t unix_ms, const unsigned char rand[10], unsigned char out[16])
{
    for (unsigned i = 0; i < 6; i++)
        out[i] = (unsigned char)(unix_ms >> (40 - 8 * i));
    memcpy(out + 6, rand, 10);
    out[6] = (unsigned char)((out[6] & 0x0f) | 0x70);
    out[8] = (unsigned char)((out[8] & 0x3f) | 0x80);
}

void candor_uuid_format(const unsigned char id[16], char out[CANDOR_UUID_TEXT])
{
    candor_hex_encode(id, 4, out);
    out[8] = '-';
    candor_hex_encode(id + 4, 2, out + 9);
    out[13] = '-';
    candor_hex_encode(id + 6, 2, out + 14);
    out[18] = '-';
    candor_hex_encode(id + 8, 2, out + 19);
    out[23] = '-';
    candor_hex_encode(id + 10, 6, out + 24);
}

bool candor_uuid_parse(candor_bytes text, unsigned char out[16])
{
    const char *p = text.p;
    unsigned char id[16];
    if (text.n != CANDOR_UUID_TEXT) return false;
    if (p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-') return false;
    if (!candor_hex_decode_word(candor_get_u64(p), id) ||
        !candor_hex_decode_word(candor_get_u32(p + 9) | (uint64_t)candor_get_u32(p + 14) << 32,
                                id + 4) ||
        !candor_hex_decode_word(candor_get_u32(p + 19) | (uint64_t)candor_get_u32(p + 24) << 32,
                                id + 8) ||
        !candor_hex_decode_word(candor_get_u64(p + 28), id + 12))
        return false;
    memcpy(out, id, sizeof(id));
    return true;
}

bool candor_uuid_is_v7(const unsigned char id[16])
{
    return (id[6] & 0xf0) == 0x70 && (id[8] & 0xc0) == 0x80;
}

uint64_t candor_uuid_head(const unsigned char id[16])
{
    uint64_t head = 0;
    for (unsigned i = 0; i < 8; i++)
        head = head << 8 | id[i];
    return head;
}

uint64_t candor_uuid7_ms(const unsigned char id[16])
{
    uint64_t ms = 0;
    for (unsigned i = 0; i < 6; i++)
        ms = ms << 8 | id[i];
    return ms;
}
