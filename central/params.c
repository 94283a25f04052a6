#include "central/params.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/respond.h"
#include "central/slo.h"

candor_found candor_param_text(candor_conn *c, const char *name, char *out, size_t cap)
{
    candor_bytes raw;
    size_t n;
    if (!candor_query_find(c->head.query, name, &raw) || raw.n == 0) return CANDOR_FOUND_NO;
    if (candor_query_decode(raw, out, cap, &n)) return CANDOR_FOUND_YES;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_PARAMETER,
                        "%s is malformed or longer than %zu bytes", name, cap - 1);
    return CANDOR_FOUND_BAD;
}

/* A '+' of an offset may come as a space. */
candor_found candor_param_time(candor_conn *c, const char *name, int64_t *out)
{
    char text[64];
    size_t n;
    candor_found f = candor_param_text(c, name, text, sizeof text - 16);
    if (f != CANDOR_FOUND_YES) return f;
    n = strlen(text);
    if (n == 10 && text[4] == '-') {
        memcpy(text + n, "T00:00:00Z", 11);
        n += 10;
    } else if (n > 6 && text[n - 6] == ' ') {
        text[n - 6] = '+';
    }
    if (candor_time_parse(candor_bytes_of(text, n), out)) return CANDOR_FOUND_YES;
    if (strspn(text, "0123456789") == n && n <= 15) {
        *out = strtoll(text, NULL, 10);
        if (*out <= CANDOR_TIME_MAX) return CANDOR_FOUND_YES;
    }
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_PARAMETER,
                        "%s is not a time; give RFC 3339 (2026-11-21T09:52:00Z), a date, "
                        "or Unix milliseconds",
                        name);
    return CANDOR_FOUND_BAD;
}

candor_found candor_param_number(candor_conn *c, const char *name, unsigned min, unsigned max,
                                 unsigned *out)
{
    char text[16];
    candor_found f = candor_param_text(c, name, text, sizeof text);
    unsigned long v;
    if (f != CANDOR_FOUND_YES) return f;
    v = strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10) : 0;
    if (v >= min && v <= max) {
        *out = (unsigned)v;
        return CANDOR_FOUND_YES;
    }
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_PARAMETER, "%s takes %u to %u", name, min,
                        max);
    return CANDOR_FOUND_BAD;
}

candor_found candor_param_ratio(candor_conn *c, const char *name, double *out)
{
    char text[16];
    candor_found f = candor_param_text(c, name, text, sizeof text);
    if (f != CANDOR_FOUND_YES || candor_slo_target(text, out)) return f;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_PARAMETER,
                        "%s takes a number from 0 to 1, such as 0.995", name);
    return CANDOR_FOUND_BAD;
}

candor_found candor_param_word(candor_conn *c, const char *name, const char *const *words,
                               size_t n_words, unsigned *out)
{
    char text[16], all[128] = "";
    candor_found f = candor_param_text(c, name, text, sizeof text);
    size_t i, n = 0;
    if (f != CANDOR_FOUND_YES) return f;
    for (i = 0; i < n_words; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = (unsigned)i;
            return CANDOR_FOUND_YES;
        }
    for (i = 0; i < n_words && n < sizeof all; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i != 0 ? ", " : "", words[i]);
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_PARAMETER, "%s takes one of: %s", name, all);
    return CANDOR_FOUND_BAD;
}

static bool listed(const char *names, candor_bytes name)
{
    while (*names != '\0') {
        size_t n = strcspn(names, ",");
        if (n == name.n && memcmp(names, name.p, n) == 0) return true;
        names += n;
        names += *names == ',';
    }
    return false;
}

bool candor_params_known(candor_conn *c, const char *names)
{
    candor_bytes rest = c->head.query;
    while (rest.n > 0) {
        const char *amp = memchr(rest.p, '&', rest.n), *eq;
        candor_bytes pair = candor_bytes_of(rest.p, amp != NULL ? (size_t)(amp - rest.p) : rest.n);
        rest = candor_bytes_of(rest.p + pair.n, rest.n - pair.n);
        if (rest.n > 0) rest = candor_bytes_of(rest.p + 1, rest.n - 1);
        eq = pair.n != 0 ? memchr(pair.p, '=', pair.n) : NULL;
        if (eq != NULL) pair.n = (size_t)(eq - pair.p);
        if (pair.n == 0 || listed(names, pair)) continue;
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_UNKNOWN_PARAMETER,
                            *names != '\0' ? "there is no parameter \"%.*s\"; there are: %s"
                                           : "there is no parameter \"%.*s\" here%s",
                            (int)(pair.n < 64 ? pair.n : 64), pair.p, names);
        return false;
    }
    return true;
}
