/**
 * esbuild plugins that make the helper one file.
 *
 * embedKoffi: koffi's native addon (every Linux architecture that is installed) becomes text inside the bundle; koffi-native.mjs
 * writes it out at run time and loads it.
 *
 * workerText: `import code from './unpack.worker.ts?worker'` gives the worker's own bundle as text, to be started with
 * `new Worker(code, { eval: true })`. The import may be dynamic: the text is made when it is evaluated. A worker that uses koffi gets
 * the path of the addon that the main thread has written instead of a second copy of it.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { build } from 'esbuild';
import { root } from './paths.mjs';

const koffiFinder = /[\\/]koffi[\\/]src[\\/]koffi[\\/]src[\\/]static\.js$/;
const nativeModule = join(root, 'scripts', 'lib', 'koffi-native.mjs');

/** The installed glibc addons: { 'linux-x64': { sha256, brotli } }. */
function koffiAddons() {
  const addons = {};
  const scope = join(root, 'node_modules', '@koromix');
  for (const name of readdirSync(scope)) {
    const [, platform, arch] = /^koffi-(linux)-(\w+)$/.exec(name) ?? [];
    if (platform === undefined) continue;
    const content = readFileSync(join(scope, name, `${platform}_${arch}`, 'koffi.node'));
    const brotli = brotliCompressSync(content, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length, [constants.BROTLI_PARAM_QUALITY]: 9 },
    });
    addons[`${platform}-${arch}`] = { sha256: createHash('sha256').update(content).digest('hex'), brotli: brotli.toString('base64') };
  }
  if (Object.keys(addons).length === 0) throw new Error('no native addon of koffi is installed: run npm ci');
  return addons;
}

export const embedKoffi = {
  name: 'embed-koffi',
  setup(context) {
    // koffi's finder and the worker plugin must get one and the same module, or the addon would be in the bundle twice.
    context.onResolve({ filter: /^\.\/src\/static\.js$/ }, (args) =>
      args.importer.includes('koffi') ? { path: nativeModule } : undefined,
    );
    context.onResolve({ filter: /^gantry:koffi-/ }, (args) => ({ path: args.path.slice('gantry:'.length), namespace: 'gantry' }));
    context.onLoad({ filter: /^koffi-addons$/, namespace: 'gantry' }, () => ({
      contents: `export const addons = ${JSON.stringify(koffiAddons())};`,
      loader: 'js',
    }));
  },
};

const koffiFromMain = {
  name: 'koffi-from-main',
  setup(context) {
    context.onLoad({ filter: koffiFinder }, () => ({
      contents:
        'let native; export function loadStatic() { if (!native) { const m = { exports: {} }; process.dlopen(m, globalThis.__gantryKoffi); native = m.exports; } return native; }',
      loader: 'js',
    }));
  },
};

/** @param options esbuild options for the workers' bundles: the same target, format and definitions as the main one's */
export function workerText(options) {
  return {
    name: 'worker-text',
    setup(context) {
      context.onResolve({ filter: /\?worker$/ }, (args) => ({
        path: resolve(dirname(args.importer), args.path.replace(/\?worker$/, '')),
        namespace: 'worker-text',
      }));
      context.onLoad({ filter: /.*/, namespace: 'worker-text' }, async (args) => {
        const result = await build({ ...options, entryPoints: [args.path], write: false, metafile: true, plugins: [koffiFromMain] });
        const code = JSON.stringify(result.outputFiles[0].text);
        const usesKoffi = Object.keys(result.metafile.inputs).some((path) => koffiFinder.test(`/${path}`));
        const contents = usesKoffi
          ? `import { addonPath } from ${JSON.stringify(nativeModule)};\nexport default \`globalThis.__gantryKoffi=\${JSON.stringify(addonPath())};\` + ${code};`
          : `export default ${code};`;
        return { contents, loader: 'js', resolveDir: root, watchFiles: Object.keys(result.metafile.inputs).map((path) => resolve(path)) };
      });
    },
  };
}
