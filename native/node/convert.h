/* Between JavaScript values and ours, and the one way an error reaches JavaScript.
 * Layer: node. Threads: the environment's own thread. */
#ifndef CANDOR_NODE_CONVERT_H
#define CANDOR_NODE_CONVERT_H

#include <node_api.h>

#include "base/bytes.h"

/* True for napi_ok. Otherwise a JavaScript exception is pending afterwards: the one that was there,
 * or an Error with code ERR_CANDOR_NATIVE that names `op` (static text). */
bool candor_node_ok(napi_env env, napi_status status, const char *op);

/* Throw an Error with this code and message. */
void candor_node_throw(napi_env env, const char *code, const char *message);

/* Throw what a failed core call left: code ERR_CANDOR_<STATUS NAME>, message the sentence in err.
 */
void candor_node_throw_status(napi_env env, candor_status status, const candor_err *err);

/* The same as a value, for a promise. Returns false with an exception pending. */
bool candor_node_error(napi_env env, candor_status status, const char *message, napi_value *out);

/* Append the UTF-8 of a string argument to out; lone surrogates become U+FFFD. False: not a string,
 * or no memory; an exception is pending. */
bool candor_node_get_string(napi_env env, napi_value v, const char *name, candor_buf *out);

/* New string from UTF-8; NULL with an exception pending. */
napi_value candor_node_string(napi_env env, candor_bytes text);

/* Exactly `want` arguments, or a TypeError is pending and false is returned. */
bool candor_node_args(napi_env env, napi_callback_info info, size_t want, napi_value *argv);

#endif
