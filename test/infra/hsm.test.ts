import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testPki } from '#test/support/cloudhsm-control-plane/test-pki.ts';
import { ofType, type Resource, synthesise, type Template, type Templates } from './synthesised.ts';

let roots: string;
let managed: Template;
let templates: Templates;
const image = `111122223333.dkr.ecr.us-east-1.amazonaws.com/chatelaine/bridge@sha256:${'ab'.repeat(32)}`;
const network = { zones: 3 };
const principal = 'arn:aws:iam::111122223333:user/officer';
const config = (changes: object = {}) => ({
  network,
  hsm: { source: 'managed', hsms: 3, hardwareRoots: roots, administratorImage: image, secondRegion: 'eu-west-1', breakGlassPrincipals: [principal], ...changes },
});
beforeAll(() => {
  roots = mkdtempSync(join(tmpdir(), 'chatelaine-roots-'));
  writeFileSync(join(roots, 'aws.pem'), testPki().roots.aws);
  writeFileSync(join(roots, 'manufacturer.pem'), testPki().roots.manufacturer);
  templates = synthesise(config());
  managed = templates.hsm;
});
afterAll(() => rmSync(roots, { recursive: true, force: true }));
test('x', () => { console.log(Object.entries(managed.Resources).map(([id, r]) => `${id} ${r.Type}`).join('\n')); });
