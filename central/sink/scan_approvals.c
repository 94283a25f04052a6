/* Approvals by model, from events. A decision names no model: it counts for the model of the turn
 * with the same correlation id, else for the one that its session used last before it; failing both
 * for "(unknown)". The decisions are read first; then the turns of their time and the days before,
 * newest first, so that a session's first turn below a decision is the one it used last. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/approval.h"
#include "central/sink/rows.h"
#include "central/sink/scan.h"
#include "central/sink/sums.h"

#define DECISIONS_MAX 200000
#define BEFORE_MS     (3 * INT64_C(86400000)) /* a turn lies no further before its decision */
#define AFTER_MS      INT64_C(86400000)       /* nor after it */

typedef struct decision {
    unsigned char id[16], turn[16], session[16]; /* turn, session: digests */
    size_t at, n;                                /* the verdict, in text */
    size_t exact_at, exact_n, last_at, last_n;   /* models, in text */
    bool has_turn, has_exact, has_last;
} decision;

typedef struct approvals {
    candor_approval_defs defs;
    decision *items;    /* by session, then newest first */
    decision **by_turn; /* those with a correlation id */
    size_t n, cap, n_by_turn;
    size_t *next; /* of the session that begins there: its newest decision without a turn */
    size_t left;  /* decisions whose model an older turn may still name */
    candor_buf text, key;
    candor_status st;
    candor_err err;
} approvals;

static candor_status no_memory(approvals *a)
{
    return candor_fail(&a->err, CANDOR_NOMEM, 0, "query", NULL);
}

/* Of a->key: for a table, not a secret; but senders choose what goes in. */
static candor_status digest(approvals *a, unsigned char out[16])
{
    unsigned char whole[CANDOR_SHA256_SIZE];
    candor_status st;
    if (a->key.failed) return no_memory(a);
    st = candor_sha256(candor_buf_bytes(&a->key), whole);
    if (st != CANDOR_OK) return candor_fail(&a->err, st, 0, "query", NULL);
    memcpy(out, whole, 16);
    return CANDOR_OK;
}

static candor_status turn_digest(approvals *a, candor_bytes correlation_id, unsigned char out[16])
{
    candor_buf_clear(&a->key);
    candor_buf_put_bytes(&a->key, correlation_id);
    return digest(a, out);
}

static candor_status session_digest(approvals *a, const candor_context *c, unsigned char out[16])
{
    candor_buf_clear(&a->key);
    candor_session_key_put(&a->key, c);
    return digest(a, out);
}

static candor_status keep_text(approvals *a, candor_bytes t, size_t *at, size_t *n)
{
    *at = a->text.n;
    *n = t.n;
    candor_buf_put_bytes(&a->text, t);
    return a->text.failed ? no_memory(a) : CANDOR_OK;
}

/* --- decisions ------------------------------------------------------------------------------ */

static candor_status grow(approvals *a)
{
    size_t cap = a->cap != 0 ? a->cap * 2 : 256;
    decision *p;
    if (a->n == DECISIONS_MAX)
        return candor_fail(&a->err, CANDOR_INVALID, 0, "query",
                           "there are more than %d decisions in that time; ask for a shorter one, "
                           "or for one app",
                           DECISIONS_MAX);
    if (a->n < a->cap) return CANDOR_OK;
    p = realloc(a->items, cap * sizeof *p);
    if (p == NULL) return no_memory(a);
    a->items = p;
    a->cap = cap;
    return CANDOR_OK;
}

static bool take_decision(void *ctx, const candor_stored_event *e)
{
    approvals *a = ctx;
    decision *d;
    a->st = grow(a);
    if (a->st != CANDOR_OK) return false;
    d = &a->items[a->n];
    memset(d, 0, sizeof *d);
    memcpy(d->id, e->id, sizeof d->id);
    d->has_turn = e->correlation_id.n != 0;
    if (d->has_turn) a->st = turn_digest(a, e->correlation_id, d->turn);
    if (a->st == CANDOR_OK) a->st = session_digest(a, &e->context, d->session);
    if (a->st == CANDOR_OK)
        a->st = keep_text(a, candor_approval_word(e->payload, a->defs.verdict), &d->at, &d->n);
    if (a->st == CANDOR_OK) a->n++;
    return a->st == CANDOR_OK;
}

static int by_session(const void *p, const void *q)
{
    const decision *x = p, *y = q;
    int order = memcmp(x->session, y->session, sizeof x->session);
    return order != 0 ? order : memcmp(y->id, x->id, sizeof x->id);
}

static int by_turn(const void *p, const void *q)
{
    const decision *x = *(decision *const *)p, *y = *(decision *const *)q;
    return memcmp(x->turn, y->turn, sizeof x->turn);
}

static candor_status sort(approvals *a)
{
    size_t i;
    a->by_turn = malloc(a->n * sizeof(decision *));
    a->next = malloc(a->n * sizeof *a->next);
    if (a->by_turn == NULL || a->next == NULL) return no_memory(a);
    qsort(a->items, a->n, sizeof *a->items, by_session);
    a->left = a->n;
    for (i = 0; i < a->n; i++) {
        a->next[i] = i;
        if (a->items[i].has_turn) a->by_turn[a->n_by_turn++] = &a->items[i];
    }
    if (a->n_by_turn > 1) qsort(a->by_turn, a->n_by_turn, sizeof(decision *), by_turn);
    return CANDOR_OK;
}

/* --- turns ---------------------------------------------------------------------------------- */

static candor_status set_exact(approvals *a, const unsigned char turn[16], candor_bytes model)
{
    size_t low = 0, high = a->n_by_turn;
    candor_status st = CANDOR_OK;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (memcmp(a->by_turn[mid]->turn, turn, 16) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < a->n_by_turn && st == CANDOR_OK; low++) {
        decision *d = a->by_turn[low];
        if (memcmp(d->turn, turn, 16) != 0 || d->has_exact) break; /* a newer turn has them */
        st = keep_text(a, model, &d->exact_at, &d->exact_n);
        d->has_exact = true;
        a->left--;
    }
    return st;
}

/* Those of the session that came after the turn, and after no newer one. */
static candor_status set_last(approvals *a, const unsigned char session[16],
                              const unsigned char id[16], candor_bytes model)
{
    size_t low = 0, high = a->n, i;
    candor_status st = CANDOR_OK;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (memcmp(a->items[mid].session, session, 16) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == a->n) return CANDOR_OK;
    for (i = a->next[low]; i < a->n && st == CANDOR_OK; i++) {
        decision *d = &a->items[i];
        if (memcmp(d->session, session, 16) != 0 || memcmp(d->id, id, 16) < 0) break;
        st = keep_text(a, model, &d->last_at, &d->last_n);
        d->has_last = true;
        if (!d->has_turn) a->left--;
    }
    a->next[low] = i;
    return st;
}

static bool take_turn(void *ctx, const candor_stored_event *e)
{
    approvals *a = ctx;
    unsigned char key[16];
    const candor_bytes model = candor_approval_word(e->payload, a->defs.model);
    a->st = session_digest(a, &e->context, key);
    if (a->st == CANDOR_OK) a->st = set_last(a, key, e->id, model);
    if (a->st != CANDOR_OK || e->correlation_id.n == 0) return a->st == CANDOR_OK && a->left != 0;
    a->st = turn_digest(a, e->correlation_id, key);
    if (a->st == CANDOR_OK) a->st = set_exact(a, key, model);
    return a->st == CANDOR_OK && a->left != 0;
}

/* --- all ------------------------------------------------------------------------------------ */

static candor_status scan(const candor_event_source *src, const candor_event_filter *f,
                          candor_event_visit *visit, approvals *a, candor_err *err)
{
    candor_status st = candor_scan(src, *f, visit, a, err);
    if (a->st == CANDOR_OK) return st;
    *err = a->err;
    return a->st;
}

/* The time of the turns: around the newest and the oldest decision. */
static void set_time(const approvals *a, candor_event_filter *f)
{
    int64_t first = INT64_MAX, last = 0;
    size_t i;
    for (i = 0; i < a->n; i++) {
        const int64_t ms = (int64_t)candor_uuid7_ms(a->items[i].id);
        if (ms < first) first = ms;
        if (ms > last) last = ms;
    }
    f->from_ms = first > BEFORE_MS ? first - BEFORE_MS : 0;
    f->to_ms = last + AFTER_MS;
}

static candor_status add_all(approvals *a, candor_sums *sums, candor_err *err)
{
    const candor_bytes none = {NULL, 0};
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < a->n && st == CANDOR_OK; i++) {
        const decision *d = &a->items[i];
        candor_bytes model = CANDOR_LIT("(unknown)");
        if (d->has_last) model = candor_bytes_of(a->text.p + d->last_at, d->last_n);
        if (d->has_exact) model = candor_bytes_of(a->text.p + d->exact_at, d->exact_n);
        st =
            candor_sums_add(sums, model, candor_bytes_of(a->text.p + d->at, d->n), none, 0, 1, err);
    }
    return st;
}

candor_status candor_scan_approvals(const candor_event_source *src, const candor_stat_range *range,
                                    candor_sums *sums, candor_err *err)
{
    approvals a = {.defs = candor_approval_of(src->schema)};
    candor_event_filter f = {.app = range->app};
    candor_status st;
    if (a.defs.decision == NULL) return CANDOR_OK;
    candor_stat_bounds(CANDOR_STAT_APPROVALS, range, &f.from_ms, &f.to_ms);
    f.only = &a.defs.decision->name;
    f.n_only = 1;
    st = scan(src, &f, take_decision, &a, err);
    if (st == CANDOR_OK && a.n != 0 && a.defs.turn != NULL) {
        st = sort(&a);
        if (st != CANDOR_OK) *err = a.err;
        set_time(&a, &f);
        f.only = &a.defs.turn->name;
        f.app = NULL; /* a turn of another app has its correlation id too */
        if (st == CANDOR_OK) st = scan(src, &f, take_turn, &a, err);
        if (a.st == CANDOR_OK && a.left == 0) st = CANDOR_OK; /* ended by ourselves */
    }
    if (st == CANDOR_OK) st = add_all(&a, sums, err);
    free(a.items);
    free(a.by_turn);
    free(a.next);
    candor_buf_free(&a.text);
    candor_buf_free(&a.key);
    return st;
}
