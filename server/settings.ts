/** What the environment says. Everything has a default: `npm start` needs none of it. */
import { isAbsolute, join, resolve } from 'node:path';
import { configuredAttestationRoots } from '#shared/attestation/trusted-roots.ts';

export interface Settings {
  readonly dataDir: string;
  readonly host: string;
  /** 0 lets the system pick one. */
  readonly port: number;
  readonly partition: string;
  /** SHA-256 fingerprints of the roots whose attestation documents are believed. */
  readonly attestationRoots: readonly string[];
  /** Folder of the second audit file. None by default: requests are then refused while the first cannot be written. */
  readonly auditFallbackDir: string | undefined;
  readonly sweepSeconds: number;
  readonly requestTimeoutMs: number;
  /** How often the bridge tells its numbers. */
  readonly metricsSeconds: number;
  readonly pkcs11Module: string | undefined;
  /** Worker threads of the bridge that call the HSM. */
  readonly bridgeWorkers: number;
}

export class SettingInvalid extends Error {
  override readonly name = 'SettingInvalid';
}

/** @throws SettingInvalid */
export function readSettings(environment: Readonly<Record<string, string | undefined>>, workingDir: string): Settings {
  const text = (name: string): string | undefined => (environment[name] === '' ? undefined : environment[name]);
  const number = (name: string, fallback: number, min: number, max: number): number => {
    const given = text(name);
    const value = given === undefined ? fallback : /^[0-9]+(?:\.[0-9]+)?$/.test(given) ? Number(given) : Number.NaN;
    if (!(value >= min && value <= max)) throw new SettingInvalid(`${name} must be a number from ${min} to ${max}, not '${given}'.`);
    return value;
  };
  const folder = (name: string): string | undefined => {
    const given = text(name);
    return given === undefined || isAbsolute(given) ? given : resolve(workingDir, given);
  };
  const port = number('CHATELAINE_PORT', 4599, 0, 65_535);
  if (!Number.isInteger(port)) throw new SettingInvalid('CHATELAINE_PORT must be a whole number.');
  return {
    dataDir: folder('CHATELAINE_DATA') ?? join(workingDir, '.chatelaine'),
    host: '127.0.0.1',
    port,
    partition: text('CHATELAINE_PARTITION') ?? 'aws',
    attestationRoots: attestationRoots(text('CHATELAINE_ATTESTATION_ROOTS')),
    auditFallbackDir: folder('CHATELAINE_AUDIT_FALLBACK'),
    sweepSeconds: number('CHATELAINE_SWEEP_SECONDS', 15, 0.05, 86_400),
    requestTimeoutMs: Math.round(number('CHATELAINE_REQUEST_TIMEOUT_SECONDS', 15, 0.1, 600) * 1000),
    metricsSeconds: number('CHATELAINE_METRICS_SECONDS', 10, 0.05, 300),
    pkcs11Module: text('CHATELAINE_PKCS11_MODULE'),
    bridgeWorkers: Math.round(number('CHATELAINE_BRIDGE_WORKERS', 2, 1, 64)),
  };
}

function attestationRoots(list: string | undefined): readonly string[] {
  try {
    return configuredAttestationRoots(list);
  } catch (error) {
    throw new SettingInvalid((error as Error).message);
  }
}
