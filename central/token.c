#include "central/token.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned bit;
} scope_names[] = {{"ingest", CANDOR_SCOPE_INGEST},
                   {"read", CANDOR_SCOPE_READ},
                   {"admin", CANDOR_SCOPE_ADMIN},
                   {"aggregates", CANDOR_SCOPE_AGGREGATES}};
#define N_SCOPES (sizeof scope_names / sizeof scope_names[0])

bool candor_scopes_parse(const char *text, unsigned *out)
{
    *out = 0;
    while (*text != '\0') {
        size_t n = strcspn(text, ","), i;
        for (i = 0; i < N_SCOPES; i++)
            if (strlen(scope_names[i].name) == n && memcmp(scope_names[i].name, text, n) == 0)
                break;
        /* Aggregates come with their privacy, not as a word. */
        if (i == N_SCOPES || scope_names[i].bit == CANDOR_SCOPE_AGGREGATES) return false;
        *out |= scope_names[i].bit;
        text += n;
        if (*text == ',' && *++text == '\0') return false;
    }
    return *out != 0;
}

void candor_scopes_write(unsigned scopes, char out[CANDOR_SCOPES_TEXT])
{
    size_t i, n = 0;
    out[0] = '\0';
    for (i = 0; i < N_SCOPES; i++)
        if ((scopes & scope_names[i].bit) != 0)
            n += (size_t)snprintf(out + n, CANDOR_SCOPES_TEXT - n, "%s%s", n != 0 ? "," : "",
                                  scope_names[i].name);
}

static bool secret_ok(candor_bytes s)
{
    size_t i;
    for (i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            c != '-' && c != '_')
            return false;
    }
    return s.n == 43 || s.n == CANDOR_TOKEN_SECRET;
}

bool candor_token_split(candor_bytes text, candor_bytes *id, candor_bytes *secret)
{
    unsigned char scratch[CANDOR_TOKEN_ID / 2];
    size_t head = 4 + CANDOR_TOKEN_ID + 1;
    if (text.n <= head || memcmp(text.p, "cnd_", 4) != 0 || text.p[head - 1] != '_') return false;
    *id = candor_bytes_of(text.p + 4, CANDOR_TOKEN_ID);
    *secret = candor_bytes_of(text.p + head, text.n - head);
    return candor_hex_decode(*id, scratch, sizeof scratch) && secret_ok(*secret);
}
