/* native/plat on Windows, run under Wine by tests/wine/main.js. tests/c/plat has the same for
 * POSIX. Started with a word, it is the other process of a test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/state.h"
#include "plat/windows.h"

#include <cmocka.h>

#define WAIT_MS 20000

static char scratch[MAX_PATH]; /* with forward slashes at the end of some paths below, on purpose */

/* --- help ------------------------------------------------------------------------------------ */

static const char *in_scratch(const char *name, char out[CANDOR_PATH_MAX])
{
    assert_int_equal(candor_path_join(scratch, name, out, CANDOR_PATH_MAX, NULL), CANDOR_OK);
    return out;
}

static candor_file *open_file(const char *path, candor_open_mode mode)
{
    candor_file *f = NULL;
    candor_err err = {0};

    if (candor_file_open(path, mode, &f, &err) != CANDOR_OK) fail_msg("%s", err.text);
    return f;
}

static void put(const char *path, const char *text)
{
    candor_file *f = open_file(path, CANDOR_OPEN_CREATE_NEW);

    assert_int_equal(candor_file_write(f, candor_bytes_str(text), NULL), CANDOR_OK);
    assert_int_equal(candor_file_close(&f, NULL), CANDOR_OK);
}

static void has(const char *path, const char *text)
{
    candor_buf b = {0};

    assert_int_equal(candor_file_read_all(path, 1 << 20, &b, NULL), CANDOR_OK);
    assert_int_equal(b.n, strlen(text));
    assert_memory_equal(b.p, text, b.n);
    candor_buf_free(&b);
}

static HANDLE start(const char *word, const char *path)
{
    wchar_t self[MAX_PATH], line[MAX_PATH * 3];
    STARTUPINFOW info = {.cb = sizeof info};
    PROCESS_INFORMATION process;

    assert_true(GetModuleFileNameW(NULL, self, MAX_PATH) != 0);
    (void)_snwprintf(line, sizeof line / sizeof line[0], L"\"%ls\" %hs \"%hs\"", self, word, path);
    assert_true(CreateProcessW(self, line, NULL, NULL, FALSE, 0, NULL, NULL, &info, &process));
    CloseHandle(process.hThread);
    return process.hProcess;
}

static void wait_for_file(const char *path)
{
    for (int i = 0; i < WAIT_MS / 20; i++) {
        if (candor_file_mtime(path, NULL, NULL, NULL) == CANDOR_OK) return;
        Sleep(20);
    }
    fail_msg("%s did not appear", path);
}

static void kill_process(HANDLE process)
{
    assert_true(TerminateProcess(process, 9));
    assert_int_equal(WaitForSingleObject(process, WAIT_MS), WAIT_OBJECT_0);
    CloseHandle(process);
}

/* --- files ----------------------------------------------------------------------------------- */

static void a_path_may_be_long_and_of_any_script(void **state)
{
    char dir[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX], other[CANDOR_PATH_MAX];
    candor_state *db = NULL;
    (void)state;

    in_scratch("\xd0\xb4\xd0\xb0\xd0\xbd\xd0\xbd\xd1\x8b\xd0\xb5-\xe6\x97\xa5\xe6\x9c\xac", dir);
    for (int i = 0; i < 8; i++)
        (void)strcat(dir, "/a-folder-whose-name-has-some-fifty-characters-or-so");
    assert_true(strlen(dir) > 400);
    assert_int_equal(candor_dir_create(dir, NULL), CANDOR_OK);
    assert_int_equal(candor_path_join(dir, "\xf0\x9f\x98\x80.txt", path, sizeof path, NULL),
                     CANDOR_OK);
    assert_int_equal(candor_path_join(dir, "other", other, sizeof other, NULL), CANDOR_OK);
    put(path, "text");
    assert_int_equal(candor_state_open(other, &db, NULL), CANDOR_OK);
    candor_state_close(db);
    assert_int_equal(candor_rename(path, other, NULL), CANDOR_OK);
    has(other, "text");
    assert_int_equal(candor_unlink(other, NULL), CANDOR_OK);
    assert_int_equal(candor_unlink(other, NULL), CANDOR_NOTFOUND);
}

static void what_is_not_a_file_is_refused(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_file *f = NULL;
    (void)state;

    assert_int_equal(candor_file_open(scratch, CANDOR_OPEN_READ, &f, NULL), CANDOR_INVALID);
    assert_int_equal(candor_file_open("NUL", CANDOR_OPEN_READ_WRITE, &f, NULL), CANDOR_INVALID);
    assert_int_equal(candor_file_open("", CANDOR_OPEN_READ, &f, NULL), CANDOR_NOTFOUND);
    assert_int_equal(candor_file_open("\xff.txt", CANDOR_OPEN_READ, &f, NULL), CANDOR_INVALID);
    assert_int_equal(candor_file_open(in_scratch("none", path), CANDOR_OPEN_READ, &f, NULL),
                     CANDOR_NOTFOUND);
    put(in_scratch("file", path), "");
    assert_int_equal(candor_file_open(path, CANDOR_OPEN_CREATE_NEW, &f, NULL), CANDOR_BUSY);
    assert_int_equal(candor_dir_create(path, NULL), CANDOR_INVALID);
    assert_int_equal(candor_dir_sync(path, NULL), CANDOR_NOTFOUND);
    assert_int_equal(candor_dir_sync(scratch, NULL), CANDOR_OK);
}

static bool count_names(void *ctx, const char *name)
{
    int *n = ctx;

    assert_string_not_equal(name, ".");
    assert_string_not_equal(name, "..");
    (*n)++;
    return true;
}

static void a_directory_lists_each_name_once(void **state)
{
    char dir[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX];
    int n = 0;
    (void)state;

    assert_int_equal(candor_dir_create(in_scratch("list/deep", dir), NULL), CANDOR_OK);
    assert_int_equal(candor_dir_list(dir, count_names, &n, NULL), CANDOR_OK);
    assert_int_equal(n, 0);
    put(in_scratch("list/deep/one", path), "1");
    put(in_scratch("list/deep/two", path), "2");
    assert_int_equal(candor_dir_list(dir, count_names, &n, NULL), CANDOR_OK);
    assert_int_equal(n, 2);
    assert_int_equal(candor_dir_list(in_scratch("list/none", path), count_names, &n, NULL),
                     CANDOR_NOTFOUND);
}

static void let_go(void *ctx)
{
    Sleep(100);
    candor_file_discard(ctx);
}

/* Wine 8 knows no way to replace it before the reader lets go; Windows 10 does. */
static void a_durable_write_replaces_what_a_reader_has_open(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_file *reader;
    candor_thread *t = NULL;
    int n = 0;
    char dir[CANDOR_PATH_MAX];
    (void)state;

    assert_int_equal(candor_dir_create(in_scratch("durable", dir), NULL), CANDOR_OK);
    put(in_scratch("durable/file", path), "old");
    reader = open_file(path, CANDOR_OPEN_READ);
    assert_int_equal(candor_thread_start("reader", let_go, reader, &t, NULL), CANDOR_OK);
    assert_int_equal(candor_file_write_durable(path, CANDOR_LIT("new"), NULL), CANDOR_OK);
    candor_thread_join(&t);
    has(path, "new");
    assert_int_equal(candor_file_create_whole(path, CANDOR_LIT("other"), NULL), CANDOR_BUSY);
    has(path, "new");
    assert_int_equal(candor_dir_list(dir, count_names, &n, NULL), CANDOR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(
        candor_file_create_whole(in_scratch("durable/whole", path), CANDOR_LIT("w"), NULL),
        CANDOR_OK);
    has(path, "w");
}

static void an_append_ends_a_torn_line_first(void **state)
{
    char path[CANDOR_PATH_MAX];
    uint64_t size = 0;
    (void)state;

    put(in_scratch("lines", path), "whole\ntor");
    assert_int_equal(candor_file_append(path, CANDOR_LIT("next\n"), &size, NULL), CANDOR_OK);
    assert_int_equal(size, 15);
    has(path, "whole\ntor\nnext\n");
}

static void writes_in_append_mode_go_to_the_end(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_file *a, *b;
    (void)state;

    a = open_file(in_scratch("ends", path), CANDOR_OPEN_APPEND);
    b = open_file(path, CANDOR_OPEN_APPEND);
    assert_int_equal(candor_file_write(a, CANDOR_LIT("1"), NULL), CANDOR_OK);
    assert_int_equal(candor_file_write(b, CANDOR_LIT("2"), NULL), CANDOR_OK);
    assert_int_equal(candor_file_write(a, CANDOR_LIT("3"), NULL), CANDOR_OK);
    assert_int_equal(candor_file_sync(a, NULL), CANDOR_OK);
    candor_file_discard(a);
    candor_file_discard(b);
    has(path, "123");
}

/* --- locks and maps -------------------------------------------------------------------------- */

static void hold_lock(const char *path)
{
    char sign[CANDOR_PATH_MAX + 8];
    candor_file *f = open_file(path, CANDOR_OPEN_READ_WRITE);

    if (candor_file_try_lock(f, NULL) != CANDOR_OK) return;
    (void)snprintf(sign, sizeof sign, "%s.held", path);
    put(sign, "");
    Sleep(INFINITE);
}

static void a_lock_excludes_and_goes_with_a_killed_process(void **state)
{
    char path[CANDOR_PATH_MAX], sign[CANDOR_PATH_MAX];
    candor_file *f;
    HANDLE other;
    (void)state;

    in_scratch("lock.held", sign);
    other = start("hold", in_scratch("lock", path));
    wait_for_file(sign);
    f = open_file(path, CANDOR_OPEN_READ_WRITE);
    assert_int_equal(candor_file_try_lock(f, NULL), CANDOR_BUSY);
    assert_int_equal(candor_file_write(f, CANDOR_LIT("not kept out"), NULL), CANDOR_OK);
    has(path, "not kept out");
    kill_process(other);
    assert_int_equal(candor_file_try_lock(f, NULL), CANDOR_OK);
    assert_int_equal(candor_file_try_lock(f, NULL), CANDOR_OK);
    candor_file_unlock(f);
    candor_file_discard(f);
}

static void two_handles_of_one_process_exclude_each_other(void **state)
{
    char path[CANDOR_PATH_MAX];
    candor_map map = {0};
    candor_file *a, *b;
    (void)state;

    a = open_file(in_scratch("two", path), CANDOR_OPEN_READ_WRITE);
    b = open_file(path, CANDOR_OPEN_READ_WRITE);
    assert_int_equal(candor_file_allocate(a, 4096, NULL), CANDOR_OK);
    assert_int_equal(candor_file_try_lock(a, NULL), CANDOR_OK);
    assert_int_equal(candor_map_open(a, 4096, true, &map, NULL), CANDOR_OK);
    assert_int_equal(candor_file_try_lock(b, NULL), CANDOR_BUSY);
    assert_int_equal(candor_file_close(&a, NULL), CANDOR_OK); /* its map stays open */
    assert_int_equal(candor_file_try_lock(b, NULL), CANDOR_OK);
    candor_map_close(&map);
    candor_file_discard(b);
}

static void store_and_wait(const char *path)
{
    char sign[CANDOR_PATH_MAX + 8];
    candor_map map = {0};
    candor_file *f = open_file(path, CANDOR_OPEN_READ_WRITE);

    if (candor_file_allocate(f, 1 << 20, NULL) != CANDOR_OK ||
        candor_map_open(f, 1 << 20, true, &map, NULL) != CANDOR_OK)
        return;
    candor_map_touch(&map);
    memcpy(map.p + 100, "kept", 4);
    memcpy(map.p + (1 << 20) - 4, "last", 4);
    (void)snprintf(sign, sizeof sign, "%s.stored", path);
    put(sign, "");
    Sleep(INFINITE);
}

static void a_store_survives_the_kill_of_its_process(void **state)
{
    char path[CANDOR_PATH_MAX], sign[CANDOR_PATH_MAX];
    candor_buf b = {0};
    HANDLE other;
    (void)state;

    in_scratch("map.stored", sign);
    other = start("store", in_scratch("map", path));
    wait_for_file(sign);
    kill_process(other);
    assert_int_equal(candor_file_read_all(path, 1 << 20, &b, NULL), CANDOR_OK);
    assert_int_equal(b.n, 1 << 20);
    assert_memory_equal(b.p + 100, "kept", 4);
    assert_memory_equal(b.p + b.n - 4, "last", 4);
    candor_buf_free(&b);
}

static void a_map_keeps_within_its_file(void **state)
{
    char path[CANDOR_PATH_MAX], moved[CANDOR_PATH_MAX];
    candor_map map = {0}, reader = {0};
    candor_file *f;
    (void)state;

    f = open_file(in_scratch("small", path), CANDOR_OPEN_READ_WRITE);
    assert_int_equal(candor_map_open(f, 4096, true, &map, NULL), CANDOR_CORRUPT);
    assert_int_equal(candor_file_allocate(f, 4096, NULL), CANDOR_OK);
    assert_int_equal(candor_map_open(f, 4096, true, &map, NULL), CANDOR_OK);
    assert_int_equal(candor_map_open(f, 4096, false, &reader, NULL), CANDOR_OK);
    map.p[7] = 'x';
    assert_int_equal(reader.p[7], 'x');
    assert_int_equal(candor_map_sync(&map, 4000, 96, NULL), CANDOR_OK);
    assert_int_equal(candor_map_sync(&map, 4000, 97, NULL), CANDOR_INVALID);
    assert_int_equal(candor_rename(path, in_scratch("moved", moved), NULL), CANDOR_OK);
    candor_map_close(&map);
    candor_map_close(&reader);
    candor_map_close(&map);
    assert_int_equal(candor_unlink(moved, NULL), CANDOR_OK);
    candor_file_discard(f);
}

/* --- threads --------------------------------------------------------------------------------- */

static void set_flag(void *ctx)
{
    Sleep(50);
    candor_latch_open(ctx);
}

static void threads_run_and_latches_open(void **state)
{
    candor_latch *l = NULL;
    candor_thread *t = NULL;
    (void)state;

    assert_int_equal(candor_latch_new(&l), CANDOR_OK);
    assert_false(candor_latch_wait(l, 10));
    assert_int_equal(candor_thread_start("latch", set_flag, l, &t, NULL), CANDOR_OK);
    assert_true(candor_latch_wait(l, WAIT_MS));
    assert_true(candor_latch_wait(l, -1));
    candor_thread_join(&t);
    assert_null(t);
    candor_latch_free(l);
}

typedef struct counted {
    candor_mutex *mutex;
    int n;
} counted;

static void count_up(void *ctx)
{
    counted *c = ctx;

    for (int i = 0; i < 20000; i++) {
        candor_mutex_lock(c->mutex);
        c->n++;
        candor_mutex_unlock(c->mutex);
    }
}

static void a_mutex_excludes(void **state)
{
    candor_thread *threads[4] = {NULL};
    counted c = {0};
    (void)state;

    assert_int_equal(candor_mutex_new(&c.mutex), CANDOR_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(candor_thread_start("count", count_up, &c, &threads[i], NULL), CANDOR_OK);
    for (int i = 0; i < 4; i++)
        candor_thread_join(&threads[i]);
    assert_int_equal(c.n, 80000);
    candor_mutex_free(c.mutex);
}

/* Only a DLL runs anything after the other threads are dead: exit_library.c. */
static void exit_while_held(const char *path)
{
    bool (*begin)(const char *path);
    const HMODULE library = LoadLibraryW(L"exit_library.dll");
    const FARPROC found = library != NULL ? GetProcAddress(library, "begin") : (FARPROC)NULL;

    if (found == NULL) return;
    memcpy(&begin, &found, sizeof begin);
    if (begin(path)) ExitProcess(0);
}

static void a_mutex_of_a_dead_thread_does_not_keep_the_process(void **state)
{
    char path[CANDOR_PATH_MAX];
    HANDLE other;
    (void)state;

    other = start("exit", in_scratch("passed", path));
    assert_int_equal(WaitForSingleObject(other, WAIT_MS), WAIT_OBJECT_0);
    CloseHandle(other);
    assert_int_equal(candor_file_mtime(path, NULL, NULL, NULL), CANDOR_OK);
}

static bool is_readable(candor_waker *w)
{
    struct timeval none = {0};
    fd_set set;

    FD_ZERO(&set);
    FD_SET((SOCKET)candor_waker_handle(w), &set);
    return select(0, &set, NULL, NULL, &none) == 1;
}

static void a_wake_is_not_lost_and_reaches_the_handle(void **state)
{
    candor_waker *w = NULL;
    (void)state;

    assert_int_equal(candor_waker_new(&w, NULL), CANDOR_OK);
    candor_waker_sleep(w, 10);
    candor_waker_wake(w);
    candor_waker_wake(w);
    candor_waker_sleep(w, -1);
    candor_waker_wake(w); /* before there is a handle */
    for (int i = 0; i < WAIT_MS / 10 && !is_readable(w); i++)
        Sleep(10);
    assert_true(is_readable(w));
    candor_waker_clear(w);
    assert_false(is_readable(w));
    candor_waker_wake(w);
    for (int i = 0; i < WAIT_MS / 10 && !is_readable(w); i++)
        Sleep(10);
    assert_true(is_readable(w));
    candor_waker_sleep(w, -1); /* without a transfer the socket goes */
    assert_false(is_readable(w));
    candor_waker_free(w);
}

static void another_process_wakes_who_watches_the_file(void **state)
{
    char path[CANDOR_PATH_MAX], beside[CANDOR_PATH_MAX];
    candor_waker *w = NULL;
    HANDLE other;
    uint64_t before;
    (void)state;

    put(in_scratch("watched", path), "x");
    assert_int_equal(candor_waker_new(&w, NULL), CANDOR_OK);
    assert_true(candor_waker_watch(w, path));
    assert_false(candor_waker_watch(w, path));
    put(in_scratch("beside", beside), "not this one");
    before = candor_clock_mono_ns();
    candor_waker_sleep(w, 200);
    assert_true(candor_clock_mono_ns() - before >= 150000000u);
    other = start("announce", path);
    before = candor_clock_mono_ns();
    candor_waker_sleep(w, WAIT_MS);
    assert_true(candor_clock_mono_ns() - before < (uint64_t)WAIT_MS * 1000000u);
    assert_int_equal(WaitForSingleObject(other, WAIT_MS), WAIT_OBJECT_0);
    CloseHandle(other);
    candor_waker_free(w);
}

/* --- the machine ----------------------------------------------------------------------------- */

static void the_environment_is_the_one_of_now(void **state)
{
    char *value = NULL;
    (void)state;

    assert_true(SetEnvironmentVariableW(L"CANDOR_WINE", L"\x65e5\x672c"));
    assert_int_equal(candor_env_copy("CANDOR_WINE", &value), CANDOR_OK);
    assert_string_equal(value, "\xe6\x97\xa5\xe6\x9c\xac");
    free(value);
    assert_true(SetEnvironmentVariableW(L"CANDOR_WINE", NULL));
    assert_int_equal(candor_env_copy("CANDOR_WINE", &value), CANDOR_OK);
    assert_null(value);
}

static void an_app_has_a_folder_of_its_own_in_local_app_data(void **state)
{
    static const char *const names[][2] = {
        {"app", "C:\\data\\app\\telemetry"},        {"a:b", "C:\\data\\a%3Ab\\telemetry"},
        {"dot.", "C:\\data\\dot%2E\\telemetry"},    {"CON", "C:\\data\\CON%\\telemetry"},
        {"com1.x", "C:\\data\\com1.x%\\telemetry"}, {"console", "C:\\data\\console\\telemetry"},
    };
    char out[CANDOR_PATH_MAX];
    (void)state;

    assert_true(SetEnvironmentVariableW(L"LOCALAPPDATA", L"C:\\data"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(candor_data_dir(names[i][0], out, sizeof out, NULL), CANDOR_OK);
        assert_string_equal(out, names[i][1]);
    }
    assert_int_equal(candor_data_dir("..", out, sizeof out, NULL), CANDOR_INVALID);
    assert_int_equal(candor_data_dir("a\\b", out, sizeof out, NULL), CANDOR_INVALID);
    assert_true(SetEnvironmentVariableW(L"LOCALAPPDATA", L"not\\absolute"));
    assert_true(SetEnvironmentVariableW(L"USERPROFILE", L"C:\\me"));
    assert_int_equal(candor_data_dir("app", out, sizeof out, NULL), CANDOR_OK);
    assert_string_equal(out, "C:\\me\\AppData\\Local\\app\\telemetry");
}

static void clocks_zone_and_machine_answer(void **state)
{
    const int64_t now = candor_clock_unix_ms();
    const uint64_t mono = candor_clock_mono_ns();
    const int32_t offset = candor_clock_local_offset_s(now);
    char id[128];
    uint64_t bytes = 0;
    void *library = NULL;
    candor_status st = candor_machine_id(id, sizeof id, NULL);
    (void)state;

    assert_true(now > 1700000000000 && now < 4000000000000);
    assert_true(candor_clock_mono_ns() >= mono);
    assert_true(offset >= -14 * 3600 && offset <= 14 * 3600 && offset % 900 == 0);
    assert_string_equal(candor_platform_name(), "win32-x64");
    assert_true(st == CANDOR_NOTFOUND || (st == CANDOR_OK && strlen(id) >= 32));
    assert_int_equal(candor_disk_free(scratch, &bytes, NULL), CANDOR_OK);
    assert_true(bytes > 0);
    assert_int_equal(candor_library_open("none-of-that-name", 4, &library, NULL), CANDOR_NET);
    assert_int_equal(candor_process_id(), GetCurrentProcessId());
}

/* A pipe that nobody reads takes what it has room for and does not keep the writer. */
static void standard_output_is_written_without_waiting(void **state)
{
    char path[CANDOR_PATH_MAX], big[100000];
    const HANDLE real = GetStdHandle(STD_OUTPUT_HANDLE);
    HANDLE from = NULL, to = NULL;
    candor_file *f;
    size_t first = 0, second = 0;
    candor_status a, b, c;
    (void)state;

    memset(big, 'x', sizeof big);
    assert_true(CreatePipe(&from, &to, NULL, 4096));
    f = open_file(in_scratch("stdout", path), CANDOR_OPEN_READ_WRITE);
    SetStdHandle(STD_OUTPUT_HANDLE, to);
    a = candor_stdout_try_write(candor_bytes_of(big, sizeof big), &first, NULL);
    b = candor_stdout_try_write(candor_bytes_of(big, sizeof big), &second, NULL);
    SetStdHandle(STD_OUTPUT_HANDLE, candor_windows_handle(f));
    c = candor_stdout_try_write(CANDOR_LIT("line\n"), &second, NULL);
    SetStdHandle(STD_OUTPUT_HANDLE, real);
    CloseHandle(from);
    CloseHandle(to);
    candor_file_discard(f);
    assert_int_equal(a, CANDOR_OK);
    assert_int_equal(b, CANDOR_OK);
    assert_int_equal(c, CANDOR_OK);
    assert_true(first < sizeof big); /* Wine 8 always says that there is no room */
    assert_int_equal(second, 5);
    has(path, "line\n");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_may_be_long_and_of_any_script),
        cmocka_unit_test(what_is_not_a_file_is_refused),
        cmocka_unit_test(a_directory_lists_each_name_once),
        cmocka_unit_test(a_durable_write_replaces_what_a_reader_has_open),
        cmocka_unit_test(an_append_ends_a_torn_line_first),
        cmocka_unit_test(writes_in_append_mode_go_to_the_end),
        cmocka_unit_test(a_lock_excludes_and_goes_with_a_killed_process),
        cmocka_unit_test(two_handles_of_one_process_exclude_each_other),
        cmocka_unit_test(a_store_survives_the_kill_of_its_process),
        cmocka_unit_test(a_map_keeps_within_its_file),
        cmocka_unit_test(threads_run_and_latches_open),
        cmocka_unit_test(a_mutex_excludes),
        cmocka_unit_test(a_mutex_of_a_dead_thread_does_not_keep_the_process),
        cmocka_unit_test(a_wake_is_not_lost_and_reaches_the_handle),
        cmocka_unit_test(another_process_wakes_who_watches_the_file),
        cmocka_unit_test(the_environment_is_the_one_of_now),
        cmocka_unit_test(an_app_has_a_folder_of_its_own_in_local_app_data),
        cmocka_unit_test(clocks_zone_and_machine_answer),
        cmocka_unit_test(standard_output_is_written_without_waiting),
    };

    if (argc == 3) {
        if (strcmp(argv[1], "hold") == 0) hold_lock(argv[2]);
        if (strcmp(argv[1], "store") == 0) store_and_wait(argv[2]);
        if (strcmp(argv[1], "exit") == 0) exit_while_held(argv[2]);
        if (strcmp(argv[1], "announce") == 0) candor_file_announce(argv[2]);
        return 0;
    }
    if (argc != 2) return 2; /* a folder to work in */
    (void)snprintf(scratch, sizeof scratch, "%s", argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
