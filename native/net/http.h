/* One HTTP request at a time over libcurl, driven by the caller's own loop so that its thread never
 * blocks in a transfer. Layer: net (uses base, plat). Threads: one owner; wake from any thread.
 * libcurl is initialised at the first request, not before: an app that never sends never pays. */
#ifndef CANDOR_NET_HTTP_H
#define CANDOR_NET_HTTP_H

#include "plat/plat.h"

typedef struct candor_http candor_http;

typedef struct candor_http_settings { /* all strings borrowed until candor_http_new returns */
    const char *user_agent;
    const char *proxy;   /* NULL: HTTPS_PROXY / NO_PROXY of the environment; http: uses none */
    const char *ca_file; /* instead of the system's trust store; NULL: that store */
    candor_bytes ca_pem; /* extra roots as PEM text, added to either; empty: none */
    unsigned connect_timeout_ms; /* name, TCP and TLS together; 0: libcurl's five minutes */
    unsigned total_timeout_ms;   /* 0: none */
    unsigned stall_timeout_ms;   /* no byte in either direction for this long; 0: none */
    size_t response_max;         /* bytes kept of a response body; the rest is refused */
    bool grpc;                   /* HTTP/2, and grpc_status of responses is looked for */
} candor_http_settings;

typedef struct candor_http_header {
    const char *name, *value; /* no CR, LF or NUL: refused with CANDOR_INVALID */
} candor_http_header;

typedef struct candor_http_request {
    const char *method, *url; /* http: only to a loopback host; else CANDOR_DENIED */
    const candor_http_header *headers;
    size_t n_headers;
    candor_bytes body; /* borrowed until the request is done or cancelled */
} candor_http_request;

typedef struct candor_http_response {
    candor_status status;   /* OK: a complete response came, of any code but a redirect's (NET) */
    int code;               /* HTTP status, or 0 */
    int64_t retry_after_ms; /* from Retry-After (seconds or HTTP-date, RFC 9110 10.2.3); -1: none */
    int64_t upload_offset;  /* from Upload-Offset, of resumable uploads; -1: none */
    const char *date;       /* the Date header as it came, "" without; borrowed like body */
    candor_bytes body;      /* borrowed until the next request; terminated by NUL */
    int grpc_status;        /* with the setting grpc; -1: none came */
    char error[256];        /* "host: cause; what to do" when status is not OK */
} candor_http_response;

CANDOR_CHECK candor_status candor_http_new(const candor_http_settings *s, candor_http **out,
                                           candor_err *err);
void candor_http_free(candor_http *h); /* aborts what is in flight; accepts NULL */

/* CANDOR_INVALID, CANDOR_DENIED: the request itself; a retry cannot help. CANDOR_NOTFOUND, ...:
 * ca_file cannot be read. CANDOR_BUSY: one is in flight. */
CANDOR_CHECK candor_status candor_http_start(candor_http *h, const candor_http_request *r,
                                             candor_err *err);
bool candor_http_busy(const candor_http *h);
/* Drive the transfer, waiting at most timeout_ms or until the waker is woken (it is cleared). With
 * no transfer, sleeps on the waker only. True when a response is ready in *out. */
bool candor_http_poll(candor_http *h, candor_waker *w, int timeout_ms, candor_http_response *out);
/* Close the connection of the request in flight at once; no response will come. */
void candor_http_cancel(candor_http *h);
/* Close idle connections as well. */
void candor_http_disconnect(candor_http *h);

#endif
