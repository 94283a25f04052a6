#include "client/export.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/gzip.h"
#include "client/export_temp.h"
#include "client/jobs.h"
#include "contract/package.h"

/* Two temporary files: the events go to the first as they are read; the head, which names their
 * correlation ids, can only be written when all were seen. One look at each batch keeps sums and
 * events of one mind, whatever an upload takes away meanwhile. */
struct candor_export_work {
    candor_package_sums *sums;
    candor_hmac *hash_key;
    candor_package_head head;
    candor_file *events, *temp; /* temp: locked as long as this process is at it */
    char events_path[CANDOR_PATH_MAX], temp_path[CANDOR_PATH_MAX];
    candor_batch_row row; /* the last batch that was looked at */
    candor_buf gz, lines, out;
    uint64_t n_events, bytes;
    uint64_t purge_runs; /* of the worker, at the beginning */
    char sha256[2 * CANDOR_SHA256_SIZE + 1];
};

static void free_export(candor_export_work *x)
{
    if (x == NULL) return;
    candor_file_discard(x->events);
    candor_file_discard(x->temp);
    if (x->events_path[0] != '\0') candor_unlink_quiet(x->events_path);
    if (x->temp_path[0] != '\0') candor_unlink_quiet(x->temp_path);
    candor_package_sums_free(x->sums);
    candor_hmac_free(x->hash_key);
    candor_buf_free(&x->gz);
    candor_buf_free(&x->lines);
    candor_buf_free(&x->out);
    free(x);
}

/* --- begin ----------------------------------------------------------------------------------- */

/* In the spool, under the name of a temporary file: should the process be killed, "off" and
 * recovery delete it with the rest. */
static candor_status name_events(const candor_store *s, const unsigned char id[16],
                                 char out[CANDOR_PATH_MAX], candor_err *err)
{
    char text[CANDOR_UUID_TEXT], name[CANDOR_UUID_TEXT + 40];
    candor_uuid_format(id, text);
    (void)snprintf(name, sizeof name, "%.36s.jsonl.gz.%llu-0.tmp", text,
                   (unsigned long long)candor_process_id());
    candor_status st = candor_path_join(s->spool_dir, name, out, CANDOR_PATH_MAX, err);
    if (st != CANDOR_OK) out[0] = '\0';
    return st;
}

static candor_status begin(candor_client *c, candor_command *job, candor_err *err)
{
    unsigned char rand[10];
    candor_identity *me = &c->identity;
    candor_export_work *x = job->work = calloc(1, sizeof *x);
    if (x == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "export", "out of memory");
    x->purge_runs = c->worker.purge_runs;
    candor_status st =
        candor_hmac_new(candor_bytes_of((const char *)me->salt, sizeof me->salt), &x->hash_key);
    if (st == CANDOR_OK) st = candor_package_sums_new(c->schema, x->hash_key, &x->sums);
    if (st == CANDOR_OK) st = candor_random(rand, sizeof rand);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "export", "%s", candor_status_text(st));
    x->head = (candor_package_head){
        .export_ms = candor_clock_unix_ms(),
        .app = candor_bytes_str(c->settings.app),
        .app_version = candor_bytes_str(c->settings.app_version),
        .platform = candor_bytes_str(candor_platform_name()),
        .machine_id = candor_bytes_str(me->machine_id),
    };
    candor_uuid7_make((uint64_t)x->head.export_ms, rand, x->head.id);
    st = name_events(&c->worker.store, x->head.id, x->events_path, err);
    if (st == CANDOR_OK)
        st = candor_file_open(x->events_path, CANDOR_OPEN_CREATE_NEW, &x->events, err);
    return st;
}

/* --- one batch ------------------------------------------------------------------------------- */

/* The timestamp of a line; 0 when it has none: then it is as old as can be. */
static int64_t line_ms(candor_bytes line)
{
    candor_json j;
    candor_json_token t;
    int64_t ms = 0;
    bool next = false;
    candor_json_init(&j, line, CANDOR_JSON_EVENT_DEPTH);
    (void)candor_json_next(&j, &t);
    while (candor_json_next(&j, &t) != CANDOR_JSON_END && t.type != CANDOR_JSON_ERROR) {
        if (next) return candor_time_parse(t.raw, &ms) ? ms : 0;
        next = t.type == CANDOR_JSON_KEY && candor_bytes_eq(t.raw, CANDOR_LIT("timestamp"));
    }
    return 0;
}

/* A line that is no event cannot come from a spool file that is whole; it is left out. */
static candor_status add_line(candor_export_work *x, int64_t since_ms, candor_bytes line)
{
    if (line.n == 0 || (since_ms > 0 && line_ms(line) < since_ms)) return CANDOR_OK;
    candor_status st = candor_package_sums_add(x->sums, line);
    if (st == CANDOR_INVALID) return CANDOR_OK;
    if (st != CANDOR_OK) return st;
    candor_buf_put_bytes(&x->out, x->n_events != 0 ? CANDOR_LIT(",\n") : CANDOR_LIT("\n"));
    candor_buf_put_bytes(&x->out, line);
    x->n_events++;
    return x->out.failed ? CANDOR_NOMEM : CANDOR_OK;
}

static candor_status add_lines(candor_export_work *x, int64_t since_ms, candor_err *err)
{
    candor_status st = CANDOR_OK;
    candor_buf_clear(&x->out);
    for (size_t at = 0; st == CANDOR_OK && at < x->lines.n;) {
        const char *p = x->lines.p + at, *end = memchr(p, '\n', x->lines.n - at);
        size_t n = end != NULL ? (size_t)(end - p) : x->lines.n - at;
        st = add_line(x, since_ms, candor_bytes_of(p, n));
        at += n + 1;
    }
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "export", "%s", candor_status_text(st));
    return candor_file_write(x->events, candor_buf_bytes(&x->out), err);
}

/* The next batch. CANDOR_NOTFOUND: there is none, or it was made after the export began. A batch
 * that cannot be read (sent meanwhile, damaged, locked) is left out. */
static candor_status next_batch(candor_client *c, candor_command *job, candor_err *err)
{
    candor_store *s = &c->worker.store;
    candor_export_work *x = job->work;
    char after[CANDOR_UUID_TEXT + 1];
    memcpy(after, x->row.id, sizeof after);
    candor_status st = candor_state_next(s->state, after, INT64_MAX, true, &x->row, err);
    if (st != CANDOR_OK) return st;
    if (x->row.created_ms > x->head.export_ms) return CANDOR_NOTFOUND;
    candor_buf_clear(&x->gz);
    candor_buf_clear(&x->lines);
    if (candor_store_load(s, x->row.id, &x->gz, NULL) != CANDOR_OK ||
        candor_gunzip(candor_buf_bytes(&x->gz), CANDOR_BATCH_BYTES_MAX + CANDOR_EVENT_MAX,
                      &x->lines, NULL, 0, NULL) != CANDOR_OK)
        return CANDOR_OK;
    return add_lines(x, job->since_ms, err);
}

/* --- the end --------------------------------------------------------------------------------- */

static candor_status copy_events(candor_export_work *x, candor_file *to, candor_err *err)
{
    candor_map map = {0};
    uint64_t size = 0;
    candor_status st = candor_file_size(x->events, &size, err);
    if (st != CANDOR_OK || size == 0) return st;
    st = candor_map_open(x->events, (size_t)size, false, &map, err);
    if (st == CANDOR_OK)
        st = candor_file_write(to, candor_bytes_of((const char *)map.p, map.n), err);
    candor_map_close(&map);
    return st;
}

static candor_status digest(candor_export_work *x, candor_file *f, candor_err *err)
{
    unsigned char sum[CANDOR_SHA256_SIZE];
    candor_map map = {0};
    candor_status st = candor_file_size(f, &x->bytes, err);
    if (st == CANDOR_OK) st = candor_map_open(f, (size_t)x->bytes, false, &map, err);
    if (st == CANDOR_OK) st = candor_sha256(candor_bytes_of((const char *)map.p, map.n), sum);
    candor_map_close(&map);
    if (st == CANDOR_OK) candor_hex_encode(sum, sizeof sum, x->sha256);
    return st;
}

/* A rename would put a file in the place of a device or a pipe. */
static candor_status may_replace(const char *path, candor_err *err)
{
    candor_file *f = NULL;
    candor_status st = candor_file_open(path, CANDOR_OPEN_READ, &f, NULL);
    candor_file_discard(f);
    if (st != CANDOR_INVALID) return CANDOR_OK;
    return candor_fail(err, CANDOR_INVALID, 0, "export",
                       "%.200s is there and is no regular file: choose another path", path);
}

static candor_status assemble(candor_export_work *x, const char *path, candor_err *err)
{
    candor_status st = may_replace(path, err);
    if (st == CANDOR_OK) candor_export_temp_sweep(path);
    if (st == CANDOR_OK) st = candor_export_temp_open(path, &x->temp, x->temp_path, err);
    candor_file *f = x->temp;
    candor_buf_clear(&x->out);
    if (st == CANDOR_OK) st = candor_package_put_head(x->sums, &x->head, &x->out);
    if (st == CANDOR_OK) st = candor_file_write(f, candor_buf_bytes(&x->out), err);
    if (st == CANDOR_OK) st = copy_events(x, f, err);
    candor_buf_clear(&x->out);
    if (st == CANDOR_OK) st = candor_package_put_tail(x->sums, &x->out);
    if (st == CANDOR_OK) st = candor_file_write(f, candor_buf_bytes(&x->out), err);
    if (st == CANDOR_OK) st = candor_file_sync(f, err);
    if (st == CANDOR_OK) st = digest(x, f, err);
    if (st == CANDOR_OK) st = candor_rename_durable(x->temp_path, path, err); /* still locked */
    if (st == CANDOR_OK) x->temp_path[0] = '\0';
    return st;
}

static void put_error(candor_buf *b, const char *text)
{
    candor_buf_put_bytes(b, CANDOR_LIT("\"error\":"));
    if (text != NULL && text[0] != '\0')
        candor_json_put_string(b, candor_bytes_str(text));
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
    candor_buf_put_c(b, '}');
}

static void answer(candor_command *job, candor_status st, candor_err *err)
{
    candor_buf json = {0};
    candor_export_work *x = job->work;
    char text[512];
    if (st == CANDOR_OK) {
        candor_buf_put_bytes(&json, CANDOR_LIT("{\"path\":"));
        candor_json_put_string(&json, candor_bytes_str(job->path));
        candor_buf_putf(&json, ",\"bytes\":%llu,\"events\":%llu,\"sha256\":\"%s\"}",
                        (unsigned long long)x->bytes, (unsigned long long)x->n_events, x->sha256);
    } else {
        if (err->code == CANDOR_OK)
            (void)candor_fail(err, st, 0, "export", "%s", candor_status_text(st));
        candor_err_describe(err, text, sizeof text);
        candor_buf_put_c(&json, '{');
        put_error(&json, text);
    }
    job->work = NULL;
    free_export(x);
    candor_command_finish(job, st, json.failed ? CANDOR_LIT("{}") : candor_buf_bytes(&json), err);
    candor_buf_free(&json);
}

bool candor_export_step(candor_client *c, candor_command *job)
{
    candor_worker *w = &c->worker;
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    if (!w->storage_open || !w->store.usable) {
        st = candor_fail(&err, CANDOR_IO, 0, "export", "there is no spool: %s",
                         w->storage_open ? w->store.error : "telemetry is off");
    } else if (atomic_load(&c->stop)) {
        st = candor_fail(&err, CANDOR_CANCELLED, 0, "export", "the client was closed");
    } else if (job->work != NULL && job->work->purge_runs != w->purge_runs) {
        st = candor_fail(&err, CANDOR_CANCELLED, 0, "export",
                         "the events were deleted while they were exported");
    } else if (job->work == NULL) {
        if (!candor_jobs_drained(c, job) && !w->drain_failed) return false;
        st = begin(c, job, &err);
        if (st == CANDOR_OK) return false;
    } else {
        st = next_batch(c, job, &err);
        if (st == CANDOR_OK) return false;
        if (st == CANDOR_NOTFOUND) st = assemble(job->work, job->path, &err);
    }
    answer(job, st, &err);
    return true;
}

/* --- upload of a file ------------------------------------------------------------------------ */

static candor_status check_file(candor_client *c, const char *path, candor_buf *text,
                                candor_package_info *info, candor_err *err)
{
    static const candor_parse_rules any_time = {0, 0, 0}; /* the collector judges it */
    candor_hmac *key = NULL;
    candor_sanitiser s;
    candor_status st = candor_file_read_all(path, CANDOR_PACKAGE_BYTES_MAX, text, err);
    if (st == CANDOR_OK)
        st = candor_hmac_new(
            candor_bytes_of((const char *)c->identity.salt, sizeof c->identity.salt), &key);
    if (st != CANDOR_OK) return st;
    candor_sanitiser_init(&s, c->schema, key, CANDOR_AT_COLLECTOR);
    st = candor_package_check(candor_buf_bytes(text), &s, &any_time, info, err);
    candor_sanitiser_deinit(&s);
    candor_hmac_free(key);
    return st;
}

static candor_status pack(candor_client *c, const candor_buf *text, candor_err *err)
{
    candor_uploader *u = &c->worker.uploader;
    candor_buf_free(&u->package.body);
    candor_status st = candor_gzip(candor_buf_bytes(text), (int)c->settings.gzip_level, NULL,
                                   &u->package.body, err);
    if (st != CANDOR_OK || u->package.body.n <= (uint64_t)c->settings.max_upload_bytes) return st;
    return candor_fail(err, CANDOR_LIMIT, 0, "package",
                       "%zu compressed bytes are more than maxUploadBytes (%lld); export a shorter "
                       "time, or raise it; the file stays",
                       u->package.body.n, (long long)c->settings.max_upload_bytes);
}

/* Check the file and make it the uploader's package, ready to be sent. */
static candor_status prepare(candor_client *c, const char *path, candor_err *err)
{
    candor_uploader *u = &c->worker.uploader;
    candor_buf text = {0};
    candor_package_info info;
    candor_status st = check_file(c, path, &text, &info, err);
    if (st == CANDOR_OK) st = pack(c, &text, err);
    if (st == CANDOR_OK) {
        memcpy(u->package.id, info.package_id.p, CANDOR_UUID_TEXT);
        u->package.id[CANDOR_UUID_TEXT] = '\0';
        u->package.events = info.events;
    } else {
        candor_buf_free(&u->package.body);
    }
    candor_buf_free(&text);
    return st;
}

candor_status candor_export_send(candor_client *c, const char *path, const char *consent,
                                 bool again)
{
    candor_uploader *u = &c->worker.uploader;
    candor_err err = {0};
    if (again && candor_uploader_is_led(u)) return CANDOR_BUSY;
    if (prepare(c, path, &err) == CANDOR_OK) return candor_uploader_begin_package(u, consent);
    u->uploaded = u->events = 0;
    candor_err_describe(&err, u->error, sizeof u->error);
    return CANDOR_OK; /* the round has ended with this error; nothing was sent */
}

/* --- dry run --------------------------------------------------------------------------------- */

void candor_export_plan(candor_client *c, candor_command *job)
{
    candor_upload_plan plan = {0};
    candor_buf json = {0};
    candor_err err = {0};
    candor_uploader *u = &c->worker.uploader;
    candor_status st = CANDOR_OK;
    if (job->path[0] == '\0') {
        st = candor_uploader_plan(u, job->since_ms, &plan, &err);
    } else if (prepare(c, job->path, &err) == CANDOR_OK) {
        plan = (candor_upload_plan){
            .batches = 1, .events = u->package.events, .bytes = u->package.body.n};
        candor_buf_free(&u->package.body);
    } else {
        candor_err_describe(&err, plan.error, sizeof plan.error);
    }
    candor_buf_putf(&json,
                    "{\"dry_run\":true,\"batches\":%llu,\"events\":%llu,\"attachments\":%llu,"
                    "\"bytes\":%llu,",
                    (unsigned long long)plan.batches, (unsigned long long)plan.events,
                    (unsigned long long)plan.attachments, (unsigned long long)plan.bytes);
    put_error(&json, st == CANDOR_OK ? plan.error : err.text);
    candor_command_finish(job, st, json.failed ? CANDOR_LIT("{}") : candor_buf_bytes(&json), &err);
    candor_buf_free(&json);
}
