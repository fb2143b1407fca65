import { outputOf, runStep, SetupFailed, say } from './step.mjs';

/** apt-get and dnf need root: as it is, or by a sudo that asks for no password. */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  return outputOf('sudo', ['-n', 'true']) === undefined ? undefined : ['sudo', '-n'];
}

const has = (command) => outputOf('sh', ['-c', `command -v ${command}`]) !== undefined;

/**
 * Installs a package of the system.
 * @param {{ apt: string, dnf: string, brew: string }} names
 * @param {string} why
 */
export function installPackage(names, why) {
  const help = `Install it yourself: apt-get install ${names.apt} (Debian, Ubuntu), dnf install ${names.dnf} (Fedora), or brew install ${names.brew} (macOS). Then run the command again.`;
  const prefix = rootPrefix();
  if (has('apt-get') && prefix !== undefined) {
    say(`apt-get install ${names.apt}: ${why}`);
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    const install = [...prefix, 'apt-get', 'install', '-y', '-q', '--no-install-recommends', names.apt];
    try {
      runStep(install, { help, env });
    } catch {
      // A fresh machine has no package lists yet.
      runStep([...prefix, 'apt-get', 'update', '-q'], { help, env });
      runStep(install, { help, env });
    }
  } else if (has('dnf') && prefix !== undefined) {
    say(`dnf install ${names.dnf}: ${why}`);
    runStep([...prefix, 'dnf', 'install', '-y', '-q', names.dnf], { help });
  } else if (has('brew')) {
    say(`brew install ${names.brew}: ${why}`);
    runStep(['brew', 'install', names.brew], { help });
  } else throw new SetupFailed(`${names.apt} is missing (${why}) and this account cannot install packages. ${help}`);
}
