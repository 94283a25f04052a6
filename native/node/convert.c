#include "node/convert.h"

#include <stdio.h>

bool candor_node_ok(napi_env env, napi_status status, const char *op)
{
    if (status == napi_ok) return true;
    bool pending = false;
    if (napi_is_exception_pending(env, &pending) != napi_ok || pending) return false;
    const napi_extended_error_info *info = NULL;
    const char *detail = NULL;
    if (napi_get_last_error_info(env, &info) == napi_ok && info != NULL) {
        detail = info->error_message;
    }
    char text[256];
    (void)snprintf(text, sizeof text, "%s: %s (napi_status %d)", op,
                   detail != NULL ? detail : "Node-API call failed", (int)status);
    candor_node_throw(env, "ERR_CANDOR_NATIVE", text);
    return false;
}

void candor_node_throw(napi_env env, const char *code, const char *message)
{
    /* A failure to throw means that the environment is going away: nobody is left to be told. */
    (void)napi_throw_error(env, code, message);
}

/* "ERR_CANDOR_" and the status name; INVALID reads as what it means at this boundary. */
static void code_of(candor_status status, char *out, size_t cap)
{
    const char *name = status == CANDOR_INVALID ? "INVALID_OPTION" : candor_status_name(status);
    (void)snprintf(out, cap, "ERR_CANDOR_%s", name);
}

void candor_node_throw_status(napi_env env, candor_status status, const candor_err *err)
{
    char code[64];
    char text[512];
    code_of(status, code, sizeof code);
    if (err->text[0] != '\0') {
        (void)snprintf(text, sizeof text, "%s", err->text);
    } else if (err->op != NULL) {
        candor_err_describe(err, text, sizeof text);
    } else {
        (void)snprintf(text, sizeof text, "%s", candor_status_text(status));
    }
    candor_node_throw(env, code, text);
}

bool candor_node_error(napi_env env, candor_status status, const char *message, napi_value *out)
{
    char code[64];
    code_of(status, code, sizeof code);
    napi_value code_value = NULL;
    napi_value text_value = NULL;
    return candor_node_ok(env, napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value),
                          "create error code") &&
           candor_node_ok(env, napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text_value),
                          "create error text") &&
           candor_node_ok(env, napi_create_error(env, code_value, text_value, out), "create error");
}

bool candor_node_get_string(napi_env env, napi_value v, const char *name, candor_buf *out)
{
    size_t n = 0;
    napi_status st = napi_get_value_string_utf8(env, v, NULL, 0, &n);
    if (st == napi_string_expected) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s must be a string", name);
        (void)napi_throw_type_error(env, "ERR_CANDOR_INVALID_OPTION", text);
        return false;
    }
    if (!candor_node_ok(env, st, name)) return false;
    /* Node-API writes a terminator as well. */
    if (!candor_buf_reserve(out, n + 1)) {
        candor_node_throw(env, "ERR_CANDOR_NOMEM", candor_status_text(CANDOR_NOMEM));
        return false;
    }
    size_t written = 0;
    st = napi_get_value_string_utf8(env, v, out->p + out->n, n + 1, &written);
    if (!candor_node_ok(env, st, name)) return false;
    out->n += written;
    return true;
}

napi_value candor_node_string(napi_env env, candor_bytes text)
{
    napi_value v = NULL;
    napi_status st = napi_create_string_utf8(env, text.p != NULL ? text.p : "", text.n, &v);
    return candor_node_ok(env, st, "create string") ? v : NULL;
}

bool candor_node_args(napi_env env, napi_callback_info info, size_t want, napi_value *argv)
{
    size_t n = want;
    napi_status st = napi_get_cb_info(env, info, &n, argv, NULL, NULL);
    if (!candor_node_ok(env, st, "read arguments")) return false;
    if (n >= want) return true;
    (void)napi_throw_type_error(env, "ERR_CANDOR_INVALID_OPTION", "too few arguments");
    return false;
}
