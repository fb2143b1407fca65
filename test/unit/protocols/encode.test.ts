import { describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { encodeOutput } from '#shared/protocols/encode.ts';
import { RestRoutes } from '#shared/protocols/rest-routes.ts';

describe('answers on the wire', () => {
  test('bytes are base64, times are epoch seconds, absent members are absent', () => {
    const output = { bytes: Buffer.from('hello'), at: new Date(1_500), list: [{ deep: new Uint8Array([1]) }], no: undefined, text: 'x', flag: false, zero: 0, empty: '' };

    expect(JSON.stringify(encodeOutput(output))).toBe('{"bytes":"aGVsbG8=","at":1.5,"list":[{"deep":"AQ=="}],"text":"x","flag":false,"zero":0,"empty":""}');
  });

  test('a view into a larger buffer shows only its own bytes', () => {
    const shared = Buffer.from('secret-public-secret');

    expect(encodeOutput({ part: shared.subarray(7, 13) })).toEqual({ part: Buffer.from('public').toString('base64') });
  });
});

describe('REST routes', () => {
  const routes = new RestRoutes(operations);

  test.each(operations.map((operation) => [operation.name, operation] as const))('%s is found by its own path', (name, { http }) => {
    const match = routes.match(http.method, http.path.replaceAll(/\{[A-Za-z]+\}/g, 'alias%2Fsome'));

    expect(match?.operation.name).toBe(name);
    for (const value of Object.values(match!.pathMembers)) expect(value).toBe('alias/some');
  });

  test.each([
    ['GET', '/v1/keys/a/nothing'],
    ['TRACE', '/v1/keys'],
    ['GET', '/v1'],
    ['GET', '/v1/keys//tags'],
    ['GET', '/v1/keys/%E0%A4%A'],
    ['get', '/v1/keys'],
  ])('%s %s is no route', (method, path) => {
    expect(routes.match(method, path)).toBeUndefined();
  });

  test('one slash at the end changes nothing', () => {
    expect(routes.match('GET', '/v1/keys/')?.operation.name).toBe('ListKeys');
  });
});
