/** The decisions of one request: what was read about its caller, and the facts of the request, put before the rules of decide.ts. */
import type { Caller } from '#shared/pipeline/caller.ts';
import type { AccessReader, PrincipalAccess } from '#shared/repositories/access-reader.ts';
import { compiled } from '#shared/repositories/access-reader.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import type { CompiledPolicy } from './compiled-policy.ts';
import { type Decision, decideByIdentity, decideOnKey } from './decide.ts';
import type { GrantConstraints } from './grant.ts';
import { encryptionContextOf } from './kms-facts.ts';
import type { PolicyCache } from './policy-cache.ts';
import type { PrincipalIdentity } from './principal-names.ts';
import { type DecisionRequest, type FactSource, type Facts, requestFacts, resourceAliasesKey } from './request-facts.ts';
import { Work } from './work.ts';

/** What operations may ask when the pipeline's own check is not the whole of it. */
export interface RequestAccess {
  /** By the whole rule: key policy, the caller's documents, grants. @param policy instead of the key's own */
  onKey(action: string, key: LoadedKey, role?: string, policy?: CompiledPolicy): Decision;
  /** By the caller's own documents alone. Facts about the key take part when there is one. */
  byIdentity(action: string, resource: string, key?: LoadedKey): Decision;
}

export type RequestFactSource = Omit<FactSource, 'role' | 'key' | 'otherKeyArn' | 'resourceAliases'>;

export const identityOf = (caller: Caller): PrincipalIdentity => ({ arn: caller.principalArn, account: caller.account, id: caller.principalId });

interface Settings {
  readonly principal: PrincipalAccess;
  readonly reader: Pick<AccessReader, 'aliasesOf'>;
  readonly policies: PolicyCache;
  readonly source: RequestFactSource;
  /** The keys of the request by role. */
  readonly keys: Readonly<Record<string, LoadedKey>>;
  /** What all decisions of a batch may cost together. */
  readonly work?: Work | undefined;
  /** In place of the facts of the request: the simulator's. */
  readonly factsOf?: (key: LoadedKey | undefined, base: Facts) => Facts;
}

/** Reads the aliases of the keys when a policy asks about them, and only then. */
export async function openRequestAccess(settings: Settings): Promise<RequestAccess> {
  const { principal, reader, policies, source, keys, work, factsOf } = settings;
  const identity = identityOf(source.caller);
  const policyOf = (key: LoadedKey): CompiledPolicy => compiled(policies, key.record.policy, 'key');
  const aliases = new Map<string, readonly string[]>();
  const documentsAsk = principal.documents.some(({ policy }) => policy.readsKeys.has(resourceAliasesKey));
  for (const key of Object.values(keys)) {
    if (documentsAsk || policyOf(key).readsKeys.has(resourceAliasesKey)) aliases.set(key.arn, await reader.aliasesOf(key.record));
  }

  const request = (action: string, resource: string, key: LoadedKey | undefined, role: string | undefined): DecisionRequest => {
    const others = Object.values(keys).filter((other) => other !== key);
    const facts = requestFacts({ ...source, role, key, otherKeyArn: (others[0] ?? key)?.arn, resourceAliases: key === undefined ? undefined : aliases.get(key.arn) });
    return { principal: identity, action, resource, facts: factsOf?.(key, facts) ?? facts, work: new Work(undefined, work) };
  };

  return {
    onKey(action, key, role, policy = policyOf(key)) {
      const child = { operations: (source.input.Operations ?? []) as readonly string[], constraints: source.input.Constraints as GrantConstraints | undefined };
      return decideOnKey(
        {
          account: key.record.account,
          policy,
          grants: principal.grantsOn(key.record),
          grantRequest: { encryptionContext: encryptionContextOf({ ...source, role }), child: source.operation === 'CreateGrant' ? child : undefined },
        },
        principal.documents,
        request(action, key.arn, key, role),
      );
    },
    byIdentity: (action, resource, key) => decideByIdentity(principal.documents, request(action, resource, key, undefined)),
  };
}

/** The service itself: sweeps act on the keys of every account (protocol `system`, which no caller can choose). */
export const systemAccess: RequestAccess = {
  onKey: () => ({ outcome: 'allowed', grounds: [] }),
  byIdentity: () => ({ outcome: 'allowed', grounds: [] }),
};
