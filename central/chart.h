/* What the chart of an event type counts an event as: read from a payload, the same for every
 * store. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_CHART_H
#define CANDOR_CENTRAL_CHART_H

#include "central/store/histogram.h"
#include "contract/schema.h"

#define CANDOR_CHART_TEXT 4096 /* of a value, unescaped; a longer one is "(none)" */

static inline bool candor_chart_has(const candor_event_def *def)
{
    return def != NULL && (def->chart_by != NULL || def->chart_histogram != NULL);
}

/* The `by` value as it stands in the payload, escapes left in; without bytes: absent. *bucket: of
 * the `histogram` value, or CANDOR_NO_BUCKET. */
candor_bytes candor_chart_find(const candor_event_def *def, candor_bytes payload, uint32_t *bucket);
/* The name of an event's group, from its `by` value without escapes. */
candor_bytes candor_chart_group_name(const candor_event_def *def, candor_bytes value);
/* Both at once, of an event that is stored; storage holds what had escapes. */
candor_bytes candor_chart_read(const candor_event_def *def, candor_bytes payload,
                               char storage[CANDOR_CHART_TEXT], uint32_t *bucket);

#endif
