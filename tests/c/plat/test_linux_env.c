/* Folders, names, libraries and the machine id of Linux. The source is included, to reach what this
 * machine's files do not show. */
#include "plat/linux_env.c" // NOLINT

#include "plat/scratch.h"

#include <sys/utsname.h>

static void data_dir_follows_xdg_then_home(void **state)
{
    char out[CANDOR_PATH_MAX];

    (void)state;
    setenv("HOME", "/home/someone", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    assert_int_equal(candor_data_dir("acme", out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "/data/acme/telemetry");
    setenv("XDG_DATA_HOME", "relative", 1);
    assert_int_equal(candor_data_dir("acme", out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "/home/someone/.local/share/acme/telemetry");
    unsetenv("XDG_DATA_HOME");
    assert_int_equal(candor_data_dir("acme", out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "/home/someone/.local/share/acme/telemetry");
    assert_int_equal(candor_data_dir("acme", out, 10, NULL), CANDOR_LIMIT);
}

static void platform_name_is_nodes(void **state)
{
    struct utsname u;

    (void)state;
    assert_int_equal(uname(&u), 0);
    if (strcmp(u.machine, "x86_64") == 0)
        assert_string_equal(candor_platform_name(), "linux-x64");
    else if (strcmp(u.machine, "aarch64") == 0)
        assert_string_equal(candor_platform_name(), "linux-arm64");
    else
        skip();
}

static bool takes(const char *text, char *out)
{
    char storage[MACHINE_ID_MAX];
    candor_buf b;

    candor_buf_init_fixed(&b, storage, sizeof storage);
    candor_buf_put_bytes(&b, candor_bytes_str(text));
    return take_machine_id(&b, out, 33);
}

static void a_machine_id_is_32_hex_digits_and_not_a_placeholder(void **state)
{
    char out[33] = "";

    (void)state;
    assert_true(takes("0123456789abcdef0123456789abcdef\n", out));
    assert_string_equal(out, "0123456789abcdef0123456789abcdef");
    assert_true(takes("0123456789abcdef0123456789abcdef", out));
    assert_false(takes("", out));
    assert_false(takes("uninitialized\n", out));
    assert_false(takes("00000000000000000000000000000000\n", out));
    assert_false(takes("0123456789abcdef0123456789abcdeg\n", out));
    assert_false(takes("0123456789abcdef0123456789abcdef0\n", out));
}

static void machine_id_is_the_files_or_none(void **state)
{
    char out[64] = "", small[8] = "", again[64] = "";
    const candor_status st = candor_machine_id(out, sizeof out, NULL);

    (void)state;
    assert_true(st == CANDOR_OK || st == CANDOR_NOTFOUND);
    assert_int_equal(candor_machine_id(again, sizeof again, NULL), st);
    assert_string_equal(again, out);
    assert_int_equal(candor_machine_id(small, sizeof small, NULL), CANDOR_NOTFOUND);
    assert_string_equal(small, "");
}

static void a_library_is_found_by_name_and_version(void **state)
{
    void *library = NULL;
    candor_err err = {0};

    (void)state;
    assert_int_equal(candor_library_open("z", 1, &library, &err), CANDOR_OK);
    assert_non_null(candor_library_symbol(library, "zlibVersion"));
    assert_null(candor_library_symbol(library, "candor_no_such_symbol"));
    assert_int_equal(candor_library_open("candor-nothing", 3, &library, &err), CANDOR_NET);
    assert_null(library);
    assert_non_null(strstr(err.text, "libcandor-nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_dir_follows_xdg_then_home),
        cmocka_unit_test(platform_name_is_nodes),
        cmocka_unit_test(a_machine_id_is_32_hex_digits_and_not_a_placeholder),
        cmocka_unit_test(machine_id_is_the_files_or_none),
        cmocka_unit_test(a_library_is_found_by_name_and_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
