/* The store that the settings ask for: --sink, --sink-url, --sink-queue-bytes. Layer: central. */
#ifndef CANDOR_CENTRAL_SINK_CHOOSE_H
#define CANDOR_CENTRAL_SINK_CHOOSE_H

#include "central/config.h"
#include "central/sink/sink.h"

/* sqlite: of events.db, also when it is not chosen. One sink named sqlite is the store of
 * central/store alone; else the first sink acknowledges and answers, and the others follow. */
CANDOR_CHECK candor_status candor_sinks_open(const candor_config *cfg,
                                             const candor_sqlite_settings *sqlite,
                                             candor_store **out, candor_err *err);

#endif
