/* The operating system: files, maps, locks, threads, clocks, directories, wake-ups. The only part
 * with files for one platform (posix_*.c with linux_*.c or darwin_*.c; windows_*.c); nothing has a
 * platform conditional. Layer: plat (uses base). Paths are UTF-8. Files are created 600,
 * directories 700; every descriptor is close-on-exec. On failure err holds errno, or what comes
 * nearest, and the step. */
#ifndef CANDOR_PLAT_H
#define CANDOR_PLAT_H

#include "base/bytes.h"

#define CANDOR_PATH_MAX 4096

/* --- paths and directories ------------------------------------------------------------------ */
/* dir/name into out; CANDOR_LIMIT when it does not fit. */
CANDOR_CHECK candor_status candor_path_join(const char *dir, const char *name, char *out,
                                            size_t cap, candor_err *err);
/* The path for a library that opens files itself, into out: Windows takes a long one with a prefix
 * only. */
CANDOR_CHECK candor_status candor_path_for_library(const char *path, char *out, size_t cap,
                                                   candor_err *err);
/* mkdir -p with mode 700 for what is created. CANDOR_DENIED when path exists and belongs to another
 * user, or others may write to it: they could put links in the place of our files. */
CANDOR_CHECK candor_status candor_dir_create(const char *path, candor_err *err);
/* Mode 700 for a directory that is ours; whatever else is there, or nothing, is left alone. */
CANDOR_CHECK candor_status candor_dir_make_private(const char *path, candor_err *err);
/* Calls visit for each entry but . and .., in no order, until it returns false. */
typedef bool (*candor_dir_visit)(void *ctx, const char *name);
CANDOR_CHECK candor_status candor_dir_list(const char *path, candor_dir_visit visit, void *ctx,
                                           candor_err *err);
CANDOR_CHECK candor_status candor_dir_sync(const char *path, candor_err *err);
/* Free bytes for an unprivileged writer on the file system of path. */
CANDOR_CHECK candor_status candor_disk_free(const char *path, uint64_t *out, candor_err *err);
/* The per-user data directory for an app: $XDG_DATA_HOME or ~/.local/share/<app>/telemetry,
 * ~/Library/Application Support/..., %LOCALAPPDATA%\\.... CANDOR_NOTFOUND without a home. */
CANDOR_CHECK candor_status candor_data_dir(const char *app, char *out, size_t cap, candor_err *err);

/* --- files ----------------------------------------------------------------------------------- */
typedef struct candor_file candor_file;
typedef enum candor_open_mode {
    CANDOR_OPEN_READ,       /* must exist */
    CANDOR_OPEN_READ_WRITE, /* created when missing */
    CANDOR_OPEN_CREATE_NEW, /* must not exist (O_EXCL), else CANDOR_BUSY */
    CANDOR_OPEN_APPEND      /* created when missing; every write goes to the end */
} candor_open_mode;
/* Regular files only: CANDOR_INVALID for a directory, FIFO or device, without waiting for it, and
 * for a symbolic link unless it is opened for reading. */
CANDOR_CHECK candor_status candor_file_open(const char *path, candor_open_mode mode,
                                            candor_file **out, candor_err *err);
CANDOR_CHECK candor_status candor_file_size(candor_file *f, uint64_t *out, candor_err *err);
/* At the file's position: the start after open, then behind the last write. */
CANDOR_CHECK candor_status candor_file_write(candor_file *f, candor_bytes body, candor_err *err);
/* Blocks exist up to size afterwards, so that a store into a map cannot SIGBUS. */
CANDOR_CHECK candor_status candor_file_allocate(candor_file *f, uint64_t size, candor_err *err);
CANDOR_CHECK candor_status candor_file_sync(candor_file *f,
                                            candor_err *err); /* data, not directory */
/* Exclusive lock on the open file, gone with the process. CANDOR_BUSY when another holder lives. */
CANDOR_CHECK candor_status candor_file_try_lock(candor_file *f, candor_err *err);
void candor_file_unlock(candor_file *f);
/* Frees f and sets *f to NULL whatever happens; a failed close is a failed write. */
CANDOR_CHECK candor_status candor_file_close(candor_file **f, candor_err *err);
void candor_file_discard(candor_file *f); /* close without report; accepts NULL */

/* Append the whole file to out; CANDOR_LIMIT over max bytes. */
CANDOR_CHECK candor_status candor_file_read_all(const char *path, size_t max, candor_buf *out,
                                                candor_err *err);
/* Append the last max bytes of the file, or all of it; *cut: it is larger. */
CANDOR_CHECK candor_status candor_file_read_tail(const char *path, size_t max, candor_buf *out,
                                                 bool *cut, candor_err *err);
/* Temporary name beside path (<path>.<pid>-<random>.tmp: what a crash may leave), write, sync,
 * rename, sync the directory. */
CANDOR_CHECK candor_status candor_file_write_durable(const char *path, candor_bytes body,
                                                     candor_err *err);
/* A new file that nobody ever sees incomplete, synced. CANDOR_BUSY: there is one; it stays. */
CANDOR_CHECK candor_status candor_file_create_whole(const char *path, candor_bytes body,
                                                    candor_err *err);
/* Append whole lines to a file that processes share, synced; created when missing. A line that a
 * crash left unfinished is ended first, and a write that fails is taken back. *size: of the file
 * afterwards. CANDOR_BUSY: another process has held it for a second. */
CANDOR_CHECK candor_status candor_file_append(const char *path, candor_bytes body, uint64_t *size,
                                              candor_err *err);
/* Write what standard output takes without waiting, whatever it is; *written may be 0. The mode of
 * the process's own descriptor does not change. */
CANDOR_CHECK candor_status candor_stdout_try_write(candor_bytes body, size_t *written,
                                                   candor_err *err);
/* Rename over an existing file, retried with a bound where a scanner may hold it (Windows). */
CANDOR_CHECK candor_status candor_rename_durable(const char *from, const char *to, candor_err *err);
/* The same without the wait for the disk: it holds for processes, not after a power cut. */
CANDOR_CHECK candor_status candor_rename(const char *from, const char *to, candor_err *err);
CANDOR_CHECK candor_status candor_unlink(const char *path,
                                         candor_err *err); /* NOTFOUND is a status */
void candor_unlink_quiet(const char *path);
void candor_rmdir_quiet(const char *path); /* only an empty directory goes */
/* Tell the processes that watch the file: a store into a shared map reaches no watch. */
void candor_file_announce(const char *path);
CANDOR_CHECK candor_status candor_file_mtime(const char *path, int64_t *unix_ms, uint64_t *size,
                                             candor_err *err); /* outs may be NULL */

/* --- shared maps -------------------------------------------------------------------------------
 */
typedef struct candor_map {
    unsigned char *p;
    size_t n;
    void *os; /* private */
} candor_map;
/* Map the first n bytes of f shared; writable when writable. CANDOR_CORRUPT when f is shorter. The
 * file may be closed afterwards, but keep it open for its lock. */
CANDOR_CHECK candor_status candor_map_open(candor_file *f, size_t n, bool writable, candor_map *out,
                                           candor_err *err);
/* Make every page present and writable now, so that a later store takes no page fault. Best effort.
 */
void candor_map_touch(candor_map *m);
void candor_map_touch_part(candor_map *m, size_t at, size_t n); /* the pages of the range */
/* Write the range to disk and wait. */
CANDOR_CHECK candor_status candor_map_sync(candor_map *m, size_t at, size_t n, candor_err *err);
void candor_map_close(candor_map *m); /* accepts a zeroed map; leaves it zeroed */
/* A hint that the cache line at p is written soon; p is only named, never read. */
static inline void candor_prefetch_write(const void *p)
{
#if defined(__GNUC__)
    __builtin_prefetch(p, 1);
#else
    (void)p;
#endif
}

/* --- clocks ------------------------------------------------------------------------------------
 */
int64_t candor_clock_unix_ms(void);
uint64_t candor_clock_mono_ns(void);
/* Seconds that the machine's time zone, as it is set now, lay ahead of UTC at that time; 0 where
 * that cannot be told. Reads the zone again: not for the hot path. */
int32_t candor_clock_local_offset_s(int64_t unix_ms);

/* --- threads -----------------------------------------------------------------------------------
 */
typedef struct candor_mutex candor_mutex;
CANDOR_CHECK candor_status candor_mutex_new(candor_mutex **out);
void candor_mutex_free(candor_mutex *m); /* accepts NULL */
void candor_mutex_lock(candor_mutex *m);
void candor_mutex_unlock(candor_mutex *m);

typedef struct candor_thread candor_thread;
/* name: at most 15 bytes, for debuggers. All signals but faults are
 * blocked in the thread. */
CANDOR_CHECK candor_status candor_thread_start(const char *name, void (*run)(void *), void *ctx,
                                               candor_thread **out, candor_err *err);
void candor_thread_join(candor_thread **t);
/* Let the calling thread stand back behind the process's other threads: woken by one of them, it
 * does not take that one's processor away. Best effort. */
void candor_thread_stand_back(void);

/* Sleep and wake: one sleeper, any number of wakers; a wake before the sleep is not lost.
 * The handle can be polled together with sockets. */
typedef struct candor_waker candor_waker;
CANDOR_CHECK candor_status candor_waker_new(candor_waker **out, candor_err *err);
void candor_waker_free(candor_waker *w);
void candor_waker_wake(candor_waker *w);                  /* any thread; never blocks */
void candor_waker_sleep(candor_waker *w, int timeout_ms); /* <0: for ever; clears the wake */
void candor_waker_clear(candor_waker *w);
/* Readable when woken, for the sleeper's thread to ask. On Windows a socket, which the next sleep
 * closes; -1: there is none to be had. */
intptr_t candor_waker_handle(candor_waker *w);
/* From now on candor_file_announce(path), by any process, wakes the sleeper too (on Windows not
 * through the handle). One file a waker, for the sleeper's thread to ask; the handle changes.
 * False: the system has no watch left. */
bool candor_waker_watch(candor_waker *w, const char *path);

/* One-shot completion another thread waits for, with a bound. */
typedef struct candor_latch candor_latch;
CANDOR_CHECK candor_status candor_latch_new(candor_latch **out);
void candor_latch_free(candor_latch *l);
void candor_latch_open(candor_latch *l);
bool candor_latch_wait(candor_latch *l, int timeout_ms); /* false: timed out */

/* --- processes ----------------------------------------------------------------------------------
 */
uint64_t candor_process_id(void);
/* A guard made in one process and false in its fork children, without a system call a check. */
typedef struct candor_fork_guard candor_fork_guard;
CANDOR_CHECK candor_status candor_fork_guard_new(candor_fork_guard **out);
void candor_fork_guard_free(candor_fork_guard *g);
bool candor_fork_guard_same(const candor_fork_guard *g);
/* "linux-x64", "win32-arm64", ...: Node's names. Static text. */
const char *candor_platform_name(void);
/* The machine's own identifier (/etc/machine-id, MachineGuid, IOPlatformUUID) as text: to be hashed
 * at once, never stored, never sent. CANDOR_NOTFOUND where there is none. */
CANDOR_CHECK candor_status candor_machine_id(char *out, size_t cap, candor_err *err);
/* Cryptographically strong bytes from the operating system. CANDOR_CRYPTO: it has none to give. */
CANDOR_CHECK candor_status candor_random(void *out, size_t n);
/* A shared library by name and major version, loaded once and for the process's life, from where
 * the system looks for libraries. CANDOR_NET: there is none, or it does not load. */
CANDOR_CHECK candor_status candor_library_open(const char *name, unsigned version, void **out,
                                               candor_err *err);
void *candor_library_symbol(void *library, const char *name); /* NULL: it has none of that name */
/* The home directory of the user. */
CANDOR_CHECK candor_status candor_home_dir(char *out, size_t cap, candor_err *err);
/* A copy, for the caller to free, of what the environment says now; NULL: it is not set.
 * CANDOR_NOMEM or CANDOR_OK. */
CANDOR_CHECK candor_status candor_env_copy(const char *name, char **out);
/* Where systems of this kind keep the certificates of authorities as one file, ended by NULL. None
 * on Windows, where anybody may make C:\\etc: libcurl asks its store. */
const char *const *candor_root_files(void);
/* The system's text for an error number of a socket, as libcurl hands it on. */
void candor_socket_error_text(int sys, char *out, size_t cap);

#endif
