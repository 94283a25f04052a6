#include "central/zone_rule.h"

#include <string.h>

#define DAY_S 86400

/* --- calendar ------------------------------------------------------------------------------- */

/* Years begin in March, so that the leap day comes last: howardhinnant.github.io/date_algorithms */
int64_t candor_days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void candor_date_of(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static bool is_leap(int64_t y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* --- parsing -------------------------------------------------------------------------------- */

static bool take_char(candor_bytes *in, char c)
{
    if (in->n == 0 || *in->p != c) return false;
    *in = candor_bytes_of(in->p + 1, in->n - 1);
    return true;
}

static bool take_number(candor_bytes *in, int max, int *out)
{
    size_t n = 0;
    *out = 0;
    while (n < in->n && n < 3 && in->p[n] >= '0' && in->p[n] <= '9')
        *out = *out * 10 + in->p[n++] - '0';
    *in = candor_bytes_of(in->p + n, in->n - n);
    return n != 0 && *out <= max;
}

static bool take_name(candor_bytes *in)
{
    size_t n = 0;
    if (take_char(in, '<')) {
        const char *end = in->n != 0 ? memchr(in->p, '>', in->n) : NULL;
        if (end == NULL) return false;
        n = (size_t)(end - in->p) + 1;
    } else {
        while (n < in->n &&
               ((in->p[n] >= 'A' && in->p[n] <= 'Z') || (in->p[n] >= 'a' && in->p[n] <= 'z')))
            n++;
        if (n < 3) return false;
    }
    *in = candor_bytes_of(in->p + n, in->n - n);
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(candor_bytes *in, int max_hours, int32_t *out)
{
    int h, m = 0, s = 0, sign = 1;
    if (take_char(in, '-'))
        sign = -1;
    else
        (void)take_char(in, '+');
    if (!take_number(in, max_hours, &h)) return false;
    if (take_char(in, ':') && !take_number(in, 59, &m)) return false;
    if (take_char(in, ':') && !take_number(in, 59, &s)) return false;
    *out = sign * (h * 3600 + m * 60 + s);
    return true;
}

static bool take_day(candor_bytes *in, candor_zone_day *d)
{
    bool ok;
    d->time_s = 2 * 3600;
    if (take_char(in, 'M')) {
        d->kind = 'M';
        ok = take_number(in, 12, &d->m) && d->m >= 1 && take_char(in, '.') &&
             take_number(in, 5, &d->w) && d->w >= 1 && take_char(in, '.') &&
             take_number(in, 6, &d->d);
    } else {
        d->kind = take_char(in, 'J') ? 'J' : 'D';
        ok = take_number(in, 365, &d->d) && (d->kind == 'D' || d->d >= 1);
    }
    return ok && (!take_char(in, '/') || take_time(in, 167, &d->time_s));
}

bool candor_zone_rule_parse(candor_bytes in, candor_zone_rule *r)
{
    int32_t west;
    memset(r, 0, sizeof *r);
    if (!take_name(&in) || !take_time(&in, 24, &west)) return false;
    r->std_s = -west;
    if (in.n == 0) return true;
    r->has_dst = true;
    r->dst_s = r->std_s + 3600;
    if (!take_name(&in)) return false;
    if (in.n != 0 && *in.p != ',') {
        if (!take_time(&in, 24, &west)) return false;
        r->dst_s = -west;
    }
    return take_char(&in, ',') && take_day(&in, &r->from) && take_char(&in, ',') &&
           take_day(&in, &r->to) && in.n == 0;
}

/* --- offsets -------------------------------------------------------------------------------- */

static int64_t day_of(const candor_zone_day *d, int64_t year)
{
    int64_t first, day;
    if (d->kind == 'D') return candor_days_of(year, 1, 1) + d->d;
    if (d->kind == 'J')
        return candor_days_of(year, 1, 1) + d->d - 1 + (is_leap(year) && d->d >= 60);
    first = candor_days_of(year, d->m, 1);
    day = first + (d->d - (first + 4) % 7 + 7) % 7 + (int64_t)(d->w - 1) * 7; /* 1970: a Thursday */
    while (day >= candor_days_of(d->m == 12 ? year + 1 : year, d->m % 12 + 1, 1))
        day -= 7; /* week 5 is the last one */
    return day;
}

static int64_t floor_days(int64_t s)
{
    return s / DAY_S - (s % DAY_S < 0);
}

int32_t candor_zone_rule_offset(const candor_zone_rule *r, int64_t unix_s)
{
    int64_t year, from, to;
    int month, day;
    if (!r->has_dst) return r->std_s;
    candor_date_of(floor_days(unix_s + r->std_s), &year, &month, &day);
    from = day_of(&r->from, year) * DAY_S + r->from.time_s - r->std_s;
    to = day_of(&r->to, year) * DAY_S + r->to.time_s - r->dst_s;
    if (from < to) return unix_s >= from && unix_s < to ? r->dst_s : r->std_s;
    return unix_s >= to && unix_s < from ? r->std_s : r->dst_s;
}
