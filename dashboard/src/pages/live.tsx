import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import type { PageProps } from '../app';
import type { EventPage, StoredEvent } from '../api';
import { ApiError, get, telemetry } from '../api';
import { EventRows, eventsTable } from '../events';
import { exact } from '../format';
import { SharedContext } from '../query';
import { CsvButton, Empty, Failure, Panel } from '../ui';

const EVERY_MS = 2000;
const PAGE = 100;
const KEPT = 300;

/** Asks for the newest page again and again; the browser sends its ETag, so an unchanged one costs no body. */
export function Live({ base }: PageProps) {
  const { turn, onSignedOut } = useContext(SharedContext);
  const [events, setEvents] = useState<StoredEvent[]>([]);
  const [fresh, setFresh] = useState<Set<string>>(new Set());
  const [paused, setPaused] = useState(false);
  const [error, setError] = useState<ApiError>();
  const [seen, setSeen] = useState(0);
  const known = useRef<Set<string> | null>(null);

  const take = (page: EventPage) => {
    const before = known.current;
    const added = before === null ? [] : page.events.filter((one) => !before.has(one.event_id));
    known.current = new Set([...page.events.map((one) => one.event_id), ...(before ?? [])].slice(0, 5000));
    setError(undefined);
    if (before === null) setEvents(page.events);
    if (added.length === 0) return;
    setSeen((n) => n + added.length);
    setFresh(new Set(added.map((one) => one.event_id)));
    setEvents((list) => [...added, ...list].sort((a, b) => (a.event_id < b.event_id ? 1 : -1)).slice(0, KEPT));
  };
  useEffect(() => {
    if (paused) return undefined;
    const abort = new AbortController();
    let timer = 0;
    const ask = async () => {
      try {
        if (!document.hidden) take(await get<EventPage>(telemetry('events', { source: base.source, limit: PAGE }), abort.signal));
      } catch (problem) {
        if (abort.signal.aborted) return;
        if (problem instanceof ApiError && problem.status === 401) onSignedOut();
        if (problem instanceof ApiError) setError(problem);
      }
      if (!abort.signal.aborted) timer = window.setTimeout(ask, EVERY_MS);
    };
    void ask();
    return () => { abort.abort(); clearTimeout(timer); };
  }, [paused, base.source, turn]);
  useEffect(() => { known.current = null; }, [base.source]);

  return (
    <Panel
      wide title="Newest events" note={`Asked for every ${EVERY_MS / 1000} s; the newest ${KEPT} stay`}
      actions={<><button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>{paused ? 'Go on' : 'Pause'}</button><CsvButton table={() => eventsTable('live', events)} /></>}
    >
      <p class="note live" role="status"><i class={paused ? 'dot' : 'dot on'} aria-hidden="true" />{paused ? 'Paused' : 'Following'} · {exact(seen)} new since you came</p>
      {error !== undefined && <Failure answer={{ error, retry: () => setError(undefined) }} />}
      {events.length === 0 && error === undefined ? <Empty>Nothing has arrived yet.</Empty> : <EventRows short label="Newest events" events={events} fresh={fresh} />}
    </Panel>
  );
}
