/* The one thread of a client: batches what waits, uploads what is due, does what callers ask, and
 * sleeps without a timer when there is nothing to wait for. */
#include "client/client.h"
#include "client/erase.h"
#include "client/jobs.h"
#include "client/recover.h"
#include "client/rest.h"

#define MS_NS            1000000ull
#define EXPORT_POLL_MS   10 /* while closing */
#define RETRY_DRAIN_NS   (2000 * MS_NS)
#define RETRY_SEGMENT_NS (1000 * MS_NS)
#define RETRY_ENFORCE_NS (60000 * MS_NS)

uint64_t candor_worker_turns(candor_client *c)
{
    return atomic_load(&c->turns);
}

/* --- consent --------------------------------------------------------------------------------- */

static void obey_purges(candor_client *c)
{
    candor_worker *w = &c->worker;
    uint32_t purges = candor_consent_purges(c->consent);
    if (purges == w->purges_seen) return;
    candor_worker_end_rest(c);
    w->purges_seen = purges;
    if (!w->storage_open) return;
    candor_uploader_cancel(&w->uploader); /* what it sends has been deleted */
    candor_jobs_purge_journal(c);
}

/* Who only looks deletes nothing that nobody asked it to delete. The same holds for a choice that
 * cannot be read: it is obeyed by silence; deleting needs one that somebody made. */
static bool spares(const candor_client *c, const candor_owed *owed)
{
    bool unread = candor_consent_choice(c->consent) == CANDOR_CHOICE_UNREADABLE ||
                  c->settings.config_enabled == CANDOR_CONFIG_UNREADABLE;
    return (c->settings.inspect != 0 || unread) && !owed->asked;
}

static void pay(candor_client *c, const candor_owed *owed)
{
    candor_worker *w = &c->worker;
    candor_err err = {0};
    w->purged_events = 0;
    candor_worker_end_rest(c);
    if (w->storage_open) candor_uploader_cancel(&w->uploader);
    if (w->storage_open && !spares(c, owed)) {
        w->session_ended = w->session_ended || owed->ended;
        w->retry_segment_ns = 0;
        if (owed->all) {
            w->purge_live_ms = owed->at_ms;
            candor_status st = candor_jobs_purge(c, !owed->shared, &w->purged_events, &err);
            w->purge_live_ms = 0;
            if (st != CANDOR_OK) candor_store_note(&w->store, &err);
        } else {
            candor_jobs_purge_journal(c);
        }
    }
    candor_erase_obey(c, owed->asked);
    (void)candor_gate_paid(c, owed);
}

static void look_at_consent(candor_client *c)
{
    candor_worker *w = &c->worker;
    if (candor_consent_epoch(c->consent) == atomic_load(&c->seen_epoch)) return;
    (void)candor_gate_refresh(c);
    /* a choice may have brought the file that was missing at the start */
    if (!w->watching) w->watching = candor_consent_watch(c->consent, c->waker);
}

/* The batch that was just written was recorded before what the process has to obey by now. */
static void take_back(candor_client *c)
{
    candor_store *s = &c->worker.store;
    look_at_consent(c);
    const candor_owed owed = candor_gate_owed(c);
    if (!owed.journal || spares(c, &owed) || s->batch.row.events == 0) return;
    (void)!candor_store_lost(s, &s->batch.row, CANDOR_LOSS_PURGED, NULL);
}

static void obey_consent(candor_client *c)
{
    candor_worker *w = &c->worker;
    look_at_consent(c);
    candor_consent_announce(c->consent); /* what this process has changed */
    candor_mode_obey(c);
    obey_purges(c);
    const candor_owed owed = candor_gate_owed(c);
    if (owed.journal) pay(c, &owed);
    bool on = atomic_load(&c->enabled);
    if (on && w->erased) candor_erase_undo(c);
    if (on && w->session_ended) {
        candor_gate_new_session(c, false);
        candor_worker_storage_ready(c); /* it borrows what the session has made anew */
    }
    if (on) w->session_ended = false;
    w->silenced = !on;
}

/* --- segments and batches -------------------------------------------------------------------- */

/* What went wrong is over once both segments and batches can be written. */
static void settled(candor_worker *w)
{
    if (!w->store.in_memory && !w->segment_trouble && !w->drain_failed) w->store.error[0] = '\0';
}

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
    candor_journal_warm(&c->journal);
    if (st != CANDOR_OK) w->retry_segment_ns = now + RETRY_SEGMENT_NS;
    /* The journal's own cap is no fault; a full disk is one, and has an errno. */
    bool trouble = st != CANDOR_OK && (st != CANDOR_FULL || err.sys != 0);
    if (trouble) candor_store_note(&w->store, &err);
    bool changed = trouble != w->segment_trouble;
    w->segment_trouble = trouble;
    if (changed) w->report_due = true;
    if (changed && !trouble) settled(w);
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
    w->report_due = true;
    if (st == CANDOR_CANCELLED) return true; /* the next turn obeys, then looks again */
    w->drain_failed = st != CANDOR_OK;
    mark_disk_low(c);
    if (st != CANDOR_OK) {
        candor_store_note(&w->store, &err);
        w->retry_drain_ns = candor_clock_mono_ns() + RETRY_DRAIN_NS;
        return false;
    }
    settled(w);
    after_batch(c, view->segment, at, records);
    w->retry_segment_ns = 0; /* room may have come free */
    (void)candor_journal_unblock(&c->journal);
    take_back(c);
    candor_store_enforce(&w->store);
    return true;
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
               now - w->pending_since_ns >= candor_worker_batch_ns(c);
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

/* What is too old may have to stay for now: it has to look old for a while, a batch may be in
 * flight, the database may refuse. */
static void enforce_due(candor_client *c, uint64_t now)
{
    candor_worker *w = &c->worker;
    bool again = w->retry_enforce_ns != 0;
    if (again ? now < w->retry_enforce_ns : candor_worker_expires_ms(w) >= candor_clock_unix_ms())
        return;
    candor_store_enforce(&w->store);
    candor_vault_enforce(c->vault);
    candor_jobs_report(c);
    bool left = candor_worker_expires_ms(w) < candor_clock_unix_ms();
    w->retry_enforce_ns = left ? now + RETRY_ENFORCE_NS : 0;
}

/* --- sleeping -------------------------------------------------------------------------------- */

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
    int64_t wait = more ? 0 : candor_worker_wait_ms(c, candor_clock_mono_ns());
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
    if (w->resting && candor_rest_is_over(c)) candor_worker_end_rest(c);
    if (w->storage_open && !w->silenced && w->store.usable) {
        prepare_segments(c, now);
        candor_vault_mark(c);
        more = drain_due(c, now, candor_jobs_want_drain(c) || candor_vault_presses(c->vault));
        if (candor_rollups_turn(&w->store)) w->report_due = true;
    }
    if (w->storage_open) candor_vault_turn(c);
    candor_jobs_run(c);
    if (w->storage_open && candor_state_damaged(w->store.state)) heal(c);
    w->export_wait_ms = candor_exporter_pump(&w->exporter);
    if (w->report_due) candor_jobs_report(c);
    if (w->storage_open && !w->silenced && w->store.usable) {
        enforce_due(c, now);
        upload_due(c);
        if (w->report_due) candor_jobs_report(c);
    }
    rest(c, more);
}

static void start(candor_client *c)
{
    candor_worker *w = &c->worker;
    w->purges_seen = candor_consent_purges(c->consent);
    w->erases_seen = candor_consent_happened(c->consent, CANDOR_HAPPENED_ERASE);
    w->erased = candor_gate_gdpr(c) && !c->no_files;
    candor_exporter_init(&w->exporter, &c->settings, c->schema, c->has_dir ? c->dir : NULL);
    if (!w->erased) candor_worker_begin_storage(c);
    if (!w->store.usable)
        candor_journal_block(&c->journal);
    else if (atomic_load(&c->enabled))
        prepare_segments(c, candor_clock_mono_ns());
    candor_jobs_report(c);
    candor_latch_open(c->started); /* emit works from here on; the rest comes meanwhile */
    w->watching = candor_consent_watch(c->consent, c->waker);
    if (w->erased) {
        candor_erase(c, false);
        candor_journal_block(&c->journal);
        candor_jobs_report(c);
    } else if (candor_rest_possible(c)) {
        w->resting = true;
    } else {
        candor_worker_finish_storage(c);
    }
}

/* Nothing has come since the start: the segments go as they came. */
static bool end_unused(void *client, candor_segment *s)
{
    (void)client;
    (void)s;
    return true;
}

static candor_segment_end segment_end(const candor_worker *w)
{
    if (w->resting) return end_unused;
    return w->storage_open ? candor_jobs_end_segment : NULL;
}

static void finish(candor_client *c)
{
    candor_worker *w = &c->worker;
    candor_journal_view view;
    take_commands(c);
    obey_consent(c);
    if (w->resting && !candor_rest_undisturbed(c)) candor_worker_end_rest(c);
    if (w->storage_open) {
        candor_uploader_cancel(&w->uploader);
        while (!w->silenced && w->store.usable &&
               (int64_t)candor_clock_mono_ns() < atomic_load(&c->stop_at_ns)) {
            candor_journal_look(&c->journal, &view);
            if (view.segment == NULL || view.appended == view.batched) break;
            if (!drain_once(c, &view)) break;
            obey_consent(c);
        }
    }
    if (w->storage_open) candor_vault_finish(c);
    while (candor_exporter_pump(&w->exporter) != 0 &&
           (int64_t)candor_clock_mono_ns() < atomic_load(&c->stop_at_ns))
        candor_waker_sleep(c->waker, EXPORT_POLL_MS);
    candor_jobs_close(c);
    candor_exporter_deinit(&w->exporter);
    candor_journal_deinit(&c->journal, segment_end(w), c);
    candor_worker_close_storage(c);
    if (w->erased) candor_erase(c, false);
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
