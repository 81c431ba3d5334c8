import { type ReactNode, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../helper/contract/docker/index.ts';
import type { Explanation } from '../../lib/explain.ts';
import { quoteWords } from '../../lib/words.ts';
import { emptySpec, parseRun, type RunSpec, splitWords } from './command.ts';
import { type Problem, type Problems, validate } from './validate.ts';

type ListName = 'ports' | 'env' | 'mounts';
export type Refusal = Explanation & {
  /** The field that it is about. */
  field: string | undefined;
};

/** What is in the form, what is wrong with it, and how its fields change it. */
export interface RunForm {
  spec: RunSpec;
  set: (change: Partial<RunSpec>) => void;
  row: <K extends ListName>(list: K, i: number, change: Partial<RunSpec[K][number]>) => void;
  drop: (list: ListName, i: number) => void;
  /** The command as it was typed, quotes and all. */
  commandText: string;
  setCommand: (text: string) => void;
  problems: Problems;
  /** A field was left: what is missing there may be said. */
  touch: (field: string) => void;
  /** The form was sent: what is missing anywhere may be said. */
  tryOut: () => void;
  /** A field's problem in words, once it makes sense to say it. */
  error: (field: string, fix?: (value: string) => void) => ReactNode;
  /** What the engine said against it. */
  refusal: Refusal | null;
  setRefusal: (refusal: Refusal | null) => void;
  /** Takes a `docker run` line. @returns false when it is none */
  paste: (text: string) => boolean;
  /** Options of the pasted line that the form does not know. */
  ignored: string[];
  /** The fields that few need are shown. */
  more: boolean;
  showMore: () => void;
}

const usesMore = ({ entrypoint, user, workdir, hostname }: RunSpec): boolean => Boolean(entrypoint || user || workdir || hostname);

export function useRunForm(image: string | undefined, line: string | undefined, containers: ContainerSummary[] | undefined): RunForm {
  const { t } = useTranslation();
  const [spec, setSpec] = useState<RunSpec>(() => ({
    ...structuredClone(emptySpec),
    image: image ?? '',
    ...(line ? parseRun(line).spec : {}),
  }));
  const [commandText, setCommandText] = useState(() => quoteWords(spec.command));
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [tried, setTried] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [ignored, setIgnored] = useState<string[]>([]);
  const [more, setMore] = useState(false);
  const problems = useMemo(() => validate(spec, containers ?? []), [spec, containers]);
  const set = (change: Partial<RunSpec>) => {
    setSpec((now) => ({ ...now, ...change }));
    setRefusal(null);
  };
  return {
    spec,
    set,
    row: (list, i, change) => set({ [list]: spec[list].map((item, n) => (n === i ? { ...item, ...change } : item)) } as Partial<RunSpec>),
    drop: (list, i) => set({ [list]: (spec[list] as unknown[]).filter((_, n) => n !== i) } as Partial<RunSpec>),
    commandText,
    setCommand: (text) => {
      setCommandText(text);
      set({ command: splitWords(text) });
    },
    problems,
    touch: (field) => setTouched((now) => new Set(now).add(field)),
    tryOut: () => setTried(true),
    error: (field, fix) => {
      if (refusal?.field === field) return refusal.remedy ? `${refusal.message} ${refusal.remedy}` : refusal.message;
      const problem: Problem | undefined = problems[field];
      // What is held or wrong is said while typing; what is only missing, after the field was left or the form sent.
      if (!problem || (problem.key.endsWith('Missing') && !tried && !touched.has(field))) return undefined;
      return (
        <>
          {t(`run.${problem.key}`, problem.values ?? {})}{' '}
          {problem.fix !== undefined && fix && (
            <button type="button" className="fix" onClick={() => fix(problem.fix ?? '')}>
              {t('run.use', { value: problem.fix })}
            </button>
          )}
        </>
      );
    },
    refusal,
    setRefusal,
    paste: (text) => {
      try {
        const parsed = parseRun(text);
        setSpec(parsed.spec);
        setCommandText(quoteWords(parsed.spec.command));
        setIgnored(parsed.ignored);
        setRefusal(null);
        if (usesMore(parsed.spec)) setMore(true);
        return true;
      } catch {
        return false;
      }
    },
    ignored,
    more,
    showMore: () => setMore(true),
  };
}
