/* The methods of the native module; js/native.js is their only caller. Layer: node. */
#ifndef CANDOR_NODE_METHODS_H
#define CANDOR_NODE_METHODS_H

#include <node_api.h>

/* Set every method on exports. False with an exception pending. */
bool candor_node_methods_define(napi_env env, napi_value exports);

#endif
