#include "node/consent.h"

#include "node/convert.h"
#include "node/handle.h"
#include "node/promise.h"

typedef struct level_choice {
    candor_privacy level;
    bool host;
} level_choice;

static void run_level(candor_client *core, void *arg, candor_done done, void *ctx)
{
    const level_choice *want = arg;
    candor_set_level(core, want->level, want->host ? CANDOR_CONSENT_HOST : CANDOR_CONSENT_USER,
                     done, ctx);
}

static void run_gdpr(candor_client *core, void *arg, candor_done done, void *ctx)
{
    const bool *on = arg;
    candor_set_gdpr(core, *on, done, ctx);
}

static void run_acknowledge(candor_client *core, void *arg, candor_done done, void *ctx)
{
    (void)arg;
    candor_acknowledge_notice(core, done, ctx);
}

static bool read_level(napi_env env, napi_value v, candor_privacy *out)
{
    candor_buf name = {0};
    int found = -1;
    if (!candor_node_get_string(env, v, "level", &name)) {
        candor_buf_free(&name);
        return false;
    }
    for (int i = 0; i < CANDOR_PRIVACY_COUNT; i++)
        if (candor_bytes_eq(candor_buf_bytes(&name),
                            candor_bytes_str(candor_privacy_name((candor_privacy)i))))
            found = i;
    candor_buf_free(&name);
    if (found < 0) {
        (void)napi_throw_type_error(env, "ERR_CANDOR_INVALID_OPTION",
                                    "level must be one of off, crash, error, all");
        return false;
    }
    *out = (candor_privacy)found;
    return true;
}

typedef struct switch_choice {
    candor_node_switch set;
    bool on;
    bool host;
} switch_choice;

static void run_switch(candor_client *core, void *arg, candor_done done, void *ctx)
{
    const switch_choice *want = arg;
    want->set(core, want->on, want->host ? CANDOR_CONSENT_HOST : CANDOR_CONSENT_USER, done, ctx);
}

napi_value candor_node_set(napi_env env, napi_callback_info info, candor_node_switch set,
                           const char *wrong)
{
    napi_value argv[3];
    switch_choice want = {.set = set};
    if (!candor_node_args(env, info, 3, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c == NULL) return NULL;
    napi_status st = napi_get_value_bool(env, argv[1], &want.on);
    if (!candor_node_ok(env, st, wrong)) return NULL;
    st = napi_get_value_bool(env, argv[2], &want.host);
    if (!candor_node_ok(env, st, "fromHost must be a boolean")) return NULL;
    return candor_node_promise(env, c, run_switch, &want);
}

/* setLevel(handle, level, fromHost) -> promise of JSON */
static napi_value set_level(napi_env env, napi_callback_info info)
{
    napi_value argv[3];
    level_choice want;
    if (!candor_node_args(env, info, 3, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c == NULL || !read_level(env, argv[1], &want.level)) return NULL;
    napi_status st = napi_get_value_bool(env, argv[2], &want.host);
    if (!candor_node_ok(env, st, "fromHost must be a boolean")) return NULL;
    return candor_node_promise(env, c, run_level, &want);
}

/* setGdpr(handle, on) -> promise of JSON */
static napi_value set_gdpr(napi_env env, napi_callback_info info)
{
    napi_value argv[2];
    bool on = false;
    if (!candor_node_args(env, info, 2, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c == NULL) return NULL;
    napi_status st = napi_get_value_bool(env, argv[1], &on);
    if (!candor_node_ok(env, st, "on must be a boolean")) return NULL;
    return candor_node_promise(env, c, run_gdpr, &on);
}

/* acknowledgeNotice(handle) -> promise of JSON */
static napi_value acknowledge_notice(napi_env env, napi_callback_info info)
{
    napi_value argv[1];
    if (!candor_node_args(env, info, 1, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    return c != NULL ? candor_node_promise(env, c, run_acknowledge, NULL) : NULL;
}

bool candor_node_consent_define(napi_env env, napi_value exports)
{
    const napi_property_descriptor methods[] = {
        {"setLevel", NULL, set_level, NULL, NULL, NULL, napi_enumerable, NULL},
        {"setGdpr", NULL, set_gdpr, NULL, NULL, NULL, napi_enumerable, NULL},
        {"acknowledgeNotice", NULL, acknowledge_notice, NULL, NULL, NULL, napi_enumerable, NULL},
    };
    napi_status st =
        napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods);
    return candor_node_ok(env, st, "define consent methods");
}
