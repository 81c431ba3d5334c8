import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * The renderer's bundle: `vite build` writes dist/renderer; `vite build --mode design --outDir DIR` the design page (renderer/dev).
 * The oldest runtime we start is Chromium 114.
 */
export default defineConfig(({ mode }) => ({
  // vitest reads this file too when it finds no config of its own; its tests lie all over the repository.
  root: process.env.VITEST ? '.' : 'renderer',
  base: './',
  plugins: [react()],
  build: {
    outDir: '../dist/renderer',
    emptyOutDir: true,
    target: 'chrome114',
    // A strict CSP allows no data: fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
    rolldownOptions: { input: mode === 'design' ? 'renderer/dev/index.html' : 'renderer/index.html' },
  },
}));
