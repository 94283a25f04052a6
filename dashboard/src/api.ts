/** The collector's API: GET, JSON, with the session's cookie. Shapes: docs/openapi.json. */

export interface Problem { status: number; code: string; detail: string }

/** Not an answer, but why there is none. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(problem: Problem) {
    super(problem.detail);
    this.status = problem.status;
    this.code = problem.code;
  }
}

export interface Session { app: string; expires_s: number; version: string; sink: string; retention_days: number; schema: { name: string; version: number; hash: string } }
export interface Group { category?: string; source?: string; count: number; errors: number; share: number | null }
export interface Groups { total: number; groups: Group[] }
export interface Chart { type: string; by: string | null; of: string | null; unit: string | null; groups: { value: string; count: number; p50: number | null; p95: number | null; p99: number | null }[] }
export interface Stats {
  events: { total: number; today: number; by_type: { type: string; count: number }[]; by_category: { category: string; count: number }[]; by_app: { app: string; count: number }[] };
  users_per_day: { day: string; users: number }[];
  approvals_by_model: { model: string; approved: number; rejected: number; rate: number | null }[];
  charts: Chart[];
}
export interface Timeline { bucket: string; buckets: { bucket: string; count: number; errors: number }[] }
export interface Version { version: string; source: string; count: number; errors: number; sessions: number; share: number | null }
export interface Versions { total: number; groups: Version[]; omitted: number }
export interface Starts { bucket: string; buckets: { bucket: string; sessions: number; failed: number; error_free: number | null }[] }
export interface Latency { type: string; by: string | null; of: string | null; unit: string | null; edges: number[]; rows: { value: string; count: number; mean: number | null; p50: number | null; p95: number | null; p99: number | null; cells: number[] }[]; omitted: number }
export interface ErrorGroup { group: string; type: string; title: string; count: number; first_day: string; last_day: string; days: { day: string; count: number }[] }
export interface ErrorGroups { total: number; groups: ErrorGroup[]; omitted: number }
export interface Slo { target: number; sessions: number; failed_sessions: number; error_free: number | null; met: boolean; budget_left: number | null; events: number; errors: number; error_rate: number | null }
export interface StoredEvent {
  event_id: string; event_type: string; category: string; timestamp: string; session_id: string; user_id: string; machine_id: string; app: string; app_version: string;
  platform: string; correlation_id?: string; error_group?: string; payload: Record<string, unknown>;
}
export interface EventPage { events: StoredEvent[]; next_cursor: string | null }
export interface SessionRow { session_id: string; user_id: string; app: string; app_version: string; platform: string; started: string | null; ended: string | null; duration: number | null; errors: number; proposals_created: number | null; proposals_approved: number | null; last_day: string }
export interface SessionPage { sessions: SessionRow[]; next_cursor: string | null }
export interface Quality {
  since: string; accepted: number; duplicates: number; batches: number; duplicate_batches: number;
  rejected: { reason: string; count: number }[]; adjusted: { kind: string; count: number }[]; schema: { name: string; version: number; hash: string };
  schemas: { hash: string; match: boolean; uploads: number; events: number; first: string; last: string }[]; other_schemas: number; unnamed_schemas: number;
  reported: { installs: number; forgotten: number; unread: number; dropped: { reason: string; count: number }[] };
}

async function ask<T>(method: string, path: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { method, headers, signal, credentials: 'same-origin', cache: 'no-cache' });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError({ status: 0, code: 'unreachable', detail: 'The collector does not answer. Is it running, and can this machine reach it?' });
  }
  if (response.ok) return await response.json() as T;
  const problem = await response.json().catch(() => ({})) as Partial<Problem>;
  throw new ApiError({ status: response.status, code: problem.code ?? 'unknown', detail: problem.detail ?? `The collector answered ${response.status}.` });
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => ask<T>('GET', path, {}, signal);
export const login = (token: string): Promise<Session> => ask<Session>('POST', '/api/v1/session', { authorization: `Bearer ${token}` });
export const logout = (): Promise<unknown> => ask('DELETE', '/api/v1/session');

type Values = Record<string, string | number | undefined>;
/** A path with those parameters that have a value. */
export function url(path: string, values: Values): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') query.set(name, String(value));
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
export const telemetry = (path: string, values: Values): string => url(`/api/telemetry/${path}`, values);
