#include "central/privacy.h"

#include <math.h>

#include "central/noise.h"

/* P(x + y >= k) of two draws, the closed form of the sum over P(x + y = n) =
 * ((1-a)/(1+a))^2 a^n (n + 1 + 2a^2/(1-a^2)): a group's events and errors are two cells. */
static double tail_of_two(double a, double k)
{
    double c = (1 - a) / (1 + a), rest = 2 * a * a / (1 - a * a);
    return c * c * pow(a, k) * ((k + 1 + rest) / (1 - a) + a / ((1 - a) * (1 - a)));
}

int64_t candor_privacy_threshold(const candor_privacy *p)
{
    double a = exp(-(double)p->epsilon_milli / CANDOR_NOISE_ONE);
    int64_t k = 1;
    while (tail_of_two(a, (double)k) > CANDOR_PRIVACY_DELTA)
        k++;
    return k + 1 > (int64_t)p->min_group ? k + 1 : (int64_t)p->min_group;
}

bool candor_milli_parse(const char *text, uint32_t max, uint32_t *out)
{
    uint64_t v = 0;
    int decimals = -1, digits = 0;
    for (; *text != '\0'; text++) {
        if (*text == '.' && decimals < 0 && digits > 0) {
            decimals = 0;
            continue;
        }
        if (*text < '0' || *text > '9' || decimals == 3 || ++digits > 12) return false;
        v = v * 10 + (uint64_t)(*text - '0');
        if (decimals >= 0) decimals++;
    }
    if (digits == 0 || decimals == 0) return false;
    for (decimals = decimals < 0 ? 0 : decimals; decimals < 3; decimals++)
        v *= 10;
    *out = v <= max ? (uint32_t)v : 0;
    return v <= max;
}

void candor_milli_put(candor_buf *b, uint32_t milli)
{
    candor_buf_putf(b, "%u", milli / CANDOR_NOISE_ONE);
    milli %= CANDOR_NOISE_ONE;
    if (milli == 0) return;
    if (milli % 100 == 0)
        candor_buf_putf(b, ".%u", milli / 100);
    else if (milli % 10 == 0)
        candor_buf_putf(b, ".%02u", milli / 10);
    else
        candor_buf_putf(b, ".%03u", milli);
}

candor_status candor_privacy_check(const candor_privacy *p, candor_err *err)
{
    const char *why = NULL;
    if (p->epsilon_milli == 0) why = "--dp-epsilon takes 0.001 to 10";
    if (p->budget_milli < p->epsilon_milli)
        why = "--dp-budget takes at least --dp-epsilon, and 1000 at most";
    if (why == NULL &&
        (uint64_t)p->budget_milli > (uint64_t)p->epsilon_milli * CANDOR_PRIVACY_ANSWERS_MAX)
        why = "--dp-budget pays more than 1000 answers; lower it, or raise --dp-epsilon";
    return why == NULL ? CANDOR_OK
                       : candor_fail(err, CANDOR_INVALID, 0, "differential privacy", "%s", why);
}
