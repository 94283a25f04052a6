// What the sample takes for granted: Electron's module, and what preloads put into its page.
declare module 'electron';

// Of dom.js, which the page loads before the others.
declare const Harbor: any;

interface Window {
  telemetry: import('../../js/electron/preload').RendererTelemetry;
  assistant: any;
}
