/* What the upload*.c files share. Private to them. Threads: the worker. */
#ifndef CANDOR_CLIENT_UPLOAD_PRIVATE_H
#define CANDOR_CLIENT_UPLOAD_PRIVATE_H

#include "client/upload.h"

#define CANDOR_UPLOAD_URL_SIZE 2048

/* Numbers in state.db (unix ms): what the endpoint asked for by Retry-After; our own backoff, which
 * a manual upload ignores. And the failures in a row. */
#define CANDOR_UPLOAD_ASKED_KEY    "endpoint_not_before_ms"
#define CANDOR_UPLOAD_BACKOFF_KEY  "endpoint_backoff_ms"
#define CANDOR_UPLOAD_FAILURES_KEY "endpoint_failures"

/* --- upload.c: the round --- */
/* Send the next due batch behind the current one, or end the round. */
void candor_upload_next(candor_uploader *u);
void candor_upload_end(candor_uploader *u);

/* --- upload_request.c --- */
bool candor_upload_is_otlp(const candor_uploader *u);
void candor_upload_document_url(const candor_uploader *u, char url[CANDOR_UPLOAD_URL_SIZE]);
/* Post the document that candor_exporter_next has made. */
CANDOR_CHECK candor_status candor_upload_start_document(candor_uploader *u, candor_err *err);
/* Post the batch that is loaded, or the package. */
CANDOR_CHECK candor_status candor_upload_start(candor_uploader *u, candor_err *err);
/* Read the batch's file and check that it is whole: the collector must not be the one to find out.
 */
CANDOR_CHECK candor_status candor_upload_load(candor_uploader *u, candor_err *err);
/* Nobody deletes the batch while its request may last. */
void candor_upload_lease(candor_uploader *u);

/* --- upload_answer.c --- */
/* How the round stands, for status. */
void candor_upload_put_result(candor_uploader *u, bool ok, int http);
void candor_upload_note_sent(candor_uploader *u, uint64_t rejected);

#endif
