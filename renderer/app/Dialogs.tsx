import { lazy, Suspense } from 'react';
import { useScreen } from '../lib/screen.ts';

const RunSheet = lazy(() => import('../features/run/index.ts').then((m) => ({ default: m.RunSheet })));
const PullDialog = lazy(() => import('../features/pull/index.ts').then((m) => ({ default: m.PullDialog })));
const CreateVolumeSheet = lazy(() => import('../features/volumes/index.ts').then((m) => ({ default: m.CreateVolumeSheet })));
const CreateNetworkSheet = lazy(() => import('../features/networks/index.ts').then((m) => ({ default: m.CreateNetworkSheet })));
const ConnectNetworkDialog = lazy(() => import('../features/networks/index.ts').then((m) => ({ default: m.ConnectNetworkDialog })));
const AddHostDialog = lazy(() => import('../features/hosts/index.ts').then((m) => ({ default: m.AddHostDialog })));
const SignInDialog = lazy(() => import('../features/hosts/index.ts').then((m) => ({ default: m.SignInDialog })));
const CertificatesDialog = lazy(() => import('../features/hosts/index.ts').then((m) => ({ default: m.CertificatesDialog })));
const InstallDialog = lazy(() => import('../features/hosts/index.ts').then((m) => ({ default: m.InstallDialog })));
const TransferDialog = lazy(() => import('../features/transfer/index.ts').then((m) => ({ default: m.TransferDialog })));
const ManyDialog = lazy(() => import('../features/transfer/index.ts').then((m) => ({ default: m.ManyDialog })));
const Palette = lazy(() => loadPalette().then((m) => ({ default: m.Palette })));
const Shortcuts = lazy(() => import('./Shortcuts.tsx').then((m) => ({ default: m.Shortcuts })));

export const loadPalette = () => import('./Palette.tsx');

/** The one dialog that is open, whoever asked for it. */
export function Dialogs() {
  const dialog = useScreen((s) => s.dialog);
  if (!dialog) return null;
  return (
    <Suspense>
      {dialog.type === 'run' && <RunSheet host={dialog.host} image={dialog.image} line={dialog.line} />}
      {dialog.type === 'pull' && <PullDialog host={dialog.host} reference={dialog.reference} activity={dialog.activity} />}
      {dialog.type === 'create-volume' && <CreateVolumeSheet host={dialog.host} />}
      {dialog.type === 'create-network' && <CreateNetworkSheet host={dialog.host} />}
      {dialog.type === 'connect-network' && <ConnectNetworkDialog host={dialog.host} network={dialog.network} />}
      {dialog.type === 'add-host' && <AddHostDialog />}
      {dialog.type === 'sign-in' && <SignInDialog hostId={dialog.host} />}
      {dialog.type === 'certificates' && <CertificatesDialog hostId={dialog.host} />}
      {dialog.type === 'install' && <InstallDialog hostId={dialog.host} action={dialog.action} />}
      {dialog.type === 'transfer' &&
        ('source' in dialog ? (
          <TransferDialog source={dialog.source} move={dialog.move} to={dialog.to} />
        ) : (
          <TransferDialog activity={dialog.activity} />
        ))}
      {dialog.type === 'transfer-many' &&
        ('sources' in dialog ? (
          <ManyDialog sources={dialog.sources} move={dialog.move} to={dialog.to} />
        ) : (
          <ManyDialog batch={dialog.batch} />
        ))}
      {dialog.type === 'palette' && <Palette />}
      {dialog.type === 'shortcuts' && <Shortcuts />}
    </Suspense>
  );
}
