/* Connections to MySQL and MariaDB, and their errors as ours. */
#include <errmsg.h>
#include <mysqld_error.h>
#include <stdio.h>

#include "central/sink/library.h"
#include "central/sink/mysql_internal.h"

#define CONNECT_S  15u
#define IO_S       30u
#define SERVER_MIN 50700

candor_status candor_my_load(candor_my *my, candor_err *err)
{
#define AS_NAME(name) #name,
    static const char *const names[] = {CANDOR_MY_MAP(AS_NAME)};
#undef AS_NAME
    return candor_sink_library("mariadb", 3, "libmariadb3", names, sizeof names / sizeof names[0],
                               my, err);
}

static candor_status status_of(unsigned code)
{
    switch (code) {
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
        return CANDOR_BUSY;
    case ER_DATA_TOO_LONG:
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
    case ER_WARN_DATA_OUT_OF_RANGE:
        return CANDOR_INVALID;
    case ER_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
        return CANDOR_DENIED;
    case ER_DISK_FULL:
    case ER_RECORD_FILE_FULL:
        return CANDOR_FULL;
    case ER_STATEMENT_TIMEOUT:
        return CANDOR_TIMEOUT;
    default:
        return code >= CR_MIN_ERROR && code <= CR_MAX_ERROR ? CANDOR_NET : CANDOR_IO;
    }
}

candor_status candor_my_fail(unsigned code, const char *message, const char *op, candor_err *err)
{
    return candor_fail(err, status_of(code), 0, op, "MySQL: %.180s (%u)", message, code);
}

/* Of [client] and [candor-central] in the option files of the machine: TLS, mostly. */
static void set_options(const candor_my *my, MYSQL *conn)
{
    const unsigned connect_s = CONNECT_S, io_s = IO_S;
    my->mysql_options(conn, MYSQL_READ_DEFAULT_GROUP, "candor-central");
    my->mysql_options(conn, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    my->mysql_options(conn, MYSQL_OPT_READ_TIMEOUT, &io_s);
    my->mysql_options(conn, MYSQL_OPT_WRITE_TIMEOUT, &io_s);
    my->mysql_options(conn, MYSQL_SET_CHARSET_NAME, "utf8mb4");
}

static const char *or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

static candor_status check_server(candor_myc *c, candor_err *err)
{
    unsigned long version = c->my->mysql_get_server_version(c->conn);
    c->maria = strstr(c->my->mysql_get_server_info(c->conn), "MariaDB") != NULL;
    if (version < SERVER_MIN)
        return candor_fail(err, CANDOR_INVALID, 0, "open the sink",
                           "the server is MySQL %lu.%lu; MySQL 5.7 or MariaDB 10.3 or later is "
                           "needed",
                           version / 10000, version / 100 % 100);
    /* Strict: a value that does not fit is an error, never cut. */
    return candor_my_run(c,
                         "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',"
                         "tx_isolation='READ-COMMITTED'",
                         NULL, err);
}

candor_status candor_my_connect(candor_myc *c, candor_err *err)
{
    const candor_sink_url *u = c->url;
    char socket[108];
    candor_status st;
    if (c->conn != NULL) return CANDOR_OK;
    c->conn = c->my->mysql_init(NULL);
    if (c->conn == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    set_options(c->my, c->conn);
    if (c->my->mysql_real_connect(
            c->conn, or_null(u->host), or_null(u->user), or_null(u->password), or_null(u->database),
            u->port, candor_sink_url_option(u, "socket", socket, sizeof socket), 0) == NULL) {
        unsigned code = c->my->mysql_errno(c->conn);
        st = candor_fail(err, status_of(code), 0, "open the sink",
                         "no connection to MySQL: %.160s (%u); check --sink-url",
                         c->my->mysql_error(c->conn), code);
    } else {
        st = check_server(c, err);
    }
    if (st != CANDOR_OK) candor_my_close(c);
    return st;
}

void candor_my_close(candor_myc *c)
{
    if (c->conn != NULL) c->my->mysql_close(c->conn);
    c->conn = NULL;
}

candor_status candor_my_run(candor_myc *c, const char *sql, MYSQL_RES **result, candor_err *err)
{
    MYSQL_RES *r = NULL;
    candor_status st = CANDOR_OK;
    int rc = c->my->mysql_real_query(c->conn, sql, strlen(sql));
    if (rc == 0) r = c->my->mysql_store_result(c->conn);
    if (rc != 0 || (r == NULL && c->my->mysql_errno(c->conn) != 0)) {
        unsigned code = c->my->mysql_errno(c->conn);
        st = candor_my_fail(code, c->my->mysql_error(c->conn), "store", err);
        if (st == CANDOR_NET) candor_my_close(c);
    }
    if (result != NULL)
        *result = r;
    else if (r != NULL)
        c->my->mysql_free_result(r);
    return st;
}

void candor_my_put_hex(candor_buf *sql, const void *p, size_t n)
{
    const unsigned char *s = p;
    size_t i;
    candor_buf_put_bytes(sql, CANDOR_LIT("X'"));
    for (i = 0; i < n; i++) {
        char two[2];
        candor_hex_encode(s + i, 1, two);
        candor_buf_put(sql, two, sizeof two);
    }
    candor_buf_put_c(sql, '\'');
}

void candor_my_put_columns(candor_buf *sql, const candor_filter_column *columns, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) {
        candor_buf_putf(sql, " AND %s=_utf8mb4 ", columns[i].column);
        candor_my_put_hex(sql, columns[i].value, strlen(columns[i].value));
    }
}
