/* The token table, in the same database file as the events. */
#include <stdio.h>
#include <stdlib.h>

#include "central/store/sqlite_internal.h"
#include "central/token.h"
#include "plat/plat.h"

#define TOKEN_CACHE_KIB 256

struct candor_tokens {
    sqlite3 *db;
};

candor_status candor_tokens_open(const char *db_path, const candor_db_key *key, candor_tokens **out,
                                 candor_err *err)
{
    candor_tokens *t = calloc(1, sizeof *t);
    candor_status st;
    *out = NULL;
    if (t == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the tokens", NULL);
    st = candor_db_open(db_path, key, true, TOKEN_CACHE_KIB, &t->db, err);
    if (st == CANDOR_OK) st = candor_db_create_schema(t->db, err);
    if (st != CANDOR_OK)
        candor_tokens_close(t);
    else
        *out = t;
    return st;
}

void candor_tokens_close(candor_tokens *t)
{
    if (t == NULL) return;
    if (t->db != NULL) sqlite3_close(t->db);
    free(t);
}

static candor_status make(candor_token *token, char text[CANDOR_TOKEN_TEXT + 1])
{
    unsigned char raw[CANDOR_TOKEN_ID / 2 + CANDOR_TOKEN_SECRET / 2];
    char secret[CANDOR_TOKEN_SECRET];
    candor_status st = candor_random(raw, sizeof raw);
    if (st != CANDOR_OK) return st;
    candor_hex_encode(raw, CANDOR_TOKEN_ID / 2, token->id);
    token->id[CANDOR_TOKEN_ID] = '\0';
    candor_hex_encode(raw + CANDOR_TOKEN_ID / 2, CANDOR_TOKEN_SECRET / 2, secret);
    snprintf(text, CANDOR_TOKEN_TEXT + 1, "cnd_%s_%.*s", token->id, CANDOR_TOKEN_SECRET, secret);
    return candor_sha256(candor_bytes_of(secret, sizeof secret), token->digest);
}

static candor_status insert(candor_tokens *t, const candor_token *token, unsigned scopes,
                            const char *app, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(
        t->db, "INSERT INTO token(id,digest,scopes,app,created) VALUES(?1,?2,?3,?4,?5)", &s, err);
    if (st != CANDOR_OK) return st;
    candor_db_bind_text(s, 1, candor_bytes_str(token->id));
    sqlite3_bind_blob(s, 2, token->digest, sizeof token->digest, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, scopes);
    candor_db_bind_text(s, 4, candor_bytes_str(app));
    sqlite3_bind_int64(s, 5, candor_clock_unix_ms());
    st = candor_db_run(s, "store the token", err);
    sqlite3_finalize(s);
    return st;
}

static candor_status insert_privacy(candor_tokens *t, const candor_token *token,
                                    const candor_privacy *p, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(
        t->db,
        "INSERT INTO token_privacy(id,epsilon,budget,renew_days,min_group,period,spent) "
        "VALUES(?1,?2,?3,?4,?5,0,0)",
        &s, err);
    if (st != CANDOR_OK) return st;
    candor_db_bind_text(s, 1, candor_bytes_str(token->id));
    sqlite3_bind_int64(s, 2, p->epsilon_milli);
    sqlite3_bind_int64(s, 3, p->budget_milli);
    sqlite3_bind_int64(s, 4, p->renew_days);
    sqlite3_bind_int64(s, 5, p->min_group);
    st = candor_db_run(s, "store the token", err);
    sqlite3_finalize(s);
    return st;
}

candor_status candor_tokens_create(candor_tokens *t, unsigned scopes, const char *app,
                                   char text[CANDOR_TOKEN_TEXT + 1], candor_err *err)
{
    candor_token token = {0};
    candor_status st = make(&token, text);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "make a token", NULL);
    return insert(t, &token, scopes, app, err);
}

candor_status candor_tokens_create_private(candor_tokens *t, const candor_privacy *p,
                                           const char *app, char text[CANDOR_TOKEN_TEXT + 1],
                                           candor_err *err)
{
    candor_token token = {0};
    candor_status st = candor_privacy_check(p, err);
    if (st != CANDOR_OK) return st;
    st = make(&token, text);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "make a token", NULL);
    st = candor_db_exec(t->db, "BEGIN IMMEDIATE", err);
    if (st != CANDOR_OK) return st;
    st = insert(t, &token, CANDOR_SCOPE_AGGREGATES, app, err);
    if (st == CANDOR_OK) st = insert_privacy(t, &token, p, err);
    if (st == CANDOR_OK) st = candor_db_exec(t->db, "COMMIT", err);
    if (st != CANDOR_OK) sqlite3_exec(t->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

static bool read_token(sqlite3_stmt *s, candor_token *out)
{
    candor_bytes id = candor_db_column(s, 0), digest = candor_db_column(s, 1);
    candor_bytes app = candor_db_column(s, 3);
    memset(out, 0, sizeof *out);
    if (id.n != CANDOR_TOKEN_ID || digest.n != sizeof out->digest || app.n > CANDOR_TOKEN_APP)
        return false;
    memcpy(out->id, id.p, id.n);
    memcpy(out->digest, digest.p, digest.n);
    out->scopes = (unsigned)sqlite3_column_int(s, 2);
    if (app.n != 0) memcpy(out->app, app.p, app.n);
    out->created_ms = sqlite3_column_int64(s, 4);
    out->revoked_ms = sqlite3_column_int64(s, 5);
    out->privacy = (candor_privacy){
        (uint32_t)sqlite3_column_int64(s, 6), (uint32_t)sqlite3_column_int64(s, 7),
        (uint32_t)sqlite3_column_int64(s, 8), (uint32_t)sqlite3_column_int64(s, 9)};
    out->spent_milli = (uint32_t)sqlite3_column_int64(s, 10);
    if (out->privacy.epsilon_milli == 0) out->scopes &= ~CANDOR_SCOPE_AGGREGATES;
    return true;
}

candor_status candor_tokens_list(candor_tokens *t, candor_token_visit visit, void *ctx,
                                 candor_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = SQLITE_ROW;
    candor_status st = candor_db_prepare(
        t->db,
        "SELECT id,digest,scopes,app,created,coalesce(revoked,0),epsilon,budget,renew_days,"
        "min_group,spent FROM token LEFT JOIN token_privacy USING(id) ORDER BY created,id",
        &s, err);
    while (st == CANDOR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        candor_token token;
        if (read_token(s, &token) && !visit(ctx, &token))
            st = candor_fail(err, CANDOR_CANCELLED, 0, "list tokens", NULL);
    }
    if (st == CANDOR_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        st = candor_db_fail(t->db, "list tokens", err);
    sqlite3_finalize(s);
    return st;
}

candor_status candor_tokens_revoke(candor_tokens *t, const char *id, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(
        t->db, "UPDATE token SET revoked=coalesce(revoked,?2) WHERE id=?1", &s, err);
    if (st != CANDOR_OK) return st;
    candor_db_bind_text(s, 1, candor_bytes_str(id));
    sqlite3_bind_int64(s, 2, candor_clock_unix_ms());
    st = candor_db_run(s, "revoke the token", err);
    if (st == CANDOR_OK && sqlite3_changes(t->db) == 0)
        st = candor_fail(err, CANDOR_NOTFOUND, 0, "revoke the token",
                         "there is no token \"%.40s\"; `candor-central token list` shows the ids",
                         id);
    sqlite3_finalize(s);
    return st;
}
