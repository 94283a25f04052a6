#include "central/sink/choose.h"

#include <stdio.h>

#include "central/sink/composite.h"
#include "central/token.h"

typedef struct choice {
    char name[CANDOR_SINK_NAME_MAX];
    candor_sink_open_fn *open;
    char url[CANDOR_PATH_MAX], queue[CANDOR_PATH_MAX];
} choice;

typedef struct choices {
    choice items[CANDOR_SINKS_MAX];
    size_t n;
} choices;

/* The next word, or an empty one at the end. */
static candor_bytes next_word(const char **p, const char *separators)
{
    candor_bytes word;
    *p += strspn(*p, separators);
    word = candor_bytes_of(*p, strcspn(*p, separators));
    *p += word.n;
    return word;
}

/* --- names ---------------------------------------------------------------------------------- */

static candor_status add_name(choices *c, candor_bytes name, candor_err *err)
{
    choice *to = &c->items[c->n];
    if (c->n == CANDOR_SINKS_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "settings", "--sink is given more than %d times",
                           CANDOR_SINKS_MAX);
    to->open = candor_sink_find(name);
    if (to->open == NULL)
        return candor_fail(err, CANDOR_INVALID, 0, "settings", "--sink is \"%.*s\"; it takes %s",
                           name.n < 40 ? (int)name.n : 40, name.p, candor_sink_names);
    memcpy(to->name, name.p, name.n);
    c->n++;
    return CANDOR_OK;
}

static candor_status read_names(const char *text, choices *c, candor_err *err)
{
    candor_status st = CANDOR_OK;
    candor_bytes word;
    while (st == CANDOR_OK && (word = next_word(&text, " ,\t\n")).n != 0)
        st = add_name(c, word, err);
    if (st == CANDOR_OK && c->n == 0)
        st = candor_fail(err, CANDOR_INVALID, 0, "settings", "--sink is empty; it takes %s",
                         candor_sink_names);
    return st;
}

/* --- addresses ------------------------------------------------------------------------------ */

static const struct {
    const char *scheme, *sink;
} schemes[] = {
    {"postgresql://", "postgres"},
    {"postgres://", "postgres"},
    {"mysql://", "mysql"},
    {"mariadb://", "mysql"},
    {"http://", "clickhouse"},
    {"https://", "clickhouse"},
    {"file://", "jsonl"},
    {"otlp+http://", "otlp"},
    {"otlp+https://", "otlp"},
    {"otlp+grpc://", "otlp_grpc"},
    {"otlp+grpcs://", "otlp_grpc"},
    {"posthog+http://", "posthog"},
    {"posthog+https://", "posthog"},
};

static const char *sink_of(candor_bytes url)
{
    size_t i;
    for (i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i].scheme);
        if (url.n > n && memcmp(url.p, schemes[i].scheme, n) == 0) return schemes[i].sink;
    }
    return NULL;
}

/* The first sink of the kind that has no address yet. */
static candor_status give_url(choices *c, candor_bytes url, candor_err *err)
{
    const char *kind = sink_of(url);
    size_t i;
    if (kind == NULL)
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--sink-url begins with none of postgresql://, mysql://, https://, "
                           "http://, file://, otlp+https://, otlp+grpcs:// and posthog+https://");
    if (url.n >= CANDOR_PATH_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "settings", "--sink-url is too long");
    for (i = 0; i < c->n; i++) {
        if (strcmp(c->items[i].name, kind) != 0 || *c->items[i].url != '\0') continue;
        memcpy(c->items[i].url, url.p, url.n);
        return CANDOR_OK;
    }
    return candor_fail(err, CANDOR_INVALID, 0, "settings",
                       "a --sink-url is one of %s, and no --sink %s waits for it", kind, kind);
}

static const char *example(const char *name)
{
    if (strcmp(name, "postgres") == 0) return "postgresql://user@host/database";
    if (strcmp(name, "mysql") == 0) return "mysql://user@host/database";
    if (strcmp(name, "otlp") == 0) return "otlp+https://bearer:TOKEN@host:4318";
    if (strcmp(name, "otlp_grpc") == 0) return "otlp+grpcs://bearer:TOKEN@host:4317";
    if (strcmp(name, "posthog") == 0) return "posthog+https://:PROJECT_KEY@host";
    return "https://user@host:8443/database";
}

static candor_status default_url(choice *c, const candor_config *cfg, const char *sqlite_path,
                                 candor_err *err)
{
    if (strcmp(c->name, "sqlite") == 0) {
        memcpy(c->url, sqlite_path, strlen(sqlite_path) + 1);
    } else if (strcmp(c->name, "jsonl") == 0) {
        if (strncmp(c->url, "file://", 7) == 0)
            memmove(c->url, c->url + 7, strlen(c->url + 7) + 1);
        else
            return candor_path_join(cfg->data, "jsonl", c->url, sizeof c->url, err);
    } else if (*c->url == '\0' && strcmp(c->name, "memory") != 0) {
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--sink %s needs --sink-url %s, or CANDOR_CENTRAL_SINK_URL, which no "
                           "list of processes shows",
                           c->name, example(c->name));
    }
    return CANDOR_OK;
}

/* By the kind and where it is, without who asks and with what password: a queue belongs to its
 * sink, however the settings change. */
static candor_status name_queue(choice *c, const candor_config *cfg, candor_err *err)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    char name[64], hex[9] = "";
    const char *host = strstr(c->url, "://"), *at;
    host = host != NULL ? host + 3 : c->url;
    at = host + strcspn(host, "@/?");
    if (*at == '@') host = at + 1;
    if (candor_sha256(candor_bytes_of(host, strcspn(host, "?")), digest) != CANDOR_OK)
        return candor_fail(err, CANDOR_CRYPTO, 0, "open the sinks", NULL);
    candor_hex_encode(digest, 4, hex);
    snprintf(name, sizeof name, "queue-%s-%s", c->name, hex);
    return candor_path_join(cfg->data, name, c->queue, sizeof c->queue, err);
}

static candor_status complete(choices *c, const candor_config *cfg, const char *sqlite_path,
                              candor_err *err)
{
    const char *text = cfg->sink_url;
    candor_status st = CANDOR_OK;
    candor_bytes word;
    size_t i, k;
    while (st == CANDOR_OK && (word = next_word(&text, " \t\n")).n != 0)
        st = give_url(c, word, err);
    for (i = 0; i < c->n && st == CANDOR_OK; i++) {
        st = default_url(&c->items[i], cfg, sqlite_path, err);
        if (st == CANDOR_OK) st = name_queue(&c->items[i], cfg, err);
        if (st == CANDOR_OK && i != 0 && strcmp(c->items[i].name, "sqlite") == 0)
            st = candor_fail(err, CANDOR_INVALID, 0, "settings",
                             "--sink sqlite comes first, as it has the charts, or not at all");
        if (st == CANDOR_OK && i == 0 && candor_sink_forwards(c->items[i].name))
            st = candor_fail(err, CANDOR_INVALID, 0, "settings",
                             "--sink %s hands events on and keeps none: put a store before it, as "
                             "in --sink sqlite --sink %s",
                             c->items[i].name, c->items[i].name);
        for (k = 0; k < i && st == CANDOR_OK; k++)
            if (strcmp(c->items[k].queue, c->items[i].queue) == 0)
                st = candor_fail(err, CANDOR_INVALID, 0, "settings",
                                 "two sinks of kind %s have the same place", c->items[i].name);
    }
    return st;
}

/* --- opening -------------------------------------------------------------------------------- */

static candor_sink_settings settings_of(const choice *c, const candor_sqlite_settings *sqlite)
{
    return (candor_sink_settings){.url = c->url,
                                  .dir = c->queue,
                                  .schema = sqlite->schema,
                                  .log = sqlite->log,
                                  .metrics = sqlite->metrics,
                                  .space_low = sqlite->space_low,
                                  .cache_kib = sqlite->cache_kib,
                                  .retention_days = sqlite->retention_days,
                                  .retention = sqlite->retention};
}

static candor_status open_sinks(const choices *c, const candor_config *cfg,
                                const candor_sqlite_settings *sqlite, candor_sink **out,
                                candor_err *err)
{
    const candor_sink_settings first = settings_of(&c->items[0], sqlite);
    candor_mirror_settings others[CANDOR_SINKS_MAX];
    candor_sink *primary = NULL;
    candor_status st = c->items[0].open(&first, &primary, err);
    size_t i;
    *out = primary;
    if (st != CANDOR_OK || c->n == 1) return st;
    for (i = 1; i < c->n; i++)
        others[i - 1] = (candor_mirror_settings){.name = c->items[i].name,
                                                 .open = c->items[i].open,
                                                 .sink = settings_of(&c->items[i], sqlite),
                                                 .queue_bytes = cfg->sink_queue_bytes};
    return candor_composite_open(primary, others, c->n - 1, out, err);
}

/* Queues and files of other sinks in the data directory would hold in clear what the database
 * hides. */
static candor_status check_encrypted(const choices *c, candor_err *err)
{
    if (c->n == 1 && strcmp(c->items[0].name, "jsonl") != 0) return CANDOR_OK;
    return candor_fail(err, CANDOR_INVALID, 0, "settings",
                       "with --key-file there is one --sink, and it is not jsonl: their files in "
                       "the data directory are not encrypted");
}

/* Tokens are in events.db, and the store of texts looks there for events, whatever the sink is. */
static candor_status make_events_db(const char *path, const candor_db_key *key, candor_err *err)
{
    candor_tokens *t = NULL;
    candor_status st = candor_tokens_open(path, key, &t, err);
    candor_tokens_close(t);
    return st;
}

candor_status candor_sinks_open(const candor_config *cfg, const candor_sqlite_settings *sqlite,
                                candor_store **out, candor_err *err)
{
    const candor_sink_store_settings settings = {.log = sqlite->log,
                                                 .metrics = sqlite->metrics,
                                                 .commit_rows = sqlite->commit_rows,
                                                 .queue_bytes = sqlite->queue_bytes,
                                                 .retention_days = sqlite->retention_days,
                                                 .retention = sqlite->retention,
                                                 .schema = sqlite->schema};
    choices c = {0};
    candor_sink *sink = NULL;
    candor_status st = read_names(cfg->sink, &c, err);
    if (st == CANDOR_OK && sqlite->key != NULL && *sqlite->key->hex != '\0')
        st = check_encrypted(&c, err);
    if (st == CANDOR_OK) st = complete(&c, cfg, sqlite->path, err);
    if (st == CANDOR_OK && c.n == 1 && strcmp(c.items[0].name, "sqlite") == 0)
        return candor_sqlite_open(sqlite, out, err);
    if (st == CANDOR_OK) st = make_events_db(sqlite->path, sqlite->key, err);
    if (st == CANDOR_OK) st = open_sinks(&c, cfg, sqlite, &sink, err);
    return st == CANDOR_OK ? candor_sink_store_open(sink, &settings, out, err) : st;
}
