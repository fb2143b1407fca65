import { faults, type Rule } from './rule.ts';
import { roleStatements } from './statements.ts';

/** The dispatcher of the wire protocol, and what the CDK makes to run custom resources. */
const mayInvoke = /^(?:WireRole|.*framework\w*ServiceRole|.*Provider\w*Role|.*WaiterStateMachine\w*Role)/i;

export const functionsAreInvokedByServices: Rule = {
  name: 'functions-are-invoked-by-services',
  because: 'Whoever invokes a function around the API says who the caller is, and is believed (docs/adr/0013).',
  check: (deployed) => [
    ...faults(deployed.of('AWS::Lambda::Permission'), 'does not name one service and one source of this account', ({ Properties }) => {
      const { Principal: principal, SourceArn: source, Action: action } = Properties;
      return typeof principal !== 'string' || !/^[a-z-]+\.amazonaws\.com$/.test(principal) || source === undefined || action !== 'lambda:InvokeFunction';
    }),
    ...roleStatements(deployed)
      .filter(({ effect, actions, place }) => effect === 'Allow' && actions.includes('lambda:InvokeFunction') && !mayInvoke.test(place.id))
      .map(({ place: at }) => ({ at, what: 'may invoke functions' })),
  ],
};
