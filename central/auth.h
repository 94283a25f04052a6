/* Who may do what: the tokens of the database, of CANDOR_CENTRAL_TOKEN and of --token-file.
 * Layer: central. Threads: check from any; the others from one. */
#ifndef CANDOR_CENTRAL_AUTH_H
#define CANDOR_CENTRAL_AUTH_H

#include "central/token.h"

typedef struct candor_principal {
    unsigned scopes;
    char app[CANDOR_TOKEN_APP + 1]; /* empty: any */
    unsigned char key[8];           /* names the token in the rate limiter */
    unsigned char digest[CANDOR_SHA256_SIZE];
    char id[CANDOR_TOKEN_ID + 1]; /* of a token of the database, else empty */
    candor_privacy privacy;       /* of a token for noised aggregates */
} candor_principal;

typedef enum candor_auth_result {
    CANDOR_AUTH_OK,
    CANDOR_AUTH_MISSING,
    CANDOR_AUTH_BAD
} candor_auth_result;

/* Of tokens that are not in the database. */
#define CANDOR_FIXED_SCOPES (CANDOR_SCOPE_INGEST | CANDOR_SCOPE_READ)

typedef struct candor_auth candor_auth;
CANDOR_CHECK candor_status candor_auth_new(candor_auth **out);
void candor_auth_free(candor_auth *a); /* accepts NULL */

/* A token that is not in the database: any text of 16 to 256 visible characters. */
CANDOR_CHECK candor_status candor_auth_add(candor_auth *a, candor_bytes text, unsigned scopes,
                                           candor_err *err);
/* One token a line, its scopes behind it where they are not these; empty lines and lines with # are
 * skipped. They replace those that the file held before; on failure those stay. n (may be NULL):
 * how many. */
CANDOR_CHECK candor_status candor_auth_load_file(candor_auth *a, const char *path, unsigned scopes,
                                                 size_t *n, candor_err *err);
/* Take over what the table holds now. valid (may be NULL): how many are not revoked. */
CANDOR_CHECK candor_status candor_auth_refresh(candor_auth *a, candor_tokens *t, size_t *valid,
                                               candor_err *err);

/* header: the value of Authorization. Takes the same time for an unknown id as for a wrong secret.
 */
candor_auth_result candor_auth_check(candor_auth *a, candor_bytes header, candor_principal *out);
/* Whether the token that p was made from would still be let in, with this scope. */
bool candor_auth_stands(candor_auth *a, const candor_principal *p, unsigned scope);
static inline bool candor_principal_may(const candor_principal *p, unsigned scope)
{
    return (p->scopes & (scope | CANDOR_SCOPE_ADMIN)) != 0;
}

#endif
