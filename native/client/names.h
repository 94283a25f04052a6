/* The names of the files that this client makes. `directory` may point at a folder with a journal/
 * or spool/ of somebody else's: what does not bear one of these names is never touched.
 * Layer: client. Threads: any. */
#ifndef CANDOR_CLIENT_NAMES_H
#define CANDOR_CLIENT_NAMES_H

#include "base/bytes.h"

bool candor_name_segment(const char *name);       /* <uuid>.seg */
bool candor_name_batch(const char *name);         /* <uuid>.jsonl.gz, <uuid>.jsonl.gz.enc */
#define CANDOR_NAME_ATTACHMENT_MAX 112            /* with its terminator */
bool candor_name_attachment(const char *name);    /* <uuid>.<field>.att */
bool candor_name_vault_segment(const char *name); /* <uuid>.vseg */
/* Of the vault: <uuid>.vnew, and <attachment>.<pid>-<hex>.tmp. */
bool candor_name_vault_temporary(const char *name);
/* What a crash leaves halfway: <uuid>.new, and <segment or batch>.<pid>-<hex>.tmp. */
bool candor_name_temporary(const char *name);
/* <unix ms>-<segment, batch or database> */
bool candor_name_quarantined(const char *name);

#endif
