/* Locks between handles and between processes. */
#include "plat/scratch.h"

#include <signal.h>

static candor_file *open_ok(const char *path)
{
    candor_file *f = NULL;

    assert_int_equal(candor_file_open(path, CANDOR_OPEN_READ_WRITE, &f, NULL), CANDOR_OK);
    return f;
}

/* A process that takes the lock on path, says so, and holds it until it is killed. */
static pid_t holder(const char *path)
{
    int ready[2];
    char c = 0;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        candor_file *f = NULL;
        if (candor_file_open(path, CANDOR_OPEN_READ_WRITE, &f, NULL) != CANDOR_OK ||
            candor_file_try_lock(f, NULL) != CANDOR_OK)
            _exit(1);
        if (write(ready[1], "L", 1) != 1) _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

static void kill_and_reap(pid_t pid)
{
    int status = 0;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void two_handles_in_one_process_exclude_each_other(void **state)
{
    const char *path = scratch_path(*state, "lock");
    candor_file *a = open_ok(path), *b = open_ok(path);
    candor_err err = {0};

    assert_int_equal(candor_file_try_lock(a, &err), CANDOR_OK);
    assert_int_equal(candor_file_try_lock(b, &err), CANDOR_BUSY);
    assert_string_equal(err.op, "lock");
    assert_int_equal(candor_file_try_lock(a, &err), CANDOR_OK);
    candor_file_unlock(a);
    assert_int_equal(candor_file_try_lock(b, &err), CANDOR_OK);
    candor_file_discard(a);
    candor_file_discard(b);
}

static void closing_another_handle_keeps_the_lock(void **state)
{
    const char *path = scratch_path(*state, "lock");
    candor_file *a = open_ok(path), *b = open_ok(path), *c = open_ok(path);

    assert_int_equal(candor_file_try_lock(a, NULL), CANDOR_OK);
    candor_file_discard(b); /* with fcntl(2) locks this would drop a's */
    assert_int_equal(candor_file_try_lock(c, NULL), CANDOR_BUSY);
    candor_file_discard(a);
    assert_int_equal(candor_file_try_lock(c, NULL), CANDOR_OK);
    candor_file_discard(c);
}

static void a_living_process_holds_and_a_killed_one_frees(void **state)
{
    const char *path = scratch_path(*state, "lock");
    const pid_t pid = holder(path);
    candor_file *f = open_ok(path);

    assert_int_equal(candor_file_try_lock(f, NULL), CANDOR_BUSY);
    kill_and_reap(pid);
    assert_int_equal(candor_file_try_lock(f, NULL), CANDOR_OK);
    candor_file_discard(f);
}

static void a_lock_outlives_the_rename_of_its_file(void **state)
{
    const char *path = scratch_path(*state, "lock");
    const char *moved = scratch_path(*state, "moved");
    const pid_t pid = holder(path);
    candor_file *f;

    assert_int_equal(candor_rename_durable(path, moved, NULL), CANDOR_OK);
    f = open_ok(moved);
    assert_int_equal(candor_file_try_lock(f, NULL), CANDOR_BUSY);
    kill_and_reap(pid);
    candor_file_discard(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(two_handles_in_one_process_exclude_each_other),
        SCRATCH_TEST(closing_another_handle_keeps_the_lock),
        SCRATCH_TEST(a_living_process_holds_and_a_killed_one_frees),
        SCRATCH_TEST(a_lock_outlives_the_rename_of_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
