/* Linux stands in for macOS, so that darwin_*.c of native/plat runs in tests: included before every
 * file of that layer (CMake: CANDOR_DARWIN_FILES). It shows the logic of those files; that macOS
 * does what its manual pages say, no test here shows. */
#ifndef CANDOR_TESTS_DARWIN_H
#define CANDOR_TESTS_DARWIN_H

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define O_EVTONLY      O_RDONLY
#define F_FULLFSYNC    51
#define F_BARRIERFSYNC 85
#define F_PREALLOCATE  42
#define F_ALLOCATEALL  4
#define F_PEOFPOSMODE  3
#define st_mtimespec   st_mtim

typedef struct fstore {
    unsigned fst_flags;
    int fst_posmode;
    off_t fst_offset, fst_length, fst_bytesalloc;
} fstore_t;

/* What the pretended system does; for one thread to change. */
typedef struct darwin_system {
    int full_sync, barrier_sync, preallocate; /* errno values; 0: it does that */
    int uuid;                                 /* 0: there is one; 1: zeros; 2: refused */
    atomic_int full_syncs, barrier_syncs, preallocations;
} darwin_system;
extern darwin_system darwin;

int darwin_fcntl(int fd, int command, ...);
int darwin_close(int fd);
int darwin_setname(const char *name);
int darwin_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *span);
int gethostuuid(unsigned char id[16], const struct timespec *wait);

#define fcntl(...)                                     darwin_fcntl(__VA_ARGS__)
#define close(fd)                                      darwin_close(fd)
#define pthread_setname_np(name)                       darwin_setname(name)
#define pthread_cond_timedwait_relative_np(c, m, span) darwin_cond_wait(c, m, span)
#endif
