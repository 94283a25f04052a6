import { defineConfig } from 'vite';

// Served by the collector at /dashboard/, under a policy that allows no inline script, style or data: font.
export default defineConfig({
  base: '/dashboard/',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
  build: { target: 'es2020', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
});
