/* Shared by the tests of roll-ups: a schema with one, clocks that the test turns, segments of dead
 * processes, and what the spool holds. */
#ifndef CANDOR_TEST_ROLLUP_H
#define CANDOR_TEST_ROLLUP_H

#include "client/client_test.h"

#include "base/gzip.h"
#include "client/rollup.h"
#include "client/state_sql.h"

#define DAY    86400000LL
#define HOUR   3600000LL
#define NOON   (20000 * DAY + 12 * HOUR) /* 2024-10-04T12:00:00Z */
#define MIN_NS 60000000000ull

#define TEST_EVENT                                                                                 \
    "\"category\":\"test\",\"level\":\"usage\",\"owner\":\"test\",\"expires\":\"2099-01-01\","     \
    "\"purpose\":\"test\""
static const char rollup_schema[] =
    "{\"schema\":\"test\",\"version\":1,\"notice\":1,\"governance_id\":\"T-1\",\"events\":{"
    "\"Ping\":{" TEST_EVENT ",\"fields\":{\"n\":{\"kind\":\"int\"}}},"
    "\"Tool\":{" TEST_EVENT ",\"rollup\":{\"into\":\"Sum\",\"set\":{\"tool\":\"name\",\"by\":"
    "\"client\"},\"errors\":{\"field\":\"ok\",\"equals\":false}},\"fields\":{"
    "\"name\":{\"kind\":\"id\"},\"ok\":{\"kind\":\"bool\"},"
    "\"client\":{\"kind\":\"enum\",\"values\":[\"cli\"],\"other\":\"rest\"}}},"
    "\"Sum\":{" TEST_EVENT ",\"fields\":{\"day\":{\"kind\":\"time\"},\"by\":{\"kind\":\"enum\","
    "\"values\":[\"cli\"],\"other\":\"rest\"},\"tool\":{\"kind\":\"id\"},\"count\":{\"kind\":"
    "\"int\"},\"errors\":{\"kind\":\"int\"}}}}}";

/* --- clocks --- */
typedef struct fake_clock {
    int64_t now;
    uint64_t mono;
    int32_t offset_s;
    int64_t changes_at; /* from this UTC time on, offset_then_s holds; 0: never */
    int32_t offset_then_s;
} fake_clock;

static inline int64_t fake_unix_ms(void *ctx)
{
    return ((fake_clock *)ctx)->now;
}

static inline uint64_t fake_mono_ns(void *ctx)
{
    return ((fake_clock *)ctx)->mono;
}

static inline int32_t fake_offset_s(void *ctx, int64_t unix_ms)
{
    const fake_clock *f = ctx;
    return f->changes_at != 0 && unix_ms >= f->changes_at ? f->offset_then_s : f->offset_s;
}

static inline void pass(fake_clock *f, int64_t minutes)
{
    f->now += minutes * 60000;
    f->mono += (uint64_t)minutes * MIN_NS;
}

/* --- a process: its store, at these clocks --- */
typedef struct process {
    candor_store store;
    candor_settings settings;
    candor_schema *schema;
    _Atomic bool stop;
} process;

#define CONTEXT                                                                                    \
    "\"session_id\":\"s\",\"user_id\":\"u\",\"machine_id\":\"m\",\"app\":\"testapp\","             \
    "\"app_version\":\"1\",\"platform\":\"linux-x64\""

static inline void process_open(process *p, const char *dir, fake_clock *f)
{
    memset(p, 0, sizeof *p);
    candor_bytes options = CANDOR_LIT("{\"app\":\"testapp\",\"minFreeDiskBytes\":0}");
    assert_int_equal(candor_settings_read(options, &p->settings, NULL), CANDOR_OK);
    assert_int_equal(
        candor_schema_compile(candor_bytes_str(rollup_schema), "test", &p->schema, NULL),
        CANDOR_OK);
    assert_int_equal(candor_store_open(&p->store, &p->settings, &p->stop, dir, NULL), CANDOR_OK);
    p->store.rollups.clock = (candor_rollup_clock){fake_unix_ms, fake_mono_ns, fake_offset_s, f};
    candor_rollups_attach(&p->store, p->schema, CANDOR_LIT(CONTEXT));
}

static inline void process_recover(process *p)
{
    candor_recovered found;
    candor_recover(&p->store, &found);
    candor_rollups_look(&p->store);
}

static inline void process_close(process *p)
{
    candor_store_close(&p->store);
    candor_settings_free(&p->settings);
    candor_schema_free(p->schema);
}

/* --- what a dead process left --- */
typedef struct dead {
    candor_segment *segment;
    candor_id_source ids;
    uint64_t seq;
} dead;

static inline dead dead_process(const char *dir)
{
    dead d = {0};
    char journal[CANDOR_PATH_MAX];
    const candor_segment_info info = {
        .schema_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .context_json = CANDOR_LIT(CONTEXT)};
    assert_int_equal(candor_dir_create(in_dir(dir, "journal", journal), NULL), CANDOR_OK);
    assert_int_equal(candor_segment_create(journal, 1 << 20, &info, &d.segment, NULL), CANDOR_OK);
    assert_int_equal(candor_id_source_init(&d.ids), CANDOR_OK);
    return d;
}

static inline void left(dead *d, const char *type, int64_t ts_ms, const char *payload)
{
    candor_buf body;
    candor_record r = {.seq = ++d->seq, .type = candor_bytes_str(type), .ts_ms = ts_ms};
    candor_id_source_next(&d->ids, (uint64_t)ts_ms, r.id);
    assert_true(candor_segment_begin(d->segment, &r, &body));
    candor_buf_put_bytes(&body, candor_bytes_str(payload));
    (void)candor_segment_commit(d->segment, &r, &body);
}

static inline void left_tool(dead *d, int64_t ts_ms, const char *name, bool ok)
{
    char payload[160];
    (void)snprintf(payload, sizeof payload, "{\"name\":\"%s\",\"ok\":%s,\"client\":\"cli\"}", name,
                   ok ? "true" : "false");
    left(d, "Tool", ts_ms, payload);
}

/* --- what the spool holds: every line once by its event id --- */
typedef struct spooled {
    candor_buf lines;
    unsigned files, sums, pings;
    unsigned long long count, errors; /* of the sums */
} spooled;

static inline void take_line(spooled *out, const char *line, size_t n)
{
    char text[2048], id[64];
    assert_true(n < sizeof text);
    memcpy(text, line, n);
    text[n] = '\0';
    (void)snprintf(id, sizeof id, "%.50s", text); /* {"event_id":"<36>" */
    candor_buf_put_c(&out->lines, '\0');
    bool seen = strstr(out->lines.p, id) != NULL;
    out->lines.n--;
    if (seen) return;
    candor_buf_put(&out->lines, line, n);
    candor_buf_put_c(&out->lines, '\n');
    if (strstr(text, "\"event_type\":\"Ping\"") != NULL) out->pings++;
    if (strstr(text, "\"event_type\":\"Sum\"") == NULL) return;
    out->sums++;
    out->count += (unsigned long long)json_number(text, "\"payload\"", "count");
    out->errors += (unsigned long long)json_number(text, "\"payload\"", "errors");
}

static inline void take_file(spooled *out, const char *path)
{
    candor_buf gz = {0}, text = {0};
    assert_int_equal(candor_file_read_all(path, 1 << 24, &gz, NULL), CANDOR_OK);
    assert_int_equal(candor_gunzip(candor_buf_bytes(&gz), 1 << 24, &text, NULL, 0, NULL),
                     CANDOR_OK);
    for (const char *p = text.p, *end = p + text.n, *nl; p < end; p = nl + 1) {
        nl = memchr(p, '\n', (size_t)(end - p));
        assert_non_null(nl);
        take_line(out, p, (size_t)(nl - p));
    }
    out->files++;
    candor_buf_free(&gz);
    candor_buf_free(&text);
}

static inline void read_spool(const char *dir, spooled *out)
{
    char spool[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX];
    memset(out, 0, sizeof *out);
    DIR *d = opendir(in_dir(dir, "spool", spool));
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.' && strstr(e->d_name, ".tmp") == NULL)
            take_file(out, in_dir(spool, e->d_name, path));
    closedir(d);
    candor_buf_put_c(&out->lines, '\0');
}

static inline void assert_spool(const char *dir, unsigned sums, unsigned count, unsigned errors,
                                unsigned pings)
{
    spooled found;
    read_spool(dir, &found);
    if (found.sums != sums || found.count != count || found.errors != errors ||
        found.pings != pings)
        fail_msg("%u sums of %llu with %llu errors, %u pings in\n%s", found.sums, found.count,
                 found.errors, found.pings, found.lines.p);
    candor_buf_free(&found.lines);
}

static inline void assert_spool_has(const char *dir, const char *what)
{
    spooled found;
    read_spool(dir, &found);
    if (strstr(found.lines.p, what) == NULL) fail_msg("no %s in\n%s", what, found.lines.p);
    candor_buf_free(&found.lines);
}

/* Sum of n, or another expression, over the rows that wait. */
static inline long long waiting(process *p, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(p->store.state->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(p->store.state->db));
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    long long n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

/* kept = spool + losses + rolled_up: nothing is sent here, and no journal is left. */
static inline void assert_conserved(process *p)
{
    candor_state_totals t;
    uint64_t lost = 0;
    assert_int_equal(candor_state_total(p->store.state, &t, NULL), CANDOR_OK);
    for (int i = 0; i < CANDOR_LOSS_COUNT; i++)
        lost += t.loss[i];
    assert_int_equal(t.kept, t.events + t.sent_events + lost + t.rolled_up);
}

#endif
