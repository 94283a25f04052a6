/* Settings of `candor-central serve`: one table gives each its flag, environment variable, default,
 * unit, bounds and help line. Precedence: flag, then CANDOR_CENTRAL_<NAME>, then default.
 * Layer: central. Threads: read only once the server runs. */
#ifndef CANDOR_CENTRAL_CONFIG_H
#define CANDOR_CENTRAL_CONFIG_H

#include <stdio.h>

#include "plat/plat.h"

/* X(member, flag, default, unit, min, max, help); "" is no unit. */
#define CANDOR_CONFIG_NUMBERS(X)                                                                   \
    X(threads, "threads", 0, "", 0, 16, "event loops; 0: one per core, at most 16")                \
    X(max_connections, "max-connections", 2000, "", 1, 100000,                                     \
      "open connections; one more takes an idle one's place, or gets 503")                         \
    X(max_header_bytes, "max-header-bytes", 8192, "bytes", 512, 65536,                             \
      "request line and headers; longer gets 431")                                                 \
    X(max_body_bytes, "max-body-bytes", 1048576, "bytes", 1024, 67108864,                          \
      "request body as sent; longer gets 413")                                                     \
    X(max_inflated_bytes, "max-inflated-bytes", 16777216, "bytes", 1024, 268435456,                \
      "request body after gunzip; longer gets 413")                                                \
    X(max_attachment_bytes, "max-attachment-bytes", 1048576, "bytes", 1024, 67108864,              \
      "text of full content, as sent and after gunzip; longer gets 413")                           \
    X(max_package_bytes, "max-package-bytes", 8388608, "bytes", 1024, 268435456,                   \
      "package as sent; longer gets 413")                                                          \
    X(max_package_inflated_bytes, "max-package-inflated-bytes", 33554432, "bytes", 1024,           \
      1073741824, "package after gunzip; longer gets 413")                                         \
    X(max_package_events, "max-package-events", 100000, "", 1, 1000000,                            \
      "events in one package; more gets 413")                                                      \
    X(max_events, "max-events", 1000, "", 1, 100000, "events in one request; more gets 413")       \
    X(buffer_bytes, "buffer-bytes", 33554432, "bytes", 1048576, 4294967296,                        \
      "request bodies held at once by all connections; beyond it 503")                             \
    X(response_bytes, "response-bytes", 33554432, "bytes", 1048576, 4294967296,                    \
      "responses over 16 KiB held at once for their readers; beyond it 503")                       \
    X(queue_bytes, "queue-bytes", 16777216, "bytes", 65536, 4294967296,                            \
      "parsed events that wait for the store; beyond it 503")                                      \
    X(read_timeout_ms, "read-timeout-ms", 10000, "ms", 100, 3600000,                               \
      "for a whole request; a body earns more at 16 KiB/s")                                        \
    X(idle_timeout_ms, "idle-timeout-ms", 60000, "ms", 100, 3600000,                               \
      "keep-alive connection without a request")                                                   \
    X(write_timeout_ms, "write-timeout-ms", 10000, "ms", 100, 3600000,                             \
      "response of which the client takes no byte; in all, a response earns more at 16 KiB/s")     \
    X(stop_timeout_ms, "stop-timeout-ms", 10000, "ms", 0, 3600000,                                 \
      "after SIGTERM: time for requests in flight")                                                \
    X(uploads_per_minute, "uploads-per-minute", 120, "per minute", 0, 1000000000,                  \
      "POSTs of one token and machine, burst the same; 20 times that from one address; 0: no "     \
      "limit")                                                                                     \
    X(attachments_per_minute, "attachments-per-minute", 600, "per minute", 0, 1000000000,          \
      "the same for texts of full content, counted apart; 0: no limit")                            \
    X(max_age_days, "max-age-days", 45, "days", 1, 36500,                                          \
      "oldest event accepted; the client keeps 30 days")                                           \
    X(max_ahead_days, "max-ahead-days", 1, "days", 1, 365,                                         \
      "how far ahead of our clock an event may be")                                                \
    X(retention_days, "retention-days", 90, "days", 1, 36500, "what is older is deleted")          \
    X(attachments_retention_days, "attachments-retention-days", 30, "days", 1, 36500,              \
      "full content older than this is deleted")                                                   \
    X(partial_bytes, "partial-bytes", 67108864, "bytes", 65536, 1099511627776,                     \
      "texts of full content that are not whole yet, all of them; beyond it the one that waited "  \
      "longest is dropped")                                                                        \
    X(partial_age_s, "partial-age-s", 86400, "s", 1, 31536000,                                     \
      "such a text that has not grown for so long is dropped")                                     \
    X(commit_rows, "commit-rows", 20000, "", 1, 1000000,                                           \
      "events in one transaction before the next starts")                                          \
    X(cache_kib, "cache-kib", 16384, "KiB", 256, 16777216, "SQLite page cache of the writer")      \
    X(scan_rows, "scan-rows", 20000, "", 100, 10000000,                                            \
      "rows one page of /api/telemetry/events may look at")                                        \
    X(sink_queue_bytes, "sink-queue-bytes", 1073741824, "bytes", 65536, 1099511627776,             \
      "events kept on disk for each further sink that is away; beyond it they are counted and "    \
      "left out there")                                                                            \
    X(alert_interval_s, "alert-interval-s", 60, "s", 0, 3600,                                      \
      "between two looks at the service level; 0: none")                                           \
    X(alert_min_sessions, "alert-min-sessions", 20, "", 1, 1000000000,                             \
      "fewer sessions in a rule's window start no alert")                                          \
    X(min_free_bytes, "min-free-bytes", 67108864, "bytes", 0, 1099511627776,                       \
      "less free disk: 503, and health says so")

/* X(member, flag, default, placeholder, help) */
#define CANDOR_CONFIG_TEXTS(X)                                                                     \
    X(listen, "listen", "127.0.0.1:8797", "HOST:PORT", "address; port 0: any free one")            \
    X(data, "data", "", "DIR",                                                                     \
      "data directory, mode 700 (default $XDG_DATA_HOME or ~/.local/share, then candor-central)")  \
    X(schema, "schema", "", "FILE", "schema file (default: the built-in catalogue)")               \
    X(port_file, "port-file", "", "FILE", "write the port here once it listens")                   \
    X(tls_cert, "tls-cert", "", "FILE",                                                            \
      "PEM certificate chain: serve HTTPS; read again on SIGHUP and when it changes")              \
    X(tls_key, "tls-key", "", "FILE", "PEM private key of --tls-cert")                             \
    X(token_file, "token-file", "", "FILE",                                                        \
      "tokens, one per line, scopes ingest and read or as named behind it; read again on SIGHUP "  \
      "and when it changes")                                                                       \
    X(keys, "keys", "", "DIR",                                                                     \
      "pepper and receipt.key are here, the same for all collectors of a store (default: made in " \
      "the data directory)")                                                                       \
    X(slo_target, "slo-target", "0.99", "RATIO",                                                   \
      "share of sessions without an error that alerts are about")                                  \
    X(alert_url, "alert-url", "", "URL", "webhook for alerts; https, or http to this machine")     \
    X(alert_ca, "alert-ca", "", "FILE", "PEM roots for alert-url, instead of the system's")        \
    X(key_file, "key-file", "", "FILE",                                                            \
      "key of the databases, 64 hex digits; candor-central-encrypted alone, docs/at-rest.md")      \
    X(log_level, "log-level", "info", "LEVEL", "error, warn, info or debug")                       \
    X(retention, "retention", "", "CATEGORY=DAYS",                                                 \
      "keep the events of this category for so long instead of --retention-days; repeated")        \
    X(sink, "sink", "sqlite", "NAME",                                                              \
      "sqlite, jsonl, memory, postgres, mysql or clickhouse; repeated: the first one "             \
      "acknowledges and answers, the others follow, which may also be otlp, otlp_grpc and "        \
      "posthog")                                                                                   \
    X(sink_url, "sink-url", "", "URL",                                                             \
      "where a sink's server is, as docs/sinks.md says; repeated: one each")

/* X(member, flag, help): off by default */
#define CANDOR_CONFIG_SWITCHES(X)                                                                  \
    X(insecure_http, "insecure-http", "plain HTTP on an address that is not loopback")             \
    X(metrics_public, "metrics-public", "/metrics without a token")                                \
    X(stateless, "stateless",                                                                      \
      "one of several: refuse whatever another collector could not go on with")

#define CANDOR_CONFIG_NUMBER_MEMBER(member, flag, def, unit, min, max, help) uint64_t member;
#define CANDOR_CONFIG_TEXT_MEMBER(member, flag, def, hint, help)             char member[CANDOR_PATH_MAX];
#define CANDOR_CONFIG_SWITCH_MEMBER(member, flag, help)                      bool member;
typedef struct candor_config {
    CANDOR_CONFIG_NUMBERS(CANDOR_CONFIG_NUMBER_MEMBER)
    CANDOR_CONFIG_TEXTS(CANDOR_CONFIG_TEXT_MEMBER)
    CANDOR_CONFIG_SWITCHES(CANDOR_CONFIG_SWITCH_MEMBER)
    char host[256]; /* from listen, without brackets */
    uint16_t port;
    bool loopback;
} candor_config;

typedef const char *(*candor_env_get)(void *ctx, const char *name);

/* argv: the flags only. CANDOR_INVALID: err->text is a sentence with what to do. */
CANDOR_CHECK candor_status candor_config_load(candor_config *c, int argc, char *const *argv,
                                              candor_env_get env, void *env_ctx, candor_err *err);
/* The data directory alone, for commands that need nothing else. */
CANDOR_CHECK candor_status candor_config_data(candor_config *c, candor_err *err);
void candor_config_help(FILE *out); /* the flags, one a line, from the table */

#endif
