/* A plugin that behaves: a log line at start, events when asked. */
#include <stdio.h>
#include <string.h>

#include "candor_plugin.h"

static int send(const char *json)
{
    return host_telemetry_event(json, strlen(json));
}

__attribute__((constructor)) static void hello(void)
{
    static const char line[] = "started by anna@example.com";
    candor_log(CANDOR_LOG_INFO, line, sizeof line - 1);
    printf("this belongs to nobody's stdout\n");
    fprintf(stderr, "nor to stderr\n");
}

CANDOR_PLUGIN_EXPORT("good") int good(void)
{
    return send(
        "{\"event_type\":\"ToolCall\",\"payload\":{\"toolName\":\"from-plugin\",\"durationMs\":3,"
        "\"success\":true,\"secret\":\"never read\"},\"correlation_id\":\"p-1\"}");
}

CANDOR_PLUGIN_EXPORT("unknown") int unknown(void)
{
    return send("{\"event_type\":\"NotInTheSchema\"}");
}

CANDOR_PLUGIN_EXPORT("malformed") int malformed(void)
{
    return send("{\"event_type\":");
}

CANDOR_PLUGIN_EXPORT("not_utf8") int not_utf8(void)
{
    return send("{\"event_type\":\"\xff\"}");
}

CANDOR_PLUGIN_EXPORT("large") int large(void)
{
    static char text[70000];
    memset(text, ' ', sizeof text);
    return host_telemetry_event(text, sizeof text);
}

/* How many of n events were refused as too many. */
CANDOR_PLUGIN_EXPORT("burst") int burst(void)
{
    int refused = 0, i;
    for (i = 0; i < 20; i++)
        refused += send("{\"event_type\":\"ToolCall\",\"payload\":{}}") == -2;
    return refused;
}

CANDOR_PLUGIN_EXPORT("long_line") int long_line(void)
{
    static char text[5000];
    memset(text, 'x', sizeof text);
    candor_log(CANDOR_LOG_WARN, text, sizeof text);
    return 0;
}

CANDOR_PLUGIN_EXPORT("files") int files(void)
{
    return fopen("/etc/passwd", "r") == NULL && fopen("/in/x", "w") == NULL;
}
