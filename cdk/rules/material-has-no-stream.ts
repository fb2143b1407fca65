import { faults, type Rule } from './rule.ts';

export const materialHasNoStream: Rule = {
  name: 'material-has-no-stream',
  because: 'A stream is a second copy of the wrapped keys, for a day, behind other permissions.',
  check: ({ of }) => faults(of('AWS::DynamoDB::Table'), 'has a stream', ({ Properties }, { id }) => /^Material/.test(id) && Properties.StreamSpecification !== undefined),
};
