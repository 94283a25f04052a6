/* Processes, users and machines on POSIX. Layer: plat. */
#include <errno.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "plat/plat.h"
#include "plat/posix.h"

#define PASSWD_MAX ((size_t)16 << 10)

candor_status candor_env_copy(const char *name, char **out)
{
    const char *value = getenv(name);

    *out = value != NULL ? strdup(value) : NULL;
    return value == NULL || *out != NULL ? CANDOR_OK : CANDOR_NOMEM;
}

/* The places are those that Go's crypto/x509 (root_linux.go) looks at. */
const char *const *candor_root_files(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Alpine */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL 6 */
        "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL 7 and later */
        "/etc/ssl/cert.pem",                                 /* Alpine, macOS, the BSDs */
        NULL,
    };

    return places;
}

/* --- directories of the user -------------------------------------------------------------------
 */
static candor_status copy_text(const char *text, const char *what, char *out, size_t cap,
                               candor_err *err)
{
    const size_t n = strlen(text);

    if (n >= cap) return candor_fail(err, CANDOR_LIMIT, 0, what, "the %s is too long", what);
    memcpy(out, text, n + 1);
    return CANDOR_OK;
}

candor_status candor_home_dir(char *out, size_t cap, candor_err *err)
{
    const char *home = getenv("HOME");
    char storage[PASSWD_MAX];
    struct passwd pw, *found = NULL;
    int rc;

    if (home != NULL && home[0] == '/') return copy_text(home, "home directory", out, cap, err);
    do {
        rc = getpwuid_r(getuid(), &pw, storage, sizeof storage, &found);
    } while (rc == EINTR);
    if (rc != 0 || found == NULL || found->pw_dir == NULL || found->pw_dir[0] != '/')
        return candor_fail(err, CANDOR_NOTFOUND, rc, "home directory",
                           "this user has no home directory; set HOME");
    return copy_text(found->pw_dir, "home directory", out, cap, err);
}

/* One name of a path: an app must not be able to climb out of the data directory. */
static bool is_plain_name(const char *app)
{
    return app[0] != '\0' && strchr(app, '/') == NULL && strcmp(app, ".") != 0 &&
           strcmp(app, "..") != 0;
}

candor_status candor_data_dir(const char *app, char *out, size_t cap, candor_err *err)
{
    char base[CANDOR_PATH_MAX], dir[CANDOR_PATH_MAX];
    candor_status st;

    if (!is_plain_name(app))
        return candor_fail(err, CANDOR_INVALID, 0, "data directory",
                           "\"%s\" cannot name a directory", app);
    st = candor_posix_data_base(base, err);
    if (st == CANDOR_OK) st = candor_path_join(base, app, dir, sizeof dir, err);
    if (st == CANDOR_OK) st = candor_path_join(dir, "telemetry", out, cap, err);
    return st;
}

/* --- processes ---------------------------------------------------------------------------------
 */
uint64_t candor_process_id(void)
{
    return (uint64_t)getpid();
}

struct candor_fork_guard {
    _Atomic unsigned *page; /* a fork child finds a zeroed one */
    size_t size;
    bool wiped; /* false: the system does not do that; compare pid */
    pid_t pid;
};

candor_status candor_fork_guard_new(candor_fork_guard **out)
{
    candor_fork_guard *g = malloc(sizeof *g);
    const long page = sysconf(_SC_PAGESIZE);
    void *p;

    *out = NULL;
    if (g == NULL) return CANDOR_NOMEM;
    g->size = page > 0 ? (size_t)page : 4096;
    g->pid = getpid();
    p = mmap(NULL, g->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        free(g);
        return CANDOR_NOMEM;
    }
    g->page = p;
    g->wiped = candor_posix_wipe_on_fork(p, g->size);
    atomic_init(g->page, 1u);
    *out = g;
    return CANDOR_OK;
}

void candor_fork_guard_free(candor_fork_guard *g)
{
    if (g == NULL) return;
    munmap((void *)g->page, g->size);
    free(g);
}

bool candor_fork_guard_same(const candor_fork_guard *g)
{
    if (g->wiped) return atomic_load_explicit(g->page, memory_order_relaxed) != 0;
    return g->pid == getpid();
}
