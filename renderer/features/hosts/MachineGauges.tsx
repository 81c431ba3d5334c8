import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { formatMemory, formatSize } from '../../lib/format.ts';
import { Sparkline } from '../../ui/Sparkline.tsx';
import { type MachineView, SAMPLES } from './useMachine.ts';

/** From here on a disk or the memory is nearly full. */
const NEARLY_FULL = 0.9;

const percent = (part: number) => `${Math.round(part * 100)} %`;

/** What the machine uses: processors and memory over the last minutes, disks as they are. */
export function MachineGauges({ view: { samples, none } }: { view: MachineView }) {
  const { t } = useTranslation();
  const last = samples.at(-1);
  if (!last) return none ? <p className="dim machine-none">{t(`machine.none.${none}`)}</p> : <div className="gauges waiting" aria-hidden />;
  const cpu = [...samples].reverse().find((sample) => sample.cpu !== null)?.cpu ?? null;
  const { memory, load, disks, swap } = last;
  const used = memory && (memory.total - memory.available) / memory.total;
  const memoryOver = samples.map((sample) => sample.memory && 1 - sample.memory.available / sample.memory.total);
  const swapUsed = swap ? swap.total - swap.free : 0;
  return (
    <div className="gauges" data-testid="machine">
      <Gauge
        label={t('machine.cpu')}
        value={cpu === null ? '–' : percent(cpu)}
        note={load ? t('machine.load', { load: load.map((n) => n.toFixed(2)).join('  ') }) : ''}
      >
        <Sparkline values={samples.map((sample) => sample.cpu)} room={SAMPLES} label={t('machine.cpuOver')} />
      </Gauge>
      {memory && used !== null && (
        <Gauge
          label={t('host.memory')}
          value={percent(used)}
          full={used >= NEARLY_FULL}
          note={`${t('machine.of', { used: formatMemory(memory.total - memory.available), total: formatMemory(memory.total) })}${
            swapUsed > 0 ? ` · ${t('machine.swap', { used: formatMemory(swapUsed) })}` : ''
          }`}
        >
          <Sparkline values={memoryOver} room={SAMPLES} label={t('machine.memoryOver')} />
        </Gauge>
      )}
      {disks.map(({ path, total, available }) => {
        const part = (total - available) / total;
        return (
          <Gauge
            key={path}
            label={t('machine.disk', { path })}
            value={percent(part)}
            full={part >= NEARLY_FULL}
            note={t('machine.free', { free: formatSize(available), total: formatSize(total) })}
          >
            {/* biome-ignore lint/a11y/useSemanticElements: a <meter> can't be given the colours of the tokens in Chromium */}
            <div
              className="gauge-bar"
              role="meter"
              aria-valuemin={0}
              aria-valuemax={100}
              aria-label={t('machine.disk', { path })}
              aria-valuenow={Math.round(part * 100)}
            >
              <span style={{ width: `${part * 100}%` }} />
            </div>
          </Gauge>
        );
      })}
    </div>
  );
}

function Gauge({
  label,
  value,
  note,
  full,
  children,
}: {
  label: string;
  value: string;
  note: string;
  full?: boolean;
  children: ReactNode;
}) {
  return (
    <section className={`gauge ${full ? 'full' : ''}`} aria-label={label}>
      <div className="gauge-head">
        <span className="truncate" title={label}>
          {label}
        </span>
        <strong className="num">{value}</strong>
      </div>
      {children}
      <span className="gauge-note num truncate" title={note}>
        {note}
      </span>
    </section>
  );
}
