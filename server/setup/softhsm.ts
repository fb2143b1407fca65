import { existsSync } from 'node:fs';

/** Where Debian, Ubuntu, Fedora, Homebrew and a build from source put the library. scripts/bootstrap/softhsm.mjs knows the same list. */
export const softHsmPaths = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/lib64/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
] as const;

/** @throws Error that says what to install */
export function findSoftHsm(given: string | undefined): string {
  if (given !== undefined && !existsSync(given)) throw new Error(`CHATELAINE_PKCS11_MODULE is ${given}, and there is no such file.`);
  const path = given ?? softHsmPaths.find((each) => existsSync(each));
  if (path === undefined)
    throw new Error('SoftHSM is not installed. Install it (Debian and Ubuntu: apt-get install softhsm2; Fedora: dnf install softhsm; macOS: brew install softhsm).');
  return path;
}
