#include "net/retry_after.h"

#include "net/curl.h"

#define DATE_TEXT_MAX 64

static int64_t bounded(int64_t ms)
{
    if (ms < 0) return 0;
    return ms < CANDOR_RETRY_AFTER_MAX_MS ? ms : CANDOR_RETRY_AFTER_MAX_MS;
}

static bool all_digits(candor_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return false;
    return s.n > 0;
}

/* Any number of digits: once past the bound, more of them change nothing. */
static int64_t seconds_to_ms(candor_bytes s)
{
    int64_t ms = 0;

    for (size_t i = 0; i < s.n && ms < CANDOR_RETRY_AFTER_MAX_MS; i++)
        ms = ms * 10 + (int64_t)(s.p[i] - '0') * 1000;
    return bounded(ms);
}

/* The three forms of RFC 9110 5.6.7 all begin with a day's name and hold a time. curl_getdate(3)
 * reads them and much else ("tomorrow" it does not, "20261121" it does), hence the gate. */
static bool looks_like_http_date(candor_bytes s)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    bool day = false;

    if (s.n < 24 || s.n >= DATE_TEXT_MAX) return false;
    for (size_t i = 0; i + 3 < sizeof days; i += 3)
        day = day || memcmp(s.p, days + i, 3) == 0;
    return day && memchr(s.p, ':', s.n) != NULL && memchr(s.p, '\0', s.n) == NULL;
}

static candor_bytes trimmed(candor_bytes s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (candor_bytes){s.p + 1, s.n - 1};
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

int64_t candor_retry_after_parse(candor_bytes value, int64_t now_ms)
{
    const candor_bytes s = trimmed(value);
    candor_curl c = {0};
    char text[DATE_TEXT_MAX];
    int64_t at;

    if (all_digits(s)) return seconds_to_ms(s);
    if (!looks_like_http_date(s) || candor_curl_load(&c, NULL) != CANDOR_OK) return -1;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    at = (int64_t)c.curl_getdate(text, NULL);
    if (at < 0) return -1;
    if (at > INT64_MAX / 1000) return CANDOR_RETRY_AFTER_MAX_MS;
    return bounded(at * 1000 - now_ms);
}
