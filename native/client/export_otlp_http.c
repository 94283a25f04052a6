/* A batch as up to three OTLP/HTTP requests (https://opentelemetry.io/docs/specs/otlp/#otlphttp).
 * Layer: client. */
#include <stdio.h>

#include "base/gzip.h"
#include "client/export_otlp.h"

/* The place of a batch, kept while it is tried again; the oldest is forgotten for a new one. */
static candor_otlp_progress *progress_of(candor_exporter *x, const char *id)
{
    for (size_t i = 0; i < CANDOR_OTLP_PROGRESS; i++)
        if (strcmp(x->progress[i].id, id) == 0) return &x->progress[i];
    candor_otlp_progress *p = &x->progress[x->next_progress++ % CANDOR_OTLP_PROGRESS];
    memset(p, 0, sizeof *p);
    (void)snprintf(p->id, sizeof p->id, "%.36s", id);
    return p;
}

candor_status candor_exporter_next(candor_exporter *x, const char *id, candor_bytes lines,
                                   candor_err *err)
{
    candor_status st = CANDOR_OK;
    x->finished = false;
    if (x->current == NULL || strcmp(x->current->id, id) != 0) x->made = false;
    if (!x->made) {
        x->current = progress_of(x, id);
        st = candor_otlp_write(&x->otlp, lines);
        if (st != CANDOR_OK) return candor_fail(err, st, 0, "export", "out of memory");
        x->made = true;
    }
    for (int i = 0; i < CANDOR_OTLP_SIGNALS; i++) {
        const candor_otlp_doc *d = &x->otlp.docs[i];
        if (d->events == 0 || (x->current->done & 1u << i) != 0) continue;
        x->signal = (candor_otlp_signal)i;
        candor_buf_clear(&x->body);
        return candor_gzip(candor_buf_bytes(&d->json), (int)x->settings->gzip_level, NULL, &x->body,
                           err);
    }
    x->finished = true;
    return CANDOR_NOTFOUND;
}

/* https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
static bool is_retryable(int code)
{
    return code == 429 || code == 502 || code == 503 || code == 504;
}

/* The document is done; how many of its events were rejected. */
static uint64_t deal_with(candor_exporter *x, uint64_t rejected)
{
    uint64_t events = x->otlp.docs[x->signal].events;
    if (rejected > events) rejected = events;
    x->current->done |= 1u << x->signal;
    x->current->rejected += rejected;
    x->current->accepted += events - rejected;
    return rejected;
}

bool candor_exporter_answer(candor_exporter *x, const candor_http_response *r, uint64_t *rejected,
                            candor_verdict *out)
{
    char message[128];
    const char *path = candor_otlp_path(x->signal);
    *rejected = 0;
    memset(out, 0, sizeof *out);
    out->outcome = CANDOR_UPLOAD_RETRY;
    if (r->status != CANDOR_OK) {
        (void)snprintf(out->error, sizeof out->error, "%s",
                       r->error[0] != '\0' ? r->error : candor_status_text(r->status));
        return false;
    }
    if (r->code >= 200 && r->code <= 299) {
        if (!candor_otlp_receipt(r->body, rejected, message, sizeof message)) {
            (void)snprintf(
                out->error, sizeof out->error,
                "%s answers HTTP %d, but not like an OTLP receiver; check the endpoint's "
                "address",
                path, r->code);
            return false;
        }
        *rejected = deal_with(x, *rejected);
        if (*rejected != 0)
            (void)snprintf(out->error, sizeof out->error, "%s rejected %llu records: %.100s", path,
                           (unsigned long long)*rejected, message);
        return true;
    }
    (void)snprintf(out->error, sizeof out->error, "%s answers HTTP %d%s", path, r->code,
                   r->code == 401 || r->code == 403 ? "; check the option \"token\""
                   : r->code == 404                 ? "; check the endpoint's address"
                                                    : "");
    if (is_retryable(r->code)) return false;
    *rejected = deal_with(x, UINT64_MAX); /* the specification forbids to send it again */
    return true;
}

void candor_exporter_settle(candor_exporter *x, candor_verdict *out)
{
    const candor_otlp_progress *p = x->current;
    bool all_refused = p->accepted == 0 && p->rejected != 0;
    out->outcome = all_refused ? CANDOR_UPLOAD_DISCARD : CANDOR_UPLOAD_DONE;
    out->rejected = p->rejected + x->otlp.skipped;
    x->current = NULL; /* its place is remembered: state.db may refuse to note the end */
    x->made = false;
}
