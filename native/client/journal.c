#include "client/journal.h"

#define WARM_AHEAD ((size_t)64 * 1024) /* some 100 events: a batch */
#define GROW_NS                                                                                    \
    1000000000ull /* a segment that fills faster than this is followed by a larger one */

candor_status candor_journal_init(candor_journal *j, const char *dir,
                                  const candor_segment_info *info, uint64_t max_bytes)
{
    memset(j, 0, sizeof *j);
    if (dir != NULL) strncpy(j->dir, dir, sizeof j->dir - 1);
    j->info = *info;
    j->max_bytes = max_bytes;
    j->next_size = CANDOR_SEGMENT_SIZE_MIN;
    return candor_mutex_new(&j->mutex);
}

void candor_journal_lock(candor_journal *j)
{
    candor_mutex_lock(j->mutex);
}

void candor_journal_unlock(candor_journal *j)
{
    candor_mutex_unlock(j->mutex);
}

static void release_chain(candor_segment *s, candor_segment_end end, void *ctx)
{
    while (s != NULL) {
        candor_segment *next = s->next;
        if (end != NULL && candor_segment_consumed(s) >= s->tail && end(ctx, s))
            candor_segment_delete(s);
        else
            candor_segment_free(s);
        s = next;
    }
}

void candor_journal_deinit(candor_journal *j, candor_segment_end end, void *ctx)
{
    release_chain(j->full_head, end, ctx);
    release_chain(j->cur, end, ctx);
    release_chain(j->spare, end, ctx);
    candor_mutex_free(j->mutex);
    memset(j, 0, sizeof *j);
}

/* --- emitters -------------------------------------------------------------------------------- */

static void install(candor_journal *j, candor_segment *s)
{
    const candor_counts none = {0};
    j->cur = s;
    j->cur_since_ns = candor_clock_mono_ns();
    candor_segment_count(s, &j->unplaced);
    j->unplaced = none;
}

static bool rotate(candor_journal *j)
{
    if (j->spare == NULL) return false;
    candor_segment *s = j->cur;
    if (s != NULL) {
        if (candor_clock_mono_ns() - j->cur_since_ns < GROW_NS &&
            j->next_size < CANDOR_SEGMENT_SIZE_MAX)
            j->next_size *= 2;
        s->next = NULL;
        if (j->full_tail != NULL)
            j->full_tail->next = s;
        else
            j->full_head = s;
        j->full_tail = s;
    }
    candor_segment *spare = j->spare;
    j->spare = NULL;
    install(j, spare);
    j->want_segment = true;
    return true;
}

bool candor_journal_begin(candor_journal *j, const candor_record *r, candor_buf *body, bool next)
{
    if (!next && j->cur != NULL && candor_segment_begin(j->cur, r, body)) return true;
    if (rotate(j)) return candor_segment_begin(j->cur, r, body);
    j->want_segment = true;
    return false;
}

void candor_journal_commit(candor_journal *j, const candor_record *r, const candor_buf *body)
{
    (void)candor_segment_commit(j->cur, r, body);
    j->seq = r->seq;
    j->appended++;
}

void candor_journal_count(candor_journal *j, const candor_counts *more)
{
    candor_counts_add(&j->session, more);
    if (j->cur != NULL)
        candor_segment_count(j->cur, more);
    else
        candor_counts_add(&j->unplaced, more);
}

bool candor_journal_must_wake(candor_journal *j)
{
    bool wanted = j->want_segment && !j->blocked;
    if (!j->asleep || (j->appended < j->wake_at && !wanted)) return false;
    j->asleep = false;
    return true;
}

/* --- worker ---------------------------------------------------------------------------------- */

void candor_journal_look(candor_journal *j, candor_journal_view *out)
{
    memset(out, 0, sizeof *out);
    candor_journal_lock(j);
    out->appended = j->appended;
    out->batched = j->batched;
    out->any_full = j->full_head != NULL;
    out->segment = j->full_head != NULL ? j->full_head : j->cur;
    out->full = j->full_head != NULL;
    if (out->segment != NULL) out->limit = out->segment->tail;
    candor_journal_unlock(j);
}

candor_segment *candor_journal_advance(candor_journal *j, candor_segment *s, size_t at, uint64_t n)
{
    candor_segment *done = NULL;
    candor_segment_consume(s, at);
    candor_journal_lock(j);
    j->batched += n;
    if (s == j->full_head && at >= s->tail) {
        j->full_head = s->next;
        if (j->full_head == NULL) j->full_tail = NULL;
        j->bytes -= s->map.n;
        done = s;
    }
    /* Nothing is left to read: also after damage, when fewer records came out than went in. */
    if (j->full_head == NULL && (j->cur == NULL || candor_segment_consumed(j->cur) >= j->cur->tail))
        j->batched = j->appended;
    candor_journal_unlock(j);
    return done;
}

/* The size of the next segment, 0 when none is missing; *fits: within max_bytes. */
static size_t plan_segment(candor_journal *j, bool *fits)
{
    candor_journal_lock(j);
    j->want_segment = false;
    size_t size = j->next_size;
    *fits = j->bytes + size <= j->max_bytes;
    if (!*fits && size > CANDOR_SEGMENT_SIZE_MIN) {
        size = CANDOR_SEGMENT_SIZE_MIN;
        *fits = j->bytes + size <= j->max_bytes;
    }
    bool missing = j->cur == NULL || j->spare == NULL;
    j->blocked = missing && !*fits;
    candor_journal_unlock(j);
    return missing ? size : 0;
}

candor_status candor_journal_prepare(candor_journal *j, candor_err *err)
{
    bool fits = false;
    for (size_t size; (size = plan_segment(j, &fits)) != 0;) {
        if (!fits) return candor_fail(err, CANDOR_FULL, 0, "journal", "the journal is full");
        candor_segment *s = NULL;
        candor_status st = candor_segment_create(j->dir, size, &j->info, &s, err);
        candor_journal_lock(j);
        if (st != CANDOR_OK) {
            j->blocked = true;
        } else {
            j->bytes += size;
            s->next = NULL;
            if (j->cur == NULL)
                install(j, s);
            else
                j->spare = s;
        }
        candor_journal_unlock(j);
        if (st != CANDOR_OK) return st;
    }
    return CANDOR_OK;
}

void candor_journal_warm(candor_journal *j)
{
    candor_journal_lock(j);
    candor_segment *cur = j->cur, *spare = j->spare; /* only this thread lets them go */
    size_t tail = cur != NULL ? cur->tail : 0;
    bool busy = j->next_size > CANDOR_SEGMENT_SIZE_MIN;
    candor_journal_unlock(j);
    if (cur != NULL && (busy || cur->touched < tail + WARM_AHEAD / 2))
        candor_segment_touch(cur, busy ? SIZE_MAX : tail + WARM_AHEAD);
    if (spare != NULL && busy) candor_segment_touch(spare, SIZE_MAX);
}

void candor_journal_block(candor_journal *j)
{
    candor_journal_lock(j);
    j->blocked = true;
    candor_journal_unlock(j);
}

bool candor_journal_unblock(candor_journal *j)
{
    candor_journal_lock(j);
    bool wanted = j->blocked && j->want_segment;
    j->blocked = false;
    candor_journal_unlock(j);
    return wanted;
}

static uint64_t unread(const candor_segment *s)
{
    uint64_t records = 0;
    candor_record r;
    size_t at = (size_t)candor_segment_consumed(s);
    for (candor_read got; (got = candor_segment_read(s, at, s->tail, &r)) != CANDOR_READ_END;) {
        if (got == CANDOR_READ_LOST) break;
        if (got == CANDOR_READ_RECORD) records++;
        at = r.next;
    }
    return records;
}

static uint64_t drop_chain(candor_segment *s, candor_segment_end end, void *ctx)
{
    uint64_t records = 0;
    while (s != NULL) {
        candor_segment *next = s->next;
        records += unread(s);
        (void)end(ctx, s);
        candor_segment_delete(s);
        s = next;
    }
    return records;
}

uint64_t candor_journal_purge(candor_journal *j, candor_segment_end end, void *ctx)
{
    candor_journal_lock(j);
    candor_segment *full = j->full_head, *cur = j->cur, *spare = j->spare;
    j->full_head = j->full_tail = j->cur = j->spare = NULL;
    j->bytes = 0;
    j->batched = j->appended;
    j->want_segment = false;
    candor_journal_unlock(j);
    return drop_chain(full, end, ctx) + drop_chain(cur, end, ctx) + drop_chain(spare, end, ctx);
}

bool candor_journal_sleep(candor_journal *j, uint64_t seen, uint64_t wake_at)
{
    candor_journal_lock(j);
    bool still = j->appended == seen && (!j->want_segment || j->blocked);
    if (still) {
        j->asleep = true;
        j->wake_at = wake_at;
    }
    candor_journal_unlock(j);
    return still;
}

void candor_journal_awake(candor_journal *j)
{
    candor_journal_lock(j);
    j->asleep = false;
    candor_journal_unlock(j);
}
