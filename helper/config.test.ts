import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfigFile, resolveConfig } from './config.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gantry-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const name = path.join(folder, `${Math.random()}.json`);
  writeFileSync(name, text);
  return name;
}

describe('the configuration file', () => {
  it('takes daemon.json keys and fills in the defaults', () => {
    const config = resolveConfig(
      readConfigFile(file('{"bip":"172.30.0.1/16","default-shm-size":"128M","registry-mirrors":["http://127.0.0.1:5000"]}')),
    );
    expect(config.bip).toBe('172.30.0.1/16');
    expect(config.defaultShmSize).toBe(128 * 1024 * 1024);
    expect(config.registryMirrors).toEqual(['http://127.0.0.1:5000']);
    expect(config.logDriver).toBe('json-file');
  });
  it('names an unknown key', () => {
    expect(() => readConfigFile(file('{"colour":"blue"}'))).toThrow(
      "the following directives don't match any configuration option: colour",
    );
  });
  it('names the key whose type is wrong', () => {
    expect(() => readConfigFile(file('{"dns":"1.1.1.1"}'))).toThrow(/dns: /);
  });
  it('says what is wrong with broken JSON and with a missing file', () => {
    expect(() => readConfigFile(file('{'))).toThrow(/invalid JSON/);
    expect(() => readConfigFile(path.join(folder, 'none.json'))).toThrow(/unable to read the configuration file/);
  });
});
