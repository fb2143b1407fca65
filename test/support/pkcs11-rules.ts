/** The rules that AWS CloudHSM's documentation (client SDK 5, hsm2m.medium in FIPS mode) has for callers of its PKCS #11 library. Each breaks off when it is broken. */
import pkcs11, { type Attribute, type Mechanism } from 'pkcs11js';

export type Attributes = Map<number, boolean | number | string | Buffer>;

export const CLOUDHSM_GCM = 0x80001087;
const CLOUDHSM_WRAPS: readonly number[] = [0x80002109, 0x8000210a, 0x8000216f];
export const sessionsMax = 1024;
const dataBytesMax = 16_224;
const objectsMax = 16_666;
const curves: readonly string[] = ['06082a8648ce3d030107', '06052b81040022', '06052b81040023', '06052b8104000a', '06052b81040021'];
const operationMechanisms: Readonly<Record<string, readonly number[]>> = {
  encrypt: [CLOUDHSM_GCM],
  decrypt: [CLOUDHSM_GCM, pkcs11.CKM_RSA_PKCS_OAEP],
  sign: [pkcs11.CKM_ECDSA, pkcs11.CKM_RSA_PKCS, pkcs11.CKM_RSA_PKCS_PSS, pkcs11.CKM_SHA224_HMAC, pkcs11.CKM_SHA256_HMAC, pkcs11.CKM_SHA384_HMAC, pkcs11.CKM_SHA512_HMAC],
  verify: [pkcs11.CKM_ECDSA, pkcs11.CKM_RSA_PKCS, pkcs11.CKM_RSA_PKCS_PSS],
};
export const permissions: Readonly<Record<string, number>> = {
  encrypt: pkcs11.CKA_ENCRYPT,
  decrypt: pkcs11.CKA_DECRYPT,
  sign: pkcs11.CKA_SIGN,
  verify: pkcs11.CKA_VERIFY,
  wrap: pkcs11.CKA_WRAP,
  unwrap: pkcs11.CKA_UNWRAP,
};
/** Not in the documentation's attribute tables, so reading or setting them is a broken rule. */
const unknownAttributes: readonly number[] = [pkcs11.CKA_ALLOWED_MECHANISMS, pkcs11.CKA_MODIFIABLE, pkcs11.CKA_COPYABLE];

/** A documented rule was broken: fails the test, unlike a return value, which the driver may handle. */
export class RuleBroken extends Error {
  override readonly name = 'RuleBroken';
}
export const demand = (holds: boolean, rule: string): void => {
  if (!holds) throw new RuleBroken(rule);
};

/** What the unwrap template of the KEK holds. */
const unwrapTemplate: readonly (readonly [number, boolean])[] = [
  [pkcs11.CKA_SENSITIVE, true],
  [pkcs11.CKA_EXTRACTABLE, true],
  [pkcs11.CKA_WRAP_WITH_TRUSTED, true],
  [pkcs11.CKA_TOKEN, false],
];

/** Only the KEK, which is trusted, has an unwrap template. */
export function contradictsTemplate(unwrapping: Attributes, given: Attributes): boolean {
  return unwrapping.get(pkcs11.CKA_TRUSTED) === true && unwrapTemplate.some(([type, wanted]) => (given.get(type) ?? wanted) !== wanted);
}

export function demandWrappable(wrapping: Attributes, target: Attributes): void {
  demand(target.get(pkcs11.CKA_EXTRACTABLE) === true, 'only extractable keys are wrapped');
  demand(wrapping.get(pkcs11.CKA_TRUSTED) === true || target.get(pkcs11.CKA_WRAP_WITH_TRUSTED) !== true, 'WRAP_WITH_TRUSTED keys are wrapped by trusted keys only');
}

export function demandDocumented(type: number): void {
  demand(!unknownAttributes.includes(type), `attribute ${type} is not documented`);
}

export function demandWrapMechanism({ mechanism, parameter }: Mechanism): void {
  demand(CLOUDHSM_WRAPS.includes(mechanism >>> 0), 'keys are wrapped by CKM_CLOUDHSM_AES_KEY_WRAP_* only');
  demand(parameter === undefined || parameter === null, 'the IV of key wrap is implicit');
}

/** Common rules of new objects. @param objects how many there are */
export function demandNewObject(objects: number, template: readonly Attribute[], secret: boolean): Attributes {
  demand(objects < objectsMax, 'at most 16,666 keys');
  const attributes: Attributes = new Map(template.map(({ type, value }) => [type, value as boolean]));
  demand(attributes.size === template.length, 'an attribute is given twice');
  for (const type of attributes.keys()) demandDocumented(type);
  demand(attributes.has(pkcs11.CKA_TOKEN), 'CKA_TOKEN is explicit');
  if (secret)
    for (const type of [pkcs11.CKA_EXTRACTABLE, pkcs11.CKA_SENSITIVE]) demand(attributes.has(type), "CKA_EXTRACTABLE and CKA_SENSITIVE are explicit: CloudHSM's defaults differ");
  demand(attributes.get(pkcs11.CKA_TRUSTED) !== true, 'only the administrator sets CKA_TRUSTED');
  return attributes;
}

/** @returns the length in bytes */
export function demandSecretKey(mechanism: number, attributes: Attributes): number {
  const length = Number(attributes.get(pkcs11.CKA_VALUE_LEN));
  if (mechanism === pkcs11.CKM_AES_KEY_GEN) demand([16, 24, 32].includes(length), 'AES keys have 16, 24 or 32 bytes');
  else demand(mechanism === pkcs11.CKM_GENERIC_SECRET_KEY_GEN && length >= 1 && length <= 800, 'generic secrets have 1 to 800 bytes');
  return length;
}

/** @returns the curve's parameters in hexadecimal, or the bits of the RSA modulus */
export function demandKeyPair(mechanism: number, attributes: Attributes): string | number {
  const curve = attributes.get(pkcs11.CKA_EC_PARAMS);
  if (mechanism === pkcs11.CKM_EC_KEY_PAIR_GEN) {
    demand(curve instanceof Buffer && curves.includes(curve.toString('hex')), 'the curve is not supported');
    return (curve as Buffer).toString('hex');
  }
  demand(mechanism === pkcs11.CKM_RSA_X9_31_KEY_PAIR_GEN, 'RSA key pairs are made by CKM_RSA_X9_31_KEY_PAIR_GEN in FIPS mode');
  const bits = Number(attributes.get(pkcs11.CKA_MODULUS_BITS));
  demand(bits >= 2048 && bits <= 4096 && bits % 256 === 0, 'RSA keys have 2048 to 4096 bits in steps of 256');
  return bits;
}

export function demandOperation(kind: string, mechanism: Mechanism): void {
  demand(operationMechanisms[kind]!.includes(mechanism.mechanism >>> 0), `mechanism 0x${(mechanism.mechanism >>> 0).toString(16)} is not for ${kind}`);
  if (mechanism.mechanism >>> 0 !== CLOUDHSM_GCM) return;
  const { iv, tagBits } = mechanism.parameter as unknown as { iv: Buffer; tagBits: number };
  demand(iv.length === 0, 'pIv is NULL: the HSM chooses the IV');
  demand(tagBits === 128, 'the tag has 128 bits');
}

export function demandSinglePart(kind: string, input: Buffer): void {
  demand(input.length <= dataBytesMax + (kind === 'decrypt' ? 28 : 0), 'single-part data has at most 16,224 bytes');
}
