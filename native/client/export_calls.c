/* The C API of uploads with options and export, whose calls become commands, and of the ledger.
 * Layer: client. Threads: any. */
#include <stdio.h>

#include "client/client.h"
#include "contract/package.h"

/* False: the command was answered, the path cannot be one. */
static bool take_path(candor_command *command, const char *path)
{
    int n = snprintf(command->path, sizeof command->path, "%s", path != NULL ? path : "");
    if (n >= 0 && (size_t)n < sizeof command->path) return true;
    if (command->done != NULL)
        command->done(command->ctx, CANDOR_LIMIT,
                      CANDOR_LIT("{\"error\":\"the path is too long\"}"));
    return false;
}

void candor_upload_with(candor_client *c, const candor_upload_options *options, candor_done done,
                        void *ctx)
{
    candor_command command = {
        .type = CANDOR_COMMAND_UPLOAD,
        .done = done,
        .ctx = ctx,
        .dry_run = options->dry_run,
        .since_ms = options->since_ms,
    };
    if (take_path(&command, options->file)) candor_client_push(c, &command);
}

void candor_export(candor_client *c, const char *path, int64_t since_ms, candor_done done,
                   void *ctx)
{
    candor_command command = {
        .type = CANDOR_COMMAND_EXPORT, .done = done, .ctx = ctx, .since_ms = since_ms};
    if (path == NULL || path[0] == '\0') path = CANDOR_PACKAGE_FILE;
    if (take_path(&command, path)) candor_client_push(c, &command);
}

candor_status candor_ledger_json(candor_client *c, unsigned limit, candor_buf *out, candor_err *err)
{
    if (!c->no_files && c->has_dir) return candor_ledger_read(c->dir, limit, out, err);
    candor_buf_put_bytes(out, CANDOR_LIT("{\"entries\":[]}"));
    return out->failed ? candor_fail(err, CANDOR_NOMEM, 0, "ledger", "out of memory") : CANDOR_OK;
}
