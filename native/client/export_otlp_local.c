/* OTLP JSON lines into files and to standard output. Layer: client. */
#include <stdio.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "client/export_otlp.h"

#define SUFFIX ".jsonl"
#define DAY_MS 86400000LL
/* Between two looks whether standard output takes more. */
#define PAUSE_MIN_MS 10
#define PAUSE_MAX_MS 1000

bool candor_exporter_is_local(const candor_settings *settings)
{
    return settings->exporter == CANDOR_EXPORT_FILE || settings->exporter == CANDOR_EXPORT_STDOUT;
}

void candor_exporter_init(candor_exporter *x, const candor_settings *settings,
                          const candor_schema *schema, const char *dir)
{
    memset(x, 0, sizeof *x);
    x->settings = settings;
    x->otlp.schema = schema;
    if (dir != NULL && candor_path_join(dir, "otlp", x->dir, sizeof x->dir, NULL) != CANDOR_OK)
        x->dir[0] = '\0';
}

void candor_exporter_deinit(candor_exporter *x)
{
    candor_otlp_free(&x->otlp);
    candor_buf_free(&x->waiting);
    candor_buf_free(&x->body);
}

/* --- names ----------------------------------------------------------------------------------- */

static void day_of(int64_t unix_ms, char out[11])
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(unix_ms, text);
    memcpy(out, text, 10);
    out[10] = '\0';
}

/* <date>.jsonl or <date>.<n>.jsonl; *number 0 for the first. */
static bool is_ours(const char *name, char day[11], unsigned *number)
{
    size_t n = strlen(name), suffix = sizeof SUFFIX - 1;
    *number = 0;
    if (n < 10 + suffix || strcmp(name + n - suffix, SUFFIX) != 0) return false;
    for (size_t i = 0; i < 10; i++) {
        bool digit = name[i] >= '0' && name[i] <= '9';
        if (i == 4 || i == 7 ? name[i] != '-' : !digit) return false;
    }
    memcpy(day, name, 10);
    day[10] = '\0';
    if (n == 10 + suffix) return true;
    char *end = NULL;
    unsigned long v = name[10] == '.' ? strtoul(name + 11, &end, 10) : 0;
    if (v == 0 || v > 1000000 || end != name + n - suffix) return false;
    *number = (unsigned)v;
    return true;
}

bool candor_exporter_names(const char *name)
{
    char day[11];
    unsigned number = 0;
    return is_ours(name, day, &number);
}

/* --- retention ------------------------------------------------------------------------------- */

typedef struct sweep {
    const char *dir;
    bool all;                     /* everything goes */
    char before[11];              /* older days go; "": none */
    char oldest[CANDOR_PATH_MAX]; /* path of the oldest that stays */
    char oldest_day[11];
    unsigned oldest_number;
    uint64_t bytes; /* of all that stay */
} sweep;

static bool visit(void *ctx, const char *name)
{
    sweep *w = ctx;
    char day[11], path[CANDOR_PATH_MAX];
    unsigned number = 0;
    int64_t when = 0;
    uint64_t size = 0;
    if (!is_ours(name, day, &number) ||
        candor_path_join(w->dir, name, path, sizeof path, NULL) != CANDOR_OK)
        return true;
    if (w->all || strcmp(day, w->before) < 0) {
        candor_unlink_quiet(path);
        return true;
    }
    if (candor_file_mtime(path, &when, &size, NULL) != CANDOR_OK) return true;
    w->bytes += size;
    int order = w->oldest[0] == '\0' ? -1 : strcmp(day, w->oldest_day);
    if (order < 0 || (order == 0 && number < w->oldest_number)) {
        memcpy(w->oldest, path, sizeof path);
        memcpy(w->oldest_day, day, sizeof day);
        w->oldest_number = number;
    }
    return true;
}

/* When the last event of that day may have been; INT64_MAX for no day. */
static int64_t end_of(const char day[11])
{
    char text[CANDOR_TIME_TEXT + 1];
    int64_t ms = 0;
    (void)snprintf(text, sizeof text, "%.10sT00:00:00.000Z", day);
    return day[0] != '\0' && candor_time_parse(candor_bytes_str(text), &ms) ? ms + DAY_MS
                                                                            : INT64_MAX;
}

static bool look(candor_exporter *x, sweep *w)
{
    if (x->dir[0] == '\0' || candor_dir_list(x->dir, visit, w, NULL) != CANDOR_OK) return false;
    x->oldest_ms = end_of(w->oldest_day);
    x->oldest_known = true;
    return true;
}

/* The oldest go until spoolMaxBytes hold what is left. */
static void enforce(candor_exporter *x)
{
    for (;;) {
        sweep w = {.dir = x->dir};
        if (!look(x, &w) || w.bytes <= (uint64_t)x->settings->spool_max_bytes ||
            strcmp(w.oldest, x->path) == 0)
            return;
        candor_err err = {0};
        if (candor_unlink(w.oldest, &err) != CANDOR_OK) return;
    }
}

int64_t candor_exporter_oldest_ms(candor_exporter *x)
{
    sweep w = {.dir = x->dir};
    if (x->settings->exporter != CANDOR_EXPORT_FILE) return INT64_MAX;
    if (!x->oldest_known && !look(x, &w)) return INT64_MAX;
    return x->oldest_ms;
}

void candor_exporter_expire(candor_exporter *x, int64_t before_ms)
{
    sweep w = {.dir = x->dir};
    day_of(before_ms, w.before);
    (void)look(x, &w);
}

/* All but the rest of a line whose beginning is out, or the next reader's line would be spoilt. */
static void forget_waiting(candor_exporter *x)
{
    size_t at = x->waiting_at;
    bool torn = at > 0 && at < x->waiting.n && x->waiting.p[at - 1] != '\n';
    const char *nl = torn ? memchr(x->waiting.p + at, '\n', x->waiting.n - at) : NULL;
    x->waiting.n = nl != NULL ? (size_t)(nl - x->waiting.p) + 1 : at;
    if (x->waiting.n == at) x->waiting_events = 0;
}

void candor_exporter_forget(candor_exporter *x)
{
    forget_waiting(x);
    x->path[0] = x->day[0] = '\0';
}

void candor_exporter_purge(candor_exporter *x)
{
    sweep w = {.dir = x->dir, .all = true};
    candor_exporter_forget(x);
    (void)look(x, &w);
}

/* --- file ------------------------------------------------------------------------------------ */

static candor_status name_file(candor_exporter *x, unsigned number, candor_err *err)
{
    char name[32];
    x->number = number;
    if (number == 0)
        (void)snprintf(name, sizeof name, "%.10s" SUFFIX, x->day);
    else
        (void)snprintf(name, sizeof name, "%.10s.%u" SUFFIX, x->day, number);
    return candor_path_join(x->dir, name, x->path, sizeof x->path, err);
}

/* The day's first file with room: another process may have gone on to the next. */
static candor_status choose_file(candor_exporter *x, const char day[11], candor_err *err)
{
    int64_t when = 0;
    candor_status st = candor_dir_create(x->dir, err);
    memcpy(x->day, day, sizeof x->day);
    for (unsigned number = 0; st == CANDOR_OK; number++) {
        st = name_file(x, number, err);
        x->size = 0;
        if (st != CANDOR_OK || candor_file_mtime(x->path, &when, &x->size, NULL) != CANDOR_OK ||
            x->size < CANDOR_OTLP_FILE_MAX)
            break;
    }
    if (st == CANDOR_OK) enforce(x);
    return st;
}

static candor_status write_file(candor_exporter *x, candor_bytes text, candor_err *err)
{
    char day[11];
    candor_status st = CANDOR_OK;
    day_of(candor_clock_unix_ms(), day);
    bool created = strcmp(day, x->day) != 0 || x->size >= CANDOR_OTLP_FILE_MAX;
    if (created) st = choose_file(x, day, err);
    if (st == CANDOR_OK) st = candor_file_append(x->path, text, &x->size, err);
    if (st == CANDOR_OK && created) st = candor_dir_sync(x->dir, err);
    if (st != CANDOR_OK) x->day[0] = '\0'; /* the directory may have gone: look again */
    return st;
}

/* --- stdout ---------------------------------------------------------------------------------- */

int candor_exporter_pump(candor_exporter *x)
{
    size_t written = 0;
    if (x->waiting.n == x->waiting_at) return 0;
    candor_bytes rest = {x->waiting.p + x->waiting_at, x->waiting.n - x->waiting_at};
    candor_status st = candor_stdout_try_write(rest, &written, NULL);
    x->waiting_at += written;
    if (st == CANDOR_OK && x->waiting_at < x->waiting.n) {
        bool slower = written == 0 && x->pause_ms != 0;
        x->pause_ms = slower ? x->pause_ms * 2 : PAUSE_MIN_MS;
        if (x->pause_ms > PAUSE_MAX_MS) x->pause_ms = PAUSE_MAX_MS;
        return x->pause_ms;
    }
    if (st != CANDOR_OK) { /* nobody reads it any more */
        x->written -= x->waiting_events;
        x->dropped += x->waiting_events;
    }
    candor_buf_clear(&x->waiting);
    x->waiting_at = 0;
    x->waiting_events = 0;
    x->pause_ms = 0;
    return 0;
}

/* Whole or not at all. */
static bool queue_document(candor_exporter *x, const candor_otlp_doc *d)
{
    candor_buf *b = &x->waiting;
    if (b->n - x->waiting_at + d->json.n + 1 > CANDOR_STDOUT_WAIT_MAX) return false;
    if (x->waiting_at != 0) {
        memmove(b->p, b->p + x->waiting_at, b->n - x->waiting_at);
        b->n -= x->waiting_at;
        x->waiting_at = 0;
    }
    if (!candor_buf_reserve(b, d->json.n + 1)) {
        b->failed = false;
        return false;
    }
    candor_buf_put_bytes(b, candor_buf_bytes(&d->json));
    candor_buf_put_c(b, '\n');
    x->waiting_events += d->events;
    return true;
}

static void write_stdout(candor_exporter *x, uint64_t *dropped)
{
    for (int i = 0; i < CANDOR_OTLP_SIGNALS; i++) {
        const candor_otlp_doc *d = &x->otlp.docs[i];
        if (d->events == 0) continue;
        (void)candor_exporter_pump(x);
        if (queue_document(x, d))
            x->written += d->events;
        else
            *dropped += d->events;
    }
    (void)candor_exporter_pump(x);
}

/* --- a batch --------------------------------------------------------------------------------- */

static candor_status append_documents(candor_exporter *x, candor_err *err)
{
    uint64_t events = 0;
    candor_buf_clear(&x->body);
    for (int i = 0; i < CANDOR_OTLP_SIGNALS; i++) {
        if (x->otlp.docs[i].events == 0) continue;
        candor_buf_put_bytes(&x->body, candor_buf_bytes(&x->otlp.docs[i].json));
        candor_buf_put_c(&x->body, '\n');
        events += x->otlp.docs[i].events;
    }
    if (x->body.failed) return candor_fail(err, CANDOR_NOMEM, 0, "export", "out of memory");
    if (events == 0) return CANDOR_OK;
    candor_status st = write_file(x, candor_buf_bytes(&x->body), err);
    if (st == CANDOR_OK) x->written += events;
    return st;
}

candor_status candor_exporter_batch(candor_exporter *x, candor_bytes lines, uint64_t *dropped,
                                    candor_err *err)
{
    candor_status st = candor_otlp_write(&x->otlp, lines);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "export", "out of memory");
    *dropped = x->otlp.skipped;
    if (x->settings->exporter == CANDOR_EXPORT_STDOUT)
        write_stdout(x, dropped);
    else
        st = append_documents(x, err);
    if (st == CANDOR_OK) x->dropped += *dropped;
    return st;
}
