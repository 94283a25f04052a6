#include "client/settings.h"

#include "base/json.h"
#include "candor.h"
#include "client/settings_table.h"

static const char *const mode_names[] = {"auto", "manual", "off", NULL};
static const char *const exporter_names[] = {"candor", "file", "stdout", "otlp_http", NULL};
static const char *const config_names[] = {"unset", "on", "off", "unreadable", NULL};
static const char *const notice_names[] = {"stderr", "none", "host", NULL};
static const char *const privacy_names[] = {"off", "crash", "error", "all", NULL};

#define AT(member) offsetof(candor_settings, member)
#define TEXT(name, fallback, max, env, member, doc)                                                \
    {                                                                                              \
        name, CANDOR_SETTING_STRING, "", fallback, 0, 1, max, NULL, env, doc, AT(member)           \
    }
#define NUMBER(name, unit, fallback, min, max, member, doc)                                        \
    {                                                                                              \
        name, CANDOR_SETTING_INT, unit, NULL, fallback, min, max, NULL, NULL, doc, AT(member)      \
    }
#define FLAG(name, fallback, member, doc)                                                          \
    {                                                                                              \
        name, CANDOR_SETTING_BOOL, "", NULL, fallback, 0, 1, NULL, NULL, doc, AT(member)           \
    }
#define CHOICE(name, fallback, values, member, doc)                                                \
    {                                                                                              \
        name, CANDOR_SETTING_ENUM, "", NULL, fallback, 0, 0, values, NULL, doc, AT(member)         \
    }

#define MIB    (1024 * 1024)
#define DAY_MS 86400000LL

static const candor_setting table[] = {
    TEXT("app", NULL, 128, NULL, app, "Name of the application: letters, digits, . _ : + -"),
    TEXT("appVersion", "0.0.0", 128, NULL, app_version, "Version of the application."),
    TEXT("directory", NULL, 3900, NULL, directory,
         "Where journal, spool and state live. Absent: the user's data directory for the app."),
    TEXT("endpoint", NULL, 2000, "TELEMETRY_ENDPOINT", endpoint,
         "Base URL of the collector. Absent: events stay on this machine."),
    TEXT("token", NULL, 4096, "TELEMETRY_TOKEN", token, "Bearer token for the collector."),
    TEXT("userId", NULL, 1024, "TELEMETRY_USER_ID", user_id,
         "Opaque id of the user; hashed when it is not opaque. Absent: an anonymous id."),
    TEXT("machineId", NULL, 1024, NULL, machine_id,
         "Raw machine id, hashed at once. Absent: the operating system's."),
    CHOICE("mode", CANDOR_MODE_AUTO, mode_names, mode,
           "auto uploads by itself, manual only when asked, off makes everything a no-op."),
    CHOICE("exporter", CANDOR_EXPORT_CANDOR, exporter_names, exporter,
           "Where events go: candor spools and uploads to the collector, otlp_http posts OTLP/HTTP "
           "JSON "
           "to the endpoint, file and stdout write OTLP JSON lines."),
    FLAG("hostEnabled", 1, host_enabled, "The host's own switch; it can only narrow."),
    CHOICE("hostLevel", CANDOR_PRIVACY_ALL, privacy_names, host_level,
           "The host's privacy level (VS Code's telemetry level); it can only narrow."),
    FLAG("gdpr", 0, gdpr,
         "GDPR mode: nothing is recorded, and what the directory holds is deleted."),
    CHOICE("configEnabled", CANDOR_CONFIG_UNSET, config_names, config_enabled,
           "What a settings file says: off switches off, on holds until the user has chosen, "
           "unreadable silences without deleting."),
    CHOICE("configLevel", CANDOR_PRIVACY_ALL, privacy_names, config_level,
           "The level that a settings file allows; it can only narrow."),
    FLAG("defaultEnabled", 1, default_enabled, "What holds until the user has chosen."),
    FLAG("inspect", 0, inspect,
         "For tools that look at a directory: an \"off\" of this process's environment deletes "
         "nothing."),
    NUMBER("batchEvents", "events", 100, 1, 1000, batch_events,
           "A batch is written when this many events wait."),
    NUMBER("batchIntervalMs", "ms", 30000, 10, DAY_MS, batch_interval_ms,
           "A batch is written when an event has waited this long."),
    NUMBER("uploadIntervalMs", "ms", 60000, 10, 7 * DAY_MS, upload_interval_ms,
           "Shortest time between two upload rounds in mode auto."),
    NUMBER("maxUploadBytes", "bytes", 5LL * MIB, 1024, 1LL << 30, max_upload_bytes,
           "Most compressed bytes that one round sends, but one batch at least; also the largest "
           "package."),
    NUMBER("spoolMaxBytes", "bytes", 50LL * MIB, 65536, 1LL << 40, spool_max_bytes,
           "The spool's cap; the oldest batches go first."),
    NUMBER("journalMaxBytes", "bytes", 32LL * MIB, 2 * MIB, 1LL << 32, journal_max_bytes,
           "The cap of this process's journal; beyond it emit drops."),
    NUMBER("minFreeDiskBytes", "bytes", 1024LL * MIB, 0, 1LL << 50, min_free_disk_bytes,
           "With less free disk the spool is not written."),
    NUMBER("retentionDays", "days", 30, 1, 3650, retention_days,
           "Batches older than this are deleted unsent."),
    NUMBER("ledgerMaxBytes", "bytes", 2LL * MIB, 0, 1LL << 30, ledger_max_bytes,
           "How much of what was sent is kept beside the ledger; 0: none."),
    NUMBER("retryBaseMs", "ms", 1000, 1, DAY_MS, retry_base_ms,
           "First bound of the exponential backoff with full jitter."),
    NUMBER("retryMaxMs", "ms", 3600000, 1, 7 * DAY_MS, retry_max_ms,
           "Largest bound of the backoff."),
    NUMBER("connectTimeoutMs", "ms", 10000, 1, 600000, connect_timeout_ms,
           "Time to connect, TLS included."),
    NUMBER("requestTimeoutMs", "ms", 30000, 1, 3600000, request_timeout_ms,
           "Time for one whole upload request."),
    NUMBER("stallTimeoutMs", "ms", 10000, 1, 600000, stall_timeout_ms,
           "Time without a byte in either direction."),
    NUMBER("exitFlushMs", "ms", 500, 0, 60000, exit_flush_ms,
           "Time that closing may take to write what waits."),
    TEXT("proxy", NULL, 2000, NULL, proxy,
         "Proxy URL. Absent: HTTPS_PROXY, HTTP_PROXY and NO_PROXY."),
    TEXT("caFile", NULL, 3900, NULL, ca_file,
         "PEM file of trusted roots, in place of the system's."),
    TEXT("caPem", NULL, 262144, NULL, ca_pem, "Further trusted roots as PEM text."),
    CHOICE("notice", CANDOR_NOTICE_STDERR, notice_names, notice,
           "Who tells people before the first upload: a line on stderr, the host (uploads wait for "
           "its acknowledgement), or none: the host has done it."),
    FLAG(
        "fullContent", 1, full_content,
        "The host's offer of full content, which the user turns on; false: never in this process."),
    FLAG("configFullContent", 1, config_full_content,
         "Whether a settings file allows full content; it can only narrow."),
    NUMBER("vaultMaxBytes", "bytes", 64LL * MIB, MIB, 1LL << 40, vault_max_bytes,
           "The cap of full content that waits; the oldest goes first."),
    FLAG("encryptSpool", 0, encrypt_spool,
         "Spool files are encrypted too; without a key, events wait in the journal."),
    NUMBER("gzipLevel", "", 4, 1, 9, gzip_level, "Compression level of spool files."),
};

const candor_setting *candor_setting_at(size_t i)
{
    return i < sizeof table / sizeof table[0] ? &table[i] : NULL;
}

const char *candor_setting_type_name(candor_setting_type t)
{
    static const char *const names[] = {"string", "int", "bool", "enum"};
    return names[t];
}

const char *candor_setting_choice(const char *name, int64_t value)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const candor_setting *s = &table[i];
        if (s->type != CANDOR_SETTING_ENUM || strcmp(s->name, name) != 0) continue;
        for (int64_t v = 0; s->values[v] != NULL; v++)
            if (v == value) return s->values[v];
    }
    return "";
}

static void put_text_or_null(candor_buf *out, const char *text)
{
    if (text == NULL)
        candor_buf_put_bytes(out, CANDOR_LIT("null"));
    else
        candor_json_put_string(out, candor_bytes_str(text));
}

static void put_default(candor_buf *out, const candor_setting *s)
{
    switch (s->type) {
    case CANDOR_SETTING_STRING:
        put_text_or_null(out, s->text_default);
        break;
    case CANDOR_SETTING_INT:
        candor_json_put_i64(out, s->default_value);
        break;
    case CANDOR_SETTING_BOOL:
        candor_buf_putf(out, "%s", s->default_value != 0 ? "true" : "false");
        break;
    case CANDOR_SETTING_ENUM:
        put_text_or_null(out, s->values[s->default_value]);
        break;
    }
}

static void put_values(candor_buf *out, const candor_setting *s)
{
    candor_buf_put_bytes(out, CANDOR_LIT(",\"values\":["));
    for (size_t i = 0; s->values[i] != NULL; i++) {
        if (i != 0) candor_buf_put_c(out, ',');
        put_text_or_null(out, s->values[i]);
    }
    candor_buf_put_c(out, ']');
}

static void put_row(candor_buf *out, const candor_setting *s)
{
    candor_buf_put_bytes(out, CANDOR_LIT("{\"name\":"));
    put_text_or_null(out, s->name);
    candor_buf_putf(out, ",\"type\":\"%s\",\"unit\":", candor_setting_type_name(s->type));
    put_text_or_null(out, s->unit[0] != '\0' ? s->unit : NULL);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"default\":"));
    put_default(out, s);
    if (s->type == CANDOR_SETTING_INT || s->type == CANDOR_SETTING_STRING)
        candor_buf_putf(out, ",\"min\":%lld,\"max\":%lld", (long long)s->min, (long long)s->max);
    if (s->type == CANDOR_SETTING_ENUM) put_values(out, s);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"env\":"));
    put_text_or_null(out, s->env);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"doc\":"));
    put_text_or_null(out, s->doc);
    candor_buf_put_c(out, '}');
}

candor_status candor_settings_json(candor_buf *out)
{
    candor_buf_put_c(out, '[');
    for (size_t i = 0; candor_setting_at(i) != NULL; i++) {
        if (i != 0) candor_buf_put_c(out, ',');
        put_row(out, candor_setting_at(i));
    }
    candor_buf_put_c(out, ']');
    return out->failed ? CANDOR_NOMEM : CANDOR_OK;
}
