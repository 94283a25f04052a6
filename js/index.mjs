// Re-exports only: native state exists once, whichever way the package is loaded.
import candor from './index.js';

export const {
  open, settings, verifyLedger, TelemetryError, version, parseTraceparent, formatTraceparent,
  configureDefault, getDefault, emit, flush, metric, startSpan, withSpan, recordEvent,
} = candor;
export default candor;
