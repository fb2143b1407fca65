/** The key ceremony on the command line. PINs come from the environment, so that they do not show in the process list. */
import { parseArgs } from 'node:util';
import { initialiseToken } from './ceremony.ts';

const { values } = parseArgs({
  options: {
    module: { type: 'string', default: '/usr/lib/softhsm/libsofthsm2.so' },
    'token-dir': { type: 'string' },
    label: { type: 'string', default: 'chatelaine' },
    domain: { type: 'string', default: 'default' },
    epoch: { type: 'string', default: '1' },
  },
});
const soPin = process.env.CHATELAINE_SO_PIN;
const userPin = process.env.CHATELAINE_USER_PIN;
const epoch = Number(values.epoch);
if (!values['token-dir'] || !soPin || !userPin || !Number.isInteger(epoch) || epoch < 1) {
  console.error('usage: CHATELAINE_SO_PIN=… CHATELAINE_USER_PIN=… node hsm-bridge/ceremony/main.ts --token-dir DIR [--label L] [--domain D] [--epoch N] [--module PATH]');
  process.exit(2);
}
const result = await initialiseToken({ modulePath: values.module, tokenDir: values['token-dir'], label: values.label, domain: values.domain, epoch, soPin, userPin });
console.log(JSON.stringify({ ...result, auditPublicKey: Buffer.from(result.auditPublicKey).toString('base64') }));
