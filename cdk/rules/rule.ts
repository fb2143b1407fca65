/**
 * Rules of our own, for what cdk-nag does not see: the OpenAPI document, CloudHSM, what one resource means to another in a second stack. They read the finished
 * templates, know no acknowledgments, and each is proven by a stack that was broken on purpose (test/infra/rules.test.ts).
 */
import type { DeploymentConfig } from '../config/deployment-config.ts';

export interface RuledResource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: templates are data of some hundred types; a rule reads what it names and treats what is missing as a fault.
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Place {
  readonly stack: string;
  readonly id: string;
  readonly resource: RuledResource;
}

export interface Deployed {
  readonly config: DeploymentConfig;
  readonly places: readonly Place[];
  /** Resources of a type. */
  of(type: string): readonly Place[];
  /** A reference to a resource as `stack.LogicalId`, through exports of other stacks; undefined for anything else. */
  target(value: unknown, stack: string): string | undefined;
}

export interface Fault {
  readonly at: Place;
  readonly what: string;
}

export interface Rule {
  readonly name: string;
  /** What goes wrong in the world when it is broken. */
  readonly because: string;
  check(deployed: Deployed): readonly Fault[];
}

export const nameOf = ({ stack, id }: Pick<Place, 'stack' | 'id'>): string => `${stack}.${id}`;
/** A fault at each place for which `isBroken` holds. */
export const faults = (places: readonly Place[], what: string, isBroken: (resource: RuledResource, place: Place) => boolean): Fault[] =>
  places.filter((place) => isBroken(place.resource, place)).map((at) => ({ at, what }));
