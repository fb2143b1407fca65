/** The bridge in front of an HSM that is 2 ms away: does the worker pool hide the latency? */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { startTestBridge } from '#test/support/bridge.ts';
import { softhsmPath } from '#test/support/token.ts';
import { inFlights } from './bridge.ts';
import { makeKey } from './keys.ts';
import { type Measurement, measure, warmUp } from './measure.ts';

const latencyUs = '2000';
const workers = 64;
/** By then a worker has compiled what it runs. */
const callsPerWorker = 800;

export async function benchLatency(report: (measurement: Measurement) => void): Promise<void> {
  const environment = { SHIM_MODULE: softhsmPath, LATENCY_US: latencyUs };
  const bridge = await startTestBridge({ hsm: { modulePath: compileShim(), environment }, config: { workers: { fast: workers, slow: 1 } } });
  try {
    const client = await bridge.client('admin', { maxSockets: 256 });
    const aes = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
    const p256 = await makeKey(client, 'ECC_NIST_P256', 'SIGN_VERIFY');
    const side = { key: aes, algorithm: 'SYMMETRIC_DEFAULT', aad: new Uint8Array(68) } as const;
    const small = new Uint8Array(32).fill(7);
    const encrypt = () => client.encrypt(side, small);
    const sign = () => client.sign(p256, 'ECDSA_SHA_256', 'RAW', small);
    await warmUp(128, callsPerWorker * workers, encrypt);
    await warmUp(128, callsPerWorker * workers, sign);
    for (const inFlight of [...inFlights, 128]) {
      report(await measure(`bridge-2ms/aes-gcm-32/c${inFlight}`, { inFlight }, encrypt));
      report(await measure(`bridge-2ms/ecdsa-p256/c${inFlight}`, { inFlight }, sign));
    }
  } finally {
    await bridge.stop();
  }
}

function compileShim(): string {
  const cache = resolve(import.meta.dirname, '../.cache');
  mkdirSync(cache, { recursive: true });
  const library = join(cache, 'latency-shim.so');
  const includes = join(dirname(createRequire(import.meta.url).resolve('pkcs11js/package.json')), 'includes');
  execFileSync(process.env.CC ?? 'cc', ['-O2', '-shared', '-fPIC', '-o', library, '-I', includes, join(import.meta.dirname, 'latency-shim.c'), '-ldl']);
  return library;
}
