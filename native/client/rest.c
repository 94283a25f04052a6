#include "client/rest.h"

#include "client/client.h"

/* Also in erase.c. */
#define ROLLUPS_MARK "rollup.waiting"

#define OWN_SEGMENTS 2 /* the current one and the spare */

static bool count_name(void *ctx, const char *name)
{
    size_t *n = ctx;
    (void)name;
    (*n)++;
    return true;
}

/* Names in a folder of the directory; none where there is no such folder. */
static size_t names_in(const char *dir, const char *folder)
{
    char path[CANDOR_PATH_MAX];
    size_t n = 0;
    if (candor_path_join(dir, folder, path, sizeof path, NULL) != CANDOR_OK) return SIZE_MAX;
    candor_status st = candor_dir_list(path, count_name, &n, NULL);
    return st == CANDOR_OK || st == CANDOR_NOTFOUND ? n : SIZE_MAX;
}

static bool is_there(const char *dir, const char *name)
{
    char path[CANDOR_PATH_MAX];
    int64_t when = 0;
    uint64_t size = 0;
    return candor_path_join(dir, name, path, sizeof path, NULL) != CANDOR_OK ||
           candor_file_mtime(path, &when, &size, NULL) != CANDOR_NOTFOUND;
}

/* While one is missing, the worker has to try again. */
static bool segments_are_ready(candor_client *c)
{
    candor_journal_lock(&c->journal);
    bool yes = c->journal.cur != NULL && c->journal.spare != NULL;
    candor_journal_unlock(&c->journal);
    return yes;
}

int64_t candor_rest_due_ms(const candor_client *c)
{
    return candor_store_expires_ms(&c->worker.store, INT64_MAX);
}

bool candor_rest_possible(candor_client *c)
{
    candor_store *s = &c->worker.store;
    if (c->no_files || !s->usable || s->exporter != NULL || !atomic_load(&c->enabled) ||
        candor_vault_on(c->vault) || c->settings.exporter != CANDOR_EXPORT_CANDOR ||
        !segments_are_ready(c))
        return false;
    candor_store_bound_ledger(s);
    return names_in(s->dir, "journal") == OWN_SEGMENTS && names_in(s->dir, "spool") == 0 &&
           names_in(s->dir, "quarantine") == 0 && names_in(s->dir, "vault") == 0 &&
           !is_there(s->dir, ROLLUPS_MARK) && candor_rest_due_ms(c) > candor_clock_unix_ms();
}

bool candor_rest_is_over(candor_client *c)
{
    candor_journal_view view;
    candor_journal_look(&c->journal, &view);
    return c->worker.jobs != NULL || view.appended != view.batched || candor_vault_on(c->vault) ||
           candor_rest_due_ms(c) <= candor_clock_unix_ms();
}

bool candor_rest_undisturbed(candor_client *c)
{
    static const candor_counts none;
    candor_journal_lock(&c->journal);
    const candor_journal *j = &c->journal;
    bool yes = j->appended == j->batched && memcmp(&j->session, &none, sizeof none) == 0;
    candor_journal_unlock(&c->journal);
    return yes;
}

void candor_rest_mark_rollups(const candor_store *s)
{
    char path[CANDOR_PATH_MAX];
    candor_file *f = NULL;
    if (candor_path_join(s->dir, ROLLUPS_MARK, path, sizeof path, NULL) == CANDOR_OK &&
        candor_file_open(path, CANDOR_OPEN_CREATE_NEW, &f, NULL) == CANDOR_OK)
        candor_file_discard(f);
}

void candor_rest_settle_rollups(const candor_store *s)
{
    char path[CANDOR_PATH_MAX];
    candor_rollup_totals totals;
    if (s->in_memory ||
        candor_path_join(s->dir, ROLLUPS_MARK, path, sizeof path, NULL) != CANDOR_OK)
        return;
    candor_unlink_quiet(path);
    if (candor_rollup_total(s->state, &totals, NULL) != CANDOR_OK || totals.rows != 0)
        candor_rest_mark_rollups(s);
}
