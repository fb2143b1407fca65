import { faults, type Rule } from './rule.ts';

export const webAclIsInFront: Rule = {
  name: 'web-acl-is-in-front',
  because: 'Without a web ACL an address may spend what the throttles give to all callers together.',
  check: ({ config, of }) =>
    config.profile === 'production' && of('AWS::WAFv2::WebACLAssociation').length === 0 ? faults(of('AWS::ApiGateway::Stage'), 'has no web ACL in front', () => true) : [],
};
