/* One client as JavaScript holds it: the `emit` function is the handle. Its callback data is the
 * client, so that the hot call passes no argument; every other method takes the function and
 * unwraps it. Layer: node. Threads: the environment's own thread, but for the completion callback
 * in promise.c. */
#ifndef CANDOR_NODE_HANDLE_H
#define CANDOR_NODE_HANDLE_H

#include <node_api.h>

#include "candor.h"

/* Per environment: the main thread and every worker thread have one of their own. */
typedef struct candor_node_env {
    uint64_t teardown_ends_ns; /* 0 until the environment ends; then the bound for all clients */
} candor_node_env;

typedef struct candor_node_client {
    candor_node_env *env_data;     /* outlives us: instance data goes last */
    candor_client *core;           /* NULL once closed */
    napi_env env;                  /* for the cleanup hook */
    napi_threadsafe_function tsfn; /* NULL once released */
    napi_ref area_ref;   /* strong: the staging area may not move or go while emit exists */
    unsigned char *area; /* V8's memory: Electron forbids external array buffers */
    unsigned owners;     /* the handle, and the threadsafe function until it is finalised */
    unsigned pending;    /* promises not settled; while > 0 the event loop stays alive */
    bool hooked;
} candor_node_client;

/* Takes core in any case. Returns {emit, area, schema}, or NULL with an exception pending and core
 * closed. */
napi_value candor_node_client_new(napi_env env, candor_client *core, napi_value schema);

/* The client behind a handle, also a closed one; NULL with an exception pending when v is not ours.
 */
candor_node_client *candor_node_client_of(napi_env env, napi_value v);

/* Close the core within timeout_ms (<0: as its settings say) and let the threadsafe function run
 * dry. Idempotent. */
void candor_node_client_close(candor_node_client *c, int timeout_ms);

/* One owner less; frees with the last. env is that of the finaliser that runs. */
void candor_node_client_release(napi_env env, candor_node_client *c);

#endif
