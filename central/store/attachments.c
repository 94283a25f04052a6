/* The thread of the attachments: group commit of puts, then the reads, then retention. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "central/store/attachments_db.h"

#define JOBS_WAITING 256 /* more are refused, as are texts over queue_bytes together */
#define IDLE_MS      60000
#define PAUSE_MS     20 /* between steps of retention */

struct candor_attachments {
    char path[CANDOR_PATH_MAX];
    candor_attachments_settings settings;
    candor_attachment_db db;
    candor_mailbox *mail;
    candor_thread *thread;
    _Atomic uint64_t queue_bytes;
    atomic_uint waiting;
    atomic_bool closing;
    uint64_t rest_at_ns;
    atomic_bool trouble; /* said once, not for each request */
};

/* --- the thread ----------------------------------------------------------------------------- */

static void note(candor_attachments *a, candor_status st, const candor_err *err)
{
    char text[256] = "";
    bool now = st != CANDOR_OK, was = atomic_exchange(&a->trouble, now);
    if (now && a->settings.metrics != NULL)
        candor_count(&a->settings.metrics->attachments_failed, 1);
    if (a->settings.log == NULL || was == now) return;
    if (now) candor_err_describe(err, text, sizeof text);
    candor_log_say(a->settings.log, now ? CANDOR_LOG_ERROR : CANDOR_LOG_INFO,
                   now ? "attachments_trouble" : "attachments_recovered", now ? text : NULL);
}

static void finish(candor_attachments *a, candor_attachment_job *j, candor_status st)
{
    j->status = st;
    atomic_fetch_sub(&a->queue_bytes, j->queued_bytes);
    atomic_fetch_sub(&a->waiting, 1);
    j->done(j); /* j is no longer ours */
}

static void do_puts(candor_attachments *a, candor_task *t)
{
    candor_err err = {0};
    candor_status st;
    if (t == NULL) return;
    st = candor_attachment_db_put(&a->db, t, &err);
    note(a, st, &err);
    while (t != NULL) {
        candor_task *next = t->next;
        finish(a, (candor_attachment_job *)(void *)t, st);
        t = next;
    }
}

static void do_reads(candor_attachments *a, candor_task *t)
{
    while (t != NULL) {
        candor_task *next = t->next;
        candor_attachment_job *j = (candor_attachment_job *)(void *)t;
        candor_err err = {0};
        candor_status st = candor_attachment_db_read(&a->db, j, &err);
        note(a, st, &err);
        if (j->op == CANDOR_ATTACHMENT_ERASE && j->erased != 0) a->rest_at_ns = 0; /* the log too */
        finish(a, j, st);
        t = next;
    }
}

static bool writes(const candor_attachment_job *j)
{
    return j->op == CANDOR_ATTACHMENT_PUT || j->op == CANDOR_ATTACHMENT_APPEND;
}

/* Puts first, in one transaction: who asked after a put sees it. */
static void do_jobs(candor_attachments *a, candor_task *t)
{
    candor_task *first[2] = {NULL, NULL}, **last[2] = {&first[0], &first[1]};
    for (; t != NULL; t = t->next) {
        int read = !writes((candor_attachment_job *)(void *)t);
        *last[read] = t;
        last[read] = &t->next;
    }
    *last[0] = *last[1] = NULL;
    do_puts(a, first[0]);
    do_reads(a, first[1]);
}

static void rest(candor_attachments *a)
{
    candor_err err = {0};
    bool more = false;
    int64_t now = a->settings.now_ms != NULL ? a->settings.now_ms() : candor_clock_unix_ms();
    candor_status st = candor_attachment_db_rest(&a->db, now, &more, &err);
    if (st != CANDOR_OK) note(a, st, &err);
    a->rest_at_ns = candor_clock_mono_ns() + (uint64_t)(more ? PAUSE_MS : IDLE_MS) * 1000000;
}

static int pause_ms(const candor_attachments *a)
{
    uint64_t now = candor_clock_mono_ns();
    return now < a->rest_at_ns ? (int)((a->rest_at_ns - now) / 1000000) + 1 : 0;
}

static void run(void *ctx)
{
    candor_attachments *a = ctx;
    for (;;) {
        bool closing = atomic_load(&a->closing);
        candor_task *t = candor_mailbox_take(a->mail);
        if (t == NULL && closing) break; /* read before take: whatever came earlier is done */
        if (t != NULL)
            do_jobs(a, t);
        else
            candor_waker_sleep(candor_mailbox_waker(a->mail), pause_ms(a));
        if (!closing && candor_clock_mono_ns() >= a->rest_at_ns) rest(a);
    }
}

/* --- from outside --------------------------------------------------------------------------- */

candor_status candor_attachments_submit(candor_attachments *a, candor_attachment_job *j)
{
    uint64_t size = writes(j) ? j->text.n : 0, before;
    if (atomic_load(&a->closing)) return CANDOR_CANCELLED;
    if (atomic_fetch_add(&a->waiting, 1) >= JOBS_WAITING && j->op != CANDOR_ATTACHMENT_ERASE) {
        atomic_fetch_sub(&a->waiting, 1);
        return CANDOR_FULL;
    }
    before = atomic_fetch_add(&a->queue_bytes, size);
    if (before != 0 && before + size > a->settings.queue_bytes) { /* one text always fits */
        atomic_fetch_sub(&a->queue_bytes, size);
        atomic_fetch_sub(&a->waiting, 1);
        return CANDOR_FULL;
    }
    j->queued_bytes = (size_t)size;
    candor_mailbox_post(a->mail, &j->task);
    return CANDOR_OK;
}

bool candor_attachments_healthy(const candor_attachments *a)
{
    return !atomic_load(&a->trouble);
}

uint64_t candor_attachments_bytes(const candor_attachments *a)
{
    struct stat st;
    return stat(a->path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void candor_attachments_close(candor_attachments *a)
{
    if (a == NULL) return;
    atomic_store(&a->closing, true);
    if (a->thread != NULL) {
        candor_waker_wake(candor_mailbox_waker(a->mail));
        candor_thread_join(&a->thread);
    }
    candor_mailbox_free(a->mail);
    candor_attachment_db_close(&a->db);
    free(a);
}

candor_status candor_attachments_open(const candor_attachments_settings *s,
                                      candor_attachments **out, candor_err *err)
{
    candor_attachments *a = calloc(1, sizeof *a);
    candor_status st;
    *out = NULL;
    if (a == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the attachments", NULL);
    a->settings = *s;
    (void)snprintf(a->path, sizeof a->path, "%s", s->path);
    st = candor_attachment_db_open(&a->db, s, err);
    if (st == CANDOR_OK) st = candor_mailbox_new(&a->mail, err);
    if (st == CANDOR_OK) st = candor_thread_start("attachments", run, a, &a->thread, err);
    if (st != CANDOR_OK)
        candor_attachments_close(a);
    else
        *out = a;
    return st;
}
