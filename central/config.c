#include "central/config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>

typedef enum setting_kind { SETTING_NUMBER, SETTING_TEXT, SETTING_SWITCH } setting_kind;

typedef struct setting {
    setting_kind kind;
    const char *flag;
    size_t at;
    uint64_t def, min, max;
    const char *text, *unit, *help; /* unit: of a number; the placeholder of a text */
} setting;

#define NUMBER(member, flag, def, unit, min, max, help)                                            \
    {SETTING_NUMBER, flag, offsetof(candor_config, member), def, min, max, "", unit, help},
#define TEXT(member, flag, def, hint, help)                                                        \
    {SETTING_TEXT, flag, offsetof(candor_config, member), 0, 0, 0, def, hint, help},
#define SWITCH(member, flag, help)                                                                 \
    {SETTING_SWITCH, flag, offsetof(candor_config, member), 0, 0, 0, "", "", help},
static const setting settings[] = {CANDOR_CONFIG_TEXTS(TEXT) CANDOR_CONFIG_SWITCHES(SWITCH)
                                       CANDOR_CONFIG_NUMBERS(NUMBER)};
#define N_SETTINGS (sizeof settings / sizeof settings[0])

static void env_name(const setting *s, char *out, size_t cap)
{
    size_t i, n;
    snprintf(out, cap, "CANDOR_CENTRAL_%s", s->flag);
    n = strlen(out);
    for (i = 0; i < n; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

/* --- values --------------------------------------------------------------------------------- */

static bool parse_u64(const char *text, uint64_t *out)
{
    uint64_t v = 0;
    const char *p;
    if (*text == '\0' || strlen(text) > 18) return false;
    for (p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') return false;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    *out = v;
    return true;
}

static candor_status put_number(candor_config *c, const setting *s, const char *origin,
                                const char *value, candor_err *err)
{
    uint64_t v;
    if (!parse_u64(value, &v) || v < s->min || v > s->max)
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "%s is \"%.40s\"; it takes a whole number from %llu to %llu%s%s", origin,
                           value, (unsigned long long)s->min, (unsigned long long)s->max,
                           *s->unit != '\0' ? ", in " : "", s->unit);
    memcpy((char *)c + s->at, &v, sizeof v);
    return CANDOR_OK;
}

static candor_status put_switch(candor_config *c, const setting *s, const char *origin,
                                const char *value, candor_err *err)
{
    bool on = strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
    if (!on && strcmp(value, "0") != 0 && strcmp(value, "false") != 0 && *value != '\0')
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "%s is \"%.40s\"; it takes 1, true, 0 or false", origin, value);
    memcpy((char *)c + s->at, &on, sizeof on);
    return CANDOR_OK;
}

static candor_status put_setting(candor_config *c, const setting *s, const char *origin,
                                 const char *value, candor_err *err)
{
    if (s->kind == SETTING_NUMBER) return put_number(c, s, origin, value, err);
    if (s->kind == SETTING_SWITCH) return put_switch(c, s, origin, value, err);
    if (strlen(value) >= CANDOR_PATH_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "settings", "%s is longer than %d bytes", origin,
                           CANDOR_PATH_MAX - 1);
    memcpy((char *)c + s->at, value, strlen(value) + 1);
    return CANDOR_OK;
}

static candor_status load_env(candor_config *c, candor_env_get env, void *ctx, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < N_SETTINGS && st == CANDOR_OK; i++) {
        char name[64];
        const char *value;
        env_name(&settings[i], name, sizeof name);
        value = env(ctx, name);
        if (value != NULL && *value != '\0') st = put_setting(c, &settings[i], name, value, err);
    }
    return st;
}

/* --- flags ---------------------------------------------------------------------------------- */

static const setting *find_flag(const char *name, size_t n)
{
    size_t i;
    for (i = 0; i < N_SETTINGS; i++)
        if (strlen(settings[i].flag) == n && memcmp(settings[i].flag, name, n) == 0)
            return &settings[i];
    return NULL;
}

/* --sink, --sink-url and --retention may be given more than once: words, as in their variables. The
 * first flag replaces what the variable says. */
static candor_status put_word(candor_config *c, const setting *s, const char *origin,
                              const char *value, bool again, candor_err *err)
{
    char *to = (char *)c + s->at;
    size_t n = again ? strlen(to) : 0;
    if (n == 0) return put_setting(c, s, origin, value, err);
    if (n + 1 + strlen(value) >= CANDOR_PATH_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "settings", "%s is longer than %d bytes", origin,
                           CANDOR_PATH_MAX - 1);
    to[n] = ' ';
    memcpy(to + n + 1, value, strlen(value) + 1);
    return CANDOR_OK;
}

static bool repeats(const setting *s)
{
    return s->at == offsetof(candor_config, sink) || s->at == offsetof(candor_config, sink_url) ||
           s->at == offsetof(candor_config, retention);
}

/* --flag VALUE and --flag=VALUE; a switch takes no value. seen: an entry a setting. */
static candor_status load_flag(candor_config *c, int argc, char *const *argv, int *i, bool *seen,
                               candor_err *err)
{
    const char *arg = argv[*i], *eq = strchr(arg, '='), *value;
    size_t n = eq != NULL ? (size_t)(eq - arg) : strlen(arg);
    const setting *s = n > 2 && memcmp(arg, "--", 2) == 0 ? find_flag(arg + 2, n - 2) : NULL;
    char origin[80];
    bool again;
    if (s == NULL)
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "unknown flag \"%.60s\"; `candor-central --help` lists them", arg);
    snprintf(origin, sizeof origin, "--%s", s->flag);
    if (eq != NULL) {
        value = eq + 1;
    } else if (s->kind == SETTING_SWITCH) {
        value = "1";
    } else if (*i + 1 < argc) {
        value = argv[++*i];
    } else {
        return candor_fail(err, CANDOR_INVALID, 0, "settings", "%s needs a value", origin);
    }
    if (!repeats(s)) return put_setting(c, s, origin, value, err);
    again = seen[s - settings];
    seen[s - settings] = true;
    return put_word(c, s, origin, value, again, err);
}

/* --- checks --------------------------------------------------------------------------------- */

/* By the address itself: a name such as 127.example.org may point anywhere. */
static bool host_is_loopback(const char *host)
{
    unsigned char v4[4];
    if (inet_pton(AF_INET, host, v4) == 1) return v4[0] == 127;
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

/* HOST:PORT, [IPv6]:PORT */
static candor_status split_listen(candor_config *c, candor_err *err)
{
    const char *colon = strrchr(c->listen, ':'), *host = c->listen;
    size_t n = colon != NULL ? (size_t)(colon - host) : 0;
    uint64_t port = 0;
    bool bracketed = n >= 2 && host[0] == '[' && host[n - 1] == ']';
    if (bracketed) {
        host++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof c->host || (!bracketed && memchr(host, ':', n) != NULL) ||
        !parse_u64(colon + 1, &port) || port > 65535)
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--listen is \"%.80s\"; it takes HOST:PORT, such as 127.0.0.1:8797 or "
                           "[::1]:8797",
                           c->listen);
    memcpy(c->host, host, n);
    c->host[n] = '\0';
    c->port = (uint16_t)port;
    c->loopback = host_is_loopback(c->host);
    return CANDOR_OK;
}

static candor_status check_tls(const candor_config *c, candor_err *err)
{
    bool cert = *c->tls_cert != '\0', key = *c->tls_key != '\0';
    if (cert != key)
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--tls-cert and --tls-key go together");
    if (!c->loopback && !cert && !c->insecure_http)
        return candor_fail(
            err, CANDOR_INVALID, 0, "settings",
            "%.80s is not a loopback address and there is no TLS: tokens and events "
            "would travel in clear. Give --tls-cert and --tls-key, or --insecure-http "
            "when a TLS proxy stands in front",
            c->listen);
    return CANDOR_OK;
}

static candor_status check_log_level(const candor_config *c, candor_err *err)
{
    static const char *const known[] = {"error", "warn", "info", "debug"};
    size_t i;
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(c->log_level, known[i]) == 0) return CANDOR_OK;
    return candor_fail(err, CANDOR_INVALID, 0, "settings",
                       "--log-level is \"%.40s\"; it takes error, warn, info or debug",
                       c->log_level);
}

/* Whatever one of several collectors keeps for itself, the next one does not have. */
static candor_status check_stateless(const candor_config *c, candor_err *err)
{
    const char *sink = c->sink;
    if (!c->stateless) return CANDOR_OK;
    if (strcmp(sink, "clickhouse") != 0 && strcmp(sink, "postgres") != 0 &&
        strcmp(sink, "mysql") != 0)
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--stateless wants --sink clickhouse, postgres or mysql, and one alone: "
                           "\"%.60s\" keeps events in the data directory",
                           sink);
    if (*c->alert_url != '\0')
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--stateless takes no --alert-url: each collector would send the same "
                           "alert, and keeps its state in the data directory");
    if (*c->keys == '\0')
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--stateless wants --keys: with a pepper of its own each collector "
                           "makes another machine of the same one");
    return CANDOR_OK;
}

/* candor_data_dir ends in .../<app>/telemetry, the client's place; ours is .../candor-central. */
candor_status candor_config_data(candor_config *c, candor_err *err)
{
    const char *xdg = getenv("XDG_DATA_HOME");
    char base[CANDOR_PATH_MAX];
    candor_status st = CANDOR_OK;
    if (*c->data != '\0') return CANDOR_OK;
    if (xdg != NULL && xdg[0] == '/') {
        if (strlen(xdg) >= sizeof base) return candor_fail(err, CANDOR_LIMIT, 0, "settings", NULL);
        memcpy(base, xdg, strlen(xdg) + 1);
    } else {
        char home[CANDOR_PATH_MAX];
        st = candor_home_dir(home, sizeof home, err);
        if (st == CANDOR_OK) st = candor_path_join(home, ".local/share", base, sizeof base, err);
    }
    if (st == CANDOR_OK)
        st = candor_path_join(base, "candor-central", c->data, sizeof c->data, err);
    return st;
}

candor_status candor_config_load(candor_config *c, int argc, char *const *argv, candor_env_get env,
                                 void *env_ctx, candor_err *err)
{
    bool seen[N_SETTINGS] = {false};
    candor_status st = CANDOR_OK;
    size_t i;
    int a;
    memset(c, 0, sizeof *c);
    for (i = 0; i < N_SETTINGS; i++) {
        const setting *s = &settings[i];
        if (s->kind == SETTING_NUMBER) memcpy((char *)c + s->at, &s->def, sizeof s->def);
        if (s->kind == SETTING_TEXT) memcpy((char *)c + s->at, s->text, strlen(s->text) + 1);
    }
    st = load_env(c, env, env_ctx, err);
    for (a = 0; a < argc && st == CANDOR_OK; a++)
        st = load_flag(c, argc, argv, &a, seen, err);
    if (st == CANDOR_OK) st = split_listen(c, err);
    if (st == CANDOR_OK) st = check_tls(c, err);
    if (st == CANDOR_OK) st = check_log_level(c, err);
    if (st == CANDOR_OK) st = check_stateless(c, err);
    if (st == CANDOR_OK) st = candor_config_data(c, err);
    return st;
}

void candor_config_help(FILE *out)
{
    size_t i;
    for (i = 0; i < N_SETTINGS; i++) {
        const setting *s = &settings[i];
        char name[64], left[96];
        env_name(s, name, sizeof name);
        snprintf(left, sizeof left, "--%s%s%s", s->flag, s->kind == SETTING_SWITCH ? "" : " ",
                 s->kind == SETTING_NUMBER ? "N" : s->unit);
        fprintf(out, "  %-26s %s\n  %26s   %s", left, s->help, "", name);
        if (s->kind == SETTING_NUMBER)
            fprintf(out, ", default %llu%s%s, %llu to %llu", (unsigned long long)s->def,
                    *s->unit != '\0' ? " " : "", s->unit, (unsigned long long)s->min,
                    (unsigned long long)s->max);
        else if (*s->text != '\0')
            fprintf(out, ", default %s", s->text);
        fputc('\n', out);
    }
}
