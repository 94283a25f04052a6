/* Export of what waits as one TelemetryPackage, and the upload of such a file. The worker writes
 * one batch a turn, so that batching goes on meanwhile. Layer: client. Threads: the worker. */
#ifndef CANDOR_CLIENT_EXPORT_H
#define CANDOR_CLIENT_EXPORT_H

#include "client/client.h"

/* The largest package that is sent, inflated; the collector's own limit is its
 * --max-package-inflated-bytes. */
#define CANDOR_PACKAGE_BYTES_MAX (32 * 1024 * 1024)

typedef struct candor_export_work candor_export_work;

/* EXPORT: go one step. True: the job is answered and freed. */
bool candor_export_step(candor_client *c, candor_command *job);
/* UPLOAD of a file: check it and begin its round. As candor_uploader_begin. again: another process
 * led before; the file is not read again as long as it does. */
CANDOR_CHECK candor_status candor_export_send(candor_client *c, const char *path,
                                              const char *consent, bool again);
/* UPLOAD with dry_run: answer. */
void candor_export_plan(candor_client *c, candor_command *job);

#endif
