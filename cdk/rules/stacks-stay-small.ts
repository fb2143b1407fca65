import type { Rule } from './rule.ts';

/** CloudFormation's limit is 500. */
export const resourcesMax = 400;

export const stacksStaySmall: Rule = {
  name: 'stacks-stay-small',
  because: 'A stack that meets the limit of CloudFormation in production cannot be updated until it is split, which moves resources that hold state.',
  check({ places }) {
    const counts = Map.groupBy(places, ({ stack }) => stack);
    return [...counts.values()].filter((all) => all.length >= resourcesMax).map((all) => ({ at: all[0]!, what: `is one of ${all.length} resources of its stack` }));
  },
};
