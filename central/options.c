#include "central/options.h"

#include <stdlib.h>

#include "central/commands.h"

static candor_option *find(candor_option *options, size_t n, const char *arg)
{
    size_t i;
    for (i = 0; i < n; i++) {
        size_t len = strlen(options[i].name);
        if (strncmp(arg, options[i].name, len) == 0 && (arg[len] == '\0' || arg[len] == '='))
            return &options[i];
    }
    return NULL;
}

static candor_status take_option(candor_option *o, int argc, char *const *argv, int *i,
                                 candor_err *err)
{
    const char *eq = strchr(argv[*i], '=');
    bool is_switch = o->value == NULL;
    o->given = true;
    if (is_switch && eq == NULL) return CANDOR_OK;
    if (is_switch)
        return candor_fail(err, CANDOR_INVALID, 0, "options", "%s takes no value", o->name);
    if (eq == NULL && *i + 1 == argc)
        return candor_fail(err, CANDOR_INVALID, 0, "options", "%s needs a value", o->name);
    o->value = eq != NULL ? eq + 1 : argv[++*i];
    return CANDOR_OK;
}

static candor_status take_operand(const char *arg, candor_operands *operands, candor_err *err)
{
    if (operands == NULL)
        return candor_fail(err, CANDOR_INVALID, 0, "options", "\"%.80s\" is not an option", arg);
    if (operands->n == CANDOR_OPERANDS_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "options", "more than %d files",
                           CANDOR_OPERANDS_MAX);
    operands->items[operands->n++] = arg;
    return CANDOR_OK;
}

/* --flag VALUE of serve: which of its flags are switches, only its table knows. */
static bool is_pair(const char *arg, int left)
{
    return strchr(arg, '=') == NULL && left > 0 && strcmp(arg, "--insecure-http") != 0 &&
           strcmp(arg, "--metrics-public") != 0 && strcmp(arg, "--stateless") != 0;
}

candor_status candor_options_take(candor_option *options, size_t n, int argc, char *const *argv,
                                  candor_config *config, candor_operands *operands, candor_err *err)
{
    static char listen[] = "--listen=127.0.0.1:0";
    char **rest = calloc((size_t)argc + 1, sizeof *rest);
    candor_status st = CANDOR_OK;
    int i, n_rest = 0;
    if (rest == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "options", NULL);
    for (i = 0; i < argc && st == CANDOR_OK; i++) {
        candor_option *o = find(options, n, argv[i]);
        if (o != NULL) {
            st = take_option(o, argc, argv, &i, err);
        } else if (strncmp(argv[i], "--", 2) != 0) {
            st = take_operand(argv[i], operands, err);
        } else {
            rest[n_rest++] = argv[i];
            if (is_pair(argv[i], argc - i - 1)) rest[n_rest++] = argv[++i];
        }
    }
    rest[n_rest++] = listen; /* the environment may name an address that wants TLS */
    if (st == CANDOR_OK)
        st = candor_config_load(config, n_rest, rest, candor_command_env, NULL, err);
    free(rest);
    return st;
}
