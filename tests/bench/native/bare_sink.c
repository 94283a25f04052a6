/* The yardstick of `bench:ingest --sink`: inserts the rows of a sink into the table that the sink
 * made, by the fastest way that the store has, with the same columns, keys and durability, and
 * nothing around it: no HTTP, no parsing, no sanitising, no look for duplicates. One thread.
 * Usage: bare_sink postgres URL ROWS_FILE ROWS_PER_TRANSACTION
 *        bare_sink mariadb HOST:PORT:USER:PASSWORD:DATABASE ROWS_FILE ROWS_PER_TRANSACTION
 *        bare_sink clickhouse URL ROWS_FILE ROWS_PER_TRANSACTION
 *        bare_sink jsonl|jsonl_igzip DIRECTORY ROWS_FILE ROWS_PER_TRANSACTION
 * Instead of a ROWS_FILE "-" counts the rows and "empty" deletes them. ROWS_FILE: see sinkRowBytes
 * in lib/requests.js.
 * Prints {"rows":n,"seconds":s}. */
#include <curl/curl.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <mysql.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bare_sink.h"

#define CHUNK_ROWS 1000u
#define EMPTY_SQL  "TRUNCATE TABLE candor_events"
#define COLUMNS(ts)                                                                                \
    "event_id,event_type,category," ts ",session_id,user_id,machine_id,app,app_version,platform,"  \
    "correlation_id,payload"
#define PG_EPOCH_MS INT64_C(946684800000)

typedef struct rows {
    const unsigned char *at, *end;
    uint64_t done;
} rows;

bool complain(const char *what, const char *why)
{
    fprintf(stderr, "bare_sink: %s: %s\n", what, why);
    return false;
}

/* --- rows ----------------------------------------------------------------------------------- */

static uint32_t read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool map_rows(const char *path, rows *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return complain(path, "cannot open the rows");
    bool ok = fstat(fd, &st) == 0 && st.st_size > 0;
    /* MAP_POPULATE: page faults belong to the preparation, not to the measured time. */
    void *map = ok ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
                   : MAP_FAILED;
    close(fd);
    if (map == MAP_FAILED) return complain(path, "cannot map the rows");
    out->at = map;
    out->end = out->at + st.st_size;
    return true;
}

static bool next_row(rows *r, row *out)
{
    if (r->end - r->at < 28) return false;
    const unsigned char *p = r->at + 4, *end = p + read_u32(r->at);
    if (end > r->end) return false;
    out->id = p;
    out->ts_ms = (int64_t)((uint64_t)read_u32(p + 16) | (uint64_t)read_u32(p + 20) << 32);
    p += 24;
    for (int i = 0; i <= TEXTS; i++) {
        out->texts[i] = (text){(const char *)p + 4, read_u32(p)};
        p += 4 + out->texts[i].n;
    }
    r->at = end;
    r->done++;
    return p == end;
}

static void put_be(bytes *b, uint64_t v, int n)
{
    char *p = room(b, (size_t)n);
    for (int i = 0; i < n; i++)
        p[i] = (char)(v >> (8 * (n - 1 - i)));
}

/* --- PostgreSQL: COPY in its binary form, straight into the table
 * ---------------------------------
 */

static PGconn *pg;
static bytes copy;

static bool pg_ok(PGresult *r, ExecStatusType want)
{
    bool ok = PQresultStatus(r) == want;
    if (!ok) complain("postgres", PQerrorMessage(pg));
    PQclear(r);
    return ok;
}

static bool pg_open(const char *where)
{
    pg = PQconnectdb(where);
    return PQstatus(pg) == CONNECTION_OK || complain("postgres", PQerrorMessage(pg));
}

static bool pg_begin(void)
{
    copy.n = 0;
    put(&copy, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0", 19);
    return pg_ok(
        PQexec(pg, "COPY candor_events(" COLUMNS("ts") ") FROM STDIN WITH (FORMAT binary)"),
        PGRES_COPY_IN);
}

static void pg_text(text t)
{
    put_be(&copy, t.n, 4);
    put(&copy, t.p, t.n);
}

static bool pg_add(const row *r)
{
    put_be(&copy, TEXTS + 2, 2);
    pg_text((text){(const char *)r->id, 16});
    pg_text(r->texts[0]);
    pg_text(r->texts[1]);
    put_be(&copy, 8, 4);
    put_be(&copy, (uint64_t)((r->ts_ms - PG_EPOCH_MS) * 1000), 8);
    for (int i = 2; i < TEXTS; i++)
        pg_text(r->texts[i]);
    if (copy.n < (size_t)256 << 10) return true;
    bool ok = PQputCopyData(pg, copy.p, (int)copy.n) == 1;
    copy.n = 0;
    return ok || complain("postgres", PQerrorMessage(pg));
}

static bool pg_commit(void)
{
    put_be(&copy, 0xffff, 2);
    if (PQputCopyData(pg, copy.p, (int)copy.n) != 1 || PQputCopyEnd(pg, NULL) != 1)
        return complain("postgres", PQerrorMessage(pg));
    bool ok = true;
    for (PGresult *r; (r = PQgetResult(pg)) != NULL;)
        ok = pg_ok(r, PGRES_COMMAND_OK) && ok;
    return ok;
}

static bool pg_count(uint64_t *out)
{
    PGresult *r = PQexec(pg, "SELECT count(*) FROM candor_events");
    if (PQresultStatus(r) == PGRES_TUPLES_OK) *out = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
    return pg_ok(r, PGRES_TUPLES_OK);
}

static bool pg_empty(void)
{
    return pg_ok(PQexec(pg, EMPTY_SQL), PGRES_COMMAND_OK);
}

static void pg_close(void)
{
    PQfinish(pg);
}

/* --- MariaDB: a prepared statement, bound as arrays ------------------------------------------- */

static MYSQL *my;
static MYSQL_STMT *stmt;
static struct {
    const char *p[CHUNK_ROWS];
    unsigned long n[CHUNK_ROWS];
} columns[TEXTS + 1];
static long long times[CHUNK_ROWS];
static unsigned chunk;

static bool my_open(const char *where)
{
    char host[64], user[64], password[64], database[64];
    unsigned port;
    if (sscanf(where, "%63[^:]:%u:%63[^:]:%63[^:]:%63s", host, &port, user, password, database) !=
        5)
        return complain(where, "HOST:PORT:USER:PASSWORD:DATABASE is needed");
    my = mysql_init(NULL);
    if (mysql_real_connect(my, host, user, password, database, port, NULL, 0) == NULL)
        return complain("mariadb", mysql_error(my));
    static const char sql[] =
        "INSERT INTO candor_events(" COLUMNS("ts_ms") ") VALUES"
                                                      "(?,?,?,?,?,?,?,?,?,?,?,?)";
    stmt = mysql_stmt_init(my);
    mysql_set_character_set(my, "utf8mb4");
    return mysql_stmt_prepare(stmt, sql, sizeof sql - 1) == 0 ||
           complain("mariadb", mysql_stmt_error(stmt));
}

static bool my_begin(void)
{
    chunk = 0;
    return mysql_query(my, "START TRANSACTION") == 0 || complain("mariadb", mysql_error(my));
}

static bool my_flush(void)
{
    MYSQL_BIND binds[TEXTS + 2] = {{0}};
    for (int i = 0, k = 0; i < TEXTS + 2; i++) {
        if (i == 3) {
            binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
            binds[i].buffer = times;
            continue;
        }
        binds[i].buffer_type = i == 0 ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
        binds[i].buffer = columns[k].p;
        binds[i].length = columns[k].n;
        k++;
    }
    if (chunk == 0) return true;
    bool ok = !mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &chunk) &&
              !mysql_stmt_bind_param(stmt, binds) && !mysql_stmt_execute(stmt);
    chunk = 0;
    return ok || complain("mariadb", mysql_stmt_error(stmt));
}

static bool my_add(const row *r)
{
    columns[0].p[chunk] = (const char *)r->id;
    columns[0].n[chunk] = 16;
    for (int i = 0; i < TEXTS; i++) {
        columns[i + 1].p[chunk] = r->texts[i].p;
        columns[i + 1].n[chunk] = r->texts[i].n;
    }
    times[chunk] = r->ts_ms;
    return ++chunk < CHUNK_ROWS || my_flush();
}

static bool my_commit(void)
{
    return my_flush() && (mysql_query(my, "COMMIT") == 0 || complain("mariadb", mysql_error(my)));
}

static bool my_count(uint64_t *out)
{
    if (mysql_query(my, "SELECT count(*) FROM candor_events") != 0)
        return complain("mariadb", mysql_error(my));
    MYSQL_RES *r = mysql_store_result(my);
    MYSQL_ROW found = mysql_fetch_row(r);
    *out = strtoull(found[0], NULL, 10);
    mysql_free_result(r);
    return true;
}

static bool my_empty(void)
{
    return mysql_query(my, EMPTY_SQL) == 0 || complain("mariadb", mysql_error(my));
}

static void my_close(void)
{
    mysql_stmt_close(stmt);
    mysql_close(my);
}

/* --- ClickHouse: RowBinary over HTTP ------------------------------------------------------------
 */

static CURL *curl;
static bytes block, answer;
static char target[512], insert_url[1024];

static size_t collect(char *p, size_t size, size_t n, void *ctx)
{
    put(ctx, p, size * n);
    return size * n;
}

static bool ch_post(const char *url, const void *body, size_t n)
{
    long code = 0;
    answer.n = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
    CURLcode rc = curl_easy_perform(curl);
    put(&answer, "", 1);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    if (rc != CURLE_OK) return complain("clickhouse", curl_easy_strerror(rc));
    return code == 200 || complain("clickhouse", answer.p);
}

/* where: http://user:password@host:port/?database=NAME */
static bool ch_open(const char *where)
{
    curl = curl_easy_init();
    snprintf(target, sizeof target, "%s", where);
    char *query = curl_easy_escape(
        curl, "INSERT INTO candor_events(day," COLUMNS("ts_ms") ") FORMAT RowBinary", 0);
    snprintf(insert_url, sizeof insert_url, "%s&query=%s", where, query);
    curl_free(query);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    return true;
}

static bool ch_begin(void)
{
    block.n = 0;
    return true;
}

static void ch_text(text t)
{
    uint32_t n = t.n;
    for (; n >= 0x80; n >>= 7)
        *room(&block, 1) = (char)(n | 0x80);
    *room(&block, 1) = (char)n;
    put(&block, t.p, t.n);
}

static bool ch_add(const row *r)
{
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | r->id[i];
    uint16_t day = (uint16_t)(ms / 86400000);
    put(&block, &day, 2); /* this machine is little-endian, as the format */
    put(&block, r->id, 16);
    ch_text(r->texts[0]);
    ch_text(r->texts[1]);
    put(&block, &r->ts_ms, 8);
    for (int i = 2; i < TEXTS; i++)
        ch_text(r->texts[i]);
    return true;
}

static bool ch_commit(void)
{
    return block.n == 0 || ch_post(insert_url, block.p, block.n);
}

static bool ch_count(uint64_t *out)
{
    static const char sql[] = "SELECT count() FROM candor_events";
    if (!ch_post(target, sql, sizeof sql - 1)) return false;
    *out = strtoull(answer.p, NULL, 10);
    return true;
}

static bool ch_empty(void)
{
    return ch_post(target, EMPTY_SQL, sizeof EMPTY_SQL - 1);
}

static void ch_close(void)
{
    curl_easy_cleanup(curl);
}

/* -------------------------------------------------------------------------------------------- */

static const backend postgres = {"postgres", pg_open,  pg_begin, pg_add,
                                 pg_commit,  pg_count, pg_empty, pg_close};
static const backend mariadb = {"mariadb", my_open,  my_begin, my_add,
                                my_commit, my_count, my_empty, my_close};
static const backend clickhouse = {"clickhouse", ch_open,  ch_begin, ch_add,
                                   ch_commit,    ch_count, ch_empty, ch_close};
static const backend *const backends[] = {&postgres, &mariadb, &clickhouse, &bare_jsonl,
                                          &bare_jsonl_igzip};

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool insert_all(const backend *b, rows *r, uint64_t per_transaction)
{
    row item;
    bool ok = true, more = next_row(r, &item);
    while (ok && more) {
        ok = b->begin();
        for (uint64_t i = 0; ok && more && i < per_transaction; i++) {
            ok = b->add(&item);
            more = next_row(r, &item);
        }
        ok = ok && b->commit();
    }
    return ok;
}

static bool run(const backend *b, char **argv)
{
    rows r = {NULL, NULL, 0};
    uint64_t per_transaction = strtoull(argv[4], NULL, 10), n = 0;
    bool count = strcmp(argv[3], "-") == 0, empty = strcmp(argv[3], "empty") == 0;
    if (per_transaction == 0) return complain(argv[4], "not a number of rows");
    if ((count || empty) && b->count == NULL) return complain(b->name, "not a database");
    if (!count && !empty && !map_rows(argv[3], &r)) return false;
    if (!b->open(argv[2])) return false;
    double start = now_seconds();
    bool ok = count ? b->count(&n) : empty ? b->empty() : insert_all(b, &r, per_transaction);
    double seconds = now_seconds() - start;
    b->close();
    if (ok && r.at != r.end) ok = complain(argv[3], "the rows file is torn");
    if (ok)
        printf("{\"rows\":%llu,\"seconds\":%.6f}\n", (unsigned long long)(count ? n : r.done),
               seconds);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bare_sink STORE WHERE ROWS_FILE ROWS_PER_TRANSACTION\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++)
        if (strcmp(backends[i]->name, argv[1]) == 0) return run(backends[i], argv) ? 0 : 1;
    complain(argv[1], "unknown store");
    return 2;
}
