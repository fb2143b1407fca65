import { describe, expect, test } from 'vitest';
import { type ConnectedCrypto, createBridgeCrypto } from '#lambdas/adapters/bridge-crypto.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import { captureLog } from './captured-log.ts';

captureLog();

const secret = (key: string) => JSON.stringify({ ca: 'ca', cert: 'cert', key });

function start(loads: (() => string)[], calls: (() => Uint8Array)[]) {
  const time = { now: 0 };
  const connected: string[] = [];
  let loaded = 0;
  const crypto = createBridgeCrypto({
    loadSecret: async () => loads[Math.min(loaded++, loads.length - 1)]!(),
    connect: ({ key }) => {
      connected.push(key);
      const next = async () => (calls.length > 1 ? calls.shift()! : calls[0]!)();
      return { generateRandom: next, generateKey: next, close: () => undefined } as unknown as ConnectedCrypto;
    },
    now: () => time.now,
  });
  return { crypto, time, connected, loads: () => loaded };
}
const bytes = () => new Uint8Array(4);
const unavailable = () => {
  throw new CryptoError('unavailable', 'no answer');
};

describe('the bridge with certificates from a secret', () => {
  test('reads the secret once for many calls, also when they come together', async () => {
    const { crypto, loads, connected } = start([() => secret('one')], [bytes]);

    await Promise.all([crypto.generateRandom(4), crypto.generateRandom(4), crypto.generateRandom(4)]);

    expect(loads()).toBe(1);
    expect(connected).toEqual(['one']);
  });

  test('repeats a call that the bridge refused, with the certificate that replaced the refused one', async () => {
    const { crypto, time, connected } = start([() => secret('old'), () => secret('new')], [bytes, unavailable, bytes]);
    await crypto.generateRandom(4);

    time.now = 60_000;
    await expect(crypto.generateRandom(4)).resolves.toHaveLength(4);

    expect(connected).toEqual(['old', 'new']);
  });

  test('does not repeat a call when the secret holds the same certificate, or when a key would be made twice', async () => {
    const same = start([() => secret('old')], [bytes, unavailable, bytes]);
    await same.crypto.generateRandom(4);
    same.time.now = 60_000;
    await expect(same.crypto.generateRandom(4)).rejects.toThrow('no answer');

    const makes = start([() => secret('old'), () => secret('new')], [bytes, unavailable, bytes]);
    await makes.crypto.generateRandom(4);
    makes.time.now = 60_000;
    await expect(makes.crypto.generateKey({} as never)).rejects.toThrow('no answer');
    await expect(makes.crypto.generateRandom(4)).resolves.toHaveLength(4);
  });

  test('looks at the secret every half hour, and goes on with what it has when there is none', async () => {
    const { crypto, time, connected, loads } = start([() => secret('old'), () => '', () => secret('new')], [bytes]);
    await crypto.generateRandom(4);

    for (let halfHours = 1; halfHours <= 2; halfHours++) {
      time.now = halfHours * 30 * 60_000;
      await crypto.generateRandom(4);
      await new Promise((resolve) => setImmediate(resolve));
      expect(loads()).toBe(halfHours + 1);
    }

    expect(connected).toEqual(['old', 'new']);
  });

  test('a bridge that stays down does not make every request read the secret', async () => {
    const { crypto, loads, time } = start([() => secret('one')], [unavailable]);

    for (let at = 0; at < 50; at++) {
      time.now += 100;
      await crypto.generateRandom(4).catch(() => undefined);
    }

    expect(loads()).toBeLessThanOrEqual(2);
  });

  test.each([
    ['is missing', () => ''],
    ['is not JSON', () => 'PRIVATE KEY sentinel'],
    ['lacks the key', () => JSON.stringify({ ca: 'a', cert: 'b' })],
  ])('a certificate that %s means that the HSM is unavailable, and nothing of it gets out', async (_, load) => {
    const { crypto } = start([load], [bytes]);

    const error = await crypto.generateRandom(4).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(CryptoError);
    expect((error as CryptoError).code).toBe('unavailable');
    expect(`${String(error)}${String((error as Error).cause)}`).not.toContain('sentinel');
  });

  test('a secret that could not be read is read again by the next call', async () => {
    let fails = true;
    const { crypto } = start([() => (fails ? '' : secret('one'))], [bytes]);
    await crypto.generateRandom(4).catch(() => undefined);

    fails = false;

    await expect(crypto.generateRandom(4)).resolves.toHaveLength(4);
  });
});
