/* candor-central token create|list|revoke: works while the server runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/commands.h"
#include "central/config.h"
#include "central/token.h"
#include "contract/sanitise.h"

typedef struct options {
    const char *scopes, *app, *id; /* NULL: not given */
    bool json, privacy_given, bad_privacy;
    candor_privacy privacy;
    candor_config config; /* data and key_file only */
} options;

static const char usage[] =
    "Usage:\n"
    "  candor-central token create --scopes ingest,read,admin [--app NAME] [--data DIR] [--json]\n"
    "  candor-central token create --scopes read --dp-epsilon E --dp-budget B [--dp-min-group N]\n"
    "                              [--dp-renew-days N] [--app NAME] [--data DIR] [--json]\n"
    "  candor-central token list [--data DIR] [--json]\n"
    "  candor-central token revoke ID [--data DIR] [--json]\n\n"
    "A token made with --app may only send and see events of that app. One made with --dp-epsilon\n"
    "may only read aggregates, with noise (differential privacy): E for each answer, B for all of\n"
    "them, or for those of N days; groups below N (20) are not shown.\n"
    "A running server notices within two seconds.\n";

/* --- commands ------------------------------------------------------------------------------- */

static candor_status check_privacy(const options *o, unsigned bits, candor_err *err)
{
    if (bits != CANDOR_SCOPE_READ)
        return candor_fail(
            err, CANDOR_INVALID, 0, "token create",
            "--dp-epsilon takes --scopes read: another scope would say more than the "
            "noise hides");
    if (o->bad_privacy)
        return candor_fail(
            err, CANDOR_INVALID, 0, "token create",
            "--dp-epsilon takes 0.001 to 10 and --dp-budget 0.001 to 1000, with three "
            "decimals at most; --dp-renew-days takes 0 to %d, --dp-min-group 1 to %d",
            CANDOR_PRIVACY_RENEW_MAX, CANDOR_PRIVACY_MIN_GROUP_MAX);
    return candor_privacy_check(&o->privacy, err);
}

static void put_privacy(const candor_privacy *p, candor_buf *b)
{
    if (p->epsilon_milli == 0) return;
    candor_buf_put_bytes(b, CANDOR_LIT(",\"privacy\":{\"epsilon\":"));
    candor_milli_put(b, p->epsilon_milli);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"budget\":"));
    candor_milli_put(b, p->budget_milli);
    candor_buf_putf(b, ",\"renew_days\":%u,\"min_group\":%u", p->renew_days, p->min_group);
}

static candor_status create(const options *o, candor_tokens *t, candor_err *err)
{
    char text[CANDOR_TOKEN_TEXT + 1], scopes[CANDOR_SCOPES_TEXT];
    unsigned bits = 0;
    candor_buf b = {0};
    candor_status st;
    const char *app = o->app != NULL ? o->app : "";
    /* An event's app passes the same test, so any other name would bind the token to nothing. */
    if (o->app != NULL && !candor_id_ok(candor_bytes_str(app), CANDOR_TOKEN_APP))
        return candor_fail(
            err, CANDOR_INVALID, 0, "token create",
            "--app is \"%.40s\"; it takes the app that the events name, 1 to %d "
            "letters, digits and _.:+- (and nothing secret); leave it out for every app",
            app, CANDOR_TOKEN_APP);
    if (!candor_scopes_parse(o->scopes, &bits))
        return candor_fail(err, CANDOR_INVALID, 0, "token create",
                           "--scopes is \"%.40s\"; it takes a list of ingest, read and admin",
                           o->scopes);
    st = o->privacy_given ? check_privacy(o, bits, err) : CANDOR_OK;
    if (st == CANDOR_OK)
        st = o->privacy_given ? candor_tokens_create_private(t, &o->privacy, app, text, err)
                              : candor_tokens_create(t, bits, app, text, err);
    if (st != CANDOR_OK) return st;
    if (o->privacy_given) bits = CANDOR_SCOPE_AGGREGATES;
    candor_scopes_write(bits, scopes);
    if (!o->json) {
        printf("%s\n", text);
        fprintf(stderr, "Scopes %s%s%s. The token is shown this once; the store keeps its hash.\n",
                scopes, *app != '\0' ? ", app " : "", app);
        return CANDOR_OK;
    }
    candor_buf_putf(&b,
                    "{\"id\":\"%.*s\",\"token\":\"%s\",\"scopes\":\"%s\",\"app\":", CANDOR_TOKEN_ID,
                    text + 4, text, scopes);
    candor_json_put_string(&b, candor_bytes_str(app));
    put_privacy(&o->privacy, &b);
    printf("%.*s%s}\n", (int)b.n, b.p, o->privacy_given ? "}" : "");
    candor_buf_free(&b);
    return CANDOR_OK;
}

static void time_text(int64_t ms, char out[CANDOR_TIME_TEXT + 1])
{
    candor_time_format(ms, out);
    out[CANDOR_TIME_TEXT] = '\0';
}

static bool show_line(void *ctx, const candor_token *t)
{
    char scopes[CANDOR_SCOPES_TEXT], created[CANDOR_TIME_TEXT + 1];
    candor_buf b = {0};
    (void)ctx;
    candor_scopes_write(t->scopes, scopes);
    time_text(t->created_ms, created);
    if (t->privacy.epsilon_milli != 0) {
        candor_buf_put_bytes(&b, CANDOR_LIT("  spent "));
        candor_milli_put(&b, t->spent_milli);
        candor_buf_put_bytes(&b, CANDOR_LIT(" of "));
        candor_milli_put(&b, t->privacy.budget_milli);
    }
    printf("%s  %-17s  %-24s  %-8s  %s%.*s\n", t->id, scopes, created,
           t->revoked_ms != 0 ? "revoked" : "valid", t->app, (int)b.n, b.n != 0 ? b.p : "");
    candor_buf_free(&b);
    return true;
}

static bool show_json(void *ctx, const candor_token *t)
{
    candor_buf *b = ctx;
    char scopes[CANDOR_SCOPES_TEXT], at[CANDOR_TIME_TEXT + 1];
    candor_scopes_write(t->scopes, scopes);
    time_text(t->created_ms, at);
    candor_buf_putf(b, "%s{\"id\":\"%s\",\"scopes\":\"%s\",\"app\":", b->n > 1 ? "," : "", t->id,
                    scopes);
    candor_json_put_string(b, candor_bytes_str(t->app));
    put_privacy(&t->privacy, b);
    if (t->privacy.epsilon_milli != 0) {
        candor_buf_put_bytes(b, CANDOR_LIT(",\"spent\":"));
        candor_milli_put(b, t->spent_milli);
        candor_buf_put_c(b, '}');
    }
    candor_buf_putf(b, ",\"created\":\"%s\",\"revoked\":", at);
    time_text(t->revoked_ms, at);
    if (t->revoked_ms != 0)
        candor_buf_putf(b, "\"%s\"}", at);
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null}"));
    return !b->failed;
}

static candor_status list(const options *o, candor_tokens *t, candor_err *err)
{
    candor_buf b = {0};
    candor_status st;
    if (!o->json) return candor_tokens_list(t, show_line, NULL, err);
    candor_buf_put_c(&b, '[');
    st = candor_tokens_list(t, show_json, &b, err);
    if (st == CANDOR_OK) printf("%.*s]\n", (int)b.n, b.p);
    candor_buf_free(&b);
    return st;
}

static candor_status revoke(const options *o, candor_tokens *t, candor_err *err)
{
    candor_status st = candor_tokens_revoke(t, o->id, err);
    if (st == CANDOR_OK && o->json) printf("{\"revoked\":\"%s\"}\n", o->id);
    if (st == CANDOR_OK && !o->json) printf("Revoked %s.\n", o->id);
    return st;
}

/* --- options -------------------------------------------------------------------------------- */

static bool take_whole(const char *text, uint32_t max, uint32_t *out)
{
    char *end = NULL;
    unsigned long v = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || v > max) return false;
    *out = (uint32_t)v;
    return true;
}

/* False: not one of these. */
static bool take_privacy(options *o, const char *name, const char *value)
{
    candor_privacy *p = &o->privacy;
    bool ok;
    if (strcmp(name, "--dp-epsilon") == 0)
        ok = candor_milli_parse(value, CANDOR_PRIVACY_EPSILON_MAX, &p->epsilon_milli) &&
             p->epsilon_milli != 0;
    else if (strcmp(name, "--dp-budget") == 0)
        ok = candor_milli_parse(value, CANDOR_PRIVACY_BUDGET_MAX, &p->budget_milli);
    else if (strcmp(name, "--dp-renew-days") == 0)
        ok = take_whole(value, CANDOR_PRIVACY_RENEW_MAX, &p->renew_days);
    else if (strcmp(name, "--dp-min-group") == 0)
        ok = take_whole(value, CANDOR_PRIVACY_MIN_GROUP_MAX, &p->min_group) && p->min_group != 0;
    else
        return false;
    if (!ok) o->bad_privacy = true;
    o->privacy_given = true;
    return true;
}

static bool take_option(options *o, int argc, char *const *argv, int *i)
{
    const char *a = argv[*i];
    const char *value = *i + 1 < argc ? argv[*i + 1] : NULL;
    if (strcmp(a, "--json") == 0) {
        o->json = true;
        return true;
    }
    if (a[0] != '-' && o->id == NULL) {
        o->id = a;
        return true;
    }
    if (value == NULL) return false;
    ++*i;
    if (strcmp(a, "--scopes") == 0)
        o->scopes = value;
    else if (strcmp(a, "--app") == 0)
        o->app = value;
    else if (take_privacy(o, a, value))
        return true;
    else if (strcmp(a, "--data") == 0 && strlen(value) < sizeof o->config.data)
        memcpy(o->config.data, value, strlen(value) + 1);
    else if (strcmp(a, "--key-file") == 0 && strlen(value) < sizeof o->config.key_file)
        memcpy(o->config.key_file, value, strlen(value) + 1);
    else
        return false;
    return true;
}

static bool parse(options *o, int argc, char *const *argv)
{
    const char *data = getenv("CANDOR_CENTRAL_DATA"), *key = getenv("CANDOR_CENTRAL_KEY_FILE");
    int i;
    if (data != NULL && strlen(data) < sizeof o->config.data)
        memcpy(o->config.data, data, strlen(data) + 1);
    if (key != NULL && strlen(key) < sizeof o->config.key_file)
        memcpy(o->config.key_file, key, strlen(key) + 1);
    for (i = 1; i < argc; i++)
        if (!take_option(o, argc, argv, &i)) return false;
    if (o->privacy_given && o->privacy.min_group == 0)
        o->privacy.min_group = CANDOR_PRIVACY_MIN_GROUP;
    if (o->privacy_given && strcmp(argv[0], "create") != 0) return false;
    if (strcmp(argv[0], "create") == 0) return o->scopes != NULL && o->id == NULL;
    if (strcmp(argv[0], "revoke") == 0) return o->id != NULL && o->scopes == NULL;
    return strcmp(argv[0], "list") == 0 && o->id == NULL && o->scopes == NULL;
}

static candor_status run(const char *verb, options *o, candor_err *err)
{
    char db_path[CANDOR_PATH_MAX];
    candor_tokens *t = NULL;
    candor_db_key key = {0};
    candor_status st = candor_config_data(&o->config, err);
    if (st == CANDOR_OK) st = candor_db_key_load(o->config.key_file, &key, err);
    if (st == CANDOR_OK) st = candor_data_open(o->config.data, db_path, sizeof db_path, err);
    if (st == CANDOR_OK) st = candor_tokens_open(db_path, &key, &t, err);
    if (st == CANDOR_OK)
        st = verb[0] == 'c'   ? create(o, t, err)
             : verb[0] == 'l' ? list(o, t, err)
                              : revoke(o, t, err);
    candor_tokens_close(t);
    candor_db_key_wipe(&key);
    return st;
}

int candor_command_token(int argc, char *const *argv)
{
    options *o = calloc(1, sizeof *o);
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    bool ok = o != NULL && argc > 0 && parse(o, argc, argv);
    if (ok) st = run(argv[0], o, &err);
    free(o);
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "help") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    if (!ok) {
        fputs(usage, stderr);
        return 2;
    }
    if (st == CANDOR_OK) return 0;
    return candor_command_fail(&err, st == CANDOR_INVALID ? 2 : 1);
}
