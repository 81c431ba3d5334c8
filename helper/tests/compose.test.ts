import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from '../system/process/find-program.ts';
import { BASE, ENGINE, eventually, startEngine, type TestEngine } from './harness.ts';
import { run } from './process.ts';

const FILE = `
version: "2.4"
services:
  web:
    image: ${BASE}
    command: ["sh", "-c", "mkdir -p /www; echo served > /www/index.html; echo up $$WHO; exec httpd -f -p 80 -h /www"]
    environment: {WHO: web}
    volumes: ["kept:/kept"]
    depends_on:
      db: {condition: service_healthy}
  db:
    image: ${BASE}
    command: ["sh", "-c", "echo db; exec sleep 1000"]
    networks: [default, back]
    healthcheck: {test: ["CMD", "true"], interval: 1s}
volumes: {kept: {}}
networks: {back: {}}
`;

/** The first docker-compose, which is a client of docker-py's: what it asks, in its order. */
describe.runIf(findProgram('docker-compose'))(`docker-compose 1 on ${ENGINE}`, { timeout: 90_000 }, () => {
  let engine: TestEngine;
  let file: string;
  beforeAll(async () => {
    engine = await startEngine();
    const folder = path.join(engine.folder, 'project');
    mkdirSync(folder);
    file = path.join(folder, 'docker-compose.yml');
    writeFileSync(file, FILE);
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);
  const compose = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('docker-compose', ['-f', file, '-p', 'project', ...args], { env: engine.env });
    if (code !== 0) throw new Error(`docker-compose ${args.join(' ')}: ${code}: ${stderr}`);
    return stdout;
  };
  const names = async (...args: string[]): Promise<string[]> =>
    (await engine.docker(['ps', '--format', '{{.Names}}', ...args])).stdout.trim().split('\n').filter(Boolean).sort();

  it('up waits for what is depended on; ps, logs and exec', async () => {
    await compose('up', '-d');
    expect(await names()).toEqual(['project_db_1', 'project_web_1']);
    expect(await names('--filter', 'health=healthy')).toEqual(['project_db_1']);
    expect(await compose('ps')).toMatch(/project_db_1 .* Up \(healthy\)[\s\S]*project_web_1 .* Up/);
    const logs = await eventually('both have written', async () => {
      const text = await compose('logs', '--no-color');
      return text.includes('up web') && text;
    });
    expect(logs).toMatch(/web_1 +\| up web/);
    expect(logs).toMatch(/db_1 +\| db/);
    const answer = await eventually('the page is served by name', async () => {
      const page = await run('docker', ['exec', 'project_db_1', 'wget', '-qO-', 'http://web/'], { env: engine.env });
      return page.code === 0 && page.stdout;
    });
    expect(answer).toBe('served\n');
    expect(await compose('exec', '-T', 'web', 'sh', '-c', 'echo $WHO > /kept/file; echo in')).toBe('in\n');
  });

  it('scale, restart and up again leave the others alone', async () => {
    const before = (await engine.docker(['inspect', '-f', '{{.Id}} {{.State.StartedAt}}', 'project_web_1'])).stdout;
    await compose('up', '-d', '--scale', 'db=3');
    await compose('restart', '-t', '0', 'db');
    expect(await names()).toEqual(['project_db_1', 'project_db_2', 'project_db_3', 'project_web_1']);
    await compose('up', '-d', '-t', '0');
    expect(await names()).toEqual(['project_db_1', 'project_web_1']);
    expect((await engine.docker(['inspect', '-f', '{{.Id}} {{.State.StartedAt}}', 'project_web_1'])).stdout).toBe(before);
  });

  it('a recreated container keeps its volume; run is one more', async () => {
    await compose('up', '-d', '-t', '0', '--force-recreate');
    expect(await compose('exec', '-T', 'web', 'cat', '/kept/file')).toBe('web\n');
    expect(await compose('run', '--rm', '--no-deps', 'web', 'echo', 'once')).toContain('once');
    expect(await compose('top')).toContain('httpd');
  });

  it('stop, start and down -v', async () => {
    await compose('stop', '-t', '0');
    expect(await names()).toEqual([]);
    await compose('start');
    expect(await names()).toEqual(['project_db_1', 'project_web_1']);
    await compose('down', '-v', '-t', '0');
    expect(await names('-a')).toEqual([]);
    expect((await engine.docker(['volume', 'ls', '-q'])).stdout).toBe('');
    expect((await engine.docker(['network', 'ls', '-q', '--filter', 'name=project'])).stdout).toBe('');
  });
});
