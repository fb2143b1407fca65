/** What a decision is made on. */
import type { Attestation } from '#shared/attestation/attestation.ts';
import type { Caller } from '#shared/pipeline/caller.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import { globalFacts } from './global-facts.ts';
import { kmsFacts } from './kms-facts.ts';
import type { PrincipalIdentity } from './principal-names.ts';
import type { Work } from './work.ts';

export type Fact = string | readonly string[] | undefined;

/**
 * Condition keys in lower case (IAM compares their names without case) and their values. Undefined: the request does not have the key. Lists are
 * multivalued keys. A Map is one; requests make theirs on demand, since most policies read a few keys of many.
 */
export interface Facts {
  get(key: string): Fact;
}

export interface DecisionRequest {
  readonly principal: PrincipalIdentity;
  /** `kms:Encrypt` */
  readonly action: string;
  readonly resource: string;
  readonly facts: Facts;
  /** What the decision may still cost. Absent: the bound of one decision. */
  readonly work?: Work | undefined;
}

/** Everything that facts are read from. */
export interface FactSource {
  /** Name of the operation, `Encrypt`. */
  readonly operation: string;
  /** What the key is to the operation: ReEncrypt has a source and a destination. */
  readonly role: string | undefined;
  readonly input: Readonly<Record<string, unknown>>;
  readonly caller: Caller;
  readonly key: LoadedKey | undefined;
  /** The other key of a ReEncrypt. */
  readonly otherKeyArn: string | undefined;
  readonly resourceAliases: readonly string[] | undefined;
  readonly partition: string;
  readonly now: number;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  /** The enclave that the answer is for. */
  readonly attestation?: Pick<Attestation, 'pcrs'> | undefined;
}

export const resourceAliasesKey = 'kms:resourcealiases';

/** Computes each fact when it is first asked for, and once. */
export function requestFacts(source: FactSource): Facts {
  const known = new Map<string, Fact>();
  return {
    get(key) {
      if (!known.has(key)) known.set(key, (key.startsWith('kms:') ? kmsFacts : globalFacts)(key, source));
      return known.get(key);
    },
  };
}
