/** defineBatch: up to 100 requests of one operation in one. The pipeline runs the items (shared/pipeline/batch.ts); everything about them is the single operation's. */
import * as z from 'zod';
import type { Operation } from '#shared/operation.ts';

export const batchItemsMax = 100;

interface BatchDefinition<Name extends string> {
  readonly name: Name;
  readonly summary: string;
  readonly path: `/v1/batch/${string}`;
  /** What each item is a request of. */
  readonly of: Operation;
}

const itemError = z.object({ Code: z.string(), Message: z.string().optional() });

export function defineBatch<const Name extends string>({ name, summary, path, of }: BatchDefinition<Name>): Operation & { readonly name: Name } {
  return {
    name,
    group: of.group,
    summary,
    http: { method: 'POST', path },
    wire: false,
    batchOf: of,
    // Each item is validated alone, so that a bad one does not refuse the others.
    input: z.object({ Items: z.array(z.unknown()).min(1).max(batchItemsMax) }),
    output: z.object({ Results: z.array(z.object({ Output: (of.output ?? z.object({})).optional(), Error: itemError.optional() })), FailedCount: z.int() }),
    needs: of.needs,
    errors: [],
    audit: (input) => ({ itemCount: (input.Items as readonly unknown[]).length }),
    async run() {
      throw new Error('The pipeline runs the items of a batch.');
    },
  };
}

/** For documents: what an item should look like. A batch takes anything as an item, and answers what is wrong with it in its place. */
export const documentedInput = ({ batchOf, input }: Pick<Operation, 'batchOf' | 'input'>): z.ZodObject =>
  batchOf === undefined ? input : z.object({ Items: z.array(batchOf.input).min(1).max(batchItemsMax) });
