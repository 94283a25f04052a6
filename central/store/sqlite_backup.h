/* Copies of a database that is in use. A backup is a database file of its own: the pages of one
 * moment, and a table `backup` that says what it is and holds the keys that go with the data.
 * Layer: central. Threads: one a call. */
#ifndef CANDOR_CENTRAL_SQLITE_BACKUP_H
#define CANDOR_CENTRAL_SQLITE_BACKUP_H

#include "central/store/db_key.h"
#include "plat/plat.h"

#define CANDOR_BACKUP_KEY 32

typedef enum candor_backup_kind { CANDOR_BACKUP_EVENTS, CANDOR_BACKUP_TEXTS } candor_backup_kind;

typedef struct candor_backup_info {
    candor_backup_kind kind;
    int64_t created_ms;
    uint64_t rows;                                                            /* events or texts */
    unsigned char pepper[CANDOR_BACKUP_KEY], receipt_seed[CANDOR_BACKUP_KEY]; /* of events */
} candor_backup_info;

/* key: of the databases and their copies, as one opens both; see db_key.h.
 * Called between two steps: what is done, of how many pages. */
typedef void candor_backup_progress(void *ctx, uint64_t done, uint64_t pages);

/* The pages of `from` as they are now, into the new file `to`. Others write to `from` meanwhile;
 * they wait for nothing, but its log is not emptied before the copy is done. */
CANDOR_CHECK candor_status candor_backup_copy(const char *from, const char *to,
                                              const candor_db_key *key,
                                              candor_backup_progress *progress, void *ctx,
                                              candor_err *err);
/* Make the copy a backup: info->kind, created_ms and keys in, rows out. Checks it whole. */
CANDOR_CHECK candor_status candor_backup_seal(const char *path, const candor_db_key *key,
                                              candor_backup_info *info, candor_err *err);
/* Is it a whole backup of that kind, of a format that this version reads? The file is not changed.
 */
CANDOR_CHECK candor_status candor_backup_check(const char *path, const candor_db_key *key,
                                               candor_backup_kind kind, candor_backup_info *out,
                                               candor_err *err);
/* Make a copy of a backup a database again. */
CANDOR_CHECK candor_status candor_backup_unseal(const char *path, const candor_db_key *key,
                                                candor_err *err);
/* Give a copy another key, in steps that only a copy survives being stopped in; checks it whole. */
CANDOR_CHECK candor_status candor_backup_rekey(const char *path, const candor_db_key *from,
                                               const candor_db_key *to, candor_err *err);

#endif
