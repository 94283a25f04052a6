#include <stdlib.h>

#include "base/json.h"
#include "client/settings_table.h"
#include "contract/envelope.h"
#include "contract/suggest.h"
#include "net/url.h"

static char **text_slot(candor_settings *out, const candor_setting *s)
{
    return (char **)(void *)((char *)out + s->at);
}

static int64_t *number_slot(candor_settings *out, const candor_setting *s)
{
    return (int64_t *)(void *)((char *)out + s->at);
}

static const candor_setting *find(candor_bytes name)
{
    const candor_setting *s = NULL;
    for (size_t i = 0; (s = candor_setting_at(i)) != NULL; i++)
        if (candor_bytes_eq(candor_bytes_str(s->name), name)) return s;
    return NULL;
}

static candor_status unknown_option(candor_bytes name, candor_err *err)
{
    candor_suggest hint = {.word = name};
    for (size_t i = 0; candor_setting_at(i) != NULL; i++)
        candor_suggest_offer(&hint, candor_bytes_str(candor_setting_at(i)->name));
    int n = (int)(name.n < 64 ? name.n : 64);
    if (hint.best.n == 0)
        return candor_fail(err, CANDOR_INVALID, 0, "options", "unknown option \"%.*s\"", n, name.p);
    return candor_fail(err, CANDOR_INVALID, 0, "options",
                       "unknown option \"%.*s\", did you mean \"%.*s\"?", n, name.p,
                       (int)hint.best.n, hint.best.p);
}

static candor_status set_text(char **slot, candor_bytes text)
{
    char *copy = malloc(text.n + 1);
    if (copy == NULL) return CANDOR_NOMEM;
    if (text.n != 0) memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    free(*slot);
    *slot = copy;
    return CANDOR_OK;
}

static candor_status read_text(candor_settings *out, const candor_setting *s,
                               const candor_json_token *t, candor_err *err)
{
    candor_buf text = {0};
    candor_status st = candor_buf_reserve(&text, t->raw.n + 1) ? CANDOR_OK : CANDOR_NOMEM;
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "options", "out of memory");
    size_t n = candor_json_unescape(t->raw, text.p, text.cap);
    if (n < (size_t)s->min || n > (size_t)s->max)
        st = candor_fail(err, CANDOR_INVALID, 0, "options",
                         "option \"%s\" must be a text of %lld to %lld bytes", s->name,
                         (long long)s->min, (long long)s->max);
    else if (memchr(text.p, '\0', n) != NULL)
        st = candor_fail(err, CANDOR_INVALID, 0, "options", "option \"%s\" must not contain NUL",
                         s->name);
    else
        st = set_text(text_slot(out, s), candor_bytes_of(text.p, n));
    candor_buf_free(&text);
    return st;
}

static candor_status read_choice(candor_settings *out, const candor_setting *s,
                                 const candor_json_token *t, candor_err *err)
{
    char list[64] = "";
    for (size_t i = 0; s->values[i] != NULL; i++) {
        if (t->type == CANDOR_JSON_STRING && !t->escaped &&
            candor_bytes_eq(t->raw, candor_bytes_str(s->values[i]))) {
            *number_slot(out, s) = (int64_t)i;
            return CANDOR_OK;
        }
        if (i != 0) strncat(list, ", ", sizeof list - strlen(list) - 1);
        strncat(list, s->values[i], sizeof list - strlen(list) - 1);
    }
    return candor_fail(err, CANDOR_INVALID, 0, "options", "option \"%s\" must be one of %s",
                       s->name, list);
}

static candor_status read_number(candor_settings *out, const candor_setting *s,
                                 const candor_json_token *t, candor_err *err)
{
    int64_t v = 0;
    bool ok = t->type == CANDOR_JSON_NUMBER && candor_json_int64(t->raw, &v) && v >= s->min &&
              v <= s->max;
    if (!ok)
        return candor_fail(err, CANDOR_INVALID, 0, "options",
                           "option \"%s\" must be a whole number from %lld to %lld%s%s", s->name,
                           (long long)s->min, (long long)s->max, s->unit[0] != '\0' ? " " : "",
                           s->unit);
    *number_slot(out, s) = v;
    return CANDOR_OK;
}

static candor_status read_value(candor_settings *out, const candor_setting *s,
                                const candor_json_token *t, candor_err *err)
{
    if (t->type == CANDOR_JSON_NULL) return CANDOR_OK; /* null asks for the default */
    switch (s->type) {
    case CANDOR_SETTING_INT:
        return read_number(out, s, t, err);
    case CANDOR_SETTING_ENUM:
        return read_choice(out, s, t, err);
    case CANDOR_SETTING_BOOL:
        if (t->type != CANDOR_JSON_TRUE && t->type != CANDOR_JSON_FALSE)
            return candor_fail(err, CANDOR_INVALID, 0, "options",
                               "option \"%s\" must be true or false", s->name);
        *number_slot(out, s) = t->type == CANDOR_JSON_TRUE;
        return CANDOR_OK;
    case CANDOR_SETTING_STRING:
        break;
    }
    if (t->type != CANDOR_JSON_STRING)
        return candor_fail(err, CANDOR_INVALID, 0, "options", "option \"%s\" must be a text",
                           s->name);
    return read_text(out, s, t, err);
}

static candor_status not_an_object(const candor_json *j, candor_err *err)
{
    unsigned line = 0, column = 0;
    candor_json_where(j, &line, &column);
    return candor_fail(err, CANDOR_INVALID, 0, "options",
                       "options must be a JSON object: %s (line %u, column %u)",
                       j->error != NULL ? j->error : "another type was found", line, column);
}

static candor_status read_options(candor_bytes text, candor_settings *out, candor_err *err)
{
    candor_json j;
    candor_json_token t;
    candor_json_init(&j, text, 8);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return not_an_object(&j, err);
    candor_status st = CANDOR_OK;
    while (st == CANDOR_OK && candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        const candor_setting *s = t.escaped ? NULL : find(t.raw);
        if (s == NULL) return unknown_option(t.raw, err);
        if (candor_json_next(&j, &t) == CANDOR_JSON_ERROR) break;
        st = read_value(out, s, &t, err);
    }
    if (st != CANDOR_OK) return st;
    if (j.error != NULL || candor_json_next(&j, &t) != CANDOR_JSON_END)
        return not_an_object(&j, err);
    return CANDOR_OK;
}

static candor_status set_defaults(candor_settings *out)
{
    const candor_setting *s = NULL;
    for (size_t i = 0; (s = candor_setting_at(i)) != NULL; i++) {
        if (s->type != CANDOR_SETTING_STRING) {
            *number_slot(out, s) = s->default_value;
        } else if (s->text_default != NULL) {
            candor_status st = set_text(text_slot(out, s), candor_bytes_str(s->text_default));
            if (st != CANDOR_OK) return st;
        }
    }
    return CANDOR_OK;
}

/* Scheme and a host, and nothing that would end up in the middle of the request URL. */
static bool is_plain_url(const char *url)
{
    size_t skip = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    if (skip == 0 || url[skip] == '\0' || url[skip] == '/') return false;
    for (const unsigned char *p = (const unsigned char *)url; *p != '\0'; p++)
        if (*p <= ' ' || *p == 0x7f || *p == '?' || *p == '#') return false;
    return true;
}

/* What is wrong with an endpoint, as the end of a sentence that never holds the URL itself: a
 * password may be in it. NULL: nothing. The same parser as for the request decides. */
static const char *endpoint_problem(const char *url)
{
    size_t authority = 0;
    if (!is_plain_url(url)) return "must be an http or https URL without query or fragment";
    candor_status st = candor_url_check(url, NULL);
    authority = strcspn(url, ":") + 3;
    if (memchr(url + authority, '@', strcspn(url + authority, "/\\")) != NULL)
        return "must not hold a user name or password; the collector takes a token";
    if (st == CANDOR_DENIED)
        return "must be https: http would send the data in clear text, and is for localhost, "
               "127.0.0.0/8 and [::1] only";
    return st == CANDOR_OK ? NULL : "must be an http or https URL without query or fragment";
}

static const char *environment_problem(const candor_setting *s, const char *v)
{
    if (strlen(v) > (size_t)s->max) return "is too long";
    return s->at == offsetof(candor_settings, endpoint) ? endpoint_problem(v) : NULL;
}

static candor_status apply_environment(candor_settings *out)
{
    const candor_setting *s = NULL;
    for (size_t i = 0; (s = candor_setting_at(i)) != NULL; i++) {
        char *v = NULL;
        candor_status st = s->env != NULL ? candor_env_copy(s->env, &v) : CANDOR_OK;
        if (st != CANDOR_OK) return st;
        if (v == NULL || *v == '\0') {
            free(v);
            continue;
        }
        const char *problem = environment_problem(s, v);
        if (problem != NULL) {
            candor_buf b;
            candor_buf_init_fixed(&b, out->environment_error, sizeof out->environment_error - 1);
            candor_buf_putf(&b, "the environment variable %s cannot be used: it %s", s->env,
                            problem);
            out->environment_error[b.n] = '\0';
            /* Falling back to the option would send data where the operator did not want it. */
            free(*text_slot(out, s));
            *text_slot(out, s) = NULL;
            free(v);
            continue;
        }
        st = set_text(text_slot(out, s), candor_bytes_str(v));
        free(v);
        if (st != CANDOR_OK) return st;
    }
    return CANDOR_OK;
}

/* What goes into an HTTP header must not break out of it (RFC 9110 section 5.5). */
static bool token_ok(const char *v)
{
    for (const unsigned char *p = (const unsigned char *)v; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7f) return false;
    return true;
}

static candor_status check(const candor_settings *s, candor_err *err)
{
    const char *bad = NULL;
    if (s->app == NULL)
        bad = "option \"app\" is required";
    else if (!candor_id_ok(candor_bytes_str(s->app), 128) || s->app[0] == '.')
        bad = "option \"app\" must be 1 to 128 of the characters A-Z a-z 0-9 . _ : + -, "
              "and must not start with a dot";
    else if (!candor_version_ok(candor_bytes_str(s->app_version)))
        bad = "option \"appVersion\" must be 1 to 128 of the characters A-Z a-z 0-9 . _ : + -, "
              "and must not read like a secret";
    else if (s->token != NULL && !token_ok(s->token))
        bad = "option \"token\" must be printable ASCII without spaces";
    else if (s->retry_base_ms > s->retry_max_ms)
        bad = "option \"retryBaseMs\" must not be larger than \"retryMaxMs\"";
    const char *url = s->endpoint != NULL ? endpoint_problem(s->endpoint) : NULL;
    if (bad == NULL && url != NULL)
        return candor_fail(err, CANDOR_INVALID, 0, "options", "option \"endpoint\" %s", url);
    return bad != NULL ? candor_fail(err, CANDOR_INVALID, 0, "options", "%s", bad) : CANDOR_OK;
}

static void trim_slash(char *url)
{
    for (size_t n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
        url[n - 1] = '\0';
}

candor_status candor_settings_read(candor_bytes options_json, candor_settings *out, candor_err *err)
{
    memset(out, 0, sizeof *out);
    candor_status st = set_defaults(out);
    if (st == CANDOR_OK) st = read_options(options_json, out, err);
    if (st == CANDOR_OK) st = check(out, err); /* the host's own mistakes, before the operator's */
    if (st == CANDOR_OK) st = apply_environment(out);
    if (st == CANDOR_OK && out->token != NULL && !token_ok(out->token)) {
        free(out->token);
        out->token = NULL;
        strncpy(out->environment_error, "the environment variable TELEMETRY_TOKEN cannot be used",
                sizeof out->environment_error - 1);
    }
    if (st == CANDOR_OK && out->endpoint != NULL) trim_slash(out->endpoint);
    return st;
}

void candor_settings_free(candor_settings *s)
{
    const candor_setting *row = NULL;
    for (size_t i = 0; (row = candor_setting_at(i)) != NULL; i++) {
        if (row->type != CANDOR_SETTING_STRING) continue;
        char *text = *text_slot(s, row);
        /* volatile: the store must happen although the memory is freed next */
        for (volatile char *p = text; p != NULL && *p != '\0'; p++)
            *p = '\0';
        free(text);
        *text_slot(s, row) = NULL;
    }
}
