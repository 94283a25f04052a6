#include "node/promise.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "node/convert.h"

/* One promise on its way. Made and freed on the JavaScript thread; the worker fills it in between.
 */
typedef struct node_op {
    napi_deferred deferred;
    napi_threadsafe_function tsfn;
    candor_status status;
    candor_buf json;
} node_op;

static void op_free(node_op *op)
{
    candor_buf_free(&op->json);
    free(op);
}

/* Worker thread (or ours, when the core answers at once). */
static void op_done(void *ctx, candor_status status, candor_bytes result_json)
{
    node_op *op = ctx;
    op->status = status;
    candor_buf_put_bytes(&op->json, result_json);
    if (op->json.failed && status == CANDOR_OK) op->status = CANDOR_NOMEM;
    /* Refused only when the environment is going away, and the promise with it. */
    if (napi_call_threadsafe_function(op->tsfn, op, napi_tsfn_nonblocking) != napi_ok) op_free(op);
}

/* The sentence of a failed result: {...,"error":"..."}. False: it has none. */
static bool find_error(candor_bytes result, char *out, size_t cap)
{
    candor_json j;
    candor_json_token t;
    size_t n = SIZE_MAX;
    candor_json_init(&j, result, 32);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (n == SIZE_MAX && candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        bool is_error = candor_bytes_eq(t.raw, CANDOR_LIT("error"));
        (void)candor_json_next(&j, &t);
        if (is_error && t.type == CANDOR_JSON_STRING)
            n = candor_json_unescape(t.raw, out, cap - 1);
        else if (!candor_json_skip(&j, &t, NULL))
            return false;
    }
    if (n != SIZE_MAX) out[n] = '\0';
    return n != SIZE_MAX;
}

static void op_settle(napi_env env, node_op *op)
{
    napi_value v = NULL;
    if (op->status == CANDOR_OK) {
        v = candor_node_string(env, candor_buf_bytes(&op->json));
        if (v != NULL) (void)napi_resolve_deferred(env, op->deferred, v);
        return;
    }
    char text[512];
    if (!find_error(candor_buf_bytes(&op->json), text, sizeof text))
        (void)snprintf(text, sizeof text, "%s%s%.*s", candor_status_text(op->status),
                       op->json.n > 0 ? ": " : "", (int)(op->json.n < 400 ? op->json.n : 400),
                       op->json.n > 0 ? op->json.p : "");
    if (candor_node_error(env, op->status, text, &v)) {
        (void)napi_reject_deferred(env, op->deferred, v);
    }
}

/* On the JavaScript thread; env is NULL while the environment ends. */
static void deliver(napi_env env, napi_value js_callback, void *context, void *data)
{
    (void)js_callback;
    candor_node_client *c = context;
    node_op *op = data;
    if (env != NULL) {
        if (--c->pending == 0 && c->tsfn != NULL)
            (void)napi_unref_threadsafe_function(env, c->tsfn);
        op_settle(env, op);
    }
    op_free(op);
}

static void tsfn_finalise(napi_env env, void *data, void *hint)
{
    (void)hint;
    candor_node_client *c = data;
    c->tsfn = NULL;
    candor_node_client_release(env, c);
}

bool candor_node_promises_begin(napi_env env, candor_node_client *c)
{
    napi_value name = NULL;
    napi_status st = napi_create_string_utf8(env, "candor", NAPI_AUTO_LENGTH, &name);
    if (!candor_node_ok(env, st, "create name")) return false;
    st = napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, c, tsfn_finalise, c, deliver,
                                         &c->tsfn);
    if (!candor_node_ok(env, st, "create threadsafe function")) return false;
    c->owners++;
    return candor_node_ok(env, napi_unref_threadsafe_function(env, c->tsfn), "unref worker");
}

void candor_node_promises_end(candor_node_client *c)
{
    if (c->tsfn == NULL) return;
    napi_threadsafe_function tsfn = c->tsfn;
    c->tsfn = NULL;
    (void)napi_release_threadsafe_function(tsfn, napi_tsfn_release);
}

static void reject_closed(napi_env env, napi_deferred deferred)
{
    napi_value error = NULL;
    if (candor_node_error(env, CANDOR_CANCELLED, "the client is closed", &error)) {
        (void)napi_reject_deferred(env, deferred, error);
    }
}

napi_value candor_node_promise(napi_env env, candor_node_client *c, candor_node_task task,
                               void *arg)
{
    napi_value promise = NULL;
    node_op *op = calloc(1, sizeof *op);
    if (op == NULL) {
        candor_node_throw(env, "ERR_CANDOR_NOMEM", candor_status_text(CANDOR_NOMEM));
        return NULL;
    }
    if (!candor_node_ok(env, napi_create_promise(env, &op->deferred, &promise), "create promise")) {
        op_free(op);
        return NULL;
    }
    if (c->core == NULL) {
        reject_closed(env, op->deferred);
        op_free(op);
        return promise;
    }
    op->tsfn = c->tsfn;
    if (c->pending++ == 0) (void)napi_ref_threadsafe_function(env, c->tsfn);
    task(c->core, arg, op_done, op);
    return promise;
}
