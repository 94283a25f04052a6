/* configure(handle, optionsJson). Layer: node. */
#ifndef CANDOR_NODE_CONFIGURE_H
#define CANDOR_NODE_CONFIGURE_H

#include <node_api.h>
#include <stdbool.h>

/* False with an exception pending. */
bool candor_node_configure_define(napi_env env, napi_value exports);

#endif
