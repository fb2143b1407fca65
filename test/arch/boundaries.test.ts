import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Edge, importGraph, sourceFiles } from './import-graph.ts';

interface Rule {
  /** Files that the rule is about. */
  readonly files: RegExp;
  /** What they may import: files of the repository and packages. Everything else is refused. */
  readonly may: readonly RegExp[];
  readonly because: string;
}

const node = /^node:/;
const pureShared = /^shared\//;

const rules: readonly Rule[] = [
  { files: /^shared\//, may: [/^shared\//, /^zod$/, /^node:crypto$/], because: 'shared runs everywhere: no I/O, no SDK, no other folder' },
  {
    files: /^shared\/operations\/(?!index\.ts|.*-batch\.ts)/,
    may: [
      /^shared\/(operation\.ts|errors\.ts|ids\.ts|fields|keys|key-stores|policy|ciphertext|algorithms|repositories\/(changes|access-records|key-reader|key-store-records|rows)\.ts|ports|operations\/create-alias\.ts)/,
      /^zod$/,
    ],
    because: 'an operation says what it needs in `needs`; it reaches no store, pipeline or protocol by itself',
  },
  { files: /^shared\/operations\/.*-batch\.ts/, may: [/^shared\/(batch-operation\.ts|operations\/)/], because: 'a batch is what its single operation is, many times' },
  {
    files: /^shared\/(fields|algorithms|errors\.ts|ports)/,
    may: [/^shared\/(fields|algorithms|errors\.ts|ports|keys)/, /^zod$/],
    because: 'the vocabulary depends on nothing above it',
  },
  {
    files: /^shared\/(keys|key-stores|ciphertext|policy)\//,
    may: [/^shared\/(?!pipeline\/(?!caller)|protocols|operations|sweeps|audit)/, /^zod$/, /^node:crypto$/],
    because: 'domain rules do not know the pipeline',
  },
  { files: /^shared\/pipeline\//, may: [/^shared\/(?!protocols|sweeps)/], because: 'the pipeline does not know HTTP' },
  {
    files: /^hsm-bridge\//,
    may: [
      /^hsm-bridge\//,
      /^shared\/(algorithms|bridge-(protocol|messages|batch)\.ts|errors\.ts|ports|metrics|keys\/(material|material-schema|import-token)\.ts)/,
      /^(@aws-sdk\/client-secrets-manager|pkcs11js|@noble\/(curves|post-quantum)|@peculiar\/x509|reflect-metadata|zod|undici)$/,
      node,
    ],
    because: 'the bridge knows keys and algorithms, and nothing of accounts, policies and operations',
  },
  { files: /^hsm-bridge\/client\//, may: [/^hsm-bridge\/client\//, pureShared, /^undici$/, node], because: 'the client is bundled into Lambda: no native module behind it' },
  {
    files: /^(?!hsm-bridge\/(server|operations)\/)/,
    may: [/^(?!shared\/bridge-messages\.ts)/],
    because: 'only the bridge checks its messages: to make their schemas would cost every cold start',
  },
  {
    files: /^lambdas\//,
    may: [/^lambdas\//, pureShared, /^hsm-bridge\/(client|pki)\//, /^(@aws-sdk\/|@middy\/core$|@smithy\/|zod$|undici$)/, node],
    because: 'a function carries no CDK and no PKCS#11',
  },
  {
    files: /^server\//,
    may: [/^server\//, pureShared, /^hsm-bridge\/(client|ceremony|pki)\//, /^(zod|undici)$/, node],
    because: 'the server starts the bridge as a process of its own; only set-up uses its ceremony and certificates',
  },
  {
    files: /^server\/(?!setup|bridge)/,
    may: [/^server\//, pureShared, /^hsm-bridge\/client\//, /^(zod|undici)$/, node],
    because: 'ceremony and certificates are made at set-up only',
  },
  {
    files: /^cdk\//,
    may: [/^cdk\//, pureShared, /^(aws-cdk-lib|constructs|cdk-nag|zod)$/, node],
    because: 'stacks read the registry and take the bundle as a path, never its code',
  },
  { files: /^scripts\//, may: [/^scripts\//, pureShared, /^cdk\//, /^esbuild$/, node], because: 'scripts derive files from the registry' },
];

describe('import rules', () => {
  let edges: Edge[];
  beforeAll(async () => {
    edges = await importGraph();
  });

  test.each(rules.map((rule) => [String(rule.files), rule.because, rule] as const))('%s: %s', (_, __, { files, may }) => {
    const broken = edges.filter(({ from, to }) => files.test(from) && !may.some((pattern) => pattern.test(to)));

    expect(broken.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  test('no file of the product imports a test; the benchmark uses their support', () => {
    expect(edges.filter(({ from, to }) => to.startsWith('test/') && !/^(bench|test)\//.test(from))).toEqual([]);
    expect(edges.filter(({ from, to }) => from.startsWith('bench/') && to.startsWith('test/') && !to.startsWith('test/support/'))).toEqual([]);
  });

  test('modules of the product do not import each other in circles', () => {
    const next = new Map<string, string[]>();
    for (const { from, to, isExternal } of edges) if (!isExternal) next.set(from, [...(next.get(from) ?? []), to]);

    expect(findCircle(next)).toBeUndefined();
  });

  test('every package that product code imports is a pinned dependency', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string>; devDependencies: Record<string, string> };
    const atRunTime = /^(shared|hsm-bridge|lambdas|server)\//;

    const undeclared = edges.filter(
      ({ from, to, isExternal }) =>
        isExternal && !to.startsWith('node:') && manifest.dependencies[to] === undefined && (atRunTime.test(from) || manifest.devDependencies[to] === undefined),
    );

    expect(undeclared.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
    for (const [name, version] of Object.entries(manifest.dependencies)) expect(version, name).toMatch(/^[0-9]+\.[0-9]+\.[0-9]+$/);
  });
});

describe('what decides has no hidden inputs', () => {
  const pure = sourceFiles().filter((file) => /^shared\/(operations|keys|policy|fields|ciphertext|repositories|sweeps|algorithms|cloudhsm|x509)\//.test(file));

  test.each([
    ['the clock', /\bDate\.now\(|new Date\(\)|performance\.now\(/],
    ['chance', /\bMath\.random\(/],
    ['the environment', /\bprocess\.(env|argv|cwd)/],
    ['the console', /\bconsole\./],
  ])('not %s', (_, pattern) => {
    const offenders = pure.filter((file) => pattern.test(readFileSync(file, 'utf8')));

    expect(offenders).toEqual([]);
  });
});

describe('the documents that the code cites', () => {
  const texts = sourceFiles().map((file) => ({ file, text: readFileSync(file, 'utf8') }));

  test('are there', () => {
    const cited = texts.flatMap(({ file, text }) => [...text.matchAll(/docs\/(?:adr\/([0-9]{4})|[a-z-]+\.md)/g)].map((match) => ({ file, path: match[0], adr: match[1] })));
    const adrs = readdirSync('docs/adr').map((name) => name.slice(0, 4));

    const missing = cited.filter(({ path, adr }) => (adr === undefined ? !existsSync(path) : !adrs.includes(adr)));

    expect(missing).toEqual([]);
  });

  test('number every threat that the code names', () => {
    const model = readFileSync('docs/threat-model.md', 'utf8');
    const named = new Set(texts.flatMap(({ text }) => [...text.matchAll(/\bT-[0-9]{2}\b/g)].map((match) => match[0])));

    for (const threat of named) expect(model).toContain(`### ${threat} `);
  });
});

function findCircle(next: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  function visit(file: string, path: readonly string[]): string[] | undefined {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const target of next.get(file) ?? []) {
      const circle = visit(target, [...path, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  }
  for (const file of next.keys()) {
    const circle = visit(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
