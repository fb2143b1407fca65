/** CloudFormation's own word on which properties replace a resource: the specification that the CDK CLI of the project ships for `cdk diff`. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ImmutableProperties } from './replacements.ts';

interface Specification {
  readonly schema: {
    readonly resource: {
      readonly entities: readonly { readonly cloudFormationType: string; readonly properties: Readonly<Record<string, { readonly causesReplacement?: 'yes' | 'no' | 'maybe' }>> }[];
    };
  };
}

/** Reading it takes a quarter of a second: read once, ask often. */
export function readImmutableProperties(): ImmutableProperties {
  const folder = dirname(createRequire(import.meta.url).resolve('aws-cdk/package.json'));
  const { schema } = JSON.parse(gunzipSync(readFileSync(join(folder, 'db.json.gz'))).toString('utf8')) as Specification;
  const byType = new Map(schema.resource.entities.map(({ cloudFormationType, properties }) => [cloudFormationType, properties]));
  return (type) => {
    const properties = byType.get(type);
    if (properties !== undefined) return Object.keys(properties).filter((name) => ['yes', 'maybe'].includes(properties[name]?.causesReplacement ?? 'no'));
    if (type.startsWith('Custom::')) return [];
    throw new Error(`The specification of CloudFormation does not have ${type}.`);
  };
}
