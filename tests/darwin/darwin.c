/* The calls of macOS that darwin.h names, over Linux. */
#include "darwin.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/inotify.h>

/* Here the names are Linux's own. */
#undef fcntl
#undef close
#undef pthread_setname_np

#define QUEUES 64

darwin_system darwin;

/* The inotify descriptor that a queue's watched file has here. */
static struct {
    int queue, seen;
} queues[QUEUES];
static pthread_mutex_t queues_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- files ----------------------------------------------------------------------------------- */

static int refuse(int sys)
{
    errno = sys;
    return -1;
}

static int preallocate(int fd, const fstore_t *want)
{
    struct stat st;

    if (darwin.preallocate != 0) return refuse(darwin.preallocate);
    if (want->fst_flags != F_ALLOCATEALL || want->fst_posmode != F_PEOFPOSMODE)
        return refuse(EINVAL);
    if (fstat(fd, &st) != 0) return -1;
    atomic_fetch_add(&darwin.preallocations, 1);
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_blocks * 512, want->fst_length);
}

static int synced(int fd, int refused, atomic_int *count)
{
    if (refused != 0) return refuse(refused);
    atomic_fetch_add(count, 1);
    return fsync(fd);
}

int darwin_fcntl(int fd, int command, ...)
{
    va_list args;
    int value;
    const fstore_t *room;

    va_start(args, command);
    room = command == F_PREALLOCATE ? va_arg(args, const fstore_t *) : NULL;
    value = command == F_SETFD || command == F_SETFL ? va_arg(args, int) : 0;
    va_end(args);
    switch (command) {
    case F_PREALLOCATE:
        return preallocate(fd, room);
    case F_FULLFSYNC:
        return synced(fd, darwin.full_sync, &darwin.full_syncs);
    case F_BARRIERFSYNC:
        return synced(fd, darwin.barrier_sync, &darwin.barrier_syncs);
    default:
        return fcntl(fd, command, value);
    }
}

/* A queue takes with it what it watches by. */
int darwin_close(int fd)
{
    pthread_mutex_lock(&queues_lock);
    for (int i = 0; i < QUEUES; i++) {
        if (queues[i].seen == 0 || queues[i].queue != fd) continue;
        close(queues[i].seen);
        queues[i].seen = 0;
    }
    pthread_mutex_unlock(&queues_lock);
    return close(fd);
}

/* --- threads and the machine ----------------------------------------------------------------- */

int darwin_setname(const char *name)
{
    return pthread_setname_np(pthread_self(), name);
}

int darwin_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *span)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += span->tv_sec;
    until.tv_nsec += span->tv_nsec;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(c, m, &until);
}

int gethostuuid(unsigned char id[16], const struct timespec *wait)
{
    (void)wait;
    if (darwin.uuid == 2) return refuse(EPERM);
    memset(id, darwin.uuid == 1 ? 0 : 0xa5, 16);
    return 0;
}

/* --- kqueue ---------------------------------------------------------------------------------- */

int kqueue(void)
{
    return epoll_create1(0);
}

static int seen_of(int queue)
{
    int seen = 0;

    pthread_mutex_lock(&queues_lock);
    for (int i = 0; i < QUEUES && seen == 0; i++)
        if (queues[i].seen != 0 && queues[i].queue == queue) seen = queues[i].seen;
    pthread_mutex_unlock(&queues_lock);
    return seen;
}

static void remember(int queue, int seen)
{
    int i = 0;

    pthread_mutex_lock(&queues_lock);
    while (i < QUEUES - 1 && queues[i].seen != 0)
        i++;
    queues[i].queue = queue;
    queues[i].seen = seen;
    pthread_mutex_unlock(&queues_lock);
}

static int add_fd(int queue, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data = {.fd = fd}};

    return epoll_ctl(queue, EPOLL_CTL_ADD, fd, &e);
}

static int add_file(int queue, const struct kevent *change)
{
    char path[64];
    const int seen = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    const uint32_t what = ((change->fflags & NOTE_ATTRIB) != 0 ? IN_ATTRIB : 0u) |
                          ((change->fflags & NOTE_WRITE) != 0 ? IN_MODIFY : 0u);

    if (seen < 0) return -1;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", (int)change->ident);
    if (inotify_add_watch(seen, path, what) < 0 || add_fd(queue, seen) != 0) {
        close(seen);
        return -1;
    }
    remember(queue, seen);
    return 0;
}

/* EV_CLEAR: told once. */
static void forget_events(int seen)
{
    char events[4096];

    while (read(seen, events, sizeof events) > 0)
        ;
}

int kevent(int queue, const struct kevent *changes, int n_changes, struct kevent *events,
           int n_events, const struct timespec *timeout)
{
    struct epoll_event ready[8];
    int n = 0;

    for (int i = 0; i < n_changes; i++) {
        const int rc = changes[i].filter == EVFILT_VNODE ? add_file(queue, &changes[i])
                                                         : add_fd(queue, (int)changes[i].ident);
        if (rc != 0) return -1;
    }
    if (n_events == 0) return 0;
    n = epoll_wait(queue, ready, n_events < 8 ? n_events : 8, timeout != NULL ? 0 : -1);
    for (int i = 0; i < n; i++) {
        const int fd = ready[i].data.fd;
        const bool file = fd == seen_of(queue);
        if (file) forget_events(fd);
        events[i] =
            (struct kevent){.ident = (uintptr_t)fd, .filter = file ? EVFILT_VNODE : EVFILT_READ};
    }
    return n;
}
