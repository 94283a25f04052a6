/* Full content and keys, for JavaScript. Layer: node. Threads: the environment's own thread. */
#ifndef CANDOR_NODE_VAULT_H
#define CANDOR_NODE_VAULT_H

#include <node_api.h>
#include <stdbool.h>

/* Add setFullContent, fullContent and setKeys to exports. False with an exception pending. */
bool candor_node_vault_define(napi_env env, napi_value exports);

#endif
