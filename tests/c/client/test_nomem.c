/* Memory that runs out: each allocation of a client's life fails once, and from each on all of them
 * fail. The client may refuse and count, it may not crash, leak, hang, or lose what it has
 * accepted.
 *
 * malloc, calloc and realloc of our own code are wrapped by the linker (CMakeLists.txt); those of
 * SQLite go through its own hook. CANDOR_NOMEM_AT=n runs that one alone. */
#include "client/client_test.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/gzip.h"

#define EVENTS 8 /* emitted before and again after the flush */

/* --- the allocators ----------------------------------------------------------------------------
 */

static atomic_bool sqlite_too;             /* its calls count as well */
static atomic_uint calls;                  /* since the last arm */
static atomic_uint fail_from, fail_before; /* calls that fail; 0, 0: none */

static bool fails(void)
{
    unsigned n = atomic_fetch_add(&calls, 1) + 1;
    return n >= atomic_load(&fail_from) && n < atomic_load(&fail_before);
}

static void arm(unsigned from, unsigned before)
{
    atomic_store(&fail_before, 0);
    atomic_store(&calls, 0);
    atomic_store(&fail_from, from);
    atomic_store(&fail_before, before);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

static sqlite3_mem_methods sqlite_own;

static void *sqlite_malloc(int n)
{
    return atomic_load(&sqlite_too) && fails() ? NULL : sqlite_own.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
    return atomic_load(&sqlite_too) && fails() ? NULL : sqlite_own.xRealloc(p, n);
}

static void hook_sqlite(void)
{
    sqlite3_mem_methods m;
    (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_own);
    m = sqlite_own;
    m.xMalloc = sqlite_malloc;
    m.xRealloc = sqlite_realloc;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &m);
}

/* --- one life ----------------------------------------------------------------------------------
 */

typedef struct life {
    const char *dir;
    candor_buf options; /* made before memory runs out */
    answer flushed;
    unsigned kept;
} life;

static void emit_some(life *l, candor_client *c)
{
    for (int i = 0; i < EVENTS; i++) {
        candor_emit_result r = candor_emit(
            c, CANDOR_LIT("Ping"), CANDOR_LIT("{\"n\":7,\"note\":\"text\"}"), CANDOR_LIT("c-1"));
        l->kept += r == CANDOR_EMIT_KEPT ? 1 : 0;
    }
}

static void ask(candor_client *c)
{
    candor_buf b = {0};
    if (candor_status_json(c, &b, NULL) == CANDOR_OK) assert_true(b.n > 2 && b.p[0] == '{');
    candor_buf_clear(&b);
    if (candor_stats_json(c, 0, &b, NULL) == CANDOR_OK) assert_true(b.n > 2 && b.p[0] == '{');
    candor_buf_clear(&b);
    (void)!candor_preview(c, &b, NULL);
    candor_buf_clear(&b);
    if (candor_ledger_json(c, 10, &b, NULL) == CANDOR_OK)
        assert_true(candor_bytes_eq(candor_buf_bytes(&b), CANDOR_LIT("{\"entries\":[]}")));
    candor_buf_free(&b);
}

static void live(life *l)
{
    candor_client *c = NULL;
    candor_err err = {0};
    candor_status st = candor_open(candor_buf_bytes(&l->options), schema_bytes(), &c, &err);
    if (st != CANDOR_OK) {
        assert_int_equal(st, CANDOR_NOMEM);
        assert_null(c);
        return;
    }
    emit_some(l, c);
    candor_flush(c, on_answer, &l->flushed);
    assert_true(candor_latch_wait(l->flushed.latch, WAIT_MS)); /* answered, whatever the answer */
    assert_int_equal(l->flushed.calls, 1);
    emit_some(l, c);
    ask(c);
    candor_close(c, 10000);
}

/* --- what is left of it ------------------------------------------------------------------------
 */

static unsigned lines_of(const char *path)
{
    candor_buf packed = {0}, text = {0};
    unsigned n = 0;
    assert_int_equal(candor_file_read_all(path, 1 << 20, &packed, NULL), CANDOR_OK);
    assert_int_equal(candor_gunzip(candor_buf_bytes(&packed), 1 << 20, &text, NULL, 0, NULL),
                     CANDOR_OK);
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n' ? 1 : 0;
    candor_buf_free(&packed);
    candor_buf_free(&text);
    return n;
}

static unsigned spooled(const char *dir)
{
    char folder[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX];
    unsigned n = 0;
    DIR *d = opendir(in_dir(dir, "spool", folder));
    if (d == NULL) return 0;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (strstr(e->d_name, ".jsonl.gz") != NULL) n += lines_of(in_dir(folder, e->d_name, path));
    closedir(d);
    return n;
}

/* With memory again: the next client of the directory finds everything that was accepted, once. */
static void assert_nothing_lost(const life *l, unsigned at)
{
    answer a;
    candor_client *c = open_with(l->dir, "");
    assert_int_equal(ping(c, 1), CANDOR_EMIT_KEPT);
    assert_int_equal(flush(c, &a), CANDOR_OK);
    candor_close(c, 10000);
    unsigned found = spooled(l->dir);
    if (found != l->kept + 1) fail_msg("call %u: accepted %u, found %u", at, l->kept + 1, found);
    assert_int_equal(count_files(l->dir, "journal", NULL), 0);
}

/* How many allocations there were. */
static unsigned run_life(const char *dir, unsigned from, unsigned before)
{
    life l = {.dir = dir};
    unsigned n;
    answer_init(&l.flushed);
    candor_buf_putf(&l.options,
                    "{\"app\":\"testapp\",\"directory\":\"%s\",\"mode\":\"manual\","
                    "\"batchEvents\":1000,\"batchIntervalMs\":3600000,\"minFreeDiskBytes\":0,"
                    "\"notice\":\"none\"}",
                    dir);
    arm(from, before);
    live(&l);
    n = atomic_load(&calls);
    arm(0, 0);
    candor_latch_free(l.flushed.latch);
    candor_buf_free(&l.options);
    assert_nothing_lost(&l, from);
    remove_tree(dir);
    return n;
}

/* Calls in turn, until a life has fewer; where there are many, about as many as lives, evenly
 * spread. span: how many fail, from each on. */
static void each_call(const char *parent, unsigned span, unsigned lives)
{
    const char *one = getenv("CANDOR_NOMEM_AT");
    char dir[CANDOR_PATH_MAX];
    (void)in_dir(parent, "spool-of-it", dir);
    const unsigned all = run_life(dir, 0, 0), stride = all / lives + 1;
    unsigned n = one != NULL ? (unsigned)strtoul(one, NULL, 10) : 1, total;
    do {
        unsigned before = span < UINT_MAX - n ? n + span : UINT_MAX;
        total = run_life(dir, n, before);
        n += stride;
    } while (one == NULL && n - stride <= total); /* else it never came to that call */
    print_message("%u calls, each of %u\n", all, stride);
}

static void one_failed_allocation_loses_nothing_that_was_accepted(void **state)
{
    each_call(*state, 1, UINT_MAX);
}

static void memory_that_is_gone_for_good_loses_nothing_that_was_accepted(void **state)
{
    each_call(*state, UINT_MAX, UINT_MAX);
}

static void nor_does_one_that_fails_in_sqlite(void **state)
{
    atomic_store(&sqlite_too, true);
    each_call(*state, 1, 40);
    atomic_store(&sqlite_too, false);
}

static void nor_does_memory_that_is_gone_in_sqlite(void **state)
{
    atomic_store(&sqlite_too, true);
    each_call(*state, UINT_MAX, 40);
    atomic_store(&sqlite_too, false);
}

/* Where there is a folder in memory, no life waits for a disk: none of them is about power cuts. */
static int memory_setup(void **state)
{
    char *dir = strdup(access("/dev/shm", W_OK) == 0 ? "/dev/shm/candor-nomem-XXXXXX"
                                                     : "/tmp/candor-nomem-XXXXXX");
    clear_environment();
    *state = mkdtemp(dir);
    return *state == NULL;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, memory_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(one_failed_allocation_loses_nothing_that_was_accepted),
        CASE(memory_that_is_gone_for_good_loses_nothing_that_was_accepted),
        CASE(nor_does_one_that_fails_in_sqlite),
        CASE(nor_does_memory_that_is_gone_in_sqlite),
    };
    hook_sqlite();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
