/* When the service level calls for a person: burn-rate rules, and when they fire and recover. Pure.
 * Layer: central. Threads: one owner. */
#ifndef CANDOR_CENTRAL_ALERT_RULE_H
#define CANDOR_CENTRAL_ALERT_RULE_H

#include "central/slo.h"

#define CANDOR_ALERT_CALM 3 /* looks in a row below the threshold, until it is over */

/* X(ID, name, hours, burn): the windows and rates of the SRE workbook for a budget of 30 days. */
#define CANDOR_ALERT_RULES(X)                                                                      \
    X(FAST, "fast_burn", 1, 14.4)                                                                  \
    X(MEDIUM, "medium_burn", 6, 6.0)                                                               \
    X(SLOW, "slow_burn", 72, 1.0)
#define CANDOR_ALERT_AS_ENUM(id, name, hours, burn) CANDOR_ALERT_##id,
typedef enum candor_alert_id {
    CANDOR_ALERT_RULES(CANDOR_ALERT_AS_ENUM) CANDOR_ALERT_COUNT
} candor_alert_id;

typedef struct candor_alert_rule {
    const char *name;
    int hours;
    double burn;
} candor_alert_rule;
extern const candor_alert_rule candor_alert_rules[CANDOR_ALERT_COUNT];

typedef struct candor_alert_state {
    bool firing;
    int64_t since_ms; /* of firing */
    unsigned calm;    /* looks below the threshold since */
} candor_alert_state;

typedef enum candor_alert_turn {
    CANDOR_ALERT_STAYS,
    CANDOR_ALERT_FIRES,
    CANDOR_ALERT_RECOVERS
} candor_alert_turn;

/* One look. Fewer sessions than min_sessions cannot start an alert; they can end one. */
candor_alert_turn candor_alert_step(const candor_alert_rule *rule, candor_alert_state *state,
                                    const candor_slo *seen, double target, uint64_t min_sessions,
                                    int64_t now_ms);
/* Of the Standard Webhooks: {"type":"slo.breached","timestamp":...,"data":{...}}; or slo.recovered.
 */
void candor_alert_write(const candor_alert_rule *rule, const candor_alert_state *state,
                        candor_alert_turn turn, const candor_slo *seen, double target,
                        int64_t now_ms, candor_buf *out);

#endif
