/**
 * The way to the HSM bridge: one secret per caller class for its client certificate, and its address. For a bridge that runs elsewhere the address is
 * configuration and the operator fills the secrets; otherwise the bridge's own service and its certificate authority are here.
 */
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { FargateBridgeConfig } from '../config/bridge-config.ts';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { bridgePort } from '../config/network-config.ts';
import { CertificateAuthority } from '../constructs/certificate-authority.ts';
import { type BridgeHsm, FargateBridge } from '../constructs/fargate-bridge.ts';
import { type KeyStoreSecrets, keyStoreSecrets } from '../constructs/key-store-secrets.ts';
import type { FunctionCallerClass } from '../constructs/service-resources.ts';
import type { KeysStack } from './keys-stack.ts';
import type { NetworkStack } from './network-stack.ts';

export interface BridgeStackProps extends StackProps {
  readonly codeFolder: string;
  readonly keys: KeysStack;
  readonly network: NetworkStack | undefined;
  /** Where the deployment has an HSM of its own. */
  readonly hsm: BridgeHsm | undefined;
}

export interface BridgeAddress {
  readonly url: string;
  readonly serverName?: string | undefined;
}

const classes: readonly FunctionCallerClass[] = ['reader', 'crypto', 'lifecycle', 'rotation'];
/** In the certificate of every bridge: the load balancer's own name is not known before it is there. */
const serverName = 'bridge.chatelaine.internal';

export class BridgeStack extends Stack {
  readonly secrets: Readonly<Record<FunctionCallerClass, ISecret>>;
  readonly address: BridgeAddress;
  /** For the bridges of custom key stores. */
  readonly keyStoreSecrets: KeyStoreSecrets;
  readonly #keys: KeysStack;

  constructor(scope: Construct, id: string, config: DeploymentConfig, props: BridgeStackProps) {
    super(scope, id, props);
    this.#keys = props.keys;
    const entries = classes.map((callerClass) => [callerClass, this.#secret(callerClass, `Client certificate for the HSM bridge, caller class ${callerClass}`, config)]);
    this.secrets = Object.fromEntries(entries) as Record<FunctionCallerClass, ISecret>;
    this.address = config.bridge.source === 'external' ? config.bridge : this.#own(config, config.bridge, props);
    this.keyStoreSecrets = keyStoreSecrets(this, config, props.keys.secrets);
  }

  #own(config: DeploymentConfig, bridgeConfig: FargateBridgeConfig, { codeFolder, network, hsm }: BridgeStackProps): BridgeAddress {
    if (network === undefined || hsm === undefined) throw new Error('A bridge on Fargate needs a network and an HSM.');
    const { deployment } = config;
    const logGroup = new LogGroup(this, 'Logs', { retention: config.logRetentionDays, encryptionKey: network.logKey, removalPolicy: RemovalPolicy.DESTROY });
    const certificateSecret = this.#secret('bridge', "The bridge's own certificate", config);
    const authority = new CertificateAuthority(this, 'Authority', {
      deployment,
      config: bridgeConfig,
      codeFolder,
      network: network.workers,
      logGroup,
      destroyData: config.destroyData,
      keys: this.#keys,
      bridgeSecret: certificateSecret,
      bridgeNames: [serverName],
      clientSecrets: this.secrets,
    });
    const { vpc, balancerGroup, bridgeGroup } = network;
    const bridge = new FargateBridge(this, 'Bridge', {
      deployment,
      config: bridgeConfig,
      hsm,
      vpc,
      balancerGroup,
      bridgeGroup,
      certificateSecret,
      secretsKey: this.#keys.secrets,
      logGroup,
      deletionProtection: !config.destroyData,
    });
    bridge.service.node.addDependency(authority.firstCertificates);
    return { url: `https://${bridge.balancer.loadBalancerDnsName}:${bridgePort}`, serverName };
  }

  #secret(name: string, description: string, config: DeploymentConfig): ISecret {
    // The low-level resource: the other one would fill the secret with a random text that is no certificate.
    const secret = new CfnSecret(this, `${name}-certificate`, { description: `${description}: JSON with ca, cert and key in PEM.`, kmsKeyId: this.#keys.secrets.keyArn });
    secret.applyRemovalPolicy(config.destroyData ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN);
    // The id of a secret is its whole ARN, random end included, so that grants need no wildcard.
    new CfnOutput(this, `CertificateSecret${name}`, { value: secret.attrId, description: `Where the certificate of ${name} goes.` });
    return Secret.fromSecretCompleteArn(this, `${name}-secret`, secret.attrId);
  }
}
