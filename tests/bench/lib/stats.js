'use strict';
// Order statistics of measured samples. Medians, not means: one descheduled round must not decide.

function sorted(samples) {
  return Float64Array.from(samples).sort();
}

/** The sample at rank q of an already sorted array (nearest rank). */
function quantileOfSorted(samples, q) {
  if (samples.length === 0) return NaN;
  return samples[Math.min(samples.length - 1, Math.max(0, Math.ceil(q * samples.length) - 1))];
}

function median(samples) {
  const s = sorted(samples);
  const middle = s.length >> 1;
  return s.length % 2 === 1 ? s[middle] : (s[middle - 1] + s[middle]) / 2;
}

function minMedianMax(samples) {
  const s = sorted(samples);
  return { min: s[0], median: median(s), max: s[s.length - 1] };
}

/** p50, p95, p99, p999 and max. */
function quantiles(samples) {
  const s = sorted(samples);
  return {
    p50: quantileOfSorted(s, 0.5),
    p95: quantileOfSorted(s, 0.95),
    p99: quantileOfSorted(s, 0.99),
    p999: quantileOfSorted(s, 0.999),
    max: s[s.length - 1],
  };
}

function round(value, decimals = 0) {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}

module.exports = { median, minMedianMax, quantileOfSorted, quantiles, round };
