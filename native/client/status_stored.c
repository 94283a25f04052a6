#include "client/status_stored.h"

#include "base/json.h"

#define COUNT(names) (sizeof(names) / sizeof *(names))

static void put_word(candor_buf *out, const char *key, const char *word)
{
    candor_buf_putf(out, "\"%s\":", key);
    if (word != NULL)
        candor_json_put_string(out, candor_bytes_str(word));
    else
        candor_buf_put_bytes(out, CANDOR_LIT("null"));
}

/* A stored byte is one more than its meaning; 0, and what a newer version may have stored: none. */
static const char *word_of(unsigned stored, const char *const *words, size_t n)
{
    return stored >= 1 && stored <= n ? words[stored - 1] : NULL;
}

void candor_status_stored(const candor_consent *c, candor_buf *out)
{
    static const char *const choices[] = {NULL, "on", "off", "unreadable"};
    static const char *const levels[] = {"off", "crash", "error", "all"};
    static const char *const modes[] = {"auto", "manual", "off"};
    unsigned content = candor_consent_get(c, CANDOR_STORED_CONTENT);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"stored\":{"));
    put_word(out, "choice", choices[candor_consent_choice(c)]);
    candor_buf_put_c(out, ',');
    put_word(out, "level",
             word_of(candor_consent_get(c, CANDOR_STORED_LEVEL), levels, COUNT(levels)));
    candor_buf_put_c(out, ',');
    put_word(out, "mode", word_of(candor_consent_get(c, CANDOR_STORED_MODE), modes, COUNT(modes)));
    candor_buf_putf(out, ",\"full_content\":%s}",
                    content == 1 ? "false" : (content == 2 ? "true" : "null"));
}
