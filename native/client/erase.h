/* GDPR mode: while it is on no file of ours is open, and none but the consent file is left.
 * Layer: client. Threads: the worker. */
#ifndef CANDOR_CLIENT_ERASE_H
#define CANDOR_CLIENT_ERASE_H

#include "client/client.h"

/* Close the storage and delete the files if the mode is on, or was in between. asked: a call of
 * this process has put it on, so that also one that only looks deletes. */
void candor_erase_obey(candor_client *c, bool asked);
/* Delete what bears a name of ours, whoever made it. When only this process wants it, nothing goes
 * while others live. */
void candor_erase(candor_client *c, bool asked);
/* The mode is over: the storage again, with a new salt and a new session. */
void candor_erase_undo(candor_client *c);

#endif
