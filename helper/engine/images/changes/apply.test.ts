import { describe, expect, it } from 'vitest';
import type { ContainerConfig } from '../../../contract/docker/index.ts';
import { applyChanges } from './apply.ts';

const PATH = 'PATH=/bin';
const applied = (...changes: string[]): ContainerConfig => applyChanges({ Env: [PATH, 'B=bee'], Cmd: ['true'] }, changes);

describe('changes of commit and import', () => {
  it('set what their instructions say', () => {
    expect(
      applied(
        'CMD ["a", "b"]',
        'ENTRYPOINT x y',
        'EXPOSE 80 90-91/UDP 8080:70',
        'LABEL a=1 "b c"=\'d e\'',
        'USER alice',
        'VOLUME /a /b',
        'WORKDIR w/../x',
        'STOPSIGNAL SIGINT',
        'ONBUILD RUN  x',
      ),
    ).toEqual({
      Env: [PATH, 'B=bee'],
      Cmd: ['a', 'b'],
      Entrypoint: ['/bin/sh', '-c', 'x y'],
      ExposedPorts: { '80/tcp': {}, '90/udp': {}, '91/udp': {}, '70/tcp': {} },
      Labels: { a: '1', 'b c': 'd e' },
      User: 'alice',
      Volumes: { '/a': {}, '/b': {} },
      WorkingDir: '/x',
      StopSignal: 'SIGINT',
      OnBuild: ['RUN  x'],
    });
  });

  it('an entrypoint takes the command away that was there before, not one that is among the changes', () => {
    expect(applied('ENTRYPOINT ["x"]').Cmd).toBeNull();
    expect(applied('CMD a', 'ENTRYPOINT ["x"]').Cmd).toEqual(['/bin/sh', '-c', 'a']);
  });

  it('a variable keeps its place when it gets another value', () => {
    expect(applied('ENV B=2 C=3', 'ENV D  old form').Env).toEqual([PATH, 'B=2', 'C=3', 'D=old form']);
  });

  it('variables of the environment are replaced, as they were before the line', () => {
    expect(applied('ENV B=new C=$B').Env).toEqual([PATH, 'B=new', 'C=bee']);
    expect(applied('ENV P=$PATH:/x').Env).toContain('P=/bin:/x');
    expect(applied('USER ${NO:-z}:g', 'WORKDIR $B', 'VOLUME /x/$B', 'LABEL a="$B"', 'EXPOSE $NO 80')).toMatchObject({
      User: 'z:g',
      WorkingDir: '/bee',
      Volumes: { '/x/bee': {} },
      Labels: { a: 'bee' },
      ExposedPorts: { '80/tcp': {} },
    });
    // The shell of the container does this.
    expect(applied('CMD echo $B').Cmd).toEqual(['/bin/sh', '-c', 'echo $B']);
  });

  it('lines go on after a backslash, comments are no lines', () => {
    expect(applied('# this\nCMD a \\\n# that\n\n  b', '', '  env X=1 \\\n Y=2')).toMatchObject({
      Cmd: ['/bin/sh', '-c', 'a   b'],
      Env: [PATH, 'B=bee', 'X=1', 'Y=2'],
    });
  });

  it('health checks', () => {
    expect(
      applied('HEALTHCHECK --interval=5s --timeout="3s" --start-period=1m --start-interval=2s --retries=4 CMD curl x').Healthcheck,
    ).toEqual({
      Test: ['CMD-SHELL', 'curl x'],
      Interval: 5e9,
      Timeout: 3e9,
      StartPeriod: 60e9,
      StartInterval: 2e9,
      Retries: 4,
    });
    expect(applied('HEALTHCHECK --retries=0 cmd ["a","b"]').Healthcheck).toEqual({ Test: ['CMD', 'a', 'b'] });
    expect(applied('HEALTHCHECK none').Healthcheck).toEqual({ Test: ['NONE'] });
  });

  it.each([
    ['', 'file with no instructions'],
    ['#', 'file with no instructions'],
    ['Run x', 'Run is not a valid change command'],
    ['SHELL ["x"]', 'SHELL is not a valid change command'],
    ['CMD --x y', 'unknown flag: --x'],
    ['CMD [1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['ENV', 'ENV requires at least one argument'],
    ['ENV x', 'ENV must have two arguments'],
    ['ENV =x', 'ENV names can not be blank'],
    ['ENV a=b c', `Syntax error - can't find = in "c". Must be of the form: name=value`],
    ['LABEL a', 'LABEL must have two arguments'],
    ['USER', 'USER requires exactly one argument'],
    ['WORKDIR', 'WORKDIR requires exactly one argument'],
    ['WORKDIR $NO', 'cannot normalize nothing'],
    ['VOLUME []', 'VOLUME requires at least one argument'],
    ['VOLUME $NO', 'VOLUME specified can not be an empty string'],
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    ['EXPOSE 99999', 'invalid containerPort: 99999'],
    ['EXPOSE 80/x', 'invalid proto: x'],
    ['STOPSIGNAL BAD', 'invalid signal: BAD'],
    ['ONBUILD ONBUILD RUN x', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['ONBUILD from x', "FROM isn't allowed as an ONBUILD trigger"],
    ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
    ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK FOO x', 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK NONE x', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK --bogus=1 CMD x', 'unknown flag: --bogus'],
    ['HEALTHCHECK --interval=x CMD a', 'time: invalid duration "x"'],
    ['HEALTHCHECK --interval=1us CMD a', 'Interval "interval" cannot be less than 1ms'],
    ['HEALTHCHECK --retries=-1 CMD a', '--retries cannot be negative (-1)'],
    ['USER ${B', `failed to process "\${B": unsupported modifier () in substitution`],
  ])('%j is refused: %s', (change, message) => {
    expect(() => applied(change)).toThrow(message);
  });
});
