/* What an endpoint may be: https anywhere, http on this machine only. Layer: net. Threads: any. */
#ifndef CANDOR_NET_URL_H
#define CANDOR_NET_URL_H

#include "net/curl.h"

#define CANDOR_URL_TARGET_MAX 128

typedef struct candor_url {
    candor_curl curl;
    CURLU *parsed;                      /* owned; the very URL that is checked is the one used */
    char target[CANDOR_URL_TARGET_MAX]; /* "host" or "host:port", cut when longer; for sentences */
    bool clear_text;                    /* http: the host is a loopback one */
} candor_url;

/* CANDOR_INVALID: no absolute http(s) URL, or one with a user name in it.
 * CANDOR_DENIED: http to another machine. On failure out is zeroed. */
CANDOR_CHECK candor_status candor_url_parse(const char *text, candor_url *out, candor_err *err);
/* Whether candor_url_parse would take it, and why not. Plain URLs are judged without libcurl. */
CANDOR_CHECK candor_status candor_url_check(const char *text, candor_err *err);
void candor_url_free(candor_url *u); /* accepts a zeroed one; leaves it zeroed */

/* localhost (RFC 6761 6.3; libcurl resolves it without DNS), 127.0.0.0/8 or [::1]. */
bool candor_url_is_loopback(const char *host);

#endif
