/**
 * The key of a certificate authority: one role signs with it and nobody else does, whatever IAM says elsewhere in the account. The role is a condition and not the
 * principal, because AWS KMS takes no principal that does not exist yet, and the role's own policy names the key. So the role needs the rights in its policy as well.
 */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, type KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { administrationStatement } from './own-key.ts';

export interface SigningKeyProps {
  readonly description: string;
  readonly keySpec: KeySpec;
  /** The name of the one role that signs. */
  readonly signer: string;
  /** Who signs with it once switches it off afterwards. Otherwise nobody does without changing the policy first. */
  readonly signerDisables?: boolean;
  /** It goes away with the stack: development only. */
  readonly destroyData: boolean;
}

export function signingKey(scope: Construct, id: string, { description, keySpec, signer, signerDisables = false, destroyData }: SigningKeyProps): Key {
  const stack = Stack.of(scope);
  const role = { 'aws:PrincipalArn': stack.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: signer }) };
  const everybody = { effect: Effect.DENY, principals: [new AnyPrincipal()], resources: ['*'] };
  const everybodyElse = { ...everybody, conditions: { ArnNotEquals: role } };
  const statements = [
    administrationStatement(),
    new PolicyStatement({
      sid: 'Sign',
      principals: [new AccountRootPrincipal()],
      actions: ['kms:DescribeKey', 'kms:GetPublicKey', 'kms:Sign'],
      resources: ['*'],
      conditions: { StringEquals: { 'kms:CallerAccount': stack.account }, ArnEquals: role },
    }),
    new PolicyStatement({ sid: 'OneSigner', ...everybodyElse, actions: ['kms:Sign'] }),
    // A grant would be a second signer that stands in no policy.
    new PolicyStatement({ sid: 'NoGrants', ...everybody, actions: ['kms:CreateGrant'] }),
  ];
  if (!destroyData) {
    const kept = signerDisables ? ['kms:ScheduleKeyDeletion'] : ['kms:DisableKey', 'kms:ScheduleKeyDeletion'];
    statements.push(new PolicyStatement({ sid: 'Kept', ...everybody, actions: kept }));
    if (signerDisables) statements.push(new PolicyStatement({ sid: 'DisabledBySigner', ...everybodyElse, actions: ['kms:DisableKey'] }));
  }
  return new Key(scope, id, {
    description,
    keySpec,
    keyUsage: KeyUsage.SIGN_VERIFY,
    removalPolicy: destroyData ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    policy: new PolicyDocument({ statements, minimize: false }),
  });
}
