import { CfnOutput, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { type KeyStoreCallerClass, keyStoreCallerClasses } from '../grants.ts';

/** ARNs of the secrets with the client certificates for the bridges of key stores: by caller class, in the order of the configuration. */
export type KeyStoreSecrets = Readonly<Record<KeyStoreCallerClass, readonly string[]>>;

/** Made empty, one per bridge and caller class. */
export function keyStoreSecrets(stack: Stack, { keyStores, destroyData }: DeploymentConfig, key: IKey): KeyStoreSecrets {
  const secretsOf = (callerClass: KeyStoreCallerClass): string[] =>
    keyStores.map(({ clusterId }) => {
      const name = `${clusterId}-${callerClass}`;
      const secret = new CfnSecret(stack, `${name}-certificate`, {
        description: `Client certificate for the bridge of ${clusterId}, caller class ${callerClass}: JSON with ca, cert and key in PEM.`,
        kmsKeyId: key.keyArn,
      });
      secret.applyRemovalPolicy(destroyData ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN);
      new CfnOutput(stack, `CertificateSecret${name.replaceAll('-', '')}`, {
        value: secret.attrId,
        description: `Where the certificate for ${clusterId}, caller class ${callerClass}, goes.`,
      });
      return secret.attrId;
    });
  return Object.fromEntries(keyStoreCallerClasses.map((callerClass) => [callerClass, secretsOf(callerClass)])) as Record<KeyStoreCallerClass, string[]>;
}
