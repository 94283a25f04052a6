/* Shared by the client's tests: a scratch directory, a small schema, calls that wait for the
 * worker. */
#ifndef CANDOR_TEST_CLIENT_H
#define CANDOR_TEST_CLIENT_H

#include "net/server.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "candor.h"
#include "client/client.h"
#include "client/consent.h"
#include "client/recover.h"

#define WAIT_MS 20000 /* a bound for a broken build, never a measure */

static const char test_schema[] =
    "{\"schema\":\"test\",\"version\":1,\"notice\":1,\"governance_id\":\"T-1\",\"events\":{"
    "\"Ping\":{\"category\":\"test\",\"level\":\"usage\",\"owner\":\"test\",\"expires\":\"2099-01-"
    "01\","
    "\"purpose\":\"test\",\"fields\":{\"n\":{\"kind\":\"int\",\"min\":0,\"max\":1000000000},"
    "\"note\":{\"kind\":\"text\",\"maxLength\":8192}}},"
    "\"Rare\":{\"category\":\"test\",\"level\":\"usage\",\"owner\":\"test\",\"expires\":\"2099-01-"
    "01\","
    "\"purpose\":\"test\",\"sample\":0,\"fields\":{\"n\":{\"kind\":\"int\",\"min\":0,\"max\":9}}}}"
    "}";

static inline candor_bytes schema_bytes(void)
{
    return candor_bytes_str(test_schema);
}

static inline void clear_environment(void)
{
    static const char *const names[] = {"DO_NOT_TRACK",       "TELEMETRY_ENABLED",
                                        "TELEMETRY_ENDPOINT", "TELEMETRY_TOKEN",
                                        "TELEMETRY_USER_ID",  "HTTP_PROXY",
                                        "http_proxy",         "HTTPS_PROXY",
                                        "https_proxy",        "TELEMETRY_FULL_CONTENT"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

/* --- scratch directory --- */
static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    (void)f;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int scratch_setup(void **state)
{
    char *dir = strdup("/tmp/candor-client-XXXXXX");
    clear_environment();
    *state = mkdtemp(dir);
    return *state == NULL;
}

static inline int scratch_teardown(void **state)
{
    remove_tree(*state);
    free(*state);
    return 0;
}

static inline char *in_dir(const char *dir, const char *name, char out[CANDOR_PATH_MAX])
{
    assert_int_equal(candor_path_join(dir, name, out, CANDOR_PATH_MAX, NULL), CANDOR_OK);
    return out;
}

/* Entries of dir/name; 0 when there is no such directory. last (may be NULL) receives one's path.
 */
static inline unsigned count_files(const char *dir, const char *name, char last[CANDOR_PATH_MAX])
{
    char path[CANDOR_PATH_MAX];
    DIR *d = opendir(in_dir(dir, name, path));
    unsigned n = 0;
    if (d == NULL) return 0;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        n++;
        if (last != NULL) (void)in_dir(path, e->d_name, last);
    }
    closedir(d);
    return n;
}

static inline void put_file(const char *dir, const char *name, const char *text)
{
    char path[CANDOR_PATH_MAX];
    FILE *f = fopen(in_dir(dir, name, path), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline void age_file(const char *dir, const char *name, int days)
{
    char path[CANDOR_PATH_MAX];
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    times[1].tv_sec = (time_t)(candor_clock_unix_ms() / 1000) - (time_t)days * 86400;
    times[1].tv_nsec = 0;
    assert_int_equal(utimensat(AT_FDCWD, in_dir(dir, name, path), times, 0), 0);
}

static inline bool file_exists(const char *dir, const char *name)
{
    char path[CANDOR_PATH_MAX];
    return access(in_dir(dir, name, path), F_OK) == 0;
}

static inline void make_subdir(const char *dir, const char *name)
{
    char path[CANDOR_PATH_MAX];
    assert_int_equal(candor_dir_create(in_dir(dir, name, path), NULL), CANDOR_OK);
}

/* --- clients --- */
/* extra: further options as JSON members, beginning with a comma, or "". Batches and rounds happen
 * only when asked for, so that a test decides what happens when. */
static inline candor_client *open_with(const char *dir, const char *extra)
{
    candor_buf options = {0};
    candor_client *c = NULL;
    candor_err err = {0};
    candor_buf_putf(
        &options,
        "{\"app\":\"testapp\",\"directory\":\"%s\",\"mode\":\"manual\",\"batchEvents\":1000,"
        "\"batchIntervalMs\":3600000,\"minFreeDiskBytes\":0,\"notice\":\"none\"%s}",
        dir, extra);
    candor_status st = candor_open(candor_buf_bytes(&options), schema_bytes(), &c, &err);
    candor_buf_free(&options);
    if (st != CANDOR_OK) fail_msg("candor_open: %s", err.text);
    return c;
}

static inline candor_emit_result ping(candor_client *c, int n)
{
    char payload[64];
    (void)snprintf(payload, sizeof payload, "{\"n\":%d}", n);
    return candor_emit(c, CANDOR_LIT("Ping"), candor_bytes_str(payload), CANDOR_LIT(""));
}

static inline void ping_many(candor_client *c, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(ping(c, i), CANDOR_EMIT_KEPT);
}

typedef struct answer {
    candor_latch *latch;
    candor_status status;
    unsigned calls;
    char json[4096];
} answer;

static inline void on_answer(void *ctx, candor_status st, candor_bytes json)
{
    answer *a = ctx;
    a->status = st;
    a->calls++;
    size_t n = json.n < sizeof a->json - 1 ? json.n : sizeof a->json - 1;
    if (n != 0) memcpy(a->json, json.p, n);
    a->json[n] = '\0';
    candor_latch_open(a->latch);
}

static inline void answer_init(answer *a)
{
    memset(a, 0, sizeof *a);
    assert_int_equal(candor_latch_new(&a->latch), CANDOR_OK);
}

static inline candor_status answer_wait(answer *a)
{
    assert_true(candor_latch_wait(a->latch, WAIT_MS));
    candor_latch_free(a->latch);
    assert_int_equal(a->calls, 1);
    return a->status;
}

static inline candor_status flush(candor_client *c, answer *a)
{
    answer_init(a);
    candor_flush(c, on_answer, a);
    return answer_wait(a);
}

static inline candor_status upload(candor_client *c, answer *a)
{
    answer_init(a);
    candor_upload(c, on_answer, a);
    return answer_wait(a);
}

static inline candor_status purge(candor_client *c, answer *a)
{
    answer_init(a);
    candor_purge(c, on_answer, a);
    return answer_wait(a);
}

static inline candor_status set_enabled(candor_client *c, bool on, candor_consent_source source,
                                        answer *a)
{
    answer_init(a);
    candor_set_enabled(c, on, source, on_answer, a);
    return answer_wait(a);
}

static inline candor_status set_level(candor_client *c, candor_privacy level,
                                      candor_consent_source source, answer *a)
{
    answer_init(a);
    candor_set_level(c, level, source, on_answer, a);
    return answer_wait(a);
}

/* --- a worker that stands still in a callback between begin and the opening of go --- */
typedef struct pause_point {
    candor_latch *reached, *go;
} pause_point;

static inline void pause_worker(void *ctx, candor_status st, candor_bytes json)
{
    pause_point *p = ctx;
    (void)st;
    (void)json;
    candor_latch_open(p->reached);
    (void)candor_latch_wait(p->go, WAIT_MS);
}

static inline void pause_begin(candor_client *c, pause_point *p)
{
    assert_int_equal(candor_latch_new(&p->reached), CANDOR_OK);
    assert_int_equal(candor_latch_new(&p->go), CANDOR_OK);
    candor_flush(c, pause_worker, p);
    assert_true(candor_latch_wait(p->reached, WAIT_MS));
}

static inline void pause_free(pause_point *p)
{
    candor_latch_free(p->reached);
    candor_latch_free(p->go);
}

/* --- reading JSON: the number or text behind "key": at its first place after `within` --- */
static inline const char *json_at(const char *json, const char *within, const char *key)
{
    char needle[64];
    const char *p = within != NULL ? strstr(json, within) : json;
    (void)snprintf(needle, sizeof needle, "\"%s\":", key);
    p = p != NULL ? strstr(p, needle) : NULL;
    if (p == NULL) fail_msg("no %s in %s", key, json);
    return p + strlen(needle);
}

static inline long long json_number(const char *json, const char *within, const char *key)
{
    return strtoll(json_at(json, within, key), NULL, 10);
}

static inline char *status_text(candor_client *c)
{
    candor_buf b = {0};
    candor_err err = {0};
    assert_int_equal(candor_status_json(c, &b, &err), CANDOR_OK);
    candor_buf_put_c(&b, '\0');
    return b.p;
}

static inline long long status_number(candor_client *c, const char *within, const char *key)
{
    char *text = status_text(c);
    long long n = json_number(text, within, key);
    free(text);
    return n;
}

static inline bool status_has(candor_client *c, const char *what)
{
    char *text = status_text(c);
    bool found = strstr(text, what) != NULL;
    if (!found) print_message("not in status: %s\n%s\n", what, text);
    free(text);
    return found;
}

static inline void session_of(candor_client *c, char out[64])
{
    char *text = status_text(c);
    (void)snprintf(out, 64, "%.36s", json_at(text, NULL, "session_id") + 1);
    free(text);
}

#endif
