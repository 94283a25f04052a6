const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const count = (n: number): string => (n < 100000 ? whole.format(n) : short.format(n));
export const exact = (n: number): string => whole.format(n);
/** A share as percent; enough digits that 99.95 % does not read as 100 %. */
export function percent(share: number | null | undefined, digits = 1): string {
  if (share === null || share === undefined) return '–';
  const text = (share * 100).toFixed(digits);
  return `${share < 1 && Number(text) === 100 ? (Math.floor(share * 10000) / 100).toFixed(2) : text} %`;
}
/** Milliseconds, as people say them. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
}
export const measure = (value: number | null, unit: string | null): string => {
  if (value === null) return '–';
  if (unit === 'ms') return duration(value);
  const text = value < 10 ? String(Math.round(value * 100) / 100) : exact(Math.round(value));
  return unit === null ? text : `${text} ${unit}`;
};
/** 2026-11-21 19:25:18, UTC. */
export const moment = (text: string | null): string => (text === null ? '–' : text.slice(0, 19).replace('T', ' '));
export const clock = (text: string): string => text.slice(11, 23);
export const day = (text: string): string => new Date(`${text.slice(0, 10)}T00:00:00Z`).toLocaleDateString('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
export const brief = (id: string): string => (id.length > 13 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);
