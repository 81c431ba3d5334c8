/**
 * Preloaded (`node --import`) into dependency-cruiser, which parses by TypeScript's JavaScript API. Version 7, our compiler, has none:
 * whoever asks for `typescript` gets version 5 here, installed as `typescript-api`.
 */
import Module, { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const target = pathToFileURL(require.resolve('typescript-api')).href;
register(
  `data:text/javascript,${encodeURIComponent(
    `export const resolve = (name, context, next) => name === 'typescript' ? { url: ${JSON.stringify(target)}, shortCircuit: true } : next(name, context);`,
  )}`,
);
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return resolveFilename.call(this, request.replace(/^typescript(?=$|\/)/, 'typescript-api'), ...rest);
};
