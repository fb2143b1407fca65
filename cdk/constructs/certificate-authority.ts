/** Issues the certificates of bridge and functions: a key in AWS KMS that one role may sign with, and the function of that role (docs/adr/0030). */
import { CrossStackReferences, CustomResource, Duration, ReferenceStrength, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type Key, KeySpec } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { FargateBridgeConfig } from '../config/bridge-config.ts';
import type { KeysStack } from '../stacks/keys-stack.ts';
import { type FunctionNetwork, ServiceFunction } from './service-function.ts';
import { secretKeyStatement } from './service-resources.ts';
import { signingKey } from './signing-key.ts';
import { ownQueue } from './work-queue.ts';

export interface CertificateAuthorityProps {
  readonly deployment: string;
  readonly config: FargateBridgeConfig;
  readonly codeFolder: string;
  readonly network: FunctionNetwork;
  readonly logGroup: ILogGroup;
  readonly destroyData: boolean;
  readonly keys: KeysStack;
  readonly bridgeSecret: ISecret;
  readonly bridgeNames: readonly string[];
  readonly clientSecrets: Readonly<Record<string, ISecret>>;
}

export class CertificateAuthority extends Construct {
  /** Done when every secret holds a certificate. */
  readonly firstCertificates: CustomResource;

  constructor(scope: Construct, id: string, props: CertificateAuthorityProps) {
    super(scope, id);
    const { deployment, config, bridgeSecret, clientSecrets } = props;
    const roleName = `${deployment}-certificates-${Stack.of(this).region}`;
    const keys = config.authorities.map((generation) =>
      signingKey(this, `Key${generation}`, {
        description: `Certificate authority of the bridge, generation ${generation}.`,
        keySpec: KeySpec.ECC_NIST_P256,
        signer: roleName,
        destroyData: props.destroyData,
      }),
    );
    // A generation that is given up must not be held by the stack that watches it.
    for (const key of keys) CrossStackReferences.of(key).produce(ReferenceStrength.WEAK);
    const [issuer] = keys as [Key];
    const secretArns = [bridgeSecret, ...Object.values(clientSecrets)].map(({ secretArn }) => secretArn);
    const environment = {
      CHATELAINE_AUTHORITY_KEYS: keys.map(({ keyArn }) => keyArn).join(','),
      CHATELAINE_BRIDGE_CERTIFICATE_SECRET: bridgeSecret.secretArn,
      CHATELAINE_BRIDGE_NAMES: props.bridgeNames.join(','),
      CHATELAINE_CLIENT_CERTIFICATE_SECRETS: Object.entries(clientSecrets).map(([name, { secretArn }]) => `${name}=${secretArn}`).join(','), // biome-ignore format: one value
      CHATELAINE_CERTIFICATE_DAYS: String(config.certificateDays),
    };
    const served = new ServiceFunction(this, 'Issuer', {
      kind: 'certificateAuthority',
      functionName: `${deployment}-certificate-authority`,
      description: 'Issues the certificates of the bridge and its callers.',
      codeFolder: props.codeFolder,
      entrypoint: 'certificate-authority',
      roleName,
      network: props.network,
      environment,
      grants: [],
      resources: {},
      statements: [
        new PolicyStatement({ actions: ['kms:GetPublicKey', 'kms:DescribeKey', 'kms:Sign'], resources: keys.map(({ keyArn }) => keyArn) }),
        // It writes certificates and reads none.
        new PolicyStatement({ actions: ['secretsmanager:DescribeSecret', 'secretsmanager:PutSecretValue'], resources: secretArns }),
        secretKeyStatement('write', secretArns, props.keys.secrets, Stack.of(this)),
      ],
      logGroup: props.logGroup,
      timeoutSeconds: 60,
    });
    const deadLetterQueue = ownQueue(this, 'DeadLetters', props.keys.queues);
    new Rule(this, 'Schedule', {
      description: 'Replaces certificates in the second half of their life.',
      schedule: Schedule.rate(Duration.hours(12)),
      targets: [new LambdaFunction(served.function, { deadLetterQueue, retryAttempts: 2 })],
    });
    this.firstCertificates = new CustomResource(this, 'FirstCertificates', { serviceToken: served.function.functionArn, properties: { ...environment, issuer: issuer.keyArn } });
  }
}
