#include "net/http.h"

#include <limits.h>
#include <stdlib.h>

#include "base/json.h"
#include "net/http_private.h"
#include "net/retry_after.h"

#if LIBCURL_VERSION_NUM < 0x075500
#error                                                                                             \
    "libcurl 7.85 or later: CURLOPT_PROTOCOLS_STR, curl_easy_header, thread-safe curl_global_init"
#endif

/* curl_multi_poll(3) takes an int; waits are in steps, so that "for ever" needs no special case. */
#define WAIT_STEP_MS 60000

/* --- life --------------------------------------------------------------------------------------
 */
static bool copy_text(const char *from, char **to)
{
    size_t n;

    if (from == NULL) return true;
    n = strlen(from) + 1;
    *to = malloc(n);
    if (*to == NULL) return false;
    memcpy(*to, from, n);
    return true;
}

static long long_ms(unsigned ms)
{
    return ms > (unsigned)INT_MAX ? INT_MAX : (long)ms;
}

candor_status candor_http_new(const candor_http_settings *s, candor_http **out, candor_err *err)
{
    candor_http *h = calloc(1, sizeof *h);

    *out = NULL;
    if (h == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "http", "out of memory");
    h->connect_ms = long_ms(s->connect_timeout_ms);
    h->total_ms = long_ms(s->total_timeout_ms);
    h->stall_ms = long_ms(s->stall_timeout_ms);
    h->response_max = s->response_max;
    h->grpc = s->grpc;
    candor_buf_put_bytes(&h->ca_pem, s->ca_pem);
    if (!copy_text(s->user_agent, &h->user_agent) || !copy_text(s->proxy, &h->proxy) ||
        !copy_text(s->ca_file, &h->ca_file) || h->ca_pem.failed) {
        candor_http_free(h);
        return candor_fail(err, CANDOR_NOMEM, 0, "http", "out of memory");
    }
    *out = h;
    return CANDOR_OK;
}

void candor_http_free(candor_http *h)
{
    if (h == NULL) return;
    candor_http_disconnect(h);
    if (h->easy != NULL) h->curl.curl_easy_cleanup(h->easy);
    candor_trust_free(&h->trust);
    candor_buf_free(&h->body);
    candor_buf_free(&h->ca_pem);
    free(h->user_agent);
    free(h->proxy);
    free(h->ca_file);
    if (h->curl_ready) h->curl.curl_global_cleanup();
    free(h);
}

/* The first request pays for libcurl. curl_global_init counts its callers and takes a lock of its
 * own, which matters because the host or another addon may use the same libcurl. */
static candor_status make_ready(candor_http *h, candor_err *err)
{
    const curl_version_info_data *info;
    candor_status st = candor_curl_load(&h->curl, err);

    if (st != CANDOR_OK) return st;
    if (h->easy == NULL) {
        info = h->curl.curl_version_info(CURLVERSION_NOW);
        if (!(info->features & CURL_VERSION_THREADSAFE))
            return candor_fail(err, CANDOR_NET, 0, "libcurl",
                               "libcurl %s cannot be initialised safely from a thread; 7.85 or "
                               "later with atomics is needed",
                               info->version);
        if (!h->curl_ready && h->curl.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            return candor_fail(err, CANDOR_NET, 0, "libcurl", "libcurl does not initialise");
        h->curl_ready = true;
        st = candor_trust_load(&h->trust, &h->curl, h->ca_file, candor_buf_bytes(&h->ca_pem), err);
        if (st != CANDOR_OK) return st;
        h->easy = h->curl.curl_easy_init();
        if (h->easy == NULL) candor_trust_free(&h->trust);
    }
    if (h->multi == NULL) h->multi = h->curl.curl_multi_init();
    if (h->easy == NULL || h->multi == NULL)
        return candor_fail(err, CANDOR_NOMEM, 0, "libcurl", "out of memory");
    return CANDOR_OK;
}

/* --- one request -------------------------------------------------------------------------------
 */
static void end_request(candor_http *h)
{
    /* Removed before its end, a transfer closes its connection (curl_multi_remove_handle(3)). */
    if (h->busy) h->curl.curl_multi_remove_handle(h->multi, h->easy);
    h->busy = false;
    if (h->easy != NULL) {
        h->curl.curl_easy_setopt(h->easy, CURLOPT_CURLU, NULL);
        h->curl.curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, NULL);
    }
    if (h->headers != NULL) h->curl.curl_slist_free_all(h->headers);
    h->headers = NULL;
    candor_url_free(&h->url);
}

candor_status candor_http_start(candor_http *h, const candor_http_request *r, candor_err *err)
{
    candor_status st;
    CURLMcode rc;

    if (h->busy) return candor_fail(err, CANDOR_BUSY, 0, "request", "a request is in flight");
    st = make_ready(h, err);
    if (st == CANDOR_OK) st = candor_url_parse(r->url, &h->url, err);
    if (st == CANDOR_OK) st = candor_http_prepare(h, r, err);
    if (st == CANDOR_OK) {
        candor_buf_clear(&h->body);
        h->header_bytes = 0;
        h->date[0] = '\0';
        h->over_limit = false;
        h->moved = 0;
        h->moved_ns = 0;
        h->detail[0] = '\0';
        rc = h->curl.curl_multi_add_handle(h->multi, h->easy);
        if (rc != CURLM_OK)
            st = candor_fail(err, rc == CURLM_OUT_OF_MEMORY ? CANDOR_NOMEM : CANDOR_NET, 0,
                             "request", "libcurl: %s", h->curl.curl_multi_strerror(rc));
    }
    if (st != CANDOR_OK) {
        end_request(h);
        return st;
    }
    h->busy = true;
    return CANDOR_OK;
}

bool candor_http_busy(const candor_http *h)
{
    return h->busy;
}

void candor_http_cancel(candor_http *h)
{
    if (h->busy) end_request(h);
}

void candor_http_disconnect(candor_http *h)
{
    candor_http_cancel(h);
    /* The multi handle owns the idle connections; the next request makes a new one. */
    if (h->multi != NULL) h->curl.curl_multi_cleanup(h->multi);
    h->multi = NULL;
}

/* --- the loop's step ---------------------------------------------------------------------------
 */
static int64_t retry_after_of(candor_http *h)
{
    struct curl_header *header = NULL;

    if (h->curl.curl_easy_header(h->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return -1;
    return candor_retry_after_parse(candor_bytes_str(header->value), candor_clock_unix_ms());
}

static int64_t upload_offset_of(candor_http *h)
{
    struct curl_header *header = NULL;
    int64_t v = -1;

    if (h->curl.curl_easy_header(h->easy, "Upload-Offset", 0, CURLH_HEADER, -1, &header) !=
        CURLHE_OK)
        return -1;
    return candor_json_int64(candor_bytes_str(header->value), &v) && v >= 0 ? v : -1;
}

/* In the trailers, or, where there is no message, in the headers
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses). */
static int grpc_status_of(candor_http *h)
{
    const unsigned origin = CURLH_TRAILER | CURLH_HEADER;
    struct curl_header *header = NULL;
    int64_t v = -1;

    if (!h->grpc ||
        h->curl.curl_easy_header(h->easy, "grpc-status", 0, origin, -1, &header) != CURLHE_OK)
        return -1;
    return candor_json_int64(candor_bytes_str(header->value), &v) && v >= 0 && v < 1000 ? (int)v
                                                                                        : -1;
}

/* stalled: rc is not looked at. */
static void finish(candor_http *h, CURLcode rc, bool stalled, candor_http_response *out)
{
    long code = 0;

    *out = (candor_http_response){.status = CANDOR_OK,
                                  .retry_after_ms = -1,
                                  .upload_offset = -1,
                                  .date = h->date,
                                  .grpc_status = -1};
    if (h->curl.curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &code) == CURLE_OK)
        out->code = (int)code;
    candor_buf_put_c(&h->body, '\0');
    if (h->body.failed) rc = CURLE_OUT_OF_MEMORY;
    if (stalled) {
        candor_http_explain_stall(h, out);
    } else if (rc != CURLE_OK) {
        candor_http_explain(h, rc, out);
    } else if (code >= 300 && code < 400) {
        candor_http_explain_redirect(h, out);
    } else {
        out->retry_after_ms = retry_after_of(h);
        out->upload_offset = upload_offset_of(h);
        out->grpc_status = grpc_status_of(h);
        out->body = candor_bytes_of(h->body.p, h->body.n - 1);
    }
    end_request(h);
}

/* Let libcurl do what can be done now; true when the transfer has ended with *rc. */
static bool advance(candor_http *h, CURLcode *rc)
{
    int running = 0, left = 0;
    const CURLMcode m = h->curl.curl_multi_perform(h->multi, &running);
    const CURLMsg *msg;

    while ((msg = h->curl.curl_multi_info_read(h->multi, &left)) != NULL) {
        if (msg->msg != CURLMSG_DONE) continue;
        *rc = msg->data.result;
        return true;
    }
    if (m == CURLM_OK) return false;
    *rc = m == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
    return true;
}

/* Milliseconds until the transfer counts as stalled, 0 when it does, INT_MAX without such a limit.
 * Not CURLOPT_LOW_SPEED_TIME: that compares an average over five seconds, in whole seconds. Until
 * the connection stands, the connect timeout rules. */
static int stall_left(candor_http *h)
{
    const uint64_t now = candor_clock_mono_ns();
    curl_off_t connected = 0, up = 0, down = 0;
    curl_off_t moved;
    uint64_t idle_ms;

    h->curl.curl_easy_getinfo(h->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    if (h->stall_ms == 0 || connected == 0) return INT_MAX;
    h->curl.curl_easy_getinfo(h->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    h->curl.curl_easy_getinfo(h->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    moved = up + down + (curl_off_t)h->header_bytes;
    if (h->moved_ns == 0 || moved != h->moved) {
        h->moved = moved;
        h->moved_ns = now;
    }
    idle_ms = (now - h->moved_ns) / 1000000u;
    return idle_ms >= (uint64_t)h->stall_ms ? 0 : (int)((uint64_t)h->stall_ms - idle_ms);
}

static int time_left(uint64_t start_ns, int timeout_ms)
{
    const uint64_t gone = (candor_clock_mono_ns() - start_ns) / 1000000u;

    if (timeout_ms < 0) return WAIT_STEP_MS;
    return gone >= (uint64_t)timeout_ms ? 0 : timeout_ms - (int)gone;
}

/* Wait for the sockets or the waker; true when woken. */
static bool wait_for(candor_http *h, candor_waker *w, int timeout_ms)
{
    struct curl_waitfd fd = {.fd = (curl_socket_t)candor_waker_handle(w),
                             .events = CURL_WAIT_POLLIN};
    int ready = 0;

    if (timeout_ms > WAIT_STEP_MS) timeout_ms = WAIT_STEP_MS;
    if (h->curl.curl_multi_poll(h->multi, &fd, 1, timeout_ms, &ready) != CURLM_OK ||
        fd.revents == 0)
        return false;
    candor_waker_clear(w);
    return true;
}

bool candor_http_poll(candor_http *h, candor_waker *w, int timeout_ms, candor_http_response *out)
{
    const uint64_t start = candor_clock_mono_ns();
    bool woken = false;

    if (!h->busy) {
        candor_waker_sleep(w, timeout_ms);
        return false;
    }
    for (;;) {
        CURLcode rc = CURLE_OK;
        const bool ended = advance(h, &rc);
        const int stall = ended ? INT_MAX : stall_left(h);
        const int left = time_left(start, timeout_ms);

        if (ended || stall == 0) {
            finish(h, rc, !ended, out);
            return true;
        }
        if (woken || left == 0) return false;
        woken = wait_for(h, w, left < stall ? left : stall);
    }
}
