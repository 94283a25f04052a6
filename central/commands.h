/* The commands of candor-central. Each returns the exit code: 0 done, 1 failed, 2 wrong usage.
 * Layer: central. */
#ifndef CANDOR_CENTRAL_COMMANDS_H
#define CANDOR_CENTRAL_COMMANDS_H

#include "base/status.h"

/* In the data directory. Of pepper: losing it only means that machines look new; of receipt.key:
 * receipts given before no longer verify here. */
#define CANDOR_EVENTS_FILE "events.db"
#define CANDOR_TEXTS_FILE  "attachments.db"
#define CANDOR_PEPPER_FILE "pepper"
#define CANDOR_SEED_FILE   "receipt.key"

/* argv: what follows the command's name. */
int candor_command_serve(int argc, char *const *argv);
int candor_command_token(int argc, char *const *argv);
int candor_command_import(int argc, char *const *argv);
int candor_command_erase(int argc, char *const *argv);
int candor_command_receipt(int argc, char *const *argv);
int candor_command_alert(int argc, char *const *argv);
int candor_command_backup(int argc, char *const *argv);
int candor_command_rekey(int argc, char *const *argv);
int candor_command_restore(int argc, char *const *argv);
int candor_command_routes(int argc, char *const *argv);

/* "candor-central: <sentence>" on stderr; returns code. */
int candor_command_fail(const candor_err *err, int code);
const char *candor_command_env(void *ctx, const char *name);

/* The database file inside a data directory, which is made when missing. */
CANDOR_CHECK candor_status candor_data_open(const char *dir, char *db_path, size_t cap,
                                            candor_err *err);

#endif
