import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sourceFiles } from './import-graph.ts';

const lineLimit = 250;
/** Longer files, and why that is right for them. */
const longFiles: Readonly<Record<string, string>> = {};
const tests = globSync('test/**/*.ts').toSorted();
const scripts = globSync('scripts/**/*.mjs').toSorted();
const all = [...sourceFiles(), ...scripts, ...tests];

describe('files', () => {
  test('are called after what they export, in kebab case, and never "utils" or the like', () => {
    for (const file of all) {
      expect(basename(file), file).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.(ts|mjs)$/);
      expect(file).not.toMatch(/(^|[/-])(utils?|helpers?|common|managers?|misc)([/.-]|$)/);
    }
  });

  test(`have at most ${lineLimit} lines, but for tests that are tables of cases and the listed ones`, () => {
    const long = all.filter((file) => !file.endsWith('.test.ts') && readFileSync(file, 'utf8').split('\n').length > lineLimit + 1);

    expect(long.filter((file) => !(file in longFiles))).toEqual([]);
    for (const file of Object.keys(longFiles)) expect(long, 'is not too long any more').toContain(file);
  });

  test('export by name, without defaults and without re-exporting whole files', () => {
    const offenders = sourceFiles().filter((file) => /^export (default|\*)/m.test(readFileSync(file, 'utf8')));

    expect(offenders).toEqual([]);
  });

  test('hold no enum, namespace or parameter property: Node runs them as they are', () => {
    const offenders = sourceFiles().filter((file) => /^\s*(export )?(const )?enum |^\s*(export )?namespace /m.test(readFileSync(file, 'utf8')));

    expect(offenders).toEqual([]);
  });

  test('begin with what they are for', () => {
    const silent = sourceFiles().filter((file) => /^shared\/(operations|pipeline|repositories|protocols|sweeps)\//.test(file) && !/^\/\*\*/.test(readFileSync(file, 'utf8')));

    expect(silent).toEqual([]);
  });
});

describe('the repository', () => {
  test('tracks nothing that is installed or built', () => {
    // Without a repository around it (an unpacked archive) nothing is tracked.
    const tracked = existsSync('.git') ? execFileSync('git', ['ls-files', '--', 'node_modules', 'dist', '.tsbuild', '.cache', '.chatelaine', 'cdk.out'], { encoding: 'utf8' }) : '';

    expect(tracked).toBe('');
  });
});

describe('tests', () => {
  test('none is skipped, focused, to do, or replaces a module', () => {
    const words = ['skip', 'only', 'todo', 'skipIf', 'runIf', 'fails'].join('|');
    const forbidden = new RegExp(`\\b(test|it|describe)\\.(${words})\\b|\\bvi\\.(mock|doMock)\\(`);

    expect(tests.filter((file) => forbidden.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});
