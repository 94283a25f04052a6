/* Shared by the posix_*.c files: errno to status, descriptors, and what Linux and macOS have each
 * in a way of its own (linux_*.c, darwin_*.c). Layer: plat. Private to the layer. */
#ifndef CANDOR_PLAT_POSIX_H
#define CANDOR_PLAT_POSIX_H

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "plat/plat.h"

/* The status for an errno value; never CANDOR_OK. */
candor_status candor_posix_status(int sys);
/* Fill err from errno value sys; what reads "cannot open" and path may be NULL. */
candor_status candor_posix_fail(candor_err *err, int sys, const char *op, const char *what,
                                const char *path);
int candor_posix_fd(const candor_file *f); /* borrowed */

/* --- of linux_*.c and darwin_*.c ---------------------------------------------------------------
 * Functions that return int give 0 or an errno value, never EINTR. */

/* The whole of a file, or of a directory, is on the disk and would be there after a power cut. */
int candor_posix_fsync(int fd);
/* The same for what a reader of the file needs: its bytes and its size. */
int candor_posix_fdatasync(int fd);
/* Blocks exist up to size, which is over 0. */
int candor_posix_allocate(int fd, off_t size);
struct timespec candor_posix_mtime(const struct stat *st);
/* A description of our own of the pipe or terminal that standard output is, which never waits; -1:
 * the system has no way to one. */
int candor_posix_own_stdout(void);
/* Make the pages of the range present. False: the system cannot, so each page is to be touched. */
bool candor_posix_populate(void *p, size_t n, bool writable);
/* A fork child finds the range zeroed. False: the system cannot. */
bool candor_posix_wipe_on_fork(void *p, size_t n);

void candor_posix_name_thread(const char *name); /* the calling one */
/* A condition whose waits do not follow the wall clock, and a wait until candor_clock_mono_ns()
 * says until_ns: 0 or ETIMEDOUT. */
int candor_posix_cond_init(pthread_cond_t *c);
int candor_posix_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t until_ns);

/* What a write of up to eight bytes to [1] makes readable at [0]; the two may be one. Neither ever
 * blocks, both are close-on-exec. */
int candor_posix_wake_fds(int fds[2]);
/* *both becomes readable with wake_fd, and when path changes, which keeps *watch open; the caller
 * closes the two. */
bool candor_posix_watch(int wake_fd, const char *path, int *watch, int *both);
/* Take what was seen, after wake_fd was drained. */
void candor_posix_watch_drain(int watch, int both);

/* The folder that holds a folder for each app of the user; out has CANDOR_PATH_MAX bytes. */
candor_status candor_posix_data_base(char *out, candor_err *err);
/* The file of a shared library; false: it does not fit. */
bool candor_posix_library_file(const char *name, unsigned version, char *out, size_t cap);

#if defined(__x86_64__)
#define CANDOR_POSIX_ARCH "x64"
#elif defined(__aarch64__)
#define CANDOR_POSIX_ARCH "arm64"
#elif defined(__i386__)
#define CANDOR_POSIX_ARCH "ia32"
#elif defined(__arm__)
#define CANDOR_POSIX_ARCH "arm"
#elif defined(__riscv) && __riscv_xlen == 64
#define CANDOR_POSIX_ARCH "riscv64"
#elif defined(__powerpc64__)
#define CANDOR_POSIX_ARCH "ppc64"
#elif defined(__s390x__)
#define CANDOR_POSIX_ARCH "s390x"
#elif defined(__loongarch64)
#define CANDOR_POSIX_ARCH "loong64"
#else
#define CANDOR_POSIX_ARCH "unknown"
#endif

#endif
