import type { Deployed, Place, Rule } from './rule.ts';

interface IpRule {
  readonly IpProtocol?: string;
  readonly FromPort?: number;
  readonly ToPort?: number;
  readonly CidrIp?: unknown;
  readonly CidrIpv6?: unknown;
  readonly SourcePrefixListId?: unknown;
}

const [first, last] = [2223, 2225];
const isOpen = ({ CidrIp, CidrIpv6, SourcePrefixListId }: IpRule): boolean => [CidrIp, CidrIpv6, SourcePrefixListId].some((source) => source !== undefined);
const reachesHsm = ({ IpProtocol, FromPort = 0, ToPort = 65_535 }: IpRule): boolean => IpProtocol !== 'udp' && FromPort <= last && ToPort >= first;
/** Rules that are about the HSM and not about every port. */
const isForHsm = (rule: IpRule): boolean => reachesHsm(rule) && rule.FromPort !== undefined && rule.FromPort >= first;

export const hsmGroupIsClosed: Rule = {
  name: 'hsm-group-is-closed',
  because: 'Whoever reaches an HSM by network can zeroize it without logging in. Only the bridge may, and no function is ever beside it.',
  check(deployed) {
    const inline = deployed.of('AWS::EC2::SecurityGroup').flatMap((at) => ((at.resource.Properties.SecurityGroupIngress ?? []) as IpRule[]).map((rule) => ({ at, rule })));
    const own = deployed.of('AWS::EC2::SecurityGroupIngress').map((at) => ({ at, rule: at.resource.Properties as IpRule }));
    const open = [...inline, ...own]
      .filter(({ rule }) => reachesHsm(rule) && isOpen(rule))
      .map(({ at }) => ({ at, what: 'lets addresses, and not one security group, onto the ports of the HSM' }));
    const near = groupsTowardsHsm(deployed);
    const beside = deployed.of('AWS::Lambda::Function').filter((at) => groupsOf(at, deployed).some((group) => near.has(group)));
    return [...open, ...beside.map((at) => ({ at, what: 'is a function in a group that reaches the HSM' }))];
  },
};

function groupsTowardsHsm(deployed: Deployed): ReadonlySet<string | undefined> {
  const leading = deployed.of('AWS::EC2::SecurityGroupEgress').filter(({ resource }) => isForHsm(resource.Properties as IpRule));
  return new Set(leading.map(({ stack, resource }) => deployed.target(resource.Properties.GroupId, stack)));
}

const groupsOf = ({ stack, resource }: Place, { target }: Deployed): (string | undefined)[] =>
  ((resource.Properties.VpcConfig?.SecurityGroupIds ?? []) as unknown[]).map((group) => target(group, stack)).filter((group) => group !== undefined);
