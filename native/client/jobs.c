#include "client/jobs.h"

#include <stdio.h>

#include "base/gzip.h"
#include "base/json.h"
#include "client/configure.h"
#include "client/export.h"
#include "client/recover.h"

#define LEAD_WAIT_NS 15000000000ull /* another process's round is one request or more */
#define LEAD_POLL_MS 100

static uint64_t batched(candor_client *c)
{
    candor_journal_view view;
    candor_journal_look(&c->journal, &view);
    return view.batched;
}

static void answer(candor_command *job, candor_status st, const candor_buf *json,
                   const candor_err *err)
{
    candor_command_finish(job, st, json->failed ? CANDOR_LIT("{}") : candor_buf_bytes(json), err);
}

static void put_error(candor_buf *b, const char *text)
{
    candor_buf_put_bytes(b, CANDOR_LIT(",\"error\":"));
    if (text != NULL && text[0] != '\0')
        candor_json_put_string(b, candor_bytes_str(text));
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
}

/* --- report ---------------------------------------------------------------------------------- */

void candor_jobs_report(candor_client *c)
{
    candor_worker *w = &c->worker;
    candor_report r = {0};
    candor_buf last;
    w->report_due = false;
    candor_buf_init_fixed(&last, r.last_upload, sizeof r.last_upload - 1);
    r.totals.oldest_ms = r.totals.next_attempt_ms = r.next_upload_ms = INT64_MAX;
    r.next_rollup_ms = r.rollups.oldest_day = INT64_MAX;
    r.batched = batched(c);
    r.rolled_ahead = w->store.rolled_ahead;
    if (w->storage_open) {
        if (candor_state_total(w->store.state, &r.totals, NULL) == CANDOR_OK) w->totals = r.totals;
        if (candor_state_get(w->store.state, "last_upload", &last, NULL) != CANDOR_OK)
            r.last_upload[0] = '\0';
        if (w->store.locked != 0) candor_store_look_locked(&w->store, false);
        candor_rollups_look(&w->store);
        r.rollups = w->store.rollups.totals;
        r.next_rollup_ms = candor_rollups_due_ms(&w->store);
        r.merged = w->store.merged;
        r.exported = w->exporter.written;
        r.export_dropped = w->exporter.dropped;
        if (w->store.usable) candor_ledger_look(&w->store.ledger, w->store.dir);
        r.ledger = w->store.ledger;
        r.quarantined = w->store.quarantined;
        r.next_upload_ms = candor_uploader_due_ms(&w->uploader, &w->totals);
        memcpy(r.error, w->store.error, sizeof r.error);
        candor_vault_report(c->vault);
        candor_store_describe_locked(&w->store, r.error, sizeof r.error);
    }
    if (r.error[0] == '\0')
        (void)snprintf(r.error, sizeof r.error, "%s", c->settings.environment_error);
    candor_mutex_lock(c->report_mutex);
    c->report = r;
    candor_mutex_unlock(c->report_mutex);
}

void candor_jobs_consent(candor_client *c, char *out, size_t cap)
{
    candor_journal_lock(&c->journal);
    (void)snprintf(out, cap, "%s;epoch=%u", c->decision.source,
                   (unsigned)candor_consent_epoch(c->consent));
    candor_journal_unlock(&c->journal);
}

/* --- purge ----------------------------------------------------------------------------------- */

bool candor_jobs_end_segment(void *client, candor_segment *s)
{
    candor_client *c = client;
    return candor_store_finish_segment(&c->worker.store, s, true);
}

/* As candor_jobs_end_segment; what roll-ups have counted of it goes with them. */
static bool end_purged(void *client, candor_segment *s)
{
    candor_client *c = client;
    candor_worker *w = &c->worker;
    w->purge_counted += candor_store_counted(&w->store, s, candor_segment_consumed(s));
    return candor_jobs_end_segment(client, s);
}

/* The own segments go, and emit has new ones at once: deleting the rest takes its time. */
static uint64_t purge_journal(candor_client *c, bool *others_live)
{
    candor_worker *w = &c->worker;
    candor_err err = {0};
    w->purge_counted = 0;
    uint64_t records = candor_journal_purge(&c->journal, end_purged, c);
    records -= w->purge_counted;
    w->store.rolled_ahead = 0;
    candor_exporter_forget(&w->exporter);
    w->pending_since_ns = 0;
    w->drain_failed = false;
    w->report_due = true;
    if (others_live != NULL) *others_live = candor_recover_others_live(&w->store);
    if (!atomic_load(&c->enabled) || !w->store.usable) return records;
    if (candor_journal_prepare(&c->journal, &err) != CANDOR_OK) candor_store_note(&w->store, &err);
    return records;
}

candor_status candor_jobs_purge(candor_client *c, bool own, uint64_t *events, candor_err *err)
{
    candor_worker *w = &c->worker;
    *events = 0;
    if (!w->storage_open) return CANDOR_OK;
    candor_uploader_cancel(&w->uploader);
    w->purge_runs++;
    bool others_live = false;
    uint64_t records = purge_journal(c, own ? &others_live : NULL);
    candor_vault_purge(c->vault, !others_live);
    if (others_live) {
        candor_store_count_purged(&w->store, records);
        *events = records;
        return CANDOR_OK;
    }
    records += candor_recover_purge(&w->store, w->purge_live_ms);
    candor_exporter_purge(&w->exporter);
    return candor_store_purge(&w->store, records, events, err);
}

void candor_jobs_purge_journal(candor_client *c)
{
    c->worker.purge_runs++;
    candor_store_count_purged(&c->worker.store, purge_journal(c, NULL));
    candor_vault_purge(c->vault, false);
}

static void run_purge(candor_client *c, candor_command *job)
{
    uint64_t events = 0;
    candor_err err = {0};
    candor_buf json = {0};
    c->worker.purges_seen = candor_consent_ask_purge(c->consent);
    candor_status st = candor_jobs_purge(c, false, &events, &err);
    candor_buf_putf(&json, "{\"purged\":%llu}", (unsigned long long)events);
    candor_jobs_report(c);
    answer(job, st, &json, &err);
    candor_buf_free(&json);
}

/* The loop has obeyed the new decision before it came here: what was buffered is gone when it is
 * off. What remains is to make a stored choice outlast a power cut. */
static void run_consent(candor_client *c, candor_command *job)
{
    candor_err err = {0};
    candor_buf json = {0};
    /* The loop may have paid before it saw this job. */
    if (job->purge) job->events = c->worker.purged_events;
    candor_status st = candor_consent_sync(c->consent, &err);
    candor_jobs_report(c);
    candor_buf_putf(&json, "{\"enabled\":%s,\"purged\":%llu",
                    atomic_load(&c->enabled) ? "true" : "false", (unsigned long long)job->events);
    if (job->names_mode)
        candor_buf_putf(&json, ",\"mode\":\"%s\"", candor_mode_name(candor_mode_now(c)));
    if (st != CANDOR_OK) put_error(&json, err.text);
    candor_buf_put_c(&json, '}');
    answer(job, st, &json, &err);
    candor_buf_free(&json);
}

/* The vault has obeyed before. */
static void run_content(candor_client *c, candor_command *job)
{
    candor_err err = {0};
    candor_buf json = {0};
    candor_status st = candor_consent_sync(c->consent, &err);
    candor_jobs_report(c);
    candor_buf_putf(&json, "{\"full_content\":%s,\"purged\":%llu",
                    candor_vault_on(c->vault) ? "true" : "false", (unsigned long long)job->events);
    if (st != CANDOR_OK) put_error(&json, err.text);
    candor_buf_put_c(&json, '}');
    answer(job, st, &json, &err);
    candor_buf_free(&json);
}

/* --- flush ----------------------------------------------------------------------------------- */

bool candor_jobs_drained(candor_client *c, const candor_command *job)
{
    return !c->worker.storage_open || batched(c) >= job->target;
}

static bool step_flush(candor_client *c, candor_command *job)
{
    candor_worker *w = &c->worker;
    bool done = candor_jobs_drained(c, job);
    if (!done && !w->drain_failed) return false;
    candor_err err = {0};
    candor_buf json = {0};
    candor_buf_putf(&json,
                    "{\"batches\":%llu,\"events\":%llu,\"path\":", (unsigned long long)job->batches,
                    (unsigned long long)job->events);
    if (job->path[0] != '\0')
        candor_json_put_string(&json, candor_bytes_str(job->path));
    else
        candor_buf_put_bytes(&json, CANDOR_LIT("null"));
    put_error(&json, done ? NULL : w->store.error);
    candor_buf_put_c(&json, '}');
    candor_status st = CANDOR_OK;
    if (!done) st = candor_fail(&err, CANDOR_IO, 0, "flush", "%s", w->store.error);
    candor_jobs_report(c);
    answer(job, st, &json, &err);
    candor_buf_free(&json);
    return true;
}

void candor_jobs_note_batch(candor_client *c, const candor_batch_row *row)
{
    for (candor_command *job = c->worker.jobs; job != NULL; job = job->next) {
        if (job->type != CANDOR_COMMAND_FLUSH) continue;
        job->batches++;
        job->events += row->events;
        if (c->worker.store.exporter != NULL)
            memcpy(job->path, c->worker.exporter.path, sizeof job->path);
        else if (candor_store_path(&c->worker.store, row->id, job->path, NULL) != CANDOR_OK)
            job->path[0] = '\0';
    }
}

/* --- upload ---------------------------------------------------------------------------------- */

static void finish_upload(candor_client *c, candor_command *job, candor_status st,
                          const char *error)
{
    candor_uploader *u = &c->worker.uploader;
    candor_buf json = {0};
    candor_jobs_report(c);
    candor_buf_putf(&json, "{\"uploaded\":%llu,\"events\":%llu,\"pending\":%llu",
                    (unsigned long long)(job->started ? u->uploaded : 0),
                    (unsigned long long)(job->started ? u->events : 0),
                    (unsigned long long)c->worker.totals.events);
    put_error(&json, error);
    candor_buf_put_c(&json, '}');
    answer(job, st, &json, NULL);
    candor_buf_free(&json);
}

static bool begin_upload(candor_client *c, candor_command *job)
{
    char consent[96];
    candor_uploader *u = &c->worker.uploader;
    candor_jobs_consent(c, consent, sizeof consent);
    u->since_ms = job->since_ms;
    candor_status st = job->path[0] != '\0'
                           ? candor_export_send(c, job->path, consent, job->give_up_ns != 0)
                           : candor_uploader_begin(u, true, consent);
    if (st != CANDOR_BUSY) {
        job->started = true;
        return true;
    }
    if (job->give_up_ns == 0) job->give_up_ns = candor_clock_mono_ns() + LEAD_WAIT_NS;
    return false;
}

static bool step_upload(candor_client *c, candor_command *job)
{
    candor_worker *w = &c->worker;
    if (!w->storage_open || !atomic_load(&c->enabled)) {
        job->started = false;
        finish_upload(c, job, CANDOR_CANCELLED, "telemetry is off");
        return true;
    }
    if (!w->store.usable) {
        finish_upload(c, job, CANDOR_OK, w->store.error);
        return true;
    }
    if (!job->started) {
        if (!candor_jobs_drained(c, job) && !w->drain_failed) return false;
        if (w->uploader.active) return false; /* an automatic round: it ends first */
        if (job->dry_run) {
            candor_export_plan(c, job);
            return true;
        }
        if (!begin_upload(c, job)) {
            if (candor_clock_mono_ns() < job->give_up_ns) return false;
            finish_upload(c, job, CANDOR_OK, "another process is uploading");
            return true;
        }
    }
    if (w->uploader.active) return false;
    finish_upload(c, job, CANDOR_OK, w->uploader.error);
    return true;
}

/* --- preview, stats -------------------------------------------------------------------------- */

/* Into a buffer of its own: the store's scratch is the body of an upload in flight. Locked batches
 * are passed over, as an upload does. */
static candor_status inflate_next(candor_client *c, candor_buf *out, candor_err *err)
{
    candor_store *s = &c->worker.store;
    candor_batch_row row = {0};
    candor_buf file = {0};
    candor_status st = CANDOR_DENIED;
    while (st == CANDOR_DENIED) {
        char after[CANDOR_UUID_TEXT + 1];
        memcpy(after, row.id, sizeof after);
        st = candor_state_next(s->state, after, INT64_MAX, true, &row, err);
        if (st == CANDOR_NOTFOUND) return CANDOR_OK;
        if (st == CANDOR_OK) st = candor_store_load(s, row.id, &file, err);
        if (st == CANDOR_DENIED && !candor_store_locked(s, row.id)) break;
    }
    if (st == CANDOR_OK)
        st = candor_gunzip(candor_buf_bytes(&file), CANDOR_BATCH_BYTES_MAX + CANDOR_EVENT_MAX, out,
                           NULL, 0, err);
    candor_buf_free(&file);
    return st;
}

static bool step_preview(candor_client *c, candor_command *job)
{
    candor_worker *w = &c->worker;
    candor_err err = {0};
    candor_buf text = {0};
    if (w->storage_open && !candor_jobs_drained(c, job) && !w->drain_failed) return false;
    candor_status st = w->storage_open ? inflate_next(c, &text, &err) : CANDOR_OK;
    answer(job, st, &text, &err);
    candor_buf_free(&text);
    return true;
}

static void run_stats(candor_client *c, candor_command *job)
{
    candor_err err = {0};
    candor_buf text = {0};
    candor_status st = CANDOR_OK;
    if (c->worker.storage_open)
        st = candor_state_stats(c->worker.store.state, job->since_ms, &text, &err);
    else
        candor_buf_put_bytes(&text, CANDOR_LIT("{\"since\":null,\"hours\":[],\"types\":[]}"));
    answer(job, st, &text, &err);
    candor_buf_free(&text);
}

static void run_report(candor_client *c, candor_command *job)
{
    candor_jobs_report(c);
    candor_command_finish(job, CANDOR_OK, CANDOR_LIT(""), NULL);
}

/* --- the list -------------------------------------------------------------------------------- */

/* True: the job is answered and freed. */
static bool step(candor_client *c, candor_command *job)
{
    switch (job->type) {
    case CANDOR_COMMAND_FLUSH:
        return step_flush(c, job);
    case CANDOR_COMMAND_UPLOAD:
        return step_upload(c, job);
    case CANDOR_COMMAND_PREVIEW:
        return step_preview(c, job);
    case CANDOR_COMMAND_PURGE:
        run_purge(c, job);
        return true;
    case CANDOR_COMMAND_CONSENT:
        run_consent(c, job);
        return true;
    case CANDOR_COMMAND_STATS:
        run_stats(c, job);
        return true;
    case CANDOR_COMMAND_CONTENT:
        run_content(c, job);
        return true;
    case CANDOR_COMMAND_CONFIGURE:
        candor_configure_run(c, job);
        return true;
    case CANDOR_COMMAND_EXPORT:
        return candor_export_step(c, job);
    case CANDOR_COMMAND_REPORT:
        break;
    }
    run_report(c, job);
    return true;
}

void candor_jobs_run(candor_client *c)
{
    candor_command **at = &c->worker.jobs;
    bool uploading = false; /* one manual round at a time; a later job gets a round of its own */
    while (*at != NULL) {
        candor_command *job = *at, *next = job->next;
        bool waits = job->type == CANDOR_COMMAND_UPLOAD && uploading;
        if (job->type == CANDOR_COMMAND_UPLOAD) uploading = true;
        if (!waits && step(c, job))
            *at = next;
        else
            at = &job->next;
    }
}

void candor_jobs_close(candor_client *c)
{
    static const char closed[] = "the client was closed";
    candor_command *rest = candor_command_close(&c->commands);
    candor_command **end = &c->worker.jobs;
    while (*end != NULL)
        end = &(*end)->next;
    *end = rest;
    for (candor_command *job = c->worker.jobs, *next; job != NULL; job = next) {
        next = job->next;
        c->worker.jobs = next; /* a callback that asks for status must not meet this one again */
        if (job->type == CANDOR_COMMAND_UPLOAD) {
            finish_upload(c, job, CANDOR_CANCELLED, closed);
        } else if (job->type == CANDOR_COMMAND_FLUSH && !candor_jobs_drained(c, job)) {
            candor_command_finish(job, CANDOR_CANCELLED, CANDOR_LIT("{}"), NULL);
        } else if (!step(c, job)) {
            candor_command_finish(job, CANDOR_CANCELLED, CANDOR_LIT("{}"), NULL);
        }
    }
}

bool candor_jobs_want_drain(const candor_client *c)
{
    for (const candor_command *job = c->worker.jobs; job != NULL; job = job->next)
        if (job->type == CANDOR_COMMAND_FLUSH || job->type == CANDOR_COMMAND_PREVIEW ||
            (job->type == CANDOR_COMMAND_EXPORT && job->work == NULL) ||
            (job->type == CANDOR_COMMAND_UPLOAD && !job->started))
            return true;
    return false;
}

int candor_jobs_timeout(const candor_client *c)
{
    int wait = -1;
    for (const candor_command *job = c->worker.jobs; job != NULL; job = job->next) {
        if (job->type == CANDOR_COMMAND_EXPORT && job->work != NULL) return 0;
        if (job->type == CANDOR_COMMAND_UPLOAD && !job->started && !c->worker.uploader.active)
            wait = LEAD_POLL_MS;
    }
    return wait;
}
