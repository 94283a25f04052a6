/* An exporter: writes how many lines the file has to /out/count.txt. A file of 20 lines makes it
 * write 20 files more. */
#include <stdio.h>
#include <string.h>

#include "candor_plugin.h"

CANDOR_PLUGIN_ALLOC

CANDOR_PLUGIN_EXPORT("export") int export(const char *path, size_t length)
{
    char name[256];
    int c, lines = 0, written = 0;
    FILE *in, *out;
    if (length >= sizeof name) return 1;
    memcpy(name, path, length);
    name[length] = '\0';
    in = fopen(name, "r");
    out = fopen("/out/count.txt", "w");
    if (in == NULL || out == NULL) return 2;
    while ((c = getc(in)) != EOF)
        lines += c == '\n';
    fprintf(out, "%d\n", lines);
    fclose(in);
    while (lines == 20 && written < 20) {
        snprintf(name, sizeof name, "/out/%d", written++);
        fclose(fopen(name, "w"));
    }
    return fclose(out);
}
