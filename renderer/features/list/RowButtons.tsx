import { EllipsisVertical } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui/Button.tsx';

interface RowButtonsProps {
  /** What the row is of, for those who hear it. */
  name: string;
  onMenu: (at: { x: number; y: number }) => void;
  children: ReactNode;
}

/** The buttons at a row's end, the last of which opens its menu. */
export function RowButtons({ name, onMenu, children }: RowButtonsProps) {
  const { t } = useTranslation();
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keeps clicks on buttons from opening the row
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keyboard
    <div className="row-actions" onClick={(event) => event.stopPropagation()}>
      {children}
      <IconButton
        tabIndex={-1}
        icon={EllipsisVertical}
        name={`${t('action.more')} ${name}`}
        data-testid="row-menu"
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          onMenu({ x: box.left, y: box.bottom });
        }}
      />
    </div>
  );
}
