#include "central/alert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "central/alert_outbox.h"
#include "central/parts.h"
#include "net/url.h"

#define STATE_FILE "alerts"
#define TOTAL_MS   15000u /* a request */
#define ANSWER_MAX 4096u
#define HOUR_MS    INT64_C(3600000)
#define LOOK_REST  20 /* times as long as a look took, until the next one */

typedef struct measure {
    candor_query query; /* first: the store's query is one of it */
    candor_alerts *alerts;
    int64_t now_ms;
    uint64_t took_ns;
    candor_slo seen[CANDOR_ALERT_COUNT];
    candor_status status;
    candor_err err;
    bool waiting, done; /* under the mutex: with the store; back from it */
} measure;

/* What the metrics show. */
typedef struct shown {
    bool known, firing[CANDOR_ALERT_COUNT];
    double burn[CANDOR_ALERT_COUNT];
    uint64_t looks, sent, failed, dropped, waiting;
} shown;

struct candor_alerts {
    candor_server *server;
    double target;
    char path[CANDOR_PATH_MAX];
    unsigned char secret[CANDOR_ALERT_SECRET];
    candor_alert_outbox outbox;
    candor_http *http;
    candor_waker *waker;
    candor_thread *thread;
    atomic_bool stop;
    candor_alert_message *sending; /* in the outbox */
    int64_t next_look_ns;
    bool said_not_measured, said_not_saved;
    candor_mutex *mutex; /* over measure.waiting, measure.done and shown */
    measure measure;
    shown shown;
};

static void say(candor_alerts *a, candor_log_level level, const char *event, const candor_err *err)
{
    char text[256];
    candor_err_describe(err, text, sizeof text);
    candor_log_say(&a->server->log, level, event, text);
}

/* --- looking: on a query thread of the store ------------------------------------------------ */

static void measure_run(candor_query *q, candor_reader *r)
{
    measure *m = (measure *)(void *)q;
    candor_alerts *a = m->alerts;
    const uint64_t begin_ns = candor_clock_mono_ns();
    unsigned i;
    m->status = r != NULL ? CANDOR_OK : CANDOR_IO;
    for (i = 0; i < CANDOR_ALERT_COUNT && m->status == CANDOR_OK; i++)
        m->status = candor_slo_measure(a->server->store, r,
                                       m->now_ms - candor_alert_rules[i].hours * HOUR_MS,
                                       m->now_ms + 1, &m->seen[i], &m->err);
    m->took_ns = candor_clock_mono_ns() - begin_ns;
    candor_mutex_lock(a->mutex);
    m->done = true;
    candor_waker_wake(a->waker);
    candor_mutex_unlock(a->mutex);
}

static void look(candor_alerts *a)
{
    measure *m = &a->measure;
    memset(m, 0, sizeof *m);
    m->alerts = a;
    m->now_ms = candor_clock_unix_ms();
    m->query.run = measure_run;
    m->waiting = true;
    /* Full: too many queries wait. The next look will do. */
    if (a->server->store->ops->query(a->server->store, &m->query) != CANDOR_OK) m->waiting = false;
}

/* Whether a measure came back, and takes it back. */
static bool looked(candor_alerts *a)
{
    bool done;
    candor_mutex_lock(a->mutex);
    done = a->measure.waiting && a->measure.done;
    if (done) a->measure.waiting = false;
    candor_mutex_unlock(a->mutex);
    return done;
}

/* --- deciding ------------------------------------------------------------------------------- */

static void log_turn(candor_alerts *a, const candor_alert_rule *rule, candor_alert_turn turn,
                     const candor_slo *seen)
{
    bool fires = turn == CANDOR_ALERT_FIRES;
    candor_log_line line;
    candor_log_begin(&line, fires ? CANDOR_LOG_WARN : CANDOR_LOG_INFO,
                     fires ? "slo_breached" : "slo_recovered");
    candor_log_text(&line, "rule", rule->name);
    candor_log_number(&line, "sessions", seen->sessions);
    candor_log_number(&line, "failed_sessions", seen->failed);
    candor_log_end(&a->server->log, &line, fires ? CANDOR_LOG_WARN : CANDOR_LOG_INFO);
}

static void enqueue(candor_alerts *a, const candor_alert_rule *rule,
                    const candor_alert_state *state, candor_alert_turn turn, const candor_slo *seen)
{
    candor_buf body = {0};
    candor_err err = {0};
    candor_status st;
    if (*a->server->config.alert_url == '\0') return;
    candor_alert_write(rule, state, turn, seen, a->target, a->measure.now_ms, &body);
    st = body.failed
             ? candor_fail(&err, CANDOR_NOMEM, 0, "alerts", NULL)
             : candor_alert_add(&a->outbox, candor_buf_bytes(&body), a->measure.now_ms, &err);
    if (st != CANDOR_OK) say(a, CANDOR_LOG_ERROR, "alert_lost", &err);
    candor_buf_free(&body);
}

static void save(candor_alerts *a)
{
    candor_err err = {0};
    bool ok = candor_alert_save(&a->outbox, &err) == CANDOR_OK;
    if (!ok && !a->said_not_saved) say(a, CANDOR_LOG_ERROR, "alerts_not_saved", &err);
    a->said_not_saved = !ok;
}

static void decide(candor_alerts *a)
{
    const measure *m = &a->measure;
    bool changed = false;
    unsigned i;
    if (m->status != CANDOR_OK) {
        const bool stays = m->status == CANDOR_NOTFOUND || m->status == CANDOR_TIMEOUT;
        if (stays && a->said_not_measured) return;
        a->said_not_measured = stays; /* of the sink and its size: it will be so again */
        say(a, CANDOR_LOG_WARN, "slo_not_measured", &m->err);
        return;
    }
    a->said_not_measured = false;
    for (i = 0; i < CANDOR_ALERT_COUNT; i++) {
        const candor_alert_rule *rule = &candor_alert_rules[i];
        candor_alert_state *state = &a->outbox.states[i];
        candor_alert_state before = *state;
        candor_alert_turn turn = candor_alert_step(rule, state, &m->seen[i], a->target,
                                                   a->server->config.alert_min_sessions, m->now_ms);
        changed = changed || memcmp(&before, state, sizeof before) != 0;
        if (turn == CANDOR_ALERT_STAYS) continue;
        log_turn(a, rule, turn, &m->seen[i]);
        enqueue(a, rule, state, turn, &m->seen[i]);
    }
    if (changed) save(a);
}

static void show(candor_alerts *a, bool measured)
{
    unsigned i;
    candor_mutex_lock(a->mutex);
    a->shown.dropped = a->outbox.dropped;
    a->shown.waiting = a->outbox.n;
    if (measured) a->shown.looks++;
    for (i = 0; measured && i < CANDOR_ALERT_COUNT; i++) {
        a->shown.known = true;
        a->shown.firing[i] = a->outbox.states[i].firing;
        a->shown.burn[i] = candor_slo_burn(&a->measure.seen[i], a->target);
    }
    candor_mutex_unlock(a->mutex);
}

/* --- sending -------------------------------------------------------------------------------- */

static candor_status post(candor_alerts *a, const candor_alert_message *m, candor_err *err)
{
    int64_t now_s = candor_clock_unix_ms() / 1000;
    char timestamp[24], signature[64];
    const candor_http_header headers[] = {{"Content-Type", "application/json"},
                                          {"webhook-id", m->id},
                                          {"webhook-timestamp", timestamp},
                                          {"webhook-signature", signature}};
    const candor_http_request r = {"POST", a->server->config.alert_url, headers, 4,
                                   candor_bytes_str(m->body)};
    candor_status st = candor_alert_sign(a->secret, m, now_s, signature);
    snprintf(timestamp, sizeof timestamp, "%" PRId64, now_s);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "alerts", NULL);
    return candor_http_start(a->http, &r, err);
}

static double jitter(void)
{
    unsigned char b[2] = {0};
    return candor_random(b, sizeof b) == CANDOR_OK ? (double)(b[0] << 8 | b[1]) / 65536 : 1;
}

static void not_delivered(candor_alerts *a, candor_alert_message *m, int64_t retry_after_ms,
                          const char *why)
{
    candor_mutex_lock(a->mutex);
    a->shown.failed++;
    candor_mutex_unlock(a->mutex);
    candor_log_say(&a->server->log, CANDOR_LOG_WARN, "alert_not_delivered", why);
    candor_alert_again(m, retry_after_ms, jitter(), candor_clock_unix_ms());
    save(a);
}

static void answered(candor_alerts *a, const candor_http_response *r)
{
    candor_alert_message *m = a->sending;
    char why[64];
    a->sending = NULL;
    if (r->status == CANDOR_OK && r->code >= 200 && r->code < 300) {
        candor_alert_done(&a->outbox, m);
        candor_mutex_lock(a->mutex);
        a->shown.sent++;
        candor_mutex_unlock(a->mutex);
        save(a);
        return;
    }
    snprintf(why, sizeof why, "the webhook answered %d; it is tried again", r->code);
    not_delivered(a, m, r->retry_after_ms, r->status == CANDOR_OK ? why : r->error);
}

static void send_due(candor_alerts *a, int64_t *wait_ms)
{
    candor_err err = {0};
    uint64_t dropped = a->outbox.dropped;
    candor_alert_message *m = candor_alert_due(&a->outbox, candor_clock_unix_ms(), wait_ms);
    if (a->outbox.dropped != dropped) save(a);
    if (m == NULL) return;
    if (post(a, m, &err) == CANDOR_OK) {
        a->sending = m;
    } else {
        char text[256];
        candor_err_describe(&err, text, sizeof text);
        not_delivered(a, m, -1, text);
    }
}

/* --- the thread ----------------------------------------------------------------------------- */

static int64_t until_look(candor_alerts *a)
{
    int64_t left = (a->next_look_ns - (int64_t)candor_clock_mono_ns()) / 1000000;
    if (left > 0) return left + 1;
    a->next_look_ns =
        (int64_t)candor_clock_mono_ns() + (int64_t)a->server->config.alert_interval_s * 1000000000;
    if (!a->measure.waiting) look(a);
    return (int64_t)a->server->config.alert_interval_s * 1000;
}

/* A sink without roll-ups reads all events of a look: it gets time for others in between. */
static void rest_after(candor_alerts *a)
{
    const int64_t earliest = (int64_t)(candor_clock_mono_ns() + a->measure.took_ns * LOOK_REST);
    if (a->next_look_ns < earliest) a->next_look_ns = earliest;
}

static void run(void *ctx)
{
    candor_alerts *a = ctx;
    while (!atomic_load(&a->stop)) {
        int64_t wait_ms = until_look(a);
        candor_http_response r;
        if (a->sending == NULL) send_due(a, &wait_ms);
        show(a, false);
        if (candor_http_poll(a->http, a->waker, (int)wait_ms, &r)) answered(a, &r);
        if (looked(a)) {
            bool measured = a->measure.status == CANDOR_OK;
            rest_after(a);
            decide(a);
            show(a, measured);
        }
    }
    candor_http_cancel(a->http);
    while (a->measure.waiting && !looked(a)) /* the store's query threads answer within query_ms */
        candor_waker_sleep(a->waker, 1000);
}

/* --- life ----------------------------------------------------------------------------------- */

static candor_status read_settings(candor_alerts *a, candor_err *err)
{
    const candor_config *c = &a->server->config;
    candor_status st = CANDOR_OK;
    if (!candor_slo_target(c->slo_target, &a->target) || a->target >= 1)
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--slo-target is \"%.20s\"; it takes a number from 0 to below 1, such "
                           "as 0.995",
                           c->slo_target);
    if (*c->alert_url != '\0') st = candor_url_check(c->alert_url, err);
    if (st == CANDOR_OK) st = candor_path_join(c->data, STATE_FILE, a->path, sizeof a->path, err);
    if (st == CANDOR_OK) st = candor_parts_alert_secret(c->data, a->secret, err);
    if (st == CANDOR_OK) st = candor_alert_load(&a->outbox, a->path, err);
    return st;
}

static candor_status make(candor_alerts *a, candor_err *err)
{
    const char *ca = a->server->config.alert_ca;
    const candor_http_settings http = {.user_agent = "candor-central",
                                       .ca_file = *ca != '\0' ? ca : NULL,
                                       .total_timeout_ms = TOTAL_MS,
                                       .response_max = ANSWER_MAX};
    candor_status st = read_settings(a, err);
    if (st == CANDOR_OK) st = candor_http_new(&http, &a->http, err);
    if (st == CANDOR_OK) st = candor_waker_new(&a->waker, err);
    if (st == CANDOR_OK && candor_mutex_new(&a->mutex) != CANDOR_OK)
        st = candor_fail(err, CANDOR_NOMEM, 0, "alerts", NULL);
    if (st == CANDOR_OK) st = candor_thread_start("candor-alerts", run, a, &a->thread, err);
    return st;
}

candor_status candor_alerts_start(candor_server *s, candor_alerts **out, candor_err *err)
{
    candor_alerts *a;
    candor_status st;
    *out = NULL;
    if (s->config.alert_interval_s == 0) return CANDOR_OK;
    a = calloc(1, sizeof *a);
    if (a == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "alerts", NULL);
    a->server = s;
    atomic_init(&a->stop, false);
    st = make(a, err);
    if (st == CANDOR_OK)
        *out = a;
    else
        candor_alerts_stop(a);
    return st;
}

void candor_alerts_stop(candor_alerts *a)
{
    if (a == NULL) return;
    if (a->thread != NULL) {
        atomic_store(&a->stop, true);
        candor_waker_wake(a->waker);
        candor_thread_join(&a->thread);
    }
    candor_http_free(a->http);
    if (a->waker != NULL) candor_waker_free(a->waker);
    candor_mutex_free(a->mutex);
    free(a);
}

/* --- metrics -------------------------------------------------------------------------------- */

static void put_rules(const shown *s, candor_buf *out)
{
    unsigned i;
    candor_metrics_family(out, "slo_burn_rate", "gauge",
                          "How many times faster than the target allows sessions fail, by rule.");
    for (i = 0; i < CANDOR_ALERT_COUNT; i++)
        candor_buf_putf(out, "candor_central_slo_burn_rate{rule=\"%s\"} %.4f\n",
                        candor_alert_rules[i].name, s->burn[i]);
    candor_metrics_family(out, "alert_firing", "gauge", "1 while the rule fires.");
    for (i = 0; i < CANDOR_ALERT_COUNT; i++)
        candor_buf_putf(out, "candor_central_alert_firing{rule=\"%s\"} %d\n",
                        candor_alert_rules[i].name, s->firing[i]);
}

void candor_alerts_metrics(candor_alerts *a, candor_buf *out)
{
    shown s;
    if (a == NULL) return;
    candor_mutex_lock(a->mutex);
    s = a->shown;
    candor_mutex_unlock(a->mutex);
    if (s.known) put_rules(&s, out);
    candor_metrics_single(out, "slo_looks_total", "counter", "Times that the burn rates were told.",
                          s.looks);
    candor_metrics_single(out, "alerts_sent_total", "counter", "Alerts that the webhook took.",
                          s.sent);
    candor_metrics_single(out, "alerts_failed_total", "counter",
                          "Tries to send an alert that failed.", s.failed);
    candor_metrics_single(out, "alerts_dropped_total", "counter",
                          "Alerts that grew too old or found no place.", s.dropped);
    candor_metrics_single(out, "alerts_waiting", "gauge", "Alerts on their way.", s.waiting);
}
