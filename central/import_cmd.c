/* candor-central import FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "central/commands.h"
#include "central/import.h"
#include "central/options.h"
#include "central/parts.h"

#define STEP_NS UINT64_C(200000000) /* between two lines of progress */

static const char usage[] =
    "Usage:\n"
    "  candor-central import FILE... [--json] [--data DIR] [flags of serve]\n\n"
    "Stores exported packages, NDJSON or JSON arrays of events, gzipped or not (- is standard "
    "input),\n"
    "as uploading them would: the same checks, and no event twice. Events older than "
    "--max-age-days\n"
    "are rejected. While the collector runs, upload instead: POST /api/telemetry/upload or\n"
    "/api/v1/events. Exit code 1: a file could not be read to its end.\n";

typedef struct terminal {
    const char *file;
    int number, files;
    bool shown;
    uint64_t next_ns;
} terminal;

static void show(void *ctx, const candor_import_result *r, int permille)
{
    terminal *t = ctx;
    uint64_t now = candor_clock_mono_ns();
    if (now < t->next_ns) return;
    t->next_ns = now + STEP_NS;
    t->shown = true;
    fprintf(stderr, "\r\033[K%d/%d %.60s: ", t->number, t->files, t->file);
    if (permille >= 0) fprintf(stderr, "%d %%, ", permille / 10);
    fprintf(stderr, "%llu events", (unsigned long long)r->events);
}

static void clear(terminal *t)
{
    if (t->shown) fputs("\r\033[K", stderr);
    t->shown = false;
}

static void put_counts(candor_buf *b, const candor_import_result *r)
{
    bool first = true;
    unsigned i;
    candor_buf_putf(b, "\"accepted\":%llu,\"duplicates\":%llu,\"rejected\":%llu,\"reasons\":{",
                    (unsigned long long)r->accepted, (unsigned long long)r->duplicates,
                    (unsigned long long)r->rejected);
    for (i = 0; i < CANDOR_REFUSE_COUNT; i++) {
        if (r->reasons[i] == 0) continue;
        candor_buf_putf(b, "%s\"%s\":%llu", first ? "" : ",", candor_refuse_name(i),
                        (unsigned long long)r->reasons[i]);
        first = false;
    }
    candor_buf_put_c(b, '}');
}

static void add(candor_import_result *sum, const candor_import_result *r)
{
    unsigned i;
    sum->accepted += r->accepted;
    sum->duplicates += r->duplicates;
    sum->rejected += r->rejected;
    for (i = 0; i < CANDOR_REFUSE_COUNT; i++)
        sum->reasons[i] += r->reasons[i];
}

static void put_file(candor_buf *b, const char *file, const candor_import_result *r,
                     const char *error)
{
    candor_buf_putf(b, "%s{\"file\":", b->n > 1 ? "," : "");
    candor_json_put_string(b, candor_bytes_str(file));
    candor_buf_putf(b, ",\"kind\":\"%s\",", candor_import_kind_name(r->kind));
    put_counts(b, r);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"error\":"));
    if (*error != '\0')
        candor_json_put_string(b, candor_bytes_str(error));
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
    candor_buf_put_c(b, '}');
}

static void say_file(const char *file, const candor_import_result *r, const char *error)
{
    unsigned i;
    printf("%s (%s): %llu stored, %llu known before, %llu rejected", file,
           candor_import_kind_name(r->kind), (unsigned long long)r->accepted,
           (unsigned long long)r->duplicates, (unsigned long long)r->rejected);
    for (i = 0; i < CANDOR_REFUSE_COUNT; i++)
        if (r->reasons[i] != 0)
            printf(", %s %llu", candor_refuse_name(i), (unsigned long long)r->reasons[i]);
    putchar('\n');
    fflush(stdout);
    if (*error != '\0') fprintf(stderr, "candor-central: %s: %s\n", file, error);
}

/* How many files failed. */
static int import_all(candor_import *m, const candor_operands *files, bool json)
{
    candor_import_result sum = {0}, r;
    candor_buf list = {0};
    terminal t = {.files = files->n};
    bool tty = isatty(STDERR_FILENO) != 0;
    int i, failed = 0;
    candor_buf_put_c(&list, '[');
    for (i = 0; i < files->n; i++) {
        char text[320] = "";
        candor_err err = {0};
        t.file = files->items[i];
        t.number = i + 1;
        if (candor_import_file(m, t.file, tty ? show : NULL, &t, &r, &err) != CANDOR_OK) {
            candor_err_describe(&err, text, sizeof text);
            failed++;
        }
        clear(&t);
        add(&sum, &r);
        if (json) put_file(&list, t.file, &r, text);
        if (!json) say_file(t.file, &r, text);
    }
    if (json) {
        candor_buf total = {0};
        put_counts(&total, &sum);
        printf("{\"files\":%.*s],%.*s,\"failed\":%d}\n", (int)list.n, list.p, (int)total.n, total.p,
               failed);
        candor_buf_free(&total);
    }
    candor_buf_free(&list);
    return failed;
}

static candor_status run(candor_server *s, const candor_operands *files, bool json, int *failed,
                         candor_err *err)
{
    candor_parts parts;
    candor_import *m = NULL;
    candor_status st = candor_parts_open(s, &parts, err);
    if (st == CANDOR_OK) st = candor_import_new(s, &m, err);
    if (st == CANDOR_OK) *failed = import_all(m, files, json);
    candor_import_free(m);
    candor_parts_close(s, &parts);
    return st;
}

int candor_command_import(int argc, char *const *argv)
{
    candor_option options[] = {{"--json", NULL, false}, {"--help", NULL, false}};
    candor_operands files = {.n = 0};
    candor_server *s = calloc(1, sizeof *s);
    candor_err err = {0};
    candor_status st;
    int failed = 0, code = 0;
    if (s == NULL) return 1;
    st = candor_options_take(options, 2, argc, argv, &s->config, &files, &err);
    if (st != CANDOR_OK) code = candor_command_fail(&err, 2);
    if (st == CANDOR_OK && (options[1].given || files.n == 0)) {
        fputs(usage, options[1].given ? stdout : stderr);
        code = options[1].given ? 0 : 2;
    } else if (st == CANDOR_OK) {
        candor_log_init(&s->log, "error");
        st = run(s, &files, options[0].given, &failed, &err);
        code = st == CANDOR_OK ? failed != 0 : candor_command_fail(&err, 1);
    }
    free(s);
    return code;
}
