#include "central/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "central/route.h"

int candor_command_fail(const candor_err *err, int code)
{
    char text[512];
    candor_err_describe(err, text, sizeof text);
    fprintf(stderr, "candor-central: %s\n", text);
    return code;
}

int candor_command_routes(int argc, char *const *argv)
{
    candor_buf b = {0};
    if (argc != 0) {
        fprintf(stderr, "candor-central: routes takes no argument, and got \"%s\"\n", argv[0]);
        return 2;
    }
    candor_route_list(&b);
    fwrite(b.p, 1, b.n, stdout);
    candor_buf_free(&b);
    return 0;
}

const char *candor_command_env(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}
