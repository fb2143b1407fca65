/** Finds the domain keys and refuses to run when they are not exactly as the ceremony makes them. A KEK that can also decrypt leaks every key (Clulow 2003). */
import pkcs11 from 'pkcs11js';
import type { AttributeValue, HsmProfile } from '../profiles/profile.ts';
import type { DomainKeys } from './driver.ts';
import { describe, type Handle, type Pkcs11Module, returnValue } from './module.ts';

/** One line per fault, for the operator. */
export class DomainKeysRefused extends Error {
  override readonly name = 'DomainKeysRefused';
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(`the domain keys are not as the ceremony makes them:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

type Purpose = Exclude<keyof DomainKeys, 'epoch'>;
type Expected = Readonly<Record<number, AttributeValue>>;

const attributeNames: Readonly<Record<number, string>> = {
  [pkcs11.CKA_CLASS]: 'CLASS',
  [pkcs11.CKA_KEY_TYPE]: 'KEY_TYPE',
  [pkcs11.CKA_VALUE_LEN]: 'VALUE_LEN',
  [pkcs11.CKA_TOKEN]: 'TOKEN',
  [pkcs11.CKA_PRIVATE]: 'PRIVATE',
  [pkcs11.CKA_LOCAL]: 'LOCAL',
  [pkcs11.CKA_SENSITIVE]: 'SENSITIVE',
  [pkcs11.CKA_ALWAYS_SENSITIVE]: 'ALWAYS_SENSITIVE',
  [pkcs11.CKA_EXTRACTABLE]: 'EXTRACTABLE',
  [pkcs11.CKA_NEVER_EXTRACTABLE]: 'NEVER_EXTRACTABLE',
  [pkcs11.CKA_MODIFIABLE]: 'MODIFIABLE',
  [pkcs11.CKA_TRUSTED]: 'TRUSTED',
  [pkcs11.CKA_WRAP]: 'WRAP',
  [pkcs11.CKA_UNWRAP]: 'UNWRAP',
  [pkcs11.CKA_ENCRYPT]: 'ENCRYPT',
  [pkcs11.CKA_DECRYPT]: 'DECRYPT',
  [pkcs11.CKA_SIGN]: 'SIGN',
  [pkcs11.CKA_VERIFY]: 'VERIFY',
  [pkcs11.CKA_DERIVE]: 'DERIVE',
  [pkcs11.CKA_EC_PARAMS]: 'EC_PARAMS',
  [pkcs11.CKA_ALLOWED_MECHANISMS]: 'ALLOWED_MECHANISMS',
};

const everyKey: Expected = {
  [pkcs11.CKA_TOKEN]: true,
  [pkcs11.CKA_LOCAL]: true,
  [pkcs11.CKA_SENSITIVE]: true,
  [pkcs11.CKA_ALWAYS_SENSITIVE]: true,
  [pkcs11.CKA_EXTRACTABLE]: false,
  [pkcs11.CKA_NEVER_EXTRACTABLE]: true,
  [pkcs11.CKA_DERIVE]: false,
};
const secretKey = (keyType: number, allowed: readonly number[]): Expected => ({
  ...everyKey,
  [pkcs11.CKA_CLASS]: pkcs11.CKO_SECRET_KEY,
  [pkcs11.CKA_KEY_TYPE]: keyType,
  [pkcs11.CKA_VALUE_LEN]: 32,
  ...Object.fromEntries(
    [pkcs11.CKA_WRAP, pkcs11.CKA_UNWRAP, pkcs11.CKA_ENCRYPT, pkcs11.CKA_DECRYPT, pkcs11.CKA_SIGN, pkcs11.CKA_VERIFY].map((use) => [use, allowed.includes(use)]),
  ),
});

function expectedAttributes(profile: HsmProfile): Record<Purpose, Expected> {
  const own = { [pkcs11.CKA_PRIVATE]: true, ...(pkcs11.CKA_MODIFIABLE in profile.kekAttributes ? { [pkcs11.CKA_MODIFIABLE]: false } : {}) };
  return {
    kek: { ...secretKey(pkcs11.CKK_AES, [pkcs11.CKA_WRAP, pkcs11.CKA_UNWRAP]), [pkcs11.CKA_TRUSTED]: true, ...profile.kekAttributes },
    mac: { ...secretKey(pkcs11.CKK_GENERIC_SECRET, [pkcs11.CKA_SIGN, pkcs11.CKA_VERIFY]), ...own },
    seed: { ...secretKey(pkcs11.CKK_AES, [pkcs11.CKA_ENCRYPT, pkcs11.CKA_DECRYPT]), ...own },
    audit: {
      ...everyKey,
      ...own,
      [pkcs11.CKA_CLASS]: pkcs11.CKO_PRIVATE_KEY,
      [pkcs11.CKA_KEY_TYPE]: pkcs11.CKK_EC,
      [pkcs11.CKA_EC_PARAMS]: Buffer.from('06052b81040022', 'hex'),
      [pkcs11.CKA_SIGN]: true,
      [pkcs11.CKA_DECRYPT]: false,
      [pkcs11.CKA_UNWRAP]: false,
    },
  };
}

/**
 * @param currentEpoch must be complete. Earlier epochs count as long as both their KEK and their MAC key exist: one whose KEK was destroyed is gone.
 * @returns the current epoch first.
 * @throws DomainKeysRefused
 */
export function loadDomainKeys(module: Pkcs11Module, profile: HsmProfile, session: Handle, domain: string, currentEpoch: number): DomainKeys[] {
  const faults: string[] = [];
  const expected = expectedAttributes(profile);
  const epochs: DomainKeys[] = [];
  for (let epoch = currentEpoch; epoch >= 1; epoch--) {
    const handles: Partial<Record<Purpose, Handle>> = {};
    for (const purpose of Object.keys(expected) as Purpose[]) {
      const label = `chatelaine/${domain}/${purpose}/${epoch}`;
      const found = find(module, session, label, expected[purpose][pkcs11.CKA_CLASS] as number);
      if (found.length > 1) faults.push(`${label}: there are ${found.length} keys with this label`);
      else if (found[0] !== undefined) {
        handles[purpose] = found[0];
        faults.push(...differences(module, session, found[0], expected[purpose]).map((difference) => `${label}: ${difference}`));
      } else if (epoch === currentEpoch) faults.push(`${label}: missing`);
    }
    const { kek, mac, seed, audit } = handles;
    if (kek !== undefined && mac !== undefined && seed !== undefined && audit !== undefined) epochs.push({ epoch, kek, mac, seed, audit });
  }
  if (faults.length === 0) faults.push(...epochs.flatMap((epoch) => probeUnwrapTemplate(module, profile, session, epoch)));
  if (faults.length > 0) throw new DomainKeysRefused(faults);
  return epochs;
}

/**
 * CKA_UNWRAP_TEMPLATE cannot be read through pkcs11js, so its effect is tried: a key unwrapped with any of the four attributes weakened must be refused.
 */
function probeUnwrapTemplate(module: Pkcs11Module, profile: HsmProfile, session: Handle, { epoch, kek }: DomainKeys): string[] {
  const mechanism = { mechanism: profile.wrapMechanism };
  const four: [number, boolean][] = [
    [pkcs11.CKA_TOKEN, false],
    [pkcs11.CKA_SENSITIVE, true],
    [pkcs11.CKA_EXTRACTABLE, true],
    [pkcs11.CKA_WRAP_WITH_TRUSTED, true],
  ];
  const template = (weakened?: number) => [
    { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_SECRET_KEY },
    { type: pkcs11.CKA_KEY_TYPE, value: pkcs11.CKK_AES },
    { type: pkcs11.CKA_PRIVATE, value: true },
    ...four.map(([type, value]) => ({ type, value: type === weakened ? !value : value })),
  ];
  const probe = module.C_GenerateKey(session, { mechanism: pkcs11.CKM_AES_KEY_GEN }, [...template(), { type: pkcs11.CKA_VALUE_LEN, value: 32 }]);
  try {
    const wrapped = module.C_WrapKey(session, mechanism, kek, probe, Buffer.alloc(64));
    return four.flatMap(([type]) => {
      try {
        module.C_DestroyObject(session, module.C_UnwrapKey(session, mechanism, kek, wrapped, template(type)));
      } catch (error) {
        if (returnValue(error) !== undefined) return [];
        throw error;
      }
      return [`the KEK of epoch ${epoch} has no unwrap template: it unwraps with ${nameOf(type)} weakened`];
    });
  } catch (error) {
    return [`the KEK of epoch ${epoch} does not wrap: ${describe(error)}`];
  } finally {
    module.C_DestroyObject(session, probe);
  }
}

function find(module: Pkcs11Module, session: Handle, label: string, objectClass: number): Handle[] {
  module.C_FindObjectsInit(session, [
    { type: pkcs11.CKA_CLASS, value: objectClass },
    { type: pkcs11.CKA_LABEL, value: label },
  ]);
  try {
    return module.C_FindObjects(session, 2) as Handle[];
  } finally {
    module.C_FindObjectsFinal(session);
  }
}

function differences(module: Pkcs11Module, session: Handle, key: Handle, expected: Expected): string[] {
  return Object.entries(expected).flatMap(([type, wanted]) => {
    const name = nameOf(Number(type));
    try {
      const actual = module.C_GetAttributeValue(session, key, [{ type: Number(type) }])[0]?.value as Buffer;
      return sameValue(actual, wanted) ? [] : [`${name} is not ${wanted instanceof Buffer ? wanted.toString('hex') : wanted}`];
    } catch (error) {
      return [`${name} cannot be read: ${describe(error)}`];
    }
  });
}

function sameValue(actual: Buffer, wanted: AttributeValue): boolean {
  if (typeof wanted === 'boolean') return actual.length === 1 && (actual[0] !== 0) === wanted;
  if (typeof wanted === 'number') return actual.length === 8 && actual.readBigUInt64LE() === BigInt(wanted);
  return actual.equals(wanted);
}

const nameOf = (type: number): string => attributeNames[type] ?? (type === pkcs11.CKA_WRAP_WITH_TRUSTED ? 'WRAP_WITH_TRUSTED' : `attribute ${type}`);
