/* JSON numbers: text to double and int64, and back. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/json.h"

/* --- reading -----------------------------------------------------------------------------------
 */

/* The value is digits[0..n) times ten to the exponent. 768 significant digits decide every rounding
 * of a double; beyond them only "is anything left" matters, which one more digit tells. */
#define DIGITS_MAX     768
#define EXPONENT_CLAMP 100000 /* far beyond what a double holds, far below overflow */

typedef struct decimal {
    char digits[DIGITS_MAX + 1 + 16]; /* and room for the exponent in text */
    size_t n;
    int64_t exponent;
    bool negative;
} decimal;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int64_t read_exponent(const char *p, const char *end)
{
    int64_t e = 0;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    for (; p < end && is_digit(*p); p++) {
        if (e < INT64_MAX / 20) e = e * 10 + (*p - '0');
    }
    return negative ? -e : e;
}

static void read_decimal(candor_bytes raw, decimal *d)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    bool point = false, more = false;
    d->n = 0;
    d->exponent = 0;
    d->negative = *p == '-';
    if (d->negative) p++;
    for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (point) d->exponent--;
        if (d->n == 0 && *p == '0') continue; /* not significant */
        if (d->n < DIGITS_MAX) {
            d->digits[d->n++] = *p;
        } else {
            d->exponent++;
            more = more || *p != '0';
        }
    }
    if (more) {
        d->digits[d->n++] = '1';
        d->exponent--;
    }
    if (p < end && (*p == 'e' || *p == 'E')) d->exponent += read_exponent(p + 1, end);
}

/* Without a decimal point in the text no locale can change what strtod reads. */
static double convert_slow(decimal *d)
{
    int64_t e = d->exponent;
    uint64_t left;
    size_t at;
    /* Only an exponent can make these few digits overflow or vanish, so clamping keeps the result.
     */
    if (e > EXPONENT_CLAMP) e = EXPONENT_CLAMP;
    if (e < -EXPONENT_CLAMP) e = -EXPONENT_CLAMP;
    at = d->n;
    d->digits[at++] = 'e';
    d->digits[at++] = e < 0 ? '-' : '+';
    left = (uint64_t)(e < 0 ? -e : e);
    for (uint64_t unit = EXPONENT_CLAMP; unit != 0; unit /= 10)
        d->digits[at++] = (char)('0' + left / unit % 10);
    d->digits[at] = '\0';
    return strtod(d->digits, NULL);
}

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Clinger 1990, "How to read floating point numbers accurately": when both the digits and the power
 * of ten are exact doubles, one multiplication or division rounds once, hence correctly. x87 rounds
 * twice, so the shortcut needs FLT_EVAL_METHOD 0. */
static bool convert_fast(uint64_t mantissa, int64_t e, double *out)
{
    if (FLT_EVAL_METHOD != 0 || mantissa > UINT64_C(1) << 53 || e < -22 || e > 22) return false;
    *out = e < 0 ? (double)mantissa / powers[-e] : (double)mantissa * powers[e];
    return true;
}

/* The common case without the copy: at most 19 digits, which fit 64 bits. */
static bool read_short(candor_bytes raw, double *out)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    bool negative = *p == '-';
    uint64_t mantissa = 0;
    int64_t e = 0;
    unsigned digits = 0;
    if (raw.n > 32) return false;
    if (negative) p++;
    for (; p < end && is_digit(*p); p++, digits++)
        mantissa = mantissa * 10 + (uint64_t)(*p - '0');
    if (p < end && *p == '.') {
        for (p++; p < end && is_digit(*p); p++, digits++, e--)
            mantissa = mantissa * 10 + (uint64_t)(*p - '0');
    }
    if (digits > 19) return false;
    if (p < end && (*p == 'e' || *p == 'E')) e += read_exponent(p + 1, end);
    if (!convert_fast(mantissa, e, out)) return false;
    if (negative) *out = -*out;
    return true;
}

double candor_json_double(candor_bytes raw)
{
    decimal d;
    double v;
    if (raw.n == 0) return 0;
    if (read_short(raw, &v)) return v;
    read_decimal(raw, &d);
    v = d.n == 0 ? 0.0 : convert_slow(&d);
    return d.negative ? -v : v;
}

bool candor_json_int64(candor_bytes raw, int64_t *out)
{
    bool negative = raw.n != 0 && raw.p[0] == '-';
    size_t i = negative ? 1 : 0;
    uint64_t limit = negative ? UINT64_C(1) << 63 : (uint64_t)INT64_MAX;
    uint64_t v = 0;
    if (i == raw.n) return false;
    for (; i < raw.n; i++) {
        uint64_t digit = (uint64_t)(unsigned char)raw.p[i] - '0';
        if (digit > 9 || v > (limit - digit) / 10) return false;
        v = v * 10 + digit;
    }
    /* -INT64_MIN does not exist, hence the detour over v - 1. */
    *out = negative && v != 0 ? -(int64_t)(v - 1) - 1 : (int64_t)v;
    return true;
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* Digits without branches: how many a number has differs from event to event, and a processor that
 * guesses it wrong loses more time than all of the arithmetic takes. */

#define EIGHT_DIGITS 100000000u

/* The eight digits of v < 10^8, most significant in the lowest byte, as values 0..9. Divides by
 * 10^4, then both halves by 100, then all four parts by 10; the multipliers stand for division and
 * are exact for what the lanes can hold (Hacker's Delight, chapter 10). */
static inline uint64_t eight_digits(uint32_t v)
{
    uint64_t x = v / 10000 | (uint64_t)(v % 10000) << 32;
    uint64_t high = (x * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    x = high | (x - high * 100) << 16;
    high = (x * 103 >> 10) & UINT64_C(0x000f000f000f000f);
    return high | (x - high * 10) << 8;
}

#define ASCII_ZEROS UINT64_C(0x3030303030303030)

/* v < 10^8 without leading zeros; stores eight bytes, of which the result's end counts. */
static inline char *write_short(char *to, uint32_t v)
{
    unsigned n = 1u + (v > 9) + (v > 99) + (v > 999) + (v > 9999) + (v > 99999) + (v > 999999) +
                 (v > 9999999);
    candor_put_u64(to, (eight_digits(v) | ASCII_ZEROS) >> 8 * (8 - n));
    return to + n;
}

static char *write_u64(char *to, uint64_t v)
{
    if (v < EIGHT_DIGITS) return write_short(to, (uint32_t)v);
    to = write_u64(to, v / EIGHT_DIGITS);
    candor_put_u64(to, eight_digits((uint32_t)(v % EIGHT_DIGITS)) | ASCII_ZEROS);
    return to + 8;
}

char *candor_json_write_i64(char *to, int64_t v)
{
    if (v >= 0) return write_u64(to, (uint64_t)v);
    *to++ = '-';
    return write_u64(to, 0 - (uint64_t)v);
}

/* part * scale rounded half away from zero, for 0 <= part < 1. The product may round up to a tie
 * that part itself stays below (0.15 * 10); the fused form tells the two apart. */
static uint32_t scale_fraction(double part, double scale)
{
    double product = part * scale;
    uint32_t whole = (uint32_t)product;
    double rest = product - (double)whole;
    if (rest > 0.5) return whole + 1;
    if (rest == 0.5 && fma(part, scale, -product) >= 0) return whole + 1;
    return whole;
}

static const uint32_t scales[] = {1, 10, 100, 1000, 10000, 100000, 1000000};

/* The point and what stands behind it, without the zeros at the end; fraction is not 0. */
static char *write_fraction(char *to, uint32_t fraction, unsigned decimals)
{
    *to++ = '.';
    candor_put_u64(to, eight_digits(fraction * scales[6 - decimals] * 100) | ASCII_ZEROS);
    to += decimals;
    while (to[-1] == '0')
        to--;
    return to;
}

/* Whole part and fraction are split first: v * 10^6 would not fit a double's 53 bits. */
char *candor_json_write_fixed(char *to, double v, unsigned decimals)
{
    double size = fabs(v);
    if (!(size <= 1e12)) { /* also NaN */
        memcpy(to, "null", 4);
        return to + 4;
    }
    if (decimals > 6) decimals = 6;
    int64_t whole = (int64_t)size;
    double part = size - (double)whole;
    uint32_t fraction = part != 0 ? scale_fraction(part, scales[decimals]) : 0;
    if (fraction == scales[decimals]) {
        whole++;
        fraction = 0;
    }
    if (v < 0 && (whole != 0 || fraction != 0)) *to++ = '-';
    to = write_u64(to, (uint64_t)whole);
    return fraction != 0 ? write_fraction(to, fraction, decimals) : to;
}

void candor_json_put_i64(candor_buf *b, int64_t v)
{
    char text[CANDOR_JSON_NUMBER_MAX];
    candor_buf_put(b, text, (size_t)(candor_json_write_i64(text, v) - text));
}

void candor_json_put_fixed(candor_buf *b, double v, unsigned decimals)
{
    char text[CANDOR_JSON_NUMBER_MAX];
    candor_buf_put(b, text, (size_t)(candor_json_write_fixed(text, v, decimals) - text));
}
