#include "central/dashboard.h"

#include "central/inflate.h"
#include "central/respond.h"

#define INFLATED_MAX ((size_t)8 * 1024 * 1024)

/* Nothing from elsewhere, nothing inline, no frame around it. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'";
static const char type_html[] = "text/html; charset=utf-8";

static const candor_asset *find(candor_bytes path)
{
    size_t n, i, skip = strlen(CANDOR_DASHBOARD_PATH);
    const candor_asset *all = candor_dashboard_assets(&n);
    candor_bytes name = candor_bytes_of(path.p + skip, path.n - skip);
    if (name.n > 0) name = candor_bytes_of(name.p + 1, name.n - 1);
    if (name.n == 0) name = CANDOR_LIT("index.html");
    for (i = 0; i < n; i++)
        if (candor_bytes_eq(name, candor_bytes_str(all[i].name))) return &all[i];
    return NULL;
}

static bool takes_gzip(candor_bytes accept)
{
    size_t i;
    for (i = 0; i + 4 <= accept.n; i++)
        if (memcmp(accept.p + i, "gzip", 4) == 0)
            return i + 8 > accept.n || memcmp(accept.p + i, "gzip;q=0", 8) != 0 ||
                   (i + 8 < accept.n && accept.p[i + 8] == '.');
    return false;
}

/* For the few programs that do not take gzip. */
static void put_plain(candor_reply *r, candor_bytes gz)
{
    candor_inflater *z = NULL;
    candor_err err = {0};
    candor_status st = candor_inflater_new(&z);
    if (st == CANDOR_OK) st = candor_inflater_run(z, gz, INFLATED_MAX, &r->body, &err);
    if (st != CANDOR_OK) r->body.failed = true;
    candor_inflater_free(z);
}

static void send_asset(candor_conn *c, const candor_asset *a)
{
    candor_reply *r = &c->reply;
    candor_bytes gz = candor_bytes_of((const char *)a->gz, a->n);
    candor_reply_begin(r, 200, a->type);
    r->policy = policy;
    r->cache = a->hashed ? "public, max-age=31536000, immutable" : "no-cache";
    r->validate = true;
    if (takes_gzip(c->head.accept_encoding)) {
        r->encoding = "gzip";
        candor_buf_put_bytes(&r->body, gz);
    } else {
        put_plain(r, gz);
    }
}

static void send_absence(candor_conn *c)
{
    candor_buf *b = candor_reply_begin(&c->reply, 200, type_html);
    c->reply.policy = policy;
    candor_buf_put_bytes(
        b, CANDOR_LIT("<!doctype html><html lang=\"en\"><title>Candor</title><h1>No dashboard</h1>"
                      "<p>This collector was built without its dashboard. In the repository, run "
                      "<code>npm run build</code>.</p></html>\n"));
}

void candor_dashboard_run(candor_conn *c)
{
    const candor_asset *a = find(c->head.path);
    size_t n;
    (void)candor_dashboard_assets(&n);
    if (a != NULL)
        send_asset(c, a);
    else if (n == 0)
        send_absence(c);
    else
        candor_reply_problem(&c->reply, 404, "the dashboard has no such file; it is at %s",
                             CANDOR_DASHBOARD_PATH);
    candor_conn_send(c);
}
