#include "client/recover.h"

#include "client/names.h"

#define STALE_MS 3600000 /* a temporary file this old has no owner any more */
/* A live owner inserts its row within moments; a file without one for this long has lost it, for
 * instance with a damaged state.db. */
#define ORPHAN_MS 60000

typedef struct recovery {
    candor_store *store;
    candor_recovered *found;
    uint64_t waiting_bytes; /* segments that low disk keeps from being read */
    bool purge;
    int64_t live_before_ms; /* purge: unix time; 0: the living keep theirs */
    uint32_t epoch;         /* of consent, when it began */
} recovery;

static void remove_stale(const candor_store *s, const char *dir, const char *name)
{
    char path[CANDOR_PATH_MAX];
    int64_t when = 0;
    uint64_t size = 0;
    if (s->settings->inspect != 0 || !candor_name_temporary(name)) return;
    if (candor_path_join(dir, name, path, sizeof path, NULL) != CANDOR_OK ||
        candor_file_mtime(path, &when, &size, NULL) != CANDOR_OK)
        return;
    if (candor_clock_unix_ms() - when > STALE_MS) candor_unlink_quiet(path);
}

/* --- spool files without a row --------------------------------------------------------------- */

/* Whether the process that wrote the batch may still be about to insert its row. */
static bool owner_lives(const candor_store *s)
{
    const candor_batch *b = &s->batch;
    char name[CANDOR_UUID_TEXT + 5], path[CANDOR_PATH_MAX];
    candor_segment *segment = NULL;
    if (!b->has_segment || candor_clock_unix_ms() - b->row.created_ms > ORPHAN_MS) return false;
    candor_uuid_format(b->segment_id, name);
    memcpy(name + CANDOR_UUID_TEXT, ".seg", 5);
    if (candor_path_join(s->journal_dir, name, path, sizeof path, NULL) != CANDOR_OK) return false;
    candor_status st = candor_segment_take(path, &segment, NULL);
    candor_segment_free(segment);
    return st == CANDOR_BUSY;
}

/* What the file says, into the store's batch. Read into a buffer of its own: the store's scratch is
 * the body of an upload in flight. */
static candor_status look_into(candor_store *s, const char *id, candor_err *err)
{
    candor_buf file = {0};
    candor_status st = candor_store_load(s, id, &file, err);
    if (st == CANDOR_DENIED && candor_store_locked(s, id))
        st = candor_store_adopt_locked(s, id, err);
    else if (st == CANDOR_OK)
        st = candor_batch_adopt(&s->batch, id, candor_buf_bytes(&file), err);
    candor_buf_free(&file);
    return st;
}

static void adopt_file(recovery *r, const char *name)
{
    candor_store *s = r->store;
    candor_err err = {0};
    char id[CANDOR_UUID_TEXT + 1], path[CANDOR_PATH_MAX];
    memcpy(id, name, CANDOR_UUID_TEXT);
    id[CANDOR_UUID_TEXT] = '\0';
    if (candor_state_knows(s->state, id) != CANDOR_KNOWN_NO) return;
    candor_status st = look_into(s, id, &err);
    if (st == CANDOR_CORRUPT || st == CANDOR_LIMIT) {
        if (candor_store_path(s, id, path, NULL) != CANDOR_OK) return;
        candor_store_quarantine_file(s, path, name);
        candor_store_count_loss(s, CANDOR_LOSS_CORRUPT, 1); /* how many it held cannot be known */
        return;
    }
    if (st == CANDOR_OK && owner_lives(s)) return;
    if (st == CANDOR_OK) st = candor_store_adopt(s, &err);
    if (st == CANDOR_OK)
        r->found->adopted++;
    else if (st != CANDOR_NOTFOUND && st != CANDOR_CANCELLED)
        candor_store_note(s, &err);
}

static bool visit_spool(void *ctx, const char *name)
{
    recovery *r = ctx;
    if (candor_name_batch(name))
        adopt_file(r, name);
    else
        remove_stale(r->store, r->store->spool_dir, name);
    return true;
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool visit_row(void *ctx, const candor_batch_row *row, bool gone)
{
    recovery *r = ctx;
    char path[CANDOR_PATH_MAX];
    int64_t when = 0;
    uint64_t size = 0;
    if (candor_store_path(r->store, row->id, path, NULL) != CANDOR_OK) return true;
    if (gone) {
        candor_unlink_quiet(path);
        (void)!candor_state_forget(r->store->state, row->id, NULL);
    } else if (candor_file_mtime(path, &when, &size, NULL) == CANDOR_NOTFOUND) {
        (void)!candor_store_lost(r->store, row, CANDOR_LOSS_CORRUPT, NULL);
    }
    return true;
}

static void visit_segment_row(void *ctx, const unsigned char *id)
{
    recovery *r = ctx;
    char name[CANDOR_UUID_TEXT + 5], path[CANDOR_PATH_MAX];
    int64_t when = 0;
    uint64_t size = 0;
    unsigned char copy[16]; /* id belongs to a statement that may be moved on */
    memcpy(copy, id, sizeof copy);
    candor_uuid_format(copy, name);
    memcpy(name + CANDOR_UUID_TEXT, ".seg", 5);
    if (candor_path_join(r->store->journal_dir, name, path, sizeof path, NULL) != CANDOR_OK) return;
    /* The row came after the file, so a missing file was deleted and its row is left over. */
    if (candor_file_mtime(path, &when, &size, NULL) == CANDOR_NOTFOUND)
        candor_store_forget_segment(r->store, copy);
}

/* --- segments -------------------------------------------------------------------------------- */

static uint64_t unread_records(const candor_segment *s, uint64_t at)
{
    uint64_t n = 0;
    candor_record rec;
    for (candor_read got;
         (got = candor_segment_read(s, (size_t)at, s->map.n, &rec)) != CANDOR_READ_END &&
         got != CANDOR_READ_LOST;
         at = rec.next)
        if (got == CANDOR_READ_RECORD) n++;
    return n;
}

/* The segment stays, with the records from `at` on. */
static void leave(recovery *r, candor_segment *segment, uint64_t at)
{
    candor_record rec;
    if (candor_segment_read(segment, (size_t)at, segment->map.n, &rec) == CANDOR_READ_RECORD) {
        int64_t when = (int64_t)candor_uuid7_ms(rec.id);
        if (r->found->left_ms == 0 || when < r->found->left_ms) r->found->left_ms = when;
    }
    candor_segment_free(segment);
}

static void remove_segment(candor_store *s, candor_segment *segment)
{
    unsigned char id[16];
    memcpy(id, segment->info.id, sizeof id);
    (void)candor_store_finish_segment(s, segment, false);
    candor_segment_delete(segment);
    candor_store_forget_segment(s, id);
}

/* The disk is too low to write the spool, or its key is not set. Segments wait, but not without
 * bound; who only looks deletes nothing. */
static void keep_waiting(recovery *r, candor_segment *segment, uint64_t at)
{
    candor_store *s = r->store;
    uint64_t n = unread_records(segment, at) - candor_store_counted(s, segment, at);
    bool fits = r->waiting_bytes + segment->map.n <= (uint64_t)s->settings->journal_max_bytes;
    if (s->settings->inspect != 0 || (n != 0 && fits)) {
        r->waiting_bytes += segment->map.n;
        leave(r, segment, at);
        return;
    }
    candor_err err = {0};
    candor_status st = candor_state_begin(s->state, &err);
    if (st == CANDOR_OK) {
        st = candor_state_add(s->state, "kept", n, &err);
        candor_loss loss = s->disk_low ? CANDOR_LOSS_DISK_LOW : CANDOR_LOSS_KEY_LOST;
        if (st == CANDOR_OK) st = candor_state_add_loss(s->state, loss, n, &err);
        st = candor_state_end(s->state, st, &err);
    }
    if (st == CANDOR_OK)
        remove_segment(s, segment);
    else
        leave(r, segment, at);
}

static uint32_t epoch_of(const candor_store *s)
{
    return s->consent != NULL ? candor_consent_epoch(s->consent) : 0;
}

static uint32_t purges_of(const candor_store *s)
{
    return s->consent != NULL ? candor_consent_purges(s->consent) : 0;
}

/* A purge came while this process held the segment: whoever asked for it could not delete it. */
static void drop_purged(candor_store *s, candor_segment *segment, uint64_t at)
{
    uint64_t n = unread_records(segment, at) - candor_store_counted(s, segment, at);
    candor_store_count_purged(s, n);
    remove_segment(s, segment);
}

/* "Off" must not wait for the end of a long recovery; what is left is found by the next. */
static bool stopping(const recovery *r)
{
    return atomic_load(r->store->stop) || epoch_of(r->store) != r->epoch;
}

/* purges: before the segment was taken. */
static void replay(recovery *r, candor_segment *segment, const char *name, uint32_t purges)
{
    candor_store *s = r->store;
    candor_err err = {0};
    uint64_t at = candor_segment_consumed(segment), records = 0;
    uint64_t known = candor_state_consumed(s->state, segment->info.id);
    if (known > at) at = known; /* killed between the transaction and the header's offset */
    candor_status st;
    bool lost = false;
    do {
        st = candor_store_drain(s, segment, false, &at, segment->map.n, &records, &err);
        if (st != CANDOR_OK) break;
        lost = s->batch.lost;
        candor_segment_consume(segment, at);
        r->found->records += s->batch.row.events;
    } while (records != 0 && !lost && !stopping(r));
    if (st == CANDOR_OK && records != 0 && !lost) { /* stopped: the rest waits for the next start */
        leave(r, segment, at);
        return;
    }
    bool no_key = s->settings->encrypt_spool != 0 && candor_keyring_empty(s->keys);
    if (st == CANDOR_CANCELLED && purges_of(s) != purges) {
        drop_purged(s, segment, at);
    } else if (st == CANDOR_CANCELLED) { /* for who is told of it, or the next look */
        leave(r, segment, at);
    } else if (st == CANDOR_FULL && (s->disk_low || no_key)) {
        keep_waiting(r, segment, at);
    } else if (st != CANDOR_OK) {
        candor_store_note(s, &err);
        leave(r, segment, at);
    } else if (lost) {
        (void)candor_store_finish_segment(s, segment, false);
        candor_store_quarantine_file(s, segment->path, name);
        candor_store_forget_segment(s, segment->info.id);
        candor_segment_free(segment);
    } else {
        remove_segment(s, segment);
    }
}

/* The name is a UUIDv7: its first 48 bits are the time (RFC 9562 section 5.7). */
static int64_t made_ms(const char *name)
{
    unsigned char id[16];
    int64_t ms = 0;
    if (!candor_uuid_parse(candor_bytes_of(name, CANDOR_UUID_TEXT), id)) return INT64_MAX;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id[i];
    return ms;
}

static bool visit_segment(void *ctx, const char *name)
{
    recovery *r = ctx;
    char path[CANDOR_PATH_MAX];
    candor_segment *segment = NULL;
    candor_err err = {0};
    /* One segment a start at least, or processes that live for a moment would never catch up. */
    if (!r->purge && stopping(r) && r->found->segments != 0) return false;
    if (!candor_name_segment(name)) {
        remove_stale(r->store, r->store->journal_dir, name);
        return true;
    }
    if (candor_path_join(r->store->journal_dir, name, path, sizeof path, NULL) != CANDOR_OK)
        return true;
    uint32_t purges = purges_of(r->store);
    candor_status st = candor_segment_take(path, &segment, &err);
    if (st == CANDOR_CORRUPT) {
        candor_store_quarantine_file(r->store, path, name);
        candor_store_count_loss(r->store, CANDOR_LOSS_CORRUPT, 1);
    } else if (st == CANDOR_OK && r->purge) {
        uint64_t at = candor_segment_consumed(segment);
        uint64_t known = candor_state_consumed(r->store->state, segment->info.id);
        if (known > at) at = known;
        r->found->records +=
            unread_records(segment, at) - candor_store_counted(r->store, segment, at);
        remove_segment(r->store, segment);
    } else if (st == CANDOR_OK) {
        r->found->segments++;
        replay(r, segment, name, purges);
    } else if (st == CANDOR_BUSY && made_ms(name) < r->live_before_ms) {
        candor_unlink_quiet(path);
    } else if (st != CANDOR_BUSY && st != CANDOR_NOTFOUND) {
        candor_store_note(r->store, &err);
    }
    return true;
}

/* --- entry ----------------------------------------------------------------------------------- */

void candor_recover_dead(candor_store *s, candor_recovered *out)
{
    recovery r = {.store = s, .found = out, .epoch = epoch_of(s)};
    if (!s->usable) return;
    /* Files first: their comments say how far the segments are in the spool already. */
    (void)!candor_dir_list(s->spool_dir, visit_spool, &r, NULL);
    (void)!candor_dir_list(s->journal_dir, visit_segment, &r, NULL);
}

void candor_recover(candor_store *s, candor_recovered *out)
{
    recovery r = {.store = s, .found = out};
    memset(out, 0, sizeof *out);
    if (!s->usable) return;
    (void)!candor_state_each(s->state, visit_row, &r, NULL);
    candor_recover_dead(s, out);
    (void)!candor_state_each_segment(s->state, visit_segment_row, &r, NULL);
}

typedef struct life {
    const char *dir;
    bool found;
} life;

static bool visit_owner(void *ctx, const char *name)
{
    life *l = ctx;
    char path[CANDOR_PATH_MAX];
    candor_segment *segment = NULL;
    if (!candor_name_segment(name) ||
        candor_path_join(l->dir, name, path, sizeof path, NULL) != CANDOR_OK)
        return true;
    l->found = candor_segment_take(path, &segment, NULL) == CANDOR_BUSY;
    candor_segment_free(segment);
    return !l->found;
}

bool candor_recover_others_live(const candor_store *s)
{
    life l = {.dir = s->journal_dir};
    if (s->usable) (void)!candor_dir_list(s->journal_dir, visit_owner, &l, NULL);
    return l.found;
}

uint64_t candor_recover_purge(candor_store *s, int64_t live_before_ms)
{
    candor_recovered found = {0};
    recovery r = {.store = s, .found = &found, .purge = true, .live_before_ms = live_before_ms};
    if (!s->usable) return 0;
    (void)!candor_dir_list(s->journal_dir, visit_segment, &r, NULL);
    return found.records;
}
