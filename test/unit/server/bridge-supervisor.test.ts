import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BridgeSupervisor, superviseBridge } from '#server/bridge/bridge-supervisor.ts';

let folder: string;
let supervisor: BridgeSupervisor;
let lines: Record<string, unknown>[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chatelaine-supervisor-'));
  lines = [];
});
afterEach(async () => {
  await supervisor.stop(0);
  rmSync(folder, { recursive: true });
});

const supervise = (script: string): BridgeSupervisor => {
  supervisor = superviseBridge({
    command: process.execPath,
    args: ['-e', script],
    environment: process.env,
    log: (line) => lines.push({ ...line }),
    firstPauseMs: 1,
    pauseMaxMs: 4,
  });
  return supervisor;
};
const ready = `console.log(JSON.stringify({ event: 'ready', port: 1, healthPort: 2 })); setInterval(() => {}, 1000);`;

async function eventually(look: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!look()) {
    if (Date.now() > deadline) throw new Error('it did not come true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a ready bridge is ready, with the health port that it said', async () => {
  expect(await supervise(ready).whenReady(20_000)).toBe(true);
  expect([supervisor.state, supervisor.healthPort]).toEqual(['ready', 2]);
});

test('a bridge that ends is started again until it is ready, with growing pauses up to the limit', async () => {
  const counter = join(folder, 'starts');
  writeFileSync(counter, '');
  const script = `const fs = require('node:fs'); fs.appendFileSync(${JSON.stringify(counter)}, 'x'); if (fs.readFileSync(${JSON.stringify(counter)}).length < 5) process.exit(71); ${ready}`;
  expect(await supervise(script).whenReady(20_000)).toBe(true);
  expect(readFileSync(counter, 'utf8')).toBe('xxxxx');
  expect(lines.filter((line) => line.event === 'bridge-exited').map((line) => [line.code, line.restartInMs])).toEqual([
    [71, 1],
    [71, 2],
    [71, 4],
    [71, 4],
  ]);
});

test('a killed bridge is down at once and ready again by itself', async () => {
  await supervise(ready).whenReady(20_000);
  const first = supervisor.pid!;
  process.kill(first, 'SIGKILL');
  await eventually(() => supervisor.state === 'ready' && supervisor.pid !== undefined && supervisor.pid !== first);
  expect(lines.some((line) => line.event === 'bridge-exited' && line.signal === 'SIGKILL')).toBe(true);
});

test('waiting for a bridge that does not get ready ends with the time', async () => {
  expect(await supervise('setInterval(() => {}, 1000)').whenReady(50)).toBe(false);
});

test('a command that cannot be run is tried again and does not throw', async () => {
  supervisor = superviseBridge({ command: join(folder, 'nothing'), args: [], environment: process.env, log: (line) => lines.push({ ...line }), firstPauseMs: 1, pauseMaxMs: 4 });
  await eventually(() => lines.filter((line) => line.event === 'bridge-exited').length > 2);
});

test('stopping ends it for good, also when it does not listen', async () => {
  await supervise(`process.on('SIGTERM', () => {}); ${ready}`).whenReady(20_000);
  const { pid } = supervisor;
  await supervisor.stop(10);
  expect(supervisor.state).toBe('stopped');
  expect(() => process.kill(pid!, 0)).toThrow();
});

test('output that is no JSON line is kept as text', async () => {
  await supervise(`console.log('hello'); ${ready}`).whenReady(20_000);
  expect(lines).toContainEqual({ event: 'output', text: 'hello', component: 'bridge' });
});
