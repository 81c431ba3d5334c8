import { Box, HardDrive, Layers, type LucideIcon, Network, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { TransferPlan, TransferSource, TransferVolume } from '../../../electron/ipc/contract.ts';
import { formatSize, shortId } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { bytesToTravel, type Planned } from './transfers.ts';
import './transfer.css';

/** A line of what travels: what it is, something about it, how big. */
export function Part({
  icon: Icon,
  name,
  note,
  size,
}: {
  icon: LucideIcon;
  name: ReactNode;
  note?: string | undefined;
  size?: string | undefined;
}) {
  return (
    <li className="transfer-part">
      <Icon size={15} strokeWidth={1.8} aria-hidden />
      <span className="truncate transfer-name">{name}</span>
      <span className="dim truncate">{note}</span>
      <span className="num transfer-size">{size}</span>
    </li>
  );
}

/** What travels and how big, what is there already, and what will differ. */
export function Preview({ source, plan }: { source: TransferSource; plan: TransferPlan }) {
  const { t } = useTranslation();
  const { bytes, exact } = bytesToTravel(plan);
  return (
    <section className="transfer-preview" aria-label={t('transfer.preview')} data-testid="transfer-preview">
      <ul>
        {plan.image && <ImagePart image={plan.image} way={plan.way} />}
        {plan.container && (
          <Part
            icon={Box}
            name={t('transfer.written')}
            note={t('transfer.settings')}
            size={plan.container.writableBytes < 0 ? '' : formatSize(plan.container.writableBytes)}
          />
        )}
        {plan.volumes.map((volume) => (
          <VolumePart key={volume.name} volume={volume} kind={source.kind} />
        ))}
        {plan.networks.map(({ name, there }) => (
          <Part key={name} icon={Network} name={name} note={t(there ? 'transfer.networkThere' : 'transfer.networkMade')} />
        ))}
      </ul>
      <p className="transfer-total">
        <span>{t('transfer.total')}</span>
        <strong className="num" data-testid="transfer-total">
          {exact ? formatSize(bytes) : t('transfer.about', { size: formatSize(bytes) })}
        </strong>
      </p>
      <Notes parts={[{ source, plan }]} />
    </section>
  );
}

function ImagePart({ image, way }: { image: NonNullable<TransferPlan['image']>; way: TransferPlan['way'] }) {
  const { t } = useTranslation();
  const missing = image.bytes - image.thereBytes;
  const note = image.there ? t('transfer.there') : way === 'archive' ? t('transfer.whole') : undefined;
  const some = image.thereBytes > 0 && !image.there ? t('transfer.partThere', { size: formatSize(image.thereBytes) }) : undefined;
  return <Part icon={Layers} name={image.names[0] ?? shortId(image.id)} note={note ?? some} size={formatSize(missing)} />;
}

function VolumePart({ volume, kind }: { volume: TransferVolume; kind: TransferSource['kind'] }) {
  const { t } = useTranslation();
  const used = kind === 'container' && volume.there && !volume.anonymous;
  const note = used ? t('transfer.volumeThere') : volume.data ? undefined : t('transfer.volumeOptions');
  const size = used || !volume.data || volume.bytes < 0 ? '' : formatSize(volume.bytes);
  return <Part icon={HardDrive} name={volume.anonymous ? shortId(volume.name) : volume.name} note={note} size={size} />;
}

/** What a user should know before it begins. */
function notesOf({ way, container, image, volumes, warnings }: TransferPlan): string[] {
  return [
    ...(way === 'archive' ? [tr(container || volumes.length > 0 ? 'transfer.archiveVolumes' : 'transfer.archive')] : []),
    ...(image?.takesNames ?? []).map((name) => tr('transfer.takesName', { name })),
    ...(container?.binds ?? []).map((folder) => tr('transfer.bind', { folder })),
    ...(container?.ports.length ? [tr('transfer.ports', { ports: container.ports.join(', ') })] : []),
    ...(container?.privileged ? [tr('transfer.privileged')] : []),
    ...warnings,
  ];
}

/** Of several, each once; what is said of one only names it. */
export function Notes({ parts }: { parts: Planned[] }) {
  const told = new Map<string, string[]>();
  for (const { source, plan } of parts) for (const note of notesOf(plan)) told.set(note, [...(told.get(note) ?? []), source.name]);
  const notes = [...told].map(([note, names]) => (names.length === parts.length ? note : `${names.join(', ')}${tr('colon')}${note}`));
  if (notes.length === 0) return null;
  return (
    <ul className="transfer-notes">
      {notes.map((note) => (
        <li key={note}>
          <TriangleAlert size={14} aria-hidden />
          <span>{note}</span>
        </li>
      ))}
    </ul>
  );
}
