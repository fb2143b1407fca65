/** PKCS#10 signing requests (RFC 2986) as the HSM makes them: who asks, for which key, and the proof that the key was there. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { childrenOf, type DerElement, derTag, readDer } from './der.ts';
import { fromPem } from './pem.ts';

export interface SigningRequest {
  /** The subject's name, DER. */
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyInfo: Buffer;
  readonly publicKey: KeyObject;
}

/** The hash of each signature algorithm with RSA (RFC 4055), by the content of its object identifier. */
const rsaHashes: Readonly<Record<string, string>> = {
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
};

/** @throws Error when it is not a request, or its signature is not by the key that it names */
export function readSigningRequest(pem: string): SigningRequest {
  const [info, algorithm, signature] = childrenOf(readDer(fromPem('CERTIFICATE REQUEST', pem))) as [DerElement, DerElement?, DerElement?];
  const [, subject, publicKeyInfo] = childrenOf(info);
  if (algorithm === undefined || signature?.tag !== derTag.bitString || subject === undefined || publicKeyInfo === undefined)
    throw new Error('The signing request lacks parts that RFC 2986 asks for.');
  const hash = rsaHashes[childrenOf(algorithm)[0]?.content.toString('hex') ?? ''];
  if (hash === undefined) throw new Error('The signing request is signed by an algorithm that is not accepted here.');
  const publicKey = createPublicKey({ key: publicKeyInfo.whole, format: 'der', type: 'spki' });
  if (!verify(hash, info.whole, publicKey, signature.content.subarray(1))) throw new Error('The signing request is not signed by its own key.');
  return { subject: subject.whole, publicKeyInfo: publicKeyInfo.whole, publicKey };
}

/** RFC 5280 section 4.2.1.2, method 1: SHA-1 names the key here and protects nothing. */
export function keyIdentifier(publicKeyInfo: Uint8Array): Buffer {
  const key = childrenOf(readDer(publicKeyInfo))[1];
  if (key === undefined) throw new Error('This is not a SubjectPublicKeyInfo.');
  return createHash('sha1').update(key.content.subarray(1)).digest();
}
