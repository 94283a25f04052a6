/* Stands in for macOS's header: what darwin_*.c use of kqueue(2), over epoll and inotify. */
#ifndef CANDOR_TESTS_EVENT_H
#define CANDOR_TESTS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ  (-1)
#define EVFILT_VNODE (-4)
#define EV_ADD       0x0001
#define EV_CLEAR     0x0020
#define NOTE_WRITE   0x0002
#define NOTE_ATTRIB  0x0008

struct kevent {
    uintptr_t ident;
    int16_t filter;
    uint16_t flags;
    uint32_t fflags;
    intptr_t data;
    void *udata;
};

#define EV_SET(k, a, b, c, d, e, f)                                                                \
    (*(k) = (struct kevent){.ident = (uintptr_t)(a),                                               \
                            .filter = (b),                                                         \
                            .flags = (c),                                                          \
                            .fflags = (d),                                                         \
                            .data = (e),                                                           \
                            .udata = (f)})

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int n_changes, struct kevent *events,
           int n_events, const struct timespec *timeout);

#endif
