import { useState } from 'preact/hooks';
import type { PageProps } from '../app';
import type { SessionPage, Starts } from '../api';
import { telemetry } from '../api';
import { Columns, Lines } from '../charts';
import { brief, duration, exact, moment } from '../format';
import { useQuery } from '../query';
import { hrefOf } from '../state';
import { Choice, CsvButton, DataTable, Panel, Pill, When } from '../ui';

const none = (data: Starts) => data.buckets.every((one) => one.sessions === 0);

export function Sessions({ place, base }: PageProps) {
  const [bucket, setBucket] = useState<'day' | 'week'>('day');
  const starts = useQuery<Starts>(telemetry('aggregate/sessions', { ...base, bucket }));
  const list = useQuery<SessionPage>(telemetry('sessions', { ...base, limit: 50 }));
  return (
    <>
      <div class="grid two">
        <Panel
          title={bucket === 'day' ? 'Sessions a day' : 'Sessions a week'}
          actions={<><Choice label="Columns" value={bucket} onChange={setBucket} options={[{ value: 'day', label: 'Day' }, { value: 'week', label: 'Week' }]} />{starts.data !== undefined && <CsvButton table={() => ({ name: `sessions-by-${bucket}`, head: [bucket, 'sessions', 'failed', 'error_free'], rows: (starts.data as Starts).buckets.map((one) => [one.bucket, one.sessions, one.failed, one.error_free]) })} />}</>}
        >
          <When answer={starts} empty={none} lines={5}>
            {(data) => <Columns label={`Sessions by ${data.bucket}`} good="without an error" bad="with an error" columns={data.buckets.map((one) => ({ key: one.bucket, good: one.sessions - one.failed, bad: one.failed }))} />}
          </When>
        </Panel>
        <Panel title="Error-free sessions" note="The share without an event of type Error">
          <When answer={starts} empty={none} lines={5}>
            {(data) => (
              <Lines
                percent height={190} label={`Share of sessions without an error by ${data.bucket}`} times={data.buckets.map((one) => Date.parse(`${one.bucket}T00:00:00Z`) / 1000)}
                lines={[{ label: 'error-free', color: '--accent', values: data.buckets.map((one) => one.error_free) }]}
              />
            )}
          </When>
        </Panel>
      </div>
      <Panel wide title="Latest sessions" note="In the order in which the collector got to know them">
        <When answer={list} empty={(data) => data.sessions.length === 0} lines={8}>
          {(data) => (
            <DataTable
              label="Latest sessions" rows={data.sessions} keyOf={(row) => row.session_id + row.app_version + row.user_id}
              columns={[
                { head: 'Session', cell: (row) => <a class="mono" href={hrefOf(place, 'events', { session: row.session_id })}>{brief(row.session_id)}</a> },
                { head: 'Began (UTC)', cell: (row) => moment(row.started) },
                { head: 'App', cell: (row) => <>{row.app} <span class="note">{row.app_version}</span></> },
                { head: 'Platform', hide: true, cell: (row) => row.platform },
                { head: 'Lasted', number: true, cell: (row) => (row.ended === null ? <span class="note">no end seen</span> : duration(row.duration)) },
                { head: 'Proposals', number: true, hide: true, cell: (row) => (row.proposals_created === null ? '–' : `${exact(row.proposals_approved ?? 0)} of ${exact(row.proposals_created)}`) },
                { head: 'Errors', number: true, cell: (row) => (row.errors > 0 ? <Pill tone="bad">{exact(row.errors)}</Pill> : '0') },
              ]}
            />
          )}
        </When>
      </Panel>
    </>
  );
}
