/* The thread that reads packages: gunzip, judgement and parsing of one take up to half a second, in
 * which an event loop would answer nobody. One thread, so that one package is inflated at a time;
 * what waits for it is bounded by buffer-bytes. Layer: central. Threads: start and stop from the
 * main thread, submit from any loop. */
#ifndef CANDOR_CENTRAL_PACKAGE_READER_H
#define CANDOR_CENTRAL_PACKAGE_READER_H

#include "central/ingest_body.h"

typedef struct candor_package_reader candor_package_reader;
CANDOR_CHECK candor_status candor_package_reader_start(candor_server *s,
                                                       candor_package_reader **out,
                                                       candor_err *err);
/* As candor_ingest_submit, but the body is read on the reader's thread. Until the answer is sent,
 * which the connection's loop does, head, body and reply of c are the reader's: nobody else touches
 * those of a busy connection. */
void candor_package_reader_submit(candor_conn *c, candor_ingest_reader *read);
/* Once every loop is joined: nothing waits any more. Accepts NULL. */
void candor_package_reader_stop(candor_package_reader *p);

#endif
