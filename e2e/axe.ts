import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

interface Finding {
  id: string;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** Fails on what axe finds in the window as it is, each with the element that it found (WCAG 2.1 A and AA). */
export async function expectAccessible(page: Page): Promise<void> {
  // By the debugger, past the content security policy.
  await page.evaluate(axe.source);
  // What fades in has its colours when it is there.
  await page.waitForFunction(() =>
    document.getAnimations().every(({ playState, effect }) => playState !== 'running' || effect?.getTiming().iterations === Infinity),
  );
  const found = await page.evaluate(async () => {
    const { axe: injected } = window as unknown as { axe: { run(options: object): Promise<{ violations: Finding[] }> } };
    const { violations } = await injected.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
    return violations;
  });
  expect(
    found.flatMap(({ id, help, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`)),
  ).toEqual([]);
}
