import { writeFile } from 'node:fs/promises';
import { type BrowserWindow, dialog } from 'electron';

export async function pickPath(window: BrowserWindow, kind: 'folder' | 'file', title: string): Promise<string | null> {
  const { filePaths } = await dialog.showOpenDialog(window, {
    title,
    properties: kind === 'folder' ? ['openDirectory', 'createDirectory', 'showHiddenFiles'] : ['openFile', 'showHiddenFiles'],
  });
  return filePaths[0] ?? null;
}

/** @returns where it was saved, or null when cancelled */
export async function saveText(window: BrowserWindow, title: string, name: string, text: string): Promise<string | null> {
  const { filePath } = await dialog.showSaveDialog(window, { title, defaultPath: name.replaceAll(/[/\\]/g, '-') });
  if (!filePath) return null;
  await writeFile(filePath, text);
  return filePath;
}
