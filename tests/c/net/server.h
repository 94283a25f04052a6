/* For tests: a real TCP server in a thread, one connection at a time, that answers each request
 * with a scripted text and can then hang or close. */
#ifndef CANDOR_TEST_NET_SERVER_H
#define CANDOR_TEST_NET_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http.h"

typedef enum server_after { SERVER_GO_ON, SERVER_HANG, SERVER_CLOSE } server_after;

typedef struct server {
    /* the script; set before server_start */
    bool speak_first; /* reply at once, without a request */
    const char *reply;
    size_t reply_n;   /* 0: strlen(reply) */
    const char *tail; /* repeated after the reply until the client goes; may be NULL */
    server_after after;

    int listener;
    unsigned port;
    pthread_t thread;
    candor_latch *answered; /* open once the reply has been written */
    candor_latch *gone;     /* open once a client has closed its connection */
    /* read after server_stop */
    unsigned connections, requests;
    candor_buf last; /* the last whole request */
} server;

static inline bool server_write(int fd, const char *p, size_t n)
{
    while (n > 0) {
        const ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0) return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

/* The length of the request at the start of b, or 0 while it is not complete. */
static inline size_t server_request_length(const candor_buf *b)
{
    const char *end = b->n != 0 ? memmem(b->p, b->n, "\r\n\r\n", 4) : NULL;
    const char *length;
    size_t head, body = 0;

    if (end == NULL) return 0;
    head = (size_t)(end - b->p) + 4;
    length = memmem(b->p, head, "Content-Length: ", 16);
    if (length != NULL) body = (size_t)strtoul(length + 16, NULL, 10);
    return b->n >= head + body ? head + body : 0;
}

/* True when s->last holds a request, false when the client has gone. */
static inline bool server_read(server *s, int fd)
{
    candor_buf in = {0};
    char step[65536];

    while (server_request_length(&in) == 0) {
        const ssize_t n = recv(fd, step, sizeof step, 0);
        if (n <= 0) {
            candor_buf_free(&in);
            return false;
        }
        candor_buf_put(&in, step, (size_t)n);
    }
    candor_buf_free(&s->last);
    s->last = in;
    return true;
}

static inline void server_wait_for_end(int fd)
{
    char c;

    while (recv(fd, &c, 1, 0) > 0)
        continue;
}

static inline void server_talk(server *s, int fd)
{
    while (s->speak_first || server_read(s, fd)) {
        const size_t n = s->reply_n != 0 ? s->reply_n : strlen(s->reply);

        s->requests++;
        if (!server_write(fd, s->reply, n)) return;
        candor_latch_open(s->answered);
        while (s->tail != NULL)
            if (!server_write(fd, s->tail, strlen(s->tail))) return;
        if (s->after == SERVER_CLOSE) return;
        if (s->after == SERVER_HANG) {
            server_wait_for_end(fd);
            return;
        }
    }
}

static inline void *server_main(void *arg)
{
    server *s = arg;
    int fd;

    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        s->connections++;
        server_talk(s, fd);
        close(fd);
        candor_latch_open(s->gone);
    }
    return NULL;
}

/* Listens, but nobody accepts: a client connects to the kernel's queue and fills its buffers. */
static inline void server_listen(server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;

    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
}

static inline void server_start(server *s)
{
    server_listen(s);
    assert_int_equal(candor_latch_new(&s->answered), CANDOR_OK);
    assert_int_equal(candor_latch_new(&s->gone), CANDOR_OK);
    assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}

/* Every client must have closed its connection before: the thread is waiting in accept. */
static inline void server_stop(server *s)
{
    shutdown(s->listener, SHUT_RDWR); /* wakes accept(2) on Linux */
    pthread_join(s->thread, NULL);
    close(s->listener);
    candor_latch_free(s->answered);
    candor_latch_free(s->gone);
}

static inline bool server_saw(const server *s, const char *text)
{
    return memmem(s->last.p, s->last.n, text, strlen(text)) != NULL;
}

/* --- the client under test -----------------------------------------------------------------------
 */
typedef struct client {
    candor_http *h;
    candor_waker *w;
    char url[128];
    candor_http_response r;
} client;

static inline candor_http_settings usual_settings(void)
{
    return (candor_http_settings){.user_agent = "candor-test/1",
                                  .connect_timeout_ms = 30000,
                                  .total_timeout_ms = 60000,
                                  .stall_timeout_ms = 60000,
                                  .response_max = 1000};
}

static inline client client_with(const candor_http_settings *s, unsigned port)
{
    client c = {0};
    candor_err err = {0};

    assert_int_equal(candor_http_new(s, &c.h, &err), CANDOR_OK);
    assert_int_equal(candor_waker_new(&c.w, &err), CANDOR_OK);
    (void)snprintf(c.url, sizeof c.url, "http://127.0.0.1:%u/api/v1/events", port);
    return c;
}

static inline void client_free(client *c)
{
    candor_http_free(c->h);
    candor_waker_free(c->w);
}

static inline candor_status client_start(client *c, const char *method, candor_bytes body)
{
    const candor_http_request r = {.method = method, .url = c->url, .body = body};

    return candor_http_start(c->h, &r, NULL);
}

static inline void client_finish(client *c)
{
    while (!candor_http_poll(c->h, c->w, 10000, &c->r))
        continue;
    assert_false(candor_http_busy(c->h));
}

static inline void client_get(client *c)
{
    assert_int_equal(client_start(c, "GET", (candor_bytes){0}), CANDOR_OK);
    client_finish(c);
}

#endif
