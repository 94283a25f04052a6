#include "central/route.h"

#include "base/json.h"
#include "central/alert.h"
#include "central/attach.h"
#include "central/dashboard.h"
#include "central/erase.h"
#include "central/ingest.h"
#include "central/ingest_package.h"
#include "central/otlp/receive.h"
#include "central/params.h"
#include "central/quality.h"
#include "central/query.h"
#include "central/respond.h"
#include "central/session.h"
#include "central/version.h"

#define GETS "GET, HEAD"

/* What clients may rely on. docs/openapi.json says the same, and a test compares the two. */
typedef struct route {
    const char *path;    /* "/x/" followed by one '*': what begins so and goes on */
    const char *methods; /* that this row takes */
    const char *allow;   /* all that the path takes, as in the Allow field */
    unsigned scope;      /* 0: no token */
    const char *params;  /* of the query; another one is refused. NULL: any, unread */
    const char *codes;   /* of answers, besides those that any request can get */
    bool (*begin)(candor_conn *c);
    void (*run)(candor_conn *c);
} route;

/* --- small answers -------------------------------------------------------------------------- */

static void run_info(candor_conn *c)
{
    candor_buf *b = candor_reply_begin(&c->reply, 200, candor_type_text);
    candor_buf_putf(b,
                    "candor-central %s: collects telemetry that people can look in the eye.\n"
                    "POST /api/v1/events stores events, POST /api/telemetry/upload those of an "
                    "exported package; GET /api/telemetry/stats and /api/telemetry/events show "
                    "them, /dashboard to people; GET /api/v1/health says how it is.\n",
                    CANDOR_CENTRAL_VERSION);
    candor_conn_send(c);
}

static void run_openapi(candor_conn *c)
{
    candor_buf *b = candor_reply_begin(&c->reply, 200, candor_type_json);
    candor_buf_put_bytes(b, candor_builtin_openapi());
    c->reply.validate = true;
    candor_conn_send(c);
}

static const char *trouble(candor_server *s, candor_store_gauges *g)
{
    s->store->ops->gauges(s->store, g);
    if (atomic_load(&s->stopping)) return "stopping";
    if (atomic_load(&s->disk_low)) return "disk nearly full";
    return g->healthy ? NULL : "store cannot commit";
}

/* Texts of full content that are not whole. */
static void put_partials(const candor_metrics *m, candor_buf *b)
{
    unsigned i;
    candor_buf_putf(b, ",\"partial_texts\":{\"count\":%llu,\"bytes\":%llu,\"dropped\":{",
                    (unsigned long long)candor_counted(&m->partials),
                    (unsigned long long)candor_counted(&m->partial_bytes));
    for (i = 0; i < CANDOR_PARTIAL_DROP_COUNT; i++)
        candor_buf_putf(b, "%s\"%s\":%llu", i != 0 ? "," : "",
                        candor_partial_drop_name((candor_partial_drop)i),
                        (unsigned long long)candor_counted(&m->partials_dropped[i]));
    candor_buf_put_bytes(b, CANDOR_LIT("}}"));
}

/* Both answers go on with the same members; the second is a problem with them as extensions. */
static void run_health(candor_conn *c)
{
    candor_server *s = c->loop->server;
    candor_store_gauges g;
    const char *why = trouble(s, &g);
    candor_buf *b = &c->reply.body;
    if (why == NULL) {
        candor_reply_begin(&c->reply, 200, candor_type_json);
        candor_buf_put_bytes(b, CANDOR_LIT("{\"status\":\"ok\","));
    } else {
        candor_reply_problem(&c->reply, 503, "%s", why);
        while (b->n > 0 && b->p[b->n - 1] != '}')
            b->n--;
        if (b->n > 0) b->p[b->n - 1] = ',';
        candor_buf_putf(b, "\"reason\":\"%s\",", why);
        c->reply.retry_after_s = 5;
    }
    candor_buf_putf(b, "\"version\":\"%s\",\"schema\":{\"name\":", CANDOR_CENTRAL_VERSION);
    candor_json_put_string(b, candor_schema_name(s->schema));
    candor_buf_putf(b, ",\"version\":%u,\"hash\":\"%s\"},\"attachments\":\"%s\",\"uptime_s\":%llu",
                    candor_schema_version(s->schema), candor_schema_hash(s->schema),
                    candor_attachments_healthy(s->attachments) ? "ok" : "failing",
                    (unsigned long long)((candor_clock_mono_ns() - s->started_ns) / 1000000000));
    candor_buf_put_bytes(b, CANDOR_LIT(",\"retention\":{\"deleted\":"));
    candor_deleted_write(&s->metrics.deleted, b);
    candor_buf_put_c(b, '}');
    put_partials(&s->metrics, b);
    if (s->store->ops->report != NULL) {
        candor_buf_put_c(b, ',');
        s->store->ops->report(s->store, b);
    }
    candor_buf_put_bytes(b, CANDOR_LIT("}\n"));
    candor_conn_send(c);
}

/* The process answers: nothing to do with the store, so that nobody restarts a collector whose
 * database is away. */
static void run_live(candor_conn *c)
{
    candor_buf_put_bytes(candor_reply_begin(&c->reply, 200, candor_type_text), CANDOR_LIT("ok\n"));
    candor_conn_send(c);
}

/* Uploads would be stored: what a balancer asks before it sends some here. */
static void run_ready(candor_conn *c)
{
    candor_store_gauges g;
    const char *why = trouble(c->loop->server, &g);
    if (why == NULL) {
        run_live(c);
        return;
    }
    candor_reply_problem(&c->reply, 503, "%s", why);
    c->reply.retry_after_s = 5;
    candor_conn_send(c);
}

static void run_metrics(candor_conn *c)
{
    candor_server *s = c->loop->server;
    candor_store_gauges g;
    candor_buf *b = candor_reply_begin(&c->reply, 200, candor_type_metrics);
    s->store->ops->gauges(s->store, &g);
    candor_metrics_write(&s->metrics, g.queue_bytes, g.queue_batches, g.db_bytes, g.wal_bytes,
                         (candor_clock_mono_ns() - s->started_ns) / 1000000000,
                         candor_schema_hash(s->schema), b);
    candor_metrics_write_attachments(&s->metrics, candor_attachments_bytes(s->attachments),
                                     candor_attachments_healthy(s->attachments), b);
    candor_alerts_metrics(s->alerts, b);
    candor_conn_send(c);
}

/* --- table ---------------------------------------------------------------------------------- */

#define RANGE   "from,to,source,app"
#define KIND    ",category,type"
#define WHO     ",session,user,machine,version"
#define SAME    ",correlation,group"
#define PAGE    ",limit,cursor"
#define OTLP    "200,400,401,403,413,415,429,503"
#define QUERIED "200,304,400,401,403,500,503"
#define NOISED  "200,304,400,401,403,429,500,503" /* also to a token with privacy */

#define SESSION GETS ", POST, DELETE"

static const route routes[] = {
    {"/", GETS, GETS, 0, NULL, "200", NULL, run_info},
    {"/api/openapi.json", GETS, GETS, 0, NULL, "200,304", NULL, run_openapi},
    {"/api/v1/health", GETS, GETS, 0, NULL, "200,503", NULL, run_health},
    {"/api/telemetry/health", GETS, GETS, 0, NULL, "200,503", NULL, run_health},
    {"/livez", GETS, GETS, 0, NULL, "200", NULL, run_live},
    {"/readyz", GETS, GETS, 0, NULL, "200,503", NULL, run_ready},
    {"/api/v1/events", "POST", "POST", CANDOR_SCOPE_INGEST, "results",
     "202,400,401,403,413,415,429,503", candor_ingest_begin, candor_ingest_run},
    {"/v1/logs", "POST", "POST", CANDOR_SCOPE_INGEST, "", OTLP, candor_otlp_receive_begin,
     candor_otlp_receive_run},
    {"/v1/metrics", "POST", "POST", CANDOR_SCOPE_INGEST, "", OTLP, candor_otlp_receive_begin,
     candor_otlp_receive_run},
    {"/v1/traces", "POST", "POST", CANDOR_SCOPE_INGEST, "", OTLP, candor_otlp_receive_begin,
     candor_otlp_receive_run},
    {CANDOR_ATTACH_PATH "*", "POST", GETS ", POST", CANDOR_SCOPE_INGEST, "field",
     "200,201,400,401,403,404,409,413,415,429,501,503", candor_attach_begin, candor_attach_run},
    {CANDOR_ATTACH_PATH "*", GETS, GETS ", POST", CANDOR_SCOPE_READ, "field",
     "200,304,400,401,403,404,501,503", NULL, candor_attach_read},
    {CANDOR_UPLOAD_PATH "*", "PATCH", "HEAD, PATCH", CANDOR_SCOPE_INGEST, "field",
     "200,201,204,400,401,403,404,409,413,415,429,501,503", candor_part_begin, candor_part_run},
    {CANDOR_UPLOAD_PATH "*", "HEAD", "HEAD, PATCH", CANDOR_SCOPE_INGEST, "field",
     "204,400,401,403,404,409,501,503", NULL, candor_part_ask},
    {CANDOR_ERASE_PATH, "POST", "POST", CANDOR_SCOPE_ADMIN, "", "200,400,401,403,413,415,503",
     candor_erase_begin, candor_erase_run},
    {"/api/telemetry/upload", "POST", "POST", CANDOR_SCOPE_INGEST, "results",
     "202,400,401,403,413,415,429,503", candor_package_begin, candor_package_run},
    {"/api/telemetry/stats", GETS, GETS, CANDOR_SCOPE_READ, RANGE, QUERIED, NULL,
     candor_query_stats},
    {"/api/telemetry/events", GETS, GETS, CANDOR_SCOPE_READ, RANGE KIND WHO SAME PAGE, QUERIED,
     NULL, candor_query_events},
    {"/api/telemetry/aggregate/category", GETS, GETS, CANDOR_SCOPE_READ, RANGE KIND, NOISED, NULL,
     candor_query_categories},
    {"/api/telemetry/aggregate/source", GETS, GETS, CANDOR_SCOPE_READ, RANGE KIND, NOISED, NULL,
     candor_query_sources},
    {"/api/telemetry/aggregate/timeline", GETS, GETS, CANDOR_SCOPE_READ, RANGE KIND ",bucket,tz",
     NOISED, NULL, candor_query_timeline},
    {"/api/telemetry/aggregate/users", GETS, GETS, CANDOR_SCOPE_READ, RANGE, NOISED, NULL,
     candor_query_users},
    {"/api/telemetry/aggregate/version", GETS, GETS, CANDOR_SCOPE_READ, RANGE, QUERIED, NULL,
     candor_query_versions},
    {"/api/telemetry/aggregate/sessions", GETS, GETS, CANDOR_SCOPE_READ, RANGE ",bucket", QUERIED,
     NULL, candor_query_starts},
    {"/api/telemetry/aggregate/latency", GETS, GETS, CANDOR_SCOPE_READ, RANGE ",type,by", QUERIED,
     NULL, candor_query_latency},
    {"/api/telemetry/errors/recent", GETS, GETS, CANDOR_SCOPE_READ, RANGE KIND WHO SAME PAGE,
     QUERIED, NULL, candor_query_errors},
    {"/api/telemetry/errors/groups", GETS, GETS, CANDOR_SCOPE_READ, RANGE, QUERIED, NULL,
     candor_query_groups},
    {"/api/telemetry/errors/slo", GETS, GETS, CANDOR_SCOPE_READ, RANGE ",target", QUERIED, NULL,
     candor_query_slo},
    {"/api/telemetry/sessions", GETS, GETS, CANDOR_SCOPE_READ, RANGE WHO PAGE, QUERIED, NULL,
     candor_query_sessions},
    {CANDOR_QUALITY_PATH, GETS, GETS, CANDOR_SCOPE_READ, "", "200,304,401,403", NULL,
     candor_quality_run},
    {CANDOR_SESSION_PATH, GETS, SESSION, CANDOR_SCOPE_READ, "", "200,401,403", NULL,
     candor_session_show},
    {CANDOR_SESSION_PATH, "POST", SESSION, CANDOR_SCOPE_READ, "", "200,401,403,429",
     candor_session_begin, candor_session_create},
    {CANDOR_SESSION_PATH, "DELETE", SESSION, 0, "", "200,403", candor_session_begin,
     candor_session_end},
    {CANDOR_DASHBOARD_PATH, GETS, GETS, 0, NULL, "200,304", NULL, candor_dashboard_run},
    {CANDOR_DASHBOARD_PATH "/*", GETS, GETS, 0, NULL, "200,304,404", NULL, candor_dashboard_run},
    {"/metrics", GETS, GETS, CANDOR_SCOPE_READ, NULL, "200,401,403", NULL, run_metrics},
};
#define N_ROUTES (sizeof routes / sizeof routes[0])

static bool matches(const char *pattern, candor_bytes path)
{
    size_t n = strlen(pattern);
    if (pattern[n - 1] != '*') return candor_bytes_eq(path, candor_bytes_of(pattern, n));
    return path.n >= n && memcmp(path.p, pattern, n - 1) == 0;
}

static bool allows(const char *allow, candor_bytes method)
{
    while (*allow != '\0') {
        size_t n = strcspn(allow, ",");
        if (n == method.n && memcmp(allow, method.p, n) == 0) return true;
        allow += n;
        allow += strspn(allow, ", ");
    }
    return false;
}

static const char *scope_name(unsigned scope)
{
    if (scope == 0) return "";
    if (scope == CANDOR_SCOPE_ADMIN) return "admin";
    return scope == CANDOR_SCOPE_INGEST ? "ingest" : "read";
}

static bool needs_token(const candor_server *s, const route *r)
{
    if (r->run == run_metrics && s->config.metrics_public) return false;
    return r->scope != 0;
}

static bool may_see(candor_conn *c, const route *r)
{
    /* these two count every app */
    if ((r->run != run_metrics && r->run != candor_quality_run) || *c->principal.app == '\0')
        return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_WRONG_APP, "the token is bound to the app \"%s\"",
                        c->principal.app);
    return false;
}

/* A cookie reads and does nothing else: a browser sends it along by itself. */
static bool has_session(candor_conn *c, const route *r)
{
    uint64_t left_s;
    if (c->head.authorization.p != NULL || !allows(GETS, c->head.method)) return false;
    return (r->scope & CANDOR_SCOPE_READ) != 0 && candor_session_find(c, &c->principal, &left_s);
}

/* What a token with differential privacy may ask. */
static bool is_aggregate(const route *r)
{
    return r->run == candor_query_categories || r->run == candor_query_sources ||
           r->run == candor_query_timeline || r->run == candor_query_users;
}

static bool authorize_aggregates(candor_conn *c, const route *r)
{
    if (!is_aggregate(r))
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_AGGREGATES_ONLY,
                            "the token may only read noised aggregates: GET "
                            "/api/telemetry/aggregate/category, /source, /timeline and /users");
    return is_aggregate(r);
}

static bool authorize(candor_conn *c, const route *r)
{
    candor_auth_result result;
    if (!needs_token(c->loop->server, r)) return true;
    if (r->run == candor_session_create && !candor_session_try(c)) return false;
    c->known = has_session(c, r);
    if (c->known) return may_see(c, r);
    result = candor_auth_check(c->loop->server->auth, c->head.authorization, &c->principal);
    c->known = result == CANDOR_AUTH_OK;
    if (result != CANDOR_AUTH_OK) {
        if (result == CANDOR_AUTH_MISSING)
            candor_reply_refuse(&c->reply, CANDOR_PROBLEM_TOKEN_MISSING,
                                "no token; send \"Authorization: Bearer cnd_...\"");
        else
            candor_reply_refuse(
                &c->reply, CANDOR_PROBLEM_UNAUTHORIZED,
                "the token is unknown or revoked; `candor-central token create` makes one");
        return false;
    }
    if ((c->principal.scopes & CANDOR_SCOPE_AGGREGATES) != 0) return authorize_aggregates(c, r);
    if (!candor_principal_may(&c->principal, r->scope)) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_SCOPE_MISSING,
                            "the token lacks the scope \"%s\"", scope_name(r->scope));
        return false;
    }
    return may_see(c, r);
}

/* The row for path and method; without one for the method, *path_at is one for the path. */
static unsigned find_route(const candor_head *h, unsigned *path_at)
{
    unsigned i;
    *path_at = N_ROUTES;
    for (i = 0; i < N_ROUTES; i++) {
        if (!matches(routes[i].path, h->path)) continue;
        *path_at = i;
        if (allows(routes[i].methods, h->method)) break;
    }
    return i;
}

bool candor_route_begin(candor_conn *c)
{
    unsigned path_at, i = find_route(&c->head, &path_at);
    c->route = i;
    c->close_next = false;
    c->body_max = c->loop->server->config.max_body_bytes;
    c->body_advice = "send smaller batches";
    c->body_over = NULL;
    if (path_at == N_ROUTES) {
        candor_reply_problem(&c->reply, 404, "there is nothing here; GET / lists what there is");
        return false;
    }
    if (i == N_ROUTES) {
        candor_reply_problem(&c->reply, 405, "this path takes %s", routes[path_at].allow);
        c->reply.allow = routes[path_at].allow;
        return false;
    }
    return authorize(c, &routes[i]) &&
           (routes[i].params == NULL || candor_params_known(c, routes[i].params)) &&
           (routes[i].begin == NULL || routes[i].begin(c));
}

void candor_route_run(candor_conn *c)
{
    routes[c->route].run(c);
}

void candor_route_cut(candor_conn *c)
{
    if (routes[c->route].run == candor_part_run) candor_part_cut(c);
}

static const char *rest_name(const route *r)
{
    if (strchr(r->path, '*') == NULL) return "";
    return r->run == candor_dashboard_run ? "{file}" : "{event_id}";
}

void candor_route_list(candor_buf *out)
{
    size_t i;
    candor_buf_put_c(out, '[');
    for (i = 0; i < N_ROUTES; i++) {
        const route *r = &routes[i];
        size_t n = strcspn(r->path, "*");
        candor_buf_putf(out, "%s{\"path\":\"%.*s%s\",\"methods\":\"%s\",\"scope\":\"%s\",",
                        i != 0 ? "," : "", (int)n, r->path, rest_name(r), r->methods,
                        scope_name(r->scope));
        candor_buf_putf(out, "\"parameters\":\"%s\",\"statuses\":\"%s\"}",
                        r->params != NULL ? r->params : "", r->codes);
    }
    candor_buf_put_bytes(out, CANDOR_LIT("]\n"));
}
