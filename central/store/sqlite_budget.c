/* Budgets of differential privacy and the answers that they paid for, in events.db: a charge and
 * its answer are one transaction, so that a crash neither shows noise that was not paid nor pays
 * for noise that nobody can see again. A connection of its own: an answer is rare, and waits for
 * the writer as a token command does. */
#include <stdlib.h>

#include "central/privacy.h"
#include "central/store/sqlite_internal.h"
#include "plat/plat.h"

#define BUDGET_CACHE_KIB 256

#define BUDGET_SQL(X)                                                                              \
    X(account, "SELECT period,spent FROM token_privacy WHERE id=?1")                               \
    X(find, "SELECT body FROM private_answer WHERE token=?1 AND question=?2")                      \
    X(renew, "UPDATE token_privacy SET period=?2,spent=0 WHERE id=?1")                             \
    X(forget, "DELETE FROM private_answer WHERE token=?1")                                         \
    X(spend, "UPDATE token_privacy SET spent=spent+?2 WHERE id=?1")                                \
    X(keep, "INSERT INTO private_answer(token,question,body) VALUES(?1,?2,?3)")
#define BUDGET_STMT(name, sql) sqlite3_stmt *name;

struct candor_budget {
    candor_mutex *lock; /* guards all */
    sqlite3 *db;
    struct {
        BUDGET_SQL(BUDGET_STMT)
    } q;
};

void candor_budget_close(candor_budget *b)
{
    if (b == NULL) return;
#define BUDGET_FINALIZE(name, sql) sqlite3_finalize(b->q.name);
    BUDGET_SQL(BUDGET_FINALIZE)
    if (b->db != NULL) sqlite3_close(b->db);
    candor_mutex_free(b->lock);
    free(b);
}

candor_status candor_budget_open(const char *db_path, const candor_db_key *key, candor_budget **out,
                                 candor_err *err)
{
    candor_budget *b = calloc(1, sizeof *b);
    candor_status st = CANDOR_NOMEM;
    *out = NULL;
    if (b != NULL) st = candor_mutex_new(&b->lock);
    if (st != CANDOR_OK) {
        free(b);
        return candor_fail(err, st, 0, "open the budgets", NULL);
    }
    st = candor_db_open(db_path, key, true, BUDGET_CACHE_KIB, &b->db, err);
    if (st == CANDOR_OK) st = candor_db_create_schema(b->db, err);
#define BUDGET_PREPARE(name, sql)                                                                  \
    if (st == CANDOR_OK) st = candor_db_prepare(b->db, sql, &b->q.name, err);
    BUDGET_SQL(BUDGET_PREPARE)
    if (st != CANDOR_OK)
        candor_budget_close(b);
    else
        *out = b;
    return st;
}

static int64_t period_of(const candor_privacy *p, int64_t now_ms)
{
    return p->renew_days != 0 ? candor_floor_div(now_ms, CANDOR_DAY_MS) / p->renew_days : 0;
}

/* Renews what is due: *fresh says that its answers no longer count. A clock that was set back does
 * not renew. */
static candor_status read_account(candor_budget *b, const char *token, const candor_privacy *p,
                                  int64_t now_ms, candor_account *out, bool *fresh, candor_err *err)
{
    sqlite3_stmt *q = b->q.account;
    int64_t now = period_of(p, now_ms), kept = 0;
    candor_status st = CANDOR_OK;
    *out = (candor_account){0};
    candor_db_bind_text(q, 1, candor_bytes_str(token));
    if (sqlite3_step(q) == SQLITE_ROW) {
        kept = sqlite3_column_int64(q, 0);
        out->spent_milli = (uint32_t)sqlite3_column_int64(q, 1);
    } else {
        st = candor_fail(err, CANDOR_CORRUPT, 0, "read the budget", "token %s has none", token);
    }
    sqlite3_reset(q);
    *fresh = now > kept && p->renew_days != 0;
    if (*fresh) out->spent_milli = 0;
    if (!*fresh) now = kept;
    if (p->renew_days != 0) out->renews_ms = (now + 1) * p->renew_days * CANDOR_DAY_MS;
    return st;
}

static bool affords(const candor_privacy *p, const candor_account *a)
{
    return (uint64_t)a->spent_milli + p->epsilon_milli <= p->budget_milli;
}

static candor_status find(candor_budget *b, const char *token,
                          const unsigned char question[CANDOR_SHA256_SIZE], candor_buf *answer,
                          candor_err *err)
{
    sqlite3_stmt *q = b->q.find;
    candor_status st = CANDOR_NOTFOUND;
    int rc;
    candor_db_bind_text(q, 1, candor_bytes_str(token));
    sqlite3_bind_blob(q, 2, question, CANDOR_SHA256_SIZE, SQLITE_STATIC);
    rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        st = CANDOR_OK;
        candor_buf_put_bytes(answer, candor_db_column(q, 0));
        if (answer->failed) st = candor_fail(err, CANDOR_NOMEM, 0, "read an answer", NULL);
    } else if (rc != SQLITE_DONE) {
        st = candor_db_fail(b->db, "read an answer", err);
    }
    sqlite3_reset(q);
    return st;
}

candor_status candor_budget_find(candor_budget *b, const char *token, const candor_privacy *p,
                                 int64_t now_ms, const unsigned char question[CANDOR_SHA256_SIZE],
                                 candor_buf *answer, candor_account *out, candor_err *err)
{
    candor_status st;
    bool fresh;
    candor_mutex_lock(b->lock);
    st = read_account(b, token, p, now_ms, out, &fresh, err);
    if (st == CANDOR_OK) st = fresh ? CANDOR_NOTFOUND : find(b, token, question, answer, err);
    if (st == CANDOR_NOTFOUND && !affords(p, out)) st = CANDOR_LIMIT;
    candor_mutex_unlock(b->lock);
    return st;
}

static candor_status renew(candor_budget *b, const char *token, const candor_privacy *p,
                           int64_t now_ms, candor_err *err)
{
    candor_status st;
    candor_db_bind_text(b->q.renew, 1, candor_bytes_str(token));
    sqlite3_bind_int64(b->q.renew, 2, period_of(p, now_ms));
    st = candor_db_run(b->q.renew, "renew the budget", err);
    if (st != CANDOR_OK) return st;
    candor_db_bind_text(b->q.forget, 1, candor_bytes_str(token));
    return candor_db_run(b->q.forget, "renew the budget", err);
}

static candor_status pay(candor_budget *b, const char *token, const candor_privacy *p,
                         const unsigned char question[CANDOR_SHA256_SIZE], const candor_buf *answer,
                         candor_err *err)
{
    candor_status st;
    candor_db_bind_text(b->q.spend, 1, candor_bytes_str(token));
    sqlite3_bind_int64(b->q.spend, 2, p->epsilon_milli);
    st = candor_db_run(b->q.spend, "charge the budget", err);
    if (st != CANDOR_OK) return st;
    candor_db_bind_text(b->q.keep, 1, candor_bytes_str(token));
    sqlite3_bind_blob(b->q.keep, 2, question, CANDOR_SHA256_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(b->q.keep, 3, answer->p, (int)answer->n, SQLITE_STATIC);
    return candor_db_run(b->q.keep, "keep an answer", err);
}

/* Within the transaction. */
static candor_status spend(candor_budget *b, const char *token, const candor_privacy *p,
                           int64_t now_ms, const unsigned char question[CANDOR_SHA256_SIZE],
                           candor_buf *answer, bool *paid, candor_account *out, candor_err *err)
{
    candor_buf known = {0};
    bool fresh = false;
    candor_status st = read_account(b, token, p, now_ms, out, &fresh, err);
    if (st == CANDOR_OK && fresh) st = renew(b, token, p, now_ms, err);
    if (st == CANDOR_OK) st = find(b, token, question, &known, err);
    if (st == CANDOR_OK) {
        candor_buf_free(answer);
        *answer = known;
        return CANDOR_OK;
    }
    candor_buf_free(&known);
    if (st == CANDOR_NOTFOUND) st = affords(p, out) ? CANDOR_OK : CANDOR_LIMIT;
    if (st == CANDOR_OK) st = pay(b, token, p, question, answer, err);
    if (st == CANDOR_OK) out->spent_milli += p->epsilon_milli;
    *paid = st == CANDOR_OK;
    return st;
}

candor_status candor_budget_spend(candor_budget *b, const char *token, const candor_privacy *p,
                                  int64_t now_ms, const unsigned char question[CANDOR_SHA256_SIZE],
                                  candor_buf *answer, bool *paid, candor_account *out,
                                  candor_err *err)
{
    candor_status st;
    *paid = false;
    candor_mutex_lock(b->lock);
    st = candor_db_exec(b->db, "BEGIN IMMEDIATE", err);
    if (st == CANDOR_OK) {
        st = spend(b, token, p, now_ms, question, answer, paid, out, err);
        if (st == CANDOR_OK) st = candor_db_exec(b->db, "COMMIT", err);
        if (st != CANDOR_OK) sqlite3_exec(b->db, "ROLLBACK", NULL, NULL, NULL);
    }
    candor_mutex_unlock(b->lock);
    return st;
}
