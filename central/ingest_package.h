/* Stage 7/10: ingest of a whole TelemetryPackage (contract/package.h), a file that a person could
 * review. In: the body of POST /api/telemetry/upload. Out: one batch of its events, which go the
 * way of those of POST /api/v1/events. Its sums are not stored: the events give them again. Layer:
 * central. Threads: the connection's loop, and package_reader's for the body. */
#ifndef CANDOR_CENTRAL_INGEST_PACKAGE_H
#define CANDOR_CENTRAL_INGEST_PACKAGE_H

#include "central/conn.h"

/* Route handlers. */
bool candor_package_begin(candor_conn *c);
void candor_package_run(candor_conn *c);

#endif
