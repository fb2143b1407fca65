/** The run-time import graph of the product, exactly as the bundler sees it. Type imports are erased; the compiler holds those to the project references. */
import { globSync } from 'node:fs';
import { build } from 'esbuild';

export const productFolders = ['shared', 'hsm-bridge', 'lambdas', 'server', 'cdk', 'scripts', 'bench'] as const;

export interface Edge {
  readonly from: string;
  /** A file of the repository, or the name of a package or of a node module. */
  readonly to: string;
  readonly isExternal: boolean;
}

export const sourceFiles = (): string[] => globSync(`{${productFolders.join(',')}}/**/*.ts`).toSorted();

export async function importGraph(entryPoints: readonly string[] = sourceFiles()): Promise<Edge[]> {
  const { metafile } = await build({
    entryPoints: [...entryPoints],
    bundle: true,
    packages: 'external',
    metafile: true,
    write: false,
    outdir: 'unused',
    format: 'esm',
    platform: 'node',
  });
  return Object.entries(metafile.inputs).flatMap(([from, { imports }]) =>
    imports.map(({ path, external }) => ({ from, to: external === true ? packageName(path) : path, isExternal: external === true })),
  );
}

function packageName(path: string): string {
  if (path.startsWith('node:')) return path;
  return path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/');
}
