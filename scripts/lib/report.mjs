/** What a test run's report says (vitest's JSON: the shape of jest's `--json`). Dependency-free. */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './paths.mjs';

/** Lines of a failure's message that are repeated: what was expected and found, and the line of the test. */
const MESSAGE_LINES = 12;

const unloaded = ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0;

/** @returns the report in a file, undefined where the run was cut before it wrote one */
export function readReport(file) {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Counts of a run that ended with this exit code; a file that could not even be loaded is a failed test. */
export function counts(report, code) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const failed = report.numFailedTests + report.testResults.filter(unloaded).length;
  return {
    passed: report.numPassedTests,
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** The skipped tests, as `file: name`. */
export function skippedTests(report) {
  return (report?.testResults ?? []).flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'pending' || status === 'skipped')
      .map(({ fullName }) => `${relative(root, name)}: ${fullName}`),
  );
}

/** The failed tests and files, each as `file: name` and the first lines of why, indented: the end of a long log is what is read. */
export function failedTests(report) {
  const said = (file, name, message) => {
    const lines = message.trim().split('\n');
    const ours = lines.filter((line) => !line.includes('/node_modules/'));
    return [`${relative(root, file)}: ${name}`, ...ours.slice(0, MESSAGE_LINES)].join('\n    ');
  };
  return (report?.testResults ?? []).flatMap((file) => {
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    const tests = failed.map(({ fullName, failureMessages }) => said(file.name, fullName, failureMessages.join('\n')));
    return file.status === 'failed' && failed.length === 0 ? [said(file.name, 'as a whole', file.message ?? '')] : tests;
  });
}
