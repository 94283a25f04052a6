/* The watch over the service level: looks at the sums every alert-interval-s, shows the burn rates
 * among the metrics, and posts to alert-url when a rule fires or recovers. Layer: central. Threads:
 * one of its own; write from any. */
#ifndef CANDOR_CENTRAL_ALERT_H
#define CANDOR_CENTRAL_ALERT_H

#include "central/server.h"

typedef struct candor_alerts candor_alerts;

/* Of s it uses config, log and store, which outlive it. *out NULL: alert-interval-s is 0.
 * CANDOR_INVALID: the settings; err says which. */
CANDOR_CHECK candor_status candor_alerts_start(candor_server *s, candor_alerts **out,
                                               candor_err *err);
void candor_alerts_stop(candor_alerts *a); /* before the store closes; accepts NULL */
/* Families of the Prometheus text; accepts NULL. */
void candor_alerts_metrics(candor_alerts *a, candor_buf *out);

#endif
