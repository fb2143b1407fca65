import { expect, test } from 'vitest';
import { breakEvenKeys, costModelPage, perMillion, prices, profiles, total } from '../../../scripts/cost-model.ts';

const [development, production] = profiles as [(typeof profiles)[number], (typeof profiles)[number]];

test('the totals are those of the same sum done by hand', () => {
  expect(total(production.lines)).toBeCloseTo(3504 + 88.65 + 19.47 + 16.43 + 8.76 + 219 + 5 + 6 + 11 + 3.6 + 4.9 + 60 + 10, 2);
  expect(total(development.lines)).toBeCloseTo(1168 + 14.775 + 3.245 + 16.43 + 73 + 11 + 3.6 + 4.8 + 15 + 1, 2);
  expect(total(perMillion)).toBeCloseTo(3.5 + 0.6 + 0.2 + 0.200001 + 0.125 + 1 + 0.44 + 0.75, 4);
});

test('at the break-even both cost the same, to a key', () => {
  for (const millions of [0, 10, 100]) {
    const keys = breakEvenKeys(production, millions);
    const ours = total(production.lines) + millions * total(perMillion);
    const theirs = keys * prices.kmsKeyMonth.usd + millions * prices.kmsMillion.usd;

    expect(theirs).toBeGreaterThanOrEqual(ours);
    expect(theirs - ours).toBeLessThan(prices.kmsKeyMonth.usd);
  }
});

test('the page says that requests are dearer, and which prices nobody checked', () => {
  const page = costModelPage('');

  expect(total(perMillion)).toBeGreaterThan(prices.kmsMillion.usd);
  expect(page).toContain('always dearer than AWS KMS');
  expect(page.match(/unverified/g)?.length).toBe(3);
});
