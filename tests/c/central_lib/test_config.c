#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "central/config.h"

typedef struct pair {
    const char *name, *value;
} pair;

static const char *lookup(void *ctx, const char *name)
{
    const pair *p = ctx;
    for (; p != NULL && p->name != NULL; p++)
        if (strcmp(p->name, name) == 0) return p->value;
    return NULL;
}

static candor_status load(candor_config *c, pair *env, const char *const *args, candor_err *err)
{
    int n = 0;
    memset(err, 0, sizeof *err);
    while (args != NULL && args[n] != NULL)
        n++;
    return candor_config_load(c, n, (char *const *)(uintptr_t)args, lookup, env, err);
}
#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static candor_config config; /* large: paths */
static candor_err err;

static void defaults_are_loopback_and_documented_numbers(void **state)
{
    (void)state;
    assert_int_equal(load(&config, NULL, NULL, &err), CANDOR_OK);
    assert_string_equal(config.host, "127.0.0.1");
    assert_int_equal(config.port, 8797);
    assert_true(config.loopback);
    assert_int_equal(config.uploads_per_minute, 120);
    assert_int_equal(config.max_body_bytes, 1048576);
    assert_int_equal(config.max_events, 1000);
}

static void flag_wins_over_environment_over_default(void **state)
{
    pair env[] = {{"CANDOR_CENTRAL_MAX_EVENTS", "7"}, {"CANDOR_CENTRAL_MAX_CONNECTIONS", "9"}, {0}};
    (void)state;
    assert_int_equal(load(&config, env, ARGS("--max-events", "8"), &err), CANDOR_OK);
    assert_int_equal(config.max_events, 8);
    assert_int_equal(config.max_connections, 9);
    assert_int_equal(load(&config, env, ARGS("--max-events=5"), &err), CANDOR_OK);
    assert_int_equal(config.max_events, 5);
}

static void sinks_are_words_that_repeated_flags_add_to(void **state)
{
    pair env[] = {{"CANDOR_CENTRAL_SINK", "jsonl postgres"}, {0}};
    (void)state;
    assert_int_equal(load(&config, NULL, NULL, &err), CANDOR_OK);
    assert_string_equal(config.sink, "sqlite");
    assert_int_equal(load(&config, env, NULL, &err), CANDOR_OK);
    assert_string_equal(config.sink, "jsonl postgres");
    assert_int_equal(load(&config, env, ARGS("--sink", "memory", "--sink=mysql"), &err), CANDOR_OK);
    assert_string_equal(config.sink, "memory mysql");
}

static void wrong_values_are_refused_with_a_sentence(void **state)
{
    static const char *const bad[][3] = {{"--max-events", "0", NULL},
                                         {"--max-events", "-1", NULL},
                                         {"--max-events", "ten", NULL},
                                         {"--max-events", "", NULL},
                                         {"--max-events", "1e3", NULL},
                                         {"--max-events", "99999999999999999999", NULL},
                                         {"--max-evnts", "5", NULL},
                                         {"--max-events", NULL, NULL},
                                         {"serve", NULL, NULL},
                                         {"--listen", "nowhere", NULL},
                                         {"--listen", ":1", NULL},
                                         {"--listen", "127.0.0.1:65536", NULL},
                                         {"--listen", "::1:80", NULL},
                                         {"--log-level", "loud", NULL},
                                         {"--insecure-http=maybe", NULL, NULL},
                                         {"--tls-cert", "x", NULL}};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (load(&config, NULL, bad[i], &err) != CANDOR_INVALID)
            fail_msg("accepted: %s %s", bad[i][0], bad[i][1] != NULL ? bad[i][1] : "");
        assert_true(strlen(err.text) > 10);
    }
}

static void address_outside_needs_tls_or_consent(void **state)
{
    (void)state;
    assert_int_equal(load(&config, NULL, ARGS("--listen", "0.0.0.0:1"), &err), CANDOR_INVALID);
    assert_non_null(strstr(err.text, "--insecure-http"));
    assert_int_equal(load(&config, NULL, ARGS("--listen", "127.example.org:1"), &err),
                     CANDOR_INVALID);
    assert_int_equal(load(&config, NULL, ARGS("--listen", "[::]:1"), &err), CANDOR_INVALID);
    assert_int_equal(load(&config, NULL, ARGS("--listen", "0.0.0.0:1", "--insecure-http"), &err),
                     CANDOR_OK);
    assert_int_equal(load(&config, NULL,
                          ARGS("--listen", "0.0.0.0:1", "--tls-cert", "c", "--tls-key", "k"), &err),
                     CANDOR_OK);
    assert_int_equal(load(&config, NULL, ARGS("--listen", "[::1]:0"), &err), CANDOR_OK);
    assert_true(config.loopback);
    assert_string_equal(config.host, "::1");
}

static void help_names_every_flag_with_its_variable(void **state)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    (void)state;
    candor_config_help(out);
    fclose(out);
#define HAS_NUMBER(member, flag, def, unit, min, max, help)                                        \
    assert_non_null(strstr(text, "--" flag " N"));
#define HAS_TEXT(member, flag, def, hint, help) assert_non_null(strstr(text, "--" flag " "));
    CANDOR_CONFIG_NUMBERS(HAS_NUMBER)
    CANDOR_CONFIG_TEXTS(HAS_TEXT)
    assert_non_null(strstr(text, "CANDOR_CENTRAL_UPLOADS_PER_MINUTE, default 120 per minute"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_loopback_and_documented_numbers),
        cmocka_unit_test(flag_wins_over_environment_over_default),
        cmocka_unit_test(sinks_are_words_that_repeated_flags_add_to),
        cmocka_unit_test(wrong_values_are_refused_with_a_sentence),
        cmocka_unit_test(address_outside_needs_tls_or_consent),
        cmocka_unit_test(help_names_every_flag_with_its_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
