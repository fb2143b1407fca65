import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addOperation, kebab } from '../../scripts/new-operation.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chatelaine-new-operation-'));
  for (const path of ['shared', 'package.json']) cpSync(path, join(root, path), { recursive: true });
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('npm run new:operation', () => {
  test('writes the operation, its registry line, a test and a changelog fragment, and the registry loads', () => {
    const { written } = addOperation(root, 'GetProbe');

    writeFileSync(join(root, 'print.ts'), "import { operations } from '#shared/operations/index.ts';\nconsole.log(JSON.stringify(operations.map(({ name }) => name)));\n");
    const names = JSON.parse(execFileSync(process.execPath, [join(root, 'print.ts')], { cwd: root, encoding: 'utf8' })) as string[];
    expect(written).toEqual(['shared/operations/get-probe.ts', 'test/unit/operations/get-probe.test.ts', 'changelog/get-probe.md', 'shared/operations/index.ts']);
    expect(names).toContain('GetProbe');
    expect(names).toEqual(names.toSorted());
  });

  test.each(['AAA', 'Zzz'])('puts %s at its end of the list', (name) => {
    addOperation(root, name);

    const lines = readFileSync(join(root, 'shared/operations/index.ts'), 'utf8').split('\n');
    const listed = lines.filter((line) => /^ {2}[A-Z][A-Za-z]+,$/.test(line));
    expect(name === 'AAA' ? listed[0] : listed.at(-1)).toBe(`  ${name},`);
  });

  test.each(['', 'sign', 'Get Key', '../Evil', 'Get-Key'])('refuses the name "%s" and writes nothing', (name) => {
    const before = readFileSync(join(root, 'shared/operations/index.ts'), 'utf8');

    expect(() => addOperation(root, name)).toThrow();

    expect(readFileSync(join(root, 'shared/operations/index.ts'), 'utf8')).toBe(before);
  });

  test('does not write over an operation that is there', () => {
    const before = readFileSync(join(root, 'shared/operations/sign.ts'), 'utf8');

    expect(() => addOperation(root, 'Sign')).toThrow('is there already');

    expect(readFileSync(join(root, 'shared/operations/sign.ts'), 'utf8')).toBe(before);
  });

  test('a name becomes its file', () => {
    expect(kebab('GenerateDataKeyWithoutPlaintext')).toBe('generate-data-key-without-plaintext');
    expect(kebab('ReEncrypt')).toBe('re-encrypt');
  });
});
