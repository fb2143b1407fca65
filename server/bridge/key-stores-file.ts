/**
 * key-stores.json in the data directory: the bridges that custom key stores can name, beside the node's own. Read at the start; a mistake in it is a
 * mistake of the person who starts the server, and is said before anything is served.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import type { BridgeClientOptions } from '#bridge/client/bridge-client.ts';
import { readTrustAnchor } from '#shared/key-stores/trust-anchor.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import { clusterIdPattern, hsmProfiles, type KeyStoreBridge, type KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';
import { SettingInvalid } from '../settings.ts';

const path = z.string().min(1).max(4096);

const schema = z.strictObject({
  keyStores: z
    .array(
      z.strictObject({
        clusterId: z.string().regex(clusterIdPattern),
        url: z.url({ protocol: /^https$/ }),
        /** The name in the bridge's certificate, when it is not the host of the address. */
        serverName: z.string().min(1).max(253).optional(),
        hsmProfile: z.enum(hsmProfiles),
        accounts: z.array(z.string().regex(/^[0-9]{12}$/)).optional(),
        /** PEM files, relative to this one. The certificate is of the caller class admin: one process does everything here. */
        ca: path,
        certificate: path,
        key: path,
      }),
    )
    .max(20)
    .refine((stores) => new Set(stores.map(({ clusterId }) => clusterId)).size === stores.length, 'names a cluster twice'),
});
type Entry = z.output<typeof schema>['keyStores'][number];

export interface OpenKeyStores {
  readonly bridges: KeyStoreBridges;
  close(): void;
}

export type ConnectBridge = (options: BridgeClientOptions) => Crypto & { close(): void };

/** Connects to nothing yet. @throws SettingInvalid */
export function openKeyStores(file: string, connectBridge: ConnectBridge): OpenKeyStores {
  const folder = dirname(file);
  const clients: { close(): void }[] = [];
  const bridges = readEntries(file).map((entry): [string, KeyStoreBridge] => {
    const [ca, cert, key] = [entry.ca, entry.certificate, entry.key].map((name) => readText(file, resolve(folder, name))) as [string, string, string];
    const anchor = readTrustAnchor(ca);
    if (anchor === undefined) throw new SettingInvalid(`${file}: ${entry.ca} is not one certificate in PEM.`);
    const { clusterId, url, serverName, hsmProfile, accounts } = entry;
    const crypto = connect(file, clusterId, connectBridge, { url, ca, cert, key, ...(serverName === undefined ? {} : { servername: serverName }) });
    clients.push(crypto);
    return [clusterId, { hsmProfile, accounts, trustAnchorSha256: anchor.sha256, crypto }];
  });
  return {
    bridges: new Map(bridges),
    close() {
      for (const client of clients) client.close();
    },
  };
}

function connect(file: string, clusterId: string, connectBridge: ConnectBridge, options: BridgeClientOptions): ReturnType<ConnectBridge> {
  try {
    return connectBridge(options);
  } catch {
    // The message of the TLS library may quote the key.
    throw new SettingInvalid(`${file}: the certificate and the key of ${clusterId} are not usable, or do not belong together.`);
  }
}

function readEntries(file: string): readonly Entry[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new SettingInvalid(`${file} cannot be read.`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new SettingInvalid(`${file} is not JSON.`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new SettingInvalid(`${file} is wrong:\n${z.prettifyError(parsed.error)}`);
  return parsed.data.keyStores;
}

function readText(file: string, wanted: string): string {
  try {
    return readFileSync(wanted, 'utf8');
  } catch (error) {
    throw new SettingInvalid(`${file} names ${wanted}, which cannot be read.`, { cause: error });
  }
}
