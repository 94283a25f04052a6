#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "central/auth.h"
#include "plat/plat.h"

typedef struct fixture {
    char dir[64], path[96];
    candor_tokens *tokens;
    candor_auth *auth;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    candor_err err = {0};
    snprintf(f->dir, sizeof f->dir, "/tmp/candor-auth-XXXXXX");
    if (mkdtemp(f->dir) == NULL) return -1;
    snprintf(f->path, sizeof f->path, "%s/events.db", f->dir);
    *state = f;
    if (candor_auth_new(&f->auth) != CANDOR_OK) return -1;
    return candor_tokens_open(f->path, NULL, &f->tokens, &err) == CANDOR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    char name[128];
    static const char *const ends[] = {"", "-wal", "-shm"};
    size_t i;
    candor_tokens_close(f->tokens);
    candor_auth_free(f->auth);
    for (i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", f->path, ends[i]);
        unlink(name);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

static void make(fixture *f, unsigned scopes, const char *app, char text[CANDOR_TOKEN_TEXT + 1])
{
    candor_err err = {0};
    assert_int_equal(candor_tokens_create(f->tokens, scopes, app, text, &err), CANDOR_OK);
}

static size_t refresh(fixture *f)
{
    candor_err err = {0};
    size_t valid = 0;
    assert_int_equal(candor_auth_refresh(f->auth, f->tokens, &valid, &err), CANDOR_OK);
    return valid;
}

static candor_auth_result check(fixture *f, const char *prefix, const char *text,
                                candor_principal *p)
{
    char header[512];
    snprintf(header, sizeof header, "%s%s", prefix, text);
    return candor_auth_check(f->auth, candor_bytes_str(header), p);
}

static void token_that_was_made_is_known_with_its_scopes(void **state)
{
    fixture *f = *state;
    char text[CANDOR_TOKEN_TEXT + 1];
    candor_principal p;
    make(f, CANDOR_SCOPE_INGEST, "demo", text);
    assert_int_equal(refresh(f), 1);
    assert_int_equal(check(f, "Bearer ", text, &p), CANDOR_AUTH_OK);
    assert_int_equal(check(f, "bearer  ", text, &p), CANDOR_AUTH_OK);
    assert_true(candor_principal_may(&p, CANDOR_SCOPE_INGEST));
    assert_false(candor_principal_may(&p, CANDOR_SCOPE_READ));
    assert_string_equal(p.app, "demo");
}

static void admin_may_everything(void **state)
{
    fixture *f = *state;
    char text[CANDOR_TOKEN_TEXT + 1];
    candor_principal p;
    make(f, CANDOR_SCOPE_ADMIN, "", text);
    refresh(f);
    assert_int_equal(check(f, "Bearer ", text, &p), CANDOR_AUTH_OK);
    assert_true(candor_principal_may(&p, CANDOR_SCOPE_INGEST) &&
                candor_principal_may(&p, CANDOR_SCOPE_READ));
}

static void wrong_tokens_are_refused(void **state)
{
    fixture *f = *state;
    char text[CANDOR_TOKEN_TEXT + 1], other[CANDOR_TOKEN_TEXT + 1];
    candor_principal p;
    size_t i;
    make(f, CANDOR_SCOPE_READ, "", text);
    refresh(f);
    assert_int_equal(check(f, "", "", &p), CANDOR_AUTH_MISSING);
    assert_int_equal(check(f, "Basic ", text, &p), CANDOR_AUTH_BAD);
    assert_int_equal(check(f, "", text, &p), CANDOR_AUTH_BAD);
    assert_int_equal(check(f, "Bearer ", "", &p), CANDOR_AUTH_BAD);
    for (i = 0; i < CANDOR_TOKEN_TEXT; i++) { /* every character counts */
        memcpy(other, text, sizeof other);
        other[i] = other[i] == '1' ? '2' : '1';
        assert_int_equal(check(f, "Bearer ", other, &p), CANDOR_AUTH_BAD);
        memcpy(other, text, sizeof other);
        other[i] = '\0';
        assert_int_equal(check(f, "Bearer ", other, &p), CANDOR_AUTH_BAD);
    }
    assert_int_equal(p.scopes, 0);
}

static void revoked_token_is_refused_after_refresh(void **state)
{
    fixture *f = *state;
    char text[CANDOR_TOKEN_TEXT + 1], id[CANDOR_TOKEN_ID + 1] = {0};
    candor_err err = {0};
    candor_principal p;
    make(f, CANDOR_SCOPE_READ, "", text);
    refresh(f);
    memcpy(id, text + 4, CANDOR_TOKEN_ID);
    assert_int_equal(candor_tokens_revoke(f->tokens, id, &err), CANDOR_OK);
    assert_int_equal(candor_tokens_revoke(f->tokens, id, &err), CANDOR_OK);
    assert_int_equal(refresh(f), 0);
    assert_int_equal(check(f, "Bearer ", text, &p), CANDOR_AUTH_BAD);
    assert_int_equal(candor_tokens_revoke(f->tokens, "00000000", &err), CANDOR_NOTFOUND);
}

static void fixed_tokens_work_beside_the_table(void **state)
{
    fixture *f = *state;
    candor_err err = {0};
    candor_principal p;
    assert_int_equal(
        candor_auth_add(f->auth, CANDOR_LIT("sixteen-letters-"), CANDOR_SCOPE_READ, &err),
        CANDOR_OK);
    assert_int_equal(check(f, "Bearer ", "sixteen-letters-", &p), CANDOR_AUTH_OK);
    assert_int_equal(p.scopes, CANDOR_SCOPE_READ);
    assert_int_equal(check(f, "Bearer ", "sixteen-letters+", &p), CANDOR_AUTH_BAD);
    assert_int_equal(candor_auth_add(f->auth, CANDOR_LIT("short"), 1, &err), CANDOR_INVALID);
    assert_int_equal(candor_auth_add(f->auth, CANDOR_LIT("sixteen letters, spaces"), 1, &err),
                     CANDOR_INVALID);
}

static bool find_secret(void *ctx, const candor_token *t)
{
    const char *text = ctx;
    assert_memory_equal(t->id, text + 4, CANDOR_TOKEN_ID);
    assert_memory_not_equal(t->digest, text + 13, 32);
    return true;
}

static void secret_is_not_in_the_database(void **state)
{
    fixture *f = *state;
    char text[CANDOR_TOKEN_TEXT + 1], *bytes;
    candor_err err = {0};
    candor_buf file = {0};
    make(f, CANDOR_SCOPE_READ, "", text);
    assert_int_equal(candor_tokens_list(f->tokens, find_secret, text, &err), CANDOR_OK);
    candor_tokens_close(f->tokens); /* the log is folded into the file */
    f->tokens = NULL;
    assert_int_equal(candor_file_read_all(f->path, 1 << 24, &file, &err), CANDOR_OK);
    bytes = memmem(file.p, file.n, text + 4, CANDOR_TOKEN_ID);
    assert_non_null(bytes); /* the id is there, so the search works */
    assert_null(memmem(file.p, file.n, text + 13, CANDOR_TOKEN_SECRET));
    candor_buf_free(&file);
}

static void scopes_are_a_list_of_known_words(void **state)
{
    unsigned bits;
    char text[32];
    (void)state;
    assert_true(candor_scopes_parse("read,ingest", &bits));
    candor_scopes_write(bits, text);
    assert_string_equal(text, "ingest,read");
    assert_false(candor_scopes_parse("", &bits));
    assert_false(candor_scopes_parse("read,", &bits));
    assert_false(candor_scopes_parse(",read", &bits));
    assert_false(candor_scopes_parse("read,write", &bits));
    assert_false(candor_scopes_parse("Read", &bits));
}

#define AUTH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void run_sql(fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* Ids sort before the made one, and it was made last: a list cut short would lack it. */
static void list_cut_short_does_not_replace_the_good_one(void **state)
{
    fixture *f = *state;
    char text[CANDOR_TOKEN_TEXT + 1];
    candor_principal p;
    candor_err err = {0};
    make(f, CANDOR_SCOPE_INGEST, "demo", text);
    assert_int_equal(refresh(f), 1);
    run_sql(f, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i<100000) "
               "INSERT INTO token(id,digest,scopes,app,created) "
               "SELECT printf('%08x',i),zeroblob(32),1,'',1 FROM n");
    assert_int_equal(candor_auth_refresh(f->auth, f->tokens, NULL, &err), CANDOR_LIMIT);
    assert_non_null(strstr(err.text, "more than 100000"));
    assert_int_equal(check(f, "Bearer ", text, &p), CANDOR_AUTH_OK);
    run_sql(f, "DELETE FROM token WHERE created=1 AND id>'00000003'");
    assert_int_equal(refresh(f), 5);
    assert_int_equal(check(f, "Bearer ", text, &p), CANDOR_AUTH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(token_that_was_made_is_known_with_its_scopes),
        AUTH_TEST(admin_may_everything),
        AUTH_TEST(wrong_tokens_are_refused),
        AUTH_TEST(revoked_token_is_refused_after_refresh),
        AUTH_TEST(fixed_tokens_work_beside_the_table),
        AUTH_TEST(secret_is_not_in_the_database),
        AUTH_TEST(scopes_are_a_list_of_known_words),
        AUTH_TEST(list_cut_short_does_not_replace_the_good_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
