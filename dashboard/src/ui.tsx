/** What the pages are made of: panels with their states, cards, lists with bars, tables. */
import type { ComponentChildren, JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Answer } from './query';
import { count, percent } from './format';
import { csv, save } from './csv';

export interface Table { name: string; head: string[]; rows: (string | number | boolean | null | undefined)[][] }

export function CsvButton({ table }: { table: () => Table }) {
  return (
    <button type="button" class="quiet" onClick={() => { const t = table(); save(t.name, csv(t.head, t.rows)); }}>
      CSV
    </button>
  );
}

/* --- states ------------------------------------------------------------------------------------ */

export function Loading({ lines = 3 }: { lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading</span>
      {Array.from({ length: lines }, (_, i) => <div key={i} class="bone" />)}
    </div>
  );
}

export function Empty({ children }: { children?: ComponentChildren }) {
  return <p class="empty">{children ?? 'Nothing in this time.'}</p>;
}

/** Why there is nothing to show. A sink without charts is no fault, so it looks like none. */
export function Failure({ answer }: { answer: Pick<Answer<unknown>, 'error' | 'retry'> }) {
  const error = answer.error;
  if (error === undefined) return null;
  if (error.status === 501) {
    return <div class="failure calm" role="status"><strong>Not kept here</strong><p>{error.message}</p></div>;
  }
  const title = error.status === 403 ? 'Not allowed' : error.status === 0 ? 'No answer' : `The question failed (${error.status})`;
  return (
    <div class="failure" role="alert">
      <strong>{title}</strong>
      <p>{error.message}</p>
      <button type="button" onClick={answer.retry}>Try again</button>
    </div>
  );
}

/** The panel's content once there is some; before, what there is instead. */
export function When<T>({ answer, empty, children, lines }: { answer: Answer<T>; empty?: (data: T) => boolean; children: (data: T) => ComponentChildren; lines?: number }) {
  if (answer.error !== undefined) return <Failure answer={answer} />;
  if (answer.data === undefined) return <Loading lines={lines} />;
  if (empty?.(answer.data)) return <Empty />;
  return <div class={answer.loading ? 'stale' : undefined}>{children(answer.data)}</div>;
}

/* --- panels ------------------------------------------------------------------------------------ */

interface PanelProps { title: string; note?: string; actions?: ComponentChildren; wide?: boolean; children: ComponentChildren }

export function Panel({ title, note, actions, wide, children }: PanelProps) {
  const id = useId();
  return (
    <section class={wide ? 'panel wide' : 'panel'} aria-labelledby={id}>
      <header>
        <div>
          <h2 id={id}>{title}</h2>
          {note !== undefined && <p class="note">{note}</p>}
        </div>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

export function Card({ label, value, note, tone, children }: { label: string; value: string; note?: string; tone?: 'good' | 'bad'; children?: ComponentChildren }) {
  return (
    <div class={children !== undefined ? 'card drawn' : 'card'}>
      <dt>{label}</dt>
      <dd class={tone}>{value}</dd>
      {note !== undefined && <dd class="note">{note}</dd>}
      {children !== undefined && <dd class="drawing">{children}</dd>}
    </div>
  );
}

/** A line without axes. Decoration: the card says the number. */
export function Spark({ values, bad, low = 0 }: { values: number[]; bad?: boolean; low?: number }) {
  const top = Math.max(low === 0 ? 1 : low + 0.0001, ...values);
  const step = values.length > 1 ? 100 / (values.length - 1) : 100;
  const points = values.map((v, i) => `${(i * step).toFixed(1)},${(23 - (Math.max(0, v - low) / (top - low)) * 21).toFixed(1)}`).join(' ');
  return (
    <svg class={bad ? 'spark bad' : 'spark'} viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      {values.length > 1 && <polygon points={`0,24 ${points} 100,24`} />}
      {values.length > 1 && <polyline points={points} />}
    </svg>
  );
}

/* --- lists with bars --------------------------------------------------------------------------- */

export interface Bar { key: string; label: string; count: number; errors?: number; share?: number | null; href?: string; note?: string }

export function BarList({ bars, label, shown = 8 }: { bars: Bar[]; label: string; shown?: number }) {
  const [all, setAll] = useState(false);
  const top = Math.max(1, ...bars.map((one) => one.count));
  const list = all ? bars : bars.slice(0, shown);
  return (
    <>
      <ul class="bars" aria-label={label}>
        {list.map((one) => (
          <li key={one.key}>
            <div class="name">
              {one.href !== undefined ? <a href={one.href}>{one.label}</a> : <span>{one.label}</span>}
              {one.note !== undefined && <span class="note">{one.note}</span>}
            </div>
            <div class="numbers">
              {one.errors !== undefined && one.errors > 0 && <span class="bad">{count(one.errors)} {one.errors === 1 ? 'error' : 'errors'}</span>}
              <span>{count(one.count)}</span>
              {one.share !== undefined && <span class="note share">{percent(one.share)}</span>}
            </div>
            <div class="track" aria-hidden="true"><div class="fill" style={{ width: `${(one.count / top) * 100}%` }} /></div>
          </li>
        ))}
      </ul>
      {bars.length > shown && (
        <button type="button" class="quiet more" onClick={() => setAll(!all)}>{all ? 'Show fewer' : `Show all ${bars.length}`}</button>
      )}
    </>
  );
}

/* --- tables ------------------------------------------------------------------------------------ */

export interface Column<T> { head: string; cell: (row: T) => ComponentChildren; number?: boolean; hide?: boolean }

/** Scrolls inside itself where it is wider than the screen; a keyboard can scroll it too. */
export function DataTable<T>({ label, columns, rows, keyOf }: { label: string; columns: Column<T>[]; rows: T[]; keyOf: (row: T) => string }) {
  return (
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      <table>
        <thead><tr>{columns.map((c) => <th key={c.head} scope="col" class={cellClass(c)}>{c.head}</th>)}</tr></thead>
        <tbody>{rows.map((row) => <tr key={keyOf(row)}>{columns.map((c) => <td key={c.head} class={cellClass(c)}>{c.cell(row)}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

function cellClass<T>(column: Column<T>): string | undefined {
  return [column.number ? 'number' : '', column.hide ? 'hide' : ''].join(' ').trim() || undefined;
}

/** The numbers of a drawing, for those who do not see it. */
export function AsTable({ head, rows }: { head: string[]; rows: (string | number)[][] }) {
  return (
    <details class="as-table">
      <summary>Show as table</summary>
      <div class="scroll" tabIndex={0} role="group" aria-label="The same as a table">
        <table>
          <thead><tr>{head.map((h, i) => <th key={h} scope="col" class={i > 0 ? 'number' : undefined}>{h}</th>)}</tr></thead>
          <tbody>{rows.map((row, i) => <tr key={i}>{row.map((value, k) => <td key={k} class={k > 0 ? 'number' : undefined}>{value}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </details>
  );
}

/* --- small ------------------------------------------------------------------------------------- */

export function Choice<T extends string>({ label, options, value, onChange }: { label: string; options: { value: T; label: string }[]; value: T; onChange: (value: T) => void }) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map((one) => (
        <button key={one.value} type="button" aria-pressed={one.value === value} onClick={() => onChange(one.value)}>{one.label}</button>
      ))}
    </div>
  );
}

export function Pill({ tone, children }: { tone?: 'good' | 'bad' | 'warn'; children: ComponentChildren }) {
  return <span class={tone === undefined ? 'pill' : `pill ${tone}`}>{children}</span>;
}

export function Field({ label, ...input }: { label: string } & JSX.InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return <div class="field"><label for={id}>{label}</label><input id={id} {...input} /></div>;
}

export function Select({ label, value, options, onChange }: { label: string; value: string; options: { value: string; label: string }[]; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((one) => <option key={one.value} value={one.value}>{one.label}</option>)}
      </select>
    </div>
  );
}
