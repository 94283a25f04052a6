/* Threads and wake-ups as Linux alone has them. Layer: plat. */
#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "plat/posix.h"

void candor_posix_name_thread(const char *name)
{
    pthread_setname_np(pthread_self(), name);
}

/* sched(7): SCHED_BATCH "will be mildly disfavored in scheduling decisions"; a nice value is a
 * thread's own on Linux (setpriority(2), NOTES). */
void candor_thread_stand_back(void)
{
    const struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    (void)setpriority(PRIO_PROCESS, 0, 10);
}

int candor_posix_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);

    if (rc != 0) return rc;
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* the wall clock may be set back */
    if (rc == 0) rc = pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
    return rc;
}

int candor_posix_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t until_ns)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000u),
                                   .tv_nsec = (long)(until_ns % 1000000000u)};

    return pthread_cond_timedwait(c, m, &until);
}

int candor_posix_wake_fds(int fds[2])
{
    fds[0] = fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fds[0] >= 0 ? 0 : errno;
}

static bool add_to(int epoll, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data = {.fd = fd}};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* A descriptor of its own for the two, so that whoever polls the handle needs to know of one. */
bool candor_posix_watch(int wake_fd, const char *path, int *watch, int *both)
{
    const int seen = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (seen >= 0 && epoll >= 0 &&
        inotify_add_watch(seen, path, IN_ATTRIB | IN_MODIFY | IN_DONT_FOLLOW) >= 0 &&
        add_to(epoll, wake_fd) && add_to(epoll, seen)) {
        *watch = seen;
        *both = epoll;
        return true;
    }
    if (seen >= 0) close(seen);
    if (epoll >= 0) close(epoll);
    return false;
}

/* What happened does not matter: the sleeper looks at the file itself. Without blocks, so the last
 * read says EAGAIN. */
void candor_posix_watch_drain(int watch, int both)
{
    char events[4096];
    ssize_t n;

    (void)both;
    do {
        n = read(watch, events, sizeof events);
    } while (n > 0 || (n < 0 && errno == EINTR));
}
