/* Which connections of a loop could make place for another, without looking at all of them: under a
 * flood that would be what the processor does. */
#include "central/conn.h"

static candor_place place_of(const candor_conn *c)
{
    if (c->state == CANDOR_CONN_BUSY || c->state == CANDOR_CONN_WRITING) return CANDOR_PLACE_WORK;
    if (!c->known) return CANDOR_PLACE_STRANGER;
    return c->state == CANDOR_CONN_HEAD && c->started_ns == 0 ? CANDOR_PLACE_IDLE
                                                              : CANDOR_PLACE_WORK;
}

static void put_first(candor_conn *c, candor_place place)
{
    candor_conn_list *l = &c->loop->places[place];
    c->place = place;
    c->prev = NULL;
    c->next = l->first;
    if (l->first != NULL) l->first->prev = c;
    l->first = c;
    if (l->last == NULL) l->last = c;
}

void candor_conn_leave(candor_conn *c)
{
    candor_conn_list *l = &c->loop->places[c->place];
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        l->first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    else
        l->last = c->prev;
    c->loop->n_conns--;
}

void candor_conn_enter(candor_conn *c)
{
    put_first(c, place_of(c));
    c->loop->n_conns++;
}

void candor_conn_settle(candor_conn *c)
{
    if (c->place == place_of(c)) return;
    candor_conn_leave(c);
    candor_conn_enter(c);
}
