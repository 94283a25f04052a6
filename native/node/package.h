/* Uploads with options, export, ledger and mode, for js/client.js. Layer: node. */
#ifndef CANDOR_NODE_PACKAGE_H
#define CANDOR_NODE_PACKAGE_H

#include <node_api.h>

/* False with an exception pending. */
bool candor_node_package_define(napi_env env, napi_value exports);

#endif
