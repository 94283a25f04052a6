import type { PageProps } from '../app';
import type { Chart, Latency, Stats } from '../api';
import { telemetry } from '../api';
import { count, duration, exact, measure, percent } from '../format';
import { useQuery } from '../query';
import { BarList, CsvButton, DataTable, Empty, Panel, When } from '../ui';

const chartOf = (stats: Stats, type: string): Chart | undefined => stats.charts.find((one) => one.type === type);
const sum = (chart: Chart | undefined, value?: string) => (chart?.groups ?? []).filter((one) => value === undefined || one.value === value).reduce((n, one) => n + one.count, 0);

function Funnel({ stats }: { stats: Stats }) {
  const decisions = chartOf(stats, 'ProposalDecision');
  const created = sum(chartOf(stats, 'ProposalCreated'));
  const steps = [
    { label: 'Created', n: created }, { label: 'Decided', n: sum(decisions) }, { label: 'Approved', n: sum(decisions, 'approved') + sum(decisions, 'partial') },
  ];
  const top = Math.max(1, ...steps.map((one) => one.n));
  return (
    <ol class="funnel">
      {steps.map((one) => (
        <li key={one.label}>
          <span class="label">{one.label}</span>
          <div class="track" aria-hidden="true"><div class="fill" style={{ width: `${(one.n / top) * 100}%` }} /></div>
          <span class="value">{count(one.n)} <span class="note">{percent(created > 0 ? one.n / created : null, 0)}</span></span>
        </li>
      ))}
    </ol>
  );
}

export function Proposals({ base }: PageProps) {
  const stats = useQuery<Stats>(telemetry('stats', base));
  const review = useQuery<Latency>(telemetry('aggregate/latency', { ...base, type: 'ProposalDecision' }));
  const none = (data: Stats) => chartOf(data, 'ProposalCreated') === undefined && chartOf(data, 'ProposalDecision') === undefined;
  return (
    <>
      <div class="grid two">
        <Panel title="From proposed to approved"><When answer={stats} empty={none}>{(data) => <Funnel stats={data} />}</When></Panel>
        <Panel title="Time to review" note="From the histogram of reviewDurationMs">
          <When answer={review} empty={(data) => data.rows.length === 0}>
            {(data) => (
              <DataTable
                label="Time to review by decision" rows={data.rows} keyOf={(row) => row.value}
                columns={[
                  { head: 'Decision', cell: (row) => row.value }, { head: 'Count', number: true, cell: (row) => exact(row.count) },
                  { head: 'Average', number: true, cell: (row) => duration(row.mean) }, { head: 'Half within', number: true, cell: (row) => duration(row.p50) }, { head: '95 %', number: true, cell: (row) => duration(row.p95) }, { head: '99 %', number: true, hide: true, cell: (row) => duration(row.p99) },
                ]}
              />
            )}
          </When>
        </Panel>
      </div>
      <div class="grid two">
        <Panel title="By model" note="A decision counts for the model of its turn" actions={stats.data !== undefined && <CsvButton table={() => ({ name: 'approvals-by-model', head: ['model', 'approved', 'rejected', 'rate'], rows: (stats.data as Stats).approvals_by_model.map((one) => [one.model, one.approved, one.rejected, one.rate]) })} />}>
          <When answer={stats} empty={none}>
            {(data) => (data.approvals_by_model.length === 0 ? <Empty /> : (
              <DataTable
                label="Approvals by model" rows={[...data.approvals_by_model].sort((a, b) => b.approved + b.rejected - a.approved - a.rejected)} keyOf={(row) => row.model}
                columns={[
                  { head: 'Model', cell: (row) => row.model }, { head: 'Approved', number: true, cell: (row) => exact(row.approved) }, { head: 'Rejected', number: true, cell: (row) => exact(row.rejected) },
                  { head: 'Rate', cell: (row) => <div class="rate"><div class="track" aria-hidden="true"><div class="fill" style={{ width: `${(row.rate ?? 0) * 100}%` }} /></div><span>{percent(row.rate, 0)}</span></div> },
                ]}
              />
            ))}
          </When>
        </Panel>
        <Panel title="What is proposed" note="Lines changed: half of the proposals have fewer">
          <When answer={stats} empty={none}>
            {(data) => <BarList label="Proposals by operation" bars={(chartOf(data, 'ProposalCreated')?.groups ?? []).map((one) => ({ key: one.value, label: one.value, count: one.count, note: `${measure(one.p50, null)} lines` })).sort((a, b) => b.count - a.count)} />}
          </When>
        </Panel>
      </div>
    </>
  );
}
