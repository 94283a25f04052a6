// Re-exports only: native state exists once, whichever way the package is loaded.
import candor from './index.js';

export const { open, settings, TelemetryError, version } = candor;
export default candor;
