import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuditFile } from '#server/audit/audit-file.ts';
import { createFallbackSink } from '#server/audit/fallback-sink.ts';
import type { AuditRecord } from '#shared/audit/audit-record.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chatelaine-audit-'));
  path = join(folder, 'audit.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const record = (eventId: string): AuditRecord => ({
  format: 1,
  eventId,
  time: '2026-11-23T12:00:00.000Z',
  requestId: `request-of-${eventId}`,
  operation: 'Encrypt',
  protocol: 'aws-json',
  outcome: 'success',
  resources: [],
  parameters: {},
});
const written = (file = path): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as AuditRecord).eventId);

test('an append resolves with the whole line in the file, readable by the owner only', async () => {
  const audit = createAuditFile(path);
  await audit.append(record('a'));
  expect(written()).toEqual(['a']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await audit.close();
});

test('a thousand appends at once are all there, in order, once', async () => {
  const ids = Array.from({ length: 1000 }, (_, at) => `id-${at}`);
  const durable: string[] = [];
  const audit = createAuditFile(path, (each) => durable.push(each.eventId));
  await Promise.all(ids.map((id) => audit.append(record(id))));
  expect(written()).toEqual(ids);
  expect(durable).toEqual(ids);
  await audit.close();
});

test('a repeated event is one line: at once, later, and after a restart', async () => {
  const audit = createAuditFile(path);
  await Promise.all([audit.append(record('a')), audit.append(record('a'))]);
  await audit.append(record('a'));
  await audit.close();
  const restarted = createAuditFile(path);
  await restarted.append(record('b'));
  await restarted.append(record('a'));
  await restarted.close();
  expect(written()).toEqual(['a', 'b']);
});

test('the ten thousand newest events are remembered, and no more', async () => {
  const audit = createAuditFile(path);
  for (const round of [0, 1]) await Promise.all(Array.from({ length: 5001 }, (_, at) => audit.append(record(`${round}-${at}`))));
  const repeated = ['0-0', '0-1', '0-2', '1-5000'];
  for (const id of repeated) await audit.append(record(id));
  const lines = written();
  expect(repeated.map((id) => lines.filter((line) => line === id).length)).toEqual([2, 2, 2, 1]);
  expect(lines).toHaveLength(10_002 + 3);
  await audit.close();
});

test('a full disk rejects the append, and later appends work when there is room again', async () => {
  const audit = createAuditFile('/dev/full');
  await expect(audit.append(record('a'))).rejects.toThrow(/could not be written/);
  expect(audit.problem).toBeDefined();
  await audit.close();
});

test('a folder in place of the file rejects; when it is gone the next append works by itself', async () => {
  mkdirSync(path);
  const audit = createAuditFile(path);
  await expect(audit.append(record('a'))).rejects.toThrow(/EISDIR/);
  rmdirSync(path);
  await audit.append(record('a'));
  expect(written()).toEqual(['a']);
  expect(audit.problem).toBeUndefined();
  await audit.close();
});

test('a file replaced while it is open: nothing is acknowledged that only the unlinked file holds', async () => {
  const audit = createAuditFile(path);
  await audit.append(record('a'));
  renameSync(path, `${path}.1`);
  await audit.append(record('b'));
  expect(written()).toEqual(['b']);
  unlinkSync(path);
  mkdirSync(path);
  await expect(audit.append(record('c'))).rejects.toThrow(/EISDIR/);
  await audit.close();
});

test('a missing folder rejects until it is back', async () => {
  const inside = join(folder, 'audit', 'audit.jsonl');
  mkdirSync(join(folder, 'audit'));
  const audit = createAuditFile(inside);
  await audit.append(record('a'));
  renameSync(join(folder, 'audit'), join(folder, 'away'));
  await expect(audit.append(record('b'))).rejects.toThrow(/ENOENT/);
  renameSync(join(folder, 'away'), join(folder, 'audit'));
  await audit.append(record('b'));
  expect(written(inside)).toEqual(['a', 'b']);
  await audit.close();
});

test('a symbolic link in place of the file is not followed', async () => {
  symlinkSync(join(folder, 'elsewhere'), path);
  const audit = createAuditFile(path);
  await expect(audit.append(record('a'))).rejects.toThrow(/ELOOP/);
  expect(readdirSync(folder)).toEqual(['audit.jsonl']);
  await audit.close();
});

test('a line torn by a crash is set aside and the file stays readable', async () => {
  writeFileSync(path, `${JSON.stringify(record('a'))}\n{"format":1,"eventId":"to`);
  const audit = createAuditFile(path);
  await audit.append(record('b'));
  expect(written()).toEqual(['a', 'b']);
  expect(readFileSync(`${path}.torn`, 'utf8')).toBe('{"format":1,"eventId":"to\n');
  await audit.close();
});

test('lines that somebody else appended stay, and ours follow on a line of their own', async () => {
  const audit = createAuditFile(path);
  await audit.append(record('a'));
  appendFileSync(path, `${JSON.stringify(record('x'))}\n`);
  await audit.append(record('b'));
  expect(written()).toEqual(['a', 'x', 'b']);
  await audit.close();
});

test('closing waits for what was appended and refuses what comes after', async () => {
  const audit = createAuditFile(path);
  const last = audit.append(record('a'));
  await audit.close();
  await last;
  expect(written()).toEqual(['a']);
  await expect(audit.append(record('b'))).rejects.toThrow(/closed/);
});

test('the second sink takes over while the first cannot record, and with both down the append rejects', async () => {
  const second = join(folder, 'second.jsonl');
  mkdirSync(path);
  const sinks = [createAuditFile(path), createAuditFile(second)] as const;
  const audit = createFallbackSink(sinks);
  await audit.append(record('a'));
  expect(written(second)).toEqual(['a']);
  renameSync(second, `${second}.away`);
  mkdirSync(second);
  await expect(audit.append(record('b'))).rejects.toThrow(/No audit sink/);
  for (const sink of sinks) await sink.close();
});
