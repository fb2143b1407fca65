/**
 * Bundles the Lambda entry points into dist/lambda: one esbuild run, one folder, which is the code asset of every function. Prints the sizes and refuses
 * a data-plane bundle over its budget (docs/adr/0026).
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { build, type Metafile, type OutputFile, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
export const bundleFolder = join(root, 'dist/lambda');
export const dataPlaneBytesMax = 640 * 1024;
export const entrypoints = [
  'operation',
  'wire',
  'sweep',
  'due-task',
  'outbox-publisher',
  'audit-archiver',
  'certificate-authority',
  'hsm-resource',
  'hsm-reconcile',
  'hsm-backup-guardian',
  'hsm-administrator',
] as const;

/** The default credential chain of the SDK reads files, metadata services and single sign-on. In a function there is the environment and nothing else. */
const substitutes = { '@aws-sdk/credential-provider-node': join(root, 'lambdas/bundle/environment-credentials.ts') };

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

export interface BundledFile {
  readonly name: string;
  readonly bytes: number;
  /** Source files in it, relative to the repository. */
  readonly inputs: readonly string[];
}

export async function bundle(folder = bundleFolder): Promise<readonly BundledFile[]> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: entrypoints.map((name) => `lambdas/entrypoints/${name}.ts`),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // The ES modules of the SDK: a third of its CommonJS build goes away.
    mainFields: ['module', 'main'],
    alias: substitutes,
    plugins: [withoutJsonSchema],
    // CommonJS inside a bundle asks for Node's own modules by require.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  writeAll(folder, outputFiles);
  return filesOf(metafile);
}

/** File by file, each at once, so that whoever reads the folder meanwhile finds whole files. */
function writeAll(folder: string, files: readonly OutputFile[]): void {
  mkdirSync(folder, { recursive: true });
  const names = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(folder)) if (!names.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
  for (const { path, contents } of files) {
    const unfinished = `${path}.${process.pid}`;
    writeFileSync(unfinished, contents);
    renameSync(unfinished, path);
  }
}

function filesOf(metafile: Metafile): BundledFile[] {
  return Object.entries(metafile.outputs).map(([path, output]) => ({
    name: basename(path),
    bytes: output.bytes,
    inputs: Object.entries(output.inputs).flatMap(([input, { bytesInOutput }]) => (bytesInOutput > 0 ? [input] : [])),
  }));
}

if (import.meta.main) {
  const files = await bundle();
  for (const { name, bytes } of files) console.log(`${name.padEnd(24)} ${(bytes / 1024).toFixed(1).padStart(7)} KB`);
  const dataPlane = files.find(({ name }) => name === 'operation.mjs');
  if (dataPlane === undefined || dataPlane.bytes > dataPlaneBytesMax) {
    console.error(`The data-plane bundle is over its budget of ${dataPlaneBytesMax / 1024} KB.`);
    process.exitCode = 1;
  }
}
