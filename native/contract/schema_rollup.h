/* The "rollup" of an event: it is counted by local day on the machine instead of being sent. Read
 * with its event, resolved once every event is known. Private to the schema compiler.
 * Layer: contract. Threads: one owner. */
#ifndef CANDOR_CONTRACT_SCHEMA_ROLLUP_H
#define CANDOR_CONTRACT_SCHEMA_ROLLUP_H

#include "contract/schema_reader.h"
#include "contract/schema_table.h"

/* The value whose first token was just read; e gets a rollup that has names only. */
bool candor_schema_read_rollup(candor_reader *r, candor_event_def *e);
/* Find what the names of each event's rollup stand for. */
bool candor_schema_resolve_rollups(candor_reader *r, candor_event_def *events, unsigned n);
/* ,"rollup":{..} of the canonical form, or nothing. */
void candor_schema_put_rollup(candor_buf *b, const candor_schema *s, const candor_event_def *e);

#endif
