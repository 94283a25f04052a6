#include "central/sink/page.h"

typedef struct turner {
    const candor_event_filter *f;
    candor_event_visit *visit;
    void *ctx;
    candor_event_page *page;
} turner;

static bool turn(void *ctx, const candor_stored_event *e)
{
    turner *t = ctx;
    if (t->page->found == t->f->limit) { /* one more than was asked for: it is not shown */
        t->page->more = true;
        return true;
    }
    t->page->found++;
    memcpy(t->page->cursor, e->id, sizeof t->page->cursor);
    return t->visit(t->ctx, e);
}

/* The window is fixed before it is read, so that events that arrive in between move nothing. */
candor_status candor_sink_page(const candor_page_source *src, const candor_event_filter *f,
                               candor_event_visit *visit, void *ctx, candor_event_page *out,
                               candor_err *err)
{
    const bool filtered = candor_filter_looks(f);
    turner t = {f, visit, ctx, out};
    candor_page_range range;
    candor_status st = CANDOR_OK;
    bool cut = false;
    memset(out, 0, sizeof *out);
    if (!candor_filter_range(f, range.low, range.high)) return CANDOR_OK;
    if (filtered && f->scan_rows != 0) {
        unsigned char id[16];
        st = src->window(src->ctx, &range, f->scan_rows, id, &cut, err);
        if (st == CANDOR_OK && cut) memcpy(range.low, id, sizeof range.low);
    }
    if (st == CANDOR_OK) st = src->select(src->ctx, &range, f, f->limit + 1, turn, &t, err);
    if (st == CANDOR_OK && cut && !out->more) {
        out->more = true;
        memcpy(out->cursor, range.low, sizeof out->cursor);
    }
    return st;
}
