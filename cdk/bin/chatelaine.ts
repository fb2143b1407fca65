/** `cdk synth` and `cdk deploy` start here. Throws when a rule is broken. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createDeployment } from '../app.ts';

const root = resolve(import.meta.dirname, '../..');
const codeFolder = join(root, 'dist/lambda');
if (!existsSync(join(codeFolder, 'operation.mjs'))) throw new Error('The Lambda bundle is missing. Run `npm run bundle` first.');

// The CDK CLI gives the context and the output folder itself; `npm run synth` goes without the CLI.
const underCli = process.env.CDK_OUTDIR !== undefined;
const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };
createDeployment(codeFolder, underCli ? {} : { context, outdir: join(root, 'cdk.out') }).app.synth();
