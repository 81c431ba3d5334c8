import { useTranslation } from 'react-i18next';
import { closeDialog } from '../lib/screen.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Kbd } from '../ui/Kbd.tsx';

/** Read in columns: what is beside the lists' group fills the first one. */
const groups: { title: string; keys: [string, string][] }[] = [
  {
    title: 'shortcuts.anywhere',
    keys: [
      ['Mod+K', 'palette.open'],
      ['/', 'shortcuts.filter'],
      ['Mod+1 … 6', 'shortcuts.pages'],
      ['Mod+,', 'page.settings'],
      ['Mod+`', 'dock.toggle'],
      ['Mod+Z', 'action.undo'],
      ['Esc', 'action.close'],
      ['?', 'shortcuts.title'],
    ],
  },
  {
    title: 'shortcuts.text',
    keys: [
      ['Mod+F', 'logs.search'],
      ['Enter', 'logs.next'],
      ['Shift+Enter', 'logs.previous'],
      ['Mod+Shift+C', 'action.copy'],
      ['Mod+Shift+V', 'shortcuts.paste'],
    ],
  },
  {
    title: 'shortcuts.list',
    keys: [
      ['↑ ↓', 'shortcuts.move'],
      ['Enter', 'shortcuts.open'],
      ['Space', 'shortcuts.select'],
      ['Shift+↑ ↓', 'shortcuts.extend'],
      ['S', 'shortcuts.startStop'],
      ['R', 'action.restart'],
      ['L', 'action.logs'],
      ['T', 'action.shell'],
      ['Del', 'action.delete'],
    ],
  },
];

export function Shortcuts() {
  const { t } = useTranslation();
  return (
    <Dialog title={t('shortcuts.title')} width={640} onClose={closeDialog} testId="shortcuts">
      <div className="shortcuts">
        {groups.map((group) => (
          <section key={group.title}>
            <h3>{t(group.title)}</h3>
            <dl>
              {group.keys.map(([keys, label]) => (
                <div key={keys}>
                  <dt>{t(label)}</dt>
                  <dd>
                    <Kbd keys={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
