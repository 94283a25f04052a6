/* The bare JSONL: gzip members, one sync a transaction; by libdeflate, and by igzip, which the
 * collector uses. */
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <unistd.h>

#include "bare_sink.h"

#define MEMBER_ROWS    1024u
#define MEMBER_MOST(n) ((n) + (n) / 1024 + 1024)

typedef size_t pack_fn(const bytes *in, char *out, size_t most);

static int file = -1;
static pack_fn *pack;
static struct libdeflate_compressor *tables;
static struct isal_zstream z;
static unsigned char level[ISAL_DEF_LVL1_DEFAULT];
static bytes lines, member;
static unsigned in_member;

static size_t by_libdeflate(const bytes *in, char *out, size_t most)
{
    return libdeflate_gzip_compress(tables, in->p, in->n, out, most);
}

static size_t by_igzip(const bytes *in, char *out, size_t most)
{
    isal_deflate_stateless_init(&z);
    z.level = 1;
    z.level_buf = level;
    z.level_buf_size = sizeof level;
    z.gzip_flag = IGZIP_GZIP;
    z.end_of_stream = 1;
    z.next_in = (unsigned char *)in->p;
    z.avail_in = (uint32_t)in->n;
    z.next_out = (unsigned char *)out;
    z.avail_out = (uint32_t)most;
    return isal_deflate_stateless(&z) == COMP_OK ? z.total_out : 0;
}

static bool open_with(const char *where, pack_fn *with)
{
    char path[512];
    snprintf(path, sizeof path, "%s/events.jsonl.gz", where);
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    tables = libdeflate_alloc_compressor(1);
    pack = with;
    return file >= 0 || complain(path, "cannot be opened");
}

static bool jsonl_open(const char *where)
{
    return open_with(where, by_libdeflate);
}

static bool igzip_open(const char *where)
{
    return open_with(where, by_igzip);
}

static bool jsonl_begin(void)
{
    return true;
}

static bool jsonl_flush(void)
{
    if (lines.n == 0) return true;
    member.n = 0;
    room(&member, MEMBER_MOST(lines.n));
    size_t n = pack(&lines, member.p, member.n);
    lines.n = in_member = 0;
    if (n == 0) return complain("jsonl", "gzip failed");
    return write(file, member.p, n) == (ssize_t)n || complain("jsonl", "a write was short");
}

static bool jsonl_add(const row *r)
{
    put(&lines, r->texts[TEXTS].p, r->texts[TEXTS].n);
    return ++in_member < MEMBER_ROWS || jsonl_flush();
}

static bool jsonl_commit(void)
{
    return jsonl_flush() && (fdatasync(file) == 0 || complain("jsonl", "fdatasync failed"));
}

static void jsonl_close(void)
{
    libdeflate_free_compressor(tables);
    close(file);
}

const backend bare_jsonl = {"jsonl",      jsonl_open, jsonl_begin, jsonl_add,
                            jsonl_commit, NULL,       NULL,        jsonl_close};
const backend bare_jsonl_igzip = {"jsonl_igzip", igzip_open, jsonl_begin, jsonl_add,
                                  jsonl_commit,  NULL,       NULL,        jsonl_close};
