/* Files: modes, refusals, durable replacement, limits. */
#include "plat/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "plat/posix.h"

static candor_file *open_ok(const char *path, candor_open_mode mode)
{
    candor_file *f = NULL;
    candor_err err = {0};

    assert_int_equal(candor_file_open(path, mode, &f, &err), CANDOR_OK);
    assert_non_null(f);
    return f;
}

static void read_back(const char *path, const char *want)
{
    candor_buf b = {0};

    assert_int_equal(candor_file_read_all(path, 1 << 20, &b, NULL), CANDOR_OK);
    assert_int_equal(b.n, strlen(want));
    if (b.n != 0) assert_memory_equal(b.p, want, b.n);
    candor_buf_free(&b);
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (unsigned)st.st_mode & 07777u;
}

static void files_are_private_whatever_the_umask(void **state)
{
    const mode_t old = umask(0);
    const char *path = scratch_path(*state, "new");
    const char *durable = scratch_path(*state, "durable");

    candor_file_discard(open_ok(path, CANDOR_OPEN_READ_WRITE));
    assert_int_equal(candor_file_write_durable(durable, CANDOR_LIT("x"), NULL), CANDOR_OK);
    umask(old);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(durable), 0600);
}

static void descriptors_are_close_on_exec(void **state)
{
    candor_file *f = open_ok(scratch_path(*state, "f"), CANDOR_OPEN_CREATE_NEW);

    assert_true((fcntl(candor_posix_fd(f), F_GETFD) & FD_CLOEXEC) != 0);
    candor_file_discard(f);
}

static void open_read_of_a_missing_file_is_notfound_and_names_it(void **state)
{
    const char *path = scratch_path(*state, "missing");
    candor_file *f = NULL;
    candor_err err = {0};

    assert_int_equal(candor_file_open(path, CANDOR_OPEN_READ, &f, &err), CANDOR_NOTFOUND);
    assert_null(f);
    assert_int_equal(err.code, CANDOR_NOTFOUND);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.op, "open");
    assert_non_null(strstr(err.text, "missing"));
}

static void create_new_refuses_an_existing_file(void **state)
{
    const char *path = scratch_path(*state, "f");
    candor_file *f = NULL;

    candor_file_discard(open_ok(path, CANDOR_OPEN_CREATE_NEW));
    assert_int_equal(candor_file_open(path, CANDOR_OPEN_CREATE_NEW, &f, NULL), CANDOR_BUSY);
    assert_null(f);
}

static void open_for_reading_cannot_write(void **state)
{
    const char *path = scratch_path(*state, "f");
    candor_file *f;

    scratch_write(path, "kept");
    f = open_ok(path, CANDOR_OPEN_READ);
    assert_int_not_equal(candor_file_write(f, CANDOR_LIT("lost"), NULL), CANDOR_OK);
    candor_file_discard(f);
    read_back(path, "kept");
}

static void what_is_not_a_regular_file_is_refused_without_waiting(void **state)
{
    const char *fifo = scratch_path(*state, "fifo");
    candor_buf b = {0};
    candor_file *f = NULL;

    assert_int_equal(mkfifo(fifo, 0600), 0); /* with no writer, a plain open would wait for ever */
    assert_int_equal(candor_file_open(fifo, CANDOR_OPEN_READ, &f, NULL), CANDOR_INVALID);
    assert_int_equal(candor_file_open(fifo, CANDOR_OPEN_READ_WRITE, &f, NULL), CANDOR_INVALID);
    assert_int_equal(candor_file_read_all(fifo, 10, &b, NULL), CANDOR_INVALID);
    assert_int_equal(candor_file_read_all("/dev/zero", 10, &b, NULL), CANDOR_INVALID);
    assert_int_equal(candor_file_read_all(((scratch *)*state)->dir, 10, &b, NULL), CANDOR_INVALID);
    assert_null(f);
    candor_buf_free(&b);
}

static void writes_follow_each_other_and_size_counts_them(void **state)
{
    const char *path = scratch_path(*state, "f");
    candor_file *f = open_ok(path, CANDOR_OPEN_READ_WRITE);
    uint64_t size = 0;

    assert_int_equal(candor_file_write(f, CANDOR_LIT("one "), NULL), CANDOR_OK);
    assert_int_equal(candor_file_write(f, (candor_bytes){0}, NULL), CANDOR_OK);
    assert_int_equal(candor_file_write(f, CANDOR_LIT("two"), NULL), CANDOR_OK);
    assert_int_equal(candor_file_sync(f, NULL), CANDOR_OK);
    assert_int_equal(candor_file_size(f, &size, NULL), CANDOR_OK);
    assert_int_equal(size, 7);
    assert_int_equal(candor_file_close(&f, NULL), CANDOR_OK);
    assert_null(f);
    assert_int_equal(candor_file_close(&f, NULL), CANDOR_OK);
    candor_file_discard(NULL);
    read_back(path, "one two");
}

static void read_all_appends_and_restores_the_buffer_on_failure(void **state)
{
    const char *path = scratch_path(*state, "f");
    candor_buf b = {0};

    scratch_write(path, "12345");
    candor_buf_put(&b, "ab", 2);
    assert_int_equal(candor_file_read_all(path, 4, &b, NULL), CANDOR_LIMIT);
    assert_int_equal(b.n, 2);
    assert_int_equal(candor_file_read_all(path, 5, &b, NULL), CANDOR_OK);
    assert_int_equal(b.n, 7);
    assert_memory_equal(b.p, "ab12345", 7);
    candor_buf_free(&b);
}

static void read_tail_gives_the_end_and_says_that_there_is_more(void **state)
{
    const char *path = scratch_path(*state, "f");
    candor_buf b = {0};
    bool cut = true;

    scratch_write(path, "12345");
    candor_buf_put_c(&b, '>');
    assert_int_equal(candor_file_read_tail(path, 5, &b, &cut, NULL), CANDOR_OK);
    assert_false(cut);
    assert_int_equal(candor_file_read_tail(path, 2, &b, &cut, NULL), CANDOR_OK);
    assert_true(cut);
    assert_true(candor_bytes_eq(candor_buf_bytes(&b), CANDOR_LIT(">1234545")));
    assert_int_equal(candor_file_read_tail(scratch_path(*state, "none"), 2, &b, &cut, NULL),
                     CANDOR_NOTFOUND);
    assert_int_equal(b.n, 8);
    candor_buf_free(&b);
}

static void read_all_fills_a_fixed_buffer_to_the_last_byte(void **state)
{
    const char *path = scratch_path(*state, "f");
    char storage[5];
    candor_buf b;

    scratch_write(path, "12345");
    candor_buf_init_fixed(&b, storage, sizeof storage);
    assert_int_equal(candor_file_read_all(path, 100, &b, NULL), CANDOR_OK);
    assert_int_equal(b.n, 5);
    candor_buf_init_fixed(&b, storage, sizeof storage - 1);
    assert_int_equal(candor_file_read_all(path, 100, &b, NULL), CANDOR_NOMEM);
    assert_int_equal(b.n, 0);
}

static void read_all_believes_the_bytes_not_the_size(void **state)
{
    candor_buf b = {0};

    (void)state; /* /proc files report a size of 0 */
    assert_int_equal(candor_file_read_all("/proc/self/status", 1 << 20, &b, NULL), CANDOR_OK);
    assert_true(b.n > 0);
    candor_buf_clear(&b);
    assert_int_equal(candor_file_read_all("/proc/self/status", 10, &b, NULL), CANDOR_LIMIT);
    assert_int_equal(b.n, 0);
    /* Read a page at a time, so that the limit is passed after a piece that fitted. */
    assert_int_equal(candor_file_read_all("/proc/self/smaps", 5000, &b, NULL), CANDOR_LIMIT);
    assert_int_equal(b.n, 0);
    candor_buf_free(&b);
}

static void write_durable_replaces_and_leaves_no_other_file(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "f");

    assert_int_equal(candor_file_write_durable(path, CANDOR_LIT("old and longer"), NULL),
                     CANDOR_OK);
    assert_int_equal(candor_file_write_durable(path, CANDOR_LIT("new"), NULL), CANDOR_OK);
    read_back(path, "new");
    assert_int_equal(candor_file_write_durable(path, (candor_bytes){0}, NULL), CANDOR_OK);
    read_back(path, "");
    assert_int_equal(scratch_count(s->dir), 1);
}

/* SIGXFSZ is ignored as Node does; the write then fails with EFBIG. */
static int durable_write_over_the_limit(scratch *s)
{
    static const char big[8192] = {1};
    const char *path = scratch_path(s, "f");
    const struct rlimit limit = {4096, 4096};
    candor_file *f = NULL;
    candor_err err = {0};

    CHILD_REQUIRE(candor_file_write_durable(path, CANDOR_LIT("old"), NULL) == CANDOR_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    CHILD_REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHILD_REQUIRE(candor_file_write_durable(path, candor_bytes_of(big, sizeof big), &err) ==
                  CANDOR_FULL);
    CHILD_REQUIRE(strcmp(err.op, "write") == 0);
    CHILD_REQUIRE(candor_file_open(scratch_path(s, "g"), CANDOR_OPEN_CREATE_NEW, &f, NULL) ==
                  CANDOR_OK);
    CHILD_REQUIRE(candor_file_allocate(f, 8192, NULL) == CANDOR_FULL);
    CHILD_REQUIRE(candor_file_allocate(f, 4096, NULL) == CANDOR_OK);
    candor_file_discard(f);
    return 0;
}

static void a_failed_durable_write_keeps_the_old_file_and_no_temporary(void **state)
{
    scratch *s = *state;

    in_child(durable_write_over_the_limit, s);
    read_back(scratch_path(s, "f"), "old");
    assert_int_equal(scratch_count(s->dir), 2);
}

/* A file system of 64 KB in a mount namespace of the child's own; needs root. */
static int use_a_full_disk(scratch *s)
{
    static const char block[4096] = {1};
    candor_file *f = NULL;
    uint64_t room = 0;
    candor_status st;

    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) return SCRATCH_SKIP;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return SCRATCH_SKIP;
    if (mount("tmpfs", s->dir, "tmpfs", 0, "size=64k") != 0) return SCRATCH_SKIP;
    CHILD_REQUIRE(candor_disk_free(s->dir, &room, NULL) == CANDOR_OK && room == 65536);
    CHILD_REQUIRE(candor_file_open(scratch_path(s, "a"), CANDOR_OPEN_CREATE_NEW, &f, NULL) ==
                  CANDOR_OK);
    CHILD_REQUIRE(candor_file_allocate(f, 1 << 20, NULL) == CANDOR_FULL);
    CHILD_REQUIRE(candor_file_allocate(f, 32768, NULL) == CANDOR_OK);
    do {
        st = candor_file_write(f, candor_bytes_of(block, sizeof block), NULL);
    } while (st == CANDOR_OK);
    CHILD_REQUIRE(st == CANDOR_FULL);
    CHILD_REQUIRE(candor_disk_free(s->dir, &room, NULL) == CANDOR_OK && room == 0);
    CHILD_REQUIRE(candor_file_write_durable(scratch_path(s, "b"),
                                            candor_bytes_of(block, sizeof block),
                                            NULL) == CANDOR_FULL);
    CHILD_REQUIRE(access(scratch_path(s, "b"), F_OK) != 0);
    candor_file_discard(f);
    return 0;
}

static void a_full_disk_is_a_status(void **state)
{
    in_child(use_a_full_disk, *state);
}

static int use_what_is_forbidden(scratch *s)
{
    const char *dir = scratch_path(s, "closed");
    const char *path = scratch_path(s, "closed/f");
    candor_file *f = NULL;
    candor_buf b = {0};

    CHILD_REQUIRE(mkdir(dir, 0700) == 0);
    scratch_write(path, "secret");
    CHILD_REQUIRE(chmod(path, 0) == 0 && chmod(dir, 0500) == 0);
    if (geteuid() == 0) {
        CHILD_REQUIRE(chmod(s->dir, 0755) == 0 && chmod(dir, 0555) == 0);
        if (setuid(65534) != 0) return SCRATCH_SKIP;
    }
    CHILD_REQUIRE(candor_file_read_all(path, 100, &b, NULL) == CANDOR_DENIED);
    CHILD_REQUIRE(candor_file_open(path, CANDOR_OPEN_READ_WRITE, &f, NULL) == CANDOR_DENIED);
    CHILD_REQUIRE(candor_file_write_durable(path, CANDOR_LIT("x"), NULL) == CANDOR_DENIED);
    CHILD_REQUIRE(candor_dir_create(scratch_path(s, "closed/sub"), NULL) == CANDOR_DENIED);
    CHILD_REQUIRE(candor_unlink(path, NULL) == CANDOR_DENIED);
    return 0;
}

static void a_refused_permission_is_denied(void **state)
{
    in_child(use_what_is_forbidden, *state);
    assert_int_equal(chmod(scratch_path(*state, "closed"), 0700), 0);
}

static void allocate_makes_blocks_and_keeps_content(void **state)
{
    const char *path = scratch_path(*state, "f");
    candor_file *f = open_ok(path, CANDOR_OPEN_READ_WRITE);
    struct stat st;
    uint64_t size = 0;
    candor_buf b = {0};

    assert_int_equal(candor_file_write(f, CANDOR_LIT("abc"), NULL), CANDOR_OK);
    assert_int_equal(candor_file_allocate(f, 0, NULL), CANDOR_OK);
    assert_int_equal(candor_file_allocate(f, 1 << 20, NULL), CANDOR_OK);
    assert_int_equal(candor_file_allocate(f, UINT64_MAX, NULL), CANDOR_INVALID);
    assert_int_equal(candor_file_size(f, &size, NULL), CANDOR_OK);
    assert_int_equal(size, 1 << 20);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_blocks * 512 >= 1 << 20);
    candor_file_discard(f);
    assert_int_equal(candor_file_read_all(path, 1 << 20, &b, NULL), CANDOR_OK);
    assert_memory_equal(b.p, "abc\0", 4);
    candor_buf_free(&b);
}

static void mtime_tells_time_and_size(void **state)
{
    const char *path = scratch_path(*state, "f");
    const struct timespec times[2] = {{1700000000, 0}, {1700000000, 123456789}};
    int64_t ms = 0;
    uint64_t size = 0;

    scratch_write(path, "12345");
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(candor_file_mtime(path, &ms, &size, NULL), CANDOR_OK);
    assert_int_equal(ms, 1700000000123);
    assert_int_equal(size, 5);
    assert_int_equal(candor_file_mtime(scratch_path(*state, "no"), &ms, &size, NULL),
                     CANDOR_NOTFOUND);
}

static void a_link_is_not_followed_when_writing(void **state)
{
    const char *target = scratch_path(*state, "target"), *link = scratch_path(*state, "link");
    candor_file *f = NULL;
    candor_err err = {0};

    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(candor_file_open(link, CANDOR_OPEN_READ_WRITE, &f, &err), CANDOR_INVALID);
    assert_non_null(strstr(err.text, "symbolic link"));
    assert_int_equal(candor_file_open(link, CANDOR_OPEN_CREATE_NEW, &f, NULL), CANDOR_BUSY);
    assert_int_equal(access(target, F_OK), -1);
    scratch_write(target, "theirs");
    assert_int_equal(candor_file_open(link, CANDOR_OPEN_READ_WRITE, &f, NULL), CANDOR_INVALID);
    assert_int_equal(candor_file_create_whole(link, CANDOR_LIT("x"), NULL), CANDOR_BUSY);
    read_back(target, "theirs");
    assert_int_equal(candor_file_write_durable(link, CANDOR_LIT("ours"), NULL), CANDOR_OK);
    read_back(target, "theirs");
}

static void create_whole_never_replaces_and_leaves_no_temporary(void **state)
{
    scratch *s = *state;
    const char *path = scratch_path(s, "f");
    unsigned n = 0;
    struct dirent *e;

    assert_int_equal(candor_file_create_whole(path, CANDOR_LIT("one"), NULL), CANDOR_OK);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(candor_file_create_whole(path, CANDOR_LIT("two"), NULL), CANDOR_BUSY);
    read_back(path, "one");
    DIR *d = opendir(s->dir);
    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    closedir(d);
    assert_int_equal(n, 1);
}

static void unlink_tells_missing_from_done(void **state)
{
    const char *path = scratch_path(*state, "f");

    scratch_write(path, "x");
    assert_int_equal(candor_unlink(path, NULL), CANDOR_OK);
    assert_int_equal(candor_unlink(path, NULL), CANDOR_NOTFOUND);
    errno = EDOM;
    candor_unlink_quiet(path);
    assert_int_equal(errno, EDOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(files_are_private_whatever_the_umask),
        SCRATCH_TEST(descriptors_are_close_on_exec),
        SCRATCH_TEST(open_read_of_a_missing_file_is_notfound_and_names_it),
        SCRATCH_TEST(create_new_refuses_an_existing_file),
        SCRATCH_TEST(open_for_reading_cannot_write),
        SCRATCH_TEST(what_is_not_a_regular_file_is_refused_without_waiting),
        SCRATCH_TEST(writes_follow_each_other_and_size_counts_them),
        SCRATCH_TEST(read_all_appends_and_restores_the_buffer_on_failure),
        SCRATCH_TEST(read_tail_gives_the_end_and_says_that_there_is_more),
        SCRATCH_TEST(read_all_fills_a_fixed_buffer_to_the_last_byte),
        SCRATCH_TEST(read_all_believes_the_bytes_not_the_size),
        SCRATCH_TEST(write_durable_replaces_and_leaves_no_other_file),
        SCRATCH_TEST(a_failed_durable_write_keeps_the_old_file_and_no_temporary),
        SCRATCH_TEST(a_full_disk_is_a_status),
        SCRATCH_TEST(a_refused_permission_is_denied),
        SCRATCH_TEST(allocate_makes_blocks_and_keeps_content),
        SCRATCH_TEST(mtime_tells_time_and_size),
        SCRATCH_TEST(a_link_is_not_followed_when_writing),
        SCRATCH_TEST(create_whole_never_replaces_and_leaves_no_temporary),
        SCRATCH_TEST(unlink_tells_missing_from_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
