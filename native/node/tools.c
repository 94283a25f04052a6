#include "node/tools.h"

#include <stdlib.h>

#include "client/inspect.h"
#include "client/probe.h"
#include "contract/redact.h"
#include "node/convert.h"

static napi_value text_or_throw(napi_env env, candor_status st, const candor_err *err,
                                const candor_buf *text)
{
    if (st == CANDOR_OK && text->failed) st = CANDOR_NOMEM;
    if (st == CANDOR_OK) return candor_node_string(env, candor_buf_bytes(text));
    candor_node_throw_status(env, st, err);
    return NULL;
}

/* redactText(text) -> text that may leave the machine */
static napi_value redact_text(napi_env env, napi_callback_info info)
{
    napi_value argv[1];
    napi_value result = NULL;
    candor_buf text = {0}, out = {0};
    candor_err err = {0};
    if (candor_node_args(env, info, 1, argv) &&
        candor_node_get_string(env, argv[0], "text", &text)) {
        (void)candor_redact(candor_buf_bytes(&text), &out);
        result = text_or_throw(env, CANDOR_OK, &err, &out);
    }
    candor_buf_free(&text);
    candor_buf_free(&out);
    return result;
}

/* inspect(directory) -> JSON of candor_inspect */
static napi_value inspect(napi_env env, napi_callback_info info)
{
    napi_value argv[1];
    napi_value result = NULL;
    candor_buf directory = {0}, out = {0};
    candor_err err = {0};
    if (candor_node_args(env, info, 1, argv) &&
        candor_node_get_string(env, argv[0], "directory", &directory)) {
        candor_buf_put_c(&directory, '\0');
        candor_status st =
            directory.failed ? CANDOR_NOMEM : candor_inspect(directory.p, &out, &err);
        result = text_or_throw(env, st, &err, &out);
    }
    candor_buf_free(&directory);
    candor_buf_free(&out);
    return result;
}

/* One probe on its way: made and freed on the JavaScript thread, run on one of libuv's pool. */
typedef struct probe_op {
    napi_deferred deferred;
    napi_async_work work;
    candor_buf options, schema_hash, out;
    candor_status status;
    candor_err err;
} probe_op;

static void probe_free(napi_env env, probe_op *op)
{
    if (op == NULL) return;
    if (op->work != NULL) (void)napi_delete_async_work(env, op->work);
    candor_buf_free(&op->options);
    candor_buf_free(&op->schema_hash);
    candor_buf_free(&op->out);
    free(op);
}

static void probe_run(napi_env env, void *data)
{
    (void)env;
    probe_op *op = data;
    op->status = candor_probe(candor_buf_bytes(&op->options), candor_buf_bytes(&op->schema_hash),
                              &op->out, &op->err);
}

static void probe_done(napi_env env, napi_status run, void *data)
{
    probe_op *op = data;
    napi_value v = NULL;
    if (run != napi_ok) op->status = CANDOR_CANCELLED;
    if (op->status == CANDOR_OK) {
        v = candor_node_string(env, candor_buf_bytes(&op->out));
        if (v != NULL) (void)napi_resolve_deferred(env, op->deferred, v);
    } else {
        const char *text = op->err.text[0] != '\0' ? op->err.text : candor_status_text(op->status);
        if (candor_node_error(env, op->status, text, &v))
            (void)napi_reject_deferred(env, op->deferred, v);
    }
    probe_free(env, op);
}

static napi_value probe_queue(napi_env env, probe_op *op)
{
    napi_value promise = NULL, name = NULL;
    napi_status st = napi_create_string_utf8(env, "candor probe", NAPI_AUTO_LENGTH, &name);
    if (st == napi_ok)
        st = napi_create_async_work(env, NULL, name, probe_run, probe_done, op, &op->work);
    if (st == napi_ok) st = napi_create_promise(env, &op->deferred, &promise);
    if (st == napi_ok) st = napi_queue_async_work(env, op->work);
    if (candor_node_ok(env, st, "probe")) return promise;
    probe_free(env, op);
    return NULL;
}

/* probe(optionsJson, schemaHash) -> promise of the JSON of candor_probe */
static napi_value probe(napi_env env, napi_callback_info info)
{
    napi_value argv[2];
    probe_op *op = NULL;
    if (!candor_node_args(env, info, 2, argv)) return NULL;
    op = calloc(1, sizeof *op);
    if (op == NULL) {
        candor_node_throw(env, "ERR_CANDOR_NOMEM", candor_status_text(CANDOR_NOMEM));
        return NULL;
    }
    if (candor_node_get_string(env, argv[0], "options", &op->options) &&
        candor_node_get_string(env, argv[1], "schemaHash", &op->schema_hash))
        return probe_queue(env, op);
    probe_free(env, op);
    return NULL;
}

bool candor_node_tools_define(napi_env env, napi_value exports)
{
    const napi_property_descriptor methods[] = {
        {"redactText", NULL, redact_text, NULL, NULL, NULL, napi_enumerable, NULL},
        {"inspect", NULL, inspect, NULL, NULL, NULL, napi_enumerable, NULL},
        {"probe", NULL, probe, NULL, NULL, NULL, napi_enumerable, NULL},
    };
    napi_status st =
        napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods);
    return candor_node_ok(env, st, "define tools");
}
