/* The part of status that says what is stored, whoever decides. Layer: client. Threads: any. */
#ifndef CANDOR_CLIENT_STATUS_STORED_H
#define CANDOR_CLIENT_STATUS_STORED_H

#include "client/consent.h"

/* Append ,"stored":{"choice","level","mode","full_content"}; null where nobody has chosen. */
void candor_status_stored(const candor_consent *c, candor_buf *out);

#endif
