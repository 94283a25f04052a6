/* Putting a backup in the place of a data directory's files, so that a crash at any moment leaves
 * the old ones or the new ones. Layer: central. Threads: the holder of the directory's lock. */
#ifndef CANDOR_CENTRAL_RESTORE_H
#define CANDOR_CENTRAL_RESTORE_H

#include "central/store/sqlite_backup.h"

typedef struct candor_restored {
    candor_backup_info events, texts;
    char aside[CANDOR_PATH_MAX]; /* where the files from before are */
} candor_restored;

/* with_keys: pepper and receipt.key too. texts: NULL leaves those that there are. Both files are
 * checked before anything changes. */
CANDOR_CHECK candor_status candor_restore(const char *data, bool with_keys,
                                          const candor_db_key *key, const char *events,
                                          const char *texts, candor_restored *out, candor_err *err);
/* The databases of data with another key; those with the old one are deleted at the end. */
CANDOR_CHECK candor_status candor_restore_rekey(const char *data, const candor_db_key *from,
                                                const candor_db_key *to, candor_err *err);
/* Go on with a restore that a crash interrupted after it was complete; without one, nothing. */
CANDOR_CHECK candor_status candor_restore_finish(const char *data, candor_err *err);

#endif
