/* What a crash leaves of the JSONL sink, and what other tools make of its files. */
#include "central_lib/sink_fixture.h"

static const sink_case jsonl = {"jsonl", NULL, NULL, candor_sink_jsonl_open, true};

static const char *in_day(const sink_fixture *s, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/2026-09-21%s", s->url, name);
    return path;
}

static void append(const char *path, const char *text)
{
    FILE *f = fopen(path, "ab");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void a_torn_tail_is_dropped_and_the_rest_stays(void **state)
{
    sink_fixture *s = *state;
    put_turns(s, "u1", "m1", 0, 10, NOW);
    sink_close(s);
    append(in_day(s, "/events.jsonl.gz"), "half a member");
    append(in_day(s, "/events.ids"), "half a record of ids, cut off by a crash");
    sink_open(s);
    assert_int_equal(count_all(s), 10);
    assert_int_equal(put_turns(s, "u1", "m1", 5, 10, NOW), 5);
    sink_close(s);
    sink_open(s);
    assert_int_equal(count_all(s), 15);
    assert_int_equal(
        matching(s, (candor_event_filter){.to_ms = NOW * 2, .limit = 4, .scan_rows = 100}), 15);
}

static void lines_without_their_record_do_not_count(void **state)
{
    sink_fixture *s = *state;
    put_turns(s, "u1", "m1", 0, 10, NOW);
    put_turns(s, "u1", "m1", 10, 10, NOW);
    sink_close(s);
    assert_int_equal(truncate(in_day(s, "/events.ids"), 8 + 16 + 160 + 40), 0);
    sink_open(s);
    assert_int_equal(count_all(s), 10);
    assert_int_equal(put_turns(s, "u1", "m1", 0, 20, NOW), 10); /* sent again: stored again */
    assert_int_equal(count_all(s), 20);
}

static void a_swap_that_was_interrupted_is_finished_or_undone(void **state)
{
    sink_fixture *s = *state;
    char command[1200];
    put_turns(s, "u1", "m1", 0, 10, NOW);
    sink_close(s);
    snprintf(command, sizeof command, "cp -r %s/2026-09-21 %s/2026-09-21.new", s->url, s->url);
    assert_int_equal(system(command), 0); /* before the swap: the new folder may be unfinished */
    sink_open(s);
    assert_int_equal(access(in_day(s, ".new"), F_OK), -1);
    assert_int_equal(count_all(s), 10);
    sink_close(s);
    snprintf(command, sizeof command,
             "cd %s && cp -r 2026-09-21 2026-09-21.new && mv 2026-09-21 2026-09-21.old", s->url);
    assert_int_equal(system(command), 0); /* amid it */
    sink_open(s);
    assert_int_equal(access(in_day(s, ".new"), F_OK), -1);
    assert_int_equal(access(in_day(s, ".old"), F_OK), -1);
    assert_int_equal(count_all(s), 10);
}

static void zcat_reads_one_line_an_event(void **state)
{
    sink_fixture *s = *state;
    char command[700], line[1024] = "";
    unsigned n = 0;
    FILE *p;
    put_turns(s, "u1", "m1", 0, 3, NOW);
    put_turns(s, "u1", "m1", 3, 3000, NOW);
    snprintf(command, sizeof command, "zcat %s", in_day(s, "/events.jsonl.gz"));
    p = popen(command, "r");
    assert_non_null(p);
    while (fgets(line, sizeof line, p) != NULL) {
        assert_memory_equal(line, "{\"event_id\":\"", 13);
        n++;
    }
    assert_int_equal(pclose(p), 0);
    assert_int_equal(n, 3003);
}

static void a_second_collector_is_refused(void **state)
{
    sink_fixture *s = *state;
    const candor_sink_settings settings = sink_settings(s);
    candor_sink *other = NULL;
    candor_err err = {0};
    assert_int_equal(candor_sink_jsonl_open(&settings, &other, &err), CANDOR_BUSY);
    assert_non_null(strstr(err.text, "another collector writes to"));
}

static void files_of_another_version_are_refused(void **state)
{
    sink_fixture *s = *state;
    candor_err err = {0};
    uint64_t n = 0;
    FILE *f;
    put_turns(s, "u1", "m1", 0, 3, NOW);
    f = fopen(in_day(s, "/events.ids"), "r+b");
    assert_non_null(f);
    fputs("CNDRIDS9", f);
    fclose(f);
    assert_int_equal(s->sink->ops->count(s->reader, &n, &err), CANDOR_CORRUPT);
    assert_non_null(strstr(err.text, "is not of version 1"));
}

int main(void)
{
#define JSONL_TEST(name)                                                                           \
    {                                                                                              \
#name, name, sink_setup, sink_teardown, (void *)(uintptr_t)&jsonl                          \
    }
    const struct CMUnitTest tests[] = {
        JSONL_TEST(a_torn_tail_is_dropped_and_the_rest_stays),
        JSONL_TEST(lines_without_their_record_do_not_count),
        JSONL_TEST(a_swap_that_was_interrupted_is_finished_or_undone),
        JSONL_TEST(zcat_reads_one_line_an_event),
        JSONL_TEST(a_second_collector_is_refused),
        JSONL_TEST(files_of_another_version_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
