import type { PageProps } from '../app';
import type { Quality } from '../api';
import { telemetry } from '../api';
import { count, exact, moment } from '../format';
import { useQuery } from '../query';
import { BarList, Card, CsvButton, DataTable, Empty, Failure, Loading, Panel, Pill } from '../ui';

/** What the reasons of clients mean; one that is not here speaks for itself. */
const MEANING: Record<string, string> = {
  sampled: 'left out by sampling', unknown_event: 'not in the schema', bad_payload: 'malformed', too_large: 'over the size limit', journal_full: 'could not keep up, or the disk was full',
  failed: 'a fault of the client', spool_full: 'evicted from the spool', disk_low: 'too little free disk', expired: 'too old before it could be sent', refused: 'refused by the collector',
  corrupt: 'damaged on disk', key_lost: 'its key never came back',
};
const words = (text: string) => text.replace(/_/g, ' ');

export function QualityPage(_: PageProps) {
  const answer = useQuery<Quality>(telemetry('quality', {}));
  if (answer.error !== undefined) return <Failure answer={answer} />;
  if (answer.data === undefined) return <Loading lines={8} />;
  const q = answer.data;
  const rejected = q.rejected.reduce((sum, one) => sum + one.count, 0);
  const dropped = q.reported.dropped.reduce((sum, one) => sum + one.count, 0);
  return (
    <>
      <p class="note">Since the collector started, {moment(q.since)}.</p>
      <dl class="cards">
        <Card label="Accepted" value={count(q.accepted)} note={`${exact(q.batches)} uploads`} />
        <Card label="Sent again" value={count(q.duplicates)} note={`${exact(q.duplicate_batches)} whole uploads; stored once`} />
        <Card label="Refused" value={count(rejected)} tone={rejected > 0 ? 'bad' : undefined} note="by the collector" />
        <Card label="Dropped by clients" value={count(dropped)} note={`as ${exact(q.reported.installs)} machines last said`} />
        <Card label="Schemas seen" value={exact(q.schemas.length)} note={q.schemas.some((one) => !one.match) ? 'not all are ours' : 'all ours'} />
      </dl>
      <div class="grid two">
        <Panel title="Dropped before they were sent" note="What clients count themselves, of all time, by reason" actions={<CsvButton table={() => ({ name: 'dropped', head: ['reason', 'count'], rows: q.reported.dropped.map((one) => [one.reason, one.count]) })} />}>
          {q.reported.dropped.length === 0 ? <Empty>No client has reported a drop.</Empty>
            : <BarList label="Dropped by clients, by reason" bars={[...q.reported.dropped].sort((a, b) => b.count - a.count).map((one) => ({ key: one.reason, label: words(one.reason), note: MEANING[one.reason], count: one.count }))} />}
        </Panel>
        <Panel title="Refused on arrival" note="Events that the collector did not take, by reason">
          {q.rejected.length === 0 ? <Empty>None was refused.</Empty>
            : <BarList label="Refused, by reason" bars={[...q.rejected].sort((a, b) => b.count - a.count).map((one) => ({ key: one.reason, label: words(one.reason), count: one.count }))} />}
        </Panel>
        <Panel title="Changed on arrival" note="What the collector's own sanitiser still found to change">
          {q.adjusted.length === 0 ? <Empty>Nothing had to be changed.</Empty>
            : <BarList label="Changed, by kind" bars={[...q.adjusted].sort((a, b) => b.count - a.count).map((one) => ({ key: one.kind, label: words(one.kind), count: one.count }))} />}
        </Panel>
        <Panel title="Schema versions" note={`Ours: ${q.schema.name} ${q.schema.version}`}>
          {q.schemas.length === 0 ? <Empty>No upload has named its schema.</Empty> : (
            <DataTable
              label="Schemas seen" rows={[...q.schemas].sort((a, b) => b.events - a.events)} keyOf={(row) => row.hash}
              columns={[
                { head: 'Schema', cell: (row) => <span class="mono" title={row.hash}>{row.hash.slice(0, 12)}</span> }, { head: 'State', cell: (row) => (row.match ? <Pill tone="good">ours</Pill> : <Pill tone="warn">another</Pill>) },
                { head: 'Events', number: true, cell: (row) => exact(row.events) }, { head: 'Last (UTC)', cell: (row) => moment(row.last) },
              ]}
            />
          )}
          {(q.unnamed_schemas > 0 || q.other_schemas > 0) && <p class="note">{exact(q.unnamed_schemas)} uploads named none; {exact(q.other_schemas)} came beyond the number that is told apart.</p>}
        </Panel>
      </div>
    </>
  );
}
