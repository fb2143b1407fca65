import { describe, expect, test } from 'vitest';
import { type AdministerOptions, administer } from '#lambdas/cloudhsm/administer.ts';
import { programs } from '#lambdas/cloudhsm/cloudhsm-programs.ts';
import { CloudHsmCli } from '#test/support/cloudhsm-cli.ts';
import { MemorySecrets } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';

function options(step: AdministerOptions['step'], cli: CloudHsmCli, sent: unknown[] = [], changes: Partial<AdministerOptions> = {}): AdministerOptions {
  const secrets = new MemorySecrets();
  secrets.values
    .set('anchor', 'PEM')
    .set('admin', 'officer-password')
    .set('pin', JSON.stringify({ username: 'chatelaine', password: 'user-password' }))
    .set('owner', JSON.stringify({ username: 'chatelaine-keys', password: 'owner-password' }));
  return {
    ...{ step, run: cli.run, secrets, clusterId: 'cluster-aaaaaaaaaaa', region: 'us-east-1', epoch: 1, domain: 'prod', tokenLabel: 'hsm1', hasFewHsms: false },
    ...{ trustAnchorSecret: 'anchor', adminSecret: 'admin', pinSecret: 'pin', keyOwnerSecret: 'owner' },
    writeTrustAnchor: async () => '/tmp/customerCA.crt',
    client: { send: async (...call) => void sent.push(call) },
    tellAuditKey: (point) => void sent.push(point),
    ...changes,
  };
}
const active = (coverage?: string) => new CloudHsmCli([{ username: 'admin', role: 'admin' }], coverage);
async function withUsers(): Promise<CloudHsmCli> {
  const cli = active();
  await administer(options('create-users', cli));
  cli.runs.length = 0;
  return cli;
}

describe('activation', () => {
  test('sets the first password, and is seen to have done so', async () => {
    const cli = new CloudHsmCli([{ username: 'admin', role: 'unactivated-admin' }]);

    await administer(options('activate', cli));

    expect(cli.verbs()).toEqual(['user list', 'cluster activate', 'user list']);
  });

  test('of an active cluster does nothing', async () => {
    const cli = active();

    await administer(options('activate', cli));

    expect(cli.verbs()).toEqual(['user list']);
  });
});

describe('the crypto users', () => {
  test('are made by the officer, whose password is in the environment of that one program, and then reported', async () => {
    const cli = active();
    const sent: unknown[] = [];

    await administer(options('create-users', cli, sent));

    const created = cli.runs.filter(({ args }) => args[1] === 'create');
    expect(created.map(({ args }) => args[3])).toEqual(['chatelaine', 'chatelaine-keys']);
    for (const { args, given } of created) {
      expect(given?.environment).toEqual({ CLOUDHSM_ROLE: 'admin', CLOUDHSM_PIN: 'admin:officer-password' });
      expect(JSON.stringify(args)).not.toContain('officer-password');
    }
    expect(sent).toEqual([['TagResource', { ResourceId: 'cluster-aaaaaaaaaaa', TagList: [{ Key: 'chatelaine:users', Value: 'created' }] }]]);
  });

  test('that are there already are only reported', async () => {
    const cli = await withUsers();
    const sent: unknown[] = [];

    await administer(options('create-users', cli, sent));

    expect(cli.verbs()).not.toContain('user create');
    expect(sent).toHaveLength(1);
  });

  test('that are not on every HSM are not reported', async () => {
    const sent: unknown[] = [];

    await expect(administer(options('create-users', active('partial'), sent))).rejects.toThrow('not on every HSM');

    expect(sent).toEqual([]);
  });

  test('a secret that cannot be read is said without a word of it', async () => {
    const secrets = { read: async (id: string) => (id === 'pin' ? '{"username": hunter2-is-secret' : 'x') };

    await expect(administer(options('create-users', active(), [], { secrets }))).rejects.toThrow(/^A secret of the HSM is not JSON with a username and a password/);
  });
});

describe('the domain keys', () => {
  test('are made by their owner, the first is trusted by the officer, all are shared with the user of the bridge, and then reported', async () => {
    const cli = await withUsers();
    const sent: unknown[] = [];

    await administer(options('create-keys', cli, sent));

    expect([...cli.keys.values()].map(({ label, owner, trusted, sharedWith }) => [label, owner, trusted, [...sharedWith]])).toEqual(
      ['kek', 'mac', 'seed', 'audit'].map((purpose) => [`chatelaine/prod/${purpose}/1`, 'chatelaine-keys', purpose === 'kek', ['chatelaine']]),
    );
    expect(sent).toEqual(['0441', ['TagResource', { ResourceId: 'cluster-aaaaaaaaaaa', TagList: [{ Key: 'chatelaine:keys', Value: '1' }] }]]);
  });

  test('no password of theirs is in an argument, and the ceremony has its own from standard input', async () => {
    const cli = await withUsers();

    await administer(options('create-keys', cli));

    expect(JSON.stringify(cli.runs.map(({ args }) => args))).not.toMatch(/officer-password|owner-password|user-password/);
    const { args, given } = cli.runs.find(({ program }) => program === programs.ceremony)!;
    expect([args, given?.environment]).toEqual([[], undefined]);
    expect(given?.input?.split('\n')).toEqual([
      'module=/opt/cloudhsm/lib/libcloudhsm_pkcs11.so',
      'label=hsm1',
      'domain=prod',
      'epoch=1',
      'userPin=chatelaine-keys:owner-password',
      '',
    ]);
  });

  test('of a task that died half-way are finished by the next one, and nothing is done twice', async () => {
    const cli = await withUsers();
    cli.failAt('key share', 2);
    await expect(administer(options('create-keys', cli))).rejects.toThrow();
    cli.runs.length = 0;

    await administer(options('create-keys', cli));

    expect(cli.verbs().filter((verb) => verb !== 'key list')).toEqual(['key share', 'key share', 'key share']);
    expect([...cli.keys.values()].every(({ sharedWith }) => sharedWith.has('chatelaine'))).toBe(true);
  });

  test.each([
    ['is not on every HSM', (cli: CloudHsmCli) => Object.assign(cli, { keyCoverage: 'partial' }), 'not on every HSM'],
    ['is there twice', (cli: CloudHsmCli) => [1, 2].map(() => cli.addKey('chatelaine/prod/mac/1', 'secret-key', 'chatelaine-keys')), 'There are 2 mac keys'],
    ['did not become trusted', (cli: CloudHsmCli) => Object.assign(cli, { ignores: 'key set-attribute' }), 'not trusted'],
    ['did not become shared', (cli: CloudHsmCli) => Object.assign(cli, { ignores: 'key share' }), 'not shared'],
  ])('are not reported while one of them %s', async (_, change, message) => {
    const cli = await withUsers();
    change(cli);
    const sent: unknown[] = [];

    await expect(administer(options('create-keys', cli, sent))).rejects.toThrow(message);

    expect(sent.filter(Array.isArray)).toEqual([]);
  });

  test('of a second epoch leave those of the first as they are', async () => {
    const cli = await withUsers();
    await administer(options('create-keys', cli));

    await administer(options('create-keys', cli, [], { epoch: 2 }));

    expect(cli.keys.size).toBe(8);
  });
});

describe('the client', () => {
  test.each([
    [true, ['--disable-key-availability-check']],
    [false, []],
  ])('with few HSMs: %s, is configured by the id of the cluster, for both of its programs', async (hasFewHsms, more) => {
    const cli = await withUsers();

    await administer(options('create-keys', cli, [], { hasFewHsms }));

    const args = ['--cluster-id', 'cluster-aaaaaaaaaaa', '--region', 'us-east-1', '--hsm-ca-cert', '/tmp/customerCA.crt', ...more];
    expect(cli.runs.filter(({ program }) => program.includes('configure')).map((run) => [run.program, run.args])).toEqual([
      [programs.configureCli, args],
      [programs.configurePkcs11, args],
    ]);
  });
});
