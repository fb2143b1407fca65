import type { Rule } from './rule.ts';
import { roleStatements } from './statements.ts';

const onItems = /^dynamodb:(?:BatchGetItem|BatchWriteItem|ConditionCheckItem|DeleteItem|GetItem|PartiQL\w+|PutItem|Query|Scan|UpdateItem)$/;

export const rowsAreReachedByPartition: Rule = {
  name: 'rows-are-reached-by-partition',
  because: 'Keys, roles, bindings and waiting audit records are rows of one table: without a condition a stolen role reads and writes them all.',
  check: (deployed) =>
    roleStatements(deployed)
      .filter(({ effect, actions }) => effect === 'Allow' && actions.some((action) => onItems.test(action)))
      .flatMap(({ place: at, actions, conditions }) => {
        const patterns = [conditions['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? []].flat();
        const isBound = patterns.length > 0 && patterns.every((pattern) => typeof pattern === 'string' && /^[A-Z]+[^*?]*\*?$/.test(pattern));
        return [
          ...(isBound ? [] : [{ at, what: `does not say which partitions ${actions.join(', ')} may reach` }]),
          // ForAllValues holds where there is no value.
          ...actions.filter((action) => /Scan|PartiQL/.test(action)).map((action) => ({ at, what: `allows ${action}, which can come without a partition` })),
        ];
      }),
};
