import type { PageProps } from '../app';
import type { ErrorGroup, ErrorGroups, EventPage, Slo } from '../api';
import { telemetry } from '../api';
import { EventRows } from '../events';
import { count, day, exact, percent } from '../format';
import { useQuery } from '../query';
import type { Answer } from '../query';
import { go, hrefOf } from '../state';
import { CsvButton, DataTable, Failure, Panel, Pill, Select, Spark, When } from '../ui';

const HOUR = 3600000;
/** Windows, and the burn rates at which the SRE workbook would wake somebody (1 h, 6 h) or write a ticket (3 d). */
const WINDOWS = [
  { label: '1 hour', ms: HOUR, limit: 14.4 }, { label: '6 hours', ms: 6 * HOUR, limit: 6 }, { label: '1 day', ms: 24 * HOUR, limit: 3 }, { label: '3 days', ms: 72 * HOUR, limit: 1 },
];
const TARGETS = ['0.95', '0.99', '0.995', '0.999'];

/** How many times faster than allowed the budget is used; null: no session to tell by. */
function burn(slo: Slo): number | null {
  if (slo.sessions === 0 || slo.target >= 1) return null;
  return slo.failed_sessions / slo.sessions / (1 - slo.target);
}

function Budget({ slo }: { slo: Slo }) {
  const left = slo.budget_left ?? 0;
  return (
    <>
      <dl class="facts">
        <div><dt>Error-free</dt><dd class={slo.sessions === 0 ? undefined : slo.met ? 'good' : 'bad'}>{percent(slo.error_free, 2)}</dd></div>
        <div><dt>Sessions</dt><dd>{count(slo.sessions)}</dd></div>
        <div><dt>With an error</dt><dd>{count(slo.failed_sessions)}</dd></div>
        <div><dt>Budget left</dt><dd class={left < 0 ? 'bad' : undefined}>{percent(slo.budget_left, 0)}</dd></div>
      </dl>
      <div class="meter" role="meter" aria-label="Error budget left" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(Math.max(0, Math.min(1, left)) * 100)}>
        <div class={left <= 0 ? 'fill-bad' : left < 0.25 ? 'fill-warn' : 'fill-good'} style={{ width: `${Math.max(2, Math.min(1, Math.max(0, left)) * 100)}%` }} />
      </div>
      <p class="note">{slo.sessions === 0 ? 'No session in this time.' : `Of ${exact(slo.sessions)} sessions, ${exact(Math.floor((1 - slo.target) * slo.sessions + 1e-9))} may fail.`}</p>
    </>
  );
}

function BurnRates({ base, target }: { base: PageProps['base']; target: string }) {
  const end = Math.ceil(Date.now() / HOUR) * HOUR;
  const answers = WINDOWS.map((one) => useQuery<Slo>(telemetry('errors/slo', { from: end - one.ms, to: end, source: base.source, target })));
  const failed = answers.find((one) => one.error !== undefined);
  if (failed !== undefined) return <Failure answer={failed as Answer<unknown>} />;
  const rows = WINDOWS.map((one, i) => ({ ...one, slo: answers[i].data }));
  return (
    <DataTable
      label="Burn rate by window" keyOf={(row) => row.label} rows={rows}
      columns={[
        { head: 'Window', cell: (row) => row.label },
        { head: 'Sessions', number: true, cell: (row) => (row.slo !== undefined ? exact(row.slo.sessions) : '…') },
        { head: 'Failed', number: true, cell: (row) => (row.slo !== undefined ? exact(row.slo.failed_sessions) : '…') },
        { head: 'Burn rate', number: true, cell: (row) => { const rate = row.slo !== undefined ? burn(row.slo) : null; return rate === null ? '–' : `${rate.toFixed(1)}×`; } },
        { head: 'State', cell: (row) => { const rate = row.slo !== undefined ? burn(row.slo) : null; return rate === null ? <Pill>no sessions</Pill> : rate >= row.limit ? <Pill tone="bad">over {row.limit}×</Pill> : <Pill tone="good">under {row.limit}×</Pill>; } },
      ]}
    />
  );
}

/** Every day between the first and the last of the range. */
function trend(group: ErrorGroup, from: number, to: number): number[] {
  const known = new Map(group.days.map((one) => [one.day, one.count]));
  const values: number[] = [];
  for (let at = Math.floor(from / 86400000); at < Math.ceil(to / 86400000) && values.length < 400; at += 1) values.push(known.get(new Date(at * 86400000).toISOString().slice(0, 10)) ?? 0);
  return values;
}

function Occurrences({ place, base, group }: Pick<PageProps, 'place' | 'base'> & { group: string }) {
  const events = useQuery<EventPage>(telemetry('errors/recent', { ...base, group, limit: 20 }));
  return (
    <Panel wide title="Latest of this group" note={`group ${group}`} actions={<a class="button quiet" href={hrefOf(place, 'errors', { group: undefined })}>Close</a>}>
      <When answer={events} empty={(data) => data.events.length === 0}>{(data) => <EventRows label="Errors of this group" events={data.events} />}</When>
    </Panel>
  );
}

export function Errors({ place, range, base }: PageProps) {
  const target = TARGETS.includes(place.params.target) ? place.params.target : '0.99';
  const slo = useQuery<Slo>(telemetry('errors/slo', { ...base, target }));
  const groups = useQuery<ErrorGroups>(telemetry('errors/groups', base));
  const sample = useQuery<EventPage>(telemetry('errors/recent', { ...base, limit: 200 }));
  const messages = new Map((sample.data?.events ?? []).filter((one) => typeof one.payload.message === 'string').map((one) => [one.error_group ?? '', String(one.payload.message)]));
  return (
    <>
      <div class="grid two">
        <Panel title="Service level" note={`Sessions without an event of type Error, ${range.label}`} actions={<Select label="Target" value={target} onChange={(value) => go(hrefOf(place, 'errors', { target: value }))} options={TARGETS.map((one) => ({ value: one, label: percent(Number(one)) }))} />}>
          <When answer={slo}>{(data) => <Budget slo={data} />}</When>
        </Panel>
        <Panel title="Burn rate" note="1× uses up the budget just in time"><BurnRates base={base} target={target} /></Panel>
      </div>
      {place.params.group !== undefined && <Occurrences place={place} base={base} group={place.params.group} />}
      <Panel
        wide title="Errors that are the same" note="Grouped by a digest of type, names and message; counted by day"
        actions={groups.data !== undefined && <CsvButton table={() => ({ name: 'error-groups', head: ['group', 'type', 'title', 'count', 'first_day', 'last_day'], rows: (groups.data as ErrorGroups).groups.map((one) => [one.group, one.type, one.title, one.count, one.first_day, one.last_day]) })} />}
      >
        <When answer={groups} empty={(data) => data.groups.length === 0} lines={5}>
          {(data) => (
            <DataTable
              label="Groups of errors" rows={data.groups} keyOf={(row) => row.group + row.type}
              columns={[
                { head: 'Error', cell: (row) => <>{row.group !== '' ? <a href={hrefOf(place, 'errors', { group: row.group })} aria-current={row.group === place.params.group ? 'true' : undefined}>{row.title}</a> : row.title}{messages.has(row.group) && <div class="note message">{messages.get(row.group)}</div>}</> },
                { head: 'Event', cell: (row) => <span class="note">{row.type}</span> },
                { head: 'Trend', cell: (row) => <div class="trend"><Spark bad values={trend(row, range.from, range.to)} /></div> },
                { head: 'Count', number: true, cell: (row) => exact(row.count) },
                { head: 'First', hide: true, cell: (row) => day(row.first_day) },
                { head: 'Last', cell: (row) => day(row.last_day) },
              ]}
            />
          )}
        </When>
      </Panel>
      <Panel wide title="Latest errors">
        <When answer={sample} empty={(data) => data.events.length === 0} lines={5}>{(data) => <EventRows label="Latest errors" events={data.events.slice(0, 20)} />}</When>
      </Panel>
    </>
  );
}
