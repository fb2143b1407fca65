/** What the task definitions expect of the image, and what its Dockerfile makes. There is no Docker here: the text is all there is to look at. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { imageUser, writable } from '#cdk/constructs/bridge-image.ts';
import { programs } from '#lambdas/cloudhsm/cloudhsm-programs.ts';
import { entrypoints } from '../../scripts/bundle.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'hsm-bridge/image');
const text = readFileSync(join(folder, 'Dockerfile'), 'utf8').replaceAll('\\\n', '');
const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const instructions = (name: string) => lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
const last = lines.slice(lines.lastIndexOf('FROM base') + 1);

describe('the image of the bridge', () => {
  test('is built from digests that somebody has to give, and from nothing that has a default', () => {
    const stages = new Set(instructions('FROM').flatMap((from) => / AS (\w+)$/.exec(from)?.[1] ?? []));
    for (const from of instructions('FROM').map((line) => line.split(' ')[0]!)) if (!stages.has(from)) expect(from).toMatch(/@\$\{[A-Z]+_DIGEST\}$/);
    expect(instructions('ARG').filter((argument) => argument.includes('='))).toEqual([]);
  });

  test('takes each package of the CloudHSM client only with its SHA-256', () => {
    const [download] = instructions('RUN').filter((command) => command.includes('curl'));
    const files = [...download!.matchAll(/--output (\S+)/g)].map((match) => match[1]);

    expect(files).toHaveLength(2);
    for (const file of files) expect(download).toMatch(new RegExp(`echo "\\$[A-Z0-9_]+_SHA256  ${file}" \\| sha256sum --check --strict`));
    expect(download).not.toContain('http:');
  });

  test('belongs to nobody, and owns and keeps as volumes exactly what its tasks may write to', () => {
    const paths = Object.values(writable);

    expect(last.filter((line) => line.startsWith('USER '))).toEqual([`USER ${imageUser}`]);
    expect(last).toContain(`VOLUME ${JSON.stringify(paths).replaceAll(',', ', ')}`);
    expect(last.join('\n')).toContain(`chown -R ${imageUser} ${paths.join(' ')}`);
  });

  test('has the programs that its tasks start', () => {
    expect(last).toContain(`COPY --from=packages /app/ceremony ${programs.ceremony.replace('/app/', '')}`);
    expect(last).toContain('COPY dist/lambda/hsm-administrator.mjs lambda/hsm-administrator.mjs');
    expect(entrypoints).toContain('hsm-administrator');
    for (const program of ['start.ts', 'livez.ts']) expect(existsSync(join(folder, program))).toBe(true);
    expect(last.at(-1)).toBe('ENTRYPOINT ["/usr/local/bin/node", "/app/hsm-bridge/image/start.ts"]');
  });

  test('gets from the builder what it copies, and nothing else', () => {
    const allowed = readFileSync(join(folder, 'Dockerfile.dockerignore'), 'utf8').trim().split('\n');
    const copied = instructions('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1));

    expect(allowed[0]).toBe('*');
    const roots = allowed.slice(1).map((line) => line.replace(/^!/, '').replace(/\/\*\*$/, ''));
    expect(copied.filter((path) => !roots.some((allowedRoot) => path === allowedRoot || path.startsWith(`${allowedRoot}/`)))).toEqual([]);
    expect(roots.filter((allowedRoot) => !copied.some((path) => path === allowedRoot || path.startsWith(`${allowedRoot}/`)))).toEqual([]);
  });
});
