/** The programs of the CloudHSM client as far as their documentation shows them: who may do what, and what they print. */
import { type ProgramInput, programs, type RunProgram } from '#lambdas/cloudhsm/cloudhsm-programs.ts';

interface User {
  readonly username: string;
  role: string;
  readonly 'cluster-coverage'?: string;
}
interface Key {
  readonly reference: string;
  readonly label: string;
  readonly class: string;
  readonly owner: string;
  trusted: boolean;
  readonly sharedWith: Set<string>;
}

export class CloudHsmCli {
  readonly runs: { readonly program: string; readonly args: readonly string[]; readonly given: ProgramInput | undefined }[] = [];
  readonly keys = new Map<string, Key>();
  readonly #users: User[];
  readonly #coverage: string;
  keyCoverage = 'full';
  /** A command that says it worked and does nothing. */
  ignores: string | undefined;
  #failing: { readonly verb: string; left: number } | undefined;

  constructor(users: User[], coverage = 'full') {
    this.#users = users;
    this.#coverage = coverage;
  }

  /** The nth run of a command from now on ends with an error. */
  failAt(verb: string, count: number): void {
    this.#failing = { verb, left: count };
  }

  verbs = () => this.runs.filter(({ program }) => program === programs.cli).map(({ args }) => args.slice(0, 2).join(' '));

  addKey(label: string, keyClass: string, owner: string): void {
    const reference = `0x${(this.keys.size + 1).toString(16).padStart(16, '0')}`;
    this.keys.set(reference, { reference, label, class: keyClass, owner, trusted: false, sharedWith: new Set() });
  }

  run: RunProgram = async (program, args, given) => {
    this.runs.push({ program, args, given });
    if (program === programs.ceremony) return this.#ceremony(given?.input ?? '');
    if (program !== programs.cli) return '';
    const verb = args.slice(0, 2).join(' ');
    if (this.#failing?.verb === verb && --this.#failing.left === 0) throw new Error(`${verb} failed.`);
    const data = this.ignores === verb ? {} : this.#command(verb, args, given?.environment);
    return JSON.stringify({ error_code: 0, data });
  };

  #command(verb: string, args: readonly string[], environment: ProgramInput['environment']): unknown {
    const option = (name: string) => args[args.indexOf(name) + 1] ?? '';
    switch (verb) {
      case 'user list':
        return { users: this.#users };
      case 'cluster activate':
        for (const user of this.#users) user.role = 'admin';
        return {};
      case 'user create':
        this.#loggedIn(environment, 'admin');
        this.#users.push({ username: option('--username'), role: option('--role'), 'cluster-coverage': this.#coverage });
        return {};
      case 'key list': {
        const username = this.#loggedIn(environment, 'crypto-user');
        return { matched_keys: this.#matching(args).filter(({ owner, sharedWith }) => owner === username || sharedWith.has(username)).map((key) => this.#shown(key)) }; // biome-ignore format: one answer
      }
      case 'key set-attribute':
        // Only an officer trusts a key.
        this.#loggedIn(environment, 'admin');
        for (const key of this.#matching(args)) key.trusted = option('--value') === 'true';
        return {};
      case 'key share': {
        const username = this.#loggedIn(environment, 'crypto-user');
        for (const key of this.#matching(args)) {
          if (key.owner !== username) throw new Error('Only its owner shares a key.');
          key.sharedWith.add(option('--username'));
        }
        return {};
      }
      default:
        throw new Error(`The CLI knows no ${verb}.`);
    }
  }

  #loggedIn(environment: ProgramInput['environment'], role: string): string {
    const { CLOUDHSM_ROLE, CLOUDHSM_PIN } = environment ?? {};
    const username = CLOUDHSM_PIN?.split(':')[0] ?? '';
    if (CLOUDHSM_ROLE !== role || !this.#users.some((user) => user.username === username && user.role === role)) throw new Error(`Not logged in as ${role}.`);
    return username;
  }

  #matching(args: readonly string[]): Key[] {
    const filters = args.slice(args.indexOf('--filter') + 1);
    const end = filters.findIndex((text) => text.startsWith('--'));
    const wanted = (end === -1 ? filters : filters.slice(0, end)).map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const);
    return [...this.keys.values()].filter((key) =>
      wanted.every(([name, value]) => ({ 'attr.label': key.label, 'attr.class': key.class, 'key-reference': key.reference })[name] === value),
    );
  }

  #shown(key: Key) {
    const shared = [...key.sharedWith].map((username) => ({ username, 'key-coverage': this.keyCoverage }));
    const info = { 'key-owners': [{ username: key.owner, 'key-coverage': this.keyCoverage }], 'shared-users': shared, 'cluster-coverage': this.keyCoverage };
    return { 'key-reference': key.reference, 'key-info': info, attributes: { label: key.label, class: key.class, trusted: key.trusted } };
  }

  #ceremony(input: string): string {
    const values = Object.fromEntries(input.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
    const owner = String(values.userPin).split(':')[0] ?? '';
    if (!this.#users.some(({ username, role }) => username === owner && role === 'crypto-user')) throw new Error('The owner cannot log in.');
    return ['kek', 'mac', 'seed', 'audit']
      .map((purpose) => {
        const label = `chatelaine/${values.domain}/${purpose}/${values.epoch}`;
        const isThere = [...this.keys.values()].some((key) => key.label === label);
        if (!isThere) this.addKey(label, purpose === 'audit' ? 'private-key' : 'secret-key', owner);
        return `${purpose} ${isThere ? 'present' : 'created'}${purpose === 'audit' ? ' 0441' : ''}\n`;
      })
      .join('');
  }
}
