/* For tests: a directory of one's own, and a child process with a verdict. */
#ifndef CANDOR_TEST_SCRATCH_H
#define CANDOR_TEST_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat/plat.h"

typedef struct scratch {
    char dir[128];
    char path[4][256]; /* scratch_path's storage, used in turn */
    unsigned next;
} scratch;

static inline const char *scratch_path(scratch *s, const char *name)
{
    char *p = s->path[s->next++ % 4];

    if (candor_path_join(s->dir, name, p, sizeof s->path[0], NULL) != CANDOR_OK) abort();
    return p;
}

static inline int scratch_setup(void **state)
{
    scratch *s = calloc(1, sizeof *s);
    const char *base = getenv("TMPDIR");

    if (s == NULL) return -1;
    (void)snprintf(s->dir, sizeof s->dir, "%s/candor-test-XXXXXX", base != NULL ? base : "/tmp");
    *state = s;
    return mkdtemp(s->dir) != NULL ? 0 : -1;
}

static inline void scratch_remove(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        char sub[512];
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (candor_path_join(path, e->d_name, sub, sizeof sub, NULL) != CANDOR_OK) continue;
        if (lstat(sub, &st) == 0 && S_ISDIR(st.st_mode))
            scratch_remove(sub);
        else
            (void)unlink(sub);
    }
    if (d != NULL) closedir(d);
    (void)rmdir(path);
}

static inline int scratch_teardown(void **state)
{
    scratch *s = *state;

    scratch_remove(s->dir);
    free(s);
    return 0;
}

static inline void scratch_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static inline size_t scratch_count(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2;
}

#define SCRATCH_SKIP 77

/* Run check in a child, whose limits, user and mounts are its own; its return value is the verdict:
 * 0 passed, SCRATCH_SKIP not possible here, else the failed line. */
static inline void in_child(int (*check)(scratch *), scratch *s)
{
    const pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0) _exit(check(s));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SCRATCH_SKIP) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child, cmocka's asserts would jump into the parent's runner: name the line instead. */
#define CHILD_REQUIRE(condition)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

#endif
