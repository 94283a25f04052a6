#include "central/retention.h"

#include "plat/plat.h"

#define DAY_MS  INT64_C(86400000)
#define STEP_NS UINT64_C(10000000)

/* --- rules ---------------------------------------------------------------------------------- */

/* Categories of the schema, each once; how many. */
static size_t list_categories(const candor_schema *schema, candor_bytes out[CANDOR_RETENTION_MAX])
{
    unsigned i, n = candor_schema_count(schema);
    size_t found = 0, k;
    for (i = 0; i < n && found < CANDOR_RETENTION_MAX; i++) {
        candor_bytes c = candor_schema_at(schema, i)->category;
        for (k = 0; k < found && !candor_bytes_eq(out[k], c); k++) {
        }
        if (k == found) out[found++] = c;
    }
    return found;
}

static candor_status unknown(const candor_schema *schema, candor_bytes name, candor_err *err)
{
    candor_bytes known[CANDOR_RETENTION_MAX];
    size_t i, n = list_categories(schema, known), at = 0;
    char text[160] = "";
    for (i = 0; i < n && at + known[i].n + 8 < sizeof text; i++) {
        if (i != 0) memcpy(text + at, ", ", 2), at += 2;
        memcpy(text + at, known[i].p, known[i].n);
        at += known[i].n;
    }
    text[at] = '\0';
    return candor_fail(err, CANDOR_INVALID, 0, "settings",
                       "--retention names the category \"%.*s\", which the schema has not; it has "
                       "%s%s",
                       name.n < 40 ? (int)name.n : 40, name.p, text, i < n ? ", .." : "");
}

static candor_status read_rule(candor_bytes word, const candor_schema *schema,
                               candor_retention *out, candor_err *err)
{
    candor_bytes known[CANDOR_RETENTION_MAX], name;
    const char *eq = memchr(word.p, '=', word.n);
    size_t i, n = list_categories(schema, known);
    uint64_t days = 0;
    const char *p = eq != NULL ? eq + 1 : word.p + word.n;
    name = candor_bytes_of(word.p, eq != NULL ? (size_t)(eq - word.p) : word.n);
    for (; p < word.p + word.n && *p >= '0' && *p <= '9' && days <= CANDOR_RETENTION_DAYS_MAX; p++)
        days = days * 10 + (uint64_t)(*p - '0');
    if (eq == NULL || p != word.p + word.n || days < 1 || days > CANDOR_RETENTION_DAYS_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--retention is \"%.*s\"; it takes CATEGORY=DAYS, such as error=365, "
                           "with 1 to %d days",
                           word.n < 60 ? (int)word.n : 60, word.p, CANDOR_RETENTION_DAYS_MAX);
    for (i = 0; i < n && !candor_bytes_eq(known[i], name); i++) {
    }
    if (i == n) return unknown(schema, name, err);
    for (n = 0; n < out->n; n++)
        if (candor_bytes_eq(out->rules[n].category, name))
            return candor_fail(err, CANDOR_INVALID, 0, "settings",
                               "--retention names the category \"%.*s\" twice; leave one out",
                               (int)name.n, name.p);
    out->rules[out->n].category = known[i];
    out->rules[out->n++].days = days;
    return CANDOR_OK;
}

candor_status candor_retention_read(const char *text, uint64_t days, const candor_schema *schema,
                                    candor_retention *out, candor_err *err)
{
    candor_status st = CANDOR_OK;
    memset(out, 0, sizeof *out);
    out->days = days;
    while (st == CANDOR_OK && *(text += strspn(text, " ")) != '\0') {
        size_t n = strcspn(text, " ");
        st = read_rule(candor_bytes_of(text, n), schema, out, err);
        text += n;
    }
    return st;
}

uint64_t candor_retention_of(const candor_retention *r, candor_bytes category)
{
    size_t i;
    for (i = 0; i < r->n; i++)
        if (candor_bytes_eq(r->rules[i].category, category)) return r->rules[i].days;
    return r->days;
}

uint64_t candor_retention_longest(const candor_retention *r)
{
    uint64_t longest = r->days;
    size_t i;
    for (i = 0; i < r->n && r->days != 0; i++)
        if (r->rules[i].days > longest) longest = r->rules[i].days;
    return longest;
}

/* --- what was deleted ----------------------------------------------------------------------- */

void candor_deleted_init(candor_deleted *d, const candor_schema *schema)
{
    d->n = list_categories(schema, d->names);
}

void candor_deleted_add(candor_deleted *d, candor_bytes category, uint64_t n)
{
    size_t i = 0;
    if (d == NULL || n == 0) return;
    while (i < d->n && !candor_bytes_eq(d->names[i], category))
        i++;
    atomic_fetch_add_explicit(i < d->n ? &d->counts[i] : &d->other, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&d->total, n, memory_order_relaxed);
}

void candor_deleted_sum(candor_deleted *d, const candor_deleted *more)
{
    size_t i;
    for (i = 0; i < more->n; i++)
        candor_deleted_add(d, more->names[i], atomic_load(&more->counts[i]));
    candor_deleted_add(d, CANDOR_LIT(""), atomic_load(&more->other));
}

static void put_count(candor_buf *json, bool *first, candor_bytes name, uint64_t n)
{
    if (n == 0) return;
    candor_buf_putf(json, "%s\"%.*s\":%llu", *first ? "" : ",", (int)name.n, name.p,
                    (unsigned long long)n);
    *first = false;
}

void candor_deleted_write(const candor_deleted *d, candor_buf *json)
{
    bool first = true;
    size_t i;
    candor_buf_put_c(json, '{');
    for (i = 0; i < d->n; i++)
        put_count(json, &first, d->names[i],
                  atomic_load_explicit(&d->counts[i], memory_order_relaxed));
    put_count(json, &first, CANDOR_LIT("other"),
              atomic_load_explicit(&d->other, memory_order_relaxed));
    candor_buf_put_c(json, '}');
}

/* --- the plan ------------------------------------------------------------------------------- */

bool candor_sweep_takes(const candor_sweep *w, candor_bytes category)
{
    size_t i;
    for (i = 0; i < w->n; i++)
        if (candor_bytes_eq(w->categories[i], category)) return true;
    return false;
}

static void add_class(candor_sweeper *s, const candor_retention *rules, const candor_bytes *all,
                      size_t n, uint64_t days)
{
    size_t i, first = 0;
    for (i = 0; i < s->n_classes; i++) {
        if (s->classes[i].days == days) return;
        first += s->classes[i].n;
    }
    s->classes[s->n_classes].days = days;
    s->classes[s->n_classes].first = first;
    for (i = 0; i < n; i++) {
        if (candor_retention_of(rules, all[i]) != days) continue;
        s->categories[first + s->classes[s->n_classes].n++] = all[i];
    }
    s->n_classes++;
}

void candor_sweeper_init(candor_sweeper *s, const candor_retention *rules,
                         const candor_schema *schema, candor_deleted *deleted)
{
    candor_bytes all[CANDOR_RETENTION_MAX];
    size_t i, n;
    memset(s, 0, sizeof *s);
    s->deleted = deleted;
    if (rules == NULL || rules->n == 0 || rules->days == 0) return;
    s->longest = candor_retention_longest(rules);
    n = list_categories(schema, all);
    for (i = 0; i < n; i++) {
        uint64_t days = candor_retention_of(rules, all[i]);
        if (days < s->longest) add_class(s, rules, all, n, days);
    }
}

static candor_status next_span(candor_sweeper *s, int64_t now_ms, int64_t span_ms,
                               candor_sweep_fn *sweep, void *ctx, bool *more, candor_err *err)
{
    const int64_t today = now_ms / DAY_MS, floor_ms = (today - (int64_t)s->longest) * DAY_MS;
    size_t i;
    *more = false;
    for (i = 0; i < s->n_classes; i++) {
        const int64_t cut_ms = (today - (int64_t)s->classes[i].days) * DAY_MS;
        int64_t *swept = &s->classes[i].swept_ms;
        candor_sweep w = {.categories = s->categories + s->classes[i].first,
                          .n = s->classes[i].n,
                          .deleted = s->deleted};
        candor_status st;
        if (*swept < floor_ms) *swept = floor_ms;
        if (*swept >= cut_ms) continue;
        w.from_ms = *swept;
        w.to_ms = cut_ms - *swept < span_ms ? cut_ms : *swept + span_ms;
        st = sweep(ctx, &w, err);
        if (st == CANDOR_OK) *swept = w.to_ms;
        *more = st == CANDOR_OK;
        return st;
    }
    return CANDOR_OK;
}

/* Spans without anything to delete take next to nothing, and there are thousands after a start. */
candor_status candor_sweeper_step(candor_sweeper *s, int64_t now_ms, int64_t span_ms,
                                  candor_sweep_fn *sweep, void *ctx, bool *more, candor_err *err)
{
    const uint64_t until = candor_clock_mono_ns() + STEP_NS;
    candor_status st;
    do {
        st = next_span(s, now_ms, span_ms, sweep, ctx, more, err);
    } while (st == CANDOR_OK && *more && candor_clock_mono_ns() < until);
    return st;
}

void candor_sweeper_note(candor_sweeper *s, int64_t id_ms, candor_bytes category)
{
    size_t i, k;
    for (i = 0; i < s->n_classes; i++) {
        if (id_ms >= s->classes[i].swept_ms) continue;
        for (k = 0; k < s->classes[i].n; k++)
            if (candor_bytes_eq(s->categories[s->classes[i].first + k], category))
                s->classes[i].swept_ms = id_ms / DAY_MS * DAY_MS;
    }
}
