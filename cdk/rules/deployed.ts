import type { DeploymentConfig } from '../config/deployment-config.ts';
import type { Deployed, Place, RuledResource } from './rule.ts';

interface Template {
  readonly Resources?: Readonly<Record<string, RuledResource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: unknown } }>>;
}

/** @param templates by stack name */
export function deployedFrom(templates: Readonly<Record<string, Template>>, config: DeploymentConfig): Deployed {
  const places: Place[] = Object.entries(templates).flatMap(([stack, { Resources = {} }]) =>
    Object.entries(Resources).map(([id, resource]) => ({ stack, id, resource: { ...resource, Properties: resource.Properties ?? {} } })),
  );
  const exports = new Map(
    Object.entries(templates).flatMap(([stack, { Outputs = {} }]) =>
      Object.values(Outputs).flatMap(({ Value, Export }) => (Export === undefined ? [] : [[String(Export.Name), { stack, value: Value }] as const])),
    ),
  );
  // A weak reference reads the output of another stack by name.
  const outputOf = ({ StackName: stack, OutputName: output }: { readonly StackName?: unknown; readonly OutputName?: unknown }): string | undefined => {
    const found = templates[String(stack)]?.Outputs?.[String(output)];
    return found === undefined ? undefined : target(found.Value, String(stack));
  };
  const target = (value: unknown, stack: string): string | undefined => {
    if (typeof value !== 'object' || value === null) return undefined;
    const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::ImportValue': imported, 'Fn::GetStackOutput': output } = value as Record<string, unknown>;
    if (typeof ref === 'string') return `${stack}.${ref}`;
    if (Array.isArray(attribute)) return `${stack}.${String(attribute[0])}`;
    if (typeof output === 'object' && output !== null) return outputOf(output);
    const found = typeof imported === 'string' ? exports.get(imported) : undefined;
    return found === undefined ? undefined : target(found.value, found.stack);
  };
  return { config, places, of: (type) => places.filter(({ resource }) => resource.Type === type), target };
}
