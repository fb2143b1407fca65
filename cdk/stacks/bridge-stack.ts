/**
 * The way to the HSM bridge: its address, which is configuration, and one secret per caller class for the client certificate. The secrets are made
 * empty; `docs/deployment.md` says how certificates get in. The bridge's own service on Fargate and its certificate authority belong into this stack.
 */
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { type KeyStoreSecrets, keyStoreSecrets } from '../constructs/key-store-secrets.ts';
import type { FunctionCallerClass } from '../constructs/service-resources.ts';

const classes: readonly FunctionCallerClass[] = ['reader', 'crypto', 'lifecycle', 'rotation'];

export class BridgeStack extends Stack {
  readonly secrets: Readonly<Record<FunctionCallerClass, ISecret>>;
  /** For the bridges of custom key stores. */
  readonly keyStoreSecrets: KeyStoreSecrets;

  constructor(scope: Construct, id: string, config: DeploymentConfig, props: StackProps) {
    super(scope, id, props);
    const entries = classes.map((callerClass) => [callerClass, this.#secret(callerClass, config)]);
    this.secrets = Object.fromEntries(entries) as Record<FunctionCallerClass, ISecret>;
    this.keyStoreSecrets = keyStoreSecrets(this, config);
  }

  #secret(callerClass: FunctionCallerClass, config: DeploymentConfig): ISecret {
    // The low-level resource: the other one would fill the secret with a random text that is no certificate.
    const secret = new CfnSecret(this, `${callerClass}-certificate`, {
      description: `Client certificate for the HSM bridge, caller class ${callerClass}: JSON with ca, cert and key in PEM.`,
    });
    secret.applyRemovalPolicy(config.destroyData ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN);
    // The id of a secret is its whole ARN, random end included, so that grants need no wildcard.
    new CfnOutput(this, `CertificateSecret${callerClass}`, { value: secret.attrId, description: `Where the certificate of caller class ${callerClass} goes.` });
    return Secret.fromSecretCompleteArn(this, `${callerClass}-secret`, secret.attrId);
  }
}
