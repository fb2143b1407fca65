/** Compiled policies by their text: the text is what was sealed, so a policy that changed by one character is another policy. Bounded by size. */
import { type CompiledPolicy, compilePolicy } from './compiled-policy.ts';

const charactersMax = 16 * 1024 * 1024;

export class PolicyCache {
  readonly #policies = { key: new Map<string, CompiledPolicy>(), identity: new Map<string, CompiledPolicy>() };
  #characters = 0;

  /** @throws KmsError MalformedPolicyDocumentException: stored policies were compiled before they were stored */
  get(text: string, kind: 'key' | 'identity'): CompiledPolicy {
    const policies = this.#policies[kind];
    const known = policies.get(text);
    if (known !== undefined) return known;
    const compiled = compilePolicy(text, kind);
    this.#characters += text.length;
    policies.set(text, compiled);
    while (this.#characters > charactersMax) this.#dropOldest();
    return compiled;
  }

  #dropOldest(): void {
    const policies = this.#policies.key.size >= this.#policies.identity.size ? this.#policies.key : this.#policies.identity;
    const oldest = policies.keys().next().value!;
    policies.delete(oldest);
    this.#characters -= oldest.length;
  }
}
