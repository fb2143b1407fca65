/** What only REST has, through the deployed API: roles, bindings, the simulator, versions, key sets and batches. */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { rest } from '#test/support/deployed-callers.ts';
import { roleDocument } from '#test/support/sample-requests.ts';
import type { DeployedService } from './deployed-service.ts';

type Members = Record<string, unknown>;

const Message = Buffer.from('a message').toString('base64');
const Plaintext = Buffer.from('attack at dawn').toString('base64');
const SigningAlgorithm = 'ECDSA_SHA_256';

export function describeRestTour(service: () => DeployedService): void {
  const succeeded = new Set<string>();

  /** As the operation's route says: members into the path, then into the query or the body. @returns the answer's members */
  async function call(name: string, members: Members): Promise<Members> {
    const { method, path } = operations.find((operation) => operation.name === name)!.http;
    const others = { ...members };
    const filled = path.replaceAll(/\{([A-Za-z]+)\}/g, (_, member: string) => {
      delete others[member];
      return encodeURIComponent(String(members[member]));
    });
    const query = new URLSearchParams(Object.entries(others).map(([member, value]) => [member, String(value)])).toString();
    const answer = await rest(service().deployed, service().alice, method, filled, method === 'GET' || method === 'DELETE' ? { query } : { body: others });
    if (answer.status >= 300) throw new Error(`${name} was refused: ${JSON.stringify(answer.body)}`);
    succeeded.add(name);
    return answer.body;
  }
  const newKey = async (members: Members = {}): Promise<string> => ((await call('CreateKey', members)).KeyMetadata as { KeyId: string }).KeyId;
  const batch = async (name: string, Items: readonly Members[]): Promise<Members[]> => {
    const { Results, FailedCount } = (await call(name, { Items })) as { Results: { Output: Members }[]; FailedCount: number };
    expect(FailedCount).toBe(0);
    return Results.map(({ Output }) => Output);
  };

  describe('what only REST has', () => {
    test('a role is made, bound, explained by the simulator, changed, unbound and removed', async () => {
      const RoleName = 'tour';
      const Principal = 'arn:aws:iam::000000000000:user/tourist';
      const KeyId = await newKey();
      const decision = async (Action: string) => (await call('Simulate', { Principal, Action, KeyId })).Decision;

      await call('CreateRole', { RoleName, Document: roleDocument, Description: 'first' });
      await call('CreateBinding', { Principal, RoleName });
      const decisions = [await decision('kms:Encrypt'), await decision('kms:Decrypt')];
      await call('UpdateRole', { RoleName, Document: roleDocument.replace('kms:Encrypt', 'kms:Decrypt'), Description: 'second' });
      decisions.push(await decision('kms:Encrypt'), await decision('kms:Decrypt'));

      expect(decisions).toEqual(['allowed', 'implicitDeny', 'implicitDeny', 'allowed']);
      expect(await call('GetRole', { RoleName })).toMatchObject({ Role: { RoleName, Description: 'second', BuiltIn: false } });
      expect((await call('ListRoles', {})).Roles).toContainEqual(expect.objectContaining({ RoleName }));
      expect((await call('ListBindings', {})).Bindings).toContainEqual(expect.objectContaining({ Principal, Roles: [RoleName] }));
      await call('DeleteBinding', { Principal, RoleName });
      await call('DeleteRole', { RoleName });
      expect(await decision('kms:Decrypt')).toBe('implicitDeny');
    });

    test('a second version of a signing key: the first is published and accepted until it is disabled', async () => {
      const KeyId = await newKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
      const first = await call('Sign', { KeyId, Message, SigningAlgorithm });
      const { PublicKey } = await call('GetPublicKey', { KeyId });

      await call('PutKeyVersionRule', { KeyId, AcceptDays: 30 });
      const { Version } = await call('CreateKeyVersion', { KeyId });
      const { keys } = (await call('GetKeyJwks', { KeyId })) as { keys: JsonWebKey[] };
      const old = await call('GetKeyVersionPublicKey', { KeyId, Version: 1 });
      const { SignatureValid } = await call('Verify', { KeyId, Message, SigningAlgorithm, Signature: first.Signature });
      await call('UpdateKeyVersion', { KeyId, Version: 1, State: 'DISABLED' });

      expect(Version).toBe(2);
      expect(old).toMatchObject({ PublicKey, State: 'RETIRING' });
      expect(SignatureValid).toBe(true);
      const verifies = keys.map((key) => verify('sha256', Buffer.from(Message, 'base64'), createPublicKey({ key, format: 'jwk' }), Buffer.from(String(first.Signature), 'base64')));
      expect(verifies).toEqual([false, true]);
      expect((await call('ListKeyVersions', { KeyId })).Versions).toMatchObject([{ State: 'DISABLED' }, { State: 'CURRENT' }]);
      await expect(call('Verify', { KeyId, Message, SigningAlgorithm, Signature: first.Signature })).rejects.toThrow('KMSInvalidSignatureException');
    });

    test('batches give item by item what single calls give', async () => {
      const [KeyId, other, signer] = [await newKey(), await newKey(), await newKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })];

      const encrypted = await batch('EncryptBatch', [
        { KeyId, Plaintext },
        { KeyId: other, Plaintext },
      ]);
      const moved = await batch(
        'ReEncryptBatch',
        encrypted.map(({ CiphertextBlob }) => ({ CiphertextBlob, DestinationKeyId: other })),
      );
      const opened = await batch(
        'DecryptBatch',
        [...encrypted, ...moved].map(({ CiphertextBlob }) => ({ CiphertextBlob })),
      );
      const [dataKey] = await batch('GenerateDataKeyBatch', [{ KeyId, KeySpec: 'AES_256' }]);
      const [signed] = await batch('SignBatch', [{ KeyId: signer, Message, SigningAlgorithm }]);
      const [verified] = await batch('VerifyBatch', [{ KeyId: signer, Message, SigningAlgorithm, Signature: signed!.Signature }]);

      expect(opened.map((output) => output.Plaintext)).toEqual([Plaintext, Plaintext, Plaintext, Plaintext]);
      expect((await call('Decrypt', { CiphertextBlob: dataKey!.CiphertextBlob })).Plaintext).toBe(dataKey!.Plaintext);
      expect(verified!.SignatureValid).toBe(true);
    });

    test('none is left out', () => {
      const onlyRest = operations.filter(({ wire }) => wire === false).map(({ name }) => name);

      expect(onlyRest.filter((name) => !succeeded.has(name))).toEqual([]);
    });
  });
}
