import { Menu, type MenuItemConstructorOptions } from 'electron';

const WORDS = {
  en: { edit: 'Edit', view: 'View', window: 'Window', reload: 'Reload Window', close: 'Close Window' },
  zh: { edit: '编辑', view: '显示', window: '窗口', reload: '重新载入窗口', close: '关闭窗口' },
};

/**
 * The menu. Single keys and Ctrl+letter belong to the page: in a terminal Ctrl+R and Ctrl+W are the shell's, so what would take
 * them has Shift, and the Edit items show no shortcut outside macOS (Chromium knows copy and paste by itself).
 */
export function setMenu(language: 'en' | 'zh'): void {
  const words = WORDS[language];
  const mac = process.platform === 'darwin';
  const edit = (['undo', 'redo', 'cut', 'copy', 'paste', 'selectAll'] as const).map((role) => ({ role, registerAccelerator: mac }));
  const template: MenuItemConstructorOptions[] = [
    ...(mac ? [{ role: 'appMenu' as const }] : []),
    { label: words.edit, submenu: edit },
    {
      label: words.view,
      submenu: [
        { role: 'reload', label: words.reload, accelerator: 'CmdOrCtrl+Shift+R' },
        { role: 'toggleDevTools', accelerator: 'CmdOrCtrl+Shift+I' },
        { type: 'separator' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
      ],
    },
    { label: words.window, submenu: [{ role: 'minimize' }, { role: 'close', label: words.close, accelerator: 'CmdOrCtrl+Shift+W' }] },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
