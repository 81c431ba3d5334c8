import { BrowserWindow, nativeTheme, screen } from 'electron';
import type { JsonFile } from '../store/json-file.ts';
import { APP_ORIGIN } from './app-scheme.ts';
import { firstWindowState, visibleBounds, type WindowState } from './window-state.ts';

/** Before the page has drawn: the background of its theme, so that nothing flashes. */
const BACKGROUND = { dark: '#17181c', light: '#fbfbfc' };

interface WindowOptions {
  preload: string;
  file: JsonFile<WindowState>;
  icon: string | undefined;
  /** Asked when it is closed. */
  mayClose: () => boolean;
}

/** Opens the window. Its size and place are kept when it closes. */
export async function openWindow({ preload, file, icon, mayClose }: WindowOptions): Promise<BrowserWindow> {
  const { value: state } = await file.read(firstWindowState);
  const bounds = visibleBounds(
    state.bounds,
    screen.getAllDisplays().map(({ workArea }) => workArea),
  );
  const window = new BrowserWindow({
    ...bounds,
    minWidth: 640,
    minHeight: 400,
    show: false,
    title: 'Gantry',
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    ...(icon && { icon }),
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
      // Dragging a file onto the page must not replace it.
      navigateOnDragDrop: false,
    },
  });
  if (state.maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', (event) => {
    if (!mayClose()) return event.preventDefault();
    void file.write({ version: 1, bounds: window.getNormalBounds(), maximized: window.isMaximized() });
  });
  // Not awaited: the caller needs the window while it loads.
  void window.loadURL(`${APP_ORIGIN}/index.html`).catch(() => {});
  return window;
}
