#!/usr/bin/env node
/**
 * Runs all tests, for real, from a clean clone on: set-up, build, checks, unit tests, engine tests, tests through the window.
 * Every step is run, whatever the others gave; the exit code is 1 if one failed. Logs and screenshots lie in test-output/.
 *
 *   node scripts/test.mjs [--only unit,e2e] [--skip e2e] [--filter TEXT]
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rootPrefix } from './lib/debian.mjs';
import { virtualDisplay } from './lib/display.mjs';
import { lacking } from './lib/facilities.mjs';
import { root, testOutput } from './lib/paths.mjs';
import { counts, failedTests, readReport, skippedTests } from './lib/report.mjs';
import { isRoot, run } from './lib/run.mjs';
import { bold, green, red, runMain, Stop, say, since, yellow } from './lib/say.mjs';
import { steps } from './lib/test-steps.mjs';
import { setup } from './setup.mjs';

const usage = `Usage: npm test -- [--only STEP,…] [--skip STEP,…] [--filter TEXT]

${steps.map(({ name, what }) => `  ${name.padEnd(8)} ${what}`).join('\n')}

  --filter TEXT  only test files whose path contains TEXT
`;

function readOptions() {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, skip: { type: 'string' }, filter: { type: 'string' }, help: { type: 'boolean' } },
  });
  const names = (text) => (text === undefined ? [] : text.split(','));
  const unknown = [...names(values.only), ...names(values.skip)].find((name) => !steps.some((step) => step.name === name));
  if (unknown !== undefined) throw new Stop(`there is no step named ${unknown}\n${usage}`);
  const chosen = steps.filter(
    ({ name }) => (values.only === undefined || names(values.only).includes(name)) && !names(values.skip).includes(name),
  );
  return { chosen, filter: values.filter, help: values.help };
}

/** sudo and pkexec drop the environment: what the tests need of it goes along by `env`. */
function withRights(step, environment) {
  const prefix = step.needsRoot || step.wantsRoot ? rootPrefix() : [];
  if (prefix === undefined) return step.wantsRoot ? { command: step.command, args: step.args } : undefined;
  if (prefix.length === 0) return { command: step.command, args: step.args };
  const passed = ['PATH', 'HOME', 'DISPLAY', 'CI', 'XDG_CACHE_HOME', 'LANG', 'GANTRY_UPDATE_PICTURES'].filter(
    (name) => environment[name] !== undefined,
  );
  // A user's PATH lacks the folders of root's programs (dockerd, ip, nft).
  const values = { ...environment, PATH: [environment.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean).join(':') };
  const args = [...prefix.slice(1), 'env', ...passed.map((name) => `${name}=${values[name]}`), step.command, ...step.args];
  return { command: prefix[0], args };
}

async function runStep(step, filter) {
  const start = performance.now();
  process.stdout.write(`\n${bold(`── ${step.name}: ${step.what}`)}\n`);
  const environment = { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' };
  const display = step.needsDisplay ? await virtualDisplay() : undefined;
  if (display) environment.DISPLAY = display.display;
  const call = withRights(step, environment);
  if (call === undefined) {
    process.stdout.write(`needs root, and there is neither sudo nor pkexec here. As root, run: npm test -- --only ${step.name}\n`);
    return { step, code: 1, counts: { passed: 0, failed: 1, skipped: 0 }, time: since(start) };
  }
  if (step.results !== undefined) rmSync(step.results, { force: true });
  const args = step.results !== undefined && filter !== undefined ? [...call.args, filter, '--passWithNoTests'] : call.args;
  const { code } = await run(call.command, args, { cwd: root, env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
  display?.stop();
  if (step.results === undefined) return { step, code, counts: { passed: 0, failed: code === 0 ? 0 : 1, skipped: 0 }, time: since(start) };
  const report = readReport(step.results);
  return { step, code, report, counts: counts(report, code), time: since(start) };
}

/** What ran as root left files of root. */
async function giveBack() {
  const prefix = isRoot ? [] : rootPrefix();
  if (!prefix || prefix.length === 0) return;
  await run(prefix[0], [...prefix.slice(1), 'chown', '-R', `${process.getuid()}:${process.getgid()}`, testOutput, join(root, 'dist')], {
    quiet: true,
  });
}

function summary(results) {
  const rows = results.map(({ step, code, counts: { passed, failed, skipped }, time }) => {
    const verdict = code === 0 ? green('ok    ') : red('FAILED');
    const tests = step.results === undefined ? '' : `${passed} passed, ${failed} failed, ${skipped} skipped`;
    return `  ${step.name.padEnd(8)} ${verdict} ${time.padStart(9)}   ${tests}`;
  });
  return `\n${bold('── summary')}\n${rows.join('\n')}\n\n`;
}

/** Why tests were skipped: what is not here, and which tests those are. */
function skipped(results) {
  const tests = results.flatMap(({ report }) => skippedTests(report));
  if (tests.length === 0) return '';
  const missing = lacking(isRoot || rootPrefix() !== undefined);
  const why = missing.length > 0 ? `, for want of ${missing.join(', ')}` : ': each says why above';
  return `${bold('── skipped')}${why}\n${tests.map((test) => `  ${test}\n`).join('')}\n`;
}

/** Which tests failed, and why: said again here, where a log of many thousand lines ends. */
function failed(results) {
  const tests = results.flatMap(({ report }) => failedTests(report));
  return tests.length === 0 ? '' : `\n${bold(red('── failed'))}\n${tests.map((test) => `  ${test}\n`).join('')}`;
}

await runMain(async () => {
  const { chosen, filter, help } = readOptions();
  if (help) {
    process.stdout.write(usage);
    return;
  }
  const start = performance.now();
  await setup(['engine', 'gui', 'display', 'test']);
  mkdirSync(join(testOutput, 'results'), { recursive: true });
  const results = [];
  for (const step of chosen) results.push(await runStep(step, filter));
  await giveBack();
  const total = (key) => results.reduce((sum, result) => sum + result.counts[key], 0);
  writeFileSync(
    join(testOutput, 'results', 'summary.json'),
    `${JSON.stringify(
      results.map(({ step, code, counts: found, time }) => ({ step: step.name, code, ...found, time })),
      null,
      2,
    )}\n`,
  );
  process.stdout.write(skipped(results));
  process.stdout.write(failed(results));
  process.stdout.write(summary(results));
  say(`all in ${since(start)}; logs and screenshots in test-output/`);
  const failedSteps = results.filter(({ code }) => code !== 0);
  if (failedSteps.length > 0) say(yellow(`failed: ${failedSteps.map(({ step }) => step.name).join(', ')}`));
  process.stdout.write(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped\n`);
  process.exit(failedSteps.length > 0 ? 1 : 0);
});
