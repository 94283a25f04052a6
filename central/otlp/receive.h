/* POST /v1/logs, /v1/metrics and /v1/traces: OTLP/HTTP 1.x in protobuf and JSON, stored as events.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp. Layer: central. Threads: its loop's. */
#ifndef CANDOR_CENTRAL_OTLP_RECEIVE_H
#define CANDOR_CENTRAL_OTLP_RECEIVE_H

#include "central/conn.h"

bool candor_otlp_receive_begin(candor_conn *c);
void candor_otlp_receive_run(candor_conn *c);
/* A refusal of one of these paths becomes the Status that OTLP demands; others stay. */
void candor_otlp_explain(candor_conn *c);

#endif
