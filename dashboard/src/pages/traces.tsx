import { useState } from 'preact/hooks';
import type { PageProps } from '../app';
import type { EventPage, StoredEvent } from '../api';
import { telemetry } from '../api';
import { EventRows, summary } from '../events';
import { brief, duration, exact, moment } from '../format';
import { useQuery } from '../query';
import { go, hrefOf } from '../state';
import { DataTable, Empty, Field, Panel, Pill, When } from '../ui';

interface Bar { event: StoredEvent; name: string; start: number; ms: number; depth: number; bad: boolean }

const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** When it began and how long it took: a span says so; another event was recorded at its end. */
function barOf(event: StoredEvent): Bar {
  const p = event.payload;
  const ms = number(p.durationMs) || number(p.latencyMs) || number(p.reviewDurationMs);
  const ns = text(p.startNs);
  const start = ns !== '' ? Number(ns) / 1e6 : Date.parse(event.timestamp) - ms;
  const name = text(p.name) || [event.event_type, text(p.toolName) || text(p.model) || text(p.decision)].filter(Boolean).join(' ');
  const bad = p.status === 'error' || p.success === false || event.error_group !== undefined;
  return { event, name, start, ms, depth: 0, bad };
}

/** Parents before their children, each by time. */
function ordered(events: StoredEvent[]): Bar[] {
  const bars = events.map(barOf).sort((a, b) => a.start - b.start);
  const ids = new Set(bars.map((one) => text(one.event.payload.spanId)).filter(Boolean));
  const children = new Map<string, Bar[]>();
  for (const one of bars) {
    const parent = text(one.event.payload.parentId);
    const key = ids.has(parent) ? parent : '';
    children.set(key, [...(children.get(key) ?? []), one]);
  }
  const out: Bar[] = [];
  const visit = (key: string, depth: number) => {
    for (const one of children.get(key) ?? []) {
      if (out.includes(one)) continue;
      out.push({ ...one, depth });
      const id = text(one.event.payload.spanId);
      if (id !== '' && depth < 30) visit(id, depth + 1);
    }
  };
  visit('', 0);
  return out;
}

function Waterfall({ events }: { events: StoredEvent[] }) {
  const bars = ordered(events);
  const begin = Math.min(...bars.map((one) => one.start));
  const end = Math.max(begin + 1, ...bars.map((one) => one.start + one.ms));
  return (
    <>
      <p class="note">{exact(bars.length)} events in {duration(end - begin)}, from {moment(new Date(begin).toISOString())}</p>
      <ol class="waterfall">
        {bars.map((one) => (
          <li key={one.event.event_id} title={summary(one.event.payload)}>
            <span class="name" style={{ paddingLeft: `${one.depth * 14}px` }}>{one.name}{one.bad && <Pill tone="bad">failed</Pill>}</span>
            <span class="lane" aria-hidden="true"><i class={one.bad ? 'fill-bad' : 'fill'} style={{ left: `${((one.start - begin) / (end - begin)) * 100}%`, width: `${Math.max(0.4, (one.ms / (end - begin)) * 100)}%` }} /></span>
            <span class="value">{one.ms > 0 ? duration(one.ms) : 'moment'}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function Trace({ base, id }: { base: PageProps['base']; id: string }) {
  const events = useQuery<EventPage>(telemetry('events', { ...base, correlation: id, limit: 500 }));
  return (
    <Panel wide title="One task" note={id}>
      <When answer={events} lines={6}>
        {(data) => (data.events.length === 0
          ? <Empty>{data.next_cursor !== null ? 'Not among the newest events of this time; choose a shorter time around it.' : 'No event of this time has this id.'}</Empty>
          : <><Waterfall events={data.events} /><details class="as-table"><summary>Show the events</summary><EventRows label="Events of this task" events={data.events} /></details></>)}
      </When>
    </Panel>
  );
}

/** Tasks among the newest events. */
function recent(events: StoredEvent[]) {
  const tasks = new Map<string, StoredEvent[]>();
  for (const one of events) if (one.correlation_id !== undefined) tasks.set(one.correlation_id, [...(tasks.get(one.correlation_id) ?? []), one]);
  return [...tasks].filter(([, list]) => list.length > 1).slice(0, 25).map(([id, list]) => {
    const bars = list.map(barOf);
    const begin = Math.min(...bars.map((one) => one.start));
    return { id, n: list.length, app: list[0].app, last: list[0].timestamp, ms: Math.max(...bars.map((one) => one.start + one.ms)) - begin, bad: bars.some((one) => one.bad) };
  });
}

export function Traces({ place, base }: PageProps) {
  const [problem, setProblem] = useState('');
  const newest = useQuery<EventPage>(telemetry('events', { ...base, limit: 500 }));
  const find = (event: SubmitEvent) => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget as HTMLFormElement).get('id') ?? '').trim();
    setProblem(id === '' ? 'Give a correlation id or a trace id.' : '');
    if (id !== '') go(hrefOf(place, 'traces', { id }));
  };
  return (
    <>
      <Panel wide title="Find a task" note="By correlation id, or the trace id of OpenTelemetry">
        <form class="filters" onSubmit={find} key={place.params.id}>
          <Field label="Id" name="id" defaultValue={place.params.id} spellcheck={false} />
          <div class="buttons"><button type="submit">Show</button></div>
          {problem !== '' && <p role="alert" class="bad">{problem}</p>}
        </form>
      </Panel>
      {place.params.id !== undefined && <Trace base={base} id={place.params.id} />}
      <Panel wide title="Latest tasks" note="Among the newest 500 events">
        <When answer={newest} empty={(data) => recent(data.events).length === 0} lines={8}>
          {(data) => (
            <DataTable
              label="Latest tasks" rows={recent(data.events)} keyOf={(row) => row.id}
              columns={[
                { head: 'Task', cell: (row) => <a class="mono" href={hrefOf(place, 'traces', { id: row.id })}>{brief(row.id)}</a> }, { head: 'App', cell: (row) => row.app },
                { head: 'Last (UTC)', hide: true, cell: (row) => moment(row.last) }, { head: 'Events', number: true, cell: (row) => exact(row.n) },
                { head: 'Took', number: true, cell: (row) => duration(row.ms) }, { head: 'State', cell: (row) => (row.bad ? <Pill tone="bad">failed</Pill> : <Pill tone="good">ok</Pill>) },
              ]}
            />
          )}
        </When>
      </Panel>
    </>
  );
}
