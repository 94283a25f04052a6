/* An attachment in parts, after an attempt to send it at once has failed: what the collector has of
 * it need not be sent again. */
#include <stdio.h>

#include "client/client.h"
#include "client/vault_private.h"

#define MOVES_MAX 4 /* times that a collector may put us elsewhere in one text */

/* The collector says where to go on: behind what it was sent, which was not the last part, or where
 * it has been before, a few times. So this comes to an end, whatever it says. */
static bool is_placed(candor_vault *v, const candor_http_response *r)
{
    if (r->upload_offset < 0 || (uint64_t)r->upload_offset > v->size) return false;
    if (v->step == CANDOR_VAULT_PART && r->code == 204)
        return (size_t)r->upload_offset == v->upto && v->upto < v->size;
    if (v->step == CANDOR_VAULT_PART && r->code == 409) return v->moves++ < MOVES_MAX;
    return v->step == CANDOR_VAULT_ASK && r->code == 204;
}

/* Somebody who does not know this way, or not of this text: the usual one decides. */
static bool is_foreign(const candor_http_response *r)
{
    bool waits = r->code == 401 || r->code == 408 || r->code == 429;
    return (r->code >= 400 && r->code < 500 && !waits) || r->code == 501;
}

bool candor_vault_goes_on(candor_uploader *u, candor_http_response *r)
{
    candor_vault *v = u->vault;
    candor_err err = {0};
    size_t from = 0, n = SIZE_MAX;
    if (v->step == CANDOR_VAULT_WHOLE || r->status != CANDOR_OK) return false;
    if (is_placed(v, r)) {
        if (v->step == CANDOR_VAULT_PART && r->code == 204) candor_vault_note(u, r->code, 0);
        from = (size_t)r->upload_offset;
        n = CANDOR_VAULT_PART_SIZE;
    } else if (!is_foreign(r)) {
        return false;
    }
    u->sent_bytes += v->gz.n;
    v->step = n == SIZE_MAX ? CANDOR_VAULT_WHOLE : CANDOR_VAULT_PART;
    candor_status st = candor_vault_load(v, &v->sending, from, n, &err);
    if (st == CANDOR_OK) st = candor_vault_request(u, &err);
    if (st == CANDOR_OK) return true;
    candor_buf_clear(&v->gz);
    r->status = st;
    r->code = 0;
    r->retry_after_ms = -1;
    r->body = (candor_bytes){0};
    if (err.code == CANDOR_OK)
        (void)candor_fail(&err, st, 0, "vault", "%s", candor_status_text(st));
    candor_err_describe(&err, r->error, sizeof r->error);
    return false;
}
