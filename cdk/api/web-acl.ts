/** The web ACL of the stage: AWS's managed rules, a limit per address, bounds on what is not the body. Bodies are checked by the functions, member by member. */
import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';

export interface WebAclProps {
  readonly deployment: string;
  readonly requestsPerAddress: number;
  readonly logRetention: RetentionDays;
  readonly logKey: IKey;
  /** The stage as WAF names it. */
  readonly stageArn: string;
}

/** They read bodies and take base64 text and key policies for attacks. Counted, not blocked. */
const countedRules = ['SizeRestrictions_BODY', 'GenericLFI_BODY', 'GenericRFI_BODY', 'CrossSiteScripting_BODY', 'EC2MetaDataSSRF_BODY'];

const queryBytesMax = 8192;
const pathBytesMax = 2048;

export class WebAcl extends Construct {
  constructor(scope: Construct, id: string, { deployment, requestsPerAddress, logRetention, logKey, stageArn }: WebAclProps) {
    super(scope, id);
    const acl = new CfnWebACL(this, 'Acl', {
      scope: 'REGIONAL',
      description: 'In front of the API of Chatelaine.',
      defaultAction: { allow: {} },
      visibilityConfig: visibility('web-acl'),
      rules: [
        managed(0, 'AWSManagedRulesAmazonIpReputationList'),
        managed(1, 'AWSManagedRulesKnownBadInputsRuleSet'),
        managed(2, 'AWSManagedRulesCommonRuleSet', countedRules),
        { ...blocking(3, 'requests-per-address'), statement: { rateBasedStatement: { aggregateKeyType: 'IP', limit: requestsPerAddress, evaluationWindowSec: 300 } } },
        { ...blocking(4, 'long-query'), statement: longer({ queryString: {} }, queryBytesMax) },
        { ...blocking(5, 'long-path'), statement: longer({ uriPath: {} }, pathBytesMax) },
      ],
    });
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stageArn, webAclArn: acl.attrArn });
    // WAF writes only into groups whose names start so.
    const logGroupName = `aws-waf-logs-${deployment}`;
    const logs = new LogGroup(this, 'Logs', { logGroupName, retention: logRetention, encryptionKey: logKey, removalPolicy: RemovalPolicy.DESTROY });
    const logging = new CfnLoggingConfiguration(this, 'Logging', {
      resourceArn: acl.attrArn,
      logDestinationConfigs: [Stack.of(this).formatArn({ service: 'logs', resource: 'log-group', resourceName: logGroupName, arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      redactedFields: [{ singleHeader: { Name: 'authorization' } }, { singleHeader: { Name: 'x-amz-security-token' } }, { queryString: {} }],
    });
    logging.node.addDependency(logs);
  }
}

const visibility = (metricName: string) => ({ cloudWatchMetricsEnabled: true, metricName, sampledRequestsEnabled: false });

const blocking = (priority: number, name: string) => ({ name, priority, action: { block: {} }, visibilityConfig: visibility(name) });

const longer = (fieldToMatch: CfnWebACL.FieldToMatchProperty, size: number): CfnWebACL.StatementProperty => ({
  sizeConstraintStatement: { fieldToMatch, comparisonOperator: 'GT', size, textTransformations: [{ priority: 0, type: 'NONE' }] },
});

const managed = (priority: number, name: string, counted: readonly string[] = []): CfnWebACL.RuleProperty => ({
  name,
  priority,
  overrideAction: { none: {} },
  visibilityConfig: visibility(name),
  statement: {
    managedRuleGroupStatement: { vendorName: 'AWS', name, ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })) },
  },
});
