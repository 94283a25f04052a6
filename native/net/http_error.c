/* Failed transfers as sentences. Layer: net. */
#include <stdarg.h>
#include <stdio.h>

#include "net/http_private.h"

typedef struct failure {
    CURLcode rc;
    candor_status status;
    bool detail; /* libcurl's own text adds something */
    const char *what, *advice;
} failure;

static const failure failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, CANDOR_NET, false, "the name does not resolve",
     "check the endpoint's spelling, the network and DNS"},
    {CURLE_COULDNT_RESOLVE_PROXY, CANDOR_NET, false, "the proxy's name does not resolve",
     "check the proxy setting and HTTPS_PROXY"},
    {CURLE_COULDNT_CONNECT, CANDOR_NET, true, "cannot connect",
     "check that the collector runs there and that no firewall stands between"},
    {CURLE_OPERATION_TIMEDOUT, CANDOR_TIMEOUT, true, "no complete answer in time",
     "check the network and the collector's load"},
    {CURLE_PEER_FAILED_VERIFICATION, CANDOR_NET, true, "its certificate is not trusted",
     "for a private CA, name its PEM file as the CA file"},
    {CURLE_SSL_CACERT_BADFILE, CANDOR_INVALID, false, "the CA certificates cannot be used",
     "check that the CA file is readable and holds PEM certificates"},
    {CURLE_SSL_CONNECT_ERROR, CANDOR_NET, true, "the TLS handshake failed",
     "check that this port speaks TLS 1.2 or later"},
    {CURLE_PROXY, CANDOR_NET, true, "the proxy refused", "check the proxy setting and HTTPS_PROXY"},
    {CURLE_GOT_NOTHING, CANDOR_NET, false, "the connection closed without an answer",
     "look at the collector's log, or at a proxy between"},
    {CURLE_PARTIAL_FILE, CANDOR_NET, false, "the answer was cut off",
     "look at the collector's log, or at a proxy between"},
    {CURLE_SEND_ERROR, CANDOR_NET, true, "the connection broke while sending",
     "look at the collector's log, or at a proxy between"},
    {CURLE_RECV_ERROR, CANDOR_NET, true, "the connection broke while receiving",
     "look at the collector's log, or at a proxy between"},
    {CURLE_UNSUPPORTED_PROTOCOL, CANDOR_NET, true, "the answer is not HTTP",
     "check that this port is the collector's"},
    {CURLE_WEIRD_SERVER_REPLY, CANDOR_NET, true, "the answer is not valid HTTP",
     "check that this port is the collector's"},
    {CURLE_OUT_OF_MEMORY, CANDOR_NOMEM, false, "out of memory", "free some and try again"},
};

/* libcurl quotes peers (certificate names, replies); a log line must not be theirs to shape. */
static void strip_controls(char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f) *s = '?';
}

CANDOR_PRINTF(3, 4)
static void say(candor_http_response *out, candor_status status, const char *fmt, ...)
{
    va_list args;

    out->status = status;
    va_start(args, fmt);
    if (vsnprintf(out->error, sizeof out->error, fmt, args) < 0) out->error[0] = '\0';
    va_end(args);
    strip_controls(out->error);
}

/* What libcurl or, for a connect, the system said. */
static const char *detail_of(candor_http *h, CURLcode rc)
{
    long sys = 0;

    if (rc == CURLE_COULDNT_CONNECT &&
        h->curl.curl_easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &sys) == CURLE_OK && sys != 0)
        candor_socket_error_text((int)sys, h->detail, sizeof h->detail);
    return h->detail[0] != '\0' ? h->detail : h->curl.curl_easy_strerror(rc);
}

void candor_http_explain(candor_http *h, CURLcode rc, candor_http_response *out)
{
    long proxy_code = 0;

    if (h->over_limit) {
        say(out, CANDOR_LIMIT,
            "%s: the answer is larger than %zu bytes (headers: %zu); check that the endpoint is "
            "a collector",
            h->url.target, h->response_max, CANDOR_HTTP_HEADERS_MAX);
        return;
    }
    if (h->curl.curl_easy_getinfo(h->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_code) == CURLE_OK &&
        proxy_code >= 300) {
        say(out, CANDOR_NET, "%s: the proxy refused with %ld; check the proxy's %s", h->url.target,
            proxy_code, proxy_code == 407 ? "user name and password" : "rules for this host");
        return;
    }
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        const failure *f = &failures[i];
        if (f->rc != rc) continue;
        say(out, f->status, "%s: %s%s%.80s; %s", h->url.target, f->what, f->detail ? ": " : "",
            f->detail ? detail_of(h, rc) : "", f->advice);
        return;
    }
    say(out, CANDOR_NET, "%s: the transfer failed: %s", h->url.target, detail_of(h, rc));
}

void candor_http_explain_stall(const candor_http *h, candor_http_response *out)
{
    say(out, CANDOR_TIMEOUT,
        "%s: no byte moved for %ld ms; check the network and the collector's load", h->url.target,
        h->stall_ms);
}

void candor_http_explain_redirect(const candor_http *h, candor_http_response *out)
{
    say(out, CANDOR_NET,
        "%s: answered with a redirect (%d), which is not followed; set the endpoint to the final "
        "address",
        h->url.target, out->code);
}
