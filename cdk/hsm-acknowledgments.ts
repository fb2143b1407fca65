/** Findings of the rule packs that come with a CloudHSM cluster, each with its reason. */
import type { Acknowledgment } from './gates/acknowledge.ts';

export const hsmAcknowledgments: readonly Acknowledgment[] = [];
