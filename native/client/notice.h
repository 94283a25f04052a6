/* The notice: people are told before the first upload of a directory, and again when the schema's
 * notice version rises. It gates uploads, never recording. Layer: client. Threads: show: the one
 * that leads the directory's uploads; waiting: any. */
#ifndef CANDOR_CLIENT_NOTICE_H
#define CANDOR_CLIENT_NOTICE_H

#include "client/consent.h"
#include "client/settings.h"

/* Whether uploads wait for the host to show its notice and to acknowledge it. */
bool candor_notice_waiting(const candor_settings *settings, const candor_consent *consent,
                           uint32_t version);
/* With notice "stderr": the one line, unless this version was shown before. Notes that it was. */
void candor_notice_show(const candor_settings *settings, candor_consent *consent, uint32_t version);

#endif
