#include "central/conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "central/otlp/receive.h"
#include "central/respond.h"
#include "central/route.h"
#include "central/tls.h"

#define INPUT_MAX    ((size_t)65536) /* unread bytes held for a connection */
#define KEEP_STORAGE ((size_t)4096)  /* what each buffer of an idle connection may hold */
#define BODY_RATE                                                                                  \
    16384u /* bytes a second a slow body must reach to be given more time, a reader too */
#define REPLY_SMALL 16384u /* a response of no more is not counted in response_bytes */
#define EVICT_LOOKS 8      /* connections found at work before there is none to evict */
#define LINGER_MS   2000

static void advance(candor_conn *c);

/* --- life ----------------------------------------------------------------------------------- */

static void trim(candor_buf *b)
{
    if (b->cap > KEEP_STORAGE) candor_buf_free(b);
    candor_buf_clear(b);
}

static void uncharge(candor_conn *c)
{
    candor_uncount(&c->loop->server->metrics.buffered_bytes, c->body_charged);
    candor_uncount(&c->loop->server->metrics.response_bytes, c->reply_charged);
    c->body_charged = c->reply_charged = 0;
}

static void conn_free(candor_conn *c)
{
    candor_metrics *m = &c->loop->server->metrics;
    candor_conn_leave(c);
    uncharge(c);
    if (c->counted) candor_uncount(&m->in_flight, 1);
    candor_uncount(&m->connections, 1);
    if (c->bev != NULL) bufferevent_free(c->bev); /* closes the socket */
    if (c->timer != NULL) event_free(c->timer);
    candor_buf_free(&c->head_text);
    candor_buf_free(&c->body);
    candor_reply_deinit(&c->reply);
    if (c->loop->stopping && c->loop->n_conns == 0) event_base_loopbreak(c->loop->base);
    free(c);
}

/* The peer is lost, or had its time. */
static void conn_drop(candor_conn *c)
{
    if (c->state == CANDOR_CONN_BUSY) {
        c->gone = true; /* its handler still holds it */
        return;
    }
    if (c->state == CANDOR_CONN_BODY && !c->discard) candor_route_cut(c);
    conn_free(c);
}

/* The connection ends here; what was said arrives, with answer "503, try again". */
static void conn_part(candor_conn *c, bool answer)
{
    SSL *ssl = c->loop->server->tls != NULL ? bufferevent_openssl_get_ssl(c->bev) : NULL;
    evutil_socket_t fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0); /* ours is closed with the connection */
    if (fd >= 0 && ssl != NULL) SSL_shutdown(ssl);
    if (fd >= 0 && ssl == NULL && answer)
        candor_parting_refuse(c->loop->parting, fd);
    else if (fd >= 0)
        candor_parting_take(c->loop->parting, fd);
    conn_free(c);
}

static void arm(candor_conn *c, uint64_t ms)
{
    struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
    event_add(c->timer, &tv);
}

/* --- responses ------------------------------------------------------------------------------ */

static void refuse(candor_conn *c, int code, const char *why)
{
    candor_reply_problem(&c->reply, code, "%s", why);
    c->close_next = true;
    candor_conn_send(c);
}

static void linger(candor_conn *c)
{
    SSL *ssl = c->loop->server->tls != NULL ? bufferevent_openssl_get_ssl(c->bev) : NULL;
    if (c->eof) {
        conn_free(c);
        return;
    }
    /* Closing with unread input makes the kernel send a reset, which can overtake the response. */
    if (ssl != NULL) SSL_shutdown(ssl);
    shutdown(c->fd, SHUT_WR);
    c->state = CANDOR_CONN_LINGER;
    candor_conn_settle(c);
    evbuffer_drain(bufferevent_get_input(c->bev), SIZE_MAX);
    arm(c, LINGER_MS);
}

static void next_request(candor_conn *c)
{
    uncharge(c);
    trim(&c->head_text);
    trim(&c->body);
    trim(&c->reply.body);
    memset(&c->head, 0, sizeof c->head); /* it points into head_text */
    c->state = CANDOR_CONN_HEAD;
    c->discard = false;
    c->served = true;
    c->started_ns = 0;
    c->body_seen = 0;
    c->scanned = 0;
    candor_conn_settle(c);
    memset(&c->chunks, 0, sizeof c->chunks);
    arm(c, c->loop->server->config.idle_timeout_ms);
}

/* A response lies in memory until its reader took it: slow readers of pages must not fill that. */
static void charge_reply(candor_conn *c)
{
    candor_server *s = c->loop->server;
    uint64_t before = candor_counted(&s->metrics.response_bytes);
    if (c->reply.body.n <= REPLY_SMALL) return;
    if (before != 0 && before + c->reply.body.n > s->config.response_bytes) { /* one always fits */
        candor_count(&s->metrics.shed[CANDOR_SHED_RESPONSES], 1);
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BUSY,
                            "too many responses wait for their readers; try again");
        c->reply.retry_after_s = 1;
        return;
    }
    c->reply_charged = c->reply.body.n;
    candor_count(&s->metrics.response_bytes, c->reply_charged);
}

void candor_conn_send(candor_conn *c)
{
    candor_server *s = c->loop->server;
    struct evbuffer *out;
    char storage[2048];
    candor_buf head;
    bool keep;
    if (c->gone) {
        conn_free(c);
        return;
    }
    if (c->reply.body.failed) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_INTERNAL, "out of memory; try again later");
        c->close_next = true;
    }
    candor_otlp_explain(c);
    out = bufferevent_get_output(c->bev);
    /* A place to wait for the next request in is for those who may send one: without that rule
     * anybody could hold them all. */
    if (c->loop->stopping || c->eof || !c->known) c->close_next = true;
    candor_reply_validate(&c->reply, c->head.if_none_match);
    charge_reply(c);
    candor_conn_name_problem(c);
    keep = !c->close_next && c->head.keep_alive;
    c->close_next = !keep;
    candor_buf_init_fixed(&head, storage, sizeof storage);
    candor_reply_head(&c->reply, keep, &head);
    candor_count(&s->metrics.requests[c->reply.code], 1);
    if (c->counted) candor_uncount(&s->metrics.in_flight, 1);
    c->counted = false;
    c->state = CANDOR_CONN_WRITING;
    candor_conn_settle(c);
    arm(c, s->config.write_timeout_ms + c->reply.body.n * 1000 / BODY_RATE);
    evbuffer_add(out, head.p, head.n);
    if (!candor_bytes_eq(c->head.method, CANDOR_LIT("HEAD")))
        evbuffer_add(out, c->reply.body.p, c->reply.body.n);
    trim(&c->reply.body);
}

/* --- requests ------------------------------------------------------------------------------- */

/* head + body within read_timeout, plus the time the body earned by arriving. */
static void arm_request(candor_conn *c)
{
    uint64_t now = candor_clock_mono_ns(), spent_ms;
    uint64_t allowed_ms = c->loop->server->config.read_timeout_ms + c->body_seen * 1000 / BODY_RATE;
    if (c->started_ns == 0) {
        c->started_ns = now;
        candor_conn_settle(c);
    }
    spent_ms = (now - c->started_ns) / 1000000;
    arm(c, allowed_ms > spent_ms ? allowed_ms - spent_ms : 0);
}

static void body_done(candor_conn *c)
{
    event_del(c->timer);
    if (c->discard) {
        candor_conn_send(c);
        return;
    }
    c->state = CANDOR_CONN_BUSY;
    candor_conn_settle(c);
    c->counted = true;
    candor_count(&c->loop->server->metrics.in_flight, 1);
    candor_route_run(c);
}

static bool charge(candor_conn *c, size_t more)
{
    candor_server *s = c->loop->server;
    candor_count(&s->metrics.buffered_bytes, more);
    c->body_charged += more;
    return candor_counted(&s->metrics.buffered_bytes) <= s->config.buffer_bytes;
}

static void too_large(candor_conn *c)
{
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_TOO_LARGE,
                        "the body is larger than %llu bytes; %s", (unsigned long long)c->body_max,
                        c->body_advice);
    if (c->body_over != NULL) candor_count(c->body_over, 1);
}

/* False: the request was answered. */
static bool keep_body(candor_conn *c, const char *p, size_t n)
{
    c->body_seen += n;
    candor_count(&c->loop->server->metrics.body_bytes, n);
    if (c->body_seen > c->body_max) {
        too_large(c);
        c->close_next = true;
        candor_conn_send(c);
        return false;
    }
    if (c->discard) return true;
    if (!charge(c, n)) {
        candor_count(&c->loop->server->metrics.shed[CANDOR_SHED_BUFFERS], 1);
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BUSY,
                            "too many requests are being read; try again");
        c->reply.retry_after_s = 1;
        c->close_next = true;
        candor_conn_send(c);
        return false;
    }
    candor_buf_put(&c->body, p, n);
    if (!c->body.failed) return true;
    refuse(c, 503, "out of memory; try again");
    return false;
}

static bool read_chunk(candor_conn *c, candor_bytes in, size_t *used, bool *done)
{
    candor_bytes data;
    const char *why = NULL;
    candor_scan r = candor_chunks_next(&c->chunks, in, used, &data, &why);
    if (r == CANDOR_SCAN_BAD) {
        refuse(c, 400, why);
        return false;
    }
    *done = r == CANDOR_SCAN_DONE;
    return data.n == 0 || keep_body(c, data.p, data.n);
}

/* Take what has arrived of the body. */
static void read_body(candor_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    bool done = !c->head.chunked && c->body_seen == c->head.length;
    size_t n;
    while (!done && (n = evbuffer_get_contiguous_space(in)) > 0) {
        const char *p = (const char *)evbuffer_pullup(in, (ev_ssize_t)n);
        size_t used = n;
        if (c->head.chunked) {
            if (!read_chunk(c, candor_bytes_of(p, n), &used, &done)) return;
        } else {
            if (used > c->head.length - c->body_seen)
                used = (size_t)(c->head.length - c->body_seen);
            if (!keep_body(c, p, used)) return;
            done = c->body_seen == c->head.length;
        }
        evbuffer_drain(in, used);
    }
    if (done)
        body_done(c);
    else
        arm_request(c);
}

static void begin_body(candor_conn *c)
{
    bool ok = candor_route_begin(c), has_body = c->head.chunked || c->head.length > 0;
    c->state = CANDOR_CONN_BODY;
    candor_conn_settle(c);
    if (ok && c->head.length > c->body_max) {
        too_large(c);
        ok = false;
    }
    if (!ok && has_body && (c->head.expect_continue || c->head.length > c->body_max)) {
        c->close_next = true; /* the rest of the body is not worth reading */
        candor_conn_send(c);
        return;
    }
    c->discard = !ok;
    if (has_body && c->head.expect_continue)
        evbuffer_add(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n", 25);
    /* read_body follows in advance() */
}

static bool take_head(candor_conn *c, const char *p, size_t n)
{
    int code;
    const char *why;
    candor_buf_clear(&c->head_text);
    candor_buf_put(&c->head_text, p, n);
    evbuffer_drain(bufferevent_get_input(c->bev), n);
    memset(&c->head, 0, sizeof c->head);
    if (c->head_text.failed) {
        refuse(c, 503, "out of memory; try again");
        return false;
    }
    if (!candor_head_parse(candor_buf_bytes(&c->head_text), &c->head, &code, &why)) {
        c->head.method = (candor_bytes){NULL, 0};
        refuse(c, code, why);
        return false;
    }
    return true;
}

static void read_head(candor_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t max = (size_t)c->loop->server->config.max_header_bytes, n = evbuffer_get_length(in),
           end = 0;
    const char *p, *why = NULL;
    candor_scan r;
    if (n == 0) return;
    if (c->started_ns == 0) arm_request(c);
    if (n > max) n = max;
    p = (const char *)evbuffer_pullup(in, (ev_ssize_t)n);
    if (p == NULL) {
        conn_drop(c);
        return;
    }
    r = candor_head_scan(candor_bytes_of(p, n), c->scanned, &end, &why);
    c->scanned = n;
    if (r != CANDOR_SCAN_DONE) c->head.method = (candor_bytes){NULL, 0};
    if (r == CANDOR_SCAN_BAD)
        refuse(c, 400, why);
    else if (r == CANDOR_SCAN_MORE && n == max)
        refuse(c, 431, "the request line and headers are too long");
    else if (r == CANDOR_SCAN_DONE && take_head(c, p, end))
        begin_body(c);
}

static void advance(candor_conn *c)
{
    if (c->state == CANDOR_CONN_HEAD) read_head(c); /* ends in HEAD, BODY or WRITING */
    if (c->state == CANDOR_CONN_BODY) read_body(c);
}

/* --- events --------------------------------------------------------------------------------- */

static void on_read(struct bufferevent *bev, void *ctx)
{
    candor_conn *c = ctx;
    if (c->state == CANDOR_CONN_LINGER)
        evbuffer_drain(bufferevent_get_input(bev), SIZE_MAX);
    else
        advance(c);
}

static void on_write(struct bufferevent *bev, void *ctx)
{
    candor_conn *c = ctx;
    if (c->state != CANDOR_CONN_WRITING || evbuffer_get_length(bufferevent_get_output(bev)) != 0)
        return;
    if (c->close_next) {
        linger(c);
        return;
    }
    next_request(c);
    advance(c);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    candor_conn *c = ctx;
    if ((what & BEV_EVENT_CONNECTED) != 0) return; /* TLS is up */
    if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_ERROR) == 0 &&
        (c->state == CANDOR_CONN_BUSY || c->state == CANDOR_CONN_WRITING)) {
        c->eof = c->close_next =
            true; /* half-closed (RFC 9112 9.6): it may still read the response */
        bufferevent_disable(bev, EV_READ);
        return;
    }
    conn_drop(c);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    candor_conn *c = ctx;
    (void)fd;
    (void)what;
    if (c->state == CANDOR_CONN_BODY && !c->discard) candor_route_cut(c);
    if ((c->state == CANDOR_CONN_HEAD || c->state == CANDOR_CONN_BODY) && c->started_ns != 0)
        refuse(c, 408, "the request did not arrive in time");
    else if (c->state == CANDOR_CONN_WRITING)
        conn_part(c, false);
    else
        conn_drop(c);
}

static struct bufferevent *make_bufferevent(candor_loop *l, evutil_socket_t fd)
{
    SSL *ssl;
    struct bufferevent *bev;
    if (l->server->tls == NULL) return bufferevent_socket_new(l->base, fd, BEV_OPT_CLOSE_ON_FREE);
    ssl = candor_tls_session(l->server->tls);
    if (ssl == NULL) return NULL;
    bev = bufferevent_openssl_socket_new(l->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                         BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL)
        SSL_free(ssl);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

void candor_conn_open(candor_loop *l, evutil_socket_t fd, uint64_t peer)
{
    candor_conn *c = calloc(1, sizeof *c);
    struct timeval write_wait = {(time_t)(l->server->config.write_timeout_ms / 1000),
                                 (suseconds_t)(l->server->config.write_timeout_ms % 1000 * 1000)};
    if (c == NULL) {
        candor_uncount(&l->server->metrics.connections, 1);
        evutil_closesocket(fd);
        return;
    }
    c->loop = l;
    c->fd = fd;
    c->peer = peer;
    candor_conn_enter(c);
    c->timer = evtimer_new(l->base, on_timer, c);
    c->bev = make_bufferevent(l, fd);
    if (c->bev == NULL) evutil_closesocket(fd);
    if (c->bev == NULL || c->timer == NULL) {
        conn_free(c);
        return;
    }
    bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
    bufferevent_set_timeouts(c->bev, NULL, &write_wait);
    bufferevent_setwatermark(c->bev, EV_READ, 0, INPUT_MAX);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    arm(c, l->server->config.read_timeout_ms);
}

/* It has sent what we did not come to read yet: we are slow, not it. */
static bool has_unread(const candor_conn *c)
{
    char first;
    return recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

bool candor_conn_evict(candor_loop *l, bool strangers)
{
    int looks;
    for (looks = 0; looks < EVICT_LOOKS; looks++) {
        candor_conn *c = l->places[CANDOR_PLACE_STRANGER].last;
        if (c == NULL && !strangers) c = l->places[CANDOR_PLACE_IDLE].last;
        if (c == NULL) return false;
        if (c->state != CANDOR_CONN_LINGER && has_unread(c)) {
            candor_conn_leave(c);
            candor_conn_enter(c);
            continue;
        }
        candor_count(&l->server->metrics.connections_evicted, 1);
        conn_part(c, !c->known && c->state != CANDOR_CONN_LINGER);
        return true;
    }
    return false;
}

void candor_conn_stop(candor_conn *c, bool force)
{
    bool idle = c->state == CANDOR_CONN_HEAD && c->started_ns == 0;
    c->close_next = true;
    if (c->state == CANDOR_CONN_BUSY) return;
    if (force && c->state == CANDOR_CONN_BODY && !c->discard) candor_route_cut(c);
    if (force || idle || c->state == CANDOR_CONN_LINGER) conn_free(c);
}
