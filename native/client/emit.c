/* Stage 1/10: emit. In: an event type and a payload. Out: a clean record in the journal, or a
 * counted reason. The hot path: one consent load, one lock, no system call but at most one wake-up.
 */
#include "client/client.h"

/* The two front ends of the sanitiser, behind one shape. */
typedef struct emit_input {
    const unsigned char *area; /* typed; NULL: JSON */
    size_t area_size;
    candor_bytes json;
    unsigned char *id; /* receives the event's id; NULL: nobody asks */
} emit_input;

static void drop_locked(candor_client *c, candor_emit_result why)
{
    candor_counts n = {0};
    if (why == CANDOR_EMIT_JOURNAL_FULL && c->journal.disk_low)
        n.disk_low = 1; /* the reason behind the full journal says more to a person */
    else
        n.emit[why] = 1;
    candor_journal_count(&c->journal, &n);
}

static bool gate(candor_client *c)
{
    uint32_t epoch = candor_consent_epoch(c->consent);
    if (epoch != atomic_load_explicit(&c->seen_epoch, memory_order_relaxed))
        return candor_gate_refresh(c);
    return atomic_load_explicit(&c->enabled, memory_order_relaxed);
}

static bool is_open(candor_client *c)
{
    return !atomic_load_explicit(&c->closed, memory_order_relaxed) &&
           candor_fork_guard_same(c->fork_guard);
}

static candor_emit_result drop(candor_client *c, candor_emit_result why)
{
    candor_journal_lock(&c->journal);
    drop_locked(c, why);
    candor_journal_unlock(&c->journal);
    return why;
}

static candor_status sanitise(candor_client *c, const candor_event_def *def, const emit_input *in,
                              candor_buf *body, candor_tally *tally)
{
    candor_json j;
    if (in->area != NULL)
        return candor_sanitise_typed(&c->sanitiser, def, in->area, in->area_size, body, tally);
    candor_json_init(&j, in->json, CANDOR_JSON_EVENT_DEPTH);
    return candor_sanitise_json(&c->sanitiser, def, &j, body, tally, NULL);
}

static candor_emit_result refusal(candor_status st)
{
    if (st == CANDOR_LIMIT) return CANDOR_EMIT_TOO_LARGE;
    return st == CANDOR_INVALID ? CANDOR_EMIT_BAD_PAYLOAD : CANDOR_EMIT_FAILED;
}

/* Sanitise straight into the mapped record. A payload that does not fit what is left of the segment
 * is written again into the next; one that did not fit although a largest record would have is
 * refused. */
static candor_emit_result write_record(candor_client *c, const candor_event_def *def,
                                       candor_record *r, const emit_input *in, candor_tally *tally)
{
    candor_buf body;
    const candor_tally none = {0};
    *tally = none;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (!candor_journal_begin(&c->journal, r, &body, attempt != 0))
            return CANDOR_EMIT_JOURNAL_FULL;
        bool roomy = candor_segment_roomy(c->journal.cur);
        *tally = none;
        candor_status st = sanitise(c, def, in, &body, tally);
        if (st == CANDOR_OK && !body.failed) {
            candor_journal_commit(&c->journal, r, &body);
            return CANDOR_EMIT_KEPT;
        }
        if (st == CANDOR_INVALID) return refusal(st);
        if (roomy) return body.failed ? CANDOR_EMIT_TOO_LARGE : refusal(st);
    }
    return CANDOR_EMIT_TOO_LARGE;
}

static void count_tally(candor_client *c, const candor_tally *t)
{
    candor_counts n = {0};
    for (size_t i = 0; i < CANDOR_ADJUST_COUNT; i++)
        n.adjust[i] = t->n[i];
    candor_journal_count(&c->journal, &n);
}

static inline bool any_adjusted(const candor_tally *t)
{
    static const candor_tally none;
    return memcmp(t, &none, sizeof none) != 0; /* unsigned only: no padding */
}

static bool sampled_out(candor_client *c, const candor_event_def *def)
{
    if (def->sample >= 1) return false;
    return (double)(candor_id_source_bits(&c->ids) >> 11) / 9007199254740992.0 >= def->sample;
}

static candor_emit_result record_locked(candor_client *c, const candor_event_def *def,
                                        candor_bytes correlation_id, const emit_input *in)
{
    candor_record r = {.seq = c->journal.seq + 1, .type = def->name};
    candor_tally tally; /* set by write_record */
    unsigned bad_correlation = 0;
    if (sampled_out(c, def)) return CANDOR_EMIT_SAMPLED;
    if (correlation_id.n != 0) {
        if (candor_id_ok(correlation_id, CANDOR_BASE_ID_MAX))
            r.correlation_id = correlation_id;
        else
            bad_correlation = 1;
    }
    r.ts_ms = candor_clock_unix_ms();
    candor_id_source_next(&c->ids, (uint64_t)r.ts_ms, r.id);
    if (in->id != NULL) memcpy(in->id, r.id, sizeof r.id);
    candor_emit_result result = write_record(c, def, &r, in, &tally);
    tally.n[CANDOR_ADJUST_BAD_VALUE] += bad_correlation;
    if (result == CANDOR_EMIT_KEPT && any_adjusted(&tally)) count_tally(c, &tally);
    return result;
}

static candor_emit_result record(candor_client *c, const candor_event_def *def,
                                 candor_bytes correlation_id, const emit_input *in)
{
    candor_emit_result result = CANDOR_EMIT_DISABLED;
    bool wake = false;
    candor_journal_lock(&c->journal);
    /* Again under the lock: set_enabled and close change these under it, so that nothing is
     * recorded once they have returned. */
    if (atomic_load_explicit(&c->closed, memory_order_relaxed)) {
        result = CANDOR_EMIT_CLOSED;
    } else if (atomic_load_explicit(&c->enabled, memory_order_relaxed)) {
        bool fits = (int)def->level <= atomic_load_explicit(&c->level_max, memory_order_relaxed);
        result = fits ? record_locked(c, def, correlation_id, in) : CANDOR_EMIT_LEVEL;
        if (result != CANDOR_EMIT_KEPT) drop_locked(c, result);
        wake = candor_journal_must_wake(&c->journal);
    }
    candor_journal_unlock(&c->journal);
    if (wake) candor_waker_wake(c->waker);
    if (result == CANDOR_EMIT_DISABLED)
        atomic_fetch_add_explicit(&c->disabled_drops, 1, memory_order_relaxed);
    return result;
}

static bool refused_at_gate(candor_client *c, candor_emit_result *why)
{
    *why = CANDOR_EMIT_CLOSED;
    if (!is_open(c)) return true;
    *why = CANDOR_EMIT_DISABLED;
    if (gate(c)) return false;
    atomic_fetch_add_explicit(&c->disabled_drops, 1, memory_order_relaxed);
    return true;
}

candor_emit_result candor_emit(candor_client *c, candor_bytes type, candor_bytes payload_json,
                               candor_bytes correlation_id)
{
    candor_emit_result why;
    if (refused_at_gate(c, &why)) return why;
    const candor_event_def *def = candor_schema_event(c->schema, type);
    if (def == NULL) return drop(c, CANDOR_EMIT_UNKNOWN_EVENT);
    unsigned char id[16];
    const emit_input in = {.json = payload_json.n != 0 ? payload_json : CANDOR_LIT("{}"), .id = id};
    candor_emit_result result = record(c, def, correlation_id, &in);
    if (result == CANDOR_EMIT_KEPT && candor_vault_on(c->vault))
        candor_vault_keep(c, def, id, in.json);
    return result;
}

static uint32_t area_u32(const unsigned char *area, size_t at)
{
    uint32_t v;
    memcpy(&v, area + at, sizeof v); /* native order: JS wrote it in this process */
    return v;
}

candor_emit_result candor_emit_typed(candor_client *c, const unsigned char *area, size_t area_size)
{
    candor_emit_result why;
    if (refused_at_gate(c, &why)) return why;
    if (area == NULL || area_size < CANDOR_TYPED_HEAP_AT) return drop(c, CANDOR_EMIT_FAILED);
    uint32_t event = area_u32(area, 4), at = area_u32(area, 20), n = area_u32(area, 24);
    if (event == CANDOR_TYPED_BAD_PAYLOAD) return drop(c, CANDOR_EMIT_BAD_PAYLOAD);
    if (event == CANDOR_TYPED_TOO_LARGE) return drop(c, CANDOR_EMIT_TOO_LARGE);
    const candor_event_def *def = candor_schema_at(c->schema, event);
    if (def == NULL) return drop(c, CANDOR_EMIT_UNKNOWN_EVENT);
    if (n != 0 && (at < CANDOR_TYPED_HEAP_AT || at > area_size || n > area_size - at))
        return drop(c, CANDOR_EMIT_FAILED);
    const emit_input in = {.area = area, .area_size = area_size};
    return record(c, def, candor_bytes_of(n != 0 ? (const char *)area + at : NULL, n), &in);
}
