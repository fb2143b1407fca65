/** The HSM: a CloudHSM cluster that is made and kept, made from a backup, or only looked at; its backups; and what the bridge needs of it. */
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnSecurityGroupEgress, CfnSecurityGroupIngress, type ISecurityGroup, type IVpc, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { KeySpec } from 'aws-cdk-lib/aws-kms';
import { Code, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { type ILogGroup, LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { HsmSettings } from '#shared/cloudhsm/settings.ts';
import { defaultTokenLabel } from '../config/bridge-config.ts';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { type ClusterConfig, hasFewHsms, hsmPorts, type ManagedConfig } from '../config/hsm-config.ts';
import { HsmAdministration } from '../constructs/hsm-administration.ts';
import { hsmJournal } from '../constructs/hsm-journal.ts';
import { breakGlassRole, guardianStatements, keeperStatements, lookStatement } from '../constructs/hsm-permissions.ts';
import { HsmSteps } from '../constructs/hsm-steps.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import { secretKeyStatement } from '../constructs/service-resources.ts';
import { signingKey } from '../constructs/signing-key.ts';
import { ownQueue } from '../constructs/work-queue.ts';
import type { KeysStack } from './keys-stack.ts';

/** The part of the network stack that the HSM stands in. */
export interface HsmNetwork {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  /** Who may reach the HSM: the bridge, and the task that administers it. Nobody else. */
  readonly bridgeGroup: ISecurityGroup;
}

export interface HsmStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly hsm: ClusterConfig;
  readonly codeFolder: string;
  readonly keys: KeysStack;
  readonly network: HsmNetwork;
}

const rootsFolder = '/opt';

export class HsmStack extends Stack {
  readonly clusterId: string;
  /** Made by CloudHSM with the cluster. The rules that let the bridge in stand in this stack. */
  readonly hsmSecurityGroupId: string;
  /** PEM. */
  readonly trustAnchorSecret: ISecret;
  /** JSON with `username` and `password` of the crypto user. */
  readonly pinSecret: ISecret;
  readonly hsms: number;
  readonly #props: HsmStackProps;
  readonly #logGroup: ILogGroup;
  readonly #deadLetters: Queue;

  constructor(scope: Construct, id: string, props: HsmStackProps) {
    super(scope, id, props);
    this.#props = props;
    const { config, hsm } = props;
    this.hsms = hsm.hsms;
    this.#logGroup = new LogGroup(this, 'Logs', { retention: config.logRetentionDays, encryptionKey: props.keys.logs, removalPolicy: RemovalPolicy.RETAIN });
    this.#deadLetters = ownQueue(this, 'DeadLetters', props.keys.queues);
    const isManaged = hsm.source === 'managed';
    this.trustAnchorSecret = isManaged
      ? this.#emptySecret('TrustAnchor', "The cluster's trust anchor, PEM.")
      : Secret.fromSecretCompleteArn(this, 'TrustAnchor', hsm.trustAnchorSecretArn);
    this.pinSecret = isManaged ? this.#password('Pin', "The bridge's crypto user.", 'chatelaine') : Secret.fromSecretCompleteArn(this, 'Pin', hsm.pinSecretArn);

    const steps = this.#reconciler(hsm);
    const first = steps.add(hsm.source === 'existing' ? 'ready' : 'initialised');
    this.clusterId = first.getAttString('ClusterId');
    this.hsmSecurityGroupId = first.getAttString('SecurityGroupId');
    const rules = this.#letBridgeIn();
    if (isManaged) steps.add('active').node.addDependency(...rules);
    if (hsm.source !== 'existing') {
      for (let hsms = 1; hsms <= hsm.hsms; hsms++) steps.add('scaled', { hsms });
      steps.add('ready', { epoch: isManaged ? this.#epoch() : undefined });
    }
    this.#guardian(hsm);
    if (hsm.source !== 'existing' && hsm.breakGlassPrincipals.length > 0) {
      const role = breakGlassRole(this, this, config.deployment, hsm.breakGlassPrincipals);
      new CfnOutput(this, 'BreakGlassRoleArn', { value: role.roleArn, description: 'Deletes HSMs, clusters and backups, by hand and with MFA.' });
    }
  }

  /** The policy of the authority's key names the role, and the role's policy the key. Role names are of the whole account. */
  get #reconcilerRoleName(): string {
    return `${this.#props.config.deployment}-hsm-reconcile-${this.region}`;
  }

  #reconciler(hsm: ClusterConfig): HsmSteps {
    const { config, codeFolder, network } = this.#props;
    const journal = hsmJournal(this, config.destroyData);
    const statements = [...journal.statements];
    statements.push(...(hsm.source === 'existing' ? [lookStatement('cloudhsm:DescribeClusters')] : keeperStatements(this, config.deployment, network.vpc)));
    const settings = this.#settings(hsm, journal.tableName, statements);
    const layers =
      hsm.source === 'managed' ? [new LayerVersion(this, 'HardwareRoots', { code: Code.fromAsset(hsm.hardwareRoots), description: 'Roots of the HSM hardware.' })] : [];
    new CfnOutput(this, 'HsmSettings', { value: settings, description: 'For `npm run hsm -- plan|apply|status --settings FILE`.' });

    const common = { codeFolder, grants: [], resources: {}, logGroup: this.#logGroup };
    const onEvent = new ServiceFunction(this, 'Resource', {
      ...common,
      kind: 'hsmResource',
      functionName: `${config.deployment}-hsm-resource`,
      description: "Answers CloudFormation's requests for the steps of the HSM.",
      entrypoint: 'hsm-resource',
      environment: { CHATELAINE_DEPLOYMENT: config.deployment },
    });
    const reconcile = new ServiceFunction(this, 'Reconcile', {
      ...common,
      kind: 'hsmReconcile',
      functionName: `${config.deployment}-hsm-reconcile`,
      description: 'Makes one step towards the HSM cluster that the configuration asks for. It cannot delete.',
      entrypoint: 'hsm-reconcile',
      roleName: this.#reconcilerRoleName,
      environment: { CHATELAINE_DEPLOYMENT: config.deployment, CHATELAINE_HSM: settings, CHATELAINE_HSM_ROOTS: rootsFolder },
      statements,
      layers,
      timeoutSeconds: 60,
    });
    this.#schedule('ReconcileSchedule', 'Replaces HSMs that were lost, and goes on where a person was waited for.', Duration.minutes(5), reconcile);
    return new HsmSteps(this, 'Steps', { onEvent: onEvent.function, isComplete: reconcile.function, logGroup: this.#logGroup });
  }

  /** @param statements get what the settings lead to */
  #settings(hsm: ClusterConfig, journalTable: string, statements: PolicyStatement[]): string {
    const { config, network } = this.#props;
    const common = { deployment: config.deployment, journalTable };
    if (hsm.source === 'existing') return this.toJsonString({ ...common, source: hsm.source, clusterId: hsm.clusterId } satisfies HsmSettings);
    const { hsms, backupRetentionDays } = hsm;
    const fleet = { hsms, backupRetentionDays, subnets: network.vpc.selectSubnets(network.vpcSubnets).subnetIds };
    if (hsm.source === 'restore') return this.toJsonString({ ...common, ...fleet, source: hsm.source, backupId: hsm.backupId } satisfies HsmSettings);
    const { bus } = this.#administration(hsm);
    statements.push(
      new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus.eventBusArn] }),
      new PolicyStatement({ actions: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'], resources: [this.trustAnchorSecret.secretArn] }),
      secretKeyStatement('write', [this.trustAnchorSecret.secretArn], this.#props.keys.secrets, this),
    );
    const authority = this.#authority(hsm, statements);
    const trustAnchorSecret = this.trustAnchorSecret.secretArn;
    return this.toJsonString({
      ...{ ...common, ...fleet, source: 'managed', authority, trustAnchorSecret },
      administrationBus: bus.eventBusName,
      epoch: this.#epoch(),
    } satisfies HsmSettings);
  }

  /** Of the domain keys, where the bridge is the deployment's own: an outside one has its own. */
  #epoch(): number | undefined {
    const { bridge } = this.#props.config;
    return bridge.source === 'fargate' ? bridge.epoch : undefined;
  }

  #authority({ pki }: ManagedConfig, statements: PolicyStatement[]): Extract<HsmSettings, { source: 'managed' }>['authority'] {
    if (pki === 'external') {
      const secret = this.#emptySecret('ClusterCertificate', 'Signed outside: JSON with signedCertificate and trustAnchor.');
      statements.push(
        new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secret.secretArn] }),
        secretKeyStatement('read', [secret.secretArn], this.#props.keys.secrets, this),
      );
      new CfnOutput(this, 'SignedCertificateSecret', { value: secret.secretArn, description: "Where the cluster's signed certificate and its root go." });
      return { kind: 'external', certificatesSecret: secret.secretArn };
    }
    const key = signingKey(this, 'Authority', {
      description: "Signs the cluster's certificate once, and is disabled then.",
      keySpec: KeySpec.RSA_4096,
      signer: this.#reconcilerRoleName,
      signerDisables: true,
      destroyData: false,
    });
    statements.push(new PolicyStatement({ actions: ['kms:DescribeKey', 'kms:DisableKey', 'kms:GetPublicKey', 'kms:Sign'], resources: [key.keyArn] }));
    return { kind: 'kms', keyId: key.keyArn };
  }

  #administration(hsm: ManagedConfig): HsmAdministration {
    const { config, network } = this.#props;
    const own = config.bridge.source === 'fargate' ? config.bridge : undefined;
    const image = hsm.administratorImage ?? own?.image;
    if (image === undefined) throw new Error('A managed cluster needs an image that administers it.');
    const secrets = {
      ...{ trustAnchor: this.trustAnchorSecret, pin: this.pinSecret },
      admin: this.#password('AdminPassword', 'First password of the crypto officer.'),
      keyOwner: this.#password('KeyOwner', 'The crypto user who owns the domain keys, and uses none.', 'chatelaine-keys'),
    };
    return new HsmAdministration(this, 'Administration', {
      ...{ image, network, hasFewHsms: hasFewHsms(hsm.hsms) },
      domain: own?.domain ?? config.deployment,
      tokenLabel: own?.tokenLabel ?? defaultTokenLabel,
      secrets,
      clusterArns: this.formatArn({ service: 'cloudhsm', resource: 'cluster', resourceName: '*' }),
      logGroup: this.#logGroup,
      deadLetters: this.#deadLetters,
      removalPolicy: RemovalPolicy.DESTROY,
      keys: this.#props.keys,
    });
  }

  /** Whoever reaches these ports can zeroise an HSM without a password: one group, and nobody else. */
  #letBridgeIn(): Construct[] {
    const { bridgeGroup } = this.#props.network;
    const ports = { ipProtocol: 'tcp', fromPort: hsmPorts.from, toPort: hsmPorts.to, description: 'The bridge to the HSM' };
    return [
      new CfnSecurityGroupIngress(this, 'BridgeToHsm', { ...ports, groupId: this.hsmSecurityGroupId, sourceSecurityGroupId: bridgeGroup.securityGroupId }),
      new CfnSecurityGroupEgress(this, 'BridgeTowardsHsm', { ...ports, groupId: bridgeGroup.securityGroupId, destinationSecurityGroupId: this.hsmSecurityGroupId }),
    ];
  }

  #guardian(hsm: ClusterConfig): void {
    const { config, codeFolder } = this.#props;
    const guardian = new ServiceFunction(this, 'BackupGuardian', {
      kind: 'hsmBackupGuardian',
      functionName: `${config.deployment}-hsm-backup-guardian`,
      description: "Copies the cluster's backups, keeps one of every month, and measures the age of the newest. It cannot delete.",
      codeFolder,
      entrypoint: 'hsm-backup-guardian',
      environment: { CHATELAINE_DEPLOYMENT: config.deployment, CHATELAINE_HSM_CLUSTER_ID: this.clusterId, CHATELAINE_BACKUP_REGION: hsm.secondRegion },
      grants: [],
      resources: {},
      statements: guardianStatements(this, hsm.secondRegion),
      logGroup: this.#logGroup,
      timeoutSeconds: 120,
    });
    this.#schedule('BackupSchedule', 'Looks after the backups of the HSM cluster.', Duration.hours(1), guardian);
  }

  #schedule(id: string, description: string, every: Duration, target: ServiceFunction<'hsmReconcile'> | ServiceFunction<'hsmBackupGuardian'>): void {
    new Rule(this, id, { description, schedule: Schedule.rate(every), targets: [new LambdaFunction(target.function, { deadLetterQueue: this.#deadLetters, retryAttempts: 0 })] });
  }

  /** The low-level resource: the other one would fill the secret with a random text that is no certificate. */
  #emptySecret(id: string, description: string): ISecret {
    const secret = new CfnSecret(this, `${id}Secret`, { description, kmsKeyId: this.#props.keys.secrets.keyArn });
    secret.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return Secret.fromSecretCompleteArn(this, id, secret.attrId);
  }

  /** Generated by Secrets Manager, never in a template. CloudHSM takes 8 to 32 characters. @param username makes it JSON with both */
  #password(id: string, description: string, username?: string): ISecret {
    const json = username === undefined ? {} : { secretStringTemplate: JSON.stringify({ username }), generateStringKey: 'password' };
    // The CDK's own class misses its interface under exactOptionalPropertyTypes.
    const secret = new Secret(this, id, { description, removalPolicy: RemovalPolicy.RETAIN, generateSecretString: { passwordLength: 32, excludePunctuation: true, ...json } });
    // Not by the construct's own property, which would widen the policy of the key.
    (secret.node.defaultChild as CfnSecret).kmsKeyId = this.#props.keys.secrets.keyArn;
    return secret as ISecret;
  }
}
