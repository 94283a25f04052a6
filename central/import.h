/* Files instead of requests: what an air-gapped machine exported, or a spool left behind. In:
 * NDJSON, a JSON array, or a TelemetryPackage, gzipped or not. Out: the same rows that uploading
 * them would have given, by the same parser, sanitiser, bounds and de-duplication. Layer: central.
 * Threads: one owner. */
#ifndef CANDOR_CENTRAL_IMPORT_H
#define CANDOR_CENTRAL_IMPORT_H

#include "central/metrics.h"
#include "central/server.h"

#define CANDOR_IMPORT_LINE_MAX ((size_t)1024 * 1024) /* bytes of a line of NDJSON */
#define CANDOR_IMPORT_BATCH    5000                  /* events in one commit */

typedef enum candor_import_kind {
    CANDOR_IMPORT_NDJSON,
    CANDOR_IMPORT_ARRAY,
    CANDOR_IMPORT_PACKAGE
} candor_import_kind;
const char *candor_import_kind_name(candor_import_kind k);

typedef struct candor_import_result {
    candor_import_kind kind;
    uint64_t events, accepted, duplicates, rejected;
    uint64_t reasons[CANDOR_REFUSE_COUNT]; /* of those rejected */
} candor_import_result;

typedef struct candor_import candor_import;
CANDOR_CHECK candor_status candor_import_new(candor_server *s, candor_import **out,
                                             candor_err *err);
void candor_import_free(candor_import *m); /* accepts NULL */
/* permille: how much of the file is read, or -1. */
typedef void (*candor_import_progress)(void *ctx, const candor_import_result *r, int permille);
/* path: "-" is standard input. Not OK: *out says what was stored before; of a package or an array,
 * nothing. */
CANDOR_CHECK candor_status candor_import_file(candor_import *m, const char *path,
                                              candor_import_progress progress, void *ctx,
                                              candor_import_result *out, candor_err *err);

#endif
