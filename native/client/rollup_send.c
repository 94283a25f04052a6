/* Sending: when a local day is over, and how its counts become events. */
#include <stdio.h>

#include "base/gzip.h"
#include "base/json.h"
#include "client/rollup.h"
#include "client/store.h"
#include "contract/envelope.h"

#define MS_NS    1000000ull
#define DAY_MS   86400000LL
#define RETRY_MS 60000

static const char day_key[] = "rollup.day", since_key[] = "rollup.since_ns";

/* --- clocks ---------------------------------------------------------------------------------- */

static int64_t real_unix_ms(void *ctx)
{
    (void)ctx;
    return candor_clock_unix_ms();
}

static uint64_t real_mono_ns(void *ctx)
{
    (void)ctx;
    return candor_clock_mono_ns();
}

static int32_t real_offset_s(void *ctx, int64_t unix_ms)
{
    (void)ctx;
    return candor_clock_local_offset_s(unix_ms);
}

void candor_rollups_init(candor_rollups *r)
{
    memset(r, 0, sizeof *r);
    r->clock = (candor_rollup_clock){real_unix_ms, real_mono_ns, real_offset_s, NULL};
    r->hold_ns = CANDOR_ROLLUP_HOLD_NS;
    r->totals.oldest_day = INT64_MAX;
}

void candor_rollups_deinit(candor_rollups *r)
{
    candor_rollup_tally_free(&r->tally);
}

void candor_rollups_attach(candor_store *s, const candor_schema *schema, candor_bytes context_json)
{
    candor_rollups *r = &s->rollups;
    r->context_json = context_json;
    r->tally.clock = &r->clock;
    r->schema = schema;
    for (unsigned i = 0; i < candor_schema_count(schema); i++)
        if (candor_schema_at(schema, i)->rollup != NULL) r->tally.schema = schema;
    candor_rollups_look(s);
}

static int64_t unix_now(const candor_rollups *r)
{
    return r->clock.unix_ms(r->clock.ctx);
}

static uint64_t mono_now(const candor_rollups *r)
{
    return r->clock.mono_ns(r->clock.ctx);
}

static int64_t local_ms(const candor_rollups *r, int64_t unix_ms)
{
    return unix_ms + r->clock.offset_s(r->clock.ctx, unix_ms) * 1000LL;
}

static int64_t local_date(const candor_rollups *r)
{
    int64_t ms = local_ms(r, unix_now(r));
    return ms >= 0 ? ms / DAY_MS : -((DAY_MS - 1 - ms) / DAY_MS);
}

/* Until the local date changes. Where a zone changes its offset on the way this is too early or too
 * late by that much; whoever is too early looks again. */
static int64_t rest_of_day_ms(const candor_rollups *r)
{
    int64_t ms = local_ms(r, unix_now(r)) % DAY_MS;
    return ms >= 0 ? DAY_MS - ms : -ms;
}

/* --- when ------------------------------------------------------------------------------------ */

static int64_t ns_to_ms(uint64_t ns)
{
    return (int64_t)(ns / MS_NS) + 1;
}

/* What is left of the time that the date must have looked as it does. */
static int64_t hold_left_ms(const candor_rollups *r)
{
    int64_t now = (int64_t)mono_now(r), end = r->held_since_ns + (int64_t)r->hold_ns;
    return now >= r->held_since_ns && now < end ? ns_to_ms((uint64_t)(end - now)) : 0;
}

static bool works(const candor_store *s)
{
    return s->usable && !s->in_memory && s->rollups.schema != NULL;
}

static int64_t wait_ms(const candor_store *s)
{
    const candor_rollups *r = &s->rollups;
    if (!works(s) || r->totals.rows == 0) return -1;
    uint64_t now = mono_now(r);
    if (r->retry_ns > now) return ns_to_ms(r->retry_ns - now);
    int64_t today = local_date(r);
    if (r->totals.frozen != 0 || !r->held || r->held_day != today) return 0;
    return r->totals.oldest_day < today ? hold_left_ms(r) : rest_of_day_ms(r);
}

int64_t candor_rollups_wait_ms(const candor_store *s)
{
    return s->settings->inspect != 0 ? -1 : wait_ms(s); /* who only looks sends nothing */
}

int64_t candor_rollups_due_ms(const candor_store *s)
{
    const candor_rollups *r = &s->rollups;
    int64_t wait = wait_ms(s);
    if (wait < 0) return INT64_MAX;
    bool over = r->totals.frozen != 0 || r->retry_ns != 0 ||
                (r->held && r->totals.oldest_day < r->held_day);
    return unix_now(r) + wait + (over ? 0 : (int64_t)(r->hold_ns / MS_NS));
}

/* --- the date -------------------------------------------------------------------------------- */

static candor_status hold_date(candor_store *s, int64_t today, int64_t since, candor_err *err)
{
    candor_status st = candor_state_begin(s->state, err);
    if (st != CANDOR_OK) return st;
    st = candor_state_set_number(s->state, day_key, today, err);
    if (st == CANDOR_OK) st = candor_state_set_number(s->state, since_key, since, err);
    return candor_state_end(s->state, st, err);
}

/* Days before *over may be sent: the date has been later than them at two looks so far apart, and
 * at no look between them earlier. The monotonic clock starts again with the machine, and what it
 * says has passed since a look before that is less than what really has. */
static candor_status note_date(candor_store *s, int64_t *over, candor_err *err)
{
    candor_rollups *r = &s->rollups;
    int64_t today = local_date(r);
    int64_t now = (int64_t)mono_now(r);
    int64_t day = candor_state_get_number(s->state, day_key, INT64_MAX);
    int64_t since = candor_state_get_number(s->state, since_key, INT64_MAX);
    bool known = day <= today && since <= now;
    *over = known && (uint64_t)(now - since) >= r->hold_ns ? day : INT64_MIN;
    r->held = true;
    r->held_day = today;
    r->held_since_ns = known && day == today ? since : now;
    return known && day == today ? CANDOR_OK : hold_date(s, today, now, err);
}

/* --- a batch --------------------------------------------------------------------------------- */

typedef struct writing {
    candor_store *store;
    candor_sanitiser sanitiser;
    candor_buf lines, raw, payload;
    uint64_t events;
} writing;

static void put_member(candor_buf *b, const char *name, uint64_t n)
{
    candor_buf_putf(b, ",\"%s\":%llu", name, (unsigned long long)n);
}

/* The day is the midnight in UTC that bears the local date. */
static void put_raw(candor_buf *b, const candor_rollup_row *row)
{
    char day[CANDOR_TIME_TEXT];
    candor_time_format(row->day * DAY_MS, day);
    candor_buf_put_bytes(b, CANDOR_LIT("{\"day\":"));
    candor_json_put_string(b, candor_bytes_of(day, sizeof day));
    if (row->key.n != 0) candor_buf_put_c(b, ',');
    candor_buf_put_bytes(b, row->key);
    put_member(b, "count", row->n);
    if (row->has_errors) put_member(b, "errors", row->errors);
    candor_buf_put_c(b, '}');
}

/* A target that another version of the app had in its schema is sent as it was counted: its fields
 * were sanitised then. */
static candor_status make_payload(writing *w, const candor_rollup_row *row)
{
    candor_json j;
    candor_tally tally = {0};
    const candor_event_def *def = candor_schema_event(w->store->rollups.schema, row->target);
    candor_buf_clear(&w->raw);
    candor_buf_clear(&w->payload);
    put_raw(&w->raw, row);
    if (w->raw.failed) return CANDOR_NOMEM;
    if (def == NULL) {
        candor_buf_put_bytes(&w->payload, candor_buf_bytes(&w->raw));
        return w->payload.failed ? CANDOR_NOMEM : CANDOR_OK;
    }
    candor_json_init(&j, candor_buf_bytes(&w->raw), CANDOR_JSON_EVENT_DEPTH);
    return candor_sanitise_json(&w->sanitiser, def, &j, &w->payload, &tally, NULL);
}

static candor_status write_row(void *ctx, const candor_rollup_row *row)
{
    writing *w = ctx;
    candor_status st = make_payload(w, row);
    if (st == CANDOR_OK)
        st = candor_event_write(row->event, row->target, row->created_ms,
                                w->store->rollups.context_json, CANDOR_LIT(""),
                                candor_buf_bytes(&w->payload), &w->lines);
    if (st == CANDOR_OK) w->events++;
    return st;
}

/* The file's content into gz, and what candor_batch_adopt makes of it into s->batch. */
static candor_status build(candor_store *s, const char *batch, candor_buf *gz, candor_err *err)
{
    char comment[128];
    writing w = {.store = s};
    candor_sanitiser_init(&w.sanitiser, s->rollups.schema, NULL, CANDOR_AT_SOURCE);
    candor_status st = candor_rollup_each(s->state, batch, write_row, &w, err);
    (void)snprintf(comment, sizeof comment, "candor/1 schema=%s events=%llu",
                   candor_schema_hash(s->rollups.schema), (unsigned long long)w.events);
    if (st == CANDOR_OK)
        st =
            candor_gzip(candor_buf_bytes(&w.lines), (int)s->settings->gzip_level, comment, gz, err);
    if (st == CANDOR_OK) st = candor_batch_adopt(&s->batch, batch, candor_buf_bytes(gz), err);
    candor_sanitiser_deinit(&w.sanitiser);
    candor_buf_free(&w.lines);
    candor_buf_free(&w.raw);
    candor_buf_free(&w.payload);
    return st;
}

/* The rows were purged meanwhile: so is the file. When recovery of another process has adopted it,
 * its row is there already. */
static void drop_purged(candor_store *s, const char *batch)
{
    char path[CANDOR_PATH_MAX];
    if (candor_state_knows(s->state, batch) == CANDOR_KNOWN_NO &&
        candor_store_path(s, batch, path, NULL) == CANDOR_OK)
        candor_unlink_quiet(path);
}

static candor_status record(candor_store *s, const char *batch, bool exported, uint64_t dropped,
                            candor_err *err)
{
    bool settled = false, changed = false;
    candor_batch *b = &s->batch;
    candor_status st = candor_state_begin(s->state, err);
    if (st != CANDOR_OK) return st;
    st = candor_rollup_settle(s->state, batch, &settled, err);
    if (st == CANDOR_OK && settled)
        st = candor_state_add_batch(s->state, &b->row, b->counts, b->n_counts, err);
    if (st == CANDOR_OK && settled && exported)
        st = candor_state_mark_sent(s->state, &b->row, dropped, &changed, err);
    if (st == CANDOR_OK && !settled) drop_purged(s, batch);
    return candor_state_end(s->state, st, err);
}

static bool is_spooled(const candor_store *s, const char *batch)
{
    char path[CANDOR_PATH_MAX];
    return candor_store_path(s, batch, path, NULL) == CANDOR_OK &&
           candor_file_mtime(path, NULL, NULL, NULL) == CANDOR_OK;
}

static candor_status send_frozen(candor_store *s, const char *batch, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    uint64_t dropped = 0;
    candor_buf gz = {0};
    /* In the spool of a process with another exporter, which died before it noted that: there it
     * stays, or recovery would adopt the file beside what is exported. Nobody else writes one: the
     * lock is held. */
    bool exports = s->exporter != NULL && !is_spooled(s, batch);
    candor_status st = build(s, batch, &gz, err);
    if (st == CANDOR_OK && exports)
        st = candor_exporter_batch(s->exporter, candor_buf_bytes(&s->batch.lines), &dropped, err);
    else if (st == CANDOR_OK && s->exporter == NULL)
        st = candor_store_write(s, candor_buf_bytes(&gz), path, err);
    /* A process with the other choice of encryptSpool may have died behind its write. */
    if (st == CANDOR_OK && s->exporter == NULL) candor_store_unlink_other(s, batch);
    if (st == CANDOR_OK) st = record(s, batch, exports, dropped, err);
    if (st == CANDOR_OK && exports) candor_store_forget(s, batch);
    candor_buf_free(&gz);
    return st;
}

/* Everything that is frozen: what a process that died left, or what was frozen just now. */
static candor_status send_all_frozen(candor_store *s, candor_err *err)
{
    char batch[CANDOR_UUID_TEXT + 1] = "";
    candor_status st;
    while ((st = candor_rollup_frozen(s->state, batch, err)) == CANDOR_OK) {
        st = send_frozen(s, batch, err);
        if (st != CANDOR_OK) return st;
    }
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
}

static candor_status send_days(candor_store *s, int64_t over, candor_err *err)
{
    candor_status st = send_all_frozen(s, err);
    while (st == CANDOR_OK && over != INT64_MIN) {
        st = candor_rollup_freeze(s->state, over, unix_now(&s->rollups), err);
        if (st == CANDOR_NOTFOUND) return CANDOR_OK;
        if (st == CANDOR_OK) st = send_all_frozen(s, err);
    }
    return st;
}

/* --- entry ----------------------------------------------------------------------------------- */

/* One process of the directory at a time: frozen rows that it finds are nobody else's. */
static candor_status take_lock(const candor_store *s, candor_file **lock, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(s->dir, "rollup.lock", path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_file_open(path, CANDOR_OPEN_READ_WRITE, lock, err);
    if (st == CANDOR_OK) st = candor_file_try_lock(*lock, err);
    return st;
}

static candor_status send_locked(candor_store *s, candor_err *err)
{
    candor_file *lock = NULL;
    int64_t over = INT64_MIN;
    candor_status st = CANDOR_OK;
    if (candor_store_disk_low(s))
        return candor_fail(err, CANDOR_FULL, 0, "rollup",
                           "less than minFreeDiskBytes of disk are free: roll-ups wait");
    st = take_lock(s, &lock, err);
    if (st == CANDOR_OK) st = note_date(s, &over, err);
    if (st == CANDOR_OK) st = send_days(s, over, err);
    candor_file_discard(lock);
    return st;
}

/* After the first failure a minute, then twice as long each time, as uploads back off. */
static int64_t retry_ms(const candor_store *s)
{
    int64_t max = s->settings->retry_max_ms > RETRY_MS ? s->settings->retry_max_ms : RETRY_MS;
    int64_t n = s->rollups.failures > 1 ? s->rollups.failures - 1 : 0;
    return candor_backoff_delay(n, RETRY_MS, max, -1, 1.0);
}

bool candor_rollups_turn(candor_store *s)
{
    candor_rollups *r = &s->rollups;
    candor_err err = {0};
    if (candor_rollups_wait_ms(s) != 0) return false;
    candor_status st = send_locked(s, &err);
    r->failures = st == CANDOR_OK || st == CANDOR_BUSY ? 0 : r->failures + 1;
    r->retry_ns = st == CANDOR_OK ? 0 : mono_now(r) + (uint64_t)retry_ms(s) * MS_NS;
    if (st != CANDOR_OK && st != CANDOR_BUSY) candor_store_note(s, &err);
    candor_rollups_look(s);
    return true;
}

void candor_rollups_look(candor_store *s)
{
    candor_rollup_totals totals;
    if (candor_rollup_total(s->state, &totals, NULL) == CANDOR_OK) s->rollups.totals = totals;
}

void candor_rollups_lost(candor_store *s)
{
    candor_rollups *r = &s->rollups;
    uint64_t events = r->totals.events;
    r->held = false;
    r->totals = (candor_rollup_totals){.oldest_day = INT64_MAX};
    if (events == 0 || s->state == NULL) return;
    candor_status st = candor_state_begin(s->state, NULL);
    if (st != CANDOR_OK) return;
    st = candor_state_add(s->state, "kept", events, NULL);
    if (st == CANDOR_OK) st = candor_state_add_loss(s->state, CANDOR_LOSS_CORRUPT, events, NULL);
    (void)!candor_state_end(s->state, st, NULL);
}
