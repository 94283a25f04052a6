import { useContext, useEffect, useState } from 'preact/hooks';
import type { PageProps } from '../app';
import type { EventPage, Stats, StoredEvent } from '../api';
import { ApiError, get, telemetry } from '../api';
import { csv, save } from '../csv';
import { EventRows, eventsTable } from '../events';
import { exact } from '../format';
import { SharedContext, useQuery } from '../query';
import { go, hrefOf } from '../state';
import { Empty, Failure, Field, Loading, Panel, Select } from '../ui';

const PAGE = 100;
const EXPORT_MAX = 10000;
const FILTERS = ['type', 'category', 'version', 'session', 'user', 'machine', 'correlation'] as const;

/** Page after page, until max or the end. */
async function readAll(path: (cursor?: string) => string, max: number, onRows: (n: number) => void): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  let cursor: string | undefined;
  do {
    const page: EventPage = await get<EventPage>(path(cursor));
    events.push(...page.events);
    onRows(events.length);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && events.length < max);
  return events.slice(0, max);
}

export function Events({ place, base }: PageProps) {
  const { turn, onSignedOut } = useContext(SharedContext);
  const chosen = Object.fromEntries(FILTERS.map((name) => [name, place.params[name]]));
  const path = (cursor?: string, limit = PAGE) => telemetry('events', { ...base, ...chosen, limit, cursor });
  const stats = useQuery<Stats>(telemetry('stats', base));
  const [events, setEvents] = useState<StoredEvent[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [state, setState] = useState<{ loading: boolean; error?: ApiError }>({ loading: true });
  const [exporting, setExporting] = useState('');
  const [again, setAgain] = useState(0);
  const first = path();

  const load = (cursor?: string, signal?: AbortSignal) => {
    setState({ loading: true });
    get<EventPage>(path(cursor), signal).then((page) => {
      setEvents((before) => (cursor === undefined ? page.events : [...before, ...page.events]));
      setNext(page.next_cursor);
      setState({ loading: false });
    }, (error: unknown) => {
      if (signal?.aborted) return;
      if (error instanceof ApiError && error.status === 401) onSignedOut();
      setState({ loading: false, error: error instanceof ApiError ? error : new ApiError({ status: 0, code: 'broken', detail: String(error) }) });
    });
  };
  useEffect(() => {
    const abort = new AbortController();
    setEvents([]);
    load(undefined, abort.signal);
    return () => abort.abort();
  }, [first, turn, again]);

  const filter = (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    go(hrefOf(place, 'events', Object.fromEntries(FILTERS.slice(2).map((name) => [name, String(data.get(name) ?? '').trim() || undefined]))));
  };
  const saveAll = async () => {
    try {
      const all = await readAll((cursor) => path(cursor, 500), EXPORT_MAX, (n) => setExporting(`${exact(n)} read`));
      const table = eventsTable('events', all);
      save(table.name, csv(table.head, table.rows));
      setExporting(all.length === EXPORT_MAX ? `the newest ${exact(EXPORT_MAX)} saved` : `${exact(all.length)} saved`);
    } catch (error) {
      setExporting(error instanceof Error ? error.message : String(error));
    }
  };
  const types = (stats.data?.events.by_type ?? []).map((one) => one.type).sort();
  const categories = (stats.data?.events.by_category ?? []).map((one) => one.category).sort();
  const withChosen = (names: string[], value?: string) => (value !== undefined && value !== '' && !names.includes(value) ? [...names, value] : names);
  return (
    <Panel wide title="Stored events" note="Newest first. Press an event's name for its JSON." actions={<><span class="note" role="status">{exporting}</span><button type="button" class="quiet" onClick={saveAll}>CSV</button></>}>
      <form class="filters" onSubmit={filter} key={JSON.stringify(chosen)}>
        <Select label="Type" value={chosen.type ?? ''} onChange={(value) => go(hrefOf(place, 'events', { type: value || undefined }))} options={[{ value: '', label: 'Every type' }, ...withChosen(types, chosen.type).map((name) => ({ value: name, label: name }))]} />
        <Select label="Category" value={chosen.category ?? ''} onChange={(value) => go(hrefOf(place, 'events', { category: value || undefined }))} options={[{ value: '', label: 'Every category' }, ...withChosen(categories, chosen.category).map((name) => ({ value: name, label: name }))]} />
        <Field label="Version" name="version" defaultValue={chosen.version} />
        <Field label="Session" name="session" defaultValue={chosen.session} />
        <Field label="User" name="user" defaultValue={chosen.user} />
        <Field label="Machine" name="machine" defaultValue={chosen.machine} />
        <Field label="Correlation" name="correlation" defaultValue={chosen.correlation} />
        <div class="buttons">
          <button type="submit">Apply</button>
          <a class="button quiet" href={hrefOf(place, 'events', Object.fromEntries(FILTERS.map((name) => [name, undefined])))}>Clear</a>
        </div>
      </form>
      {state.error !== undefined && <Failure answer={{ error: state.error, retry: () => setAgain((n) => n + 1) }} />}
      {events.length > 0 && <EventRows label="Events" events={events} />}
      {state.loading && events.length === 0 && <Loading lines={8} />}
      {!state.loading && state.error === undefined && events.length === 0 && <Empty>{next !== null ? 'None so far; there is more to look through.' : 'No event matches.'}</Empty>}
      {next !== null && state.error === undefined && <button type="button" class="more" disabled={state.loading} onClick={() => load(next)}>{state.loading ? 'Loading…' : 'Load more'}</button>}
    </Panel>
  );
}
