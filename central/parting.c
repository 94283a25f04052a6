#include "central/parting.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define PARTING_MS 2000
#define SWEEP_MS   200
#define DRAIN_MAX  65536 /* bytes read of one socket at a time */

typedef struct parted {
    evutil_socket_t fd;
    uint64_t since_ns;
} parted;

struct candor_parting {
    struct event *timer; /* runs while there is something to sweep */
    parted ring[CANDOR_PARTING_MAX];
    unsigned first, n; /* in the order of their coming */
};

/* False: the peer has closed too, or is lost. */
static bool drain(evutil_socket_t fd)
{
    char nowhere[8192];
    size_t total = 0;
    while (total < DRAIN_MAX) {
        ssize_t n = recv(fd, nowhere, sizeof nowhere, MSG_DONTWAIT);
        if (n == 0) return false;
        if (n < 0) return EVUTIL_SOCKET_ERROR() == EAGAIN;
        total += (size_t)n;
    }
    return true;
}

static void drop_first(candor_parting *p)
{
    parted *out = &p->ring[p->first];
    if (out->fd >= 0) {
        drain(out->fd);
        evutil_closesocket(out->fd);
    }
    p->first = (p->first + 1) % CANDOR_PARTING_MAX;
    p->n--;
}

static void arm(candor_parting *p)
{
    const struct timeval tv = {0, SWEEP_MS * 1000};
    event_add(p->timer, &tv);
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
    candor_parting *p = ctx;
    uint64_t now = candor_clock_mono_ns();
    unsigned i;
    (void)fd;
    (void)what;
    for (i = 0; i < p->n; i++) {
        parted *one = &p->ring[(p->first + i) % CANDOR_PARTING_MAX];
        if (one->fd < 0 || drain(one->fd)) continue;
        evutil_closesocket(one->fd);
        one->fd = -1;
    }
    while (p->n != 0 && (p->ring[p->first].fd < 0 ||
                         now - p->ring[p->first].since_ns > (uint64_t)PARTING_MS * 1000000))
        drop_first(p);
    if (p->n != 0) arm(p);
}

candor_status candor_parting_new(struct event_base *base, candor_parting **out)
{
    candor_parting *p = calloc(1, sizeof *p);
    *out = NULL;
    if (p == NULL) return CANDOR_NOMEM;
    p->timer = evtimer_new(base, on_sweep, p);
    if (p->timer == NULL) {
        free(p);
        return CANDOR_NOMEM;
    }
    *out = p;
    return CANDOR_OK;
}

void candor_parting_free(candor_parting *p)
{
    if (p == NULL) return;
    while (p->n != 0)
        drop_first(p);
    event_free(p->timer);
    free(p);
}

void candor_parting_take(candor_parting *p, evutil_socket_t fd)
{
    shutdown(fd, SHUT_WR);
    if (!drain(fd)) {
        evutil_closesocket(fd);
        return;
    }
    if (p->n == CANDOR_PARTING_MAX) drop_first(p);
    p->ring[(p->first + p->n) % CANDOR_PARTING_MAX] = (parted){fd, candor_clock_mono_ns()};
    if (p->n++ == 0) arm(p);
}

void candor_parting_refuse(candor_parting *p, evutil_socket_t fd)
{
    static const char body[] =
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
        "\"code\":\"busy\",\"detail\":\"too many connections; try again in 5 s\"}\n";
    char answer[sizeof body + 160];
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
                        "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n%s",
                        sizeof body - 1, body);
    ssize_t n = send(fd, answer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)n; /* best effort: the connection ends either way */
    candor_parting_take(p, fd);
}
