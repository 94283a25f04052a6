#include "central/sink/mirror.h"

#include <stdio.h>
#include <stdlib.h>

#include "central/log.h"
#include "central/sink/codec.h"
#include "central/sink/queue.h"
#include "central/sink/rows.h"

#define BATCHES        256 /* in one write */
#define ROWS           5000
#define RETRY_MS       1000
#define RETRY_MAX_MS   30000
#define DAY_MS         INT64_C(86400000)
#define RETAIN_STEP_MS 20

enum { RECORD_BATCH = 'B', RECORD_ERASE = 'E' };

struct candor_mirror {
    char name[CANDOR_SINK_NAME_MAX], url[CANDOR_PATH_MAX], dir[CANDOR_PATH_MAX];
    candor_mirror_settings settings;
    candor_queue *queue;
    candor_waker *waker;
    candor_thread *thread;
    atomic_bool closing;
    candor_sweeper sweeper;     /* the thread's */
    _Atomic int64_t retain_day; /* 0: nothing to drop */
    candor_mutex *lock;         /* guards counters, without the queue's */
    candor_mirror_counters counters;
    candor_buf record; /* the writer's */
    /* the thread's */
    candor_sink *sink; /* NULL: not open */
    uint64_t pause_ms; /* after the next failure */
    candor_batch *batches;
    candor_buf body;
};

/* --- counters --------------------------------------------------------------------------------- */

static void count(candor_mirror *m, uint64_t *counter, uint64_t n)
{
    candor_mutex_lock(m->lock);
    *counter += n;
    candor_mutex_unlock(m->lock);
}

static void note(candor_mirror *m, candor_status st, const candor_err *err)
{
    char text[256] = "";
    bool was, ok = st == CANDOR_OK;
    candor_log_line line;
    if (!ok) candor_err_describe(err, text, sizeof text);
    candor_mutex_lock(m->lock);
    was = m->counters.healthy;
    m->counters.healthy = ok;
    memcpy(m->counters.trouble, text, sizeof text);
    candor_mutex_unlock(m->lock);
    if (was == ok || m->settings.sink.log == NULL) return;
    candor_log_begin(&line, ok ? CANDOR_LOG_INFO : CANDOR_LOG_ERROR,
                     ok ? "sink_recovered" : "sink_trouble");
    candor_log_text(&line, "sink", m->name);
    if (!ok) candor_log_text(&line, "detail", text);
    candor_log_end(m->settings.sink.log, &line, ok ? CANDOR_LOG_INFO : CANDOR_LOG_ERROR);
}

void candor_mirror_measure(candor_mirror *m, candor_mirror_counters *out)
{
    candor_queue_size size;
    candor_queue_measure(m->queue, &size);
    candor_mutex_lock(m->lock);
    *out = m->counters;
    candor_mutex_unlock(m->lock);
    out->queued_rows = size.rows;
    out->queued_bytes = size.bytes;
    out->damaged = size.damaged;
}

const char *candor_mirror_name(const candor_mirror *m)
{
    return m->name;
}

/* --- the writer's side --------------------------------------------------------------------------
 */

static candor_status put_record(candor_mirror *m, char kind, candor_bytes body, uint32_t rows,
                                bool must, candor_err *err)
{
    candor_buf_clear(&m->record);
    candor_buf_put_c(&m->record, kind);
    candor_buf_put_bytes(&m->record, body);
    if (m->record.failed) return candor_fail(err, CANDOR_NOMEM, 0, "queue", NULL);
    return candor_queue_put(m->queue, candor_buf_bytes(&m->record), rows, must, err);
}

void candor_mirror_put(candor_mirror *m, candor_bytes body, uint32_t rows)
{
    candor_err err = {0};
    uint64_t before;
    if (body.n != 0 && put_record(m, RECORD_BATCH, body, rows, false, &err) == CANDOR_OK) return;
    candor_mutex_lock(m->lock);
    before = m->counters.dropped;
    m->counters.dropped += rows;
    candor_mutex_unlock(m->lock);
    if (before == 0 && m->settings.sink.log != NULL) /* the counter says how many; once is enough */
        candor_log_say(m->settings.sink.log, CANDOR_LOG_ERROR, "sink_queue_dropped", m->name);
}

void candor_mirror_sync(candor_mirror *m)
{
    candor_err err = {0};
    if (candor_queue_sync(m->queue, &err) != CANDOR_OK && m->settings.sink.log != NULL)
        candor_log_say(m->settings.sink.log, CANDOR_LOG_ERROR, "sink_queue_not_synced", m->name);
    candor_waker_wake(m->waker);
}

/* user NUL machine NUL app NUL; an empty one stands for none, as no id is empty. */
candor_status candor_mirror_erase(candor_mirror *m, const candor_erasure *e, candor_err *err)
{
    const char *const parts[] = {e->user, e->machine, e->app};
    candor_buf body = {0};
    candor_status st;
    size_t i;
    for (i = 0; i < 3; i++) {
        candor_buf_put_bytes(&body, candor_bytes_str(parts[i]));
        candor_buf_put_c(&body, '\0');
    }
    st = body.failed ? candor_fail(err, CANDOR_NOMEM, 0, "queue", NULL)
                     : put_record(m, RECORD_ERASE, candor_buf_bytes(&body), 0, true, err);
    if (st == CANDOR_OK) st = candor_queue_sync(m->queue, err);
    candor_buf_free(&body);
    candor_waker_wake(m->waker);
    return st;
}

void candor_mirror_retain(candor_mirror *m, int64_t first_day)
{
    atomic_store(&m->retain_day, first_day);
    candor_waker_wake(m->waker);
}

/* --- the thread ---------------------------------------------------------------------------------
 */

static candor_status ensure_open(candor_mirror *m, candor_err *err)
{
    return m->sink != NULL ? CANDOR_OK : m->settings.open(&m->settings.sink, &m->sink, err);
}

static candor_status write_some(candor_mirror *m, size_t from, size_t n, candor_err *err)
{
    candor_batch *list[BATCHES] = {NULL};
    uint64_t rows = 0, inserted = 0, refused = 0;
    size_t i;
    candor_status st;
    for (i = 0; i < n; i++)
        list[i] = &m->batches[from + i];
    st = m->sink->ops->write(m->sink, list, n, err);
    candor_sink_rows_note(&m->sweeper, list, n);
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        rows += list[i]->n_rows;
        inserted += list[i]->inserted;
        refused += list[i]->refused;
    }
    count(m, &m->counters.stored, inserted);
    count(m, &m->counters.refused, refused);
    count(m, &m->counters.known, rows - inserted - refused);
    return st;
}

/* What the sink will never take must not hold up what comes behind it: found batch by batch. */
static candor_status write_batches(candor_mirror *m, size_t n, candor_err *err)
{
    candor_status st = write_some(m, 0, n, err);
    size_t i;
    if (st != CANDOR_INVALID) return st;
    st = CANDOR_OK;
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        st = write_some(m, i, 1, err);
        if (st != CANDOR_INVALID) continue;
        count(m, &m->counters.refused, m->batches[i].n_rows);
        if (m->settings.sink.log != NULL)
            candor_log_say(m->settings.sink.log, CANDOR_LOG_ERROR, "sink_refused", err->text);
        st = CANDOR_OK;
    }
    return st;
}

static const char *take_part(candor_bytes *rest)
{
    const char *part = rest->p, *end = rest->n != 0 ? memchr(rest->p, '\0', rest->n) : NULL;
    if (end == NULL) return NULL;
    *rest = candor_bytes_of(end + 1, rest->n - (size_t)(end + 1 - part));
    return *part != '\0' ? part : NULL;
}

/* Texts of full content went when the first sink erased. */
static candor_status erase(candor_mirror *m, candor_err *err)
{
    candor_bytes rest = candor_bytes_of(m->body.p + 1, m->body.n - 1);
    candor_erasure e = {0};
    e.user = take_part(&rest);
    e.machine = take_part(&rest);
    e.app = take_part(&rest);
    if (e.user == NULL && e.machine == NULL) return CANDOR_OK; /* never written so */
    return m->sink->ops->erase(m->sink, &e, err);
}

static candor_status decode(candor_mirror *m, candor_batch *b, uint32_t rows)
{
    size_t unknown = 0;
    candor_status st;
    candor_batch_clear(b);
    st = candor_batch_decode(candor_bytes_of(m->body.p + 1, m->body.n - 1), m->settings.sink.schema,
                             b, &unknown);
    if (st == CANDOR_CORRUPT) { /* of another version of ours, as its checksum is right */
        candor_batch_clear(b);
        unknown = rows;
        st = CANDOR_OK;
    }
    count(m, &m->counters.refused, unknown);
    return st;
}

/* Batches up to an erasure or the queue's end, then the erasure. *idle: there was nothing. */
static candor_status deliver(candor_mirror *m, bool *idle, candor_err *err)
{
    size_t n = 0, rows = 0;
    bool erasure = false;
    uint32_t more;
    candor_status st = CANDOR_OK, got = CANDOR_OK;
    while (st == CANDOR_OK && n < BATCHES && rows < ROWS && !erasure) {
        candor_err damage = {0};
        got = candor_queue_next(m->queue, &m->body, &more, &damage);
        if (got == CANDOR_NOTFOUND) break;
        if (got == CANDOR_NOMEM) st = candor_fail(err, got, 0, "queue", NULL);
        if (got != CANDOR_OK || m->body.n == 0) continue;
        erasure = m->body.p[0] != RECORD_BATCH;
        if (erasure) continue;
        st = decode(m, &m->batches[n++], more);
        rows += more;
    }
    *idle = n == 0 && !erasure && got == CANDOR_NOTFOUND;
    if (st == CANDOR_OK && n != 0) st = write_batches(m, n, err);
    if (st == CANDOR_OK && erasure) st = erase(m, err);
    if (st == CANDOR_OK && !*idle) st = candor_queue_done(m->queue, err);
    if (st != CANDOR_OK) candor_queue_rewind(m->queue);
    return st;
}

static candor_status sweep(void *ctx, const candor_sweep *w, candor_err *err)
{
    candor_mirror *m = ctx;
    return m->sink->ops->sweep(m->sink, w, err);
}

static candor_status retain(candor_mirror *m, candor_err *err)
{
    int64_t day = atomic_load(&m->retain_day);
    bool more = false;
    candor_status st;
    if (day == 0) return CANDOR_OK;
    st = m->sink->ops->retain(m->sink, day, NULL, &more, err);
    if (st == CANDOR_OK && !more)
        st = candor_sweeper_step(&m->sweeper, (day + (int64_t)m->sweeper.longest) * DAY_MS,
                                 m->sink->ops->sweep_ms, sweep, m, &more, err);
    if (st == CANDOR_OK && !more) atomic_compare_exchange_strong(&m->retain_day, &day, 0);
    return st;
}

static int pause_after(candor_mirror *m, candor_status st, bool idle)
{
    uint64_t pause = m->pause_ms;
    if (st == CANDOR_OK) {
        m->pause_ms = m->settings.retry_ms;
        if (atomic_load(&m->retain_day) != 0) return RETAIN_STEP_MS;
        return idle ? -1 : 0;
    }
    m->pause_ms = m->pause_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : m->pause_ms * 2;
    return (int)pause;
}

/* While the sink is away, each put wakes; the pause is kept all the same. */
static void sleep_for(candor_mirror *m, int ms, bool failed)
{
    uint64_t until = candor_clock_mono_ns() + (uint64_t)(ms > 0 ? ms : 0) * 1000000, now;
    if (ms == 0) return;
    candor_waker_sleep(m->waker, ms);
    while (failed && !atomic_load(&m->closing) && (now = candor_clock_mono_ns()) < until)
        candor_waker_sleep(m->waker, (int)((until - now) / 1000000) + 1);
}

static void run_mirror(void *ctx)
{
    candor_mirror *m = ctx;
    while (!atomic_load(&m->closing)) {
        candor_err err = {0};
        bool idle = false;
        candor_status st = ensure_open(m, &err);
        if (st == CANDOR_OK) st = deliver(m, &idle, &err);
        if (st == CANDOR_OK) st = retain(m, &err);
        note(m, st, &err);
        sleep_for(m, pause_after(m, st, idle), st != CANDOR_OK);
    }
    if (m->sink != NULL) m->sink->ops->close(m->sink);
}

/* --- life ----------------------------------------------------------------------------------- */

void candor_mirror_free(candor_mirror *m)
{
    size_t i;
    if (m == NULL) return;
    atomic_store(&m->closing, true);
    if (m->thread != NULL) {
        candor_waker_wake(m->waker);
        candor_thread_join(&m->thread);
    }
    for (i = 0; i < BATCHES && m->batches != NULL; i++)
        candor_batch_free(&m->batches[i]);
    free(m->batches);
    candor_buf_free(&m->body);
    candor_buf_free(&m->record);
    candor_queue_close(m->queue);
    if (m->waker != NULL) candor_waker_free(m->waker);
    candor_mutex_free(m->lock);
    free(m);
}

static candor_status copy_settings(candor_mirror *m, const candor_mirror_settings *s,
                                   candor_err *err)
{
    m->settings = *s;
    if (m->settings.retry_ms == 0) m->settings.retry_ms = RETRY_MS;
    m->pause_ms = m->settings.retry_ms;
    candor_sweeper_init(&m->sweeper, s->sink.retention, s->sink.schema, NULL);
    m->counters.healthy = true;
    if ((size_t)snprintf(m->name, sizeof m->name, "%s", s->name) >= sizeof m->name ||
        (size_t)snprintf(m->url, sizeof m->url, "%s", s->sink.url) >= sizeof m->url ||
        (size_t)snprintf(m->dir, sizeof m->dir, "%s", s->sink.dir) >= sizeof m->dir)
        return candor_fail(err, CANDOR_LIMIT, 0, "open the sink", "a name is too long");
    m->settings.name = m->name;
    m->settings.sink.url = m->url;
    m->settings.sink.dir = m->dir;
    return CANDOR_OK;
}

candor_status candor_mirror_new(const candor_mirror_settings *s, candor_mirror **out,
                                candor_err *err)
{
    candor_mirror *m = calloc(1, sizeof *m);
    candor_status st = m != NULL ? candor_mutex_new(&m->lock) : CANDOR_NOMEM;
    *out = NULL;
    if (m != NULL) m->batches = calloc(BATCHES, sizeof *m->batches);
    if (st != CANDOR_OK || m == NULL || m->batches == NULL) {
        candor_mirror_free(m);
        return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    }
    st = copy_settings(m, s, err);
    if (st == CANDOR_OK) st = candor_waker_new(&m->waker, err);
    if (st == CANDOR_OK) st = candor_queue_open(m->dir, s->queue_bytes, &m->queue, err);
    if (st == CANDOR_OK) st = candor_thread_start("mirror", run_mirror, m, &m->thread, err);
    if (st != CANDOR_OK)
        candor_mirror_free(m);
    else
        *out = m;
    return st;
}
