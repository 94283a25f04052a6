/* The smallest embedder of Candor: record what this program does, print its status.
 *
 *   cc main.c $(pkg-config --cflags --libs candor) -o embed
 *   TELEMETRY_ENDPOINT=http://127.0.0.1:8797 TELEMETRY_TOKEN=... ./embed DIRECTORY SCHEMA
 *
 * DIRECTORY is where events wait for their upload; SCHEMA is the schema file: default.json in the
 * folder that `pkg-config --variable=schemadir candor` prints. */
#include <candor.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Waits for a done callback, which comes from the client's own thread. */
typedef struct answer {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool given;
} answer;

static void on_done(void *ctx, candor_status status, candor_bytes result_json)
{
    answer *a = ctx;
    printf("%s: %.*s\n", candor_status_text(status), (int)result_json.n,
           result_json.n != 0 ? result_json.p : "");
    pthread_mutex_lock(&a->mutex);
    a->given = true;
    pthread_cond_signal(&a->cond);
    pthread_mutex_unlock(&a->mutex);
}

static void upload_and_wait(candor_client *client)
{
    answer a = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    candor_upload(client, on_done, &a);
    pthread_mutex_lock(&a.mutex);
    while (!a.given)
        pthread_cond_wait(&a.cond, &a.mutex);
    pthread_mutex_unlock(&a.mutex);
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    if (f == NULL || text == NULL || fread(text, 1, (1 << 20) - 1, f) == 0) {
        fprintf(stderr, "embed: cannot read the schema %s\n", path);
        exit(1);
    }
    fclose(f);
    return text;
}

static void record(candor_client *client)
{
    candor_emit_result r = candor_emit(
        client, candor_bytes_str("ToolCall"),
        candor_bytes_str("{\"toolName\":\"search\",\"durationMs\":12.5,\"success\":true,"
                         "\"notInTheSchema\":\"never read\"}"),
        candor_bytes_str("request-1"));
    printf("emit: %s\n", candor_emit_name(r)); /* kept: it survives SIGKILL from here on */
}

int main(int argc, char **argv)
{
    char options[5000];
    candor_client *client = NULL;
    candor_err err = {0};
    candor_buf status = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: embed DIRECTORY SCHEMA\n");
        return 2;
    }
    (void)snprintf(options, sizeof options,
                   "{\"app\":\"embed-example\",\"appVersion\":\"1.0.0\",\"directory\":\"%s\"}",
                   argv[1]);
    char *schema = read_text(argv[2]);
    candor_status st =
        candor_open(candor_bytes_str(options), candor_bytes_str(schema), &client, &err);
    free(schema);
    if (st != CANDOR_OK) {
        fprintf(stderr, "embed: %s\n", err.text);
        return 1;
    }
    record(client);
    upload_and_wait(client);
    if (candor_status_json(client, &status, &err) == CANDOR_OK)
        printf("status: %.*s\n", (int)status.n, status.p);
    candor_buf_free(&status);
    candor_close(client, 1000);
    return 0;
}
