/* Answers for tokens with differential privacy: noise on every cell, small groups left out, a
 * charge for each answer. An answer is kept under its question alone and repeated word by word:
 * whether an answer changed, or was charged again, would say whether the data did. */
#include "base/uuid.h"
#include "central/query.h"
#include "central/respond.h"

#define DAY_MS INT64_C(86400000)

static int64_t whole_day(int64_t ms, int64_t round)
{
    return (ms + round) / DAY_MS * DAY_MS;
}

void candor_private_close_range(candor_query_job *j, int64_t now_ms)
{
    int64_t today = whole_day(now_ms, 0);
    if (j->has_from) j->from_ms = j->from_ms > 0 ? whole_day(j->from_ms, 0) : 0;
    if (j->has_to && j->to_ms < today)
        j->to_ms = j->to_ms > 0 ? whole_day(j->to_ms, DAY_MS - 1) : 0;
    if (!j->has_to || j->to_ms > today) j->to_ms = today;
    j->has_to = true;
}

/* --- cells ---------------------------------------------------------------------------------- */

static int64_t noised(candor_query_job *j, int64_t n)
{
    return n + candor_noise_draw(&j->noise, j->privacy.epsilon_milli);
}

bool candor_private_cell(candor_query_job *j, int64_t *n, int64_t *errors)
{
    int64_t least = j->open_names ? candor_privacy_threshold(&j->privacy) : j->privacy.min_group;
    if (errors != NULL) {
        int64_t others = noised(j, *n - *errors);
        *errors = noised(j, *errors);
        *n = others + *errors;
    } else {
        *n = noised(j, *n);
    }
    if (*n < 0) *n = 0;
    if (errors != NULL && *errors < 0) *errors = 0;
    if (errors != NULL && *errors > *n) *errors = *n;
    if (*n >= least) return true;
    j->suppressed++;
    return false;
}

static bool is_public(candor_bytes (*public_name)(const void *, unsigned), const void *ctx,
                      const char *name)
{
    candor_bytes one;
    unsigned i;
    for (i = 0; (one = public_name(ctx, i)).n != 0; i++)
        if (candor_bytes_eq(one, candor_bytes_str(name))) return true;
    return false;
}

/* Whether a group is there must not depend on the data: every public name is, also with nothing in
 * it, and no other, unless all of them have to earn it (open_names). */
candor_status candor_private_groups(candor_query_job *j, candor_name_counts *names,
                                    candor_bytes (*public_name)(const void *ctx, unsigned i),
                                    const void *ctx, candor_err *err)
{
    candor_bytes one;
    size_t i, kept = 0;
    unsigned k;
    for (k = 0; !j->open_names && (one = public_name(ctx, k)).n != 0; k++)
        if (!candor_names_add(names, one, 0, 0))
            return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    for (i = 0; i < names->n; i++) {
        candor_name_count *g = &names->items[i];
        if (!j->open_names && !is_public(public_name, ctx, g->name)) continue;
        if (!candor_private_cell(j, &g->n, &g->errors)) continue;
        if (kept != i) names->items[kept] = *g;
        kept++;
    }
    names->n = kept;
    return CANDOR_OK;
}

/* --- the answer ----------------------------------------------------------------------------- */

/* The end of what is kept; put_account goes on. How many groups are suppressed is itself a count of
 * the data where their names are. */
static void put_privacy(const candor_query_job *j, candor_buf *b)
{
    while (b->n > 0 && b->p[b->n - 1] != '}')
        b->n--;
    if (b->n > 0) b->n--;
    candor_buf_putf(b, ",\"privacy\":{\"mechanism\":\"discrete-laplace\",\"unit\":\"%s\",",
                    j->unit != NULL ? j->unit : "event");
    candor_buf_putf(
        b, "\"delta\":%s,\"min_group\":%lld,\"suppressed\":", j->open_names ? "0.000001" : "0",
        (long long)(j->open_names ? candor_privacy_threshold(&j->privacy) : j->privacy.min_group));
    if (j->open_names)
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
    else
        candor_buf_putf(b, "%lld", (long long)j->suppressed);
}

static void put_account(const candor_query_job *j, bool paid, const candor_account *a,
                        candor_buf *b)
{
    char ts[CANDOR_TIME_TEXT];
    candor_buf_put_bytes(b, CANDOR_LIT(",\"epsilon\":"));
    candor_milli_put(b, j->privacy.epsilon_milli);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"charged\":"));
    candor_milli_put(b, paid ? j->privacy.epsilon_milli : 0);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"spent\":"));
    candor_milli_put(b, a->spent_milli);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"budget\":"));
    candor_milli_put(b, j->privacy.budget_milli);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"renews\":"));
    if (a->renews_ms != 0) candor_time_format(a->renews_ms, ts);
    if (a->renews_ms != 0)
        candor_buf_putf(b, "\"%.*s\"}}\n", CANDOR_TIME_TEXT, ts);
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null}}\n"));
}

static void refuse(candor_query_job *j, const candor_account *a, int64_t now_ms)
{
    char ts[CANDOR_TIME_TEXT];
    candor_count(&j->server->metrics.private_answers[CANDOR_PRIVATE_SPENT], 1);
    if (a->renews_ms == 0) {
        candor_reply_refuse(&j->reply, CANDOR_PROBLEM_BUDGET_GONE,
                            "the privacy budget of the token is spent for good: ask again what was "
                            "asked before, which is free, or have a new token made");
        return;
    }
    candor_time_format(a->renews_ms, ts);
    candor_reply_refuse(&j->reply, CANDOR_PROBLEM_BUDGET_SPENT,
                        "the privacy budget of the token is spent until %.*s: ask then, or ask "
                        "again what was asked before, which is free",
                        CANDOR_TIME_TEXT, ts);
    j->reply.retry_after_s = (unsigned)((a->renews_ms - now_ms) / 1000 + 1);
}

/* Nothing of a new answer leaves before it is paid for and kept. */
static candor_status make_new(candor_query_job *j, candor_reader *r, int64_t now_ms,
                              const unsigned char question[CANDOR_SHA256_SIZE], bool *paid,
                              candor_account *account, candor_err *err)
{
    candor_status st = j->make(j, r, err);
    if (st == CANDOR_OK && j->noise.failed)
        st = candor_fail(err, CANDOR_CRYPTO, 0, "draw noise", NULL);
    if (st != CANDOR_OK) return st;
    put_privacy(j, &j->reply.body);
    if (j->reply.body.failed) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    return candor_budget_spend(j->server->budget, j->token, &j->privacy, now_ms, question,
                               &j->reply.body, paid, account, err);
}

candor_status candor_private_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    int64_t now_ms = candor_clock_unix_ms();
    unsigned char question[CANDOR_SHA256_SIZE];
    candor_account account = {0};
    bool paid = false;
    candor_status st = candor_sha256(candor_buf_bytes(&j->question), question);
    candor_reply_begin(&j->reply, 200, candor_type_json);
    if (st == CANDOR_OK && j->question.failed) st = CANDOR_NOMEM;
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "query", NULL);
    st = candor_budget_find(j->server->budget, j->token, &j->privacy, now_ms, question,
                            &j->reply.body, &account, err);
    if (st == CANDOR_NOTFOUND) st = make_new(j, r, now_ms, question, &paid, &account, err);
    if (st == CANDOR_LIMIT) {
        refuse(j, &account, now_ms);
        return CANDOR_OK;
    }
    if (st != CANDOR_OK) return st;
    candor_count(
        &j->server->metrics.private_answers[paid ? CANDOR_PRIVATE_PAID : CANDOR_PRIVATE_AGAIN], 1);
    put_account(j, paid, &account, &j->reply.body);
    return CANDOR_OK;
}
