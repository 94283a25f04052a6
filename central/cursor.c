#include "central/cursor.h"

#include "base/bytes.h"

/* The label keeps this use of the pepper apart from the others, whose messages are other words. */
static candor_status run_mac(const unsigned char pepper[32], candor_bytes question,
                             const unsigned char place[CANDOR_CURSOR_PLACE],
                             unsigned char mac[CANDOR_SHA256_SIZE])
{
    candor_hmac *h = NULL;
    candor_buf text = {0};
    candor_status st = candor_hmac_new(candor_bytes_of((const char *)pepper, 32), &h);
    candor_buf_put_bytes(&text, CANDOR_LIT("page cursor\n"));
    candor_buf_put(&text, place, CANDOR_CURSOR_PLACE);
    candor_buf_put_bytes(&text, question);
    if (st == CANDOR_OK && text.failed) st = CANDOR_NOMEM;
    if (st == CANDOR_OK) st = candor_hmac_run(h, candor_buf_bytes(&text), mac);
    candor_buf_free(&text);
    candor_hmac_free(h);
    return st;
}

candor_status candor_cursor_make(const unsigned char pepper[32], candor_bytes question,
                                 const unsigned char place[CANDOR_CURSOR_PLACE],
                                 char text[CANDOR_CURSOR_TEXT])
{
    unsigned char mac[CANDOR_SHA256_SIZE];
    candor_status st = run_mac(pepper, question, place, mac);
    if (st != CANDOR_OK) return st;
    candor_hex_encode(place, CANDOR_CURSOR_PLACE, text);
    candor_hex_encode(mac, CANDOR_CURSOR_MAC, text + (size_t)2 * CANDOR_CURSOR_PLACE);
    return CANDOR_OK;
}

candor_status candor_cursor_read(const unsigned char pepper[32], candor_bytes question,
                                 candor_bytes text, unsigned char place[CANDOR_CURSOR_PLACE])
{
    unsigned char said[CANDOR_CURSOR_PLACE + CANDOR_CURSOR_MAC], mac[CANDOR_SHA256_SIZE];
    candor_status st;
    if (!candor_hex_decode(text, said, sizeof said)) return CANDOR_INVALID;
    st = run_mac(pepper, question, said, mac);
    if (st != CANDOR_OK) return st;
    if (!candor_const_time_eq(mac, said + CANDOR_CURSOR_PLACE, CANDOR_CURSOR_MAC))
        return CANDOR_INVALID;
    memcpy(place, said, CANDOR_CURSOR_PLACE);
    return CANDOR_OK;
}
