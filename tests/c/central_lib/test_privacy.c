#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>

#include "central/noise.h"
#include "central/store/sqlite_internal.h"
#include "central/token.h"
#include "plat/plat.h"

#define DAY INT64_C(86400000)
#define NOW (INT64_C(20000) * DAY)

/* --- the noise ------------------------------------------------------------------------------ */

enum { DRAWS = 100000, REACH = 4000 };

/* P(z <= at) of the discrete Laplace distribution. */
static double expected(double epsilon, int at)
{
    double a = exp(-epsilon);
    return at < 0 ? pow(a, -at) / (1 + a) : 1 - pow(a, at + 1) / (1 + a);
}

/* The largest distance of the empirical distribution of n draws from that of epsilon. */
static double distance(const unsigned *counts, double epsilon)
{
    double worst = 0, sum = 0;
    int z;
    for (z = -REACH; z <= REACH; z++) {
        double d;
        sum += counts[z + REACH];
        d = fabs(sum / DRAWS - expected(epsilon, z));
        if (d > worst) worst = d;
    }
    return worst;
}

static void draw_all(unsigned *counts, uint32_t epsilon_milli, bool spoil)
{
    candor_noise n = {0};
    unsigned i;
    memset(counts, 0, (2 * REACH + 1) * sizeof *counts);
    for (i = 0; i < DRAWS; i++) {
        int64_t z = candor_noise_draw(&n, epsilon_milli);
        if (spoil && z == 0) z = candor_noise_draw(&n, epsilon_milli);
        assert_true(z >= -REACH && z <= REACH);
        counts[z + REACH]++;
    }
    assert_false(n.failed);
}

/* Kolmogorov and Smirnov, with the bound of Dvoretzky, Kiefer, Wolfowitz and Massart, which holds
 * for every distribution and number of draws: P(distance > d) <= 2 exp(-2 n d^2). */
static double allowed(double alpha)
{
    return sqrt(log(2 / alpha) / (2.0 * DRAWS));
}

static void noise_is_distributed_as_its_epsilon_says(void **state)
{
    static const uint32_t epsilons[] = {1000, 500, 100, 37, 2500};
    unsigned *counts = calloc(2 * REACH + 1, sizeof *counts);
    size_t i;
    (void)state;
    assert_non_null(counts);
    for (i = 0; i < sizeof epsilons / sizeof epsilons[0]; i++) {
        draw_all(counts, epsilons[i], false);
        assert_true(distance(counts, epsilons[i] / 1000.0) < allowed(1e-10));
    }
    free(counts);
}

/* The control: a test that cannot fail shows nothing. */
static void noise_of_another_scale_or_shape_is_told_apart(void **state)
{
    unsigned *counts = calloc(2 * REACH + 1, sizeof *counts);
    (void)state;
    assert_non_null(counts);
    draw_all(counts, 500, false);
    assert_true(distance(counts, 0.6) > allowed(1e-10)); /* too much noise for what is said */
    assert_true(distance(counts, 0.4) > allowed(1e-10)); /* too little */
    draw_all(counts, 500, true);                         /* zero too rarely */
    assert_true(distance(counts, 0.5) > allowed(1e-10));
    free(counts);
}

static void a_group_of_one_passes_its_threshold_once_in_a_million_at_most(void **state)
{
    const candor_privacy p = {.epsilon_milli = 2000, .budget_milli = 2000, .min_group = 1};
    int64_t at = candor_privacy_threshold(&p);
    double a = exp(-2.0), tail = 0, tail_before = 0, one = (1 - a) / (1 + a);
    int x, y;
    for (x = -60; x <= 60; x++) /* by hand: the sum over both cells' noise */
        for (y = -60; y <= 60; y++) {
            double both = one * pow(a, abs(x)) * one * pow(a, abs(y));
            if (x + y + 1 >= at) tail += both;
            if (x + y + 2 >= at) tail_before += both;
        }
    (void)state;
    assert_true(tail <= CANDOR_PRIVACY_DELTA);
    assert_true(tail_before > CANDOR_PRIVACY_DELTA); /* and no higher than that needs */
}

static void decimals_are_read_exactly(void **state)
{
    uint32_t v = 7;
    candor_buf b = {0};
    (void)state;
    assert_true(candor_milli_parse("0.5", 10000, &v) && v == 500);
    assert_true(candor_milli_parse("10", 10000, &v) && v == 10000);
    assert_true(candor_milli_parse("0.001", 10000, &v) && v == 1);
    assert_false(candor_milli_parse("10.001", 10000, &v));
    assert_false(candor_milli_parse("0.0001", 10000, &v));
    assert_false(candor_milli_parse("", 10000, &v));
    assert_false(candor_milli_parse(".5", 10000, &v));
    assert_false(candor_milli_parse("1.", 10000, &v));
    assert_false(candor_milli_parse("-1", 10000, &v));
    assert_false(candor_milli_parse("1e1", 10000, &v));
    candor_milli_put(&b, 10500);
    candor_milli_put(&b, 37);
    candor_milli_put(&b, 2000);
    assert_true(candor_bytes_eq(candor_buf_bytes(&b), CANDOR_LIT("10.50.0372")));
    candor_buf_free(&b);
}

/* --- the budget ----------------------------------------------------------------------------- */

typedef struct fixture {
    char dir[64], path[96], token[CANDOR_TOKEN_ID + 1];
    candor_privacy privacy;
    candor_tokens *tokens;
    candor_budget *budget;
} fixture;

static fixture open_fixture(uint32_t budget_milli, uint32_t renew_days)
{
    fixture f = {.privacy = {500, budget_milli, renew_days, 20}};
    char text[CANDOR_TOKEN_TEXT + 1];
    candor_err err = {0};
    snprintf(f.dir, sizeof f.dir, "/tmp/candor-privacy-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    snprintf(f.path, sizeof f.path, "%s/events.db", f.dir);
    assert_int_equal(candor_tokens_open(f.path, NULL, &f.tokens, &err), CANDOR_OK);
    assert_int_equal(candor_tokens_create_private(f.tokens, &f.privacy, "", text, &err), CANDOR_OK);
    memcpy(f.token, text + 4, CANDOR_TOKEN_ID);
    assert_int_equal(candor_budget_open(f.path, NULL, &f.budget, &err), CANDOR_OK);
    return f;
}

static void close_fixture(fixture *f)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[128];
    size_t i;
    candor_budget_close(f->budget);
    candor_tokens_close(f->tokens);
    for (i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", f->path, ends[i]);
        unlink(name);
    }
    rmdir(f->dir);
}

static void question_of(unsigned n, unsigned char out[CANDOR_SHA256_SIZE])
{
    assert_int_equal(candor_sha256(candor_bytes_of((const char *)&n, sizeof n), out), CANDOR_OK);
}

static candor_status find(fixture *f, int64_t now_ms, unsigned n, candor_buf *answer,
                          candor_account *a)
{
    unsigned char question[CANDOR_SHA256_SIZE];
    candor_err err = {0};
    question_of(n, question);
    return candor_budget_find(f->budget, f->token, &f->privacy, now_ms, question, answer, a, &err);
}

static candor_status spend(fixture *f, int64_t now_ms, unsigned n, candor_buf *answer, bool *paid,
                           candor_account *a)
{
    unsigned char question[CANDOR_SHA256_SIZE];
    candor_err err = {0};
    question_of(n, question);
    return candor_budget_spend(f->budget, f->token, &f->privacy, now_ms, question, answer, paid, a,
                               &err);
}

static void answers_are_paid_once_and_repeated_until_the_budget_is_spent(void **state)
{
    fixture f = open_fixture(1000, 0);
    candor_buf one = {0}, two = {0};
    candor_account a;
    bool paid;
    (void)state;
    assert_int_equal(find(&f, NOW, 1, &one, &a), CANDOR_NOTFOUND);
    candor_buf_put_bytes(&one, CANDOR_LIT("first"));
    assert_int_equal(spend(&f, NOW, 1, &one, &paid, &a), CANDOR_OK);
    assert_true(paid);
    assert_int_equal(a.spent_milli, 500);
    /* somebody who asked the same at the same time gets the same */
    candor_buf_put_bytes(&two, CANDOR_LIT("other noise"));
    assert_int_equal(spend(&f, NOW, 1, &two, &paid, &a), CANDOR_OK);
    assert_false(paid);
    assert_int_equal(a.spent_milli, 500);
    assert_true(candor_bytes_eq(candor_buf_bytes(&two), CANDOR_LIT("first")));
    assert_int_equal(spend(&f, NOW, 2, &two, &paid, &a), CANDOR_OK);
    assert_int_equal(a.spent_milli, 1000);
    assert_int_equal(spend(&f, NOW, 3, &two, &paid, &a), CANDOR_LIMIT);
    assert_int_equal(find(&f, NOW + 3650 * DAY, 3, &two, &a), CANDOR_LIMIT); /* never renewed */
    candor_buf_clear(&one);
    assert_int_equal(find(&f, NOW, 1, &one, &a), CANDOR_OK); /* free, also now */
    assert_true(candor_bytes_eq(candor_buf_bytes(&one), CANDOR_LIT("first")));
    candor_buf_free(&one);
    candor_buf_free(&two);
    close_fixture(&f);
}

static void a_budget_is_new_in_its_next_period_and_not_after_the_clock_is_set_back(void **state)
{
    fixture f = open_fixture(500, 30);
    candor_buf b = {0};
    candor_account a;
    bool paid;
    (void)state;
    candor_buf_put_bytes(&b, CANDOR_LIT("x"));
    assert_int_equal(spend(&f, NOW, 1, &b, &paid, &a), CANDOR_OK);
    assert_int_equal(find(&f, NOW, 2, &b, &a), CANDOR_LIMIT);
    assert_true(a.renews_ms > NOW && a.renews_ms <= NOW + 30 * DAY);
    assert_int_equal(find(&f, a.renews_ms - 1, 2, &b, &a), CANDOR_LIMIT);
    assert_int_equal(find(&f, a.renews_ms, 1, &b, &a), CANDOR_NOTFOUND); /* asked anew */
    assert_int_equal(spend(&f, a.renews_ms, 2, &b, &paid, &a), CANDOR_OK);
    assert_int_equal(a.spent_milli, 500);
    assert_int_equal(spend(&f, NOW, 3, &b, &paid, &a), CANDOR_LIMIT);
    assert_int_equal(spend(&f, NOW - 900 * DAY, 3, &b, &paid, &a), CANDOR_LIMIT);
    candor_buf_free(&b);
    close_fixture(&f);
}

typedef struct asker {
    fixture *f;
    unsigned first, paid;
} asker;

enum { ASKERS = 8, QUESTIONS = 20, AFFORDED = 17 };

static void *ask(void *ctx)
{
    asker *k = ctx;
    unsigned i;
    for (i = 0; i < QUESTIONS; i++) {
        candor_buf b = {0};
        candor_account a;
        bool paid = false;
        candor_buf_putf(&b, "%u", k->first);
        if (spend(k->f, NOW, k->first * QUESTIONS + i, &b, &paid, &a) == CANDOR_OK && paid)
            k->paid++;
        candor_buf_free(&b);
    }
    return NULL;
}

static void askers_at_once_cannot_overspend(void **state)
{
    fixture f = open_fixture(500 * AFFORDED, 0);
    asker askers[ASKERS];
    pthread_t threads[ASKERS];
    unsigned i, paid = 0;
    candor_buf b = {0};
    candor_account a;
    (void)state;
    for (i = 0; i < ASKERS; i++) {
        askers[i] = (asker){.f = &f, .first = i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
    }
    for (i = 0; i < ASKERS; i++) {
        pthread_join(threads[i], NULL);
        paid += askers[i].paid;
    }
    assert_int_equal(paid, AFFORDED);
    assert_int_equal(find(&f, NOW, 9999, &b, &a), CANDOR_LIMIT);
    assert_int_equal(a.spent_milli, 500 * AFFORDED);
    candor_buf_free(&b);
    close_fixture(&f);
}

static void a_budget_that_pays_too_many_answers_is_refused(void **state)
{
    const candor_privacy many = {1, 1001, 0, 20}, none = {0, 10, 0, 20}, poor = {500, 499, 0, 20};
    candor_err err = {0};
    (void)state;
    assert_int_equal(candor_privacy_check(&many, &err), CANDOR_INVALID);
    assert_int_equal(candor_privacy_check(&none, &err), CANDOR_INVALID);
    assert_int_equal(candor_privacy_check(&poor, &err), CANDOR_INVALID);
    assert_non_null(strstr(err.text, "--dp-budget"));
}

static bool take_token(void *ctx, const candor_token *t)
{
    *(candor_token *)ctx = *t;
    return true;
}

/* A database of which somebody took the budgets away must not make the token an exact one. */
static void a_token_without_its_budget_may_do_nothing(void **state)
{
    fixture f = open_fixture(1000, 0);
    candor_token t = {0};
    candor_err err = {0};
    sqlite3 *db = NULL;
    (void)state;
    assert_int_equal(candor_tokens_list(f.tokens, take_token, &t, &err), CANDOR_OK);
    assert_int_equal(t.scopes, CANDOR_SCOPE_AGGREGATES);
    assert_int_equal(t.privacy.epsilon_milli, 500);
    assert_int_equal(candor_db_open(f.path, NULL, true, 256, &db, &err), CANDOR_OK);
    assert_int_equal(candor_db_exec(db, "DELETE FROM token_privacy", &err), CANDOR_OK);
    sqlite3_close(db);
    assert_int_equal(candor_tokens_list(f.tokens, take_token, &t, &err), CANDOR_OK);
    assert_int_equal(t.scopes, 0);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_distributed_as_its_epsilon_says),
        cmocka_unit_test(noise_of_another_scale_or_shape_is_told_apart),
        cmocka_unit_test(a_group_of_one_passes_its_threshold_once_in_a_million_at_most),
        cmocka_unit_test(decimals_are_read_exactly),
        cmocka_unit_test(answers_are_paid_once_and_repeated_until_the_budget_is_spent),
        cmocka_unit_test(a_budget_is_new_in_its_next_period_and_not_after_the_clock_is_set_back),
        cmocka_unit_test(askers_at_once_cannot_overspend),
        cmocka_unit_test(a_budget_that_pays_too_many_answers_is_refused),
        cmocka_unit_test(a_token_without_its_budget_may_do_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
