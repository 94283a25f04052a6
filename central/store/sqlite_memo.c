/* What a reader remembers: sums over units of 1, 4 or 16 days, so that a range of months is a dozen
 * look-ups and not a row for each day, type and app. A unit is good as long as r_gen says of its
 * days what it said when they were summed. */
#include <stdlib.h>

#include "central/store/sqlite_reader.h"

#define SETS      2048u /* power of two */
#define WAYS      4u
#define BYTES_MAX ((size_t)8 * 1024 * 1024)

typedef struct entry {
    int64_t kind, app, day, days;
    uint64_t sig, used; /* used: by the clock below; 0: free */
    char *p;
    size_t n;
} entry;

struct candor_memo {
    entry sets[SETS][WAYS];
    uint64_t clock;
    size_t bytes;
};

candor_status candor_memo_new(candor_memo **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? CANDOR_OK : CANDOR_NOMEM;
}

static void drop(candor_memo *m, entry *e)
{
    m->bytes -= e->n;
    free(e->p);
    *e = (entry){0};
}

static void drop_all(candor_memo *m)
{
    size_t i;
    for (i = 0; i < SETS * WAYS; i++)
        drop(m, &m->sets[i / WAYS][i % WAYS]);
}

void candor_memo_free(candor_memo *m)
{
    if (m == NULL) return;
    drop_all(m);
    free(m);
}

static entry *set_of(candor_memo *m, int64_t kind, int64_t app, const candor_unit *u)
{
    uint64_t h = ((uint64_t)kind * 0x9E3779B97F4A7C15u ^ (uint64_t)app) * 0xFF51AFD7ED558CCDu;
    h = (h ^ (uint64_t)u->day << 8 ^ (uint64_t)u->days) * 0xC4CEB9FE1A85EC53u;
    return m->sets[(h >> 40) & (SETS - 1)];
}

static bool same(const entry *e, int64_t kind, int64_t app, const candor_unit *u)
{
    return e->used != 0 && e->kind == kind && e->app == app && e->day == u->day &&
           e->days == u->days;
}

bool candor_memo_get(candor_memo *m, int64_t kind, int64_t app, const candor_unit *u,
                     candor_bytes *out)
{
    entry *set = set_of(m, kind, app, u);
    unsigned i;
    for (i = 0; i < WAYS; i++) {
        entry *e = &set[i];
        if (!same(e, kind, app, u)) continue;
        if (e->sig != u->sig) return false;
        e->used = ++m->clock;
        *out = candor_bytes_of(e->p, e->n);
        return true;
    }
    return false;
}

static entry *victim(entry *set, int64_t kind, int64_t app, const candor_unit *u)
{
    entry *oldest = set;
    unsigned i;
    for (i = 0; i < WAYS; i++) {
        if (same(&set[i], kind, app, u)) return &set[i];
        if (set[i].used < oldest->used) oldest = &set[i];
    }
    return oldest;
}

void candor_memo_put(candor_memo *m, int64_t kind, int64_t app, const candor_unit *u,
                     candor_bytes sums)
{
    entry *e = victim(set_of(m, kind, app, u), kind, app, u);
    char *p = malloc(sums.n + 1); /* an empty unit is worth remembering too */
    if (p == NULL) return;
    if (sums.n != 0) memcpy(p, sums.p, sums.n);
    drop(m, e);
    if (m->bytes + sums.n > BYTES_MAX) drop_all(m);
    *e = (entry){kind, app, u->day, u->days, u->sig, ++m->clock, p, sums.n};
    m->bytes += sums.n;
}

/* --- units ---------------------------------------------------------------------------------- */

typedef struct day_gen {
    int64_t day;
    uint64_t gen;
} day_gen;

static candor_status load_gens(candor_stat_scan *s, day_gen **out, size_t *n, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.gens;
    size_t cap = 0;
    int rc;
    *n = 0;
    sqlite3_bind_int64(q, 1, s->day0);
    sqlite3_bind_int64(q, 2, s->day1);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        if (*n == cap) {
            day_gen *p = realloc(*out, (cap * 2 + 64) * sizeof *p);
            if (p == NULL) break;
            *out = p;
            cap = cap * 2 + 64;
        }
        (*out)[(*n)++] =
            (day_gen){sqlite3_column_int64(q, 0), (uint64_t)sqlite3_column_int64(q, 1)};
    }
    sqlite3_reset(q);
    if (rc == SQLITE_ROW) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    return rc == SQLITE_DONE ? CANDOR_OK : candor_db_fail(s->r->db, "query", err);
}

/* The longest unit that starts at this day and ends within the range. The newest day changes all
 * the time, so it stays alone. */
static int64_t unit_days(int64_t day, int64_t end, int64_t newest)
{
    static const int64_t sizes[] = {16, 4};
    size_t i;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (day % sizes[i] == 0 && day + sizes[i] <= end && day + sizes[i] <= newest)
            return sizes[i];
    return 1;
}

candor_status candor_units_load(candor_stat_scan *s, candor_err *err)
{
    day_gen *gens = NULL;
    size_t n = 0, i = 0;
    candor_status st = load_gens(s, &gens, &n, err);
    if (st == CANDOR_OK && n != 0) s->units = calloc(n, sizeof *s->units);
    if (st == CANDOR_OK && n != 0 && s->units == NULL)
        st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    while (st == CANDOR_OK && i < n) {
        candor_unit u = {gens[i].day, 1, 0};
        u.days = unit_days(u.day, s->day1, gens[n - 1].day);
        for (; i < n && gens[i].day < u.day + u.days; i++)
            u.sig = ((u.sig ^ gens[i].gen) * 0x9E3779B97F4A7C15u + (uint64_t)gens[i].day) *
                    0xFF51AFD7ED558CCDu;
        s->units[s->n_units++] = u;
    }
    free(gens);
    return st;
}
