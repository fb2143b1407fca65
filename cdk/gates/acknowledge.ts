/** Applies the register of acknowledgments: each finding that stays is met by an entry with a reason that still holds, and each entry meets a finding. */
import { type App, Validations } from 'aws-cdk-lib';
import type { NagPack } from 'cdk-nag';

export interface Acknowledgment {
  /** The rule with its pack (`AwsSolutions-SMG4`), or without one (`LambdaInsideVPC`) for the compliance packs, which share their rules. `*` stands for any text. */
  readonly id: string;
  /** Construct path below the app, without the deployment's name and its hyphen. `*` stands for any text. */
  readonly path: string;
  readonly reason: string;
  /** The day from which somebody must have looked at it again: YYYY-MM-DD. */
  readonly expires: string;
}

export interface Finding {
  readonly rule: string;
  /** Construct path below the app. */
  readonly path: string;
}

/** What the packs find in a tree where nothing is acknowledged yet. */
export function findingsOf(app: App, packs: readonly NagPack[]): readonly Finding[] {
  return packs
    .flatMap((pack) => pack.validateScope(app).violations)
    .flatMap(({ ruleName, violatingResources }) => violatingResources.map(({ constructPath = '' }) => ({ rule: ruleName, path: constructPath })));
}

/**
 * Acknowledges each finding that an entry meets, at its own construct.
 * @returns the entries that met nothing in this tree
 * @throws Error for an entry that has expired
 */
export function acknowledge(app: App, deployment: string, findings: readonly Finding[], register: readonly Acknowledgment[], today: string): readonly Acknowledgment[] {
  const expired = register.filter(({ expires }) => expires <= today);
  if (expired.length > 0) throw new Error(`These acknowledgments have expired; look at the findings again: ${expired.map(describe).join(', ')}.`);
  return register.filter((entry) => {
    const met = findings.filter((finding) => meets(entry, finding, deployment));
    for (const { rule, path } of met) Validations.of(constructAt(app, path)).acknowledge({ id: rule, reason: entry.reason });
    return met.length === 0;
  });
}

export const describe = ({ id, path }: Acknowledgment): string => `${id} at ${path}`;

export function meets(entry: Acknowledgment, finding: Finding, deployment: string): boolean {
  const [, withoutPack] = /^(?:NIST\.800\.53\.R5|PCI\.DSS\.321|HIPAA\.Security)-(.+)$/.exec(finding.rule) ?? [];
  return (matches(entry.id, finding.rule) || (withoutPack !== undefined && matches(entry.id, withoutPack))) && matches(`${deployment}-${entry.path}`, finding.path);
}

function matches(pattern: string, text: string): boolean {
  const literals = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${literals.join('.*')}$`, 's').test(text);
}

function constructAt(app: App, path: string) {
  const found = path.split('/').reduce<ReturnType<App['node']['tryFindChild']>>((parent, id) => parent?.node.tryFindChild(id), app);
  if (found === undefined) throw new Error(`There is no construct at ${path}.`);
  return found;
}
