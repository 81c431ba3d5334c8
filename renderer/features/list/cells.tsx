import { formatAgo, formatExact } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { useNow } from '../../lib/now.ts';
import './cells.css';

/** How long ago; the moment itself on hover. @param at Unix time, 0 or less where it is not known */
export function Created({ at }: { at: number }) {
  const now = useNow();
  if (at <= 0) return <span className="dim">–</span>;
  return (
    <span className="dim truncate" data-tip={formatExact(at)}>
      {formatAgo(at, now)}
    </span>
  );
}

/** `NAME=VALUE` each. */
export function Labels({ labels }: { labels: string[] }) {
  return (
    <span className="mono dim truncate" data-tip={labels.length > 0 ? labels.join('\n') : undefined}>
      {labels.join(' ')}
    </span>
  );
}

interface UsersProps<U extends { name: string }> {
  /** One at least. */
  users: [U, ...U[]];
  /** What the button for all of them does. */
  allLabel: string;
  /** Of the buttons, without and with an s. */
  testId: string;
  onOpen: (user: U) => void;
  onOpenAll: () => void;
}

/** The first container that uses something; a click goes there, one on the rest to the list of them all. */
export function Users<U extends { name: string }>({ users, allLabel, testId, onOpen, onOpenAll }: UsersProps<U>) {
  const [first, ...rest] = users;
  return (
    <span className="row-users">
      <button
        type="button"
        className="link truncate"
        tabIndex={-1}
        data-testid={testId}
        data-tip={tr('volumes.openUser', { name: first.name })}
        onClick={(event) => {
          event.stopPropagation();
          onOpen(first);
        }}
      >
        {first.name}
      </button>
      {rest.length > 0 && (
        <button
          type="button"
          className="link"
          tabIndex={-1}
          data-testid={`${testId}s`}
          data-tip={users.map(({ name }) => name).join('\n')}
          aria-label={`+${rest.length} ${allLabel}`}
          onClick={(event) => {
            event.stopPropagation();
            onOpenAll();
          }}
        >
          +{rest.length}
        </button>
      )}
    </span>
  );
}
