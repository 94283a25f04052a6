/* The exporters beside the collector: OTLP JSON into files, to standard output, or over HTTP. In:
 * batches. Layer: client. Threads: the worker.
 *
 *   file       <directory>/otlp/<UTC date>[.<n>].jsonl, a document a line, synced before the
 * journal lets go stdout     a document a line, through a bounded buffer; what does not fit is
 * dropped and counted otlp_http  batches wait in the spool and are posted, up to three documents
 * each
 *
 * At least once: what a crash between writing and noting leaves is written again, with the same
 * event ids. */
#ifndef CANDOR_CLIENT_EXPORT_OTLP_H
#define CANDOR_CLIENT_EXPORT_OTLP_H

#include "client/batch.h"
#include "client/policy.h"
#include "client/settings.h"
#include "contract/otlp.h"

#define CANDOR_OTLP_FILE_MAX                                                                       \
    (16 * 1024 * 1024) /* bytes: a file this large is followed by the next */
#define CANDOR_STDOUT_WAIT_MAX                                                                     \
    (4 * 1024 * 1024)           /* bytes that wait for a reader of standard output */
#define CANDOR_OTLP_PROGRESS 16 /* batches whose accepted documents are remembered */

/* Which documents of a batch the endpoint has dealt with, so that a retry does not repeat them. */
typedef struct candor_otlp_progress {
    char id[CANDOR_UUID_TEXT + 1];
    unsigned done; /* bits of candor_otlp_signal */
    uint64_t accepted, rejected;
} candor_otlp_progress;

typedef struct candor_exporter {
    const candor_settings *settings;
    candor_otlp otlp;
    uint64_t written, dropped; /* events, of this process */
    /* file */
    char dir[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX]; /* path: of the last write; "" before it */
    char day[11];                                     /* of path */
    unsigned number;                                  /* of path */
    uint64_t size;                                    /* of path */
    bool oldest_known;
    int64_t oldest_ms; /* the end of the oldest file's day, as of the last look; INT64_MAX: none */
    /* stdout */
    candor_buf waiting;
    size_t waiting_at;
    int pause_ms;
    uint64_t waiting_events; /* counted as written, some of them not yet */
    /* otlp_http */
    candor_otlp_progress progress[CANDOR_OTLP_PROGRESS];
    unsigned next_progress;
    candor_otlp_progress *current;
    candor_otlp_signal signal; /* in flight */
    candor_buf body;           /* in flight */
    bool made;                 /* otlp holds the documents of current */
    bool finished;             /* the last candor_exporter_next found nothing left to send */
} candor_exporter;

void candor_exporter_init(candor_exporter *x, const candor_settings *settings,
                          const candor_schema *schema, const char *dir);
void candor_exporter_deinit(candor_exporter *x); /* accepts a zeroed one */

/* Whether batches end here: file and stdout. */
bool candor_exporter_is_local(const candor_settings *settings);

/* --- file, stdout --- */
/* Write the lines of a batch; *dropped: events that found no room. */
CANDOR_CHECK candor_status candor_exporter_batch(candor_exporter *x, candor_bytes lines,
                                                 uint64_t *dropped, candor_err *err);
/* Offer standard output what waits. Milliseconds until it should be asked again, 0: nothing waits.
 * They grow while it takes nothing, so that a reader that has gone to sleep does not keep the
 * worker awake. */
int candor_exporter_pump(candor_exporter *x);
/* Forget what waits for standard output, and which file was written last. */
void candor_exporter_forget(candor_exporter *x);
/* That, and delete the files, whichever exporter is set now. */
void candor_exporter_purge(candor_exporter *x);
/* file: the end of the oldest day that has a file (unix ms); INT64_MAX: there is none. */
int64_t candor_exporter_oldest_ms(candor_exporter *x);
/* file: days that had ended before go. The caller has made sure of the clock. */
void candor_exporter_expire(candor_exporter *x, int64_t before_ms);
/* <date>.jsonl or <date>.<n>.jsonl: a name that the exporter gives. */
bool candor_exporter_names(const char *name);

/* --- otlp_http --- */
/* Begin with a batch: its next document that the endpoint has not dealt with goes into x->body,
 * compressed, and x->signal. CANDOR_NOTFOUND: there is none left. */
CANDOR_CHECK candor_status candor_exporter_next(candor_exporter *x, const char *id,
                                                candor_bytes lines, candor_err *err);
/* The answer to it. True: it is dealt with, *rejected of its events were not taken; ask for the
 * next. False: *out says that the batch has to come again. */
bool candor_exporter_answer(candor_exporter *x, const candor_http_response *r, uint64_t *rejected,
                            candor_verdict *out);
/* No document is left: what becomes of the batch. The caller counts. */
void candor_exporter_settle(candor_exporter *x, candor_verdict *out);

#endif
