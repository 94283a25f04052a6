import type { PageProps } from '../app';
import type { Groups, Slo, Starts, Stats, Timeline, Versions } from '../api';
import { telemetry } from '../api';
import { Lines } from '../charts';
import { count, exact, percent } from '../format';
import { useQuery } from '../query';
import { go, hrefOf } from '../state';
import { BarList, Card, CsvButton, Failure, Loading, Panel, Spark, When } from '../ui';

const HOUR = 3600000;
const DAY = 24 * HOUR;

/** Hours for some days, days for some months, then weeks. */
const bucketOf = (ms: number) => (ms <= 4 * DAY ? 'hour' : ms <= 200 * DAY ? 'day' : 'week');

function approvals(stats: Stats): { approved: number; decided: number } {
  const approved = stats.approvals_by_model.reduce((sum, one) => sum + one.approved, 0);
  return { approved, decided: stats.approvals_by_model.reduce((sum, one) => sum + one.approved + one.rejected, 0) };
}

export function Overview({ place, range, base }: PageProps) {
  const bucket = bucketOf(range.to - range.from);
  const stats = useQuery<Stats>(telemetry('stats', base));
  const timeline = useQuery<Timeline>(telemetry('aggregate/timeline', { ...base, bucket }));
  const slo = useQuery<Slo>(telemetry('errors/slo', base));
  const starts = useQuery<Starts>(telemetry('aggregate/sessions', base));
  const categories = useQuery<Groups>(telemetry('aggregate/category', base));
  const sources = useQuery<Groups>(telemetry('aggregate/source', base));
  const versions = useQuery<Versions>(telemetry('aggregate/version', base));
  const brush = (from: number, to: number) => {
    const size = bucket === 'hour' ? HOUR : DAY;
    const low = Math.max(range.from, Math.floor(from / size) * size);
    const high = Math.max(low + HOUR, Math.min(range.to, Math.ceil(to / size) * size));
    go(hrefOf(place, 'overview', { range: undefined, from: String(low), to: String(high) }));
  };
  const users = stats.data?.users_per_day ?? [];
  const decided = stats.data !== undefined ? approvals(stats.data) : { approved: 0, decided: 0 };
  return (
    <>
      {stats.error !== undefined ? <Failure answer={stats} /> : stats.data === undefined ? <Loading lines={2} /> : (
        <dl class="cards">
          <Card label="Events" value={count(stats.data.events.total)} note={`${exact(stats.data.events.today)} today`}>
            <Spark values={(timeline.data?.buckets ?? []).map((one) => one.count)} />
          </Card>
          <Card label="Sessions" value={slo.data !== undefined ? count(slo.data.sessions) : '–'} note={range.label}>
            <Spark values={(starts.data?.buckets ?? []).map((one) => one.sessions)} />
          </Card>
          <Card label="People a day" value={users.length > 0 ? count(Math.round(users.reduce((sum, one) => sum + one.users, 0) / users.length)) : '–'} note={users.length > 0 ? `${exact(Math.max(...users.map((one) => one.users)))} at most` : 'none'}>
            <Spark values={users.map((one) => one.users)} />
          </Card>
          <Card label="Error-free sessions" value={percent(slo.data?.error_free, 2)} tone={slo.data !== undefined && slo.data.sessions > 0 ? (slo.data.met ? 'good' : 'bad') : undefined} note={slo.data !== undefined ? `target ${percent(slo.data.target)}` : undefined}>
            <Spark low={0.8} values={slo.data?.sessions === 0 ? [] : (starts.data?.buckets ?? []).map((one) => one.error_free ?? 1)} />
          </Card>
          <Card label="Errors" value={slo.data !== undefined ? count(slo.data.errors) : '–'} note={slo.data !== undefined ? `${percent(slo.data.error_rate, 2)} of events` : undefined}>
            <Spark bad values={(timeline.data?.buckets ?? []).map((one) => one.errors)} />
          </Card>
          <Card label="Proposals approved" value={percent(decided.decided > 0 ? decided.approved / decided.decided : null)} note={`${exact(decided.approved)} of ${exact(decided.decided)}`}>
            <div class="track"><div class="fill" style={{ width: `${(decided.decided > 0 ? decided.approved / decided.decided : 0) * 100}%` }} /></div>
          </Card>
        </dl>
      )}
      <Panel wide title="Events over time" note={`By ${bucket}. Drag over a part to look closer.`} actions={timeline.data !== undefined && <CsvButton table={() => ({ name: 'timeline', head: ['bucket', 'events', 'errors'], rows: (timeline.data as Timeline).buckets.map((one) => [one.bucket, one.count, one.errors]) })} />}>
        <When answer={timeline} empty={(data) => data.buckets.every((one) => one.count === 0)} lines={5}>
          {(data) => (
            <Lines
              label={`Events by ${data.bucket}: ${exact(data.buckets.reduce((sum, one) => sum + one.count, 0))} in all, ${exact(data.buckets.reduce((sum, one) => sum + one.errors, 0))} of them errors`}
              times={data.buckets.map((one) => Date.parse(one.bucket.length > 10 ? one.bucket : `${one.bucket}T00:00:00Z`) / 1000)}
              lines={[
                { label: 'events', color: '--accent', fill: '--accent-soft', values: data.buckets.map((one) => one.count) },
                { label: 'errors', color: '--bad', values: data.buckets.map((one) => one.errors) },
              ]}
              onBrush={brush}
            />
          )}
        </When>
      </Panel>
      <div class="grid three">
        <Panel title="Categories">
          <When answer={categories} empty={(data) => data.groups.length === 0}>
            {(data) => <BarList label="Events by category" bars={data.groups.map((one) => ({ key: one.category ?? '', label: one.category ?? '', count: one.count, errors: one.errors, share: one.share, href: hrefOf(place, 'events', { category: one.category }) }))} />}
          </When>
        </Panel>
        <Panel title="Sources">
          <When answer={sources} empty={(data) => data.groups.length === 0}>
            {(data) => <BarList label="Events by app" bars={data.groups.map((one) => ({ key: one.source ?? '', label: one.source ?? '', count: one.count, errors: one.errors, share: one.share, href: hrefOf(place, 'overview', { source: one.source }) }))} />}
          </When>
        </Panel>
        <Panel title="Versions" actions={versions.data !== undefined && <CsvButton table={() => ({ name: 'versions', head: ['source', 'version', 'events', 'errors', 'sessions'], rows: (versions.data as Versions).groups.map((one) => [one.source, one.version, one.count, one.errors, one.sessions]) })} />}>
          <When answer={versions} empty={(data) => data.groups.length === 0}>
            {(data) => <BarList label="Events by version" bars={data.groups.map((one) => ({ key: `${one.source} ${one.version}`, label: one.version, note: one.source, count: one.count, errors: one.errors, share: one.share, href: hrefOf(place, 'events', { version: one.version, source: one.source }) }))} />}
          </When>
        </Panel>
      </div>
    </>
  );
}
