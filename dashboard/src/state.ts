/** Where the person is: page, time and filters live in the address, so that a link or a reload shows the same. */
import { useEffect, useState } from 'preact/hooks';

const HOUR = 3600000;
const DAY = 24 * HOUR;
export const PRESETS: Record<string, { label: string; ms: number }> = {
  '24h': { label: '24 hours', ms: DAY }, '7d': { label: '7 days', ms: 7 * DAY }, '30d': { label: '30 days', ms: 30 * DAY }, '90d': { label: '90 days', ms: 90 * DAY },
};
const DEFAULT = '30d';

export interface Place { page: string; params: Record<string, string> }

export function readPlace(): Place {
  const [page, query] = location.hash.replace(/^#\/?/, '').split('?');
  return { page: page === '' ? 'overview' : page, params: Object.fromEntries(new URLSearchParams(query ?? '')) };
}

/** The address of a place; what is not given stays, what is undefined goes. */
export function hrefOf(place: Place, page: string, change: Record<string, string | undefined> = {}): string {
  const kept = ['range', 'from', 'to', 'source'].map((name) => [name, place.params[name]] as const);
  const params = new URLSearchParams();
  const all: Record<string, string | undefined> = { ...Object.fromEntries(page === place.page ? Object.entries(place.params) : kept), ...change };
  for (const [name, value] of Object.entries(all)) if (value !== undefined && value !== '') params.set(name, value);
  const text = params.toString();
  return `#/${page}${text === '' ? '' : `?${text}`}`;
}

export function go(href: string): void {
  location.hash = href;
}

export function usePlace(): Place {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const on = () => setPlace(readPlace());
    addEventListener('hashchange', on);
    return () => removeEventListener('hashchange', on);
  }, []);
  return place;
}

export interface Range { name: string; from: number; to: number; label: string }

/** Whole hours for a day, whole days for more: what the roll-ups know, and the same question within an hour. */
export function rangeOf(place: Place, now: number): Range {
  const from = Number(place.params.from);
  const to = Number(place.params.to);
  if (from > 0 && to > from) return { name: 'custom', from, to, label: `${day(from)} to ${day(to - 1)}` };
  const name = place.params.range in PRESETS ? place.params.range : DEFAULT;
  const unit = PRESETS[name].ms > DAY ? DAY : HOUR;
  const end = Math.ceil(now / unit) * unit;
  return { name, from: end - PRESETS[name].ms, to: end, label: `last ${PRESETS[name].label}` };
}

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);

export type Theme = 'auto' | 'light' | 'dark';
const THEMES: Theme[] = ['auto', 'light', 'dark'];

export function savedTheme(): Theme {
  const text = localStorage.getItem('candor-theme') as Theme | null;
  return text !== null && THEMES.includes(text) ? text : 'auto';
}
export function applyTheme(theme: Theme): void {
  localStorage.setItem('candor-theme', theme);
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event('candor-theme'));
}
export const nextTheme = (theme: Theme): Theme => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];

/** Whether somebody has signed in here: without, the first question would only be refused. The cookie itself cannot be read. */
export const hadSession = (): boolean => localStorage.getItem('candor-session') === 'yes';
export function noteSession(is: boolean): void {
  if (is) localStorage.setItem('candor-session', 'yes');
  else localStorage.removeItem('candor-session');
}
