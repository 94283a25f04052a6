/* Load generator of the benchmarks: sends pre-built HTTP/1.1 requests over keep-alive connections,
 * each request once, and prints one JSON object. Written in C on one epoll loop so that it takes as
 * little as possible of the cores that the collector under test runs on.
 * Usage: loadgen HOST PORT REQUESTS_FILE [CONNECTIONS]
 * REQUESTS_FILE: records of u32 request length, u32 events inside, request bytes; little endian. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024u
#define RESPONSE_MAX    (256u * 1024u) /* a batch's answer with per-event results stays far below */
#define STALL_MS        30000          /* no socket became ready for this long: the server hangs */
/* Between two connects, before the clock starts: workers that share one listening socket each get
 * some of the connections, where a burst would all go to whichever woke first and leave the other
 * idle. */
#define CONNECT_GAP_NS 3000000

typedef struct request {
    const char *bytes;
    uint32_t size;
    uint32_t events;
} request;

typedef struct connection {
    int fd;
    size_t current; /* index of the request in flight */
    size_t sent;    /* bytes of it already written */
    bool busy;
    uint64_t started_ns;
    char *in; /* RESPONSE_MAX + 1 bytes, kept terminated for strstr */
    size_t in_used;
} connection;

typedef struct load {
    struct sockaddr_in address;
    request *requests;
    size_t n_requests, next, answered;
    uint64_t events, accepted;
    uint64_t by_status[600];
    uint32_t *latency_us; /* one entry per answered request */
    int epoll_fd;
    const char *failure; /* static text of the first failure */
    int failure_errno;
} load;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool fail(load *l, const char *what)
{
    if (l->failure == NULL) {
        l->failure = what;
        l->failure_errno = errno;
    }
    return false;
}

static uint32_t read_u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Walk the records; with out == NULL only count them. SIZE_MAX: the file is torn. */
static size_t walk_requests(const char *map, size_t size, request *out)
{
    size_t at = 0, n = 0;
    while (at < size) {
        if (size - at < 8) return SIZE_MAX;
        request r = {map + at + 8, read_u32(map + at), read_u32(map + at + 4)};
        if (r.size == 0 || r.size > size - at - 8) return SIZE_MAX;
        if (out != NULL) out[n] = r;
        n++;
        at += 8 + (size_t)r.size;
    }
    return n;
}

static bool load_requests(load *l, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail(l, "open the requests file");
    bool ok = fstat(fd, &st) == 0 && st.st_size > 0;
    /* MAP_POPULATE: page faults belong to the preparation, not to the measured time. */
    char *map = ok ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
                   : MAP_FAILED;
    close(fd);
    if (map == MAP_FAILED) return fail(l, "map the requests file");
    size_t n = walk_requests(map, (size_t)st.st_size, NULL);
    if (n == SIZE_MAX) return fail(l, "the requests file is torn");
    l->requests = calloc(n, sizeof *l->requests);
    l->latency_us = calloc(n, sizeof *l->latency_us);
    if (l->requests == NULL || l->latency_us == NULL) return fail(l, "allocate");
    l->n_requests = walk_requests(map, (size_t)st.st_size, l->requests);
    for (size_t i = 0; i < n; i++)
        l->events += l->requests[i].events;
    return true;
}

static bool watch(load *l, connection *c, int op, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = c};
    return epoll_ctl(l->epoll_fd, op, c->fd, &ev) == 0 || fail(l, "epoll_ctl");
}

static bool connect_one(load *l, connection *c)
{
    int one = 1;
    const struct timespec gap = {.tv_nsec = CONNECT_GAP_NS};
    nanosleep(&gap, NULL);
    c->in = malloc(RESPONSE_MAX + 1);
    if (c->in == NULL) return fail(l, "allocate");
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) return fail(l, "socket");
    if (connect(c->fd, (struct sockaddr *)&l->address, sizeof l->address) != 0)
        return fail(l, "connect");
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0) return fail(l, "fcntl");
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        return fail(l, "setsockopt");
    return watch(l, c, EPOLL_CTL_ADD, EPOLLIN);
}

/* Write what is left of the request in flight. */
static bool send_more(load *l, connection *c)
{
    const request *r = &l->requests[c->current];
    while (c->sent < r->size) {
        ssize_t n = send(c->fd, r->bytes + c->sent, r->size - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return watch(l, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        if (n < 0) return fail(l, "send");
        c->sent += (size_t)n;
    }
    return true;
}

static bool start_next(load *l, connection *c)
{
    c->busy = l->next < l->n_requests;
    if (!c->busy) return true;
    c->current = l->next++;
    c->sent = 0;
    c->in_used = 0;
    c->started_ns = now_ns();
    return send_more(l, c);
}

/* Value of a header inside the head that starts at in and ends before end; -1 when absent. */
static long header_number(const char *in, const char *end, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = strstr(in, "\r\n"); p != NULL && p < end; p = strstr(p + 2, "\r\n"))
        if (strncasecmp(p + 2, name, n) == 0) return strtol(p + 2 + n, NULL, 10);
    return -1;
}

static uint64_t accepted_in(const char *body)
{
    const char *p = strstr(body, "\"accepted\":");
    return p != NULL ? strtoull(p + strlen("\"accepted\":"), NULL, 10) : 0;
}

/* Answered in full? Then count it and send the next request. */
static bool take_response(load *l, connection *c)
{
    c->in[c->in_used] = '\0';
    const char *head_end = strstr(c->in, "\r\n\r\n");
    if (head_end == NULL) return true;
    long status = strncmp(c->in, "HTTP/1.1 ", 9) == 0 ? strtol(c->in + 9, NULL, 10) : 0;
    long length = header_number(c->in, head_end, "content-length:");
    if (status < 100 || status > 599 || length < 0)
        return fail(l, "the answer is not HTTP/1.1 with a Content-Length");
    size_t whole = (size_t)(head_end + 4 - c->in) + (size_t)length;
    if (whole > RESPONSE_MAX) return fail(l, "the answer is too long");
    if (c->in_used < whole) return true;
    if (c->in_used > whole) return fail(l, "bytes after the answer");
    l->by_status[status]++;
    l->accepted += accepted_in(head_end);
    uint64_t us = (now_ns() - c->started_ns) / 1000;
    l->latency_us[l->answered++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    return start_next(l, c);
}

static bool receive(load *l, connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_used, RESPONSE_MAX - c->in_used, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (n < 0) return fail(l, "receive");
    if (n == 0) return fail(l, "the server closed a connection");
    if (!c->busy) return fail(l, "an answer without a request");
    c->in_used += (size_t)n;
    return take_response(l, c);
}

static bool serve_event(load *l, const struct epoll_event *ev)
{
    connection *c = ev->data.ptr;
    if ((ev->events & EPOLLOUT) != 0) {
        /* Back to reads only; send_more asks again when the socket is still full. */
        if (!watch(l, c, EPOLL_CTL_MOD, EPOLLIN) || !send_more(l, c)) return false;
    }
    if ((ev->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) return receive(l, c);
    return true;
}

static bool run(load *l, connection *connections, size_t n_connections)
{
    struct epoll_event ready[64];
    for (size_t i = 0; i < n_connections; i++)
        if (!start_next(l, &connections[i])) return false;
    while (l->answered < l->n_requests) {
        int n = epoll_wait(l->epoll_fd, ready, 64, STALL_MS);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(l, "epoll_wait");
        if (n == 0) return fail(l, "the server stalled");
        for (int i = 0; i < n; i++)
            if (!serve_event(l, &ready[i])) return false;
    }
    return true;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t quantile(const load *l, double q)
{
    if (l->answered == 0) return 0;
    size_t at = (size_t)(q * (double)(l->answered - 1) + 0.5);
    return l->latency_us[at];
}

static void print_result(load *l, double seconds)
{
    const char *separator = "";
    qsort(l->latency_us, l->answered, sizeof *l->latency_us, compare_u32);
    printf("{\"requests\":%zu,\"events\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"seconds\":%.6f,",
           l->answered, l->events, l->accepted, seconds);
    printf("\"latency_us\":{\"p50\":%" PRIu32 ",\"p95\":%" PRIu32 ",\"p99\":%" PRIu32
           ",\"max\":%" PRIu32 "},\"status\":{",
           quantile(l, 0.5), quantile(l, 0.95), quantile(l, 0.99), quantile(l, 1.0));
    for (size_t i = 0; i < sizeof l->by_status / sizeof *l->by_status; i++) {
        if (l->by_status[i] == 0) continue;
        printf("%s\"%zu\":%" PRIu64, separator, i, l->by_status[i]);
        separator = ",";
    }
    printf("}}\n");
}

static bool parse_arguments(load *l, int argc, char **argv, size_t *n_connections)
{
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: loadgen HOST PORT REQUESTS_FILE [CONNECTIONS]\n");
        exit(2);
    }
    unsigned long port = strtoul(argv[2], NULL, 10);
    unsigned long n = argc == 5 ? strtoul(argv[4], NULL, 10) : 16;
    errno = EINVAL;
    l->address.sin_family = AF_INET;
    if (port == 0 || port > 65535) return fail(l, "read the port");
    l->address.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, argv[1], &l->address.sin_addr) != 1)
        return fail(l, "read the IPv4 address");
    if (n == 0 || n > CONNECTIONS_MAX) return fail(l, "read the number of connections");
    *n_connections = n;
    return true;
}

int main(int argc, char **argv)
{
    load l = {.epoll_fd = -1};
    size_t n_connections = 0;
    bool ok = parse_arguments(&l, argc, argv, &n_connections) && load_requests(&l, argv[3]);
    if (ok && (l.epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0) ok = fail(&l, "epoll_create1");
    connection *connections = ok ? calloc(n_connections, sizeof *connections) : NULL;
    if (ok && connections == NULL) ok = fail(&l, "allocate");
    for (size_t i = 0; ok && i < n_connections; i++)
        ok = connect_one(&l, &connections[i]);
    uint64_t start = now_ns();
    if (ok) ok = run(&l, connections, n_connections);
    if (ok) print_result(&l, (double)(now_ns() - start) / 1e9);
    if (!ok) fprintf(stderr, "loadgen: %s: %s\n", l.failure, strerror(l.failure_errno));
    return ok ? 0 : 1; /* the system takes back sockets, memory and maps */
}
