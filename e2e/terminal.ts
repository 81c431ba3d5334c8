import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** The terminal that is on the screen, as somebody at the keyboard has it. */
export function terminalOf(page: Page, timeout = 15_000) {
  const terminal = page.getByTestId('terminal').first();
  const rows = terminal.locator('.xterm-rows > div');
  /** What is on the screen, a string a row; xterm.js fills with no-break spaces. */
  const screen = async () => (await rows.allTextContents()).map((row) => row.replaceAll('\u00a0', ' ').trimEnd());
  return {
    place: terminal,
    screen,
    async type(command: string) {
      await page.keyboard.type(command);
      await page.keyboard.press('Enter');
    },
    /** Waits for a row that matches. @returns what it matched */
    async sees(row: RegExp): Promise<RegExpExecArray> {
      let found: RegExpExecArray | null = null;
      await expect
        .poll(
          async () => {
            const now = await screen();
            found = now.map((text) => row.exec(text)).find((match) => match !== null) ?? null;
            return found ? true : now.filter(Boolean).join('\n');
          },
          { timeout, interval: 50, message: `a row like ${row} in the terminal` },
        )
        .toBe(true);
      return found as unknown as RegExpExecArray;
    },
  };
}

/** Opens a shell in the container that the pane shows: it answers, in Chinese. */
export async function shellAnswers(page: Page, timeout?: number): Promise<void> {
  await page.getByTestId('tab-terminal').click();
  await page.getByTestId('terminal-open').click();
  const terminal = terminalOf(page, timeout);
  await terminal.sees(/[#$]/);
  await terminal.type('echo 你好 from $((6 * 7))');
  await terminal.sees(/^你好 from 42$/);
}
