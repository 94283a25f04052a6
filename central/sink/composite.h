/* One sink that acknowledges and answers, and others that follow it, each behind a queue of its
 * own: a dead one stops nobody. Layer: central. Threads: as sink.h. */
#ifndef CANDOR_CENTRAL_SINK_COMPOSITE_H
#define CANDOR_CENTRAL_SINK_COMPOSITE_H

#include "central/sink/mirror.h"

/* Takes primary over, also when it fails. */
CANDOR_CHECK candor_status candor_composite_open(candor_sink *primary,
                                                 const candor_mirror_settings *others, size_t n,
                                                 candor_sink **out, candor_err *err);
size_t candor_composite_others(const candor_sink *s);
void candor_composite_measure(const candor_sink *s, size_t i, candor_mirror_counters *out);

#endif
