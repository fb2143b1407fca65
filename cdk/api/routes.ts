import type { Operation } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';

export const stageName = 'prod';

/** Method and path as IAM and permissions name them: `POST/v1/tags/*`. Path members are any one value. */
export const invokePath = ({ method, path }: { readonly method: string; readonly path: string }): string => `${method}${path.replaceAll(/\{[A-Za-z]+\}/g, '*')}`;

export const operationsNamed = (names: Iterable<string>): readonly Operation[] =>
  [...names].map((name) => {
    const found = operations.find((operation) => operation.name === name);
    if (found === undefined) throw new Error(`There is no operation ${name}.`);
    return found;
  });
