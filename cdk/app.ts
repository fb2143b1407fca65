/** The whole deployment: its stacks, the rules they are checked by, and what is known to differ from the rules. */
import { App, type AppProps, Stack, Tags, Validations } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { bridgeAcknowledgments } from './bridge-acknowledgments.ts';
import type { DeploymentConfig } from './config/deployment-config.ts';
import { selectConfig } from './config/profiles.ts';
import { type Acknowledgment, acknowledge, findingsOf } from './gates/acknowledge.ts';
import { OwnRules } from './gates/own-rules.ts';
import { rulePacks } from './gates/rule-packs.ts';
import { hsmAcknowledgments } from './hsm-acknowledgments.ts';
import { acknowledgments } from './nag-acknowledgments.ts';
import { networkAcknowledgments } from './network-acknowledgments.ts';
import { ApiStack } from './stacks/api-stack.ts';
import { AuditStack } from './stacks/audit-stack.ts';
import { BoundaryStack } from './stacks/boundary-stack.ts';
import { BridgeStack } from './stacks/bridge-stack.ts';
import { createHsmStack } from './stacks/create-hsm-stack.ts';
import { DataStack } from './stacks/data-stack.ts';
import type { HsmStack } from './stacks/hsm-stack.ts';
import { KeysStack } from './stacks/keys-stack.ts';
import { LifecycleStack } from './stacks/lifecycle-stack.ts';
import { NetworkStack } from './stacks/network-stack.ts';
import { ObservabilityStack } from './stacks/observability-stack.ts';

export interface Stacks {
  readonly app: App;
  readonly config: DeploymentConfig;
  readonly stacks: {
    /** Where the configuration has a network. */
    readonly network: NetworkStack | undefined;
    /** Where the configuration has an HSM that is not the bridge's own. */
    readonly hsm: HsmStack | undefined;
    readonly keys: KeysStack;
    readonly data: DataStack;
    readonly bridge: BridgeStack;
    readonly audit: AuditStack;
    readonly api: ApiStack;
    readonly lifecycle: LifecycleStack;
    readonly observability: ObservabilityStack;
  };
}

export interface Deployment extends Stacks {
  /** Those of the register that met nothing here. One that meets nothing in any profile is stale. */
  readonly unusedAcknowledgments: readonly Acknowledgment[];
}

/** Every acknowledgment. What is there in some profiles only is met there. */
export const register: readonly Acknowledgment[] = [...acknowledgments, ...networkAcknowledgments];

/** What is deployed: it synthesises only when it keeps to every rule. @param codeFolder what `npm run bundle` made */
export function createDeployment(codeFolder: string, appProps: AppProps = {}): Deployment {
  const created = createStacks(codeFolder, appProps);
  const { app, config } = created;
  Validations.of(app).addPlugins(...rulePacks(app), new OwnRules(config));
  const ofHsm = config.hsm === undefined || config.hsm.source === 'softhsm' ? [] : hsmAcknowledgments(config.hsm.secondRegion);
  const unusedAcknowledgments = acknowledge(
    app,
    config.deployment,
    findingsOf(app, rulePacks(app)),
    [...register, ...ofHsm, ...(config.bridge.source === 'fargate' ? bridgeAcknowledgments : [])],
    new Date().toISOString().slice(0, 10),
  );
  return { ...created, unusedAcknowledgments };
}

/** The stacks without the rules, which take most of the time: for tests of what is in them. */
export function createStacks(codeFolder: string, appProps: AppProps = {}): Stacks {
  const app = new App({ analyticsReporting: false, ...appProps });
  const config = selectConfig((name) => app.node.tryGetContext(name));
  const env = { ...(config.account === undefined ? {} : { account: config.account }), ...(config.region === undefined ? {} : { region: config.region }) };
  const stackProps = (description: string) => ({ env, description: `Chatelaine: ${description}`, terminationProtection: config.profile === 'production' });
  const id = (name: string) => `${config.deployment}-${name}`;

  const network = config.network === undefined ? undefined : new NetworkStack(app, id('network'), { ...config, network: config.network }, stackProps('network'));
  const keys = new KeysStack(app, id('keys'), config, stackProps('keys of what is stored'));
  const hsm = createHsmStack(app, id('hsm'), config, codeFolder, network, keys, stackProps('HSM'));
  const data = new DataStack(app, id('data'), config, stackProps('tables'));
  const bridge = new BridgeStack(app, id('bridge'), config, { codeFolder, network, keys, hsm, ...stackProps('access to the HSM bridge') });
  const audit = new AuditStack(app, id('audit'), config, { codeFolder, network, keys, ...stackProps('audit trail') });
  const shared = { config, codeFolder, data, audit, bridge, keys, network };
  const api = new ApiStack(app, id('api'), { ...shared, ...stackProps('API and operations') });
  const lifecycle = new LifecycleStack(app, id('lifecycle'), { ...shared, ...stackProps('rotation, destruction, outbox') });

  // After all others: it finds their queues, tables and web ACLs.
  const observability = new ObservabilityStack(app, id('observability'), { config, audit, keys, ...stackProps('alarms and dashboards') });

  // Metrics carry the deployment, so that two of them in one account are told apart.
  for (const construct of app.node.findAll()) if (construct instanceof LambdaFunction) construct.addEnvironment('CHATELAINE_DEPLOYMENT', config.deployment);

  Tags.of(app).add('chatelaine:deployment', config.deployment);
  bound(app, config, new BoundaryStack(app, id('boundary'), config.deployment, stackProps('permission boundary')));
  return { app, config, stacks: { network, keys, hsm, data, bridge, audit, api, lifecycle, observability } };
}

/** A role has one boundary: the organisation's, where it demands one, and otherwise our own. */
function bound(app: App, { permissionsBoundaryArn }: DeploymentConfig, boundary: BoundaryStack): void {
  const arn = permissionsBoundaryArn ?? boundary.arn;
  PermissionsBoundary.of(app).apply(ManagedPolicy.fromManagedPolicyArn(boundary, 'Applied', arn));
  for (const stack of app.node.children) if (Stack.isStack(stack) && stack !== boundary) stack.addStackDependency(boundary, 'No role is made without its boundary.');
}
