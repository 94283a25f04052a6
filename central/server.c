/* The main thread: listens, hands connections to the loops in turn, keeps time, stops. One acceptor
 * instead of a listener a loop: few busy connections spread evenly, and a second collector on the
 * same port is an error instead of a silent share of the traffic, as SO_REUSEPORT would make it. */
#include "central/server.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "central/loop.h"
#include "central/reload.h"
#include "central/version.h"

#define BACKLOG       1024
#define TICK_S        1     /* tokens and disk space are looked at this often */
#define UNSENT_MAX    65536 /* bytes of a response that the kernel holds for a slow reader */
#define EVICT_SLACK   64 /* sockets beyond max-connections, on their way to an idle one's place */
#define JOIN_SLACK_MS 30000 /* a commit in flight may outlast the stop timeout by this much */

typedef struct acceptor {
    candor_server *server;
    struct event_base *base;
    struct evconnlistener *listener;
    candor_parting *parting;
    struct event *tick, *sigterm, *sigint, *sighup;
    candor_reload reload;
    candor_hmac *peer_key; /* random for this run */
    bool tokens_stale;     /* said once, not each second */
} acceptor;

/* --- accepting ------------------------------------------------------------------------------ */

/* The address without the port, under a key that dies with the process. */
static uint64_t peer_print(acceptor *a, const struct sockaddr *sa)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_bytes address = {NULL, 0};
    if (sa->sa_family == AF_INET)
        address = candor_bytes_of(
            (const char *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
    else if (sa->sa_family == AF_INET6) /* a host owns its /64 */
        address = candor_bytes_of(
            (const char *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 8);
    return candor_hmac_run(a->peer_key, address, digest) == CANDOR_OK ? candor_get_u64(digest) : 0;
}

void candor_server_refuse(candor_server *s, candor_parting *p, evutil_socket_t fd)
{
    candor_count(&s->metrics.connections_refused, 1);
    if (s->tls == NULL)
        candor_parting_refuse(p, fd);
    else
        candor_parting_take(p, fd);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
                      int salen, void *ctx)
{
    acceptor *a = ctx;
    candor_server *s = a->server;
    uint64_t open = candor_counted(&s->metrics.connections);
    int on = 1, unsent = UNSENT_MAX;
    (void)listener;
    (void)salen;
    if (open >= s->config.max_connections + EVICT_SLACK) {
        candor_server_refuse(s, a->parting, fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    candor_count(&s->metrics.connections, 1);
    candor_loop_adopt(s->loops[s->next_loop++ % s->n_loops], fd, peer_print(a, sa),
                      open >= s->config.max_connections);
}

/* Out of descriptors: accept would fail at once, again and again. Pause until the next tick. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
    acceptor *a = ctx;
    candor_log_say(&a->server->log, CANDOR_LOG_WARN, "accept_failed", strerror(errno));
    evconnlistener_disable(listener);
}

static candor_status bind_first(acceptor *a, const struct addrinfo *list, candor_err *err)
{
    int last = 0;
    for (; list != NULL && a->listener == NULL; list = list->ai_next) {
        a->listener = evconnlistener_new_bind(a->base, on_accept, a,
                                              LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
                                                  LEV_OPT_REUSEABLE | LEV_OPT_DISABLED,
                                              BACKLOG, list->ai_addr, (int)list->ai_addrlen);
        if (a->listener == NULL) last = errno;
    }
    if (a->listener == NULL)
        return candor_fail(err, CANDOR_IO, last, "listen",
                           last == EADDRINUSE ? "%.80s is in use; is another collector running?"
                                              : "cannot listen on %.80s",
                           a->server->config.listen);
    evconnlistener_set_error_cb(a->listener, on_accept_error);
    return CANDOR_OK;
}

static candor_status listen_on(acceptor *a, candor_err *err)
{
    const candor_config *cfg = &a->server->config;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    char port[8];
    candor_status st;
    int rc;
    snprintf(port, sizeof port, "%u", (unsigned)cfg->port);
    rc = getaddrinfo(cfg->host, port, &hints, &list);
    if (rc != 0)
        return candor_fail(err, CANDOR_NET, 0, "listen", "%.80s: %s", cfg->host, gai_strerror(rc));
    st = bind_first(a, list, err);
    freeaddrinfo(list);
    return st;
}

static unsigned bound_port(const acceptor *a)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof sa;
    if (getsockname(evconnlistener_get_fd(a->listener), (struct sockaddr *)&sa, &n) != 0) return 0;
    if (sa.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)(void *)&sa)->sin6_port);
    return ntohs(((struct sockaddr_in *)(void *)&sa)->sin_port);
}

static candor_status announce(acceptor *a, candor_err *err)
{
    candor_server *s = a->server;
    unsigned port = bound_port(a);
    candor_log_line line;
    candor_status st = CANDOR_OK;
    if (*s->config.port_file != '\0') {
        char text[16];
        int n = snprintf(text, sizeof text, "%u\n", port);
        st = candor_file_write_durable(s->config.port_file, candor_bytes_of(text, (size_t)n), err);
    }
    candor_log_begin(&line, CANDOR_LOG_INFO, "listening");
    candor_log_text(&line, "host", s->config.host);
    candor_log_number(&line, "port", port);
    candor_log_text(&line, "scheme", s->tls != NULL ? "https" : "http");
    candor_log_number(&line, "threads", s->n_loops);
    candor_log_text(&line, "schema", candor_schema_hash(s->schema));
    candor_log_text(&line, "version", CANDOR_CENTRAL_VERSION);
    candor_log_end(&s->log, &line, CANDOR_LOG_INFO);
    return st;
}

/* --- keeping time --------------------------------------------------------------------------- */

static void check_disk(candor_server *s)
{
    candor_err err = {0};
    uint64_t bytes = 0;
    bool low, was = atomic_load(&s->disk_low);
    if (candor_disk_free(s->config.data, &bytes, &err) != CANDOR_OK) return;
    low = bytes < s->config.min_free_bytes;
    if (low == was) return;
    atomic_store(&s->disk_low, low);
    candor_log_say(&s->log, low ? CANDOR_LOG_ERROR : CANDOR_LOG_INFO, low ? "disk_low" : "disk_ok",
                   low ? "less than min-free-bytes is free: uploads get 503" : NULL);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    acceptor *a = ctx;
    candor_err err = {0};
    bool stale;
    (void)fd;
    (void)what;
    check_disk(a->server);
    candor_reload_look(&a->reload);
    evconnlistener_enable(a->listener);
    stale = candor_auth_refresh(a->server->auth, a->server->tokens, NULL, &err) != CANDOR_OK;
    if (stale && !a->tokens_stale) {
        char text[256];
        candor_err_describe(&err, text, sizeof text);
        candor_log_say(&a->server->log, CANDOR_LOG_WARN, "tokens_not_read", text);
    }
    a->tokens_stale = stale;
}

static void on_signal(evutil_socket_t signal_no, short what, void *ctx)
{
    acceptor *a = ctx;
    (void)what;
    candor_log_say(&a->server->log, CANDOR_LOG_INFO, "stopping",
                   signal_no == SIGTERM ? "SIGTERM" : "SIGINT");
    atomic_store(&a->server->stopping, true);
    event_base_loopbreak(a->base);
}

static void on_hangup(evutil_socket_t signal_no, short what, void *ctx)
{
    acceptor *a = ctx;
    (void)signal_no;
    (void)what;
    candor_log_say(&a->server->log, CANDOR_LOG_INFO, "reloading", "SIGHUP");
    candor_reload_now(&a->reload);
}

/* --- life ----------------------------------------------------------------------------------- */

static candor_status make_peer_key(acceptor *a, candor_err *err)
{
    unsigned char key[32];
    candor_status st = candor_random(key, sizeof key);
    if (st == CANDOR_OK)
        st = candor_hmac_new(candor_bytes_of((const char *)key, sizeof key), &a->peer_key);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "start", NULL);
}

static candor_status prepare(acceptor *a, candor_err *err)
{
    const struct timeval tick = {TICK_S, 0};
    candor_status st = make_peer_key(a, err);
    if (st != CANDOR_OK) return st;
    a->base = event_base_new();
    if (a->base == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "start", NULL);
    st = candor_parting_new(a->base, &a->parting);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "start", NULL);
    a->tick = event_new(a->base, -1, EV_PERSIST, on_tick, a);
    a->sigterm = evsignal_new(a->base, SIGTERM, on_signal, a);
    a->sigint = evsignal_new(a->base, SIGINT, on_signal, a);
    a->sighup = evsignal_new(a->base, SIGHUP, on_hangup, a);
    if (a->tick == NULL || a->sigterm == NULL || a->sigint == NULL || a->sighup == NULL ||
        event_add(a->tick, &tick) != 0 || event_add(a->sigterm, NULL) != 0 ||
        event_add(a->sigint, NULL) != 0 || event_add(a->sighup, NULL) != 0)
        return candor_fail(err, CANDOR_NOMEM, 0, "start", NULL);
    return listen_on(a, err);
}

static void acceptor_deinit(acceptor *a)
{
    if (a->listener != NULL) evconnlistener_free(a->listener);
    if (a->tick != NULL) event_free(a->tick);
    if (a->sigterm != NULL) event_free(a->sigterm);
    if (a->sigint != NULL) event_free(a->sigint);
    if (a->sighup != NULL) event_free(a->sighup);
    candor_parting_free(a->parting);
    if (a->base != NULL) event_base_free(a->base);
    candor_hmac_free(a->peer_key);
}

static candor_status stop_loops(candor_server *s, candor_err *err)
{
    int patience = (int)s->config.stop_timeout_ms + JOIN_SLACK_MS;
    unsigned i;
    for (i = 0; i < s->n_loops; i++)
        candor_loop_stop(s->loops[i]);
    for (i = 0; i < s->n_loops; i++)
        if (!candor_loop_join(s->loops[i], patience))
            return candor_fail(
                err, CANDOR_TIMEOUT, 0, "stop",
                "the store did not finish a commit; what it had not acknowledged is lost");
    for (i = 0; i < s->n_loops; i++) /* now that none is left that could pass a socket to another */
        candor_loop_free(s->loops[i]);
    s->n_loops = 0;
    return CANDOR_OK;
}

candor_status candor_server_run(candor_server *s, candor_err *err)
{
    acceptor a = {.server = s};
    unsigned want = s->config.threads != 0 ? (unsigned)s->config.threads : 1, i;
    candor_status st = prepare(&a, err);
    candor_err stop_err = {0};
    candor_reload_init(&a.reload, s);
    check_disk(s);
    for (i = 0; i < want && st == CANDOR_OK; i++) {
        st = candor_loop_start(s, &s->loops[i], err);
        if (st == CANDOR_OK) s->n_loops = i + 1;
    }
    if (st == CANDOR_OK) st = announce(&a, err);
    if (st == CANDOR_OK) {
        evconnlistener_enable(a.listener);
        event_base_loop(a.base, EVLOOP_NO_EXIT_ON_EMPTY);
    }
    atomic_store(&s->stopping, true);
    acceptor_deinit(&a);
    if (stop_loops(s, &stop_err) != CANDOR_OK && st == CANDOR_OK) {
        *err = stop_err;
        st = CANDOR_TIMEOUT;
    }
    return st;
}
