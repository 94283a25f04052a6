/* Which ClickHouse servers there are, and which of them have what was acknowledged. */
#include <stdio.h>
#include <stdlib.h>

#include "central/sink/clickhouse_internal.h"

#define CONNECT_MS         15000u
#define CLUSTER_CONNECT_MS 2000u /* another replica waits to be asked instead */
#define STALL_MS           30000u
#define TOTAL_MS           120000u
#define QUICK_STALL_MS     10000u /* looking after a server, and waiting for its copy */
#define CARE_MS            10000u /* between looks at one that is up */
#define BEHIND_MS          500u   /* at one that catches up */
#define AWAY_MS            500u   /* at one that is away, doubled until: */
#define AWAY_MAX_MS        16000u
#define LAG_PARTS          3 /* to fetch; one that has no more is up: commits wait for the rest */
#define LAG_S              1

const char *candor_ch_state_name(candor_ch_state s)
{
    return s == CANDOR_CH_UP ? "up" : s == CANDOR_CH_BEHIND ? "behind" : "away";
}

/* --- the address ------------------------------------------------------------------------------ */

static candor_status add_server(candor_ch_cluster *c, candor_bytes before, candor_bytes host,
                                const char *after, candor_err *err)
{
    candor_ch_server *v = &c->servers[c->n_servers];
    candor_buf url = {0};
    candor_status st;
    if (c->n_servers == CANDOR_CH_SERVERS_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "--sink-url names more than %d ClickHouse servers",
                           CANDOR_CH_SERVERS_MAX);
    candor_buf_put_bytes(&url, before);
    candor_buf_put_bytes(&url, host);
    candor_buf_put_bytes(&url, candor_bytes_str(after));
    candor_buf_put_c(&url, '\0');
    st = url.failed ? candor_fail(err, CANDOR_NOMEM, 0, "settings", NULL)
                    : candor_sink_url_parse(url.p, &v->url, err);
    candor_buf_free(&url);
    if (st == CANDOR_OK && *v->url.host == '\0')
        st = candor_fail(err, CANDOR_INVALID, 0, "settings",
                         "--sink-url has an empty host; it takes a:8443|b:8443,c:8443|d:8443, bars "
                         "between the replicas of a shard and commas between shards");
    if (st != CANDOR_OK) return st;
    snprintf(v->name, sizeof v->name, "%s:%u", v->url.host, v->url.port);
    atomic_init(&v->state, CANDOR_CH_AWAY);
    c->n_servers++;
    return CANDOR_OK;
}

/* hosts: from the end of the user on, up to the database. */
static candor_status split(candor_ch_cluster *c, const char *url, const char *hosts,
                           candor_err *err)
{
    const size_t n = strcspn(hosts, "/?");
    const candor_bytes before = candor_bytes_of(url, (size_t)(hosts - url));
    candor_status st = CANDOR_OK;
    size_t at = 0;
    while (at <= n && st == CANDOR_OK) {
        size_t len = strcspn(hosts + at, ",|/?");
        st = add_server(c, before, candor_bytes_of(hosts + at, len), hosts + n, err);
        at += len + 1;
        if (at > n || hosts[at - 1] == ',') c->first[++c->n_shards] = c->n_servers;
    }
    return st;
}

/* The path is text in SQL and in ZooKeeper: the database may be named in letters that are both. */
static candor_status name_path(candor_ch_cluster *c, candor_err *err)
{
    const char *db = c->servers[0].url.database;
    if (*db == '\0') db = "default";
    if (strspn(db, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(db))
        return candor_fail(err, CANDOR_INVALID, 0, "settings",
                           "the database of a --sink-url with several servers takes letters, "
                           "digits and _ in its name");
    snprintf(c->zookeeper, sizeof c->zookeeper, "/candor/%s/{shard}/candor_events", db);
    return CANDOR_OK;
}

static candor_status take_copies(candor_ch_cluster *c, candor_err *err)
{
    char text[8];
    size_t i;
    c->copies = 1;
    if (candor_sink_url_option(&c->servers[0].url, "copies", text, sizeof text) == NULL)
        return CANDOR_OK;
    c->copies = (unsigned)strtoul(text, NULL, 10);
    for (i = 0; i < c->n_shards; i++)
        if (c->copies == 0 || c->copies > c->first[i + 1] - c->first[i])
            return candor_fail(err, CANDOR_INVALID, 0, "settings",
                               "copies of --sink-url is %.7s; shard %zu has %zu servers", text,
                               i + 1, c->first[i + 1] - c->first[i]);
    return CANDOR_OK;
}

static candor_status connect_all(candor_ch_cluster *c, candor_err *err)
{
    const candor_ch_bounds bounds = {.connect_ms = c->replicated ? CLUSTER_CONNECT_MS : CONNECT_MS,
                                     .stall_ms = STALL_MS,
                                     .total_ms = TOTAL_MS};
    const candor_ch_bounds quick = {.connect_ms = bounds.connect_ms,
                                    .stall_ms = c->replicated ? QUICK_STALL_MS : STALL_MS,
                                    .total_ms = TOTAL_MS};
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < c->n_servers && st == CANDOR_OK; i++) {
        st = candor_ch_init(&c->servers[i].ch, &c->servers[i].url, &bounds, err);
        if (st == CANDOR_OK)
            st = candor_ch_init(&c->servers[i].quick, &c->servers[i].url, &quick, err);
    }
    return st;
}

candor_status candor_ch_cluster_init(candor_ch_cluster *c, const char *url, candor_err *err)
{
    const char *hosts = strstr(url, "://"), *at;
    candor_status st;
    if (hosts == NULL)
        return candor_fail(err, CANDOR_INVALID, 0, "settings", "--sink-url has no ://");
    hosts += 3;
    at = hosts + strcspn(hosts, "@/?");
    if (*at == '@') hosts = at + 1;
    c->opened_ns = candor_clock_mono_ns();
    c->servers = calloc(CANDOR_CH_SERVERS_MAX, sizeof *c->servers);
    if (c->servers == NULL || candor_mutex_new(&c->lock) != CANDOR_OK)
        return candor_fail(err, CANDOR_NOMEM, 0, "settings", NULL);
    st = split(c, url, hosts, err);
    c->replicated = c->n_servers > 1;
    if (st == CANDOR_OK && c->replicated) st = name_path(c, err);
    if (st == CANDOR_OK) st = take_copies(c, err);
    if (st == CANDOR_OK) st = connect_all(c, err);
    return st;
}

void candor_ch_cluster_deinit(candor_ch_cluster *c)
{
    size_t i;
    for (i = 0; i < c->n_servers; i++) {
        candor_ch_deinit(&c->servers[i].ch);
        candor_ch_deinit(&c->servers[i].quick);
    }
    free(c->servers);
    candor_mutex_free(c->lock);
    memset(c, 0, sizeof *c);
}

/* merge() takes what of the two a server has. */
const char *candor_ch_events(const candor_ch_cluster *c)
{
    return atomic_load(&c->old) ? "merge(currentDatabase(),'^candor_events(_2)?$')"
                                : "candor_events";
}

/* --- states ----------------------------------------------------------------------------------- */

static void tell(const candor_ch_cluster *c, const candor_ch_server *v, candor_ch_state state,
                 const candor_err *why)
{
    static const char *const events[] = {"sink_server_up", "sink_server_behind",
                                         "sink_server_away"};
    candor_log_line line;
    const candor_log_level level = state == CANDOR_CH_UP ? CANDOR_LOG_INFO : CANDOR_LOG_WARN;
    if (c->log == NULL || !c->replicated) return;
    candor_log_begin(&line, level, events[state]);
    candor_log_text(&line, "server", v->name);
    if (why != NULL) candor_log_text(&line, "detail", why->text);
    candor_log_end(c->log, &line, level);
}

void candor_ch_server_set(candor_ch_cluster *c, candor_ch_server *v, candor_ch_state state,
                          const candor_err *why)
{
    const bool changed = atomic_exchange(&v->state, (int)state) != (int)state || v->pause_ms == 0;
    if (changed) tell(c, v, state, why);
    if (state == CANDOR_CH_AWAY)
        v->pause_ms = changed ? AWAY_MS : v->pause_ms * 2;
    else
        v->pause_ms = state == CANDOR_CH_UP ? CARE_MS : BEHIND_MS;
    if (v->pause_ms > AWAY_MAX_MS) v->pause_ms = AWAY_MAX_MS;
    v->check_at_ns = candor_clock_mono_ns() + (uint64_t)v->pause_ms * 1000000;
}

candor_ch_server *candor_ch_choose(const candor_ch_cluster *c, size_t shard, uint64_t *tried)
{
    const size_t first = c->first[shard], n = c->first[shard + 1] - first;
    int state;
    size_t i;
    for (state = CANDOR_CH_UP; state <= CANDOR_CH_AWAY; state++) {
        for (i = 0; i < n; i++) {
            if ((*tried >> i & 1) != 0 || atomic_load(&c->servers[first + i].state) > state)
                continue;
            *tried |= UINT64_C(1) << i;
            return &c->servers[first + i];
        }
    }
    return NULL;
}

/* --- a look at a server ------------------------------------------------------------------------
 */

static candor_bytes next_field(candor_bytes *in)
{
    candor_bytes field = candor_ch_take_until(in, '\t');
    while (field.n > 0 && field.p[field.n - 1] == '\n')
        field.n--;
    return field;
}

static void copy_field(candor_bytes field, char *out, size_t cap)
{
    size_t n = field.n < cap ? field.n : cap - 1;
    if (n != 0) memcpy(out, field.p, n);
    out[n] = '\0';
}

/* Two mistakes would mix or lose events: servers of one shard that do not copy each other, and
 * shards that are the same tables. */
static candor_status check_place(const candor_ch_cluster *c, const candor_ch_server *v,
                                 candor_err *err)
{
    size_t shard, i, own = 0;
    for (shard = 0; shard < c->n_shards; shard++)
        if (v >= &c->servers[c->first[shard]]) own = shard;
    for (shard = 0; shard < c->n_shards; shard++) {
        for (i = c->first[shard]; i < c->first[shard + 1]; i++) {
            const candor_ch_server *w = &c->servers[i];
            const bool same = strcmp(v->path, w->path) == 0;
            if (w == v || !w->ready || (shard != own && !same)) continue;
            if (shard == own && same && strcmp(v->replica, w->replica) != 0) continue;
            return candor_fail(
                err, CANDOR_INVALID, 0, "open the sink",
                "--sink-url has %.60s and %.60s as %s, and their macros say otherwise: {shard} is "
                "the same in a shard and in no other, {replica} differs in it",
                v->name, w->name, shard == own ? "replicas of a shard" : "different shards");
        }
    }
    return CANDOR_OK;
}

/* For good: the row's end says where the table is. Other shards' threads look at it. */
static candor_status place(candor_ch_cluster *c, candor_ch_server *v, candor_bytes row,
                           candor_err *err)
{
    candor_status st;
    candor_mutex_lock(c->lock);
    copy_field(next_field(&row), v->path, sizeof v->path);
    copy_field(next_field(&row), v->replica, sizeof v->replica);
    st = check_place(c, v, err);
    v->ready = st == CANDOR_OK;
    candor_mutex_unlock(c->lock);
    return st;
}

static candor_status look_at_replica(candor_ch_cluster *c, candor_ch_server *v, candor_err *err)
{
    candor_bytes row;
    uint64_t dumb, log, inserts, delay;
    candor_status st = candor_ch_run(
        &v->quick,
        "SELECT is_readonly+is_session_expired,if(log_max_index=0,0,log_max_index+1-log_pointer),"
        "inserts_in_queue,absolute_delay,zookeeper_path,replica_name FROM "
        "system.replicas WHERE database=currentDatabase() AND table='candor_events' FORMAT "
        "TabSeparated",
        &row, err);
    if (st != CANDOR_OK) return st;
    if (row.n == 0)
        v->ready = false; /* an empty machine in its place gets its tables at the next look */
    if (row.n == 0)
        return candor_fail(err, CANDOR_INVALID, 0, "open the sink",
                           "candor_events on %.80s is not replicated: a --sink-url with one server "
                           "made it; take another database",
                           v->name);
    dumb = candor_ch_number(next_field(&row));
    log = candor_ch_number(next_field(&row));
    inserts = candor_ch_number(next_field(&row));
    delay = candor_ch_number(next_field(&row));
    if (!v->ready) st = place(c, v, row, err);
    if (st != CANDOR_OK) return st;
    if (dumb != 0)
        return candor_fail(err, CANDOR_IO, 0, "store",
                           "ClickHouse: the table is read-only, as it has no session with "
                           "ZooKeeper");
    candor_ch_server_set(
        c, v, log + inserts > LAG_PARTS || delay > LAG_S ? CANDOR_CH_BEHIND : CANDOR_CH_UP, NULL);
    return CANDOR_OK;
}

candor_status candor_ch_server_check(candor_ch_cluster *c, candor_ch_server *v, candor_err *err)
{
    candor_status st = CANDOR_OK;
    bool old = false;
    if (!v->ready)
        st = candor_ch_migrate(&v->ch, c->format, c->replicated ? c->zookeeper : NULL, &old, err);
    if (old) atomic_store(&c->old, true);
    if (st == CANDOR_OK && c->replicated) {
        st = look_at_replica(c, v, err);
    } else if (st == CANDOR_OK) {
        if (v->ready)
            st = candor_ch_run(&v->quick, "SELECT count() FROM candor_meta WHERE version=0", NULL,
                               err);
        v->ready = st == CANDOR_OK;
        if (st == CANDOR_OK) candor_ch_server_set(c, v, CANDOR_CH_UP, NULL);
    }
    if (st != CANDOR_OK) candor_ch_server_set(c, v, CANDOR_CH_AWAY, err);
    return st;
}
