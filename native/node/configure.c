#include "node/configure.h"

#include "base/json.h"
#include "node/convert.h"
#include "node/promise.h"

static void run_configure(candor_client *core, void *arg, candor_done done, void *ctx)
{
    const candor_buf *options = arg;
    candor_err err = {0};
    candor_buf json = {0};
    candor_status st = candor_configure(core, candor_buf_bytes(options), done, ctx, &err);
    if (st == CANDOR_OK) return;
    candor_buf_put_bytes(&json, CANDOR_LIT("{\"error\":"));
    candor_json_put_string(
        &json, candor_bytes_str(err.text[0] != '\0' ? err.text : candor_status_text(st)));
    candor_buf_put_c(&json, '}');
    done(ctx, st, candor_buf_bytes(&json));
    candor_buf_free(&json);
}

/* configure(handle, optionsJson) -> promise of JSON */
static napi_value configure(napi_env env, napi_callback_info info)
{
    napi_value argv[2];
    napi_value out = NULL;
    candor_buf options = {0};
    if (!candor_node_args(env, info, 2, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c != NULL && candor_node_get_string(env, argv[1], "options", &options))
        out = candor_node_promise(env, c, run_configure, &options);
    candor_buf_free(&options);
    return out;
}

bool candor_node_configure_define(napi_env env, napi_value exports)
{
    const napi_property_descriptor method = {"configure", NULL, configure,       NULL,
                                             NULL,        NULL, napi_enumerable, NULL};
    return candor_node_ok(env, napi_define_properties(env, exports, 1, &method),
                          "define configure");
}
