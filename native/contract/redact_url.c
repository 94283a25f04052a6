/* URLs. Scheme, host and port stay; user information, path, query and fragment go: they name
 * people, projects, documents and queries, and carry tokens. A URL of a local resource is a path.
 */
#include "contract/redact_internal.h"

#define SCHEME_MAX 32

/* Schemes whose URL names a resource of this machine or of the app. */
static const candor_bytes local_schemes[] = {{"file", 4},
                                             {"webpack", 7},
                                             {"webpack-internal", 16},
                                             {"vscode-resource", 15},
                                             {"vscode-file", 11},
                                             {"vscode-webview", 14},
                                             {"vscode-webview-resource", 23},
                                             {"vscode-remote", 13},
                                             {"vscode-userdata", 15},
                                             {"vscode-app", 10},
                                             {"vscode", 6},
                                             {"chrome-extension", 16},
                                             {"moz-extension", 13},
                                             {"resource", 8},
                                             {"chrome", 6},
                                             {"app", 3},
                                             {"asar", 4},
                                             {"electron", 8},
                                             {"turbopack", 9},
                                             {"rsc", 3},
                                             {"blob", 4},
                                             {"capacitor", 9},
                                             {"ionic", 5},
                                             {"jar", 3},
                                             {"zip", 3},
                                             {"smb", 3},
                                             {"afp", 3},
                                             {"nfs", 3},
                                             {"content", 7},
                                             {"sourcemap", 9},
                                             {"unix", 4},
                                             {"http+unix", 9},
                                             {"untitled", 8},
                                             {"git-file", 8},
                                             {"memfs", 5},
                                             {"node", 4},
                                             {NULL, 0}};

static const char *scheme_end(const redactor *r, const char *p)
{
    const char *q = p;
    if (!rd_is(r, p, RD_ALPHA)) return NULL;
    while (q - p < SCHEME_MAX &&
           (rd_is(r, q, RD_ALNUM) || rd_at(r, q, '+') || rd_at(r, q, '-') || rd_at(r, q, '.'))) {
        CANDOR_REDACT_STEP();
        q++;
    }
    return rd_starts(r, q, CANDOR_LIT("://")) ? q : NULL;
}

/* The end of the authority (RFC 3986 3.2). */
static const char *authority_end(const redactor *r, const char *p)
{
    while (p < r->end && (rd_class(p) & RD_STOP) == 0 && *p != '/' && *p != '?' && *p != '#' &&
           *p != '\\' && *p != ')' && *p != ',' && *p != ';') {
        CANDOR_REDACT_STEP();
        p++;
    }
    return p;
}

static const char *last_at(const char *p, const char *end)
{
    while (end > p && end[-1] != '@')
        end--;
    return end > p ? end - 1 : NULL;
}

/* Behind the first ':' stands something else than a port: a password that was not escaped, so that
 * its '/' or '#' ended the authority ("https://user:p/ss@host"). */
static bool broken_password(const redactor *r, const char *p, const char *end)
{
    if (rd_at(r, p, '[')) return false;
    const char *colon = memchr(p, ':', (size_t)(end - p));
    if (colon == NULL || colon + 1 == end) return false;
    return (rd_class(colon + 1) & RD_DIGIT) == 0 && (rd_class(colon + 1) & RD_TRIM) == 0;
}

/* The tail holds key=value with a secret's key, or is a webhook: then it is a secret, not a path.
 */
static bool tail_is_secret(const char *host, const char *host_end, const char *p, const char *end)
{
    static const candor_bytes hooks[] = {{"hooks.slack.com", 15},
                                         {"discord.com", 11},
                                         {"discordapp.com", 14},
                                         {"api.telegram.org", 16},
                                         {NULL, 0}};
    const char *key = p;
    if (candor_redact_listed(host, host_end, hooks)) return true;
    for (; p < end; p++) {
        CANDOR_REDACT_STEP();
        if (*p == '=') {
            rd_key kind = candor_redact_key(p - key > 64 ? p - 64 : key, p);
            if (kind != RD_KEY_NONE && kind < RD_KEY_USER) return true;
        }
        if (*p == '?' || *p == '&' || *p == '#' || *p == '/' || *p == '=') key = p + 1;
    }
    return false;
}

/* Behind host and port. The first sign stays, so that the result is still a URL. */
static void take_tail(redactor *r, const char *host, const char *host_end, const char *p)
{
    if (p == r->end || (*p != '/' && *p != '?' && *p != '#' && *p != '\\')) return;
    const char *from = p + 1, *end = candor_redact_path_end(r, from);
    size_t known = candor_redact_placeholder(r, from);
    if (known != 0) r->p = from + known;
    if (end == from) return;
    end = candor_redact_trim(from, end);
    bool secret = tail_is_secret(host, host_end, from, end);
    if (end - from == 1 && (rd_class(from) & RD_TRIM) != 0) return; /* "http://x/." */
    candor_redact_replace(r, from, end, secret ? CANDOR_FOUND_SECRET : CANDOR_FOUND_PATH);
}

static const char *take_host(redactor *r, const char *p)
{
    const char *ip = rd_at(r, p, '[') ? candor_redact_ip_end(r, p + 1) : candor_redact_ip_end(r, p);
    if (rd_at(r, p, '[') && ip != NULL && rd_at(r, ip, ']')) {
        candor_redact_replace(r, p + 1, ip, CANDOR_FOUND_IP);
        return ip + 1;
    }
    if (ip != NULL && !rd_at(r, p, '[')) {
        candor_redact_replace(r, p, ip, CANDOR_FOUND_IP);
        return ip;
    }
    size_t known = candor_redact_placeholder(r, p);
    if (known != 0) return p + known;
    while (rd_is(r, p, RD_ALNUM | RD_HIGH | RD_UNDER) || rd_at(r, p, '.') || rd_at(r, p, '-')) {
        CANDOR_REDACT_STEP();
        p++;
    }
    return p;
}

static bool take_remote(redactor *r, const char *p)
{
    const char *end = authority_end(r, p), *at = last_at(p, end);
    size_t known = candor_redact_placeholder(r, p);
    if (at != NULL) {
        if (at > p) candor_redact_replace(r, p, at, CANDOR_FOUND_SECRET);
        p = at + 1;
    } else if (broken_password(r, p, end)) {
        candor_redact_replace(r, p, candor_redact_path_end(r, end), CANDOR_FOUND_SECRET);
        return true;
    } else if (known != 0 && rd_at(r, p + known, '@')) {
        p += known + 1;
    }
    const char *host = p, *host_end = take_host(r, p);
    p = host_end;
    if (rd_at(r, p, ':') && rd_is(r, p + 1, RD_DIGIT)) p = rd_run(r, p + 1, RD_DIGIT);
    r->p = candor_redact_trim(host, p);
    if (r->p == p) take_tail(r, host, host_end, p);
    return true;
}

bool candor_redact_url(redactor *r)
{
    const char *p = r->p, *scheme = scheme_end(r, p);
    if (scheme == NULL) return false;
    const char *rest = scheme + 3;
    if (!candor_redact_listed(p, scheme, local_schemes)) return take_remote(r, rest);
    const char *end = candor_redact_path_end(r, rest);
    if (end == rest) {
        r->p = rest;
        return true;
    }
    candor_redact_replace(r, p, candor_redact_trim(p, end), CANDOR_FOUND_PATH);
    return true;
}
