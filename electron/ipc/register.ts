import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron';
import * as v from 'valibot';
import { type Call, channelOf, type Reply } from './channels.ts';

// biome-ignore lint/suspicious/noExplicitAny: the list holds calls of every signature; `call` below ties each to its schemas.
type AnyCall = { schemas: readonly v.GenericSchema<any, any>[]; run: (sender: WebContents, ...args: any[]) => unknown };
export type Calls = Record<Call, AnyCall>;

type Inputs<S extends readonly v.GenericSchema[]> = { [K in keyof S]: v.InferOutput<S[K]> };

/** One call: the schema of each argument, and what runs with the checked ones. */
export function call<const S extends readonly v.GenericSchema[]>(
  schemas: S,
  run: (sender: WebContents, ...args: Inputs<S>) => unknown,
): AnyCall {
  return { schemas, run };
}

/** Registers all calls. Only the top frame of our own page is answered, and only with arguments that fit. */
export function registerCalls(ipcMain: Pick<IpcMain, 'handle'>, calls: Calls, origin: string, log: (text: string) => void): void {
  for (const [name, { schemas, run }] of Object.entries(calls) as [Call, AnyCall][]) {
    ipcMain.handle(channelOf(name), async (event, ...args: unknown[]): Promise<Reply> => {
      if (!isOurs(event, origin)) return { ok: false, message: 'Refused' };
      try {
        if (args.length > schemas.length) throw new Error('Too many arguments');
        const checked = schemas.map((schema, index) => v.parse(schema, args[index]));
        return { ok: true, value: await run(event.sender, ...checked) };
      } catch (error) {
        const message = error instanceof v.ValiError ? `${name}: ${error.message}` : error instanceof Error ? error.message : String(error);
        if (!(error instanceof Error) || error instanceof TypeError) log(`${name}: ${error instanceof Error ? error.stack : error}`);
        return { ok: false, message };
      }
    });
  }
}

function isOurs(event: IpcMainInvokeEvent, origin: string): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame.parent === null && (frame.url === origin || frame.url.startsWith(`${origin}/`));
}
