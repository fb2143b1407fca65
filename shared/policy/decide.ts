/**
 * Who may do what with a key. Any explicit deny wins. In the key's own account: the key policy names the principal, or it hands the decision to the
 * account and an identity document allows, or a grant allows. From another account both sides must say yes (docs/adr/0016).
 */
import { type CompiledPolicy, evaluatePolicy } from './compiled-policy.ts';
import { type GrantRecord, type GrantRequest, grantAllows } from './grant.ts';
import { isAccountRoot } from './principal-names.ts';
import type { DecisionRequest } from './request-facts.ts';
import { DecisionTooCostly, Work } from './work.ts';

/** An identity document and the role that brings it. */
export interface RoleDocument {
  readonly role: string;
  readonly policy: CompiledPolicy;
}

/** What decided. */
export type Ground =
  | { readonly source: 'key-policy'; readonly statement: string }
  | { readonly source: 'role'; readonly role: string; readonly statement: string }
  | { readonly source: 'grant'; readonly grantId: string }
  /** The account's root principal, which stands above the account's roles. */
  | { readonly source: 'account-root' }
  /** The documents and the values of the request together are more than a decision may cost. */
  | { readonly source: 'work-bound' };

export interface Decision {
  readonly outcome: 'allowed' | 'denied' | 'explicitly-denied';
  /** Every ground that was needed; the denying statement of an explicit deny; none when nothing allowed. */
  readonly grounds: readonly Ground[];
}

export interface KeyCase {
  /** The key's account. */
  readonly account: string;
  readonly policy: CompiledPolicy;
  /** Grants on this key to any of the caller's names, or to its account. */
  readonly grants: readonly GrantRecord[];
  readonly grantRequest: GrantRequest;
}

const nothing: Decision = { outcome: 'denied', grounds: [] };
const allowed = (...grounds: Ground[]): Decision => ({ outcome: 'allowed', grounds });

/** A decision that was broken off counts as an explicit deny: one may stand in what was not read. */
function withinBound(request: DecisionRequest, decide: (request: DecisionRequest) => Decision): Decision {
  try {
    return decide({ ...request, work: request.work ?? new Work() });
  } catch (error) {
    if (error instanceof DecisionTooCostly) return { outcome: 'explicitly-denied', grounds: [{ source: 'work-bound' }] };
    throw error;
  }
}

/** What the caller's own documents say, without any key policy. */
export const decideByIdentity = (documents: readonly RoleDocument[], request: DecisionRequest): Decision => withinBound(request, (bounded) => identityDecision(documents, bounded));

export const decideOnKey = (key: KeyCase, documents: readonly RoleDocument[], request: DecisionRequest): Decision =>
  withinBound(request, (bounded) => keyDecision(key, documents, bounded));

function identityDecision(documents: readonly RoleDocument[], request: DecisionRequest): Decision {
  let decision = isAccountRoot(request.principal.arn) ? allowed({ source: 'account-root' }) : nothing;
  for (const { role, policy } of documents) {
    const verdict = evaluatePolicy(policy, request);
    if (verdict.effect === 'none') continue;
    const ground: Ground = { source: 'role', role, statement: verdict.statement };
    if (verdict.effect === 'deny') return { outcome: 'explicitly-denied', grounds: [ground] };
    if (decision.outcome === 'denied') decision = allowed(ground);
  }
  return decision;
}

function keyDecision(key: KeyCase, documents: readonly RoleDocument[], request: DecisionRequest): Decision {
  const verdict = evaluatePolicy(key.policy, request);
  if (verdict.effect === 'deny') return { outcome: 'explicitly-denied', grounds: [{ source: 'key-policy', statement: verdict.statement }] };
  const identity = identityDecision(documents, request);
  if (identity.outcome === 'explicitly-denied') return identity;
  const byKey = bestOfKey(key, verdict.effect === 'allow' ? verdict : undefined, request);
  if (byKey === undefined) return nothing;
  const isOwn = key.account === request.principal.account;
  if (isOwn && byKey.through === 'principal') return allowed(byKey.ground);
  return identity.outcome === 'allowed' ? allowed(byKey.ground, ...identity.grounds) : nothing;
}

interface KeySide {
  readonly ground: Ground;
  readonly through: 'principal' | 'account';
}

/** What the key's side offers: its policy or a grant, and of those one that names the principal itself if there is one. */
function bestOfKey({ grants, grantRequest }: KeyCase, verdict: { statement: string; through: 'principal' | 'account' } | undefined, request: DecisionRequest): KeySide | undefined {
  const byPolicy: KeySide | undefined = verdict && { ground: { source: 'key-policy', statement: verdict.statement }, through: verdict.through };
  if (byPolicy?.through === 'principal') return byPolicy;
  let byAccount = byPolicy;
  for (const grant of grants) {
    if (!grantAllows(grant, request, grantRequest)) continue;
    const ground: Ground = { source: 'grant', grantId: grant.grantId };
    if (!isAccountRoot(grant.grantee) || grant.grantee === request.principal.arn) return { ground, through: 'principal' };
    byAccount ??= { ground, through: 'account' };
  }
  return byAccount;
}
