#include "central/sink/url.h"

#include <ctype.h>
#include <stdlib.h>

static candor_status bad(const char *part, candor_err *err)
{
    return candor_fail(err, CANDOR_INVALID, 0, "settings",
                       "--sink-url has no usable %s; it takes "
                       "scheme://user:password@host:port/database, special characters as %%XX",
                       part);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(candor_bytes s, char *out, size_t cap)
{
    size_t i, n = 0;
    for (i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (n + 1 >= cap) return false;
        if (c == '%') {
            int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
            int low = i + 2 < s.n ? hex(s.p[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

/* Up to the first of the stops, which is left; all of it when there is none. */
static candor_bytes until(const char **p, const char *stops)
{
    size_t n = strcspn(*p, stops);
    candor_bytes s = candor_bytes_of(*p, n);
    *p += n;
    return s;
}

static bool split_user(candor_bytes s, candor_sink_url *out)
{
    const char *colon = memchr(s.p, ':', s.n);
    size_t n = colon != NULL ? (size_t)(colon - s.p) : s.n;
    if (!decode(candor_bytes_of(s.p, n), out->user, sizeof out->user)) return false;
    return colon == NULL ||
           decode(candor_bytes_of(colon + 1, s.n - n - 1), out->password, sizeof out->password);
}

static bool split_port(const char **p, candor_sink_url *out)
{
    char *end;
    unsigned long port;
    if (**p != ':') return true;
    port = strtoul(*p + 1, &end, 10);
    if (end == *p + 1 || port == 0 || port > 65535) return false;
    out->port = (unsigned)port;
    *p = end;
    return *end == '\0' || *end == '/' || *end == '?';
}

candor_status candor_sink_url_parse(const char *text, candor_sink_url *out, candor_err *err)
{
    const char *p = strstr(text, "://"), *at;
    memset(out, 0, sizeof *out);
    if (p == NULL || strlen(text) >= CANDOR_SINK_URL_MAX ||
        !decode(candor_bytes_of(text, (size_t)(p - text)), out->scheme, sizeof out->scheme))
        return bad("scheme", err);
    p += 3;
    at = p + strcspn(p, "@/?");
    if (*at == '@') {
        if (!split_user(candor_bytes_of(p, (size_t)(at - p)), out))
            return bad("user or password", err);
        p = at + 1;
    }
    if (*p == '[') {
        p++;
        if (!decode(until(&p, "]"), out->host, sizeof out->host) || *p++ != ']')
            return bad("host", err);
    } else if (!decode(until(&p, ":/?"), out->host, sizeof out->host)) {
        return bad("host", err);
    }
    if (!split_port(&p, out)) return bad("port", err);
    if (*p == '/') {
        p++;
        if (!decode(until(&p, "?"), out->database, sizeof out->database))
            return bad("database", err);
    }
    if (*p == '?' && strlen(p + 1) < sizeof out->query) memcpy(out->query, p + 1, strlen(p));
    return CANDOR_OK;
}

const char *candor_sink_url_option(const candor_sink_url *u, const char *key, char *out, size_t cap)
{
    const char *p = u->query;
    size_t n = strlen(key);
    while (*p != '\0') {
        candor_bytes pair = until(&p, "&");
        if (*p == '&') p++;
        if (pair.n > n && memcmp(pair.p, key, n) == 0 && pair.p[n] == '=' &&
            decode(candor_bytes_of(pair.p + n + 1, pair.n - n - 1), out, cap))
            return out;
    }
    return NULL;
}
