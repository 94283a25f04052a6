/* The parts of the store that move or delete whole files: quarantine and purge. */
#include <stdio.h>

#include "client/names.h"
#include "client/store.h"

/* What people may still want to look at, without growing for ever. */
#define QUARANTINE_FILES_MAX 64
#define QUARANTINE_BYTES_MAX (16u * 1024 * 1024)

typedef struct quarantine_scan {
    const candor_store *store;
    unsigned files;
    uint64_t bytes;
    int64_t oldest_ms;
    char oldest[CANDOR_PATH_MAX];
} quarantine_scan;

static bool scan_entry(void *ctx, const char *name)
{
    quarantine_scan *scan = ctx;
    char path[CANDOR_PATH_MAX];
    int64_t when = 0;
    uint64_t size = 0;
    if (!candor_name_quarantined(name)) return true;
    if (candor_path_join(scan->store->quarantine_dir, name, path, sizeof path, NULL) != CANDOR_OK ||
        candor_file_mtime(path, &when, &size, NULL) != CANDOR_OK)
        return true;
    scan->files++;
    scan->bytes += size;
    if (when < scan->oldest_ms) {
        scan->oldest_ms = when;
        memcpy(scan->oldest, path, strlen(path) + 1);
    }
    return true;
}

static bool scan_all(candor_store *s, quarantine_scan *scan)
{
    *scan = (quarantine_scan){.store = s, .oldest_ms = INT64_MAX};
    if (candor_dir_list(s->quarantine_dir, scan_entry, scan, NULL) != CANDOR_OK) return false;
    s->quarantined = scan->files;
    s->quarantine_oldest_ms = scan->oldest_ms;
    return true;
}

void candor_store_scan_quarantine(candor_store *s)
{
    quarantine_scan scan;
    (void)scan_all(s, &scan);
}

static void bound_quarantine(candor_store *s)
{
    quarantine_scan scan;
    for (unsigned i = 0; i < QUARANTINE_FILES_MAX && scan_all(s, &scan); i++) {
        if (scan.files <= QUARANTINE_FILES_MAX && scan.bytes <= QUARANTINE_BYTES_MAX) return;
        if (s->settings->inspect != 0) return;
        candor_unlink_quiet(scan.oldest);
    }
}

void candor_store_expire_quarantine(candor_store *s, int64_t before_ms)
{
    quarantine_scan scan;
    bool old = s->usable && s->quarantine_oldest_ms < before_ms;
    if (!candor_hold_note(&s->quarantine_old, old, candor_clock_mono_ns(), s->expiry_hold_ns))
        return;
    /* Another process may have taken them meanwhile: what is there now counts. Bounded, or a file
     * that cannot be deleted would be met for ever. */
    for (unsigned i = 0; i <= QUARANTINE_FILES_MAX && scan_all(s, &scan); i++) {
        if (scan.oldest_ms >= before_ms) return;
        candor_unlink_quiet(scan.oldest);
    }
}

void candor_store_quarantine_file(candor_store *s, const char *path, const char *name)
{
    char target_name[128], target[CANDOR_PATH_MAX];
    int64_t when = 0;
    uint64_t size = 0;
    if (candor_file_mtime(path, &when, &size, NULL) != CANDOR_OK) return;
    (void)snprintf(target_name, sizeof target_name, "%lld-%.64s", (long long)candor_clock_unix_ms(),
                   name);
    candor_err err = {0};
    candor_status st =
        candor_path_join(s->quarantine_dir, target_name, target, sizeof target, &err);
    if (st == CANDOR_OK) st = candor_rename_durable(path, target, &err);
    if (st != CANDOR_OK) {
        candor_store_note(s, &err);
        candor_unlink_quiet(path); /* left in place it would be met again at every start */
    }
    bound_quarantine(s);
}

/* --- purge ----------------------------------------------------------------------------------- */

typedef struct purge_run {
    candor_store *store;
    uint64_t events;
    candor_status status;
    candor_err err;
} purge_run;

static bool mark_row(void *ctx, const candor_batch_row *row, bool gone)
{
    purge_run *run = ctx;
    bool changed = false;
    if (gone) return true;
    run->status =
        candor_state_mark_lost(run->store->state, row, CANDOR_LOSS_PURGED, &changed, &run->err);
    if (changed) run->events += row->events;
    return run->status == CANDOR_OK;
}

static bool forget_row(void *ctx, const candor_batch_row *row, bool gone)
{
    purge_run *run = ctx;
    if (gone) (void)!candor_state_forget(run->store->state, row->id, NULL);
    return true;
}

typedef struct file_removal {
    const char *dir;
    bool (*ours)(const char *name);
} file_removal;

static bool remove_file(void *ctx, const char *name)
{
    const file_removal *r = ctx;
    char path[CANDOR_PATH_MAX];
    if ((r->ours(name) || candor_name_temporary(name)) &&
        candor_path_join(r->dir, name, path, sizeof path, NULL) == CANDOR_OK)
        candor_unlink_quiet(path);
    return true;
}

static void empty_dir(const char *dir, bool (*ours)(const char *name))
{
    file_removal r = {dir, ours};
    (void)!candor_dir_list(dir, remove_file, &r, NULL);
}

static candor_status add_purged(candor_store *s, uint64_t records, candor_err *err)
{
    candor_status st = candor_state_add(s->state, "kept", records, err);
    if (st == CANDOR_OK) st = candor_state_add_loss(s->state, CANDOR_LOSS_PURGED, records, err);
    return st;
}

void candor_store_count_purged(candor_store *s, uint64_t records)
{
    candor_err err = {0};
    candor_status st = candor_state_begin(s->state, &err);
    if (st == CANDOR_OK) st = candor_state_end(s->state, add_purged(s, records, &err), &err);
    if (st != CANDOR_OK) candor_store_note(s, &err);
}

candor_status candor_store_purge(candor_store *s, uint64_t journal_records, uint64_t *events,
                                 candor_err *err)
{
    purge_run run = {.store = s};
    uint64_t rolled_up = 0;
    candor_status st = candor_state_begin(s->state, err);
    if (st == CANDOR_OK) {
        st = candor_state_each(s->state, mark_row, &run, err);
        if (st == CANDOR_OK) st = run.status;
        if (st == CANDOR_OK) st = add_purged(s, journal_records, err);
        if (st == CANDOR_OK) st = candor_rollup_purge(s->state, &rolled_up, err);
        if (st == CANDOR_OK) st = candor_state_trim_hours(s->state, INT64_MAX, err);
        st = candor_state_end(s->state, st, err);
    }
    /* The files go whatever the database said: off is off. */
    if (s->usable) {
        empty_dir(s->spool_dir, candor_name_batch);
        empty_dir(s->quarantine_dir, candor_name_quarantined);
        candor_ledger_forget(&s->ledger, s->dir);
        candor_store_scan_quarantine(s);
    }
    if (st == CANDOR_OK) st = candor_state_each(s->state, forget_row, &run, err);
    *events = journal_records + run.events + rolled_up;
    return st;
}
