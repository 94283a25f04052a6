/* Shared maps. The source is included, to reach the fallback that new kernels never take. */
#include "plat/posix_map.c" // NOLINT

#include "plat/scratch.h"

#include <pthread.h>
#include <signal.h>

#define PAGES 64

static candor_file *file_of(const char *path, uint64_t size)
{
    candor_file *f = NULL;

    assert_int_equal(candor_file_open(path, CANDOR_OPEN_READ_WRITE, &f, NULL), CANDOR_OK);
    assert_int_equal(candor_file_allocate(f, size, NULL), CANDOR_OK);
    return f;
}

static candor_map map_of(const char *path, size_t size, bool writable)
{
    candor_file *f = file_of(path, size);
    candor_map m;

    assert_int_equal(candor_map_open(f, size, writable, &m, NULL), CANDOR_OK);
    candor_file_discard(f);
    return m;
}

static void a_store_is_in_the_file_and_in_other_maps(void **state)
{
    const char *path = scratch_path(*state, "m");
    candor_map a = map_of(path, 8192, true), b = map_of(path, 8192, false);
    candor_buf got = {0};

    memcpy(a.p + 5000, "hello", 5);
    assert_memory_equal(b.p + 5000, "hello", 5);
    assert_int_equal(candor_file_read_all(path, 8192, &got, NULL), CANDOR_OK);
    assert_memory_equal(got.p + 5000, "hello", 5);
    candor_buf_free(&got);
    candor_map_close(&a);
    candor_map_close(&b);
}

static void a_map_past_the_end_of_the_file_is_corrupt_not_a_fault(void **state)
{
    candor_file *f = file_of(scratch_path(*state, "m"), 4096);
    candor_map m;

    assert_int_equal(candor_map_open(f, 4097, true, &m, NULL), CANDOR_CORRUPT);
    assert_null(m.p);
    assert_int_equal(candor_map_open(f, 0, true, &m, NULL), CANDOR_INVALID);
    candor_file_discard(f);
}

static void a_file_opened_for_reading_cannot_be_mapped_for_writing(void **state)
{
    const char *path = scratch_path(*state, "m");
    candor_file *f = NULL;
    candor_map m;

    candor_file_discard(file_of(path, 4096));
    assert_int_equal(candor_file_open(path, CANDOR_OPEN_READ, &f, NULL), CANDOR_OK);
    assert_int_equal(candor_map_open(f, 4096, true, &m, NULL), CANDOR_DENIED);
    assert_int_equal(candor_map_open(f, 4096, false, &m, NULL), CANDOR_OK);
    candor_map_touch(&m);
    candor_map_close(&m);
    candor_file_discard(f);
}

static void sync_refuses_what_lies_outside(void **state)
{
    candor_map m = map_of(scratch_path(*state, "m"), 10000, true);
    candor_map none = {0};

    memset(m.p, 'x', m.n);
    assert_int_equal(candor_map_sync(&m, 0, m.n, NULL), CANDOR_OK);
    assert_int_equal(candor_map_sync(&m, 9999, 1, NULL), CANDOR_OK);
    assert_int_equal(candor_map_sync(&m, m.n, 0, NULL), CANDOR_OK);
    assert_int_equal(candor_map_sync(&m, m.n, 1, NULL), CANDOR_INVALID);
    assert_int_equal(candor_map_sync(&m, 1, SIZE_MAX, NULL), CANDOR_INVALID);
    assert_int_equal(candor_map_sync(&m, m.n + 1, 0, NULL), CANDOR_INVALID);
    assert_int_equal(candor_map_sync(&none, 0, 0, NULL), CANDOR_INVALID);
    candor_map_close(&m);
}

static void close_leaves_the_map_zeroed_and_takes_it_again(void **state)
{
    candor_map m = map_of(scratch_path(*state, "m"), 4096, true);

    candor_map_close(&m);
    assert_null(m.p);
    assert_int_equal(m.n, 0);
    candor_map_close(&m);
    candor_map_touch(&m);
}

static void touch_makes_pages_present_and_keeps_their_bytes(void **state)
{
    const size_t page = page_size();
    candor_map m = map_of(scratch_path(*state, "m"), PAGES * page, true);

    m.p[3 * page] = 7;
    candor_map_touch(&m);
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(m.p[i * page], i == 3 ? 7 : 0);
    touch_writable(&m, 0, m.n, page);
    touch_readable(&m, 0, m.n, page);
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(m.p[i * page], i == 3 ? 7 : 0);
    candor_map_close(&m);
}

/* A minor fault would show in getrusage(2), but whether a touch faulted is told by the page table:
 * /proc/self/pagemap has bit 63 for "present" (Documentation/admin-guide/mm/pagemap.rst). */
static bool is_present(const void *p)
{
    uint64_t entry = 0;
    FILE *f = fopen("/proc/self/pagemap", "rb");
    bool ok = f != NULL && fseek(f, (long)((uintptr_t)p / page_size() * 8), SEEK_SET) == 0 &&
              fread(&entry, sizeof entry, 1, f) == 1;

    if (f != NULL) (void)fclose(f);
    assert_true(ok);
    return entry >> 63 != 0;
}

static void touch_fills_the_page_table(void **state)
{
    const size_t page = page_size();
    const char *path = scratch_path(*state, "m");
    candor_map m = map_of(path, PAGES * page, true);

    assert_false(is_present(m.p + 40 * page));
    candor_map_touch(&m);
    for (size_t i = 0; i < PAGES; i++)
        assert_true(is_present(m.p + i * page));
    candor_map_close(&m);
    m = map_of(path, PAGES * page, true);
    touch_writable(&m, 0, m.n, page);
    for (size_t i = 0; i < PAGES; i++)
        assert_true(is_present(m.p + i * page));
    candor_map_close(&m);
}

typedef struct writer {
    candor_map *m;
    size_t page;
    atomic_bool *stop;
    atomic_bool running;
    unsigned rounds;
} writer;

static void *count_in_every_page(void *arg)
{
    writer *w = arg;

    atomic_store(&w->running, true);
    do {
        for (size_t at = 0; at < w->m->n; at += w->page)
            atomic_fetch_add((_Atomic unsigned char *)(w->m->p + at), 1);
        w->rounds++;
    } while (!atomic_load(w->stop));
    return NULL;
}

static void touch_of_a_part_leaves_the_rest_alone(void **state)
{
    const size_t page = page_size();
    candor_map m = map_of(scratch_path(*state, "m"), PAGES * page, true);

    candor_map_touch_part(&m, 32 * page + 5, 2 * page);
    assert_true(is_present(m.p + 32 * page));
    assert_true(is_present(m.p + 34 * page));
    assert_false(is_present(m.p + 60 * page));
    candor_map_touch_part(&m, m.n - 1, SIZE_MAX);
    candor_map_touch_part(&m, m.n, 1);
    assert_true(is_present(m.p + m.n - 1));
    candor_map_close(&m);
}

static void touch_never_loses_another_writers_store(void **state)
{
    const size_t page = page_size();
    candor_map m = map_of(scratch_path(*state, "m"), page, true); /* one byte, fought over */
    atomic_bool stop = false;
    writer w = {.m = &m, .page = page, .stop = &stop};
    pthread_t t;

    assert_int_equal(pthread_create(&t, NULL, count_in_every_page, &w), 0);
    while (!atomic_load(&w.running))
        touch_writable(&m, 0, m.n, page);
    for (int i = 0; i < 1000000; i++)
        touch_writable(&m, 0, m.n, page);
    atomic_store(&stop, true);
    pthread_join(t, NULL);
    assert_int_equal(m.p[0], (unsigned char)w.rounds);
    candor_map_close(&m);
}

static void a_store_survives_the_kill_of_its_process(void **state)
{
    const char *path = scratch_path(*state, "m");
    candor_buf got = {0};
    int status = 0;
    pid_t pid;

    candor_file_discard(file_of(path, 4096));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        candor_map m = map_of(path, 4096, true);
        memcpy(m.p, "accepted", 8);
        (void)raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(candor_file_read_all(path, 4096, &got, NULL), CANDOR_OK);
    assert_memory_equal(got.p, "accepted", 8);
    candor_buf_free(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_store_is_in_the_file_and_in_other_maps),
        SCRATCH_TEST(a_map_past_the_end_of_the_file_is_corrupt_not_a_fault),
        SCRATCH_TEST(a_file_opened_for_reading_cannot_be_mapped_for_writing),
        SCRATCH_TEST(sync_refuses_what_lies_outside),
        SCRATCH_TEST(close_leaves_the_map_zeroed_and_takes_it_again),
        SCRATCH_TEST(touch_makes_pages_present_and_keeps_their_bytes),
        SCRATCH_TEST(touch_fills_the_page_table),
        SCRATCH_TEST(touch_of_a_part_leaves_the_rest_alone),
        SCRATCH_TEST(touch_never_loses_another_writers_store),
        SCRATCH_TEST(a_store_survives_the_kill_of_its_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
