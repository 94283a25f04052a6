/* Options: defaults, bounds, hints, environment. */
#include "client/client_test.h"
#include "client/settings_table.h"

static candor_status read_settings(const char *json, candor_settings *out, candor_err *err)
{
    memset(err, 0, sizeof *err);
    return candor_settings_read(candor_bytes_str(json), out, err);
}

static void refuses(const char *json, const char *text)
{
    candor_settings s;
    candor_err err;
    assert_int_equal(read_settings(json, &s, &err), CANDOR_INVALID);
    if (strstr(err.text, text) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    candor_settings_free(&s);
}

static void defaults_hold_and_null_asks_for_them(void **state)
{
    (void)state;
    candor_settings s;
    candor_err err;
    clear_environment();
    assert_int_equal(
        read_settings("{\"app\":\"a\",\"batchEvents\":null,\"endpoint\":null}", &s, &err),
        CANDOR_OK);
    assert_int_equal(s.mode, CANDOR_MODE_AUTO);
    assert_int_equal(s.batch_events, 100);
    assert_int_equal(s.batch_interval_ms, 30000);
    assert_int_equal(s.spool_max_bytes, 50 * 1024 * 1024);
    assert_int_equal(s.retention_days, 30);
    assert_string_equal(s.app_version, "0.0.0");
    assert_null(s.endpoint);
    candor_settings_free(&s);
}

static void options_are_read(void **state)
{
    (void)state;
    candor_settings s;
    candor_err err;
    clear_environment();
    assert_int_equal(
        read_settings("{\"app\":\"a\",\"appVersion\":\"1.2.3.4\",\"mode\":\"manual\","
                      "\"endpoint\":\"https://x.example/base/\",\"token\":\"t\\u0041\","
                      "\"hostEnabled\":false,\"gzipLevel\":9}",
                      &s, &err),
        CANDOR_OK);
    assert_int_equal(s.mode, CANDOR_MODE_MANUAL);
    assert_string_equal(s.endpoint, "https://x.example/base");
    assert_string_equal(s.token, "tA");
    assert_string_equal(s.app_version, "1.2.3.4");
    assert_false(s.host_enabled);
    assert_int_equal(s.gzip_level, 9);
    candor_settings_free(&s);
}

static void unknown_option_gets_a_hint(void **state)
{
    (void)state;
    clear_environment();
    refuses("{\"app\":\"a\",\"endpont\":\"x\"}",
            "unknown option \"endpont\", did you mean \"endpoint\"?");
    refuses("{\"app\":\"a\",\"zzzzzzzzzzzz\":1}", "unknown option \"zzzzzzzzzzzz\"");
}

static void bad_values_name_option_bounds_and_unit(void **state)
{
    (void)state;
    clear_environment();
    refuses("{\"app\":\"a\",\"batchEvents\":0}",
            "option \"batchEvents\" must be a whole number from 1 to 1000 events");
    refuses("{\"app\":\"a\",\"batchEvents\":1001}", "from 1 to 1000 events");
    refuses("{\"app\":\"a\",\"appVersion\":\"ghp_16C7e42F292c6912E7710c838347Ae178B4a\"}",
            "must not read like a secret");
    refuses("{\"app\":\"a\",\"batchEvents\":1.5}", "whole number");
    refuses("{\"app\":\"a\",\"batchEvents\":\"5\"}", "whole number");
    refuses("{\"app\":\"a\",\"mode\":\"sometimes\"}", "must be one of auto, manual, off");
    refuses("{\"app\":\"a\",\"hostEnabled\":1}", "must be true or false");
    refuses("{\"app\":\"a\",\"token\":5}", "must be a text");
    refuses("{\"app\":\"a\",\"token\":\"\"}", "1 to 4096 bytes");
    refuses("{\"app\":\"a\",\"token\":\"a\\r\\nX: y\"}", "token");
    refuses("{\"app\":\"a\",\"token\":\"a\\u0000\"}", "NUL");
    refuses("{\"app\":\"a\",\"endpoint\":\"ftp://x\"}", "http or https URL");
    refuses("{\"app\":\"a\",\"endpoint\":\"https://\"}", "http or https URL");
    refuses("{\"app\":\"a\",\"endpoint\":\"https://x/?a=1\"}", "http or https URL");
    refuses("{\"app\":\"../a\"}", "option \"app\"");
    refuses("{\"app\":\"..\"}", "option \"app\"");
    refuses("{}", "option \"app\" is required");
    refuses("{\"app\":\"a\",\"retryBaseMs\":5000,\"retryMaxMs\":1000}", "retryBaseMs");
    refuses("[]", "must be a JSON object");
    refuses("{\"app\":\"a\",", "must be a JSON object");
    refuses("", "must be a JSON object");
    refuses("{\"app\":{\"x\":1}}", "must be a text");
}

static void endpoint_takes_no_password_and_no_clear_text(void **state)
{
    (void)state;
    candor_settings s;
    candor_err err;
    clear_environment();
    refuses("{\"app\":\"a\",\"endpoint\":\"https://me:hunter2@x.example\"}",
            "user name or password");
    refuses("{\"app\":\"a\",\"endpoint\":\"https://me@x.example/\"}", "user name or password");
    refuses("{\"app\":\"a\",\"endpoint\":\"http://me:hunter2@localhost\"}",
            "user name or password");
    refuses("{\"app\":\"a\",\"endpoint\":\"http://x.example\"}", "clear text");
    refuses("{\"app\":\"a\",\"endpoint\":\"http://127.0.0.1.x.example\"}", "clear text");
    refuses("{\"app\":\"a\",\"endpoint\":\"https://x.example:port\"}", "http or https URL");
    assert_int_equal(
        read_settings("{\"app\":\"a\",\"endpoint\":\"https://me:hunter2@x.example\"}", &s, &err),
        CANDOR_INVALID);
    assert_null(strstr(err.text, "hunter2"));
    candor_settings_free(&s);
    static const char *const good[] = {"http://localhost:1", "http://127.1.2.3/x",
                                       "http://[::1]:80", "https://x.example/a@b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char json[128];
        (void)snprintf(json, sizeof json, "{\"app\":\"a\",\"endpoint\":\"%s\"}", good[i]);
        if (read_settings(json, &s, &err) != CANDOR_OK) fail_msg("%s: %s", good[i], err.text);
        candor_settings_free(&s);
    }
    static const char *const bad[] = {"https://me:hunter2@x.example", "http://x.example"};
    for (size_t i = 0; i < 2; i++) {
        setenv("TELEMETRY_ENDPOINT", bad[i], 1);
        assert_int_equal(read_settings("{\"app\":\"a\"}", &s, &err), CANDOR_OK);
        assert_null(s.endpoint);
        assert_non_null(strstr(s.environment_error, i == 0 ? "takes a token" : "[::1] only"));
        assert_null(strstr(s.environment_error, "hunter2"));
        candor_settings_free(&s);
    }
    clear_environment();
}

/* Less than one journal segment and its successor would stop recording for ever. */
static void journal_has_room_for_two_segments(void **state)
{
    (void)state;
    clear_environment();
    refuses("{\"app\":\"a\",\"journalMaxBytes\":1048576}", "from 2097152 to");
}

static void environment_wins_over_options(void **state)
{
    (void)state;
    candor_settings s;
    candor_err err;
    clear_environment();
    setenv("TELEMETRY_ENDPOINT", "https://operator.example", 1);
    setenv("TELEMETRY_TOKEN", "operator", 1);
    setenv("TELEMETRY_USER_ID", "u-1", 1);
    assert_int_equal(
        read_settings("{\"app\":\"a\",\"endpoint\":\"https://x.example\",\"token\":\"t\"}", &s,
                      &err),
        CANDOR_OK);
    assert_string_equal(s.endpoint, "https://operator.example");
    assert_string_equal(s.token, "operator");
    assert_string_equal(s.user_id, "u-1");
    candor_settings_free(&s);
    clear_environment();
}

static void unusable_environment_sends_nothing_and_is_said(void **state)
{
    (void)state;
    candor_settings s;
    candor_err err;
    clear_environment();
    setenv("TELEMETRY_ENDPOINT", "nonsense", 1);
    assert_int_equal(read_settings("{\"app\":\"a\",\"endpoint\":\"https://x.example\"}", &s, &err),
                     CANDOR_OK);
    assert_null(s.endpoint);
    assert_non_null(strstr(s.environment_error, "TELEMETRY_ENDPOINT"));
    candor_settings_free(&s);
    clear_environment();
}

static void table_is_json_and_complete(void **state)
{
    (void)state;
    candor_buf b = {0};
    candor_json j;
    candor_json_token t;
    size_t rows = 0, n = 0;
    assert_int_equal(candor_settings_json(&b), CANDOR_OK);
    candor_json_init(&j, candor_buf_bytes(&b), 8);
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_ARRAY);
    while (candor_json_next(&j, &t) == CANDOR_JSON_OBJECT) {
        assert_true(candor_json_skip(&j, &t, NULL));
        rows++;
    }
    assert_int_equal(candor_json_next(&j, &t), CANDOR_JSON_END);
    while (candor_setting_at(n) != NULL)
        n++;
    assert_int_equal(rows, n);
    candor_buf_free(&b);
}

static void every_setting_is_documented(void **state)
{
    (void)state;
    char text[65536], needle[64];
    FILE *f = fopen(CANDOR_SOURCE_DIR "/docs/settings.md", "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    for (size_t i = 0; candor_setting_at(i) != NULL; i++) {
        (void)snprintf(needle, sizeof needle, "| `%s` |", candor_setting_at(i)->name);
        if (strstr(text, needle) == NULL) fail_msg("docs/settings.md has no row %s", needle);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_and_null_asks_for_them),
        cmocka_unit_test(options_are_read),
        cmocka_unit_test(unknown_option_gets_a_hint),
        cmocka_unit_test(bad_values_name_option_bounds_and_unit),
        cmocka_unit_test(endpoint_takes_no_password_and_no_clear_text),
        cmocka_unit_test(journal_has_room_for_two_segments),
        cmocka_unit_test(environment_wins_over_options),
        cmocka_unit_test(unusable_environment_sends_nothing_and_is_said),
        cmocka_unit_test(table_is_json_and_complete),
        cmocka_unit_test(every_setting_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
