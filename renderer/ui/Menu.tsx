import type { LucideIcon } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { ReactNode } from 'react';
import { Kbd } from './Kbd.tsx';
import './menu.css';

export type MenuEntry =
  | {
      id: string;
      label: string;
      icon?: LucideIcon;
      keys?: string;
      danger?: boolean;
      disabled?: boolean;
      checked?: boolean;
      swatch?: string;
      run: () => void;
    }
  | { id: string; label: string; icon?: LucideIcon; entries: MenuEntry[] }
  | { id: string; separator: true }
  | { id: string; heading: string };

function Entries({ entries }: { entries: MenuEntry[] }) {
  return entries.map((entry) => {
    if ('separator' in entry) return <DropdownMenu.Separator key={entry.id} className="menu-separator" />;
    if ('heading' in entry) {
      return (
        <DropdownMenu.Label key={entry.id} className="menu-heading">
          {entry.heading}
        </DropdownMenu.Label>
      );
    }
    const Icon = entry.icon;
    if ('entries' in entry) {
      return (
        <DropdownMenu.Sub key={entry.id}>
          <DropdownMenu.SubTrigger className="menu-item">
            <span className="menu-icon">{Icon && <Icon size={15} strokeWidth={1.8} aria-hidden />}</span>
            {entry.label}
            <span className="menu-arrow" aria-hidden>
              ›
            </span>
          </DropdownMenu.SubTrigger>
          <DropdownMenu.Portal>
            <DropdownMenu.SubContent className="menu" sideOffset={4}>
              <Entries entries={entry.entries} />
            </DropdownMenu.SubContent>
          </DropdownMenu.Portal>
        </DropdownMenu.Sub>
      );
    }
    const inside = (
      <>
        <span className="menu-icon">
          {entry.swatch ? (
            <span className="swatch" style={{ background: entry.swatch }} />
          ) : (
            Icon && <Icon size={15} strokeWidth={1.8} aria-hidden />
          )}
        </span>
        <span className="truncate">{entry.label}</span>
        {entry.checked && (
          <span className="menu-check" aria-hidden>
            ✓
          </span>
        )}
        {entry.keys && <Kbd keys={entry.keys} />}
      </>
    );
    const props = {
      className: `menu-item ${entry.danger ? 'danger' : ''}`,
      disabled: entry.disabled ?? false,
      onSelect: entry.run,
      'data-testid': `menu-${entry.id}`,
    };
    return entry.checked === undefined ? (
      <DropdownMenu.Item key={entry.id} {...props}>
        {inside}
      </DropdownMenu.Item>
    ) : (
      <DropdownMenu.CheckboxItem key={entry.id} checked={entry.checked} {...props}>
        {inside}
      </DropdownMenu.CheckboxItem>
    );
  });
}

/** A menu that opens from its trigger. */
export function Menu({ trigger, entries, align = 'end' }: { trigger: ReactNode; entries: MenuEntry[]; align?: 'start' | 'end' }) {
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align={align} sideOffset={4} collisionPadding={8}>
          <Entries entries={entries} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** A menu at a point of the window: right click, and the ⋮ of a row. */
export function MenuAt({
  at,
  entries,
  onClose,
  label,
}: {
  at: { x: number; y: number } | null;
  entries: MenuEntry[];
  onClose: () => void;
  label: string;
}) {
  if (!at) return null;
  return (
    <DropdownMenu.Root
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <DropdownMenu.Trigger asChild>
        <span aria-hidden style={{ position: 'fixed', left: at.x, top: at.y, width: 1, height: 1 }} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu"
          align="start"
          sideOffset={2}
          collisionPadding={8}
          aria-label={label}
          onCloseAutoFocus={(e) => e.preventDefault()}
        >
          <Entries entries={entries} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
