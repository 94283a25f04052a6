/* What an export leaves behind when it is killed, and the upload of a package while another process
 * uploads. */
#include "client/client_test.h"

#include "client/export_temp.h"

#define UUID "01a1fdb8-9a0d-708b-a500-ea7ada5fd58b"

static candor_status export_to(candor_client *c, const char *path, answer *a)
{
    answer_init(a);
    candor_export(c, path, 0, on_answer, a);
    return answer_wait(a);
}

static void a_sweep_takes_what_nobody_holds_and_is_named_so(void **state)
{
    char path[CANDOR_PATH_MAX], held_path[CANDOR_PATH_MAX];
    candor_file *held = NULL;
    (void)in_dir(*state, "p.json", path);
    put_file(*state, "p.json." UUID ".tmp", "left by a killed process");
    put_file(*state, "p.json", "a package");
    put_file(*state, "p.json." UUID ".tmp.bak", "foreign");
    put_file(*state, "p.json.x.tmp", "foreign");
    put_file(*state, "q.json." UUID ".tmp", "of another path");
    assert_int_equal(candor_export_temp_open(path, &held, held_path, NULL), CANDOR_OK);
    candor_export_temp_sweep(path);
    assert_false(file_exists(*state, "p.json." UUID ".tmp"));
    assert_int_equal(access(held_path, F_OK), 0); /* its process lives */
    assert_int_equal(count_files(*state, ".", NULL), 5);
    candor_file_discard(held);
    candor_export_temp_sweep(path);
    assert_int_not_equal(access(held_path, F_OK), 0);
    assert_int_equal(count_files(*state, ".", NULL), 4);
}

static void a_path_without_a_directory_is_swept_where_the_process_stands(void **state)
{
    char before[CANDOR_PATH_MAX];
    assert_non_null(getcwd(before, sizeof before));
    put_file(*state, "p.json." UUID ".tmp", "left");
    assert_int_equal(chdir(*state), 0);
    candor_export_temp_sweep("p.json");
    assert_int_equal(chdir(before), 0);
    assert_int_equal(count_files(*state, ".", NULL), 0);
}

static void the_next_export_deletes_what_a_killed_one_left(void **state)
{
    char path[CANDOR_PATH_MAX], dir[CANDOR_PATH_MAX];
    answer a;
    candor_client *c = open_with(in_dir(*state, "spool", dir), "");
    make_subdir(*state, "out");
    put_file(*state, "out/p.json." UUID ".tmp", "left by a killed process");
    ping_many(c, 3);
    assert_int_equal(export_to(c, in_dir(*state, "out/p.json", path), &a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "events"), 3);
    assert_int_equal(count_files(*state, "out", NULL), 1);
    candor_close(c, 100);
}

static void wait_for_turns(candor_client *c, uint64_t n)
{
    uint64_t end = candor_clock_mono_ns() + WAIT_MS * 1000000ull, to = candor_worker_turns(c) + n;
    candor_waker *pause = NULL;
    assert_int_equal(candor_waker_new(&pause, NULL), CANDOR_OK);
    while (candor_worker_turns(c) < to) {
        assert_true(candor_clock_mono_ns() < end);
        candor_waker_sleep(pause, 5);
    }
    candor_waker_free(pause);
}

static void a_package_that_waits_for_another_round_is_not_read_again(void **state)
{
    static const char reply[] = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
                                "Content-Length: 42\r\n\r\n"
                                "{\"accepted\":3,\"duplicates\":0,\"rejected\":0}";
    server s = {.reply = reply};
    char path[CANDOR_PATH_MAX], kept[CANDOR_PATH_MAX], lock[CANDOR_PATH_MAX], extra[128];
    candor_file *leader = NULL;
    answer a;
    server_start(&s);
    (void)snprintf(extra, sizeof extra, ",\"endpoint\":\"http://127.0.0.1:%u\"", s.port);
    candor_client *c = open_with(*state, extra);
    ping_many(c, 3);
    assert_int_equal(export_to(c, in_dir(*state, "p.json", path), &a), CANDOR_OK);
    assert_int_equal(candor_file_open(in_dir(*state, "leader.lock", lock), CANDOR_OPEN_READ_WRITE,
                                      &leader, NULL),
                     CANDOR_OK);
    assert_int_equal(candor_file_try_lock(leader, NULL), CANDOR_OK);
    answer_init(&a);
    candor_upload_with(c, &(candor_upload_options){.file = path}, on_answer, &a);
    wait_for_turns(c, 3); /* read, and asked for the lead in vain */
    assert_int_equal(rename(path, in_dir(*state, "kept.json", kept)), 0);
    put_file(*state, "p.json", "no package");
    wait_for_turns(c, 3);
    assert_int_equal(rename(kept, path), 0);
    candor_file_discard(leader);
    assert_int_equal(answer_wait(&a), CANDOR_OK);
    assert_int_equal(json_number(a.json, NULL, "uploaded"), 1);
    candor_close(c, 100);
    server_stop(&s);
    candor_buf_free(&s.last);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(a_sweep_takes_what_nobody_holds_and_is_named_so),
        WITH_DIR(a_path_without_a_directory_is_swept_where_the_process_stands),
        WITH_DIR(the_next_export_deletes_what_a_killed_one_left),
        WITH_DIR(a_package_that_waits_for_another_round_is_not_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
