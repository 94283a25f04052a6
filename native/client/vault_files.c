/* The vault's .att files: made of what emit sealed, found again, their age and number. */
#include <stdio.h>
#include <stdlib.h>

#include "client/client.h"
#include "client/names.h"
#include "client/vault_private.h"

#define SUFFIX   ".att"
#define STALE_MS 3600000 /* a temporary file this old has no owner any more */
#define DAY_MS   86400000LL

static void format_name(const candor_vault_entry *e, char name[CANDOR_NAME_ATTACHMENT_MAX])
{
    char id[CANDOR_UUID_TEXT];
    candor_uuid_format(e->event, id);
    (void)snprintf(name, CANDOR_NAME_ATTACHMENT_MAX, "%.36s.%s%s", id, e->field, SUFFIX);
}

static bool has_name(const candor_vault_entry *e)
{
    char name[CANDOR_NAME_ATTACHMENT_MAX];
    format_name(e, name);
    return candor_name_attachment(name);
}

candor_status candor_vault_path(const candor_vault *v, const candor_vault_entry *e,
                                char out[CANDOR_PATH_MAX])
{
    char name[CANDOR_NAME_ATTACHMENT_MAX];
    format_name(e, name);
    return candor_path_join(v->dir, name, out, CANDOR_PATH_MAX, NULL);
}

static int64_t time_of(const candor_vault_entry *e)
{
    return (int64_t)candor_uuid7_ms(e->event);
}

static int compare(const void *a, const void *b)
{
    const candor_vault_entry *x = a, *y = b;
    int order = memcmp(x->event, y->event, sizeof x->event);
    return order != 0 ? order : strcmp(x->field, y->field);
}

/* --- the list -------------------------------------------------------------------------------- */

/* Publish what status shows. */
void candor_vault_publish(candor_vault *v)
{
    uint64_t bytes = 0, locked = 0;
    for (size_t i = 0; i < v->n; i++) {
        bytes += v->entries[i].size;
        if (v->entries[i].locked) locked++;
    }
    candor_mutex_lock(v->mutex);
    v->files = v->n;
    v->bytes = bytes;
    v->locked = locked;
    candor_mutex_unlock(v->mutex);
}

static candor_vault_entry *find(candor_vault *v, const candor_vault_entry *e)
{
    return v->n == 0 ? NULL : bsearch(e, v->entries, v->n, sizeof *e, compare);
}

/* Behind the last one; the caller sorts. */
static bool add(candor_vault *v, const candor_vault_entry *e)
{
    if (v->n == v->cap) {
        size_t cap = v->cap != 0 ? 2 * v->cap : 64;
        candor_vault_entry *more = realloc(v->entries, cap * sizeof *more);
        if (more == NULL) return false;
        v->entries = more;
        v->cap = cap;
    }
    v->entries[v->n++] = *e;
    return true;
}

static void drop_entry(candor_vault *v, size_t i)
{
    memmove(&v->entries[i], &v->entries[i + 1], (v->n - i - 1) * sizeof v->entries[0]);
    v->n--;
}

void candor_vault_remove(candor_vault *v, const candor_vault_entry *e)
{
    char path[CANDOR_PATH_MAX];
    if (candor_vault_path(v, e, path) == CANDOR_OK) candor_unlink_quiet(path);
    const candor_vault_entry *at = find(v, e);
    if (at != NULL) drop_entry(v, (size_t)(at - v->entries));
    candor_vault_publish(v);
}

static void lose(candor_vault *v, const candor_vault_entry *e, candor_vault_drop why)
{
    const candor_vault_entry copy = *e; /* removing moves the list */
    candor_vault_count(v, why, 1);
    candor_vault_remove(v, &copy);
}

/* --- files ----------------------------------------------------------------------------------- */

/* What the beginning of the file says. CANDOR_CORRUPT: it is none of ours. */
static candor_status read_head(candor_vault *v, const char *path, candor_vault_entry *e)
{
    candor_file *f = NULL;
    candor_map map = {0};
    candor_seal seal;
    candor_status st = candor_file_open(path, CANDOR_OPEN_READ, &f, NULL);
    if (st == CANDOR_OK) st = candor_file_size(f, &e->size, NULL);
    if (st == CANDOR_OK && e->size < CANDOR_SEAL_HEAD) st = CANDOR_CORRUPT;
    size_t n = e->size < CANDOR_SEAL_OVER ? (size_t)e->size : CANDOR_SEAL_OVER;
    if (st == CANDOR_OK) st = candor_map_open(f, n, false, &map, NULL);
    if (st == CANDOR_OK)
        st = candor_seal_read(candor_bytes_of((const char *)map.p, n), false, &seal);
    if (st == CANDOR_OK &&
        (seal.kind != CANDOR_SEAL_ATTACHMENT || memcmp(seal.id, e->event, 16) != 0 ||
         !candor_bytes_eq(seal.field, candor_bytes_str(e->field)) ||
         e->size != seal.head_n + seal.plain_n + CANDOR_AEAD_TAG))
        st = CANDOR_CORRUPT;
    if (st == CANDOR_OK) e->locked = !candor_keyring_knows(v->keys, seal.key_id, seal.check);
    candor_map_close(&map);
    candor_file_discard(f);
    return st;
}

static bool parse_name(const char *name, candor_vault_entry *e)
{
    memset(e, 0, sizeof *e);
    if (!candor_name_attachment(name)) return false;
    (void)candor_uuid_parse(candor_bytes_of(name, CANDOR_UUID_TEXT), e->event);
    const char *field = name + CANDOR_UUID_TEXT + 1;
    memcpy(e->field, field, strlen(field) - strlen(SUFFIX));
    return true;
}

/* Make a file of what emit sealed. The same bytes again after a crash: the same file. */
static candor_status write_file(candor_vault *v, candor_bytes sealed, candor_err *err)
{
    candor_seal seal;
    candor_vault_entry e = {0};
    char path[CANDOR_PATH_MAX];
    if (candor_seal_read(sealed, true, &seal) != CANDOR_OK || seal.field.n == 0) {
        candor_vault_count(v, CANDOR_VAULT_DROP_CORRUPT, 1);
        return CANDOR_OK;
    }
    memcpy(e.event, seal.id, sizeof e.event);
    memcpy(e.field, seal.field.p, seal.field.n);
    if (!has_name(&e)) { /* the field is part of a path */
        candor_vault_count(v, CANDOR_VAULT_DROP_CORRUPT, 1);
        return CANDOR_OK;
    }
    e.size = sealed.n;
    e.locked = !candor_keyring_knows(v->keys, seal.key_id, seal.check);
    candor_status st = candor_vault_path(v, &e, path);
    if (st == CANDOR_OK) st = candor_file_write_durable(path, sealed, err);
    if (st == CANDOR_OK && find(v, &e) == NULL) {
        bool last = v->n == 0 || compare(&v->entries[v->n - 1], &e) < 0;
        if (add(v, &e) && !last) qsort(v->entries, v->n, sizeof e, compare);
    }
    return st;
}

/* --- the segment ----------------------------------------------------------------------------- */

/* Make files of the records up to limit. *records counts those that are done. */
candor_status candor_vault_empty(candor_vault *v, candor_vault_segment *s, size_t limit,
                                 uint64_t *records, candor_err *err)
{
    candor_bytes sealed;
    size_t at = (size_t)candor_vault_segment_consumed(s), next = 0;
    for (;;) {
        candor_status st = candor_vault_segment_read(s, at, limit, &sealed, &next);
        if (st == CANDOR_NOTFOUND) return CANDOR_OK;
        if (st == CANDOR_CORRUPT) {
            candor_vault_count(v, CANDOR_VAULT_DROP_CORRUPT, 1);
            if (next == 0) next = limit;
        } else {
            st = write_file(v, sealed, err);
            if (st != CANDOR_OK) return st;
        }
        (*records)++;
        at = next;
        candor_vault_segment_consume(s, at);
    }
}

static uint64_t records_in(const candor_vault_segment *s)
{
    candor_bytes sealed;
    uint64_t n = 0;
    size_t at = (size_t)candor_vault_segment_consumed(s), next = 0;
    for (candor_status st;
         (st = candor_vault_segment_read(s, at, s->tail, &sealed, &next)) != CANDOR_NOTFOUND &&
         next != 0;
         at = next)
        if (st == CANDOR_OK) n++;
    return n;
}

/* --- what dead processes left ---------------------------------------------------------------- */

typedef struct visit {
    candor_vault *v;
    bool purge, others_live;
    uint64_t purged;
    candor_vault_entry *old; /* the list before */
    size_t old_n;
} visit;

static void visit_segment(visit *run, const char *path)
{
    candor_vault *v = run->v;
    candor_vault_segment *s = NULL;
    candor_err err = {0};
    uint64_t records = 0;
    candor_status st = candor_vault_segment_take(path, &s, &err);
    if (st == CANDOR_BUSY) {
        run->others_live =
            run->others_live || v->segment == NULL || strcmp(v->segment->path, path) != 0;
        return;
    }
    if (st == CANDOR_CORRUPT) {
        candor_unlink_quiet(path);
        candor_vault_count(v, CANDOR_VAULT_DROP_CORRUPT, 1);
    }
    if (st != CANDOR_OK) return;
    if (run->purge) {
        run->purged += records_in(s);
    } else {
        st = candor_store_disk_low(v->store) ? CANDOR_FULL
                                             : candor_vault_empty(v, s, s->map.n, &records, &err);
        if (st != CANDOR_OK) { /* tried again at the next look */
            candor_vault_segment_free(s);
            return;
        }
    }
    candor_vault_segment_delete(s);
}

static void visit_attachment(visit *run, const char *path, candor_vault_entry *e)
{
    candor_vault *v = run->v;
    if (run->purge) {
        candor_unlink_quiet(path);
        run->purged++;
        return;
    }
    candor_status st = read_head(v, path, e);
    if (st == CANDOR_CORRUPT && v->store->settings->inspect == 0) {
        candor_unlink_quiet(path);
        candor_vault_count(v, CANDOR_VAULT_DROP_CORRUPT, 1);
    }
    if (st != CANDOR_OK) return;
    const candor_vault_entry *known =
        run->old_n == 0 ? NULL : bsearch(e, run->old, run->old_n, sizeof *e, compare);
    if (known != NULL) {
        e->retries = known->retries;
        e->next_attempt_ms = known->next_attempt_ms;
        e->round = known->round;
    }
    (void)add(v, e);
}

static bool visit_file(void *ctx, const char *name)
{
    visit *run = ctx;
    candor_vault_entry e;
    char path[CANDOR_PATH_MAX];
    int64_t when = 0;
    bool inspect = run->v->store->settings->inspect != 0;
    if (candor_path_join(run->v->dir, name, path, sizeof path, NULL) != CANDOR_OK) return true;
    if (parse_name(name, &e))
        visit_attachment(run, path, &e);
    else if (candor_name_vault_temporary(name) && !inspect &&
             candor_file_mtime(path, &when, NULL, NULL) == CANDOR_OK &&
             ((run->purge && strstr(name, SUFFIX) != NULL) ||
              candor_clock_unix_ms() - when > STALE_MS))
        candor_unlink_quiet(path); /* not a segment that a live process is about to name */
    return true;
}

/* Segments first: what they hold becomes files. */
static bool visit_segments(void *ctx, const char *name)
{
    visit *run = ctx;
    char path[CANDOR_PATH_MAX];
    if (candor_name_vault_segment(name) &&
        candor_path_join(run->v->dir, name, path, sizeof path, NULL) == CANDOR_OK)
        visit_segment(run, path);
    return true;
}

static bool look(visit *run)
{
    candor_vault *v = run->v;
    if (!v->dir_made && candor_file_mtime(v->dir, NULL, NULL, NULL) != CANDOR_OK) return false;
    if (run->purge || v->store->settings->inspect == 0)
        (void)!candor_dir_list(v->dir, visit_segments, run, NULL);
    run->old = v->entries;
    run->old_n = v->n;
    v->entries = NULL;
    v->n = v->cap = 0;
    (void)!candor_dir_list(v->dir, visit_file, run, NULL);
    free(run->old);
    if (v->n != 0) qsort(v->entries, v->n, sizeof v->entries[0], compare);
    candor_vault_publish(v);
    return true;
}

void candor_vault_scan(candor_vault *v)
{
    visit run = {.v = v};
    if (v->store != NULL && v->store->usable) (void)look(&run);
}

/* --- purge ----------------------------------------------------------------------------------- */

candor_vault_segment *candor_vault_take_segment(candor_vault *v)
{
    candor_mutex_lock(v->mutex);
    candor_vault_segment *s = v->segment;
    v->segment = NULL;
    v->mark_at = 0;
    v->waiting = 0;
    atomic_store(&v->pressed, false);
    candor_mutex_unlock(v->mutex);
    return s;
}

void candor_vault_purge(candor_vault *v, bool all)
{
    visit run = {.v = v, .purge = true};
    if (v->store == NULL) return;
    candor_vault_segment *s = candor_vault_take_segment(v);
    if (s != NULL) run.purged = records_in(s);
    candor_vault_segment_delete(s);
    if (all && v->store->usable) (void)look(&run);
    v->purged += run.purged;
    v->retry_ns = 0;
    candor_vault_count(v, CANDOR_VAULT_DROP_PURGED, run.purged);
}

bool candor_vault_others_live(candor_vault *v)
{
    visit run = {.v = v};
    if (v->store->usable) (void)look(&run);
    return run.others_live;
}

/* --- caps ------------------------------------------------------------------------------------ */

static uint64_t total_bytes(const candor_vault *v)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < v->n; i++)
        bytes += v->entries[i].size;
    return bytes;
}

static void evict(candor_vault *v)
{
    uint64_t bytes = total_bytes(v);
    while (v->n != 0 && (bytes > (uint64_t)v->store->settings->vault_max_bytes ||
                         v->n > CANDOR_VAULT_FILES_MAX)) {
        bytes -= v->entries[0].size;
        lose(v, &v->entries[0], CANDOR_VAULT_DROP_FULL);
    }
}

int64_t candor_vault_expires_ms(const candor_vault *v)
{
    if (v->store == NULL || v->n == 0 || v->store->settings->inspect != 0) return INT64_MAX;
    return time_of(&v->entries[0]) + v->store->settings->retention_days * DAY_MS;
}

void candor_vault_enforce(candor_vault *v)
{
    if (v->store == NULL || v->store->settings->inspect != 0) return;
    candor_hold hold = {v->old_since_ns, v->old_seen_ns};
    int64_t now = candor_clock_unix_ms();
    bool old = candor_vault_expires_ms(v) < now;
    bool go = candor_hold_note(&hold, old, candor_clock_mono_ns(), v->store->expiry_hold_ns);
    v->old_since_ns = hold.since_ns;
    v->old_seen_ns = hold.seen_ns;
    while (go && candor_vault_expires_ms(v) < now)
        lose(v, &v->entries[0],
             v->entries[0].locked ? CANDOR_VAULT_DROP_KEY_LOST : CANDOR_VAULT_DROP_EXPIRED);
    evict(v);
    candor_vault_publish(v);
    if (v->store->locked != 0) candor_store_look_locked(v->store, false);
}
