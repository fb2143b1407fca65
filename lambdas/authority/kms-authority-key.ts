/** The authority's key in AWS KMS. It never leaves; what is signed is a hash, and the key's policy lets only this function sign (docs/adr/0030). */
import { createHash } from 'node:crypto';
import { DescribeKeyCommand, GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import type { AuthorityKey } from '#bridge/pki/certificates.ts';

export interface KmsAuthorityKey extends AuthorityKey {
  readonly createdAt: Date;
}

/** @throws Error when the key is of another kind or cannot be used */
export async function readKmsAuthorityKey(client: KMSClient, KeyId: string): Promise<KmsAuthorityKey> {
  const [{ PublicKey, KeySpec }, { KeyMetadata }] = await Promise.all([client.send(new GetPublicKeyCommand({ KeyId })), client.send(new DescribeKeyCommand({ KeyId }))]);
  if (PublicKey === undefined || KeySpec !== 'ECC_NIST_P256' || KeyMetadata?.CreationDate === undefined) throw new Error('The key of the authority is no ECC_NIST_P256 key.');
  return {
    publicKey: PublicKey,
    createdAt: KeyMetadata.CreationDate,
    async sign(message) {
      const Message = createHash('sha256').update(message).digest();
      const { Signature } = await client.send(new SignCommand({ KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' }));
      if (Signature === undefined) throw new Error('AWS KMS answered without a signature.');
      return Signature;
    },
  };
}
