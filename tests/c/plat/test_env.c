/* User directories, fork guard. The source is included, to reach what this machine's kernel does
 * not show. */
#include "plat/posix_env.c" // NOLINT

#include "plat/scratch.h"

static void an_app_cannot_climb_out_of_the_data_directory(void **state)
{
    static const char *const bad[] = {"", ".", "..", "a/b", "../x", "/"};
    char out[CANDOR_PATH_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(candor_data_dir(bad[i], out, sizeof out, NULL), CANDOR_INVALID);
}

static void home_dir_falls_back_on_the_user_database(void **state)
{
    const struct passwd *pw = getpwuid(getuid());
    char out[CANDOR_PATH_MAX];
    candor_status st;

    (void)state;
    setenv("HOME", "/home/someone", 1);
    assert_int_equal(candor_home_dir(out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "/home/someone");
    assert_int_equal(candor_home_dir(out, 13, NULL), CANDOR_LIMIT);
    setenv("HOME", "not/absolute", 1);
    st = candor_home_dir(out, sizeof out, NULL);
    assert_int_equal(st, pw != NULL ? CANDOR_OK : CANDOR_NOTFOUND);
    if (pw != NULL) assert_string_equal(out, pw->pw_dir);
}

static int verdict_in_child(const candor_fork_guard *g)
{
    const pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0) _exit(candor_fork_guard_same(g) ? 1 : 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void fork_guard_is_true_here_and_false_in_a_child(void **state)
{
    candor_fork_guard *g = NULL;

    (void)state;
    assert_int_equal(candor_fork_guard_new(&g), CANDOR_OK);
    assert_true(candor_fork_guard_same(g));
    assert_int_equal(verdict_in_child(g), 0);
    assert_true(candor_fork_guard_same(g)); /* the fork changed nothing for the parent */
    candor_fork_guard_free(g);
    candor_fork_guard_free(NULL);
}

static void fork_guard_works_without_the_kernels_help(void **state)
{
    candor_fork_guard *g = NULL;

    (void)state;
    assert_int_equal(candor_fork_guard_new(&g), CANDOR_OK);
    g->wiped = false;
    assert_true(candor_fork_guard_same(g));
    assert_int_equal(verdict_in_child(g), 0);
    candor_fork_guard_free(g);
}

static int make_a_guard_of_its_own(scratch *s)
{
    candor_fork_guard *g = NULL;

    (void)s;
    CHILD_REQUIRE(candor_fork_guard_new(&g) == CANDOR_OK);
    CHILD_REQUIRE(candor_fork_guard_same(g));
    candor_fork_guard_free(g);
    return 0;
}

static void a_child_may_make_its_own_guard(void **state)
{
    (void)state;
    in_child(make_a_guard_of_its_own, NULL);
}

static void process_id_is_the_systems(void **state)
{
    (void)state;
    assert_int_equal(candor_process_id(), getpid());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_app_cannot_climb_out_of_the_data_directory),
        cmocka_unit_test(home_dir_falls_back_on_the_user_database),
        cmocka_unit_test(fork_guard_is_true_here_and_false_in_a_child),
        cmocka_unit_test(fork_guard_works_without_the_kernels_help),
        cmocka_unit_test(a_child_may_make_its_own_guard),
        cmocka_unit_test(process_id_is_the_systems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
