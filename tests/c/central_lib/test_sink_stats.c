/* Sums and sessions of every sink: the same batches go into it and into SQLite, whose answers are
 * what they are held against. Run as tests/c/central_lib/test_sinks.c is. */
#include "central/chart.h"
#include "central/sink/scan.h"
#include "central/sink/sums.h"
#include "central_lib/sink_fixture.h"

#define DAYS 6

typedef struct pair { /* the sink under test, and SQLite */
    sink_fixture *s;
    candor_sink *oracle;
    candor_reader *reader;
    char path[160];
} pair;

static void open_oracle(pair *p, sink_fixture *s)
{
    candor_sink_settings settings = sink_settings(s);
    candor_err err = {0};
    p->s = s;
    snprintf(p->path, sizeof p->path, "%s/oracle.db", s->f.dir);
    settings.url = p->path;
    settings.format = 0;
    must(s, candor_sink_sqlite_open(&settings, &p->oracle, &err), &err);
    must(s, p->oracle->ops->reader_open(p->oracle, &p->reader, &err), &err);
}

static void close_oracle(pair *p)
{
    p->oracle->ops->reader_close(p->reader);
    p->oracle->ops->close(p->oracle);
}

/* --- events --------------------------------------------------------------------------------- */

/* As the collector makes them; only that they differ matters. */
static void fingerprint(const char *text, unsigned char *out, size_t n)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    assert_int_equal(candor_sha256(candor_bytes_str(text), digest), CANDOR_OK);
    memcpy(out, digest, n);
}

typedef struct person {
    const char *session, *user, *machine, *app, *version;
} person;

static const person people[] = {
    {"0199640e-0000-7000-8000-000000000001", "u1", "m1", "app", "1.0.0"},
    {"0199640e-0000-7000-8000-000000000002", "u2", "m2", "app", "1.0.0"},
    {"not a uuid", "u2", "m2", "app", "2.0.0"},
    {"0199640e-0000-7000-8000-000000000004", "u3", "m3", "other", "1.0.0"},
    {"0199640e-0000-7000-8000-000000000001", "u1", "m1", "other", "1.0.0"},
    {"0199640e-0000-7000-8000-000000000006", "u1", "m4", "third", "0.1.0-beta"},
};
enum { PEOPLE = sizeof people / sizeof people[0] };

static uint32_t add_someone(candor_batch *b, const person *x)
{
    char six[256], two[128];
    uint32_t at = add_context(b, x->session, x->user, x->app);
    candor_row_context *c = &b->contexts[at];
    c->machine_id = put(b, x->machine);
    c->app_version = put(b, x->version);
    snprintf(six, sizeof six, "%s|%s|%s|%s|%s", x->session, x->user, x->machine, x->app,
             x->version);
    snprintf(two, sizeof two, "%s|%s", x->app, x->user);
    fingerprint(six, c->key, sizeof c->key);
    fingerprint(two, c->user, sizeof c->user);
    return at;
}

static candor_status user_print(void *ctx, candor_bytes app, candor_bytes user,
                                unsigned char out[8])
{
    char two[128];
    (void)ctx;
    snprintf(two, sizeof two, "%.*s|%.*s", (int)app.n, app.p, (int)user.n, user.p);
    fingerprint(two, out, 8);
    return CANDOR_OK;
}

static candor_row *add_whole(sink_fixture *s, candor_batch *b, uint32_t who, const char *type,
                             int64_t ms, unsigned no, const char *payload, const char *correlation)
{
    candor_row *row = add_row(&s->f, b, who, type, ms, no, payload);
    char dim[CANDOR_CHART_TEXT] = "";
    candor_bytes value;
    row->ts_ms = ms - 7;
    if (*correlation != '\0') row->correlation = put(b, correlation);
    value = candor_chart_find(row->def, candor_batch_text(b, row->payload), &row->bucket);
    if (value.n == 0) return row;
    memcpy(dim, value.p, value.n); /* put may move what value points to */
    row->dim = put(b, dim);
    return row;
}

/* What one person does in an hour. */
static void add_hour(sink_fixture *s, candor_batch *b, unsigned who, int64_t ms, unsigned no)
{
    static const char *const models[] = {"gpt-4o", "o3", "claude-opus-4"};
    uint32_t c = add_someone(b, &people[who % PEOPLE]);
    char payload[256], turn[48];
    unsigned i;
    if (no % 5 == 0) add_whole(s, b, c, "SessionStart", ms, no, "{\"os\":\"linux\"}", "");
    snprintf(payload, sizeof payload, "{\"model\":\"%s\",\"latencyMs\":%u}", models[no / 4 % 3],
             10 + no * 7);
    snprintf(turn, sizeof turn, "turn-%u", no);
    add_whole(s, b, c, "ChatTurn", ms + 1000, no, payload, turn);
    for (i = 0; i < 3; i++) {
        snprintf(payload, sizeof payload, "{\"toolName\":\"tool%u\",\"durationMs\":%u.5}",
                 (no + i) % 4, no * 3 + i);
        add_whole(s, b, c, "ToolCall", ms + 2000 + i, no, payload, "");
    }
    add_whole(s, b, c, "ToolCall", ms + 2500, no, "{\"success\":true}", "");
    add_whole(s, b, c, "WorkspaceSelected", ms + 2600, no, "{\"isGitRepo\":true}", "");
    add_whole(s, b, c, "tool.used", ms + 2700, no, "{\"tool\":\"grep\"}", ""); /* no chart */
    add_whole(s, b, c, "ProposalDecision", ms + 3000, no,
              no % 4 != 0 ? "{\"decision\":\"approved\",\"reviewDurationMs\":4000}"
                          : "{\"decision\":\"rejected\"}",
              no % 3 == 0   ? ""
              : no % 7 == 0 ? "nobody's turn"
                            : turn);
    if (no % 4 == 1)
        add_whole(s, b, c, "Error", ms + 4000, no,
                  no % 8 == 1 ? "{\"errorType\":\"Timeout\",\"message\":\"after 12 s\"}"
                              : "{\"errorType\":\"TypeError\"}",
                  "");
    if (no % 5 == 4)
        add_whole(s, b, c, "SessionEnd", ms + 5000, no,
                  "{\"duration\":1000,\"proposalsCreated\":3,\"proposalsApproved\":2}", "");
}

static void write_both(pair *p, sent *b)
{
    candor_batch *one = &b->batch;
    candor_err err = {0};
    size_t inserted;
    must(p->s, p->oracle->ops->write(p->oracle, &one, 1, &err), &err);
    inserted = one->inserted;
    write_group(p->s, &b, 1);
    assert_int_equal(one->inserted, inserted);
}

/* Hours of DAYS days that end with NOW's, oldest first, as they would come in. Sessions go on for
 * all of them: three days at most are looked at, docs/sinks.md. */
static void put_days(pair *p, unsigned first, unsigned hours)
{
    unsigned h, w;
    for (h = first; h < first + hours; h++) {
        sent *b = new_batch();
        for (w = 0; w < 2; w++)
            add_hour(p->s, &b->batch, h + w * 2, NOW - (DAYS * 24 - (int64_t)h) * HOUR, h * 2 + w);
        write_both(p, b);
        if (h % 16 == 0) write_both(p, b); /* again: duplicates */
        free_batch(b);
    }
}

/* --- answers -------------------------------------------------------------------------------- */

typedef struct answer {
    char *lines[4096];
    size_t n;
} answer;

static void answer_free(answer *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->lines[i]);
    a->n = 0;
}

static int by_line(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static bool keep_line(answer *a, candor_buf *b)
{
    candor_buf_put_c(b, '\0');
    assert_false(b->failed);
    assert_true(a->n < sizeof a->lines / sizeof a->lines[0]);
    a->lines[a->n++] = b->p; /* the buffer's memory goes over */
    return true;
}

static bool keep_row(void *ctx, const candor_stat_row *row)
{
    candor_buf b = {0};
    candor_buf_putf(&b, "%.*s|%.*s|%.*s|%lld|%lld", (int)row->a.n, row->a.p, (int)row->b.n,
                    row->b.p, (int)row->c.n, row->c.p, (long long)row->k, (long long)row->n);
    for (uint32_t i = 0; row->counts != NULL && i < CANDOR_HIST_BUCKETS; i++) {
        if (row->counts[i] == 0) continue;
        assert_true(i >= row->first && i <= row->last);
        candor_buf_putf(&b, " %u:%llu", i, (unsigned long long)row->counts[i]);
    }
    return keep_line(ctx, &b);
}

static bool keep_session(void *ctx, const candor_stored_session *x)
{
    const candor_context *c = &x->context;
    candor_buf b = {0};
    candor_buf_putf(&b, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%lld|%lld|%lld|%llu|%.*s",
                    (int)c->session_id.n, c->session_id.p, (int)c->user_id.n, c->user_id.p,
                    (int)c->machine_id.n, c->machine_id.p, (int)c->app.n, c->app.p,
                    (int)c->app_version.n, c->app_version.p, (int)c->platform.n, c->platform.p,
                    (long long)x->last_day, (long long)x->started_ms, (long long)x->ended_ms,
                    (unsigned long long)x->errors, (int)x->end_payload.n, x->end_payload.p);
    return keep_line(ctx, &b);
}

static void same_answers(const answer *have, const answer *want, const char *what)
{
    for (size_t i = 0; i < have->n || i < want->n; i++) {
        const char *x = i < have->n ? have->lines[i] : "nothing";
        const char *y = i < want->n ? want->lines[i] : "nothing";
        if (strcmp(x, y) != 0) fail_msg("%s, line %zu: %s; SQLite has %s", what, i, x, y);
    }
}

/* Rows that belong together follow each other, hours and days go up. */
static void check_order(candor_stat what, const answer *a)
{
    for (size_t i = 1; i < a->n; i++) {
        const char *bar = strchr(a->lines[i], '|');
        size_t n = (size_t)(bar - a->lines[i]) + 1;
        bool again = false;
        for (size_t k = 0; k + 1 < i; k++)
            again = again || strncmp(a->lines[k], a->lines[i], n) == 0;
        if (what == CANDOR_STAT_CHARTS || what == CANDOR_STAT_ERRORS || what == CANDOR_STAT_HOURS)
            assert_true(!again || strncmp(a->lines[i - 1], a->lines[i], n) == 0);
    }
}

static void compare_stat(pair *p, candor_stat what, const candor_stat_range *range)
{
    static answer have, want;
    char name[64];
    candor_err err = {0};
    snprintf(name, sizeof name, "stat %d of %s", (int)what,
             range->app != NULL ? range->app : "all apps");
    must(p->s, p->oracle->ops->stats(p->reader, what, range, keep_row, &want, &err), &err);
    must(p->s, p->s->sink->ops->stats(p->s->reader, what, range, keep_row, &have, &err), &err);
    check_order(what, &have);
    qsort(have.lines, have.n, sizeof have.lines[0], by_line);
    qsort(want.lines, want.n, sizeof want.lines[0], by_line);
    same_answers(&have, &want, name);
    answer_free(&have);
    answer_free(&want);
}

static void compare_stats_but(pair *p, int without)
{
    const int64_t midnight = NOW - NOW % DAY;
    const int64_t times[][2] = {{0, INT64_C(253402300799999)},
                                {NOW - 3 * DAY, NOW},
                                {midnight - 2 * DAY, midnight},
                                {NOW - 5 * HOUR - 1, NOW - 2 * HOUR + 1},
                                {NOW + 30 * DAY, NOW + 40 * DAY}};
    const char *const apps[] = {NULL, "app", "other", "nobody's"};
    for (size_t t = 0; t < sizeof times / sizeof times[0]; t++)
        for (size_t a = 0; a < sizeof apps / sizeof apps[0]; a++)
            for (int what = CANDOR_STAT_COUNTS; what <= CANDOR_STAT_ERRORS; what++) {
                candor_stat_range range = {times[t][0], times[t][1], apps[a], NULL};
                if (what == without) continue;
                if (t == 0 && what == CANDOR_STAT_FAILED_DAYS) /* SQLite asks for each day */
                    continue;
                compare_stat(p, (candor_stat)what, &range);
                range.type = "ToolCall";
                if (what == CANDOR_STAT_CHARTS) compare_stat(p, CANDOR_STAT_CHARTS, &range);
            }
}

static void compare_stats(pair *p)
{
    compare_stats_but(p, -1);
}

typedef candor_status sessions_of(candor_reader *r, const candor_session_filter *f,
                                  bool (*visit)(void *ctx, const candor_stored_session *s),
                                  void *ctx, candor_session_page *out, candor_err *err);

/* All pages; how many there were. */
static unsigned walk_sessions(pair *p, sessions_of *sessions, candor_reader *r,
                              candor_session_filter f, answer *out)
{
    candor_session_page page;
    candor_err err = {0};
    unsigned pages = 0;
    do {
        size_t before = out->n;
        must(p->s, sessions(r, &f, keep_session, out, &page, &err), &err);
        assert_int_equal(page.found, out->n - before);
        assert_true(page.found <= f.limit);
        f.has_cursor = true;
        memcpy(f.cursor, page.cursor, sizeof f.cursor);
    } while (page.more && ++pages < 100);
    assert_true(pages < 100);
    return pages + 1;
}

static void compare_sessions(pair *p, candor_session_filter f, const char *what)
{
    static answer have, want;
    unsigned limits[] = {1, 2, 100};
    for (size_t i = 0; i < 3; i++) {
        f.limit = limits[i];
        f.scan_rows = 1000;
        walk_sessions(p, p->oracle->ops->sessions, p->reader, f, &want);
        walk_sessions(p, p->s->sink->ops->sessions, p->s->reader, f, &have);
        same_answers(&have, &want, what);
        answer_free(&have);
        answer_free(&want);
    }
}

static void compare_all_sessions(pair *p)
{
    const candor_session_filter all = {.to_ms = INT64_C(253402300799999)};
    candor_session_filter f = all;
    compare_sessions(p, f, "all sessions");
    f.app = "app";
    compare_sessions(p, f, "sessions of an app");
    f = all;
    f.match.user = "u1";
    compare_sessions(p, f, "sessions of a user");
    f.match.machine = "m4";
    compare_sessions(p, f, "sessions of a user on a machine");
    f = all;
    f.match.version = "1.0.0";
    compare_sessions(p, f, "sessions of a version");
    f = all;
    f.match.session = people[0].session;
    compare_sessions(p, f, "a session");
    f = all;
    f.from_ms = NOW - DAY;
    compare_sessions(p, f, "sessions since");
    f = all;
    f.to_ms = NOW - 400 * DAY;
    compare_sessions(p, f, "sessions long ago");
}

/* --- tests ---------------------------------------------------------------------------------- */

static void ready(pair *p, void **state)
{
    memset(p, 0, sizeof *p);
    open_oracle(p, *state);
}

static void without_events_every_answer_is_empty(void **state)
{
    pair p;
    ready(&p, state);
    compare_stats(&p);
    compare_all_sessions(&p);
    close_oracle(&p);
}

static void sums_of_days_apps_and_ranges_are_those_of_sqlite(void **state)
{
    pair p;
    ready(&p, state);
    put_days(&p, 0, DAYS * 24);
    compare_stats(&p);
    close_oracle(&p);
}

static void sessions_of_every_filter_are_those_of_sqlite(void **state)
{
    pair p;
    ready(&p, state);
    put_days(&p, 0, DAYS * 12);
    compare_all_sessions(&p);
    close_oracle(&p);
}

static void after_an_erasure_sums_and_sessions_are_those_of_sqlite(void **state)
{
    pair p;
    candor_erasure e = {.user = "u1", .fingerprint = user_print}, same = e;
    candor_err err = {0};
    ready(&p, state);
    put_days(&p, 0, 40);
    must(p.s, p.oracle->ops->erase(p.oracle, &e, &err), &err);
    must(p.s, p.s->sink->ops->erase(p.s->sink, &same, &err), &err);
    assert_int_equal(same.events, e.events);
    assert_true(e.events > 0);
    /* SQLite takes a decision without a turn off the model that the session used last, which is not
     * the one of then: central/store/sqlite_unroll.c. */
    compare_stats_but(&p, CANDOR_STAT_APPROVALS);
    compare_all_sessions(&p);
    put_days(&p, 40, 20); /* what comes later counts */
    compare_stats_but(&p, CANDOR_STAT_APPROVALS);
    close_oracle(&p);
}

static void after_retention_sums_are_those_of_sqlite(void **state)
{
    pair p;
    bool more = true;
    candor_err err = {0};
    ready(&p, state);
    put_days(&p, 0, 80);
    retain_from(p.s, NOW / DAY - 4);
    while (more)
        must(p.s, p.oracle->ops->retain(p.oracle, NOW / DAY - 4, NULL, &more, &err), &err);
    compare_stats(&p);
    close_oracle(&p);
}

static void a_page_of_sessions_stays_while_they_go_on(void **state)
{
    static answer before, after;
    candor_session_filter f = {.to_ms = INT64_C(253402300799999), .limit = 2, .scan_rows = 1000};
    candor_session_page page;
    candor_err err = {0};
    pair p;
    ready(&p, state);
    put_days(&p, 0, 12);
    walk_sessions(&p, p.s->sink->ops->sessions, p.s->reader, f, &before);
    must(p.s, p.s->sink->ops->sessions(p.s->reader, &f, keep_session, &after, &page, &err), &err);
    put_days(&p, 12, 30); /* all of them go on */
    f.has_cursor = true;
    memcpy(f.cursor, page.cursor, sizeof f.cursor);
    walk_sessions(&p, p.s->sink->ops->sessions, p.s->reader, f, &after);
    assert_int_equal(after.n, before.n);
    for (size_t i = 0; i < after.n; i++) { /* the same ones; their counts went up */
        const size_t n = strcspn(before.lines[i], "|");
        assert_int_equal(strncmp(before.lines[i], after.lines[i], n), 0);
    }
    answer_free(&before);
    answer_free(&after);
    close_oracle(&p);
}

/* Events of one chart with many values: SQLite tells the first 1000 apart. */
static void values_of_a_chart_beyond_1000_are_other(void **state)
{
    static answer have;
    const candor_stat_range range = {0, NOW * 2, NULL, "ToolCall"};
    candor_err err = {0};
    int64_t total = 0, other = 0;
    pair p;
    sent *b = new_batch();
    uint32_t c;
    ready(&p, state);
    c = add_someone(&b->batch, &people[0]);
    for (unsigned i = 0; i < 1500; i++) {
        char payload[64];
        snprintf(payload, sizeof payload, "{\"toolName\":\"t%u\",\"durationMs\":1}", i);
        add_whole(p.s, &b->batch, c, "ToolCall", NOW, i, payload, "");
    }
    write_both(&p, b);
    must(p.s, p.s->sink->ops->stats(p.s->reader, CANDOR_STAT_CHARTS, &range, keep_row, &have, &err),
         &err);
    assert_int_equal(have.n, CANDOR_SUMS_DIMS + 1);
    for (size_t i = 0; i < have.n; i++) {
        const long long n = strtoll(strrchr(have.lines[i], '|') + 1, NULL, 10);
        total += n;
        if (strstr(have.lines[i], "|(other)|") != NULL) other = n;
    }
    assert_int_equal(total, 1500);
    assert_int_equal(other, 1500 - CANDOR_SUMS_DIMS);
    answer_free(&have);
    free_batch(b);
    close_oracle(&p);
}

static void a_query_ends_when_its_time_is_over(void **state)
{
    const candor_stat_range range = {0, NOW * 2, NULL, NULL};
    static const atomic_bool stop = true;
    static answer have;
    candor_err err = {0};
    pair p;
    ready(&p, state);
    put_days(&p, 0, 3);
    p.s->sink->ops->allow(p.s->reader, 60000, &stop);
    assert_int_equal(
        p.s->sink->ops->stats(p.s->reader, CANDOR_STAT_ERRORS, &range, keep_row, &have, &err),
        CANDOR_TIMEOUT);
    p.s->sink->ops->allow(p.s->reader, 60000, NULL);
    compare_stats(&p);
    answer_free(&have);
    close_oracle(&p);
}

/* In a database of its own, as the first version of the tables left it. */
static void events_of_older_versions_count_too(void **state)
{
    sink_fixture *s = *state;
    pair p;
    if (s->kind->fresh_url == NULL) return;
    sink_close(s);
    snprintf(s->url, sizeof s->url, "%s", s->kind->fresh_url);
    s->format = 1;
    sink_open(s);
    ready(&p, state);
    put_days(&p, 0, 40);
    sink_close(s);
    s->format = 0;
    sink_open(s);
    put_days(&p, 40, 30);
    compare_stats(&p);
    compare_all_sessions(&p);
    close_oracle(&p);
}

/* --- bounds --------------------------------------------------------------------------------- */

static void sums_of_more_groups_than_fit_ask_for_a_shorter_time(void **state)
{
    candor_sums *sums = NULL;
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    const candor_bytes none = {NULL, 0};
    (void)state;
    assert_int_equal(candor_sums_new(CANDOR_STAT_HOURS, NULL, &sums, &err), CANDOR_OK);
    for (int64_t i = 0; i < (int64_t)CANDOR_SUMS_CELLS && st == CANDOR_OK; i++)
        st = candor_sums_add(sums, none, none, none, i, 1, &err);
    assert_int_equal(st, CANDOR_OK);
    assert_int_equal(candor_sums_add(sums, none, none, none, -1, 1, &err), CANDOR_INVALID);
    assert_non_null(strstr(err.text, "ask for a shorter time"));
    assert_int_equal(candor_sums_add(sums, none, none, none, 5, 1, &err), CANDOR_OK);
    candor_sums_free(sums);
}

static void sums_of_longer_names_than_fit_ask_for_a_shorter_time(void **state)
{
    static char name[4096];
    candor_sums *sums = NULL;
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    const candor_bytes none = {NULL, 0};
    size_t bytes = 0;
    (void)state;
    assert_int_equal(candor_sums_new(CANDOR_STAT_APPROVALS, NULL, &sums, &err), CANDOR_OK);
    memset(name, 'x', sizeof name);
    for (unsigned i = 0; st == CANDOR_OK && i < 100000; i++) {
        candor_put_u32(name, i);
        st = candor_sums_add(sums, candor_bytes_of(name, sizeof name), none, none, 0, 1, &err);
        if (st == CANDOR_OK) bytes += sizeof name;
    }
    assert_int_equal(st, CANDOR_INVALID);
    assert_in_range(bytes, CANDOR_SUMS_BYTES - sizeof name, CANDOR_SUMS_BYTES);
    candor_sums_free(sums);
}

/* So many events, each of a session of its own; of a type that is asked for, or of all. */
typedef struct made {
    uint64_t n, at;
    const char *type;
} made;

static candor_status made_events(candor_reader *r, const candor_event_filter *f,
                                 candor_event_visit *visit, void *ctx, candor_event_page *out,
                                 candor_err *err)
{
    made *m = (made *)(void *)r;
    const bool others = f->only != NULL && !candor_bytes_eq(f->only[0], candor_bytes_str(m->type));
    candor_stored_event e = {.type = candor_bytes_str(m->type)};
    char session[32];
    memset(out, 0, sizeof *out);
    if (!f->has_cursor) m->at = 0;
    while (!others && m->at < m->n && out->found < f->limit) {
        unsigned char low[10] = {0};
        snprintf(session, sizeof session, "session %llu", (unsigned long long)m->at);
        e.context.session_id = candor_bytes_str(session);
        candor_uuid7_make((uint64_t)NOW - m->at, low, e.id);
        if (!visit(ctx, &e)) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
        m->at++;
        out->found++;
    }
    out->more = !others && m->at < m->n;
    memcpy(out->cursor, e.id, sizeof out->cursor);
    return CANDOR_OK;
}

static void more_sessions_than_fit_ask_for_a_shorter_time(void **state)
{
    made m = {.n = CANDOR_SCAN_SESSIONS_MAX, .type = "ChatTurn"};
    const candor_query_time time = {0};
    const candor_event_source src = {(candor_reader *)(void *)&m, made_events, NULL, &time};
    const candor_session_source sessions = {.events = &src};
    const candor_session_filter f = {.to_ms = NOW * 2, .limit = 2};
    static answer have;
    candor_session_page page;
    candor_err err = {0};
    (void)state;
    assert_int_equal(candor_scan_sessions(&sessions, &f, keep_session, &have, &page, &err),
                     CANDOR_OK);
    assert_int_equal(have.n, 2);
    assert_true(page.more);
    m.n++;
    assert_int_equal(candor_scan_sessions(&sessions, &f, keep_session, &have, &page, &err),
                     CANDOR_INVALID);
    assert_non_null(strstr(err.text, "100000 sessions"));
    answer_free(&have);
}

static void more_decisions_than_fit_ask_for_a_shorter_time(void **state)
{
    sink_fixture s = {0}; /* its schema */
    made m = {.n = 200000, .type = "ProposalDecision"};
    const candor_query_time time = {0};
    const candor_stat_range range = {0, NOW * 2, NULL, NULL};
    candor_buf text = {0};
    static answer have;
    candor_err err = {0};
    (void)state;
    must(&s, candor_file_read_all(CANDOR_SOURCE_DIR "/schema/default.json", 1 << 20, &text, &err),
         &err);
    must(&s, candor_schema_compile(candor_buf_bytes(&text), "default", &s.f.schema, &err), &err);
    const candor_event_source src = {(candor_reader *)(void *)&m, made_events, s.f.schema, &time};
    must(&s, candor_scan_stats(&src, NULL, CANDOR_STAT_APPROVALS, &range, keep_row, &have, &err),
         &err);
    assert_int_equal(have.n, 1);
    assert_string_equal(have.lines[0], "(unknown)|(unknown)||0|200000");
    m.n++;
    assert_int_equal(
        candor_scan_stats(&src, NULL, CANDOR_STAT_APPROVALS, &range, keep_row, &have, &err),
        CANDOR_INVALID);
    assert_non_null(strstr(err.text, "200000 decisions"));
    answer_free(&have);
    candor_schema_free(s.f.schema);
    candor_buf_free(&text);
}

int main(void)
{
    static const struct CMUnitTest conformance[] = {
        SINK_TEST(without_events_every_answer_is_empty),
        SINK_TEST(sums_of_days_apps_and_ranges_are_those_of_sqlite),
        SINK_TEST(sessions_of_every_filter_are_those_of_sqlite),
        SINK_TEST(after_an_erasure_sums_and_sessions_are_those_of_sqlite),
        SINK_TEST(after_retention_sums_are_those_of_sqlite),
        SINK_TEST(a_page_of_sessions_stays_while_they_go_on),
        SINK_TEST(values_of_a_chart_beyond_1000_are_other),
        SINK_TEST(a_query_ends_when_its_time_is_over),
        SINK_TEST(events_of_older_versions_count_too),
    };
    const struct CMUnitTest bounds[] = {
        cmocka_unit_test(sums_of_more_groups_than_fit_ask_for_a_shorter_time),
        cmocka_unit_test(sums_of_longer_names_than_fit_ask_for_a_shorter_time),
        cmocka_unit_test(more_sessions_than_fit_ask_for_a_shorter_time),
        cmocka_unit_test(more_decisions_than_fit_ask_for_a_shorter_time),
    };
    const sink_case local[] = {
        {"memory", NULL, NULL, candor_sink_memory_open, false},
        {"jsonl", NULL, NULL, candor_sink_jsonl_open, true},
    };
    int failed = 0;
    if (getenv("CANDOR_SINK") == NULL) failed += cmocka_run_group_tests(bounds, NULL, NULL);
    return failed + run_sinks(conformance, sizeof conformance / sizeof conformance[0], local,
                              sizeof local / sizeof local[0]);
}
