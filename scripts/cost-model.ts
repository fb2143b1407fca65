/** The arithmetic of docs/cost-model.md: prices once, amounts once, everything else computed. US dollars, us-east-1, list prices, a month of 730 hours. */

/** What a unit costs, and where the figure is from. `unverified`: from memory; check before relying on it. */
export const prices = {
  hsmHour: { usd: 1.6, source: 'infracost goldens 2024-07 to 2025-07' },
  fargateVcpuMonth: { usd: 29.55, source: 'infracost goldens' },
  fargateGbMonth: { usd: 3.245, source: 'infracost goldens' },
  balancerMonth: { usd: 16.43, source: 'infracost goldens' },
  balancerUnitMonth: { usd: 4.38, source: 'infracost goldens' },
  endpointZoneMonth: { usd: 7.3, source: 'infracost goldens' },
  kmsKeyMonth: { usd: 1, source: 'infracost goldens' },
  secretMonth: { usd: 0.4, source: 'unverified' },
  webAclMonth: { usd: 5, source: 'infracost goldens' },
  webAclRuleMonth: { usd: 1, source: 'infracost goldens' },
  alarmMonth: { usd: 0.1, source: 'unverified' },
  customMetricMonth: { usd: 0.3, source: 'unverified' },
  restMillion: { usd: 3.5, source: 'infracost goldens' },
  webAclMillion: { usd: 0.6, source: 'infracost goldens' },
  lambdaMillion: { usd: 0.2, source: 'infracost goldens' },
  lambdaGbSecond: { usd: 0.0000133334, source: 'infracost goldens, arm64' },
  tableReadMillion: { usd: 0.125, source: 'DynamoDB on demand, 2024-11, confirmed 2026-08' },
  eventMillion: { usd: 1, source: 'infracost goldens' },
  queueMillion: { usd: 0.4, source: 'infracost goldens' },
  logGb: { usd: 0.5, source: 'infracost goldens' },
  kmsMillion: { usd: 3, source: 'AWS KMS, symmetric requests' },
} as const satisfies Record<string, { usd: number; source: string }>;

type Price = keyof typeof prices;
export type Line = readonly [what: string, amount: number, price: Price];

const hoursPerMonth = 730;

export interface CostProfile {
  readonly name: string;
  /** In cdk.json. Amounts of what can be counted are those of its templates, which a test says (test/infra/joined.test.ts). */
  readonly profile: string;
  readonly lines: readonly Line[];
}

export const profiles: readonly CostProfile[] = [
  {
    name: '`dev-hsm`: 1 HSM, 1 zone',
    profile: 'dev-hsm',
    lines: [
      ['HSM', hoursPerMonth, 'hsmHour'],
      ['Fargate 0.5 vCPU', 0.5, 'fargateVcpuMonth'],
      ['Fargate 1 GB', 1, 'fargateGbMonth'],
      ['load balancer', 1, 'balancerMonth'],
      ['10 interface endpoints in 1 zone', 10, 'endpointZoneMonth'],
      ['KMS keys', 11, 'kmsKeyMonth'],
      ['secrets', 9, 'secretMonth'],
      ['alarms', 48, 'alarmMonth'],
      ['custom metrics in use', 50, 'customMetricMonth'],
      ['logs, GB', 2, 'logGb'],
    ],
  },
  {
    name: '`production` and `production-private`: 3 HSMs, 3 zones, 3 bridges',
    profile: 'production',
    lines: [
      ['HSMs', 3 * hoursPerMonth, 'hsmHour'],
      ['Fargate 3 times 1 vCPU', 3, 'fargateVcpuMonth'],
      ['Fargate 3 times 2 GB', 6, 'fargateGbMonth'],
      ['load balancer', 1, 'balancerMonth'],
      ['load balancer, capacity units', 2, 'balancerUnitMonth'],
      ['10 interface endpoints in 3 zones', 30, 'endpointZoneMonth'],
      ['web ACL', 1, 'webAclMonth'],
      ['web ACL, rules', 6, 'webAclRuleMonth'],
      ['KMS keys', 11, 'kmsKeyMonth'],
      ['secrets', 9, 'secretMonth'],
      ['alarms', 49, 'alarmMonth'],
      ['custom metrics in use', 200, 'customMetricMonth'],
      ['logs, GB', 20, 'logGb'],
    ],
  },
  {
    name: '`dev`: a bridge with SoftHSM that runs elsewhere, and is paid for there',
    profile: 'dev',
    lines: [
      ['KMS keys', 7, 'kmsKeyMonth'],
      ['secrets', 4, 'secretMonth'],
      ['alarms', 36, 'alarmMonth'],
      ['custom metrics in use', 50, 'customMetricMonth'],
      ['logs, GB', 2, 'logGb'],
    ],
  },
];

/** One million Encrypt or Decrypt by REST. */
export const perMillion: readonly Line[] = [
  ['API Gateway, REST', 1, 'restMillion'],
  ['web ACL', 1, 'webAclMillion'],
  ['Lambda, requests', 1, 'lambdaMillion'],
  ['Lambda, 30 ms of 512 MB', 1_000_000 * 0.03 * 0.5, 'lambdaGbSecond'],
  ['DynamoDB, one strong read', 1, 'tableReadMillion'],
  ['EventBridge, the audit record', 1, 'eventMillion'],
  ['SQS and archiver, batches', 1.1, 'queueMillion'],
  ['logs: access log, request line, metric line, 1.5 KB', 1.5, 'logGb'],
];

export const costOf = ([, amount, price]: Line): number => amount * prices[price].usd;
export const total = (lines: readonly Line[]): number => lines.reduce((sum, line) => sum + costOf(line), 0);

/** The number of keys from which AWS KMS costs more, at so many million requests a month. */
export function breakEvenKeys(profile: CostProfile, millions: number): number {
  const dearerPerMillion = total(perMillion) - prices.kmsMillion.usd;
  return Math.ceil((total(profile.lines) + dearerPerMillion * millions) / prices.kmsKeyMonth.usd);
}

export function costModelPage(notice: string): string {
  const usd = (value: number): string => value.toFixed(2);
  const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
    [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const itemised = (lines: readonly Line[]): string =>
    table(
      ['item', 'amount', 'unit price', 'USD'],
      [
        ...lines.map((line) => [line[0], String(Math.round(line[1] * 100) / 100), String(prices[line[2]].usd), usd(costOf(line))]),
        ['**total**', '', '', `**${usd(total(lines))}**`],
      ],
    );
  const production = profiles[1]!;
  return [
    '# Cost model',
    notice,
    'US dollars per month, us-east-1, list prices without taxes, free tiers and discounts, 730 hours. The arithmetic is `scripts/cost-model.ts`; change the amounts there and run `npm run generate`. Nobody has received a bill for this yet.',
    '## Plainly',
    `With three HSMs the fixed cost is ${usd(total(production.lines))} a month, and each million requests costs ${usd(total(perMillion))} against ${usd(prices.kmsMillion.usd)} at AWS KMS. **By request this is always dearer than AWS KMS.** It is cheaper only with very many keys, because AWS KMS charges 1 USD a month for each: from about ${breakEvenKeys(production, 0)} keys without traffic, and from more with traffic. Who has fewer keys buys something else here: HSMs of one's own, every operation of the API on them, and the API itself.`,
    table(
      ['million requests a month', 'cheaper than AWS KMS from'],
      [0, 10, 100, 1000].map((millions) => [String(millions), `${breakEvenKeys(production, millions)} keys`]),
    ),
    'One AWS KMS custom key store on the same three HSMs costs the HSMs as well, and 1 USD a key beside them, and offers symmetric keys only.',
    ...profiles.flatMap(({ name, lines }) => [`## Fixed, ${name}`, itemised(lines)]),
    `Two HSMs instead of three save ${usd(hoursPerMonth * prices.hsmHour.usd)}; see the runbook for the [loss of an HSM](runbooks/hsm-loss.md) before that. A development cluster can be without an HSM overnight: switch its schedule off and delete the HSM ([CloudHSM](cloudhsm.md), "Taking it away"); with the schedule on again the cluster gets one from its newest backup. 176 hours a month cost ${usd(176 * prices.hsmHour.usd)}. Custom metrics are charged for each combination of dimensions that occurs; the lists in \`shared/metrics/dimensions.ts\` bound them.`,
    '## Per million requests',
    itemised(perMillion),
    'A batch of 100 items is one request to API Gateway, Lambda, EventBridge and the web ACL: its items cost about a hundredth of that each, and the same on the HSM. Caching data keys on the side of the caller saves more than anything here.',
    '## Where the prices are from',
    table(
      ['price', 'USD', 'source'],
      Object.entries(prices).map(([name, { usd: value, source }]) => [name, String(value), source]),
    ),
    '',
  ].join('\n\n');
}
