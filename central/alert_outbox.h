/* Alerts on their way: on disk until the webhook took them, tried again with backoff, signed.
 * Beside them the states of the rules, so that a restart alerts nobody twice. Layer: central.
 * Threads: one owner. */
#ifndef CANDOR_CENTRAL_ALERT_OUTBOX_H
#define CANDOR_CENTRAL_ALERT_OUTBOX_H

#include "central/alert_rule.h"
#include "net/http.h"

#define CANDOR_ALERT_WAITING_MAX 32                      /* messages; the oldest goes first */
#define CANDOR_ALERT_BODY_MAX    1024                    /* bytes of a message */
#define CANDOR_ALERT_LIFE_MS     (INT64_C(3) * 86400000) /* then it is old news */
#define CANDOR_ALERT_RETRY_MS    2000                    /* doubled with each try */
#define CANDOR_ALERT_RETRY_MAX   (INT64_C(15) * 60000)
#define CANDOR_ALERT_SECRET      32 /* bytes */
#define CANDOR_ALERT_SECRET_TEXT 50 /* "whsec_" and base64, without terminator */

typedef struct candor_alert_message {
    char id[37]; /* webhook-id: the same at each try */
    int64_t tries, made_ms, next_ms;
    char body[CANDOR_ALERT_BODY_MAX]; /* a line of JSON */
} candor_alert_message;

typedef struct candor_alert_outbox {
    const char *path; /* borrowed */
    candor_alert_state states[CANDOR_ALERT_COUNT];
    candor_alert_message messages[CANDOR_ALERT_WAITING_MAX];
    unsigned n;
    uint64_t dropped; /* found no place, or grew too old */
} candor_alert_outbox;

/* A file that is no such file is set aside as <path>.bad: alerts start anew. */
CANDOR_CHECK candor_status candor_alert_load(candor_alert_outbox *o, const char *path,
                                             candor_err *err);
CANDOR_CHECK candor_status candor_alert_save(const candor_alert_outbox *o, candor_err *err);
CANDOR_CHECK candor_status candor_alert_add(candor_alert_outbox *o, candor_bytes body,
                                            int64_t now_ms, candor_err *err);
/* Let go of what is too old; then the first that may be sent now, or NULL. *wait_ms: until the next
 * one; left alone without one. */
candor_alert_message *candor_alert_due(candor_alert_outbox *o, int64_t now_ms, int64_t *wait_ms);
void candor_alert_done(candor_alert_outbox *o, candor_alert_message *m);
void candor_alert_again(candor_alert_message *m, int64_t retry_after_ms, double jitter,
                        int64_t now_ms);
/* webhook-signature of the Standard Webhooks (https://www.standardwebhooks.com): "v1," and the
 * base64 of the HMAC-SHA256 of "<id>.<timestamp>.<body>". */
CANDOR_CHECK candor_status candor_alert_sign(const unsigned char secret[CANDOR_ALERT_SECRET],
                                             const candor_alert_message *m, int64_t timestamp_s,
                                             char out[64]);
/* As libraries of the Standard Webhooks take it; terminated. */
void candor_alert_secret_text(const unsigned char secret[CANDOR_ALERT_SECRET],
                              char out[CANDOR_ALERT_SECRET_TEXT + 1]);

#endif
