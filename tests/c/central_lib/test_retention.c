/* Rules of retention by category, the plan of the sweeper, and what was deleted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "central/retention.h"
#include "plat/plat.h"

#define DAY  INT64_C(86400000)
#define HOUR INT64_C(3600000)
#define NOW  (20000 * DAY + 5 * HOUR)

static candor_schema *schema;

static int load_schema(void **state)
{
    candor_buf text = {0};
    candor_err err = {0};
    (void)state;
    if (candor_file_read_all(CANDOR_SOURCE_DIR "/schema/default.json", 1 << 20, &text, &err) !=
            CANDOR_OK ||
        candor_schema_compile(candor_buf_bytes(&text), "default", &schema, &err) != CANDOR_OK)
        return -1;
    candor_buf_free(&text);
    return 0;
}

static int free_schema(void **state)
{
    (void)state;
    candor_schema_free(schema);
    return 0;
}

static void check_refused(const char *text, const char *sentence)
{
    candor_retention r;
    candor_err err = {0};
    assert_int_equal(candor_retention_read(text, 90, schema, &r, &err), CANDOR_INVALID);
    if (strstr(err.text, sentence) == NULL) fail_msg("\"%s\": %s", text, err.text);
}

static void a_rule_holds_for_its_category_and_the_others_keep_the_default(void **state)
{
    candor_retention r;
    candor_err err = {0};
    (void)state;
    assert_int_equal(candor_retention_read(" error=365  ui=30 ", 90, schema, &r, &err), CANDOR_OK);
    assert_int_equal(candor_retention_of(&r, CANDOR_LIT("error")), 365);
    assert_int_equal(candor_retention_of(&r, CANDOR_LIT("ui")), 30);
    assert_int_equal(candor_retention_of(&r, CANDOR_LIT("chat")), 90);
    assert_int_equal(candor_retention_longest(&r), 365);
    assert_int_equal(candor_retention_read("", 90, schema, &r, &err), CANDOR_OK);
    assert_int_equal(candor_retention_longest(&r), 90);
}

static void wrong_rules_are_refused_with_a_sentence(void **state)
{
    (void)state;
    check_refused("errors=5", "\"errors\", which the schema has not; it has");
    check_refused("errors=5", "chat");
    check_refused("error", "takes CATEGORY=DAYS");
    check_refused("error=", "takes CATEGORY=DAYS");
    check_refused("error=0", "1 to 36500 days");
    check_refused("error=36501", "1 to 36500 days");
    check_refused("error=99999999999999999999", "1 to 36500 days");
    check_refused("error=5d", "takes CATEGORY=DAYS");
    check_refused("ui=5 ui=6", "\"ui\" twice");
}

typedef struct seen {
    unsigned steps;
    int64_t from_ms, to_ms;
    size_t categories;
    bool gap, fails;
} seen;

static candor_status see(void *ctx, const candor_sweep *w, candor_err *err)
{
    seen *s = ctx;
    if (s->fails) return candor_fail(err, CANDOR_IO, 0, "sweep", NULL);
    if (s->steps != 0 && w->from_ms != s->to_ms) s->gap = true;
    if (s->steps == 0) s->from_ms = w->from_ms;
    s->to_ms = w->to_ms;
    s->categories = w->n;
    s->steps++;
    return CANDOR_OK;
}

static seen run(candor_sweeper *plan, int64_t now_ms)
{
    seen s = {0};
    candor_err err = {0};
    bool more = true;
    while (more)
        assert_int_equal(candor_sweeper_step(plan, now_ms, HOUR, see, &s, &more, &err), CANDOR_OK);
    return s;
}

static void plan_of(candor_sweeper *plan, candor_retention *r, const char *rules)
{
    candor_err err = {0};
    assert_int_equal(candor_retention_read(rules, 90, schema, r, &err), CANDOR_OK);
    candor_sweeper_init(plan, r, schema, NULL);
}

static void a_plan_covers_each_hour_between_the_longest_time_and_the_category_s_once(void **state)
{
    candor_retention r;
    candor_sweeper plan;
    seen s;
    (void)state;
    plan_of(&plan, &r, "ui=30");
    s = run(&plan, NOW);
    assert_int_equal(s.steps, 60 * 24);
    assert_false(s.gap);
    assert_int_equal(s.from_ms, (20000 - 90) * DAY);
    assert_int_equal(s.to_ms, (20000 - 30) * DAY);
    assert_int_equal(s.categories, 1);
    assert_int_equal(run(&plan, NOW).steps, 0);
    s = run(&plan, NOW + DAY);
    assert_int_equal(s.steps, 24);
    assert_int_equal(s.from_ms, (20000 - 30) * DAY);
}

static void a_longer_rule_makes_a_class_of_all_the_others(void **state)
{
    candor_retention r;
    candor_sweeper plan;
    (void)state;
    plan_of(&plan, &r, "error=92 ui=91 chat=91");
    assert_int_equal(plan.n_classes, 2);
    assert_int_equal(plan.classes[0].n + plan.classes[1].n, 15); /* of 16 categories */
    assert_int_equal(run(&plan, NOW).steps, (2 + 1) * 24);
    plan_of(&plan, &r, "");
    assert_int_equal(run(&plan, NOW).steps, 0);
}

static void a_late_event_brings_its_day_back_and_a_failure_is_tried_again(void **state)
{
    candor_retention r;
    candor_sweeper plan;
    candor_err err = {0};
    seen broken = {.fails = true};
    bool more = true;
    seen s;
    (void)state;
    plan_of(&plan, &r, "ui=30");
    assert_int_equal(candor_sweeper_step(&plan, NOW, HOUR, see, &broken, &more, &err), CANDOR_IO);
    assert_false(more);
    assert_int_equal(run(&plan, NOW).steps, 60 * 24);
    candor_sweeper_note(&plan, NOW - 40 * DAY, CANDOR_LIT("chat"));
    candor_sweeper_note(&plan, NOW - 3 * DAY, CANDOR_LIT("ui"));
    assert_int_equal(run(&plan, NOW).steps, 0);
    candor_sweeper_note(&plan, NOW - 31 * DAY, CANDOR_LIT("ui"));
    s = run(&plan, NOW);
    assert_int_equal(s.from_ms, (20000 - 31) * DAY);
    assert_int_equal(s.steps, 24);
}

static void what_was_deleted_is_told_by_category(void **state)
{
    candor_deleted d = {0};
    candor_buf text = {0};
    (void)state;
    candor_deleted_init(&d, schema);
    candor_deleted_add(&d, CANDOR_LIT("ui"), 3);
    candor_deleted_add(&d, CANDOR_LIT("ui"), 4);
    candor_deleted_add(&d, CANDOR_LIT("gone"), 2);
    candor_deleted_add(NULL, CANDOR_LIT("ui"), 2);
    candor_deleted_write(&d, &text);
    assert_int_equal(text.n, strlen("{\"ui\":7,\"other\":2}"));
    assert_memory_equal(text.p, "{\"ui\":7,\"other\":2}", text.n);
    assert_int_equal(d.total, 9);
    candor_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_holds_for_its_category_and_the_others_keep_the_default),
        cmocka_unit_test(wrong_rules_are_refused_with_a_sentence),
        cmocka_unit_test(a_plan_covers_each_hour_between_the_longest_time_and_the_category_s_once),
        cmocka_unit_test(a_longer_rule_makes_a_class_of_all_the_others),
        cmocka_unit_test(a_late_event_brings_its_day_back_and_a_failure_is_tried_again),
        cmocka_unit_test(what_was_deleted_is_told_by_category),
    };
    return cmocka_run_group_tests(tests, load_schema, free_schema);
}
