import { FileKey, FolderOpen } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { TcpSecurity } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { isThisMachine } from '../../lib/tcp-host.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Segmented } from '../../ui/Segmented.tsx';

const parts = ['ca', 'cert', 'key'] as const;

/** Who the engine is and who we are, as files; for this very machine also neither. */
export function TcpSecurityFields({
  address,
  security,
  onChange,
}: {
  address: string;
  security: TcpSecurity;
  onChange: (security: TcpSecurity) => void;
}) {
  const { t } = useTranslation();
  const [empty, setEmpty] = useState(false);
  const isClear = security.kind === 'none';
  const files: Partial<Record<(typeof parts)[number], string | undefined>> = isClear ? {} : security;
  const set = (part: (typeof parts)[number], path: string) => onChange({ ...files, kind: 'tls', [part]: path.trim() || undefined });
  const pickFolder = async () => {
    const folder = await gantry().dialogs.pickPath({ kind: 'folder', title: t('tcp.pickFolder') });
    if (!folder) return;
    const found = await gantry().hosts.certificates(folder);
    setEmpty(Object.keys(found).length === 0);
    if (Object.keys(found).length > 0) onChange({ kind: 'tls', ...found });
  };
  const pickFile = async (part: (typeof parts)[number]) => {
    const path = await gantry().dialogs.pickPath({ kind: 'file', title: t(`tcp.${part}`) });
    if (path) set(part, path);
  };
  const half = (files.cert === undefined) !== (files.key === undefined);
  return (
    <fieldset className="tcp-security" data-testid="tcp-security">
      <legend>{t('tcp.security')}</legend>
      {isThisMachine(address) && (
        <Segmented
          label={t('tcp.security')}
          value={security.kind}
          choices={[
            { value: 'tls', label: t('tcp.withTls') },
            { value: 'none', label: t('tcp.clear') },
          ]}
          onChange={(kind) => onChange(kind === 'none' ? { kind: 'none' } : { kind: 'tls' })}
        />
      )}
      {isClear ? (
        <p className="prose">{t('tcp.clearText')}</p>
      ) : (
        <>
          {parts.map((part) => (
            <TextField
              key={part}
              className="tcp-file"
              label={t(`tcp.${part}`)}
              error={part === 'key' && half ? t('tcp.half') : undefined}
              mono
              data-testid={`tcp-${part}`}
              placeholder={t(part === 'ca' ? 'tcp.caNone' : 'tcp.certNone')}
              value={files[part] ?? ''}
              onChange={(path) => set(part, path)}
              inside={
                <IconButton small icon={FileKey} name={`${t('tcp.pickFile')} ${t(`tcp.${part}`)}`} onClick={() => void pickFile(part)} />
              }
            />
          ))}
          <div className="tcp-folder">
            <Button icon={FolderOpen} data-testid="tcp-folder" onClick={() => void pickFolder()}>
              {t('tcp.fromFolder')}
            </Button>
            <p className="dim" role={empty ? 'alert' : undefined}>
              {t(empty ? 'tcp.folderEmpty' : 'tcp.hint')}
            </p>
          </div>
        </>
      )}
    </fieldset>
  );
}
