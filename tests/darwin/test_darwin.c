/* darwin_*.c over Linux: what the tests of tests/c/plat do not reach. */
#include "plat/plat.h"
#include "plat/posix.h"
#include "plat/scratch.h"

#include "darwin.h"

#include <errno.h>

static int system_is_plain(void **state)
{
    darwin.full_sync = darwin.barrier_sync = darwin.preallocate = darwin.uuid = 0;
    darwin.full_syncs = darwin.barrier_syncs = darwin.preallocations = 0;
    return scratch_setup(state);
}

static candor_file *new_file(scratch *s)
{
    candor_file *f = NULL;

    assert_int_equal(candor_file_open(scratch_path(s, "f"), CANDOR_OPEN_CREATE_NEW, &f, NULL),
                     CANDOR_OK);
    return f;
}

static void data_lives_in_application_support(void **state)
{
    char out[CANDOR_PATH_MAX];

    (void)state;
    setenv("HOME", "/Users/someone", 1);
    setenv("XDG_DATA_HOME", "/data", 1); /* is not asked */
    assert_int_equal(candor_data_dir("acme", out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "/Users/someone/Library/Application Support/acme/telemetry");
    assert_int_equal(candor_data_dir("acme", out, 10, NULL), CANDOR_LIMIT);
    unsetenv("XDG_DATA_HOME");
}

static void platform_and_libraries_have_their_names(void **state)
{
    char file[32];

    (void)state;
    assert_int_equal(strncmp(candor_platform_name(), "darwin-", 7), 0);
    assert_true(candor_posix_library_file("curl", 4, file, sizeof file));
    assert_string_equal(file, "libcurl.4.dylib");
    assert_false(candor_posix_library_file("curl", 4, file, 8));
}

static void machine_id_is_the_hosts_or_none(void **state)
{
    char out[33] = "", small[8] = "";

    (void)state;
    assert_int_equal(candor_machine_id(out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5");
    assert_int_equal(candor_machine_id(small, sizeof small, NULL), CANDOR_NOTFOUND);
    darwin.uuid = 1;
    assert_int_equal(candor_machine_id(out, sizeof out, NULL), CANDOR_NOTFOUND);
    darwin.uuid = 2;
    assert_int_equal(candor_machine_id(out, sizeof out, NULL), CANDOR_NOTFOUND);
}

static void room_is_set_aside_once_and_the_size_follows(void **state)
{
    candor_file *f = new_file(*state);
    struct stat st;

    for (int i = 0; i < 2; i++)
        assert_int_equal(candor_file_allocate(f, 1 << 20, NULL), CANDOR_OK);
    assert_int_equal(darwin.preallocations, 1);
    assert_int_equal(fstat(candor_posix_fd(f), &st), 0);
    assert_int_equal(st.st_size, 1 << 20);
    assert_true(st.st_blocks * 512 >= 1 << 20);
    assert_int_equal(candor_file_allocate(f, 2 << 20, NULL), CANDOR_OK);
    assert_int_equal(darwin.preallocations, 2);
    candor_file_discard(f);
}

static void without_preallocation_the_bytes_are_written(void **state)
{
    scratch *s = *state;
    candor_file *f = new_file(s);
    char storage[40000];
    candor_buf b;
    struct stat st;

    darwin.preallocate = ENOTSUP;
    candor_buf_init_fixed(&b, storage, sizeof storage);
    assert_int_equal(candor_file_write(f, CANDOR_LIT("kept"), NULL), CANDOR_OK);
    assert_int_equal(candor_file_allocate(f, sizeof storage, NULL), CANDOR_OK);
    assert_int_equal(fstat(candor_posix_fd(f), &st), 0);
    assert_int_equal(st.st_size, 40000);
    assert_true(st.st_blocks * 512 >= 40000);
    assert_int_equal(candor_file_read_all(scratch_path(s, "f"), sizeof storage, &b, NULL),
                     CANDOR_OK);
    assert_memory_equal(b.p, "kept\0", 5);
    candor_file_discard(f);
}

static void a_full_disk_is_said_and_nothing_is_written(void **state)
{
    candor_file *f = new_file(*state);
    uint64_t size = 1;

    darwin.preallocate = ENOSPC;
    assert_int_equal(candor_file_allocate(f, 1 << 20, NULL), CANDOR_FULL);
    assert_int_equal(candor_file_size(f, &size, NULL), CANDOR_OK);
    assert_int_equal(size, 0);
    candor_file_discard(f);
}

static void a_sync_empties_the_drives_cache_or_does_what_it_can(void **state)
{
    candor_file *f = new_file(*state);

    assert_int_equal(candor_file_sync(f, NULL), CANDOR_OK);
    assert_int_equal(darwin.full_syncs, 1);
    darwin.full_sync = ENOTSUP;
    assert_int_equal(candor_file_sync(f, NULL), CANDOR_OK);
    assert_int_equal(darwin.barrier_syncs, 1);
    darwin.barrier_sync = EINVAL;
    assert_int_equal(candor_file_sync(f, NULL), CANDOR_OK);
    assert_int_equal(darwin.full_syncs + darwin.barrier_syncs, 2);
    darwin.full_sync = EIO; /* not to be covered by a weaker one that works */
    assert_int_equal(candor_file_sync(f, NULL), CANDOR_IO);
    candor_file_discard(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_lives_in_application_support),
        cmocka_unit_test(platform_and_libraries_have_their_names),
        cmocka_unit_test_setup_teardown(machine_id_is_the_hosts_or_none, system_is_plain,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(room_is_set_aside_once_and_the_size_follows,
                                        system_is_plain, scratch_teardown),
        cmocka_unit_test_setup_teardown(without_preallocation_the_bytes_are_written,
                                        system_is_plain, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_is_said_and_nothing_is_written, system_is_plain,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_sync_empties_the_drives_cache_or_does_what_it_can,
                                        system_is_plain, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
