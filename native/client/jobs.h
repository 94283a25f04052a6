/* What the worker does for callers: flush, upload, purge, consent, report, preview, stats.
 * Layer: client. Threads: the worker. */
#ifndef CANDOR_CLIENT_JOBS_H
#define CANDOR_CLIENT_JOBS_H

#include "client/client.h"

/* Take new commands and advance the open ones as far as they go without waiting. */
void candor_jobs_run(candor_client *c);
/* Answer everything that is open; no command is taken afterwards. */
void candor_jobs_close(candor_client *c);
/* Whether a job waits for records to be written: batch now, whatever the thresholds say. */
bool candor_jobs_want_drain(const candor_client *c);
/* Milliseconds until a waiting job wants another look; -1: none does. */
int candor_jobs_timeout(const candor_client *c);
/* Whether what was accepted before the job's call is in the spool. */
bool candor_jobs_drained(candor_client *c, const candor_command *job);
/* A batch was written for the waiting flushes. */
void candor_jobs_note_batch(candor_client *c, const candor_batch_row *row);
/* Delete everything buffered: own journal, dead processes' segments, spool, quarantine. own: only
 * this process wants it; while others live, which consented, only its own journal goes. */
CANDOR_CHECK candor_status candor_jobs_purge(candor_client *c, bool own, uint64_t *events,
                                             candor_err *err);
/* Another process purges the directory: delete what only this one can. */
void candor_jobs_purge_journal(candor_client *c);
/* Publish what status shows. */
void candor_jobs_report(candor_client *c);
/* The worker's part of a segment's end. */
bool candor_jobs_end_segment(void *client, candor_segment *s);
/* Value of the Candor-Consent header for the decision that holds now. */
void candor_jobs_consent(candor_client *c, char *out, size_t cap);

#endif
