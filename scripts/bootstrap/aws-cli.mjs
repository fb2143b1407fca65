import { installPackage } from './packages.mjs';
import { outputOf, SetupFailed } from './step.mjs';

/** Debian's package puts it into /usr/bin, where another `aws` on the PATH may hide it. */
const places = ['aws', '/usr/bin/aws', '/usr/local/bin/aws', '/opt/homebrew/bin/aws'];
const isVersion2 = (command) => outputOf(command, ['--version'])?.startsWith('aws-cli/2.') === true;

/** AWS CLI v2, which the end-to-end tests use as a person would. Its path goes to the tests as CHATELAINE_AWS_CLI. */
export function ensureAwsCli() {
  const find = () => places.find(isVersion2);
  let found = process.env.CHATELAINE_AWS_CLI ?? find();
  if (found === undefined) {
    installPackage({ apt: 'awscli', dnf: 'awscli2', brew: 'awscli' }, 'AWS CLI v2, which the end-to-end tests use.');
    found = find();
  }
  if (found === undefined) throw new SetupFailed('The package that was installed is not AWS CLI v2. Install it as its documentation says, or set CHATELAINE_AWS_CLI to its path.');
  process.env.CHATELAINE_AWS_CLI = found;
}
