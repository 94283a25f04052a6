/* Bearer tokens: cnd_<8 hex id>_<secret>. The store keeps the SHA-256 of the secret only; the
 * secrets are random, so a plain hash is enough. Layer: central. Threads: one owner a
 * candor_tokens. */
#ifndef CANDOR_CENTRAL_TOKEN_H
#define CANDOR_CENTRAL_TOKEN_H

#include "base/digest.h"
#include "central/privacy.h"
#include "central/store/db_key.h"

#define CANDOR_TOKEN_ID 8 /* hex digits */
#define CANDOR_TOKEN_SECRET                                                                        \
    64 /* hex digits of what we make; 43 base64url characters are taken too */
#define CANDOR_TOKEN_TEXT (4 + CANDOR_TOKEN_ID + 1 + CANDOR_TOKEN_SECRET)
#define CANDOR_TOKEN_APP  128

#define CANDOR_SCOPE_INGEST 1u
#define CANDOR_SCOPE_READ   2u
#define CANDOR_SCOPE_ADMIN  4u /* includes the others */
/* Noised aggregates alone. Not a kind of CANDOR_SCOPE_READ: a collector that knows nothing of
 * privacy finds a scope that it does not know, and refuses. */
#define CANDOR_SCOPE_AGGREGATES 8u

typedef struct candor_token {
    char id[CANDOR_TOKEN_ID + 1];
    unsigned char digest[CANDOR_SHA256_SIZE];
    unsigned scopes;
    char app[CANDOR_TOKEN_APP + 1]; /* empty: any app */
    int64_t created_ms, revoked_ms; /* revoked_ms 0: valid */
    candor_privacy privacy;         /* of CANDOR_SCOPE_AGGREGATES */
    uint32_t spent_milli;           /* of its budget, as of its last answer */
} candor_token;

/* "ingest,read": false when empty or with an unknown word. */
bool candor_scopes_parse(const char *text, unsigned *out);
#define CANDOR_SCOPES_TEXT 40
void candor_scopes_write(unsigned scopes, char out[CANDOR_SCOPES_TEXT]);

/* Split cnd_<id>_<secret>; false when text has another form. */
bool candor_token_split(candor_bytes text, candor_bytes *id, candor_bytes *secret);

typedef struct candor_tokens candor_tokens; /* the table in the database */
CANDOR_CHECK candor_status candor_tokens_open(const char *db_path, const candor_db_key *key,
                                              candor_tokens **out, candor_err *err);
void candor_tokens_close(candor_tokens *t); /* accepts NULL */
/* Makes and stores a token; text gets it, terminated, this once. */
CANDOR_CHECK candor_status candor_tokens_create(candor_tokens *t, unsigned scopes, const char *app,
                                                char text[CANDOR_TOKEN_TEXT + 1], candor_err *err);
/* The same for noised aggregates alone: the scope is CANDOR_SCOPE_AGGREGATES. */
CANDOR_CHECK candor_status candor_tokens_create_private(candor_tokens *t, const candor_privacy *p,
                                                        const char *app,
                                                        char text[CANDOR_TOKEN_TEXT + 1],
                                                        candor_err *err);
typedef bool (*candor_token_visit)(void *ctx, const candor_token *t);
/* CANDOR_CANCELLED: visit returned false, and the rest was not read. */
CANDOR_CHECK candor_status candor_tokens_list(candor_tokens *t, candor_token_visit visit, void *ctx,
                                              candor_err *err);
/* CANDOR_NOTFOUND: no such id. Revoking twice is fine. */
CANDOR_CHECK candor_status candor_tokens_revoke(candor_tokens *t, const char *id, candor_err *err);

#endif
