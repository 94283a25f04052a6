#include "central/alert_outbox.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/uuid.h"
#include "net/backoff.h"

#define FILE_MAX ((size_t)CANDOR_ALERT_WAITING_MAX * (CANDOR_ALERT_BODY_MAX + 128) + 1024)
#define TITLE    "candor alerts 1"

/* --- the file: a title, a line a rule, a line a message ------------------------------------- */

static bool read_rule(candor_alert_outbox *o, const char *line)
{
    char name[16];
    int firing;
    int64_t since;
    unsigned calm, i;
    if (sscanf(line, "rule %15s %d %" SCNd64 " %u", name, &firing, &since, &calm) != 4)
        return false;
    for (i = 0; i < CANDOR_ALERT_COUNT; i++)
        if (strcmp(name, candor_alert_rules[i].name) == 0)
            o->states[i] = (candor_alert_state){firing == 1, since, calm};
    return true; /* a rule of another version is forgotten */
}

static bool read_message(candor_alert_outbox *o, const char *line)
{
    candor_alert_message *m = &o->messages[o->n];
    int at = 0;
    if (o->n == CANDOR_ALERT_WAITING_MAX) return false;
    if (sscanf(line, "send %36s %" SCNd64 " %" SCNd64 " %" SCNd64 " %n", m->id, &m->tries,
               &m->made_ms, &m->next_ms, &at) != 4 ||
        at == 0 || strlen(line + at) >= sizeof m->body)
        return false;
    memcpy(m->body, line + at, strlen(line + at) + 1);
    o->n++;
    return true;
}

static bool read_lines(candor_alert_outbox *o, char *text)
{
    char *line = text, *end;
    bool first = true, ok = true;
    for (; ok && *line != '\0'; line = end + 1, first = false) {
        end = strchr(line, '\n');
        if (end == NULL) return false;
        *end = '\0';
        if (first)
            ok = strcmp(line, TITLE) == 0;
        else
            ok = *line == 'r' ? read_rule(o, line) : read_message(o, line);
    }
    return ok && !first;
}

static candor_status set_aside(const char *path, candor_err *err)
{
    char aside[CANDOR_PATH_MAX];
    int n = snprintf(aside, sizeof aside, "%s.bad", path);
    if (n < 0 || (size_t)n >= sizeof aside)
        return candor_fail(err, CANDOR_LIMIT, 0, "alerts", NULL);
    return candor_rename(path, aside, err);
}

candor_status candor_alert_load(candor_alert_outbox *o, const char *path, candor_err *err)
{
    candor_buf text = {0};
    candor_status st;
    memset(o, 0, sizeof *o);
    o->path = path;
    st = candor_file_read_all(path, FILE_MAX, &text, err);
    if (st == CANDOR_NOTFOUND) {
        st = CANDOR_OK;
    } else if (st == CANDOR_OK || st == CANDOR_LIMIT) {
        candor_buf_put_c(&text, '\0');
        if (text.failed) {
            st = candor_fail(err, CANDOR_NOMEM, 0, "alerts", NULL);
        } else if (st == CANDOR_LIMIT || !read_lines(o, text.p)) {
            memset(o, 0, sizeof *o);
            o->path = path;
            st = set_aside(path, err);
        }
    }
    candor_buf_free(&text);
    return st;
}

candor_status candor_alert_save(const candor_alert_outbox *o, candor_err *err)
{
    candor_buf text = {0};
    candor_status st;
    unsigned i;
    candor_buf_put_bytes(&text, CANDOR_LIT(TITLE "\n"));
    for (i = 0; i < CANDOR_ALERT_COUNT; i++)
        candor_buf_putf(&text, "rule %s %d %" PRId64 " %u\n", candor_alert_rules[i].name,
                        o->states[i].firing, o->states[i].since_ms, o->states[i].calm);
    for (i = 0; i < o->n; i++) {
        const candor_alert_message *m = &o->messages[i];
        candor_buf_putf(&text, "send %s %" PRId64 " %" PRId64 " %" PRId64 " ", m->id, m->tries,
                        m->made_ms, m->next_ms);
        candor_buf_put_bytes(&text, candor_bytes_str(m->body));
        candor_buf_put_c(&text, '\n');
    }
    st = text.failed ? candor_fail(err, CANDOR_NOMEM, 0, "alerts", NULL)
                     : candor_file_write_durable(o->path, candor_buf_bytes(&text), err);
    candor_buf_free(&text);
    return st;
}

/* --- messages ------------------------------------------------------------------------------- */

void candor_alert_done(candor_alert_outbox *o, candor_alert_message *m)
{
    size_t at = (size_t)(m - o->messages);
    o->n--;
    memmove(m, m + 1, (o->n - at) * sizeof *m);
}

candor_status candor_alert_add(candor_alert_outbox *o, candor_bytes body, int64_t now_ms,
                               candor_err *err)
{
    unsigned char random[10], id[16];
    candor_alert_message *m;
    candor_status st = candor_random(random, sizeof random);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "alerts", NULL);
    if (body.n >= CANDOR_ALERT_BODY_MAX) return candor_fail(err, CANDOR_LIMIT, 0, "alerts", NULL);
    if (o->n == CANDOR_ALERT_WAITING_MAX) {
        candor_alert_done(o, &o->messages[0]);
        o->dropped++;
    }
    m = &o->messages[o->n++];
    memset(m, 0, sizeof *m);
    candor_uuid7_make((uint64_t)now_ms, random, id);
    candor_uuid_format(id, m->id);
    m->made_ms = m->next_ms = now_ms;
    memcpy(m->body, body.p, body.n);
    return CANDOR_OK;
}

candor_alert_message *candor_alert_due(candor_alert_outbox *o, int64_t now_ms, int64_t *wait_ms)
{
    unsigned i = 0;
    while (i < o->n) {
        candor_alert_message *m = &o->messages[i];
        if (now_ms - m->made_ms > CANDOR_ALERT_LIFE_MS) {
            candor_alert_done(o, m);
            o->dropped++;
            continue;
        }
        /* Further ahead than a delay can be: a clock that has been set back. */
        if (m->next_ms <= now_ms || m->next_ms - now_ms > CANDOR_ALERT_LIFE_MS) return m;
        if (m->next_ms - now_ms < *wait_ms) *wait_ms = m->next_ms - now_ms;
        i++;
    }
    return NULL;
}

void candor_alert_again(candor_alert_message *m, int64_t retry_after_ms, double jitter,
                        int64_t now_ms)
{
    m->next_ms = now_ms + 1 +
                 candor_backoff_delay(m->tries, CANDOR_ALERT_RETRY_MS, CANDOR_ALERT_RETRY_MAX,
                                      retry_after_ms, jitter);
    m->tries++;
}

/* --- signature ------------------------------------------------------------------------------ */

candor_status candor_alert_sign(const unsigned char secret[CANDOR_ALERT_SECRET],
                                const candor_alert_message *m, int64_t timestamp_s, char out[64])
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_buf text = {0};
    candor_hmac *key = NULL;
    candor_status st =
        candor_hmac_new(candor_bytes_of((const char *)secret, CANDOR_ALERT_SECRET), &key);
    candor_buf_putf(&text, "%s.%" PRId64 ".", m->id, timestamp_s);
    candor_buf_put_bytes(&text, candor_bytes_str(m->body));
    if (st == CANDOR_OK && text.failed) st = CANDOR_NOMEM;
    if (st == CANDOR_OK) st = candor_hmac_run(key, candor_buf_bytes(&text), digest);
    if (st == CANDOR_OK) {
        memcpy(out, "v1,", 3);
        EVP_EncodeBlock((unsigned char *)out + 3, digest, sizeof digest);
    }
    candor_hmac_free(key);
    candor_buf_free(&text);
    return st;
}

void candor_alert_secret_text(const unsigned char secret[CANDOR_ALERT_SECRET],
                              char out[CANDOR_ALERT_SECRET_TEXT + 1])
{
    memcpy(out, "whsec_", 6);
    EVP_EncodeBlock((unsigned char *)out + 6, secret, CANDOR_ALERT_SECRET);
}
