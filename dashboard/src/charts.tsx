/** Drawings: lines over time by uPlot, columns and heat maps by HTML. Each comes with its numbers as a table. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { count, day, exact, measure } from './format';
import { AsTable } from './ui';

const color = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export interface Line { label: string; color: string; fill?: string; values: (number | null)[]; scale?: string }

interface LinesProps {
  label: string; times: number[]; lines: Line[]; height?: number; percent?: boolean; onBrush?: (from: number, to: number) => void;
}

/** 14:00 within a day, 21 Nov otherwise. */
function tick(seconds: number, step: number): string {
  const text = new Date(seconds * 1000).toISOString();
  return step < 86400 && text.slice(11, 16) !== '00:00' ? text.slice(11, 16) : day(text);
}

function options(props: LinesProps, width: number): uPlot.Options {
  const axis = { stroke: color('--muted'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
  return {
    width, height: props.height ?? 220, tzDate: (s: number) => uPlot.tzDate(new Date(s * 1000), 'Etc/UTC'),
    legend: { show: false }, padding: [8, 22, 0, 0],
    cursor: { drag: { x: props.onBrush !== undefined, y: false, setScale: false }, points: { size: 6 } },
    scales: { y: { range: (_u, low, high) => (props.percent ? [Math.min(low, 0.9), 1] : [0, Math.max(1, high * 1.08)]) } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 64, values: (_u, splits, _i, _s, step) => splits.map((v) => tick(v, step)) },
      { ...axis, size: 48, values: (_u, splits) => splits.map((v) => (props.percent ? `${Math.round(v * 1000) / 10} %` : count(v))) },
    ],
    series: [{}, ...props.lines.map((line) => ({
      label: line.label, stroke: color(line.color), width: 1.75, fill: line.fill !== undefined ? color(line.fill) : undefined, points: { show: props.times.length < 3 },
    }))],
    hooks: {
      setSelect: [(u) => {
        if (props.onBrush === undefined || u.select.width < 6) return;
        props.onBrush(u.posToVal(u.select.left, 'x') * 1000, u.posToVal(u.select.left + u.select.width, 'x') * 1000);
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      }],
      setCursor: [(u) => {
        const tip = u.root.parentElement?.querySelector<HTMLElement>('.tip');
        if (!tip) return;
        const at = u.cursor.idx;
        tip.hidden = at === null || at === undefined || (u.cursor.left ?? -1) < 0;
        if (tip.hidden || at === null || at === undefined) return;
        tip.textContent = [new Date(props.times[at] * 1000).toISOString().slice(0, 16).replace('T', ' '), ...props.lines.map((line) => {
          const value = line.values[at];
          return `${line.label} ${value === null ? '–' : props.percent ? `${(value * 100).toFixed(1)} %` : exact(value)}`;
        })].join(' · ');
      }],
    },
  };
}

export function Lines(props: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const { times, lines } = props;
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    let plot: uPlot | undefined;
    const draw = () => {
      plot?.destroy();
      plot = new uPlot(options(props, Math.max(200, element.clientWidth)), [times, ...lines.map((one) => one.values)] as uPlot.AlignedData, element);
    };
    draw();
    let width = element.clientWidth;
    const watch = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      plot?.setSize({ width: Math.max(200, width), height: props.height ?? 220 });
    });
    watch.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    addEventListener('candor-theme', draw);
    return () => {
      watch.disconnect();
      dark.removeEventListener('change', draw);
      removeEventListener('candor-theme', draw);
      plot?.destroy();
    };
  }, [JSON.stringify([times, lines])]);
  return (
    <figure class="chart">
      <div class="keys" aria-hidden="true">{lines.map((one) => <span key={one.label}><i style={{ background: `var(${one.color})` }} />{one.label}</span>)}</div>
      <div class="plot" role="img" aria-label={props.label} ref={box}><div class="tip" hidden aria-hidden="true" /></div>
      <AsTable
        head={['Time (UTC)', ...lines.map((one) => one.label)]}
        rows={times.map((t, i) => [new Date(t * 1000).toISOString().slice(0, 16).replace('T', ' '), ...lines.map((one) => {
          const value = one.values[i];
          return value === null ? '–' : props.percent ? `${(value * 100).toFixed(2)} %` : exact(value);
        })])}
      />
    </figure>
  );
}

/* --- columns ----------------------------------------------------------------------------------- */

export interface ColumnBar { key: string; good: number; bad: number }

/** Columns of good and bad on top of each other, a column a day or week. */
export function Columns({ label, columns, good, bad }: { label: string; columns: ColumnBar[]; good: string; bad: string }) {
  const top = Math.max(1, ...columns.map((one) => one.good + one.bad));
  const marks = columns.length > 2 ? [0, Math.floor((columns.length - 1) / 2), columns.length - 1] : columns.map((_, i) => i);
  return (
    <figure class="chart">
      <div class="keys" aria-hidden="true"><span><i class="fill-good" />{good}</span><span><i class="fill-bad" />{bad}</span><span class="top">{exact(top)} at most</span></div>
      <div class="columns" role="img" aria-label={label}>
        {columns.map((one) => (
          <div key={one.key} class="column" title={`${one.key}: ${exact(one.good + one.bad)}, ${exact(one.bad)} ${bad}`}>
            <div class="fill-bad" style={{ height: `${(one.bad / top) * 100}%` }} />
            <div class="fill-good" style={{ height: `${(one.good / top) * 100}%` }} />
          </div>
        ))}
      </div>
      <div class="marks" aria-hidden="true">{marks.map((i) => <span key={i}>{day(columns[i].key)}</span>)}</div>
      <AsTable head={['Begin', good, bad]} rows={columns.map((one) => [one.key, exact(one.good), exact(one.bad)])} />
    </figure>
  );
}

/* --- heat maps --------------------------------------------------------------------------------- */

interface HeatProps { label: string; head: string; edges: number[]; unit: string | null; rows: { value: string; count: number; cells: number[] }[] }

/** A table: each cell's colour says which part of its row fell there, its title how many. */
export function Heat({ label, head, edges, unit, rows }: HeatProps) {
  const every = Math.max(1, Math.ceil((edges.length - 1) / 8));
  return (
    <div class="scroll heat" role="group" aria-label={label} tabIndex={0}>
      <table>
        <caption class="hidden">{label}</caption>
        <thead>
          <tr>
            <th scope="col">{head}</th>
            {edges.slice(0, -1).map((edge, i) => <th key={edge} scope="col" class="edge">{i % every === 0 ? measure(edge, unit) : <span class="hidden">{measure(edge, unit)}</span>}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const top = Math.max(1, ...row.cells);
            return (
              <tr key={row.value}>
                <th scope="row">{row.value}</th>
                {row.cells.map((n, i) => (
                  <td key={i} title={`${row.value}: ${exact(n)} from ${measure(edges[i], unit)} to ${measure(edges[i + 1], unit)}`}>
                    {n > 0 && <div style={{ opacity: String(0.12 + 0.88 * Math.sqrt(n / top)) }}><span class="hidden">{n}</span></div>}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
