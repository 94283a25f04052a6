/* The key of encrypted databases (docs/at-rest.md). The same objects, linked with an SQLite that
 * knows ciphers, make candor-central-encrypted; with the system's they refuse a key. Layer:
 * central. Threads: read only once it is loaded. */
#ifndef CANDOR_CENTRAL_DB_KEY_H
#define CANDOR_CENTRAL_DB_KEY_H

#include "base/status.h"

#define CANDOR_DB_KEY_HEX 64

typedef struct candor_db_key {
    char hex[CANDOR_DB_KEY_HEX + 1]; /* empty: not encrypted */
} candor_db_key;

struct sqlite3;

/* 64 hex digits in a file that is its owner's alone; path "" is no key. */
CANDOR_CHECK candor_status candor_db_key_load(const char *path, candor_db_key *out,
                                              candor_err *err);
void candor_db_key_wipe(candor_db_key *k);
/* On a connection that has not read yet. key NULL or empty: not encrypted. */
CANDOR_CHECK candor_status candor_db_key_apply(struct sqlite3 *db, const candor_db_key *key,
                                               candor_err *err);
/* From now on db is encrypted with that key; empty: no more. In no transaction and no WAL mode. */
CANDOR_CHECK candor_status candor_db_key_change(struct sqlite3 *db, const candor_db_key *key,
                                                candor_err *err);
/* Make more of err where the file turned out to be no database with this key. Returns st. */
candor_status candor_db_key_explain(candor_status st, const char *path, const candor_db_key *key,
                                    candor_err *err);

#endif
