#include "central/alert_rule.h"

#include "base/json.h"
#include "base/uuid.h"

#define CANDOR_ALERT_AS_RULE(id, name, hours, burn) {name, hours, burn},
const candor_alert_rule candor_alert_rules[CANDOR_ALERT_COUNT] = {
    CANDOR_ALERT_RULES(CANDOR_ALERT_AS_RULE)};

candor_alert_turn candor_alert_step(const candor_alert_rule *rule, candor_alert_state *state,
                                    const candor_slo *seen, double target, uint64_t min_sessions,
                                    int64_t now_ms)
{
    /* 1 - 0.99 is a little more than 0.01. */
    bool hot = candor_slo_burn(seen, target) >= rule->burn - 1e-6;
    if (hot) state->calm = 0;
    if (hot && !state->firing && seen->sessions >= (int64_t)min_sessions) {
        state->firing = true;
        state->since_ms = now_ms;
        return CANDOR_ALERT_FIRES;
    }
    if (hot || !state->firing || ++state->calm < CANDOR_ALERT_CALM) return CANDOR_ALERT_STAYS;
    state->firing = false;
    state->calm = 0;
    return CANDOR_ALERT_RECOVERS;
}

static void put_time(candor_buf *out, const char *key, int64_t ms)
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(ms, text);
    candor_buf_putf(out, "\"%s\":\"%.*s\"", key, (int)sizeof text, text);
}

static void put_number(candor_buf *out, const char *key, double v)
{
    candor_buf_putf(out, ",\"%s\":", key);
    candor_json_put_fixed(out, v, 4);
}

/* For the person whom it wakes. */
static void put_message(const candor_alert_rule *rule, candor_alert_turn turn,
                        const candor_slo *seen, double burn, candor_buf *out)
{
    candor_buf_putf(out, ",\"message\":\"%lld of %lld sessions of the last %d h had an error: ",
                    (long long)seen->failed, (long long)seen->sessions, rule->hours);
    candor_json_put_fixed(out, burn, 1);
    candor_buf_put_bytes(out, turn == CANDOR_ALERT_FIRES
                                  ? CANDOR_LIT(" times what the target allows (alert from ")
                                  : CANDOR_LIT(" times what the target allows (recovered: below "));
    candor_json_put_fixed(out, rule->burn, 1);
    candor_buf_put_bytes(out, CANDOR_LIT(")\""));
}

void candor_alert_write(const candor_alert_rule *rule, const candor_alert_state *state,
                        candor_alert_turn turn, const candor_slo *seen, double target,
                        int64_t now_ms, candor_buf *out)
{
    double burn = candor_slo_burn(seen, target);
    candor_buf_putf(out, "{\"type\":\"slo.%s\",",
                    turn == CANDOR_ALERT_FIRES ? "breached" : "recovered");
    put_time(out, "timestamp", now_ms);
    candor_buf_putf(out,
                    ",\"data\":{\"rule\":\"%s\",\"window_hours\":%d,\"sessions\":%lld,"
                    "\"failed_sessions\":%lld",
                    rule->name, rule->hours, (long long)seen->sessions, (long long)seen->failed);
    put_number(out, "target", target);
    put_number(out, "burn_rate", burn);
    put_number(out, "threshold", rule->burn);
    candor_buf_put_c(out, ',');
    put_time(out, "since", state->since_ms);
    put_message(rule, turn, seen, burn, out);
    candor_buf_put_bytes(out, CANDOR_LIT("}}"));
}
