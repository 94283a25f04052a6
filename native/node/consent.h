/* The methods about privacy: level, GDPR mode, notice. Layer: node. */
#ifndef CANDOR_NODE_CONSENT_H
#define CANDOR_NODE_CONSENT_H

#include <node_api.h>
#include <stdbool.h>

/* Add setLevel, setGdpr and acknowledgeNotice to exports. False with an exception pending. */
bool candor_node_consent_define(napi_env env, napi_value exports);

#endif
