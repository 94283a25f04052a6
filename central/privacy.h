/* What a token with differential privacy may ask and what it has left: docs/privacy.md.
 * Layer: central. Threads: candor_budget from any, the rest is plain data. */
#ifndef CANDOR_CENTRAL_PRIVACY_H
#define CANDOR_CENTRAL_PRIVACY_H

#include "base/bytes.h"
#include "base/digest.h"
#include "central/store/db_key.h"

#define CANDOR_PRIVACY_EPSILON_MAX   10000   /* thousandths, of one answer */
#define CANDOR_PRIVACY_BUDGET_MAX    1000000 /* thousandths */
#define CANDOR_PRIVACY_ANSWERS_MAX   1000    /* that a budget pays, and the store keeps */
#define CANDOR_PRIVACY_RENEW_MAX     3660    /* days */
#define CANDOR_PRIVACY_MIN_GROUP     20      /* default */
#define CANDOR_PRIVACY_MIN_GROUP_MAX 1000000
#define CANDOR_PRIVACY_DELTA         1e-6 /* of an answer whose group names are not public */

typedef struct candor_privacy {
    uint32_t epsilon_milli; /* of each answer; 0: answers are exact */
    uint32_t budget_milli;
    uint32_t renew_days; /* the budget is new after so many days; 0: never */
    uint32_t min_group;  /* smaller groups are not shown */
} candor_privacy;

/* The least count at which a group may be shown whose name is not public: one event alone gets
 * there with a probability of at most CANDOR_PRIVACY_DELTA. */
int64_t candor_privacy_threshold(const candor_privacy *p);
/* "0.5": three decimals at most. False: another form, or more than max. */
bool candor_milli_parse(const char *text, uint32_t max, uint32_t *out);
void candor_milli_put(candor_buf *b, uint32_t milli);
/* CANDOR_INVALID: err->text says which limit is passed. */
CANDOR_CHECK candor_status candor_privacy_check(const candor_privacy *p, candor_err *err);

/* --- the budget ----------------------------------------------------------------------------- */

typedef struct candor_budget candor_budget; /* tables of events.db */
typedef struct candor_account {
    uint32_t spent_milli;
    int64_t renews_ms; /* 0: never */
} candor_account;

CANDOR_CHECK candor_status candor_budget_open(const char *db_path, const candor_db_key *key,
                                              candor_budget **out, candor_err *err);
void candor_budget_close(candor_budget *b); /* accepts NULL */
/* The answer that was given to this question before, appended to answer. CANDOR_NOTFOUND: none, and
 * there is budget for it. CANDOR_LIMIT: none, and there is not. token: of CANDOR_TOKEN_ID digits.
 */
CANDOR_CHECK candor_status candor_budget_find(candor_budget *b, const char *token,
                                              const candor_privacy *p, int64_t now_ms,
                                              const unsigned char question[CANDOR_SHA256_SIZE],
                                              candor_buf *answer, candor_account *out,
                                              candor_err *err);
/* Pay for answer and keep it, in one durable transaction; only then it may be shown. *paid false:
 * somebody asked the same meanwhile, and answer is now what they got. CANDOR_LIMIT as above. */
CANDOR_CHECK candor_status candor_budget_spend(candor_budget *b, const char *token,
                                               const candor_privacy *p, int64_t now_ms,
                                               const unsigned char question[CANDOR_SHA256_SIZE],
                                               candor_buf *answer, bool *paid, candor_account *out,
                                               candor_err *err);

#endif
