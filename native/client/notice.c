#include "client/notice.h"

#include <stdio.h>

bool candor_notice_waiting(const candor_settings *settings, const candor_consent *consent,
                           uint32_t version)
{
    return settings->notice == CANDOR_NOTICE_HOST && candor_consent_notice(consent) < version;
}

static candor_bytes host_of(const char *url)
{
    const char *p = strstr(url, "://");
    p = p != NULL ? p + 3 : url;
    size_t n = strcspn(p, "/");
    const char *at = memchr(p, '@', n);
    if (at != NULL) {
        n -= (size_t)(at + 1 - p);
        p = at + 1;
    }
    return candor_bytes_of(p, n);
}

void candor_notice_show(const candor_settings *settings, candor_consent *consent, uint32_t version)
{
    if (settings->notice != CANDOR_NOTICE_STDERR || settings->endpoint == NULL ||
        candor_consent_notice(consent) >= version)
        return;
    candor_bytes host = host_of(settings->endpoint);
    (void)fprintf(
        stderr,
        "%s sends anonymous usage data to %.*s. Turn it off: DO_NOT_TRACK=1, or candor off "
        "--app %s.\n",
        settings->app, (int)host.n, host.p, settings->app);
    candor_consent_put_notice(consent, version);
    (void)!candor_consent_sync(consent, NULL); /* shown again at worst */
}
