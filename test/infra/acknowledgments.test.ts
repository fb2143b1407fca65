import { App, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, test } from 'vitest';
import { type Acknowledgment, acknowledge, findingsOf, meets } from '#cdk/gates/acknowledge.ts';
import { rulePacks } from '#cdk/gates/rule-packs.ts';
import { acknowledgments } from '#cdk/nag-acknowledgments.ts';
import { synthesiseWithRules } from './synthesised.ts';

const entry: Acknowledgment = { id: 'AwsSolutions-S1', path: 'audit/Bucket/Resource', reason: 'It is a test.', expires: '2030-01-01' };

function careless(): App {
  const app = new App({ analyticsReporting: false });
  new Bucket(new Stack(app, 'castle-audit'), 'Bucket');
  return app;
}

describe('the packs', () => {
  test.each(['AwsSolutions-S1', 'NIST.800.53.R5-S3BucketVersioningEnabled', 'PCI.DSS.321-S3BucketVersioningEnabled', 'HIPAA.Security-S3BucketVersioningEnabled'])(
    '%s is in force',
    (rule) => {
      const app = careless();

      expect(findingsOf(app, rulePacks(app))).toContainEqual({ rule, path: 'castle-audit/Bucket/Resource' });
    },
  );

  test('a resource that breaks them does not synthesise in a deployment', () => {
    expect(() => synthesiseWithRules(({ stacks }) => void new Bucket(stacks.audit, 'Careless'))).toThrow('chatelaine-audit/Careless/Resource');
  });
});

describe('an acknowledgment', () => {
  test('takes away its finding and no other', () => {
    const app = careless();
    const before = findingsOf(app, rulePacks(app));

    const unused = acknowledge(app, 'castle', before, [entry], '2029-12-31');

    expect(unused).toEqual([]);
    expect(findingsOf(app, rulePacks(app))).toEqual(before.filter(({ rule }) => rule !== entry.id));
  });

  test('that meets nothing is handed back as unused', () => {
    const app = careless();
    const elsewhere = { ...entry, path: 'audit/Gone/Resource' };
    const otherRule = { ...entry, id: 'AwsSolutions-S99' };

    expect(acknowledge(app, 'castle', findingsOf(app, rulePacks(app)), [elsewhere, entry, otherRule], '2029-12-31')).toEqual([elsewhere, otherRule]);
  });

  test('fails from the day on which it expires', () => {
    const app = careless();
    const findings = findingsOf(app, rulePacks(app));

    expect(() => acknowledge(app, 'castle', findings, [entry], '2029-12-31')).not.toThrow();
    expect(() => acknowledge(app, 'castle', findings, [entry], '2030-01-01')).toThrow('have expired; look at the findings again: AwsSolutions-S1 at audit/Bucket/Resource.');
  });

  test('without a pack is for the compliance packs, and never for AwsSolutions', () => {
    const finding = (rule: string) => ({ rule, path: 'castle-api/Encrypt/Function/Resource' });
    const general = { ...entry, id: 'LambdaInsideVPC', path: 'api/*/Function/Resource' };

    expect(['NIST.800.53.R5-LambdaInsideVPC', 'PCI.DSS.321-LambdaInsideVPC', 'HIPAA.Security-LambdaInsideVPC'].every((rule) => meets(general, finding(rule), 'castle'))).toBe(true);
    expect(['AwsSolutions-LambdaInsideVPC', 'NIST.800.53.R5-LambdaInsideVPC[x]', 'LambdaInsideVPC2'].some((rule) => meets(general, finding(rule), 'castle'))).toBe(false);
  });

  test('is bound to its place: the characters of a path are themselves, but for the star', () => {
    const at = (path: string) => ({ rule: entry.id, path });

    expect(meets({ ...entry, path: 'a.b/*' }, at('castle-a.b/c/d'), 'castle')).toBe(true);
    expect(meets({ ...entry, path: 'a.b/*' }, at('castle-axb/c/d'), 'castle')).toBe(false);
    expect(meets({ ...entry, path: 'a/b' }, at('castle-a/b/c'), 'castle')).toBe(false);
    expect(meets({ ...entry, path: 'a/b' }, at('other-a/b'), 'castle')).toBe(false);
  });
});

describe('the register', () => {
  test('has one entry per rule and place, each with a reason that a reader can judge and a day to look again within two years', () => {
    for (const { reason, expires, path } of acknowledgments) {
      expect(reason.length).toBeGreaterThan(40);
      expect(expires).toMatch(/^20[0-9]{2}-[0-9]{2}-[0-9]{2}$/);
      expect(expires < '2028-12-01').toBe(true);
      expect(path).not.toBe('*');
    }
    expect(new Set(acknowledgments.map(({ id, path }) => `${id} ${path}`)).size).toBe(acknowledgments.length);
  });
});
