/* Threads and wake-ups as macOS alone has them. Layer: plat. */
#include <errno.h>
#include <fcntl.h>
#include <pthread/qos.h>
#include <sys/event.h>
#include <unistd.h>

#include "plat/posix.h"

void candor_posix_name_thread(const char *name)
{
    pthread_setname_np(name);
}

/* Below what the user waits for, above background work, whose disk and network are throttled
 * (pthread_set_qos_class_self_np(3)). */
void candor_thread_stand_back(void)
{
    (void)pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0);
}

int candor_posix_cond_init(pthread_cond_t *c)
{
    return pthread_cond_init(c, NULL);
}

/* Conditions know no other clock than the wall's, but they know spans of time. */
int candor_posix_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t until_ns)
{
    const uint64_t now = candor_clock_mono_ns();
    const uint64_t left = until_ns > now ? until_ns - now : 0;
    const struct timespec span = {.tv_sec = (time_t)(left / 1000000000u),
                                  .tv_nsec = (long)(left % 1000000000u)};

    return pthread_cond_timedwait_relative_np(c, m, &span);
}

/* There is no pipe2: a process that another thread starts in this moment inherits the two. It can
 * do nothing with them but wake. */
static bool never_blocks(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) != -1 && fcntl(fd, F_SETFL, O_NONBLOCK) != -1;
}

int candor_posix_wake_fds(int fds[2])
{
    int sys;

    if (pipe(fds) != 0) return errno;
    if (never_blocks(fds[0]) && never_blocks(fds[1])) return 0;
    sys = errno;
    close(fds[0]);
    close(fds[1]);
    return sys;
}

/* A queue of the two, which poll(2) and select(2) take like any descriptor (kqueue(2)). */
static bool add_both(int queue, int wake_fd, int file)
{
    struct kevent changes[2];

    EV_SET(&changes[0], wake_fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
    EV_SET(&changes[1], file, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_ATTRIB | NOTE_WRITE, 0, NULL);
    return fcntl(queue, F_SETFD, FD_CLOEXEC) != -1 &&
           kevent(queue, changes, 2, NULL, 0, NULL) != -1;
}

/* O_EVTONLY: the open file does not keep its volume from being ejected (open(2)). */
bool candor_posix_watch(int wake_fd, const char *path, int *watch, int *both)
{
    const int file = open(path, O_EVTONLY | O_NOFOLLOW | O_CLOEXEC);
    const int queue = kqueue();

    if (file >= 0 && queue >= 0 && add_both(queue, wake_fd, file)) {
        *watch = file;
        *both = queue;
        return true;
    }
    if (file >= 0) close(file);
    if (queue >= 0) close(queue);
    return false;
}

/* Once: a wake that comes meanwhile leaves the queue readable, and there are but two things in it.
 */
void candor_posix_watch_drain(int watch, int both)
{
    static const struct timespec now = {0};
    struct kevent seen[2];
    int n;

    (void)watch;
    do {
        n = kevent(both, NULL, 0, seen, 2, &now);
    } while (n < 0 && errno == EINTR);
}
