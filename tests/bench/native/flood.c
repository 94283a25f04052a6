/* Open-loop load: requests leave by a schedule, whether or not those before were answered; each is
 * made from a template by writing fresh ids into it. Prints one JSON object that accounts for every
 * request. Written in C so that four times what the collector sustains can leave one of two cores.
 * Usage: flood PORT TEMPLATES RATE SECONDS CONNECTIONS ADDRESSES SEED ACKS_FILE
 * RATE 0: closed loop, each connection sends when it was answered.
 * ADDRESSES: connections come from 127.0.1.1 and so many after it, as a fleet would.
 * TEMPLATES: records of u32 size, u32 events, u32 patches, per patch u32 kind and u32 offset, then
 * the request's bytes. Kinds: 0 event id, 1 batch id, 2 machine id; their text has its final width.
 * ACKS_FILE: a u32 for each request that was acknowledged in full: its number, which is the second
 * half of its event ids. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TEMPLATES_MAX 1024u
#define PATCHES_MAX   128u
#define ANSWER_MAX    4096u
#define BURST         512          /* requests started between two looks at the sockets */
#define GRACE_NS      90000000000u /* after the last request: what is not answered by then never is */
#define MACHINES      20000u
#define GREEDY_EACH   20u /* one request in so many comes from one machine, beyond its rate limit */

typedef struct template
{
    uint32_t size, events, n_patches;
    uint32_t kind[PATCHES_MAX], at[PATCHES_MAX];
    const char *bytes;
}
template;

typedef struct connection {
    int fd; /* -1: a free slot */
    bool busy;
    uint32_t number; /* of the request in flight */
    const template *of;
    size_t sent, in_used;
    uint64_t started_ns;
    char *out; /* the request's bytes */
    char in[ANSWER_MAX + 1];
} connection;

typedef struct flood {
    struct sockaddr_in address;
    template *templates;
    size_t n_templates, n_connections, n_idle, n_busy, n_open, most_open;
    connection *connections;
    uint32_t *idle; /* slots: connected ones above, free ones wait in spare */
    uint32_t *spare;
    size_t n_spare;
    uint32_t addresses, seed, next;
    uint64_t unix_ms, rate, start_ns, end_ns;
    int epoll_fd;
    FILE *acks;
    uint64_t by_status[600], acked, closed, reset, torn, unconnected, withheld, no_retry_after;
    uint64_t not_http;
    uint32_t *latency_us;
    size_t n_latency, cap_latency;
} flood;

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- requests ------------------------------------------------------------------------------- */

static uint32_t take_u32(const char **p, const char *end)
{
    uint32_t v;
    errno = EINVAL;
    if (end - *p < 4) die("the templates are torn");
    memcpy(&v, *p, sizeof v);
    *p += sizeof v;
    return v;
}

static void take_template(flood *f, const char **p, const char *end)
{
    template *t = &f->templates[f->n_templates++];
    t->size = take_u32(p, end);
    t->events = take_u32(p, end);
    t->n_patches = take_u32(p, end);
    if (t->n_patches > PATCHES_MAX) die("a template has too many patches");
    for (uint32_t i = 0; i < t->n_patches; i++) {
        t->kind[i] = take_u32(p, end);
        t->at[i] = take_u32(p, end);
        if (t->kind[i] > 2 || t->at[i] + 36 > t->size) die("a patch is outside of its request");
    }
    if (t->size == 0 || (size_t)(end - *p) < t->size) die("the templates are torn");
    t->bytes = *p;
    *p += t->size;
}

static void load_templates(flood *f, const char *path)
{
    FILE *in = fopen(path, "rb");
    long size = 0;
    if (in == NULL || fseek(in, 0, SEEK_END) != 0 || (size = ftell(in)) <= 0) die(path);
    rewind(in);
    char *text = malloc((size_t)size);
    f->templates = calloc(TEMPLATES_MAX, sizeof *f->templates);
    if (text == NULL || f->templates == NULL) die("allocate");
    if (fread(text, 1, (size_t)size, in) != (size_t)size) die(path);
    fclose(in);
    for (const char *p = text; p < text + size;) {
        if (f->n_templates == TEMPLATES_MAX) die("too many templates");
        take_template(f, &p, text + size);
    }
}

static void put_hex(char *to, uint64_t v, int digits)
{
    for (int i = digits - 1; i >= 0; i--, v >>= 4)
        to[i] = "0123456789abcdef"[v & 15];
}

/* A UUIDv7 whose last 32 bits are the request's number; part tells its events apart. */
static void put_id(char *to, const flood *f, uint32_t number, uint32_t part)
{
    put_hex(to, f->unix_ms >> 16, 8);
    put_hex(to + 9, f->unix_ms & 0xffff, 4);
    put_hex(to + 14, 0x7000u | part, 4);
    put_hex(to + 19, 0x8000u | (f->seed >> 16 & 0x3fff), 4);
    put_hex(to + 24, f->seed & 0xffff, 4);
    put_hex(to + 28, number, 8);
}

static void make_request(flood *f, connection *c)
{
    uint32_t event = 0;
    c->number = f->next++;
    c->of = &f->templates[c->number % f->n_templates];
    memcpy(c->out, c->of->bytes, c->of->size);
    for (uint32_t i = 0; i < c->of->n_patches; i++) {
        char *to = c->out + c->of->at[i];
        if (c->of->kind[i] == 0) put_id(to, f, c->number, event++);
        if (c->of->kind[i] == 1) put_id(to, f, c->number, 0xfff);
        if (c->of->kind[i] == 2)
            put_hex(to, c->number % GREEDY_EACH ? c->number % MACHINES : 0, 32);
    }
    c->sent = c->in_used = 0;
    c->busy = true;
    c->started_ns = now_ns(CLOCK_MONOTONIC);
    f->n_busy++;
}

/* --- connections ---------------------------------------------------------------------------- */

static void watch(const flood *f, connection *c, int op, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = c};
    if (epoll_ctl(f->epoll_fd, op, c->fd, &ev) != 0) die("epoll_ctl");
}

static void drop(flood *f, connection *c)
{
    if (c->busy) f->n_busy--;
    close(c->fd);
    c->fd = -1;
    c->busy = false;
    f->n_open--;
    f->spare[f->n_spare++] = (uint32_t)(c - f->connections);
}

static bool open_socket(flood *f, connection *c)
{
    int one = 1;
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(0x7f000101u + f->next % f->addresses);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("socket");
    f->n_open++;
    if (f->n_open > f->most_open) f->most_open = f->n_open;
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0) die("bind");
    if (connect(c->fd, (struct sockaddr *)&f->address, sizeof f->address) != 0 &&
        errno != EINPROGRESS)
        return false;
    watch(f, c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    return true;
}

/* What cannot be sent any more is not the end: an answer may have come before. */
static void send_more(flood *f, connection *c)
{
    while (c->sent < c->of->size) {
        ssize_t n = send(c->fd, c->out + c->sent, c->of->size - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) break;
        c->sent += (size_t)n;
    }
    watch(f, c, EPOLL_CTL_MOD, EPOLLIN);
}

static void start_on(flood *f, connection *c)
{
    make_request(f, c);
    if (c->fd >= 0) {
        watch(f, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        send_more(f, c);
    } else if (!open_socket(f, c)) {
        f->unconnected++;
        drop(f, c);
    }
}

/* --- answers -------------------------------------------------------------------------------- */

static const char *header(const connection *c, const char *end, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = strstr(c->in, "\r\n"); p != NULL && p < end; p = strstr(p + 2, "\r\n"))
        if (strncasecmp(p + 2, name, n) == 0) return p + 2 + n;
    return NULL;
}

static void note_latency(flood *f, const connection *c)
{
    if (f->n_latency == f->cap_latency) {
        f->cap_latency = f->cap_latency != 0 ? 2 * f->cap_latency : 65536;
        f->latency_us = realloc(f->latency_us, f->cap_latency * sizeof *f->latency_us);
        if (f->latency_us == NULL) die("allocate");
    }
    f->latency_us[f->n_latency++] = (uint32_t)((now_ns(CLOCK_MONOTONIC) - c->started_ns) / 1000);
}

static void note_answer(flood *f, const connection *c, const char *head_end, long status)
{
    f->by_status[status]++;
    if ((status == 503 || status == 429) && header(c, head_end, "retry-after:") == NULL)
        f->no_retry_after++;
    if (status != 202) return;
    note_latency(f, c);
    const char *p = strstr(head_end, "\"accepted\":");
    if (p == NULL || strtoul(p + strlen("\"accepted\":"), NULL, 10) != c->of->events) return;
    f->acked++;
    if (fwrite(&c->number, sizeof c->number, 1, f->acks) != 1) die("write the acknowledgements");
}

/* True: the answer is complete and the connection may be used again. */
static bool take_answer(flood *f, connection *c)
{
    c->in[c->in_used] = '\0';
    const char *head_end = strstr(c->in, "\r\n\r\n");
    if (head_end == NULL) return false;
    long status = strncmp(c->in, "HTTP/1.1 ", 9) == 0 ? strtol(c->in + 9, NULL, 10) : 0;
    const char *length = header(c, head_end, "content-length:");
    const char *closing = header(c, head_end, "connection: close");
    if (status < 100 || status > 599 || length == NULL) {
        f->not_http++;
        drop(f, c);
        return false;
    }
    if (c->in_used < (size_t)(head_end + 4 - c->in) + strtoul(length, NULL, 10)) return false;
    note_answer(f, c, head_end, status);
    if (closing != NULL || c->sent < c->of->size) {
        drop(f, c);
        return false;
    }
    c->busy = false;
    f->n_busy--;
    return true;
}

static void lost(flood *f, connection *c, bool by_reset)
{
    if (c->busy && c->in_used != 0) {
        f->torn++;
    } else if (c->busy) {
        f->reset += by_reset;
        f->closed += !by_reset;
    }
    drop(f, c);
}

static bool receive(flood *f, connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_used, ANSWER_MAX - c->in_used, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return false;
    if (n < 0 && errno != ECONNRESET && errno != EPIPE) {
        f->unconnected += c->busy;
        drop(f, c);
        return false;
    }
    if (n <= 0) {
        bool idle = !c->busy;
        if (idle) { /* out of the line of idle ones, in which it stands somewhere */
            uint32_t slot = (uint32_t)(c - f->connections);
            for (size_t i = 0; i < f->n_idle; i++)
                if (f->idle[i] == slot) f->idle[i--] = f->idle[--f->n_idle];
        }
        lost(f, c, n < 0);
        return false;
    }
    if (!c->busy) return false; /* a 408 on an idle connection, before it closes */
    c->in_used += (size_t)n;
    return take_answer(f, c);
}

/* --- running -------------------------------------------------------------------------------- */

static void serve(flood *f, const struct epoll_event *ev)
{
    connection *c = ev->data.ptr;
    if (c->fd < 0) return;
    if ((ev->events & EPOLLOUT) != 0 && c->busy) send_more(f, c);
    if ((ev->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0 || !receive(f, c)) return;
    if (f->rate == 0 && now_ns(CLOCK_MONOTONIC) < f->end_ns)
        start_on(f, c);
    else
        f->idle[f->n_idle++] = (uint32_t)(c - f->connections);
}

/* Those whose time has come; one for which there is no socket left is not sent, and counted, as are
 * those that are late at the end. */
static void send_due(flood *f, uint64_t *planned)
{
    uint64_t now = now_ns(CLOCK_MONOTONIC), until = now < f->end_ns ? now : f->end_ns;
    uint64_t due = (uint64_t)((double)(until - f->start_ns) / 1e9 * (double)f->rate);
    for (int i = 0; i < BURST && *planned < due; i++, ++*planned) {
        if (f->n_idle > 0)
            start_on(f, &f->connections[f->idle[--f->n_idle]]);
        else if (f->n_spare > 0)
            start_on(f, &f->connections[f->spare[--f->n_spare]]);
        else
            f->withheld++;
    }
    if (now < f->end_ns || *planned >= due) return;
    f->withheld += due - *planned; /* the processor was not enough to send them in time */
    *planned = due;
}

static void run(flood *f)
{
    struct epoll_event ready[256];
    uint64_t planned = 0, now;
    if (f->rate == 0)
        while (f->n_spare > 0)
            start_on(f, &f->connections[f->spare[--f->n_spare]]);
    while ((now = now_ns(CLOCK_MONOTONIC)) < f->end_ns + GRACE_NS &&
           (now < f->end_ns || f->n_busy > 0)) {
        int n = epoll_wait(f->epoll_fd, ready, 256, f->rate != 0 && now < f->end_ns ? 1 : 100);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++)
            serve(f, &ready[i]);
        if (f->rate != 0) send_due(f, &planned);
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_result(flood *f)
{
    const char *separator = "";
    double seconds = (double)(f->end_ns - f->start_ns) / 1e9;
    uint32_t p50 = 0, p99 = 0;
    if (f->n_latency > 0) {
        qsort(f->latency_us, f->n_latency, sizeof *f->latency_us, compare_u32);
        p50 = f->latency_us[f->n_latency / 2];
        p99 = f->latency_us[f->n_latency * 99 / 100];
    }
    printf("{\"sent\":%" PRIu32 ",\"withheld\":%" PRIu64 ",\"seconds\":%.3f,\"acked\":%" PRIu64
           ",\"closed\":%" PRIu64 ",\"reset\":%" PRIu64 ",\"torn\":%" PRIu64
           ",\"unconnected\":%" PRIu64 ",\"not_http\":%" PRIu64 ",\"unanswered\":%zu"
           ",\"without_retry_after\":%" PRIu64 ",\"connections\":%zu,\"p50_us\":%" PRIu32
           ",\"p99_us\":%" PRIu32 ",\"status\":{",
           f->next, f->withheld, seconds, f->acked, f->closed, f->reset, f->torn, f->unconnected,
           f->not_http, f->n_busy, f->no_retry_after, f->most_open, p50, p99);
    for (size_t i = 0; i < sizeof f->by_status / sizeof *f->by_status; i++) {
        if (f->by_status[i] == 0) continue;
        printf("%s\"%zu\":%" PRIu64, separator, i, f->by_status[i]);
        separator = ",";
    }
    printf("}}\n");
}

static void allocate(flood *f)
{
    size_t largest = 0;
    for (size_t i = 0; i < f->n_templates; i++)
        if (f->templates[i].size > largest) largest = f->templates[i].size;
    f->connections = calloc(f->n_connections, sizeof *f->connections);
    f->idle = calloc(f->n_connections, sizeof *f->idle);
    f->spare = calloc(f->n_connections, sizeof *f->spare);
    if (f->connections == NULL || f->idle == NULL || f->spare == NULL) die("allocate");
    for (size_t i = 0; i < f->n_connections; i++) {
        f->connections[i].fd = -1;
        f->connections[i].out = malloc(largest);
        if (f->connections[i].out == NULL) die("allocate");
        f->spare[f->n_spare++] = (uint32_t)i;
    }
}

int main(int argc, char **argv)
{
    flood f = {.address = {.sin_family = AF_INET}};
    struct rlimit files;
    if (argc != 9) {
        fprintf(stderr, "usage: flood PORT TEMPLATES RATE SECONDS CONNECTIONS ADDRESSES SEED "
                        "ACKS_FILE\n");
        return 2;
    }
    f.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f.address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    load_templates(&f, argv[2]);
    f.rate = strtoull(argv[3], NULL, 10);
    f.n_connections = strtoul(argv[5], NULL, 10);
    f.addresses = (uint32_t)strtoul(argv[6], NULL, 10);
    f.seed = (uint32_t)strtoul(argv[7], NULL, 10);
    errno = EINVAL;
    if (f.n_connections == 0 || f.addresses == 0 || f.addresses > 250) die("read the arguments");
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max < f.n_connections + 16)
        die("too few file descriptors");
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    f.acks = fopen(argv[8], "wb");
    f.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (f.acks == NULL || f.epoll_fd < 0) die(argv[8]);
    allocate(&f);
    f.unix_ms = now_ns(CLOCK_REALTIME) / 1000000;
    f.start_ns = now_ns(CLOCK_MONOTONIC);
    f.end_ns = f.start_ns + (uint64_t)(strtod(argv[4], NULL) * 1e9);
    run(&f);
    if (fclose(f.acks) != 0) die("write the acknowledgements");
    print_result(&f);
    return 0;
}
