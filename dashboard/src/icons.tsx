/** Drawn for this: strokes on a grid of 24. Decoration, so hidden from readers of the page. */
const PATHS: Record<string, string> = {
  brand: 'M2 14h4l3-9 5 15 3-9h5',
  overview: 'M4 4h7v7H4zM13 4h7v4h-7zM13 11h7v9h-7zM4 14h7v6H4z',
  events: 'M4 6h16M4 12h16M4 18h10',
  errors: 'M12 3l10 18H2zM12 10v5M12 18v.5',
  sessions: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-5 5-6 8-6s7 1 8 6',
  proposals: 'M5 4h9l5 5v11H5zM9 14l2 2 4-5',
  tools: 'M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18zM12 7v5l4 2',
  traces: 'M3 6h9M8 12h10M13 18h8',
  live: 'M4 12a8 8 0 0 1 8-8M4 12a8 8 0 0 0 8 8M12 8a4 4 0 0 1 0 8 4 4 0 0 1 0-8M20 12a8 8 0 0 1-8 8',
  quality: 'M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM8.500 12l2.500 2.500 4.500-5',
  refresh: 'M20 12a8 8 0 1 1-2.500-5.800M20 3v5h-5',
  out: 'M14 4H5v16h9M10 12h11M17 8l4 4-4 4',
  auto: 'M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18',
  light: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2',
  dark: 'M20 14a8 8 0 1 1-10-10 7 7 0 0 0 10 10z',
};

export function Icon({ name }: { name: string }) {
  return <svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><path d={PATHS[name] ?? ''} /></svg>;
}
