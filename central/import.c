#include "central/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/json.h"
#include "central/ingest_body.h"
#include "contract/package.h"

#define CHUNK     ((size_t)262144)
#define LOOK_AT   ((size_t)65536) /* of a file, to see what it is */
#define SYNC_WAIT 60000

/* The ingest code reads its surroundings off a connection: here is one without a socket, whose
 * token may send every app. Its reply is never sent. */
struct candor_import {
    candor_server *server;
    candor_loop loop;
    candor_conn conn;
    candor_ingest_request request;
    candor_latch *latch;
    gzFile file;
    uint64_t size;
    bool ended;
    candor_buf text; /* of the file, not yet taken */
    candor_import_result *result;
    candor_import_progress progress;
    void *ctx;
};

const char *candor_import_kind_name(candor_import_kind k)
{
    static const char *const names[] = {"ndjson", "array", "package"};
    return names[k];
}

candor_status candor_import_new(candor_server *s, candor_import **out, candor_err *err)
{
    candor_import *m = calloc(1, sizeof *m);
    candor_status st;
    *out = NULL;
    if (m == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "import", NULL);
    m->server = s;
    m->loop.server = s;
    m->conn.loop = &m->loop;
    m->request.conn = &m->conn;
    st = candor_ingest_new(s, &m->loop.ingest, err);
    m->request.tools = m->loop.ingest;
    if (st != CANDOR_OK)
        candor_import_free(m);
    else
        *out = m;
    return st;
}

void candor_import_free(candor_import *m)
{
    if (m == NULL) return;
    candor_ingest_free(m->loop.ingest);
    candor_batch_free(&m->request.batch);
    free(m->request.status);
    candor_buf_free(&m->conn.reply.body);
    candor_buf_free(&m->text);
    free(m);
}

/* --- the file ------------------------------------------------------------------------------- */

static candor_status open_file(candor_import *m, const char *path, candor_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    off_t end;
    if (fd < 0)
        return candor_fail(err, errno == ENOENT ? CANDOR_NOTFOUND : CANDOR_IO, errno, "import",
                           "cannot open %.180s", path);
    end = lseek(fd, 0, SEEK_END);
    m->size = end > 0 ? (uint64_t)end : 0;
    if (end > 0) (void)lseek(fd, 0, SEEK_SET);
    m->file = gzdopen(fd, "rb");
    if (m->file == NULL) close(fd);
    if (m->file == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "import", NULL);
    (void)gzbuffer(m->file, CHUNK);
    m->ended = false;
    candor_buf_clear(&m->text);
    return CANDOR_OK;
}

static void report(candor_import *m)
{
    z_off_t at = gzoffset(m->file);
    int permille = m->size != 0 && at >= 0 ? (int)((uint64_t)at * 1000 / m->size) : -1;
    if (m->progress != NULL) m->progress(m->ctx, m->result, permille);
}

/* One more chunk behind m->text; m->ended when there is none. */
static candor_status read_more(candor_import *m, candor_err *err)
{
    int n, code = Z_OK;
    if (!candor_buf_reserve(&m->text, CHUNK))
        return candor_fail(err, CANDOR_NOMEM, 0, "import", NULL);
    n = gzread(m->file, m->text.p + m->text.n, CHUNK);
    if (n > 0) m->text.n += (size_t)n;
    if (n < (int)CHUNK) (void)gzerror(m->file, &code);
    m->ended = n == 0;
    if (n < 0 && code == Z_ERRNO)
        return candor_fail(err, CANDOR_IO, errno, "import", "cannot read on");
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
        return candor_fail(err, CANDOR_CORRUPT, 0, "import", "the gzip is damaged or cut short");
    report(m);
    return CANDOR_OK;
}

static candor_status read_whole(candor_import *m, uint64_t max, candor_err *err)
{
    candor_status st = CANDOR_OK;
    while (st == CANDOR_OK && !m->ended && m->text.n <= max)
        st = read_more(m, err);
    if (st == CANDOR_OK && m->text.n > max)
        st = candor_fail(err, CANDOR_LIMIT, 0, "import",
                         "it holds more than %llu bytes in one piece; export a shorter time, or "
                         "raise --max-package-inflated-bytes",
                         (unsigned long long)max);
    return st;
}

/* --- commits -------------------------------------------------------------------------------- */

static void on_stored(candor_batch *b)
{
    candor_latch_open(b->owner);
}

static void begin_batch(candor_import *m)
{
    candor_ingest_request *r = &m->request;
    candor_batch_clear(&r->batch);
    r->batch.has_id = false;
    r->batch.duplicate_batch = false;
    r->batch.inserted = 0;
    r->batch.received_ms = candor_clock_unix_ms();
    r->batch.sent_ms = 0;
    r->n = 0;
    memset(&r->tally, 0, sizeof r->tally);
    m->loop.ingest->serial++;
}

static void count_batch(candor_import *m)
{
    const candor_ingest_request *r = &m->request;
    size_t i;
    m->result->events += r->n;
    m->result->accepted += r->batch.inserted;
    m->result->duplicates += r->batch.n_rows - r->batch.inserted;
    m->result->rejected += r->n - r->batch.n_rows;
    for (i = 0; i < r->n; i++)
        if (r->status[i] != CANDOR_REJECT_NONE) m->result->reasons[r->status[i]]++;
}

static candor_status submit(candor_import *m, candor_err *err)
{
    candor_batch *b = &m->request.batch;
    candor_status st = candor_latch_new(&m->latch);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "import", NULL);
    b->owner = m->latch;
    b->done = on_stored;
    st = m->server->store->ops->submit(m->server->store, b);
    if (st == CANDOR_OK) {
        while (!candor_latch_wait(m->latch, SYNC_WAIT)) {
        }
        st = b->status;
    }
    candor_latch_free(m->latch);
    m->latch = NULL;
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "import", "the store could not commit");
}

static candor_status end_batch(candor_import *m, candor_err *err)
{
    candor_status st = CANDOR_OK;
    if (m->request.batch.n_rows != 0) st = submit(m, err);
    if (st == CANDOR_OK) count_batch(m);
    begin_batch(m);
    return st;
}

static candor_status take_line(candor_import *m, candor_bytes line, candor_err *err)
{
    if (!candor_ingest_take_line(&m->request, line))
        return candor_fail(err, CANDOR_NOMEM, 0, "import", NULL);
    return CANDOR_OK;
}

/* --- kinds ---------------------------------------------------------------------------------- */

/* By the first of the two keys that the outermost object has. */
static candor_status look(candor_import *m, candor_import_kind *out, candor_err *err)
{
    candor_json j;
    candor_json_token t;
    candor_status st = CANDOR_OK;
    while (st == CANDOR_OK && !m->ended && m->text.n < LOOK_AT)
        st = read_more(m, err);
    if (st != CANDOR_OK) return st;
    *out = CANDOR_IMPORT_NDJSON;
    candor_json_init(&j, candor_buf_bytes(&m->text), CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &t) == CANDOR_JSON_ARRAY) *out = CANDOR_IMPORT_ARRAY;
    if (t.type != CANDOR_JSON_OBJECT) return CANDOR_OK;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        if (candor_bytes_eq(t.raw, CANDOR_LIT("event_id"))) break;
        if (candor_bytes_eq(t.raw, CANDOR_LIT("schema_version"))) {
            *out = CANDOR_IMPORT_PACKAGE;
            break;
        }
        (void)candor_json_next(&j, &t);
        if (!candor_json_skip(&j, &t, NULL)) break;
    }
    return CANDOR_OK;
}

static bool blank(candor_bytes line)
{
    size_t i;
    for (i = 0; i < line.n; i++)
        if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r') return false;
    return true;
}

/* The whole lines of m->text; at the end of the file also what no line feed follows. */
static candor_status take_lines(candor_import *m, candor_err *err)
{
    candor_bytes rest = candor_buf_bytes(&m->text);
    candor_status st = CANDOR_OK;
    while (st == CANDOR_OK && rest.n > 0) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        size_t n = lf != NULL ? (size_t)(lf - rest.p) : rest.n;
        candor_bytes line = candor_bytes_of(rest.p, n);
        if (lf == NULL && !m->ended) break;
        if (!blank(line)) st = take_line(m, line, err);
        if (st == CANDOR_OK && m->request.n >= CANDOR_IMPORT_BATCH) st = end_batch(m, err);
        n += lf != NULL;
        rest = candor_bytes_of(rest.p + n, rest.n - n);
    }
    if (rest.n > 0) memmove(m->text.p, rest.p, rest.n);
    m->text.n = rest.n;
    if (st == CANDOR_OK && m->text.n > CANDOR_IMPORT_LINE_MAX)
        st =
            candor_fail(err, CANDOR_LIMIT, 0, "import",
                        "a line is longer than %zu bytes; is this NDJSON?", CANDOR_IMPORT_LINE_MAX);
    return st;
}

/* A damaged end leaves what came before it stored: the events are whole, and importing the file
 * again brings none of them twice. */
static candor_status import_ndjson(candor_import *m, candor_err *err)
{
    candor_status st = take_lines(m, err), last;
    while (st == CANDOR_OK && !m->ended) {
        st = read_more(m, err);
        if (st == CANDOR_OK) st = take_lines(m, err);
    }
    last = end_batch(m, st == CANDOR_OK ? err : NULL);
    return st == CANDOR_OK ? last : st;
}

static candor_status bad_json(const candor_json *j, candor_err *err)
{
    unsigned line, column;
    candor_json_where(j, &line, &column);
    return candor_fail(err, CANDOR_INVALID, 0, "import",
                       "malformed JSON at line %u, column %u: %s; nothing of it was stored", line,
                       column, j->error != NULL ? j->error : "not an array of events");
}

static candor_status import_array(candor_import *m, candor_err *err)
{
    candor_json j;
    candor_json_token t;
    candor_bytes raw;
    candor_status st = read_whole(m, m->server->config.max_package_inflated_bytes, err);
    if (st != CANDOR_OK) return st;
    candor_json_init(&j, candor_buf_bytes(&m->text), CANDOR_JSON_DEPTH_MAX);
    (void)candor_json_next(&j, &t);
    while (st == CANDOR_OK && candor_json_next(&j, &t) != CANDOR_JSON_ARRAY_END) {
        if (t.type == CANDOR_JSON_ERROR || !candor_json_skip(&j, &t, &raw))
            return bad_json(&j, err);
        st = take_line(m, raw, err);
    }
    if (st == CANDOR_OK && candor_json_next(&j, &t) != CANDOR_JSON_END) return bad_json(&j, err);
    return st == CANDOR_OK ? end_batch(m, err) : st;
}

static bool take_packaged(void *ctx, uint64_t index, candor_bytes event)
{
    (void)index;
    return candor_ingest_take_line(&((candor_import *)ctx)->request, event);
}

/* As POST /api/telemetry/upload: judged as a whole first, and a batch under its own id. */
static candor_status import_package(candor_import *m, candor_err *err)
{
    const candor_config *cfg = &m->server->config;
    candor_ingest_request *r = &m->request;
    candor_parse_rules rules;
    candor_package_info info;
    candor_bytes text;
    candor_status st = read_whole(m, cfg->max_package_inflated_bytes, err);
    if (st != CANDOR_OK) return st;
    memset(&info, 0, sizeof info);
    text = candor_buf_bytes(&m->text);
    rules = candor_ingest_rules(cfg, r->batch.received_ms);
    st = candor_package_check(text, &m->loop.ingest->sanitiser, &rules, &info, err);
    if (st == CANDOR_OK && info.events > cfg->max_package_events)
        st = candor_fail(err, CANDOR_LIMIT, 0, "import",
                         "the package holds more than %llu events; export a shorter time, or raise "
                         "--max-package-events",
                         (unsigned long long)cfg->max_package_events);
    if (st == CANDOR_OK) st = candor_package_each(text, take_packaged, m, err);
    if (st != CANDOR_OK) return st;
    r->batch.has_id = r->n == r->batch.n_rows;
    memcpy(r->batch.id, info.id, sizeof r->batch.id);
    st = candor_sha256(text, r->batch.digest);
    return st == CANDOR_OK ? end_batch(m, err) : candor_fail(err, st, 0, "import", NULL);
}

candor_status candor_import_file(candor_import *m, const char *path,
                                 candor_import_progress progress, void *ctx,
                                 candor_import_result *out, candor_err *err)
{
    candor_status st;
    memset(out, 0, sizeof *out);
    m->result = out;
    m->progress = progress;
    m->ctx = ctx;
    begin_batch(m);
    st = open_file(m, path, err);
    if (st != CANDOR_OK) return st;
    st = look(m, &out->kind, err);
    if (st == CANDOR_OK && out->kind == CANDOR_IMPORT_NDJSON) st = import_ndjson(m, err);
    if (st == CANDOR_OK && out->kind == CANDOR_IMPORT_ARRAY) st = import_array(m, err);
    if (st == CANDOR_OK && out->kind == CANDOR_IMPORT_PACKAGE) st = import_package(m, err);
    (void)gzclose(m->file);
    m->file = NULL;
    return st;
}
