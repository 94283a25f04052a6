#include "central/store/db_key.h"

#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "central/store/sqlite_internal.h"
#include "plat/plat.h"

#define KEY_FILE_MAX 128
#define PLAIN_MAGIC  "SQLite format 3" /* with its NUL: how a file that is not encrypted begins */

/* What SQLCipher 4 writes and reads: AES-256-CBC, and HMAC-SHA-512 over each page. */
#define CIPHER "PRAGMA cipher='sqlcipher'; PRAGMA legacy=4;"

/* --- key files ------------------------------------------------------------------------------ */

/* systemd shows the owner's access list of its credentials as the group's permission. */
static bool is_credential(const char *path)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    size_t n = dir != NULL ? strlen(dir) : 0;
    return n != 0 && strncmp(path, dir, n) == 0 && path[n] == '/';
}

static candor_status check_private(const char *path, candor_err *err)
{
    struct stat st;
    mode_t others = is_credential(path) ? 0007 : 0077;
    if (stat(path, &st) != 0 || (st.st_mode & others) == 0) return CANDOR_OK;
    return candor_fail(err, CANDOR_DENIED, 0, "read the key",
                       "%.180s can be read or written by others; run `chmod 600` on it", path);
}

static bool is_key(candor_bytes text)
{
    size_t i;
    for (i = 0; i < text.n; i++)
        if (strchr("0123456789abcdefABCDEF", text.p[i]) == NULL || text.p[i] == '\0') return false;
    return text.n == CANDOR_DB_KEY_HEX;
}

candor_status candor_db_key_load(const char *path, candor_db_key *out, candor_err *err)
{
    candor_buf text = {0};
    candor_status st;
    memset(out, 0, sizeof *out);
    if (*path == '\0') return CANDOR_OK;
    st = candor_file_read_all(path, KEY_FILE_MAX, &text, err);
    if (st == CANDOR_OK) st = check_private(path, err);
    while (text.n > 0 && (unsigned char)text.p[text.n - 1] <= ' ')
        text.n--;
    if (st == CANDOR_LIMIT || (st == CANDOR_OK && !is_key(candor_buf_bytes(&text))))
        st = candor_fail(err, CANDOR_INVALID, 0, "read the key",
                         "%.140s does not hold 64 hex digits; `openssl rand -hex 32` makes them",
                         path);
    if (st == CANDOR_OK) memcpy(out->hex, text.p, CANDOR_DB_KEY_HEX);
    if (text.p != NULL) OPENSSL_cleanse(text.p, text.cap);
    candor_buf_free(&text);
    return st;
}

void candor_db_key_wipe(candor_db_key *k)
{
    OPENSSL_cleanse(k, sizeof *k);
}

/* --- databases ------------------------------------------------------------------------------ */

/* An SQLite without ciphers takes any pragma it does not know for nothing at all: without this
 * question it would go on and write plain text. */
static candor_status need_ciphers(sqlite3 *db, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(db, "PRAGMA cipher", &s, err);
    if (st == CANDOR_OK && sqlite3_step(s) != SQLITE_ROW)
        st = candor_fail(err, CANDOR_INVALID, 0, "open the database",
                         "this candor-central cannot encrypt, and --key-file is given; use "
                         "candor-central-encrypted (docs/at-rest.md)");
    sqlite3_finalize(s);
    return st;
}

static candor_status say_key(sqlite3 *db, const char *pragma, const candor_db_key *key,
                             candor_err *err)
{
    char sql[160];
    candor_status st;
    snprintf(sql, sizeof sql, CIPHER "PRAGMA %s=\"x'%s'\"", pragma, key->hex);
    st = candor_db_exec(db, sql, err);
    OPENSSL_cleanse(sql, sizeof sql);
    return st;
}

candor_status candor_db_key_apply(sqlite3 *db, const candor_db_key *key, candor_err *err)
{
    candor_status st;
    if (key == NULL || *key->hex == '\0') return CANDOR_OK;
    st = need_ciphers(db, err);
    return st == CANDOR_OK ? say_key(db, "key", key, err) : st;
}

candor_status candor_db_key_change(sqlite3 *db, const candor_db_key *key, candor_err *err)
{
    candor_status st = need_ciphers(db, err);
    if (st != CANDOR_OK) return st;
    if (*key->hex == '\0') return candor_db_exec(db, "PRAGMA rekey=''", err);
    return say_key(db, "rekey", key, err);
}

/* -1: there is no telling. */
static int begins_plainly(const char *path)
{
    char head[sizeof PLAIN_MAGIC];
    FILE *f = fopen(path, "rb");
    size_t n = f != NULL ? fread(head, 1, sizeof head, f) : 0;
    if (f != NULL) fclose(f);
    if (n != sizeof head) return -1;
    return memcmp(head, PLAIN_MAGIC, sizeof head) == 0;
}

candor_status candor_db_key_explain(candor_status st, const char *path, const candor_db_key *key,
                                    candor_err *err)
{
    bool keyed = key != NULL && *key->hex != '\0';
    int plain = st == CANDOR_CORRUPT ? begins_plainly(path) : -1;
    if (plain < 0 || (plain == 1 && !keyed)) return st;
    if (plain == 1)
        return candor_fail(err, st, 0, "open the database",
                           "%.100s is not encrypted, and --key-file is given; "
                           "`candor-central-encrypted rekey --new-key-file` encrypts it",
                           path);
    if (keyed)
        return candor_fail(err, st, 0, "open the database",
                           "%.140s does not open with the key of --key-file: it has another, or it "
                           "is damaged",
                           path);
    return candor_fail(err, st, 0, "open the database",
                       "%.140s is encrypted, or damaged; candor-central-encrypted opens it with "
                       "its --key-file",
                       path);
}
