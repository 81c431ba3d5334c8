import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import '../ui/tokens.css';
import '../ui/base.css';
import { Box, Play, Trash2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { startI18n, tr } from '../lib/i18n.ts';
import { Button, IconButton } from '../ui/Button.tsx';
import { Checkbox } from '../ui/Checkbox.tsx';
import { TextField } from '../ui/Field.tsx';
import { FilterField } from '../ui/FilterField.tsx';
import { JsonView } from '../ui/JsonView.tsx';
import { CommandLine, EmptyState, ErrorPanel, Facts } from '../ui/Panels.tsx';
import { Progress } from '../ui/Progress.tsx';
import { Segmented } from '../ui/Segmented.tsx';
import { Select } from '../ui/Select.tsx';
import { Sparkline } from '../ui/Sparkline.tsx';
import { StateBadge } from '../ui/StateBadge.tsx';
import { Tooltip } from '../ui/Tooltip.tsx';

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section style={{ marginBottom: 28 }}>
      <h3 className="dim" style={{ marginBottom: 8 }}>
        {title}
      </h3>
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: 12, alignItems: 'center' }}>{children}</div>
    </section>
  );
}

function Parts() {
  const [text, setText] = useState('web state:exited');
  const [choice, setChoice] = useState('light');
  const [on, setOn] = useState(true);
  return (
    <div style={{ height: '100vh', overflow: 'auto', padding: 32 }}>
      <Group title="Button">
        {(['primary', 'plain', 'ghost', 'danger'] as const).map((tone) => (
          <span key={tone} style={{ display: 'inline-flex', gap: 6 }}>
            <Button tone={tone} icon={Play}>
              {tr('action.run')}
            </Button>
            <Button tone={tone} disabled>
              {tr('action.run')}
            </Button>
            <Button tone={tone} busy>
              {tr('action.run')}
            </Button>
          </span>
        ))}
        <IconButton icon={Play} name={tr('action.start')} keys="S" />
        <IconButton icon={Trash2} name={tr('action.delete')} tone="danger" />
        <IconButton icon={Play} name={tr('action.start')} pressed />
      </Group>
      <Group title="StateBadge">
        {(['running', 'working', 'attention', 'failed', 'idle'] as const).map((tone) => (
          <StateBadge key={tone} tone={tone} text={tone} />
        ))}
        <StateBadge tone="working" text={tr('doing.start')} busy />
      </Group>
      <Group title="Field">
        <div style={{ width: 260 }}>
          <TextField label={tr('column.name')} hint={tr('tag.hint')} value={text} onChange={setText} />
        </div>
        <div style={{ width: 260 }}>
          <TextField label={tr('column.name')} error={tr('run.nameInvalid')} value="-" onChange={() => undefined} />
        </div>
        <div style={{ width: 160 }}>
          <Select
            label="x"
            value={choice}
            onChange={setChoice}
            choices={[
              { value: 'light', label: tr('theme.light') },
              { value: 'dark', label: tr('theme.dark') },
            ]}
          />
        </div>
        <Segmented
          label="x"
          value={choice}
          onChange={setChoice}
          choices={[
            { value: 'light', label: tr('theme.light') },
            { value: 'dark', label: tr('theme.dark') },
          ]}
        />
        <Checkbox checked={on} onChange={setOn} label={tr('run.readOnly')} />
        <FilterField value={text} onChange={setText} placeholder={tr('containers.filter')} />
      </Group>
      <Group title="Sparkline">
        <div style={{ width: 180, color: 'var(--accent)' }}>
          <Sparkline
            values={Array.from({ length: 40 }, (_, i) => (i % 13 === 7 ? null : 0.4 + 0.3 * Math.sin(i / 3)))}
            room={60}
            label="a"
          />
        </div>
        <div style={{ width: 180, color: 'var(--attention)' }}>
          <Sparkline values={Array.from({ length: 60 }, (_, i) => 0.9 + 0.1 * Math.sin(i))} room={60} label="b" />
        </div>
      </Group>
      <Group title="Progress">
        <div style={{ width: 400 }}>
          <Progress label="a" value={0.4} />
          <br />
          <Progress label="b" value={1} tone="done" />
          <br />
          <Progress label="c" value={null} />
        </div>
        <CommandLine command="docker run -d --name web -p 8080:80 nginx" />
      </Group>
      <ErrorPanel title={tr('hostError.permission')} message="connect EACCES /var/run/docker.sock" remedy={tr('hostRemedy.permission')}>
        <Button>{tr('action.retry')}</Button>
      </ErrorPanel>
      <div style={{ display: 'grid', gridTemplateColumns: '1fr 1fr', gap: 24 }}>
        <EmptyState icon={Box} title={tr('start.title')} text={tr('start.text')}>
          <Button tone="primary">{tr('start.run')}</Button>
        </EmptyState>
        <div>
          <Facts
            facts={[
              { label: 'ID', value: <span className="mono">d5ff339643cf</span>, copy: 'x' },
              { label: tr('column.image'), value: 'nginx:1.27' },
            ]}
          />
          <JsonView value={{ a: 1, b: ['x', null, true], c: {} }} />
        </div>
      </div>
      <Tooltip />
    </div>
  );
}

const query = new URLSearchParams(location.search);
document.documentElement.dataset.theme = query.get('theme') === 'dark' ? 'dark' : 'light';
document.documentElement.lang = query.get('lang') === 'zh' ? 'zh-CN' : 'en';
await startI18n(query.get('lang') === 'zh' ? 'zh' : 'en');
const root = document.getElementById('root');
if (root) createRoot(root).render(<Parts />);
