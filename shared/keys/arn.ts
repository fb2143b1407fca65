import { KmsError } from '#shared/errors.ts';

export const keyIdPattern = /^(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;
const aliasPattern = /^alias\/[a-zA-Z0-9:/_-]{1,250}$/;
const arnPattern = /^arn:(aws[a-z-]*):kms:([a-z0-9-]+):([0-9]{12}):(key|alias)\/(.+)$/;

export interface KeyLocation {
  readonly account: string;
  readonly region: string;
}

export type KeyIdentifier = KeyLocation & ({ readonly kind: 'key'; readonly keyId: string } | { readonly kind: 'alias'; readonly aliasName: string });

export const keyArn = (partition: string, key: KeyLocation & { keyId: string }): string => `arn:${partition}:kms:${key.region}:${key.account}:key/${key.keyId}`;
export const aliasArn = (partition: string, alias: KeyLocation & { aliasName: string }): string => `arn:${partition}:kms:${alias.region}:${alias.account}:${alias.aliasName}`;

/**
 * Reads a KeyId member: key id, key ARN, alias name or alias ARN. Ids and names without an ARN are the caller's own.
 * @param partition that of the service: no key of another one is here
 * @throws KmsError NotFoundException, with AWS's texts (research: kms-api 2.3)
 */
export function parseKeyIdentifier(value: string, home: KeyLocation, partition: string): KeyIdentifier {
  if (value.startsWith('arn:')) return parseArn(value, home, partition);
  if (aliasPattern.test(value)) return { ...home, kind: 'alias', aliasName: value };
  if (!keyIdPattern.test(value)) throw new KmsError('NotFoundException', `Invalid keyId '${value}'`);
  return { ...home, kind: 'key', keyId: value };
}

function parseArn(value: string, home: KeyLocation, partition: string): KeyIdentifier {
  const match = arnPattern.exec(value);
  if (match === null) throw new KmsError('InvalidArnException', `Invalid arn ${value}`);
  const [, foundPartition, region, account, kind, name] = match as unknown as [string, string, string, string, 'key' | 'alias', string];
  if (region !== home.region) throw new KmsError('NotFoundException', `Invalid arn ${region}`);
  // AWS documents no answer for a Region of ours in somebody else's partition, which it cannot have: the same as for a foreign Region.
  if (foundPartition !== partition) throw new KmsError('NotFoundException', `Invalid arn ${foundPartition}`);
  if (kind === 'alias') {
    const aliasName = `alias/${name}`;
    if (!aliasPattern.test(aliasName)) throw new KmsError('NotFoundException', `Invalid arn ${value}`);
    return { region, account, kind, aliasName };
  }
  if (!keyIdPattern.test(name)) throw new KmsError('NotFoundException', `Invalid keyId '${name}'`);
  return { region, account, kind, keyId: name };
}
