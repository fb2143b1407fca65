/**
 * CiphertextForRecipient: CMS EnvelopedData (RFC 5652 section 6) for one RSA key, RSAES-OAEP with SHA-256 (RFC 4055 section 4.1) around AES-256-CBC (RFC 3565).
 * The layout is AWS KMS's, byte for byte, the indefinite lengths included: the parser of the AWS Nitro Enclaves SDK for C takes no other
 * (test/vectors/recipient.test.ts holds it to a recorded answer).
 */
import { constants, createCipheriv, createHash, type KeyObject, publicEncrypt, randomBytes } from 'node:crypto';

export interface EnvelopeParts {
  /** Names the recipient's key: 32 bytes. */
  readonly keyIdentifier: Uint8Array;
  readonly encryptedKey: Uint8Array;
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Encrypts for whoever holds the private key. @param key RSA */
export function sealForRecipient(key: KeyObject, plaintext: Uint8Array): Uint8Array {
  const contentKey = randomBytes(32);
  const iv = randomBytes(16);
  try {
    const cipher = createCipheriv('aes-256-cbc', contentKey, iv);
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const encryptedKey = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, contentKey);
    // RFC 7093 section 2, method 4. AWS does not say how it makes the 32 bytes, and clients have one key anyway.
    const keyIdentifier = createHash('sha256')
      .update(key.export({ format: 'der', type: 'spki' }))
      .digest();
    return encodeEnvelope({ keyIdentifier, encryptedKey, iv, ciphertext });
  } finally {
    contentKey.fill(0);
  }
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const sequence = 0x30;
const set = 0x31;
const octetString = 0x04;
/** [0], constructed: the content of a ContentInfo, and the encrypted content. [0], primitive: the subject key identifier. */
const explicit0 = 0xa0;
const implicit0 = 0x80;

const envelopedDataType = hex('06092a864886f70d010703');
const dataType = hex('06092a864886f70d010701');
const version2 = hex('020102');
/** id-RSAES-OAEP { hash SHA-256, mask generation MGF1 with SHA-256 } */
const oaepSha256 = hex('303c06092a864886f70d010107302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500');
const aes256Cbc = hex('060960864801650304012a');

export function encodeEnvelope({ keyIdentifier, encryptedKey, iv, ciphertext }: EnvelopeParts): Uint8Array {
  const recipient = definite(sequence, version2, definite(implicit0, keyIdentifier), oaepSha256, definite(octetString, encryptedKey));
  const content = indefinite(sequence, dataType, definite(sequence, aes256Cbc, definite(octetString, iv)), indefinite(explicit0, definite(octetString, ciphertext)));
  return indefinite(sequence, envelopedDataType, indefinite(explicit0, indefinite(sequence, version2, definite(set, recipient), content)));
}

function definite(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const indefinite = (tag: number, ...contents: readonly Uint8Array[]): Buffer => Buffer.concat([Buffer.from([tag, 0x80]), ...contents, Buffer.from([0, 0])]);
