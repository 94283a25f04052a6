#include "client/store.h"

#include <stdio.h>

#define SUFFIX     ".jsonl.gz"
#define DAY_MS     86400000LL
#define HOURS_KEPT (24 * 400)    /* of the hourly counts: a year and some */
#define OPEN_NS    2000000000ull /* an application waits in candor_open */
/* Looks that lie further apart do not show that a condition held in between. */
#define HOLD_GAP_NS 180000000000ull

void candor_store_note(candor_store *s, const candor_err *err)
{
    candor_err_describe(err, s->error, sizeof s->error);
}

candor_status candor_store_path(const candor_store *s, const char *id, char out[CANDOR_PATH_MAX],
                                candor_err *err)
{
    char name[CANDOR_UUID_TEXT + sizeof SUFFIX];
    (void)snprintf(name, sizeof name, "%.36s%s", id, SUFFIX);
    return candor_path_join(s->spool_dir, name, out, CANDOR_PATH_MAX, err);
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
static candor_status open_patiently(const char *path, candor_state **out, candor_err *err)
{
    candor_waker *pause = NULL;
    uint64_t began = candor_clock_mono_ns();
    candor_status st = candor_state_open(path, out, err);
    if (st == CANDOR_BUSY && candor_waker_new(&pause, NULL) == CANDOR_OK)
        while (st == CANDOR_BUSY && candor_clock_mono_ns() - began < OPEN_NS) {
            candor_waker_sleep(pause, 50);
            st = candor_state_open(path, out, err);
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
            st = open_patiently(path, &s->state, err);
        }
        if (st == CANDOR_CORRUPT) {
            move_database(s);
            make_private(path);
            st = open_patiently(path, &s->state, err);
        }
        if (st == CANDOR_OK && s->stop_at_ns != NULL)
            candor_state_be_patient(s->state, s->stop_at_ns);
        if (st == CANDOR_OK) return st;
        candor_store_note(s, err);
    }
    s->in_memory = true;
    return candor_state_open(NULL, &s->state, err);
}

candor_status candor_store_open(candor_store *s, const candor_settings *settings,
                                const _Atomic bool *stop, const char *dir,
                                const candor_err *dir_error)
{
    candor_err err = {0};
    memset(s, 0, sizeof *s);
    s->settings = settings;
    s->stop = stop;
    s->quarantine_oldest_ms = INT64_MAX;
    s->expiry_hold_ns = CANDOR_EXPIRY_HOLD_NS;
    if (dir == NULL) {
        candor_store_note(s, dir_error);
    } else {
        s->usable = make_dirs(s, dir, &err) == CANDOR_OK;
        if (!s->usable) candor_store_note(s, &err);
    }
    candor_status st = open_state(s, &err);
    if (st == CANDOR_OK && s->usable) {
        candor_store_scan_quarantine(s);
        (void)candor_store_disk_low(s);
    }
    return st;
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
    candor_buf_free(&s->file);
}

void candor_store_heal(candor_store *s)
{
    candor_err err = {0};
    candor_state_close(s->state);
    s->state = NULL;
    if (!s->in_memory) move_database(s);
    s->in_memory = false;
    if (open_state(s, &err) != CANDOR_OK) candor_store_note(s, &err);
}

bool candor_store_disk_low(candor_store *s)
{
    uint64_t free_bytes = 0;
    s->disk_low = s->usable && candor_disk_free(s->dir, &free_bytes, NULL) == CANDOR_OK &&
                  free_bytes < (uint64_t)s->settings->min_free_disk_bytes;
    return s->disk_low;
}

/* --- a batch's birth ------------------------------------------------------------------------- */

/* Everything the database must know about s->batch, in one transaction. */
static candor_status record_batch(candor_store *s, candor_segment *segment, candor_counts *delta,
                                  candor_err *err)
{
    candor_batch *b = &s->batch;
    candor_status st = candor_state_begin(s->state, err);
    if (st != CANDOR_OK) return st;
    if (b->row.events != 0)
        st = candor_state_add_batch(s->state, &b->row, b->counts, b->n_counts, err);
    if (st == CANDOR_OK && b->has_segment)
        st = candor_state_set_consumed(s->state, b->segment_id, b->to, err);
    /* emit had said "kept" for the damaged ones too */
    if (st == CANDOR_OK) st = candor_state_add(s->state, "kept", b->damaged, err);
    if (st == CANDOR_OK) st = candor_state_add_loss(s->state, CANDOR_LOSS_CORRUPT, b->damaged, err);
    if (st == CANDOR_OK && segment != NULL) st = candor_state_merge(s->state, segment, delta, err);
    return candor_state_end(s->state, st, err);
}

candor_status candor_store_drain(candor_store *s, candor_segment *segment, bool own, uint64_t *at,
                                 size_t limit, uint64_t *records, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_batch *b = &s->batch;
    candor_counts delta = {0};
    *records = 0;
    if (candor_store_disk_low(s))
        return candor_fail(err, CANDOR_FULL, 0, "spool",
                           "less than minFreeDiskBytes of disk are free: the spool is not written");
    candor_status st =
        candor_batch_build(b, segment, *at, limit, (int)s->settings->gzip_level, err);
    if (st == CANDOR_OK && b->row.events != 0) {
        st = candor_store_path(s, b->row.id, path, err);
        if (st == CANDOR_OK) st = candor_file_write_durable(path, candor_buf_bytes(&b->gz), err);
    }
    if (st != CANDOR_OK) return st;
    st = record_batch(s, segment, &delta, err);
    if (st != CANDOR_OK) {
        /* Without its row the file would be adopted and the records batched again. */
        if (b->row.events != 0) candor_unlink_quiet(path);
        return st;
    }
    if (own) candor_counts_add(&s->merged, &delta);
    *at = b->lost ? limit : b->to;
    *records = b->row.events + b->damaged;
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
    (void)!candor_state_forget_segment(s->state, id, NULL); /* the next start forgets it */
}

candor_status candor_store_adopt(candor_store *s, candor_err *err)
{
    return record_batch(s, NULL, NULL, err);
}

candor_status candor_store_read(candor_store *s, const char *id, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_buf_clear(&s->file);
    candor_status st = candor_store_path(s, id, path, err);
    if (st == CANDOR_OK) st = candor_file_read_all(path, CANDOR_SPOOL_FILE_MAX, &s->file, err);
    return st == CANDOR_LIMIT ? CANDOR_CORRUPT : st;
}

/* --- a batch's end --------------------------------------------------------------------------- */

static void forget(candor_store *s, const char *id)
{
    (void)!candor_state_forget(s->state, id, NULL); /* recover.c finishes what is left */
}

candor_status candor_store_lost(candor_store *s, const candor_batch_row *row, candor_loss loss,
                                candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    bool changed = false;
    candor_status st = candor_state_begin(s->state, err);
    if (st != CANDOR_OK) return st;
    st = candor_state_mark_lost(s->state, row, loss, &changed, err);
    st = candor_state_end(s->state, st, err);
    if (st == CANDOR_OK) st = candor_store_path(s, row->id, path, err);
    if (st != CANDOR_OK) return st;
    candor_unlink_quiet(path);
    forget(s, row->id);
    return CANDOR_OK;
}

candor_status candor_store_quarantine(candor_store *s, const candor_batch_row *row,
                                      candor_loss loss, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    bool changed = false;
    candor_status st = candor_state_begin(s->state, err);
    if (st != CANDOR_OK) return st;
    st = candor_state_mark_lost(s->state, row, loss, &changed, err);
    st = candor_state_end(s->state, st, err);
    if (st == CANDOR_OK) st = candor_store_path(s, row->id, path, err);
    if (st != CANDOR_OK) return st;
    candor_store_quarantine_file(s, path, path + strlen(s->spool_dir) + 1);
    forget(s, row->id);
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
    st = candor_state_end(s->state, st, err);
    if (st == CANDOR_OK) st = candor_store_path(s, row->id, path, err);
    if (st != CANDOR_OK) return st;
    candor_unlink_quiet(path);
    forget(s, row->id);
    return CANDOR_OK;
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

int64_t candor_store_expires_ms(const candor_store *s, int64_t oldest_batch_ms)
{
    int64_t oldest = oldest_batch_ms;
    if (s->quarantine_oldest_ms < oldest) oldest = s->quarantine_oldest_ms;
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
    while (candor_state_total(s->state, &totals, NULL) == CANDOR_OK &&
           totals.bytes > (uint64_t)s->settings->spool_max_bytes &&
           evict_one(s, INT64_MAX, CANDOR_LOSS_SPOOL_FULL)) {
    }
    (void)!candor_state_trim_hours(s->state, now / 3600000 - HOURS_KEPT, NULL);
}
