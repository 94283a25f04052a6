#include "net/url.h"

#include <stdio.h>
#include <stdlib.h>

/* "127." and three more decimal octets. libcurl has already turned 127.1 and 0x7f.1 into this form;
 * a name such as 127.0.0.1.example.org must not pass. */
static bool is_loopback_ipv4(const char *host)
{
    const char *p = host;

    if (strncmp(host, "127.", 4) != 0) return false;
    for (int octet = 0; octet < 4; octet++) {
        unsigned value = 0, digits = 0;

        for (; *p >= '0' && *p <= '9' && digits < 4; p++, digits++)
            value = value * 10 + (unsigned)(*p - '0');
        if (digits == 0 || digits > 3 || value > 255) return false;
        if (*p != (octet < 3 ? '.' : '\0')) return false;
        p++;
    }
    return true;
}

bool candor_url_is_loopback(const char *host)
{
    static const char name[] = "localhost";
    size_t i = 0;

    if (strcmp(host, "[::1]") == 0 || is_loopback_ipv4(host)) return true;
    for (; i < sizeof name - 1; i++) {
        const char c = host[i];
        if ((c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c) != name[i]) return false;
    }
    return host[i] == '\0';
}

static candor_status fail_url(candor_err *err, const char *why)
{
    /* The URL itself stays out of the sentence: it may carry a secret. */
    return candor_fail(err, CANDOR_INVALID, 0, "endpoint",
                       "the endpoint is not a usable URL: %s; expected https://host/path", why);
}

static candor_status check(candor_url *u, const char *scheme, const char *host, const char *port,
                           candor_err *err)
{
    const bool https = strcmp(scheme, "https") == 0;
    const bool usual = strcmp(port, https ? "443" : "80") == 0;

    if (!https && strcmp(scheme, "http") != 0)
        return fail_url(err, "its scheme is neither https nor http");
    if (!https && !candor_url_is_loopback(host))
        return candor_fail(
            err, CANDOR_DENIED, 0, "endpoint",
            "http://%.80s would send the data in clear text; use https:// (http:// is "
            "for localhost, 127.0.0.0/8 and [::1] only)",
            host);
    u->clear_text = !https;
    if (snprintf(u->target, sizeof u->target, "%.*s%s%s", CANDOR_URL_TARGET_MAX - 8, host,
                 usual ? "" : ":", usual ? "" : port) < 0)
        u->target[0] = '\0';
    return CANDOR_OK;
}

candor_status candor_url_parse(const char *text, candor_url *out, candor_err *err)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
    candor_status st = CANDOR_OK;
    CURLUcode rc;

    *out = (candor_url){0};
    st = candor_curl_load(&out->curl, err);
    if (st != CANDOR_OK) return st;
    out->parsed = out->curl.curl_url();
    if (out->parsed == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "endpoint", "out of memory");
    rc = out->curl.curl_url_set(out->parsed, CURLUPART_URL, text, 0);
    if (rc == CURLUE_OK) rc = out->curl.curl_url_get(out->parsed, CURLUPART_SCHEME, &scheme, 0);
    if (rc == CURLUE_OK) rc = out->curl.curl_url_get(out->parsed, CURLUPART_HOST, &host, 0);
    if (rc == CURLUE_OK && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0))
        rc = out->curl.curl_url_get(out->parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (rc == CURLUE_OUT_OF_MEMORY)
        st = candor_fail(err, CANDOR_NOMEM, 0, "endpoint", "out of memory");
    else if (rc != CURLUE_OK)
        st = fail_url(err, out->curl.curl_url_strerror(rc));
    else if (out->curl.curl_url_get(out->parsed, CURLUPART_USER, &user, 0) == CURLUE_OK)
        st = fail_url(err, "it holds a user name; give a token instead");
    else
        st = check(out, scheme, host, port != NULL ? port : "", err);
    out->curl.curl_free(user);
    out->curl.curl_free(port);
    out->curl.curl_free(host);
    out->curl.curl_free(scheme);
    if (st != CANDOR_OK) candor_url_free(out);
    return st;
}

/* Labels of letters, digits and inner hyphens. */
static const char *skip_host(const char *p)
{
    for (;;) {
        size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

        if (n == 0 || n > 63 || p[0] == '-' || p[n - 1] == '-') return NULL;
        p += n;
        if (*p != '.') return p;
        p++;
    }
}

/* No doubt how anybody reads it: https to a host by name or dotted quad, or http to the two usual
 * names of this machine; a port; a path of unreserved characters (RFC 3986 2.3). */
static bool is_plain(const char *text)
{
    static const char *const local[] = {"http://localhost", "http://127.0.0.1"};
    const char *p = strncmp(text, "https://", 8) == 0 ? skip_host(text + 8) : NULL;

    for (size_t i = 0; i < 2 && p == NULL; i++)
        if (strncmp(text, local[i], strlen(local[i])) == 0) p = text + strlen(local[i]);
    if (p == NULL) return false;
    if (*p == ':') {
        size_t digits = strspn(p + 1, "0123456789");
        if (digits == 0 || digits > 5 || p[1] == '0' || strtol(p + 1, NULL, 10) > 65535)
            return false;
        p += 1 + digits;
    }
    if (*p == '\0') return true;
    return *p == '/' &&
           p[strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~/")] ==
               '\0';
}

candor_status candor_url_check(const char *text, candor_err *err)
{
    candor_url parsed;
    candor_status st;

    if (is_plain(text)) return CANDOR_OK;
    st = candor_url_parse(text, &parsed, err);
    candor_url_free(&parsed);
    return st;
}

void candor_url_free(candor_url *u)
{
    if (u->parsed != NULL) u->curl.curl_url_cleanup(u->parsed);
    *u = (candor_url){0};
}
