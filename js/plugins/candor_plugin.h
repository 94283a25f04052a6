/* What a Candor plugin in C may import, and what it exports. Build:
 *   clang --target=wasm32-wasi -O2 -mexec-model=reactor -Wl,--max-memory=16777216 plugin.c -o
 * plugin.wasm
 */
#ifndef CANDOR_PLUGIN_H
#define CANDOR_PLUGIN_H

#include <stddef.h>
#include <stdlib.h>

#define CANDOR_PLUGIN_IMPORT(name)                                                                 \
    __attribute__((import_module("telemetry"), import_name(name))) extern
#define CANDOR_PLUGIN_EXPORT(name) __attribute__((export_name(name)))

enum { CANDOR_LOG_TRACE, CANDOR_LOG_DEBUG, CANDOR_LOG_INFO, CANDOR_LOG_WARN, CANDOR_LOG_ERROR };

/* A line for the host, redacted before it is kept; cut at 4096 bytes. */
CANDOR_PLUGIN_IMPORT("log") void candor_log(int level, const char *message, size_t length);

/* One event: {"event_type":"...","payload":{...},"correlation_id":"..."}; fields that are not in
 * the host's schema are dropped. Needs the capability "telemetry". 0: handed over; -1: malformed;
 * -2: too many in this minute; -3: larger than 64 KiB. */
CANDOR_PLUGIN_IMPORT("host_telemetry_event")
int host_telemetry_event(const char *json, size_t length);

/* An exporter exports int export(const char *path, size_t length), 0 for success, and this, by
 * which the host hands over the path. path is not terminated. It may read path and write below
 * /out. */
#define CANDOR_PLUGIN_ALLOC                                                                        \
    CANDOR_PLUGIN_EXPORT("candor_alloc") void *candor_alloc(size_t size)                           \
    {                                                                                              \
        return malloc(size);                                                                       \
    }

#endif
