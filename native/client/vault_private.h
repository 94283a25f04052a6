/* What the vault_*.c files share. Private to them. Threads: the worker. */
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
/* A file's text: n bytes from there on into v->gz, its digest into v->sha256, its size into
 * v->size.
 */
CANDOR_CHECK candor_status candor_vault_load(candor_vault *v, const candor_vault_entry *e,
                                             size_t from, size_t n, candor_err *err);
/* The request of v->step for what is loaded. */
CANDOR_CHECK candor_status candor_vault_request(struct candor_uploader *u, candor_err *err);
/* One line of the ledger for what v->gz carried. */
void candor_vault_note(struct candor_uploader *u, int http, uint64_t accepted);
/* Bring up to date what status shows of the list. */
void candor_vault_publish(candor_vault *v);

#endif
