/* A plugin that misbehaves in every way it can. */
#include "candor_plugin.h"

static volatile int sink;

CANDOR_PLUGIN_EXPORT("fine") int fine(void)
{
    return 7;
}

CANDOR_PLUGIN_EXPORT("hang") int hang(void)
{
    for (;;)
        sink++;
}

CANDOR_PLUGIN_EXPORT("trap") int trap(void)
{
    __builtin_trap();
}

static int recurse(int n)
{
    volatile char page[4096];
    page[n & 4095] = (char)n;
    return recurse(n + 1) + page[(n + 1) & 4095];
}

CANDOR_PLUGIN_EXPORT("overflow") int overflow(void)
{
    return recurse(0);
}

CANDOR_PLUGIN_EXPORT("bad_pointer") int bad_pointer(void)
{
    return host_telemetry_event((const char *)0xfffffff0u, 64);
}

CANDOR_PLUGIN_EXPORT("flood") int flood(void)
{
    for (;;)
        candor_log(CANDOR_LOG_INFO, "x", 1);
}
