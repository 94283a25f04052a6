#include "central/media.h"

#include <strings.h>

static candor_bytes trim(candor_bytes s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = candor_bytes_of(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Up to the next ';', which quoted values of the fields read here never hold; false at the end. */
static bool next_part(candor_bytes *rest, candor_bytes *part)
{
    const char *semi;
    size_t n;
    if (rest->p == NULL) return false;
    semi = memchr(rest->p, ';', rest->n);
    n = semi != NULL ? (size_t)(semi - rest->p) : rest->n;
    *part = trim(candor_bytes_of(rest->p, n));
    *rest = semi != NULL ? candor_bytes_of(semi + 1, rest->n - n - 1) : (candor_bytes){NULL, 0};
    return true;
}

/* How often a parameter is given; value: of the last one. */
static unsigned find_parameter(candor_bytes field, const char *name, candor_bytes *value)
{
    size_t n = strlen(name);
    candor_bytes part;
    unsigned found = 0;
    if (!next_part(&field, &part)) return 0; /* what the parameters belong to */
    while (next_part(&field, &part)) {
        if (part.n <= n || part.p[n] != '=' || strncasecmp(part.p, name, n) != 0) continue;
        *value = candor_bytes_of(part.p + n + 1, part.n - n - 1);
        found++;
    }
    return found;
}

bool candor_word_is(candor_bytes a, const char *b)
{
    return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

bool candor_media_is(candor_bytes content_type, const char *type)
{
    candor_bytes first;
    return next_part(&content_type, &first) && candor_word_is(first, type);
}

bool candor_media_has_charset(candor_bytes content_type, const char *charset)
{
    candor_bytes value;
    if (find_parameter(content_type, "charset", &value) != 1) return false;
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        value = candor_bytes_of(value.p + 1, value.n - 2);
    return candor_word_is(value, charset);
}

bool candor_consent_covers_content(candor_bytes consent)
{
    candor_bytes value;
    return find_parameter(consent, "content", &value) == 1 && candor_word_is(value, "1");
}
