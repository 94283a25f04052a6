#include "net/url.h"

#include <stdio.h>

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
    out->parsed = curl_url();
    if (out->parsed == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "endpoint", "out of memory");
    rc = curl_url_set(out->parsed, CURLUPART_URL, text, 0);
    if (rc == CURLUE_OK) rc = curl_url_get(out->parsed, CURLUPART_SCHEME, &scheme, 0);
    if (rc == CURLUE_OK) rc = curl_url_get(out->parsed, CURLUPART_HOST, &host, 0);
    if (rc == CURLUE_OK && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0))
        rc = curl_url_get(out->parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (rc == CURLUE_OUT_OF_MEMORY)
        st = candor_fail(err, CANDOR_NOMEM, 0, "endpoint", "out of memory");
    else if (rc != CURLUE_OK)
        st = fail_url(err, curl_url_strerror(rc));
    else if (curl_url_get(out->parsed, CURLUPART_USER, &user, 0) == CURLUE_OK)
        st = fail_url(err, "it holds a user name; give a token instead");
    else
        st = check(out, scheme, host, port != NULL ? port : "", err);
    curl_free(user);
    curl_free(port);
    curl_free(host);
    curl_free(scheme);
    if (st != CANDOR_OK) candor_url_free(out);
    return st;
}

void candor_url_free(candor_url *u)
{
    curl_url_cleanup(u->parsed);
    *u = (candor_url){0};
}
