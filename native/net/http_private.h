/* What the http_*.c files share. Layer: net. Private to the layer. */
#ifndef CANDOR_NET_HTTP_PRIVATE_H
#define CANDOR_NET_HTTP_PRIVATE_H

#include "net/curl.h"
#include "net/http.h"
#include "net/trust.h"
#include "net/url.h"

/* All headers of a response together; a collector sends a few hundred bytes. */
#define CANDOR_HTTP_HEADERS_MAX ((size_t)64 << 10)

struct candor_http {
    char *user_agent, *proxy, *ca_file; /* copies of the settings; NULL when not set */
    candor_buf ca_pem;
    long connect_ms, total_ms, stall_ms;
    size_t response_max;

    candor_curl curl; /* loaded at the first request */
    bool curl_ready;  /* this object holds one reference of curl_global_init */
    CURLM *multi;     /* owns the connections */
    CURL *easy;
    candor_trust trust;

    bool busy, grpc;
    candor_url url;
    struct curl_slist *headers;
    candor_buf body;
    size_t header_bytes;
    char date[64];     /* value of the Date header */
    bool over_limit;   /* the response outgrew response_max or CANDOR_HTTP_HEADERS_MAX */
    uint64_t moved_ns; /* when a byte last moved, by candor_clock_mono_ns; 0: not connected */
    curl_off_t moved;  /* bytes in both directions so far */
    char detail[CURL_ERROR_SIZE];
};

/* Put the request's options on h->easy; h->url is parsed and h->headers is empty. */
candor_status candor_http_prepare(candor_http *h, const candor_http_request *r, candor_err *err);

/* The sentence for a failed transfer: whom, what happened, what to do. Sets out->status too. */
void candor_http_explain(candor_http *h, CURLcode rc, candor_http_response *out);
void candor_http_explain_stall(const candor_http *h, candor_http_response *out);
void candor_http_explain_redirect(const candor_http *h, candor_http_response *out);

#endif
