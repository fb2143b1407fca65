/**
 * npm run new:operation -- GetKeyLastUsage: writes the operation's file, its line in the registry, a first test and a changelog fragment.
 * What is left to decide stands in the output; the contract tests name whatever is forgotten.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface NewOperation {
  readonly written: readonly string[];
}

/** @throws Error when the name is not one of an operation, or is taken */
export function addOperation(root: string, name: string): NewOperation {
  if (!/^[A-Z][A-Za-z]{2,62}$/.test(name)) throw new Error(`${JSON.stringify(name)} is not the name of an operation: write it as AWS does, GetKeyLastUsage.`);
  const file = kebab(name);
  const files: Record<string, string> = {
    [`shared/operations/${file}.ts`]: operationText(name, file),
    [`test/unit/operations/${file}.test.ts`]: testText(name),
    [`changelog/${file}.md`]: `Added: ${name}.\n`,
  };
  for (const path of Object.keys(files)) if (existsSync(join(root, path))) throw new Error(`${path} is there already.`);
  const registryPath = join(root, 'shared/operations/index.ts');
  const registry = addToRegistry(readFileSync(registryPath, 'utf8'), name, file);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  writeFileSync(registryPath, registry);
  return { written: [...Object.keys(files), 'shared/operations/index.ts'] };
}

export const kebab = (name: string): string => name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();

function addToRegistry(text: string, name: string, file: string): string {
  const withImport = insertSorted(text, /^import \{ ([A-Za-z]+) \} from '\.\/[a-z-]+\.ts';$/, `import { ${name} } from './${file}.ts';`, name);
  return insertSorted(withImport, /^ {2}([A-Z][A-Za-z]+),$/, `  ${name},`, name);
}

/** Before the first line of the kind whose name comes later. */
function insertSorted(text: string, kind: RegExp, line: string, name: string): string {
  const lines = text.split('\n');
  const places = lines.flatMap((existing, at) => {
    const found = kind.exec(existing)?.[1];
    return found === undefined ? [] : [{ found, at }];
  });
  if (places.length === 0) throw new Error('shared/operations/index.ts does not look like the registry.');
  const later = places.find(({ found }) => found > name);
  lines.splice(later?.at ?? places.at(-1)!.at + 1, 0, line);
  return lines.join('\n');
}

function operationText(name: string, file: string): string {
  return `/** ${name}: say here what it does and what is easily misunderstood. AWS KMS API Reference, ${name}. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { defineOperation } from '#shared/operation.ts';

export const ${name} = defineOperation({
  name: '${name}',
  group: 'Keys',
  summary: 'One sentence for the docs.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/${file}' },
  input: z.object({ KeyId: keyId() }),
  output: z.object({ KeyId: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: [],
  errors: [],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    return { KeyId: ctx.keys.key.arn };
  },
});
`;
}

function testText(name: string): string {
  return `import { afterAll, describe, expect, test } from 'vitest';
import { startInProcess } from '#test/support/in-process.ts';

describe('${name}', () => {
  const app = startInProcess();
  afterAll(() => app.close());

  test('404 NotFoundException: the key does not exist', async () => {
    const answer = await app.call('${name}', { KeyId: 'aaaaaaaa-0000-0000-0000-000000000000' });

    expect(answer.code).toBe('NotFoundException');
  });
});
`;
}

if (import.meta.main) {
  try {
    const { written } = addOperation(join(import.meta.dirname, '..'), process.argv[2] ?? '');
    for (const path of written) console.log(`wrote ${path}`);
    console.log(`
Next:
  1. Fill in the operation's file, and its test.
  2. Give it a row in shared/keys/state-table.ts (and the expected one in test/contract/data/key-states.ts), if it names a key.
  3. Give it a good request in test/support/sample-requests.ts, and a way to each error in test/contract/errors.test.ts.
  4. npm run fix && npm run generate && npm test`);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
