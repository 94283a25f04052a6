/* What the command line asks for without a client: redactText, inspect, probe. Layer: node. */
#ifndef CANDOR_NODE_TOOLS_H
#define CANDOR_NODE_TOOLS_H

#include <node_api.h>
#include <stdbool.h>

/* False with an exception pending. */
bool candor_node_tools_define(napi_env env, napi_value exports);

#endif
