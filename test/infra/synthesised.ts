/** The synthesised templates, and what their roles may do in the words of cdk/grants.ts. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createDeployment, createStacks, type Stacks } from '#cdk/app.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { Value: unknown; Export?: { Name: string } }>>;
}
/** The stacks of every deployment. */
export const stackNames = ['keys', 'data', 'bridge', 'audit', 'api', 'lifecycle', 'observability'] as const;
/** Those that come with a part of the configuration. */
const optionalStackNames = ['network', 'hsm'] as const;
export type StackName = (typeof stackNames)[number] | (typeof optionalStackNames)[number];
export type Templates = Readonly<Record<StackName, Template>>;

const root = resolve(import.meta.dirname, '../..');
const elsewhere = { source: 'external', url: 'https://bridge.chatelaine.internal:8443' };

/** A profile of cdk.json, as it is. */
export function profileOf(name: string): Record<string, unknown> {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: { profiles: Record<string, Record<string, unknown>> } };
  return context.profiles[name] ?? {};
}

/** The production profile of cdk.json as a whole configuration, with changes. Without its network, its HSMs and its bridge, which their own tests add. */
export function productionContext(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };
  return { ...context, chatelaine: { ...(context.profiles as Record<string, object>).production, network: undefined, hsm: undefined, bridge: elsewhere, ...changes } };
}

/** Without the rules: npm run synth, and the tests of the rules, hold every profile to them. @param see is given the stacks before they are synthesised */
export const synthesise = (changes: Record<string, unknown> = {}, see: (stacks: Stacks) => void = () => undefined): Templates =>
  synthesiseBy((...arguments_) => {
    const created = createStacks(...arguments_);
    see(created);
    return created;
  }, changes);

/** @param change what a test adds to the stacks. @throws Error when a rule is broken */
export const synthesiseWithRules = (change: (stacks: Stacks) => void): Templates =>
  synthesiseBy((...arguments_) => {
    const created = createDeployment(...arguments_);
    change(created);
    return created;
  });

function synthesiseBy(create: typeof createStacks, changes: Record<string, unknown> = {}): Templates {
  const folder = mkdtempSync(join(tmpdir(), 'chatelaine-infra-'));
  try {
    // The code does not matter to the templates: one small file stands for it.
    mkdirSync(join(folder, 'code'));
    writeFileSync(join(folder, 'code/operation.mjs'), '');
    const { app, config } = create(join(folder, 'code'), { context: productionContext(changes), outdir: join(folder, 'cdk.out') });
    const assembly = app.synth();
    const names = [...stackNames, ...optionalStackNames].map((name) => [name, `${config.deployment}-${name}`] as const);
    return Object.fromEntries(
      names.flatMap(([name, full]) => (assembly.tryGetArtifact(full) === undefined ? [] : [[name, assembly.getStackByName(full).template as Template]])),
    ) as unknown as Templates;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const ofType = (template: Template, type: string): [string, Resource][] => Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

/** CloudFormation's functions to one text: `data.CoreTable.Arn/index/list`. The hash that the CDK appends to names is left out. */
export function readable(value: unknown, stack: StackName, templates: Templates): string {
  if (typeof value === 'string') return value;
  const [[name, argument]] = Object.entries(value as Record<string, unknown>) as [[string, unknown]];
  switch (name) {
    case 'Ref':
      return String(argument).startsWith('AWS::') ? `<${String(argument)}>` : `${stack}.${withoutHash(String(argument))}`;
    case 'Fn::GetAtt': {
      const [resource, attribute] = argument as [string, string];
      return `${stack}.${withoutHash(resource)}.${attribute}`;
    }
    case 'Fn::Split':
      return readable((argument as [string, unknown])[1], stack, templates);
    case 'Fn::Join':
      return [(argument as [string, unknown | unknown[]])[1]]
        .flat()
        .map((part) => readable(part, stack, templates))
        .join((argument as [string, unknown[]])[0]);
    case 'Fn::Sub':
      if (typeof argument !== 'string') throw new Error('Fn::Sub with values is not understood.');
      return argument.replaceAll(/\$\{([^}]+)\}/g, '<$1>');
    case 'Fn::GetStackOutput': {
      const { StackName, OutputName } = argument as { StackName: string; OutputName: string };
      const [other] = Object.keys(templates).filter((candidate) => StackName.endsWith(`-${candidate}`)) as [StackName];
      return readable(templates[other].Outputs?.[OutputName]?.Value, other, templates);
    }
    case 'Fn::ImportValue':
      return imported(String(argument), templates);
    default:
      throw new Error(`${name} is not understood.`);
  }
}

function imported(exportName: string, templates: Templates): string {
  for (const stack of [...stackNames, ...optionalStackNames]) {
    for (const output of Object.values(templates[stack]?.Outputs ?? {})) if (output.Export?.Name === exportName) return readable(output.Value, stack, templates);
  }
  throw new Error(`Nothing exports ${exportName}.`);
}

const withoutHash = (logicalId: string): string => logicalId.replace(/[0-9A-F]{8}$/, '');

export interface Permission {
  readonly action: string;
  readonly resource: string;
  readonly condition: unknown;
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** Everything that a role may do. @throws Error for anything but plain Allow statements in its own policies */
export function permissionsOf(role: Resource, stack: StackName, templates: Templates): Permission[] {
  const { Policies = [], ManagedPolicyArns } = role.Properties as { Policies?: { PolicyDocument: { Statement: Statement[] } }[]; ManagedPolicyArns?: unknown };
  if (ManagedPolicyArns !== undefined) throw new Error('The role has managed policies.');
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).flatMap(({ Effect, Action, Resource, Condition, ...others }) => {
    if (Effect !== 'Allow' || Object.keys(others).some((member) => member !== 'Sid')) throw new Error('The statement is no plain Allow.');
    return [Action].flat().flatMap((action) => [Resource].flat().map((resource) => ({ action, resource: readable(resource, stack, templates), condition: Condition })));
  });
}
