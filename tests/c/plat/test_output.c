/* Files that grow line by line, and a standard output that nobody reads. */
#include "plat/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* --- append ---------------------------------------------------------------------------------- */

static void expect_file(const char *path, const char *want)
{
    candor_buf b = {0};

    assert_int_equal(candor_file_read_all(path, 1 << 20, &b, NULL), CANDOR_OK);
    assert_true(candor_bytes_eq(candor_buf_bytes(&b), candor_bytes_str(want)));
    candor_buf_free(&b);
}

static void append_creates_then_adds_and_says_the_size(void **state)
{
    const char *path = scratch_path(*state, "lines");
    struct stat st;
    uint64_t size = 0;

    assert_int_equal(candor_file_append(path, CANDOR_LIT("one\n"), &size, NULL), CANDOR_OK);
    assert_int_equal(size, 4);
    assert_int_equal(candor_file_append(path, CANDOR_LIT("two\n"), &size, NULL), CANDOR_OK);
    assert_int_equal(size, 8);
    expect_file(path, "one\ntwo\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777u, 0600);
}

static void append_ends_a_line_that_a_crash_left(void **state)
{
    const char *path = scratch_path(*state, "lines");
    uint64_t size = 0;

    scratch_write(path, "one\ntw");
    assert_int_equal(candor_file_append(path, CANDOR_LIT("three\n"), &size, NULL), CANDOR_OK);
    expect_file(path, "one\ntw\nthree\n");
    assert_int_equal(size, 13);
}

static void an_append_that_fails_is_taken_back(void **state)
{
    const char *path = scratch_path(*state, "lines");
    const struct rlimit small = {6, RLIM_INFINITY};
    struct rlimit was;
    uint64_t size = 0;
    candor_status st;

    scratch_write(path, "one\n");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    st = candor_file_append(path, CANDOR_LIT("two\n"), &size, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_not_equal(st, CANDOR_OK);
    expect_file(path, "one\n");
}

static void append_waits_a_bounded_time_for_another_holder(void **state)
{
    const char *path = scratch_path(*state, "lines");
    candor_file *holder = NULL;
    uint64_t size = 0;

    scratch_write(path, "one\n");
    assert_int_equal(candor_file_open(path, CANDOR_OPEN_READ_WRITE, &holder, NULL), CANDOR_OK);
    assert_int_equal(candor_file_try_lock(holder, NULL), CANDOR_OK);
    assert_int_equal(candor_file_append(path, CANDOR_LIT("two\n"), &size, NULL), CANDOR_BUSY);
    candor_file_discard(holder);
    expect_file(path, "one\n");
}

/* --- standard output ------------------------------------------------------------------------- */

static char big[1 << 20];

/* Write more than out takes, in a child whose standard output it is. What it wrote, -1 for an
 * error. */
static long written_to(int out)
{
    int answer[2];
    long result = -2;
    pid_t pid;

    assert_int_equal(pipe(answer), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        size_t n = 0;
        candor_status st;
        (void)signal(SIGPIPE, SIG_IGN);
        if (dup2(out, STDOUT_FILENO) < 0) _exit(1);
        (void)close(out);
        st = candor_stdout_try_write(candor_bytes_of(big, sizeof big), &n, NULL);
        result = st == CANDOR_OK ? (long)n : -1;
        _exit(write(answer[1], &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
    }
    (void)close(answer[1]);
    assert_int_equal(read(answer[0], &result, sizeof result), sizeof result);
    (void)close(answer[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return result;
}

static void a_pipe_takes_what_it_has_room_for_and_stays_blocking(void **state)
{
    int p[2];

    (void)state;
    assert_int_equal(pipe(p), 0);
    const long n = written_to(p[1]);
    assert_true(n > 0 && n < (long)sizeof big);
    assert_int_equal(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(written_to(p[1]), 0);
    (void)close(p[0]);
    (void)close(p[1]);
}

static void a_socket_takes_what_it_has_room_for(void **state)
{
    int s[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    const long n = written_to(s[1]);
    assert_true(n > 0 && n < (long)sizeof big);
    assert_int_equal(fcntl(s[1], F_GETFL) & O_NONBLOCK, 0);
    (void)close(s[0]);
    (void)close(s[1]);
}

static void a_file_takes_all_at_its_own_position(void **state)
{
    const char *path = scratch_path(*state, "out");
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "host", 4), 4);
    assert_int_equal(written_to(fd), sizeof big);
    assert_int_equal(write(fd, "host", 4), 4);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, sizeof big + 8);
    (void)close(fd);
}

static void a_pipe_without_a_reader_is_an_error(void **state)
{
    int p[2];

    (void)state;
    assert_int_equal(pipe(p), 0);
    (void)close(p[0]);
    assert_int_equal(written_to(p[1]), -1);
    (void)close(p[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(append_creates_then_adds_and_says_the_size),
        SCRATCH_TEST(append_ends_a_line_that_a_crash_left),
        SCRATCH_TEST(an_append_that_fails_is_taken_back),
        SCRATCH_TEST(append_waits_a_bounded_time_for_another_holder),
        SCRATCH_TEST(a_pipe_takes_what_it_has_room_for_and_stays_blocking),
        SCRATCH_TEST(a_socket_takes_what_it_has_room_for),
        SCRATCH_TEST(a_file_takes_all_at_its_own_position),
        SCRATCH_TEST(a_pipe_without_a_reader_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
