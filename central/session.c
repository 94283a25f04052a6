#include "central/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "central/respond.h"
#include "central/version.h"

/* A name with __Host- is taken only with Secure and Path=/, so no other host or plain HTTP can set
 * it (RFC 6265bis 4.1.3.2). */
#define NAME_TLS   "__Host-candor"
#define NAME_PLAIN "candor"

typedef struct session {
    unsigned char digest[CANDOR_SHA256_SIZE]; /* of the secret in the cookie */
    uint64_t ends_s;                          /* monotonic; 0: free */
    candor_principal principal;
} session;

struct candor_sessions {
    candor_mutex *lock;
    session items[CANDOR_SESSIONS_MAX];
};

candor_status candor_sessions_new(candor_sessions **out)
{
    candor_sessions *s = calloc(1, sizeof *s);
    candor_status st = CANDOR_NOMEM;
    *out = NULL;
    if (s != NULL) st = candor_mutex_new(&s->lock);
    if (st != CANDOR_OK) {
        free(s);
        return st;
    }
    *out = s;
    return CANDOR_OK;
}

void candor_sessions_free(candor_sessions *s)
{
    if (s == NULL) return;
    candor_mutex_free(s->lock);
    free(s);
}

static uint64_t now_s(void)
{
    return candor_clock_mono_ns() / 1000000000;
}

/* --- the cookie ----------------------------------------------------------------------------- */

/* Behind a proxy that speaks TLS the browser's own origin says so. */
static bool is_secure(const candor_conn *c)
{
    return c->loop->server->tls != NULL ||
           (c->head.origin.n > 8 && memcmp(c->head.origin.p, "https://", 8) == 0);
}

static bool find_cookie(candor_bytes list, const char *name, candor_bytes *value)
{
    size_t n = strlen(name);
    while (list.n > 0) {
        const char *end = memchr(list.p, ';', list.n);
        size_t size = end != NULL ? (size_t)(end - list.p) : list.n;
        if (size > n && memcmp(list.p, name, n) == 0 && list.p[n] == '=') {
            *value = candor_bytes_of(list.p + n + 1, size - n - 1);
            return true;
        }
        if (end == NULL) return false;
        list = candor_bytes_of(end + 1, list.n - size - 1);
        while (list.n > 0 && *list.p == ' ')
            list = candor_bytes_of(list.p + 1, list.n - 1);
    }
    return false;
}

static bool read_secret(const candor_conn *c, candor_bytes *secret)
{
    return find_cookie(c->head.cookie, NAME_TLS, secret) ||
           (c->loop->server->tls == NULL && find_cookie(c->head.cookie, NAME_PLAIN, secret));
}

static void put_cookie(candor_conn *c, const char *value, unsigned age_s)
{
    bool secure = is_secure(c);
    snprintf(c->reply.cookie, sizeof c->reply.cookie,
             "%s=%s; Path=/; Max-Age=%u; HttpOnly; SameSite=Strict%s",
             secure ? NAME_TLS : NAME_PLAIN, value, age_s, secure ? "; Secure" : "");
}

/* --- the table ------------------------------------------------------------------------------ */

/* Every entry is compared, whichever fits. */
static session *find(candor_sessions *s, const unsigned char digest[CANDOR_SHA256_SIZE],
                     uint64_t now)
{
    session *found = NULL;
    size_t i;
    for (i = 0; i < CANDOR_SESSIONS_MAX; i++)
        if (candor_const_time_eq(s->items[i].digest, digest, CANDOR_SHA256_SIZE) &&
            s->items[i].ends_s > now)
            found = &s->items[i];
    return found;
}

candor_status candor_sessions_add(candor_sessions *s, const candor_principal *p, uint64_t now_s,
                                  char text[CANDOR_SESSION_SECRET + 1], bool *displaced)
{
    unsigned char secret[CANDOR_SESSION_SECRET / 2];
    session one = {.principal = *p, .ends_s = now_s + CANDOR_SESSION_S}, *place = &s->items[0];
    candor_status st = candor_random(secret, sizeof secret);
    size_t i;
    if (st != CANDOR_OK) return st;
    candor_hex_encode(secret, sizeof secret, text);
    text[CANDOR_SESSION_SECRET] = '\0';
    st = candor_sha256(candor_bytes_of(text, CANDOR_SESSION_SECRET), one.digest);
    if (st != CANDOR_OK) return st;
    candor_mutex_lock(s->lock);
    for (i = 1; i < CANDOR_SESSIONS_MAX; i++)
        if (s->items[i].ends_s < place->ends_s) place = &s->items[i];
    *displaced = place->ends_s > now_s;
    *place = one;
    candor_mutex_unlock(s->lock);
    return CANDOR_OK;
}

bool candor_sessions_get(candor_sessions *s, candor_bytes secret, uint64_t now_s,
                         candor_principal *out, uint64_t *left_s)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    session *found;
    if (secret.n != CANDOR_SESSION_SECRET || candor_sha256(secret, digest) != CANDOR_OK)
        return false;
    candor_mutex_lock(s->lock);
    found = find(s, digest, now_s);
    if (found != NULL) {
        *out = found->principal;
        *left_s = found->ends_s - now_s;
    }
    candor_mutex_unlock(s->lock);
    return found != NULL;
}

void candor_sessions_end(candor_sessions *s, candor_bytes secret)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    session *found;
    if (candor_sha256(secret, digest) != CANDOR_OK) return;
    candor_mutex_lock(s->lock);
    found = find(s, digest, 0);
    if (found != NULL) memset(found, 0, sizeof *found);
    candor_mutex_unlock(s->lock);
}

bool candor_session_find(candor_conn *c, candor_principal *out, uint64_t *left_s)
{
    candor_server *s = c->loop->server;
    candor_bytes secret;
    if (!read_secret(c, &secret) || !candor_sessions_get(s->sessions, secret, now_s(), out, left_s))
        return false;
    if (candor_auth_stands(s->auth, out, CANDOR_SCOPE_READ)) {
        out->scopes = CANDOR_SCOPE_READ;
        return true;
    }
    candor_sessions_end(s->sessions, secret);
    return false;
}

/* --- requests ------------------------------------------------------------------------------- */

bool candor_session_try(candor_conn *c)
{
    unsigned wait_s = candor_ratelimit_take(c->loop->server->login_limit, c->peer,
                                            candor_clock_mono_ns() / 1000000);
    if (wait_s == 0) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_RATE_LIMITED,
                        "too many logins from this address; try again in %u s", wait_s);
    c->reply.retry_after_s = wait_s;
    return false;
}

/* A browser names the site that sends; other programs do not, and carry no cookie by themselves. */
bool candor_session_begin(candor_conn *c)
{
    candor_bytes origin = c->head.origin, host;
    const char *slashes;
    if (origin.p == NULL) return true;
    slashes = origin.n >= 8 ? memchr(origin.p, '/', 8) : NULL;
    if (slashes != NULL && slashes[1] == '/') {
        host = candor_bytes_of(slashes + 2, origin.n - (size_t)(slashes + 2 - origin.p));
        if (candor_bytes_eq(host, c->head.host)) return true;
    }
    candor_reply_problem(&c->reply, 403, "the request comes from the page of another site");
    return false;
}

static void put_session(candor_conn *c, uint64_t left_s)
{
    const candor_server *s = c->loop->server;
    candor_buf *b = &c->reply.body;
    candor_buf_put_bytes(b, CANDOR_LIT("{\"app\":"));
    candor_json_put_string(b, candor_bytes_str(c->principal.app));
    candor_buf_putf(b,
                    ",\"expires_s\":%llu,\"version\":\"%s\",\"sink\":", (unsigned long long)left_s,
                    CANDOR_CENTRAL_VERSION);
    candor_json_put_string(b, candor_bytes_str(s->config.sink));
    candor_buf_putf(b, ",\"retention_days\":%llu,\"schema\":{\"name\":",
                    (unsigned long long)s->config.retention_days);
    candor_json_put_string(b, candor_schema_name(s->schema));
    candor_buf_putf(b, ",\"version\":%u,\"hash\":\"%s\"}}\n", candor_schema_version(s->schema),
                    candor_schema_hash(s->schema));
}

void candor_session_create(candor_conn *c)
{
    char text[CANDOR_SESSION_SECRET + 1];
    candor_server *s = c->loop->server;
    bool displaced = false;
    if (candor_sessions_add(s->sessions, &c->principal, now_s(), text, &displaced) != CANDOR_OK) {
        candor_reply_problem(&c->reply, 500, "no random bytes; try again");
    } else {
        if (displaced) candor_count(&s->metrics.sessions_displaced, 1);
        candor_reply_begin(&c->reply, 200, candor_type_json);
        put_cookie(c, text, CANDOR_SESSION_S);
        put_session(c, CANDOR_SESSION_S);
    }
    candor_conn_send(c);
}

/* Of a bearer token: it has no end of its own. */
void candor_session_show(candor_conn *c)
{
    candor_principal who;
    uint64_t left_s = 0;
    candor_reply_begin(&c->reply, 200, candor_type_json);
    if (!candor_session_find(c, &who, &left_s)) left_s = 0;
    put_session(c, left_s);
    candor_conn_send(c);
}

void candor_session_end(candor_conn *c)
{
    candor_bytes secret;
    candor_buf *b = candor_reply_begin(&c->reply, 200, candor_type_json);
    if (read_secret(c, &secret)) candor_sessions_end(c->loop->server->sessions, secret);
    put_cookie(c, "", 0);
    candor_buf_put_bytes(b, CANDOR_LIT("{\"ended\":true}\n"));
    candor_conn_send(c);
}
