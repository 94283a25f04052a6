/* The conformance suite of sinks: one list of tests, run against every kind. Without a server:
 * sqlite, jsonl, memory and composite. With CANDOR_SINK and CANDOR_SINK_URL: that kind on that
 * server, which is how `npm run test:sinks` runs it. */
#include "central/sink/composite.h"
#include "central/sink/rows.h"
#include "central_lib/sink_fixture.h"

/* --- writing -------------------------------------------------------------------------------- */

static void rows_are_stored_and_told_new(void **state)
{
    sink_fixture *s = *state;
    assert_int_equal(put_turns(s, "u1", "m1", 0, 10, NOW), 10);
    assert_int_equal(count_all(s), 10);
}

static void an_empty_group_is_fine(void **state)
{
    sink_fixture *s = *state;
    sent *b = new_batch();
    write_group(s, &b, 1);
    write_group(s, &b, 0);
    assert_int_equal(b->batch.inserted, 0);
    assert_int_equal(count_all(s), 0);
    free_batch(b);
}

static void rows_sent_again_are_duplicates(void **state)
{
    sink_fixture *s = *state;
    assert_int_equal(put_turns(s, "u1", "m1", 0, 10, NOW), 10);
    assert_int_equal(put_turns(s, "u1", "m1", 0, 10, NOW), 0);
    assert_int_equal(put_turns(s, "u1", "m1", 5, 10, NOW), 5);
    assert_int_equal(count_all(s), 15);
}

static void rows_sent_again_after_a_restart_are_duplicates(void **state)
{
    sink_fixture *s = *state;
    if (!s->kind->durable) return;
    assert_int_equal(put_turns(s, "u1", "m1", 0, 10, NOW), 10);
    sink_close(s);
    sink_open(s);
    assert_int_equal(count_all(s), 10);
    assert_int_equal(put_turns(s, "u1", "m1", 0, 12, NOW), 2);
    assert_int_equal(count_all(s), 12);
}

static bool take_payload(void *ctx, const candor_stored_event *e)
{
    snprintf(ctx, 64, "%.*s", (int)e->payload.n, e->payload.p);
    return true;
}

static void of_twins_in_a_group_the_first_counts(void **state)
{
    sink_fixture *s = *state;
    sent *b[2] = {new_batch(), new_batch()};
    candor_err err = {0};
    char payload[64] = "";
    bool found = false;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t c = add_person(&b[i]->batch, "u1", "m1", "app");
        add_row(&s->f, &b[i]->batch, c, "ChatTurn", NOW, 2, i == 0 ? "{\"n\":0}" : "{\"n\":2}");
        add_row(&s->f, &b[i]->batch, c, "ChatTurn", NOW, 2, "{\"n\":1}");
        add_row(&s->f, &b[i]->batch, c, "ChatTurn", NOW, 3 + i, "{}");
    }
    write_group(s, b, 2);
    assert_int_equal(b[0]->batch.inserted, 2);
    assert_int_equal(b[1]->batch.inserted, 1);
    assert_false(b[0]->batch.rows[0].duplicate);
    assert_true(b[0]->batch.rows[1].duplicate);
    assert_true(b[1]->batch.rows[0].duplicate);
    assert_false(b[1]->batch.rows[2].duplicate);
    must(s,
         candor_sink_get(s->sink, s->reader, b[0]->batch.rows[0].id, take_payload, payload, &found,
                         &err),
         &err);
    assert_true(found);
    assert_string_equal(payload, "{\"n\":0}");
    free_batch(b[0]);
    free_batch(b[1]);
}

/* Whatever mix of new ids, stored ones and twins, over days and batches, each row is told right. */
static void each_row_of_mixed_groups_is_told_right(void **state)
{
    enum { IDS = 400, ROUNDS = 12, ROWS = 40, BATCHES = 3 };
    sink_fixture *s = *state;
    bool stored[IDS] = {false};
    uint64_t seed = 7, total = 0;
    for (int round = 0; round < ROUNDS; round++) {
        unsigned ids[BATCHES][ROWS];
        sent *b[BATCHES];
        for (int k = 0; k < BATCHES; k++) {
            b[k] = new_batch();
            uint32_t c = add_person(&b[k]->batch, "u1", "m1", "app");
            for (unsigned i = 0; i < ROWS; i++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                ids[k][i] = (unsigned)(seed >> 33) % (unsigned)(30 * (round + 1));
                add_row(&s->f, &b[k]->batch, c, "ToolCall", NOW - (ids[k][i] % 5) * DAY, ids[k][i],
                        "{}");
            }
        }
        write_group(s, b, BATCHES);
        for (int k = 0; k < BATCHES; k++) {
            for (unsigned i = 0; i < ROWS; i++) {
                assert_int_equal(b[k]->batch.rows[i].index, i);
                assert_int_equal(b[k]->batch.rows[i].duplicate, stored[ids[k][i]]);
                if (!stored[ids[k][i]]) total++;
                stored[ids[k][i]] = true;
            }
            free_batch(b[k]);
        }
        assert_int_equal(count_all(s), total);
    }
}

static void a_large_group_is_stored_whole(void **state)
{
    enum { ROWS = 6000 };
    sink_fixture *s = *state;
    sent *b = new_batch();
    uint32_t c = add_person(&b->batch, "u1", "m1", "app");
    for (unsigned i = 0; i < ROWS; i++)
        add_row(&s->f, &b->batch, c, "ChatTurn", NOW + i % 100, i, "{\"model\":\"gpt-4o\"}");
    write_group(s, &b, 1);
    assert_int_equal(b->batch.inserted, ROWS);
    write_group(s, &b, 1);
    assert_int_equal(b->batch.inserted, 0);
    assert_int_equal(count_all(s), ROWS);
    free_batch(b);
}

/* --- two collectors on one backend ---------------------------------------------------------- */

typedef struct rival {
    sink_fixture *s;
    candor_sink *sink;
    size_t inserted;
    candor_status status;
    candor_err err;
} rival;

static void run_rival(void *ctx)
{
    rival *r = ctx;
    for (unsigned round = 0; round < 20 && r->status == CANDOR_OK; round++) {
        sent *b = new_batch();
        candor_batch *one = &b->batch;
        uint32_t c = add_person(one, "u1", "m1", "app");
        for (unsigned i = 0; i < 50; i++)
            add_row(&r->s->f, one, c, "ChatTurn", NOW, round * 25 + i, "{}");
        r->status = r->sink->ops->write(r->sink, &one, 1, &r->err);
        r->inserted += one->inserted;
        free_batch(b);
    }
}

static void of_two_writers_of_the_same_events_one_is_told_new(void **state)
{
    sink_fixture *s = *state;
    rival rivals[2] = {{.s = s}, {.s = s}};
    candor_thread *threads[2] = {NULL, NULL};
    candor_event_filter f = all_events(50);
    candor_err err = {0};
    if (s->kind->url == NULL) return;                     /* one process owns the others */
    if (strcmp(s->kind->name, "clickhouse") == 0) return; /* docs/sinks.md: told later */
    for (int i = 0; i < 2; i++) {
        rivals[i].sink = open_another(s);
        must(s, candor_thread_start("rival", run_rival, &rivals[i], &threads[i], &err), &err);
    }
    for (int i = 0; i < 2; i++) {
        candor_thread_join(&threads[i]);
        must(s, rivals[i].status, &rivals[i].err);
        rivals[i].sink->ops->close(rivals[i].sink);
    }
    if (strcmp(s->kind->name, "clickhouse") != 0) /* docs/sinks.md: there, both may be told new */
        assert_int_equal(rivals[0].inserted + rivals[1].inserted, 525);
    assert_int_equal(count_all(s), 525);
    f.scan_rows = 1000;
    assert_int_equal(matching(s, f), 525);
}

/* --- reading -------------------------------------------------------------------------------- */

static void pages_show_each_event_once_newest_first(void **state)
{
    sink_fixture *s = *state;
    candor_event_filter f = all_events(7);
    walked w;
    for (unsigned day = 0; day < 4; day++)
        put_turns(s, "u1", "m1", day * 100, 25, NOW - day * DAY);
    f.scan_rows = 1000;
    w = walk_pages(s, f);
    assert_int_equal(w.n, 100);
    assert_true(w.pages >= 15);
    candor_buf_free(&w.ids);
}

static void pages_stay_whole_while_events_come_in(void **state)
{
    sink_fixture *s = *state;
    candor_event_filter f = all_events(10);
    candor_event_page page;
    candor_err err = {0};
    walked w = {.descending = true};
    put_turns(s, "u1", "m1", 0, 40, NOW);
    f.scan_rows = 1000;
    do {
        must(s, s->sink->ops->events(s->reader, &f, walk_event, &w, &page, &err), &err);
        f.has_cursor = true;
        memcpy(f.cursor, page.cursor, sizeof f.cursor);
        put_turns(s, "u1", "m1", 1000 + 50 * w.pages++, 50, NOW + HOUR); /* in front of the page */
    } while (page.more);
    assert_int_equal(w.n, 40);
    assert_true(w.descending);
    candor_buf_free(&w.ids);
}

static void filters_choose_by_type_category_app_and_time(void **state)
{
    sink_fixture *s = *state;
    sent *b = new_batch();
    uint32_t one = add_person(&b->batch, "u1", "m1", "one"),
             two = add_person(&b->batch, "u1", "m1", "two");
    candor_event_filter f = all_events(50);
    for (unsigned i = 0; i < 20; i++) {
        add_row(&s->f, &b->batch, one, "ChatTurn", NOW - DAY, i, "{}");
        add_row(&s->f, &b->batch, two, "ToolCall", NOW, 100 + i, "{}");
        add_row(&s->f, &b->batch, two, "Error", NOW, 200 + i, "{}");
    }
    write_group(s, &b, 1);
    f.scan_rows = 1000;
    assert_int_equal(matching(s, f), 60);
    f.type = "ToolCall";
    assert_int_equal(matching(s, f), 20);
    f.app = "one";
    assert_int_equal(matching(s, f), 0);
    f.type = NULL;
    assert_int_equal(matching(s, f), 20);
    f.app = "nobody's";
    assert_int_equal(matching(s, f), 0);
    f.app = NULL;
    f.category = "chat";
    assert_int_equal(matching(s, f), 20);
    f.category = NULL;
    f.from_ms = NOW;
    assert_int_equal(matching(s, f), 40);
    f.from_ms = 0;
    f.to_ms = NOW;
    assert_int_equal(matching(s, f), 20);
    free_batch(b);
}

static void filters_choose_by_person_session_version_and_list(void **state)
{
    const candor_bytes types[] = {CANDOR_LIT("ToolCall"), CANDOR_LIT("Error")};
    sink_fixture *s = *state;
    candor_event_filter f = all_events(50);
    sent *b = new_batch();
    uint32_t one = add_person(&b->batch, "u1", "m1", "app"),
             two = add_person(&b->batch, "u2", "m2", "app");
    b->batch.contexts[two].app_version = put(&b->batch, "2.0.0");
    b->batch.contexts[two].session_id = put(&b->batch, "0198c0de-0000-7000-8000-000000000002");
    for (unsigned i = 0; i < 10; i++) {
        add_row(&s->f, &b->batch, one, "ChatTurn", NOW, i, "{}");
        add_row(&s->f, &b->batch, two, "ToolCall", NOW, 100 + i, "{}");
        add_row(&s->f, &b->batch, two, "Error", NOW, 200 + i, "{}");
    }
    write_group(s, &b, 1);
    f.scan_rows = 1000;
    f.only = types;
    f.n_only = 2;
    assert_int_equal(matching(s, f), 20);
    f.n_only = 1;
    assert_int_equal(matching(s, f), 10);
    f.n_only = 0;
    assert_int_equal(matching(s, f), 0);
    f.only = NULL;
    f.match.user = "u1";
    assert_int_equal(matching(s, f), 10);
    f.match.machine = "m2";
    assert_int_equal(matching(s, f), 0);
    f.match.user = NULL;
    assert_int_equal(matching(s, f), 20);
    f.match.version = "1.0.0";
    assert_int_equal(matching(s, f), 0);
    f.match = (candor_session_match){.session = "0198c0de-0000-7000-8000-000000000002"};
    assert_int_equal(matching(s, f), 20);
    free_batch(b);
}

/* A filter that matches little must not read without end: the page is short, and goes on. */
static void a_rare_match_is_found_over_short_pages(void **state)
{
    sink_fixture *s = *state;
    sent *b = new_batch();
    uint32_t c = add_person(&b->batch, "u1", "m1", "app");
    candor_event_filter f = all_events(10);
    add_row(&s->f, &b->batch, c, "Error", NOW - HOUR, 1, "{}");
    for (unsigned i = 0; i < 300; i++)
        add_row(&s->f, &b->batch, c, "ChatTurn", NOW, i, "{}");
    write_group(s, &b, 1);
    f.category = "error";
    f.type = "Error";
    f.scan_rows = 100;
    assert_int_equal(matching(s, f), 1);
    free_batch(b);
}

typedef struct expected {
    candor_stored_event e;
    bool seen;
} expected;

static void same_bytes(candor_bytes have, candor_bytes want)
{
    assert_int_equal(have.n, want.n);
    if (want.n != 0) assert_memory_equal(have.p, want.p, want.n);
}

static bool compare_event(void *ctx, const candor_stored_event *e)
{
    expected *x = ctx;
    assert_memory_equal(e->id, x->e.id, 16);
    assert_int_equal(e->ts_ms, x->e.ts_ms);
    same_bytes(e->type, x->e.type);
    same_bytes(e->category, x->e.category);
    same_bytes(e->correlation_id, x->e.correlation_id);
    same_bytes(e->payload, x->e.payload);
    same_bytes(e->context.session_id, x->e.context.session_id);
    same_bytes(e->context.user_id, x->e.context.user_id);
    same_bytes(e->context.machine_id, x->e.context.machine_id);
    same_bytes(e->context.app, x->e.context.app);
    same_bytes(e->context.app_version, x->e.context.app_version);
    same_bytes(e->context.platform, x->e.context.platform);
    x->seen = true;
    return true;
}

static void check_whole(sink_fixture *s, const char *payload, const char *correlation, unsigned no)
{
    sent *b = new_batch();
    uint32_t c = add_person(&b->batch, "user.1:a+B_c", "m1", "app-s");
    candor_row *row = add_row(&s->f, &b->batch, c, "ChatTurn", NOW, no, payload);
    candor_row_context *k = &b->batch.contexts[c];
    expected x = {0};
    candor_err err = {0};
    bool found = false;
    row->ts_ms = NOW - 12345;
    row->correlation = put(&b->batch, correlation);
    memcpy(x.e.id, row->id, 16);
    x.e.ts_ms = row->ts_ms;
    x.e.type = CANDOR_LIT("ChatTurn");
    x.e.category = row->def->category;
    write_group(s, &b, 1);
    x.e.correlation_id = candor_batch_text(&b->batch, row->correlation);
    x.e.payload = candor_batch_text(&b->batch, row->payload);
    x.e.context.session_id = candor_batch_text(&b->batch, k->session_id);
    x.e.context.user_id = candor_batch_text(&b->batch, k->user_id);
    x.e.context.machine_id = candor_batch_text(&b->batch, k->machine_id);
    x.e.context.app = candor_batch_text(&b->batch, k->app);
    x.e.context.app_version = candor_batch_text(&b->batch, k->app_version);
    x.e.context.platform = candor_batch_text(&b->batch, k->platform);
    must(s, candor_sink_get(s->sink, s->reader, row->id, compare_event, &x, &found, &err), &err);
    assert_true(found && x.seen);
    free_batch(b);
}

static void every_field_comes_back_byte_for_byte(void **state)
{
    sink_fixture *s = *state;
    char *wide = malloc(61001);
    assert_non_null(wide);
    memset(wide, 'x', 61000);
    memcpy(wide, "{\"t\":\"", 6);
    memcpy(wide + 60998, "\"}", 3);
    check_whole(s, "{}", "", 1);
    check_whole(s, "{\"a\":\"\\u0000\\n\\t\\\"\\\\\",\"b\":1e300}", "corr-1", 2);
    check_whole(s, "{\"\xc3\xa4\":\"\xf0\x9f\x90\x98 \xe2\x80\xa8 ' ; -- \x7f\"}",
                "0198c0de-0000-7000-8000-000000000099", 3);
    check_whole(s, wide, "c.d:N", 4);
    free(wide);
}

static void an_id_that_nobody_sent_is_not_found(void **state)
{
    sink_fixture *s = *state;
    unsigned char id[16] = {1, 2, 3, 4, 5, 6, 0x70, 0, 0x80};
    candor_err err = {0};
    char payload[64];
    bool found = true;
    put_turns(s, "u1", "m1", 0, 3, NOW);
    must(s, candor_sink_get(s->sink, s->reader, id, take_payload, payload, &found, &err), &err);
    assert_false(found);
}

/* --- erasure, retention, health ------------------------------------------------------------- */

static void a_user_or_a_machine_is_erased_and_nobody_else(void **state)
{
    sink_fixture *s = *state;
    candor_event_filter f = all_events(100);
    f.scan_rows = 1000;
    put_turns(s, "u1", "m1", 0, 10, NOW);
    put_turns(s, "u1", "m2", 100, 10, NOW - DAY);
    put_turns(s, "u2", "m2", 200, 10, NOW);
    put_turns(s, "u3", "m3", 300, 10, NOW);
    assert_int_equal(erase(s, "u1", NULL, NULL), 20);
    assert_int_equal(count_all(s), 20);
    assert_int_equal(matching(s, f), 20);
    assert_int_equal(erase(s, "u1", NULL, NULL), 0);
    assert_int_equal(erase(s, "u' OR '1'='1", NULL, NULL), 0);
    assert_int_equal(erase(s, NULL, "m2", NULL), 10);
    assert_int_equal(count_all(s), 10);
    assert_int_equal(put_turns(s, "u2", "m2", 400, 5, NOW), 5); /* what comes later is stored */
    assert_int_equal(count_all(s), 15);
}

static void erasure_of_one_app_leaves_the_others(void **state)
{
    sink_fixture *s = *state;
    sent *b = new_batch();
    uint32_t one = add_person(&b->batch, "u1", "m1", "one"),
             two = add_person(&b->batch, "u1", "m1", "two");
    for (unsigned i = 0; i < 10; i++) {
        add_row(&s->f, &b->batch, one, "ChatTurn", NOW, i, "{}");
        add_row(&s->f, &b->batch, two, "ChatTurn", NOW, 100 + i, "{}");
    }
    write_group(s, &b, 1);
    assert_int_equal(erase(s, "u1", NULL, "one"), 10);
    assert_int_equal(count_all(s), 10);
    assert_int_equal(erase(s, "u1", NULL, NULL), 10);
    free_batch(b);
}

static void erasure_survives_a_restart(void **state)
{
    sink_fixture *s = *state;
    if (!s->kind->durable) return;
    put_turns(s, "u1", "m1", 0, 10, NOW);
    put_turns(s, "u2", "m2", 100, 10, NOW);
    assert_int_equal(erase(s, "u1", NULL, NULL), 10);
    sink_close(s);
    sink_open(s);
    assert_int_equal(count_all(s), 10);
    assert_int_equal(put_turns(s, "u2", "m2", 100, 12, NOW), 2);
}

static void retention_drops_older_days_and_only_them(void **state)
{
    sink_fixture *s = *state;
    candor_event_filter f = all_events(100);
    f.scan_rows = 1000;
    for (unsigned day = 0; day < 5; day++)
        put_turns(s, "u1", "m1", 0, 10, NOW - day * DAY);
    retain_from(s, NOW / DAY - 1);
    assert_int_equal(count_all(s), 20);
    assert_int_equal(matching(s, f), 20);
    assert_int_equal(put_turns(s, "u1", "m1", 0, 10, NOW - DAY), 0);
    assert_int_equal(put_turns(s, "u1", "m1", 20, 10, NOW), 10);
}

/* Of each day of six: a chat and a ui event, an error. */
static void put_categories(sink_fixture *s, unsigned days)
{
    for (unsigned day = 0; day < days; day++) {
        sent *b = new_batch();
        uint32_t c = add_person(&b->batch, "u1", "m1", "app");
        for (unsigned i = 0; i < 3; i++) {
            add_row(&s->f, &b->batch, c, "ChatTurn", NOW - day * DAY, i, "{}");
            add_row(&s->f, &b->batch, c, "ui.render_time", NOW - day * DAY, 10 + i, "{}");
            add_row(&s->f, &b->batch, c, "Error", NOW - day * DAY, 20 + i, "{}");
        }
        write_group(s, &b, 1);
        free_batch(b);
    }
}

static uint64_t of_category(sink_fixture *s, const char *category)
{
    candor_event_filter f = all_events(100);
    f.category = category;
    f.scan_rows = 1000;
    return matching(s, f);
}

static void reopen(sink_fixture *s, const candor_retention *rules)
{
    sink_close(s);
    s->retention = rules;
    sink_open(s);
}

/* under: rules that the sink knew when it stored the events; NULL: none. Then others apply. */
static void check_retention_by_category(sink_fixture *s, const char *under)
{
    candor_retention rules, before_rules;
    candor_deleted deleted = {0};
    candor_sweeper plan;
    candor_buf text = {0};
    candor_err err = {0};
    unsigned before;
    if (under != NULL && s->kind->durable) {
        must(s, candor_retention_read(under, 3, s->f.schema, &before_rules, &err), &err);
        reopen(s, &before_rules);
    }
    must(s, candor_retention_read("error=5 ui=1", 3, s->f.schema, &rules, &err), &err);
    candor_deleted_init(&deleted, s->f.schema);
    candor_sweeper_init(&plan, &rules, s->f.schema, &deleted);
    put_categories(s, 8); /* the days of NOW and of seven before */
    must(s, s->sink->ops->retain(s->sink, NOW / DAY - 5, &deleted, &(bool){false}, &err), &err);
    retain_from(s, NOW / DAY - 5);
    before = sweep_all(s, &plan, NOW);
    assert_int_equal(of_category(s, "error"), 3 * 6);
    assert_int_equal(of_category(s, "chat"), 3 * 4);
    assert_int_equal(of_category(s, "ui"), 3 * 2);
    assert_int_equal(count_all(s), 3 * 12);
    candor_deleted_write(&deleted, &text);
    candor_buf_put_c(&text, '\0');
    assert_non_null(strstr(text.p, "\"ui\":")); /* the sweep's are told by category everywhere */
    assert_non_null(strstr(text.p, "\"chat\":"));
    candor_buf_free(&text);
    assert_int_equal(sweep_all(s, &plan, NOW), 0); /* until the next day */
    assert_true(sweep_all(s, &plan, NOW + DAY) < before);
    assert_int_equal(of_category(s, "ui"), 3);
    assert_int_equal(put_turns(s, "u1", "m1", 0, 3, NOW), 0);
    if (s->retention != NULL) reopen(s, NULL);
}

static void retention_by_category_takes_what_goes_sooner_and_keeps_the_rest(void **state)
{
    check_retention_by_category(*state, NULL);
}

static void retention_by_category_holds_for_what_was_stored_under_its_rules(void **state)
{
    check_retention_by_category(*state, "error=5 ui=1");
}

static void retention_by_category_holds_for_what_was_stored_under_other_rules(void **state)
{
    check_retention_by_category(*state, "error=2 ui=2 chat=9");
}

/* The id is what makes an event, whichever class it would be of now. */
static void events_sent_again_under_other_rules_are_duplicates(void **state)
{
    sink_fixture *s = *state;
    candor_retention rules;
    candor_err err = {0};
    if (!s->kind->durable) return;
    put_categories(s, 2);
    must(s, candor_retention_read("error=5 ui=1", 3, s->f.schema, &rules, &err), &err);
    reopen(s, &rules);
    put_categories(s, 3);
    assert_int_equal(count_all(s), 3 * 9);
    assert_int_equal(of_category(s, "ui"), 3 * 3);
    reopen(s, NULL);
}

static void an_event_that_comes_late_is_swept_as_well(void **state)
{
    sink_fixture *s = *state;
    candor_retention rules;
    candor_sweeper plan;
    candor_err err = {0};
    sent *b = new_batch();
    candor_batch *list = &b->batch;
    uint32_t c = add_person(&b->batch, "u1", "m1", "app");
    must(s, candor_retention_read("ui=1", 4, s->f.schema, &rules, &err), &err);
    candor_sweeper_init(&plan, &rules, s->f.schema, NULL);
    put_categories(s, 3);
    sweep_all(s, &plan, NOW);
    assert_int_equal(of_category(s, "ui"), 3 * 2);
    add_row(&s->f, &b->batch, c, "ui.render_time", NOW - 3 * DAY, 50, "{}");
    add_row(&s->f, &b->batch, c, "ChatTurn", NOW - 3 * DAY, 51, "{}");
    write_group(s, &b, 1);
    assert_int_equal(of_category(s, "ui"), 3 * 2 + 1);
    candor_sink_rows_note(&plan, &list, 1);
    assert_true(sweep_all(s, &plan, NOW) > 0);
    assert_int_equal(of_category(s, "ui"), 3 * 2);
    assert_int_equal(of_category(s, "chat"), 3 * 3 + 1);
    free_batch(b);
}

static void a_restart_sweeps_again_and_finds_nothing(void **state)
{
    sink_fixture *s = *state;
    candor_retention rules;
    candor_deleted deleted = {0};
    candor_sweeper plan;
    candor_err err = {0};
    if (!s->kind->durable) return;
    must(s, candor_retention_read("ui=1 chat=2", 4, s->f.schema, &rules, &err), &err);
    put_categories(s, 4);
    candor_sweeper_init(&plan, &rules, s->f.schema, NULL);
    sweep_all(s, &plan, NOW);
    sink_close(s);
    sink_open(s);
    candor_deleted_init(&deleted, s->f.schema);
    candor_sweeper_init(&plan, &rules, s->f.schema, &deleted);
    sweep_all(s, &plan, NOW);
    assert_int_equal(deleted.total, 0);
    assert_int_equal(count_all(s), 3 * (4 + 3 + 2));
    assert_int_equal(put_turns(s, "u1", "m1", 100, 5, NOW), 5);
}

static void a_sink_that_works_says_so(void **state)
{
    sink_fixture *s = *state;
    candor_err err = {0};
    must(s, s->sink->ops->probe(s->sink, &err), &err);
    must(s, s->sink->ops->probe(s->sink, &err), &err);
}

/* --- versions ------------------------------------------------------------------------------- */

static void check_sweep(sink_fixture *s)
{
    const uint64_t before = count_all(s);
    candor_retention rules;
    candor_sweeper plan;
    candor_err err = {0};
    must(s, candor_retention_read("ui=1", 4, s->f.schema, &rules, &err), &err);
    candor_sweeper_init(&plan, &rules, s->f.schema, NULL);
    sweep_all(s, &plan, NOW);
    assert_int_equal(of_category(s, "ui"), 3 * 2);
    assert_int_equal(count_all(s), before - 3 * 2);
}

/* In a database of its own, empty at the start of the run. */
static void versions_go_forward_and_keep_events(void **state)
{
    sink_fixture *s = *state;
    candor_sink_settings settings;
    candor_sink *sink = NULL;
    candor_err err = {0};
    if (s->kind->fresh_url == NULL) return;
    sink_close(s);
    snprintf(s->url, sizeof s->url, "%s", s->kind->fresh_url);
    s->format = 1;
    sink_open(s);
    put_turns(s, "u1", "m1", 100, 10, NOW);
    sink_close(s);
    s->format = 2;
    sink_open(s);
    put_turns(s, "u2", "m2", 50, 10, NOW);
    put_categories(s, 3);
    sink_close(s);
    s->format = 0;
    sink_open(s);
    assert_int_equal(count_all(s), 47);
    assert_int_equal(put_turns(s, "u1", "m1", 105, 10, NOW), 5);
    assert_int_equal(put_turns(s, "u2", "m2", 55, 10, NOW), 5);
    put_categories(s, 4); /* three of these days are there */
    assert_int_equal(count_all(s), 47 + 10 + 9);
    check_sweep(s);
    assert_int_equal(erase(s, "u2", NULL, NULL), 15);
    retain_from(s, NOW / DAY);
    assert_int_equal(of_category(s, "error"), 3);
    assert_int_equal(erase(s, "u1", NULL, NULL), 24);
    assert_int_equal(count_all(s), 0);
    retain_from(s, NOW / DAY + 10000);
    reopen(s, NULL);
    assert_int_equal(put_turns(s, "u1", "m1", 0, 10, NOW), 10);
    assert_int_equal(count_all(s), 10);
    sink_close(s);
    s->format = 99; /* as a later version of ours would leave it */
    sink_open(s);
    sink_close(s);
    s->format = 0;
    settings = sink_settings(s);
    assert_int_equal(s->kind->open(&settings, &sink, &err), CANDOR_CORRUPT);
    assert_non_null(strstr(err.text, "version 99"));
}

/* --- as the collector uses it ---------------------------------------------------------------- */

typedef struct waiting {
    candor_erasure erasure; /* first */
    candor_latch *latch;
} waiting;

static void on_erased(candor_erasure *e)
{
    candor_latch_open(((waiting *)(void *)e)->latch);
}

static uint64_t erase_from_store(sink_fixture *s, const char *user)
{
    waiting w = {.erasure = {.user = user, .fingerprint = print_of, .done = on_erased}};
    assert_int_equal(candor_latch_new(&w.latch), CANDOR_OK);
    assert_int_equal(s->f.store->ops->erase(s->f.store, &w.erasure), CANDOR_OK);
    assert_true(candor_latch_wait(w.latch, 20000));
    candor_latch_free(w.latch);
    must(s, w.erasure.status, &w.erasure.err);
    return w.erasure.events;
}

static void the_store_over_a_sink_acknowledges_what_it_wrote(void **state)
{
    sink_fixture *s = *state;
    const candor_sink_store_settings settings = {.commit_rows = 100, .queue_bytes = 1 << 20};
    candor_err err = {0};
    sent *b[8];
    asked a = {.ask = ask_events, .filter = all_events(500)};
    s->sink->ops->reader_close(s->reader);
    must(s, candor_sink_store_open(s->sink, &settings, &s->f.store, &err), &err);
    for (unsigned i = 0; i < 8; i++) {
        b[i] = new_batch();
        uint32_t c = add_person(&b[i]->batch, i % 2 == 0 ? "u1" : "u2", "m1", "app");
        for (unsigned k = 0; k < 40; k++)
            add_row(&s->f, &b[i]->batch, c, "ChatTurn", NOW, i * 40 + k, "{}");
        assert_int_equal(s->f.store->ops->submit(s->f.store, &b[i]->batch), CANDOR_OK);
    }
    for (unsigned i = 0; i < 8; i++) {
        assert_true(candor_latch_wait(b[i]->latch, 20000));
        assert_int_equal(b[i]->batch.status, CANDOR_OK);
        assert_int_equal(b[i]->batch.inserted, 40);
        free_batch(b[i]);
    }
    assert_int_equal(erase_from_store(s, "u1"), 160);
    a.filter.scan_rows = 1000;
    ask(&a, &s->f);
    assert_int_equal(a.total, 160);
    close_store(&s->f);
    s->sink = NULL; /* closed with its store */
}

/* --- composite -------------------------------------------------------------------------------- */

/* SQLite acknowledges; a JSONL directory and a follower that nobody can reach follow. */
static candor_status composite_open(const candor_sink_settings *s, candor_sink **out,
                                    candor_err *err)
{
    char dirs[2][300], path[300];
    candor_sink_settings first = *s, files = *s, lost = *s;
    candor_sink *primary = NULL;
    candor_status st;
    snprintf(path, sizeof path, "%s.jsonl", s->url);
    snprintf(dirs[0], sizeof dirs[0], "%s.queue0", s->url);
    snprintf(dirs[1], sizeof dirs[1], "%s.queue1", s->url);
    files.url = path;
    files.dir = dirs[0];
    lost.url = "mysql://nobody@127.0.0.1:1/none";
    lost.dir = dirs[1];
    const candor_mirror_settings others[] = {
        {.name = "jsonl", .open = candor_sink_jsonl_open, .sink = files, .queue_bytes = 64 << 20},
        {.name = "mysql", .open = candor_sink_mysql_open, .sink = lost, .queue_bytes = 64 << 20}};
    st = candor_sink_sqlite_open(&first, &primary, err);
    return st == CANDOR_OK ? candor_composite_open(primary, others, 2, out, err) : st;
}

/* --- memory alone -------------------------------------------------------------------------------
 */

static void a_memory_sink_that_is_full_refuses(void **state)
{
    sink_fixture s = {.kind = *state};
    candor_sink_settings settings = {.memory_bytes = 20000};
    candor_buf text = {0};
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    uint64_t stored = 0;
    assert_int_equal(
        candor_file_read_all(CANDOR_SOURCE_DIR "/schema/default.json", 1 << 20, &text, &err),
        CANDOR_OK);
    assert_int_equal(candor_schema_compile(candor_buf_bytes(&text), "default", &s.f.schema, &err),
                     CANDOR_OK);
    must(&s, candor_sink_memory_open(&settings, &s.sink, &err), &err);
    must(&s, s.sink->ops->reader_open(s.sink, &s.reader, &err), &err);
    for (unsigned i = 0; st == CANDOR_OK; i++) {
        sent *b = new_batch();
        candor_batch *one = &b->batch;
        add_row(&s.f, one, add_person(one, "u1", "m1", "app"), "ChatTurn", NOW, i, "{}");
        st = s.sink->ops->write(s.sink, &one, 1, &err);
        stored += st == CANDOR_OK;
        free_batch(b);
    }
    assert_int_equal(st, CANDOR_FULL);
    assert_in_range(stored, 20, 200);
    assert_int_equal(count_all(&s), stored); /* nothing goes to make room */
    sink_close(&s);
    candor_schema_free(s.f.schema);
    candor_buf_free(&text);
}

/* --- the list -------------------------------------------------------------------------------- */

static const struct CMUnitTest conformance[] = {
    SINK_TEST(rows_are_stored_and_told_new),
    SINK_TEST(an_empty_group_is_fine),
    SINK_TEST(rows_sent_again_are_duplicates),
    SINK_TEST(rows_sent_again_after_a_restart_are_duplicates),
    SINK_TEST(of_twins_in_a_group_the_first_counts),
    SINK_TEST(each_row_of_mixed_groups_is_told_right),
    SINK_TEST(a_large_group_is_stored_whole),
    SINK_TEST(of_two_writers_of_the_same_events_one_is_told_new),
    SINK_TEST(pages_show_each_event_once_newest_first),
    SINK_TEST(pages_stay_whole_while_events_come_in),
    SINK_TEST(filters_choose_by_type_category_app_and_time),
    SINK_TEST(filters_choose_by_person_session_version_and_list),
    SINK_TEST(a_rare_match_is_found_over_short_pages),
    SINK_TEST(every_field_comes_back_byte_for_byte),
    SINK_TEST(an_id_that_nobody_sent_is_not_found),
    SINK_TEST(a_user_or_a_machine_is_erased_and_nobody_else),
    SINK_TEST(erasure_of_one_app_leaves_the_others),
    SINK_TEST(erasure_survives_a_restart),
    SINK_TEST(retention_drops_older_days_and_only_them),
    SINK_TEST(retention_by_category_takes_what_goes_sooner_and_keeps_the_rest),
    SINK_TEST(retention_by_category_holds_for_what_was_stored_under_its_rules),
    SINK_TEST(retention_by_category_holds_for_what_was_stored_under_other_rules),
    SINK_TEST(events_sent_again_under_other_rules_are_duplicates),
    SINK_TEST(an_event_that_comes_late_is_swept_as_well),
    SINK_TEST(a_restart_sweeps_again_and_finds_nothing),
    SINK_TEST(a_sink_that_works_says_so),
    SINK_TEST(versions_go_forward_and_keep_events),
    SINK_TEST(the_store_over_a_sink_acknowledges_what_it_wrote),
};
int main(void)
{
    const sink_case local[] = {
        {"memory", NULL, NULL, candor_sink_memory_open, false},
        {"sqlite", NULL, NULL, candor_sink_sqlite_open, true},
        {"jsonl", NULL, NULL, candor_sink_jsonl_open, true},
        {"composite", NULL, NULL, composite_open, true},
    };
    const char *name = getenv("CANDOR_SINK");
    int failed = 0;
    struct CMUnitTest memory[] = {cmocka_unit_test(a_memory_sink_that_is_full_refuses)};
    memory[0].initial_state = (void *)(uintptr_t)&local[0];
    if (name == NULL) failed += cmocka_run_group_tests(memory, NULL, NULL);
    return failed + run_sinks(conformance, sizeof conformance / sizeof conformance[0], local,
                              sizeof local / sizeof local[0]);
}
