#include "central/auth.h"

#include <stdlib.h>
#include <strings.h>

#include "plat/plat.h"

#define TOKENS_MAX     100000
#define TOKEN_FILE_MAX ((size_t)1024 * 1024)
#define FIXED_TEXT_MIN 16
#define FIXED_TEXT_MAX 256
#define TOKEN_ADVICE                                                                               \
    "a token takes 16 to 256 visible ASCII characters; `candor-central token create` makes one"

typedef struct fixed_token {
    unsigned char digest[CANDOR_SHA256_SIZE]; /* of the whole text */
    unsigned scopes;
} fixed_token;

typedef struct token_list {
    candor_token *items; /* sorted by id */
    size_t n, cap;
    bool no_memory;
} token_list;

typedef struct fixed_list {
    fixed_token *items;
    size_t n;
} fixed_list;

struct candor_auth {
    candor_mutex *lock; /* guards tokens and of_file; fixed never changes once the server runs */
    token_list tokens;
    fixed_list fixed, of_file;
};

candor_status candor_auth_new(candor_auth **out)
{
    candor_auth *a = calloc(1, sizeof *a);
    candor_status st = CANDOR_NOMEM;
    *out = NULL;
    if (a != NULL) st = candor_mutex_new(&a->lock);
    if (st != CANDOR_OK) {
        free(a);
        return st;
    }
    *out = a;
    return CANDOR_OK;
}

void candor_auth_free(candor_auth *a)
{
    if (a == NULL) return;
    candor_mutex_free(a->lock);
    free(a->tokens.items);
    free(a->fixed.items);
    free(a->of_file.items);
    free(a);
}

/* --- fixed tokens --------------------------------------------------------------------------- */

static candor_status add_fixed(fixed_list *l, candor_bytes text, unsigned scopes, candor_err *err)
{
    fixed_token *p;
    size_t i;
    for (i = 0; i < text.n; i++)
        if (text.p[i] <= 0x20 || text.p[i] > 0x7e) break;
    if (i < text.n || text.n < FIXED_TEXT_MIN || text.n > FIXED_TEXT_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "read a token", TOKEN_ADVICE);
    p = realloc(l->items, (l->n + 1) * sizeof *p);
    if (p == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "read a token", NULL);
    l->items = p;
    p[l->n].scopes = scopes;
    if (candor_sha256(text, p[l->n].digest) != CANDOR_OK)
        return candor_fail(err, CANDOR_CRYPTO, 0, "read a token", NULL);
    l->n++;
    return CANDOR_OK;
}

candor_status candor_auth_add(candor_auth *a, candor_bytes text, unsigned scopes, candor_err *err)
{
    return add_fixed(&a->fixed, text, scopes, err);
}

static candor_bytes trimmed(candor_bytes line)
{
    while (line.n > 0 && (unsigned char)line.p[line.n - 1] <= ' ')
        line.n--;
    while (line.n > 0 && (unsigned char)*line.p <= ' ')
        line = candor_bytes_of(line.p + 1, line.n - 1);
    return line;
}

/* TOKEN, or TOKEN SCOPES. CANDOR_INVALID: it is neither. */
static candor_status add_line(fixed_list *l, candor_bytes line, unsigned scopes, candor_err *err)
{
    char words[32];
    size_t n = 0, rest;
    while (n < line.n && (unsigned char)line.p[n] > ' ')
        n++;
    rest = line.n - n;
    if (rest != 0) {
        const candor_bytes after = trimmed(candor_bytes_of(line.p + n, rest));
        if (after.n >= sizeof words)
            return candor_fail(err, CANDOR_INVALID, 0, "read a token", NULL);
        memcpy(words, after.p, after.n);
        words[after.n] = '\0';
        if (!candor_scopes_parse(words, &scopes))
            return candor_fail(err, CANDOR_INVALID, 0, "read a token", NULL);
    }
    return add_fixed(l, candor_bytes_of(line.p, n), scopes, err);
}

static candor_status read_fixed(fixed_list *l, const char *path, unsigned scopes, candor_err *err)
{
    candor_buf text = {0};
    candor_status st = candor_file_read_all(path, TOKEN_FILE_MAX, &text, err);
    size_t at = 0, number = 0;
    while (st == CANDOR_OK && at < text.n) {
        const char *lf = memchr(text.p + at, '\n', text.n - at);
        size_t n = lf != NULL ? (size_t)(lf - text.p) - at : text.n - at;
        candor_bytes line = trimmed(candor_bytes_of(text.p + at, n));
        number++;
        if (line.n != 0 && *line.p != '#') st = add_line(l, line, scopes, err);
        if (st == CANDOR_INVALID)
            candor_fail(err, st, 0, "read the token file",
                        "line %zu of %.120s is no token with nothing or its scopes (ingest,read,"
                        "admin) behind it: " TOKEN_ADVICE,
                        number, path);
        at += n + 1;
    }
    candor_buf_free(&text);
    return st;
}

candor_status candor_auth_load_file(candor_auth *a, const char *path, unsigned scopes, size_t *n,
                                    candor_err *err)
{
    fixed_list fresh = {0}, old;
    candor_status st = read_fixed(&fresh, path, scopes, err);
    if (st != CANDOR_OK) {
        free(fresh.items);
        return st;
    }
    if (n != NULL) *n = fresh.n;
    candor_mutex_lock(a->lock);
    old = a->of_file;
    a->of_file = fresh;
    candor_mutex_unlock(a->lock);
    free(old.items);
    return CANDOR_OK;
}

/* --- the table ------------------------------------------------------------------------------ */

static bool collect(void *ctx, const candor_token *t)
{
    token_list *l = ctx;
    if (l->n == TOKENS_MAX) return false;
    if (l->n == l->cap) {
        size_t cap = l->cap != 0 ? l->cap * 2 : 16;
        candor_token *p = realloc(l->items, cap * sizeof *p);
        l->no_memory = p == NULL;
        if (p == NULL) return false;
        l->items = p;
        l->cap = cap;
    }
    l->items[l->n++] = *t;
    return true;
}

static int by_id(const void *x, const void *y)
{
    const candor_token *a = x, *b = y;
    return strcmp(a->id, b->id);
}

/* A list cut short would lock out whoever is missing from it, so the one before stays. */
candor_status candor_auth_refresh(candor_auth *a, candor_tokens *t, size_t *valid, candor_err *err)
{
    token_list fresh = {0}, old;
    candor_status st = candor_tokens_list(t, collect, &fresh, err);
    size_t i;
    if (st == CANDOR_CANCELLED && fresh.no_memory)
        st = candor_fail(err, CANDOR_NOMEM, 0, "read the tokens", NULL);
    else if (st == CANDOR_CANCELLED)
        st = candor_fail(err, CANDOR_LIMIT, 0, "read the tokens",
                         "there are more than %d; the list read before stays in use", TOKENS_MAX);
    if (st != CANDOR_OK) {
        free(fresh.items);
        return st;
    }
    if (fresh.n > 1) qsort(fresh.items, fresh.n, sizeof *fresh.items, by_id);
    for (i = 0; valid != NULL && i < fresh.n; i++)
        *valid += fresh.items[i].revoked_ms == 0;
    candor_mutex_lock(a->lock);
    old = a->tokens;
    a->tokens = fresh;
    candor_mutex_unlock(a->lock);
    free(old.items);
    return CANDOR_OK;
}

/* --- check ---------------------------------------------------------------------------------- */

static bool find_token(candor_auth *a, candor_bytes id, candor_token *out)
{
    candor_token key = {0}, *found = NULL;
    memcpy(key.id, id.p, CANDOR_TOKEN_ID);
    candor_mutex_lock(a->lock);
    if (a->tokens.n != 0)
        found = bsearch(&key, a->tokens.items, a->tokens.n, sizeof *a->tokens.items, by_id);
    *out = found != NULL ? *found : (candor_token){0};
    candor_mutex_unlock(a->lock);
    return found != NULL && out->revoked_ms == 0;
}

static bool check_table(candor_auth *a, candor_bytes text, candor_principal *out)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_bytes id, secret;
    candor_token token;
    bool known, same;
    if (!candor_token_split(text, &id, &secret)) return false;
    known = find_token(a, id, &token); /* unknown: compared with zeros, in the same time */
    if (candor_sha256(secret, digest) != CANDOR_OK) return false;
    same = candor_const_time_eq(digest, token.digest, sizeof digest);
    if (!known || !same) return false;
    out->scopes = token.scopes;
    memcpy(out->app, token.app, sizeof out->app);
    memcpy(out->key, token.digest, sizeof out->key);
    memcpy(out->id, token.id, sizeof out->id);
    memcpy(out->digest, token.digest, sizeof out->digest);
    out->privacy = token.privacy;
    return true;
}

static bool find_fixed(const fixed_list *l, const unsigned char *digest, candor_principal *out)
{
    bool found = false;
    size_t i;
    for (i = 0; i < l->n; i++) {
        if (!candor_const_time_eq(digest, l->items[i].digest, CANDOR_SHA256_SIZE)) continue;
        out->scopes = l->items[i].scopes;
        memcpy(out->key, digest, sizeof out->key);
        memcpy(out->digest, digest, sizeof out->digest);
        found = true;
    }
    return found;
}

static bool find_either(candor_auth *a, const unsigned char *digest, candor_principal *out)
{
    bool found = find_fixed(&a->fixed, digest, out);
    candor_mutex_lock(a->lock);
    found |= find_fixed(&a->of_file, digest, out);
    candor_mutex_unlock(a->lock);
    return found;
}

static bool check_fixed(candor_auth *a, candor_bytes text, candor_principal *out)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    return candor_sha256(text, digest) == CANDOR_OK && find_either(a, digest, out);
}

candor_auth_result candor_auth_check(candor_auth *a, candor_bytes header, candor_principal *out)
{
    candor_bytes text;
    memset(out, 0, sizeof *out);
    if (header.n == 0) return CANDOR_AUTH_MISSING;
    if (header.n < 8 || strncasecmp(header.p, "Bearer ", 7) != 0) return CANDOR_AUTH_BAD;
    text = trimmed(candor_bytes_of(header.p + 7, header.n - 7));
    return check_table(a, text, out) || check_fixed(a, text, out) ? CANDOR_AUTH_OK
                                                                  : CANDOR_AUTH_BAD;
}

bool candor_auth_stands(candor_auth *a, const candor_principal *p, unsigned scope)
{
    candor_principal now = {0};
    candor_token token;
    if (*p->id == '\0') return find_either(a, p->digest, &now) && candor_principal_may(&now, scope);
    if (!find_token(a, candor_bytes_str(p->id), &token)) return false;
    return candor_const_time_eq(token.digest, p->digest, sizeof token.digest) &&
           (token.scopes & (scope | CANDOR_SCOPE_ADMIN)) != 0;
}
