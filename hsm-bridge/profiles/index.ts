import { cloudhsm } from './cloudhsm.ts';
import type { HsmProfile } from './profile.ts';
import { softhsm2 } from './softhsm2.ts';

export const profiles: Readonly<Record<HsmProfile['name'], HsmProfile>> = { softhsm2, cloudhsm };
