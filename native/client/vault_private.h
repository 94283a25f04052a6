/* What vault_files.c and vault_turn.c share. Private to them. Threads: the worker. */
#ifndef CANDOR_CLIENT_VAULT_PRIVATE_H
#define CANDOR_CLIENT_VAULT_PRIVATE_H

#include "client/vault.h"

/* Make files of the segment's records up to limit. *records counts those that are done. */
CANDOR_CHECK candor_status candor_vault_empty(candor_vault *v, candor_vault_segment *s,
                                              size_t limit, uint64_t *records, candor_err *err);
/* Take the own segment out, if there is one: nothing waits in it any more. */
candor_vault_segment *candor_vault_take_segment(candor_vault *v);
/* Whether another process with a vault lives. */
bool candor_vault_others_live(candor_vault *v);
/* Bring up to date what status shows of the list. */
void candor_vault_publish(candor_vault *v);

#endif
