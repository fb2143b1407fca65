import { existsSync } from 'node:fs';
import { installPackage } from './packages.mjs';
import { SetupFailed } from './step.mjs';

/** The same list as in server/setup/softhsm.ts. */
const paths = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/lib64/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
];

export function ensureSoftHsm() {
  const given = process.env.CHATELAINE_PKCS11_MODULE;
  if (given && !existsSync(given)) throw new SetupFailed(`CHATELAINE_PKCS11_MODULE is ${given}, and there is no such file. Correct it, or unset it for SoftHSM.`);
  if (given || paths.some((path) => existsSync(path))) return;
  installPackage({ apt: 'softhsm2', dnf: 'softhsm', brew: 'softhsm' }, 'the HSM of a single node, in software.');
  if (!paths.some((path) => existsSync(path)))
    throw new SetupFailed('SoftHSM was installed, but libsofthsm2.so is in none of the usual folders. Set CHATELAINE_PKCS11_MODULE to its path.');
}
