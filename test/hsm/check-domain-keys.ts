/** Prints what the bridge has against the domain keys of a token, as JSON, under a profile with CloudHSM's demands. In a process of its own: SoftHSM reads its configuration once. */
import pkcs11 from 'pkcs11js';
import { DomainKeysRefused, loadDomainKeys } from '#bridge/driver/domain-keys.ts';
import { type Handle, loadModule } from '#bridge/driver/module.ts';
import { cloudhsm } from '#bridge/profiles/cloudhsm.ts';
import type { HsmProfile } from '#bridge/profiles/profile.ts';
import { softhsm2 } from '#bridge/profiles/softhsm2.ts';

const [modulePath = '', label = '', pin = '', domain = '', isTrustDemanded] = process.argv.slice(2);
const module = loadModule(modulePath);
const slot = module.C_GetSlotList(true).find((candidate) => module.C_GetTokenInfo(candidate).label.startsWith(label));
if (slot === undefined) throw new Error('no token');
const session = module.C_OpenSession(slot, pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION) as Handle;
module.C_Login(session, pkcs11.CKU_USER, pin);
const profile: HsmProfile = { ...softhsm2, kekAttributes: { ...cloudhsm.kekAttributes, ...(isTrustDemanded === 'yes' ? {} : { [pkcs11.CKA_TRUSTED]: false }) } };
try {
  loadDomainKeys(module, profile, session, domain, 1);
  console.log('[]');
} catch (error) {
  if (!(error instanceof DomainKeysRefused)) throw error;
  console.log(JSON.stringify(error.faults));
}
