/* The one thread of a client: batches what waits, uploads what is due, does what callers ask, and
 * sleeps without a timer when there is nothing to wait for. */
#include "client/client.h"
#include "client/jobs.h"
#include "client/recover.h"

#define MS_NS  1000000ull
#define DAY_MS 86400000LL
/* While something is buffered or in flight, another process's "off" is obeyed within this time
 * (requirements R26: one second). With nothing buffered there is nothing to obey. */
#define CONSENT_POLL_MS  500
#define RETRY_DRAIN_NS   (2000 * MS_NS)
#define RETRY_SEGMENT_NS (1000 * MS_NS)
#define RETRY_ENFORCE_NS (60000 * MS_NS)

uint64_t candor_worker_turns(candor_client *c)
{
    return atomic_load(&c->turns);
}

/* --- consent --------------------------------------------------------------------------------- */

/* Off and on again before the worker came round: what was buffered at "off" still goes. */
static bool purge_asked(const candor_worker *w)
{
    for (const candor_command *job = w->jobs; job != NULL; job = job->next)
        if (job->type == CANDOR_COMMAND_CONSENT && job->purge) return true;
    return false;
}

/* The purge is counted for the job that asked, so that its callback can say how much it was. */
static void note_purged(candor_worker *w, uint64_t events)
{
    for (candor_command *job = w->jobs; job != NULL; job = job->next) {
        if (job->type != CANDOR_COMMAND_CONSENT) continue;
        job->events = events;
        job->purge = false;
    }
}

/* Whether "off" is this process's alone: as it stands, or, when it is on again, as it was asked. */
static bool off_is_own(candor_client *c, bool on)
{
    candor_journal_lock(&c->journal);
    bool own = candor_gate_own(c);
    candor_journal_unlock(&c->journal);
    if (!on) return own;
    for (const candor_command *job = c->worker.jobs; job != NULL; job = job->next)
        if (job->type == CANDOR_COMMAND_CONSENT && job->purge && !job->own) return false;
    return true;
}

static void obey_purges(candor_client *c)
{
    candor_worker *w = &c->worker;
    uint32_t purges = candor_consent_purges(c->consent);
    if (purges == w->purges_seen) return;
    w->purges_seen = purges;
    if (w->storage_open) candor_jobs_purge_journal(c);
}

static void obey_consent(candor_client *c)
{
    candor_worker *w = &c->worker;
    uint64_t events = 0;
    candor_err err = {0};
    if (candor_consent_epoch(c->consent) != atomic_load(&c->seen_epoch))
        (void)candor_gate_refresh(c);
    obey_purges(c);
    bool on = atomic_load(&c->enabled), asked = !w->silenced && purge_asked(w);
    if (on) w->silenced = false;
    if ((on || w->silenced) && !asked) return;
    /* A choice that cannot be read is obeyed by silence; deleting needs one that somebody made. */
    bool unread = candor_consent_choice(c->consent) == CANDOR_CHOICE_UNREADABLE;
    if ((c->settings.inspect != 0 || unread) && !asked) {
        w->silenced = true;
        return;
    }
    if (candor_jobs_purge(c, off_is_own(c, on), &events, &err) != CANDOR_OK)
        candor_store_note(&w->store, &err);
    w->purged_events = events;
    note_purged(w, events);
    w->retry_segment_ns = 0;
    w->silenced = !on;
}

/* --- segments and batches -------------------------------------------------------------------- */

static void prepare_segments(candor_client *c, uint64_t now)
{
    candor_worker *w = &c->worker;
    candor_err err = {0};
    if (w->retry_segment_ns > now) return;
    if (w->retry_segment_ns != 0) {
        w->retry_segment_ns = 0;
        /* Nobody missed it: the next emit that does will wake us, no timer has to. */
        if (!candor_journal_unblock(&c->journal)) return;
    }
    candor_status st = candor_journal_prepare(&c->journal, &err);
    if (st == CANDOR_OK) return;
    w->retry_segment_ns = now + RETRY_SEGMENT_NS;
    /* The journal's own cap is no fault; a full disk is one, and has an errno. */
    if (st != CANDOR_FULL || err.sys != 0) {
        candor_store_note(&w->store, &err);
        w->report_due = true;
    }
}

static void mark_disk_low(candor_client *c)
{
    candor_journal_lock(&c->journal);
    c->journal.disk_low = c->worker.store.disk_low;
    candor_journal_unlock(&c->journal);
}

static void after_batch(candor_client *c, candor_segment *segment, uint64_t at, uint64_t records)
{
    candor_worker *w = &c->worker;
    candor_segment *done = candor_journal_advance(&c->journal, segment, (size_t)at, records);
    if (w->store.batch.row.events != 0) candor_jobs_note_batch(c, &w->store.batch.row);
    if (done == NULL) return;
    unsigned char id[16];
    memcpy(id, done->info.id, sizeof id);
    if (candor_store_finish_segment(&w->store, done, true)) {
        candor_segment_delete(done);
        candor_store_forget_segment(&w->store, id);
    } else {
        candor_segment_free(done); /* recovered later, from its consumed offset */
    }
}

/* Write one batch out of what the view shows. False: it failed and is tried again later. */
static bool drain_once(candor_client *c, const candor_journal_view *view)
{
    candor_worker *w = &c->worker;
    candor_err err = {0};
    uint64_t at = candor_segment_consumed(view->segment), records = 0;
    candor_status st =
        candor_store_drain(&w->store, view->segment, true, &at, view->limit, &records, &err);
    w->drain_failed = st != CANDOR_OK;
    w->report_due = true;
    mark_disk_low(c);
    if (st != CANDOR_OK) {
        candor_store_note(&w->store, &err);
        w->retry_drain_ns = candor_clock_mono_ns() + RETRY_DRAIN_NS;
        return false;
    }
    if (!w->store.in_memory) w->store.error[0] = '\0';
    after_batch(c, view->segment, at, records);
    w->retry_segment_ns = 0; /* room may have come free */
    (void)candor_journal_unblock(&c->journal);
    candor_store_enforce(&w->store);
    return true;
}

static uint64_t interval_ns(const candor_client *c)
{
    return (uint64_t)c->settings.batch_interval_ms * MS_NS;
}

/* True: a batch was written and there may be more to do at once. */
static bool drain_due(candor_client *c, uint64_t now, bool force)
{
    candor_worker *w = &c->worker;
    candor_journal_view view;
    candor_journal_look(&c->journal, &view);
    uint64_t pending = view.appended - view.batched;
    if (pending == 0 || view.segment == NULL) {
        w->pending_since_ns = 0;
        w->drain_failed = false;
        return false;
    }
    if (w->pending_since_ns == 0) w->pending_since_ns = now;
    bool due = force || view.any_full || pending >= (uint64_t)c->settings.batch_events ||
               now - w->pending_since_ns >= interval_ns(c);
    bool held = w->drain_failed && now < w->retry_drain_ns && !force;
    if (!due || held || !drain_once(c, &view)) return false;
    w->pending_since_ns = candor_clock_mono_ns();
    return true;
}

static void heal(candor_client *c)
{
    candor_worker *w = &c->worker;
    candor_recovered found;
    candor_uploader_cancel(&w->uploader);
    candor_store_heal(&w->store);
    candor_recover(&w->store, &found);
    w->report_due = true;
}

static void upload_due(candor_client *c)
{
    candor_worker *w = &c->worker;
    char consent[96];
    if (w->uploader.active ||
        candor_uploader_due_ms(&w->uploader, &w->totals) > candor_clock_unix_ms())
        return;
    candor_jobs_consent(c, consent, sizeof consent);
    if (candor_uploader_begin(&w->uploader, false, consent) == CANDOR_BUSY)
        w->uploader.last_round_ms = candor_clock_unix_ms(); /* another process does it */
    w->report_due = true;
}

static int64_t expires_ms(const candor_worker *w)
{
    return candor_store_expires_ms(&w->store,
                                   w->totals.batches != 0 ? w->totals.oldest_ms : INT64_MAX);
}

/* What is too old may have to stay for now: it has to look old for a while, a batch may be in
 * flight, the database may refuse. */
static void enforce_due(candor_client *c, uint64_t now)
{
    candor_worker *w = &c->worker;
    bool again = w->retry_enforce_ns != 0;
    if (again ? now < w->retry_enforce_ns : expires_ms(w) >= candor_clock_unix_ms()) return;
    candor_store_enforce(&w->store);
    candor_jobs_report(c);
    bool left = expires_ms(w) < candor_clock_unix_ms();
    w->retry_enforce_ns = left ? now + RETRY_ENFORCE_NS : 0;
}

static int64_t enforce_wait(const candor_worker *w, uint64_t now)
{
    if (w->retry_enforce_ns != 0)
        return w->retry_enforce_ns > now ? (int64_t)((w->retry_enforce_ns - now) / MS_NS) + 1 : 0;
    return expires_ms(w) - candor_clock_unix_ms() + 1;
}

/* --- sleeping -------------------------------------------------------------------------------- */

static int64_t min_wait(int64_t a, int64_t b)
{
    if (b < 0) b = 0;
    return a < 0 || b < a ? b : a;
}

static int64_t pending_wait(const candor_client *c, uint64_t now)
{
    const candor_worker *w = &c->worker;
    uint64_t due = w->pending_since_ns + interval_ns(c);
    if (w->drain_failed && w->retry_drain_ns > due) due = w->retry_drain_ns;
    int64_t ms = due > now ? (int64_t)((due - now) / MS_NS) + 1 : 0;
    return ms < CONSENT_POLL_MS ? ms : CONSENT_POLL_MS;
}

/* Milliseconds to sleep; -1: until woken. */
static int64_t plan_wait(candor_client *c, uint64_t now)
{
    const candor_worker *w = &c->worker;
    int64_t unix_now = candor_clock_unix_ms(), wait = -1;
    int jobs = candor_jobs_timeout(c);
    if (jobs >= 0) wait = jobs;
    if (!w->storage_open || w->silenced) return wait;
    if (w->pending_since_ns != 0) wait = min_wait(wait, pending_wait(c, now));
    if (w->uploader.active) return min_wait(wait, CONSENT_POLL_MS);
    int64_t due = candor_uploader_due_ms(&w->uploader, &w->totals);
    if (due != INT64_MAX) wait = min_wait(wait, due - unix_now);
    if (w->retry_enforce_ns != 0 || expires_ms(w) != INT64_MAX)
        wait = min_wait(wait, enforce_wait(w, now));
    if (w->retry_segment_ns > now)
        wait = min_wait(wait, (int64_t)((w->retry_segment_ns - now) / MS_NS) + 1);
    return wait > DAY_MS ? DAY_MS : wait;
}

/* Emitters wake a sleeping worker at the first record and when a batch is complete. */
static bool may_sleep(candor_client *c, const candor_journal_view *view)
{
    const candor_worker *w = &c->worker;
    uint64_t wake_at = view->batched + (uint64_t)c->settings.batch_events;
    if (view->appended == view->batched) wake_at = view->appended + 1;
    if (w->drain_failed) wake_at = UINT64_MAX; /* until the retry there is nothing it could do */
    if (w->pending_since_ns == 0 && view->appended != view->batched) return false;
    return candor_journal_sleep(&c->journal, view->appended, wake_at);
}

static void sleep_or_transfer(candor_client *c, int64_t wait)
{
    candor_worker *w = &c->worker;
    candor_http_response response;
    if (w->uploader.http == NULL) {
        if (wait != 0) candor_waker_sleep(c->waker, (int)wait);
    } else if (candor_http_poll(w->uploader.http, c->waker, (int)wait, &response)) {
        obey_consent(c); /* an answer that came after "off" settles nothing */
        candor_uploader_answer(&w->uploader, &response);
        w->report_due = true;
    }
}

static void rest(candor_client *c, bool more)
{
    candor_journal_view view;
    int64_t wait = more ? 0 : plan_wait(c, candor_clock_mono_ns());
    candor_journal_look(&c->journal, &view);
    if (wait != 0 && !may_sleep(c, &view)) wait = 0;
    sleep_or_transfer(c, wait);
    candor_journal_awake(&c->journal);
}

/* --- the loop -------------------------------------------------------------------------------- */

static void take_commands(candor_client *c)
{
    candor_command **end = &c->worker.jobs;
    while (*end != NULL)
        end = &(*end)->next;
    *end = candor_command_take(&c->commands);
}

static void turn(candor_client *c)
{
    candor_worker *w = &c->worker;
    bool more = false;
    uint64_t now = candor_clock_mono_ns();
    atomic_fetch_add(&c->turns, 1);
    take_commands(c);
    obey_consent(c);
    if (w->storage_open && !w->silenced && w->store.usable) {
        prepare_segments(c, now);
        more = drain_due(c, now, candor_jobs_want_drain(c));
    }
    candor_jobs_run(c);
    if (w->storage_open && candor_state_damaged(w->store.state)) heal(c);
    if (w->report_due) candor_jobs_report(c);
    if (w->storage_open && !w->silenced && w->store.usable) {
        enforce_due(c, now);
        upload_due(c);
        if (w->report_due) candor_jobs_report(c);
    }
    rest(c, more);
}

/* There will be no segment: emitters must not wake the worker for one. */
static void block_segments(candor_client *c)
{
    candor_journal_lock(&c->journal);
    c->journal.blocked = true;
    candor_journal_unlock(&c->journal);
}

static void start(candor_client *c)
{
    candor_worker *w = &c->worker;
    candor_recovered found;
    w->purges_seen = candor_consent_purges(c->consent);
    const candor_uploader_identity identity = {c->identity.machine_id,
                                               candor_schema_notice(c->schema)};
    if (!c->no_files) {
        candor_status st = candor_store_open(&w->store, &c->settings, &c->stop,
                                             c->has_dir ? c->dir : NULL, &c->dir_error);
        w->storage_open = st == CANDOR_OK;
        if (st == CANDOR_OK &&
            candor_uploader_init(&w->uploader, &w->store, &c->settings, &identity) != CANDOR_OK)
            w->storage_open = false;
    }
    if (!w->storage_open || !w->store.usable) block_segments(c);
    if (w->storage_open && w->store.usable && atomic_load(&c->enabled))
        prepare_segments(c, candor_clock_mono_ns());
    candor_jobs_report(c);
    candor_latch_open(c->started); /* emit works from here on; the past is picked up meanwhile */
    if (w->storage_open) candor_store_started(&w->store, &c->stop_at_ns);
    if (w->storage_open && atomic_load(&c->enabled)) {
        candor_recover(&w->store, &found);
        candor_store_enforce(&w->store);
        candor_jobs_report(c);
    }
}

static void finish(candor_client *c)
{
    candor_worker *w = &c->worker;
    candor_journal_view view;
    take_commands(c);
    obey_consent(c);
    if (w->storage_open) {
        candor_uploader_cancel(&w->uploader);
        bool on = !w->silenced && w->store.usable;
        while (on && (int64_t)candor_clock_mono_ns() < atomic_load(&c->stop_at_ns)) {
            candor_journal_look(&c->journal, &view);
            if (view.segment == NULL || view.appended == view.batched) break;
            if (!drain_once(c, &view)) break;
        }
    }
    candor_jobs_close(c);
    candor_journal_deinit(&c->journal, w->storage_open ? candor_jobs_end_segment : NULL, c);
    if (!w->storage_open) return;
    candor_uploader_deinit(&w->uploader);
    candor_store_close(&w->store);
}

void candor_worker_run(void *client)
{
    candor_client *c = client;
    candor_thread_stand_back(); /* the host comes first */
    start(c);
    while (!atomic_load(&c->stop))
        turn(c);
    finish(c);
}
