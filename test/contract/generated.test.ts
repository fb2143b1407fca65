import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { generatedFiles } from '../../scripts/generate.ts';

describe('generated files', () => {
  test.each([...generatedFiles()])('%s is what npm run generate would write', (path, text) => {
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test('the operations page has a row for every operation', () => {
    const page = generatedFiles().get('docs/operations.md')!;

    for (const { name } of operations) expect(page).toContain(`**${name}**`);
  });

  test('the OpenAPI document has every route, and signs every one', () => {
    const document = JSON.parse(generatedFiles().get('docs/api/openapi.json')!) as { paths: Record<string, Record<string, { operationId: string; security: unknown[] }>> };

    const routes = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, route]) => ({ path, method, ...route })));
    for (const { name, http } of operations) expect(routes).toContainEqual(expect.objectContaining({ operationId: name, path: http.path, method: http.method.toLowerCase() }));
    for (const route of routes) expect(route.security, route.operationId).toEqual([{ sigv4: [] }]);
  });
});
