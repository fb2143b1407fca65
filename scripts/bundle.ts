/**
 * Bundles the Lambda entry points into dist/lambda: one folder, which is the code asset of every function. What those that answer requests load on demand
 * becomes a file of its own beside them. Prints the sizes and refuses a data-plane bundle over its budget (docs/adr/0026).
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { build, type Metafile, type OutputFile, type Plugin } from 'esbuild';
import { isDataPlane } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';

const root = resolve(import.meta.dirname, '..');
export const bundleFolder = join(root, 'dist/lambda');
export const dataPlaneBytesMax = 448 * 1024;
interface Group {
  readonly names: readonly string[];
  /** Imports that are made on demand become files of their own. A group of one: what several share would be cut to fit none of them. */
  readonly splitting: boolean;
  /** What the functions see of the registry. */
  readonly registry?: Plugin;
}

const substitutes = {
  // The default credential chain of the SDK reads files, metadata services and single sign-on. In a function there is the environment and nothing else.
  '@aws-sdk/credential-provider-node': join(root, 'lambdas/bundle/environment-credentials.ts'),
  '@aws-sdk/endpoint-cache': join(root, 'lambdas/bundle/no-endpoint-cache.ts'),
};

/** zod brings its writer of JSON Schema along with every schema. The functions write none: scripts do, for the OpenAPI document. */
const withoutJsonSchema: Plugin = {
  name: 'without-json-schema',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]zod[/\\]v4[/\\]core[/\\](to-json-schema|json-schema-processors)\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const names = [...source.matchAll(/^export (?:const|function) (\w+)|^export \{ \w+ as (\w+) \}/gm)].map((match) => match[1] ?? match[2]);
      const exported = names.map((name) => `none as ${name}`).join(', ');
      return { contents: `const none = () => { throw new Error('The functions write no JSON Schema.'); };\nexport { ${exported} };`, loader: 'js' };
    });
  },
};

/** A client of the SDK asks its package.json for its version, and nothing else. */
const versionsOnly: Plugin = {
  name: 'versions-only',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]@aws-sdk[/\\][\w-]+[/\\]package\.json$/ }, ({ path }) => {
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};

const registryFilter = /[/\\]shared[/\\]operations[/\\]index\.ts$/;

/** The registry as the data plane sees it: its lines for other operations are left out. */
const dataPlaneRegistry: Plugin = {
  name: 'data-plane-registry',
  setup({ onLoad }) {
    onLoad({ filter: registryFilter }, ({ path }) => {
      const names = operations.filter(isDataPlane).map(({ name }) => name);
      const lines = readFileSync(path, 'utf8').split('\n');
      const imports = names.map((name) => lines.find((line) => line.startsWith(`import { ${name} } `)) ?? fail(`The registry does not import ${name}.`));
      return { contents: `${imports.join('\n')}\nexport const operations = [${names.join(', ')}];\n`, loader: 'ts', resolveDir: dirname(path) };
    });
  },
};

/** The registry for functions that run no operation: what metrics and the dispatcher ask of it. */
const namesRegistry: Plugin = {
  name: 'names-registry',
  setup({ onLoad }) {
    onLoad({ filter: registryFilter }, () => ({ contents: `export const operations = ${JSON.stringify(operations.map(({ name, wire }) => ({ name, wire })))};\n`, loader: 'js' }));
  },
};

const groups: readonly Group[] = [
  { names: ['data-plane'], splitting: true, registry: dataPlaneRegistry },
  { names: ['operation'], splitting: true },
  { names: ['wire'], splitting: true, registry: namesRegistry },
  { names: ['sweep', 'outbox-publisher', 'audit-archiver'], splitting: false, registry: namesRegistry },
  { names: ['due-task', 'certificate-authority', 'hsm-resource', 'hsm-reconcile', 'hsm-backup-guardian', 'hsm-administrator'], splitting: false },
];
export const entrypoints: readonly string[] = groups.flatMap(({ names }) => names);

function fail(message: string): never {
  throw new Error(message);
}

export interface BundledEntrypoint {
  readonly name: string;
  /** Of everything that is loaded at the start. */
  readonly bytes: number;
  /** Source files in that, relative to the repository. */
  readonly inputs: readonly string[];
  /** Source files in what is loaded on demand. */
  readonly onDemand: readonly string[];
  /** The files of both. */
  readonly files: readonly string[];
}

/** @param wanted entry points; those that are bundled together with one of them come along */
export async function bundle(folder = bundleFolder, wanted = entrypoints): Promise<readonly BundledEntrypoint[]> {
  const chosen = groups.filter(({ names }) => names.some((name) => wanted.includes(name)));
  const built = await Promise.all(chosen.map(async (group) => ({ group, ...(await bundleGroup(group, folder)) })));
  const measured = built.flatMap(({ group, metafile }) => group.names.map((name) => measure(name, metafile)));
  const loaded = new Set(measured.flatMap(({ files }) => files));
  // Where nothing is left of an import on demand, esbuild still writes the file.
  const outputFiles = built.flatMap((group) => group.outputFiles).filter(({ path }) => loaded.has(basename(path)));
  writeAll(folder, outputFiles);
  return measured;
}

async function bundleGroup({ names, splitting, registry }: Group, folder: string): Promise<{ metafile: Metafile; outputFiles: OutputFile[] }> {
  return await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => `lambdas/entrypoints/${name}.ts`),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    splitting,
    // Equal files of several groups have equal names.
    chunkNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // The ES modules of the SDK: a third of its CommonJS build goes away.
    mainFields: ['module', 'main'],
    alias: substitutes,
    plugins: [withoutJsonSchema, versionsOnly, ...(registry === undefined ? [] : [registry])],
    // CommonJS inside a bundle asks for Node's own modules by require.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
}

/** File by file, each at once and written elsewhere first, so that whoever reads or bundles into the folder meanwhile finds whole files only. */
function writeAll(folder: string, files: readonly OutputFile[]): void {
  mkdirSync(folder, { recursive: true });
  const names = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(folder)) if (!names.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
  const unfinished = mkdtempSync(`${folder}-`);
  for (const { path, contents } of files) {
    const written = join(unfinished, basename(path));
    writeFileSync(written, contents);
    renameSync(written, path);
  }
  rmSync(unfinished, { recursive: true });
}

function measure(name: string, { outputs }: Metafile): BundledEntrypoint {
  const start = Object.keys(outputs).find((path) => basename(path) === `${name}.mjs`) ?? fail(`esbuild wrote no ${name}.mjs.`);
  const reachable = (kinds: readonly string[]): string[] => {
    const paths = new Set<string>([start]);
    // A set goes on over what is added to it meanwhile.
    for (const path of paths) for (const { path: imported, kind, external } of outputs[path]!.imports) if (external !== true && kinds.includes(kind)) paths.add(imported);
    return [...paths];
  };
  const inputsOf = (path: string): string[] => Object.entries(outputs[path]!.inputs).flatMap(([input, { bytesInOutput }]) => (bytesInOutput > 0 ? [input] : []));
  const atStart = reachable(['import-statement']);
  const all = reachable(['import-statement', 'dynamic-import']);
  return {
    name,
    bytes: atStart.reduce((sum, path) => sum + outputs[path]!.bytes, 0),
    inputs: atStart.flatMap(inputsOf),
    onDemand: all.filter((path) => !atStart.includes(path)).flatMap(inputsOf),
    files: all.map((path) => basename(path)),
  };
}

if (import.meta.main) {
  const files = await bundle();
  for (const { name, bytes } of files) console.log(`${name.padEnd(24)} ${(bytes / 1024).toFixed(1).padStart(7)} KB`);
  const dataPlane = files.find(({ name }) => name === 'data-plane');
  if (dataPlane === undefined || dataPlane.bytes > dataPlaneBytesMax) {
    console.error(`The data-plane bundle is over its budget of ${dataPlaneBytesMax / 1024} KB.`);
    process.exitCode = 1;
  }
}
