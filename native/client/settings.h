/* The settings of a client: one table of names, types, units, defaults and bounds.
 * Layer: client. Threads: immutable once read. Docs: docs/settings.md. */
#ifndef CANDOR_CLIENT_SETTINGS_H
#define CANDOR_CLIENT_SETTINGS_H

#include "candor.h"

typedef enum candor_exporter_kind {
    CANDOR_EXPORT_CANDOR,
    CANDOR_EXPORT_FILE,
    CANDOR_EXPORT_STDOUT,
    CANDOR_EXPORT_OTLP_HTTP
} candor_exporter_kind;
typedef enum candor_config_says {
    CANDOR_CONFIG_UNSET,
    CANDOR_CONFIG_ON,
    CANDOR_CONFIG_OFF,
    CANDOR_CONFIG_UNREADABLE /* taken as off; nothing is deleted for it */
} candor_config_says;
typedef enum candor_notice {
    CANDOR_NOTICE_STDERR,
    CANDOR_NOTICE_NONE,
    CANDOR_NOTICE_HOST
} candor_notice;

/* Strings are owned and terminated; NULL where a setting is absent. */
typedef struct candor_settings {
    char *app, *app_version, *directory, *endpoint, *token, *user_id, *machine_id;
    char *proxy, *ca_file, *ca_pem;
    int64_t mode, notice; /* candor_mode, candor_notice */
    int64_t exporter;     /* candor_exporter_kind */
    int64_t host_enabled, config_enabled, default_enabled, inspect;
    int64_t host_level, config_level, gdpr; /* candor_privacy */
    int64_t batch_events, batch_interval_ms, upload_interval_ms;
    int64_t spool_max_bytes, journal_max_bytes, min_free_disk_bytes, retention_days;
    int64_t max_upload_bytes, ledger_max_bytes;
    int64_t retry_base_ms, retry_max_ms;
    int64_t connect_timeout_ms, request_timeout_ms, stall_timeout_ms, exit_flush_ms;
    int64_t gzip_level;
    int64_t full_content, config_full_content, vault_max_bytes, encrypt_spool;
    /* A sentence when an environment variable could not be used; the host's start must not fail
     * for what an operator exported. Empty: none. */
    char environment_error[224];
} candor_settings;

/* Defaults, then options_json, then TELEMETRY_ENDPOINT, TELEMETRY_TOKEN and TELEMETRY_USER_ID,
 * which win over the options: operators steer hosts. CANDOR_INVALID: err->text is one sentence with
 * the option's name, its bounds and unit. candor_settings_free in every case. */
CANDOR_CHECK candor_status candor_settings_read(candor_bytes options_json, candor_settings *out,
                                                candor_err *err);
void candor_settings_free(candor_settings *s); /* wipes the token; accepts a zeroed one */

/* The word for a value of an ENUM setting; "" when there is none. Static text. */
const char *candor_setting_choice(const char *name, int64_t value);

/* Append the table: [{"name","type","unit","default","min","max","values","env","doc"}]. */
CANDOR_CHECK candor_status candor_settings_json(candor_buf *out);

#endif
