#include "client/probe.h"

#include <stdio.h>

#include "base/json.h"
#include "client/settings.h"
#include "net/http.h"

#define RESPONSE_MAX (64 * 1024)
#define BODY_SHOWN   4096
#define POLL_MS      1000
#define HASH_MAX     128

typedef struct probe {
    const candor_settings *settings;
    candor_http *http;
    candor_waker *waker;
} probe;

static void put_text(candor_buf *out, const char *key, const char *text)
{
    candor_buf_putf(out, "\"%s\":", key);
    if (text[0] != '\0')
        candor_json_put_string(out, candor_bytes_str(text));
    else
        candor_buf_put_bytes(out, CANDOR_LIT("null"));
}

static void put_answer(candor_buf *out, const candor_http_response *r, uint64_t ms)
{
    size_t shown = r->body.n < BODY_SHOWN ? r->body.n : BODY_SHOWN;
    candor_buf_putf(out, "{\"http\":%d,", r->code);
    put_text(out, "error", r->status == CANDOR_OK ? "" : r->error);
    candor_buf_put_c(out, ',');
    put_text(out, "date", r->date != NULL ? r->date : "");
    candor_buf_put_bytes(out, CANDOR_LIT(",\"body\":"));
    candor_json_put_string(out, candor_bytes_of(r->body.p, shown));
    candor_buf_putf(out, ",\"ms\":%llu}", (unsigned long long)ms);
}

/* True when somebody answered, whatever it was. */
static bool ask(probe *p, const candor_http_request *request, candor_buf *out)
{
    candor_err err = {0};
    candor_http_response response = {0};
    uint64_t began = candor_clock_mono_ns();
    candor_status st = candor_http_start(p->http, request, &err);
    if (st == CANDOR_OK) {
        while (!candor_http_poll(p->http, p->waker, POLL_MS, &response)) {
        }
    } else {
        response.status = st;
        candor_err_describe(&err, response.error, sizeof response.error);
    }
    put_answer(out, &response, (candor_clock_mono_ns() - began) / 1000000);
    return response.code != 0;
}

static bool ask_health(probe *p, candor_buf *out)
{
    char url[2048];
    (void)snprintf(url, sizeof url, "%s/api/v1/health", p->settings->endpoint);
    return ask(p, &(candor_http_request){.method = "GET", .url = url}, out);
}

static void ask_token(probe *p, const char *schema_hash, candor_buf *out)
{
    char url[2048], authorization[4352];
    const candor_settings *s = p->settings;
    candor_http_header headers[3] = {{"Content-Type", "application/json"}};
    size_t n = 1;
    (void)snprintf(url, sizeof url, "%s/api/v1/events", s->endpoint);
    (void)snprintf(authorization, sizeof authorization, "Bearer %s",
                   s->token != NULL ? s->token : "");
    if (s->token != NULL) headers[n++] = (candor_http_header){"Authorization", authorization};
    if (schema_hash[0] != '\0')
        headers[n++] = (candor_http_header){"Candor-Schema-Hash", schema_hash};
    (void)ask(p, &(candor_http_request){"POST", url, headers, n, CANDOR_LIT("[]")}, out);
}

static candor_status open_http(probe *p, candor_err *err)
{
    const candor_settings *s = p->settings;
    const candor_http_settings h = {
        .user_agent = "candor-doctor/0.1.0",
        .proxy = s->proxy,
        .ca_file = s->ca_file,
        .ca_pem = candor_bytes_str(s->ca_pem),
        .connect_timeout_ms = (unsigned)s->connect_timeout_ms,
        .total_timeout_ms = (unsigned)s->request_timeout_ms,
        .stall_timeout_ms = (unsigned)s->stall_timeout_ms,
        .response_max = RESPONSE_MAX,
    };
    candor_status st = candor_waker_new(&p->waker, err);
    if (st == CANDOR_OK) st = candor_http_new(&h, &p->http, err);
    return st;
}

candor_status candor_probe(candor_bytes options_json, candor_bytes schema_hash, candor_buf *out,
                           candor_err *err)
{
    candor_settings settings = {0};
    probe p = {.settings = &settings};
    char hash[HASH_MAX] = "";
    if (schema_hash.n > 0 && schema_hash.n < sizeof hash)
        memcpy(hash, schema_hash.p, schema_hash.n);
    candor_status st = candor_settings_read(options_json, &settings, err);
    if (st == CANDOR_OK && settings.endpoint != NULL) st = open_http(&p, err);
    if (st == CANDOR_OK) {
        bool answered = false;
        candor_buf_put_c(out, '{');
        put_text(out, "endpoint", settings.endpoint != NULL ? settings.endpoint : "");
        candor_buf_put_bytes(out, CANDOR_LIT(",\"health\":"));
        if (settings.endpoint != NULL)
            answered = ask_health(&p, out);
        else
            candor_buf_put_bytes(out, CANDOR_LIT("null"));
        candor_buf_put_bytes(out, CANDOR_LIT(",\"token\":"));
        if (answered)
            ask_token(&p, hash, out);
        else
            candor_buf_put_bytes(out, CANDOR_LIT("null"));
        candor_buf_put_c(out, '}');
        if (out->failed) st = candor_fail(err, CANDOR_NOMEM, 0, "probe", "out of memory");
    }
    candor_http_free(p.http);
    candor_waker_free(p.waker);
    candor_settings_free(&settings);
    return st;
}
