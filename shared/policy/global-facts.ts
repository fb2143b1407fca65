/** The `aws:` condition keys. Reference: IAM User Guide, "AWS global condition context keys". */
import type { Tag } from '#shared/keys/key-record.ts';
import { isAccountRoot, isServicePrincipal } from './principal-names.ts';
import type { Fact, FactSource } from './request-facts.ts';

type Resolver = (source: FactSource) => Fact;

const principalType = (arn: string): string => {
  if (isAccountRoot(arn)) return 'Account';
  if (arn.includes(':assumed-role/')) return 'AssumedRole';
  if (arn.includes(':federated-user/')) return 'FederatedUser';
  return isServicePrincipal(arn) ? 'Service' : 'User';
};

/** Users only: the last part of user/division/name. */
const userName = (arn: string): string | undefined => /^arn:aws[a-z-]*:iam::[0-9]{12}:user\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1];

const tagsOf = (value: unknown): readonly Tag[] => (Array.isArray(value) ? (value as Tag[]) : []);
const tagKeysOf = ({ input }: FactSource): readonly string[] => (Array.isArray(input.TagKeys) ? (input.TagKeys as string[]) : tagsOf(input.Tags).map((tag) => tag.TagKey));

/** Plain IPv4 where a dual-stack socket gives the mapped form. */
const plainAddress = (address: string): string => (/^::ffff:[0-9.]+$/i.test(address) ? address.slice(7) : address);
const isAddress = (address: string): boolean => /^[0-9a-fA-F.:]+$/.test(address) && /[.:]/.test(address);

const resolvers = new Map<string, Resolver>(
  Object.entries({
    'aws:principalarn': ({ caller }) => principalArn(caller.principalArn),
    'aws:principalaccount': ({ caller }) => caller.account,
    'aws:principaltype': ({ caller }) => principalType(caller.principalArn),
    'aws:principalisawsservice': ({ caller }) => String(isServicePrincipal(caller.principalArn)),
    'aws:principalorgid': ({ caller }) => caller.organizationId,
    'aws:principalorgpaths': ({ caller }) => caller.organizationPaths,
    'aws:principalservicename': ({ caller }) => (isServicePrincipal(caller.principalArn) ? caller.principalArn : undefined),
    'aws:userid': ({ caller }) => caller.principalId,
    'aws:username': ({ caller }) => userName(caller.principalArn),
    'aws:sourceip': ({ sourceIp }) => (isAddress(sourceIp) ? plainAddress(sourceIp) : undefined),
    'aws:sourcevpc': ({ caller }) => caller.sourceVpc,
    'aws:sourcevpce': ({ caller }) => caller.sourceVpce,
    'aws:vpcsourceip': ({ caller }) => caller.vpcSourceIp,
    'aws:sourcearn': ({ caller }) => caller.sourceArn,
    'aws:sourceaccount': ({ caller }) => caller.sourceArn?.split(':')[4],
    'aws:securetransport': ({ caller }) => String(caller.secureTransport === true),
    'aws:viaawsservice': ({ caller }) => String(caller.viaService !== undefined),
    'aws:calledvia': ({ caller }) => (caller.viaService === undefined ? undefined : [caller.viaService]),
    'aws:useragent': ({ userAgent }) => userAgent,
    // What ReplicateKey does beside the primary key, and what UpdatePrimaryRegion does to the new one, happens in another Region.
    'aws:requestedregion': ({ caller, operation, role, input, key }) =>
      operation === 'ReplicateKey' && role === undefined ? String(input.ReplicaRegion) : (key?.record.region ?? caller.region),
    'aws:resourceaccount': ({ key }) => key?.record.account,
    'aws:currenttime': ({ now }) => new Date(now).toISOString(),
    'aws:epochtime': ({ now }) => String(Math.floor(now / 1000)),
    'aws:tagkeys': tagKeysOf,
  } satisfies Record<string, Resolver>),
);

/** For a session AWS gives the ARN of its role here, so that one condition covers all its sessions. */
const principalArn = (arn: string): string => arn.replace(/^arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role\/([^/]+)\/.+$/, 'arn:$1:iam::$2:role/$3');

const tagValue = (tags: readonly Tag[], wanted: string): Fact => single(tags.filter((tag) => tag.TagKey.toLowerCase() === wanted).map((tag) => tag.TagValue));

/** Names that differ in case only are one condition key with several values. */
export const single = (values: readonly string[]): Fact => (values.length === 0 ? undefined : values.length === 1 ? values[0] : values);

export function globalFacts(key: string, source: FactSource): Fact {
  const resolver = resolvers.get(key);
  if (resolver !== undefined) return resolver(source);
  const slash = key.indexOf('/');
  if (slash < 0) return undefined;
  const name = key.slice(slash + 1);
  switch (key.slice(0, slash)) {
    case 'aws:resourcetag':
      return tagValue(source.key?.record.tags ?? [], name);
    case 'aws:requesttag':
      return tagValue(tagsOf(source.input.Tags), name);
    case 'aws:principaltag':
      return single(Object.entries(source.caller.principalTags ?? {}).flatMap(([tag, value]) => (tag.toLowerCase() === name ? [value] : [])));
    default:
      return undefined;
  }
}
