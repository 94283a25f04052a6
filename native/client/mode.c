/* The upload mode: the host's option, and the stored choice that every process of the directory
 * shares (candor_set_mode is in gate.c). Layer: client. Threads: any but where it says so. */
#include "client/client.h"

candor_mode candor_mode_now(const candor_client *c)
{
    unsigned stored = candor_consent_get(c->consent, CANDOR_STORED_MODE);
    if (c->settings.mode == CANDOR_MODE_OFF) return CANDOR_MODE_OFF;
    if (stored >= 1 && stored <= 1 + CANDOR_MODE_OFF) return (candor_mode)(stored - 1);
    return (candor_mode)c->settings.mode;
}

const char *candor_mode_name(candor_mode mode)
{
    static const char *const names[] = {"auto", "manual", "off"};
    return (unsigned)mode <= CANDOR_MODE_OFF ? names[mode] : "unknown";
}

void candor_mode_narrow(const candor_client *c, candor_decision *d)
{
    if (c->settings.mode == CANDOR_MODE_OFF)
        *d = (candor_decision){
            .source = "host", .reason = "The option \"mode\" is off.", .final = true};
    else if (d->enabled && candor_mode_now(c) == CANDOR_MODE_OFF)
        *d = (candor_decision){.source = "stored", .reason = "The stored mode is off."};
}

void candor_mode_obey(candor_client *c)
{
    candor_uploader *u = &c->worker.uploader;
    if (!c->worker.storage_open) return;
    u->mode = candor_mode_now(c);
    /* A stored "auto" is for the app: a tool that looks at the directory uploads nothing unasked.
     */
    if (c->settings.inspect != 0 && u->mode == CANDOR_MODE_AUTO) u->mode = CANDOR_MODE_MANUAL;
    if (u->active && !u->manual && u->mode != CANDOR_MODE_AUTO) candor_uploader_cancel(u);
}
