import type { Fault, Place, Rule } from './rule.ts';

interface KeyStatement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly Principal?: '*' | Readonly<Record<string, unknown>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const uses = /^kms:(?:\*|Decrypt|Encrypt|ReEncrypt\w*|GenerateDataKey\w*|Sign|CreateGrant)/;
const changes = /^(?:\*|kms:\*|kms:Put.*)$/;

/** A key without a policy of its own has AWS's: the account may do everything. */
export const keysAreClosed: Rule = {
  name: 'keys-are-closed',
  because: 'A key that a whole account or a whole service may use protects nothing from a role of that account, or from a stranger who gets the service to act for him.',
  check: ({ of }) =>
    of('AWS::KMS::Key').flatMap((at) => {
      const statements = (at.resource.Properties.KeyPolicy?.Statement ?? []) as KeyStatement[];
      const signs = at.resource.Properties.KeyUsage === 'SIGN_VERIFY';
      return [
        ...statements.flatMap((statement) => faultsOf(at, statement, signs)),
        ...(canBeChanged(statements) ? [] : [{ at, what: 'has a policy that nobody can change any more' }]),
        ...(signs && at.resource.DeletionPolicy === 'Retain' && !isKept(statements) ? [{ at, what: 'signs, is kept, and can be deleted by whoever administers it' }] : []),
      ];
    }),
};

function faultsOf(at: Place, { Effect, Action, Principal, Condition = {} }: KeyStatement, signs: boolean): Fault[] {
  if (Effect !== 'Allow') return [];
  if (Action === undefined || Principal === undefined) return [{ at, what: 'allows whatever a list leaves out' }];
  const actions = [Action].flat();
  const isBound = signs ? isBoundToSigner(Principal, Condition) : isBoundToPurpose(Principal, Condition);
  return [
    ...(actions.some((action) => action.includes('*')) ? [{ at, what: 'allows all actions of a kind' }] : []),
    ...(Principal === '*' || (Principal as { AWS?: unknown }).AWS === '*' ? [{ at, what: 'allows everybody' }] : []),
    ...(!isBound && actions.some((action) => uses.test(action)) ? [{ at, what: 'lets itself be used without a word on through what, or for whom' }] : []),
    ...(signs && actions.includes('kms:CreateGrant') ? [{ at, what: 'has signers that stand in no policy' }] : []),
  ];
}

function isBoundToPurpose(Principal: KeyStatement['Principal'], Condition: NonNullable<KeyStatement['Condition']>): boolean {
  const { 'kms:ViaService': service, 'kms:CallerAccount': account } = Condition.StringEquals ?? {};
  const bindings = Object.values(Condition).flatMap(Object.keys);
  const isService = typeof Principal === 'object' && Principal.Service !== undefined;
  return isService ? bindings.some((key) => key === 'aws:SourceAccount' || key.startsWith('kms:EncryptionContext:')) : service !== undefined && account !== undefined;
}

/** One role, whose name has no wildcard. */
function isBoundToSigner(Principal: KeyStatement['Principal'], { ArnEquals: { 'aws:PrincipalArn': role } = {} }: NonNullable<KeyStatement['Condition']>): boolean {
  const isOne = role !== undefined && (!Array.isArray(role) || role.length === 1);
  return isOne && !JSON.stringify(role).includes('*') && typeof Principal === 'object' && Principal.Service === undefined;
}

/** AWS KMS asks that the caller of PutKeyPolicy could call it again, which binds the one who writes the policy and nobody who comes later. */
function canBeChanged(statements: readonly KeyStatement[]): boolean {
  const about = (effect: string) => statements.filter(({ Effect, Action = [] }) => Effect === effect && [Action].flat().some((action) => changes.test(action)));
  return about('Allow').some(({ Principal, Condition }) => Condition === undefined && typeof Principal === 'object' && Principal.AWS !== undefined) && about('Deny').length === 0;
}

const isKept = (statements: readonly KeyStatement[]): boolean =>
  statements.some(({ Effect, Action = [], Principal, Condition }) => Effect === 'Deny' && Condition === undefined && isEverybody(Principal) && [Action].flat().includes('kms:ScheduleKeyDeletion')); // biome-ignore format: one condition
const isEverybody = (Principal: KeyStatement['Principal']): boolean => Principal === '*' || (typeof Principal === 'object' && Principal.AWS === '*');
