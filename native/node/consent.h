/* The methods about privacy: level, GDPR mode, notice; and what its switches share. Layer: node. */
#ifndef CANDOR_NODE_CONSENT_H
#define CANDOR_NODE_CONSENT_H

#include <node_api.h>
#include <stdbool.h>

#include "candor.h"

/* Add setLevel, setGdpr and acknowledgeNotice to exports. False with an exception pending. */
bool candor_node_consent_define(napi_env env, napi_value exports);

/* A switch of the core that the user or the host sets. */
typedef void (*candor_node_switch)(candor_client *core, bool on, candor_consent_source source,
                                   candor_done done, void *ctx);
/* The method for one: (handle, on, fromHost) -> promise of JSON. wrong: the message when `on` is no
 * boolean. */
napi_value candor_node_set(napi_env env, napi_callback_info info, candor_node_switch set,
                           const char *wrong);

#endif
