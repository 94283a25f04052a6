/* What lies in a directory and who holds it, without opening a client there: opening one would tidy
 * up what there is to see. For tools. Layer: client. Threads: any; reads files. */
#ifndef CANDOR_CLIENT_INSPECT_H
#define CANDOR_CLIENT_INSPECT_H

#include "base/bytes.h"

/* Appends {"segments":[{"name":s,"alive":bool}],"uploading":bool}: the journal files, whether the
 * process of each lives, and whether one is uploading now. A missing directory has none. */
CANDOR_CHECK candor_status candor_inspect(const char *directory, candor_buf *out, candor_err *err);

#endif
