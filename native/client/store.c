#include "client/store.h"

#include <stdio.h>

#include "client/rest.h"

#define SUFFIX     ".jsonl.gz"
#define ENCRYPTED  ".jsonl.gz.enc"
#define DAY_MS     86400000LL
#define HOURS_KEPT (24 * 400)    /* of the hourly counts: a year and some */
#define OPEN_NS    2000000000ull /* the journal waits for it */
/* Looks that lie further apart do not show that a condition held in between. */
#define HOLD_GAP_NS 180000000000ull

void candor_store_note(candor_store *s, const candor_err *err)
{
    candor_err_describe(err, s->error, sizeof s->error);
}

static candor_status path_with(const candor_store *s, const char *id, const char *suffix,
                               char out[CANDOR_PATH_MAX], candor_err *err)
{
    char name[CANDOR_UUID_TEXT + sizeof ENCRYPTED];
    (void)snprintf(name, sizeof name, "%.36s%s", id, suffix);
    return candor_path_join(s->spool_dir, name, out, CANDOR_PATH_MAX, err);
}

candor_status candor_store_path(const candor_store *s, const char *id, char out[CANDOR_PATH_MAX],
                                candor_err *err)
{
    candor_status st = path_with(s, id, ENCRYPTED, out, err);
    if (st != CANDOR_OK || candor_file_mtime(out, NULL, NULL, NULL) == CANDOR_OK) return st;
    return path_with(s, id, SUFFIX, out, err);
}

void candor_store_unlink_other(const candor_store *s, const char *id)
{
    char path[CANDOR_PATH_MAX];
    const char *other = s->settings->encrypt_spool != 0 ? SUFFIX : ENCRYPTED;
    if (path_with(s, id, other, path, NULL) == CANDOR_OK) candor_unlink_quiet(path);
}

/* --- open ------------------------------------------------------------------------------------ */

static candor_status make_dirs(candor_store *s, const char *dir, candor_err *err)
{
    candor_status st = CANDOR_OK;
    if (strlen(dir) >= sizeof s->dir)
        return candor_fail(err, CANDOR_LIMIT, 0, "directory", "the directory's path is too long");
    memcpy(s->dir, dir, strlen(dir) + 1);
    st = candor_path_join(dir, "journal", s->journal_dir, CANDOR_PATH_MAX, err);
    if (st == CANDOR_OK) st = candor_path_join(dir, "spool", s->spool_dir, CANDOR_PATH_MAX, err);
    if (st == CANDOR_OK)
        st = candor_path_join(dir, "quarantine", s->quarantine_dir, CANDOR_PATH_MAX, err);
    if (st == CANDOR_OK) st = candor_dir_create(s->journal_dir, err);
    if (st == CANDOR_OK) st = candor_dir_create(s->spool_dir, err);
    if (st == CANDOR_OK) st = candor_dir_create(s->quarantine_dir, err);
    return st;
}

static void move_database(candor_store *s)
{
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[CANDOR_PATH_MAX];
        if (candor_path_join(s->dir, names[i], path, sizeof path, NULL) == CANDOR_OK)
            candor_store_quarantine_file(s, path, names[i]);
    }
}

/* Switching a new database to WAL can find it locked by a process that does the same; SQLite does
 * not wait there (https://www.sqlite.org/rescode.html#busy_recovery), so it is tried again. */
static candor_status open_patiently(candor_store *s, const char *path, candor_err *err)
{
    candor_waker *pause = NULL;
    uint64_t began = candor_clock_mono_ns();
    candor_status st = candor_state_open(path, &s->state, err);
    if (st == CANDOR_BUSY && candor_waker_new(&pause, NULL) == CANDOR_OK)
        while (st == CANDOR_BUSY && candor_clock_mono_ns() - began < OPEN_NS &&
               !(s->stop != NULL && atomic_load(s->stop))) {
            candor_waker_sleep(pause, 50);
            st = candor_state_open(path, &s->state, err);
        }
    candor_waker_free(pause);
    return st;
}

/* SQLite would create it with the umask's mode. Only a file that is not there is opened here:
 * closing a descriptor of one that another client of this process has open would drop that one's
 * locks (https://www.sqlite.org/howtocorrupt.html, section 2.2). */
static void make_private(const char *path)
{
    candor_file *f = NULL;
    if (candor_file_open(path, CANDOR_OPEN_CREATE_NEW, &f, NULL) == CANDOR_OK)
        candor_file_discard(f);
}

static candor_status open_state(candor_store *s, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = CANDOR_NOTFOUND;
    if (s->usable) {
        st = candor_path_join(s->dir, "state.db", path, sizeof path, err);
        if (st == CANDOR_OK) {
            make_private(path);
            st = open_patiently(s, path, err);
        }
        if (st == CANDOR_CORRUPT) {
            move_database(s);
            make_private(path);
            st = open_patiently(s, path, err);
        }
        if (st == CANDOR_OK && s->stop_at_ns != NULL)
            candor_state_be_patient(s->state, s->stop_at_ns);
        if (st == CANDOR_OK) return st;
        candor_store_note(s, err);
    }
    s->in_memory = true;
    return candor_state_open(NULL, &s->state, err);
}

void candor_store_begin(candor_store *s, const candor_settings *settings, const _Atomic bool *stop,
                        const char *dir, const candor_err *dir_error)
{
    candor_err err = {0};
    memset(s, 0, sizeof *s);
    s->settings = settings;
    s->stop = stop;
    s->quarantine_oldest_ms = INT64_MAX;
    s->expiry_hold_ns = CANDOR_EXPIRY_HOLD_NS;
    candor_rollups_init(&s->rollups);
    if (dir == NULL) {
        candor_store_note(s, dir_error);
    } else {
        s->usable = make_dirs(s, dir, &err) == CANDOR_OK;
        if (!s->usable) candor_store_note(s, &err);
    }
}

candor_status candor_store_open_state(candor_store *s)
{
    candor_err err = {0};
    candor_status st = open_state(s, &err);
    if (st == CANDOR_OK && s->usable) {
        candor_store_scan_quarantine(s);
        (void)candor_store_disk_low(s);
    }
    return st;
}

candor_status candor_store_open(candor_store *s, const candor_settings *settings,
                                const _Atomic bool *stop, const char *dir,
                                const candor_err *dir_error)
{
    candor_store_begin(s, settings, stop, dir, dir_error);
    return candor_store_open_state(s);
}

void candor_store_started(candor_store *s, const _Atomic int64_t *stop_at_ns)
{
    s->stop_at_ns = stop_at_ns;
    candor_state_be_patient(s->state, stop_at_ns);
}

void candor_store_close(candor_store *s)
{
    candor_state_close(s->state);
    s->state = NULL;
    candor_batch_deinit(&s->batch);
    candor_rollups_deinit(&s->rollups);
    candor_buf_free(&s->file);
    candor_buf_free(&s->sealed);
}

void candor_store_heal(candor_store *s)
{
    candor_err err = {0};
    candor_state_close(s->state);
    s->state = NULL;
    if (!s->in_memory) move_database(s);
    s->in_memory = false;
    if (open_state(s, &err) != CANDOR_OK) candor_store_note(s, &err);
    candor_rollups_lost(s);
}

bool candor_store_disk_low(candor_store *s)
{
    uint64_t free_bytes = 0;
    s->disk_low = s->usable && candor_disk_free(s->dir, &free_bytes, NULL) == CANDOR_OK &&
                  free_bytes < (uint64_t)s->settings->min_free_disk_bytes;
    return s->disk_low;
}

/* --- a batch's birth ------------------------------------------------------------------------- */

void candor_store_forget(candor_store *s, const char *id)
{
    (void)!candor_state_forget(s->state, id, NULL); /* recover.c finishes what is left */
}

/* Begin to keep what was recorded. */
static candor_status begin_keeping(candor_store *s, candor_err *err)
{
    candor_status st = candor_state_begin(s->state, err);
    if (st != CANDOR_OK || s->disturbed == NULL || !s->disturbed(s->disturbed_ctx)) return st;
    st = candor_fail(err, CANDOR_CANCELLED, 0, "spool", "the events are to be deleted");
    return candor_state_end(s->state, st, NULL);
}

/* Everything the database must know about s->batch, in one transaction. */
static candor_status record_batch(candor_store *s, candor_segment *segment, candor_counts *delta,
                                  uint64_t exported_not, candor_err *err)
{
    candor_batch *b = &s->batch;
    bool changed = false, settled = false;
    candor_status st = begin_keeping(s, err);
    if (st != CANDOR_OK) return st;
    if (segment == NULL) st = candor_rollup_settle(s->state, b->row.id, &settled, err);
    if (st == CANDOR_OK && b->row.events != 0)
        st = candor_state_add_batch(s->state, &b->row, b->counts, b->n_counts, err);
    if (st == CANDOR_OK && b->row.events != 0 && segment != NULL && s->exporter != NULL)
        st = candor_state_mark_sent(s->state, &b->row, exported_not, &changed, err);
    if (st == CANDOR_OK && b->has_segment)
        st = candor_state_set_consumed(s->state, b->segment_id, b->to, err);
    /* emit had said "kept" for the damaged ones too */
    if (st == CANDOR_OK) st = candor_state_add(s->state, "kept", b->damaged, err);
    if (st == CANDOR_OK) st = candor_state_add_loss(s->state, CANDOR_LOSS_CORRUPT, b->damaged, err);
    if (st == CANDOR_OK && segment != NULL) st = candor_state_merge(s->state, segment, delta, err);
    return candor_state_end(s->state, st, err);
}

candor_status candor_store_write(candor_store *s, candor_bytes gz, char path[CANDOR_PATH_MAX],
                                 candor_err *err)
{
    candor_bytes body = gz;
    bool encrypt = s->settings->encrypt_spool != 0;
    candor_status st = path_with(s, s->batch.row.id, encrypt ? ENCRYPTED : SUFFIX, path, err);
    if (st == CANDOR_OK && encrypt) st = candor_store_seal(s, gz, err);
    if (st == CANDOR_OK && encrypt) body = candor_buf_bytes(&s->sealed);
    return st == CANDOR_OK ? candor_file_write_durable(path, body, err) : st;
}

/* Roll-ups live in state.db alone: without its file they would end with the process, and the events
 * are written like all others. */
static void count_rollups(candor_store *s, const candor_segment *segment)
{
    candor_rollup_tally *t = &s->rollups.tally;
    s->batch.rollup = t->schema != NULL && !s->in_memory ? t : NULL;
    if (s->batch.rollup == NULL) return;
    candor_rollup_tally_clear(t, candor_rollup_rolled(s->state, segment->info.id));
}

static candor_status keep_counts(candor_store *s, const candor_segment *segment, bool own,
                                 candor_err *err)
{
    const candor_batch *b = &s->batch;
    if (b->rollup == NULL) return CANDOR_OK;
    if (b->rollup->events != 0) {
        candor_status st = begin_keeping(s, err);
        if (st != CANDOR_OK) return st;
        st = candor_rollup_add(s->state, b->rollup, segment->info.id, b->to, err);
        st = candor_state_end(s->state, st, err);
        if (st != CANDOR_OK) return st;
    }
    if (own) s->rolled_ahead = b->rollup->events + b->rollup->counted_before;
    return CANDOR_OK;
}

uint64_t candor_store_counted(candor_store *s, const candor_segment *segment, uint64_t at)
{
    uint64_t n = 0, to = 0;
    candor_record r;
    if (s->rollups.tally.schema == NULL || s->in_memory) return 0;
    to = candor_rollup_rolled(s->state, segment->info.id);
    for (candor_read got;
         (got = candor_segment_read(segment, (size_t)at, (size_t)to, &r)) != CANDOR_READ_END &&
         got != CANDOR_READ_LOST;
         at = r.next)
        if (got == CANDOR_READ_RECORD && candor_rollup_source(&s->rollups.tally, r.type) != NULL)
            n++;
    return n;
}

candor_status candor_store_drain(candor_store *s, candor_segment *segment, bool own, uint64_t *at,
                                 size_t limit, uint64_t *records, candor_err *err)
{
    char path[CANDOR_PATH_MAX] = "";
    candor_batch *b = &s->batch;
    candor_counts delta = {0};
    uint64_t dropped = 0;
    int gzip_level = s->exporter == NULL ? (int)s->settings->gzip_level : 0;
    *records = 0;
    if (candor_store_disk_low(s))
        return candor_fail(err, CANDOR_FULL, 0, "spool",
                           "less than minFreeDiskBytes of disk are free: the spool is not written");
    if (candor_store_needs_key(s))
        return candor_fail(err, CANDOR_FULL, 0, "spool",
                           "encryptSpool is on and no key is set yet: events wait in the journal");
    count_rollups(s, segment);
    candor_status st = candor_batch_build(b, segment, *at, limit, gzip_level, err);
    if (st == CANDOR_OK) st = keep_counts(s, segment, own, err);
    if (st == CANDOR_OK && b->row.events != 0 && s->exporter != NULL)
        st = candor_exporter_batch(s->exporter, candor_buf_bytes(&b->lines), &dropped, err);
    else if (st == CANDOR_OK && b->row.events != 0)
        st = candor_store_write(s, candor_buf_bytes(&b->gz), path, err);
    if (st != CANDOR_OK) return st;
    st = record_batch(s, segment, &delta, dropped, err);
    if (st != CANDOR_OK) {
        /* Without its row the file would be adopted and the records batched again. */
        if (path[0] != '\0') candor_unlink_quiet(path);
        return st;
    }
    if (s->exporter != NULL && b->row.events != 0) candor_store_forget(s, b->row.id);
    if (own) candor_counts_add(&s->merged, &delta);
    if (own) s->rolled_ahead = 0;
    if (b->rollup != NULL && b->rollup->events + b->rollup->counted_before != 0)
        candor_rest_mark_rollups(s);
    *at = b->lost ? limit : b->to;
    *records = b->row.events + b->damaged;
    if (b->rollup != NULL) *records += b->rollup->events + b->rollup->counted_before;
    return CANDOR_OK;
}

bool candor_store_finish_segment(candor_store *s, candor_segment *segment, bool own)
{
    candor_err err = {0};
    candor_counts delta = {0};
    candor_status st = candor_state_begin(s->state, &err);
    if (st == CANDOR_OK)
        st = candor_state_end(s->state, candor_state_merge(s->state, segment, &delta, &err), &err);
    if (st != CANDOR_OK) candor_store_note(s, &err);
    if (st == CANDOR_OK && own) candor_counts_add(&s->merged, &delta);
    return st == CANDOR_OK;
}

void candor_store_forget_segment(candor_store *s, const unsigned char id[16])
{
    candor_rollup_forget_segment(s->state, id);
    (void)!candor_state_forget_segment(s->state, id, NULL); /* the next start forgets it */
}

candor_status candor_store_adopt(candor_store *s, candor_err *err)
{
    return record_batch(s, NULL, NULL, 0, err);
}

candor_status candor_store_read(candor_store *s, const char *id, candor_err *err)
{
    candor_buf_clear(&s->file);
    return candor_store_load(s, id, &s->file, err);
}

/* --- a batch's end --------------------------------------------------------------------------- */

/* Close the transaction that began with what is marked in it, and say where the batch's file is. */
static candor_status end_mark(candor_store *s, const candor_batch_row *row, candor_status marked,
                              char path[CANDOR_PATH_MAX], candor_err *err)
{
    candor_status st = candor_state_end(s->state, marked, err);
    return st == CANDOR_OK ? candor_store_path(s, row->id, path, err) : st;
}

static candor_status mark_lost(candor_store *s, const candor_batch_row *row, candor_loss loss,
                               char path[CANDOR_PATH_MAX], candor_err *err)
{
    bool changed = false;
    candor_status st = candor_state_begin(s->state, err);
    if (st != CANDOR_OK) return st;
    st = candor_state_mark_lost(s->state, row, loss, &changed, err);
    return end_mark(s, row, st, path, err);
}

/* By size at once, by age as batches go. */
void candor_store_bound_ledger(candor_store *s)
{
    int64_t before = candor_clock_unix_ms() - s->settings->retention_days * DAY_MS;
    candor_ledger_look(&s->ledger, s->dir);
    bool old = s->ledger.sent_oldest_ms < before;
    bool go = candor_hold_note(&s->bodies_old, old, candor_clock_mono_ns(), s->expiry_hold_ns);
    candor_ledger_bound(&s->ledger, s->dir, (uint64_t)s->settings->ledger_max_bytes,
                        go ? before : INT64_MIN);
}

static void delete_batch(candor_store *s, const candor_batch_row *row, const char *path)
{
    candor_unlink_quiet(path);
    candor_store_forget(s, row->id);
}

candor_status candor_store_lost(candor_store *s, const candor_batch_row *row, candor_loss loss,
                                candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = mark_lost(s, row, loss, path, err);
    if (st == CANDOR_OK) delete_batch(s, row, path);
    return st;
}

candor_status candor_store_quarantine(candor_store *s, const candor_batch_row *row,
                                      candor_loss loss, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = mark_lost(s, row, loss, path, err);
    if (st != CANDOR_OK) return st;
    candor_store_quarantine_file(s, path, path + strlen(s->spool_dir) + 1);
    candor_store_forget(s, row->id);
    return CANDOR_OK;
}

candor_status candor_store_sent(candor_store *s, const candor_batch_row *row, uint64_t rejected,
                                candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    bool changed = false;
    candor_status st = candor_state_begin(s->state, err);
    if (st != CANDOR_OK) return st;
    st = candor_state_mark_sent(s->state, row, rejected, &changed, err);
    st = end_mark(s, row, st, path, err);
    if (st != CANDOR_OK) return st;
    /* What OTLP has posted were documents, not the file. */
    if (s->settings->exporter == CANDOR_EXPORT_CANDOR)
        candor_ledger_keep(&s->ledger, s->dir, path, (uint64_t)s->settings->ledger_max_bytes);
    delete_batch(s, row, path);
    candor_store_bound_ledger(s);
    return st;
}

void candor_store_count_loss(candor_store *s, candor_loss loss, uint64_t n)
{
    candor_err err = {0};
    if (candor_state_add_loss(s->state, loss, n, &err) != CANDOR_OK) candor_store_note(s, &err);
}

/* --- caps ------------------------------------------------------------------------------------ */

static bool evict_one(candor_store *s, int64_t before_ms, candor_loss loss)
{
    candor_batch_row row;
    candor_err err = {0};
    candor_status st = candor_state_next(s->state, "", INT64_MAX, false, &row, &err);
    if (st != CANDOR_OK || row.created_ms >= before_ms) return false;
    if (loss == CANDOR_LOSS_EXPIRED && candor_store_locked(s, row.id)) loss = CANDOR_LOSS_KEY_LOST;
    st = candor_store_lost(s, &row, loss, &err);
    if (st != CANDOR_OK) candor_store_note(s, &err);
    return st == CANDOR_OK;
}

bool candor_hold_note(candor_hold *h, bool condition, uint64_t now_ns, uint64_t span_ns)
{
    bool first = h->seen_ns == 0 || now_ns - h->seen_ns > HOLD_GAP_NS;
    if (first) h->since_ns = now_ns;
    h->seen_ns = condition ? now_ns : 0;
    return condition && now_ns - h->since_ns >= span_ns;
}

static void expire_batches(candor_store *s, const candor_state_totals *totals, int64_t before_ms)
{
    bool old = totals->batches != 0 && totals->oldest_ms < before_ms;
    if (!candor_hold_note(&s->batches_old, old, candor_clock_mono_ns(), s->expiry_hold_ns)) return;
    while (evict_one(s, before_ms, CANDOR_LOSS_EXPIRED)) {
    }
}

static void expire_exports(candor_store *s, int64_t before_ms)
{
    if (s->exporter == NULL || !s->usable) return;
    bool old = candor_exporter_oldest_ms(s->exporter) < before_ms;
    if (candor_hold_note(&s->exports_old, old, candor_clock_mono_ns(), s->expiry_hold_ns))
        candor_exporter_expire(s->exporter, before_ms);
}

int64_t candor_store_expires_ms(const candor_store *s, int64_t oldest_batch_ms)
{
    int64_t oldest = oldest_batch_ms;
    if (s->quarantine_oldest_ms < oldest) oldest = s->quarantine_oldest_ms;
    if (s->ledger.sent_known && s->ledger.sent_oldest_ms < oldest)
        oldest = s->ledger.sent_oldest_ms;
    if (s->exporter != NULL && s->exporter->oldest_known && s->exporter->oldest_ms < oldest)
        oldest = s->exporter->oldest_ms;
    if (s->settings->inspect != 0 || oldest > INT64_MAX / 2) return INT64_MAX;
    return oldest + s->settings->retention_days * DAY_MS;
}

void candor_store_enforce(candor_store *s)
{
    candor_state_totals totals;
    int64_t now = candor_clock_unix_ms();
    int64_t oldest_allowed = now - s->settings->retention_days * DAY_MS;
    if (s->settings->inspect != 0) return;
    if (candor_state_total(s->state, &totals, NULL) == CANDOR_OK)
        expire_batches(s, &totals, oldest_allowed);
    candor_store_expire_quarantine(s, oldest_allowed);
    if (s->usable) candor_store_bound_ledger(s);
    expire_exports(s, oldest_allowed);
    while (candor_state_total(s->state, &totals, NULL) == CANDOR_OK &&
           totals.bytes > (uint64_t)s->settings->spool_max_bytes &&
           evict_one(s, INT64_MAX, CANDOR_LOSS_SPOOL_FULL)) {
    }
    (void)!candor_state_trim_hours(s->state, now / 3600000 - HOURS_KEPT, NULL);
}
