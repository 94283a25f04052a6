#include "node/methods.h"

#include "client/client.h"
#include "client/settings.h"
#include "contract/schema.h"
#include "node/configure.h"
#include "node/consent.h"
#include "node/convert.h"
#include "node/handle.h"
#include "node/package.h"
#include "node/promise.h"
#include "node/tools.h"
#include "node/vault.h"
#include "plat/plat.h"

/* A failure of the schema, not of an option. */
static void throw_schema(napi_env env, candor_status st, const candor_err *err)
{
    if (st == CANDOR_INVALID)
        candor_node_throw(env, "ERR_CANDOR_SCHEMA", err->text);
    else
        candor_node_throw_status(env, st, err);
}

/* The compiled schema, and its description as a string of V8's; origin names the source in error
 * sentences. NULL with an exception pending. */
static candor_schema *compile_schema(napi_env env, napi_value text_arg, napi_value origin_arg,
                                     napi_value *described)
{
    candor_buf text = {0};
    candor_buf origin = {0};
    candor_buf json = {0};
    candor_schema *schema = NULL;
    candor_err err = {0};
    *described = NULL;
    if (candor_node_get_string(env, text_arg, "schema", &text) &&
        candor_node_get_string(env, origin_arg, "origin", &origin)) {
        candor_buf_put_c(&origin, '\0');
        candor_status st =
            origin.failed ? CANDOR_NOMEM
                          : candor_schema_compile(candor_buf_bytes(&text), origin.p, &schema, &err);
        if (st == CANDOR_OK) st = candor_schema_describe(schema, &json);
        if (st == CANDOR_OK)
            *described = candor_node_string(env, candor_buf_bytes(&json));
        else
            throw_schema(env, st, &err);
    }
    if (*described == NULL) {
        candor_schema_free(schema);
        schema = NULL;
    }
    candor_buf_free(&json);
    candor_buf_free(&origin);
    candor_buf_free(&text);
    return schema;
}

/* open(optionsJson, schemaJson, origin) -> {emit, area, schema}; schema: see describeSchema. */
static napi_value open_client(napi_env env, napi_callback_info info)
{
    napi_value argv[3];
    napi_value described = NULL;
    napi_value out = NULL;
    candor_buf options = {0};
    candor_client *core = NULL;
    candor_err err = {0};
    if (candor_node_args(env, info, 3, argv) &&
        candor_node_get_string(env, argv[0], "options", &options)) {
        candor_schema *schema = compile_schema(env, argv[1], argv[2], &described);
        if (schema != NULL) {
            candor_status st =
                candor_open_compiled(candor_buf_bytes(&options), schema, &core, &err);
            if (st == CANDOR_OK)
                out = candor_node_client_new(env, core, described);
            else
                candor_node_throw_status(env, st, &err);
        }
    }
    candor_buf_free(&options);
    return out;
}

/* describeSchema(schemaJson, origin) -> JSON */
static napi_value describe_schema(napi_env env, napi_callback_info info)
{
    napi_value argv[2];
    napi_value described = NULL;
    if (candor_node_args(env, info, 2, argv))
        candor_schema_free(compile_schema(env, argv[0], argv[1], &described));
    return described;
}

static candor_node_client *only_handle(napi_env env, napi_callback_info info)
{
    napi_value argv[1];
    return candor_node_args(env, info, 1, argv) ? candor_node_client_of(env, argv[0]) : NULL;
}

static void run_flush(candor_client *core, void *arg, candor_done done, void *ctx)
{
    (void)arg;
    candor_flush(core, done, ctx);
}

static void run_upload(candor_client *core, void *arg, candor_done done, void *ctx)
{
    (void)arg;
    candor_upload(core, done, ctx);
}

static void run_purge(candor_client *core, void *arg, candor_done done, void *ctx)
{
    (void)arg;
    candor_purge(core, done, ctx);
}

/* flush(handle), upload(handle), purge(handle) -> promise of JSON */
static napi_value flush_client(napi_env env, napi_callback_info info)
{
    candor_node_client *c = only_handle(env, info);
    return c != NULL ? candor_node_promise(env, c, run_flush, NULL) : NULL;
}

static napi_value upload_client(napi_env env, napi_callback_info info)
{
    candor_node_client *c = only_handle(env, info);
    return c != NULL ? candor_node_promise(env, c, run_upload, NULL) : NULL;
}

static napi_value purge_client(napi_env env, napi_callback_info info)
{
    candor_node_client *c = only_handle(env, info);
    return c != NULL ? candor_node_promise(env, c, run_purge, NULL) : NULL;
}

/* setEnabled(handle, enabled, fromHost) -> promise of JSON */
static napi_value set_enabled(napi_env env, napi_callback_info info)
{
    return candor_node_set(env, info, candor_set_enabled, "enabled must be a boolean");
}

/* enabled(handle) -> boolean; false once closed */
static napi_value is_enabled(napi_env env, napi_callback_info info)
{
    candor_node_client *c = only_handle(env, info);
    if (c == NULL) return NULL;
    napi_value out = NULL;
    bool on = c->core != NULL && candor_enabled(c->core);
    return candor_node_ok(env, napi_get_boolean(env, on, &out), "make boolean") ? out : NULL;
}

/* Turns a filled buffer into the result of a method, or the failure into an exception. Frees b. */
static napi_value finish_text(napi_env env, candor_status st, const candor_err *err, candor_buf *b)
{
    napi_value out = NULL;
    if (st == CANDOR_OK && b->failed) st = CANDOR_NOMEM;
    if (st == CANDOR_OK) {
        out = candor_node_string(env, candor_buf_bytes(b));
    } else {
        candor_node_throw_status(env, st, err);
    }
    candor_buf_free(b);
    return out;
}

static candor_node_client *open_handle(napi_env env, napi_value v)
{
    candor_node_client *c = candor_node_client_of(env, v);
    if (c != NULL && c->core == NULL) {
        candor_node_throw(env, "ERR_CANDOR_CLOSED", "the client is closed");
        return NULL;
    }
    return c;
}

/* A method of one argument, the handle, that answers with a text. */
static napi_value text_of(napi_env env, napi_callback_info info,
                          candor_status (*get)(candor_client *, candor_buf *, candor_err *))
{
    napi_value argv[1];
    candor_buf b = {0};
    candor_err err = {0};
    if (!candor_node_args(env, info, 1, argv)) return NULL;
    candor_node_client *c = open_handle(env, argv[0]);
    if (c == NULL) return NULL;
    candor_status st = get(c->core, &b, &err);
    return finish_text(env, st, &err, &b);
}

/* status(handle) -> JSON */
static napi_value status_of(napi_env env, napi_callback_info info)
{
    return text_of(env, info, candor_status_json);
}

/* preview(handle) -> the text of the next upload, byte for byte (event lines are valid UTF-8) */
static napi_value preview(napi_env env, napi_callback_info info)
{
    return text_of(env, info, candor_preview);
}

/* stats(handle, sinceUnixMs) -> JSON */
static napi_value stats_of(napi_env env, napi_callback_info info)
{
    napi_value argv[2];
    candor_buf b = {0};
    candor_err err = {0};
    int64_t since_ms = 0; /* Node-API turns NaN into 0 and clamps what does not fit */
    if (!candor_node_args(env, info, 2, argv)) return NULL;
    candor_node_client *c = open_handle(env, argv[0]);
    if (c == NULL) return NULL;
    napi_status nst = napi_get_value_int64(env, argv[1], &since_ms);
    if (!candor_node_ok(env, nst, "since must be a number")) return NULL;
    candor_status st = candor_stats_json(c->core, since_ms, &b, &err);
    return finish_text(env, st, &err, &b);
}

/* settings() -> JSON: every option with its unit, default and bounds */
static napi_value settings(napi_env env, napi_callback_info info)
{
    (void)info;
    candor_buf b = {0};
    candor_err err = {0};
    candor_status st = candor_settings_json(&b);
    return finish_text(env, st, &err, &b);
}

/* dataDirectory(app) -> path where that app's spool is unless its option `directory` says otherwise
 */
static napi_value data_directory(napi_env env, napi_callback_info info)
{
    napi_value argv[1];
    candor_buf app = {0};
    candor_buf out = {0};
    candor_err err = {0};
    if (!candor_node_args(env, info, 1, argv) ||
        !candor_node_get_string(env, argv[0], "app", &app)) {
        candor_buf_free(&app);
        return NULL;
    }
    candor_status st = CANDOR_NOMEM;
    candor_buf_put_c(&app, '\0');
    if (!app.failed && candor_buf_reserve(&out, CANDOR_PATH_MAX)) {
        st = candor_data_dir(app.p, out.p, CANDOR_PATH_MAX, &err);
        if (st == CANDOR_OK) out.n = strlen(out.p);
    }
    candor_buf_free(&app);
    return finish_text(env, st, &err, &out);
}

/* emitJson(handle, type, payloadJson, correlationId) -> candor_emit_result. For an event whose
 * payload's getter emits another: the staging area holds the outer one. */
static napi_value emit_json(napi_env env, napi_callback_info info)
{
    napi_value argv[4];
    napi_value out = NULL;
    candor_buf type = {0};
    candor_buf payload = {0};
    candor_buf correlation = {0};
    if (!candor_node_args(env, info, 4, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c != NULL && candor_node_get_string(env, argv[1], "type", &type) &&
        candor_node_get_string(env, argv[2], "payload", &payload) &&
        candor_node_get_string(env, argv[3], "correlationId", &correlation)) {
        candor_emit_result r = CANDOR_EMIT_CLOSED;
        if (c->core != NULL) {
            r = candor_emit(c->core, candor_buf_bytes(&type), candor_buf_bytes(&payload),
                            candor_buf_bytes(&correlation));
        }
        napi_status st = napi_create_uint32(env, (uint32_t)r, &out);
        if (!candor_node_ok(env, st, "make result")) out = NULL;
    }
    candor_buf_free(&type);
    candor_buf_free(&payload);
    candor_buf_free(&correlation);
    return out;
}

/* close(handle), within exitFlushMs */
static napi_value close_client(napi_env env, napi_callback_info info)
{
    candor_node_client *c = only_handle(env, info);
    if (c != NULL) candor_node_client_close(c, -1);
    return NULL;
}

/* The names of candor_emit_result, in order: what area[0] means. */
static bool define_results(napi_env env, napi_value exports)
{
    napi_value list = NULL;
    bool ok = candor_node_ok(env, napi_create_array_with_length(env, CANDOR_EMIT_COUNT, &list),
                             "create results");
    for (uint32_t i = 0; ok && i < CANDOR_EMIT_COUNT; i++) {
        napi_value name =
            candor_node_string(env, candor_bytes_str(candor_emit_name((candor_emit_result)i)));
        ok = name != NULL &&
             candor_node_ok(env, napi_set_element(env, list, i, name), "set result name");
    }
    return ok && candor_node_ok(env, napi_set_named_property(env, exports, "results", list),
                                "set results");
}

bool candor_node_methods_define(napi_env env, napi_value exports)
{
#define METHOD(name, fn)                                                                           \
    {                                                                                              \
        (name), NULL, (fn), NULL, NULL, NULL, napi_enumerable, NULL                                \
    }
    const napi_property_descriptor methods[] = {
        METHOD("open", open_client),   METHOD("describeSchema", describe_schema),
        METHOD("flush", flush_client), METHOD("upload", upload_client),
        METHOD("purge", purge_client), METHOD("setEnabled", set_enabled),
        METHOD("enabled", is_enabled), METHOD("status", status_of),
        METHOD("preview", preview),    METHOD("stats", stats_of),
        METHOD("settings", settings),  METHOD("dataDirectory", data_directory),
        METHOD("emitJson", emit_json), METHOD("close", close_client),
    };
#undef METHOD
    napi_status st =
        napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods);
    return candor_node_ok(env, st, "define methods") && define_results(env, exports) &&
           candor_node_consent_define(env, exports) && candor_node_configure_define(env, exports) &&
           candor_node_tools_define(env, exports) && candor_node_package_define(env, exports) &&
           candor_node_vault_define(env, exports);
}
