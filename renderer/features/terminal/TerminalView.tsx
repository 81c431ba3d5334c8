import { FitAddon } from '@xterm/addon-fit';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { type ITheme, Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { gantry } from '../../lib/bridge.ts';
import { useHosts } from '../../lib/queries.ts';
import { resolveTheme, useSettings } from '../../lib/settings.ts';
import { type StreamPort, takePort } from '../../lib/stream-ports.ts';
import { Button } from '../../ui/Button.tsx';
import './terminal.css';
import { useTerminals } from './terminals.ts';

const window_ = 512 * 1024;

/** Colours for xterm, which takes no CSS variables: the tokens' values as hex. */
const themes: Record<'light' | 'dark', ITheme> = {
  dark: {
    background: '#0d0e13',
    foreground: '#e6e7ec',
    cursor: '#a9a6ff',
    cursorAccent: '#0d0e13',
    selectionBackground: '#4b4a8f99',
    black: '#2b2d36',
    red: '#f0716b',
    green: '#5fc98a',
    yellow: '#e2c15f',
    blue: '#7c9cf5',
    magenta: '#d583e0',
    cyan: '#63c3d8',
    white: '#cfd1d9',
    brightBlack: '#7d808c',
    brightRed: '#ff938b',
    brightGreen: '#83e3a7',
    brightYellow: '#f3d981',
    brightBlue: '#9db7ff',
    brightMagenta: '#e8a4f1',
    brightCyan: '#8adcee',
    brightWhite: '#f4f4f7',
  },
  light: {
    background: '#f7f7f9',
    foreground: '#1d1e26',
    cursor: '#5145cd',
    cursorAccent: '#f7f7f9',
    selectionBackground: '#b9b5f577',
    black: '#2b2d36',
    red: '#b3261e',
    green: '#1d7a42',
    yellow: '#80600b',
    blue: '#2f55c4',
    magenta: '#96309f',
    cyan: '#0f6f82',
    white: '#6a6d78',
    brightBlack: '#6f727d',
    brightRed: '#c93a31',
    brightGreen: '#21874a',
    brightYellow: '#8a690e',
    brightBlue: '#3e64d6',
    brightMagenta: '#a63fb0',
    brightCyan: '#127a90',
    brightWhite: '#1d1e26',
  },
};

/** Keys that stay with the app while a terminal has the focus; all others, Ctrl+K too, belong to the shell. */
function isAppKey(event: KeyboardEvent): boolean {
  if (!event.ctrlKey && !event.metaKey) return false;
  return event.key === '`' || event.key === ',' || /^[1-9]$/.test(event.key) || (event.shiftKey && /^[cvCV]$/.test(event.key));
}

/** What the main process says in one word. */
const reasons: Partial<Record<string, string>> = {
  disconnected: 'terminal.why.disconnected',
  detached: 'terminal.why.detached',
  removed: 'terminal.why.removed',
};

/** How it ended, as a key of the locales with its values. */
function endedText({ exitCode, reason }: { exitCode: number | null; reason?: string }, host: string): [string, Record<string, unknown>] {
  if (reason === 'no-shell') return ['terminal.noShell', { code: exitCode }];
  const why = reasons[reason ?? ''];
  if (why) return [why, { host }];
  if (exitCode !== null) return ['terminal.endedCode', { code: exitCode }];
  return reason === undefined ? ['terminal.ended', {}] : ['terminal.endedReason', { reason }];
}

/** One view of a terminal that lives in the main process: closing the view leaves it running. */
export default function TerminalView({ id, autoFocus = true }: { id: string; autoFocus?: boolean }) {
  const { t } = useTranslation();
  const settings = useSettings();
  const place = useRef<HTMLDivElement>(null);
  const term = useRef<Terminal | null>(null);
  const fit = useRef<FitAddon | null>(null);
  const info = useTerminals().find((terminal) => terminal.id === id);
  const host = useHosts().find((candidate) => candidate.id === info?.hostId);
  const theme = resolveTheme(settings.theme);
  const fontSize = settings.terminalFontSize;
  const first = useRef({ theme, fontSize, autoFocus, label: info?.title ?? '' });

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const xterm = new Terminal({
      allowProposedApi: true,
      cursorBlink: false,
      fontFamily: '"JetBrains Mono Variable", "Noto Sans Mono CJK SC", monospace',
      fontSize: first.current.fontSize,
      lineHeight: 1.2,
      scrollback: 10_000,
      minimumContrastRatio: 4.5,
      theme: themes[first.current.theme],
      macOptionIsMeta: true,
    });
    const fitter = new FitAddon();
    xterm.loadAddon(fitter);
    xterm.loadAddon(new Unicode11Addon());
    xterm.unicode.activeVersion = '11';
    xterm.loadAddon(new WebLinksAddon((_event, uri) => void gantry().shell.openExternal(uri)));
    xterm.open(element);
    term.current = xterm;
    fit.current = fitter;
    let port: StreamPort | undefined;
    let gone = false;
    const encoder = new TextEncoder();
    let early: Uint8Array<ArrayBuffer>[] = [];
    const type = (data: Uint8Array<ArrayBuffer>) => {
      if (port) port.send({ t: 'data', data });
      else early.push(data);
    };
    xterm.onData((text) => type(encoder.encode(text)));
    xterm.onBinary((text) => type(Uint8Array.from(text, (c) => c.charCodeAt(0))));

    xterm.attachCustomKeyEventHandler((event) => {
      if (event.type !== 'keydown') return true;
      if (event.ctrlKey && event.shiftKey && event.code === 'KeyC') {
        if (xterm.hasSelection()) void gantry().shell.copy(xterm.getSelection());
        event.preventDefault();
        return false;
      }
      return !isAppKey(event);
    });
    const resize = () => {
      if (element.clientWidth < 40 || element.clientHeight < 20) return;
      fitter.fit();
      port?.send({ t: 'resize', cols: xterm.cols, rows: xterm.rows });
    };
    const observer = new ResizeObserver(resize);
    observer.observe(element);
    void document.fonts.ready.then(() => {
      if (!gone) resize();
    });
    if (first.current.autoFocus) xterm.focus();

    void (async () => {
      const token = await gantry().terminals.view(id);
      const arrived = await takePort(token);
      if (gone) return arrived.close();
      port = arrived;
      port.onMessage((message) => {
        if (message.t !== 'data') return;
        // Credit comes back when xterm has drawn it: a flood waits in the container, not here.
        xterm.write(message.data, () => port?.send({ t: 'credit', bytes: message.data.byteLength }));
      });
      port.send({ t: 'resize', cols: xterm.cols, rows: xterm.rows });
      port.send({ t: 'credit', bytes: window_ });
      for (const data of early) port.send({ t: 'data', data });
      early = [];
    })().catch((error: unknown) => xterm.write(String(error)));

    return () => {
      gone = true;
      observer.disconnect();
      port?.close();
      xterm.dispose();
      term.current = null;
    };
  }, [id]);

  useEffect(() => {
    if (!term.current) return;
    term.current.options.theme = themes[theme];
    term.current.options.fontSize = fontSize;
    fit.current?.fit();
  }, [theme, fontSize]);

  const ended = info?.state.status === 'ended' ? info.state : null;
  // A shell on the machine needs no engine: it may be tried at any time.
  const away = host?.state.status !== 'connected' && info?.mode !== 'host';
  return (
    <div className="terminal" data-testid="terminal" style={{ background: themes[theme].background }}>
      <div ref={place} className="terminal-place" />
      {ended && (
        <div className="terminal-ended" role="status">
          <span>
            {t(...endedText(ended, host?.name ?? ''))}
            {away && ` ${t('terminal.waits', { host: host?.name })}`}
          </span>
          <Button data-testid="terminal-reopen" disabled={away} onClick={() => void gantry().terminals.reopen(id)}>
            {t('terminal.reopen')}
          </Button>
        </div>
      )}
    </div>
  );
}
