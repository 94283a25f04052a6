/** Lists of events: a row each, its JSON behind it. */
import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import type { StoredEvent } from './api';
import { brief, clock, moment } from './format';
import { hrefOf, readPlace } from './state';
import type { Table } from './ui';
import { Pill } from './ui';

/** The payload in a few words: what fits a line. Ids and nanoseconds are in the JSON. */
export function summary(payload: Record<string, unknown>): string {
  return Object.entries(payload).filter(([key, value]) => value !== null && typeof value !== 'object' && !/(Id|Ns|Hash)$/.test(key)).slice(0, 5)
    .map(([key, value]) => `${key} ${String(value).slice(0, 60)}`).join(' · ');
}

export function eventsTable(name: string, events: StoredEvent[]): Table {
  const head = ['timestamp', 'event_type', 'category', 'app', 'app_version', 'platform', 'session_id', 'user_id', 'machine_id', 'correlation_id', 'event_id', 'payload'] as const;
  return { name, head: [...head], rows: events.map((one) => head.map((key) => (key === 'payload' ? JSON.stringify(one.payload) : one[key]))) };
}

function Details({ event }: { event: StoredEvent }) {
  const place = readPlace();
  const [copied, setCopied] = useState(false);
  const text = JSON.stringify(event, null, 2);
  const copy = () => navigator.clipboard?.writeText(text).then(() => setCopied(true), () => {});
  return (
    <div class="details">
      <p class="links">
        <a href={hrefOf({ page: '', params: {} }, 'events', { session: event.session_id, range: '90d' })}>All of this session</a>
        {event.correlation_id !== undefined && <a href={hrefOf(place, 'traces', { id: event.correlation_id })}>Trace</a>}
        {event.error_group !== undefined && <a href={hrefOf(place, 'errors', { group: event.error_group })}>Errors like this</a>}
        <button type="button" class="quiet" onClick={copy}>{copied ? 'Copied' : 'Copy JSON'}</button>
      </p>
      <pre tabIndex={0} aria-label="The event as JSON">{text}</pre>
    </div>
  );
}

export function EventRows({ events, label, fresh, short }: { events: StoredEvent[]; label: string; fresh?: Set<string>; short?: boolean }) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      <table class="events">
        <thead><tr><th scope="col">Time (UTC)</th><th scope="col">Event</th><th scope="col" class="hide">App</th><th scope="col" class="hide">Session</th><th scope="col">What</th></tr></thead>
        <tbody>
          {events.map((event) => (
            <Fragment key={event.event_id}>
              <tr class={fresh?.has(event.event_id) ? 'fresh' : undefined}>
                <td class="time">{short ? clock(event.timestamp) : moment(event.timestamp)}</td>
                <td>
                  <button type="button" class="link" aria-expanded={open === event.event_id} onClick={() => setOpen(open === event.event_id ? null : event.event_id)}>{event.event_type}</button>
                  {event.error_group !== undefined && <Pill tone="bad">error</Pill>}
                </td>
                <td class="hide">{event.app} <span class="note">{event.app_version}</span></td>
                <td class="hide mono">{brief(event.session_id)}</td>
                <td class="what">{summary(event.payload)}</td>
              </tr>
              {open === event.event_id && <tr class="opened"><td colSpan={5}><Details event={event} /></td></tr>}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}
