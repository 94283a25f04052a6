/* Paths, directories and durable renames. */
#include "plat/scratch.h"

typedef struct seen {
    unsigned n, stop_at, a, b, other;
} seen;

static bool note(void *ctx, const char *name)
{
    seen *s = ctx;

    s->n++;
    if (strcmp(name, "a") == 0)
        s->a++;
    else if (strcmp(name, "b") == 0)
        s->b++;
    else
        s->other++;
    return s->n != s->stop_at;
}

static void path_join_needs_room_for_all_of_it(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(candor_path_join("/a", "bcde", out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "/a/bcde");
    assert_int_equal(candor_path_join("/", "b", out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "/b");
    assert_int_equal(candor_path_join("/a/", "b", out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "/a/b");
    assert_int_equal(candor_path_join("/a", "bcdef", out, sizeof out, NULL), CANDOR_LIMIT);
    assert_string_equal(out, "");
}

static void dir_create_makes_every_missing_part_private(void **state)
{
    const mode_t old = umask(0);
    const char *path = scratch_path(*state, "x//y/z/");
    struct stat st;

    assert_int_equal(candor_dir_create(path, NULL), CANDOR_OK);
    umask(old);
    assert_int_equal(stat(scratch_path(*state, "x"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(candor_dir_create(path, NULL), CANDOR_OK);
}

static void dir_create_keeps_the_mode_of_what_exists(void **state)
{
    const char *path = scratch_path(*state, "x");
    struct stat st;

    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(candor_dir_create(scratch_path(*state, "x/y"), NULL), CANDOR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
}

static void dir_create_refuses_what_others_may_write_to(void **state)
{
    const char *path = scratch_path(*state, "x");
    static const mode_t bad[] = {0770, 0720, 0702, 01777};
    candor_err err = {0};
    struct stat st;

    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        assert_int_equal(candor_dir_create(path, &err), CANDOR_DENIED);
        assert_non_null(strstr(err.text, "chmod 700"));
    }
    assert_int_equal(candor_dir_make_private(path, NULL), CANDOR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(candor_dir_create(path, NULL), CANDOR_OK);
    assert_int_equal(candor_dir_make_private(scratch_path(*state, "none"), NULL), CANDOR_OK);
}

static void dir_create_refuses_what_is_somebody_elses(void **state)
{
    const char *path = scratch_path(*state, "x"), *link = scratch_path(*state, "l");
    candor_err err = {0};

    if (geteuid() != 0) skip(); /* only root can give a directory away */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(candor_dir_create(path, &err), CANDOR_DENIED);
    assert_non_null(strstr(err.text, "another user"));
    assert_int_equal(candor_dir_make_private(path, NULL), CANDOR_OK);
    assert_int_equal(candor_dir_create(path, NULL), CANDOR_DENIED);
    /* somebody's link to a directory of ours */
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(candor_dir_create(link, NULL), CANDOR_OK);
    assert_int_equal(lchown(link, 65534, 65534), 0);
    assert_int_equal(candor_dir_create(link, NULL), CANDOR_DENIED);
}

static void dir_create_over_a_file_is_invalid(void **state)
{
    candor_err err = {0};

    scratch_write(scratch_path(*state, "f"), "x");
    assert_int_equal(candor_dir_create(scratch_path(*state, "f"), &err), CANDOR_INVALID);
    assert_int_equal(candor_dir_create(scratch_path(*state, "f/sub"), &err), CANDOR_INVALID);
    assert_non_null(strstr(err.text, "is not a directory"));
    assert_int_equal(candor_dir_create("", NULL), CANDOR_INVALID);
}

static void dir_create_of_an_endless_path_is_a_limit(void **state)
{
    char path[CANDOR_PATH_MAX + 1];

    (void)state;
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(candor_dir_create(path, NULL), CANDOR_LIMIT);
}

static void dir_list_gives_each_entry_once_without_the_dots(void **state)
{
    scratch *s = *state;
    seen got = {0};

    scratch_write(scratch_path(s, "a"), "");
    assert_int_equal(mkdir(scratch_path(s, "b"), 0700), 0);
    assert_int_equal(candor_dir_list(s->dir, note, &got, NULL), CANDOR_OK);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.a, 1);
    assert_int_equal(got.b, 1);
    got = (seen){.stop_at = 1};
    assert_int_equal(candor_dir_list(s->dir, note, &got, NULL), CANDOR_OK);
    assert_int_equal(got.n, 1);
    assert_int_equal(candor_dir_list(scratch_path(s, "no"), note, &got, NULL), CANDOR_NOTFOUND);
    assert_int_equal(candor_dir_list(scratch_path(s, "a"), note, &got, NULL), CANDOR_NOTFOUND);
}

static void dir_sync_needs_a_directory(void **state)
{
    scratch *s = *state;

    scratch_write(scratch_path(s, "a"), "");
    assert_int_equal(candor_dir_sync(s->dir, NULL), CANDOR_OK);
    assert_int_equal(candor_dir_sync(scratch_path(s, "a"), NULL), CANDOR_NOTFOUND);
    assert_int_equal(candor_dir_sync(scratch_path(s, "no"), NULL), CANDOR_NOTFOUND);
}

static void rename_replaces_across_directories(void **state)
{
    const char *from = scratch_path(*state, "from");
    const char *to = scratch_path(*state, "d/to");
    candor_buf b = {0};

    assert_int_equal(mkdir(scratch_path(*state, "d"), 0700), 0);
    scratch_write(from, "new");
    scratch_write(to, "old");
    assert_int_equal(candor_rename_durable(from, to, NULL), CANDOR_OK);
    assert_int_equal(access(from, F_OK), -1);
    assert_int_equal(candor_file_read_all(to, 10, &b, NULL), CANDOR_OK);
    assert_int_equal(b.n, 3);
    assert_memory_equal(b.p, "new", 3);
    candor_buf_free(&b);
    assert_int_equal(candor_rename_durable(from, to, NULL), CANDOR_NOTFOUND);
}

static void rename_works_on_names_without_a_directory(void **state)
{
    scratch *s = *state;
    char before[CANDOR_PATH_MAX];

    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(s->dir), 0);
    scratch_write("from", "x");
    assert_int_equal(candor_rename_durable("from", "to", NULL), CANDOR_OK);
    assert_int_equal(candor_file_write_durable("to", CANDOR_LIT("y"), NULL), CANDOR_OK);
    assert_int_equal(candor_dir_create("sub/deep", NULL), CANDOR_OK);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(access(scratch_path(s, "to"), F_OK), 0);
    assert_int_equal(access(scratch_path(s, "sub/deep"), F_OK), 0);
}

static void disk_free_needs_an_existing_path(void **state)
{
    scratch *s = *state;
    uint64_t n = 0;

    assert_int_equal(candor_disk_free(s->dir, &n, NULL), CANDOR_OK);
    assert_true(n > 0);
    assert_int_equal(candor_disk_free(scratch_path(s, "no"), &n, NULL), CANDOR_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_join_needs_room_for_all_of_it),
        SCRATCH_TEST(dir_create_makes_every_missing_part_private),
        SCRATCH_TEST(dir_create_keeps_the_mode_of_what_exists),
        SCRATCH_TEST(dir_create_refuses_what_others_may_write_to),
        SCRATCH_TEST(dir_create_refuses_what_is_somebody_elses),
        SCRATCH_TEST(dir_create_over_a_file_is_invalid),
        cmocka_unit_test(dir_create_of_an_endless_path_is_a_limit),
        SCRATCH_TEST(dir_list_gives_each_entry_once_without_the_dots),
        SCRATCH_TEST(dir_sync_needs_a_directory),
        SCRATCH_TEST(rename_replaces_across_directories),
        SCRATCH_TEST(rename_works_on_names_without_a_directory),
        SCRATCH_TEST(disk_free_needs_an_existing_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
