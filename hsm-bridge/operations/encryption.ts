import type { BridgeReply, BridgeRequest } from '#shared/bridge-messages.ts';
import type { CipherSide } from '#shared/ports/crypto.ts';
import type { SideHead } from '../driver/jobs.ts';
import type { CallContext, Hsm } from './hsm.ts';
import { demandPlaintextFits, demandUse, invalid } from './rules.ts';

const none = Buffer.alloc(0);

type Side = BridgeRequest<'encrypt'>['side'];

const head = (side: Side, withPublicKey: boolean): Buffer => {
  const { keySpec: spec, publicKey } = side.key.material;
  const content: SideHead = { spec, algorithm: side.algorithm, ...(withPublicKey ? { publicKey } : {}) };
  return Buffer.from(JSON.stringify(content), 'utf8');
};

const isSymmetric = (side: Pick<CipherSide, 'algorithm'>): boolean => side.algorithm === 'SYMMETRIC_DEFAULT';

/** After the row was authenticated, because its spec and usage mean nothing before. */
function demandSide(side: Side, aad: Uint8Array | undefined): void {
  demandUse(side.key.material, 'ENCRYPT_DECRYPT', side.algorithm);
  if (!isSymmetric(side) && aad !== undefined && aad.length > 0) throw invalid('RSA takes no additional data');
}

export async function encrypt(hsm: Hsm, { side, aad, plaintext }: BridgeRequest<'encrypt'>, context: CallContext): Promise<BridgeReply<'encrypt'>> {
  const demand = () => {
    demandSide(side, aad);
    demandPlaintextFits(side.key.material, side.algorithm, plaintext.length);
  };
  if (!isSymmetric(side)) {
    await hsm.check(side.key);
    demand();
    const [ciphertext] = await hsm.run('rsaEncrypt', [head(side, true), plaintext], context);
    return { iv: none, ciphertext: ciphertext! };
  }
  const [iv, ciphertext] = await hsm.withKey(side.key, context, (key) => {
    demand();
    return hsm.run('gcmEncrypt', [key, aad ?? none, plaintext], context);
  });
  return { iv: iv!, ciphertext: ciphertext! };
}

export async function decrypt(hsm: Hsm, { side, aad, iv, ciphertext }: BridgeRequest<'decrypt'>, context: CallContext): Promise<BridgeReply<'decrypt'>> {
  const [plaintext] = await hsm.withKey(side.key, context, (key) => {
    demandSide(side, aad);
    if (isSymmetric(side)) return hsm.run('gcmDecrypt', [key, aad ?? none, iv, ciphertext], context);
    return hsm.run('rsaDecrypt', [key, head(side, false), ciphertext], context);
  });
  return { plaintext: plaintext! };
}

export async function reEncrypt(hsm: Hsm, request: BridgeRequest<'re-encrypt'>, context: CallContext): Promise<BridgeReply<'re-encrypt'>> {
  const { source, sourceAad, iv, ciphertext, destination, destinationAad } = request;
  const run = (sourceKey: Buffer, destinationKey: Buffer) => {
    demandSide(source, sourceAad);
    demandSide(destination, destinationAad);
    const destinationFields = [destinationKey, head(destination, true), destinationAad ?? none];
    return hsm.run('reEncrypt', [sourceKey, head(source, false), sourceAad ?? none, iv, ciphertext, ...destinationFields], context);
  };
  const [newIv, newCiphertext] = await hsm.withKey(source.key, context, async (sourceKey) => {
    if (isSymmetric(destination)) return hsm.withKey(destination.key, context, (destinationKey) => run(sourceKey, destinationKey));
    await hsm.check(destination.key);
    return run(sourceKey, none);
  });
  return { iv: newIv!, ciphertext: newCiphertext! };
}

export async function generateDataKey(
  hsm: Hsm,
  { side, aad, length, wantPlaintext }: BridgeRequest<'generate-data-key'>,
  context: CallContext,
): Promise<BridgeReply<'generate-data-key'>> {
  const [iv, ciphertext, plaintext] = await hsm.withKey(side.key, context, (key) => {
    demandSide(side, aad);
    if (!isSymmetric(side)) throw invalid('data keys are sealed under SYMMETRIC_DEFAULT keys only');
    return hsm.run('dataKey', [key, aad ?? none, Buffer.from(JSON.stringify({ length, wantPlaintext }), 'utf8')], context);
  });
  return { iv: iv!, ciphertext: ciphertext!, ...(wantPlaintext ? { plaintext: plaintext! } : {}) };
}
