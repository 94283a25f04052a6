/* The worker's storage: directories at once, state.db when there is something for it. */
#include "client/client.h"
#include "client/jobs.h"
#include "client/recover.h"
#include "client/rest.h"

/* Whether there is something to obey that the loop has not come to yet. Another process bumps the
 * epoch before it deletes in the database; see candor_store.disturbed. */
static bool disturbed(void *client)
{
    candor_client *c = client;
    candor_journal_lock(&c->journal);
    bool yes = c->owed.journal || candor_consent_purges(c->consent) != c->worker.purges_seen ||
               candor_consent_epoch(c->consent) != atomic_load(&c->seen_epoch);
    candor_journal_unlock(&c->journal);
    return yes;
}

void candor_worker_begin_storage(candor_client *c)
{
    candor_worker *w = &c->worker;
    if (c->no_files) return;
    candor_store_begin(&w->store, &c->settings, &c->stop, c->has_dir ? c->dir : NULL,
                       &c->dir_error);
    w->store.consent = c->consent;
    w->store.disturbed = disturbed;
    w->store.disturbed_ctx = c;
    if (candor_exporter_is_local(&c->settings)) w->store.exporter = &w->exporter;
}

/* state.db, which takes longer. */
static void open_state(candor_client *c)
{
    candor_worker *w = &c->worker;
    const candor_uploader_identity identity = {c->identity.machine_id,
                                               candor_schema_notice(c->schema), c->consent, c->ci};
    if (c->no_files) return;
    w->storage_open =
        candor_store_open_state(&w->store) == CANDOR_OK &&
        candor_uploader_init(&w->uploader, &w->store, &c->settings, &identity) == CANDOR_OK;
    w->uploader.exporter = &w->exporter;
}

void candor_worker_open_storage(candor_client *c)
{
    candor_worker_begin_storage(c);
    open_state(c);
}

void candor_worker_storage_ready(candor_client *c)
{
    candor_worker *w = &c->worker;
    if (!w->storage_open) return;
    candor_store_started(&w->store, &c->stop_at_ns);
    candor_rest_settle_rollups(&w->store);
    if (c->vault->store == NULL) candor_vault_start(c);
    candor_rollups_attach(&w->store, c->schema, candor_buf_bytes(&c->identity.context_json));
}

void candor_worker_close_storage(candor_client *c)
{
    candor_worker *w = &c->worker;
    if (!w->storage_open) return;
    w->storage_open = false;
    candor_vault_detach(c->vault);
    candor_uploader_deinit(&w->uploader);
    candor_store_close(&w->store);
}

void candor_worker_finish_storage(candor_client *c)
{
    candor_worker *w = &c->worker;
    candor_recovered found;
    open_state(c);
    if (!w->storage_open) candor_journal_block(&c->journal);
    candor_worker_storage_ready(c);
    candor_jobs_report(c);
    if (w->storage_open && atomic_load(&c->enabled)) {
        candor_recover(&w->store, &found);
        candor_store_enforce(&w->store);
        candor_jobs_report(c);
    }
}

void candor_worker_end_rest(candor_client *c)
{
    if (!c->worker.resting) return;
    c->worker.resting = false;
    candor_worker_finish_storage(c);
}
