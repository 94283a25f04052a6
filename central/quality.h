/* What uploads say about those who send them: the schema they were made with, and what was dropped
 * on the machine before. Since the start, in memory, bounded. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_QUALITY_H
#define CANDOR_CENTRAL_QUALITY_H

#include "central/conn.h"

#define CANDOR_QUALITY_PATH     "/api/telemetry/quality"
#define CANDOR_QUALITY_INSTALLS 4096 /* whose latest Candor-Drops is remembered */
#define CANDOR_QUALITY_SCHEMAS  64   /* what comes later counts as one */
#define CANDOR_QUALITY_REASONS  24   /* likewise */

typedef struct candor_quality candor_quality;
CANDOR_CHECK candor_status candor_quality_new(candor_quality **out);
void candor_quality_free(candor_quality *q); /* accepts NULL */

/* An upload that was stored: its Candor-Schema-Hash, and its Candor-Drops of this sender, which are
 * sums of all time, so that the latest says everything. */
void candor_quality_note(candor_conn *c, size_t events);
/* "reason=12;other_reason=3": the next pair. False at the end, or at what is no pair. */
bool candor_drops_take(candor_bytes *list, candor_bytes *reason, uint64_t *n);

void candor_quality_run(candor_conn *c); /* route handler */

#endif
