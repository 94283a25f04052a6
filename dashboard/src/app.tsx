/** The frame: who is signed in, where they are, for which time and app. */
import type { FunctionComponent } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Groups, Session } from './api';
import { ApiError, get, logout, telemetry } from './api';
import { SharedContext, useQuery } from './query';
import type { Place, Range, Theme } from './state';
import { PRESETS, applyTheme, go, hadSession, hrefOf, nextTheme, noteSession, rangeOf, savedTheme, usePlace } from './state';
import { Login } from './login';
import { Icon } from './icons';
import { Overview } from './pages/overview';
import { Events } from './pages/events';
import { Errors } from './pages/errors';
import { Sessions } from './pages/sessions';
import { Proposals } from './pages/proposals';
import { Tools } from './pages/tools';
import { Traces } from './pages/traces';
import { Live } from './pages/live';
import { QualityPage } from './pages/quality';

export interface PageProps { place: Place; range: Range; /** Parameters that every question of the page has. */ base: { from: number; to: number; source?: string } }

const PAGES: { name: string; title: string; about: string; view: FunctionComponent<PageProps>; timeless?: boolean }[] = [
  { name: 'overview', title: 'Overview', about: 'How much, from where, and whether it goes well', view: Overview },
  { name: 'events', title: 'Events', about: 'What is stored, event by event', view: Events },
  { name: 'errors', title: 'Errors', about: 'Service level, and errors that are the same', view: Errors },
  { name: 'sessions', title: 'Sessions', about: 'How many, and how many without an error', view: Sessions },
  { name: 'proposals', title: 'Proposals', about: 'From proposed to approved', view: Proposals },
  { name: 'tools', title: 'Latency', about: 'How long tools and models take', view: Tools },
  { name: 'traces', title: 'Traces', about: 'What belongs to one task', view: Traces },
  { name: 'live', title: 'Live', about: 'Events as they arrive', view: Live, timeless: true },
  { name: 'quality', title: 'Data quality', about: 'What was refused, changed or dropped on the way', view: QualityPage, timeless: true },
];

/* --- the bar on top ---------------------------------------------------------------------------- */

function Custom({ place, range }: { place: Place; range: Range }) {
  const iso = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const from = Date.parse(`${String(data.get('from'))}T00:00:00Z`);
    const to = Date.parse(`${String(data.get('to'))}T00:00:00Z`) + 86400000;
    if (to > from) go(hrefOf(place, place.page, { range: undefined, from: String(from), to: String(to) }));
    (event.currentTarget as HTMLFormElement).closest('details')?.removeAttribute('open');
  };
  return (
    <details class="custom">
      <summary>{range.name === 'custom' ? range.label : 'Other time'}</summary>
      <form onSubmit={submit} key={`${range.from}-${range.to}`}>
        <label>From <input type="date" name="from" defaultValue={iso(range.from)} required /></label>
        <label>To <input type="date" name="to" defaultValue={iso(range.to - 1)} required /></label>
        <button type="submit">Show</button>
      </form>
    </details>
  );
}

function SourceSelect({ place, bound }: { place: Place; bound: string }) {
  const sources = useQuery<Groups>(bound === '' ? telemetry('aggregate/source', {}) : null);
  if (bound !== '') return <span class="bound">App <strong>{bound}</strong></span>;
  const names = (sources.data?.groups ?? []).map((one) => one.source ?? '');
  const chosen = place.params.source ?? '';
  if (chosen !== '' && !names.includes(chosen)) names.push(chosen);
  return (
    <label class="source">
      <span class="hidden">App</span>
      <select value={chosen} onChange={(event) => go(hrefOf(place, place.page, { source: event.currentTarget.value || undefined }))}>
        <option value="">All apps</option>
        {names.map((name) => <option key={name} value={name}>{name}</option>)}
      </select>
    </label>
  );
}

function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(savedTheme);
  const next = () => { const to = nextTheme(theme); applyTheme(to); setTheme(to); };
  return <button type="button" class="icon" onClick={next} aria-label={`Colours: ${theme}. Change`} title={`Colours: ${theme}`}><Icon name={theme} /></button>;
}

/* --- frame ------------------------------------------------------------------------------------- */

function Frame({ session, onOut }: { session: Session; onOut: () => void }) {
  const place = usePlace();
  const [turn, setTurn] = useState(0);
  const now = useMemo(() => Date.now(), [turn, place]);
  const range = rangeOf(place, now);
  const page = PAGES.find((one) => one.name === place.page) ?? PAGES[0];
  const source = session.app !== '' ? session.app : place.params.source;
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${page.title} · Candor`;
    if (!first.current) heading.current?.focus();
    first.current = false;
  }, [page.name]);
  const shared = useMemo(() => ({ turn, onSignedOut: onOut }), [turn, onOut]);
  const View = page.view;
  return (
    <SharedContext.Provider value={shared}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); heading.current?.focus(); }}>To the content</a>
      <div class="frame">
        <nav aria-label="Pages"><div class="stick">
          <p class="brand"><Icon name="brand" />Candor</p>
          <ul>
            {PAGES.map((one) => (
              <li key={one.name}><a href={hrefOf({ ...place, page: '' }, one.name)} aria-current={one === page ? 'page' : undefined}><Icon name={one.name} />{one.title}</a></li>
            ))}
          </ul>
          <p class="foot">candor-central {session.version}<br />{session.sink} · schema {session.schema.name} {session.schema.version}<br />kept {session.retention_days} days · times are UTC</p>
        </div></nav>
        <div class="page">
          <header class="bar">
            <div class="title"><h1 tabIndex={-1} ref={heading}>{page.title}</h1><p class="note">{page.about}</p></div>
            <div class="tools">
              {!page.timeless && (
                <div class="choice" role="group" aria-label="Time">
                  {Object.entries(PRESETS).map(([name, preset]) => (
                    <button key={name} type="button" aria-pressed={range.name === name} title={`Last ${preset.label}`} onClick={() => go(hrefOf(place, page.name, { range: name, from: undefined, to: undefined }))}>{name}</button>
                  ))}
                </div>
              )}
              {!page.timeless && <Custom place={place} range={range} />}
              {page.name !== 'quality' && <SourceSelect place={place} bound={session.app} />}
              <button type="button" class="icon" onClick={() => setTurn((n) => n + 1)} aria-label="Refresh" title="Refresh"><Icon name="refresh" /></button>
              <ThemeButton />
              <button type="button" class="icon" aria-label="Sign out" title="Sign out" onClick={() => { logout().then(onOut, onOut); }}><Icon name="out" /></button>
            </div>
          </header>
          <main id="main"><View key={page.name} place={place} range={range} base={{ from: range.from, to: range.to, source }} /></main>
        </div>
      </div>
    </SharedContext.Provider>
  );
}

export function App() {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    if (!hadSession()) { setSession(null); return; }
    get<Session>('/api/v1/session').then(setSession, (error: unknown) => {
      if (!(error instanceof ApiError && error.status === 401)) setTrouble(error instanceof Error ? error.message : String(error));
      setSession(null);
    });
  }, []);
  const out = useMemo(() => () => { noteSession(false); setSession(null); }, []);
  if (session === undefined) return <p class="hidden" role="status">Loading</p>;
  if (session === null) return <Login onIn={(one) => { noteSession(true); setTrouble(''); setSession(one); }} trouble={trouble} />;
  return <Frame session={session} onOut={out} />;
}
