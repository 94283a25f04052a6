/* Time zones, page cursors and receipts: what is refused, and that nothing damaged is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "central/cursor.h"
#include "central/receipt.h"
#include "central/zone.h"
#include "central/zone_rule.h"

/* --- zones ---------------------------------------------------------------------------------- */

static int32_t offset(const char *name, int64_t unix_s)
{
    candor_zone *z = NULL;
    candor_err err = {0};
    int32_t s;
    if (candor_zone_open(name, &z, &err) != CANDOR_OK) fail_msg("%s: %s", name, err.text);
    s = candor_zone_offset(z, unix_s);
    candor_zone_free(z);
    return s;
}

static void fixed_offsets_and_names_have_their_offset(void **state)
{
    (void)state;
    assert_int_equal(offset("UTC", 0), 0);
    assert_int_equal(offset("+05:30", 0), 19800);
    assert_int_equal(offset("-03:00", INT64_C(1) << 40), -10800);
    assert_int_equal(offset("Europe/Berlin", 1784000000), 7200); /* July 2026 */
    assert_int_equal(offset("Europe/Berlin", 1795000000), 3600); /* November 2026 */
    assert_int_equal(offset("Asia/Kolkata", 1795000000), 19800);
    assert_int_equal(offset("Europe/Berlin", INT64_C(-5000000000)), 3208); /* local mean time */
}

static void names_that_leave_the_folder_or_are_no_zone_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../../etc/passwd",
                                      "Europe/",
                                      "Europe//X",
                                      "Mars/Base",
                                      "posixrules\n",
                                      "+5:30",
                                      "+24:00",
                                      "+05:60",
                                      "05:30",
                                      "zone.tab",
                                      "Europe",
                                      "+aa:bb",
                                      "Europe/Berl\xc3\xadn"};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        candor_zone *z = NULL;
        candor_err err = {0};
        assert_int_equal(candor_zone_open(bad[i], &z, &err), CANDOR_INVALID);
        assert_null(z);
        assert_true(strlen(err.text) > 20);
    }
}

static int32_t by_rule(const char *text, int64_t unix_s)
{
    candor_zone_rule r;
    assert_true(candor_zone_rule_parse(candor_bytes_str(text), &r));
    return candor_zone_rule_offset(&r, unix_s);
}

static void rules_change_at_their_second(void **state)
{
    const int64_t spring = 1774746000; /* 2026-03-29 01:00 UTC */
    const int64_t autumn = 1792890000; /* 2026-10-25 01:00 UTC */
    static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";
    (void)state;
    assert_int_equal(by_rule(berlin, spring - 1), 3600);
    assert_int_equal(by_rule(berlin, spring), 7200);
    assert_int_equal(by_rule(berlin, autumn - 1), 7200);
    assert_int_equal(by_rule(berlin, autumn), 3600);
    assert_int_equal(by_rule("<-03>3", autumn), -10800);
    assert_int_equal(by_rule("EST5EDT,J60,J300", 1767225600), -18000);            /* 1 January */
    assert_int_equal(by_rule("AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600), 39600); /* summer there */
    assert_int_equal(by_rule("IST-1GMT0,M10.5.0,M3.5.0/1", spring - 1),
                     0); /* winter is the other */
    assert_int_equal(by_rule("EET-2EEST,M3.4.4/50,M10.4.4/50", 1767225600), 7200);
}

static void damaged_rules_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "CET",
                                      "C-1",
                                      "CET-1CEST",
                                      "CET-25",
                                      "<CET",
                                      "CET-1CEST,M3",
                                      "CET-1CEST,M13.1.0,M1.1.0",
                                      "CET-1x,",
                                      "CET-1 ",
                                      "CET-1CEST,M3.5.0,M10.5.0/168",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-1CEST,J0,J1",
                                      "CET-1:60"};
    candor_zone_rule r;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (candor_zone_rule_parse(candor_bytes_str(bad[i]), &r)) fail_msg("taken: %s", bad[i]);
}

static void dates_and_days_are_each_others_inverse(void **state)
{
    int64_t day, year;
    int month, of_month;
    (void)state;
    for (day = -800000; day < 3000000; day += 97) {
        candor_date_of(day, &year, &month, &of_month);
        assert_int_equal(candor_days_of(year, month, of_month), day);
        assert_in_range(month, 1, 12);
        assert_in_range(of_month, 1, 31);
    }
    candor_date_of(0, &year, &month, &of_month);
    assert_int_equal(year * 10000 + month * 100 + of_month, 19700101);
}

static size_t put_head(unsigned char *to, unsigned char times)
{
    memset(to, 0, 44);
    memcpy(to, "TZif2", 5);
    to[35] = times;
    to[39] = 1; /* types */
    to[43] = 4; /* chars */
    return 44;
}

/* UTC in the old block; in the new one an hour east since a moment of 1978, and for ever. */
static size_t make_file(unsigned char *to)
{
    static const char since[] = "\0\0\0\0\x10\0\0\0"
                                "\0"
                                "\0\0\x0e\x10\0\0"
                                "CET\0"
                                "\nCET-1\n";
    size_t n = put_head(to, 0);
    memcpy(to + n, "\0\0\0\0\0\0UTC\0", 10);
    n += 10;
    n += put_head(to + n, 1);
    memcpy(to + n, since, sizeof since - 1);
    return n + sizeof since - 1;
}

/* A file of one zone, cut at every length and with every byte turned, is refused or read whole. */
static void damaged_or_large_files_are_no_zone(void **state)
{
    unsigned char whole[160];
    const size_t size = make_file(whole);
    unsigned char text[sizeof whole];
    candor_zone *z = NULL;
    size_t i;
    unsigned bit;
    (void)state;
    assert_int_equal(candor_zone_parse(candor_bytes_of((const char *)whole, size), &z), CANDOR_OK);
    assert_int_equal(candor_zone_offset(z, INT64_C(1) << 33), 3600);
    candor_zone_free(z);
    for (i = 0; i < size; i++) {
        z = NULL;
        assert_int_not_equal(candor_zone_parse(candor_bytes_of((const char *)whole, i), &z),
                             CANDOR_OK);
        for (bit = 0; bit < 8; bit++) {
            memcpy(text, whole, size);
            text[i] = (unsigned char)(text[i] ^ 1u << bit);
            z = NULL;
            if (candor_zone_parse(candor_bytes_of((const char *)text, size), &z) == CANDOR_OK)
                (void)candor_zone_offset(z, 1790000000);
            candor_zone_free(z);
        }
    }
}

/* --- cursors -------------------------------------------------------------------------------- */

static void cursor_belongs_to_its_question_and_pepper(void **state)
{
    const unsigned char pepper[32] = {1}, other[32] = {2};
    const unsigned char place[CANDOR_CURSOR_PLACE] = {9, 8, 7};
    unsigned char back[CANDOR_CURSOR_PLACE];
    char text[CANDOR_CURSOR_TEXT];
    candor_bytes all = candor_bytes_of(text, sizeof text);
    size_t i;
    (void)state;
    assert_int_equal(candor_cursor_make(pepper, CANDOR_LIT("q"), place, text), CANDOR_OK);
    assert_int_equal(candor_cursor_read(pepper, CANDOR_LIT("q"), all, back), CANDOR_OK);
    assert_memory_equal(back, place, sizeof place);
    assert_int_equal(candor_cursor_read(pepper, CANDOR_LIT("r"), all, back), CANDOR_INVALID);
    assert_int_equal(candor_cursor_read(other, CANDOR_LIT("q"), all, back), CANDOR_INVALID);
    all.n--;
    assert_int_equal(candor_cursor_read(pepper, CANDOR_LIT("q"), all, back), CANDOR_INVALID);
    all.n++;
    for (i = 0; i < sizeof text; i++) {
        char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        assert_int_equal(candor_cursor_read(pepper, CANDOR_LIT("q"), all, back), CANDOR_INVALID);
        text[i] = was;
    }
}

/* --- receipts ------------------------------------------------------------------------------- */

static void receipt_with_any_byte_changed_does_not_verify(void **state)
{
    const unsigned char seed[CANDOR_RECEIPT_KEY] = {42};
    unsigned char key[CANDOR_RECEIPT_KEY];
    candor_receipt r = {.requested_ms = 1, .completed_ms = 2, .subject = "user_id", .events = 7};
    candor_receipt back;
    candor_buf b = {0};
    candor_err err = {0};
    size_t i, key_at;
    (void)state;
    assert_int_equal(candor_receipt_public(seed, key), CANDOR_OK);
    assert_int_equal(candor_receipt_write(&r, seed, &b, &err), CANDOR_OK);
    assert_int_equal(candor_receipt_verify(candor_buf_bytes(&b), key, &back, &err), CANDOR_OK);
    assert_int_equal(back.events, 7);
    key_at = (size_t)((const char *)memmem(b.p, b.n, "\"key\":\"", 7) - b.p) + 7;
    for (i = 0; i < b.n; i++) {
        char was = b.p[i];
        if (i >= key_at && i < key_at + 64) continue; /* what it says of its key does not count */
        b.p[i] = was == '3' ? '4' : '3';
        if (was == '\n') b.p[i] = 'x';
        assert_int_equal(candor_receipt_verify(candor_buf_bytes(&b), key, &back, &err),
                         CANDOR_INVALID);
        b.p[i] = was;
    }
    candor_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_offsets_and_names_have_their_offset),
        cmocka_unit_test(names_that_leave_the_folder_or_are_no_zone_are_refused),
        cmocka_unit_test(rules_change_at_their_second),
        cmocka_unit_test(damaged_rules_are_refused),
        cmocka_unit_test(dates_and_days_are_each_others_inverse),
        cmocka_unit_test(damaged_or_large_files_are_no_zone),
        cmocka_unit_test(cursor_belongs_to_its_question_and_pepper),
        cmocka_unit_test(receipt_with_any_byte_changed_does_not_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
