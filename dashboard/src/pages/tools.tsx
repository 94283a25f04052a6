import type { PageProps } from '../app';
import type { Latency, Stats } from '../api';
import { telemetry } from '../api';
import { Heat } from '../charts';
import { day, exact, measure } from '../format';
import { useQuery } from '../query';
import { go, hrefOf } from '../state';
import { CsvButton, DataTable, Panel, Select, When } from '../ui';

const MOST_DAYS = 90;

export function Tools({ place, range, base }: PageProps) {
  const type = place.params.type ?? 'ToolCall';
  const stats = useQuery<Stats>(telemetry('stats', base));
  const values = useQuery<Latency>(telemetry('aggregate/latency', { ...base, type }));
  const days = useQuery<Latency>(telemetry('aggregate/latency', { ...base, from: Math.max(base.from, base.to - MOST_DAYS * 86400000), type, by: 'day' }));
  const types = [...new Set([type, 'ToolCall', 'ChatTurn', ...(stats.data?.charts ?? []).filter((one) => one.unit === 'ms').map((one) => one.type)])];
  const none = (data: Latency) => data.rows.every((row) => row.cells.length === 0);
  const what = values.data?.by ?? 'value';
  return (
    <>
      <Panel
        wide title="How long each takes" note="A row's colour: which part of its calls fell there. From the roll-ups' histograms, half an octave a cell."
        actions={<Select label="Event" value={type} onChange={(value) => go(hrefOf(place, 'tools', { type: value }))} options={types.map((one) => ({ value: one, label: one }))} />}
      >
        <When answer={values} empty={none} lines={8}>{(data) => <Heat label={`Latency of ${data.type} by ${what}`} head={what} edges={data.edges} unit={data.unit} rows={data.rows.slice(0, 20)} />}</When>
      </Panel>
      <Panel
        wide title="In numbers"
        actions={values.data !== undefined && <CsvButton table={() => ({ name: `latency-${type}`, head: [what, 'count', 'p50', 'p95', 'p99'], rows: (values.data as Latency).rows.map((row) => [row.value, row.count, row.p50, row.p95, row.p99]) })} />}
      >
        <When answer={values} empty={(data) => data.rows.length === 0} lines={5}>
          {(data) => (
            <DataTable
              label={`Latency of ${data.type} in numbers`} rows={data.rows} keyOf={(row) => row.value}
              columns={[
                { head: what, cell: (row) => row.value }, { head: 'Count', number: true, cell: (row) => exact(row.count) }, { head: 'p50', number: true, cell: (row) => measure(row.p50, data.unit) },
                { head: 'p95', number: true, cell: (row) => measure(row.p95, data.unit) }, { head: 'p99', number: true, cell: (row) => measure(row.p99, data.unit) },
              ]}
            />
          )}
        </When>
      </Panel>
      <Panel wide title="Day by day" note={`All of ${type} together, ${range.label}`}>
        <When answer={days} empty={none} lines={8}>{(data) => <Heat label={`Latency of ${data.type} by day`} head="day" edges={data.edges} unit={data.unit} rows={data.rows.filter((row) => row.count > 0).map((row) => ({ ...row, value: day(row.value) }))} />}</When>
      </Panel>
    </>
  );
}
