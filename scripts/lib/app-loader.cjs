// Placed as resources/app/index.js in a runtime that has no default application: loads the application named on the command line,
// as the official Electron's own default application does: `electron [-r MODULE]... [--switch]... FOLDER|FILE [arguments]`.
const { app } = require('electron');
const { readFileSync, statSync } = require('node:fs');
const Module = require('node:module');
const { dirname, join, resolve } = require('node:path');

const preloads = [];
let target;
for (let i = 1; i < process.argv.length && target === undefined; i++) {
  const argument = process.argv[i];
  if (argument === '-r' || argument === '--require') preloads.push(process.argv[++i]);
  else if (!argument.startsWith('-')) target = resolve(argument);
}
if (target === undefined) {
  process.stderr.write('electron: name the folder of an application\n');
  app.exit(1);
} else {
  if (statSync(target).isDirectory()) {
    const description = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8'));
    app.setName(description.productName ?? description.name);
    app.setVersion(description.version ?? '0.0.0');
    app.setAppPath(target);
    target = join(target, description.main ?? 'index.js');
  } else {
    app.setAppPath(dirname(target));
  }
  app.setPath('userData', join(app.getPath('appData'), app.getName()));
  for (const preload of preloads) Module._load(resolve(preload), null, false);
  Module._load(target, null, true);
}
