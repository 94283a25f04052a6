#include "central/commands.h"

#include <stdio.h>
#include <stdlib.h>

int candor_command_fail(const candor_err *err, int code)
{
    char text[512];
    candor_err_describe(err, text, sizeof text);
    fprintf(stderr, "candor-central: %s\n", text);
    return code;
}

const char *candor_command_env(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}
