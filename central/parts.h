/* What every command that works on a data directory opens: the lock, schema, secrets and stores.
 * The rest of a server, its doors, is serve's own. Layer: central. Threads: main. */
#ifndef CANDOR_CENTRAL_PARTS_H
#define CANDOR_CENTRAL_PARTS_H

#include "central/server.h"

typedef struct candor_parts {
    char db_path[CANDOR_PATH_MAX]; /* of events.db */
    candor_file *lock;
} candor_parts;

/* s->config and s->log are set. CANDOR_BUSY: another process has the directory. To be closed also
 * after a failure. */
CANDOR_CHECK candor_status candor_parts_open(candor_server *s, candor_parts *p, candor_err *err);
/* The directory's lock alone. */
CANDOR_CHECK candor_status candor_parts_lock(const char *data, candor_file **out, candor_err *err);
void candor_parts_close(candor_server *s, candor_parts *p);
/* A file of 32 bytes in the data directory or --keys. CANDOR_CORRUPT: it has another size. */
CANDOR_CHECK candor_status candor_parts_read_key(const char *dir, const char *name,
                                                 unsigned char out[32], candor_err *err);
/* The public key that receipts of this data directory verify with. */
CANDOR_CHECK candor_status candor_parts_receipt_key(const char *data, unsigned char key[32],
                                                    candor_err *err);
/* What signs alerts; made when missing. */
CANDOR_CHECK candor_status candor_parts_alert_secret(const char *data, unsigned char out[32],
                                                     candor_err *err);

#endif
