/* Settings that change while the client runs (candor_configure). Layer: client. Threads: the
 * worker.
 */
#ifndef CANDOR_CLIENT_CONFIGURE_H
#define CANDOR_CLIENT_CONFIGURE_H

#include "client/client.h"

/* Take over job->settings and answer {"changed":[..],"needs_restart":[..]}. */
void candor_configure_run(candor_client *c, candor_command *job);

#endif
