/** What the documents tell people to type and to open is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { profileNames } from '#cdk/config/profiles.ts';
import { ofType, productionContext, type StackName, stackNames, synthesise, type Templates } from './synthesised.ts';

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name))].filter((name) =>
  name.endsWith('.md'),
);
const texts = pages.map((page) => ({ page, text: readFileSync(page, 'utf8') }));
const all = (pattern: RegExp): { page: string; found: string }[] => texts.flatMap(({ page, text }) => [...text.matchAll(pattern)].map((match) => ({ page, found: match[1]! })));

let templates: Templates;
beforeAll(() => {
  templates = synthesise();
});

describe('documents', () => {
  test('link to files that exist', () => {
    const broken = texts.flatMap(({ page, text }) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map((match) => ({ page, to: normalize(join(dirname(page), match[1]!)) })).filter(({ to }) => !existsSync(to)),
    );

    expect(broken).toEqual([]);
  });

  test('name npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const named = all(/npm run (?:--silent )?([a-z][a-z:-]*)/g);

    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ found }) => scripts[found] === undefined)).toEqual([]);
  });

  test('start programs that exist', () => {
    const started = all(/\bnode ((?:hsm-bridge|server|lambdas|cdk|scripts)\/[\w./-]+)/g);

    expect(started.length).toBeGreaterThan(0);
    expect(started.filter(({ found }) => !existsSync(found))).toEqual([]);
  });

  test('name profiles that exist', () => {
    const names = [...profileNames(productionContext()), 'NAME'];

    expect(all(/--context profile=([A-Za-z-]+)/g).filter(({ found }) => !names.includes(found))).toEqual([]);
  });
});

describe('the deployment as documents name it', () => {
  /** Stacks that come with a part of the configuration. */
  const optional = ['network', 'hsm'];

  test('stacks', () => {
    const known: readonly string[] = [...stackNames, ...optional];
    const named = all(/(?:--stack-name|(?:cdk|npx cdk) (?:deploy|destroy|diff)|of the stack|outputs of|Outputs? `[^`]*` of) `?chatelaine-([a-z]+)/gi);

    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ found }) => !known.includes(found))).toEqual([]);
  });

  test('outputs of stacks', () => {
    const named = texts.flatMap(({ page, text }) =>
      [...text.matchAll(/--stack-name chatelaine-([a-z]+)[\s\\]+--query "Stacks\[0\]\.Outputs\[\?OutputKey=='([A-Za-z]+)'\]/g)].map(([, stack, output]) => ({
        page,
        stack: stack as StackName,
        output: output!,
      })),
    );

    expect(named.length).toBeGreaterThan(1);
    const here = named.filter(({ stack }) => !optional.includes(stack));
    expect(here.filter(({ stack, output }) => templates[stack].Outputs?.[output] === undefined)).toEqual([]);
  });

  test('functions, dashboards and stages', () => {
    const functions = stackNames.flatMap((stack) => ofType(templates[stack], 'AWS::Lambda::Function').map(([, { Properties }]) => Properties.FunctionName));
    const dashboards = ofType(templates.observability, 'AWS::CloudWatch::Dashboard').map(([, { Properties }]) => Properties.DashboardName);

    expect(all(/--function-name (chatelaine-[\w-]+)/g).filter(({ found }) => !functions.includes(found))).toEqual([]);
    const named = all(/[Dd]ashboards? `(chatelaine-[\w-]+)`/g);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ found }) => !dashboards.includes(found))).toEqual([]);
    expect(ofType(templates.api, 'AWS::ApiGateway::Stage').map(([, { Properties }]) => Properties.StageName)).toEqual(['prod']);
  });
});
