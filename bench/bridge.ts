/** The bridge over mTLS, with its own client, on SoftHSM. */
import { startTestBridge } from '#test/support/bridge.ts';
import { benchAlgorithms } from './algorithms.ts';
import { makeKey } from './keys.ts';
import { type Measurement, measure, warmUp } from './measure.ts';

export const inFlights = [1, 16, 64] as const;

export async function benchBridge(report: (measurement: Measurement) => void): Promise<void> {
  const bridge = await startTestBridge();
  try {
    const client = await bridge.client('admin');
    const aes = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
    const p256 = await makeKey(client, 'ECC_NIST_P256', 'SIGN_VERIFY');
    const rsa = await makeKey(client, 'RSA_2048', 'SIGN_VERIFY');
    const side = { key: aes, algorithm: 'SYMMETRIC_DEFAULT', aad: new Uint8Array(68) } as const;
    const small = new Uint8Array(32).fill(7);
    const large = new Uint8Array(4096).fill(7);
    const sealed = await client.encrypt(side, large);
    await warmUp(64, 10_000, () => client.encrypt(side, small));
    await warmUp(64, 20_000, () => client.encrypt(side, large));
    await warmUp(64, 10_000, () => client.decrypt(side, sealed));
    await warmUp(64, 10_000, () => client.sign(p256, 'ECDSA_SHA_256', 'RAW', small));
    for (const inFlight of inFlights) {
      report(await measure(`bridge/aes-gcm-32/c${inFlight}`, { inFlight }, () => client.encrypt(side, small)));
      report(await measure(`bridge/aes-gcm-4k/c${inFlight}`, { inFlight }, () => client.encrypt(side, large)));
      report(await measure(`bridge/aes-gcm-4k-decrypt/c${inFlight}`, { inFlight }, () => client.decrypt(side, sealed)));
      report(await measure(`bridge/ecdsa-p256/c${inFlight}`, { inFlight }, () => client.sign(p256, 'ECDSA_SHA_256', 'RAW', small)));
      report(await measure(`bridge/rsa-2048-pss/c${inFlight}`, { inFlight }, () => client.sign(rsa, 'RSASSA_PSS_SHA_256', 'RAW', small)));
    }
    await benchAlgorithms(client, side, report);
    // More keys than the cache holds, used in turn: every call checks a binding and unwraps.
    const cold = await startTestBridge({ token: bridge.token, config: { cache: { entriesMax: 64, ttlMs: 60_000 } } });
    try {
      const coldClient = await cold.client('admin');
      const keys = await Promise.all(Array.from({ length: 400 }, () => makeKey(coldClient, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')));
      let next = 0;
      for (const inFlight of inFlights) {
        report(await measure(`bridge/cold-unwrap/c${inFlight}`, { inFlight }, () => coldClient.encrypt({ ...side, key: keys[next++ % keys.length]! }, small)));
      }
    } finally {
      await cold.stop();
    }
  } finally {
    await bridge.stop();
  }
}
