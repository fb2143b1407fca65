/** What every role of a deployment may do, as one text. */
import { ofType, type Resource, readable, type StackName, type Templates } from './synthesised.ts';

interface Statement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}
interface Document {
  readonly Statement: readonly Statement[];
}

/** A value with everything that CloudFormation puts in as readable text, members in order. */
function plain(value: unknown, stack: StackName, templates: Templates): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((member) => plain(member, stack, templates));
  const [only, ...others] = Object.keys(value);
  if (only !== undefined && others.length === 0 && /^(?:Ref|Fn::)/.test(only)) return readable(value, stack, templates);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, plain(member, stack, templates)]),
  );
}

/** One line per action and resource; conditions behind it. */
function linesOf({ Effect, Action = [], Resource = [], Condition }: Statement, stack: StackName, templates: Templates): string[] {
  const when = Condition === undefined ? '' : ` when ${JSON.stringify(plain(Condition, stack, templates))}`;
  return [Action]
    .flat()
    .flatMap((action) => [Resource].flat().map((resource) => `  ${Effect === 'Allow' ? '' : `${Effect} `}${action} on ${String(plain(resource, stack, templates))}${when}`));
}

/** Policies that stand beside their role, as the CDK makes for its own. */
export function attachedTo(role: string, stack: StackName, templates: Templates): Document[] {
  const policies = [...ofType(templates[stack], 'AWS::IAM::Policy'), ...ofType(templates[stack], 'AWS::IAM::ManagedPolicy')];
  return policies.filter(([, { Properties }]) => JSON.stringify(Properties.Roles ?? []).includes(`"${role}"`)).map(([, { Properties }]) => Properties.PolicyDocument as Document);
}

function roleText({ stack, id, role: { Properties } }: PlacedRole, templates: Templates): string {
  const {
    Policies = [],
    ManagedPolicyArns = [],
    AssumeRolePolicyDocument: trust,
    PermissionsBoundary: boundary,
  } = Properties as {
    Policies?: { PolicyDocument: Document }[];
    ManagedPolicyArns?: unknown[];
    AssumeRolePolicyDocument: Document;
    PermissionsBoundary?: unknown;
  };
  const trusted = trust.Statement.map(
    ({ Effect, Principal, Condition }) => `  ${Effect} assumed by ${JSON.stringify(plain({ Principal, ...(Condition === undefined ? {} : { Condition }) }, stack, templates))}`,
  );
  const permissions = [...Policies.map(({ PolicyDocument }) => PolicyDocument), ...attachedTo(id, stack, templates)].flatMap(({ Statement }) =>
    Statement.flatMap((one) => linesOf(one, stack, templates)),
  );
  const managed = ManagedPolicyArns.map((arn) => `  managed policy ${String(plain(arn, stack, templates))}`);
  const bounded = boundary === undefined ? '  without boundary' : `  within ${String(plain(boundary, stack, templates))}`;
  return [`${stack}.${id.replace(/[0-9A-F]{8}$/, '')}`, ...trusted, bounded, ...managed, ...permissions.sort()].join('\n');
}

export interface PlacedRole {
  readonly stack: StackName;
  readonly id: string;
  readonly role: Resource;
}

export const rolesOf = (templates: Templates): PlacedRole[] =>
  (Object.keys(templates) as StackName[]).flatMap((stack) => ofType(templates[stack], 'AWS::IAM::Role').map(([id, role]) => ({ stack, id, role })));

/** Who may do what with a key, in the words of its own policy. */
function keyText(stack: StackName, id: string, { Properties }: Resource, templates: Templates): string {
  const { Statement = [] } = (Properties.KeyPolicy ?? {}) as Partial<Document>;
  const lines = Statement.map(({ Effect, Action = [], NotAction, Principal, Condition }) => {
    const when = Condition === undefined ? '' : ` when ${JSON.stringify(plain(Condition, stack, templates))}`;
    const what = NotAction === undefined ? [Action].flat().join(', ') : `anything but ${JSON.stringify(NotAction)}`;
    return `  ${Effect} ${JSON.stringify(plain(Principal, stack, templates))} ${what}${when}`;
  });
  return [`key ${stack}.${id.replace(/[0-9A-F]{8}$/, '')}`, ...(lines.length === 0 ? ['  without a policy'] : lines.sort())].join('\n');
}

const keyTexts = (templates: Templates): string[] =>
  (Object.keys(templates) as StackName[]).flatMap((stack) => ofType(templates[stack], 'AWS::KMS::Key').map(([id, key]) => keyText(stack, id, key, templates)));

export const permissionText = (templates: Templates): string => `${[...rolesOf(templates).map((role) => roleText(role, templates)), ...keyTexts(templates)].sort().join('\n\n')}\n`;
