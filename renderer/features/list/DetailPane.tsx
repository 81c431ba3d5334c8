import { EllipsisVertical, Trash2, Unplug, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { navigate, type Page, type Route } from '../../lib/route.ts';
import { IconButton } from '../../ui/Button.tsx';
import { JsonView } from '../../ui/JsonView.tsx';
import { Menu, type MenuEntry } from '../../ui/Menu.tsx';
import { EmptyState, Skeleton } from '../../ui/Panels.tsx';
import { Tabs } from '../../ui/Tabs.tsx';

interface DetailPaneProps {
  page: Page;
  route: NonNullable<Route['detail']>;
  title: string;
  /** On hover, where the title is cut. */
  tip?: string;
  loaded: boolean;
  /** Undefined while the list loads, or when the thing is gone. */
  shown:
    | {
        /** Buttons before Delete. */
        actions: ReactNode;
        /** @returns whether it is gone; undefined where it can't be deleted */
        onDelete: (() => Promise<boolean>) | undefined;
        menu: MenuEntry[];
        overview: ReactNode;
        json: unknown;
      }
    | undefined;
}

/** A thing of a list in the pane beside it: what can be done with it, an overview, and what the engine says. */
export function DetailPane({ page, route, title, tip = title, loaded, shown }: DetailPaneProps) {
  const { t } = useTranslation();
  const close = () => navigate({ page });
  return (
    <>
      <header className="detail-head">
        <div className="detail-title">
          <h2 className="truncate" title={tip} data-testid="detail-name">
            <bdi>{title}</bdi>
          </h2>
          {shown && (
            <>
              {shown.actions}
              {shown.onDelete && (
                <IconButton
                  icon={Trash2}
                  tone="danger"
                  name={t('action.delete')}
                  data-testid="detail-delete"
                  onClick={() => void shown.onDelete?.().then((removed) => removed && close())}
                />
              )}
              <Menu
                trigger={<IconButton icon={EllipsisVertical} name={t('action.more')} data-testid="detail-menu" />}
                entries={shown.menu}
              />
            </>
          )}
          <IconButton icon={X} name={t('action.close')} keys="Esc" data-testid="detail-close" onClick={close} />
        </div>
      </header>
      {shown ? (
        <Tabs
          label={t('detail.tabs')}
          value={route.tab === 'json' ? 'json' : 'overview'}
          onChange={(tab) => navigate({ page, detail: { ...route, tab } }, { replace: true })}
          tabs={[
            { id: 'overview', label: t('tab.overview'), body: () => shown.overview },
            {
              id: 'json',
              label: 'JSON',
              body: () => (
                <div className="inspect">
                  <JsonView value={shown.json} />
                </div>
              ),
            },
          ]}
        />
      ) : loaded ? (
        <EmptyState icon={Unplug} title={t('images.gone', { name: title })} />
      ) : (
        <Skeleton rows={6} label={t('loading')} />
      )}
    </>
  );
}
