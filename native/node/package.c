#include "node/package.h"

#include "client/ledger.h"
#include "node/convert.h"
#include "node/handle.h"
#include "node/promise.h"

/* A time window and a file, as a task reads them before the call returns. */
typedef struct request {
    bool dry_run;
    int64_t since_ms;
    candor_buf path; /* terminated; "": none */
} request;

static void run_upload(candor_client *core, void *arg, candor_done done, void *ctx)
{
    const request *r = arg;
    const candor_upload_options options = {
        .dry_run = r->dry_run,
        .since_ms = r->since_ms,
        .file = r->path.p[0] != '\0' ? r->path.p : NULL,
    };
    candor_upload_with(core, &options, done, ctx);
}

static void run_export(candor_client *core, void *arg, candor_done done, void *ctx)
{
    const request *r = arg;
    candor_export(core, r->path.p, r->since_ms, done, ctx);
}

static bool read_path(napi_env env, napi_value v, candor_buf *out)
{
    if (!candor_node_get_string(env, v, "path", out)) return false;
    /* a NUL would hide what follows it */
    if (out->n != 0 && memchr(out->p, '\0', out->n) != NULL) {
        (void)napi_throw_type_error(env, "ERR_CANDOR_INVALID_OPTION", "a path holds no NUL");
        return false;
    }
    candor_buf_put_c(out, '\0');
    if (out->failed) candor_node_throw(env, "ERR_CANDOR_NOMEM", "out of memory");
    return !out->failed;
}

static bool read_since(napi_env env, napi_value v, int64_t *out)
{
    return candor_node_ok(env, napi_get_value_int64(env, v, out), "since must be a number");
}

/* uploadWith(handle, dryRun, sinceUnixMs, file) -> promise of JSON; file "": the spool */
static napi_value upload_with(napi_env env, napi_callback_info info)
{
    napi_value argv[4];
    napi_value out = NULL;
    request r = {.dry_run = false};
    if (!candor_node_args(env, info, 4, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c != NULL &&
        candor_node_ok(env, napi_get_value_bool(env, argv[1], &r.dry_run),
                       "dryRun must be a boolean") &&
        read_since(env, argv[2], &r.since_ms) && read_path(env, argv[3], &r.path))
        out = candor_node_promise(env, c, run_upload, &r);
    candor_buf_free(&r.path);
    return out;
}

/* export(handle, path, sinceUnixMs) -> promise of JSON */
static napi_value export_package(napi_env env, napi_callback_info info)
{
    napi_value argv[3];
    napi_value out = NULL;
    request r = {.dry_run = false};
    if (!candor_node_args(env, info, 3, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c != NULL && read_path(env, argv[1], &r.path) && read_since(env, argv[2], &r.since_ms))
        out = candor_node_promise(env, c, run_export, &r);
    candor_buf_free(&r.path);
    return out;
}

static void run_mode(candor_client *core, void *arg, candor_done done, void *ctx)
{
    const candor_mode *mode = arg;
    candor_set_mode(core, *mode, done, ctx);
}

static bool read_mode(napi_env env, napi_value v, candor_mode *out)
{
    static const char *const names[] = {"auto", "manual", "off"};
    candor_buf name = {0};
    int found = -1;
    if (!candor_node_get_string(env, v, "mode", &name)) {
        candor_buf_free(&name);
        return false;
    }
    for (int i = 0; i < 3; i++)
        if (candor_bytes_eq(candor_buf_bytes(&name), candor_bytes_str(names[i]))) found = i;
    candor_buf_free(&name);
    if (found < 0) {
        (void)napi_throw_type_error(env, "ERR_CANDOR_INVALID_OPTION",
                                    "mode must be one of auto, manual, off");
        return false;
    }
    *out = (candor_mode)found;
    return true;
}

/* setMode(handle, mode) -> promise of JSON */
static napi_value set_mode(napi_env env, napi_callback_info info)
{
    napi_value argv[2];
    candor_mode mode;
    if (!candor_node_args(env, info, 2, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c == NULL || !read_mode(env, argv[1], &mode)) return NULL;
    return candor_node_promise(env, c, run_mode, &mode);
}

static napi_value text_or_throw(napi_env env, candor_status st, const candor_err *err,
                                candor_buf *text)
{
    napi_value out = NULL;
    if (st == CANDOR_OK)
        out = candor_node_string(env, candor_buf_bytes(text));
    else
        candor_node_throw_status(env, st, err);
    candor_buf_free(text);
    return out;
}

/* ledger(handle, limit) -> JSON */
static napi_value ledger(napi_env env, napi_callback_info info)
{
    napi_value argv[2];
    uint32_t limit = 0;
    candor_buf text = {0};
    candor_err err = {0};
    if (!candor_node_args(env, info, 2, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c == NULL) return NULL;
    if (c->core == NULL) {
        candor_node_throw(env, "ERR_CANDOR_CLOSED", "the client is closed");
        return NULL;
    }
    napi_status st = napi_get_value_uint32(env, argv[1], &limit);
    if (!candor_node_ok(env, st, "limit must be a number")) return NULL;
    return text_or_throw(env, candor_ledger_json(c->core, limit, &text, &err), &err, &text);
}

/* verifyLedger(directory) -> JSON; reads files on the calling thread: it is for tools */
static napi_value verify_ledger(napi_env env, napi_callback_info info)
{
    napi_value argv[1];
    candor_buf path = {0};
    candor_buf text = {0};
    candor_err err = {0};
    napi_value out = NULL;
    if (!candor_node_args(env, info, 1, argv)) return NULL;
    if (read_path(env, argv[0], &path))
        out = text_or_throw(env, candor_ledger_verify(path.p, &text, &err), &err, &text);
    candor_buf_free(&path);
    return out;
}

bool candor_node_package_define(napi_env env, napi_value exports)
{
    const napi_property_descriptor methods[] = {
        {"uploadWith", NULL, upload_with, NULL, NULL, NULL, napi_enumerable, NULL},
        {"export", NULL, export_package, NULL, NULL, NULL, napi_enumerable, NULL},
        {"setMode", NULL, set_mode, NULL, NULL, NULL, napi_enumerable, NULL},
        {"ledger", NULL, ledger, NULL, NULL, NULL, napi_enumerable, NULL},
        {"verifyLedger", NULL, verify_ledger, NULL, NULL, NULL, napi_enumerable, NULL},
    };
    napi_status st =
        napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods);
    return candor_node_ok(env, st, "define package methods");
}
