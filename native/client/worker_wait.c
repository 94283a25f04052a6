/* How long the worker may sleep. Layer: client. Threads: the worker. */
#include "client/client.h"
#include "client/jobs.h"
#include "client/rest.h"

#define MS_NS  1000000ull
#define DAY_MS 86400000LL
/* Another process's "off" wakes this worker (candor_consent_watch). While something is buffered or
 * in flight it also looks by itself, for a process that was killed before it could tell, and for
 * systems that have no watch left (requirements R26: one second). */
#define CONSENT_POLL_MS 500

uint64_t candor_worker_batch_ns(const candor_client *c)
{
    return (uint64_t)c->settings.batch_interval_ms * MS_NS;
}

int64_t candor_worker_expires_ms(const candor_worker *w)
{
    int64_t batches = candor_store_expires_ms(
        &w->store, w->totals.batches != 0 ? w->totals.oldest_ms : INT64_MAX);
    int64_t vault =
        w->uploader.vault != NULL ? candor_vault_expires_ms(w->uploader.vault) : INT64_MAX;
    return vault < batches ? vault : batches;
}

static int64_t enforce_wait(const candor_worker *w, uint64_t now)
{
    if (w->retry_enforce_ns != 0)
        return w->retry_enforce_ns > now ? (int64_t)((w->retry_enforce_ns - now) / MS_NS) + 1 : 0;
    return candor_worker_expires_ms(w) - candor_clock_unix_ms() + 1;
}

static int64_t min_wait(int64_t a, int64_t b)
{
    if (b < 0) b = 0;
    return a < 0 || b < a ? b : a;
}

/* Without a key nothing can be batched: candor_set_keys wakes the worker, as does a change of
 * consent. Once that was said, no timer has to. */
static bool waits_for_key(const candor_worker *w)
{
    return w->watching && candor_store_needs_key(&w->store);
}

/* What is buffered: the batch's time, and the look at consent until then. */
static int64_t pending_wait(const candor_client *c, uint64_t now)
{
    const candor_worker *w = &c->worker;
    bool key = waits_for_key(w);
    uint64_t due = w->pending_since_ns + candor_worker_batch_ns(c);
    if (w->pending_since_ns == 0 || (key && w->drain_failed)) return -1;
    if (w->drain_failed && w->retry_drain_ns > due) due = w->retry_drain_ns;
    int64_t ms = due > now ? (int64_t)((due - now) / MS_NS) + 1 : 0;
    return key || ms < CONSENT_POLL_MS ? ms : CONSENT_POLL_MS;
}

static int64_t buffered_wait(const candor_client *c, uint64_t now)
{
    int64_t journal = pending_wait(c, now);
    int64_t vault = waits_for_key(&c->worker) ? -1 : candor_vault_wait_ms(c->vault, now);
    if (journal < 0 || vault < 0) return journal > vault ? journal : vault;
    return journal < vault ? journal : vault;
}

int64_t candor_worker_wait_ms(candor_client *c, uint64_t now)
{
    const candor_worker *w = &c->worker;
    int64_t unix_now = candor_clock_unix_ms(), wait = -1;
    int jobs = candor_jobs_timeout(c);
    if (jobs >= 0) wait = jobs;
    if (w->export_wait_ms != 0) wait = min_wait(wait, w->export_wait_ms);
    if (w->resting && candor_rest_due_ms(c) != INT64_MAX)
        wait = min_wait(wait, candor_rest_due_ms(c) - unix_now + 1);
    if (!w->storage_open || w->silenced) return wait > DAY_MS ? DAY_MS : wait;
    int64_t buffered = buffered_wait(c, now);
    if (buffered >= 0) wait = min_wait(wait, buffered);
    if (w->uploader.active) return min_wait(wait, CONSENT_POLL_MS);
    int64_t due = candor_uploader_due_ms(&w->uploader, &w->totals);
    if (due != INT64_MAX) wait = min_wait(wait, due - unix_now);
    int64_t rollups = candor_rollups_wait_ms(&w->store);
    if (rollups >= 0) wait = min_wait(wait, rollups);
    if (w->retry_enforce_ns != 0 || candor_worker_expires_ms(w) != INT64_MAX)
        wait = min_wait(wait, enforce_wait(w, now));
    if (w->retry_segment_ns > now)
        wait = min_wait(wait, (int64_t)((w->retry_segment_ns - now) / MS_NS) + 1);
    return wait > DAY_MS ? DAY_MS : wait;
}
