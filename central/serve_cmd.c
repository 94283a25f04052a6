#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "central/commands.h"
#include "central/server.h"
#include "central/sink/choose.h"
#include "central/tls.h"

#define LIMIT_ENTRIES 65536
#define PEER_FACTOR   20 /* uploads of one address, in those of one machine */
#define PEPPER_FILE   "pepper"
#define TEXTS_FILE    "attachments.db"
#define LOCK_FILE     "lock"

/* --- parts ---------------------------------------------------------------------------------- */

static candor_status load_schema(candor_server *s, candor_err *err)
{
    candor_buf text = {0};
    candor_status st;
    if (*s->config.schema == '\0')
        return candor_schema_compile(candor_builtin_schema(), "built-in schema", &s->schema, err);
    st = candor_file_read_all(s->config.schema, CANDOR_SCHEMA_FILE_MAX, &text, err);
    if (st == CANDOR_OK)
        st = candor_schema_compile(candor_buf_bytes(&text), s->config.schema, &s->schema, err);
    candor_buf_free(&text);
    return st;
}

/* Made once for a data directory: losing it only means that machines look new. */
static candor_status load_pepper(candor_server *s, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_buf text = {0};
    candor_status st = candor_path_join(s->config.data, PEPPER_FILE, path, sizeof path, err);
    if (st != CANDOR_OK) return st;
    st = candor_file_read_all(path, sizeof s->pepper, &text, err);
    if (st == CANDOR_NOTFOUND) {
        st = candor_random(s->pepper, sizeof s->pepper);
        if (st == CANDOR_OK)
            st = candor_file_write_durable(
                path, candor_bytes_of((const char *)s->pepper, sizeof s->pepper), err);
    } else if (st == CANDOR_OK && text.n == sizeof s->pepper) {
        memcpy(s->pepper, text.p, text.n);
    } else if (st == CANDOR_OK || st == CANDOR_LIMIT) {
        st = candor_fail(err, CANDOR_CORRUPT, 0, "read the pepper",
                         "%.180s does not hold 32 bytes; restore it, or remove it to start anew",
                         path);
    }
    candor_buf_free(&text);
    return st;
}

static candor_status load_tokens(candor_server *s, const char *db_path, size_t *valid,
                                 candor_err *err)
{
    const unsigned scopes = CANDOR_SCOPE_INGEST | CANDOR_SCOPE_READ;
    const char *fixed = getenv("CANDOR_CENTRAL_TOKEN");
    candor_status st = candor_auth_new(&s->auth);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "tokens", NULL);
    st = candor_tokens_open(db_path, &s->tokens, err);
    if (st == CANDOR_OK) st = candor_auth_refresh(s->auth, s->tokens, valid, err);
    if (st == CANDOR_OK && fixed != NULL && *fixed != '\0') {
        st = candor_auth_add(s->auth, candor_bytes_str(fixed), scopes, err);
        ++*valid;
    }
    if (st == CANDOR_OK && *s->config.token_file != '\0') {
        st = candor_auth_add_file(s->auth, s->config.token_file, scopes, err);
        ++*valid;
    }
    return st;
}

static candor_status first_token(candor_server *s, candor_err *err)
{
    char text[CANDOR_TOKEN_TEXT + 1];
    candor_status st =
        candor_tokens_create(s->tokens, CANDOR_SCOPE_INGEST | CANDOR_SCOPE_READ, "", text, err);
    if (st == CANDOR_OK) st = candor_auth_refresh(s->auth, s->tokens, NULL, err);
    if (st != CANDOR_OK) return st;
    printf("Token (shown once, scopes ingest,read): %s\n", text);
    fflush(stdout);
    return CANDOR_OK;
}

static candor_status open_store(candor_server *s, const char *db_path, candor_err *err)
{
    const candor_sqlite_settings settings = {
        .path = db_path,
        .schema = s->schema,
        .log = &s->log,
        .metrics = &s->metrics,
        .cache_kib = s->config.cache_kib,
        .commit_rows = s->config.commit_rows,
        .queue_bytes = s->config.queue_bytes,
        .retention_days = s->config.retention_days,
        .space_low = &s->disk_low,
    };
    return candor_sinks_open(&s->config, &settings, &s->store, err);
}

static candor_status open_attachments(candor_server *s, const char *db_path, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    const candor_attachments_settings settings = {
        .path = path,
        .events_path = db_path,
        .log = &s->log,
        .metrics = &s->metrics,
        .space_low = &s->disk_low,
        .queue_bytes = s->config.queue_bytes,
        .retention_days = s->config.attachments_retention_days,
    };
    candor_status st = candor_path_join(s->config.data, TEXTS_FILE, path, sizeof path, err);
    return st == CANDOR_OK ? candor_attachments_open(&settings, &s->attachments, err) : st;
}

static candor_status make_limits(candor_server *s, candor_err *err)
{
    const uint64_t events = s->config.uploads_per_minute, texts = s->config.attachments_per_minute;
    candor_status st = candor_ratelimit_new(events, LIMIT_ENTRIES, &s->limit);
    if (st == CANDOR_OK)
        st = candor_ratelimit_new(events * PEER_FACTOR, LIMIT_ENTRIES, &s->peer_limit);
    if (st == CANDOR_OK) st = candor_ratelimit_new(texts, LIMIT_ENTRIES, &s->attachment_limit);
    if (st == CANDOR_OK)
        st = candor_ratelimit_new(texts * PEER_FACTOR, LIMIT_ENTRIES, &s->attachment_peer_limit);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "start", NULL);
}

/* One server a data directory: two would fight over the pepper's meaning and the write lock. */
static candor_status lock_data(const candor_server *s, candor_file **out, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(s->config.data, LOCK_FILE, path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_file_open(path, CANDOR_OPEN_READ_WRITE, out, err);
    if (st == CANDOR_OK) st = candor_file_try_lock(*out, err);
    if (st == CANDOR_BUSY)
        st = candor_fail(err, CANDOR_BUSY, 0, "start",
                         "another candor-central serves %.180s; stop it or give another --data",
                         s->config.data);
    return st;
}

/* --- command -------------------------------------------------------------------------------- */

static candor_status prepare(candor_server *s, candor_file **lock, candor_err *err)
{
    char db_path[CANDOR_PATH_MAX];
    size_t valid = 0;
    candor_status st = candor_data_open(s->config.data, db_path, sizeof db_path, err);
    if (st == CANDOR_OK) st = lock_data(s, lock, err);
    if (st == CANDOR_OK) st = load_schema(s, err);
    if (st == CANDOR_OK) st = load_pepper(s, err);
    if (st == CANDOR_OK && *s->config.tls_cert != '\0')
        st = candor_tls_new(s->config.tls_cert, s->config.tls_key, &s->tls, err);
    if (st == CANDOR_OK) st = open_store(s, db_path, err);
    if (st == CANDOR_OK) st = load_tokens(s, db_path, &valid, err);
    if (st == CANDOR_OK) st = open_attachments(s, db_path, err);
    if (st == CANDOR_OK) st = make_limits(s, err);
    if (st == CANDOR_OK && valid == 0) st = first_token(s, err);
    return st;
}

static void server_free(candor_server *s)
{
    if (s->store != NULL) s->store->ops->close(s->store); /* commits what it was given */
    candor_attachments_close(s->attachments);
    candor_tokens_close(s->tokens);
    candor_auth_free(s->auth);
    candor_ratelimit_free(s->limit);
    candor_ratelimit_free(s->peer_limit);
    candor_ratelimit_free(s->attachment_limit);
    candor_ratelimit_free(s->attachment_peer_limit);
    candor_schema_free(s->schema);
    SSL_CTX_free(s->tls);
    free(s);
}

static unsigned default_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1) return 1;
    return n > CANDOR_LOOPS_MAX ? CANDOR_LOOPS_MAX : (unsigned)n;
}

int candor_command_serve(int argc, char *const *argv)
{
    candor_server *s = calloc(1, sizeof *s);
    candor_file *lock = NULL;
    candor_err err = {0};
    candor_status st;
    if (s == NULL) return 1;
    signal(SIGPIPE, SIG_IGN);
    st = candor_config_load(&s->config, argc, argv, candor_command_env, NULL, &err);
    if (st != CANDOR_OK) {
        free(s);
        return candor_command_fail(&err, 2);
    }
    if (s->config.threads == 0) s->config.threads = default_threads();
    candor_log_init(&s->log, s->config.log_level);
    s->started_ns = candor_clock_mono_ns();
    st = prepare(s, &lock, &err);
    if (st == CANDOR_OK) st = candor_server_run(s, &err);
    if (s->n_loops != 0) { /* a loop is stuck in the store: nothing can be freed safely */
        candor_command_fail(&err, 1);
        _exit(1);
    }
    if (st == CANDOR_OK) candor_log_say(&s->log, CANDOR_LOG_INFO, "stopped", NULL);
    server_free(s);
    candor_file_discard(lock);
    return st == CANDOR_OK ? 0 : candor_command_fail(&err, 1);
}
