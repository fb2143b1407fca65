import type { Handle } from './module.ts';
import type { PublicObjects } from './public-objects.ts';
import type { Sessions } from './sessions.ts';

/** Handles of the domain keys of one epoch. They are token objects, found at start-up, valid in every thread. */
export interface DomainKeys {
  readonly epoch: number;
  readonly kek: Handle;
  readonly mac: Handle;
  readonly seed: Handle;
  readonly audit: Handle;
}

/** What a job runs with: one per worker thread. */
export interface Driver {
  readonly sessions: Sessions;
  readonly publicObjects: PublicObjects;
  readonly domain: string;
  /** The current epoch first. */
  readonly epochs: readonly DomainKeys[];
}
