/* Rest: a directory that holds nothing to recover, send or delete needs no database. state.db stays
 * closed, which spares a process that records nothing SQLite's memory and work, until there is an
 * event, a call, or somebody's change of consent. Layer: client. Threads: the worker. */
#ifndef CANDOR_CLIENT_REST_H
#define CANDOR_CLIENT_REST_H

#include "client/store.h"

/* Whether the client may rest. Its own segments are there, nothing else is open. */
bool candor_rest_possible(candor_client *c);
/* What needs the database: a record, a call, content to be taken, a copy of what was sent that is
 * too old by now. Consent ends a rest on its own. */
bool candor_rest_is_over(candor_client *c);
/* When that copy is (unix ms); INT64_MAX: there is none. */
int64_t candor_rest_due_ms(const candor_client *c);
/* Nothing was counted since open: there is nothing that state.db must learn. */
bool candor_rest_undisturbed(candor_client *c);

/* Sums that wait for the end of their day are in state.db alone. A file beside it says that there
 * are some. Called after they were committed: a crash in between leaves the segment they came from,
 * and with it a directory that does not rest. */
void candor_rest_mark_rollups(const candor_store *s);
/* Make the mark true: state.db is open now. Other processes may add sums meanwhile, and mark them.
 */
void candor_rest_settle_rollups(const candor_store *s);

#endif
