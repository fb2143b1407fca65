import { installPackage } from './packages.mjs';
import { outputOf } from './step.mjs';

export function ensureOpenSsl() {
  if (outputOf('openssl', ['version']) !== undefined) return;
  installPackage({ apt: 'openssl', dnf: 'openssl', brew: 'openssl' }, 'the tests open sealed answers with it.');
}
