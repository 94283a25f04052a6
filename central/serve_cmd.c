#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "central/alert.h"
#include "central/commands.h"
#include "central/package_reader.h"
#include "central/parts.h"
#include "central/quality.h"
#include "central/server.h"
#include "central/session.h"
#include "central/tls.h"

#define LIMIT_ENTRIES 65536
#define OTHER_FILES   256 /* databases, logs, wake-ups and what libraries open */
#define PEER_FACTOR   20  /* uploads of one address, in those of one machine */
#define LOGINS        30  /* a minute, of one address */

/* --- parts ---------------------------------------------------------------------------------- */

static candor_status load_tokens(candor_server *s, const char *db_path, size_t *valid,
                                 candor_err *err)
{
    const char *fixed = getenv("CANDOR_CENTRAL_TOKEN");
    candor_status st = candor_auth_new(&s->auth);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "tokens", NULL);
    st = candor_tokens_open(db_path, &s->db_key, &s->tokens, err);
    if (st == CANDOR_OK) st = candor_auth_refresh(s->auth, s->tokens, valid, err);
    if (st == CANDOR_OK && fixed != NULL && *fixed != '\0') {
        st = candor_auth_add(s->auth, candor_bytes_str(fixed), CANDOR_FIXED_SCOPES, err);
        ++*valid;
    }
    if (st == CANDOR_OK && *s->config.token_file != '\0') {
        st = candor_auth_load_file(s->auth, s->config.token_file, CANDOR_FIXED_SCOPES, NULL, err);
        ++*valid;
    }
    return st;
}

static candor_status check_shared_tokens(const candor_server *s, candor_err *err)
{
    const char *fixed = getenv("CANDOR_CENTRAL_TOKEN");
    if (!s->config.stateless || *s->config.token_file != '\0' || (fixed != NULL && *fixed != '\0'))
        return CANDOR_OK;
    return candor_fail(err, CANDOR_INVALID, 0, "tokens",
                       "--stateless wants --token-file or CANDOR_CENTRAL_TOKEN, the same for all "
                       "collectors");
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

static candor_status make_limits(candor_server *s, candor_err *err)
{
    const uint64_t events = s->config.uploads_per_minute, texts = s->config.attachments_per_minute;
    candor_status st = candor_ratelimit_new(events, LIMIT_ENTRIES, &s->limit);
    if (st == CANDOR_OK)
        st = candor_ratelimit_new(events * PEER_FACTOR, LIMIT_ENTRIES, &s->peer_limit);
    if (st == CANDOR_OK) st = candor_ratelimit_new(texts, LIMIT_ENTRIES, &s->attachment_limit);
    if (st == CANDOR_OK)
        st = candor_ratelimit_new(texts * PEER_FACTOR, LIMIT_ENTRIES, &s->attachment_peer_limit);
    if (st == CANDOR_OK) st = candor_ratelimit_new(LOGINS, LIMIT_ENTRIES, &s->login_limit);
    if (st == CANDOR_OK) st = candor_sessions_new(&s->sessions);
    if (st == CANDOR_OK) st = candor_quality_new(&s->quality);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "start", NULL);
}

/* --- command -------------------------------------------------------------------------------- */

static candor_status prepare(candor_server *s, candor_parts *parts, candor_err *err)
{
    size_t valid = 0;
    candor_status st = check_shared_tokens(s, err);
    memset(parts, 0, sizeof *parts);
    if (st == CANDOR_OK) st = candor_parts_open(s, parts, err);
    if (st == CANDOR_OK && *s->config.tls_cert != '\0')
        st = candor_tls_new(s->config.tls_cert, s->config.tls_key, &s->tls, err);
    if (st == CANDOR_OK) st = load_tokens(s, parts->db_path, &valid, err);
    if (st == CANDOR_OK) st = candor_budget_open(parts->db_path, &s->db_key, &s->budget, err);
    if (st == CANDOR_OK) st = make_limits(s, err);
    if (st == CANDOR_OK) st = candor_package_reader_start(s, &s->packages, err);
    if (st == CANDOR_OK) st = candor_alerts_start(s, &s->alerts, err);
    if (st == CANDOR_OK && valid == 0) st = first_token(s, err);
    return st;
}

static void server_free(candor_server *s, candor_parts *parts)
{
    candor_alerts_stop(s->alerts);
    candor_package_reader_stop(s->packages);
    candor_parts_close(s, parts);
    candor_budget_close(s->budget);
    candor_tokens_close(s->tokens);
    candor_auth_free(s->auth);
    candor_ratelimit_free(s->limit);
    candor_ratelimit_free(s->peer_limit);
    candor_ratelimit_free(s->attachment_limit);
    candor_ratelimit_free(s->attachment_peer_limit);
    candor_ratelimit_free(s->login_limit);
    candor_sessions_free(s->sessions);
    candor_quality_free(s->quality);
    candor_tls_free(s->tls);
    free(s);
}

static unsigned default_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1) return 1;
    return n > CANDOR_LOOPS_MAX ? CANDOR_LOOPS_MAX : (unsigned)n;
}

/* A shell's soft limit of 1024 files would end below max-connections. */
static void raise_files(candor_server *s)
{
    struct rlimit limit;
    rlim_t want = (rlim_t)s->config.max_connections +
                  (rlim_t)(s->config.threads + 1) * CANDOR_PARTING_MAX + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want) return;
    limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < want)
        candor_log_say(
            &s->log, CANDOR_LOG_WARN, "few_files",
            "the limit of open files is below what max-connections takes; raise the hard "
            "limit (ulimit -Hn, LimitNOFILE) or lower max-connections");
}

int candor_command_serve(int argc, char *const *argv)
{
    candor_server *s = calloc(1, sizeof *s);
    candor_parts parts;
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
    raise_files(s);
    s->started_ns = candor_clock_mono_ns();
    st = prepare(s, &parts, &err);
    if (st == CANDOR_OK) st = candor_server_run(s, &err);
    if (s->n_loops != 0) { /* a loop is stuck in the store: nothing can be freed safely */
        candor_command_fail(&err, 1);
        _exit(1);
    }
    if (st == CANDOR_OK) candor_log_say(&s->log, CANDOR_LOG_INFO, "stopped", NULL);
    server_free(s, &parts);
    return st == CANDOR_OK ? 0 : candor_command_fail(&err, 1);
}
