/* Promises that the client's worker thread settles: one threadsafe function a client, which keeps
 * the event loop alive only while a promise is pending. Layer: node. */
#ifndef CANDOR_NODE_PROMISE_H
#define CANDOR_NODE_PROMISE_H

#include "node/handle.h"

/* Make c's threadsafe function, without a hold on the event loop. False with an exception pending.
 */
bool candor_node_promises_begin(napi_env env, candor_node_client *c);

/* No completion can come any more: let those that came be delivered, then be gone. */
void candor_node_promises_end(candor_node_client *c);

/* What a promise waits for; arg is the caller's own. */
typedef void (*candor_node_task)(candor_client *core, void *arg, candor_done done, void *ctx);

/* A promise of the JSON text that task reports. Rejected with a coded Error when the task fails or
 * the client is closed. NULL with an exception pending. */
napi_value candor_node_promise(napi_env env, candor_node_client *c, candor_node_task task,
                               void *arg);

#endif
