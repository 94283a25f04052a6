/* The worker's turns of the vault: the segment for emit, the flag, the keys. */
#include "client/client.h"
#include "client/recover.h"
#include "client/vault_private.h"

#define RETRY_NS 2000000000ull
/* What is sealed here and no file yet obeys another process's "off" in time. */
#define POLL_MS 500

/* --- the segment ----------------------------------------------------------------------------- */

static candor_status make_dir(candor_vault *v, candor_err *err)
{
    if (v->dir_made) return CANDOR_OK;
    candor_status st = candor_dir_create(v->dir, err);
    v->dir_made = st == CANDOR_OK;
    return st;
}

static void note(candor_vault *v, const candor_err *err)
{
    candor_store_note(v->store, err);
    v->retry_ns = candor_clock_mono_ns() + RETRY_NS;
}

static void prepare(candor_vault *v)
{
    candor_err err = {0};
    candor_vault_segment *s = NULL;
    if (v->segment != NULL || !candor_vault_on(v) || candor_keyring_empty(v->keys)) return;
    candor_status st = make_dir(v, &err);
    if (st == CANDOR_OK) st = candor_vault_segment_create(v->dir, &s, &err);
    if (st != CANDOR_OK) {
        note(v, &err);
        return;
    }
    candor_mutex_lock(v->mutex);
    v->segment = s;
    candor_mutex_unlock(v->mutex);
}

static void move(candor_vault *v, size_t limit)
{
    candor_err err = {0};
    uint64_t records = 0;
    bool low = candor_store_disk_low(v->store);
    atomic_store(&v->disk_low, low);
    if (low) {
        v->retry_ns = candor_clock_mono_ns() + RETRY_NS;
        return;
    }
    candor_status st = candor_vault_empty(v, v->segment, limit, &records, &err);
    if (st != CANDOR_OK) note(v, &err);
    candor_mutex_lock(v->mutex);
    v->waiting -= records < v->waiting ? records : v->waiting;
    if (st == CANDOR_OK && v->segment->tail == limit) candor_vault_segment_reset(v->segment);
    atomic_store(&v->pressed, v->segment->tail > CANDOR_VAULT_SEGMENT_SIZE / 2);
    candor_mutex_unlock(v->mutex);
    candor_vault_enforce(v);
}

/* --- the worker's turns ---------------------------------------------------------------------- */

static const char *decided_by(candor_vault *v)
{
    candor_mutex_lock(v->mutex);
    const char *by = v->decided_by;
    candor_mutex_unlock(v->mutex);
    return by;
}

/* Whether the host of this process alone says so, by the switch or by its level, while the stored
 * choices would allow it. */
static bool is_own(const candor_client *c, const char *by)
{
    return (strcmp(by, "host") == 0 || strcmp(by, "level") == 0 ||
            strcmp(by, "telemetry.toml") == 0) &&
           candor_consent_get(c->consent, CANDOR_STORED_CONTENT) == 2 &&
           candor_consent_level(c->consent) == CANDOR_PRIVACY_ALL;
}

/* Off. Where the host of this process alone says so, files stay for another process that may send
 * them. */
static void obey_off(candor_client *c, bool asked)
{
    candor_vault *v = c->vault;
    const char *by = decided_by(v);
    bool own = is_own(c, by);
    /* With telemetry off as a whole, its own purge has done it, if there is one. */
    if ((strcmp(by, "telemetry") == 0 || c->settings.inspect != 0) && !asked) return;
    candor_uploader_cancel_attachment(&c->worker.uploader);
    candor_vault_purge(v, !own || !candor_vault_others_live(v));
    c->worker.report_due = true;
}

/* What this process has sealed was there before an "off" of another, which has deleted the files.
 */
static void forget_sealed(candor_client *c)
{
    candor_uploader_cancel_attachment(&c->worker.uploader);
    candor_vault_purge(c->vault, false);
    candor_vault_scan(c->vault);
    c->worker.report_due = true;
}

static bool purge_asked(candor_client *c)
{
    bool asked = false;
    for (candor_command *job = c->worker.jobs; job != NULL; job = job->next) {
        bool switches =
            job->type == CANDOR_COMMAND_CONTENT || job->type == CANDOR_COMMAND_CONFIGURE;
        if (!switches || !job->purge) continue;
        asked = true;
        job->purge = false;
    }
    return asked;
}

void candor_vault_start(candor_client *c)
{
    candor_vault *v = c->vault;
    candor_worker *w = &c->worker;
    if (candor_path_join(w->store.dir, "vault", v->dir, sizeof v->dir, NULL) != CANDOR_OK) return;
    v->store = &w->store;
    w->store.keys = v->keys;
    w->uploader.vault = v;
    if (candor_consent_epoch(c->consent) != atomic_load(&c->seen_epoch))
        (void)candor_gate_refresh(c); /* another process may have chosen since the open */
    v->was_on = candor_vault_on(v);
    v->offs_seen = candor_consent_content_offs(c->consent);
    candor_vault_report(v);
    if (!w->store.usable) return;
    candor_store_look_locked(&w->store, false);
    if (v->was_on) {
        prepare(v);
        candor_vault_scan(v);
        candor_vault_enforce(v);
    } else if (candor_file_mtime(v->dir, NULL, NULL, NULL) == CANDOR_OK) {
        /* An "off" that a crash kept from being obeyed. */
        const char *by = decided_by(v);
        bool telemetry = strcmp(by, "telemetry") == 0, chosen = strcmp(by, "stored") == 0;
        if (c->settings.inspect == 0 && !telemetry && (chosen || !candor_vault_others_live(v)))
            candor_vault_purge(v, true);
        else
            candor_vault_scan(v);
    }
}

static void obey_keys(candor_client *c)
{
    if (!atomic_exchange(&c->vault->keys_changed, false)) return;
    candor_recovered found = {0};
    candor_vault_scan(c->vault);
    if (c->settings.encrypt_spool != 0 && !c->worker.silenced)
        candor_recover_dead(&c->worker.store, &found);
    candor_store_look_locked(&c->worker.store, true);
    c->worker.retry_drain_ns = 0;
    c->worker.report_due = true;
}

void candor_vault_mark(candor_client *c)
{
    candor_vault *v = c->vault;
    candor_journal_view view;
    if (v->segment == NULL) return;
    candor_mutex_lock(v->mutex);
    size_t at = v->waiting != 0 ? v->segment->tail : 0;
    candor_mutex_unlock(v->mutex);
    candor_journal_look(&c->journal, &view); /* an event was there before its content was here */
    v->mark_at = at;
    v->mark_appended = view.appended;
}

void candor_vault_turn(candor_client *c)
{
    candor_vault *v = c->vault;
    candor_journal_view view;
    if (v->store == NULL) return;
    uint32_t offs = candor_consent_content_offs(c->consent);
    bool on = candor_vault_on(v), asked = purge_asked(c), missed = offs != v->offs_seen;
    v->offs_seen = offs;
    if ((v->was_on && !on) || asked)
        obey_off(c, asked);
    else if (v->was_on && missed) /* off and on again, by others, while this worker slept */
        forget_sealed(c);
    for (candor_command *job = c->worker.jobs; job != NULL; job = job->next)
        if (job->type == CANDOR_COMMAND_CONTENT) job->events = v->purged;
    if (on) v->purged = 0;
    if (on && !v->was_on) candor_vault_scan(v);
    v->was_on = on;
    obey_keys(c);
    if (!v->store->usable || c->worker.silenced) return;
    atomic_store(&v->disk_low, v->store->disk_low);
    if (v->retry_ns > candor_clock_mono_ns()) return;
    v->retry_ns = 0;
    prepare(v);
    candor_journal_look(&c->journal, &view);
    if (v->segment == NULL || v->mark_at == 0 || view.batched < v->mark_appended) return;
    size_t limit = v->mark_at;
    v->mark_at = 0;
    move(v, limit);
    c->worker.report_due = true;
}

void candor_vault_finish(candor_client *c)
{
    candor_vault *v = c->vault;
    if (v->store == NULL) return;
    v->retry_ns = 0;
    bool late = (int64_t)candor_clock_mono_ns() >= atomic_load(&c->stop_at_ns);
    if (!late) candor_vault_mark(c);
    if (!late) candor_vault_turn(c);
    candor_vault_report(v);
    candor_vault_detach(v);
}

void candor_vault_detach(candor_vault *v)
{
    if (v->store == NULL) return;
    uint64_t left = v->waiting;
    candor_vault_segment *s = candor_vault_take_segment(v);
    if (left == 0)
        candor_vault_segment_delete(s);
    else
        candor_vault_segment_free(s); /* the next start makes files of it */
    v->n = 0;
    candor_vault_publish(v);
    v->store = NULL;
    v->dir_made = false;
}

bool candor_vault_presses(const candor_vault *v)
{
    return atomic_load(&((candor_vault *)(uintptr_t)v)->pressed);
}

int64_t candor_vault_wait_ms(const candor_vault *v, uint64_t now_ns)
{
    if (v->store == NULL) return -1;
    candor_mutex_lock(v->mutex);
    int64_t wait = v->waiting != 0 ? POLL_MS : -1;
    candor_mutex_unlock(v->mutex);
    /* No segment, or an empty one: whoever emits next wakes the worker, no timer has to. */
    if (v->retry_ns == 0 || wait < 0) return wait;
    int64_t retry = v->retry_ns > now_ns ? (int64_t)((v->retry_ns - now_ns) / 1000000u) + 1 : 0;
    return retry < wait ? retry : wait;
}
