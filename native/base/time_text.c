/* RFC 3339 text to and from Unix milliseconds, in the proleptic Gregorian calendar. Written out
 * because gmtime and timegm are neither portable nor free of locks. */
#include "base/uuid.h"

#define MS_PER_DAY  INT64_C(86400000)
#define DAYS_0000   INT64_C(719528) /* 0000-01-01 to 1970-01-01 */
#define MS_MIN      (-DAYS_0000 * MS_PER_DAY)
#define MS_MAX      INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define DAYS_IN_ERA 146097U                  /* 400 Gregorian years */

typedef struct civil {
    unsigned year, month, day;
} civil;

/* Years that start in March put the leap day last, so that a month's first day is a linear formula.
 * Counting starts one era early, at -0400-03-01, which keeps every intermediate unsigned. */
static civil civil_of(uint32_t days_since_0000)
{
    uint32_t days = days_since_0000 + DAYS_IN_ERA - 60; /* 0000-03-01 is day 60 of its year */
    uint32_t era = days / DAYS_IN_ERA, doe = days % DAYS_IN_ERA;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t mp = (5 * doy + 2) / 153;
    civil c = {.month = mp < 10 ? mp + 3 : mp - 9, .day = doy - (153 * mp + 2) / 5 + 1};
    c.year = yoe + era * 400 + (c.month <= 2 ? 1 : 0) - 400;
    return c;
}

static uint32_t days_of(civil c)
{
    uint32_t year = c.year + 400 - (c.month <= 2 ? 1 : 0);
    uint32_t era = year / 400, yoe = year % 400;
    uint32_t mp = c.month > 2 ? c.month - 3 : c.month + 9;
    uint32_t doy = (153 * mp + 2) / 5 + c.day - 1;
    return era * DAYS_IN_ERA + yoe * 365 + yoe / 4 - yoe / 100 + doy + 60 - DAYS_IN_ERA;
}

static void put_digits(char *at, unsigned width, uint32_t v)
{
    while (width-- > 0) {
        at[width] = (char)('0' + v % 10);
        v /= 10;
    }
}

void candor_time_format(int64_t unix_ms, char out[CANDOR_TIME_TEXT])
{
    int64_t ms = unix_ms < MS_MIN ? MS_MIN : unix_ms > MS_MAX ? MS_MAX : unix_ms;
    uint64_t since = (uint64_t)(ms - MS_MIN);
    uint32_t in_day = (uint32_t)(since % (uint64_t)MS_PER_DAY);
    civil c = civil_of((uint32_t)(since / (uint64_t)MS_PER_DAY));
    memcpy(out, "0000-00-00T00:00:00.000Z", CANDOR_TIME_TEXT);
    put_digits(out, 4, c.year);
    put_digits(out + 5, 2, c.month);
    put_digits(out + 8, 2, c.day);
    put_digits(out + 11, 2, in_day / 3600000);
    put_digits(out + 14, 2, in_day / 60000 % 60);
    put_digits(out + 17, 2, in_day / 1000 % 60);
    put_digits(out + 20, 3, in_day % 1000);
}

typedef struct reader {
    const char *p, *end;
} reader;

/* Exactly `width` digits with a value in min..max. */
static bool read_digits(reader *r, unsigned width, unsigned min, unsigned max, unsigned *out)
{
    unsigned v = 0;
    if ((size_t)(r->end - r->p) < width) return false;
    for (unsigned i = 0; i < width; i++, r->p++) {
        if (*r->p < '0' || *r->p > '9') return false;
        v = v * 10 + (unsigned)(*r->p - '0');
    }
    *out = v;
    return v >= min && v <= max;
}

/* ABNF strings are case-insensitive (RFC 5234 section 2.3), so `t` and `z` are valid. */
static bool read_char(reader *r, char c)
{
    if (r->p == r->end || (*r->p != c && *r->p != c + 32)) return false;
    r->p++;
    return true;
}

static bool read_mark(reader *r, char c)
{
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool read_date(reader *r, civil *c)
{
    return read_digits(r, 4, 0, 9999, &c->year) && read_mark(r, '-') &&
           read_digits(r, 2, 1, 12, &c->month) && read_mark(r, '-') &&
           read_digits(r, 2, 1, 31, &c->day) && c->day <= days_in_month(c->year, c->month);
}

static bool read_fraction(reader *r, unsigned *ms)
{
    unsigned scale = 100;
    const char *first;
    *ms = 0;
    if (!read_mark(r, '.')) return true;
    for (first = r->p; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        *ms += (unsigned)(*r->p - '0') * scale;
        scale /= 10;
    }
    return r->p != first;
}

static bool read_offset(reader *r, int64_t *minutes)
{
    unsigned h, m;
    bool west;
    *minutes = 0;
    if (read_char(r, 'Z')) return true;
    west = r->p < r->end && *r->p == '-';
    if (!west && (r->p == r->end || *r->p != '+')) return false;
    r->p++;
    if (!read_digits(r, 2, 0, 23, &h) || !read_mark(r, ':') || !read_digits(r, 2, 0, 59, &m))
        return false;
    *minutes = (int64_t)(h * 60 + m) * (west ? -1 : 1);
    return true;
}

bool candor_time_parse(candor_bytes text, int64_t *unix_ms)
{
    reader r;
    civil c;
    unsigned h, m, s, ms;
    int64_t offset, t;
    bool leap_second;
    if (text.n == 0) return false;
    r = (reader){text.p, text.p + text.n};
    if (!read_date(&r, &c) || !read_char(&r, 'T')) return false;
    if (!read_digits(&r, 2, 0, 23, &h) || !read_mark(&r, ':') || !read_digits(&r, 2, 0, 59, &m) ||
        !read_mark(&r, ':') || !read_digits(&r, 2, 0, 60, &s))
        return false;
    if (!read_fraction(&r, &ms) || !read_offset(&r, &offset) || r.p != r.end) return false;
    leap_second = s == 60;
    if (leap_second) {
        s = 59;
        ms = 999;
    }
    t = ((int64_t)days_of(c) - DAYS_0000) * MS_PER_DAY +
        (((int64_t)h * 60 + m - offset) * 60 + s) * 1000 + ms;
    if (t < MS_MIN || t > MS_MAX) return false; /* the offset led out of the years we can write */
    /* RFC 3339 appendix D: leap seconds only come at the end of a UTC day. */
    if (leap_second && (t - MS_MIN) % MS_PER_DAY != MS_PER_DAY - 1) return false;
    *unix_ms = t;
    return true;
}
