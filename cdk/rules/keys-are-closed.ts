import type { Place, Rule } from './rule.ts';

interface KeyStatement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Principal: '*' | Readonly<Record<string, unknown>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const uses = /^kms:(?:\*|Decrypt|Encrypt|ReEncrypt\w*|GenerateDataKey\w*|Sign|CreateGrant)/;

/** Keys that encrypt. Those that sign certificates are bound to the one role that does. */
export const keysAreClosed: Rule = {
  name: 'keys-are-closed',
  because: 'A key that a whole account or a whole service may use protects nothing from a role of that account, or from a stranger who gets the service to act for him.',
  check: ({ of }) =>
    of('AWS::KMS::Key')
      .filter(({ resource }) => resource.Properties.KeyUsage !== 'SIGN_VERIFY')
      .flatMap((at) => {
        const statements = (at.resource.Properties.KeyPolicy?.Statement ?? []) as KeyStatement[];
        const canChange = statements.some(({ Effect, Action }) => Effect === 'Allow' && [Action].flat().includes('kms:PutKeyPolicy'));
        return [...statements.flatMap((statement) => faultsOf(at, statement)), ...(canChange ? [] : [{ at, what: 'has a policy that nobody can change any more' }])];
      }),
};

function faultsOf(at: Place, { Effect, Action, Principal, Condition = {} }: KeyStatement) {
  if (Effect !== 'Allow') return [];
  const actions = [Action].flat();
  const { 'kms:ViaService': service, 'kms:CallerAccount': account } = Condition.StringEquals ?? {};
  const bindings = Object.values(Condition).flatMap(Object.keys);
  const isService = typeof Principal === 'object' && Principal.Service !== undefined;
  const isBound = isService ? bindings.some((key) => key === 'aws:SourceAccount' || key.startsWith('kms:EncryptionContext:')) : service !== undefined && account !== undefined;
  return [
    ...(actions.some((action) => action.includes('*')) ? [{ at, what: 'allows all actions of a kind' }] : []),
    ...(Principal === '*' || (Principal as { AWS?: unknown }).AWS === '*' ? [{ at, what: 'allows everybody' }] : []),
    ...(!isBound && actions.some((action) => uses.test(action)) ? [{ at, what: 'lets itself be used without a word on through what, or for whom' }] : []),
  ];
}
