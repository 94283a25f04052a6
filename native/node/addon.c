/* The entry of the addon: one set of methods and one candor_node_env an environment, no state
 * shared between environments. Layer: node. */
#include <stdlib.h>

#include "node/convert.h"
#include "node/handle.h"
#include "node/methods.h"

static void env_data_free(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    free(data);
}

NAPI_MODULE_INIT()
{
    candor_node_env *data = calloc(1, sizeof *data);
    if (data == NULL) {
        candor_node_throw(env, "ERR_CANDOR_NOMEM", candor_status_text(CANDOR_NOMEM));
        return NULL;
    }
    napi_status st = napi_set_instance_data(env, data, env_data_free, NULL);
    if (!candor_node_ok(env, st, "set instance data")) {
        free(data);
        return NULL;
    }
    return candor_node_methods_define(env, exports) ? exports : NULL;
}
